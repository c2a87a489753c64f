"""ARC as it is scored: every view of a test input is solved, turned back, and voted on; pass@k, and Kaggle's submission.

As the official evaluator: each view takes all supervision steps, its canvas is cropped and turned back, and
`scoring.voting` ranks the grids by how many views gave them, then by their mean halting score.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from ponderling.checkpoint import Checkpoint
from ponderling.config import RunConfig
from ponderling.data import task_of
from ponderling.losses import has_float64
from ponderling.models.interface import RecursiveModel
from ponderling.solving.loop import Moment, Slot, ThinkingLoop
from ponderling.tasks import answers_by_vote
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.demonstrated import Demonstrated
from ponderling.tasks.arc.files import ArcTask, Grid
from ponderling.tasks.arc.identifiers import UNKNOWN
from ponderling.tasks.arc.voting import Candidate, Votes, attempts, pass_at, rank_of
from ponderling.tasks.base import Puzzles, Tokens


class TestInput(NamedTuple):
    """One test input of a task."""

    task: str
    place: int
    """From 0."""

    __test__ = False  # for pytest: the name says ARC's test, not ours


class Heard(NamedTuple):
    """What one view of a test input was answered."""

    row: int
    """The view, as a row of the puzzle embedding."""
    shown: Tokens
    """The test input under the view, (L,)."""
    grid: Grid
    """The answer, turned and coloured back."""
    score: float
    """Halting probability."""


@dataclass(frozen=True, kw_only=True)
class ArcEvaluation:
    """The ranked answers to every test input; the figures are computed from them."""

    tasks: Mapping[str, ArcTask]
    ranked: Mapping[TestInput, list[Candidate]]
    identity: Mapping[TestInput, Candidate]
    """The answer of view 0, alone."""
    views: int
    """Most views that were solved for one test input, the task as it is among them."""
    steps: int
    trained_on: tuple[str, ...]
    """Tasks whose test pairs the model was trained on."""
    seconds: float

    def ranks(self) -> dict[str, list[int | None]]:
        """For each task with known outputs the place of the right answer to each test input; None: no view gave it."""
        return {
            name: [
                rank_of(self.ranked[TestInput(name, i)], pair.output)
                for i, pair in enumerate(task.tests)
                if pair.output is not None
            ]
            for name, task in self.tasks.items()
            if task.is_scored
        }

    def to_json(self) -> dict[str, Any]:
        """All figures, from 0 to 1, as plain values.

        `task` and `test` hold pass@k as `scoring.voting.pass_at` does, None where no task has known outputs; `identity`
        the share of test inputs that view 0 alone gets right, `copy` the share whose output is the input. `unseen` holds
        pass@k of the tasks whose test pairs were not trained on, None where all are such.
        """
        ranks = self.ranks()
        scored = [self.tasks[name] for name in ranks]
        shares = pass_at(ranks) if ranks else {"task": None, "test": None}
        alone = {
            name: [
                rank_of([self.identity[TestInput(name, i)]], pair.output)
                for i, pair in enumerate(self.tasks[name].tests)
                if pair.output is not None
            ]
            for name in ranks
        }
        copied = [
            [1 if np.array_equal(pair.input, pair.output) else None for pair in task.tests if pair.output is not None]
            for task in scored
        ]
        unseen = {name: places for name, places in ranks.items() if name not in self.trained_on}
        baseline = pass_at({task.id: same for task, same in zip(scored, copied, strict=True)}, (1,)) if scored else None
        return {
            "tasks": len(self.tasks),
            "tests": len(self.ranked),
            "scored": len(ranks),
            "views": self.views,
            "steps": self.steps,
            **shares,
            "identity": pass_at(alone, (1,)) if ranks else None,
            "copy": baseline,
            "trained_on": len(self.trained_on),
            "unseen": {"tasks": len(unseen), **(pass_at(unseen) if unseen else {"task": None, "test": None})}
            if self.trained_on
            else None,
            "ranks": ranks,
            "seconds": round(self.seconds, 3),
        }

    def submission(self) -> dict[str, list[dict[str, list[list[int]]]]]:
        """Two attempts at every test input, in Kaggle's format."""
        return {
            name: [attempts(self.ranked[TestInput(name, i)]) for i in range(len(task.tests))]
            for name, task in self.tasks.items()
        }


