"""Jigsaw Sudoku: regions of any shape in place of boxes. Each layout is a family of its own, named by the layout."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, Puzzles, Symmetry, Tokens, join
from ponderling.tasks.sudoku.base import SudokuTask
from ponderling.tasks.sudoku.geometry import BLANK, Geometry, geometry_of
from ponderling.tasks.sudoku.symmetries import sample_symbols

PATTERN = r"jigsaw-([0-9A-Za-z]+)"

LETTERS = "ABCDEFGHIJKLMNOP"
LARGEST = len(LETTERS)
"""The longest side."""


class Jigsaw(SudokuTask):
    """The family whose regions are `layout`: a letter or digit for each cell, row by row, the same for cells of one region.

    Args:
        layout: The letters.

    Raises:
        ValueError: when the letters are not a square, or a region has not as many cells as the grid has rows, or is in pieces.
    """

    def __init__(self, layout: str):
        side = round(len(layout) ** 0.5)
        names, sizes = np.unique(list(layout), return_counts=True)
        if side * side != len(layout) or not 2 <= side <= LARGEST:
            raise ValueError(
                f"a jigsaw's layout has a letter for each cell of a square grid, from 2x2 to {LARGEST}x{LARGEST}: "
                f"got {len(layout)} letters"
            )
        if len(names) != side or (sizes != side).any():
            counts = ", ".join(f"{name} {size}" for name, size in zip(names, sizes))
            raise ValueError(
                f"a jigsaw of {side}x{side} has {side} regions of {side} cells each: got {len(names)} ({counts})"
            )
        super().__init__(f"jigsaw-{layout}", side, boxes=None)
        self.layout = layout
        for region in range(side):
            if not _is_connected(self.regions == region):
                raise ValueError(f"region {layout[int(np.argmax(self.regions == region))]} is in several pieces")

    @classmethod
    @functools.lru_cache(maxsize=1024)  # a file of many layouts asks for each again and again
    def of(cls, layout: str) -> Jigsaw:
        """The family of this layout, made once."""
        return cls(layout)

    @property
    def regions(self) -> NDArray[np.int64]:
        """The number of each cell's region, in order of their first cells, (side, side)."""
        return np.array(_regions(self.layout)).reshape(self.grid_shape)

    @property
    def geometry(self) -> Geometry:
        """Rows, columns and regions."""
        return _geometry(self.layout)

    @property
    def how_to_make(self) -> str:
        """The options of `ponderling data make sudoku` that make puzzles of this family."""
        return f"--size {self.side} --variant jigsaw --layout {self.layout}"

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """Any order of the symbols, and those turns and mirror images of the grid that carry regions to regions."""
        kept = _kept_turns(self.layout)
        return Symmetry(kept[rng.integers(len(kept), size=count)], sample_symbols(self.side, rng, count=count))

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each puzzle (N, L) that no symmetry changes, (N,): the least of those of its turned copies."""
        weights = np.cumprod(np.full(self.num_cells, 0x9E3779B97F4A7C15, np.uint64))
        copies = [self._renamed(tokens[:, cells]).astype(np.uint64) for cells in _kept_turns(self.layout)]
        return np.min([(copy * weights).sum(axis=1, dtype=np.uint64) for copy in copies], axis=0)

    def as_puzzles_of(self, name: str, puzzles: Puzzles) -> Puzzles | None:
        """The puzzles as those of the Sudoku of this size, which then bring their regions; or of this family itself."""
        if name != f"sudoku{self.side}":
            return super().as_puzzles_of(name, puzzles)
        regions = 1 + self.regions.ravel().astype(np.uint8)
        return replace(puzzles, regions=np.tile(regions, (len(puzzles), 1)))

    def _renamed(self, tokens: Tokens) -> Tokens:
        """The puzzles with symbols renamed in the order in which each puzzle first shows them."""
        is_symbol = tokens[:, None] == np.arange(BLANK + 1, self.vocab_size)[:, None]  # (N, side, L)
        first = np.where(is_symbol.any(axis=2), is_symbol.argmax(axis=2), self.num_cells)
        order = BLANK + 1 + first.argsort(axis=1, kind="stable").argsort(axis=1)
        names = np.concatenate([np.full((len(tokens), BLANK + 1), [PAD, BLANK]), order], axis=1)
        return np.take_along_axis(names, tokens.astype(np.int64), axis=1).astype(np.uint8)

    def unit_name(self, u: int, cells: NDArray[np.int64]) -> str:
        """What a row, column or region is called."""
        return f"region {self.layout[int(cells[0])]}" if u >= 2 * self.side else super().unit_name(u, cells)


@functools.cache
def _geometry(layout: str) -> Geometry:
    cells = np.arange(len(layout))
    side = round(len(layout) ** 0.5)
    regions = np.array(_regions(layout))
    return geometry_of(cells.reshape(side, side), np.stack([cells[regions == region] for region in range(side)]))


@functools.cache
def _kept_turns(layout: str) -> NDArray[np.int64]:
    """The turns and mirror images of the grid that carry regions to regions, as `Symmetry.cells`, (turns, L)."""
    side = round(len(layout) ** 0.5)
    grid = np.arange(side * side).reshape(side, side)
    turned = [np.rot90(g, k).ravel() for g in (grid, grid.T) for k in range(4)]
    return np.stack([cells for cells in turned if _regions([layout[i] for i in cells]) == _regions(layout)])


def _regions(letters: Sequence[str]) -> list[int]:
    """The number of each cell's region, in order of their first cells."""
    number = {letter: i for i, letter in enumerate(dict.fromkeys(letters))}
    return [number[letter] for letter in letters]


