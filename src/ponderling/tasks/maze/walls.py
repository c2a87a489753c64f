"""The walls of a maze, kind by kind, on flat arrays; compiled where numba is installed. `kinds.py` draws mazes with them.

Every function overwrites `is_free` (L,), whether each cell is free of walls, and draws from `rng.random()` alone, which gives
the same numbers compiled and not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.maze.paths import beside
from ponderling.tasks.numba import compiled

Bools = NDArray[np.bool_]
Cells = NDArray[np.int32]

MOST_LOOPS = 0.2
"""Highest share of a perfect maze's walls that are taken away again to make loops."""

LEAST_CAVE, MOST_CAVE, CAVE_ROUNDS = 0.3, 0.5, 3
"""Lowest and highest share of walls that a cave grows from, and most rounds of growing."""

NARROW, MOST_WIDTH = 0.7, 3
"""Share of serpentines with a corridor of one cell, and widest corridor of the others."""


@compiled
def below(rng: np.random.Generator, count: int) -> int:
    """A whole number from 0 to `count` - 1, each as often."""
    return int(rng.random() * count)


@compiled
def scatter(rng: np.random.Generator, is_free: Bools, fewest: int, most: int, order: Cells) -> None:
    """Random walls: their number is uniform from `fewest` to `most`, and then every choice of cells is as likely.

    Args:
        rng: The only source of randomness.
        is_free: (L,).
        fewest: Lowest number of walls.
        most: Highest number of walls.
        order: (L,), room to work in.
    """
    L = len(is_free)
    is_free[:] = True
    for cell in range(L):
        order[cell] = cell
    for i in range(fewest + below(rng, most - fewest + 1)):  # the first cells of a shuffle
        j = i + below(rng, L - i)
        cell = order[j]
        order[j] = order[i]
        is_free[cell] = False


@compiled
def carve(rng: np.random.Generator, is_free: Bools, columns: int, branching: float, stack: Cells) -> None:
    """A perfect maze: corridors of one cell with exactly one way between any two places.

    Rooms are at every second row and column, from the first or the second one on. A way is dug from the newest room to one
    that was not reached yet, or with probability `branching` from any earlier room: 0 gives long corridors, 1 many short ones.

    Args:
        rng: The only source of randomness.
        is_free: (L,).
        columns: Columns of the grid.
        branching: From 0 to 1.
        stack: (L,), room to work in.
    """
    L = len(is_free)
    rows = L // columns
    is_free[:] = False
    top_row = below(rng, 2) if rows > 2 else 0
    first_column = below(rng, 2) if columns > 2 else 0
    room_rows, room_columns = (rows - top_row + 1) // 2, (columns - first_column + 1) // 2
    room = below(rng, room_rows * room_columns)
    corner = top_row * columns + first_column
    stack[0] = room
    is_free[corner + 2 * (room // room_columns) * columns + 2 * (room % room_columns)] = True
    top = 1
    while top > 0:
        i = top - 1
        if rng.random() < branching:
            i = below(rng, top)
        room = stack[i]
        count = 0
        for direction in range(4):
            other = beside(room, direction, room_columns, room_rows * room_columns)
            if other >= 0:
                cell = corner + 2 * (other // room_columns) * columns + 2 * (other % room_columns)
                count += int(not is_free[cell])
        if count == 0:
            stack[i] = stack[top - 1]
            top -= 1
            continue
        chosen = below(rng, count)
        here = corner + 2 * (room // room_columns) * columns + 2 * (room % room_columns)
        for direction in range(4):
            other = beside(room, direction, room_columns, room_rows * room_columns)
            if other >= 0:
                cell = corner + 2 * (other // room_columns) * columns + 2 * (other % room_columns)
                if not is_free[cell]:
                    if chosen == 0:
                        is_free[cell] = True
                        is_free[(here + cell) // 2] = True  # the cell between
                        stack[top] = other
                        top += 1
                    chosen -= 1


@compiled
def breach(rng: np.random.Generator, is_free: Bools, share: float) -> None:
    """Takes away each wall with probability `share`."""
    for cell in range(len(is_free)):
        if not is_free[cell] and rng.random() < share:
            is_free[cell] = True


@compiled
def hollow(rng: np.random.Generator, is_free: Bools, columns: int, share: float, rounds: int, before: Bools) -> None:
    """A cave: cells are walls with probability `share`, then each becomes what most of the 3x3 cells around it are.

    Args:
        rng: The only source of randomness.
        is_free: (L,).
        columns: Columns of the grid, outside of which all is wall.
        share: Share of walls before the first round.
        rounds: Number of times that the majority decides.
        before: (L,), room to work in.
    """
    L = len(is_free)
    rows = L // columns
    for cell in range(L):
        is_free[cell] = rng.random() >= share
    for _ in range(rounds):
        before[:] = is_free
        for cell in range(L):
            walls = 9
            for row in range(max(cell // columns - 1, 0), min(cell // columns + 2, rows)):
                for column in range(max(cell % columns - 1, 0), min(cell % columns + 2, columns)):
                    walls -= int(before[row * columns + column])
            is_free[cell] = walls < 5


@compiled
def fold(rng: np.random.Generator, is_free: Bools, columns: int, width: int) -> None:
    """A serpentine: one corridor of `width` rows that turns back at either end of the grid."""
    L = len(is_free)
    is_free[:] = True
    at_end = below(rng, 2)
    for row in range(below(rng, width + 1), L // columns, width + 1):
        is_free[row * columns : (row + 1) * columns] = False
        is_free[row * columns + (columns - 1 if at_end else 0)] = True
        at_end = 1 - at_end


@compiled
def wind(is_free: Bools, columns: int) -> None:
    """A spiral: one corridor of one cell from a corner to the middle."""
    L = len(is_free)
    rows = L // columns
    is_free[:] = False
    is_free[0] = True
    row, column, down, right, turns = 0, 0, 0, 1, 0
    while turns < 2:
        r, c = row + down, column + right
        goes_on = 0 <= r < rows and 0 <= c < columns
        if goes_on:
            touching = 0
            for direction in range(4):
                other = beside(r * columns + c, direction, columns, L)
                touching += int(other >= 0 and is_free[other])
            goes_on = touching == 1  # the cell that it comes from: laps stay apart
        if goes_on:
            row, column, turns = r, c, 0
            is_free[r * columns + c] = True
        else:
            down, right = right, -down
            turns += 1