def arc_of(checkpoint: Checkpoint) -> Arc:
    """The family of an ARC checkpoint, with the rows of the tasks that it knows.

    Raises:
        ValueError: when it is a checkpoint of another family.
    """
    name = checkpoint.config.data.family
    if not answers_by_vote(name):
        hint = ": import it again with --task arc30, or with --identifiers" if name == "unknown" else ""
        raise ValueError(f"{checkpoint.path}: its puzzle family is {name}, not ARC{hint}")
    task = task_of(checkpoint.config.data)
    try:
        task.restore(checkpoint.info, checkpoint.shape.num_puzzles)
    except ValueError as error:
        raise ValueError(f"{checkpoint.path}: {error}") from error
    return cast(Arc, task)


def known_tasks(family: Arc, tasks: Mapping[str, ArcTask]) -> dict[str, ArcTask]:
    """Selects the tasks that have rows in the puzzle embedding.

    Raises:
        ValueError: when a task has the id of a known one, but other demonstrations.
    """
    known = {name: task for name, task in tasks.items() if name in family.identifiers.tasks}
    others = [
        name for name, task in known.items() if family.identifiers.tasks[name].digest not in (task.digest, UNKNOWN)
    ]
    if others:
        raise ValueError(
            f"task {', '.join(others[:3])} of {known[others[0]].source} has other demonstrations than the task of that id that "
            "the checkpoint was trained on: give it another id and learn it with `ponderling adapt`"
        )
    return known


def evaluate_arc(
    model: RecursiveModel,
    family: Arc,
    *,
    tasks: Mapping[str, ArcTask],
    config: RunConfig,
    steps: int,
    views: int | None = None,
    early_exit: bool = False,
    blank_id: bool = False,
    batch_size: int = 256,
    device: torch.device | str = "cpu",
    progress: Callable[[int], object] = lambda done: None,
    heard: Callable[[Heard], object] = lambda of_view: None,
) -> ArcEvaluation:
    """Solves every test input of the tasks under their views and ranks the answers.

    Args:
        model: In evaluation mode, on the device.
        family: Canvas and rows; it must know every task.
        tasks: What to solve.
        config: The run's config.
        steps: Supervision steps; all are taken, as official, unless there is early exit.
        views: Views of each test input besides the task as it is; None: all that the model was trained on.
        early_exit: Take the answer of each view after the step at which the model says stop.
        blank_id: Ask with the blank puzzle id in place of the tasks' own.
        batch_size: Views at a time.
        device: Where the model is.
        progress: Called with the number of views done.
        heard: Called with the answer of each view.

    Raises:
        ValueError: when steps is below 1 or views negative.
    """
    if steps < 1 or (views is not None and views < 0):
        raise ValueError(f"steps must be at least 1 and views at least 0: got {steps} and {views}")
    start = time.perf_counter()
    votes: dict[TestInput, Votes] = {}
    identity: dict[TestInput, Candidate] = {}
    most, done = 0, 0
    loop = ThinkingLoop(model, config, device=device)
    demanded = _demonstrated(family, tasks) if config.solve.as_demonstrated else {}
    known = family.identifiers
    for names, puzzles in _batches(family, tasks, views=views, batch_size=batch_size):
        wanted = None
        if demanded:
            wanted = [
                demanded[name].under(int(known.symmetries[row]), known.colours[row])
                for name, row in zip(names, puzzles.puzzle_ids, strict=True)
            ]
        asked = replace(puzzles, puzzle_ids=family.blank_ids(puzzles.puzzle_ids)) if blank_id else puzzles
        answers, scores = _solve(
            loop, asked, steps=steps, early_exit=early_exit, canvas=family.grid_shape, wanted=wanted
        )
        rows = (int(row) for row in puzzles.puzzle_ids)
        for name, shown, answer, row, score in zip(names, puzzles.tokens, answers, rows, scores, strict=True):
            grid = family.undo(answer, row)
            heard(Heard(row, shown, grid, float(score)))
            identity.setdefault(name, Candidate(grid, 1, float(score)))  # view 0 comes first
            votes.setdefault(name, Votes()).add(grid, float(score))
        done += len(names)
        progress(done)
    for task in tasks:
        most = max(most, len(family.identifiers.rows(task, views)))
    return ArcEvaluation(
        tasks=tasks,
        ranked={name: found.ranked() for name, found in votes.items()},
        identity=identity,
        views=most,
        steps=steps,
        trained_on=tuple(name for name in tasks if family.identifiers.tasks[name].role == "train"),
        seconds=time.perf_counter() - start,
    )


