"""Grids in memory, as arrays or lists: read into what a file would have given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.grid_file import GridFile, Side, advice_for, file_of_cells
from ponderling.tasks.custom.symbols import both_kinds
from ponderling.tasks.problems import Problems, shown


def grid_file_of_arrays(inputs: Any, outputs: Any, *, name: str = "the arrays") -> GridFile:
    """The examples of arrays in memory, as if they were a file.

    Args:
        inputs: An array of integers or texts, (N, rows, columns), or a sequence of N grids, whose sizes may differ. Floats
            must be whole numbers.
        outputs: The answers, in the same form.
        name: What to call the arrays in errors.

    Raises:
        PuzzleError: naming the side, the index and the reason.
    """
    path = Path(name)
    problems = Problems(path, "index")
    sides = [
        _cells_in_memory(grids, what, problems=problems) for grids, what in ((inputs, "inputs"), (outputs, "outputs"))
    ]
    problems.report()
    counts = [len(shapes) for _, shapes in sides]
    if counts[0] != counts[1]:
        raise PuzzleError(f"{path}: expected an output for each input: got {counts[0]} inputs and {counts[1]} outputs")
    if not counts[0]:
        raise PuzzleError(f"{path}: expected at least one example: got none")
    return file_of_cells(path, "index", sides=sides)


def _cells_in_memory(grids: Any, what: str, *, problems: Problems) -> Side:
    """The cells and shapes of grids in memory; those that are not grids are noted as problems and left out."""
    if hasattr(grids, "__array__"):
        array = np.asarray(grids)
        if array.dtype != object or array.ndim != 1:
            return _cells_of_array(array, what, problems=problems)
        grids = list(array)
    if not isinstance(grids, Sequence) or isinstance(grids, str):
        raise PuzzleError(
            f"{problems.path}: {what} must be an array of shape (N, rows, columns) or a list of grids: "
            f"got {type(grids).__name__}"
        )
    return _cells_of_list(grids, what, problems=problems)


def _cells_of_array(grids: NDArray[Any], what: str, *, problems: Problems) -> Side:
    """The cells and shapes of grids of one shape, (N, rows, columns)."""
    if grids.ndim != 3 or (len(grids) and not grids.size):
        raise PuzzleError(
            f"{problems.path}: {what} must be integers or texts of shape (N, rows, columns): "
            f"got {grids.dtype} {grids.shape}{advice_for(grids)}"
        )
    cells = _symbols_in(grids, what, problems=problems)
    return cells.reshape(-1), np.tile(np.array(grids.shape[1:], np.int32), (len(grids), 1))


def _cells_of_list(grids: Sequence[Any], what: str, *, problems: Problems) -> Side:
    """The cells and shapes of N grids, whose shapes may differ."""
    parts: list[NDArray[Any]] = []
    shapes: list[tuple[int, ...]] = []
    for i, grid in enumerate(grids):
        try:
            array = _array_of(grid)
        except ValueError:
            problems.add(i, f"{what} is ragged: expected rows of equal length")
            continue
        if array.ndim != 2 or not array.size:
            problems.add(i, f"{what} must hold grids of rows and columns: got shape {array.shape}")
            continue
        parts.append(_symbols_in(array[None], what, problems=problems, index=i).reshape(-1))
        shapes.append(array.shape)
    if len({part.dtype.kind == "U" for part in parts}) > 1:
        kinds = [np.concatenate([p for p in parts if (p.dtype.kind == "U") == is_text]) for is_text in (False, True)]
        if twice := {str(cell) for cell in np.unique(kinds[0])} & {str(cell) for cell in np.unique(kinds[1])}:
            problems.add(0, both_kinds(what, min(twice)))
    cells = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return cells, np.array(shapes, np.int32).reshape(-1, 2)


def _array_of(grid: Any) -> NDArray[Any]:
    """The grid as an array, its rows cut into characters where they are texts.

    Raises:
        ValueError: when its rows differ in length.
    """
    if not isinstance(grid, list | tuple):
        return np.asarray(grid)
    if grid and all(isinstance(row, str) for row in grid):
        grid = [list(row) for row in grid]
    kinds = {type(cell) for row in grid if isinstance(row, list | tuple) for cell in row}
    array = np.asarray(grid)  # which makes True a 1, and 1 beside a text the text "1"
    return np.array(grid, object) if kinds - {int} and kinds - {str} and array.ndim == 2 else array


def _symbols_in(grids: NDArray[Any], what: str, *, problems: Problems, index: int = 0) -> NDArray[Any]:
    """The grids, (N, rows, columns), as integers or texts; cells that are neither are noted as problems.

    Args:
        grids: Grids of one shape.
        what: Which side they are.
        problems: Where to note what is wrong.
        index: The number of the first of them.
    """
    kind = grids.dtype.kind
    if kind == "U":
        return grids
    if kind in "iu":
        return grids.astype(np.int64)
    if kind == "f":
        wrong = ~(np.isfinite(grids) & (np.abs(grids) < 2**53) & (np.floor(grids) == grids))
    elif kind == "O":
        wrong = ~np.array([_is_cell(cell) for cell in grids.flat], bool).reshape(grids.shape)
    else:
        problems.add(index, f"{what} must be integers or texts: got {grids.dtype}{advice_for(grids)}")
        return np.zeros(grids.shape, np.int64)
    if not wrong.any():
        cells = [cell if isinstance(cell, str) else int(cell) for cell in grids.flat]
        both = {str(cell) for cell in cells if isinstance(cell, int)} & {
            cell for cell in cells if isinstance(cell, str)
        }
        if both:
            problems.add(index, both_kinds(what, min(both)))
        return np.array(cells).reshape(grids.shape)
    for i in np.flatnonzero(wrong.any(axis=(1, 2))):
        row, column = np.argwhere(wrong[i])[0]
        cell = grids[i].item(row, column)
        problems.add(
            index + int(i),
            f"{what} holds {shown(str(cell), quote='')} at row {row + 1} column {column + 1}: expected an integer or a text",
        )
    return np.zeros(grids.shape, np.int64)


def _is_cell(value: Any) -> bool:
    """Whether a Python value is an integer, also as a float, or a text."""
    if isinstance(value, bool | np.bool_):
        return False
    if isinstance(value, float | np.floating):
        return bool(np.isfinite(value) and value == int(value))
    return isinstance(value, int | np.integer | str)
