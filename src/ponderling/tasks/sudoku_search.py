"""Solving, rating and digging Sudoku grids of any box shape: candidate masks, propagation, and a depth-first search.

Compiled by numba where it is installed (the extra `generate`); without it the same functions run as plain Python, some
hundred times slower, which is enough to check a puzzle and too slow to make many. `sudoku.py` is the way in.

A grid here is a vector of `cells` masks: bit d is set while symbol d (0 = the first) is possible in the cell.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])

Masks = NDArray[np.int64]


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


class Kernels(NamedTuple):
    """The functions below, compiled or plain."""

    search: Callable[..., Any]
    dig: Callable[..., Any]


@functools.cache
def kernels() -> Kernels:
    """The compiled functions where numba is installed; compiling takes some seconds once, then they are read from a cache."""
    if importlib.util.find_spec("numba") is None:
        return Kernels(_search, _dig)
    return _compiled()


def _compiled() -> Kernels:
    from numba import njit

    from ponderling.tasks import sudoku_search as module

    compile_: Any = njit(cache=True)
    # The functions call each other by their module names, so the compiled ones take their place there.
    for name in ("_single", "_count_bits", "_random", "_propagate", "_choose", "_search", "_dig"):
        function = getattr(module, name)
        if not hasattr(function, "py_func"):
            setattr(module, name, compile_(function))
    return Kernels(module._search, module._dig)


def _single(mask: int) -> bool:
    return mask & (mask - 1) == 0


def _count_bits(mask: int) -> int:
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


def _random(state: Masks) -> int:
    """The next number of a linear congruential generator (31 bits); `state` holds one number and is changed."""
    state[0] = (state[0] * 1103515245 + 12345) & 0x7FFFFFFF
    return (state[0] >> 8) & 0x7FFFFF


def _propagate(
    cand: Masks, done: Masks, units: Masks, peers: Masks, segments: Masks, line_rest: Masks, box_rest: Masks
) -> bool:
    """Naked singles, hidden singles and locked candidates until nothing changes; False on a contradiction.

    `done` marks cells whose symbol has been taken from their peers already.
    """
    side = units.shape[1]
    full = (1 << side) - 1
    while True:
        changed = True
        while changed:
            changed = False
            for cell in range(len(cand)):
                mask = cand[cell]
                if mask == 0:
                    return False
                if not done[cell] and mask & (mask - 1) == 0:
                    done[cell] = 1
                    for i in range(peers.shape[1]):
                        peer = peers[cell, i]
                        if cand[peer] & mask:
                            cand[peer] &= ~mask
                            changed = True
                            if cand[peer] == 0:
                                return False
            for u in range(len(units)):
                once = 0
                twice = 0
                for i in range(side):
                    mask = cand[units[u, i]]
                    twice |= once & mask
                    once |= mask
                if once != full:
                    return False
                alone = once & ~twice
                if alone:
                    for i in range(side):
                        cell = units[u, i]
                        here = cand[cell] & alone
                        if here and cand[cell] != here:
                            if here & (here - 1):
                                return False
                            cand[cell] = here
                            changed = True
        for s in range(len(segments)):
            here, in_line, in_box = 0, 0, 0
            for i in range(segments.shape[1]):
                if segments[s, i] >= 0:
                    here |= cand[segments[s, i]]
            for i in range(line_rest.shape[1]):
                if line_rest[s, i] >= 0:
                    in_line |= cand[line_rest[s, i]]
            for i in range(box_rest.shape[1]):
                if box_rest[s, i] >= 0:
                    in_box |= cand[box_rest[s, i]]
            from_line = here & ~in_box & in_line  # must lie here within the box, so not elsewhere in the line
            from_box = here & ~in_line & in_box
            if from_line:
                for i in range(line_rest.shape[1]):
                    if line_rest[s, i] >= 0:
                        cand[line_rest[s, i]] &= ~from_line
                changed = True
            if from_box:
                for i in range(box_rest.shape[1]):
                    if box_rest[s, i] >= 0:
                        cand[box_rest[s, i]] &= ~from_box
                changed = True
        if not changed:
            return True


def _choose(cand: Masks, peers: Masks, state: Masks) -> int:
    """The cell to branch on: fewest candidates, then the most undecided peers' candidates in common, then at random."""
    best, best_count, best_weight, ties = -1, 99, -1, 0
    for cell in range(len(cand)):
        mask = cand[cell]
        if mask & (mask - 1) == 0:
            continue
        count = _count_bits(mask)
        if count > best_count:
            continue
        weight = 0
        for i in range(peers.shape[1]):
            weight += _count_bits(cand[peers[cell, i]] & mask)
        if count < best_count or weight > best_weight:
            best, best_count, best_weight, ties = cell, count, weight, 1
        elif weight == best_weight:
            ties += 1
            if state[0] and _random(state) % ties == 0:
                best = cell
    return best


