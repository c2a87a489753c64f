"""ARC behind the server: tasks, their test inputs as questions, and the votes of several views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from ponderling.solving.records import Answer
from ponderling.solving.vote import Heard, evaluate_arc
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.files import ArcTask, Pair
from ponderling.tasks.arc.voting import Votes
from ponderling.tasks.base import PuzzleError, Puzzles, Question
from ponderling.web.arc_tasks import SYMMETRIES, text_of
from ponderling.web.http.schemas import ArcEntry, ArcPair, ArcTaskResponse, VotedGrid, Voter, VoteResponse

if TYPE_CHECKING:
    from ponderling.web.http.served import Served


def entries(served: Served) -> list[ArcEntry]:
    """Name, role and number of test inputs of each task."""
    known = _family(served).identifiers.tasks
    return [
        ArcEntry(name=name, role=known[name].role, tests=len(task.tests)) for name, task in served.arc_tasks.items()
    ]


def whole_task(served: Served, name: str) -> ArcTaskResponse:
    """All grids of a task."""
    task = served.arc_tasks[name]
    return ArcTaskResponse(
        model=served.model, task=served.task.name, name=name, role=_family(served).identifiers.tasks[name].role,
        demos=[_pair(pair) for pair in task.demos], tests=[_pair(pair) for pair in task.tests],
    )  # fmt: skip


def question(served: Served, text: str) -> Question:
    """The test input that is meant by a task's id and a number from 1, such as `007bbfb7/1`, as the task shows it.

    Raises:
        PuzzleError: when the model knows no such test input.
    """
    task, pair = _find(served, text)
    puzzles = _base(served, task, pair=pair)
    return Question(puzzles.tokens[0], int(puzzles.puzzle_ids[0]))


def views(served: Served, text: str, *, count: int) -> Puzzles:
    """That test input as it is and under at most `count` further views.

    Raises:
        PuzzleError: when the model knows no such test input.
    """
    family = _family(served)
    task, pair = _find(served, text)
    rows = family.identifiers.rows(task.id, count)
    return family.as_views(_base(served, task, pair=pair)[[0] * len(rows)], rows)


def heard(served: Served, shown: Puzzles, *, found: Sequence[Answer]) -> list[Heard]:
    """What the views of a test input were answered, from the answers to each."""
    family = _family(served)
    return [
        Heard(int(row), tokens, family.undo(of_view.tokens, int(row)), of_view.halt_probability)
        for tokens, row, of_view in zip(shown.tokens, shown.puzzle_ids, found, strict=True)
    ]


def heard_at_once(served: Served, text: str, *, count: int, steps: int) -> list[Heard]:
    """What the views of a test input are answered where answers are like the demonstrations, as `ponderling solve` does it.

    Raises:
        PuzzleError: when the model knows no such test input.
    """
    solver, answers = served.lane.solver, list[Heard]()
    task, pair = _find(served, text)
    evaluate_arc(
        solver.model,
        _family(served),
        tasks={task.id: replace(task, tests=(pair,))},
        config=solver.config,
        steps=steps,
        views=count,
        early_exit=True,
        device=solver.device,
        heard=answers.append,
    )
    return answers


def tally(served: Served, text: str, *, answers: Sequence[Heard], steps: int) -> VoteResponse:
    """The votes.

    Args:
        served: The model.
        text: The test input, as `question` reads it.
        answers: What its views were answered.
        steps: That were taken.
    """
    family, votes, voters = _family(served), Votes(), []
    for row, tokens, grid, score in answers:
        votes.add(grid, score)
        voters.append(
            Voter(
                symmetry=SYMMETRIES[int(family.identifiers.symmetries[row])],
                recoloured=bool((family.identifiers.colours[row] != np.arange(10)).any()),
                shown=family.format(tokens), grid=text_of(grid), score=round(score, 4),
            )
        )  # fmt: skip
    right = _find(served, text)[1].output
    grids = [
        VotedGrid(
            grid=text_of(grid), votes=count, score=round(score, 4),
            right=None if right is None else np.array_equal(grid, right),
        )
        for grid, count, score in votes.ranked()
    ]  # fmt: skip
    return VoteResponse(model=served.model, task=served.task.name, puzzle=text, steps=steps, grids=grids, views=voters)


def _family(served: Served) -> Arc:
    return cast(Arc, served.task)  # callers look at `Served.is_arc`


def _find(served: Served, text: str) -> tuple[ArcTask, Pair]:
    name, _, number = text.rpartition("/")
    task = served.arc_tasks.get(name)
    if task is None:
        example = next(iter(served.arc_tasks), None)
        known = "; it knows none yet: see /v1/arc/learn" if example is None else f", such as {example}/1"
        raise PuzzleError(
            f"expected a task that the model knows and which of its test inputs{known}: got {text[:80]!r}"
        )
    if not number.isascii() or not number.isdigit() or not 1 <= int(number[:9]) <= len(task.tests):
        raise PuzzleError(f"task {name} has test inputs 1 to {len(task.tests)}: got {number[:80]!r}")
    return task, task.tests[int(number[:9]) - 1]


def _base(served: Served, task: ArcTask, *, pair: Pair) -> Puzzles:
    return _family(served).questions([(task, pair)])


def _pair(pair: Pair) -> ArcPair:
    return ArcPair(input=text_of(pair.input), output=None if pair.output is None else text_of(pair.output))