def _is_connected(members: NDArray[np.bool_]) -> bool:
    """Whether one can go from each of these cells (side, side) to each other over shared edges."""
    missing = set(map(tuple, np.argwhere(members).tolist()))
    reached = [missing.pop()]
    for row, column in reached:  # grows as it goes
        for cell in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if cell in missing:
                missing.remove(cell)
                reached.append(cell)
    return not missing


def _neighbours(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each cell shares an edge with one of these, (side, side)."""
    wide = np.pad(cells, 1)
    return wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]


def random_layout(rng: np.random.Generator, side: int) -> str:
    """A layout of random connected regions, which some grid obeys: rows of the grid that exchange cells many times."""
    while True:
        parts = np.repeat(np.arange(side), side).reshape(side, side)
        exchanges = 0
        while exchanges < 8 * side:
            one, other = rng.choice(side, 2, replace=False)
            there, here = _neighbours(parts == one) & (parts == other), _neighbours(parts == other) & (parts == one)
            if not here.any():
                continue
            exchanged = parts.copy()
            exchanged.flat[rng.choice(np.flatnonzero(here))] = other
            exchanged.flat[rng.choice(np.flatnonzero(there))] = one
            if _is_connected(exchanged == one) and _is_connected(exchanged == other):
                parts, exchanges = exchanged, exchanges + 1
        layout = "".join(LETTERS[part] for part in _regions([str(part) for part in parts.ravel()]))
        blank = np.full(side * side, BLANK, np.uint8)
        if Jigsaw.of(layout).solve(blank, rng, max_guesses=20 * side * side).num_solutions > 0:
            return layout


def generate_jigsaws(
    family: SudokuTask,
    rng: np.random.Generator,
    *,
    count: int,
    layouts: int,
    rating: tuple[int, int] | None = None,
    progress: Callable[[int], object] = lambda done: None,
    stop: Callable[[], bool] = lambda: False,
) -> Puzzles:
    """Minimal puzzles of the family's size on random layouts, as questions that bring their regions; to train on.

    One random jigsaw in four takes eight guesses and more, as few random Sudokus do, and each layout asks for other inferences.

    Args:
        family: A Sudoku of this size.
        rng: The only source of randomness.
        count: Number of puzzles, spread evenly over the layouts to within one.
        layouts: Number of layouts.
        rating: Lowest and highest rating to keep; None: any.
        progress: Called with the number made so far.
        stop: Asked before each layout but the first whether to end here, with fewer.

    Raises:
        ValueError: when there are fewer puzzles than layouts, or the size is too large.
    """
    if not 1 <= layouts <= count:
        raise ValueError(f"expected at least one layout, and at most one for each puzzle: got {layouts} for {count}")
    parts, made = [], 0
    for i in range(layouts):
        if i and stop():
            break
        own = Jigsaw.of(random_layout(rng, family.side))
        few = count * (i + 1) // layouts - made
        puzzles = own.generate(rng, few, rating=rating, progress=lambda done: progress(made + done))  # noqa: B023
        _, regions = family.with_layout(own.layout)
        parts.append(replace(puzzles, regions=np.tile(1 + regions, (len(puzzles), 1))))
        made += few
    return join(parts)
