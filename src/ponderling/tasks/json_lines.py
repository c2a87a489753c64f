"""Files with a JSON value in each line, told by their name or by what they hold."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.opened import lines_of, suffix_of


def are_json_lines(path: Path) -> bool:
    """Whether a file ends in `.jsonl`, or in `.json` though it holds a list or an object in each line."""
    suffix = suffix_of(path)
    if suffix != ".json" or not path.is_file():
        return suffix == ".jsonl"
    return holds_json_lines(path)


def holds_json_lines(path: Path) -> bool:
    """Whether the first line of a file is a whole list or object, and the next begins as another does."""
    with contextlib.suppress(PuzzleError, JsonError):  # which is told where it is read
        lines = (line.strip() for line in lines_of(path, holds="JSON"))
        first, second = itertools.islice(itertools.chain(filter(None, lines), ("", "")), 2)
        return second.startswith(("{", "[")) and isinstance(parse_json(first), list | dict)
    return False
