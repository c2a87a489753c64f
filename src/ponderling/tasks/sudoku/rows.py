"""Rows of a drawn Sudoku: the cells of a line, with bars, commas or spaces between them; and the lines of its frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from ponderling.tasks.sudoku.alphabets import SYMBOLS, are_candidates

BARS = "|│┃║¦"
"""What may stand between two cells, besides a space, a comma or a semicolon."""

FRAMES = BARS + "+-─┼"
"""What is passed over in a text that is not in rows."""

BETWEEN = re.compile(rf"[\s,;{BARS}]+")
_FRAME = re.compile(r"[\s*+:.'`=_~|│┃║¦\u2500-\u257f-]*")
_CORNER = re.compile(r"[+*:.'`=~\u2500-\u257f]|-\s*[|│┃║¦]|[|│┃║¦]\s*-")
_EACH = re.compile(r"(?:\+[=_~])+\+")  # a rule between cells of one character
_RULE = re.compile(r"-{2,}|={2,}|_{2,}|~{2,}|[\u2500\u2501\u2550]|-\s-")


def is_plain_line(line: str, side: int) -> bool:
    """Whether a line is a whole puzzle in our symbols, with points or zeros for blanks: files of millions have these alone.

    It is no row, no frame, no title and no comment, and nothing is in it that has to be taken away.
    """
    return len(line) == side * side > side and _plain_cells(side).issuperset(line)


@cache
def _plain_cells(side: int) -> frozenset[str]:
    return frozenset(".0" + SYMBOLS[:side])


def may_be_nothing(line: str) -> bool:
    """Whether a line may be no row: it is empty, a bar alone, or part of a drawn frame."""
    return not line.strip() or line.strip() in BARS or is_frame(line)


def is_frame(line: str) -> bool:
    """Whether a line is part of a drawn frame: rules and corners, and no cell."""
    if not line.strip() or not _FRAME.fullmatch(line):
        return False
    return bool(_RULE.search(line) or (_CORNER.search(line) and "-" in line) or _EACH.fullmatch(line.strip()))


def may_be_cells(cells: Sequence[str], side: int) -> bool:
    """Whether these may each be a cell: a sign, a number of two digits, or the candidates of a cell up to 9x9."""
    return max(map(len, cells)) <= 2 or are_candidates(cells, side)


def row_of(line: str, side: int) -> list[str] | None:
    """The cells of a line that is a row of a drawn puzzle; None where it is none."""
    for cells in parted(line):
        if len(cells) == side and may_be_cells(cells, side):
            return cells
    return _between_bars(line, side) or (list(line) if len(line) == side else None)


def _between_bars(line: str, side: int) -> list[str] | None:
    """The cells of a row with bars in it, where spaces are blanks; those at its end may be cut off."""
    for text in (line, line.strip().strip(BARS)):
        groups = re.split(f"[{BARS}]", text)
        if len(groups) < 2 or side % len(groups):
            continue
        width = side // len(groups)
        for starts, step, whole in (
            ((0, 0), 1, (width, width)),
            ((1, 1), 2, (2 * width + 1, 2 * width + 1)),
            ((0, 0), 2, (2 * width - 1, 2 * width - 1)),
            ((0, 1), 2, (2 * width, 2 * width + 1)),  # no gap at the beginning
        ):
            wanted = [whole[0], *[whole[1]] * (len(groups) - 1)]
            if text is line and len(groups[-1]) < wanted[-1]:
                groups[-1] = groups[-1].ljust(wanted[-1])
            if list(map(len, groups)) == wanted:
                cells = "".join(group[starts[i > 0] :: step][:width] for i, group in enumerate(groups))
                if "".join(cells.split()) == "".join("".join(groups).split()):  # else a sign is between two cells
                    return list(cells)
    return None


def parted(line: str) -> Iterator[list[str]]:
    """The cells of a line in which something stands between some of them: as fields, as words, then as characters."""
    for mark in ",;\t":
        if mark in line:
            yield [field.strip().strip(BARS).strip() or "." for field in line.split(mark)]
    words = [word for word in BETWEEN.split(line) if word]
    yield words
    yield list("".join(words))
