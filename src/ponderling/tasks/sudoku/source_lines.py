"""Lines of a Sudoku without what a program's source, a document or a person puts round its cells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ponderling.tasks.sudoku.game_ids import cells_of_id
from ponderling.tasks.sudoku.rows import may_be_nothing, row_of
from ponderling.tasks.sudoku.whole_lines import LONGEST, whole_puzzle

_REMARK = re.compile(r"(.*?\S)\s+(?:#|//|;|%).*")
_QUOTED = re.compile(r"\s*([\"'])([^\"']*)\1\s*[,;]?\s*")
_SOURCE = re.compile(r"[^\\\[({]*[\[({]|\s*[\])}][\s\])};,]*$")  # brackets that open, or only such as close
_NOTHING = re.compile(r"\b(?:None|null)\b")  # Python's and JSON's names of a blank
_FLOAT = re.compile(r"-?\d{1,3}\.\d{0,30}(e[+-]?\d{1,2})?")  # as numpy writes arrays of floats


_GROUP = re.compile(r"[\[({]([^\[\](){}]+)(?:[\])}]|$)")  # what brackets hold that have no others in them
_BEGINS = re.compile(
    r"[^\S\n]*[^\W\d_][^\n]*(?:[\[({]|:-)\s*"
)  # what begins a list or a rule, such as `array2d(1..9, 1..9, [`
_QUOTES_OR_BRACKETS = re.compile(r"[\[\](){}'\"]")
_WORD = re.compile(r"[^\W\d_]{3}")


def without_signs(line: str, side: int) -> str:
    """The line without the brackets and quotation marks of a program's source, without a remark, and with plain numbers.

    A game ID becomes its cells.
    """
    if _BEGINS.fullmatch(line):
        return ""
    plain = _without_brackets(line, side)
    if len(line) > LONGEST or is_row(plain, side) or may_be_nothing(line) or not re.search(r"[\d._]", line):
        return plain
    return next((text for text in _variants(line, side) if is_row(text, side) and not _WORD.search(text)), plain)


def is_row(line: str, side: int) -> bool:
    """Whether a line is a row of a puzzle, or a whole one."""
    return row_of(line, side) is not None or whole_puzzle(line, side) is not None


def _variants(line: str, side: int) -> Iterator[str]:
    """What a line may be without the signs of one language, or those of a document."""
    text = line.strip()
    if text.startswith(">"):  # as mail quotes it
        yield re.sub(r"^(?:>\s?)+", "", text)
    if "&" in text:  # LaTeX
        yield re.sub(r"\s*(\\\\|\\[hc]line(\{[\d-]*\})?|\\tabularnewline)\s*", "", text).replace("&", ",")
    if "||" in text:
        cells = text.removeprefix("|").split("||")
        if len(cells) == side:  # MediaWiki
            yield ",".join(cell.strip() or "." for cell in cells)
        yield re.sub(r"\|{2,}", "|", text)
    if text.startswith(('- "', "- '")):  # a list of YAML
        yield text[2:].strip("\"'")
    if not _QUOTES_OR_BRACKETS.search(text):
        return
    bare = re.sub(r"['\"]|[\s\[\](){};]+$", "", text.lstrip(" ,;[({"))
    yield bare  # texts that Python or Haskell joins
    yield re.sub(r"^[^\d._]*[,\[({]\s*", "", bare)  # an array of MiniZinc
    groups = [group for group in _GROUP.findall(line) if is_row(_unquoted(group), side)]
    if len(groups) in (1, side):  # of Prolog or Lisp
        yield " ".join(_NOTHING.sub(".", _unquoted(group)) for group in groups)


def _unquoted(text: str) -> str:
    return re.sub("['\"]", "", text).strip()


def _without_brackets(line: str, side: int) -> str:
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
