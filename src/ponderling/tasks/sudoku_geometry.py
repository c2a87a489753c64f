"""Which cells of a Sudoku constrain which, as index arrays for `sudoku.py` and `sudoku_search.py`."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Geometry(NamedTuple):
    """Which cells constrain which, as index arrays."""

    units: NDArray[np.int64]
    """Rows, columns, boxes: (3 x side, side)."""
    peers: NDArray[np.int64]
    """Cells that share a unit with each cell, (cells, peers)."""
    segments: NDArray[np.int64]
    """Cells of each intersection of a line and a box, padded with -1, (segments, longest)."""
    line_rest: NDArray[np.int64]
    """The line's other cells, padded with -1."""
    box_rest: NDArray[np.int64]
    """The box's other cells, padded with -1."""


@functools.cache
def geometry(box_rows: int, box_columns: int) -> Geometry:
    """The constraints of a Sudoku whose boxes have this shape; its side is their product."""
    side = box_rows * box_columns
    grid = np.arange(side * side).reshape(side, side)
    boxes = grid.reshape(box_columns, box_rows, box_rows, box_columns).transpose(0, 2, 1, 3).reshape(side, side)
    lines = np.concatenate([grid, grid.T])
    units = np.concatenate([lines, boxes])
    peers = [sorted({int(c) for unit in units if cell in unit for c in unit} - {cell}) for cell in range(side * side)]
    segments, line_rest, box_rest = [], [], []
    for line in lines:
        for box in boxes:
            both = [c for c in line if c in box]
            if len(both) > 1:
                segments.append(both)
                line_rest.append([c for c in line if c not in box])
                box_rest.append([c for c in box if c not in line])
    return Geometry(units.astype(np.int64), np.array(peers), _padded(segments), _padded(line_rest), _padded(box_rest))


def _padded(rows: list[list[int]]) -> NDArray[np.int64]:
    width = max(map(len, rows))
    return np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int64)
