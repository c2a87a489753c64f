"""Evaluation of a model on a set of puzzles: every puzzle is solved, and `figures.py` computes how well.

One pass of N steps gives two sets of figures (`Evaluation`): after all N steps, as the papers report, and with each
puzzle stopped when the model says so, as solving does. Evaluation with a search, or with puzzles that leave the pass
early, gives one set (`SearchEvaluation`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import overload

import numpy as np

from ponderling.config import Search
from ponderling.config.numbers import check_whole
from ponderling.solving.figures import Evaluation, SearchEvaluation
from ponderling.solving.loop import Moment, Slot, ThinkingLoop
from ponderling.solving.records import Answer
from ponderling.solving.scores import exact_match
from ponderling.solving.seen import overlap_with
from ponderling.solving.solver import Solver
from ponderling.solving.thinker import think
from ponderling.tasks.base import Puzzles, Question


@overload
def evaluate(
    solver: Solver,
    puzzles: Puzzles,
    *,
    steps: int | None = None,
    search: None = None,
    batch_size: int = 256,
    progress: Callable[[int], object] = ...,
) -> Evaluation: ...
@overload
def evaluate(
    solver: Solver,
    puzzles: Puzzles,
    *,
    steps: int | None = None,
    search: Search,
    batch_size: int = 256,
    progress: Callable[[int], object] = ...,
) -> SearchEvaluation: ...
def evaluate(
    solver: Solver,
    puzzles: Puzzles,
    *,
    steps: int | None = None,
    search: Search | None = None,
    batch_size: int = 256,
    progress: Callable[[int], object] = lambda done: None,
) -> Evaluation | SearchEvaluation:
    """Solves every puzzle with the solver and scores the answers; notes which of the puzzles it was trained on.

    Args:
        solver: The model and its task.
        puzzles: Questions with their right answers; `Solver.puzzles` makes them from grids.
        steps: Number of supervision steps; None: as many as in training.
        search: How much to spend on puzzles left open; each puzzle then stops as soon as it is done, even with
            `Search()`, which does not search. None: every puzzle takes all steps, which gives figures both ways.
        batch_size: Number of puzzles in one forward pass.
        progress: Called with the number of puzzles done so far.

    Raises:
        TypeError: when `puzzles` are arrays or something else.
        ValueError: when `puzzles` is empty, lacks an answer or is of another family, or when `steps` or `batch_size` is no
            whole number or below 1.
    """
    steps = solver.steps if steps is None else steps
    _refuse_others(solver, puzzles)
    check_whole(steps=steps, batch_size=batch_size)
    if steps < 1 or batch_size < 1:
        raise ValueError(f"steps and batch_size must be at least 1: got {steps} and {batch_size}")
    _refuse_unanswered(puzzles)
    if search is not None:
        found = _with_search(solver, puzzles, steps=steps, search=search, slots=batch_size, progress=progress)
    else:
        found = _at_all_steps(solver, puzzles, steps=steps, batch_size=batch_size, progress=progress)
    if solver.checkpoint is None:
        return found
    return replace(found, seen=overlap_with(solver.checkpoint, puzzles, task=solver.task))


def _refuse_others(solver: Solver, puzzles: Puzzles) -> None:
    """Refuses what is no set of puzzles, and puzzles that are not of the solver's family."""
    if not isinstance(puzzles, Puzzles):
        raise TypeError(
            f"puzzles must be ponderling.Puzzles, which solver.puzzles(inputs, outputs) makes: got {type(puzzles).__name__}"
        )
    if not len(puzzles):
        raise ValueError("no puzzles to evaluate on")
    (rows, columns), vocab_size = solver.task.grid_shape, solver.task.vocab_size
    cells, most = puzzles.tokens.shape[1], int(max(puzzles.tokens.max(), puzzles.labels.max()))
    if cells != rows * columns or most >= vocab_size:
        raise ValueError(
            f"puzzles of {solver.task.name} have {rows * columns} cells and tokens up to {vocab_size - 1}: got {cells} cells "
            f"and tokens up to {most}; make them with solver.puzzles(inputs, outputs)"
        )