def _search(
    start: Masks,
    units: Masks,
    peers: Masks,
    segments: Masks,
    line_rest: Masks,
    box_rest: Masks,
    limit: int,
    max_guesses: int,
    state: Masks,
    solution: Masks,
) -> tuple[int, int, int]:
    """Depth-first search: assume a symbol of the chosen cell, and if that fails, that it is another.

    Args:
        start: Candidates, (cells,); not changed.
        units, peers, segments, line_rest, box_rest: The geometry.
        limit: Stop after so many solutions.
        max_guesses: Give up after so many guesses.
        state: Random state, (1,); 0: lowest symbol first and no random ties.
        solution: Receives the first solution's masks, (cells,).

    Returns:
        Solutions found (at most `limit`; -1 when given up), guesses before the first, guesses in all.
    """
    cells = len(start)
    stack = np.zeros((cells * 4, cells), np.int64)
    marks = np.zeros((cells * 4, cells), np.int64)
    stack[0] = start
    depth = 1
    found, guesses, first = 0, 0, 0
    while depth:
        depth -= 1
        cand = stack[depth].copy()
        done = marks[depth].copy()
        while True:
            if not _propagate(cand, done, units, peers, segments, line_rest, box_rest):
                break
            cell = _choose(cand, peers, state)
            if cell < 0:
                if found == 0:
                    solution[:] = cand
                    first = guesses
                found += 1
                if found >= limit:
                    return found, first, guesses
                break
            if guesses >= max_guesses:
                return -1, guesses, guesses
            mask = cand[cell]
            bit = mask & -mask
            if state[0]:
                for _ in range(_random(state) % _count_bits(mask)):
                    mask &= mask - 1
                bit = mask & -mask
            stack[depth] = cand
            marks[depth] = done
            stack[depth, cell] &= ~bit
            depth += 1
            cand[cell] = bit
            guesses += 1
    return found, first, guesses


def _dig(
    answer: Masks,
    order: Masks,
    min_clues: int,
    units: Masks,
    peers: Masks,
    segments: Masks,
    line_rest: Masks,
    box_rest: Masks,
    max_guesses: int,
    given: Masks,
) -> int:
    """Takes clues away in the given order as long as the solution stays the only one; sets `given`, returns their number.

    A clue can go if no other symbol is possible in its cell: one search for a solution that differs there. A search
    that gives up keeps the clue. With `min_clues` 0 the puzzle is minimal: no clue can go.
    """
    cells = len(answer)
    side = units.shape[1]
    full = (1 << side) - 1
    given[:] = 1
    clues = cells
    state = np.zeros(1, np.int64)
    solution = np.zeros(cells, np.int64)
    start = answer.copy()
    for k in range(len(order)):
        if clues <= min_clues:
            break
        cell = order[k]
        start[cell] = full & ~answer[cell]
        found, _, _ = _search(start, units, peers, segments, line_rest, box_rest, 1, max_guesses, state, solution)
        if found == 0:
            given[cell] = 0
            clues -= 1
            start[cell] = full
        else:
            start[cell] = answer[cell]
    return clues
