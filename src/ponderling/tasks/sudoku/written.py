"""Sudokus as people and their programs write them, read into one form: `.` for a blank, then 1 to 9, A, B, and so on.

A puzzle is a line of cells, or it is drawn over several lines. Forums, SadMan's `.sdk` and Simple Sudoku's `.ss` put frames
round it, and comments before it. A blank is `.`, `0`, or any one character that is not a symbol. Symbols are ours, hexadecimal
digits from 0, whole numbers with something between them, or letters of any word (Wordoku).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.problems import one_line
from ponderling.tasks.text_files import NAMES

SYMBOLS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Our symbols, of which a family of side n has the first n."""
BLANKS = ".0-_*?xX "
"""Characters that may stand for a blank, apart from any other that is no symbol."""
SAME = ".0_*"
"""Blanks that one puzzle may mix."""
HEXADECIMAL = "0123456789ABCDEF"
OBJECTS = ("sudoku", "start", "clues", "given", "cells", "boards", "grids", "sudokus", "data", "rows")
"""What else an object of JSON may call its board, or its list of them."""
BARS = "|│┃║¦"
"""What may stand between two cells, besides a space, a comma or a semicolon."""

FRAMES = BARS + "+-─┼"
"""What is passed over in a text that is not in rows."""

_BETWEEN = re.compile(rf"[\s,;{BARS}]+")
_FRAME = re.compile(r"[\s*+:.'`=_~|│┃║¦\u2500-\u257f-]*")
_CORNER = re.compile(r"[+*:.'`=~\u2500-\u257f]|-\s*[|│┃║¦]|[|│┃║¦]\s*-")
_SECTION = re.compile(r"\s*\[[A-Za-z ]+\]\s*")  # of an .sdk file
_TITLE = re.compile(r"\s*[^\W\d_]{3,}(\s.*|:.*)")  # a word, and more
_RULE = re.compile(r"-{2,}|={2,}|_{2,}|~{2,}|[\u2500\u2501\u2550]|-\s-")


class LayoutError(PuzzleError):
    """Cells do not make a puzzle: too many, too few, or in rows of other lengths."""


class StrangeSymbols(PuzzleError):
    """Cells that no alphabet has."""


class Alphabet(NamedTuple):
    """What stands for a blank and for each symbol, in the order of ours."""

    blank: str
    symbols: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        """Whether it has our symbols."""
        return self.symbols == tuple(SYMBOLS[: len(self.symbols)])

    @property
    def ours(self) -> dict[str, str]:
        """Our symbol for each of these; capital and small letters are the same."""
        found = dict(zip(self.symbols, SYMBOLS))
        for name, symbol in zip(self.symbols, SYMBOLS):
            found.setdefault(name.upper(), symbol)
            found.setdefault(name.lower(), symbol)
        return found


class Written(NamedTuple):
    """A puzzle that was read."""

    number: int
    """The line of its first cell, from 1."""
    cells: str
    """One character of ours for each cell."""
    alphabet: Alphabet


