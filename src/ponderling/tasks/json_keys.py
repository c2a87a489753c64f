"""Reading JSON objects in which no key may occur twice."""

from __future__ import annotations

from collections import Counter
from typing import Any


class RepeatedKeyError(ValueError):
    """A key that occurs twice in a JSON object, where usual readers would silently take the last."""


def unique_keys(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """The `object_pairs_hook` of `json.loads` that refuses keys that occur twice.

    Raises:
        RepeatedKeyError: naming the first three.
    """
    found = dict(items)
    if len(found) < len(items):
        counts = Counter(name for name, _ in items)
        repeated = sorted(name[:60] for name, count in counts.items() if count > 1)
        raise RepeatedKeyError(f"{', '.join(map(repr, repeated[:3]))} stands there more than once")
    return found
