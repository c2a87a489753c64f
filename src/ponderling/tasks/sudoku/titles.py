"""Lines that say something of a Sudoku and are no part of it: titles, comments, and the names of sections."""

from __future__ import annotations

import re

from ponderling.tasks.sudoku.alphabets import SYMBOLS
from ponderling.tasks.sudoku.rows import row_of
from ponderling.tasks.sudoku.whole_lines import FIELDS

LONGEST_TITLE = 1000
"""Most characters of a line that may be a title."""
SECTION = re.compile(r"\s*\[\s*[^\W\d_]{3,}[\w .:-]*\]\s*")  # of an .sdk file
NO_PUZZLE = re.compile(r"state|solution|solved|pencil|candidate|mark|colou?r|note", re.IGNORECASE)  # in such a section
_TITLE = re.compile(
    r"\s*((?:[-*•–]\s+)?[^\W\d_]{3,}[\s:].*|[A-Z][^\W\d_]{2,}[.,:!?]?"  # words, or one with a capital
    r"|(?:#|[Nn]o\.?)?\s*\d{1,4}\s*[.):]?|\d{1,2}(?: ?[x×,] ?| )\d{1,2}"  # a number, or two
    r"|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"  # a date
    r"|```.*|\\\w+\{.*|[;%!]+\s*[^\W\d_]{3,}.*"  # Markdown, LaTeX, comments
    r"|[A-Za-z]+\s*=\s*\d{1,3}\s*;?|[^\W\d_]+\(.*\)\s*:-)\s*"  # source
)
_SENTENCE_WORD = re.compile(r"(?<!\S)[^\W\d_][a-z]{1,20}[.,;:!?]?(?!\S)")
WORDS_OF_SENTENCE = 4
"""Words with small letters from which on a line is a sentence."""
_WHOLE_COMMENT = re.compile(r"/\*.*\*/|<!--.*-->|\(\*.*\*\)|\{-.*-\}|--\s+[^\W\d_].*|\[/[^\W\d_]+\]|\{\|.*|\|\}|\x1a")
"""A comment, or the end of a block of BBCode, a table of MediaWiki or a file of DOS."""


def is_title(line: str, side: int) -> bool:
    """Whether a line that is no row and no puzzle says something about one: words, a number or a date."""
    text = line.strip()  # blanks within the pattern take quadratic time
    longest = max(map(len, text.split()), default=0)
    is_short = len(text) <= LONGEST_TITLE  # of a longer one the pattern is not tried
    says = is_short and (
        _TITLE.fullmatch(text) is not None
        or (text.endswith(":") and has_words(text))
        or len(_SENTENCE_WORD.findall(text)) >= WORDS_OF_SENTENCE
    )
    return says and longest < side * side * 3 // 4


def has_words(line: str) -> bool:
    """Whether a line has a word of three letters."""
    return re.search(r"[^\W\d_]{3}", line) is not None


def is_comment(line: str, side: int) -> bool:
    """Whether a line is a comment, or the beginning or end of a text in Python."""
    text = line.strip("\ufeff ")
    if text.startswith(("#", "//")):
        return not _is_row_with(text[0], text, side=side)
    return text in ("'''", '"""') or (_WHOLE_COMMENT.fullmatch(text) is not None and row_of(line, side) is None)


def _is_row_with(blank: str, text: str, *, side: int) -> bool:
    """Whether a text is a row in which this sign stands for blanks: at least two of them, clues, and nothing else."""
    words = text.split()
    cells = "".join(words)
    are_alike = len(words) == 1 or max(map(len, words)) == 1
    return len(cells) == side and are_alike and cells.count(blank) > 1 and set(cells) - {blank} <= {*SYMBOLS[:side]}


def is_remark(line: str, *, side: int) -> bool:
    """Whether letters of a line that are no part of ASCII are in no cell: those of a comment, a title or a name."""
    if is_comment(line, side) or SECTION.fullmatch(line) or line.lstrip().startswith("<"):
        return True
    fields = [field.strip("\"'") for field in FIELDS.split(line)]
    whole = [field for field in fields if len(field) == side * side]
    if whole:
        return all(field.isascii() for field in whole)
    return row_of(line, side) is None and (is_title(line, side) or re.search("[A-Za-z]{3}", line) is not None)
