"""Shortest paths in a maze, and the drawing of random mazes, on flat arrays; compiled where numba is installed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.numba import compiled

Bools = NDArray[np.bool_]
Cells = NDArray[np.int32]
"""Numbers of cells, row by row."""


@compiled
def search(is_free: Bools, columns: int, start: int, goal: int, parents: Cells, queue: Cells) -> int:
    """Number of moves from start to goal on free cells, found breadth first; -1 if unreachable.

    Neighbours are looked at in the order down, left, right, up, and a cell's parent is the one that found it first: the path
    that `parents` then holds is the one that the public set Maze-Hard has as its answer.

    Args:
        is_free: (L,), start and goal included.
        columns: Columns of the grid.
        start: The cell to start from.
        goal: The cell to reach.
        parents: (L,), overwritten: the cell before each cell that was found, -1 for all others.
        queue: (L,), room to work in.
    """
    L = len(is_free)
    parents[:] = -1
    parents[start] = start
    queue[0] = start
    head, tail = 0, 1
    while head < tail and parents[goal] < 0:
        cell = queue[head]
        head += 1
        column = cell % columns
        for direction in range(4):
            if direction == 0:
                other = cell + columns if cell + columns < L else -1
            elif direction == 1:
                other = cell - 1 if column > 0 else -1
            elif direction == 2:
                other = cell + 1 if column < columns - 1 else -1
            else:
                other = cell - columns
            if other >= 0 and is_free[other] and parents[other] < 0:
                parents[other] = cell
                queue[tail] = other
                tail += 1
    if parents[goal] < 0:
        return -1
    moves, cell = 0, goal
    while cell != start:
        cell = parents[cell]
        moves += 1
    return moves


@compiled
def draw(
    rng: np.random.Generator,
    columns: int,
    fewest_walls: int,
    most_walls: int,
    min_moves: int,
    tries: int,
    is_free: Bools,
    order: Cells,
    parents: Cells,
    queue: Cells,
) -> tuple[int, int, int]:
    """Start, goal and moves of a random maze, the goal at least `min_moves` away; moves is -1 after all `tries`.

    One try draws a uniform number of walls, a uniform choice of that many cells, start and goal uniform among the free
    ones. The first try that is far enough is taken, so walls, start and goal are jointly distributed as in a try, given
    the distance.

    Args:
        rng: The only source of randomness; its `random()` gives the same numbers compiled and not.
        columns: Columns of the grid.
        fewest_walls: Lowest number of walls.
        most_walls: Highest number of walls; leaves two cells free.
        min_moves: Fewest moves of the shortest path.
        tries: Number of tries before giving up.
        is_free: (L,), overwritten: whether each cell is free of walls.
        order: (L,), the numbers 0 to L - 1 in any order; shuffled on.
        parents: (L,), overwritten as by `search`.
        queue: (L,), room to work in.
    """
    L = len(order)
    for _ in range(tries):
        walls = fewest_walls + int(rng.random() * (most_walls - fewest_walls + 1))
        is_free[:] = True
        for i in range(walls + 2):  # the first cells of a shuffle: walls, start, goal
            j = i + int(rng.random() * (L - i))
            cell = order[j]
            order[j] = order[i]
            order[i] = cell
            if i < walls:
                is_free[cell] = False
        start, goal = order[walls], order[walls + 1]
        moves = search(is_free, columns, start, goal, parents, queue)
        if moves >= min_moves:
            return start, goal, moves
    return 0, 0, -1


@compiled
def distances(is_free: Bools, columns: int, starts: Cells, goals: Cells, moves: Cells) -> None:
    """Fills `moves` (N,) with the moves from start to goal in each grid of `is_free` (N, L); -1 if unreachable."""
    L = is_free.shape[1]
    parents, queue = np.empty(L, np.int32), np.empty(L, np.int32)
    for i in range(len(moves)):
        moves[i] = search(is_free[i], columns, starts[i], goals[i], parents, queue)


@compiled
def beside(cell: int, direction: int, columns: int, cells: int) -> int:
    """The cell down (0), left (1), right (2) or up (3) of a cell in a grid of so many cells; -1 outside of the grid."""
    if direction == 0:
        return cell + columns if cell + columns < cells else -1
    if direction == 1:
        return cell - 1 if cell % columns > 0 else -1
    if direction == 2:
        return cell + 1 if cell % columns < columns - 1 else -1
    return cell - columns if cell >= columns else -1


@compiled
def spread(is_free: Bools, columns: int, goal: int, moves: Cells, queue: Cells) -> int:
    """Number of cells that have a way to the goal, which is one of them.

    Args:
        is_free: (L,), the goal included.
        columns: Columns of the grid.
        goal: The cell to start the wave from.
        moves: (L,), overwritten: fewest moves from each cell to the goal, -1 for cells without a way.
        queue: (L,), overwritten: first the cells that have a way, nearest first.
    """
    L = len(is_free)
    moves[:] = -1
    moves[goal] = 0
    queue[0] = goal
    head, tail = 0, 1
    while head < tail:
        cell = queue[head]
        head += 1
        column = cell % columns
        for direction in range(4):  # as in `beside`, with one division for all four
            if direction == 0:
                other = cell + columns if cell + columns < L else -1
            elif direction == 1:
                other = cell - 1 if column > 0 else -1
            elif direction == 2:
                other = cell + 1 if column < columns - 1 else -1
            else:
                other = cell - columns
            if other >= 0 and is_free[other] and moves[other] < 0:
                moves[other] = moves[cell] + 1
                queue[tail] = other
                tail += 1
    return tail


@compiled
def way(moves: Cells, columns: int, cell: int) -> int:
    """The first direction, of down, left, right and up as `beside` counts them, in which the goal is one move nearer.

    Such a direction must exist. A walk by this rule takes the path that `search` finds. `moves` is what `spread` gave.
    """
    for direction in range(4):
        if leads(moves, columns, cell, direction):
            return direction
    return -1


@compiled
def leads(moves: Cells, columns: int, cell: int, direction: int) -> bool:
    """Whether the goal is one move nearer from the next cell in a direction; `cell` must have a way to it."""
    other = beside(cell, direction, columns, len(moves))
    return other >= 0 and moves[other] == moves[cell] - 1 and moves[other] >= 0


@compiled
def nearer(moves: Cells, columns: int, cell: int) -> int:
    """The next cell on the walk to the goal, one move nearer; the arguments are those of `way`."""
    return beside(cell, way(moves, columns, cell), columns, len(moves))
