"""One worker thread on which all requests think: the attempts of all of them share each forward pass (continuous batching).

A `Job` is the work of one request: one or many puzzles, and what may be spent on each. It waits in a bounded queue until its
lane has slots free. It then runs step by step beside the others, and leaves when it is done, cancelled or out of time.
A lane is one model on one puzzle family, since only grids of one shape can share a pass. All its jobs think in the
slots of one loop. `Job.emit` tells what happens, from the worker thread.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ponderling.config import Search
from ponderling.halting import times_asked
from ponderling.solving.loop import Moment, Said, Slot, ThinkingLoop
from ponderling.solving.records import Answer, TraceStep
from ponderling.solving.search import InMemory, Thinker
from ponderling.solving.solver import Solver
from ponderling.tasks.base import Question

LOG = logging.getLogger("ponderling.web")

PATIENCE = 64
"""Events of one job that may wait for their reader; then the job pauses, so that a slow reader costs no memory."""

PROBED = 4
"""Rows of the pass that `Lane.probe` times beside one of a single row."""

IDLE = 0.25
"""Seconds after which the worker looks for cancelled jobs and deadlines while all jobs are paused."""


class Busy(RuntimeError):
    """The queue is full, others would slow the job too much, or the engine is shutting down."""

    def __init__(self, retry_after: int):
        super().__init__("busy")
        self.retry_after = retry_after


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
    ):
        self.lane, self.emit_, self.emitted, self.taken = lane, emit, 0, 0
        self.cancelled, self.watched = False, watched
        self.deadline = time.monotonic() + seconds
        self.left = len(questions)
        self.number = 0
        attempts = 1 + search.restarts + (search.views or 0)
        self.slots = max(1, min(lane.share, len(questions) * attempts))
        solver = lane.solver
        self.patience = PATIENCE * times_asked(solver.model, solver.config)
        self.questions = InMemory(questions)
        self.thinker = Thinker(
            lane.loop, search, task=solver.task, steps=steps, slots=self.slots, early_exit=early_exit,
            observe=self._stepped if watched else None,
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


class Lane:
    """One model on one puzzle family with the jobs that are in work there."""

    def __init__(self, solver: Solver, slots: int):
        self.solver, self.slots = solver, slots
        self.loop = ThinkingLoop(solver.model, solver.config, device=solver.device)
        self.share = max(1, slots // 4)
        """Most slots of one job, so that no request keeps all others out."""
        self.active: list[Job] = []
        self.used = 0
        """Slots promised to jobs in work."""
        self.row_seconds = (0.0, 0.0)
        """What a forward pass takes: for its first row, and for each further one. Zero: unknown."""

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

    def pass_seconds(self, rows: int) -> float:
        """Estimated seconds of one step for this number of rows; rows beyond the slots lengthen the pass."""
        first, further = self.row_seconds
        together = min(rows, self.slots)
        return (first + further * (together - 1)) * rows / together if rows else 0.0


@dataclass(kw_only=True)
class Counters:
    """What has happened since the start, for /metrics; written by the worker alone, but for `refused`."""

    steps: int = 0
    """Forward passes."""
    rows: int = 0
    """Supervision steps of single attempts: the sum of the batches' sizes."""
    puzzles: int = 0
    halted: int = 0
    """Answers at which the halting head said stop."""
    refused: int = 0
    """Jobs turned away because the queue was full, or others in work would have slowed them too much."""
    expired: int = 0
    cancelled: int = 0
    failed: int = 0
    busy_seconds: float = 0.0


