"""Mazes whose walls are lines between cells: of `+--+` and `|`, or of the lines of boxes such as `┌─┐`. Walls become cells."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.forms import GOALS, PATHS, STARTS, Written, blocks
from ponderling.tasks.problems import shown

_FRAME = re.compile(r"\+(?:[-=─━═ ]{1,7}\+)+")
_POSTS = re.compile(r"o(?:[-=─━═ ]{1,7}o)+")
"""The first line of a micromouse's maze, whose corners are posts."""
_BOX = re.compile(r"[\u2500-\u257f](?:[\u2500-\u257f ]*[\u2500-\u257f])")
_FLOORS = re.compile(r"\s?_[_ ]*")
_ACROSS, _UPRIGHT = "-=─━═╌┄┈╍┅┉", "|│┃║╎┆┊╏┇┋"
_MARKS = STARTS + GOALS + PATHS + ".x"
_SIDES = {"UP": "u", "DOWN": "d", "LEFT": "l", "RIGHT": "r", "VERTICAL": "ud", "HORIZONTAL": "lr"}
_LONGEST_STEP = 8


def is_lattice(lines: Sequence[str]) -> bool:
    """Whether lines begin as a maze of walls between cells does."""
    first = lines[0].strip()
    is_frame = any(form.fullmatch(first) for form in (_FRAME, _POSTS)) and not set(first).isdisjoint(_ACROSS)
    return is_frame or _BOX.fullmatch(first) is not None or _has_floors(lines)


def _has_floors(lines: Sequence[str]) -> bool:
    """Whether `_` is the wall below a cell, as in `|_ |`, and no letter has room in it."""
    return _FLOORS.fullmatch(lines[0]) is not None and all(set(line.strip()) <= set("|_ ") for line in lines[1:])


