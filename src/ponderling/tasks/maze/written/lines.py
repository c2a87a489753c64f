"""The lines of a file of mazes before anything reads them: titles and sizes between mazes, and rows that stick out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze.written.forms import FREES, GOALS, NUMBERS, PATHS, STARTS, WALLS, fields

LONGEST_ROW = 200
"""Most characters of a line that may be a row of a maze; a longer one is a whole maze."""

SOLID = WALLS.replace("@", "")
"""Walls by which a row ends."""

_SIZE = re.compile(r"\s*\d{1,4}(?:\s*[x×, ]\s*\d{1,4})?\s*[.):]?\s*")
_RULE = re.compile(r"\s*(?:={3,}|-{3,}|~{3,}|`{3}\w*)\s*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_OF_MAZES = set("SsGgEeBFHXxoOAPTIWDL")  # letters that may be cells, in this program's mazes or in others'
_ASSIGNED = re.compile(
    r"\s*(?:(?:[\w.]+\s+)*\w+\s*=\s*)?(?:(?:\w+\.)?array\()?(?=\[)|[\w\s\[\].*&<>]*\w[\s\[\]\d]*=\s*(?:new\s+\w+[\[\]\s]*)?(?=\{)"
)
"""What is before a list in a program's source, or before the braces of C and Java."""
_CELLS = frozenset(WALLS + FREES + PATHS + STARTS + GOALS + "01234|+-")
_MOST_SIZES = 2
"""Lines of sizes before a maze: rows, then columns. More of them are rows of digits."""
_QUOTED = re.compile(r"\s*([\"'])([^\"'\\]+)\1\s*[,;]?\s*")


def lines_in(text: str) -> list[str]:
    """The lines of a text, however they end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def without_titles(lines: Iterable[str]) -> Iterator[str]:
    """The lines with an empty one in place of each that is no part of a maze, so that every maze keeps its line's number.

    Titles and comments have words; a rule has three dashes or more; a size is a number or two before a maze. Quotation marks
    round a row and `maze =` before a list are taken away. Lines of JSON stay as they are.
    """
    sizes: list[str] = []  # of which the next line tells whether they are rows
    is_json, is_inside = None, False
    for line, before, after in _with_neighbours(lines):
        text = line.rstrip("\n")
        is_title = _is_title(text) and not (_is_row_and_more(text, before) or _is_row_and_more(text, after))
        assigned = _ASSIGNED.match(text) if is_json is None else None
        if is_json is None and (assigned or (text.strip() and not is_title)):
            line = line if assigned is None else line[assigned.end() :]
            is_json = line.lstrip()[:1] in ("[", "{")
        if not is_json and len(text) <= LONGEST_ROW:
            quoted = _QUOTED.fullmatch(text)
            if is_title:
                line = line[len(text) :]
            elif quoted is not None:
                line = quoted[2] + line[len(text) :]
            elif not is_inside and _SIZE.fullmatch(text):
                sizes.append(line)
                if len(sizes) <= _MOST_SIZES:
                    continue
                yield from sizes[:-1]
                sizes = []
        if sizes and not line.strip():
            sizes.append(line)
            continue
        is_row = (
            NUMBERS.fullmatch(line.rstrip("\n")) is not None and len(fields(line)) == len(fields(sizes[0]))
            if sizes
            else False
        )
        yield from sizes if is_row else ["\n"] * len(sizes)
        sizes, is_inside = [], bool(line.strip())
        yield line
    yield from sizes


def _with_neighbours(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Each line, and those before and after it, which are empty at the ends and where they are not needed.

    The line after it is waited for only below a title.
    """
    before = ""
    held: list[str] = []
    for line in lines:
        if held:
            yield held[0], before, line
            before = held.pop()
        if _is_title(line.rstrip("\n")):
            held.append(line)
            continue
        yield line, before, ""
        before = line
    if held:
        yield held[0], before, ""


def _is_row_and_more(text: str, row: str) -> bool:
    """Whether a line with words begins as a row of a maze, as long as the row beside it: so that no row is lost."""
    row = row.rstrip()
    begin = text[: len(row)]
    return (
        len(text) > len(row) > 1
        and _CELLS.issuperset(row + begin)
        and not begin[0].isalpha()
        and " " in text[len(row) :]
    )


def is_remark(line: str) -> bool:
    """Whether letters of a line that are no part of ASCII are those of a title; blocks of DOS are such letters elsewhere."""
    return _is_title(line) and re.search("[A-Za-z]{2}", line) is not None


def _is_title(line: str) -> bool:
    """Whether a line has words, of other letters than mazes have, or is a rule between mazes."""
    if _RULE.fullmatch(line):
        return True
    if line.lstrip()[:1] in ("[", "{", "<", '"', "'") or len(line) > LONGEST_ROW:
        return False
    return "=" not in line and any(not _OF_MAZES.issuperset(word) for word in _WORD.findall(line))


def even(lines: Sequence[str]) -> list[str]:
    """The rows of a drawn maze without blanks that only a few have after the last wall of all others.

    Raises:
        PuzzleError: when few rows are longer than all others, which end alike, and have a wall there.
    """
    lines = without_blanks_outside(lines)
    check_short(lines)
    widths = Counter(map(len, lines))
    width, longest = min(widths), max(widths)
    longer = [i for i, line in enumerate(lines) if len(line) > width]
    if (
        len(widths) != 2
        or not 0 < width >= longest - 2
        or 4 * len(longer) > len(lines)
        or any(line[-1:] not in SOLID for line in lines if len(line) == width)
    ):
        return list(lines)
    for i in longer:
        if set(lines[i][width:]) & set(SOLID):
            raise PuzzleError(
                f"row {i + 1} of a drawn maze has {longest} characters, and {len(lines) - len(longer)} other rows have "
                f"{width}: rows have one length, apart from blanks at their ends"
            )
    return [line if line[width:].strip() else line[:width] for line in lines] if longer else list(lines)


def without_blanks_outside(lines: Sequence[str]) -> list[str]:
    """The rows without blanks after their last walls, where walls are all round."""
    bare = [line.rstrip(" ") for line in lines]
    return bare if len(set(map(len, bare))) == 1 and _is_closed(bare) else list(lines)


def _is_closed(rows: Sequence[str]) -> bool:
    """Whether there are walls all round, as far as rows as long as the longest show it."""
    width = max(map(len, rows))
    ends = "".join(row for row in (rows[0], rows[-1]) if len(row) == width)
    sides = (row[:1] + row[-1:] for row in rows if len(row) == width)
    return set(ends) <= set(SOLID) and all(len(side) == 2 and set(side) <= set(SOLID) for side in sides)


def check_short(lines: Sequence[str]) -> None:
    """Refuses a row that lacks cells, or has blanks alone, in a maze with walls all round: it may be none, or damaged.

    Raises:
        PuzzleError: naming that row.
    """
    width = max(map(len, lines))
    short = [i for i, line in enumerate(lines) if len(line) < width]
    if len(lines) < 3 or not short or 4 * len(short) > len(lines) or not _is_closed(lines):
        return
    others = "all others have" if len(short) == 1 else "most others have"
    raise PuzzleError(
        f"row {short[0] + 1} of a drawn maze has {len(lines[short[0]])} characters, and {others} {width} and end in a wall: "
        "write all its cells, also those that are free, or nothing between two mazes"
    )
