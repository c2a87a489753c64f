"""What is told of a thought or a vote while it goes on: server-sent events."""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
from fastapi import Request
from fastapi.responses import StreamingResponse

from ponderling.solving.records import Answer
from ponderling.solving.result import Result
from ponderling.tasks.base import Task, Tokens, Verdict
from ponderling.web.compact import Shortener
from ponderling.web.http.page_files import accepts_gzip
from ponderling.web.http.reading import CLOSING, Reader
from ponderling.web.http.schemas import Solved, VoteResponse
from ponderling.web.http.served import Served
from ponderling.web.jobs import Answered, Ended, Stepped

LOG = logging.getLogger("ponderling.web")

LEVEL, GZIP = 4, 31
"""How hard zlib tries, and the number that asks it for the form of gzip."""

HEARTBEAT = 5.0
"""Seconds of silence after which a stream of events says that it is still there."""


class EventStream(StreamingResponse):
    """Server-sent events; `closed` is called however the response ends, even if it never began.

    Args:
        content: The events.
        closed: Called at the end.
        request: Says whether they may be compressed; each is sent at once all the same.
        status_code: HTTP's.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        content: Any,
        closed: Callable[[], None] = lambda: None,
        *,
        request: Request | None = None,
        status_code: int = 200,
    ):
        headers = {"vary": "Accept-Encoding"}
        if request is not None and accepts_gzip(request.headers.get("accept-encoding", "")):
            headers["content-encoding"] = "gzip"
            content = _compressed(content)
        super().__init__(content, status_code, headers)
        self.closed = closed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Sends the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.closed()


async def _compressed(content: AsyncIterator[str]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    async for event in content:
        yield packer.compress(event.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


async def events_of(reader: Reader, served: Served, *, question: Tokens, compact: bool = False) -> AsyncIterator[str]:
    """Every step of a thought, and its end."""
    task = served.task
    shorten = Shortener() if compact else None
    grid = {"cells": len(question), "tokens": task.vocab_size} if compact else {}
    yield event_text("start", {"model": served.model, "task": task.name, "question": task.format(question), **grid})
    while True:
        event = await reader.next(patience=HEARTBEAT)
        if event is None:
            yield ": thinking\n\n"
        elif isinstance(event, Stepped):
            # In a thread, since the rules of a large maze take a while.
            yield event_text("step", await asyncio.to_thread(_step_json, task, question, event=event, shorten=shorten))
        elif isinstance(event, Answered):
            yield event_text("end", solved(task, question, answer=event.answer).model_dump())
        else:
            if event.problem:
                yield _problem(event)
            return


async def votes_of(reader: Reader, steps: int, *, tally: Callable[[list[Answer]], VoteResponse]) -> AsyncIterator[str]:
    """How far the views are, a hundred times at most, then their votes; `steps` is what they all take together."""
    answers: list[Answer] = []
    done = 0
    while True:
        event = await reader.next(patience=HEARTBEAT)
        if event is None:
            yield ": thinking\n\n"
        elif isinstance(event, Stepped):
            if event.step.recursion > 1:
                continue
            done += 1
            if 100 * done // steps > 100 * (done - 1) // steps:
                yield event_text("progress", {"done": done, "of": steps})
        elif isinstance(event, Answered):
            answers.append(event.answer)
        elif event.problem:
            yield _problem(event)
            return
        else:
            yield event_text("end", tally(answers).model_dump())
            return


async def all_at_once(votes: VoteResponse) -> AsyncIterator[str]:
    """Votes that were counted at once, as the end of a stream."""
    yield event_text("end", votes.model_dump())


def _problem(end: Ended) -> str:
    return event_text("problem", {"detail": CLOSING if end.kind == "cancelled" else end.problem})


def event_text(name: str, data: dict[str, Any]) -> str:
    """An event as it is sent."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _step_json(task: Task, question: Tokens, *, event: Stepped, shorten: Shortener | None) -> dict[str, Any]:
    step = event.step
    verdict, _ = _judge(task, question, answer=step.tokens)
    said = {
        "attempt": event.attempt,
        "step": step.step,
        "recursion": step.recursion,
        "halt_probability": round(step.halt_probability, 4),
        "halts": step.wants_to_halt,
        "wrong": list(verdict.wrong_cells),
        "reasons": list(verdict.reasons[:6]),
        "guessed": list(step.guessed),
    }
    if shorten is not None:
        return shorten(said, step, attempt=event.attempt)
    change = {} if step.change is None else {"change": np.rint(1000 * step.change).astype(int).tolist()}
    grid = {"tokens": step.tokens.tolist(), "probabilities": np.rint(1000 * step.probabilities).astype(int).tolist()}
    return {**said, **grid, **change}


def solved(task: Task, question: Tokens, *, answer: Answer) -> Solved:
    """An answer, and what the rules say of it."""
    result = Result(task, question, found=answer)
    result.verdict, judged = _judge(task, question, answer=answer.tokens)
    plain = result.to_json()
    if not judged:
        plain["valid"] = None
    return Solved(**plain)


def _judge(task: Task, question: Tokens, *, answer: Tokens) -> tuple[Verdict, bool]:
    """What the rules say; and whether they do: a family's own code may raise."""
    try:
        return task.check(question, answer), True
    except Exception as error:
        LOG.exception("the rules of %s failed", task.name)
        return Verdict(
            False, reasons=(f"the code of {task.name} failed on this answer: {type(error).__name__}",)
        ), False
