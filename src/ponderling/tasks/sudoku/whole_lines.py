"""Lines that hold a whole Sudoku, perhaps with its answer, its name or more beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.alphabets import BLANKS, SYMBOLS, StrangeSymbols, alphabet_of, are_candidates
from ponderling.tasks.sudoku.rows import BARS, BETWEEN, is_plain_line, may_be_cells, parted

LONGEST = 4000
"""Most characters of a line that is looked at closely."""
FIELDS = re.compile(rf"[\s,;:{BARS}]+")


def whole_puzzle(line: str, side: int) -> tuple[Sequence[str], Sequence[str] | None] | None:
    """The cells of a line that holds a whole puzzle, and those of the answer beside it; None where it holds none."""
    if len(line) < side * side:
        return None
    if is_plain_line(line, side):
        return line, None
    if is_row_of_words(line, side):
        return None
    texts = [line.strip()] if _is_padded(line, side) else [line, line.strip()]
    plain = [] if is_drawn_row(line, side) else map(list, texts)
    for cells in (*plain, *parted(line)):
        if len(cells) == side * side and may_be_cells(cells, side):
            return cells, None
        if len(cells) == 2 * side * side and max(map(len, cells)) == 1 and not is_plain_line("".join(cells), side):
            return _with_answer("".join(cells[: side * side]), "".join(cells[side * side :]), side=side)
    return _joined_rows(line, side) or _among_fields(line, side)


def _joined_rows(line: str, side: int) -> tuple[str, None] | None:
    """The puzzle of a line in which one sign, or a sign for the end of a line, stands between rows."""
    for mark in ("/", "\\n", "-", "_"):
        rows = line.strip().strip("\"'").split(mark)
        if len(rows) == side and all(len(row) == side for row in rows):
            return "".join(rows), None
    return None


def is_drawn_row(line: str, side: int) -> bool:
    """Whether a line has bars, or is a row with spaces between cells, so that its characters are no cells.

    Such a row can be as long as a whole puzzle.
    """
    return not set(BARS).isdisjoint(line) or is_row_of_words(line, side)


def is_row_of_words(line: str, side: int) -> bool:
    """Whether a line has a sign for each cell of a row, or its candidates, with something between them."""
    words = [word for word in BETWEEN.split(line) if word]
    return len(words) == side and (max(map(len, words)) == 1 or are_candidates(words, side))


def _is_padded(line: str, side: int) -> bool:
    """Whether spaces at an end of a line are no cells, as they would be two rows.

    A puzzle with one solution has no two empty rows at an end: these could be exchanged.
    """
    return max(len(line) - len(line.lstrip(" ")), len(line) - len(line.rstrip(" "))) >= 2 * side


def _among_fields(line: str, side: int) -> tuple[str, str | None] | None:
    """The puzzle of a line that has more fields, such as a number, a name or a rating, and its answer if it is there."""
    found = _whole_fields(FIELDS.split(line.strip()), side)
    if not found and len(line) < LONGEST:  # an address, or a name before a sign of equality
        found = _whole_fields(re.split(r"[\s?&=#/]+", line), side)
    if len(found) == 2:
        return _with_answer(found[0], found[1], side=side)
    return (found[0], None) if len(found) == 1 else None


def _whole_fields(parts: Sequence[str], side: int) -> list[str]:
    fields = []
    for field in parts:
        cells = field.strip("\"'")
        if len(cells) != side * side:
            cells = cells.replace("+", "")  # HoDoKu's sign before a cell that was filled in
        if len(cells) == side * side and _has_alphabet(cells, side):
            fields.append(cells)
    return fields


def _with_answer(question: str, answer: str, *, side: int) -> tuple[str, str] | None:
    """A puzzle and its answer; None where the second is none."""
    has_clues = all(a == b or a not in SYMBOLS[:side] for a, b in zip(question, answer, strict=True))
    return (question, answer) if has_clues and set(answer).isdisjoint(BLANKS) else None


def _has_alphabet(cells: str, side: int) -> bool:
    try:
        alphabet_of(cells, side)
    except StrangeSymbols:
        return False
    except PuzzleError:  # which asks, in reading, what is meant
        return True
    return True
