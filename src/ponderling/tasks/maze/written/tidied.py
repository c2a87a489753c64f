"""Drawn mazes whose cells are apart, doubled or indented, as rows of one character for each cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.forms import GOALS, KNOWN, OTHERS, STARTS
from ponderling.tasks.maze.written.lines import SOLID, check_short
from ponderling.tasks.text_files import MARKDOWN

_FEWEST = 3
"""Rows, and cells of a row, from which on it can be told that something is between cells."""


def tidied(lines: Sequence[str]) -> tuple[list[str], str] | None:
    """The rows of such a drawing, and what they were; None for another, and for characters that no mazes have."""
    found = _indented(lines)
    rows, form = (list(lines), "") if found is None else (found, "indented")
    for change, name in (
        (_parted, "with signs between cells"),
        (_spaced, "with blanks between cells"),
        (_doubled, "two characters for each cell"),
    ):
        if (changed := change(rows)) is not None:
            rows, form = changed, name
            break
    known = set(KNOWN + OTHERS)
    return (rows, form) if form and set().union(*rows) <= known else None


def _indented(lines: Sequence[str]) -> list[str] | None:
    """The rows without the blanks before a wall on the left that has no gap, if most of the border above and below is walls."""
    indent = min((line[: len(line) - len(line.lstrip(" \t"))] for line in lines), key=len)
    rows = [line.removeprefix(indent) for line in lines]
    if not indent or len(rows) < _FEWEST or not all(row and row[0] in SOLID for row in rows):
        return None
    walls = [sum(row.count(mark) for mark in SOLID) for row in (rows[0], rows[-1])]
    return rows if 2 * min(walls) > max(map(len, rows)) else None


def _parted(lines: Sequence[str]) -> list[str] | None:
    """The rows without tabs or commas between cells, which may be in quotation marks; or those of a table in Markdown."""
    if len(lines) > _FEWEST and MARKDOWN.fullmatch(lines[1]):
        return _of_table([lines[0], *lines[2:]])
    for sign in "\t,":
        cells = [[cell.strip("\"'") for cell in line.split(sign)] for line in lines]
        is_even = len({len(row) for row in cells}) == 1 and len(cells[0]) >= _FEWEST
        if is_even and all(len(cell) <= 1 for row in cells for cell in row):
            return ["".join(cell or " " for cell in row) for row in cells]
    return None


def _of_table(lines: Sequence[str]) -> list[str] | None:
    """The rows of a table in Markdown, whose heading is the first or empty."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    rows = rows if any(rows[0]) else rows[1:]
    is_even = len({len(row) for row in rows}) == 1 and all(len(cell) <= 1 for row in rows for cell in row)
    return ["".join(cell or " " for cell in row) for row in rows] if is_even else None


def _spaced(lines: Sequence[str]) -> list[str] | None:
    """The rows without the blank after each cell. Where free cells are blanks too, the border shows that these are apart."""
    if len(lines) < _FEWEST or any(line[1::2].strip(" ") for line in lines):
        return None
    width = (max(map(len, (line.rstrip() for line in lines))) + 1) // 2
    rows = [line[::2].ljust(width)[:width] for line in lines]
    is_bordered = all(set(row) <= set(SOLID) for row in (rows[0], rows[-1]))
    return rows if width >= _FEWEST and (is_bordered or " " not in "".join(rows)) else None


def _doubled(lines: Sequence[str]) -> list[str] | None:
    """The rows where each character stands twice; S and the goal too, or a blank after them where walls are all round.

    Without a frame a small maze with a free cell to the right of each end would look like one of half its width.
    """
    try:
        check_short(lines)
    except PuzzleError:  # which is told where it is read
        return None
    width = max(map(len, lines))
    rows = [line.ljust(width) for line in lines]
    edges = {*rows[0], *rows[-1], *(row[i] for row in rows for i in (0, 1, -2, -1) if width > 1)}
    marks = set(STARTS + GOALS) if len(rows) >= _FEWEST and edges <= set(SOLID) else set()
    pairs = [(row[i], row[i + 1]) for row in rows for i in range(0, width - 1, 2)]
    if width % 2 or any(a != b and not (b == " " and a in marks) for a, b in pairs):
        return None
    counts = Counter("".join(row[::2] for row in rows))
    ends = [sum(counts[mark] for mark in marks) for marks in (STARTS, GOALS)]
    return [row[::2] for row in rows] if ends == [1, 1] else None
