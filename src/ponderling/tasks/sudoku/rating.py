"""How hard a Sudoku is on the scale of the public data set: the guesses that the solver tdoku makes before the solution.

Another solver's guesses say little about tdoku's, so this search infers and guesses as tdoku does. It was written from
a description of how tdoku works (T. Dillon, 2019, https://t-dillon.github.io/tdoku), for any box shape.
`docs/sudoku.md` says how often they agree.

A *segment* is where a line meets a box: three cells in 9x9. A *band* is a row of boxes or a column of boxes. A *way* puts a
symbol into a band: one segment for each box, all in different lines, so n! ways for n boxes. What is still possible is
kept for cells, segments and ways at once, as sets of symbols.
"""

from __future__ import annotations

import functools
import itertools
from typing import NamedTuple

import numpy as np

from ponderling.tasks.numba import Masks, compiled, count_bits


class Layout(NamedTuple):
    """The cells, segments and ways that belong together, as index arrays padded with -1."""

    segment_cells: Masks
    """Cells of each segment, (segments, longest)."""
    segment_rivals: Masks
    """The box's other segments of the same direction, (segments, most): one of these or this one holds a symbol."""
    cell_segments: Masks
    """The segments of each cell, (cells, 2)."""
    box_mates: Masks
    """The other cells of each cell's box, (cells, side - 1)."""
    way_segments: Masks
    """The segments that each way fills, (ways, most)."""
    band_starts: Masks
    """The first way of each band, and the number of ways, (bands + 1,)."""


@functools.cache
def layout(box_rows: int, box_columns: int) -> Layout:
    """The layout of a Sudoku whose boxes have this shape."""
    side = box_rows * box_columns
    grid = np.arange(side * side).reshape(side, side)
    segments: list[list[int]] = []
    rivals: list[list[int]] = []
    ways: list[list[int]] = []
    starts = [0]
    for lines, height, width in ((grid, box_rows, box_columns), (grid.T, box_columns, box_rows)):
        for top in range(0, side, height):
            boxes = len(segments) + np.arange(height * height).reshape(height, height)  # a band has `height` boxes
            for box, line in itertools.product(range(height), repeat=2):
                segments.append(lines[top + line, box * width : (box + 1) * width].tolist())
                rivals.append([int(s) for s in boxes[box] if s != boxes[box, line]])
            ways += [[int(boxes[box, line]) for box, line in enumerate(order)] for order in _line_orders(height)]
            starts.append(len(ways))
    cell_segments = [[s for s, cells in enumerate(segments) if cell in cells] for cell in range(side * side)]
    box_mates = [
        [int(c) for s in [own[0], *rivals[own[0]]] for c in segments[s] if c != cell]
        for cell, own in enumerate(cell_segments)
    ]
    return Layout(
        segment_cells=_padded(segments),
        segment_rivals=_padded(rivals),
        cell_segments=_padded(cell_segments),
        box_mates=_padded(box_mates),
        way_segments=_padded(ways),
        band_starts=np.array(starts),
    )


def _line_orders(n: int) -> list[tuple[int, ...]]:
    """For each way of a band of n boxes, the line of each box; in tdoku's order for n = 3, as it guesses the first way left."""
    bases = [order for order in itertools.permutations(range(n)) if n == 1 or order[1] == 1]
    return [tuple((line + shift) % n for line in base) for base in bases for shift in range(n)]


def _padded(rows: list[list[int]]) -> Masks:
    width = max(map(len, rows))
    return np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int64)


@compiled
def guesses_before_solution(start: Masks, layout: Layout, max_guesses: int, solution: Masks) -> int:
    """Number of guesses tdoku's search makes before the first solution, at most `max_guesses`; -1 without a solution.

    Args:
        start: The puzzle as the symbols each cell may have, (cells,); not changed.
        layout: Layout of the puzzle's box shape.
        max_guesses: Number of guesses after which to give up.
        solution: Receives the solution's cells, (cells,).
    """
    cells, segments, ways = len(start), len(layout.segment_cells), len(layout.way_segments)
    side = layout.box_mates.shape[1] + 1
    bands = len(layout.band_starts) - 1
    # Each guess on the way down settles another symbol in another band. A state: cells, segments, ways, one after the other.
    stack = np.empty((side * bands + 1, cells + segments + ways), np.int64)
    guessed_band = np.empty(len(stack), np.int64)
    guessed_symbol = np.empty(len(stack), np.int64)
    stack[0] = (1 << side) - 1
    stack[0, :cells] = start
    guessed_band[0] = -1
    guesses, depth = 0, 1
    while depth:
        depth -= 1
        state = stack[depth].copy()
        band, symbol = guessed_band[depth], guessed_symbol[depth]
        open_ways = state[cells + segments :]
        while _infer(state, layout):
            # After a wrong guess tdoku stays with the symbol and band while several ways are left.
            if band < 0 or _count_ways(open_ways, layout, band, symbol) < 2:
                band, symbol = _choose(open_ways, layout, side)
            if band < 0:
                solution[:] = state[:cells]
                return guesses
            if guesses >= max_guesses:
                return max_guesses
            guesses += 1
            first = layout.band_starts[band]
            while not open_ways[first] >> symbol & 1:
                first += 1
            stack[depth] = state
            stack[depth, cells + segments + first] &= ~(1 << symbol)  # to go on with if the guess is wrong
            guessed_band[depth], guessed_symbol[depth] = band, symbol
            depth += 1
            for way in range(layout.band_starts[band], layout.band_starts[band + 1]):
                if way != first:
                    open_ways[way] &= ~(1 << symbol)
            band = -1
    return -1


