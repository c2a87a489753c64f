"""Grids written as text: what is a cell, and whether a line is a row or a square. A file's texts decide it together.

Blanks between cells separate them: `10 3` is a row of two cells. Mazes and some Sudokus have blanks that are cells, in squares
such as `#  #`, or in rows that would have several lengths without them. Where both could be meant, the text is refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from ponderling.tasks.json_text import parse_json
from ponderling.tasks.problems import shown

LONGEST_SYMBOL = 16
"""Most characters of a symbol."""
LONGEST_WORD = 8
"""Most characters of a cell that blanks set apart, where the line could be a square."""

_NUMBER = re.compile(r"[+-]?[0-9]+")
_BLANK = re.compile(r"\s")
_OF_NUMPY = re.compile(r"[\s\[\]\d-]+")
"""An array of whole numbers, as numpy prints it."""
_BETWEEN = re.compile(r"(?<=[\d\]])\s+(?=[\[\d-])")

Rows = list[list[Any]]


@dataclass(frozen=True)
class Text:
    """A grid as text that is not cut into cells yet."""

    rows: tuple[str, ...]
    kind: Literal["line", "rows", "list"]
    """line: without a row's end; rows: rows with / or line ends between; list: a JSON list of texts."""
    _: KW_ONLY
    side: int = 0
    """Whether it is an input, 0, or an output."""

    @property
    def has_blanks(self) -> bool:
        """Whether it holds a blank."""
        return any(map(_BLANK.search, self.rows))

    @property
    def words(self) -> list[list[str]]:
        """The cells of each row if blanks separate them."""
        return [row.split() for row in self.rows]

    @property
    def is_separated(self) -> bool:
        """Whether a row has blanks between other characters."""
        return any(len(row) > 1 for row in self.words)

    @property
    def is_clean(self) -> bool:
        """Whether blanks are only between other characters, one at a time."""
        return all(" ".join(words) == row for words, row in zip(self.words, self.rows, strict=True))


@dataclass(frozen=True)
class Form:
    """How the texts of a file are meant."""

    lines: Literal["squares", "rows", "cells"] = "squares"
    """squares: a line is a square of characters; rows: a row of characters; cells: a row of cells with blanks between."""
    lists: Literal["characters", "cells"] = "characters"
    """Whether a text in a JSON list is a row of characters, or of cells with blanks between."""
    _: KW_ONLY
    rows: Literal["characters", "cells"] = "cells"
    """Whether the rows of a text with line ends or / are of characters, or of cells if there are blanks between others."""


class AmbiguousError(ValueError):
    """A text that can be read in two ways.

    Args:
        index: The number of the text.
        message: Both ways, and how to write what is meant.
    """

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def text_of(value: Any, side: int = 0) -> Text | Rows:
    """A text, or the rows of a value that is not text.

    Raises:
        ValueError: for broken JSON, and for a value that is not a grid.
    """
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            rows = value.replace("\r", "").strip("\n").replace("\n", "/").split("/")
            if len(rows) == 1:
                return Text((rows[0],), "line", side=side)
            if not rows[-1]:
                rows.pop()  # the / that marks a single row as a row
            return Text(tuple(rows), "rows", side=side)
        value = parse_json(_BETWEEN.sub(",", value) if _OF_NUMPY.fullmatch(value) else value)
    if not isinstance(value, list) or not all(isinstance(row, list | str) for row in value):
        raise ValueError(f"expected a list of rows, got {shown(value)}{_advice_for(value)}")
    if value and all(isinstance(row, str) for row in value):
        return Text(tuple(value), "list", side=side)
    return [list(row) for row in value]


def _advice_for(value: Any) -> str:
    """How to write a row or a cell that is no list of rows; empty for anything else."""
    is_row = isinstance(value, list)
    if not (is_row or isinstance(value, int)) or len(text := json.dumps(value)) > 40:
        return ""
    return f": write one row as [{text}]" if is_row else f": write one cell as [[{text}]]"


