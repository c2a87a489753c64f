"""Lines of a Sudoku without what a program's source, a document or a person puts round its cells."""

from __future__ import annotations

import re

from ponderling.tasks.sudoku.game_ids import cells_of_id
from ponderling.tasks.sudoku.rows import row_of
from ponderling.tasks.sudoku.whole_lines import whole_puzzle

_REMARK = re.compile(r"(.*?\S)\s+(?:#|//|;|%).*")
_QUOTED = re.compile(r"\s*([\"'])([^\"']*)\1\s*[,;]?\s*")
_SOURCE = re.compile(r"[^\\\[({]*[\[({]|\s*[\])}][\s\])};,]*$")  # brackets that open, or only such as close
_NOTHING = re.compile(r"\b(?:None|null)\b")  # Python's and JSON's names of a blank
_FLOAT = re.compile(r"-?\d{1,3}\.\d{0,30}(e[+-]?\d{1,2})?")  # as numpy writes arrays of floats


def without_signs(line: str, side: int) -> str:
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
    if (
        remark is not None
        and row_of(line, side) is None
        and whole_puzzle(line, side) is None
        and row_of(remark[1], side)
    ):
        line = remark[1]
    return line
