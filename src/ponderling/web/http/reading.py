"""A job as a request sees it: its events one after the other, and what each way to end is as a status."""

from __future__ import annotations

import asyncio

import torch
from fastapi import HTTPException, Request

from ponderling.config import Search
from ponderling.models.interface import State
from ponderling.solving.records import Answer
from ponderling.tasks.base import Question
from ponderling.web.engine import Busy, Engine
from ponderling.web.http.late import CrowdedError
from ponderling.web.http.served import Served
from ponderling.web.jobs import Answered, Ended, Event, Job, Stepped
from ponderling.web.settings import Settings

CLOSING = "the server is shutting down"

BUSY = {
    "queue": "busy: the queue is full",
    "slow": "busy: others would slow this too much",
}
"""What is said for each reason of `Busy` but the end of the server."""


def expect_room(engine: Engine, served: Served, *, count: int, client: str, watched: bool = False) -> None:
    """Refuses a request for so many puzzles that would be refused anyway, before any work is spent on it.

    Raises:
        HTTPException: 503.
    """
    try:
        engine.expect_room(served.lane, count, client=client, watched=watched)
    except Busy as busy:
        raise refusal_of(busy) from None


def refusal_of(busy: Busy) -> HTTPException:
    """What the client is told: 503, and after how many seconds another try may do."""
    if busy.reason == "closing":
        return HTTPException(503, CLOSING, {"Retry-After": str(busy.retry_after)})
    return CrowdedError(BUSY[busy.reason], busy.retry_after)


class Reader:
    """A job as a request sees it: submitted at once, its events one after the other, cancelled when the request ends."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        served: Served,
        questions: list[Question],
        search: Search,
        steps: int,
        client: str,
        early_exit: bool = True,
        watched: bool = False,
        changes: bool = False,
        states: bool = False,
    ):
        self.engine, self.events = engine, asyncio.Queue[Event]()
        loop = asyncio.get_running_loop()
        put = self.events.put_nowait

        def emit(event: Event) -> None:
            loop.call_soon_threadsafe(put, event)

        try:
            self.job = Job(
                served.lane, questions, search=search, steps=steps, emit=emit, seconds=settings.seconds,
                early_exit=early_exit, watched=watched, changes=changes, states=states, client=client,
            )  # fmt: skip
            engine.submit(self.job)
        except Busy as busy:
            raise refusal_of(busy) from None
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        self.ended = False

    async def next(self, gone: asyncio.Task[None] | None = None, patience: float | None = None) -> Event | None:
        """The next event; None after `patience` seconds without one. A client that is gone ends the job."""
        get = asyncio.ensure_future(self.events.get())
        try:
            await asyncio.wait({get, gone} if gone else {get}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if get.done():
                event = get.result()
                was_paused = self.job.paused
                self.job.taken += 1
                if was_paused and not self.job.paused:
                    self.engine.poke()
                self.ended = isinstance(event, Ended)
                return event
            if gone and gone.done():
                return Ended("cancelled", "cancelled")
            return None
        finally:
            get.cancel()

    def close(self) -> None:
        """Frees the job's slots if it has not ended."""
        if not self.ended:
            self.engine.cancel(self.job)


async def answers_of(reader: Reader, request: Request, *, settings: Settings) -> list[Answer]:
    """The answer to each puzzle, in order; a client that leaves ends the job."""
    gone = asyncio.create_task(_wait_until_gone(request))
    answers: list[Answer] = []
    try:
        while True:
            event = await reader.next(gone)
            if isinstance(event, Answered):
                answers.append(event.answer)
            elif isinstance(event, Ended):
                _raise_if(event, settings)
                return answers
    finally:
        gone.cancel()
        reader.close()


async def state_after(reader: Reader, request: Request, *, moment: int, settings: Settings) -> State:
    """The state, each (1, ...), of the only puzzle of a job that tells its states, after this number of moments."""
    gone = asyncio.create_task(_wait_until_gone(request))
    count = 0
    try:
        while True:
            event = await reader.next(gone)
            if isinstance(event, Ended):
                _raise_if(event, settings)
                raise HTTPException(500, f"the thinking ended after {count} moments")
            if isinstance(event, Stepped):
                count += 1
                if count == moment:
                    assert event.step.state is not None
                    return tuple(torch.from_numpy(s)[None] for s in event.step.state)
    finally:
        gone.cancel()
        reader.close()


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _raise_if(end: Ended, settings: Settings) -> None:
    if end.kind == "late":
        raise HTTPException(504, f"not done within the {settings.seconds:g} seconds a request may take")
    if end.kind == "cancelled":
        raise HTTPException(503, CLOSING, {"Retry-After": "5"})
    if end.kind == "displaced":
        raise HTTPException(503, end.problem, {"Retry-After": "5"})
    if end.kind == "rules":
        raise HTTPException(422, end.problem)
    if end.problem:
        raise HTTPException(500, end.problem)
