"""What a JSON document looks like, in words: for a refusal of one that nothing reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ponderling.tasks.problems import one_line, shown

_KEYS = 5
"""Keys that are named."""
_LONGEST = 30
"""Most characters of a key."""


def described(value: Any) -> str:
    """A JSON value by its kind, its size and its keys, such as `a list of 3 objects with the keys name, age`."""
    if isinstance(value, Mapping):
        return _object(value) + _inside(value)
    if not isinstance(value, list):
        return f"{'a text' if isinstance(value, str) else 'the value'} {shown(value)}"
    if not value:
        return "an empty list"
    shape = _shape(value)
    if shape is not None:
        return shape
    first = value[0]
    if all(isinstance(item, Mapping) for item in value):
        return f"a list of {_count(len(value), 'object')}, the first of which is {_object(first)}"
    kinds = {_plural(item) for item in value}
    return f"a list of {len(value):,} {kinds.pop() if len(kinds) == 1 else 'values of several kinds'}"


def _object(value: Mapping[str, Any]) -> str:
    keys = [one_line(str(key), _LONGEST) for key in list(value)[:_KEYS]]
    if not keys:
        return "an empty object"
    more = f" and {len(value) - _KEYS:,} more" if len(value) > _KEYS else ""
    return f"an object with the key{'s' * (len(value) > 1)} {', '.join(keys)}{more}"


def _inside(value: Mapping[str, Any]) -> str:
    """What the first list or object of an object holds."""
    name, part = next(
        ((name, part) for name, part in value.items() if isinstance(part, list | Mapping) and part), ("", 0)
    )
    if not part:
        return ""
    inner = _object(part) if isinstance(part, Mapping) else described(part) if not isinstance(part[0], Mapping) else ""
    inner = inner or f"a list of {_count(len(part), 'object')} like {_object(part[0])}"
    return f"; {one_line(str(name), _LONGEST)} is {inner}"


def _shape(value: list[Any]) -> str | None:
    """The size of lists of lists, as far as they are of one length; None for a list of other values."""
    if not all(isinstance(row, list) for row in value):
        return None
    widths = sorted(set(map(len, value)))
    if any(isinstance(cell, list | Mapping) for row in value for cell in row):
        return f"a list of {_count(len(value), 'list')} of lists" if widths else None
    if len(widths) == 1:
        return f"{len(value)} rows of {widths[0]} cells{_range(value)}"
    other = next(i for i, row in enumerate(value) if len(row) != len(value[0]))
    return (
        f"{len(value)} rows of {widths[0]} to {widths[-1]} cells: row {other + 1} has {len(value[other])}, "
        f"row 1 has {len(value[0])}"
    )


def _range(rows: list[list[Any]]) -> str:
    """The lowest and the highest number of cells that are all numbers."""
    cells = [cell for row in rows for cell in row]
    return f", numbers from {min(cells)} to {max(cells)}" if cells and all(type(cell) is int for cell in cells) else ""


def _plural(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "values true, false or null"
    return {str: "texts", list: "lists", dict: "objects"}.get(type(value), "numbers")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
