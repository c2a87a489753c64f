"""What a file of grids says of itself: the whole definition of its task, which goes into a run's settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError, Tokens
from ponderling.tasks.custom.grid_file import GridFile
from ponderling.tasks.custom.symbols import MAX_SYMBOLS
from ponderling.tasks.relations import Copies
from ponderling.tasks.symbol_grids import are_numbers

MOST_CELLS = 2**20
"""Largest number of cells of a grid."""

MOST_COPIED = 10_000
"""Largest number of answer cells of all sizes together whose place in the question is told."""

END = 1
"""Token of the end mark, used where sizes differ."""

Sizes = Literal["one", "marked", "raw"]


@dataclass(frozen=True)
class GridSpec:
    """What defines the task of a file of grids."""

    symbols: tuple[str, ...]
    """What cells may hold, in the order of their tokens."""
    _: KW_ONLY
    rows: int
    """Rows of the canvas."""
    columns: int
    """Columns of the canvas."""
    sizes: Sizes = "one"
    """one: every grid fills the canvas; marked: sizes differ, with end marks; raw: tokens of which nothing more is known."""
    num_puzzles: int = 1
    """Number of puzzle ids, for data whose rules differ by puzzle."""
    copies: tuple[Copies, ...] = ()
    """Where answers come from, a table for each size of question; for a structure with `copies` alone."""

    def __post_init__(self) -> None:
        whole = {"rows": self.rows, "columns": self.columns, "num_puzzles": self.num_puzzles}
        if wrong := [name for name, value in whole.items() if type(value) is not int]:
            raise ValueError(f"grids need whole numbers: got {wrong[0]} {whole[wrong[0]]!r}")
        if self.sizes not in get_args(Sizes):
            raise ValueError(f"sizes must be {', '.join(get_args(Sizes))}: got {self.sizes!r}")
        if len(set(self.symbols)) < len(self.symbols):
            raise ValueError("grids need symbols that differ: one is named twice")
        if self.rows * self.columns > MOST_CELLS or self.num_puzzles >= 2**31:
            raise ValueError(
                f"grids have at most {MOST_CELLS:,} cells and 2**31 puzzle ids: got {self.rows} rows, {self.columns} columns "
                f"and {self.num_puzzles} ids"
            )
        if self.rows < 1 or self.columns < 1 or not 0 < len(self.symbols) <= MAX_SYMBOLS:
            raise ValueError(
                f"grids need rows, columns and 1 to {MAX_SYMBOLS} symbols: got {self.rows}, {self.columns} and "
                f"{len(self.symbols)}"
            )
        if len({(table.rows, table.columns) for table in self.copies}) < len(self.copies):
            raise ValueError("copies need sizes that differ: one has two tables")
        if sum(len(table.cells) for table in self.copies) > MOST_COPIED:
            raise ValueError(f"copies tell where at most {MOST_COPIED:,} cells come from: got more")
        if self.copies and self.sizes == "raw":
            raise ValueError("copies need grids whose sizes are known: leave them out")

    @property
    def first_symbol(self) -> int:
        """The token of the first symbol."""
        return {"one": 1, "marked": 2, "raw": 0}[self.sizes]

    @property
    def vocab_size(self) -> int:
        """V, the number of tokens."""
        return self.first_symbol + len(self.symbols)

    def own_sizes(self, tokens: Tokens) -> NDArray[np.int64]:
        """Rows and columns of each grid (N, L), as its marks say, (N, 2); where there are no marks, those of the canvas."""
        canvas = tokens.reshape(-1, self.rows, self.columns)
        if self.sizes != "marked":
            return np.tile(np.array([self.rows, self.columns]), (len(canvas), 1))

        def until_mark(line: Tokens) -> NDArray[np.int64]:
            ends = line <= END
            return np.where(ends.any(axis=1), ends.argmax(axis=1), line.shape[1])

        return np.stack([until_mark(canvas[:, :, 0]), until_mark(canvas[:, 0, :])], axis=1)


def spec_of_file(file: GridFile, more: Sequence[GridFile] = (), *, square: bool = False) -> GridSpec:
    """What defines the task of a file.

    Args:
        file: Its training examples; where it sets others apart for testing, the symbols are those of the rest.
        more: Further files whose grids must fit the canvas, such as that of the test examples.
        square: Make the canvas square, for quarter turns of grids that differ in size.
    """
    train = np.flatnonzero(~file.is_test) if file.is_test is not None else np.arange(len(file))
    if not len(train):
        raise PuzzleError(f"{file.path}: no example to train on, all are for testing")
    used: set[int] = set()
    for grids in (file.inputs, file.outputs):
        cells = np.repeat(np.arange(len(file)), grids.shapes.prod(axis=1))
        used |= set(np.unique(grids.codes[np.isin(cells, train)]).tolist())
    symbols = [file.symbols[code] for code in used]
    ordered = sorted(symbols, key=int if are_numbers(symbols) else None)
    shapes = np.concatenate([grids.shapes for f in (file, *more) for grids in (f.inputs, f.outputs)])
    shapes = shapes[shapes[:, 0] > 0]
    rows, columns = shapes.max(axis=0).tolist()
    one = bool((shapes == shapes[0]).all())
    if square and not one:
        rows = columns = max(rows, columns)
    try:
        return GridSpec(tuple(ordered), rows=rows, columns=columns, sizes="one" if one else "marked")
    except ValueError as error:
        raise PuzzleError(f"{file.path}: {error}") from error
