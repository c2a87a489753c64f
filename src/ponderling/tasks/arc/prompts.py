"""An ARC task amid sentences, as prompts for language models give it: `Input:` or `Output:` before each grid."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_text import JsonError, parse_json

_HEAD = re.compile(
    r"(?:[\w#*-]+[ .:]+){0,4}?[#*]*(?P<part>input|output)(?: grid)?(?: \d+)?[*]*:[*]*(?P<row>.*)", re.IGNORECASE
)
_ROW = re.compile(r"[\[(]*\d(?:[\s,;|]*\d)*[\])]*,?")
LONGEST = 1000
"""Most characters of a line that names a grid, or is a row."""

Cells = list[list[int]]


class _Grid(NamedTuple):
    """A grid that a text names."""

    number: int
    """The line that names it, from 1."""
    part: str
    """`input` or `output`."""
    cells: Cells
    """Its rows; none where no row follows its name."""
    stray: int
    """The first line after it that holds more cells, or begins as a row does and is none, from 1; 0 if there is none."""


def is_prompt(lines: Iterable[str]) -> bool:
    """Whether these lines of a text hold an input and its output, each below its name or beside it."""
    return ("input", "output") in itertools.pairwise(grid.part for grid in _grids(lines) if grid.cells)


def task_in(lines: Iterable[str]) -> dict[str, Any]:
    """The task of a text, as the value of ARC's JSON: inputs with an output are demonstrations, others test inputs.

    Raises:
        PuzzleError: naming the line of a grid that cannot be read to its end, or has no partner.
    """
    pairs: list[dict[str, Cells]] = []
    for number, part, cells, stray in _grids(lines):
        if stray:
            raise PuzzleError(
                f"line {stray}: expected a row of whole numbers, or words after an empty line: the {part} of line {number} "
                "may go on here"
            )
        if part == "input":
            if not cells:
                raise PuzzleError(f"line {number}: expected rows of whole numbers below this input: got none")
            pairs.append({"input": cells})
        elif cells:
            if not pairs or "output" in pairs[-1]:
                raise PuzzleError(f"line {number}: expected an input before each output: got an output alone")
            pairs[-1]["output"] = cells
    return {"train": [p for p in pairs if "output" in p], "test": [p for p in pairs if "output" not in p]}


def _grids(lines: Iterable[str]) -> Iterator[_Grid]:
    """The grids that a text names; a grid ends with the first line that is no row."""
    grid: _Grid | None = None
    is_open = False
    for number, line in enumerate(lines, 1):
        text = line.strip()
        head = _HEAD.fullmatch(text) if len(text) <= LONGEST else None
        if head is not None:
            if grid is not None:
                yield grid
            grid, is_open, text = _Grid(number, head["part"].lower(), [], 0), True, head["row"].strip()
        if grid is None:
            continue
        rows = _rows(text)
        if is_open and rows:
            grid.cells.extend(rows)
        elif not grid.stray and (max(map(len, rows), default=0) > 1 or (is_open and grid.cells and text[:1].isdigit())):
            grid = grid._replace(stray=number)
        elif grid.cells or (text and "```" not in text):
            is_open = False
    if grid is not None:
        yield grid


def _rows(text: str) -> Cells:
    """The rows of a line: of numbers, of digits side by side, or of a list of lists; none of another line."""
    if text.startswith("[["):
        with contextlib.suppress(JsonError):  # it may be the first row of a list over several lines
            value = parse_json(text)
            if isinstance(value, list) and all(isinstance(row, list) for row in value):
                return value
    if len(text) > LONGEST or _ROW.fullmatch(text) is None:
        return []
    cells = re.findall(r"\d+", text)
    return [[int(cell) for cell in (cells[0] if len(cells) == 1 else cells)]]