def _with_search(
    solver: Solver,
    puzzles: Puzzles,
    *,
    steps: int,
    search: Search,
    slots: int,
    progress: Callable[[int], object],
) -> SearchEvaluation:
    start, task = time.perf_counter(), solver.task
    questions = (Question(tokens, int(i)) for tokens, i in zip(puzzles.tokens, puzzles.puzzle_ids, strict=True))
    answers: list[Answer] = []
    for answer in think(
        solver.model,
        questions,
        config=solver.config,
        search=search,
        task=task,
        steps=steps,
        slots=slots,
        device=solver.device,
    ):
        answers.append(answer)
        progress(len(answers))
    tokens = np.stack([answer.tokens for answer in answers])
    return SearchEvaluation(
        search=search,
        steps=steps,
        answers=tuple(answers),
        puzzles=puzzles,
        rating_edges=task.rating_edges,
        valid_answers=task.valid(puzzles.tokens, tokens) if task.has_rules else None,
        seconds=time.perf_counter() - start,
        end_mark=task.end_mark,
    )


def _at_all_steps(
    solver: Solver, puzzles: Puzzles, *, steps: int, batch_size: int, progress: Callable[[int], object]
) -> Evaluation:
    start, task = time.perf_counter(), solver.task
    record = _Record(puzzles, steps, T=solver.config.model.T)
    loop = ThinkingLoop(solver.model, solver.config, device=solver.device)
    for first in range(0, len(puzzles), batch_size):
        numbers = range(first, min(first + batch_size, len(puzzles)))
        slots = [
            Slot(owner=i, tokens=puzzles.tokens[i], puzzle_id=int(puzzles.puzzle_ids[i]), early_exit=False)
            for i in numbers
        ]
        loop.add(slots)
        for _ in range(steps):
            loop.step(watch=record.hear)
        loop.drop(slots)
        progress(numbers.stop)
    early = np.where(record.halted[:, None], record.early, record.full)
    return Evaluation(
        steps=steps,
        full=record.full,
        early=early,
        steps_taken=record.steps_taken,
        recursions_taken=record.recursions_taken,
        halted=record.halted,
        right_at=record.right_at,
        puzzles=puzzles,
        rating_edges=task.rating_edges,
        full_valid=task.valid(puzzles.tokens, record.full) if task.has_rules else None,
        early_valid=task.valid(puzzles.tokens, early) if task.has_rules else None,
        seconds=time.perf_counter() - start,
        end_mark=task.end_mark,
    )


class _Record:
    """Collects what the model says of every puzzle after every step; each slot's owner is its puzzle's number."""

    def __init__(self, puzzles: Puzzles, steps: int, *, T: int) -> None:
        N = len(puzzles)
        self.labels, self.T = puzzles.labels, T
        self.full, self.early = np.zeros_like(puzzles.tokens), np.zeros_like(puzzles.tokens)
        self.steps_taken = np.full(N, steps, np.int32)
        self.recursions_taken = self.steps_taken * T
        self.halted = np.zeros(N, bool)
        self.right_at = np.zeros((steps, N), bool)

    def hear(self, moment: Moment) -> None:
        """Records what the model says after a recursion, or after a whole step if it is asked once."""
        numbers = np.array([slot.owner for slot in moment.slots])
        step = moment.slots[0].steps
        self.full[numbers] = moment.tokens
        self.right_at[step - 1, numbers] = exact_match(moment.tokens, self.labels[numbers])
        ends = moment.halts & ~self.halted[numbers]
        ended = numbers[ends]
        self.early[ended], self.steps_taken[ended] = moment.tokens[ends], step
        whole = self.T if moment.is_whole_step else moment.recursion
        self.recursions_taken[ended] = (step - 1) * self.T + whole
        self.halted[ended] = True


def _refuse_unanswered(puzzles: Puzzles) -> None:
    """Scores need labels: without one, every answer would count as right."""
    unanswered = np.flatnonzero(~puzzles.labels.any(axis=1))
    if len(unanswered):
        raise ValueError(
            f"{len(unanswered)} of {len(puzzles)} puzzles have no answer to compare with, the first is number "
            f"{unanswered[0] + 1}: give the answers, or use `ponderling solve`"
        )
