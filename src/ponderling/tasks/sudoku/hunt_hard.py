"""Finding hard Sudokus: random walks up to puzzles on which a solver must guess often, and then a look around them.

Of 24,000 random minimal 9x9 puzzles 43% took a guess at all, and 3 took twenty. `climb` walks from
puzzle to puzzle: it takes a clue or two away, puts others in until the solution is the only one again, drops what is then
superfluous, and stays where the rating is higher: what people who hunt hard Sudokus call {-n+n}. Around a hard puzzle there are
many more: `look_around` goes through single-clue exchanges ({-1+1}) of a pool that grows by what is hard enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from ponderling.tasks.base import Puzzles, join
from ponderling.tasks.numba import Masks, compiled
from ponderling.tasks.sudoku.geometry import Geometry
from ponderling.tasks.sudoku.rating import Layout, guesses_before_solution, layout
from ponderling.tasks.sudoku.search import random_number, search
from ponderling.tasks.sudoku.symmetries import distinct

if TYPE_CHECKING:
    from ponderling.tasks.sudoku.base import SudokuTask

MOST = 500
"""Guesses at which rating stops on the way; the hardest published puzzles take some hundreds."""

MOST_RATING = 100_000
"""Guesses at which the rating of a found puzzle stops, as in `Sudoku.rate`."""

SLACK = 0.1
"""How far below the present rating, as a share of it, a step of the walk may lead."""

HARD = 10.0
"""Mean rating from which a puzzle joins the pool whose surroundings are searched."""

BATCH = 2048
"""Neighbours looked at before the next line of progress."""

COPIES = 4
"""Symmetric copies over which a rating is averaged, so that the luck of one order of guesses does not count."""


def hunt(
    task: SudokuTask,
    rng: np.random.Generator,
    *,
    count: int,
    climbs: int,
    rating: tuple[int, int],
    known: Iterable[int] = (),
    rounds: int = 4000,
    progress: Callable[[int], object] = lambda done: None,
    climbed: Callable[[int], object] = lambda done: None,
    stop: Callable[[], bool] = lambda: False,
) -> Puzzles:
    """Minimal puzzles of these ratings, no two equivalent, from the surroundings of hard ones.

    Args:
        task: A Sudoku family of the wanted size.
        rng: The only source of randomness.
        count: Number of puzzles.
        climbs: Walks, each from a random puzzle, whose ends the search starts around; more give more variety.
        rating: Lowest and highest rating, of the puzzle as it stands.
        known: Fingerprints of puzzles that are not wanted.
        rounds: Steps of each walk.
        progress: Called with the number found so far.
        climbed: Called with the number of walks done.
        stop: Called after every walk and every look around; when True, what was found until then is returned.

    Raises:
        ValueError: when the surroundings are exhausted before there are enough; for families that tdoku cannot rate, and
            ratings that cannot be.
    """
    if not climbs >= 1 or not count >= 1 or not rating[0] <= rating[1]:
        raise ValueError(
            f"expected at least one puzzle and one walk, and a lowest rating no higher than the highest: got {count}, "
            f"{climbs}, {rating[0]} to {rating[1]}"
        )
    if task.boxes is None or not task.is_rated_by_tdoku:
        raise ValueError(f"{task.name} has no rating to hunt by: hunting is for Sudokus of rows, columns and boxes")
    shape, ways = task.geometry, layout(task.boxes.rows, task.boxes.columns)
    symmetry = task.sample_symmetries(rng, COPIES)
    copies = symmetry.cells.astype(np.int64), symmetry.symbols[:, 2:].astype(np.int64) - 2
    cells = task.num_cells
    pool = np.empty((climbs + 8 * count, cells), np.int64)
    for i in range(climbs):
        state = np.array([rng.integers(1, 2**31 - 1)])
        start = task.masks_of(task.generate(rng, 1).tokens[0])
        climb(start, rounds, shape, ways, *copies, state, pool[i])
        climbed(i + 1)
        if stop():
            return task.generate(rng, 0)
    found = [task.generate(rng, 0)]
    seen = set(known)
    size, enough, stalled = climbs, 0, 0
    questions, answers, rated = (np.empty(shape_, np.int64) for shape_ in ((BATCH, cells), (BATCH, cells), BATCH))
    while enough < count and not stop():
        state = np.array([rng.integers(1, 2**31 - 1)])
        size, written = look_around(pool, size, shape, ways, *copies, state, questions, answers, rated)
        keep = np.flatnonzero((rated[:written] >= rating[0]) & (rated[:written] <= rating[1]))
        batch = Puzzles(
            task.from_masks(questions[keep]),
            task.from_masks(answers[keep]),
            puzzle_ids=np.zeros(len(keep), np.int32),
            ratings=rated[keep].astype(np.int32),
        )
        batch = distinct(task, batch, without=seen)
        seen.update(map(int, task.fingerprint(batch.tokens)))
        found.append(batch)
        enough += len(batch)
        stalled = 0 if len(batch) else stalled + 1
        if stalled == 5:
            raise ValueError(
                f"found only {enough} puzzles rated {rating[0]} to {rating[1]} around {climbs} walks: ask for fewer than "
                f"{count}, for more walks or for other ratings"
            )
        progress(min(count, enough))
    return join(found)[:count]


@compiled
def _solutions(question: Masks, shape: Geometry, limit: int, state: Masks, solutions: Masks) -> int:
    """Writes up to `limit` solutions and returns their number; -1 when the search gave up."""
    units, peers, segments, line_rest, box_rest = shape
    found, _ = search(question, units, peers, segments, line_rest, box_rest, limit, 500, state, solutions)
    return found


@compiled
def _take_away(question: Masks, removed: int, full: int, state: Masks) -> None:
    """Takes random clues out of the puzzle, in place."""
    clues = np.flatnonzero(question != full)
    for i in range(min(removed, len(clues))):
        j = i + random_number(state) % (len(clues) - i)
        clues[i], clues[j] = clues[j], clues[i]
        question[clues[i]] = full


@compiled
def make_minimal(question: Masks, answer: Masks, full: int, shape: Geometry, state: Masks, one: Masks) -> None:
    """Drops clues in random order as long as the answer stays the only one, in place."""
    order = np.flatnonzero(question != full)
    for i in range(len(order) - 1, 0, -1):
        j = random_number(state) % (i + 1)
        order[i], order[j] = order[j], order[i]
    for cell in order:  # a clue can go if the cell can be nothing else without it
        question[cell] = full & ~answer[cell]
        question[cell] = full if _solutions(question, shape, 1, state, one) == 0 else answer[cell]


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
    full = (1 << shape.units.shape[1]) - 1
    new_question[:] = question
    _take_away(new_question, removed, full, state)
    solutions = np.zeros((2, len(question)), np.int64)
    if _solutions(new_question, shape, 1, state, solutions) != 1:  # any solution of what is left
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
    make_minimal(new_question, new_answer, full, shape, state, solutions)
    return True


@compiled
def close_neighbour(
    question: Masks, removed: int, shape: Geometry, state: Masks, new_question: Masks, new_answer: Masks, found: Masks
) -> bool:
    """Writes a neighbour with as few new clues as possible: they single out one solution without the removed clues.

    Puzzles found so are mostly as hard as the one they come from; those of `neighbour` mostly are not. False when there
    are more solutions than `found`, (most, cells), has room for, or no other.
    """
    full = (1 << shape.units.shape[1]) - 1
    new_question[:] = question
    _take_away(new_question, removed, full, state)
    number = _solutions(new_question, shape, len(found), state, found)
    if number < 2 or number == len(found):
        return False
    new_answer[:] = found[random_number(state) % number]
    alive = np.ones(number, np.bool_)
    left = number
    while left > 1:
        best, fewest = -1, left
        for _ in range(5):  # of five random cells the one whose symbol rules out the most
            cell = random_number(state) % len(question)
            same = 0
            for i in range(number):
                if alive[i] and found[i, cell] == new_answer[cell]:
                    same += 1
            if same < fewest:
                best, fewest = cell, same
        if best >= 0:
            new_question[best] = new_answer[best]
            for i in range(number):
                if found[i, best] != new_answer[best]:
                    alive[i] = False
            left = fewest
    make_minimal(new_question, new_answer, full, shape, state, found)
    return True


@compiled
def climb(
    start: Masks, rounds: int, shape: Geometry, ways: Layout, cells: Masks, symbols: Masks, state: Masks, end: Masks
) -> float:
    """Walks up in mean rating, `rounds` steps, and writes the puzzle in which the walk ends; its mean rating.

    Args:
        start: The puzzle as masks, (cells,).
        rounds: Neighbours to look at.
        shape, ways: The geometry, for searching and for rating.
        cells, symbols: Some symmetries, under which puzzles are rated.
        state: Random state, (1,).
        end: Receives the puzzle, (cells,).
    """
    question, answer = np.empty_like(start), np.empty_like(start)
    end[:] = start
    height = mean_rating(end, ways, cells, symbols)
    for _ in range(rounds):
        if not neighbour(end, 1 + random_number(state) % 2, shape, state, question, answer):
            continue
        found = mean_rating(question, ways, cells, symbols)
        if found >= height * (1 - SLACK * (random_number(state) % 1024) / 1024):
            end[:] = question
            height = found
    return height


@compiled
def look_around(
    pool: Masks,
    size: int,
    shape: Geometry,
    ways: Layout,
    cells: Masks,
    symbols: Masks,
    state: Masks,
    questions: Masks,
    answers: Masks,
    ratings: Masks,
) -> tuple[int, int]:
    """Writes neighbours of random puzzles of the pool, and adds to the pool those that are hard.

    Args:
        pool: Puzzles as masks; the first `size` are there, (most, cells).
        size: How many there are.
        shape, ways: The geometry, for searching and for rating.
        cells, symbols: Some symmetries, under which puzzles are rated.
        state: Random state, (1,).
        questions, answers: Receive the puzzles and their solutions, (N, cells); N is how many are looked at.
        ratings: Receives each puzzle's rating as it stands, (N,).

    Returns:
        The pool's new size, and how many puzzles were written.
    """
    found = np.empty((100, pool.shape[1]), np.int64)
    solution = np.empty(pool.shape[1], np.int64)
    written = 0
    for _ in range(len(questions)):
        question, answer = questions[written], answers[written]
        removed = 1 if random_number(state) % 4 else 2
        if not close_neighbour(pool[random_number(state) % size], removed, shape, state, question, answer, found):
            continue
        ratings[written] = guesses_before_solution(question, ways, MOST_RATING, solution)
        written += 1
        if size < len(pool) and mean_rating(question, ways, cells, symbols) >= HARD:
            pool[size] = question
            size += 1
    return size, written


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
def mean_rating(question: Masks, ways: Layout, cells: Masks, symbols: Masks) -> float:
    """The mean rating over some symmetric copies of a puzzle, so that the luck of one order of guesses does not count."""
    copy, solution = np.empty_like(question), np.empty_like(question)
    total = 0.0
    for i in range(len(cells)):
        permuted(question, cells[i], symbols[i], copy)
        total += guesses_before_solution(copy, ways, MOST, solution)
    return total / len(cells)
