"""How good a model is: exact match, rules kept, steps taken and the halting head's judgement, over a set of puzzles.

One pass of N steps gives two sets of numbers: after all N steps for everyone, as the papers report, and with each puzzle
stopped when the halting head says so, as `solve` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ponderling.config import RunConfig
from ponderling.halting import recursions_of, stops
from ponderling.solving.scores import RATING_EDGES, cell_accuracy, exact_match, rating_buckets, share
from ponderling.solving.search import Budget, Found, search
from ponderling.supervision import RecursiveModel
from ponderling.tasks.base import Puzzles, Question, Task, Tokens, join


@dataclass(frozen=True)
class Evaluation:
    """The raw outcome for N puzzles at some number of steps; the figures are computed from it."""

    steps: int
    """Supervision steps of the full-depth numbers; the most, with early exit."""
    full: Tokens
    """Answers after all steps, (N, L)."""
    early: Tokens
    """Answers when the halting head first said stop, or else after all steps, (N, L)."""
    steps_taken: NDArray[np.int32]
    """Steps until then, (N,)."""
    recursions_taken: NDArray[np.int32]
    """Recursions until then, (N,): T in each step, fewer in the last with `halt_within_step`."""
    halted: NDArray[np.bool_]
    """The halting head said stop at some step, (N,)."""
    right_at: NDArray[np.bool_]
    """Exact match after each step, (steps, N)."""
    puzzles: Puzzles
    rating_edges: tuple[int, ...]
    """Where the tables by rating cut."""
    full_valid: NDArray[np.bool_] | None
    """Rules kept after all steps, (N,); None where the task has no rules to judge by."""
    early_valid: NDArray[np.bool_] | None
    """Rules kept with early exit, (N,); None likewise."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """All figures, from 0 to 1, as plain values.

        exact, valid (None without rules) and cells are after all `steps`; `early_exit` holds the same with early exit.
        `mean_steps` is the mean number of steps with early exit. Halting precision: of the puzzles it stopped, the share
        that was right then; recall: of the puzzles that were right after any step, the share it stopped while right.
        """
        full_exact = exact_match(self.full, self.puzzles.labels)
        early_exact = exact_match(self.early, self.puzzles.labels)
        ever_right = self.right_at.any(axis=0)
        return {
            "puzzles": len(self.puzzles),
            "steps": self.steps,
            "exact": share(full_exact),
            "valid": _share(self.full_valid),
            "cells": cell_accuracy(self.full, self.puzzles.labels),
            "mean_steps": share(self.steps_taken),
            "early_exit": {
                "exact": share(early_exact),
                "valid": _share(self.early_valid),
                "cells": cell_accuracy(self.early, self.puzzles.labels),
                "mean_steps": share(self.steps_taken),
                "mean_recursions": share(self.recursions_taken),
            },
            "halting": {
                "halted": share(self.halted),
                "precision": share(early_exact[self.halted]),
                "recall": share((early_exact & self.halted)[ever_right]),
            },
            "exact_by_step": [share(right) for right in self.right_at],
            "by_rating": self._by_rating(full_exact, early_exact),
            "search": None,
            "verified": False,
            "seconds": round(self.seconds, 3),
        }

    def _by_rating(self, full_exact: NDArray[Any], early_exact: NDArray[Any]) -> list[dict[str, Any]]:
        return [
            {
                "rating": name,
                "puzzles": int(members.sum()),
                "exact": share(full_exact[members]),
                "valid": _share(self.full_valid, members),
                "early_exact": share(early_exact[members]),
                "mean_steps": share(self.steps_taken[members]),
            }
            for name, members in _buckets(self.puzzles, self.rating_edges)
        ]


def evaluate(
    model: RecursiveModel,
    task: Task,
    puzzles: Puzzles,
    config: RunConfig,
    steps: int | None = None,
    batch_size: int = 256,
    device: torch.device | str = "cpu",
    progress: Callable[[int], object] = lambda done: None,
) -> Evaluation:
    """Solves every puzzle with all `steps` and scores the answers.

    Args:
        model: In evaluation mode, on the device.
        task: Whose rules judge the answers.
        puzzles: Questions and answers.
        config: The run's config.
        steps: Supervision steps; None: as many as in training.
        batch_size: Puzzles at a time.
        device: Where the model is.
        progress: Called with the number of puzzles done.

    Raises:
        ValueError: when there is no puzzle, one has no answer, or steps is below 1.
    """
    steps = config.train.N_sup if steps is None else steps
    if not len(puzzles):
        raise ValueError("no puzzles to evaluate on")
    if steps < 1:
        raise ValueError(f"steps must be at least 1: got {steps}")
    _refuse_unanswered(puzzles)
    start = time.perf_counter()
    parts = []
    for first in range(0, len(puzzles), batch_size):
        parts.append(_evaluate_batch(model, puzzles[first : first + batch_size], config, steps, device))
        progress(min(first + batch_size, len(puzzles)))
    full, early, steps_taken, recursions_taken, halted = (np.concatenate([part[i] for part in parts]) for i in range(5))
    return Evaluation(
        steps=steps,
        full=full,
        early=early,
        steps_taken=steps_taken,
        recursions_taken=recursions_taken,
        halted=halted,
        right_at=np.concatenate([part[5] for part in parts], axis=1),
        puzzles=puzzles,
        rating_edges=edges_of(task),
        full_valid=task.valid(puzzles.tokens, full) if task.has_rules else None,
        early_valid=task.valid(puzzles.tokens, early) if task.has_rules else None,
        seconds=time.perf_counter() - start,
    )


def joined(parts: Sequence[Evaluation]) -> Evaluation:
    """Evaluations of parts of a set, in their order, as one of the whole; its seconds are those of the slowest."""
    first = parts[0]

    def of(name: str, axis: int = 0) -> Any:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values, axis=axis)

    names = ("full", "early", "steps_taken", "recursions_taken", "halted", "full_valid", "early_valid")
    return replace(
        first,
        **{name: of(name) for name in names},
        right_at=of("right_at", axis=1),
        puzzles=join([part.puzzles for part in parts]),
        seconds=max(part.seconds for part in parts),
    )


@dataclass(frozen=True)
class SearchEvaluation:
    """What a search found for N puzzles; the figures are computed from it."""

    budget: Budget
    found: tuple[Found, ...]
    puzzles: Puzzles
    rating_edges: tuple[int, ...]
    """Where the tables by rating cut."""
    valid: NDArray[np.bool_] | None
    """Rules kept, (N,); None where the task has no rules to judge by."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """All figures, from 0 to 1, as plain values: keys as in `Evaluation.to_json` where they mean the same.

        `mean_steps` counts the supervision steps of all attempts at a puzzle; `exact_within` is the share that was right after
        at most so many of them; `first` holds the figures of plain thinking,
        with early exit, before any search.
        """
        labels = self.puzzles.labels
        answers = np.stack([found.tokens for found in self.found])
        exact = exact_match(answers, labels)
        first = exact_match(np.stack([found.first for found in self.found]), labels)
        passes = np.array([found.passes for found in self.found])
        accepted = np.array([found.accepted for found in self.found])
        return {
            "puzzles": len(self.puzzles),
            "steps": self.budget.steps,
            "exact": share(exact),
            "valid": _share(self.valid),
            "cells": cell_accuracy(answers, labels),
            "mean_steps": share(passes),
            "first": {"exact": share(first)},
            "accepted": {"share": share(accepted), "precision": share(exact[accepted])},
            "exact_within": {
                str(steps): share(exact & (passes <= steps)) for steps in _powers_of_four(int(passes.max()))
            },
            "passes": {f"p{q}": float(np.percentile(passes, q)) for q in (50, 90, 99, 100)},
            "attempts": share(np.array([found.attempts for found in self.found])),
            "guesses": share(np.array([found.guesses for found in self.found])),
            "by_rating": [
                {
                    "rating": name,
                    "puzzles": int(members.sum()),
                    "exact": share(exact[members]),
                    "valid": _share(self.valid, members),
                    "first_exact": share(first[members]),
                    "mean_steps": share(passes[members]),
                }
                for name, members in (
                    rating_buckets(self.puzzles.ratings, self.rating_edges) if self.puzzles.ratings is not None else []
                )
            ],
            "search": asdict(self.budget),
            "verified": self.budget.verify,
            "seconds": round(self.seconds, 3),
            "seconds_per_puzzle": round(self.seconds / len(self.puzzles), 4),
        }


def edges_of(task: Task) -> tuple[int, ...]:
    """The lowest rating of each row of a table by rating: the task's own, where its scale is not that of Sudokus."""
    return getattr(task, "rating_edges", RATING_EDGES)


