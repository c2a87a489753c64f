"""Files of Sudokus in the forms of `written`: drawn over several lines, and JSON; and numpy's arrays, and OpenSudoku's XML."""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_tables import records_of
from ponderling.tasks.npy import read_npy, read_npz
from ponderling.tasks.opened import LONGEST_LINE, is_csv, lines_of, read_json, suffix_of
from ponderling.tasks.problems import one_line
from ponderling.tasks.sudoku import boards, puzzle_lines
from ponderling.tasks.sudoku.decoded import Written
from ponderling.tasks.sudoku.tables import without_empty_columns
from ponderling.tasks.sudoku.titles import is_remark
from ponderling.tasks.sudoku.written import texts_of
from ponderling.tasks.text_files import NAMES, Row, without_preamble
from ponderling.tasks.text_files import rows_of as read_rows

if TYPE_CHECKING:
    from ponderling.tasks.sudoku.base import SudokuTask

IN_ARRAYS, OUT_ARRAYS = ("inputs", "x"), ("outputs", "labels", "targets", "y")
"""What else the arrays of puzzles and of answers are called."""
_GAME = re.compile(r"""\bdata\s*=\s*["']([0-9.]+)["']""")
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
        return _checked(path, _of_json(task, path))
    if path.is_file() and suffix_of(path) in (".npy", ".npz"):
        return _checked(path, _of_arrays(task, path))
    head = list(itertools.islice(_lines(task, path, longest=longest), LOOKED_AT))
    first = next((line.strip() for line in head if line.strip()), "")
    if boards.is_json(first):
        return _checked(path, _json_lines(task, path, longest=longest))
    if first.startswith("<"):
        return _checked(path, _of_xml(task, path))
    begin = [line for _, line in itertools.islice(without_preamble(head, L=task.num_cells), 2)]
    has_columns = is_csv(path) and any(_has_columns(line, task.num_cells) for line in begin)
    if is_csv(path) and not has_columns and len(head) < LOOKED_AT:
        table = without_empty_columns(head, task.side)
        if table is not head:
            return _checked(path, (_row(task, found) for found in puzzle_lines.read_lines(table, task.side)))
    is_drawn = not is_csv(path) and puzzle_lines.is_drawn_somehow(
        head, task.side
    )  # if it cannot be read, this says why
    if (is_drawn or puzzle_lines.is_written(head, task.side)) and not has_columns:
        lines = _lines(task, path, longest=longest)
        return _checked(path, (_row(task, found) for found in puzzle_lines.read_lines(lines, task.side)))
    return None


def is_of_size(task: SudokuTask, path: Path) -> bool:
    """Whether the first puzzle of a file has as many cells as those of a family, in as many rows if it is drawn."""
    try:
        own = rows_of(task, path)
        first = next(own if own is not None else read_rows(task, path), None)
    except PuzzleError:
        return False
    return first is not None and len(first.question) == task.num_cells


def check_drawn(tasks: Sequence[SudokuTask], path: Path) -> None:
    """Refuses a file that draws a puzzle of one of these families, with a mistake, as reading it would.

    The family is the one of which most lines are rows, if these are more than half of a puzzle.

    Raises:
        PuzzleError: naming the file, the line and the reason.
    """
    counts = {
        task: len(puzzle_lines.rows_in(itertools.islice(_lines(task, path), LOOKED_AT), task.side)) for task in tasks
    }
    most = max(counts, key=counts.__getitem__)
    if 2 * counts[most] <= most.side:
        return
    rows = rows_of(most, path)
    if rows is not None:
        next(rows, None)


def _lines(task: SudokuTask, path: Path, *, longest: int = LONGEST_LINE) -> Iterator[str]:
    return lines_of(path, holds="puzzles", longest=longest, is_remark=partial(is_remark, side=task.side))


def form_of(task: SudokuTask, path: Path) -> str:
    """What a file's puzzles are taken for, in words; empty for columns or lines of our own.

    Raises:
        PuzzleError: when the file cannot be read.
    """
    own = rows_of(task, path)
    row = next(own if own is not None else read_rows(task, path), None)
    if row is None:  # which reading tells
        return ""
    said = [] if own is None else [_form_of_own(task, path)]
    if row.family is not None:
        said.append(f"in the symbols {' '.join(row.family.symbols[1:])}")
    return ", ".join(said)


def _form_of_own(task: SudokuTask, path: Path) -> str:
    if suffix_of(path) in (".npy", ".npz"):
        return "numpy's arrays"
    first = next((line.strip() for line in _lines(task, path) if line.strip()), "")
    if suffix_of(path) == ".json" or boards.is_json(first):
        return "JSON"
    if first.startswith("<"):
        return "XML of OpenSudoku"
    text = next(texts_of(_lines(task, path), task.side), "")
    return "drawn over several lines" if "\n" in text else "a line each, with titles or more beside them"


