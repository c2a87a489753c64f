"""Mazes of numbers: of grids in code, of the official data sets, of numpy's arrays; and of 0 and 1 with letters."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.paths import search
from ponderling.tasks.maze.written.forms import (
    DIGITS,
    GOALS,
    NUMBERS,
    OURS,
    STARTS,
    Written,
    blocks,
    check_width,
    fields,
    with_ends,
)
from ponderling.tasks.problems import shown


def read_numbers(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes with a number for each cell, and empty lines between them; digits may stand side by side."""
    for number, block in blocks(lines):
        try:
            values = [[float(cell) for cell in _numbers_of(i, line)] for i, line in enumerate(block, 1)]
            if any(not value.is_integer() for row in values for value in row):
                raise PuzzleError("a maze of numbers has whole numbers")
            grid = [[int(value) for value in row] for row in values]
            yield from_numbers(number, grid, start=None, goal=None)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def _numbers_of(row: int, line: str) -> Sequence[str]:
    """The numbers of a row, or its digits.

    Raises:
        PuzzleError: when something else is in it, which would be passed over.
    """
    if DIGITS.fullmatch(line.strip()):
        return line.strip()
    if not NUMBERS.fullmatch(line):
        raise PuzzleError(f"row {row} of a maze of numbers: expected numbers alone, got {shown(line.strip())}")
    return fields(line)


def from_numbers(
    number: int, grid: Sequence[Sequence[int]], *, start: tuple[int, int] | None, goal: tuple[int, int] | None
) -> Written:
    """A maze of numbers: the official tokens, or 1 for walls and 0 for free cells, or the other way round."""
    check_width(grid)
    counts = Counter(itertools.chain.from_iterable(grid))
    is_open = False
    if set(counts) <= {1, 2, 3, 4, 5} and counts[3] == counts[4] == 1 and counts[2]:
        meaning = dict(enumerate(OURS, 1))
        form = "the official numbers: 1 a wall, 2 free, 3 S, 4 G, 5 the path"
    elif set(counts) <= {0, 1, 2, 3, 4}:
        border = Counter([*grid[0], *grid[-1], *(cell for row in grid for cell in (row[0], row[-1]))])
        wall = 0 if border[0] and not border[1] else 1
        meaning = {wall: "#", 1 - wall: " ", 2: "S", 3: "G", 4: "o"}
        is_open = bool(border[0] and border[1])
        form = f"numbers: {wall} a wall{' (it is all round)' * (wall == 0)}, {1 - wall} free"
        if start is None and goal is None:
            if not counts[2] == counts[3] == 1:
                raise PuzzleError(
                    f"a maze of numbers has one 2 for S and one 3 for G: got {counts[2] or 'no'} 2 and "
                    f"{counts[3] or 'no'} 3; in JSON, start and goal may say where they are"
                )
            form += ", 2 S, 3 G" + ", 4 the path" * bool(counts[4])
    else:
        numbers = ", ".join(map(str, sorted(counts)[:8]))
        raise PuzzleError(
            "expected numbers of 0 free, 1 a wall, 2 S, 3 G and 4 the path, or the official 1 a wall, 2 free, 3 S, 4 G and "
            f"5 the path: got {numbers}"
        )
    rows = ["".join(meaning[cell] for cell in row) for row in grid]
    if not is_open:
        return with_ends(number, rows, start=start, goal=goal, form=form)
    return _in_doubt(number, rows, start=start, goal=goal, form=form)


def _in_doubt(
    number: int, rows: list[str], *, start: tuple[int, int] | None, goal: tuple[int, int] | None, form: str
) -> Written:
    """A maze whose border says nothing of its numbers: 1 is a wall, unless there is a way only if 0 is one.

    Raises:
        PuzzleError: in that case.
    """
    exchanged = [row.translate({ord("#"): " ", ord(" "): "#"}) for row in rows]
    try:
        found = with_ends(number, rows, start=start, goal=goal, form=form)
    except PuzzleError as error:
        found, refusal = None, error
    else:
        refusal = None
    try:
        other = with_ends(number, exchanged, start=start, goal=goal, form=form)
    except PuzzleError:
        other = None
    if other is not None and _has_way(other.rows) and (found is None or not _has_way(found.rows)):
        raise PuzzleError(
            "there is a way from S to G only if 0 is a wall, though 1 is one by default: write # for walls, or swap 0 and 1"
        )
    if refusal is not None:
        raise refusal
    assert found is not None
    return found


def _has_way(rows: Sequence[str]) -> bool:
    """Whether free cells join the first S and the first G; False where one of them is not there."""
    cells = np.array([*"".join(rows)])
    if not {"S", "G"} <= set(cells):
        return False
    parents, queue = np.empty(len(cells), np.int32), np.empty(len(cells), np.int32)
    start, goal = (int(np.argmax(cells == mark)) for mark in "SG")
    return search.briefly(cells != "#", len(rows[0]), start, goal, parents, queue) >= 0


def has_digits(lines: Sequence[str]) -> bool:
    """Whether each cell is 0, 1 or the letter of an end, with or without something between."""
    used = Counter("".join(lines))
    letters = [mark for mark in used if mark not in "01 ,;\t"]
    return bool(used["0"] and used["1"] and letters) and all(
        used[mark] == 1 and mark in STARTS + GOALS for mark in letters
    )


def read_digits_and_ends(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes of 0 and 1 with letters for S and G."""
    for number, block in blocks(lines):
        try:
            rows = [re.sub(r"[\s,;]", "", line) for line in block]
            check_width(rows)
            if strange := set("".join(rows)) - {"0", "1", *STARTS, *GOALS}:
                raise PuzzleError(f"expected 0, 1 and a letter each for S and G, got {shown(min(strange))}")
            starts = [mark for mark in STARTS if any(mark in row for row in rows)]
            goals = [mark for mark in GOALS if any(mark in row for row in rows)]
            if len(starts) != 1 or len(goals) != 1:
                raise PuzzleError(f"expected one letter for S and one for G, got {''.join([*starts, *goals])}")
            grid = [[{starts[0]: 2, goals[0]: 3}.get(cell) or int(cell) for cell in row] for row in rows]
            found = from_numbers(number, grid, start=None, goal=None)
            wall = next(
                (cell for row, made in zip(rows, found.rows) for cell, own in zip(row, made) if own == "#"), "1"
            )
            yield found._replace(
                form=f"drawn, with {wall} for a wall, {1 - int(wall)} free, {starts[0]} and {goals[0]} the ends"
            )
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def from_arrays(array: NDArray[Any]) -> Iterator[Written]:
    """The mazes of an array of numbers, (rows, columns) or (N, rows, columns).

    Raises:
        PuzzleError: when it is another array.
    """
    if array.ndim not in (2, 3) or array.dtype.kind not in "biuf" or not array.size:
        raise PuzzleError(
            f"expected an array of numbers of (rows, columns) or (mazes, rows, columns), got {array.dtype} {array.shape}"
        )
    for i, grid in enumerate(array.reshape(-1, *array.shape[-2:]), 1):
        if (grid != np.floor(grid)).any():
            raise PuzzleError(f"maze {i}: a maze of numbers has whole numbers")
        try:
            yield from_numbers(i, grid.astype(np.int64).tolist(), start=None, goal=None)
        except PuzzleError as error:
            raise PuzzleError(f"maze {i}: {error}") from error
