"""Finding hard Sudokus: a random walk from puzzle to puzzle that prefers those on which a solver must guess more.

Of random minimal 9x9 puzzles one in three needs a guess at all, and one in some ten thousand needs twenty. The walk takes
a few clues away, puts others in until the solution is the only one again, drops what is then superfluous, and rates the result:
what people who hunt hard Sudokus call {-n+n}.
"""

from __future__ import annotations

import numpy as np

from ponderling.tasks.sudoku_compiled import Masks, compiled
from ponderling.tasks.sudoku_geometry import Geometry
from ponderling.tasks.sudoku_rating import Layout, guesses_before_solution
from ponderling.tasks.sudoku_search import random_number, search


@compiled
def _solutions(question: Masks, shape: Geometry, limit: int, state: Masks, solutions: Masks) -> int:
    """Writes up to `limit` solutions and returns their number; -1 when the search gave up."""
    units, peers, segments, line_rest, box_rest = shape
    found, _ = search(question, units, peers, segments, line_rest, box_rest, limit, 500, state, solutions)
    return found


@compiled
def neighbour(
    question: Masks, removed: int, shape: Geometry, state: Masks, new_question: Masks, new_answer: Masks
) -> bool:
    """Writes a minimal puzzle that shares most clues with the given one; False when a search had to give up.

    Args:
        question: Candidates of each cell: one bit for a clue, every bit for a blank, (cells,).
        removed: Clues to take away.
        shape: The geometry.
        state: Random state, (1,).
        new_question: Receives the new puzzle, as `question`.
        new_answer: Receives its solution, (cells,).
    """
    cells = len(question)
    full = (1 << shape.units.shape[1]) - 1
    new_question[:] = question
    clues = np.flatnonzero(question != full)
    for i in range(min(removed, len(clues))):
        j = i + random_number(state) % (len(clues) - i)
        clues[i], clues[j] = clues[j], clues[i]
        new_question[clues[i]] = full
    solutions = np.zeros((2, cells), np.int64)
    found = _solutions(new_question, shape, 1, state, solutions)  # any solution of what is left
    if found != 1:
        return False
    new_answer[:] = solutions[0]
    while True:
        found = _solutions(new_question, shape, 2, state, solutions)
        if found == -1:
            return False
        if found < 2:
            break
        other = solutions[0] if (solutions[0] != new_answer).any() else solutions[1]
        differing = np.flatnonzero(other != new_answer)
        cell = differing[random_number(state) % len(differing)]
        new_question[cell] = new_answer[cell]
    order = np.flatnonzero(new_question != full)
    for i in range(len(order) - 1, 0, -1):
        j = random_number(state) % (i + 1)
        order[i], order[j] = order[j], order[i]
    for cell in order:  # a clue can go if the cell can be nothing else without it
        new_question[cell] = full & ~new_answer[cell]
        found = _solutions(new_question, shape, 1, state, solutions)
        new_question[cell] = full if found == 0 else new_answer[cell]
    return True


@compiled
def permuted(masks: Masks, cells: Masks, symbols: Masks, out: Masks) -> None:
    """The puzzle under a symmetry: cell j is cell `cells[j]` of the old one, symbol s becomes `symbols[s]`."""
    for j in range(len(masks)):
        old, new = masks[cells[j]], 0
        for s in range(len(symbols)):
            if old >> s & 1:
                new |= 1 << symbols[s]
        out[j] = new


@compiled
def mean_rating(question: Masks, layout: Layout, cells: Masks, symbols: Masks, most: int) -> float:
    """The mean rating over some symmetric copies of a puzzle, so that the luck of one order of guesses does not count."""
    copy, solution = np.empty_like(question), np.empty_like(question)
    total = 0.0
    for i in range(len(cells)):
        permuted(question, cells[i], symbols[i], copy)
        total += guesses_before_solution(copy, layout, most, solution)
    return total / len(cells)
