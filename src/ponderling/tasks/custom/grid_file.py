"""The examples of a file of grids, whatever its format: every cell is a number that stands for its symbol.

`json_and_csv.py` and `npz.py` read a `GridFile` from files, `arrays.py` makes one of grids in memory. The tokens that a network
needs are made of it by the task, in `family.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.custom.symbols import BLOCK, NO_GRID, symbols_and_codes
from ponderling.tasks.problems import shown

MAX_RATING = 999_999_999
"""Highest rating of an example."""

Side = tuple[NDArray[Any], NDArray[np.int32]]
"""The cells of all grids, row by row, one grid after the other; and the rows and columns of each grid, (N, 2)."""


@dataclass(frozen=True)
class CellGrids:
    """N grids of any sizes, their cells as one array."""

    codes: NDArray[np.int32]
    """The cells of all grids, row by row, one grid after the other: numbers of symbols."""
    shapes: NDArray[np.int32]
    """Rows and columns of each grid, (N, 2); 0 and 0 where a grid is not given."""

    @functools.cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the cells of each grid begin, (N + 1,)."""
        return np.concatenate([[0], np.cumsum(self.shapes.prod(axis=1, dtype=np.int64))])

    def by_shape(self) -> Iterator[tuple[tuple[int, int], NDArray[np.intp], NDArray[np.int32]]]:
        """For each shape that occurs: the shape, which grids have it, and their cells, (k, rows, columns).

        A shape of very many cells comes several times, with some of its grids each time.
        """
        shapes, group = np.unique(self.shapes, axis=0, return_inverse=True)
        for number, (rows, columns) in enumerate(shapes.tolist()):
            members = np.flatnonzero(group.reshape(-1) == number)
            count = max(1, BLOCK // max(1, rows * columns))
            for start in range(0, len(members) if rows else 0, count):
                block = members[start : start + count]
                cells = self.starts[block][:, None] + np.arange(rows * columns)
                yield (rows, columns), block, self.codes[cells].reshape(-1, rows, columns)


@dataclass(frozen=True, kw_only=True)
class GridFile:
    """The N examples of a file."""

    path: Path
    unit: str
    """The unit of `numbers`: line, row or index."""
    numbers: NDArray[np.int64]
    """The line or row of each example in the file, (N,)."""
    symbols: tuple[str, ...]
    """The symbol of each code."""
    inputs: CellGrids
    outputs: CellGrids
    is_test: NDArray[np.bool_] | None
    """Examples that the file itself sets apart for testing, (N,); None where it does not say."""
    ratings: NDArray[np.int32] | None
    names: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def has_answers(self) -> NDArray[np.bool_]:
        """Whether each example has an output, (N,)."""
        return self.outputs.shapes[:, 0] > 0


def file_of_cells(path: Path, unit: str, *, sides: Sequence[Side]) -> GridFile:
    """The examples of these inputs and, if there are any, outputs, as a file without splits, ratings and names.

    Args:
        path: The file, or what to call the arrays.
        unit: What counts the examples: row or index.
        sides: The inputs, and the outputs.

    Raises:
        PuzzleError: when a symbol is too long, or there are too many.
    """
    symbols, codes = symbols_and_codes(path, [cells for cells, _ in sides])
    N = len(sides[0][1])
    inputs, *outputs = (CellGrids(own, shapes) for own, (_, shapes) in zip(codes, sides, strict=True))
    return GridFile(
        path=path,
        unit=unit,
        numbers=np.arange(N),
        symbols=symbols,
        inputs=inputs,
        outputs=outputs[0] if outputs else CellGrids(NO_GRID[0], np.zeros((N, 2), np.int32)),
        is_test=None,
        ratings=None,
        names=None,
    )


def advice_for(array: NDArray[Any]) -> str:
    """What to do with an array that does not hold grids, where its shape or kind suggests something; else empty."""
    if array.ndim == 4 and 1 in (array.shape[1], array.shape[-1]):
        return f"; write array{'[..., 0]' if array.shape[-1] == 1 else '[:, 0]'}"
    if array.ndim == 4:
        return "; if each cell is one-hot, write array.argmax(-1)"
    if array.ndim == 1 and len(array):
        return "; answers of one cell are array[:, None, None]"
    if array.ndim == 2:
        return "; one grid is array[None], and rows of all cells are array.reshape(N, rows, columns)"
    return "; write array.astype(int)" if array.dtype.kind == "b" else ""


def not_a_rating(value: Any) -> str:
    """Says that this is not a rating."""
    most = f"; the highest is {MAX_RATING:,}" if isinstance(value, int) else ""
    return f"rating must be a whole number from 0, got {shown(value, quote=chr(39))}{most}"


def not_a_split(value: Any) -> str:
    """Says that this does not name the examples to train or to test on."""
    return f"split must be train or test: got {shown(value, quote=chr(39))}"
