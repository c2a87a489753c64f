"""Puzzle families: data and rules, in numpy. `base.py` says what one is; `grid_task.py` is the base of all, and of yours."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from typing import Any

from ponderling.system import did_you_mean
from ponderling.tasks.arc import family as arc
from ponderling.tasks.arc.family import Arc
from ponderling.tasks.base import Task
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.maze.family import Maze
from ponderling.tasks.sudoku.family import Sudoku
from ponderling.tasks.sudoku.jigsaw import PATTERN as JIGSAW
from ponderling.tasks.sudoku.jigsaw import Jigsaw

__all__ = ["SUDOKUS", "TASKS", "Arc", "GridTask", "Jigsaw", "Maze", "Sudoku", "Task", "get_task"]

SUDOKUS: dict[str, Sudoku] = {
    "sudoku4": Sudoku(2, 2),
    "sudoku6": Sudoku(2, 3),
    "sudoku9": Sudoku(3, 3),
    "sudoku16": Sudoku(4, 4),
    "sudoku9x": Sudoku(3, 3, diagonals=True),
    "latin9": Sudoku(1, 9),
}

TASKS: dict[str, Task] = {**SUDOKUS, "maze10": Maze(10), "maze30": Maze(30)}
"""The families with a name of their own."""

FAMILIES: dict[str, tuple[str, Callable[..., Task]]] = {
    "maze12 or maze12x20": (
        r"maze([1-9]\d*)(?:x([1-9]\d*))?",
        lambda rows, columns: Maze(int(rows), int(columns or rows)),
    ),
    "arc12": (arc.PATTERN, lambda side: Arc(int(side))),
    "jigsaw-AABBAABBCCDDCCDD": (JIGSAW, Jigsaw.of),
}
"""Families of any size: an example of their names, the pattern of a name, and what makes the family from its groups."""

NEEDED = sorted(name for name in vars(Task) if not name.startswith("_"))
"""What an object must have to be a puzzle family."""


def get_task(name: str) -> Task:
    """The puzzle family of that name, or the one that a module holds: `module:attribute`, also of a file in this folder.

    Raises:
        ValueError: naming those there are, and the closest; or what the module lacks.
    """
    if ":" in name:
        return _imported(name)
    if name in TASKS:
        return TASKS[name]
    for pattern, make in FAMILIES.values():
        if match := re.fullmatch(pattern, name):
            return make(*match.groups())
    raise ValueError(
        f"unknown task {name!r}: {did_you_mean(name, TASKS)}There are {', '.join(TASKS)}, any such as {' or '.join(FAMILIES)}, "
        "and module:attribute for one of your own"
    )


def _imported(name: str) -> Task:
    module_name, _, attribute = name.partition(":")
    if "" not in sys.path:  # as `python -m` has it: modules of the folder the command is given in
        sys.path.insert(0, "")
    try:
        task: Any = getattr(importlib.import_module(module_name), attribute)
    except ImportError as error:
        raise ValueError(f"task {name}: {module_name} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ValueError(f"task {name}: {module_name} has no {attribute!r}") from error
    if isinstance(task, type):
        task = task()
    missing = [needed for needed in NEEDED if not hasattr(task, needed)]
    if missing:
        raise ValueError(
            f"task {name} is no puzzle family: it lacks {', '.join(missing)}; derive it from tasks.GridTask"
        )
    return task
