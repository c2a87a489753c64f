"""Whether marks are one shortest path to G for each of several S: a flow with at least one unit through every mark.

Paths may meet, so their union can often be read as paths in many ways. Each S sends one unit along moves that come nearer
to G; a flow of whole units that passes through every mark exists exactly where the marks are such a union.
"""

from __future__ import annotations

from collections import Counter, deque

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.maze.paths import beside

Cells = NDArray[np.int32]

Ways = dict[int, list[int]]
"""For each cell, the cells beside it that are one move nearer to G, marked or S or G."""


def ways_nearer(passable: NDArray[np.bool_], moves: Cells, *, columns: int) -> Ways:
    """The moves between passable cells (L,) that come nearer to G; `moves` is what `paths.spread` gave for the maze."""
    cells = np.flatnonzero(passable & (moves >= 0)).tolist()
    return {
        cell: [
            other
            for direction in range(4)
            if (other := beside.plain(cell, direction, columns, len(moves))) >= 0
            and passable[other]
            and moves[other] == moves[cell] - 1
        ]
        for cell in cells
    }


def leading(ways: Ways, goal: int) -> set[int]:
    """The cells from which these moves lead to G, G included."""
    return _reached(_reversed(ways), [goal])


def reached_from(ways: Ways, starts: list[int]) -> set[int]:
    """The cells that these moves lead to from some S, every S included."""
    return _reached(ways, starts)


def _reached(ways: Ways, cells: list[int]) -> set[int]:
    found, waiting = set(cells), list(cells)
    while waiting:
        for other in ways.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def are_paths(ways: Ways, *, starts: list[int], goal: int) -> bool:
    """Whether the cells of `ways` are the union of one path for each S; all must lie between some S and G."""
    flow = _Flow(ways, starts=starts, goal=goal)
    return all(flow.through[cell] or flow.lead_through(cell) for cell in ways)


class _Flow:
    """One unit from each S to G, at first along any path."""

    def __init__(self, ways: Ways, *, starts: list[int], goal: int):
        self.ways, self.back = ways, _reversed(ways)
        self.along: Counter[tuple[int, int]] = Counter()
        """Units along each move."""
        self.through = Counter(starts)
        """Units through each cell."""
        for start in starts:
            cell = start
            while cell != goal:
                other = ways[cell][0]
                self.along[cell, other] += 1
                self.through[other] += 1
                cell = other

    def lead_through(self, cell: int) -> bool:
        """Changes the flow so that it passes through the cell, and still through all that it passed through; False: it cannot.

        A cell is two nodes, where flow comes in and where it goes out. A way round is looked for from the cell's exit to its
        entry: along moves, or back along moves that have flow to take away.
        """
        exit_, entry = (cell, True), (cell, False)
        came = {exit_: exit_}
        waiting = deque([exit_])
        while waiting and entry not in came:
            node = waiting.popleft()
            for other in self._nodes_after(node):
                if other not in came:
                    came[other] = node
                    waiting.append(other)
        if entry not in came:
            return False
        self.through[cell] += 1
        node = entry
        while node != exit_:
            before = came[node]
            if node[0] == before[0]:
                self.through[node[0]] += 1 if node[1] else -1
            elif before[1]:
                self.along[before[0], node[0]] += 1
            else:
                self.along[node[0], before[0]] -= 1
            node = before
        return True

    def _nodes_after(self, node: tuple[int, bool]) -> list[tuple[int, bool]]:
        """Where a further unit can be sent to from an entry or exit."""
        cell, is_exit = node
        if is_exit:
            others = [(other, False) for other in self.ways[cell]]
            return [*others, (cell, False)] if self.through[cell] > 1 else others
        others = [(other, True) for other in self.back.get(cell, ()) if self.along[other, cell]]
        return [*others, (cell, True)] if self.ways[cell] else others


def _reversed(ways: Ways) -> Ways:
    back: Ways = {}
    for cell, others in ways.items():
        for other in others:
            back.setdefault(other, []).append(cell)
    return back
