"""Mazes as other people's programs write them, read into one form: rows of `#`, spaces, `S`, `G`, and `o` for a path shown.

Numbers (of grids in code, or of the official data sets), other characters (blocks, dots, A and B), frames of `+--+` and `|`,
JSON, and the tokens that maze-dataset writes (M. Ivanitskiy, 2023, arXiv 2309.10498). Whatever is not one of these is None:
`drawn` and `text_files` read mazes in our own characters.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.problems import shown

OURS = "# SGo"
"""A wall, a free cell, the start, the goal and a cell of the path: the cells of `cells.WALL` and on."""
KNOWN = OURS + "EX+"
"""Our characters and those that `Maze.aliases` reads: mazes of these alone are drawn."""

WALLS, FREES, PATHS = "#█▓▒■⬛@", " .·_□⬜", "o*•+"
_SOLID = WALLS.replace("@", "")
STARTS, GOALS = "SsA", "GgEeBFX"
"""Characters of other programs. Goals in this order: an X is a mark of a path where there is another goal."""
OBJECTS = ("maze", "grid", "map", "cells", "board", "question")
"""What an object of JSON may call its maze, or `mazes` a list of them."""
ENDS = ("start", "origin", "source", "entrance"), ("goal", "end", "target", "finish", "exit")
"""What it may call the cells of S and G, as row and column from 0."""
ANSWERS = ("solution", "path", "answer")
"""What it may call the path, as a list of cells, or the maze with its path."""

LONGEST_ROW = 200
"""Most characters of a line that may be a row of a maze; a longer one is a whole maze."""
DEEPEST = 3
"""Lists or objects in one another that a maze of JSON may be in."""

_TOKENS = "<ADJLIST_START>"
_CELL = re.compile(r"\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)")
_FRAME = re.compile(r"\+(?:[-=─━ ]{1,7}\+)+")
_NUMBER = r"-?\d{1,3}(?:\.\d{0,30}(?:e[+-]\d\d)?)?"  # also as numpy writes an array of floats
_NUMBERS = re.compile(rf"[\s\[(]*{_NUMBER}(?:[\s,;\t]+{_NUMBER})+[\s,;\])]*")
_SIZE = re.compile(r"\s*\d{1,4}(?:\s*[x×, ]\s*\d{1,4})?\s*[.):]?\s*")
_RULE = re.compile(r"\s*(?:={3,}|-{3,}|~{3,})\s*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_OF_MAZES = set("SsGgEeBFXxoOAPTIWDL")  # letters that may be cells, in this program's mazes or in others'
_ASSIGNED = re.compile(r"\s*(?:\w+\s*=\s*)?(?:(?:\w+\.)?array\()?(?=\[)")
_QUOTED = re.compile(r"\s*([\"'])([^\"'\\]+)\1\s*[,;]?\s*")
_DIGITS = re.compile(r"[0-5]{2,}")


class Written(NamedTuple):
    """A maze that was read."""

    number: int
    """The line that it begins in, or its place among several of one JSON value, from 1."""
    rows: tuple[str, ...]
    """Rows of one length, in our characters."""
    form: str
    """What it was taken for, in words."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.rows[0])


def read_text(text: str) -> Written | None:
    """One maze from a text in such a form; None for a text in another.

    Raises:
        PuzzleError: when it is in such a form and cannot be read, or holds several mazes.
    """
    lines = list(without_titles(lines_in(text)))
    reader = reader_for(lines)
    if reader is None:
        return None
    found = list(reader(lines))
    if len(found) != 1:
        raise PuzzleError(f"expected one maze, got {len(found) or 'none'}" + ": put them in a file" * (len(found) > 1))
    return found[0]


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
    for line in lines:
        text = line.rstrip("\n")
        assigned = _ASSIGNED.match(text) if is_json is None else None
        if is_json is None and (assigned or (text.strip() and not _is_title(text))):
            line = line if assigned is None else line[assigned.end() :]
            is_json = line.lstrip()[:1] in ("[", "{")
        if not is_json and len(text) <= LONGEST_ROW:
            quoted = _QUOTED.fullmatch(text)
            if _is_title(text):
                line = line[len(text) :]
            elif quoted is not None:
                line = quoted[2] + line[len(text) :]
            elif not is_inside and _SIZE.fullmatch(text):
                sizes.append(line)
                continue
        if sizes and not line.strip():
            sizes.append(line)
            continue
        is_row = (
            _NUMBERS.fullmatch(line.rstrip("\n")) is not None and len(_fields(line)) == len(_fields(sizes[0]))
            if sizes
            else False
        )
        yield from sizes if is_row else ["\n"] * len(sizes)
        sizes, is_inside = [], bool(line.strip())
        yield line
    yield from sizes


