"""Sudoku with boxes of any shape, with or without diagonals; and Latin squares, which have none. See `base.py`."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import Symmetry, Tokens
from ponderling.tasks.sudoku import symmetries, written, written_files
from ponderling.tasks.sudoku.alphabets import SYMBOLS
from ponderling.tasks.sudoku.base import SudokuTask
from ponderling.tasks.sudoku.geometry import BLANK, Boxes, Geometry, geometry
from ponderling.tasks.sudoku.jigsaw import Jigsaw
from ponderling.tasks.text_files import LETTERS

HUB_REPOSITORY = "sapientinc/sudoku-extreme"
"""The public data set: 3.8 million 9x9 puzzles to train on, 420,000 to test."""

SERVED_TOGETHER = ("sudoku9", "sudoku4", "sudoku6", "sudoku16", "sudoku9x", "latin9")
"""Families that a relational network trained on one of them can be used on."""

PLAIN = ("sudoku4", "sudoku6", "sudoku9", "sudoku16")
"""Families of which the number of a puzzle's cells tells one."""


class Sudoku(SudokuTask):
    """The puzzle family whose boxes have `box_rows` rows and `box_columns` columns; the grid's side is their product.

    Boxes of one row add nothing to the rows: the family is then Latin squares.

    Args:
        box_rows: Rows of a box.
        box_columns: Columns of a box.
        diagonals: Both diagonals hold every symbol once too ("Sudoku-X"); boxes are then square.
    """

    boxes: Boxes

    def __init__(self, box_rows: int, box_columns: int, *, diagonals: bool = False):
        if not 2 <= box_rows * box_columns <= len(SYMBOLS) or min(box_rows, box_columns) < 1:
            raise ValueError(
                f"a Sudoku's boxes are at least 1x1, its side from 2 to {len(SYMBOLS)}: got {box_rows}x{box_columns}"
            )
        if diagonals and box_rows != box_columns:
            raise ValueError(f"diagonals need square boxes: got {box_rows}x{box_columns}")
        boxes = Boxes(box_rows, box_columns, diagonals)
        kind = "sudoku" if boxes.are_blocks else "latin"
        super().__init__(f"{kind}{boxes.side}{'x' if diagonals else ''}", boxes.side, boxes=boxes)
        self.hub_repository = HUB_REPOSITORY if self.name == "sudoku9" else None

    @property
    def geometry(self) -> Geometry:
        """Rows, columns, boxes and diagonals."""
        return geometry(self.boxes.rows, self.boxes.columns, diagonals=self.boxes.diagonals)

    def unit_name(self, u: int, cells: NDArray[np.int64]) -> str:
        """What a row, column, box or diagonal is called."""
        if self.boxes.diagonals and u >= len(self.geometry.units) - 2:
            return f"a diagonal (rows {' and '.join(str(c // self.side + 1) for c in cells)})"
        if u >= 2 * self.side:
            return f"box {u % self.side + 1}"
        return super().unit_name(u, cells)

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of a box."""
        return self.boxes.rows, self.boxes.columns

    @property
    def siblings(self) -> tuple[str, ...]:
        """The other families with their own names."""
        return SERVED_TOGETHER if self.name in SERVED_TOGETHER else ()

    def name_for(self, text: str) -> str:
        """The name of the plain family of the size of a puzzle's text, where it cannot be of this one's; else this one's."""
        return self._name_of(lambda family: written.is_of_size(text, family.side))

    def name_in(self, path: str | Path) -> str:
        """The name of the plain family of the size of a file's first puzzle, where it cannot be of this one's."""
        path = Path(path)
        return self._name_of(lambda family: written_files.is_of_size(family, path)) if path.is_file() else self.name

    def _name_of(self, is_of_size: Callable[[Sudoku], bool]) -> str:
        """The name of the one plain family of which puzzles are, unless they may be of this one's size, or of several."""
        if self.name not in PLAIN or is_of_size(self):
            return self.name
        others = [name for name in PLAIN if name != self.name and is_of_size(SUDOKUS[name])]
        return others[0] if len(others) == 1 else self.name

    @property
    def how_to_make(self) -> str:
        """The options of `ponderling data make sudoku` that make puzzles of this family."""
        variant = "x" if self.boxes.diagonals else "plain" if self.boxes.are_blocks else "latin"
        return f"--size {self.side} --variant {variant}"

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """Transformations drawn uniformly from the full group."""
        return symmetries.sample_symmetries(self.boxes, rng, count=count)

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each puzzle (N, L) that no symmetry changes, (N,): if two differ, the puzzles are not equivalent.

        Puzzles that bring their regions (N, L) are told apart by these, too.
        """
        if regions is None or not regions.any():
            return symmetries.fingerprint(self.boxes, tokens)
        prints = np.zeros(len(tokens), np.uint64)
        layouts, which = np.unique(regions, axis=0, return_inverse=True)
        for number, layout in enumerate(layouts):
            own = which.reshape(-1) == number
            if not layout.any():
                prints[own] = symmetries.fingerprint(self.boxes, tokens[own])
                continue
            letters = _letters(layout)
            prints[own] = self.of_regions(layout).fingerprint(tokens[own]) ^ np.uint64(
                zlib.crc32(letters.encode()) << 32
            )
        return prints

    def sketch(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each puzzle (N, L), (N,), equal for equivalent puzzles and often for others; it only counts clues."""
        if regions is None or not regions.any():
            return symmetries.sketch(self.boxes, tokens)
        brings, weights = regions.any(axis=1), np.cumprod(np.full(self.num_cells, 0x9E3779B97F4A7C15, np.uint64))
        of_layout = (regions * weights).sum(axis=1, dtype=np.uint64) + (tokens > BLANK).sum(axis=1).astype(np.uint64)
        return np.where(brings, of_layout, symmetries.sketch(self.boxes, tokens))

    def of_regions(self, regions: NDArray[np.uint8]) -> SudokuTask:
        """The family of a puzzle that brings these regions, (L,); this family itself where they are all 0."""
        return self.with_layout(_letters(regions))[0] if regions.any() else self

    def with_layout(self, layout: str) -> tuple[Jigsaw, NDArray[np.uint8]]:
        """The family of the same size with these regions in place of boxes, and each cell's region, (L,).

        Raises:
            ValueError: when these regions do not make a family.
        """
        family = Jigsaw.of(layout)
        if family.side != self.side or not self.takes_regions or self.boxes.diagonals:
            raise ValueError(f"{self.name} has no puzzles with {family.side} regions of their own")
        return family, family.regions.ravel().astype(np.uint8)


def _letters(regions: NDArray[np.uint8]) -> str:
    """A letter for each cell's region, as in a jigsaw's name."""
    return "".join(LETTERS[region - 1] for region in regions)


SUDOKUS: dict[str, Sudoku] = {
    "sudoku4": Sudoku(2, 2),
    "sudoku6": Sudoku(2, 3),
    "sudoku9": Sudoku(3, 3),
    "sudoku16": Sudoku(4, 4),
    "sudoku9x": Sudoku(3, 3, diagonals=True),
    "latin9": Sudoku(1, 9),
}
"""The families with their own names."""