def _of_arrays(task: SudokuTask, path: Path) -> Iterator[Row]:
    """The puzzles of an array of numbers, of one puzzle or of several; in an .npz file perhaps with their answers."""
    if suffix_of(path) == ".npy":
        yield from _of_cells(task, [read_npy(path)], names=[""])
        return
    arrays = read_npz(
        path, (*NAMES["question"], *boards.OBJECTS, *boards.ANSWERS, *IN_ARRAYS, *OUT_ARRAYS), writes="np.savez"
    )
    found = []
    for known in ((*NAMES["question"], *boards.OBJECTS, *IN_ARRAYS), (*boards.ANSWERS, *OUT_ARRAYS)):
        named = [name for name in arrays if name in known and arrays[name].size]
        if len(named) > 1 or not (named or found):
            raise PuzzleError(
                f"expected one array of puzzles, such as inputs, and perhaps one of answers, such as outputs: got "
                f"{one_line(', '.join(arrays), 60)}"
            )
        found += named
    yield from _of_cells(task, [arrays[name] for name in found], names=found)


def _of_cells(task: SudokuTask, arrays: Sequence[NDArray[Any]], *, names: Sequence[str]) -> Iterator[Row]:
    """The puzzles of an array, and the answers of a second."""
    grids = []
    for name, array in zip(names, arrays, strict=True):
        where = f"array {name}: " if name else ""
        L, shape = task.num_cells, "x".join(map(str, array.shape))
        ends = array.shape[-1:] == (L,) or array.shape[-2:] == task.grid_shape
        if not ends or array.size != L * math.prod(array.shape[: -1 if array.shape[-1:] == (L,) else -2]):
            raise PuzzleError(f"{where}expected puzzles of {task.side}x{task.side} or of {L} cells, got {shape}")
        cells = array.reshape(-1, L)
        if array.dtype.kind not in "iuf" or not (cells == np.floor(cells)).all():
            raise PuzzleError(f"{where}expected whole numbers, 0 for a blank, got {array.dtype}")
        least, most = cells.min(initial=0), cells.max(initial=0)
        if least < -1 or most > task.side:
            raise PuzzleError(
                f"{where}expected numbers from 0 for a blank to {task.side}, got {least if least < -1 else most}"
            )
        grids.append(np.array([*task.symbols])[np.maximum(cells.astype(np.int64), 0)])
    if len({len(grid) for grid in grids}) > 1:
        raise PuzzleError(f"expected an answer for each puzzle, got {len(grids[1])} for {len(grids[0])}")
    for i, parts in enumerate(zip(*grids, strict=True), 1):
        question, answer = ["".join(part) for part in (*parts, [])][:2]
        yield Row(i, question, answer=answer)


def _of_xml(task: SudokuTask, path: Path) -> Iterator[Row]:
    """The puzzles of OpenSudoku's file: each is the attribute data of an element game."""
    found = False
    for number, line in enumerate(_lines(task, path), 1):
        for cells in _GAME.findall(line):
            if len(cells) != task.num_cells:
                raise PuzzleError(f"line {number}: expected a game of {task.num_cells} digits, got {len(cells)}")
            found = True
            yield Row(number, cells.replace("0", "."))
    if not found:
        raise PuzzleError(
            f'is XML, of which only OpenSudoku\'s files are read: found no data="..." with {task.num_cells} digits; '
            "write a puzzle a line"
        )


def _has_columns(line: str, num_cells: int) -> bool:
    """Whether a row of a CSV names columns, or holds a whole puzzle."""
    fields = [field.strip().strip("\"'=").lower() for field in re.split("[,;\t|]", line.strip())]
    return any(len(field) == num_cells or field in NAMES["question"] for field in fields)


def _checked(path: Path, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows; what is wrong with one is told with the file's name."""
    try:
        yield from rows
    except PuzzleError as error:
        raise error if str(error).startswith(str(path)) else PuzzleError(f"{path}: {error}") from error


def _json_lines(task: SudokuTask, path: Path, *, longest: int) -> Iterator[Row]:
    """The puzzles of a file with a JSON value a line; or of one value over all lines."""
    lines = _lines(task, path, longest=longest)
    is_first = True
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = boards.json_of(line)
        except PuzzleError:
            if not is_first:
                raise
            yield from _one_value(task, ["\n"] * (number - 1) + [line, *lines])
            return
        yield from rows_of_boards(task, value, number=number)
        is_first = False


def _one_value(task: SudokuTask, lines: list[str]) -> Iterator[Row]:
    """The puzzles of a JSON value over all lines; or of a list in another language, or as numpy prints it."""
    try:
        value = boards.json_of("".join(lines))
    except PuzzleError:
        try:
            found = [_row(task, one) for one in puzzle_lines.read_lines(lines, task.side)]
        except PuzzleError:
            found = []
        if not found:
            raise
        yield from found
        return
    yield from rows_of_boards(task, value)


def _of_json(task: SudokuTask, path: Path) -> Iterator[Row]:
    """The puzzles of a JSON file; or of one that is nearly JSON, such as with a comma after its last row."""
    try:
        value = read_json(path)
    except PuzzleError:
        found = []
        with contextlib.suppress(PuzzleError):
            found = [_row(task, one) for one in puzzle_lines.read_lines(_lines(task, path), task.side)]
        if not found:
            raise
        yield from found
        return
    yield from rows_of_boards(task, value)


def rows_of_boards(task: SudokuTask, value: Any, *, number: int = 1) -> Iterator[Row]:
    """The puzzles of a JSON value, with the answers that its objects name."""
    value = records_of(value, NAMES["question"])
    return (_row(task, found) for found in boards.read_boards(value, task.side, number=number))


def _row(task: SudokuTask, found: Written) -> Row:
    return Row(found.number, found.cells, answer=found.answer, family=task.with_symbols(found.alphabet))
