"""The figures of an evaluation: exact match, valid answers, steps taken, how well the model halts, and scores by rating.

`Evaluation` and `SearchEvaluation` hold the answers to N puzzles, and their properties compute the figures. `evaluate.py` makes
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.config import Search
from ponderling.solving.records import Answer
from ponderling.solving.scores import cell_accuracy, exact_match, rating_buckets, share
from ponderling.solving.seen import Overlap
from ponderling.tasks.base import Puzzles, Tokens, join

Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of one answer to each puzzle, from 0 to 1."""

    exact: float
    """Share of puzzles whose answer is right in every cell."""
    valid: float | None
    """Share of answers that the rules accept; None if the task has no rules."""
    cells: float
    """Share of right cells among all cells that count."""
    mean_steps: float
    """Mean number of supervision steps."""
    mean_recursions: float | None = None
    """Mean number of recursions; None if they were not counted."""


@dataclass(frozen=True, kw_only=True)
class HaltingScores:
    """How well the model knows that it is done, as shares from 0 to 1; None if no puzzle counts for a share."""

    halted: float
    """Share of puzzles that the model stopped at some step."""
    precision: float | None
    """Share of the stopped puzzles whose answer was right when they stopped."""
    recall: float | None
    """Share of the puzzles that were right after any step that the model stopped with the right answer."""


