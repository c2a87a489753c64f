"""Rows of a drawn Sudoku that only their neighbours explain, written as rows of nothing but cells.

Rows may have labels, as in `A 5 3 .` or `r1: 53.`; a heading may be above them; and spaces may be blanks although spaces also
stand between cells. `written` reads what comes out of here.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.alphabets import SYMBOLS
from ponderling.tasks.sudoku.plain_signs import with_plain_signs
from ponderling.tasks.sudoku.rows import BARS, BETWEEN, is_frame, is_plain_line, may_be_nothing, row_of

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SIGN = rf"\s*[:)\]=]\s?|\.\s|(?=[{BARS}])|[\s,;]"
_LABEL = re.compile(
    rf"[\s{BARS}]*(?:(?:row\s*|r)(?P<row>\d{{1,2}})(?:{_SIGN}|)|(?:row\s+)?(?P<letter>[a-z])(?:{_SIGN}|)"
    rf"|(?P<number>\d{{1,2}})(?:{_SIGN}))",
    re.IGNORECASE,
)
"""A row's name, and the sign after it. A number that is alone needs one."""
_WORD = re.compile(r"[^\W\d_]{3}")  # a title, such as Puzzle 12, may be as long as a row
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
    certain = 0  # of these, those that are no frames
    has_names = False  # whether a puzzle with labels is above, below which a heading may be
    before = ""
    for line in lines:
        line = line.rstrip("\n")
        if not block and is_plain_line(line, side):
            rows, certain, has_names, before = 0, 0, False, ""
            number += 1
            yield line
            continue
        block.append(with_plain_signs(line))
        while block:
            if has_names and _is_heading(block[0], side) and (block[0][:1].isspace() or block[0][:1].isalpha()):
                block[0] = ""
            is_plain = row_of(block[0], side) is not None and not _WORD.search(block[0])
            if rows % side and is_plain:
                settled = _Settled(block[:1])
            else:
                settled = _settled(block, side, number=number, before=before)
            if not settled.lines:
                break
            count = len(settled.lines)
            if settled.is_puzzle and rows % side and certain % side:
                raise PuzzleError(
                    f"line {number}: expected row {rows % side + 1} of a puzzle, got the first row of another: which rows are "
                    "missing, or too many?"
                )
            yield from settled.lines
            has_names = settled.has_names or (has_names and count == 1 and is_frame(block[0]))
            if count > 1 or not (is_plain or may_be_nothing(block[0])):
                rows = certain = 0
            elif is_plain:
                rows += 1
                certain += not may_be_nothing(block[0])
            before = block[0] if count == 1 else ""
            del block[:count]
            number += count
    yield from block


class _Settled(NamedTuple):
    """Lines of which it is certain what they are."""

    lines: Sequence[str]
    """The lines as they are to be read; empty where the next line is needed to tell."""
    has_names: bool = False
    """Whether they had labels."""
    is_puzzle: bool = False
    """Whether they are the rows of a whole puzzle."""


def _settled(block: Sequence[str], side: int, *, number: int, before: str) -> _Settled:
    """The first of these lines, or all; none as long as the next line may explain them.

    Args:
        block: The lines.
        side: Rows and columns of a puzzle.
        number: The first line's.
        before: The line before it.

    Raises:
        PuzzleError: when an empty line or the line before may be a row.
    """
    has_heading = _is_heading(block[0], side)
    places = [i for i, line in enumerate(block) if (i or not has_heading) and _is_row(line, block[0])]
    rows = [block[i] for i in places]
    are_plain = has_heading and all(row_of(row, side) for row in rows)
    are_labelled = bool(rows or has_heading) and _labels_fit([_label(row) for row in rows], side)
    are_spaced = bool(rows) and _are_spaced(rows, side) and not _may_be_title(rows[0], side)
    if len(block) > 4 * side or not (are_plain or are_labelled or are_spaced):
        return _Settled(block[:1])
    if len(rows) < side:
        return _Settled([])
    plain = _without_labels(rows, side) if are_labelled else None
    has_names = plain is not None
    gap = _gap(block, places)
    if plain is None and are_spaced:
        plain = _with_blanks(rows, side)
        if plain is not None and plain != rows:
            _check_rows_alone(number=number, gap=gap, before=before)
    if plain is None and are_plain and gap is None and _is_no_row(block[0], rows, side=side):
        plain = rows
    if plain is None:
        return _Settled(block[:1])
    found = dict(zip(places, plain, strict=True))
    return _Settled([found.get(i, "") for i in range(len(block))], has_names, is_puzzle=True)