def read_lattices(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes whose walls are lines between cells; walls become cells of the maze.

    Raises:
        PuzzleError: naming the line that a maze begins in, and the reason.
    """
    for number, block in blocks(lines):
        try:
            yield _from_lattice(number, block)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def _from_lattice(number: int, lines: Sequence[str]) -> Written:
    if _has_floors(lines):
        raise PuzzleError(
            "a maze with _ for the wall below a cell has no room for S and G: write # for walls, or +--+ and | between cells"
        )
    indent = min(len(line) - len(line.lstrip(" ")) for line in lines)
    lines = [line[indent:].rstrip() for line in lines]
    width = max(map(len, lines))
    lines = [line.ljust(width) for line in lines]
    if _POSTS.fullmatch(lines[0].rstrip()):
        lines = [line.replace("o", "+") if y % 2 == 0 else line for y, line in enumerate(lines)]
    problems = []
    for step in _steps(lines):
        try:
            walls = _walls(lines, step)
            rows = _with_cells(lines, walls, step=step)
        except _WrongCell as error:
            if error.is_wide:
                raise
            problems.append(error)
        except PuzzleError as error:
            problems.append(error)
        else:
            return Written(number, _with_marks(rows), "drawn with lines for walls, which became cells")
    raise problems[0]


class _WrongCell(PuzzleError):
    """A cell has something else than a mark in its middle."""

    is_wide = False
    """Whether another cell has one there, so that cells are this wide: else a damaged drawing would be a larger maze."""


def _steps(lines: Sequence[str]) -> list[int]:
    """How far apart corners may be: as the first line says with +, or any distance that its length has room for.

    Raises:
        PuzzleError: when they are not equally far apart, or a row of walls is missing.
    """
    first, width = lines[0].rstrip(), len(lines[0])
    if "+" in first:
        apart = {len(part) + 1 for part in first.strip("+").split("+")}
        if len(apart) != 1:
            raise PuzzleError("the corners + of its first line are not equally far apart")
    else:
        apart = set(range(2, _LONGEST_STEP + 1))
    found = sorted((step for step in apart if width % step == 1), reverse=True)
    if not found or len(lines) % 2 == 0:
        known = f"{min(apart)} characters" if len(apart) == 1 else "so many characters"
        raise PuzzleError(
            f"expected corners every {known} and a line of walls above and below each row of cells: got {len(lines)} lines, "
            f"the first of {len(first)} characters"
        )
    even = [step for step in found if all(_is_wall(first[x + 1 : x + step]) for x in range(0, width - 1, step))]
    return even or found


def _walls(lines: Sequence[str], step: int) -> list[str]:
    """The walls of a maze with corners every `step` characters.

    Raises:
        PuzzleError: naming what is no wall, or no corner.
    """
    rows = []
    for y, line in enumerate(lines):
        inside = [_wall(part, y) for part in _parts(line, step)] if y % 2 == 0 else [" "] * (len(line) // step)
        edges = [(" " if mark == " " else "#") if y % 2 == 0 else _edge(mark, y) for mark in line[::step]]
        rows.append("".join(edge + cell for edge, cell in zip(edges, [*inside, ""], strict=True)))
    for y in range(0, len(lines), 2):
        for x, corner in enumerate(lines[y][::step]):
            _check_corner(corner, rows, y=y, x=2 * x)
    return rows


def _parts(line: str, step: int) -> list[str]:
    """What is between the corners of a line, or between the walls beside its cells."""
    return [line[x + 1 : x + step] for x in range(0, len(line) - 1, step)]


def _with_cells(lines: Sequence[str], walls: Sequence[str], *, step: int) -> list[str]:
    """The maze with what is in its cells.

    Raises:
        PuzzleError: naming what is no cell.
    """
    rows, problem, has_mark = [list(row) for row in walls], None, False
    for y in range(1, len(lines), 2):
        for x, part in enumerate(_parts(lines[y], step)):
            try:
                rows[y][2 * x + 1] = _cell(part, y, is_frame="+" in lines[0])
            except _WrongCell as error:
                problem = problem or error
            has_mark = has_mark or rows[y][2 * x + 1] != " "
    if problem is not None:
        problem.is_wide = has_mark
        raise problem
    return list(map("".join, rows))


def _check_corner(corner: str, rows: Sequence[str], *, y: int, x: int) -> None:
    """Refuses a corner that some wall beside it does not lead to."""
    if corner == "+":
        return
    around = {"u": (y - 1, x), "d": (y + 1, x), "l": (y, x - 1), "r": (y, x + 1)}
    walls = {
        side
        for side, (row, column) in around.items()
        if 0 <= row < len(rows) and 0 <= column < len(rows[0]) and rows[row][column] == "#"
    }
    if (corner != " " and not _sides(corner)) or not walls <= _sides(corner):
        raise PuzzleError(
            f"expected + or a sign for boxes in a corner of its line {y + 1}, to which each wall beside it leads: got "
            f"{shown(corner)}"
        )


@cache
def _sides(corner: str) -> frozenset[str]:
    """The sides to which a sign for boxes has a line."""
    words = unicodedata.name(corner, "").split()
    if words[:2] != ["BOX", "DRAWINGS"] or "DIAGONAL" in words:
        return frozenset()
    return frozenset("".join(_SIDES.get(word, "") for word in words))


def _is_wall(text: str) -> bool:
    """Whether a text between two corners is a wall, or blank."""
    wall = text.strip()
    return set(wall) <= set(_ACROSS) and text == wall.center(len(text))


def _wall(text: str, y: int) -> str:
    """The wall above a cell, or the way where it is missing."""
    if not _is_wall(text):
        raise PuzzleError(f"expected a wall of - between two corners in its line {y + 1}, got {shown(text)}")
    return "#" if text.strip() else " "


def _edge(mark: str, y: int) -> str:
    """The wall between two cells beside each other, or the way where it is missing."""
    if mark not in _UPRIGHT + " ":
        raise PuzzleError(f"expected | or a space between two cells in its line {y + 1}, got {shown(mark)}")
    return " " if mark == " " else "#"


def _cell(text: str, y: int, *, is_frame: bool) -> str:
    """A cell's mark, or a blank. Where corners have no +, only a mark in the middle tells a wide cell from narrow ones."""
    mark = text.strip()
    is_centred = len(text) < 3 or mark in text[(len(text) - 1) // 2 : len(text) // 2 + 1]
    if len(mark) > 1 or mark not in _MARKS or not (is_centred or is_frame):
        raise _WrongCell(
            f"expected S, G, a mark of the path or nothing in a cell of its line {y + 1}, got {shown(text)}"
        )
    return mark or " "


def _with_marks(rows: Sequence[str]) -> tuple[str, ...]:
    """The rows with our letters. An X is a mark of the path where there is another goal, or several of them."""
    counts = Counter("".join(rows))
    meaning = dict.fromkeys(PATHS + ".", "o") | dict.fromkeys(STARTS, "S") | dict.fromkeys(GOALS, "G")
    is_goal = counts["X"] + counts["x"] == 1 and not any(counts[mark] for mark in GOALS if mark != "X")
    meaning |= dict.fromkeys("Xx", "G" if is_goal else "o")
    return tuple("".join(meaning.get(cell, cell) for cell in row) for row in rows)
