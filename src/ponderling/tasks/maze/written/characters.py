"""Mazes of other characters, such as blocks, dots, A and B; and of lines for walls, `+--+` and `|`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.forms import FREES, GOALS, OURS, PATHS, STARTS, WALLS, Written, blocks
from ponderling.tasks.maze.written.lines import even
from ponderling.tasks.problems import shown

FRAME = re.compile(r"\+(?:[-=─━ ]{1,7}\+)+")
"""The upper line of a maze whose walls are lines."""


def read_characters(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes of other characters, with empty lines between them."""
    for number, block in blocks(lines, may_be_blank=True):
        try:
            yield from_characters(number, block)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def from_characters(number: int, lines: Sequence[str]) -> Written:
    """A maze of the characters above; blanks at the ends of lines may be missing."""
    lines = even(lines)
    width = max(map(len, lines))
    rows = [line.ljust(width) for line in lines]
    used = set("".join(rows))
    if used & set("█▓▒■") and width % 2 == 0 and all(_is_double(row) for row in rows):
        rows = ["".join(sorted(row[i : i + 2])[-1] for i in range(0, width, 2)) for row in rows]
        used, width = set("".join(rows)), width // 2
    counts = Counter("".join(rows))
    meaning = dict.fromkeys(WALLS, "#") | dict.fromkeys(FREES, " ") | dict.fromkeys(PATHS, "o")
    meaning |= dict.fromkeys(STARTS, "S")
    goal = next((mark for mark in GOALS if counts[mark]), "T" if counts["T"] == 1 else "")
    meaning |= dict.fromkeys("X", "o") | ({goal: "G"} if goal else {})
    if not used & set(WALLS) and counts["X"] + counts["x"] > 1:
        meaning |= dict.fromkeys("Xx", "#")
    if "." in used and " " in used:
        meaning["."] = "o"  # crumbs of a path; whether they are one is checked where it is read as an answer
    if "P" in used and not used & set(STARTS):
        meaning["P"] = "S"
    strange = sorted(used - meaning.keys())
    if strange:
        raise PuzzleError(f"{shown(strange[0])} is neither a wall, nor free, nor S, G or a path in such a maze")
    said = [f"{shown(mark)} for {name}" for mark, name in _legend(used, meaning)]
    form = f"drawn, with {', '.join(said)}" if said else "drawn"
    return Written(number, tuple("".join(map(meaning.__getitem__, row)) for row in rows), form)


def _is_double(row: str) -> bool:
    pairs = [row[i : i + 2] for i in range(0, len(row), 2)]
    return all(pair[0] == pair[1] or (" " in pair and pair.strip() in {*STARTS, *GOALS}) for pair in pairs)


def _legend(used: set[str], meaning: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    names = {"#": "a wall", " ": "a free cell", "S": "S", "G": "G", "o": "the path"}
    for mark in sorted(used, key=lambda mark: (OURS.index(meaning[mark]), mark)):
        if mark != meaning[mark]:
            yield mark, names[meaning[mark]]


def read_frames(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes whose walls are lines between cells, `+--+` above and `|` beside; walls become cells of the maze."""
    for number, block in blocks(lines):
        try:
            yield _from_frame(number, block)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def _from_frame(number: int, lines: Sequence[str]) -> Written:
    steps = {len(part) for part in re.findall(r"[-=─━ ]+", lines[0].strip())}
    if len(steps) != 1:
        raise PuzzleError("the corners + of its first line are not equally far apart")
    step = 1 + steps.pop()
    width = len(lines[0].rstrip())
    if width % step != 1 or len(lines) % 2 == 0:
        raise PuzzleError(
            f"expected corners + every {step} characters and a line of walls above and below each row of cells: got "
            f"{len(lines)} lines, the first of {width} characters"
        )
    columns = width // step
    for line in lines[::2]:
        if len(line.rstrip()) != width or set(line[::step]) != {"+"}:
            raise PuzzleError(
                f"expected a line of corners + every {step} characters, as long as the first, got {shown(line)}"
            )
    rows = []
    for y, line in enumerate(lines):
        line = line.ljust(width)
        row = []
        for x in range(columns):
            edge, inside = line[x * step], line[x * step + 1 : (x + 1) * step]
            row += [_edge(edge, is_corner=y % 2 == 0), _inside(inside, y, is_wall_row=y % 2 == 0)]
        rows.append("".join([*row, _edge(line[columns * step], is_corner=y % 2 == 0)]))
    return Written(number, tuple(rows), "drawn with lines for walls, which became cells")


def _edge(character: str, *, is_corner: bool) -> str:
    if is_corner or character in "|│┃":
        return "#"
    if character != " ":
        raise PuzzleError(f"expected | or a space between two cells, got {shown(character)}")
    return " "


def _inside(text: str, line: int, *, is_wall_row: bool) -> str:
    """One cell, or the wall above it."""
    mark = text.strip()
    if is_wall_row:
        if mark and not set(mark) <= set("-=─━"):
            raise PuzzleError(f"expected a wall of - between two corners in its line {line + 1}, got {shown(text)}")
        return "#" if mark else " "
    if len(mark) > 1 or (mark and mark not in STARTS + GOALS + PATHS + "."):
        raise PuzzleError(
            f"expected S, G, a mark of the path or nothing in a cell of its line {line + 1}, got {shown(text)}"
        )
    if not mark:
        return " "
    return "S" if mark in STARTS else "G" if mark in GOALS and mark != "X" else "o"