def form_of(texts: Sequence[Text]) -> Form:
    """How the texts of a file are meant.

    Raises:
        AmbiguousError: for a text that can be read in two ways.
    """
    of_kind = {kind: [i for i, text in enumerate(texts) if text.kind == kind] for kind in ("line", "rows", "list")}
    form = Form(
        _form_of_lines(texts, of_kind["line"]),
        _form_of_lists(texts, of_kind["list"]),
        rows=_form_of_rows([texts[i] for i in of_kind["rows"]]),
    )
    if form.rows == "characters":
        of_kind["rows"] = []
    separated = [i for i in of_kind["rows"] if texts[i].is_separated]
    separated += [i for i in of_kind["line"] if form.lines == "cells" and texts[i].is_separated]
    separated += [i for i in of_kind["list"] if form.lists == "cells" and texts[i].is_separated]
    if separated:
        long_words = any(len(word) > 1 for i in separated for row in texts[i].words for word in row)
        together = of_kind["rows"] + of_kind["line"] + (of_kind["list"] if form.lists == "cells" else [])
        for i in sorted({*together} - {*separated}):
            _refuse_mixed(i, texts[i], long_words=long_words)
    return form


def _form_of_lines(texts: Sequence[Text], members: list[int]) -> Literal["squares", "rows", "cells"]:
    are_squares = all(_is_square(texts[i].rows[0]) for i in members)
    blank = [i for i in members if texts[i].has_blanks]
    if not blank:
        return "squares" if are_squares else "rows"
    if not are_squares or any("\t" in texts[i].rows[0] for i in blank):
        return "cells"
    words = {i: texts[i].words[0] for i in members}
    if any(not row or max(map(len, row)) > LONGEST_SYMBOL for row in words.values()):
        return "squares"
    if all(texts[i].is_clean for i in blank):
        long = next((i for i in blank for word in words[i] if len(word) > 1 and not _is_word(word)), None)
        if long is None:
            return "cells"
        raise AmbiguousError(long, _two_readings(texts[long]))
    counts = [{len(words[i]) for i in blank if texts[i].side == side} for side in (0, 1)]
    is_regular = all(len(count) < 2 and count != {1} for count in counts)
    if is_regular and all(texts[i].rows[0] == texts[i].rows[0].strip() for i in blank):
        raise AmbiguousError(blank[0], _two_readings(texts[blank[0]]))
    return "squares"


def _form_of_lists(texts: Sequence[Text], members: list[int]) -> Literal["characters", "cells"]:
    blank = [i for i in members if texts[i].has_blanks]
    if any("\t" in row for i in blank for row in texts[i].rows):
        return "cells"
    for i in members if blank else ():
        words = texts[i].words
        are_cells = len({len(row) for row in words}) == 1 and words[0] and texts[i].is_clean
        if not are_cells or any(len(word) > LONGEST_SYMBOL for row in words for word in row):
            return "characters"
    for i in blank:
        words = [word for row in texts[i].words for word in row]
        are_single = all(len(word) == 1 for word in words) and len(texts[i].words[0]) > 2
        if not are_single and not all(map(_NUMBER.fullmatch, words)):
            raise AmbiguousError(i, _two_readings(texts[i]))
    return "cells" if blank else "characters"


def _form_of_rows(texts: Sequence[Text]) -> Literal["characters", "cells"]:
    """Characters, where cells with blanks between would make ragged grids, and characters make none.

    Words and numbers alone are no drawing, nor is a text with every second place blank: there a cell is missing.
    """
    rows = [row for text in texts for row in text.rows]
    are_ragged = any(text.is_separated and len({len(row) for row in text.words}) > 1 for text in texts)
    are_drawn = all(len({len(row) for row in text.rows}) == 1 for text in texts) and not any(
        "\t" in row for row in rows
    )
    has_signs = not all(_is_word(word) for row in rows for word in row.split())
    are_spaced = not any(row[1::2].strip() for row in rows)
    return "characters" if are_ragged and are_drawn and has_signs and not are_spaced else "cells"


