"""Lines of a text, read into the Sudokus that they hold."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.alphabets import BLANKS, are_candidates
from ponderling.tasks.sudoku.decoded import LayoutError, Written, answered, decoded, is_answer
from ponderling.tasks.sudoku.drawings import Lines, begins_with_title, cells_of_rows, check_frame, not_a_row, rows_kept
from ponderling.tasks.sudoku.plain_rows import plain_rows
from ponderling.tasks.sudoku.plain_signs import has_other_digits
from ponderling.tasks.sudoku.rows import FRAMES, is_plain_line, may_be_nothing, row_of
from ponderling.tasks.sudoku.source_lines import without_signs
from ponderling.tasks.sudoku.titles import NO_PUZZLE, SECTION, has_words, is_comment, is_title
from ponderling.tasks.sudoku.whole_lines import is_drawn_row, whole_puzzle


def read_lines(lines: Iterable[str], side: int) -> Iterator[Written]:
    """The puzzles of a text file's lines, one after the other. A full grid that follows its puzzle is its answer.

    Candidates that follow their puzzle, as HoDoKu and Simple Sudoku copy both, are no further puzzle.

    Raises:
        PuzzleError: naming the line, what was expected and what came.
    """
    held: tuple[Written, Sequence[str]] | None = None
    for puzzle in puzzles_in(lines, side):
        cells, answer = cells_of(puzzle, side)
        if held is not None and answer is None and is_answer(cells, held[1], puzzle=held[0]):
            yield answered(held[0], cells)
            held = None
            continue
        if held is not None and max(map(len, held[1])) == 1 and _are_candidates_of(held[0], cells, side=side):
            continue
        if held is not None:
            yield held[0]
        number = next(number for number, line in puzzle if len(puzzle) == 1 or not may_be_nothing(line))
        found = decoded(number, cells, side=side)
        held = (found if answer is None else answered(found, answer)), cells
    if held is not None:
        yield held[0]


def read_drawn(text: str, side: int) -> Written:
    """One puzzle from a text of lines, which may be of any lengths where all that is in them is as many cells as it has.

    Raises:
        PuzzleError: what was expected, and what came.
    """
    try:
        found = list(read_lines(text.split("\n"), side))
        if not found and text.strip():  # a title alone, as it seems
            raise LayoutError(not_a_row(1, text, side=side))
        return only(found, side)
    except LayoutError:
        cells = [cell for cell in text if not cell.isspace() and cell not in FRAMES]
        if len(cells) != side * side:
            raise
        return decoded(1, cells, side=side)


def only(found: Sequence[Written], side: int) -> Written:
    """The one puzzle of a text.

    Raises:
        PuzzleError: when it has none, or several.
    """
    if len(found) > 1:
        raise PuzzleError(f"expected one puzzle of {side}x{side}, got {len(found)}: put them in a file")
    if not found:
        raise LayoutError(f"expected {side * side} cells for {side}x{side}, got none")
    return found[0]


def _are_candidates_of(puzzle: Written, cells: Sequence[str], *, side: int) -> bool:
    """Whether each cell is one candidate or more, and those of a clue are the clue."""
    if max(map(len, cells)) < 2 or not puzzle.alphabet.is_ours or not are_candidates(cells, side):
        return False
    return all(clue in (".", cell) for clue, cell in zip(puzzle.cells, cells, strict=True))


def is_written(lines: Iterable[str], side: int) -> bool:
    """Whether the first lines of a file hold puzzles that `read_lines` alone reads: drawn, or with more beside them.

    A file with a puzzle a line, or a puzzle, a comma and its answer, and lines that begin with #, is no such file.
    """
    lines = list(lines)
    if any(map(has_other_digits, lines)):
        return True
    try:
        return _is_written(lines, side)
    except PuzzleError:  # which reading tells, with the line
        return True


def _is_written(lines: Iterable[str], side: int) -> bool:
    before, has_plain, has_titles = "", False, False
    for line in plain_rows((line.rstrip("\n").removeprefix("\ufeff") for line in lines), side):
        if not line.strip() or line.startswith("#"):
            continue
        question = line.partition(",")[0].strip()
        if len(question) == side * side and not is_drawn_row(question, side):
            blanks = set(before) & set(BLANKS)
            blanks -= {"0"} if len(blanks) > 1 else set()  # hexadecimal
            agrees = all(a == b or a in blanks for a, b in zip(before, question, strict=False))
            if before and agrees and blanks.isdisjoint(question):
                return True  # answers on lines of their own
            before, has_plain = "" if "," in line else question, True
            continue
        line = without_signs(line, side)
        if whole_puzzle(line, side) is not None or row_of(line, side) is not None:
            return True
        else:
            has_titles = has_titles or is_comment(line, side) or is_title(line, side) or bool(SECTION.fullmatch(line))
    return has_plain and has_titles


def rows_in(lines: Iterable[str], side: int) -> list[str]:
    """The lines that are rows of a drawn puzzle of this size, and no rows of a maze: each has a digit that no maze has."""
    with contextlib.suppress(PuzzleError):  # which reading tells
        lines = list(plain_rows((line.rstrip("\n") for line in lines), side))
    return [line for line in lines if re.search("[5-9]", line) and row_of(line.rstrip("\n"), side) is not None]


def is_drawn_somehow(lines: Iterable[str], side: int) -> bool:
    """Whether no line of a file is nearly as long as a puzzle, so that each is at most a row of one."""
    longest = max((len(line.strip()) for line in lines), default=0)
    return 0 < longest < side * side * 3 // 4


def puzzles_in(lines: Iterable[str], side: int) -> Iterator[Lines]:
    """The lines of each puzzle, and each line that cannot be part of one."""
    held: list[tuple[int, str]] = []
    is_passed_over = has_section = False
    for number, line in enumerate(plain_rows(lines, side), 1):
        if not (held or is_passed_over) and is_plain_line(line, side):
            yield [(number, line)]
            continue
        if SECTION.fullmatch(line):  # [State] is how far somebody had come with the puzzle above
            is_puzzle = "puzzle" in line.lower()
            is_passed_over = not is_puzzle and (has_section or NO_PUZZLE.search(line) is not None)
            has_section = has_section or is_puzzle
            continue
        if is_passed_over or is_comment(line, side) or (not line.strip() and len(line) not in (side, side * side)):
            continue
        try:
            line = without_signs(line, side)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error
        if (
            len(held) == 1
            and whole_puzzle(line, side) is not None
            and row_of(line, side) is None
            and has_words(held[0][1])
        ):
            held = []  # a title that is as long as a row
        if all(may_be_nothing(row) for _, row in held) and not may_be_nothing(line):
            is_row = row_of(line, side) is not None and whole_puzzle(line, side) is None
            if not is_row:
                held = []
                if not is_title(line, side):
                    yield [(number, line)]
                continue
        held.append((number, line))
        if len(rows_kept(held, side)) == side:
            if begins_with_title(held, side):
                del held[next(i for i, (_, row) in enumerate(held) if not may_be_nothing(row))]
                continue
            yield held
            held = []
    if any(not may_be_nothing(line) for _, line in held):
        yield held


def cells_of(lines: Lines, side: int) -> tuple[Sequence[str], Sequence[str] | None]:
    """The cells of the puzzle of these lines as they are written, and those of an answer in the same line."""
    whole = whole_puzzle(lines[0][1], side) if len(lines) == 1 else None
    if whole is not None:
        return whole
    rows = rows_kept(lines, side, at_end=True)
    check_frame(lines, rows)
    return cells_of_rows(rows, side), None