@dataclass(frozen=True, kw_only=True)
class RatingRow:
    """Scores of the puzzles in one range of ratings."""

    rating: str
    """The range, such as 1-3 or 51+."""
    puzzles: int
    exact: float
    valid: float | None
    plain_exact: float
    """Exact match of plain thinking with early exit."""
    mean_steps: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """The raw outcome of evaluating N puzzles, from which its properties compute the figures."""

    steps: int
    """Number of supervision steps at full depth, and the maximum with early exit."""
    full: Tokens
    """Answers after all steps, (N, L)."""
    early: Tokens
    """Answers when the model first said stop, or after all steps if it never did, (N, L)."""
    steps_taken: NDArray[np.int32]
    """Number of steps until the early-exit answer, (N,)."""
    recursions_taken: NDArray[np.int32]
    """Number of recursions until the early-exit answer, (N,): T per step, fewer in the last with `halt_within_step`."""
    halted: Bools
    """Whether the model said stop at some step, (N,)."""
    right_at: Bools
    """Exact match after each step, (steps, N)."""
    puzzles: Puzzles
    """The puzzles: questions and their right answers."""
    rating_edges: tuple[int, ...]
    """Lowest rating of each row of the table by rating."""
    full_valid: Bools | None
    """Whether the rules accept the answer after all steps, (N,); None if the task has no rules."""
    early_valid: Bools | None
    """Whether the rules accept the answer with early exit, (N,); None if the task has no rules."""
    seconds: float
    """Duration of the evaluation, in seconds."""
    end_mark: int | None = None
    """The token that says where a grid ends, which is no cell; None if the task has none."""
    seen: Overlap | None = None
    """The puzzles that the model was trained on; None if that is not known."""

    @cached_property
    def _full_exact(self) -> Bools:
        return exact_match(self.full, self.puzzles.labels)

    @cached_property
    def _early_exact(self) -> Bools:
        return exact_match(self.early, self.puzzles.labels)

    @property
    def exact(self) -> float:
        """Share of puzzles that are right in every cell after all steps, from 0 to 1: the headline figure."""
        return _mean(self._full_exact)

    @property
    def valid(self) -> float | None:
        """Share of answers after all steps that the rules accept; None if the task has no rules."""
        return _share(self.full_valid)

    @property
    def cells(self) -> float:
        """Share of right cells after all steps. Nearly right puzzles score high too, so read `exact` first."""
        return cell_accuracy(self.full, self.puzzles.labels, end_mark=self.end_mark)

    @property
    def early_exit(self) -> Scores:
        """Scores with each puzzle stopped when the model says so, as solving does."""
        return Scores(
            exact=_mean(self._early_exact),
            valid=_share(self.early_valid),
            cells=cell_accuracy(self.early, self.puzzles.labels, end_mark=self.end_mark),
            mean_steps=_mean(self.steps_taken),
            mean_recursions=_mean(self.recursions_taken),
        )

    @property
    def halting(self) -> HaltingScores:
        """How well the model knows that it is done."""
        ever_right = self.right_at.any(axis=0)
        return HaltingScores(
            halted=_mean(self.halted),
            precision=share(self._early_exact[self.halted]),
            recall=share((self._early_exact & self.halted)[ever_right]),
        )

    @property
    def exact_by_step(self) -> list[float]:
        """Exact match after each supervision step."""
        return [_mean(right) for right in self.right_at]

    @property
    def by_rating(self) -> list[RatingRow]:
        """Scores by difficulty; empty if the puzzles have no ratings."""
        return _by_rating(
            self.puzzles,
            self.rating_edges,
            exact=self._full_exact,
            plain_exact=self._early_exact,
            valid=self.full_valid,
            steps=self.steps_taken,
        )

    def to_json(self) -> dict[str, Any]:
        """All figures, from 0 to 1, as plain JSON values; the keys are the names of the properties."""
        early = asdict(self.early_exit)
        return {
            "puzzles": len(self.puzzles),
            **_familiar(self.seen, exact=self._full_exact, plain=self._early_exact, name="early_exact"),
            "steps": self.steps,
            "exact": self.exact,
            "valid": self.valid,
            "cells": self.cells,
            "mean_steps": early["mean_steps"],
            "early_exit": early,
            "halting": asdict(self.halting),
            "exact_by_step": self.exact_by_step,
            "by_rating": [_row(row, "early_exact") for row in self.by_rating],
            "search": None,
            "verified": False,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchEvaluation:
    """The answers to N puzzles, each stopped when it was done, from which the properties compute the figures."""

    search: Search
    """The search that was allowed; `Search()` means none."""
    steps: int
    """Maximum number of supervision steps without search."""
    answers: tuple[Answer, ...]
    """The answer to each puzzle."""
    puzzles: Puzzles
    """The puzzles: questions and their right answers."""
    rating_edges: tuple[int, ...]
    """Lowest rating of each row of the table by rating."""
    valid_answers: Bools | None
    """Whether the rules accept the answer, (N,); None if the task has no rules."""
    seconds: float
    """Duration of the evaluation, in seconds."""
    end_mark: int | None = None
    """The token that says where a grid ends, which is no cell; None if the task has none."""
    seen: Overlap | None = None
    """The puzzles that the model was trained on; None if that is not known."""

    @cached_property
    def _exact(self) -> Bools:
        return exact_match(np.stack([answer.tokens for answer in self.answers]), self.puzzles.labels)

    @cached_property
    def _plain_exact(self) -> Bools:
        return exact_match(np.stack([answer.first for answer in self.answers]), self.puzzles.labels)

    @cached_property
    def passes(self) -> NDArray[np.int64]:
        """Number of supervision steps spent on each puzzle in all its attempts, (N,)."""
        return np.array([answer.passes for answer in self.answers])

    @cached_property
    def accepted(self) -> Bools:
        """Whether the halting head, or with `verify` the rules, accepted the answer, (N,)."""
        return np.array([answer.accepted for answer in self.answers])

    @property
    def exact(self) -> float:
        """Share of puzzles that are right in every cell, from 0 to 1: the headline figure."""
        return _mean(self._exact)

    @property
    def plain_exact(self) -> float:
        """Exact match of plain thinking with early exit, before any search."""
        return _mean(self._plain_exact)

    @property
    def valid(self) -> float | None:
        """Share of answers that the rules accept; None if the task has no rules."""
        return _share(self.valid_answers)

    @property
    def cells(self) -> float:
        """Share of right cells. Nearly right puzzles score high too, so read `exact` first."""
        tokens = np.stack([answer.tokens for answer in self.answers])
        return cell_accuracy(tokens, self.puzzles.labels, end_mark=self.end_mark)

    @property
    def mean_steps(self) -> float:
        """Mean number of supervision steps spent on a puzzle, in all its attempts."""
        return _mean(self.passes)

    @property
    def precision(self) -> float | None:
        """Share of right answers among the accepted ones."""
        return share(self._exact[self.accepted])

    @property
    def exact_within(self) -> dict[int, float]:
        """Share of puzzles that were right after at most 1, 4, 16, ... supervision steps of all attempts."""
        return {steps: _mean(self._exact & (self.passes <= steps)) for steps in _powers_of_four(int(self.passes.max()))}

    @property
    def by_rating(self) -> list[RatingRow]:
        """Scores by difficulty; empty if the puzzles have no ratings."""
        return _by_rating(
            self.puzzles,
            self.rating_edges,
            exact=self._exact,
            plain_exact=self._plain_exact,
            valid=self.valid_answers,
            steps=self.passes,
        )

    def to_json(self) -> dict[str, Any]:
        """All figures, from 0 to 1, as plain JSON values; keys match `Evaluation.to_json` where the meaning does."""
        return {
            "puzzles": len(self.puzzles),
            **_familiar(self.seen, exact=self._exact, plain=self._plain_exact, name="first_exact"),
            "steps": self.steps,
            "exact": self.exact,
            "valid": self.valid,
            "cells": self.cells,
            "mean_steps": self.mean_steps,
            "first": {"exact": self.plain_exact},
            "accepted": {"share": _mean(self.accepted), "precision": self.precision},
            "exact_within": {str(steps): value for steps, value in self.exact_within.items()},
            "passes": {f"p{q}": float(np.percentile(self.passes, q)) for q in (50, 90, 99, 100)},
            "attempts": _mean(np.array([answer.attempts for answer in self.answers])),
            "guesses": _mean(np.array([answer.guesses for answer in self.answers])),
            "by_rating": [_row(row, "first_exact") for row in self.by_rating],
            "search": {"steps": self.steps, **asdict(self.search)},
            "verified": self.search.verify,
            "seconds": round(self.seconds, 3),
            "seconds_per_puzzle": round(self.seconds / len(self.puzzles), 4),
        }


def joined(parts: Sequence[Evaluation]) -> Evaluation:
    """Joins the evaluations of a set's parts, in order, into one; its duration is that of the slowest part."""
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
        seen=None,
        seconds=max(part.seconds for part in parts),
    )