def _buckets(puzzles: Puzzles, edges: tuple[int, ...]) -> list[tuple[str, NDArray[np.bool_]]]:
    return [] if puzzles.ratings is None else rating_buckets(puzzles.ratings, edges)


def _refuse_unanswered(puzzles: Puzzles) -> None:
    """Scores need labels: without one, every answer would count as right."""
    unanswered = np.flatnonzero(~puzzles.labels.any(axis=1))
    if len(unanswered):
        raise ValueError(
            f"{len(unanswered)} of {len(puzzles)} puzzles have no answer to compare with, the first is number "
            f"{unanswered[0] + 1}: give the answers, or use `ponderling solve`"
        )


def _share(valid: NDArray[np.bool_] | None, members: NDArray[np.bool_] | slice = slice(None)) -> float | None:
    return None if valid is None else share(valid[members])


def _powers_of_four(most: int) -> list[int]:
    """1, 4, 16, ... up to the first that is not smaller than `most`."""
    powers = [1]
    while powers[-1] < most:
        powers.append(4 * powers[-1])
    return powers


def evaluate_search(
    model: RecursiveModel,
    task: Task,
    puzzles: Puzzles,
    config: RunConfig,
    budget: Budget,
    slots: int = 128,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Callable[[int], object] = lambda done: None,
) -> SearchEvaluation:
    """Searches for every puzzle's answer and scores the answers; see `search.search` for the arguments.

    Raises:
        ValueError: when there is no puzzle, or one has no answer.
    """
    if not len(puzzles):
        raise ValueError("no puzzles to evaluate on")
    _refuse_unanswered(puzzles)
    start = time.perf_counter()
    questions = (Question(tokens, int(i)) for tokens, i in zip(puzzles.tokens, puzzles.puzzle_ids, strict=True))
    found: list[Found] = []
    for outcome in search(model, task, questions, config, budget, slots, seed, device):
        found.append(outcome)
        progress(len(found))
    answers = np.stack([outcome.tokens for outcome in found])
    valid = task.valid(puzzles.tokens, answers) if task.has_rules else None
    return SearchEvaluation(budget, tuple(found), puzzles, edges_of(task), valid, time.perf_counter() - start)