@compiled
def _infer(state: Masks, layout: Layout) -> bool:
    """Draws all conclusions between cells, segments and ways; False on a contradiction.

    The state is the symbols that each cell may have, then those that each segment may lack, then those that each way may place.
    """
    cells = state[: len(layout.cell_segments)]
    may_lack = state[len(cells) : len(cells) + len(layout.segment_cells)]
    ways = state[len(cells) + len(may_lack) :]
    may_hold = np.empty(len(may_lack), np.int64)
    while True:
        before = state.sum()  # sets only ever lose symbols, so their sum tells whether one did
        may_hold[:] = 0
        for way in range(len(ways)):
            for i in range(layout.way_segments.shape[1]):
                segment = layout.way_segments[way, i]
                if segment >= 0:
                    may_hold[segment] |= ways[way]
        if not _infer_in_segments(cells, may_lack, may_hold, layout):
            return False
        if not _settle(cells, may_lack, layout):
            return False
        for segment in range(len(may_hold)):
            for i in range(layout.segment_rivals.shape[1]):
                rival = layout.segment_rivals[segment, i]
                if rival >= 0:
                    may_hold[segment] &= may_lack[rival]
        for way in range(len(ways)):
            for i in range(layout.way_segments.shape[1]):
                segment = layout.way_segments[way, i]
                if segment >= 0:
                    ways[way] &= may_hold[segment]
        if state.sum() == before:
            return True


@compiled
def _infer_in_segments(cells: Masks, may_lack: Masks, may_hold: Masks, layout: Layout) -> bool:
    """Draws the conclusions between each segment and its cells, given what the ways let it hold; False on a contradiction."""
    side = layout.box_mates.shape[1] + 1
    elsewhere = np.zeros(len(may_lack), np.int64)
    for segment in range(len(may_lack)):
        for i in range(layout.segment_rivals.shape[1]):
            rival = layout.segment_rivals[segment, i]
            if rival >= 0:
                elsewhere[segment] |= may_hold[rival]
    for segment in range(len(may_lack)):
        size, once, twice = 0, 0, 0
        for i in range(layout.segment_cells.shape[1]):
            cell = layout.segment_cells[segment, i]
            if cell >= 0:
                size += 1
                cells[cell] &= may_hold[segment]
                twice |= once & cells[cell]
                once |= cells[cell]
        may_lack[segment] &= elsewhere[segment]
        if count_bits(may_hold[segment]) == size:
            may_lack[segment] &= ~may_hold[segment]
        lacking = count_bits(may_lack[segment])
        # A segment of three cells lacks six of the nine symbols.
        if lacking < side - size or once | may_lack[segment] != (1 << side) - 1:
            return False
        may_hold[segment] = once if lacking > side - size else once & ~may_lack[segment]
        only_here = once & ~twice & ~may_lack[segment]
        if only_here:
            for i in range(layout.segment_cells.shape[1]):
                cell = layout.segment_cells[segment, i]
                if cell >= 0 and cells[cell] & only_here:
                    cells[cell] &= only_here
    return True


@compiled
def _settle(cells: Masks, may_lack: Masks, layout: Layout) -> bool:
    """Takes the symbols of settled cells from the rest of their boxes; False if a cell has none left.

    Other boxes learn of it through the ways.
    """
    for cell in range(len(cells)):
        symbol = cells[cell]
        if symbol == 0:
            return False
        if symbol & (symbol - 1) == 0:
            for i in range(layout.box_mates.shape[1]):
                cells[layout.box_mates[cell, i]] &= ~symbol
            for i in range(2):
                may_lack[layout.cell_segments[cell, i]] &= ~symbol
    return True


@compiled
def _choose(ways: Masks, layout: Layout, side: int) -> tuple[int, int]:
    """Where tdoku guesses: the unsettled band with the fewest ways, in it the unsettled symbol with the fewest; -1 if none."""
    best_band, fewest = -1, 1 << 30
    for band in range(len(layout.band_starts) - 1):
        count = 0
        for way in range(layout.band_starts[band], layout.band_starts[band + 1]):
            count += count_bits(ways[way])
        if side < count < fewest:
            best_band, fewest = band, count
    best_symbol, fewest = -1, 1 << 30
    if best_band >= 0:
        for symbol in range(side):
            count = _count_ways(ways, layout, best_band, symbol)
            if 1 < count < fewest:
                best_symbol, fewest = symbol, count
    return best_band, best_symbol


@compiled
def _count_ways(ways: Masks, layout: Layout, band: int, symbol: int) -> int:
    count = 0
    for way in range(layout.band_starts[band], layout.band_starts[band + 1]):
        count += ways[way] >> symbol & 1
    return count
