"""Rows of a drawn Sudoku that only their neighbours explain, written anew as rows of nothing but cells.

Rows may have labels, as in `A 5 3 .` or `r1: 53.`; a heading may be above them; and spaces may be blanks although spaces also
stand between cells. `written` reads what comes out of here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.alphabets import SYMBOLS
from ponderling.tasks.sudoku.rows import BARS, BETWEEN, is_frame, may_be_nothing, row_of

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SIGN = rf"\s*[:)\]=]\s?|\.\s|(?=[{BARS}])|[\s,;]"
_LABEL = re.compile(
    rf"[\s{BARS}]*(?:(?:row\s*|r)(?P<row>\d{{1,2}})(?:{_SIGN}|)|(?:row\s+)?(?P<letter>[a-z])(?:{_SIGN}|)"
    rf"|(?P<number>\d{{1,2}})(?:{_SIGN}))",
    re.IGNORECASE,
)
"""A row's name, and the sign after it. A number that is alone needs one."""
_LONGEST_CELL = 40
"""Most characters of a line for each of its cells: a row is no longer."""


def plain_rows(lines: Iterable[str], side: int) -> Iterator[str]:
    """The lines of a text, with such rows written as plain ones. A heading becomes an empty line: lines keep their numbers.

    A line is given back as soon as it is certain what it is, which the last row of a puzzle makes it.

    Raises:
        PuzzleError: when it cannot be told which rows are a puzzle's.
    """
    block: list[str] = []
    number, rows = 1, 0  # of the first line of the block; of plain rows before it that may be the beginning of a puzzle
    for line in lines:
        block.append(line.rstrip("\n"))
        while block:
            is_plain = row_of(block[0], side) is not None
            settled = block[:1] if rows % side and is_plain else _settled(block, side, number=number)
            if not settled:
                break
            yield from settled
            if len(settled) > 1 or not (is_plain or may_be_nothing(block[0])):
                rows = 0
            elif is_plain:
                rows += 1
            del block[: len(settled)]
            number += len(settled)
    yield from block


def _settled(block: Sequence[str], side: int, *, number: int) -> Sequence[str]:
    """The first of these lines, or all, as they are to be read; none as long as the next line may explain them."""
    has_heading = _is_heading(block[0], side)
    places = [i for i, line in enumerate(block) if (i or not has_heading) and _is_row(line, block[0])]
    rows = [block[i] for i in places]
    are_plain = has_heading and all(row_of(row, side) for row in rows)
    are_labelled = bool(rows or has_heading) and _labels_fit([_label(row) for row in rows], side)
    are_spaced = bool(rows) and _are_spaced(rows, side) and not _may_be_title(rows[0], side)
    if len(block) > 4 * side or not (are_plain or are_labelled or are_spaced):
        return block[:1]
    if len(rows) < side:
        return []
    plain = _without_labels(rows, side) if are_labelled else None
    if plain is None and are_spaced:
        plain = _with_blanks(rows, side)
        if plain is not None and plain != rows:
            _check_gaps(block, places, number=number)
    if plain is None and are_plain and _is_no_row(block[0], rows, side=side):
        plain = rows
    if plain is None:
        return block[:1]
    found = dict(zip(places, plain, strict=True))
    return [found.get(i, "") for i in range(len(block))]


def _is_row(line: str, first: str) -> bool:
    """Whether a line of a block may be a row; one of spaces alone may be, where it is as long as the first line."""
    return not may_be_nothing(line) or (bool(line) and not line.strip() and len(line) == len(first))


# Headings and labels


@cache
def _headings(side: int) -> set[str]:
    """What the words of a heading may be, without what is between them."""
    numbers = [[str(first + i) for i in range(side)] for first in (0, 1)]
    letters = [*_LETTERS[:side]], [*_LETTERS.replace("I", "")[:side]]
    named = [f"C{name}" for name in numbers[1]]
    return {"".join(names) for names in (*numbers, *letters, named, [*SYMBOLS[:side]])}


def _is_heading(line: str, side: int) -> bool:
    """Whether a line has the names of the columns."""
    if len(line) > _LONGEST_CELL * side:
        return False
    words = [word for word in BETWEEN.split(line) if word.isalnum()]
    return len("".join(words)) >= side and "".join(words).upper() in _headings(side)


def _is_no_row(heading: str, rows: Sequence[str], *, side: int) -> bool:
    """Whether a heading above rows without labels cannot be the first row: it would contradict those below it."""
    names = row_of(heading, side)
    cells = [row_of(row, side) or [] for row in rows[: side - 1]]
    if names is None or any(len(row) != side for row in cells):
        return True
    if set(names).isdisjoint(SYMBOLS[:side]):
        return set(names).isdisjoint(cell for row in cells for cell in row)
    return any(row[j] == name for row in cells for j, name in enumerate(names))


