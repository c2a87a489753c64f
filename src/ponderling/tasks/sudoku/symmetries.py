"""The symmetries of Sudoku: drawing them, and a number that none of them changes, which tells puzzles apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, Puzzles, Symmetry, Tokens
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.sudoku.geometry import BLANK, Boxes

AT_ONCE = 1024
"""Puzzles whose fingerprints are computed together: their colours then fit into a processor's cache."""


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
    parts = [_refined(shape, tokens[i : i + AT_ONCE]) for i in range(0, len(tokens), AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _refined(shape: Boxes, tokens: Tokens) -> NDArray[np.uint64]:
    side, N = shape.side, len(tokens)
    # rows and columns must not be told apart by boxes that are lines
    height, width = (shape.rows, shape.columns) if shape.are_blocks else (side, side)
    in_boxes = (N, side // height, height, side // width, width)
    triple = np.uint64(3)
    given = (tokens > BLANK).reshape(N, side, side)
    # The colours. Rows and columns start alike exactly if a transposition may swap them.
    cell = np.where(given, np.uint64(1), np.uint64(2))
    symbol = np.full((N, side + 1), 3, np.uint64)  # the last stands for blanks, which have no colour
    row = np.full((N, side), 4, np.uint64)
    column = np.full((N, side), 4 if shape.may_be_flipped else 5, np.uint64)
    box = np.full((N, side // height, side // width), 6, np.uint64)
    which = np.where(given, tokens.reshape(given.shape).astype(np.int64) - 2, side)
    which = (which + (side + 1) * np.arange(N)[:, None, None]).reshape(-1)  # the symbol of each cell, of all puzzles
    by_symbol = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[by_symbol], np.arange(symbol.size))
    is_there = np.diff(starts, append=which.size) > 0
    for _ in range(8):
        rows, columns = _mix(row), _mix(column)
        spread = _mix(_mix(cell) + np.uint64(7))
        new = cell * triple + _mix(rows[:, :, None] + columns[:, None, :])
        new += _mix(_mix(symbol).reshape(-1)[which].reshape(given.shape) * given)
        new.reshape(in_boxes)[:] += _mix(_mix(box))[:, :, None, :, None]
        sums = np.add.reduceat(spread.reshape(-1)[by_symbol], np.minimum(starts, which.size - 1)) * is_there
        sums = sums.reshape(symbol.shape)
        sums[:, side] = 0
        symbol = symbol * triple + sums
        row = row * triple + spread.sum(axis=2, dtype=np.uint64)
        column = column * triple + spread.sum(axis=1, dtype=np.uint64)
        box = box * triple + spread.reshape(in_boxes).sum(axis=(2, 4), dtype=np.uint64)
        if shape.are_blocks:
            row += _of_bands(rows, shape.rows)
            column += _of_bands(columns, shape.columns)
        cell = new
    return _mix(_mix(cell).reshape(N, -1).sum(axis=1, dtype=np.uint64))


def _of_bands(lines: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
    """A hash of the lines that share a line's band, or stack, for each line (N, side)."""
    N, side = lines.shape
    sums = _mix(lines).reshape(N, side // size, size).sum(axis=2, dtype=np.uint64)
    return _mix(np.repeat(sums, size, axis=1))


def sketch(shape: Boxes, tokens: Tokens) -> NDArray[np.uint64]:
    """A number for each puzzle (N, L), (N,), equal for equivalent puzzles and often for others: it only counts clues.

    It takes a twelfth of the time of `fingerprint`, and so finds the few puzzles that are worth one.
    """
    parts = [_clue_counts(shape, tokens[i : i + AT_ONCE]) for i in range(0, len(tokens), AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _clue_counts(shape: Boxes, tokens: Tokens) -> NDArray[np.uint64]:
    side, N = shape.side, len(tokens)
    given = (tokens > BLANK).reshape(N, side, side)
    rows, columns = (_of_counts(given.sum(axis=axis), 1) for axis in (2, 1))
    symbols = np.stack([(tokens == BLANK + 1 + symbol).sum(axis=1) for symbol in range(side)], axis=1)
    found = rows + columns if shape.may_be_flipped else rows * np.uint64(3) + columns
    found += _of_counts(symbols, 2)
    if shape.are_blocks:
        height, width = shape.rows, shape.columns
        boxes = given.reshape(N, side // height, height, side // width, width).sum(axis=(2, 4))
        found += _of_counts(boxes.reshape(N, side), 3)
    return found


def _of_counts(counts: NDArray[np.int64], kind: int) -> NDArray[np.uint64]:
    """A hash of each row of counts (N, groups) that their order does not change, (N,)."""
    sums = _mix(counts.astype(np.uint64)).sum(axis=1, dtype=np.uint64)
    return _mix(sums + np.uint64(kind))


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
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x
