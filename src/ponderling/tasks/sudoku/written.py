"""Sudokus as people and their programs write them, read into one form: `.` for a blank, then 1 to 9, A, B, and so on.

A puzzle is a line of cells, or it is drawn over several lines. Forums, SadMan's `.sdk` and Simple Sudoku's `.ss` put frames
round it, and comments before it. A blank is `.`, `0`, or any one character that is not a symbol. Symbols are ours, hexadecimal
digits from 0, whole numbers with something between them, or letters of any word (Wordoku).
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.problems import one_line
from ponderling.tasks.sudoku.alphabets import (
    BLANKS,
    SYMBOLS,
    Alphabet,
    StrangeSymbols,
    alphabet_of,
    are_candidates,
    completed,
)
from ponderling.tasks.sudoku.game_ids import cells_of_id
from ponderling.tasks.sudoku.plain_rows import plain_rows
from ponderling.tasks.sudoku.rows import (
    BARS,
    BETWEEN,
    FRAMES,
    is_frame,
    is_plain_line,
    may_be_cells,
    may_be_nothing,
    parted,
    row_of,
)
from ponderling.tasks.text_files import NAMES, NOT_READ, OTHER_RULES, REGIONS

OBJECTS = ("sudoku", "start", "clues", "given", "cells", "boards", "grids", "sudokus", "data", "rows", "value", "input")
"""What else an object of JSON may call its board, or its list of them."""
ANSWERS = (*NAMES["answer"], "output")
"""What it may call the answer."""
LONGEST_TITLE = 1000
"""Most characters of a line that may be a title."""
_SECTION = re.compile(r"\s*\[\s*[^\W\d_]{3,}[\w .:-]*\]\s*")  # of an .sdk file
_NO_PUZZLE = re.compile(r"state|solution|solved|pencil|candidate|mark|colou?r|note", re.IGNORECASE)  # in such a section
_TITLE = re.compile(
    r"\s*([^\W\d_]{3,}[\s:].*|[A-Z][^\W\d_]{2,}\.?"  # a word, and more; or a word that begins with a capital letter
    r"|(?:#|[Nn]o\.?)?\s*\d{1,4}\s*[.):]?|\d{1,2}(?: ?[x×,] ?| )\d{1,2}"  # a number, or two
    r"|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"  # a date
    r"|```.*|\\\w+\{.*|[;%!]+\s*[^\W\d_]{3,}.*)\s*"  # Markdown, LaTeX, comments
)
_REMARK = re.compile(r"(.*?\S)\s+(?:#|//|;|%).*")
_QUOTED = re.compile(r"\s*([\"'])([^\"']*)\1\s*[,;]?\s*")
_SOURCE = re.compile(r"[^\\\[({]*[\[({]|\s*[\])}][\s\])};,]*$")  # brackets that open, or only such as close
_NOTHING = re.compile(r"\b(?:None|null)\b")  # Python's and JSON's names of a blank
_FLOAT = re.compile(r"-?\d{1,3}\.\d{0,30}(e[+-]?\d{1,2})?")  # as numpy writes arrays of floats
_FIELDS = re.compile(rf"[\s,;:{BARS}]+")


class LayoutError(PuzzleError):
    """Cells do not make a puzzle: too many, too few, or in rows of other lengths."""


class Written(NamedTuple):
    """A puzzle that was read."""

    number: int
    """The line of its first cell, from 1."""
    cells: str
    """One character of ours for each cell."""
    alphabet: Alphabet
    answer: str = ""
    """The answer that came with it, in the same characters; empty where none did."""


def read_text(text: str, side: int) -> Written:
    """One puzzle from a text of one line or several, or of JSON.

    Raises:
        PuzzleError: what was expected, and what came.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if is_json(text):
        try:
            value = json_of(text)
        except PuzzleError:  # it may be a list in another language, or as numpy prints it
            try:
                return _of_text(text, side)
            except PuzzleError:
                pass
            raise
        return _only(list(read_boards(value, side)), side)
    try:
        return _of_text(text, side)
    except LayoutError:
        cells = [cell for cell in text if not cell.isspace() and cell not in FRAMES]
        if len(cells) == side * side:  # in lines of other lengths
            return _decoded(1, cells, side=side)
        raise


def _of_text(text: str, side: int) -> Written:
    found = list(read_lines(text.split("\n"), side))
    if not found and text.strip():  # a title alone, as it seems
        raise LayoutError(_not_a_row(1, text, side=side))
    return _only(found, side)


