"""Puzzle families: data and rules, in numpy. `base.py` says what one is; `sudoku.py` is one."""

from __future__ import annotations

import difflib

from ponderling.tasks.base import Task
from ponderling.tasks.sudoku import Sudoku

__all__ = ["TASKS", "Sudoku", "Task", "get_task"]

TASKS: dict[str, Sudoku] = {
    "sudoku4": Sudoku(2, 2),
    "sudoku6": Sudoku(2, 3),
    "sudoku9": Sudoku(3, 3),
    "sudoku16": Sudoku(4, 4),
    "sudoku9x": Sudoku(3, 3, diagonals=True),
    "latin9": Sudoku(1, 9),
}


def get_task(name: str) -> Task:
    """The puzzle family of that name.

    Raises:
        ValueError: naming those there are, and the closest.
    """
    if name not in TASKS:
        close = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ValueError(f"unknown task {name!r}: {hint}There are {', '.join(TASKS)}")
    return TASKS[name]