def _fields(line: str) -> list[str]:
    return re.findall(_NUMBER, line)


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
    widths = Counter(map(len, lines))
    width, longest = min(widths), max(widths)
    longer = [i for i, line in enumerate(lines) if len(line) > width]
    if (
        len(widths) != 2
        or not 0 < width >= longest - 2
        or 4 * len(longer) > len(lines)
        or any(line[-1:] not in _SOLID for line in lines if len(line) == width)
    ):
        return list(lines)
    for i in longer:
        if set(lines[i][width:]) & set(_SOLID):
            raise PuzzleError(
                f"row {i + 1} of a drawn maze has {longest} characters, and {len(lines) - len(longer)} other rows have "
                f"{width}: rows have one length, apart from blanks at their ends"
            )
    return [line if line[width:].strip() else line[:width] for line in lines] if longer else list(lines)


Reader = Callable[[Iterable[str]], Iterator[Written]]
"""Reads the mazes of lines that have one form."""


def reader_for(head: Sequence[str]) -> Reader | None:
    """The function that reads lines which begin like these; None for a form that is not here."""
    block = next(_blocks(head, may_be_blank=True), None)
    if block is None:
        return None
    first, lines = block.lines[0].strip(), [line for line in block.lines if line.strip()]
    is_array = len(lines) > 1 and "," not in first and all(map(_NUMBERS.fullmatch, lines))  # as numpy prints it
    if first[0] in "[{" and not is_array:
        return read_json
    if len(lines) == 1 and first[0] == first[-1] == '"' and "\\n" in first:
        return read_json
    if _TOKENS in first:
        return read_tokens
    if len(lines) < 2:
        return None
    if _FRAME.fullmatch(first) and "-" in first.replace("─", "-").replace("━", "-").replace("=", "-"):
        return _framed
    if all(map(_NUMBERS.fullmatch, lines)) or all(map(_DIGITS.fullmatch, map(str.strip, lines))):
        return read_numbers
    found = set().union(*lines)
    if _has_digits(lines):
        return _digits_and_ends
    others = Counter("".join(lines))
    is_wall = "X" in found and "#" not in found
    is_goal = others["X"] == 1 and "#" in found and not found & {"G", "E"}
    if found <= set(KNOWN) and (is_wall or is_goal):
        return _other_characters
    if not found <= set(KNOWN) and found <= set(
        WALLS + FREES + PATHS + STARTS + GOALS + "PT" + "x" * (not found.isdisjoint(STARTS))
    ):
        return _other_characters
    return None


class _Block(NamedTuple):
    number: int
    lines: list[str]


def _blocks(lines: Iterable[str], *, may_be_blank: bool = False) -> Iterator[_Block]:
    """Lines that follow one another, without the empty ones between; lines of blanks may be rows of free cells."""
    block: list[str] = []
    number = 1
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\n")
        if line.strip() or (line and block and may_be_blank):
            block.append(line)
        elif block:
            yield _Block(number - len(block), block)
            block = []
    if block:
        yield _Block(number - len(block) + 1, block)


# Numbers


