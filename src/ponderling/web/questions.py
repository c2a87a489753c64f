"""Checks questions as `Solver.solve` does, in separate processes: a search is Python that would hold the worker up.

There are two such processes. The first looks at each question with few guesses, which decides nearly all. The second takes
what is left, in turn from each client, and has SECONDS for it. A question that is not decided then counts as unknown, and
is thought about.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from ponderling.tasks import numba
from ponderling.tasks.base import PuzzleError, Task, Tokens
from ponderling.tasks.sudoku.base import SudokuTask

LOG = logging.getLogger("ponderling.web")

SECONDS = 1.0
"""Most time of a check, in seconds; then its process is ended and another one begun."""

START_SECONDS = 60.0
"""Most time for a process to begin."""

IN_ALL = 2.0
"""Most time of all checks of a request, in seconds; questions that are not decided by then count as unknown."""

WORTH_COMPILING = 0.1
"""Seconds of brief checks after which their code is compiled, beside further ones."""

REMEMBERED = 1024
"""Number of latest outcomes that are remembered."""

WAITING = 1024
"""Number of questions that may wait for each process; more count as unknown."""


class Outcome(NamedTuple):
    """What a check said."""

    problem: str | None = None
    """Why the question is refused; None: it is not."""
    known: bool = True
    """Whether the check came to an end."""


UNKNOWN = Outcome(known=False)

Which = int | Task
"""A family: its number among those that the processes know, or the family itself, such as another size of one of them."""


def check(task: Task, tokens: Tokens, *, brief: bool) -> Outcome:
    """What the family says of a question (L,); with `brief` after few guesses."""
    try:
        decided = True
        if brief:
            decided = task.check_question_briefly(tokens)
        else:
            task.check_question(tokens)
    except PuzzleError as error:
        return Outcome(str(error))
    except Exception as error:  # the family's own code
        return Outcome(f"the code of {task.name} failed on this puzzle: {type(error).__name__}: {error}".split("\n")[0])
    return Outcome(known=decided)


def _answer(pipe: Connection, tasks: bytes, *, brief: bool) -> None:
    """The process: answers one question after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's
    if not brief and hasattr(os, "nice"):
        os.nice(10)  # what thinks comes first
    known: list[Task | None] = pickle.loads(tasks)
    spent = 0.0
    if brief:
        numba.PATIENCE = math.inf  # no question waits for its import, which takes longer than many brief checks
    else:
        _compile(known)
    with contextlib.suppress(EOFError, OSError):
        pipe.send(None)
        while True:
            which, tokens = pipe.recv()
            task = known[which] if isinstance(which, int) else which
            assert task is not None
            began = time.perf_counter()
            pipe.send(check(task, tokens, brief=brief))
            spent += time.perf_counter() - began
            if brief and spent > WORTH_COMPILING:
                spent = -math.inf
                threading.Thread(target=_compile, args=(known,), daemon=True).start()


def _compile(tasks: Sequence[Task | None]) -> None:
    """Compiles the search of each family that has one."""
    for task in tasks:
        if isinstance(task, SudokuTask):
            task.compile_search()


class _Process:
    """One process for checks, with those that wait for it.

    Args:
        tasks: The families, pickled.
        brief: Whether it makes few guesses.
        remember: Called with each question and its outcome, also when nobody waits for it any more.
    """

    def __init__(self, tasks: bytes, *, brief: bool, remember: Callable[..., object]):
        self.tasks, self.brief, self.remember = tasks, brief, remember
        self.is_broken = False
        """Whether the process could not begin."""
        self.begun: asyncio.Future[None] | None = None
        """Done when it has begun."""
        self._thread = ThreadPoolExecutor(1, "ponderling-check")
        self._waiting: OrderedDict[str, deque[tuple[Which, Tokens, asyncio.Future[Outcome]]]] = OrderedDict()
        self._count = 0
        self._pump: asyncio.Task[None] | None = None
        self._process: Any = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        """Begins the process before it is needed."""
        self.begun = asyncio.get_running_loop().run_in_executor(self._thread, self._begin)

    async def check(self, which: Which, tokens: Tokens, *, client: str) -> Outcome:
        """The outcome for a question of this family; clients take turns."""
        if self._count >= WAITING:
            return UNKNOWN
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append((which, tokens, future))
        self._count += 1
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            client, questions = self._waiting.popitem(last=False)
            which, tokens, future = questions.popleft()
            self._count -= 1
            if questions:
                self._waiting[client] = questions  # behind the others
            if not future.cancelled():
                outcome = await loop.run_in_executor(self._thread, self._ask, which, tokens)
                self.remember(which, tokens, outcome=outcome)
                if not future.cancelled():
                    future.set_result(outcome)

    def _begin(self) -> None:
        if self._process is not None:
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_answer, args=(theirs, self.tasks), kwargs={"brief": self.brief}, daemon=True
        )
        self._process.start()
        theirs.close()
        self.is_broken = True
        if self._pipe.poll(START_SECONDS):
            self._pipe.recv()
            self.is_broken = False

    def _ask(self, which: Which, tokens: Tokens) -> Outcome:
        """The outcome from the process; blocks."""
        if self.is_broken:
            return UNKNOWN
        try:
            self._begin()
            assert self._pipe is not None
            self._pipe.send((which, tokens))
            if self._pipe.poll(SECONDS):
                return self._pipe.recv()
        except (EOFError, OSError) as error:
            LOG.warning("a process that checks puzzles has ended: %s", type(error).__name__)
        self._end()
        return UNKNOWN

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def close(self) -> None:
        """Ends the process."""
        self._thread.submit(self._end)
        self._thread.shutdown()