class Engine:
    """The worker and its queue.

    Args:
        queue: Jobs that may wait for slots.
        most_slowdown: Largest factor by which other jobs may slow a job; a job slowed more is refused. The estimate
            uses the passes timed by `Lane.probe`. Watched jobs are exempt, since people prefer to wait.
    """

    def __init__(self, queue: int = 64, most_slowdown: float = math.inf):
        self.queue, self.most_slowdown = queue, most_slowdown
        self.counters = Counters()
        self.lanes: list[Lane] = []
        self._waiting: deque[Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._recent = deque([1.0], maxlen=32)  # seconds that finished jobs took
        self._started: dict[Job, float] = {}
        self._thread = threading.Thread(target=self._work, name="ponderling-engine", daemon=True)

    def add_lane(self, solver: Solver, slots: int) -> Lane:
        """A lane for this solver; before `start`."""
        self.lanes.append(Lane(solver, slots))
        return self.lanes[-1]

    def start(self) -> None:
        """Starts the worker."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queues a job.

        Raises:
            Busy: when the queue is full, the job would be slowed too much, or the engine is closing.
        """
        with self._wake:
            full = len(self._waiting) >= self.queue and not self._fits(job)
            slow = not job.watched and self._slowdown(job) > self.most_slowdown
            if self._closing or full or slow:
                self.counters.refused += 1
                raise Busy(self._retry_after())
            self._waiting.append(job)
            self._started[job] = time.monotonic()
            self._wake.notify()

    def cancel(self, job: Job) -> None:
        """Frees the job's slots before the next step."""
        with self._wake:
            job.cancelled = True
            self._wake.notify()

    def poke(self) -> None:
        """A reader has taken events: a paused job may go on."""
        with self._wake:
            self._wake.notify()

    def close(self, seconds: float = 30.0) -> None:
        """Takes no more jobs, lets current ones finish for up to `seconds`, cancels the rest and ends the worker."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(seconds)
        with self._wake:
            for job in [*self._waiting, *(job for lane in self.lanes for job in lane.active)]:
                job.cancelled = True
            self._wake.notify()
        self._thread.join(10.0)

    @property
    def num_waiting(self) -> int:
        """Jobs that wait for slots."""
        return len(self._waiting)

    @property
    def num_active(self) -> int:
        """Jobs in work."""
        return sum(len(lane.active) for lane in self.lanes)

    @property
    def slots_used(self) -> int:
        """Slots promised to jobs in work."""
        return sum(lane.used for lane in self.lanes)

    def _fits(self, job: Job) -> bool:
        return not self._waiting and job.lane.used + job.slots <= job.lane.slots

    def _slowdown(self, job: Job) -> float:
        """How many times as long as alone the job would take, if all now in work or waiting went on beside it."""
        alone = job.lane.pass_seconds(job.slots)
        rows = {lane: lane.used for lane in self.lanes}
        for other in (*self._waiting, job):
            rows[other.lane] += other.slots
        return sum(lane.pass_seconds(count) for lane, count in rows.items()) / alone if alone else 1.0

    def _retry_after(self) -> int:
        """Seconds after which the queue has probably become shorter."""
        mean = sum(self._recent) / len(self._recent)
        return int(min(60, max(1, round(mean))))

    # On the worker thread

    def _work(self) -> None:
        torch.inference_mode().__enter__()  # for this thread, until it ends
        while True:
            with self._wake:
                self._admit()
                while not any(self._runnable(lane) for lane in self.lanes):
                    if self._closing and not self._waiting and not self.num_active:
                        return
                    self._wake.wait(IDLE if self.num_active or self._waiting else None)
                    self._admit()
            for lane in self.lanes:
                jobs = self._runnable(lane)
                if jobs:
                    self._step(lane, jobs)

    def _runnable(self, lane: Lane) -> list[Job]:
        return [job for job in lane.active if not job.paused]

    def _admit(self) -> None:
        """Drops what is cancelled or late, then starts waiting jobs in order; one that does not fit holds back its lane."""
        now = time.monotonic()
        for job in [*self._waiting, *(job for lane in self.lanes for job in lane.active)]:
            if job.cancelled:
                self._finish(job, "cancelled")
            elif now > job.deadline:
                self._finish(job, "out of time")
        held: set[int] = set()
        for job in list(self._waiting):
            lane = job.lane
            if id(lane) in held or lane.used + job.slots > lane.slots:
                held.add(id(lane))
                continue
            self._waiting.remove(job)
            lane.active.append(job)
            lane.used += job.slots

    def _finish(self, job: Job, problem: str = "") -> None:
        """Takes a job out and tells it so."""
        if job in job.lane.active:
            job.lane.active.remove(job)
            job.thinker.close()
            job.lane.used -= job.slots
        elif job in self._waiting:
            self._waiting.remove(job)
        self.counters.cancelled += problem == "cancelled"
        self.counters.expired += problem == "out of time"
        began = self._started.pop(job, None)
        if began is not None and not problem:
            self._recent.append(time.monotonic() - began)
        job.emit(Ended(problem))

    def _step(self, lane: Lane, jobs: list[Job]) -> None:
        began = time.monotonic()
        try:
            self._think(lane, jobs)
        except Exception as error:  # whatever it is, the others' requests and the worker must go on
            LOG.exception("a step failed")
            with self._wake:
                for job in jobs:
                    self.counters.failed += 1
                    self._finish(job, f"failed: {type(error).__name__}")
        self.counters.busy_seconds += time.monotonic() - began

    def _think(self, lane: Lane, jobs: list[Job]) -> None:
        """One supervision step of all attempts of these jobs, in one forward pass."""
        for job in jobs:
            job.thinker.start(job.questions)
        slots = [slot for job in jobs for slot in job.thinker.active]
        if not slots:
            return
        watched = [job.thinker for job in jobs if job.watched]

        def watch(moment: Moment) -> None:
            for thinker in watched:
                thinker.watch(moment)

        said: dict[Thinker, list[tuple[Slot, Said]]] = {job.thinker: [] for job in jobs}
        for slot, one in lane.loop.step(slots, watch=watch if watched else None):
            said[slot.owner].append((slot, one))
        self.counters.steps += 1
        self.counters.rows += len(slots)
        for job in jobs:
            job.thinker.hear(said[job.thinker])
            self._tell_answers(job)

    def _tell_answers(self, job: Job) -> None:
        for answer in job.thinker.ready():
            self.counters.puzzles += 1
            self.counters.halted += answer.halted
            job.emit(Answered(job.number, answer))
            job.number += 1
            job.left -= 1
        if not job.left:
            with self._wake:
                self._finish(job)
