"""Puzzles of requests: text, or lists of rows of numbers and texts, which become text that the family reads."""

from __future__ import annotations

import json
from typing import Any

from ponderling.tasks.base import PuzzleError, Task
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.symbol_grids import cells_of, rows_of

MOST_CELLS = 4096
"""Largest number of characters, or of cells, of a puzzle."""


def checked(value: Any) -> Any:
    """The puzzle of a request: a text, or rows of cells.

    Raises:
        ValueError: what is wrong with its form, whatever the family.
    """
    if isinstance(value, str):
        if not 1 <= len(value) <= MOST_CELLS:
            raise ValueError(f"a puzzle has 1 to {MOST_CELLS} characters: got {len(value)}")
        return value
    if not isinstance(value, list):
        raise ValueError(f"a puzzle is a text or a list of rows: got {type(value).__name__}")
    try:
        rows = rows_of(value)
    except RecursionError:
        raise ValueError("a puzzle is a list of rows: got lists in one another") from None
    if not 1 <= sum(map(len, rows)) <= MOST_CELLS:
        raise ValueError(f"a puzzle has 1 to {MOST_CELLS} cells: got {sum(map(len, rows))}")
    return rows


def text_of(puzzle: str | list[Any]) -> str:
    """The puzzle as text; one of rows as JSON."""
    return puzzle if isinstance(puzzle, str) else json.dumps(puzzle)


def text_for(task: Task, puzzle: str | list[Any]) -> str:
    """The puzzle as text that the family reads; rows of texts are read as a board of a file is, in whatever symbols.

    Raises:
        PuzzleError: when rows are not of the family's shape or symbols.
    """
    if isinstance(puzzle, str):
        return puzzle
    if not isinstance(task, GridTask) or task.kind == "arc":
        raise PuzzleError("expected a text: a task's id and the number of a test input, such as 007bbfb7/1")
    if task.kind == "maze":
        return text_of(puzzle)
    cells = cells_of(puzzle, task.grid_shape)  # says what is wrong with the shape
    if task.kind == "sudoku" and any(isinstance(cell, str) for cell in cells):
        return text_of(puzzle)
    return task.format(task.parse_grid(puzzle))