def read_numbers(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes with a number for each cell, and empty lines between them; digits may stand side by side."""
    for number, block in _blocks(lines):
        try:
            texts = [line.strip() if _DIGITS.fullmatch(line.strip()) else _fields(line) for line in block]
            values = [[float(cell) for cell in row] for row in texts]
            if any(not value.is_integer() for row in values for value in row):
                raise PuzzleError("a maze of numbers has whole numbers")
            grid = [[int(value) for value in row] for row in values]
            yield _from_numbers(number, grid, start=None, goal=None)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def _from_numbers(
    number: int, grid: Sequence[Sequence[int]], *, start: tuple[int, int] | None, goal: tuple[int, int] | None
) -> Written:
    """A maze of numbers: the official tokens, or 1 for walls and 0 for free cells, or the other way round."""
    _check_width(grid)
    counts = Counter(itertools.chain.from_iterable(grid))
    is_open = False
    if set(counts) <= {1, 2, 3, 4, 5} and counts[3] == counts[4] == 1 and counts[2]:
        meaning = dict(enumerate(OURS, 1))
        form = "the official numbers: 1 a wall, 2 free, 3 S, 4 G, 5 the path"
    elif set(counts) <= {0, 1, 2, 3, 4}:
        border = Counter([*grid[0], *grid[-1], *(cell for row in grid for cell in (row[0], row[-1]))])
        wall = 0 if border[0] and not border[1] else 1
        meaning = {wall: "#", 1 - wall: " ", 2: "S", 3: "G", 4: "o"}
        is_open = bool(border[0] and border[1])
        form = f"numbers: {wall} a wall{' (it is all round)' * (wall == 0)}, {1 - wall} free"
        if start is None and goal is None:
            if not counts[2] == counts[3] == 1:
                raise PuzzleError(
                    f"a maze of numbers has one 2 for S and one 3 for G: got {counts[2] or 'no'} 2 and "
                    f"{counts[3] or 'no'} 3; in JSON, start and goal may say where they are"
                )
            form += ", 2 S, 3 G" + ", 4 the path" * bool(counts[4])
    else:
        numbers = ", ".join(map(str, sorted(counts)[:8]))
        raise PuzzleError(
            "expected numbers of 0 free, 1 a wall, 2 S, 3 G and 4 the path, or the official 1 a wall, 2 free, 3 S, 4 G and "
            f"5 the path: got {numbers}"
        )
    rows = ["".join(meaning[cell] for cell in row) for row in grid]
    if not is_open:
        return _with_ends(number, rows, start=start, goal=goal, form=form)
    return _in_doubt(number, rows, start=start, goal=goal, form=form)


def _in_doubt(
    number: int, rows: list[str], *, start: tuple[int, int] | None, goal: tuple[int, int] | None, form: str
) -> Written:
    """A maze whose border says nothing of its numbers: 1 is a wall, unless there is a way only if 0 is one.

    Raises:
        PuzzleError: in that case.
    """
    exchanged = [row.translate({ord("#"): " ", ord(" "): "#"}) for row in rows]
    try:
        other = _with_ends(number, exchanged, start=start, goal=goal, form=form).rows
    except PuzzleError:
        other = None
    try:
        found = _with_ends(number, rows, start=start, goal=goal, form=form)
    except PuzzleError:
        if other is None:
            raise
        found = None
    if other is not None and _has_way(other) and (found is None or not _has_way(found.rows)):
        raise PuzzleError(
            "there is a way from S to G only if 0 is a wall, though 1 is one by default: write # for walls, or swap 0 and 1"
        )
    assert found is not None or other is not None
    return found or _with_ends(number, rows, start=start, goal=goal, form=form)


def _has_way(rows: Sequence[str]) -> bool:
    """Whether free cells join an S and a G."""
    cells = {(y, x): cell for y, row in enumerate(rows) for x, cell in enumerate(row) if cell != "#"}
    reached = {place for place, cell in cells.items() if cell == "S"}
    border = list(reached)
    while border:
        y, x = border.pop()
        for place in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            if place in cells and place not in reached:
                reached.add(place)
                border.append(place)
    return any(cells[place] == "G" for place in reached)


def _has_digits(lines: Sequence[str]) -> bool:
    """Whether each cell is 0, 1 or the letter of an end, with or without something between."""
    used = Counter("".join(lines))
    letters = [mark for mark in used if mark not in "01 ,;\t"]
    return bool(used["0"] and used["1"] and letters) and all(
        used[mark] == 1 and mark in STARTS + GOALS for mark in letters
    )


def _digits_and_ends(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes of 0 and 1 with letters for S and G."""
    for number, block in _blocks(lines):
        try:
            rows = [re.sub(r"[\s,;]", "", line) for line in block]
            _check_width(rows)
            starts = [mark for mark in STARTS if any(mark in row for row in rows)]
            goals = [mark for mark in GOALS if any(mark in row for row in rows)]
            if len(starts) != 1 or len(goals) != 1:
                raise PuzzleError(f"expected one letter for S and one for G, got {''.join([*starts, *goals])}")
            grid = [[{starts[0]: 2, goals[0]: 3}.get(cell) or int(cell) for cell in row] for row in rows]
            found = _from_numbers(number, grid, start=None, goal=None)
            wall = next(
                (cell for row, made in zip(rows, found.rows) for cell, own in zip(row, made) if own == "#"), "1"
            )
            yield found._replace(
                form=f"drawn, with {wall} for a wall, {1 - int(wall)} free, {starts[0]} and {goals[0]} the ends"
            )
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def from_arrays(array: NDArray[Any]) -> Iterator[Written]:
    """The mazes of an array of numbers, (rows, columns) or (N, rows, columns).

    Raises:
        PuzzleError: when it is another array.
    """
    if array.ndim not in (2, 3) or array.dtype.kind not in "biuf" or not array.size:
        raise PuzzleError(
            f"expected an array of numbers of (rows, columns) or (mazes, rows, columns), got {array.dtype} {array.shape}"
        )
    for i, grid in enumerate(array.reshape(-1, *array.shape[-2:]), 1):
        if (grid != np.floor(grid)).any():
            raise PuzzleError(f"maze {i}: a maze of numbers has whole numbers")
        try:
            yield _from_numbers(i, grid.astype(np.int64).tolist(), start=None, goal=None)
        except PuzzleError as error:
            raise PuzzleError(f"maze {i}: {error}") from error


def _check_width(rows: Sequence[Sequence[Any]]) -> None:
    widths = sorted(set(map(len, rows)))
    if len(widths) != 1 or not widths[0]:
        uneven = next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), 0)
        raise PuzzleError(f"row {uneven + 1} has {len(rows[uneven])} cells, row 1 has {len(rows[0])}")


