"""What the readers of other programs' mazes share: the maze that was read, characters, blocks of lines, the ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ponderling.tasks.base import PuzzleError

OURS = "# SGo"
"""A wall, a free cell, the start, the goal and a cell of the path: the cells of `cells.WALL` and on."""
KNOWN = OURS + "EX+"
"""Our characters and those that `Maze.aliases` reads: mazes of these alone are drawn."""

WALLS, FREES, PATHS = "#█▓▒■⬛@%🟫🧱", " .·_□⬜", "o*•+🟨"
STARTS, GOALS = "SsA🟩🟢", "GgEeBFX🟥🔴🏁"
"""Characters of other programs. Goals in this order: an X is a mark of a path where there is another goal."""

OTHERS = WALLS + FREES + PATHS + STARTS + GOALS + "PT░>"
"""Characters of other programs of every kind, and some whose meaning depends on the others: see `characters`."""

NUMBER = r"-?\d{1,3}(?:\.\d{0,30}(?:e[+-]\d\d)?)?"
"""A number, also as numpy writes an array of floats."""
NUMBERS = re.compile(rf"[\s\[(]*{NUMBER}(?:[\s,;\t]+{NUMBER})+[\s,;\])]*")
"""A row of numbers."""
DIGITS = re.compile(r"[0-5]{2,}")
"""A row of digits side by side."""


class Written(NamedTuple):
    """A maze that was read."""

    number: int
    """The line that it begins in, or its place among several of one JSON value, from 1."""
    rows: tuple[str, ...]
    """Rows of one length, in our characters."""
    form: str
    """What it was taken for, in words."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.rows[0])


class Block(NamedTuple):
    """Lines that follow one another."""

    number: int
    """The first line's, from 1."""
    lines: list[str]
    """The lines, without what ends them."""


def blocks(lines: Iterable[str], *, may_be_blank: bool = False) -> Iterator[Block]:
    """Lines that follow one another, without the empty ones between; lines of blanks may be rows of free cells."""
    block: list[str] = []
    number = 1
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\n")
        if line.strip() or (line and block and may_be_blank):
            block.append(line)
        elif block:
            yield Block(number - len(block), block)
            block = []
    if block:
        yield Block(number - len(block) + 1, block)


def fields(line: str) -> list[str]:
    """The numbers of a line."""
    return re.findall(NUMBER, line)


def check_width(rows: Sequence[Sequence[Any]]) -> None:
    """Refuses rows of different lengths.

    Raises:
        PuzzleError: with the first row that is not as long as the first.
    """
    widths = sorted(set(map(len, rows)))
    if len(widths) != 1 or not widths[0]:
        uneven = next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), 0)
        raise PuzzleError(f"row {uneven + 1} has {len(rows[uneven])} cells, row 1 has {len(rows[0])}")


def with_ends(
    number: int, rows: list[str], *, start: tuple[int, int] | None, goal: tuple[int, int] | None, form: str
) -> Written:
    """A maze with S and G in these cells, where they are given."""
    grid = [list(row) for row in rows]
    for name, place, mark in (("start", start, "S"), ("goal", goal, "G")):
        if place is None:
            continue
        row, column = place
        if not (0 <= row < len(grid) and 0 <= column < len(grid[0])):
            raise PuzzleError(
                f"the {name} {list(place)} (row and column, from 0) is outside {len(grid)}x{len(grid[0])}"
            )
        if grid[row][column] not in (" ", "o", mark):
            raise PuzzleError(
                f"the {name} {list(place)} (row and column, from 0) is not a free cell: {grid[row][column]}"
            )
        grid[row][column] = mark
    if start is not None or goal is not None:
        form += ", the ends by row and column from 0"
    return Written(number, tuple(map("".join, grid)), form)