def _label(row: str) -> str:
    found = _LABEL.match(row)
    return "" if found is None else (found["row"] or found["letter"] or found["number"]).upper()


def _labels_fit(labels: Sequence[str], side: int) -> bool:
    """Whether labels are the first names of rows, in order."""
    numbers = [[str(first + i) for i in range(side)] for first in (0, 1)]
    letters = [*_LETTERS[:side]], [*_LETTERS.replace("I", "")[:side]]
    return len(labels) <= side and any(list(labels) == names[: len(labels)] for names in (*numbers, *letters))


def _without_labels(rows: Sequence[str], side: int) -> list[str] | None:
    """The rows without their labels; None where these are cells, or where the rest are no rows."""
    if all(row_of(row, side) for row in rows):
        return None
    rests = [row[found.end() :] for row in rows if (found := _LABEL.match(row)) is not None]
    bare = [rest.lstrip(BARS) for rest in rests]
    variants = (rests, bare, [rest.removeprefix(" ") for rest in bare])
    for texts in variants:
        cells = [row_of(text, side) for text in texts]
        if all(cells):
            return [("" if max(map(len, row)) == 1 else " ").join(row) for row in cells if row]
    found = {tuple(plain) for texts in variants if (plain := _with_blanks(texts, side)) is not None}
    return list(found.pop()) if len(found) == 1 else None


# Spaces for blanks


def _are_spaced(rows: Sequence[str], side: int) -> bool:
    """Whether rows have symbols and spaces alone."""
    symbols = SYMBOLS[:side] if side < 10 else "0" + SYMBOLS[:side] + SYMBOLS[:side].lower()
    longest = min(4 * side, side * side)
    return " " in "".join(rows) and all(len(row) < longest and set(row) <= set(f"{symbols} ") for row in rows)


def _may_be_title(line: str, side: int) -> bool:
    """Whether a line may be a title or nothing: a number or two, or spaces, unless it is as wide as a row."""
    return len(line) not in (side, 2 * side - 1) if not line.strip() else len(line) < side and len(line.split()) < 3


def _with_blanks(rows: Sequence[str], side: int) -> list[str] | None:
    """The rows with each cell a character; None where the places of cells cannot be told."""
    if not _are_spaced(rows, side) or not "".join(rows).strip():
        return None
    if all(len(row.split()) == side for row in rows):
        return list(rows)
    for layouts in _layouts(rows, side):
        found = {tuple(cells) for places in layouts if (cells := _at(places, rows)) is not None}
        if found:
            return list(found.pop()) if len(found) == 1 else None
    return None


def _at(places: Sequence[int], rows: Sequence[str]) -> list[str] | None:
    """The characters at these places of each row; None where another place has one."""
    wide = [row.ljust(places[-1] + 1) for row in rows]
    cells = ["".join(row[place] for place in places) for row in wide]
    is_all = all(len(row.replace(" ", "")) == len(part.replace(" ", "")) for row, part in zip(rows, cells, strict=True))
    return cells if is_all else None


def _layouts(rows: Sequence[str], side: int) -> Iterator[list[list[int]]]:
    """Where the cells of rows may be: side by side or with a space between, and perhaps with more between the boxes.

    Rows of one length say where the last cell is. Editors cut off spaces at the ends of lines: then rows are no longer.
    """
    widths = [width for width in range(2, side) if side % width == 0]
    gaps = [(side, 0), *((width, gap) for width in widths for gap in (1, 2, 3))]
    known = [[step * i + gap * (i // width) for i in range(side)] for step in (1, 2) for width, gap in gaps]
    if len({len(row) for row in rows}) == 1:
        edged = [[edge + place for place in places] for places in known for edge in (0, 1)]
        yield [places for places in edged if places[-1] + 1 + places[0] == len(rows[0])]
    longest = max(len(row.rstrip()) for row in rows)
    yield [places for places in known if places[-1] + 1 >= longest]


def _check_gaps(block: Sequence[str], places: Sequence[int], *, number: int) -> None:
    """Refuses empty lines between rows where spaces are blanks, unless they part the rows evenly: a row may be empty, too.

    Raises:
        PuzzleError: naming the empty line.
    """
    ends = [
        j
        for j, place in enumerate(places[1:], 1)
        if any(not is_frame(line) for line in block[places[j - 1] + 1 : place])
    ]
    height = math.gcd(*ends, len(places))
    if ends and (height == 1 or len(ends) != len(places) // height - 1):
        empty = next(i for i in range(places[0], len(block)) if i not in places and not is_frame(block[i]))
        raise PuzzleError(
            f"line {number + empty}: expected rows with spaces for blanks without empty lines between them, or one below each "
            "row of boxes: got an empty line, which may be a row; write . for blanks"
        )