def _with_ends(
    number: int, rows: list[str], *, start: tuple[int, int] | None, goal: tuple[int, int] | None, form: str
) -> Written:
    """A maze with S and G in these cells, where they are given."""
    grid = [list(row) for row in rows]
    for name, place, mark in (("start", start, "S"), ("goal", goal, "G")):
        if place is None:
            continue
        row, column = place
        if not (0 <= row < len(grid) and 0 <= column < len(grid[0])):
            raise PuzzleError(
                f"the {name} {list(place)} (row and column, from 0) is outside {len(grid)}x{len(grid[0])}"
            )
        if grid[row][column] not in (" ", "o", mark):
            raise PuzzleError(
                f"the {name} {list(place)} (row and column, from 0) is not a free cell: {grid[row][column]}"
            )
        grid[row][column] = mark
    if start is not None or goal is not None:
        form += ", the ends by row and column from 0"
    return Written(number, tuple(map("".join, grid)), form)


# Characters


def _other_characters(lines: Iterable[str]) -> Iterator[Written]:
    for number, block in _blocks(lines, may_be_blank=True):
        try:
            yield _from_characters(number, block)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def _from_characters(number: int, lines: Sequence[str]) -> Written:
    """A maze of the characters above; blanks at the ends of lines may be missing."""
    lines = even(lines)
    width = max(map(len, lines))
    rows = [line.ljust(width) for line in lines]
    used = set("".join(rows))
    if used & set("█▓▒■") and width % 2 == 0 and all(_is_double(row) for row in rows):
        rows = ["".join(sorted(row[i : i + 2])[-1] for i in range(0, width, 2)) for row in rows]
        used, width = set("".join(rows)), width // 2
    counts = Counter("".join(rows))
    meaning = dict.fromkeys(WALLS, "#") | dict.fromkeys(FREES, " ") | dict.fromkeys(PATHS, "o")
    meaning |= dict.fromkeys(STARTS, "S")
    goal = next((mark for mark in GOALS if counts[mark]), "T" if counts["T"] == 1 else "")
    meaning |= dict.fromkeys("X", "o") | ({goal: "G"} if goal else {})
    if not used & set(WALLS) and counts["X"] + counts["x"] > 1:
        meaning |= dict.fromkeys("Xx", "#")
    if "." in used and " " in used:
        meaning["."] = "o"  # crumbs of a path; whether they are one is checked where it is read as an answer
    if "P" in used and not used & set(STARTS):
        meaning["P"] = "S"
    strange = sorted(used - meaning.keys())
    if strange:
        raise PuzzleError(f"{shown(strange[0])} is neither a wall, nor free, nor S, G or a path in such a maze")
    said = [f"{shown(mark)} for {name}" for mark, name in _legend(used, meaning)]
    form = f"drawn, with {', '.join(said)}" if said else "drawn"
    return Written(number, tuple("".join(map(meaning.__getitem__, row)) for row in rows), form)


