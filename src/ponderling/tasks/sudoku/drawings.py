"""Rows of a Sudoku that is drawn over several lines, checked to be of one puzzle, and its cells."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ponderling.tasks.problems import one_line
from ponderling.tasks.sudoku.alphabets import SYMBOLS
from ponderling.tasks.sudoku.decoded import LayoutError
from ponderling.tasks.sudoku.rows import BARS, BETWEEN, is_frame, may_be_nothing, row_of
from ponderling.tasks.sudoku.titles import has_words
from ponderling.tasks.text_files import MARKDOWN

Lines = Sequence[tuple[int, str]]
"""Lines with their numbers, from 1."""


def begins_with_title(rows: Lines, side: int) -> bool:
    """Whether the first of these rows is a title that is as long as a row, such as `Nightmare` or `Puzzle 12`.

    The empty heading of a table in Markdown is one, too.
    """
    first, *others = (line for _, line in rows_kept(rows, side))
    rules = [line for _, line in rows if is_frame(line)]
    if len(rules) == 1 and MARKDOWN.fullmatch(rules[0]) and not first.strip(f" {BARS}"):
        return True
    letters = {letter.upper() for letter in first if letter.isalpha()} - set(SYMBOLS[:side])
    below = "".join(others).upper()
    return (
        has_words(first)
        and len(letters) > 2
        and letters.isdisjoint(below)
        and not set(SYMBOLS[:side]).isdisjoint(below)
    )


def check_frame(lines: Lines, rows: Lines) -> None:
    """Refuses a drawing whose lines of a frame part its rows unevenly: a row is missing, or is of another puzzle.

    Raises:
        LayoutError: naming the first line of the frame within the drawing.
    """
    kept = {number for number, _ in rows}
    frame = [number for number, line in lines if number not in kept and is_frame(line)]
    if len(frame) == 1 and frame[0] == rows[0][0] + 1 and MARKDOWN.fullmatch(dict(lines)[frame[0]]):
        return  # a table, whose first row is its heading
    ends = {end: number for number in frame if 0 < (end := sum(one < number for one in kept)) < len(rows)}
    if len(ends) < len(rows) - 1 and math.gcd(*ends, len(rows)) == 1:
        raise LayoutError(
            f"line {next(iter(ends.values()))}: expected lines of the frame between all rows, or below each row of boxes: got "
            f"them below row {' and '.join(map(str, ends))} of {len(rows)}: which rows are missing, or too many?"
        )


def rows_kept(rows: Lines, side: int, *, at_end: bool = False) -> Lines:
    """The lines that are rows of cells. A line of dashes or of spaces may be a row of blanks.

    Dashes are where they stand for blanks in a row with symbols; or, at the end of a file, where a row is missing without them.
    Spaces are where they stand for blanks in a row with symbols.
    """
    plain = [row for row in rows if not may_be_nothing(row[1])]
    dashes = any(re.search(r"\w", line) and "-" in line for _, line in rows)
    if dashes or _has_spaces(rows, side) or (at_end and len(plain) < side):
        return [
            (number, line)
            for number, line in rows
            if not may_be_nothing(line) or (row_of(line, side) is not None and not set("+=") & set(line))
        ]
    return plain


def _has_spaces(rows: Lines, side: int) -> bool:
    """Whether spaces stand for blanks in a row with symbols."""
    return any(len(line) == side and " " in line and line.strip() for _, line in rows)


def cells_of_rows(rows: Lines, side: int) -> list[str]:
    """The cells of these rows, as they are written.

    Raises:
        LayoutError: naming the line that is no row, or differs from the others; or when there are too many rows, or too few.
    """
    cells: list[str] = []
    spaced = _has_spaces(rows, side)
    _check_alike(rows, side)
    is_cut = spaced and sum(line.endswith(" ") for _, line in rows) < 2  # editors cut off blanks at the ends of lines
    for number, line in rows:
        row = row_of(line.ljust(side) if is_cut else line, side)
        if row is None:
            raise LayoutError(not_a_row(number, line, side=side))
        cells += row
    if len(rows) != side:
        whole = f"expected {side} rows of {side} cells, or {side * side} cells in a line"
        hint = "; a row may be empty: write . for blanks" if spaced else ""
        raise LayoutError(f"line {rows[0][0]}: {whole}: got {len(rows)} rows{hint}")
    return cells


def _check_alike(rows: Lines, side: int) -> None:
    """Refuses rows that are not written alike: they may be of two puzzles.

    Raises:
        LayoutError: naming the first that differs.
    """
    marks, are_apart = zip(*(_between_cells(line, side) for _, line in rows), strict=True)
    known = next((apart for apart in are_apart if apart is not None), None)
    for (number, line), own, apart in zip(rows, marks, are_apart, strict=True):
        if own != marks[0] or apart not in (None, known):
            raise LayoutError(
                f"line {number}: expected a row written as those above it, got {one_line(line.strip(), 40)!r}: is it of "
                "another puzzle? Write all rows of a puzzle alike"
            )


def _between_cells(line: str, side: int) -> tuple[frozenset[str], bool | None]:
    """The marks in a line, and whether something is between all of its cells, or nothing; None where it is in between."""
    words = [word for word in BETWEEN.split(line) if word]
    marks = frozenset(line.rstrip().removesuffix(",").removesuffix(";")) & frozenset(f",;\t{BARS}")
    return marks, True if len(words) == side else False if list(map(len, words)) == [side] else None


def not_a_row(number: int, line: str, *, side: int) -> str:
    """What is said of a line that is no row and no puzzle."""
    count = len("".join(BETWEEN.split(line)))
    shown = one_line(line.strip(), 40)
    hint = "; write . for each blank" if count < side and re.search(r"\d\s+\d", line) else ""
    return f"line {number}: expected {side} cells, or {side * side} for a whole puzzle, got {count} in {shown!r}{hint}"
