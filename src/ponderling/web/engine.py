"""One worker thread on which all requests think: the attempts of all of them share each forward pass (continuous batching).

A `Job` is the work of one request: one or many puzzles, and what may be spent on each. It runs beside the others, and leaves
when it is done, cancelled or out of time. A lane is one model on one puzzle family, since only grids of one shape can share
a pass. All its jobs think in the slots of one loop. `Job.emit` tells what happens, from the worker thread.

The worker computes one recursion, then looks who comes first (`Key`): a client that has used less of late than others. Of such
clients it is a job that others slow too much, or one that has not thought for a whole step; then a first attempt; then who has
thought for less time. So a short job seldom waits for a long one. A pass that is interrupted goes on later from where it was. A
puzzle that is done leaves its pass at once.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from ponderling.solving.loop import Moment, Said, Slot
from ponderling.solving.solver import Solver
from ponderling.web.jobs import Answered, Ended, Job, Lane, Pass
from ponderling.web.shares import AHEAD, Shares

LOG = logging.getLogger("ponderling.web")

IDLE = 0.25
"""Seconds after which the worker looks for cancelled jobs and deadlines while all jobs are paused."""


NEARLY_FREE = 1.2
"""Factor by which attempts of clients that come later, and further attempts, may lengthen the pass of those that come first."""

UNCONTESTED = 0.02
"""How much a second of the worker counts that no other client wanted."""

LONG = 8
"""A job that has thought for this many times as long as jobs usually do comes after a new one, and does not slow it."""


class Busy(RuntimeError):
    """The queue is full, others would slow the job too much, or the engine is shutting down.

    Args:
        reason: Which of these: queue, slow, closing.
        retry_after: Seconds after which another try may do.
    """

    def __init__(self, reason: str, retry_after: int):
        super().__init__("busy")
        self.reason, self.retry_after = reason, retry_after


class Key(NamedTuple):
    """Who comes first; small values do."""

    begun: bool
    """The job has thought for a whole step and is not slowed too much, or its client is ahead."""
    ahead: bool
    """The client has used more than another who wants something."""
    further: bool
    """This is not a first attempt."""
    level: int
    """Grows with the logarithm of the recursions that the job has thought for; -1 where others slow it too much."""


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
    refusals: Counter[str] = field(default_factory=Counter)
    """The same by `Busy.reason`."""
    displaced: int = 0
    """Jobs ended because other clients needed their place."""
    expired: int = 0
    cancelled: int = 0
    failed: int = 0
    busy_seconds: float = 0.0


class Engine:
    """The worker and its jobs.

    Args:
        queue: Jobs that may be accepted beyond the slots of a lane. When that many are there, a client with fewer jobs than
            another displaces the other's newest one.
        most_slowdown: Largest factor by which other jobs may slow a job. No pass takes more than this factor of a pass
            of a single row; and a job that would be slowed more is refused. The estimate uses the passes timed
            by `Lane.probe`. Watched jobs are not refused for that, since people prefer to wait.
    """

    def __init__(self, queue: int = 64, most_slowdown: float = math.inf):
        self.queue, self.most_slowdown = queue, most_slowdown
        self.counters = Counters()
        self.shares = Shares()
        self._rate = 1.0
        self.lanes: list[Lane] = []
        self._waiting: deque[Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._recent = deque([1.0], maxlen=32)  # seconds that finished jobs took
        self._turns: deque[int] = deque(maxlen=32)  # recursions that they thought for
        self._started: dict[Job, float] = {}
        self._thread = threading.Thread(target=self._work, name="ponderling-engine", daemon=True)

    def add_lane(self, solver: Solver, slots: int) -> Lane:
        """A lane for this solver."""
        lane = Lane(solver, slots)
        with self._wake:
            self.lanes = [*self.lanes, lane]  # a new list, since the worker may go through the old one
        return lane

    def drop_lane(self, lane: Lane) -> None:
        """Takes a lane out, once it has no job; a job that is submitted to it later brings it back for that time."""
        with self._wake:
            lane.is_dropped = True
            self._take_out(lane)

    def _take_out(self, lane: Lane) -> None:
        if lane.is_dropped and not any(job.lane is lane for job in self._jobs()):
            self.lanes = [other for other in self.lanes if other is not lane]

    def start(self) -> None:
        """Starts the worker."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queues a job.

        Raises:
            Busy: when the queue is full, the job would be slowed too much, or the engine is closing.
        """
        with self._wake:
            newest = self._newest_of_most(job.client)
            self._expect_room(job.lane, job.firsts, client=job.client, watched=job.watched, newest=newest)
            if newest is not None:
                newest.displaced = True
            if job.lane not in self.lanes:
                self.lanes = [*self.lanes, job.lane]
            self._waiting.append(job)
            self._started[job] = time.monotonic()
            self._wake.notify()

    def expect_room(self, lane: Lane, count: int, *, client: str, watched: bool) -> None:
        """Raises `Busy` where `submit` would refuse a job for so many puzzles: costs less than to make one."""
        with self._wake:
            newest = self._newest_of_most(client)
            self._expect_room(lane, max(1, min(lane.share, count)), client=client, watched=watched, newest=newest)

    def _expect_room(self, lane: Lane, firsts: int, *, client: str, watched: bool, newest: Job | None) -> None:
        reason = ""
        if self._closing:
            reason = "closing"
        elif not watched and self._slowdown(lane, firsts, client=client) > self.most_slowdown:
            reason = "slow"
        elif newest is None and self._is_full():
            reason = "queue"
        if reason:
            self.counters.refused += 1
            self.counters.refusals[reason] += 1
            raise Busy(reason, self._retry_after())

    def _is_full(self) -> bool:
        return len(self._jobs()) >= self.queue + max(lane.slots for lane in self.lanes)

    def _newest_of_most(self, client: str) -> Job | None:
        """When all places are taken, the newest job of the client with most, which gives way to a client with fewer."""
        if not self._is_full():
            return None
        jobs = [job for job in self._jobs() if not job.displaced]
        counts = Counter(job.client for job in jobs)
        largest, most = counts.most_common(1)[0] if counts else ("", 0)
        if most <= counts[client] + 1:
            return None
        return max((job for job in jobs if job.client == largest), key=lambda job: self._started.get(job, 0.0))

    def _jobs(self) -> list[Job]:
        return [*self._waiting, *(job for lane in self.lanes for job in lane.active)]

    def cancel(self, job: Job) -> None:
        """Frees the job's slots before the next step."""
        with self._wake:
            job.cancelled = True
            self._wake.notify()

    def cancel_all(self) -> None:
        """Ends all jobs before the next step."""
        with self._wake:
            for job in self._jobs():
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
        self.cancel_all()
        self._thread.join(10.0)

    @property
    def num_waiting(self) -> int:
        """Jobs that the worker has not yet looked at."""
        return len(self._waiting)

    @property
    def num_active(self) -> int:
        """Jobs in work."""
        return sum(len(lane.active) for lane in self.lanes)

    @property
    def slots_used(self) -> int:
        """Slots of attempts in work."""
        return sum(lane.used for lane in self.lanes)

    def _slowdown(self, lane: Lane, firsts: int, *, client: str) -> float:
        """How many times as long as alone a new job would take beside those that come before it or with it.

        Those that give way to it do not count; nor do those of clients who have used more. Any other client counts for at
        most what the job itself takes, since it gets no more of the time.
        """
        alone = lane.pass_seconds(firsts)
        if not alone:
            return 1.0
        most_used = self.shares.used(client) + AHEAD
        rows: Counter[Lane] = Counter({lane: firsts})
        of_others: dict[str, Counter[Lane]] = {}
        for other in self._jobs():
            if self._gives_way(other):
                continue
            if other.client == client:
                rows[other.lane] += other.firsts
            elif self.shares.used(other.client) <= most_used:
                of_others.setdefault(other.client, Counter())[other.lane] += other.firsts
        apart = 0.0
        for others in of_others.values():
            rows[lane] += min(firsts, others.pop(lane, 0))
            apart += min(alone, sum(other.pass_seconds(count) for other, count in others.items()))
        return (apart + sum(each.pass_seconds(count) for each, count in rows.items())) / alone

    def _gives_way(self, job: Job) -> bool:
        """Whether a job comes after one that is new: it has thought for long, or its first attempts are over."""
        usual = sorted(self._turns)[len(self._turns) // 2] if self._turns else math.inf
        return job.turns >= LONG * usual or (job.turns > 0 and not job.thinker.has_first_attempts)

    def _retry_after(self) -> int:
        """Seconds after which the queue has probably become shorter."""
        mean = sum(self._recent) / len(self._recent)
        return int(min(60, max(1, round(mean))))

    # On the worker thread

    @torch.inference_mode()
    def _work(self) -> None:
        while True:
            with self._wake:
                self._admit()
                while not any(self._runnable(lane) or lane.passes for lane in self.lanes):
                    if self._closing and not self._waiting and not self.num_active:
                        return
                    self._wake.wait(IDLE if self.num_active or self._waiting else None)
                    self._admit()
            current = self._choose()
            if current is not None:
                self._go_on(current)

    def _runnable(self, lane: Lane) -> list[Job]:
        return [job for job in lane.active if not job.paused and not job.running]

    def _admit(self) -> None:
        """Drops what is cancelled, displaced or late, and takes over new jobs."""
        now = time.monotonic()
        for job in self._jobs():
            if job.cancelled:
                self._finish(job, "cancelled", kind="cancelled")
            elif job.displaced:
                self._finish(job, "other clients needed the place of this request: try again", kind="displaced")
            elif now > job.deadline:
                self._finish(job, "out of time", kind="late")
        while self._waiting:
            job = self._waiting.popleft()
            job.lane.active.append(job)
        for lane in self.lanes:
            lane.passes = [p for p in lane.passes if p.slots]

    def _finish(self, job: Job, problem: str = "", *, kind: str = "") -> None:
        """Takes a job out and tells it so."""
        if job in job.lane.active:
            job.lane.active.remove(job)
            job.thinker.close()
            for current in job.lane.passes:
                if job in current.jobs:
                    current.jobs.remove(job)
                    current.slots = [slot for slot in current.slots if slot.owner is not job.thinker]
        elif job in self._waiting:
            self._waiting.remove(job)
        self.counters.cancelled += kind == "cancelled"
        self.counters.expired += kind == "late"
        self.counters.displaced += kind == "displaced"
        self.counters.failed += kind in ("failed", "rules")
        began = self._started.pop(job, None)
        if began is not None and not problem:
            self._recent.append(time.monotonic() - began)
            self._turns.append(job.turns)
        self._take_out(job.lane)
        job.emit(Ended(problem, kind))

    def _choose(self) -> Pass | None:
        """The pass that goes on: that of who comes first, a new one if it is in none yet."""
        for lane in self.lanes:
            self._start_attempts(lane)
        wanting = {job.client for lane in self.lanes for job in lane.active if job.running or not job.paused}
        self._rate = 1.0 if len(wanting) > 1 else UNCONTESTED
        used = {client: self.shares.used(client) for client in wanting}
        least = min(used.values(), default=0.0) + AHEAD
        slowed = self._slowed()

        def key(job: Job, slot: Slot) -> Key:
            further = not job.thinker.is_first_attempt(slot)
            ahead = used[job.client] > least
            if job in slowed and not further:
                return Key(ahead, ahead, further, -1)
            begun = ahead or job.turns >= job.times_asked
            return Key(begun, ahead, further, job.turns.bit_length())

        # Of equals, a pass that goes on, 0, comes before a new one, 1.
        choices: list[tuple[Key, int, Lane, Pass | None]] = []
        ordered: dict[Lane, list[tuple[Key, float, int, Slot, Job]]] = {}
        for lane in self.lanes:
            owners = {job.thinker: job for job in lane.active}
            for current in lane.passes:
                choices.append((min(key(owners[slot.owner], slot) for slot in current.slots), 0, lane, current))
            rows = [
                (key(job, slot), used[job.client], job.turns, slot, job)
                for job in self._runnable(lane)
                for slot in job.thinker.active
            ]
            if rows:
                ordered[lane] = sorted(rows, key=lambda row: row[:3])
                choices.append((ordered[lane][0][0], 1, lane, None))
        if not choices:
            return None
        _, _, lane, current = min(choices, key=lambda choice: choice[:2])
        return current or self._new_pass(lane, ordered[lane])

    def _slowed(self) -> set[Job]:
        """The jobs that are there for longer than `most_slowdown` times what their recursions so far take alone.

        Those that give way to new ones do not count, nor watched ones, whose readers may let them wait.
        """
        now = time.monotonic()

        def is_slowed(job: Job) -> bool:
            alone = job.lane.pass_seconds(job.firsts) / job.recursions
            waited = now - self._started.get(job, now)
            return alone > 0 and waited > self.most_slowdown * (1 + job.turns) * alone and not self._gives_way(job)

        return {job for lane in self.lanes for job in lane.active if not job.watched and is_slowed(job)}

    def _start_attempts(self, lane: Lane) -> None:
        """Starts attempts of the lane's jobs: one of each, and further ones while there are slots.

        A client gets at most half of the slots beyond the first of each of its jobs.
        """
        extra = Counter({job.client: 0 for job in lane.active})
        for job in lane.active:
            extra[job.client] += max(0, len(job.thinker.active) - 1)
        for job in sorted(self._runnable(lane), key=lambda job: (extra[job.client], job.turns)):
            there = len(job.thinker.active)
            if there >= job.slots:
                continue
            free = min(lane.slots - extra.total(), lane.slots // 2 - extra[job.client])
            job.thinker.slots = min(job.slots, max(there, 1) + max(0, free))
            try:
                job.thinker.start(job.questions)
            except Exception as error:  # whatever it is, the others' requests and the worker must go on
                self._fail(job, error)
                continue
            extra[job.client] += max(0, len(job.thinker.active) - max(there, 1))

    def _new_pass(self, lane: Lane, rows: list[tuple[Key, float, int, Slot, Job]]) -> Pass:
        """A pass of those who come first, up to the number that the slots and `most_slowdown` allow."""
        rows = sorted(rows, key=lambda row: (row[0].ahead, row[0].further) != (rows[0][0].ahead, rows[0][0].further))
        alike = sum((key.ahead, key.further) == (rows[0][0].ahead, rows[0][0].further) for key, *_ in rows)
        count = min(len(rows), lane.slots)
        most = self.most_slowdown
        if self.shares.has_others(rows[0][4].client) and self._gives_way(rows[0][4]):
            most = min(most, NEARLY_FREE)  # another client may come, and would wait for it
        while count > 1:
            seconds = lane.pass_seconds(count)
            is_long = seconds > most * lane.pass_seconds(1)
            if not is_long and (count <= alike or seconds <= NEARLY_FREE * lane.pass_seconds(alike)):
                break
            count -= 1
        slots = [slot for *_, slot, _ in rows[:count]]
        jobs = list(dict.fromkeys(job for *_, job in rows[:count]))

        def watch(moment: Moment) -> None:
            for job in current.jobs:
                if job.watched:
                    job.thinker.watch(moment)

        watched = any(job.watched for job in jobs)
        current = Pass(
            lane=lane, slots=slots, jobs=jobs, recursions=lane.loop.recursions(slots, watch=watch if watched else None)
        )
        for job in jobs:
            job.running = True
        lane.passes.append(current)
        return current

    def _go_on(self, current: Pass) -> None:
        """One recursion of a pass, and what follows from its last."""
        began = time.monotonic()
        said: list[tuple[Slot, Said]] = []
        is_over = False
        owners = [(job, sum(slot.owner is job.thinker for slot in current.slots)) for job in current.jobs]
        try:
            said = next(current.recursions)
        except StopIteration as end:
            said, is_over = end.value, True
        except Exception as error:  # whatever it is, the others' requests and the worker must go on
            LOG.exception("a step failed")
            with self._wake:
                current.lane.passes.remove(current)
                for job in list(current.jobs):
                    self._finish(job, f"failed: {type(error).__name__}", kind="failed")
        seconds = time.monotonic() - began
        self.counters.busy_seconds += seconds
        for job, rows in owners:
            job.turns += 1
            self.shares.charge(job.client, self._rate * seconds * rows / sum(count for _, count in owners))
        self._hear(current, said, is_over=is_over)

    def _hear(self, current: Pass, said: list[tuple[Slot, Said]], *, is_over: bool) -> None:
        """Takes in what a pass said of slots that have thought this step, and ends it if it is over."""
        self.counters.rows += len(said)
        if is_over:
            current.lane.passes.remove(current)
            self.counters.steps += 1
        told = {slot for slot, _ in said}
        current.slots = [slot for slot in current.slots if slot not in told]
        for job in list(current.jobs):
            own = [(slot, one) for slot, one in said if slot.owner is job.thinker]
            if is_over or not any(slot.owner is job.thinker for slot in current.slots):
                job.running = False
                current.jobs.remove(job)
            if not own:
                continue
            try:
                job.thinker.hear(own)
            except Exception as error:  # a family's own code, such as its rules
                self._fail(job, error)
            else:
                self._tell_answers(job)

    def _fail(self, job: Job, error: Exception) -> None:
        """Ends a job whose puzzle family raised."""
        LOG.exception("the rules of %s failed", job.lane.solver.task.name)
        with self._wake:
            self._finish(job, f"the code of {job.lane.solver.task.name} failed: {type(error).__name__}", kind="rules")

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