def _familiar(seen: Overlap | None, *, exact: Bools, plain: Bools, name: str) -> dict[str, Any]:
    """How many puzzles the model was trained on, and the exact match of the others, as plain values.

    `trained_on` is None where it is not known; `trained_on_at_least` says that there may be more, such as those of the
    sets `not_compared`. `unseen` is None where none of the puzzles was trained on. `name` is the key of plain thinking's
    exact match.
    """
    missing = [] if seen is None else list(seen.not_here)
    if seen is None or not (seen.is_all or seen.rows.any()):
        return {"trained_on": None, "trained_on_at_least": False, "not_compared": missing, "unseen": None}
    new, unseen = ~seen.rows, None
    if seen.rows.any():
        unseen = {"puzzles": int(new.sum()), "exact": share(exact[new]), name: share(plain[new])}
    return {
        "trained_on": int(seen.rows.sum()),
        "trained_on_at_least": not seen.is_all,
        "not_compared": missing,
        "unseen": unseen,
    }


def _by_rating(
    puzzles: Puzzles,
    edges: tuple[int, ...],
    *,
    exact: Bools,
    plain_exact: Bools,
    valid: Bools | None,
    steps: NDArray[np.integer],
) -> list[RatingRow]:
    """Scores of the puzzles in each range of ratings, of arrays (N,); none if the puzzles have no ratings."""
    if puzzles.ratings is None:
        return []
    return [
        RatingRow(
            rating=name,
            puzzles=int(members.sum()),
            exact=_mean(exact[members]),
            valid=_share(valid, members),
            plain_exact=_mean(plain_exact[members]),
            mean_steps=_mean(steps[members]),
        )
        for name, members in rating_buckets(puzzles.ratings, edges)
    ]


def _row(row: RatingRow, plain: str) -> dict[str, Any]:
    """A row of the table as plain values; `plain` is the key of plain thinking's exact match."""
    return {
        "rating": row.rating,
        "puzzles": row.puzzles,
        "exact": row.exact,
        "valid": row.valid,
        plain: row.plain_exact,
        "mean_steps": row.mean_steps,
    }


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values))


def _share(valid: Bools | None, members: Bools | slice = slice(None)) -> float | None:
    return None if valid is None else share(valid[members])


def _powers_of_four(most: int) -> list[int]:
    """1, 4, 16, ... up to the first that is not smaller than `most`."""
    powers = [1]
    while powers[-1] < most:
        powers.append(4 * powers[-1])
    return powers