def _refuse_mixed(i: int, text: Text, *, long_words: bool) -> None:
    """Refuses a text without blanks, in a file whose others have blanks between cells, that may be meant as one cell."""
    for row in text.rows:
        word = row.strip()
        if 1 < len(word) <= LONGEST_SYMBOL and (long_words or _NUMBER.fullmatch(word)):
            both = f"{_json([[word]])} or {_json([list(word)])}"
            raise AmbiguousError(
                i,
                f"{shown(word)} can be one cell or {len(word)}, as other texts of the file have blanks between cells: write "
                f"it as JSON, {both}",
            )


def _two_readings(text: Text) -> str:
    characters = _square(text.rows[0]) if text.kind == "line" else [list(row) for row in text.rows]
    sizes = [f"{len(rows)}x{len(rows[0])}" for rows in (text.words, characters)]
    return (
        f"{shown(' / '.join(text.rows))} can be {sizes[0]} cells with blanks between, or {sizes[1]} characters: write such "
        f"grids as JSON, {_json(text.words)} or {_json(characters)}"
    )


def _json(rows: Rows) -> str:
    text = json.dumps(
        [[int(cell) if _NUMBER.fullmatch(cell) else cell for cell in row] for row in rows], ensure_ascii=False
    )
    return text if len(text) <= 60 else text[:57] + "..."


def rows_of(text: Text, form: Form) -> Rows:
    """The rows of cells of a text that is meant in this form."""
    if text.kind == "list":
        return text.words if form.lists == "cells" and text.is_separated else [list(row) for row in text.rows]
    if text.kind == "line" and form.lines == "squares" and _is_square(text.rows[0]):
        return _square(text.rows[0])
    if text.kind == "rows" and form.rows == "characters":
        return [list(row) for row in text.rows]
    return text.words if text.is_separated else [list(row.strip()) for row in text.rows]


def grid_of_text(text: str) -> Rows:
    """The rows of a grid written as text, where nothing else says how it is meant.

    JSON is read as JSON. Otherwise `/` or line ends separate rows. In a row, blanks separate cells if there are any between
    other characters; if not, each character is a cell. A single line without blanks, or with blanks at its ends or several in
    succession, is a square if it has a square number of characters, row after row, each character a cell.

    Raises:
        ValueError: when it is empty or broken JSON.
    """
    return readings_of(text)[0]


def readings_of(value: Any) -> list[Rows]:
    """The ways to read one grid, which is text or a list of rows; the likeliest is the first.

    Raises:
        ValueError: when it is not a grid.
    """
    text = text_of(value)
    if not isinstance(text, Text):
        return [text]
    if text.kind == "rows" and _form_of_rows([text]) == "characters":
        return [rows_of(text, Form(rows="characters"))]
    squares, cells = rows_of(text, Form()), rows_of(text, Form("cells", "cells"))
    if text.kind == "list" and text.has_blanks:
        try:
            is_cells = _form_of_lists([text], [0]) == "cells"
        except AmbiguousError:
            is_cells = False
    else:
        is_cells = text.is_separated and (text.is_clean or "\t" in text.rows[0])
    likely = [cells, squares] if is_cells else [squares, cells]
    return likely + ([[[text.rows[0].strip()]]] if text.kind == "line" and not text.has_blanks else [])


def _is_square(line: str) -> bool:
    return math.isqrt(len(line)) ** 2 == len(line)


def _square(line: str) -> Rows:
    side = math.isqrt(len(line))
    return [list(line[r * side : (r + 1) * side]) for r in range(side)]


def _is_word(text: str) -> bool:
    """Whether this can only be one cell, and not characters of a drawing."""
    return len(text) <= LONGEST_WORD and (text.isalnum() or _NUMBER.fullmatch(text) is not None)
