"""Finding Sudokus that one level of trial and error does not solve; among random puzzles there are next to none.

Two stages. `evolve` keeps a pool of puzzles and replaces its weakest by neighbours that withstand trials better, until some
withstand them to the end. `gather` goes through the surroundings of those: the more it has, the more it finds. Rating by
guesses (`hunt_hard.py`) leads to none of them: of a hundred puzzles hunted for a rating of 25 and more, trials solve each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ponderling.tasks.base import Puzzles, join
from ponderling.tasks.numba import Masks, compiled, count_bits
from ponderling.tasks.sudoku.geometry import Geometry
from ponderling.tasks.sudoku.hunt_hard import close_neighbour, make_minimal, neighbour
from ponderling.tasks.sudoku.search import propagate, random_number
from ponderling.tasks.sudoku.symmetries import distinct
from ponderling.tasks.sudoku.trials import left_after_trials

if TYPE_CHECKING:
    from ponderling.tasks.sudoku.base import SudokuTask

SWEEPS = 3
"""Rounds of trials that endurance counts."""

MOST_LEFT = 190
"""More candidates than any 9x9 puzzle leaves after singles and locked candidates: the most that a sweep is worth."""

STRUCK = 4
"""What a struck candidate costs, in candidates left. With 1, evolution ends at puzzles with many candidates, which all fall."""

ENDURES = 330
"""Endurance from which it is worth trying whether trials ever end; the published hardest have 450 to 580."""

ISLAND = 96
"""Puzzles that evolve among themselves; families mix only within an island."""

ROUNDS = 2000
"""Neighbours between two looks at what was found."""


class Found(NamedTuple):
    """Puzzles and their solutions as masks."""

    questions: Masks
    """(N, cells)."""
    answers: Masks
    """(N, cells)."""


def hunt_deep(
    task: SudokuTask,
    rng: np.random.Generator,
    *,
    count: int,
    start: Puzzles,
    islands: int = 4,
    known: Iterable[int] = (),
    progress: Callable[[int], object] = lambda done: None,
    evolved: Callable[[int], object] = lambda best: None,
    stop: Callable[[], bool] = lambda: False,
) -> Puzzles:
    """Minimal puzzles that one level of trial and error does not solve, no two equivalent.

    Args:
        task: A Sudoku family of 9x9.
        rng: The only source of randomness.
        count: Number of puzzles.
        start: Puzzles that evolution starts from, hard ones best; where some withstand trials already, only these, and they are
            not returned.
        islands: Pools that evolve apart.
        known: Fingerprints of puzzles that are not wanted.
        progress: Called with the number found so far.
        evolved: Called with the highest endurance so far, while nothing is found.
        stop: Called after every round; when True, what was found until then is returned.

    Raises:
        ValueError: when there are fewer puzzles to start from than islands; for other families than 9x9.
    """
    check_family(task)
    if count < 1 or not 1 <= islands <= len(start):
        raise ValueError(
            f"expected at least one puzzle to find, and no more islands than puzzles to start from: got {count}, {islands} "
            f"islands and {len(start)} puzzles"
        )
    shape, seen = task.geometry, set(known)
    questions = np.stack([task.masks_of(tokens) for tokens in start.tokens])
    answers = np.stack([task.masks_of(labels) for labels in start.labels])
    withstands = np.array([left_after_trials(question, shape) > 0 for question in questions])
    found = Found(questions[withstands], answers[withstands])
    state = np.array([rng.integers(1, 2**31 - 1)])
    looked_at = len(found.questions)
    if not looked_at:
        found = _first_found(Found(questions, answers), islands, shape=shape, state=state, evolved=evolved, stop=stop)
    made = task.generate(rng, 0)
    while len(made) < count and not stop():
        if len(found.questions) == looked_at:
            found = gather(found, ROUNDS, shape=shape, state=state)
        new = distinct(
            task, _puzzles(task, Found(found.questions[looked_at:], found.answers[looked_at:])), without=seen
        )
        looked_at = len(found.questions)
        seen.update(task.fingerprint(new.tokens).tolist())
        made = join([made, new])
        progress(min(count, len(made)))
    return made[:count]


def check_family(task: SudokuTask) -> None:
    """Raises ValueError for other families than 9x9."""
    if task.side != 9 or not task.is_rated_by_tdoku:
        raise ValueError(
            f"puzzles that withstand trials are hunted among 9x9 Sudokus of rows, columns and boxes: not {task.name}"
        )


def _first_found(
    start: Found,
    islands: int,
    *,
    shape: Geometry,
    state: Masks,
    evolved: Callable[[int], object],
    stop: Callable[[], bool],
) -> Found:
    """Evolves until some puzzle withstands trials to the end, or until stopped."""
    scores = np.array([endurance(question, shape, -1) for question in start.questions])
    order = np.argsort(-scores, kind="stable")[: islands * ISLAND]
    pools = [
        (start.questions[order[i::islands]].copy(), start.answers[order[i::islands]].copy(), scores[order[i::islands]])
        for i in range(islands)
    ]
    while True:
        for questions, answers, scores in pools:
            evolve(questions, answers, scores, ROUNDS, shape, state)
        evolved(max(int(scores.max()) for _, _, scores in pools))
        found = [
            (question, answer)
            for questions, answers, scores in pools
            for question, answer, score in zip(questions, answers, scores, strict=True)
            if score >= ENDURES and left_after_trials(question, shape) > 0
        ]
        if found:
            return Found(*(np.stack(masks) for masks in zip(*found, strict=True)))
        if stop():
            return Found(start.questions[:0], start.answers[:0])


def _puzzles(task: SudokuTask, found: Found) -> Puzzles:
    tokens = task.from_masks(found.questions)
    ratings = np.array([task.rate(row) for row in tokens], np.int32)
    return Puzzles(
        tokens,
        task.from_masks(found.answers),
        puzzle_ids=np.zeros(len(tokens), np.int32),
        ratings=ratings,
        sources=("ponderling",) * len(tokens),
    )


@compiled
def endurance(question: Masks, shape: Geometry, least: int) -> int:
    """How well a puzzle withstands trials: candidates that the first sweeps leave, less what they strike. 0: singles solve it.

    A sweep tries each candidate with those of before the sweep in place; struck ones go after it.

    Args:
        question: Candidates of each cell, (cells,).
        shape: The geometry.
        least: Stops when the outcome must be below this, and returns something below it.
    """
    units, peers, segments, line_rest, box_rest = shape
    cand, done = question.copy(), np.zeros(len(question), np.int64)
    trial, trial_done, struck = np.empty_like(cand), np.empty_like(cand), np.empty_like(cand)
    total = 0
    for sweep in range(SWEEPS):
        if not propagate(cand, done, units, peers, segments, line_rest, box_rest):
            return -1
        later = (SWEEPS - 1 - sweep) * MOST_LEFT  # the most that is still to come
        worth = 0
        for mask in cand:
            worth += count_bits(mask) - 1
        struck[:] = 0
        # Cells with few candidates are struck most, and so end a hopeless trial soon.
        for size in range(2, units.shape[1] + 1):
            for cell in range(len(cand)):
                mask = cand[cell]
                if count_bits(mask) != size:
                    continue
                while mask:
                    bit = mask & -mask
                    mask &= mask - 1
                    trial[:] = cand
                    trial_done[:] = done
                    trial[cell] = bit
                    if not propagate(trial, trial_done, units, peers, segments, line_rest, box_rest):
                        worth -= STRUCK
                        struck[cell] |= bit
                        if total + worth + later < least:
                            return total + worth + later
        if worth <= 0:
            return total
        total += worth
        cand &= ~struck
    return total


@compiled
def regrow(question: Masks, answer: Masks, added: int, shape: Geometry, state: Masks, new_question: Masks) -> None:
    """Writes another minimal puzzle of the same solution: clues are added, and what is then superfluous is dropped."""
    new_question[:] = question
    for _ in range(added):
        cell = random_number(state) % len(question)
        new_question[cell] = answer[cell]
    make_minimal(
        new_question, answer, (1 << shape.units.shape[1]) - 1, shape, state, np.empty((2, len(question)), np.int64)
    )


@compiled
def vary(
    question: Masks, answer: Masks, shape: Geometry, state: Masks, new_question: Masks, new_answer: Masks, others: Masks
) -> bool:
    """Writes a neighbour of one of three kinds; False when a search had to give up. `others` is room for solutions."""
    kind = random_number(state) % 4
    if kind == 0:
        return neighbour(question, 1 + random_number(state) % 2, shape, state, new_question, new_answer)
    if kind == 1:
        removed = 1 + random_number(state) % 3
        return close_neighbour(question, removed, shape, state, new_question, new_answer, others)
    regrow(question, answer, 1 + random_number(state) % 4, shape, state, new_question)
    new_answer[:] = answer
    return True


@compiled
def evolve(pool: Masks, answers: Masks, scores: Masks, rounds: int, shape: Geometry, state: Masks) -> None:
    """Replaces the weakest of the pool, in place, by neighbours of the strong that endure more: `rounds` neighbours.

    Args:
        pool: Puzzles as masks, (N, cells).
        answers: Their solutions, (N, cells).
        scores: Their endurance, (N,).
        rounds: Neighbours to look at.
        shape: The geometry.
        state: Random state, (1,).
    """
    question, answer = np.empty_like(pool[0]), np.empty_like(pool[0])
    others = np.empty((100, pool.shape[1]), np.int64)
    for _ in range(rounds):
        parent = random_number(state) % len(pool)
        for _ in range(2):
            rival = random_number(state) % len(pool)
            if scores[rival] > scores[parent]:
                parent = rival
        if not vary(pool[parent], answers[parent], shape, state, question, answer, others):
            continue
        weakest = np.argmin(scores)
        score = endurance(question, shape, scores[weakest] + 1)
        if score <= scores[weakest] or holds(pool, len(pool), question):
            continue
        # As often the parent as the weakest makes room: else one family soon fills the pool.
        place = parent if score >= scores[parent] and random_number(state) % 2 else weakest
        pool[place] = question
        answers[place] = answer
        scores[place] = score


@compiled
def holds(pool: Masks, size: int, question: Masks) -> bool:
    """Whether the puzzle is among the first `size` of the pool."""
    for i in range(size):  # noqa: SIM110 - numba has no any() of a generator
        if (pool[i] == question).all():
            return True
    return False


def gather(found: Found, rounds: int, *, shape: Geometry, state: Masks) -> Found:
    """The puzzles found, and those of `rounds` neighbours of theirs that withstand trials too."""
    size, cells = found.questions.shape
    questions, answers = (np.concatenate([masks, np.empty((rounds, cells), np.int64)]) for masks in found)
    size = _gather(questions, answers, size, rounds, shape, state)
    return Found(questions[:size], answers[:size])


@compiled
def _gather(questions: Masks, answers: Masks, size: int, rounds: int, shape: Geometry, state: Masks) -> int:
    others = np.empty((100, questions.shape[1]), np.int64)
    for _ in range(rounds):
        parent = random_number(state) % size
        question, answer = questions[size], answers[size]
        if (
            vary(questions[parent], answers[parent], shape, state, question, answer, others)
            and endurance(question, shape, ENDURES) >= ENDURES
            and left_after_trials(question, shape) > 0
            and not holds(questions, size, question)
        ):
            size += 1
    return size