def _check_rows_alone(*, number: int, gap: int | None, before: str) -> None:
    """Refuses rows with spaces for blanks that may not be all: an empty line may be a row, and so may a title of numbers.

    Raises:
        PuzzleError: naming that line.
    """
    if gap is not None:
        raise PuzzleError(
            f"line {number + gap}: expected rows with spaces for blanks without empty lines between them, or one below each "
            "row of boxes: got an empty line, which may be a row; write . for blanks"
        )
    if re.fullmatch(r"\d{1,2}( \d{1,2})?", before.rstrip()):
        raise PuzzleError(
            f"line {number - 1}: {before.strip()} above rows with spaces for blanks may be a title or a row: write . for "
            "blanks, or an empty line below a title"
        )


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
    known = (*numbers, *letters, numbers[1][::-1])  # the last as on a chess board
    return len(labels) <= side and any(list(labels) == names[: len(labels)] for names in known)


def _without_labels(rows: Sequence[str], side: int) -> list[str] | None:
    """The rows without their labels; None where these are cells, or where the rest are no rows."""
    if all(row_of(row, side) for row in rows):
        return None
    rests = [row[found.end() :] for row in rows if (found := _LABEL.match(row)) is not None]
    ends = [rest.rstrip(f" {BARS}").rpartition(" ") for rest in rests]
    if all(name.upper() == _label(row) for (*_, name), row in zip(ends, rows, strict=True)):
        rests = [rest for rest, *_ in ends]  # the name is at both ends
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
    """Whether rows have symbols, spaces and tabs alone."""
    symbols = SYMBOLS[:side] if side < 10 else "0" + SYMBOLS[:side] + SYMBOLS[:side].lower()
    longest = min(4 * side, side * side)
    has_space = any(" " in row or "\t" in row for row in rows)
    return has_space and all(len(row) < longest and set(row) <= set(f"{symbols} \t") for row in rows)


def _may_be_title(line: str, side: int) -> bool:
    """Whether a line may be a title or nothing: one or two numbers, or spaces, unless it is as wide as a row."""
    if not line.strip():
        return len(line) not in (side, 2 * side - 1)
    return len(line) < side and len(line.split()) < 3 and line.rstrip() == " ".join(line.split())


def _with_blanks(rows: Sequence[str], side: int) -> list[str] | None:
    """The rows with each cell a character; None where the places of cells cannot be told."""
    if not _are_spaced(rows, side) or not "".join(rows).strip():
        return None
    if all(len(row.split()) == side for row in rows):
        return list(rows)
    if sum(row[-1:].isspace() for row in rows) > 1 and len({_extent(row) for row in rows}) > 1:
        return None  # no editor has cut off the ends of lines, and in one of them something is missing
    if any("\t" in row for row in rows):
        return _between_tabs(rows, side)
    for layouts in _layouts(rows, side):
        found = {tuple(cells) for places in layouts if (cells := _at(places, rows)) is not None}
        if found:
            return list(found.pop()) if len(found) == 1 else None
    return None


def _extent(row: str) -> int:
    """The number of a row's fields, where tabs part them; else of its characters."""
    return row.count("\t") or len(row)


def _between_tabs(rows: Sequence[str], side: int) -> list[str] | None:
    """The rows with each cell a character, where a tab is after each cell but the last; those at the end may be missing."""
    fields = [[field.strip() or "." for field in row.split("\t")] for row in rows]
    if max(map(len, fields)) != side or any(len(field) > 1 for row in fields for field in row):
        return None
    return ["".join(row).ljust(side, ".") for row in fields]


def _at(places: Sequence[int], rows: Sequence[str]) -> list[str] | None:
    """The characters at these places of each row; None where another place has one."""
    wide = [row.ljust(places[-1] + 1) for row in rows]
    cells = ["".join(row[place] for place in places) for row in wide]
    is_all = all(len(row.replace(" ", "")) == len(part.replace(" ", "")) for row, part in zip(rows, cells, strict=True))
    return [row.replace(" ", ".") for row in cells] if is_all else None


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


def _gap(block: Sequence[str], places: Sequence[int]) -> int | None:
    """The first empty line between rows, unless such lines part them evenly: None then. A row may be empty, too."""
    between = [range(first + 1, last) for first, last in itertools.pairwise(places)]
    gaps = [[i for i in part if not is_frame(block[i])] for part in between]
    ends = [i for i, gap in enumerate(gaps, 1) if gap]
    height = math.gcd(*ends, len(places))
    is_even = height > 1 and len(ends) == len(places) // height - 1
    return gaps[ends[0] - 1][0] if ends and not is_even else None
