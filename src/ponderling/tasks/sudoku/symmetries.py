"""The symmetries of Sudoku: drawing them, and a number that none of them changes, which tells puzzles apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, Puzzles, Symmetry, Tokens
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.sudoku.geometry import BLANK, Boxes


def sample_symmetries(boxes: Boxes, rng: np.random.Generator, *, count: int) -> Symmetry:
    """Transformations drawn uniformly from the full group.

    Symbols, bands, rows in a band, stacks and columns in a stack are permuted, and the grid is transposed if boxes are
    square or absent: 9! x 2 x (3!)^8 for 9x9. Where diagonals count, rows and columns are permuted alike, mirror
    images to mirror images, and the columns may be mirrored besides: 9! x 2 x 2 x 24 for 9x9.
    """
    if boxes.diagonals:
        rows = _mirrored_permutations(rng, count, size=boxes.rows)
        columns = np.where(rng.integers(0, 2, (count, 1)) == 1, rows[:, ::-1], rows)
    else:
        rows = _nested_permutations(rng, count, blocks=boxes.columns, size=boxes.rows)
        columns = _nested_permutations(rng, count, blocks=boxes.rows, size=boxes.columns)
    cells = rows[:, :, None] * boxes.side + columns[:, None, :]
    if boxes.may_be_flipped:
        flip = rng.integers(0, 2, count).astype(bool)
        cells[flip] = cells[flip].transpose(0, 2, 1)
    return Symmetry(cells.reshape(count, -1), sample_symbols(boxes.side, rng, count=count))


def sample_symbols(side: int, rng: np.random.Generator, *, count: int) -> Tokens:
    """Random orders of `side` symbols, (count, vocabulary); padding and blank stay."""
    symbols = np.empty((count, BLANK + 1 + side), np.uint8)
    symbols[:, : BLANK + 1] = PAD, BLANK
    symbols[:, BLANK + 1 :] = BLANK + 1 + rng.random((count, side)).argsort(axis=1)
    return symbols


def fingerprint(shape: Boxes, tokens: Tokens) -> NDArray[np.uint64]:
    """A number for each puzzle (N, L) that no symmetry changes, (N,): if two differ, the puzzles are not equivalent.

    Colour refinement (Weisfeiler-Leman) on the graph of cells, symbols, lines, boxes, bands and stacks. Two
    inequivalent puzzles may get equal colours in principle, so it may call puzzles alike that are not, never the reverse.
    """
    side, (N, L) = shape.side, tokens.shape
    rows, columns = np.divmod(np.arange(L), side)
    boxes = rows // shape.rows * (side // shape.columns) + columns // shape.columns
    bands = (("row", shape.rows), ("column", shape.columns))
    given_cells = tokens > BLANK
    if not shape.are_blocks:  # rows and columns must not be told apart by boxes that are lines
        boxes, bands = np.zeros(L, np.int64), ()
    square = shape.may_be_flipped
    # Rows and columns start alike exactly if a transposition may swap them.
    colours = {
        "cell": np.where(given_cells, np.uint64(1), np.uint64(2)),
        "symbol": np.full((N, side + 1), 3, np.uint64),  # the last stands for blanks, which have no colour
        "row": np.full((N, side), 4, np.uint64),
        "column": np.full((N, side), 4 if square else 5, np.uint64),
        "box": np.full((N, side), 6, np.uint64),
    }
    which = np.where(given_cells, tokens.astype(np.int64) - 2, side)
    for _ in range(8):
        mixed = {name: _mix(colour) for name, colour in colours.items()}
        given = np.take_along_axis(mixed["symbol"], which, axis=1) * given_cells
        lines = mixed["row"][:, rows] + mixed["column"][:, columns]
        cell = colours["cell"] * np.uint64(3) + _mix(lines) + _mix(mixed["box"][:, boxes]) + _mix(given)
        spread = _mix(mixed["cell"] + np.uint64(7))
        new = {"cell": cell, "symbol": colours["symbol"] * np.uint64(3)}
        symbol = np.zeros_like(colours["symbol"])
        np.add.at(symbol, (np.arange(N)[:, None], which), spread)
        symbol[:, side] = 0
        new["symbol"] = new["symbol"] + symbol
        for name, members in (("row", rows), ("column", columns), ("box", boxes)):
            sums = np.zeros_like(colours[name])
            np.add.at(sums.T, members, spread.T)
            new[name] = colours[name] * np.uint64(3) + sums
        for name, size in bands:
            sums = _mix(mixed[name]).reshape(N, side // size, size).sum(axis=2, dtype=np.uint64)
            new[name] = new[name] + _mix(np.repeat(sums, size, axis=1))
        colours = new
    return _mix(_mix(colours["cell"]).sum(axis=1, dtype=np.uint64))


def distinct(task: GridTask, puzzles: Puzzles, *, without: Iterable[int] = ()) -> Puzzles:
    """The puzzles whose fingerprints are neither among `without` nor that of an earlier one."""
    seen = set(map(int, without))
    keep = []
    for i, fingerprint in enumerate(map(int, task.fingerprint(puzzles.tokens, regions=puzzles.regions))):
        if fingerprint not in seen:
            seen.add(fingerprint)
            keep.append(i)
    return puzzles[keep]


def _nested_permutations(rng: np.random.Generator, count: int, *, blocks: int, size: int) -> NDArray[np.int64]:
    """Permutations of blocks x size places, (count, blocks x size), that keep blocks together."""
    order = rng.random((count, blocks)).argsort(axis=1)
    within = rng.random((count, blocks, size)).argsort(axis=2)
    return (order[:, :, None] * size + within).reshape(count, -1)


def _mirrored_permutations(rng: np.random.Generator, count: int, *, size: int) -> NDArray[np.int64]:
    """Permutations of size x size places, (count, size x size), that keep blocks together and mirror images paired."""
    last, half = size * size - 1, size // 2
    order = _mirrored(rng, count, size=size)  # of the blocks
    places = np.empty((count, size, size), np.int64)
    within = rng.random((count, half, size)).argsort(axis=2)
    for block in range(half):
        places[:, block] = order[:, block, None] * size + within[:, block]
        places[:, size - 1 - block] = last - places[:, block, ::-1]
    if size % 2:
        places[:, half] = half * size + _mirrored(rng, count, size=size)
    return places.reshape(count, -1)


def _mirrored(rng: np.random.Generator, count: int, *, size: int) -> NDArray[np.int64]:
    """Permutations of `size` places, (count, size), that carry mirror images to mirror images; uniform among those."""
    half = size // 2
    pairs = rng.random((count, half)).argsort(axis=1)  # which pair of mirror images goes where
    flip = rng.integers(0, 2, (count, half)) == 1
    places = np.full((count, size), half)
    places[:, :half] = np.where(flip, size - 1 - pairs, pairs)
    places[:, size - half :] = size - 1 - places[:, :half][:, ::-1]
    return places


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of each number (the finaliser of splitmix64), so that sums of them tell multisets apart."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
