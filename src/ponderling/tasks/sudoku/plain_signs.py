"""Lines of a Sudoku in plain signs: digits of any script, and numbers as programs for tables and statistics print them."""

from __future__ import annotations

import re
import unicodedata

_KEYCAP = str.maketrans("", "", "\ufe0f\u20e3")  # what makes an emoji of a digit
_NO_NUMBER = ("nan", "na", "none", "null")
_NUMBER = re.compile(r"-?\d{1,3}(\.\d{1,30}(e[+-]?\d{1,2})?)?")
_LABEL = re.compile(r"\s*\[\s*(\d{1,2})\s*,\s*\]")  # of a row, as R prints it
_HEADING = re.compile(r"\s*(\[\s*,\s*\d{1,2}\s*\]\s*)+")  # of columns


def with_plain_signs(line: str) -> str:
    """The line with digits of ASCII, spaces of one kind, and whole numbers; a number that is missing is a point."""
    if not line.isascii():
        line = "".join(map(_plain, line.translate(_KEYCAP)))
    if "[" in line and "," in line:
        line = "" if _HEADING.fullmatch(line) else _LABEL.sub(r"\1:", line)
    return _with_whole_numbers(line) if "." in line or "n" in line.lower() else line


def has_other_digits(line: str) -> bool:
    """Whether a line has digits that are not those of ASCII."""
    return not line.isascii() and any(character.isdecimal() and not character.isascii() for character in line)


def _plain(character: str) -> str:
    if character.isascii():
        return character
    return str(unicodedata.decimal(character, " " if character in "\u00a0\u2002\u2003" else character))


def _with_whole_numbers(line: str) -> str:
    """The line with whole numbers, where all its words are numbers and at least one has a point or is missing."""
    mark = next((mark for mark in ",;\t" if mark in line.strip(" ,;\t")), None)
    words = [word.strip() for word in (line if mark else line.strip(" ,;")).split(mark)]
    cells = [word.rstrip(":") for word in words]
    is_missing = [cell.lower() in _NO_NUMBER for cell in cells]
    has_points = [not missing and "." in cell for cell, missing in zip(cells, is_missing, strict=True)]
    if (
        len(cells) < 2
        or not any(is_missing + has_points)
        or not all(
            missing or (not cell and mark) or (_NUMBER.fullmatch(cell) and float(cell).is_integer())
            for cell, missing in zip(cells, is_missing, strict=True)
        )
    ):
        return line
    plain = [
        "." if missing else word if word.endswith(":") or not word else str(int(float(word)))
        for word, missing in zip(words, is_missing, strict=True)
    ]
    return (mark or " ").join(plain)
