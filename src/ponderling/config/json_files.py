"""JSON from a file that may come from anywhere: bounded, without repeated keys, with numbers that are numbers.

`reading.py` makes settings of it.
"""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ponderling.config.numbers import shown
from ponderling.tasks.json_keys import unique_keys

LARGEST = 32 * 2**20
"""Largest JSON file that is read, in bytes; the names of 900,000 rows of an official ARC checkpoint take 9 MB of it."""

MOST_VALUES = 500_000
"""Largest number of values, lists and objects in a JSON text. Python needs a second and 100 MB for this many."""


def read_bounded(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of a regular file.

    Raises:
        ValueError: when it is larger than `most` bytes, or a device, a pipe or a folder; the message does not name the file.
        OSError: when it is not there or cannot be read.
    """
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError("expected a regular file, got a folder, a pipe or a device")
    if facts.st_size > most:
        raise ValueError(f"expected at most {most:,} bytes, got {facts.st_size:,}")
    with path.open("rb") as file:
        return file.read(most)  # files of /proc have no size


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: on one line that names the place, when it is not JSON or not UTF-8, is nested too deeply, repeats a key,
            holds more than MOST_VALUES values, or a number that is NaN, infinite or beyond 64 bits.
    """
    marks = (",", "[", "{") if isinstance(data, str) else (b",", b"[", b"{")
    if sum(data.count(mark) for mark in marks) > MOST_VALUES:  # pyright: ignore[reportArgumentType]
        raise ValueError(f"expected at most {MOST_VALUES:,} values, got more")
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=unique_keys)
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8 text, byte {error.start + 1} is not") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    if (place := odd_number(value)) is not None:
        raise ValueError(f"{place[0]}: expected a finite number of at most 64 bits, got {shown(place[1])}")
    return value


def odd_number(value: Any) -> tuple[str, Any] | None:
    """The place of a number that no setting or figure can be, and the number; None when there is none."""
    names: list[str | int] = []
    within: list[Iterator[tuple[str | int, Any]]] = [iter([("", value)])]
    while within:
        item = next(within[-1], None)
        del names[len(within) - 1 :]
        if item is None:
            within.pop()
            continue
        name, value = item
        names.append(name)
        if isinstance(value, dict):
            within.append(iter(value.items()))
        elif isinstance(value, list):
            within.append(iter(enumerate(value)))
        elif _is_odd(value):
            return ".".join(str(name)[:60] for name in names[1:]) or "the text", value
    return None


def _is_odd(value: Any) -> bool:
    if not isinstance(value, int | float):
        return False
    return abs(value) > 2**64 if isinstance(value, int) else not math.isfinite(value)
