"""What the engine works on: jobs with what they tell, lanes, and passes; see `engine.py`."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ponderling.config import Search
from ponderling.halting import times_asked
from ponderling.models.interface import takes_depth
from ponderling.solving.loop import Said, Slot, ThinkingLoop
from ponderling.solving.records import Answer, TraceStep
from ponderling.solving.solver import Solver
from ponderling.solving.thinker import InMemory, Thinker
from ponderling.tasks.base import Question

PATIENCE = 64
"""Events of one job that may wait for their reader; then the job pauses, so that a slow reader costs no memory."""

PROBED = 4
"""Rows of the pass that `Lane.probe` times beside one of a single row."""


@dataclass(frozen=True)
class Stepped:
    """A supervision step of one attempt, or a recursion within one."""

    attempt: int
    step: TraceStep


@dataclass(frozen=True)
class Answered:
    """The outcome for the job's puzzle of this number, from 0; they come in order."""

    number: int
    answer: Answer


@dataclass(frozen=True)
class Ended:
    """The job's last event; `problem` is empty when all puzzles are answered."""

    problem: str = ""
    kind: str = ""
    """The kind of the problem: cancelled, late, displaced, rules (the family's own code raised) or failed; empty for none."""


Event = Stepped | Answered | Ended


class Job:
    """The work of one request.

    Args:
        lane: The model and task.
        questions: Its puzzles.
        search: What may be spent on each beyond plain thinking.
        steps: Most supervision steps of plain thinking.
        emit: Called with each event, on the worker thread; must not block.
        seconds: Time it may take, waiting included.
        early_exit: Whether an attempt ends where the model says stop.
        watched: Tell every step, too.
        changes: Tell with every step how much the hidden state of each cell changed.
        states: Tell the hidden states with every step.
        client: Whose it is, as in `client_of`.
    """

    def __init__(
        self,
        lane: Lane,
        questions: Sequence[Question],
        *,
        search: Search,
        steps: int,
        emit: Callable[[Event], object],
        seconds: float,
        early_exit: bool = True,
        watched: bool = False,
        changes: bool = False,
        states: bool = False,
        client: str = "",
    ):
        self.client = client
        self.turns = 0
        """Recursions that it has thought for."""
        self.running = False
        """Whether some of its attempts are in a pass."""
        self.lane, self.emit_, self.emitted, self.taken = lane, emit, 0, 0
        self.cancelled, self.displaced, self.watched = False, False, watched
        self.deadline = time.monotonic() + seconds
        self.left = len(questions)
        self.number = 0
        attempts = 1 + search.restarts + (search.views or 0)
        self.slots = max(1, min(lane.share, len(questions) * attempts))
        """Most attempts at once."""
        self.firsts = max(1, min(lane.share, len(questions)))
        """Most first attempts at once."""
        solver = lane.solver
        self.times_asked = times_asked(solver.model, solver.config)
        """Recursions of a step after which the model is asked."""
        self.recursions = solver.config.model.T if takes_depth(solver.model) else 1
        """Recursions of a step, between which the worker may turn to other jobs."""
        self.patience = PATIENCE * self.times_asked
        self.questions = InMemory(questions)
        self.thinker = Thinker(
            lane.loop, search, task=solver.task, steps=steps, slots=self.slots, early_exit=early_exit,
            observe=self._stepped if watched else None, changes=changes, states=states,
        )  # fmt: skip

    def emit(self, event: Event) -> None:
        """Tells an event; one that nobody can hear any more ends the job."""
        self.emitted += 1
        try:
            self.emit_(event)
        except RuntimeError:  # the event loop is closed
            self.cancelled = True

    @property
    def paused(self) -> bool:
        """Its reader has not taken the events so far; `taken` is the reader's count."""
        return self.emitted - self.taken > self.patience

    def _stepped(self, attempt: int, step: TraceStep) -> None:
        self.emit(Stepped(attempt, step))


@dataclass(eq=False, kw_only=True)
class Pass:
    """A supervision step of some attempts of a lane, which may be interrupted between recursions."""

    lane: Lane
    slots: list[Slot]
    jobs: list[Job]
    recursions: Generator[list[tuple[Slot, Said]], None, list[tuple[Slot, Said]]]


class Lane:
    """One model on one puzzle family with the jobs that are in work there."""

    def __init__(self, solver: Solver, slots: int):
        self.solver, self.slots = solver, slots
        self.loop = ThinkingLoop(solver.model, solver.config, device=solver.device)
        self.share = max(1, slots // 4)
        """Most slots of one job, so that no request keeps all others out."""
        self.active: list[Job] = []
        self.passes: list[Pass] = []
        """Passes that are interrupted."""
        self.row_seconds = (0.0, 0.0)
        """What a forward pass takes: for its first row, and for each further one. Zero: unknown."""
        self.is_dropped = False
        """Whether the lane leaves the engine as soon as it has no job."""

    def probe(self) -> None:
        """Times forward passes of the lane's model."""
        solver = self.solver
        rows, columns = solver.task.grid_shape

        def seconds(count: int) -> float:
            tokens = np.ones(rows * columns, np.uint8)
            loop = ThinkingLoop(solver.model, solver.config, device=solver.device)
            loop.add([Slot(owner=i, tokens=tokens, early_exit=False) for i in range(count)])
            began = time.perf_counter()
            loop.step()
            return time.perf_counter() - began

        with torch.inference_mode():
            seconds(1)  # the first takes longer
            single, several = (min(seconds(count) for _ in range(3)) for count in (1, PROBED))
        self.row_seconds = single, max(0.0, several - single) / (PROBED - 1)

    @property
    def used(self) -> int:
        """Slots of attempts in work."""
        return len(self.loop)

    def pass_seconds(self, rows: int) -> float:
        """Estimated seconds of one step for this number of rows; rows beyond the slots lengthen the pass."""
        first, further = self.row_seconds
        together = min(rows, self.slots)
        return (first + further * (together - 1)) * rows / together if rows else 0.0
