"""Drawing mazes of many kinds with their answers: walls by `walls.py`, then G, then S by its distance from G.

`draw_mazes` fills arrays with thousands of mazes a second where numba is installed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import Tokens
from ponderling.tasks.maze.cells import FREE, GOAL, PATH, START, WALL
from ponderling.tasks.maze.paths import leads, nearer, spread, way
from ponderling.tasks.maze.walls import (
    CAVE_ROUNDS,
    LEAST_CAVE,
    MOST_CAVE,
    MOST_LOOPS,
    MOST_WIDTH,
    NARROW,
    below,
    breach,
    carve,
    fold,
    hollow,
    scatter,
    wind,
)
from ponderling.tasks.numba import compiled

Bools = NDArray[np.bool_]
Cells = NDArray[np.int32]

KINDS = ("hard", "field", "empty", "perfect", "loops", "cave", "corridor", "spiral")
"""Kinds of walls; the numbers below are their places."""
HARD, FIELD, EMPTY, PERFECT, LOOPS, CAVE, CORRIDOR, SPIRAL = range(8)

MIXED = (0.5, 0.13, 0.02, 0.1, 0.1, 0.08, 0.035, 0.035)
"""Shares of the kinds in a mixed set."""

ENDS = ("far", "any", "beside")
"""Where S is: far from G, anywhere, or in a cell next to it; the numbers below are their places."""
FAR, ANY, BESIDE = range(3)

MIXED_ENDS = (0.55, 0.4, 0.05)
"""Shares of the distances in a mixed set."""

FIELD_WALLS = (0.0, 0.35)
"""Lowest and highest share of walls in a field."""

FAR_SHARE, NEARLY_FARTHEST = 0.7, 0.8
"""Far is a start with at least this share of the greatest distance from G; the second for Maze-Hard's kind, where its own
distance did not come up."""

HINTS = (6, 2, 2, 2, 2)
"""Number of values of each hint of a cell: where its path goes on; and for each direction, whether G is nearer there."""

HINT_GOAL, HINT_NO_WAY = 5, 6
"""Values of the first hint for G, and for a cell without a way to it; 1 to 4 are the directions down, left, right and up."""

HINT_NOT_NEARER, HINT_NEARER = 1, 2
"""Values of the other hints, of cells that have a way."""

TRIES, ROUNDS = 60, 100
"""Random mazes tried for one kind and distance, and number of times that these are drawn anew, before giving up."""


class Plan(NamedTuple):
    """What mazes are drawn by."""

    columns: int
    """Columns of the grid."""
    kinds: NDArray[np.float64]
    """Share of each of KINDS, (8,)."""
    ends: NDArray[np.float64]
    """Share of each of ENDS, (3,)."""
    walls: NDArray[np.int64]
    """Lowest and highest number of walls, (2, 2): of the kind hard, and of the kind field."""
    min_moves: int
    """Fewest moves from S to G of every maze; 0: as ENDS say."""
    hard_moves: int
    """Fewest moves from S far from G in mazes of the kind hard."""
    most_starts: int
    """Most cells S; where it is above 1, half of the mazes have 2 or more of them."""
    unsolvable: float
    """Share of mazes without a way from S to G."""


@compiled
def draw_mazes(rng: np.random.Generator, plan: Plan, questions: Tokens, answers: Tokens, lengths: Cells) -> int:
    """Fills `questions` and `answers` (N, L) with mazes, `lengths` (N,) with the cells of their paths; returns their number.

    A length counts S and G; 0 is for mazes without a way. Of several S the farthest counts. Fewer than N mazes are made
    where one could not be found.
    """
    L = questions.shape[1]
    is_free, room = np.empty(L, np.bool_), np.empty(L, np.bool_)
    moves, queue = np.empty(L, np.int32), np.empty(L, np.int32)
    for i in range(len(questions)):
        length = -1
        for _ in range(ROUNDS):
            kind, ends = _pick(rng, plan.kinds), _pick(rng, plan.ends)
            has_way = plan.unsolvable == 0 or rng.random() >= plan.unsolvable
            for attempt in range(TRIES):
                _build(rng, plan, kind, is_free, room, queue, moves)
                if has_way:
                    is_last = attempt == TRIES - 1
                    length = _place(rng, plan, kind, ends, is_last, is_free, moves, queue, questions[i], answers[i])
                else:
                    length = _separate(rng, plan, kind, is_free, moves, queue, questions[i], answers[i])
                if length >= 0:
                    break
            if length >= 0:
                break
        if length < 0:
            return i
        lengths[i] = length
    return len(questions)


@compiled
def _pick(rng: np.random.Generator, shares: NDArray[np.float64]) -> int:
    """A place in `shares`, drawn with these probabilities."""
    rest = rng.random()
    for i in range(len(shares)):
        rest -= shares[i]
        if rest < 0 and shares[i] > 0:
            return i
    return int(np.argmax(shares))  # the shares added up to a little less than 1


@compiled
def _build(
    rng: np.random.Generator, plan: Plan, kind: int, is_free: Bools, room: Bools, queue: Cells, stack: Cells
) -> None:
    """Fills `is_free` (L,) with walls of a kind, turned and mirrored at random; the other arrays are room to work in."""
    columns = plan.columns
    rows = len(is_free) // columns
    if kind in (HARD, FIELD):
        which = 0 if kind == HARD else 1
        scatter(rng, is_free, plan.walls[which, 0], plan.walls[which, 1], queue)
        return
    is_turned = rng.random() < 0.5
    if is_turned:
        rows, columns = columns, rows
    if kind == EMPTY:
        room[:] = True
    elif kind in (PERFECT, LOOPS):
        branching = 0.0 if rng.random() < 0.5 else rng.random()
        carve(rng, room, columns, branching, stack)
        if kind == LOOPS:
            breach(rng, room, rng.random() * MOST_LOOPS)
    elif kind == CAVE:
        share = LEAST_CAVE + (MOST_CAVE - LEAST_CAVE) * rng.random()
        hollow(rng, room, columns, share, 1 + below(rng, CAVE_ROUNDS), is_free)
    elif kind == CORRIDOR:
        width = 1 if rng.random() < NARROW else 2 + below(rng, MOST_WIDTH - 1)
        fold(rng, room, columns, width)
    else:
        wind(room, columns)
    upside_down, mirrored = rng.random() < 0.5, rng.random() < 0.5
    for cell in range(len(room)):
        row, column = cell // columns, cell % columns
        if upside_down:
            row = rows - 1 - row
        if mirrored:
            column = columns - 1 - column
        is_free[column * rows + row if is_turned else row * columns + column] = room[cell]


@compiled
def _free_cell(rng: np.random.Generator, is_free: Bools) -> int:
    """One of the free cells, each as likely; -1 where fewer than two are free."""
    free = np.flatnonzero(is_free)
    return int(free[below(rng, len(free))]) if len(free) > 1 else -1


@compiled
def _place(
    rng: np.random.Generator,
    plan: Plan,
    kind: int,
    ends: int,
    is_last: bool,
    is_free: Bools,
    moves: Cells,
    queue: Cells,
    question: Tokens,
    answer: Tokens,
) -> int:
    """Places G and S and marks the path; returns its cells, or -1 where S cannot be as far or as near as asked for."""
    columns = plan.columns
    goal = _free_cell(rng, is_free)
    if goal < 0:
        return -1
    reached = spread(is_free, columns, goal, moves, queue)
    if ends == FAR and kind != HARD and rng.random() < 0.5:  # G at an end, so that the longest ways of all come up
        goal = queue[reached - 1]
        reached = spread(is_free, columns, goal, moves, queue)
    farthest = moves[queue[reached - 1]]
    if ends == FAR and kind != HARD and not is_last and 4 * farthest < columns + len(is_free) // columns:
        return -1  # in a pocket of a cave nothing is far
    fewest, most = 1, farthest
    if plan.min_moves > 0:
        fewest = plan.min_moves
    elif ends == BESIDE:
        most = 1
    elif ends == FAR and kind == HARD:
        fewest = min(plan.hard_moves, int(NEARLY_FARTHEST * farthest)) if is_last else plan.hard_moves
    elif ends == FAR:
        fewest = int(FAR_SHARE * farthest)
    fewest = max(fewest, 1)
    if farthest < fewest:
        return -1
    first = last = 0  # in the queue, which goes by distance
    for i in range(reached):
        first += int(moves[queue[i]] < fewest)
        last += int(moves[queue[i]] <= most)
    starts = 1
    if plan.most_starts > 1 and rng.random() < 0.5:
        starts = 2 + below(rng, plan.most_starts - 1)
    _fill(is_free, goal, question)
    length = 0
    for _ in range(starts):  # a cell that is drawn twice is one S
        start = queue[first + below(rng, last - first)]
        question[start] = START
        length = max(length, int(moves[start]) + 1)
    answer[:] = question
    mark_ways(moves, columns, answer)
    return length


@compiled
def _separate(
    rng: np.random.Generator,
    plan: Plan,
    kind: int,
    is_free: Bools,
    moves: Cells,
    queue: Cells,
    question: Tokens,
    answer: Tokens,
) -> int:
    """Places G, and S where no way leads to G; returns 0, or -1 where that cannot be.

    Half of the time, and where all free cells are connected, S is drawn as if there were a way, and then cells of the
    shortest path become walls, one at random after the other, until no way is left. The kind hard is not changed so.
    """
    columns = plan.columns
    goal = _free_cell(rng, is_free)
    if goal < 0 or kind == EMPTY:
        return -1
    reached = spread(is_free, columns, goal, moves, queue)
    cut_off = np.flatnonzero(is_free & (moves < 0))
    if kind == HARD or (len(cut_off) > 0 and rng.random() < 0.5):
        if len(cut_off) == 0:
            return -1
        start = cut_off[below(rng, len(cut_off))]
    else:
        first = 0
        for i in range(reached):
            first += int(moves[queue[i]] < 2)
        if first == reached:
            return -1
        start = queue[first + below(rng, reached - first)]
        while moves[start] > 0:
            cell = start
            for _ in range(1 + below(rng, int(moves[start]) - 1)):
                cell = nearer(moves, columns, cell)
            is_free[cell] = False
            spread(is_free, columns, goal, moves, queue)
    _fill(is_free, goal, question)
    question[start] = START
    answer[:] = question
    return 0


@compiled
def _fill(is_free: Bools, goal: int, question: Tokens) -> None:
    """Walls, free cells and G as tokens (L,)."""
    for cell in range(len(is_free)):
        question[cell] = FREE if is_free[cell] else WALL
    question[goal] = GOAL


@compiled
def mark_ways(moves: Cells, columns: int, answer: Tokens) -> None:
    """Marks, in the tokens of a maze (L,), the path from every S that has a way; `moves` is what `paths.spread` gave."""
    for start in range(len(answer)):
        if answer[start] == START and moves[start] > 0:
            cell = nearer(moves, columns, start)
            while moves[cell] > 0:
                if answer[cell] == FREE:
                    answer[cell] = PATH
                cell = nearer(moves, columns, cell)


@compiled
def hint_mazes(questions: Tokens, columns: int, hints: Tokens, moves: Cells, rounds: Cells) -> None:
    """Fills the hints of mazes (N, L, K): where a free cell's ways to G go on, and how far G is; see `family.Maze.hints`.

    Args:
        questions: The mazes, (N, L).
        columns: Columns of the grid.
        hints: Overwritten: 1 + the direction of the next cell, as `paths.beside` counts, HINT_GOAL or HINT_NO_WAY; then for
            each direction HINT_NEARER or HINT_NOT_NEARER, 0 for cells without a way; (N, L, K).
        moves: Overwritten: fewest moves from each cell to G, 0 where there is no way; (N, L).
        rounds: Overwritten: twice the moves of the farthest S, for the wave from G and the way back; (N,).
    """
    L = questions.shape[1]
    queue = np.empty(L, np.int32)
    for i in range(len(questions)):
        goal = int(np.argmax(questions[i] == GOAL))
        spread(questions[i] != WALL, columns, goal, moves[i], queue)
        farthest = 0
        for cell in range(L):
            hints[i, cell] = 0
            if questions[i, cell] == WALL:
                continue
            if moves[i, cell] < 0:
                hints[i, cell, 0] = HINT_NO_WAY
                continue
            hints[i, cell, 0] = HINT_GOAL if cell == goal else 1 + way(moves[i], columns, cell)
            for direction in range(4):
                is_nearer = leads(moves[i], columns, cell, direction)
                hints[i, cell, 1 + direction] = HINT_NEARER if is_nearer else HINT_NOT_NEARER
            if questions[i, cell] == START:
                farthest = max(farthest, int(moves[i, cell]))
        rounds[i] = 2 * farthest
        for cell in range(L):
            moves[i, cell] = max(moves[i, cell], 0)


@compiled
def answer_mazes(questions: Tokens, columns: int, answers: Tokens) -> None:
    """Fills `answers` (N, L) with the questions (N, L) and a path from every S that has a way to G, by the rule of `nearer`."""
    L = questions.shape[1]
    moves, queue = np.empty(L, np.int32), np.empty(L, np.int32)
    for i in range(len(questions)):
        answers[i] = questions[i]
        goal = int(np.argmax(questions[i] == GOAL))
        spread(questions[i] != WALL, columns, goal, moves, queue)
        mark_ways(moves, columns, answers[i])