def _is_double(row: str) -> bool:
    pairs = [row[i : i + 2] for i in range(0, len(row), 2)]
    return all(pair[0] == pair[1] or (" " in pair and pair.strip() in {*STARTS, *GOALS}) for pair in pairs)


def _legend(used: set[str], meaning: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    names = {"#": "a wall", " ": "a free cell", "S": "S", "G": "G", "o": "the path"}
    for mark in sorted(used, key=lambda mark: (OURS.index(meaning[mark]), mark)):
        if mark != meaning[mark]:
            yield mark, names[meaning[mark]]


def _framed(lines: Iterable[str]) -> Iterator[Written]:
    """Mazes whose walls are lines between cells, `+--+` above and `|` beside; walls become cells of the maze."""
    for number, block in _blocks(lines):
        try:
            yield _from_frame(number, block)
        except PuzzleError as error:
            raise PuzzleError(f"line {number}: {error}") from error


def _from_frame(number: int, lines: Sequence[str]) -> Written:
    steps = {len(part) for part in re.findall(r"[-=─━ ]+", lines[0].strip())}
    if len(steps) != 1:
        raise PuzzleError("the corners + of its first line are not equally far apart")
    step = 1 + steps.pop()
    width = len(lines[0].rstrip())
    if width % step != 1 or len(lines) % 2 == 0:
        raise PuzzleError(
            f"expected corners + every {step} characters and a line of walls above and below each row of cells: got "
            f"{len(lines)} lines, the first of {width} characters"
        )
    columns = width // step
    for line in lines[::2]:
        if len(line.rstrip()) != width or set(line[::step]) != {"+"}:
            raise PuzzleError(
                f"expected a line of corners + every {step} characters, as long as the first, got {shown(line)}"
            )
    rows = []
    for y, line in enumerate(lines):
        line = line.ljust(width)
        row = []
        for x in range(columns):
            edge, inside = line[x * step], line[x * step + 1 : (x + 1) * step]
            row += [_edge(edge, is_corner=y % 2 == 0), _inside(inside, y, is_wall_row=y % 2 == 0)]
        rows.append("".join([*row, _edge(line[columns * step], is_corner=y % 2 == 0)]))
    return Written(number, tuple(rows), "drawn with lines for walls, which became cells")


def _edge(character: str, *, is_corner: bool) -> str:
    if is_corner or character in "|│┃":
        return "#"
    if character != " ":
        raise PuzzleError(f"expected | or a space between two cells, got {shown(character)}")
    return " "


def _inside(text: str, line: int, *, is_wall_row: bool) -> str:
    """One cell, or the wall above it."""
    mark = text.strip()
    if is_wall_row:
        if mark and not set(mark) <= set("-=─━"):
            raise PuzzleError(f"expected a wall of - between two corners in its line {line + 1}, got {shown(text)}")
        return "#" if mark else " "
    if len(mark) > 1 or (mark and mark not in STARTS + GOALS + PATHS + "."):
        raise PuzzleError(
            f"expected S, G, a mark of the path or nothing in a cell of its line {line + 1}, got {shown(text)}"
        )
    if not mark:
        return " "
    return "S" if mark in STARTS else "G" if mark in GOALS and mark != "X" else "o"


# maze-dataset's tokens


def read_tokens(lines: Iterable[str]) -> Iterator[Written]:
    """A maze a line, as maze-dataset writes them for language models; `<PATH_START>` is passed over: it is an answer."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _from_tokens(number, line)
            except PuzzleError as error:
                raise PuzzleError(f"line {number}: {error}") from error


def _from_tokens(number: int, line: str) -> Written:
    parts = {name: _between(line, name) for name in ("ADJLIST", "ORIGIN", "TARGET")}
    joined = []
    for link in parts["ADJLIST"].split(";"):
        cells = _CELL.findall(link)
        if not cells and not link.strip():
            continue
        if len(cells) != 2 or "<-->" not in link:
            raise PuzzleError(f"expected two cells joined by <-->, got {shown(link.strip())}")
        joined.append([(int(row), int(column)) for row, column in cells])
    if not joined:
        raise PuzzleError("expected cells joined by <--> after <ADJLIST_START>, got none")
    side = 1 + max(itertools.chain.from_iterable(itertools.chain.from_iterable(joined)))
    if side > 200:
        raise PuzzleError(f"expected cells of at most (199,199), got one of {side - 1}")
    grid = [["#"] * (2 * side + 1) for _ in range(2 * side + 1)]
    for (a, b), (c, d) in joined:
        if abs(a - c) + abs(b - d) != 1:
            raise PuzzleError(f"the cells ({a},{b}) and ({c},{d}) are joined, and not side by side")
        for row, column in ((2 * a + 1, 2 * b + 1), (2 * c + 1, 2 * d + 1), (a + c + 1, b + d + 1)):
            grid[row][column] = " "
    ends = {}
    for name in ("ORIGIN", "TARGET"):
        cells = _CELL.findall(parts[name])
        if len(cells) != 1:
            raise PuzzleError(f"expected one cell after <{name}_START>, got {len(cells) or 'none'}")
        row, column = 2 * int(cells[0][0]) + 1, 2 * int(cells[0][1]) + 1
        ends[name] = (row, column)
    made = _with_ends(number, list(map("".join, grid)), start=ends["ORIGIN"], goal=ends["TARGET"], form="")
    return made._replace(form="maze-dataset's tokens; walls became cells")


def _between(line: str, name: str) -> str:
    begin, end = f"<{name}_START>", f"<{name}_END>"
    if line.count(begin) != 1 or line.count(end) != 1 or line.index(begin) > line.index(end):
        raise PuzzleError(f"expected one {begin} and then one {end}")
    return line[line.index(begin) + len(begin) : line.index(end)]


# JSON


def read_json(lines: Iterable[str]) -> Iterator[Written]:
    """A JSON value over all lines, or one a line."""
    texts = [line for line in lines if line.strip()]
    try:
        values = [parse_json("".join(texts))]
    except JsonError as error:
        try:
            values = _values(texts)
        except JsonError:
            raise PuzzleError(str(error)) from error
    place = 0
    for value in values:
        for maze, about in _mazes_in(value):
            place += 1
            try:
                yield _from_json(place, maze, about=about)
            except PuzzleError as error:
                raise PuzzleError(f"maze {place}: {error}") from error


def _values(lines: Sequence[str]) -> list[Any]:
    """JSON values, one a line; or a list of Python's over all lines, which may end in a comma.

    Raises:
        JsonError: for anything else.
    """
    try:
        return [parse_json(line) for line in lines]
    except JsonError:
        text = "".join(lines)
        text = re.sub(r"(?:,\s*dtype=\w+)?\)\s*;?\s*$", "", text)
        text = text if '"' in text else text.replace("'", '"')
        return [parse_json(re.sub(r",(\s*[\]}])", r"\1", text))]


def _mazes_in(value: Any, *, depth: int = 0) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The mazes of a JSON value, and the objects that tell more of them."""
    if depth > DEEPEST:
        raise PuzzleError(f"expected mazes at most {DEEPEST} lists or objects deep")
    if isinstance(value, dict):
        about = {str(key).lower(): inner for key, inner in value.items()}
        if isinstance(about.get("mazes"), list):
            for inner in about["mazes"]:
                yield from _mazes_in(inner, depth=depth + 1)
            return
        named = [name for name in OBJECTS if name in about]
        if len(named) != 1:
            raise PuzzleError(
                f"expected an object with one of {', '.join(OBJECTS)}: got {shown(', '.join(about)) or 'an empty one'}"
            )
        yield about[named[0]], about
    elif isinstance(value, str):
        yield value, {}
    elif isinstance(value, list) and value:
        if all(isinstance(row, str) for row in value):
            if any("\n" in row for row in value):
                yield from ((row, {}) for row in value)
            else:
                yield value, {}
        elif all(
            isinstance(row, list) and row and not isinstance(row[0], list) and len(str(row[0])) < 6 for row in value
        ) and not all(isinstance(row, list) and isinstance(row[0], str) and len(row[0]) > 1 for row in value):
            yield value, {}
        else:
            for inner in value:
                yield from _mazes_in(inner, depth=depth + 1)
    else:
        raise PuzzleError(f"expected a maze, as rows of numbers or of characters: got {shown(str(value))}")


def _from_json(number: int, maze: Any, *, about: Mapping[str, Any]) -> Written:
    start, goal = (_end(about, names) for names in ENDS)
    if isinstance(maze, str):
        maze = maze.replace("\r", "").strip("\n").split("\n")
    if not isinstance(maze, list) or not maze:
        raise PuzzleError(f"expected rows, got {shown(str(maze))}")
    if all(isinstance(row, list) and row and all(isinstance(cell, int) for cell in row) for row in maze):
        found = _from_numbers(number, [[int(cell) for cell in row] for row in maze], start=start, goal=goal)
    else:
        lines = []
        for row in maze:
            cells = list(row) if isinstance(row, str | list) else []
            if not cells or not all(isinstance(cell, str) and len(cell) == 1 for cell in cells):
                raise PuzzleError("expected rows of whole numbers, or of one character for each cell")
            lines.append("".join(cells))
        if all(map(_DIGITS.fullmatch, lines)):
            found = _from_numbers(number, [list(map(int, line)) for line in lines], start=start, goal=goal)
        else:
            plain = _from_characters(number, lines)
            found = _with_ends(number, list(plain.rows), start=start, goal=goal, form=plain.form)
    return _with_path(found, about)._replace(form=f"JSON, {found.form}")


def _end(about: Mapping[str, Any], names: Sequence[str]) -> tuple[int, int] | None:
    named = [name for name in names if about.get(name) is not None]
    if not named:
        return None
    return _place(about[named[0]], named[0])


def _place(value: Any, name: str) -> tuple[int, int]:
    if isinstance(value, dict):
        keys = {str(key).lower(): inner for key, inner in value.items()}
        for row, column in (("row", "col"), ("row", "column"), ("y", "x"), ("r", "c")):
            if row in keys and column in keys:
                value = [keys[row], keys[column]]
                break
    if isinstance(value, list) and len(value) == 2 and all(type(number) is int for number in value):
        return value[0], value[1]
    raise PuzzleError(f"expected {name} as [row, column] from 0, got {shown(str(value))}")


def _with_path(found: Written, about: Mapping[str, Any]) -> Written:
    """The maze with the marks of the path that its object tells."""
    named = [name for name in ANSWERS if about.get(name)]
    if not named:
        return found
    told = about[named[0]]
    if isinstance(told, list) and all(isinstance(place, dict | list) and len(place) == 2 for place in told):
        grid = [list(row) for row in found.rows]
        for place in told:
            row, column = _place(place, f"a cell of {named[0]}")
            if not (0 <= row < len(grid) and 0 <= column < len(grid[0])):
                raise PuzzleError(f"a cell of {named[0]}, {[row, column]}, is outside {len(grid)}x{len(grid[0])}")
            if grid[row][column] == "#":
                raise PuzzleError(f"a cell of {named[0]}, {[row, column]} (row and column, from 0), is a wall")
            if grid[row][column] == " ":
                grid[row][column] = "o"
        return found._replace(rows=tuple(map("".join, grid)))
    ends = {name: about[name] for names in ENDS for name in names if name in about}
    whole = _from_json(found.number, told, about=ends)
    if whole.shape != found.shape or any(
        a != b and not (a == " " and b == "o") for a, b in zip("".join(found.rows), "".join(whole.rows))
    ):
        raise PuzzleError(f"{named[0]} is not the maze with marks of a path")
    return found._replace(rows=whole.rows)
