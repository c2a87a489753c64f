"""Mazes drawn over several lines, as people and other programs write them: a line for each row.

mazelib (`Maze.tostring`) and maze-dataset (`as_ascii`) write `#` for walls, S and E for the ends, and `+` or `X` for a path
that is shown; Maze.aliases reads those. Blanks at the ends of lines may be missing, as editors cut them off.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ponderling.tasks.base import PuzzleError, Puzzles
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.maze import written
from ponderling.tasks.maze.cells import FREE, PATH
from ponderling.tasks.maze.written.contests import is_contest, read_contests
from ponderling.tasks.maze.written.explained import is_explained, read_explained
from ponderling.tasks.maze.written.forms import FREES, GOALS, OURS, PATHS, STARTS, WALLS
from ponderling.tasks.maze.written.lines import (
    LONGEST_ROW,
    check_short,
    even,
    is_remark,
    without_blanks_outside,
    without_titles,
)
from ponderling.tasks.maze.written.numbers import from_arrays
from ponderling.tasks.npy import read_npy, read_npz
from ponderling.tasks.opened import LONGEST_LINE, is_csv, lines_of, suffix_of
from ponderling.tasks.problems import Problems, one_line

if TYPE_CHECKING:
    from ponderling.tasks.maze.family import Maze

LOOKED_AT = 1000
"""Lines by which a file is known to hold drawings."""
ROWS_LOOKED_AT = 5
"""Lines whose fields may be whole mazes."""
LINES_OF_WORDS = 200
"""Lines among which a maze and what explains it are looked for."""
MOST_LOOKED_AT = 1 << 22
"""Characters by which the form of a file is known."""


def shape_of(text: str) -> tuple[int, int] | None:
    """Rows and columns of a maze drawn over several lines; None for a text of one line.

    Empty lines before and after are passed over, unless the whole text is empty.

    Raises:
        PuzzleError: when a few rows are longer than all others.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return (len(lines), max(map(len, even(lines)))) if len(lines) > 1 else None


def as_one_line(text: str, shape: tuple[int, int]) -> str | None:
    """The cells of a maze of this shape that is drawn over several lines; None where the text is not that."""
    found = shape_of(text)
    if found is None or found[0] != shape[0] or found[1] > shape[1]:
        return None
    lines = text.replace("\r", "").strip("\n").split("\n")
    return "".join(line.ljust(shape[1])[: shape[1]] for line in lines)


def mazes_written(path: str | Path) -> Iterator[written.Written] | None:
    """The mazes of a file in a form of `written`, of any size; None for a file in another form.

    Raises:
        PuzzleError: naming the file, the place and the reason.
    """
    if not Path(path).exists():
        return None  # which reading it says
    if suffix_of(path) == ".npy":
        return _told_with_name(path, from_arrays(read_npy(Path(path))))
    if suffix_of(path) == ".npz":
        return _told_with_name(path, _of_arrays(Path(path)))
    head, size = [], 0
    if not is_csv(path):
        begin = list(itertools.islice(_opened(path), LINES_OF_WORDS))
        if is_contest(begin[:ROWS_LOOKED_AT]):
            return _told_with_name(path, read_contests(_opened(path)))
        if is_explained(begin):
            return _told_with_name(path, read_explained(_opened(path)))
    looked_at = lines_of(path, holds="puzzles", is_remark=lambda line: is_csv(path) or is_remark(line))
    for line in _without_titles(path, looked_at):
        head.append(line)
        size += len(line)
        if len(head) >= LOOKED_AT or size > MOST_LOOKED_AT:
            break
    reader = written.reader_for(head)
    if reader is None or (is_csv(path) and reader not in (written.read_numbers, written.read_characters)):
        return None
    return _told_with_name(path, reader(_without_titles(path, _opened(path))))


def _of_arrays(path: Path) -> Iterator[written.Written]:
    """The mazes of an .npz file with one array, of mazes."""
    arrays = read_npz(path, ("maze", "mazes"), writes="np.savez(FILE, mazes=...)")
    if len(arrays) != 1 or not {"maze", "mazes"} & set(arrays):
        raise PuzzleError(f"expected one array, called mazes: got {one_line(', '.join(arrays), 60) or 'none'}")
    yield from from_arrays(*arrays.values())


def _opened(path: str | Path, *, longest: int = LONGEST_LINE) -> Iterator[str]:
    """The lines of a file, in which titles need not be UTF-8."""
    return lines_of(path, holds="puzzles", longest=longest, is_remark=is_remark)


def _without_titles(path: str | Path, lines: Iterable[str]) -> Iterator[str]:
    """The lines of a file that may be of mazes; all of them in a CSV, whose first line names columns."""
    return iter(lines) if is_csv(path) else without_titles(lines)


