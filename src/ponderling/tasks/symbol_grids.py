"""Grids of symbols as people hold them in memory: numpy arrays, tensors, or lists of rows of numbers and texts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.problems import one_line

Cell = int | str | None
"""What a cell of such a grid holds; None is a blank."""


_NUMBER = re.compile(r"0|-?[1-9][0-9]*")


def are_numbers(symbols: Iterable[str]) -> bool:
    """Whether all symbols are integers as Python writes them, so that turning them into integers loses nothing.

    "01", "+1" and digits of other scripts are texts.
    """
    return all(_NUMBER.fullmatch(symbol) for symbol in symbols)


def rows_of(grid: Any) -> list[list[Cell]]:
    """The rows of a grid: integers, texts or None in each cell.

    Args:
        grid: An array or tensor of one or two dimensions, or a list of rows, each a list or a text of one character a cell. A
            list of cells, or an array of one dimension, is one row.

    Raises:
        PuzzleError: for another number of dimensions, rows of unequal length, or a cell that holds something else, such as 2.5.
    """
    if not isinstance(grid, list | tuple):
        array = np.asarray(grid)
        if array.ndim not in (1, 2):
            raise PuzzleError(f"expected a grid of one or two dimensions: got shape {array.shape}")
        grid = array.tolist()
    rows = list(grid)
    if not any(_is_row(row) for row in rows):
        rows = [rows]
    cells = [_cells_of(row, number) for number, row in enumerate(rows, 1)]
    for number, row in enumerate(cells, 1):
        if len(row) != len(cells[0]):
            raise PuzzleError(f"ragged: row 1 has {len(cells[0])} cells, row {number} has {len(row)}")
    return [[_plain(cell, r, column=c) for c, cell in enumerate(row, 1)] for r, row in enumerate(cells, 1)]


def cells_of(grid: Any, shape: tuple[int, int]) -> list[Cell]:
    """The cells of a grid of this shape, row by row; one row may hold them all.

    Raises:
        PuzzleError: as `rows_of`, and for another shape.
    """
    rows, columns = shape
    found = rows_of(grid)
    size = (len(found), len(found[0]) if found else 0)
    if size not in (shape, (1, rows * columns)):
        raise PuzzleError(
            f"expected a grid of {rows}x{columns}, or its {rows * columns} cells in a row: got {size[0]}x{size[1]}"
        )
    return [cell for row in found for cell in row]


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray) or (isinstance(value, str) and len(value) > 1)


def _cells_of(row: Any, number: int) -> list[Any]:
    if isinstance(row, np.ndarray):
        row = row.tolist()
    if not isinstance(row, list | tuple | str):
        raise PuzzleError(f"row {number} is not a row of cells: got {one_line(repr(row), 40)}")
    return list(row)


def _plain(cell: Any, row: int, *, column: int) -> Cell:
    """The cell as a plain value; whole floats, as in arrays that came from a table, are integers."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, float) and math.isfinite(cell) and cell == int(cell):
        return int(cell)
    if cell is None or (isinstance(cell, int | str) and not isinstance(cell, bool)):
        return cell
    raise PuzzleError(
        f"{one_line(repr(cell), 40)} at row {row} column {column} is not a symbol: expected a whole number or a text"
    )
