"""What is said of a file that nothing reads: what it looks like, what was expected, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from ponderling.tasks.sudoku.base import SudokuTask

_PAGES = "docs/sudoku.md, docs/mazes.md, docs/your-task.md and docs/arc.md show all forms"
_LONGEST = 40
"""Most characters of a line that are shown."""
_MAZES = {"maze", "mazes"}
"""Keys of JSON that say that a document holds mazes."""
_MICROMOUSE = 256
"""Bytes of a micromouse maze: one for each cell of 16x16."""
_MOST_OF_MAZES = 5
"""Highest number of a maze's cell."""


def refuse(path: Path) -> NoReturn:
    """Refuses a file that is of no kind: by its ending, as JSON, as arrays or as text.

    Raises:
        PuzzleError: always, with what the file looks like and what to do.
    """
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.custom.files import ADVICE, not_a_set
    from ponderling.tasks.npy import read_npy
    from ponderling.tasks.opened import read_json, suffix_of

    if path.is_dir():
        raise PuzzleError(f"{path}: {not_a_set(path)}")
    suffix = suffix_of(path)
    if suffix == ".npy" and read_npy(path).ndim in (2, 3):
        _tell_maze(path)
    if suffix in ADVICE:
        raise PuzzleError(f"{path}: holds no puzzle that is read from {suffix}; {ADVICE[suffix]}")
    if suffix == ".json":
        _refuse_json(path, read_json(path))
    _refuse_text(path)


def _tell_maze(path: Path) -> None:
    """Tells what is wrong with a maze.

    Raises:
        PuzzleError: in that case.
    """
    from ponderling.tasks.maze import Maze

    Maze(1, 2).name_in(path)


def _refuse_json(path: Path, value: Any) -> NoReturn:
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.custom.names import EXPECTED
    from ponderling.tasks.json_shape import described

    if _may_be_maze(value):
        _tell_maze(path)
    _tell_puzzle(path, value)
    raise PuzzleError(
        f"{path}: JSON in a form that is not read: {described(value)}. Expected a puzzle or a maze, objects with {EXPECTED}, "
        f"or ARC tasks with train and test: {_PAGES}"
    )


def _may_be_maze(value: Any) -> bool:
    """Whether a document says that it holds mazes, or where one begins and ends, or has rows of the numbers that mazes have."""
    from ponderling.tasks.maze.written.json_values import ENDS

    keys = {str(key).lower() for key in value} if isinstance(value, Mapping) else set()
    if not _MAZES.isdisjoint(keys) or all(not keys.isdisjoint(names) for names in ENDS):
        return True
    rows = value if isinstance(value, list) and len(value) > 1 else []
    are_rows = all(isinstance(row, list) and len(row) == len(rows[0]) > 1 for row in rows)
    return (
        bool(rows)
        and are_rows
        and all(type(cell) is int and 0 <= cell <= _MOST_OF_MAZES for row in rows for cell in row)
    )


def _tell_puzzle(path: Path, value: Any) -> None:
    """Tells of a Sudoku in a document why it is not read: further rules, no puzzle beside an answer, or a strange character.

    Raises:
        PuzzleError: in these cases.
    """
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.sudoku import SUDOKUS

    for task in SUDOKUS.values():
        try:
            _tell_other(task, value)
            for text in _texts_in(value):
                if len(text) == task.num_cells:
                    task.parse(text)
        except PuzzleError as error:
            raise PuzzleError(f"{path}: {error}") from error


def _tell_other(task: SudokuTask, value: Any) -> None:
    """Tells of further rules in a document, or of an answer alone.

    Raises:
        OtherPuzzleError: in these cases.
    """
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.sudoku.boards import OtherPuzzleError
    from ponderling.tasks.sudoku.written_files import rows_of_boards

    try:
        next(rows_of_boards(task, value), None)
    except OtherPuzzleError:
        raise
    except PuzzleError:  # of another size, or no board
        return


def _texts_in(value: Any) -> Iterator[str]:
    """The text of a document, or the texts of its first object."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for text in value.values() if isinstance(text, str))


def _refuse_text(path: Path) -> NoReturn:
    from ponderling.tasks.base import PuzzleError
    from ponderling.tasks.problems import shown
    from ponderling.tasks.sudoku import SUDOKUS
    from ponderling.tasks.sudoku.written_files import check_drawn, rows_of

    tasks = list(SUDOKUS.values())
    lines = _first_lines(path)
    first = next((line for line in lines if line.strip()), "")
    if path.stat().st_size == _MICROMOUSE and not any(line.strip().isprintable() and line.strip() for line in lines):
        raise PuzzleError(
            f"{path}: {_MICROMOUSE} bytes, as a micromouse maze of 16x16 has in its binary form: save it as text, with +---+ "
            "and | for walls, S and G"
        )
    if not first:
        raise PuzzleError(f"{path}: no puzzle in it: its first lines are empty")
    if re.match(r'\s*\{\s*"', first):
        raise PuzzleError(f"{path}: holds JSON: let its name end in .json, or in .jsonl if each line is an object")
    if first.lstrip().startswith("<"):
        next(iter(rows_of(SUDOKUS["sudoku9"], path) or ()), None)  # which says what XML is read
    check_drawn(tasks, path)
    _tell_maze(path)
    _check_characters(path, lines)
    sizes = ", ".join(str(count) for count in sorted({task.num_cells for task in tasks}))
    raise PuzzleError(
        f"{path}: no puzzle in a form that is read: its first line is {shown(first.strip(), _LONGEST)}, of {len(first):,} "
        f"characters. A Sudoku has {sizes} cells, in a line or drawn in rows; a maze is drawn in rows, with # for walls, S and "
        f"G; {_PAGES}"
    )


def _first_lines(path: Path) -> list[str]:
    """The first lines of a file, without what ends them."""
    from itertools import islice

    from ponderling.tasks.maze.drawn import LOOKED_AT
    from ponderling.tasks.opened import lines_of

    lines = islice(lines_of(path, holds="puzzles", is_remark=lambda _: True), LOOKED_AT)
    return [line.rstrip("\n") for line in lines]


def _check_characters(path: Path, lines: list[str]) -> None:
    """Refuses a maze that is drawn with characters that no program's mazes have: rows of one length with an S and a goal.

    Raises:
        PuzzleError: with these characters.
    """
    from ponderling.tasks.maze.drawn import check_characters

    rows = [line for line in lines if line.strip()]
    used = "".join(rows)
    is_maze = used.count("S") == 1 and used.count("G") + used.count("E") == 1
    if is_maze and len(rows) > 2 and len(set(map(len, rows))) == 1:
        check_characters(rows, where=f"{path}: ")