def _told_with_name(path: str | Path, mazes: Iterator[written.Written]) -> Iterator[written.Written]:
    try:
        yield from mazes
    except PuzzleError as error:
        raise error if str(error).startswith(str(path)) else PuzzleError(f"{path}, {error}") from error


def texts_of(lines: Iterable[str], num_cells: int) -> Iterator[str]:
    """The mazes in a stream of lines.

    A line of `num_cells` characters, of JSON or of maze-dataset's tokens is a maze, and so is one too long for a row. Others
    are drawn over several lines, and end with an empty line or the stream.
    """
    block: list[str] = []
    for line in without_titles(lines):
        line = line.rstrip("\n")
        if line.strip() and (block or not is_whole(line, num_cells)):
            block.append(line)
            continue
        if block:
            yield "\n".join(block)
            block = []
        if line.strip():
            yield line
    if block:
        yield "\n".join(block)


def is_whole(line: str, num_cells: int) -> bool:
    """Whether a line is a maze, and not a row of one."""
    if len(line) == num_cells or len(line) > LONGEST_ROW or written.reader_for([line]) is written.read_tokens:
        return True
    try:
        return written.reader_for([line]) is written.read_json and bool(parse_json(line))
    except JsonError:
        return False


def first_drawn(task: Maze, path: str | Path) -> str | None:
    """The first maze of a file that draws each over several lines, whatever its size; None for a file of another kind.

    Raises:
        PuzzleError: when the file cannot be read.
    """
    if is_csv(path):
        return None
    begin = (line.rstrip("\n") for line in itertools.islice(_lines(task, path), LOOKED_AT))
    first = list(itertools.takewhile(bool, itertools.dropwhile(lambda line: not line, begin)))
    lengths = set(map(len, first))
    if len(first) < 2 or max(lengths) > LONGEST_ROW or task.num_cells in lengths:
        return None
    if (task.tokens_of("".join(first)) == 255).any():
        return None
    return "\n".join(_first_of(first))


def side_of_line(path: str | Path) -> int | None:
    """The side of square mazes with all cells in a row, in the fields of a file's first lines; None where there are none."""
    for line in itertools.islice(lines_of(path, holds="puzzles", is_remark=lambda _: True), ROWS_LOOKED_AT):
        for field in re.split("[,;\t]", line.rstrip("\r\n")):
            cells = field[1:-1] if field[:1] == field[-1:] == '"' else field
            if (side := side_of(cells)) is not None:
                return side
    return None


def side_of(cells: str) -> int | None:
    """The side of a square maze with all cells in a row; None for a row where a way leads from S to G, and for others."""
    side = math.isqrt(len(cells))
    plain = cells.replace(".", " ").replace("E", "G")
    ends = sorted((plain.find("S"), plain.find("G")))
    is_maze = set(plain) <= set(OURS) and plain.count("S") == plain.count("G") == 1
    return side if side > 3 and side * side == len(cells) and is_maze and "#" in plain[slice(*ends)] else None


def _first_of(lines: list[str]) -> list[str]:
    """The rows of the first of several mazes of one size that follow each other without an empty line."""
    count = sum(line.count("S") for line in lines)
    if count < 2 or len(lines) % count:
        return lines
    rows = len(lines) // count
    parts = ["".join(lines[i : i + rows]) for i in range(0, len(lines), rows)]
    each = all(part.count("S") == 1 and part.count("G") + part.count("E") == 1 for part in parts)
    return lines[:rows] if each else lines


def is_drawn(task: Maze, path: str | Path) -> bool:
    """Whether a file holds mazes of the family, drawn over several lines each.

    Raises:
        PuzzleError: when its mazes are drawn, and of another size.
    """
    rows, columns = task.grid_shape
    if is_csv(path) or rows == 1:
        return False
    begin = [line.rstrip("\n") for line in itertools.islice(_lines(task, path), LOOKED_AT)]
    lines = list(filter(None, begin))
    if len(lines) < 2 or (task.tokens_of("".join(lines)) == 255).any():
        return False
    width = max(map(len, without_blanks_outside(lines)))
    if 2 * width > task.num_cells:  # a line is a whole maze, or nearly
        return False
    first = list(itertools.takewhile(bool, itertools.dropwhile(lambda line: not line, begin)))
    is_whole = len(lines) > len(first) or len(begin) < LOOKED_AT
    # The last blanks may be cut off, but hardly in every line; a row of blanks alone may then look like the end of a maze.
    if width != columns or (is_whole and len(first) > rows and len(first) % rows):
        raise PuzzleError(
            f"{path}: expected mazes of {rows}x{columns}, found one drawn over {len(first)} lines of up to {width} characters: "
            f"say --task maze{len(first)}x{width}, or --data.task to train"
        )
    return True