def read_text(text: str, side: int) -> Written:
    """One puzzle from a text of one line or several, or of JSON.

    Raises:
        PuzzleError: what was expected, and what came.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if is_json(text):
        return _only(list(read_boards(json_of(text), side)), side)
    try:
        return _only(list(read_lines(text.split("\n"), side)), side)
    except LayoutError:
        cells = [cell for cell in text if not cell.isspace() and cell not in FRAMES]
        if len(cells) == side * side:  # in lines of other lengths
            return _decoded(1, cells, side=side)
        raise


def _only(found: Sequence[Written], side: int) -> Written:
    if len(found) > 1:
        raise PuzzleError(f"expected one puzzle of {side}x{side}, got {len(found)}: put them in a file")
    if not found:
        raise LayoutError(f"expected {side * side} cells for {side}x{side}, got none")
    return found[0]


def is_json(text: str) -> bool:
    """Whether a text begins as a board in JSON does, and no section of an .sdk file."""
    return re.match(r"\s*(\{|\[\s*($|[\[{\"\d.]|null))", text) is not None


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
        known = [name for name in value if str(name).lower() in NAMES["question"] + OBJECTS]
        if len(known) != 1:
            names = ", ".join(map(str, value))
            raise PuzzleError(
                f"expected an object with one of {', '.join(NAMES['question'])}: got {one_line(names, 60)}"
            )
        yield from read_boards(value[known[0]], side, number=number)
    elif isinstance(value, list) and value:
        for i, part in enumerate(value):
            yield from read_boards(part, side, number=number + i)
    else:
        raise PuzzleError(f"expected a board of {side}x{side}, got {one_line(str(value), 40)}")


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
    if any(isinstance(cell, list | Mapping | bool | float) for cell in cells):
        return None
    return [{"": ".", "None": "."}.get(text, text) for text in (str(cell).strip() for cell in cells)]


def read_lines(lines: Iterable[str], side: int) -> Iterator[Written]:
    """The puzzles of a text file's lines, one after the other.

    Raises:
        PuzzleError: naming the line, what was expected and what came.
    """
    return (_read(puzzle, side) for puzzle in _puzzles(lines, side))


def texts_of(lines: Iterable[str], side: int) -> Iterator[str]:
    """The texts of puzzles in a stream of lines, each as soon as its last line has come.

    A line that cannot be part of a puzzle is a text, too, which `read_text` refuses.
    """
    return ("\n".join(line for _, line in puzzle) for puzzle in _puzzles(lines, side))


def is_drawn(lines: Iterable[str], side: int) -> bool:
    """Whether the first lines of a file hold puzzles drawn over several lines."""
    for line in lines:
        line = line.rstrip("\n")
        if _is_comment(line) or not line.strip():
            continue
        if _whole(line, side) is not None:
            return False
        if _row(line, side) is not None:
            return True
    return False


_Lines = Sequence[tuple[int, str]]
"""Lines with their numbers, from 1."""


def _puzzles(lines: Iterable[str], side: int) -> Iterator[_Lines]:
    """The lines of each puzzle, and each line that cannot be part of one."""
    held: list[tuple[int, str]] = []
    is_passed_over = False
    for number, line in enumerate((line.rstrip("\n") for line in lines), 1):
        if _SECTION.fullmatch(line):  # [State] is how far somebody had come with the puzzle above
            is_passed_over = "state" in line.lower()
            continue
        if is_passed_over or _is_comment(line) or (not line.strip() and len(line) not in (side, side * side)):
            continue
        if all(_may_be_nothing(row) for _, row in held) and not _may_be_nothing(line):
            is_row = _row(line, side) is not None and _whole(line, side) is None
            if not is_row:
                held = []
                if not _TITLE.fullmatch(line):
                    yield [(number, line)]
                continue
        held.append((number, line))
        if len(_kept(held, side)) == side:
            yield held
            held = []
    if any(not _may_be_nothing(line) for _, line in held):
        yield held


def _read(lines: _Lines, side: int) -> Written:
    """The puzzle of these lines.

    Raises:
        PuzzleError: naming the line, what was expected and what came.
    """
    whole = _whole(lines[0][1], side) if len(lines) == 1 else None
    if whole is not None:
        return _decoded(lines[0][0], whole, side=side)
    rows = _kept(lines, side, at_end=True)
    return _of_rows(rows, side)


def _kept(rows: _Lines, side: int, *, at_end: bool = False) -> _Lines:
    """The lines that are rows of cells. A line of dashes or of spaces may be a row of blanks.

    Dashes are where they stand for blanks in a row with symbols; or, at the end of a file, where a row is missing without them.
    Spaces are where they stand for blanks in a row with symbols.
    """
    plain = [row for row in rows if not _may_be_nothing(row[1])]
    dashes = any(re.search(r"\w", line) and "-" in line for _, line in rows)
    if dashes or _has_spaces(rows, side) or (at_end and len(plain) < side):
        return [
            (number, line)
            for number, line in rows
            if not _may_be_nothing(line) or (_row(line, side) is not None and not set("+=") & set(line))
        ]
    return plain


def _has_spaces(rows: _Lines, side: int) -> bool:
    """Whether spaces stand for blanks in a row with symbols."""
    return any(len(line) == side and " " in line and line.strip() for _, line in rows)


def _may_be_nothing(line: str) -> bool:
    """Whether a line may be no row: it is empty, or part of a drawn frame."""
    return not line.strip() or _is_frame(line)


def _is_comment(line: str) -> bool:
    return line.lstrip("\ufeff ").startswith(("#", "//"))


def _is_frame(line: str) -> bool:
    """Whether a line is part of a drawn frame: rules and corners, and no cell."""
    if not line.strip() or not _FRAME.fullmatch(line):
        return False
    return bool(_RULE.search(line) or (_CORNER.search(line) and "-" in line))


def _whole(line: str, side: int) -> list[str] | None:
    """The cells of a line that holds a whole puzzle; None where it does not."""
    for cells in (list(line), list(line.strip()), *_parted(line)):
        if len(cells) == side * side and max(map(len, cells)) <= 2:
            return cells
    return None


def _row(line: str, side: int) -> list[str] | None:
    """The cells of a line that is a row of a drawn puzzle; None where it is none."""
    for cells in _parted(line):
        if len(cells) == side and max(map(len, cells)) <= 2:
            return cells
    groups = re.split(f"[{BARS}]", line.strip().strip(BARS))
    if len(groups) > 1 and side % len(groups) == 0:  # spaces are blanks between bars
        width = side // len(groups)
        for start, step, whole in ((0, 1, width), (1, 2, 2 * width + 1), (0, 2, 2 * width - 1)):
            if all(len(group) == whole for group in groups):
                return list("".join(group[start::step] for group in groups))
    return list(line) if len(line) == side else None


def _parted(line: str) -> Iterator[list[str]]:
    """The cells of a line in which something stands between some of them: as fields, as words, then as characters."""
    for mark in ",;\t":
        if mark in line:
            yield [field.strip() or "." for field in line.split(mark)]
    words = [word for word in _BETWEEN.split(line) if word]
    yield words
    yield list("".join(words))


def _of_rows(rows: _Lines, side: int) -> Written:
    cells: list[str] = []
    spaced = _has_spaces(rows, side)
    for number, line in rows:
        row = _row(line.ljust(side) if spaced else line, side)  # editors cut off blanks at the ends of lines
        if row is None:
            raise LayoutError(_not_a_row(number, line, side=side))
        cells += row
    if len(rows) != side:
        whole = f"expected {side} rows of {side} cells, or {side * side} cells in a line"
        raise LayoutError(f"line {rows[0][0]}: {whole}: got {len(rows)} rows")
    return _decoded(rows[0][0], cells, side=side)


def _not_a_row(number: int, line: str, *, side: int) -> str:
    count = len("".join(_BETWEEN.split(line)))
    shown = one_line(line.strip(), 40)
    return f"line {number}: expected {side} cells, or {side * side} for a whole puzzle, got {count} in {shown!r}"


def _decoded(number: int, cells: Sequence[str], *, side: int) -> Written:
    try:
        alphabet = alphabet_of(cells, side)
    except PuzzleError as error:
        raise type(error)(f"line {number}: {error}") from error
    ours = alphabet.ours
    return Written(number, "".join(ours.get(cell, ".") for cell in cells), alphabet)


def alphabet_of(cells: Sequence[str], side: int) -> Alphabet:
    """The alphabet that a puzzle's cells are written in.

    Raises:
        PuzzleError: when they can be read in no way, or in two.
    """
    counts = Counter(cells)
    if any(len(cell) > 1 for cell in counts):
        return _of_numbers(counts, side)
    own = SYMBOLS[:side]
    letters = own + own.lower() if side > 9 else own
    others = [cell for cell in counts if cell not in letters]
    blanks = [cell for cell in others if cell in BLANKS]
    if (
        "0" in others
        and len(others) > 1
        and (set(others) <= set(SAME) or (side == 16 and len(others) == len(blanks) == 2))
    ):
        return _with_zero(counts, others, side=side)
    if set(others) <= set(SAME) or (len(others) == 1 and len(counts) > 1):
        return Alphabet(others[0] if others else ".", tuple(own))
    return _of_letters(counts, blanks, side=side)


def _with_zero(counts: Counter[str], blanks: Sequence[str], *, side: int) -> Alphabet:
    """The alphabet of cells with a 0 and with another blank: 0 is the first symbol, where the last of ours is missing."""
    blank = next(cell for cell in blanks if cell != "0")
    last = SYMBOLS[side - 1]
    if (last in counts or last.lower() in counts) and set(blanks) <= set(SAME):
        return Alphabet(blank, tuple(SYMBOLS[:side]))  # both are blanks
    if side == 16:
        return Alphabet(blank, tuple(HEXADECIMAL))
    raise PuzzleError(
        f"0 and {blank!r} both occur, and no {last}: is 0 a blank or the first symbol? Write . for blanks and symbols from 1"
    )


def _of_numbers(counts: Counter[str], side: int) -> Alphabet:
    """The alphabet of whole numbers with something between them."""
    words = [cell for cell in counts if not cell.isdecimal()]
    numbers = {cell for cell in counts if cell.isdecimal()}
    if len(words) > 1 or not numbers or any(len(word) > 1 and word.strip("._-x?*") for word in words):
        shown = ", ".join(sorted(words)[:3])
        raise PuzzleError(f"expected whole numbers from 1 to {side} and one sign for blanks, got {one_line(shown, 40)}")
    values = {int(cell) for cell in numbers}
    first = 0 if 0 in values and words and side not in values else 1
    if max(values) > side + first - 1:
        raise PuzzleError(f"expected numbers from {first} to {side + first - 1}, got {max(values)}")
    return Alphabet(words[0] if words else "0", tuple(str(first + i) for i in range(side)))


def _of_letters(counts: Counter[str], blanks: Sequence[str], *, side: int) -> Alphabet:
    """The alphabet of letters that are not ours, as in a Wordoku."""
    if any(cell in counts for cell in ("x", "X")) and len({cell.upper() for cell in counts} - set(blanks)) < side:
        blanks = [cell for cell in blanks if cell not in "xX"]
    symbols = sorted({cell.upper() for cell in counts if cell not in blanks})
    if len(symbols) == side + 1 and not blanks:  # one of them is the blank: that which occurs most
        most = max(symbols, key=lambda symbol: counts[symbol] + counts[symbol.lower()] * (symbol.lower() != symbol))
        blanks, symbols = [most], [symbol for symbol in symbols if symbol != most]
    are_letters = all(symbol.isalpha() and len(symbol) == 1 for symbol in symbols)
    if len(symbols) not in (side, side - 1) or not are_letters or len(blanks) > 1:
        shown = "".join(sorted(cell for cell in counts if cell.strip()))
        raise StrangeSymbols(
            f"expected {SYMBOLS[0]} to {SYMBOLS[side - 1]}, or {side} different letters, and one character for blanks; got the "
            f"characters {one_line(shown, 60)}"
        )
    blank = blanks[0] if blanks else "."
    unknown = "?" if blank != "?" else "*"
    symbols += [unknown] * (side - len(symbols))  # the letter that is not among the clues
    return Alphabet(blank, tuple(symbols))