def joined(parts: Sequence[ArcEvaluation]) -> ArcEvaluation:
    """Joins the evaluations of different tasks into one."""
    first = parts[0]
    return ArcEvaluation(
        tasks={name: task for part in parts for name, task in part.tasks.items()},
        ranked={name: ranked for part in parts for name, ranked in part.ranked.items()},
        identity={name: candidate for part in parts for name, candidate in part.identity.items()},
        views=max(part.views for part in parts),
        steps=first.steps,
        trained_on=tuple(name for part in parts for name in part.trained_on),
        seconds=sum(part.seconds for part in parts),
    )


def count_views(family: Arc, tasks: Mapping[str, ArcTask], *, views: int | None) -> int:
    """Forward passes that `evaluate_arc` makes, one for each view of each test input."""
    return sum(len(task.tests) * len(family.identifiers.rows(name, views)) for name, task in tasks.items())


def _batches(
    family: Arc, tasks: Mapping[str, ArcTask], *, views: int | None, batch_size: int
) -> Iterator[tuple[list[TestInput], Puzzles]]:
    """Yields batches of test inputs and their views; the views of one input follow each other, from view 0 on."""
    base = family.questions((task, pair) for task in tasks.values() for pair in task.tests)
    names = [TestInput(name, i) for name, task in tasks.items() for i in range(len(task.tests))]
    rows = [family.identifiers.rows(name.task, views) for name in names]
    which = np.repeat(np.arange(len(names)), [len(of_test) for of_test in rows])
    all_rows = np.concatenate(rows)
    for first in range(0, len(which), batch_size):
        part = which[first : first + batch_size]
        shown = family.as_views(base[part], all_rows[first : first + batch_size])
        yield [names[i] for i in part], shown


def _demonstrated(family: Arc, tasks: Mapping[str, ArcTask]) -> dict[TestInput, Demonstrated]:
    """What the demonstrations say of the answer to each test input."""
    return {
        TestInput(name, i): Demonstrated.of(task.demos, pair.input, canvas=family.grid_shape)
        for name, task in tasks.items()
        for i, pair in enumerate(task.tests)
    }


def _solve(
    loop: ThinkingLoop,
    puzzles: Puzzles,
    *,
    steps: int,
    early_exit: bool,
    canvas: tuple[int, int],
    wanted: Sequence[Demonstrated] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Answers (N, L), and the halting scores (N,), in float64 and of `q` alone, as official; after all steps, or early exit.

    Answers are like what is `wanted` of each, where that is given.
    """
    slots = [
        Slot(owner=i, tokens=tokens, puzzle_id=int(puzzle_id), early_exit=early_exit)
        for i, (tokens, puzzle_id) in enumerate(zip(puzzles.tokens, puzzles.puzzle_ids, strict=True))
    ]
    loop.add(slots)
    answers, scores = np.empty_like(puzzles.tokens), np.empty(len(slots))

    def keep(moment: Moment) -> None:
        owners = [slot.owner for slot in moment.slots]
        q = moment.output.q
        q = q if has_float64(q.device) else q.cpu()
        scores[owners] = q.double().sigmoid().cpu().numpy()
        if wanted is None:
            answers[owners] = moment.tokens
            return
        logits = moment.output.logits.float().cpu().numpy()
        answers[owners] = [wanted[i].answer(of_cells, canvas) for i, of_cells in zip(owners, logits, strict=True)]

    for step in range(1, steps + 1):
        said = loop.step(watch=keep if early_exit or step == steps else None)
        if early_exit:
            loop.drop([slot for slot, what in said if what.halts])
        if not len(loop):
            break
    loop.drop(list(loop.slots))
    return answers, scores