class Checker:
    """Checks questions of these families.

    Args:
        tasks: The families; others are sent along with each question. What cannot be sent to another process, as may be
            with the user's own, is checked in a thread.
    """

    def __init__(self, tasks: Sequence[Task]):
        self._numbers = {id(task): number for number, task in enumerate(tasks)}
        self._tasks = list(tasks)
        self._known: OrderedDict[tuple[int | str, bytes], Outcome] = OrderedDict()
        sent: list[Task | None] = [task if _can_be_sent(task) else None for task in tasks]
        self._local = {number for number, task in enumerate(sent) if task is None}
        pickled = pickle.dumps(sent)
        self._brief = _Process(pickled, brief=True, remember=partial(self._remember, known_only=True))
        self._deep = _Process(pickled, brief=False, remember=self._remember)
        self._thread = ThreadPoolExecutor(1, "ponderling-check")

    def start(self) -> None:
        """Begins the process that every question needs."""
        self._brief.start()

    async def check(self, task: Task, questions: Sequence[Tokens], *, client: str) -> list[Outcome]:
        """What the family says of each question (L,), within IN_ALL seconds once the processes have begun."""
        if self._brief.begun is None:
            self.start()
        if self._brief.begun is not None and not self._brief.begun.done():
            await asyncio.wait({self._brief.begun})
        checks = [asyncio.ensure_future(self._check(task, tokens, client=client)) for tokens in questions]
        try:
            await asyncio.wait(checks, timeout=IN_ALL)
            return [one.result() if one.done() else UNKNOWN for one in checks]
        finally:
            for one in checks:
                one.cancel()

    async def _check(self, task: Task, tokens: Tokens, *, client: str) -> Outcome:
        which = self._numbers.get(id(task), task)
        key = _name(which), tokens.tobytes()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        is_local = which in self._local if isinstance(which, int) else not _can_be_sent(task)
        if is_local or self._brief.is_broken:
            outcome = await self._in_thread(lambda: check(task, tokens, brief=True))
            self._remember(which, tokens, outcome=outcome)
            return outcome
        outcome = await self._brief.check(which, tokens, client=client)
        return outcome if outcome.known else await self._deep.check(which, tokens, client=client)

    def _remember(self, which: Which, tokens: Tokens, *, outcome: Outcome, known_only: bool = False) -> None:
        if known_only and not outcome.known:
            return
        self._known[_name(which), tokens.tobytes()] = outcome
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def _in_thread(self, function: Callable[[], Outcome]) -> Outcome:
        future = asyncio.get_running_loop().run_in_executor(self._thread, function)
        try:
            return await asyncio.wait_for(asyncio.shield(future), SECONDS)
        except TimeoutError:
            return UNKNOWN

    def close(self) -> None:
        """Ends the processes; blocks."""
        self._brief.close()
        self._deep.close()
        self._thread.shutdown(wait=False)


def _name(which: Which) -> int | str:
    return which if isinstance(which, int) else which.name


def _can_be_sent(task: Task) -> bool:
    try:
        return pickle.loads(pickle.dumps(task)) is not None
    except Exception:  # whatever the user's own class does
        return False
