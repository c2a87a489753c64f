"""The cells of a Sudoku that constrain one another, as index arrays for `base.py` and `search.py`."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLANK = 1
"""The token of a cell without a symbol; symbols follow."""


class Boxes(NamedTuple):
    """Boxes that tile a square grid."""

    rows: int
    columns: int
    diagonals: bool = False
    """Whether both diagonals of the grid hold every symbol once, too."""

    @property
    def side(self) -> int:
        """Rows and columns of the grid."""
        return self.rows * self.columns

    @property
    def are_blocks(self) -> bool:
        """Whether boxes are not rows or columns of the grid."""
        return min(self.rows, self.columns) > 1

    @property
    def may_be_flipped(self) -> bool:
        """Whether transposing the grid carries groups to groups."""
        return self.rows == self.columns or not self.are_blocks


class Geometry(NamedTuple):
    """The cells that constrain one another, as index arrays."""

    units: NDArray[np.int64]
    """Rows, columns, boxes that are not rows, and the two diagonals where they count, (units, side)."""
    peers: NDArray[np.int64]
    """Cells that share a unit with each cell, (cells, peers); cells with fewer peers than others repeat some."""
    segments: NDArray[np.int64]
    """Cells of each intersection of a line and a box, padded with -1, (segments, longest)."""
    line_rest: NDArray[np.int64]
    """The other cells of each segment's line, padded with -1."""
    box_rest: NDArray[np.int64]
    """The other cells of each segment's box, padded with -1."""


@functools.cache
def geometry(box_rows: int, box_columns: int, *, diagonals: bool = False) -> Geometry:
    """The constraints of a Sudoku whose boxes have this shape; its side is their product.

    Boxes of one row are rows: a Latin square. With `diagonals` both diagonals hold every symbol once too ("X").
    """
    side = box_rows * box_columns
    grid = np.arange(side * side).reshape(side, side)
    boxes = grid.reshape(box_columns, box_rows, box_rows, box_columns).transpose(0, 2, 1, 3).reshape(side, side)
    if min(box_rows, box_columns) == 1:
        boxes = boxes[:0]
    return geometry_of(grid, boxes, more=[grid.diagonal(), grid[:, ::-1].diagonal()] if diagonals else [])


def geometry_of(
    grid: NDArray[np.int64], boxes: NDArray[np.int64], *, more: Iterable[NDArray[np.int64]] = ()
) -> Geometry:
    """The constraints of a grid (side, side) of cell numbers: its rows and columns, boxes (boxes, side), and further groups."""
    side = len(grid)
    lines: list[list[int]] = [*grid.tolist(), *grid.T.tolist()]  # in lists a search is ten times as fast as in arrays
    blocks: list[list[int]] = boxes.tolist()
    units = [*lines, *blocks, *(group.tolist() for group in more)]
    peers = [sorted({c for unit in units if cell in unit for c in unit} - {cell}) for cell in range(side * side)]
    most = max(map(len, peers))
    segments, line_rest, box_rest = [], [], []
    for line in lines:
        for box in blocks:
            both = [c for c in line if c in box]
            if len(both) > 1:
                segments.append(both)
                line_rest.append([c for c in line if c not in box])
                box_rest.append([c for c in box if c not in line])
    return Geometry(
        np.array(units, np.int64),
        np.array([(own * most)[:most] for own in peers]),
        _padded(segments),
        _padded(line_rest),
        _padded(box_rest),
    )


def _padded(rows: list[list[int]]) -> NDArray[np.int64]:
    width = max(map(len, rows), default=1)
    return np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int64).reshape(len(rows), width)