def _only(found: Sequence[Written], side: int) -> Written:
    if len(found) > 1:
        raise PuzzleError(f"expected one puzzle of {side}x{side}, got {len(found)}: put them in a file")
    if not found:
        raise LayoutError(f"expected {side * side} cells for {side}x{side}, got none")
    return found[0]


def is_json(text: str) -> bool:
    """Whether a text begins as a board in JSON does, and no section of an .sdk file; or is a quoted text."""
    return re.match(r"\s*(\{|\[\s*($|[\[{\"\d.-]|null|false)|\"[^\"]*\"\s*$)", text) is not None


def json_of(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        PuzzleError: when it is not JSON.
    """
    try:
        return parse_json(text)
    except JsonError as error:
        raise PuzzleError(str(error)) from error


def read_boards(value: Any, side: int, *, number: int = 1) -> Iterator[Written]:
    """The puzzles of a JSON value: a board as lists, as lines of text or as one text; an object that holds one; or many.

    Raises:
        PuzzleError: when it holds something else.
    """
    cells = _board(value, side)
    if cells is not None:
        yield _decoded(number, cells, side=side)
    elif isinstance(value, str):
        yield read_text(value, side)._replace(number=number)
    elif isinstance(value, Mapping):
        yield from _of_object(value, side, number=number)
    elif isinstance(value, list) and value:
        for i, part in enumerate(value):
            yield from read_boards(part, side, number=number + i)
    else:
        raise PuzzleError(f"expected a board of {side}x{side}, got {one_line(str(value), 40)}")


def _of_object(value: Mapping[str, Any], side: int, *, number: int) -> Iterator[Written]:
    """The puzzles of a JSON object, with the answers that it names."""
    names = {name: str(name).lower() for name in value}
    known = [name for name in value if names[name] in NAMES["question"]] or [
        name for name in value if names[name] in OBJECTS
    ]
    if other := next((name for name in value if names[name] in (*OTHER_RULES, REGIONS)), None):
        raise PuzzleError(f"has {one_line(str(other), 20)}, {NOT_READ}")
    if not known and value and all(part and isinstance(part, list | Mapping) for part in value.values()):
        for i, part in enumerate(value.values()):  # by an id, or by how hard they are
            yield from read_boards(part, side, number=number + i)
        return
    if len(known) != 1:
        names_got = ", ".join(map(str, value))
        raise PuzzleError(
            f"expected an object with one of {', '.join(NAMES['question'])}: got {one_line(names_got, 60)}"
        )
    found = list(read_boards(value[known[0]], side, number=number))
    told = [value[name] for name in value if names[name] in ANSWERS]
    if len(told) == 1 and told[0] and not any(puzzle.answer for puzzle in found):
        answers = list(_grids(told[0], side))
        if len(answers) != len(found):
            raise PuzzleError(
                f"board {number}: expected an answer for each puzzle, got {len(answers)} for {len(found)}"
            )
        found = [_answered(puzzle, cells) for puzzle, cells in zip(found, answers, strict=True)]
    yield from found


def _grids(value: Any, side: int) -> Iterator[Sequence[str]]:
    """The cells of each answer of a JSON value, as they are written."""
    cells = _board(value, side)
    if cells is not None:
        yield cells
    elif isinstance(value, str):
        for lines in _puzzles(value.split("\n"), side):
            yield _cells_of(lines, side)[0]
    elif isinstance(value, list) and value:
        for part in value:
            yield from _grids(part, side)
    else:
        raise PuzzleError(f"expected an answer of {side}x{side}, got {one_line(str(value), 40)}")


def _answered(puzzle: Written, cells: Sequence[str]) -> Written:
    """The puzzle with its answer, which is written in the same symbols."""
    alphabet = completed(puzzle.alphabet, cells)
    ours = alphabet.ours
    return puzzle._replace(alphabet=alphabet, answer="".join(ours.get(cell, cell[:1] or ".") for cell in cells))


def _board(value: Any, side: int) -> list[str] | None:
    """The cells of a board as JSON has it: rows of cells, or all cells in one list; None for anything else."""
    if not isinstance(value, list) or len(value) not in (side, side * side):
        return None
    if all(isinstance(row, str) and len(row) == side for row in value) and len(value) == side and side > 1:
        return [cell for row in value for cell in row]
    rows = value if len(value) == side and all(isinstance(row, list) for row in value) else [value]
    cells = [cell for row in rows for cell in row]
    if len(cells) != side * side or any(len(row) not in (side, side * side) for row in rows):
        return None
    if any(isinstance(cell, list | Mapping) or cell is True for cell in cells):
        return None
    if any(isinstance(cell, float) and not cell.is_integer() for cell in cells):
        return None
    texts = (str(int(cell) if isinstance(cell, float) else cell).strip() for cell in cells)
    return [{"": ".", "None": ".", "False": ".", "-1": "."}.get(text, text) for text in texts]


def read_lines(lines: Iterable[str], side: int) -> Iterator[Written]:
    """The puzzles of a text file's lines, one after the other. A full grid that follows its puzzle is its answer.

    Raises:
        PuzzleError: naming the line, what was expected and what came.
    """
    held: tuple[Written, Sequence[str]] | None = None
    for puzzle in _puzzles(lines, side):
        cells, answer = _cells_of(puzzle, side)
        if held is not None and answer is None and _is_answer(cells, held[1], puzzle=held[0]):
            yield _answered(held[0], cells)
            held = None
            continue
        if held is not None:
            yield held[0]
        number = next(number for number, line in puzzle if len(puzzle) == 1 or not may_be_nothing(line))
        found = _decoded(number, cells, side=side)
        held = (found if answer is None else _answered(found, answer)), cells
    if held is not None:
        yield held[0]


def _is_answer(cells: Sequence[str], question: Sequence[str], *, puzzle: Written) -> bool:
    """Whether a grid has no blank and the clues of a puzzle, whose cells are written in the same way."""
    return (
        not puzzle.answer
        and "." in puzzle.cells
        and puzzle.alphabet.blank not in cells
        and len({cell.upper() for cell in cells}) == len(puzzle.alphabet.symbols)
        and all(
            known == "." or a.upper() == b.upper() for known, a, b in zip(puzzle.cells, question, cells, strict=True)
        )
    )


def texts_of(lines: Iterable[str], side: int) -> Iterator[str]:
    """The texts of puzzles in a stream of lines, each as soon as its last line has come.

    A line that cannot be part of a puzzle is a text, too, which `read_text` refuses.
    """
    return ("\n".join(line for _, line in puzzle) for puzzle in _puzzles(lines, side))


def is_written(lines: Iterable[str], side: int) -> bool:
    """Whether the first lines of a file hold puzzles that `read_lines` alone reads: drawn, or with more beside them.

    A file with a puzzle a line, or a puzzle, a comma and its answer, and lines that begin with #, is no such file.
    """
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
        if len(question) == side * side and not _is_drawn(question, side):
            blanks = set(before) & set(BLANKS)
            blanks -= {"0"} if len(blanks) > 1 else set()  # hexadecimal
            agrees = all(a == b or a in blanks for a, b in zip(before, question, strict=False))
            if before and agrees and blanks.isdisjoint(question):
                return True  # answers on lines of their own
            before, has_plain = "" if "," in line else question, True
            continue
        line = _without_signs(line, side)
        if _whole(line, side) is not None or row_of(line, side) is not None:
            return True
        else:
            has_titles = has_titles or _is_comment(line) or _is_title(line, side) or bool(_SECTION.fullmatch(line))
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


_Lines = Sequence[tuple[int, str]]
"""Lines with their numbers, from 1."""


def _puzzles(lines: Iterable[str], side: int) -> Iterator[_Lines]:
    """The lines of each puzzle, and each line that cannot be part of one."""
    held: list[tuple[int, str]] = []
    is_passed_over = has_section = False
    for number, line in enumerate(plain_rows(lines, side), 1):
        if not (held or is_passed_over) and is_plain_line(line, side):
            yield [(number, line)]
            continue
        if _SECTION.fullmatch(line):  # [State] is how far somebody had come with the puzzle above
            is_puzzle = "puzzle" in line.lower()
            is_passed_over = not is_puzzle and (has_section or _NO_PUZZLE.search(line) is not None)
            has_section = has_section or is_puzzle
            continue
        if is_passed_over or _is_comment(line) or (not line.strip() and len(line) not in (side, side * side)):
            continue
        try:
            line = _without_signs(line, side)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error
        if len(held) == 1 and _whole(line, side) is not None and row_of(line, side) is None and _has_words(held[0][1]):
            held = []  # a title that is as long as a row
        if all(may_be_nothing(row) for _, row in held) and not may_be_nothing(line):
            is_row = row_of(line, side) is not None and _whole(line, side) is None
            if not is_row:
                held = []
                if not _is_title(line, side):
                    yield [(number, line)]
                continue
        held.append((number, line))
        if len(_kept(held, side)) == side:
            if _begins_with_title(held, side):
                del held[next(i for i, (_, row) in enumerate(held) if not may_be_nothing(row))]
                continue
            yield held
            held = []
    if any(not may_be_nothing(line) for _, line in held):
        yield held


def _without_signs(line: str, side: int) -> str:
    """The line without the brackets and quotation marks of a program's source, without a remark, and with plain numbers.

    A game ID becomes its cells.
    """
    if ("x" in line or "j" in line) and (cells := cells_of_id(line, side)) is not None:
        return cells
    if len(line) not in (side, side * side) and _SOURCE.match(line):
        line = re.sub(r".*?=\s*(?=[\[({])", "", line) if re.search(r"=\s*[\[({]", line) else line
        line = _NOTHING.sub(".", re.sub(r"^[^\[({]*(?=[\[({])|\bdtype\s*=.*|[\[\](){}'\"=]", " ", line)).strip(" ,;")
    if line.startswith("|") and line.endswith("|."):  # LaTeX
        line = line[:-1]
    quoted = _QUOTED.fullmatch(line)
    if quoted is not None and len(line) not in (side, side * side):
        line = quoted[2]
    words = re.split(r"[\s,;]+", line.strip())
    if len(words) in (side, side * side) and all(map(_FLOAT.fullmatch, words)):
        numbers = [float(word) for word in words]
        if all(number.is_integer() for number in numbers):
            return " ".join(str(int(number)) for number in numbers)
    remark = _REMARK.fullmatch(line)
    if remark is not None and row_of(line, side) is None and _whole(line, side) is None and row_of(remark[1], side):
        line = remark[1]
    return line


def _is_title(line: str, side: int) -> bool:
    """Whether a line that is no row and no puzzle says something about one: words, a number or a date."""
    text = line.strip()  # blanks within the pattern take quadratic time
    longest = max(map(len, text.split()), default=0)
    return len(text) <= LONGEST_TITLE and _TITLE.fullmatch(text) is not None and longest < side * side * 3 // 4


def _has_words(line: str) -> bool:
    return re.search(r"[^\W\d_]{3}", line) is not None


def _begins_with_title(rows: _Lines, side: int) -> bool:
    """Whether the first of these rows is a title that is as long as a row, such as `Nightmare` or `Puzzle 12`."""
    first, *others = (line for _, line in _kept(rows, side))
    letters = {letter.upper() for letter in first if letter.isalpha()} - set(SYMBOLS[:side])
    below = "".join(others).upper()
    return (
        _has_words(first)
        and len(letters) > 2
        and letters.isdisjoint(below)
        and not set(SYMBOLS[:side]).isdisjoint(below)
    )


def _cells_of(lines: _Lines, side: int) -> tuple[Sequence[str], Sequence[str] | None]:
    """The cells of the puzzle of these lines as they are written, and those of an answer in the same line."""
    whole = _whole(lines[0][1], side) if len(lines) == 1 else None
    if whole is not None:
        return whole
    rows = _kept(lines, side, at_end=True)
    _check_frame(lines, rows)
    return _of_rows(rows, side), None


def _check_frame(lines: _Lines, rows: _Lines) -> None:
    """Refuses a drawing whose lines of a frame part its rows unevenly: a row is missing, or is of another puzzle.

    Raises:
        LayoutError: naming the first line of the frame within the drawing.
    """
    kept = {number for number, _ in rows}
    frame = [number for number, line in lines if number not in kept and is_frame(line)]
    ends = {end: number for number in frame if 0 < (end := sum(one < number for one in kept)) < len(rows)}
    if len(ends) < len(rows) - 1 and math.gcd(*ends, len(rows)) == 1:
        raise LayoutError(
            f"line {next(iter(ends.values()))}: expected lines of the frame between all rows, or below each row of boxes: got "
            f"them below row {' and '.join(map(str, ends))} of {len(rows)}: which rows are missing, or too many?"
        )


def _kept(rows: _Lines, side: int, *, at_end: bool = False) -> _Lines:
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


def _has_spaces(rows: _Lines, side: int) -> bool:
    """Whether spaces stand for blanks in a row with symbols."""
    return any(len(line) == side and " " in line and line.strip() for _, line in rows)


def _is_comment(line: str) -> bool:
    """Whether a line is a comment, or the beginning or end of a text in Python."""
    return line.lstrip("\ufeff ").startswith(("#", "//")) or line.strip() in ("'''", '"""')


def is_remark(line: str, *, side: int) -> bool:
    """Whether letters of a line that are no part of ASCII are in no cell: those of a comment, a title or a name."""
    if _is_comment(line) or _SECTION.fullmatch(line) or line.lstrip().startswith("<"):
        return True
    fields = [field.strip("\"'") for field in _FIELDS.split(line)]
    whole = [field for field in fields if len(field) == side * side]
    if whole:
        return all(field.isascii() for field in whole)
    return row_of(line, side) is None and (_is_title(line, side) or re.search("[A-Za-z]{3}", line) is not None)


def _whole(line: str, side: int) -> tuple[Sequence[str], Sequence[str] | None] | None:
    """The cells of a line that holds a whole puzzle, and those of the answer beside it; None where it holds none."""
    if len(line) < side * side:
        return None
    if is_plain_line(line, side):
        return line, None
    if _is_row_of_words(line, side):
        return None
    texts = [line.strip()] if _is_padded(line, side) else [line, line.strip()]
    plain = [] if _is_drawn(line, side) else map(list, texts)
    for cells in (*plain, *parted(line)):
        if len(cells) == side * side and may_be_cells(cells, side):
            return cells, None
    return _among_fields(line, side)


def _is_drawn(line: str, side: int) -> bool:
    """Whether a line has bars, or is a row with spaces between cells, so that its characters are no cells.

    Such a row can be as long as a whole puzzle.
    """
    return not set(BARS).isdisjoint(line) or _is_row_of_words(line, side)


def _is_row_of_words(line: str, side: int) -> bool:
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
    fields = []
    for field in _FIELDS.split(line.strip()):
        cells = field.strip("\"'")
        if len(cells) != side * side:
            cells = cells.replace("+", "")  # HoDoKu's sign before a cell that was filled in
        if len(cells) == side * side and _has_alphabet(cells, side):
            fields.append(cells)
    if len(fields) == 2 and all(a == b or a not in SYMBOLS[:side] for a, b in zip(*fields, strict=True)):
        is_full = set(fields[1]).isdisjoint(BLANKS)
        return (fields[0], fields[1]) if is_full else None
    return (fields[0], None) if len(fields) == 1 else None


def _has_alphabet(cells: str, side: int) -> bool:
    try:
        alphabet_of(cells, side)
    except StrangeSymbols:
        return False
    except PuzzleError:  # which asks, in reading, what is meant
        return True
    return True


def _of_rows(rows: _Lines, side: int) -> list[str]:
    cells: list[str] = []
    spaced = _has_spaces(rows, side)
    _check_alike(rows, side)
    is_cut = spaced and sum(line.endswith(" ") for _, line in rows) < 2  # editors cut off blanks at the ends of lines
    for number, line in rows:
        row = row_of(line.ljust(side) if is_cut else line, side)
        if row is None:
            raise LayoutError(_not_a_row(number, line, side=side))
        cells += row
    if len(rows) != side:
        whole = f"expected {side} rows of {side} cells, or {side * side} cells in a line"
        hint = "; a row may be empty: write . for blanks" if spaced else ""
        raise LayoutError(f"line {rows[0][0]}: {whole}: got {len(rows)} rows{hint}")
    return cells


def _check_alike(rows: _Lines, side: int) -> None:
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


def _not_a_row(number: int, line: str, *, side: int) -> str:
    count = len("".join(BETWEEN.split(line)))
    shown = one_line(line.strip(), 40)
    hint = "; write . for each blank" if count < side and re.search(r"\d\s+\d", line) else ""
    return f"line {number}: expected {side} cells, or {side * side} for a whole puzzle, got {count} in {shown!r}{hint}"


def _decoded(number: int, cells: Sequence[str], *, side: int) -> Written:
    if any(len(cell) == 2 for cell in cells) and not are_candidates(cells, side):  # 01 is 1
        cells = [str(int(cell)) if cell.isdecimal() else cell for cell in cells]
    try:
        alphabet = alphabet_of(cells, side)
    except PuzzleError as error:
        raise type(error)(f"line {number}: {error}") from error
    ours = alphabet.ours
    return Written(number, "".join(ours.get(cell, ".") for cell in cells), alphabet)