@torch.inference_mode()
def _evaluate_batch(
    model: RecursiveModel, puzzles: Puzzles, config: RunConfig, steps: int, device: torch.device | str
) -> tuple[NDArray[Any], ...]:
    tokens = torch.from_numpy(puzzles.tokens.astype(np.int64)).to(device)
    ids = torch.from_numpy(puzzles.puzzle_ids.astype(np.int64)).to(device)
    state = model.initial_state(len(puzzles))
    early = np.zeros_like(puzzles.tokens)
    steps_taken = np.full(len(puzzles), steps, np.int32)
    recursions_taken = steps_taken * config.model.T
    halted = np.zeros(len(puzzles), bool)
    right_at = np.zeros((steps, len(puzzles)), bool)
    answers = early
    single, count = recursions_of(model, config)
    for recursion in range(steps * count):
        step = recursion // count
        state, output = single(state, tokens, ids)
        answers = output.logits.argmax(-1).to(torch.uint8).cpu().numpy()
        right_at[step] = exact_match(answers, puzzles.labels)
        ends = stops(output, config).cpu().numpy() & ~halted
        early[ends], steps_taken[ends] = answers[ends], step + 1
        recursions_taken[ends] = (recursion + 1) * (config.model.T // count)
        halted |= ends
    early[~halted] = answers[~halted]
    return answers, early, steps_taken, recursions_taken, halted, right_at