def check_lines(task: Maze, path: str | Path) -> None:
    """Refuses a file whose lines are too short for a maze each, and whose characters are not those of drawn mazes.

    Raises:
        PuzzleError: with the characters that are not known.
    """
    if is_csv(path):
        return
    begin = (line.rstrip("\n") for line in itertools.islice(_lines(task, path), LOOKED_AT))
    first = list(itertools.takewhile(bool, itertools.dropwhile(lambda line: not line, begin)))
    if len(first) < 2 or any(len(line.partition(",")[0].strip()) == task.num_cells for line in first):
        return
    if max(map(len, first)) > LONGEST_ROW:
        return
    check_characters(first, where=f"{path}: ")


def check_characters(lines: Sequence[str], *, where: str = "") -> None:
    """Refuses a drawn maze with characters that no program's mazes are known to have.

    Raises:
        PuzzleError: with those characters.
    """
    known = WALLS + FREES + PATHS + STARTS + GOALS
    strange = "".join(sorted(set("".join(lines)) - set(known)))
    if strange:
        raise PuzzleError(
            f"{where}expected mazes with # for walls, a space for a free cell, S and G: got a drawing of {len(lines)} lines "
            f"with the characters {one_line(strange, 40)}"
        )


def read(task: Maze, path: str | Path, *, limit: int | None = None) -> Puzzles:
    """The mazes of a file that `is_drawn` or `mazes_written`, the first `limit` of them; empty lines may come between them.

    Marks of a path are an answer, which must be right; a maze with marks that follows the same one without is that one's.
    Answers that are not given are searched for.

    Raises:
        PuzzleError: naming file, line and reason, the first few problems together.
    """
    path = Path(path)
    problems = Problems(path, "line")
    questions, labels, numbers, given = [], [], [], []
    for number, cells in itertools.islice(_mazes(task, path, problems=problems), limit):
        try:
            answer = task.read_cells(cells)
            question = np.where(answer == PATH, FREE, answer).astype(np.uint8)
            has_path = bool((answer == PATH).any())
            if has_path and questions and not given[-1] and np.array_equal(question, questions[-1]):
                labels[-1], given[-1], numbers[-1] = answer, True, number
                continue
            label = task.find_answer(question)
        except PuzzleError as error:
            problems.add(number, str(error))
            continue
        given.append(has_path)
        questions.append(question)
        labels.append(answer if given[-1] else label)
        numbers.append(number)
    shape = (len(questions), task.num_cells)
    tokens, answers = np.array(questions, np.uint8).reshape(shape), np.array(labels, np.uint8).reshape(shape)
    rows = np.flatnonzero(given)
    for i, reason in task.wrong_answers(tokens[rows], answers[rows]).items():
        problems.add(numbers[rows[i]], f"the answer does not fit the question: {reason}")
    problems.report()
    return task.puzzles(tokens, answers)


def _mazes(task: Maze, path: Path, *, problems: Problems) -> Iterator[tuple[int, str]]:
    """The number of the first line of each maze, and its cells."""
    rows, columns = task.grid_shape
    found = mazes_written(path)
    if found is not None:
        for maze in found:
            cells = "".join(maze.rows)
            if maze.shape != task.grid_shape and not (len(maze.rows) == 1 and len(cells) == task.num_cells):
                size = "x".join(map(str, maze.shape))
                problems.add(
                    maze.number, f"expected a maze of {rows}x{columns}, got one of {size}: say --task maze{size}"
                )
            else:
                yield maze.number, cells
        return
    lines = enumerate((line.rstrip("\n") for line in _lines(task, path)), 1)
    for number, line in lines:
        if not line:
            continue
        block = [line, *(other for _, other in itertools.islice(lines, rows - 1))]
        block = [row if row[columns:].strip() else row[:columns] for row in block]  # blanks after the last column
        widest = max(map(len, block))
        if len(block) < rows:
            problems.add(number, f"expected {rows} lines of {columns} characters: the file ends after {len(block)}")
        elif widest > columns:
            problems.add(number, f"expected {rows} lines of {columns} characters: got one of {widest}")
        elif short := _short(block):
            problems.add(number, short)
        else:
            yield number, "".join(one.ljust(columns) for one in block)


def _short(rows: Sequence[str]) -> str:
    """What is said of a row that lacks a cell, or has none; empty where there is no such row."""
    try:
        check_short(rows)
    except PuzzleError as error:
        return str(error)
    return ""


def _lines(task: Maze, path: str | Path) -> Iterator[str]:
    lines = _opened(path, longest=4 * task.num_cells + 10_000)
    return (line.replace("\r", "") for line in _without_titles(path, lines))
