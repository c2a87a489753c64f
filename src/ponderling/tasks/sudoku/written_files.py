"""Files of Sudokus in the forms of `written`: drawn over several lines, and JSON."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.opened import is_csv, lines_of, read_json, suffix_of
from ponderling.tasks.sudoku import written
from ponderling.tasks.text_files import NAMES, Row
from ponderling.tasks.text_files import rows_of as read_rows

if TYPE_CHECKING:
    from ponderling.tasks.sudoku.base import SudokuTask

LOOKED_AT = 100
"""Lines by which the form of a file is known."""


def rows_of(task: SudokuTask, path: Path) -> Iterator[Row] | None:
    """The puzzles of a file that is JSON, or drawn over several lines; None for any other.

    Raises:
        PuzzleError: naming the file, the place and the reason.
        FileNotFoundError: when the file does not exist.
    """
    longest = max(4 * task.num_cells + 10_000, 100_000)
    if suffix_of(path) == ".json":
        return _checked(path, boards(task, read_json(path)))
    head = list(itertools.islice(lines_of(path, holds="puzzles", longest=longest), LOOKED_AT))
    first = next((line.strip() for line in head if line.strip()), "")
    if written.is_json(first):
        return _checked(path, _json_lines(task, path, longest=longest))
    if written.is_drawn(head, task.side) and not (is_csv(path) and _has_columns(first, task.num_cells)):
        lines = lines_of(path, holds="puzzles", longest=longest)
        return _checked(path, (_row(task, found) for found in written.read_lines(lines, task.side)))
    return None


def form_of(task: SudokuTask, path: Path) -> str:
    """What a file's puzzles are taken for, in words; empty for columns or lines of our own.

    Raises:
        PuzzleError: when the file cannot be read.
    """
    said = []
    own = rows_of(task, path)
    if own is not None:
        first = next((line for line in lines_of(path, holds="puzzles") if line.strip()), "")
        said.append("JSON" if suffix_of(path) == ".json" or written.is_json(first) else "drawn over several lines")
    row = next(own if own is not None else read_rows(task, path), None)
    if row is not None and row.family is not None:
        said.append(f"in the symbols {' '.join(row.family.symbols[1:])}")
    return ", ".join(said)


def _has_columns(first: str, num_cells: int) -> bool:
    """Whether the first row of a CSV names columns, or holds a whole puzzle."""
    fields = [field.strip().strip('"').lower() for field in re.split("[,;\t]", first)]
    return any(len(field) == num_cells or field in NAMES["question"] for field in fields)


def _checked(path: Path, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows; what is wrong with one is told with the file's name."""
    try:
        yield from rows
    except PuzzleError as error:
        raise error if str(error).startswith(str(path)) else PuzzleError(f"{path}: {error}") from error


def _json_lines(task: SudokuTask, path: Path, *, longest: int) -> Iterator[Row]:
    """The puzzles of a file with a JSON value a line; or of one value over all lines."""
    lines = lines_of(path, holds="puzzles", longest=longest)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = written.json_of(line)
        except PuzzleError:
            if number > 1:
                raise
            yield from boards(task, written.json_of("".join([line, *lines])))
            return
        yield from boards(task, value, number=number)


def boards(task: SudokuTask, value: Any, *, number: int = 1) -> Iterator[Row]:
    """The puzzles of a JSON value, with the answers that its objects name."""
    if isinstance(value, list) and any(isinstance(part, dict) for part in value):
        for i, part in enumerate(value):
            yield from boards(task, part, number=number + i)
        return
    found = list(written.read_boards(value, task.side, number=number))
    answers = [""] * len(found)
    if isinstance(value, dict):
        named = [value[name] for name in value if str(name).lower() in NAMES["answer"]]
        if len(named) == 1 and named[0]:
            answers = [solution.cells for solution in written.read_boards(named[0], task.side)]
        if len(answers) != len(found):
            raise PuzzleError(
                f"board {number}: expected an answer for each puzzle, got {len(answers)} for {len(found)}"
            )
    for puzzle, answer in zip(found, answers, strict=True):
        yield _row(task, puzzle)._replace(answer=answer)


def _row(task: SudokuTask, found: written.Written) -> Row:
    return Row(found.number, found.cells, family=task.with_symbols(found.alphabet))
