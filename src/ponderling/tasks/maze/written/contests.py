"""Mazes as programming contests give them: rows and columns, the cells of start and goal, then rows of `#` and `.`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.forms import Written

_PAIR = re.compile(r"\s*(\d{1,4})[ ,]+(\d{1,4})\s*")
_ROW = re.compile(r"[#.]+")
_HEAD = 3
"""Lines before the rows: the size, the start and the goal."""

Place = tuple[int, int]


def is_contest(lines: Sequence[str]) -> bool:
    """Whether lines begin as such a maze does: three pairs of numbers, and as many rows and columns as the first says."""
    lines = [line for line in lines if line.strip()]
    pairs = [_PAIR.fullmatch(line.rstrip("\n")) for line in lines[:_HEAD]]
    if len(lines) <= _HEAD or not all(pairs):
        return False
    row = lines[_HEAD].strip()
    return _ROW.fullmatch(row) is not None and pairs[0] is not None and len(row) == int(pairs[0][2])


def read_contests(lines: Iterable[str]) -> Iterator[Written]:
    """Such mazes, one after the other; contests count rows and columns from 1.

    Raises:
        PuzzleError: naming the line that a maze begins in, and the reason.
    """
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    while numbered:
        number, head = numbered[0][0], [_PAIR.fullmatch(line) for _, line in numbered[:_HEAD]]
        try:
            places = [(int(pair[1]), int(pair[2])) for pair in head if pair is not None]
            if len(places) < _HEAD:
                raise PuzzleError("expected three lines of two numbers: the size, the start and the goal")
            (rows, columns), start, goal = places
            drawn = [line for _, line in numbered[_HEAD : _HEAD + rows]]
            if len(drawn) < rows or any(len(line) != columns or not _ROW.fullmatch(line) for line in drawn):
                raise PuzzleError(f"expected {rows} rows of {columns} characters, # for walls and . for free cells")
            yield _with_ends(number, drawn, start=start, goal=goal)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error
        numbered = numbered[_HEAD + rows :]


def _with_ends(number: int, rows: Sequence[str], *, start: Place, goal: Place) -> Written:
    """The maze with S and G, counted from 1 where that gives free cells, or else from 0."""
    for first in (1, 0):
        places = [(row - first, column - first) for row, column in (start, goal)]
        if all(_is_free(rows, place) for place in places) and start != goal:
            grid = [list(row.replace(".", " ")) for row in rows]
            for (row, column), mark in zip(places, "SG", strict=True):
                grid[row][column] = mark
            form = f"with the size and both ends before it, by row and column from {first}"
            return Written(number, tuple(map("".join, grid)), form)
    raise PuzzleError(
        f"start {list(start)} and goal {list(goal)} are not two free cells of its {len(rows)} rows and {len(rows[0])} columns, "
        "neither counted from 1 nor from 0"
    )


def _is_free(rows: Sequence[str], place: Place) -> bool:
    row, column = place
    return 0 <= row < len(rows) and 0 <= column < len(rows[0]) and rows[row][column] == "."
