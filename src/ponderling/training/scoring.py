"""Evaluations during a run: shared out among its processes, and of all families' puzzles together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ponderling.solving.evaluate import evaluate
from ponderling.solving.families import over_families
from ponderling.solving.figures import Evaluation, joined
from ponderling.solving.solver import Solver
from ponderling.tasks.base import Puzzles
from ponderling.training.distributed import World
from ponderling.training.lanes import Lane


class Stopped(Exception):
    """An evaluation was broken off; raised by its `progress`."""


def score(
    lane: Lane, puzzles: Puzzles, *, world: World, progress: Callable[[int], object] = lambda done: None
) -> Evaluation:
    """Evaluates the averaged weights on puzzles of a lane's family; `progress` gets the number this process has done.

    Raises:
        Stopped: in every process, when the `progress` of one raised it.
    """
    solver = Solver(lane.evaluated_model.eval(), lane.task, config=lane.config, device=lane.device)
    try:
        if world.size == 1:
            return evaluate(solver, puzzles, progress=progress)
        return _score_together(solver, puzzles, world=world, progress=progress)
    finally:
        lane.model.train()


def _score_together(solver: Solver, puzzles: Puzzles, *, world: World, progress: Callable[[int], object]) -> Evaluation:
    """Evaluates one part in each process; a process told to stop says so only when all are done, so none waits."""
    own = puzzles[world.share(len(puzzles))]
    part, stopped = None, False
    if len(own):
        try:
            part = evaluate(solver, own, progress=progress)
        except Stopped:
            stopped = True
    if world.any(stopped):
        raise Stopped
    return joined([part for part in world.collect(part) if part is not None])


def figures_of(evaluations: dict[str, Evaluation]) -> dict[str, Any]:
    """The figures of an evaluation of one family, or of all families' puzzles together with those of each."""
    if len(evaluations) == 1:
        (only,) = evaluations.values()
        return only.to_json()
    return over_families(evaluations)
