"""Choosing among many answers to one question, and what the choice is worth: votes, pass@k and submissions, as ARC counts them.

As the official evaluator (evaluators/arc.py): the answer that most views give comes first; ties go to the higher mean
halting score. pass@k: the right answer is among the first k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.opened import read_json

Grid = NDArray[np.uint8]

PASS_KS = (1, 2, 5, 10, 100, 1000)
"""The values of k for which pass@k is reported, as in the official evaluator."""

ATTEMPTS = ("attempt_1", "attempt_2")
"""Keys of the answers that a submission gives for each test input."""


class Candidate(NamedTuple):
    """One answer with the votes for it."""

    grid: Grid
    votes: int
    score: float
    """Mean halting score of the views that gave this answer, from 0 to 1."""


class Votes:
    """A tally of answers to one question as they come in."""

    def __init__(self) -> None:
        self._found: dict[tuple[tuple[int, ...], bytes], tuple[Grid, int, float]] = {}

    def add(self, grid: Grid, score: float) -> None:
        """Counts one more answer, with its halting score."""
        key = (grid.shape, grid.tobytes())
        first, count, total = self._found.get(key, (grid, 0, 0.0))
        self._found[key] = (first, count + 1, total + score)

    def ranked(self) -> list[Candidate]:
        """The distinct answers, best first; ties go to the answer that came first."""
        candidates = [Candidate(grid, count, total / count) for grid, count, total in self._found.values()]
        return sorted(candidates, key=lambda c: (c.votes, c.score), reverse=True)


def rank_of(candidates: Sequence[Candidate], answer: Grid) -> int | None:
    """The place of the right answer among the candidates, from 1; None when it is not there."""
    for place, candidate in enumerate(candidates, 1):
        if np.array_equal(candidate.grid, answer):
            return place
    return None


def pass_at(ranks: Mapping[str, Sequence[int | None]], ks: Sequence[int] = PASS_KS) -> dict[str, dict[str, float]]:
    """Shares of right answers, `task` and `test`, each with a figure for every k, such as `pass@2`.

    task: the mean over tasks of the share of their test inputs, as the papers and Kaggle report; test: over all test inputs.

    Args:
        ranks: For each task, the place of the right answer to each of its test inputs; at least one.
        ks: The values of k.
    """
    right = {k: [[rank is not None and rank <= k for rank in of_task] for of_task in ranks.values()] for k in ks}
    return {
        "task": {f"pass@{k}": float(np.mean([np.mean(flags) for flags in right[k]])) for k in ks},
        "test": {f"pass@{k}": float(np.mean(np.concatenate(right[k]))) for k in ks},
    }


def attempts(candidates: Sequence[Candidate]) -> dict[str, list[list[int]]]:
    """The first two candidates as a submission gives them.

    The first fills in for a missing second, as in the official evaluator. A single black cell replaces an empty grid,
    which Kaggle refuses.
    """
    grids = [candidate.grid for candidate in candidates[: len(ATTEMPTS)]] or [np.zeros((0, 0), np.uint8)]
    grids += grids[:1] * (len(ATTEMPTS) - len(grids))
    return {name: grid.tolist() if grid.size else [[0]] for name, grid in zip(ATTEMPTS, grids, strict=True)}


def check_submission(submission: Any, num_tests: Mapping[str, int]) -> list[str]:
    """What is wrong with a submission, a sentence for each fault; empty when it can be sent.

    Args:
        submission: What the JSON file holds.
        num_tests: Number of test inputs of each task of the challenge file.
    """
    if not isinstance(submission, dict):
        return ["a submission is an object with a list of attempts for each task id"]
    faults = [f"task {name} is missing" for name in num_tests if name not in submission]
    faults += [f"task {name} is not in the challenge" for name in submission if name not in num_tests]
    for name in submission.keys() & num_tests.keys():
        given = submission[name]
        if not isinstance(given, list) or len(given) != num_tests[name]:
            got = len(given) if isinstance(given, list) else "no list"
            faults.append(f"task {name}: expected {num_tests[name]} test inputs, got {got}")
            continue
        for i, pair in enumerate(given, 1):
            wrong = [a for a in ATTEMPTS if not isinstance(pair, dict) or not _is_grid(pair.get(a))]
            faults += [f"task {name}, test {i}: {attempt} is no grid of colours 0 to 9" for attempt in wrong]
    return sorted(faults)


def _is_grid(value: Any) -> bool:
    if not isinstance(value, list) or not value or not all(isinstance(row, list) and row for row in value):
        return False
    return len({len(row) for row in value}) == 1 and all(type(c) is int and 0 <= c <= 9 for row in value for c in row)


def score_submission(submission: Mapping[str, Any], answers: Mapping[str, Sequence[Grid]]) -> dict[str, Any]:
    """Scores of a checked submission: pass@1 and pass@2 as in `pass_at`, and the numbers of tasks and test inputs."""
    ranks: dict[str, list[int | None]] = {}
    for name, of_task in answers.items():
        given = [[pair[attempt] for attempt in ATTEMPTS] for pair in submission[name]]
        ranks[name] = [
            rank_of([Candidate(np.array(grid, np.uint8), 1, 0.0) for grid in grids], answer)
            for grids, answer in zip(given, of_task, strict=True)
        ]
    return {"tasks": len(ranks), "tests": sum(map(len, ranks.values())), **pass_at(ranks, (1, 2))}


def read_submission(path: Path) -> Any:
    """The JSON of a submission.

    Raises:
        ValueError: when the file does not hold JSON.
        FileNotFoundError: when the file does not exist.
    """
    return read_json(path)
