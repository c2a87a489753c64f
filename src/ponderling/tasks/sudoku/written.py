"""Sudokus as people and their programs write them, read into one form: `.` for a blank, then 1 to 9, A, B, and so on.

A puzzle is a line of cells, or it is drawn over several lines. Forums, SadMan's `.sdk` and Simple Sudoku's `.ss` put frames
round it, and comments before it. A blank is `.`, `0`, or any one character that is not a symbol. Symbols are ours, hexadecimal
digits from 0, whole numbers with something between them, or letters of any word (Wordoku).

`puzzle_lines` reads lines, and `boards` JSON.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.boards import is_json, json_of, read_boards
from ponderling.tasks.sudoku.decoded import Written, in_own_symbols
from ponderling.tasks.sudoku.puzzle_lines import only, puzzles_in, read_drawn, read_lines

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')  # of JSON, whose brackets close nothing


def read_text(text: str, side: int) -> Written:
    """One puzzle from a text of one line or several, or of JSON.

    Raises:
        PuzzleError: what was expected, and what came.
    """
    text = _with_plain_ends(text)
    if not is_json(text):
        return read_drawn(text, side)
    try:
        value = json_of(text)
    except PuzzleError:  # it may be a list in another language, or as numpy prints it
        with contextlib.suppress(PuzzleError):
            return only(list(read_lines(text.split("\n"), side)), side)
        raise
    return only(list(read_boards(value, side)), side)


def is_of_size(text: str, side: int) -> bool:
    """Whether a text is a puzzle of this side: a line of all its cells, or as many rows of as many cells.

    Its symbols can be those of such a puzzle; whether its clues contradict is not asked.
    """
    text = _with_plain_ends(text)
    try:
        return len(list(read_boards(json_of(text), side) if is_json(text) else read_lines(text.split("\n"), side))) == 1
    except PuzzleError:
        return False


def _with_plain_ends(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def texts_of(lines: Iterable[str], side: int) -> Iterator[str]:
    """The texts of puzzles in a stream of lines, each as soon as its last line has come.

    A line that cannot be part of a puzzle is a text, too, which `read_text` refuses. JSON may be a value a line, or over
    several lines; each of its puzzles is a text.
    """
    lines = iter(lines)
    for line in lines:
        if line.strip().strip("\ufeff"):
            whole = itertools.chain([line.removeprefix("\ufeff")], lines)
            yield from _json_texts(whole, side) if is_json(line.removeprefix("\ufeff")) else _line_texts(whole, side)


def _line_texts(lines: Iterable[str], side: int) -> Iterator[str]:
    return ("\n".join(line for _, line in puzzle) for puzzle in puzzles_in(lines, side))


def _json_texts(lines: Iterable[str], side: int) -> Iterator[str]:
    """The texts of puzzles in a stream of JSON values, which end where all of their brackets are closed."""
    held: list[str] = []
    depth = 0
    for line in lines:
        if not (held or line.strip()):
            continue
        held.append(line)
        signs = _TEXT.sub("", line)
        depth += sum(map(signs.count, "[{")) - sum(map(signs.count, "]}"))
        if depth <= 0:
            yield from _texts_of_value(held, side)
            held, depth = [], 0
    if held:
        yield from _texts_of_value(held, side)


def _texts_of_value(lines: Sequence[str], side: int) -> Iterator[str]:
    text = "\n".join(line.rstrip("\n") for line in lines)
    try:
        value = json_of(text)
    except PuzzleError:  # a list in another language, or what is refused as a line
        yield from _line_texts(lines, side)
        return
    try:
        found = list(read_boards(value, side))
    except PuzzleError:
        yield text
        return
    yield from map(in_own_symbols, found)
