"""An ARC task amid sentences, as prompts for language models give it: `Input:` or `Output:` before each grid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ponderling.tasks.json_text import JsonError, parse_json

_HEAD = re.compile(
    r"(?:[\w#*-]+[ .:]+){0,4}?[#*]*(?P<part>input|output)(?: grid)?(?: \d+)?[*]*:[*]*(?P<row>.*)", re.IGNORECASE
)
_ROW = re.compile(r"[\[(]*\d(?:[\s,;|]*\d)*[\])]*,?")
LONGEST = 1000
"""Most characters of a line that names a grid, or is a row."""

Cells = list[list[int]]


def is_prompt(lines: Iterable[str]) -> bool:
    """Whether these lines of a text hold an input and its output, each below its name or beside it."""
    parts = [part for part, cells in _grids(lines) if cells]
    return parts[:2] == ["input", "output"]


def task_in(lines: Iterable[str]) -> dict[str, Any]:
    """The task of a text, as the value of ARC's JSON: inputs with an output are demonstrations, others test inputs."""
    pairs: list[dict[str, Cells]] = []
    for part, cells in _grids(lines):
        if part == "input" and cells:
            pairs.append({"input": cells})
        elif cells and pairs:
            pairs[-1].setdefault("output", cells)
    return {"train": [p for p in pairs if "output" in p], "test": [p for p in pairs if "output" not in p]}


def _grids(lines: Iterable[str]) -> Iterator[tuple[str, Cells]]:
    """Each named grid: whether it is an input or an output, and its cells; a grid ends with the first line that is no row."""
    part, cells = "", []
    for line in lines:
        text = line.strip()
        head = _HEAD.fullmatch(text) if len(text) <= LONGEST else None
        if head is not None:
            if part:
                yield part, cells
            part, cells, text = head["part"].lower(), [], head["row"].strip()
        rows = _rows(text) if part else []
        cells += rows
        if part and not rows and (cells or (text and "```" not in text)):
            yield part, cells
            part, cells = "", []
    if part:
        yield part, cells


def _rows(text: str) -> Cells:
    """The rows of a line: of numbers, of digits side by side, or of a list of lists; none of another line."""
    if text.startswith("[["):
        try:
            value = parse_json(text)
        except JsonError:
            return []
        return value if isinstance(value, list) and all(isinstance(row, list) for row in value) else []
    if len(text) > LONGEST or _ROW.fullmatch(text) is None:
        return []
    return [
        [
            int(number)
            for number in (
                re.findall(r"\d+", text) if re.search(r"[\s,]", text.rstrip(",")) else re.findall(r"\d", text)
            )
        ]
    ]
