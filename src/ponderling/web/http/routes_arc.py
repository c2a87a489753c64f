"""The routes of ARC: the tasks that a model knows, votes over views of a test input, and learning a task."""

from __future__ import annotations

import functools
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from ponderling.solving.records import Answer
from ponderling.solving.search import PLAIN
from ponderling.tasks.base import PuzzleError, Puzzles, Question
from ponderling.web.boards import MOST_CELLS
from ponderling.web.http import arc
from ponderling.web.http.backend import Backend, Behind, Client
from ponderling.web.http.reading import Reader, answers_of
from ponderling.web.http.schemas import (
    ArcList,
    ArcTaskResponse,
    LearnRequest,
    VoteRequest,
    VoteResponse,
    problems,
)
from ponderling.web.http.served import Registry, Served
from ponderling.web.http.streams import EventStream, all_at_once, votes_of

VOTE_STREAM = """The votes; with `stream`, server-sent events: `progress` (`{done, of}`, in supervision steps of all views), \
and `end` with the votes, or `problem`."""
VOTE_STREAM_EXAMPLE = """event: progress
data: {"done":36,"of":144}

"""

LEARN_STREAM = """Server-sent events: `start`, `progress` (`{done, of}`, in optimizer steps), and `end` with the task and the \
name of the model that knows it now, or `problem`."""
LEARN_STREAM_EXAMPLE = """event: progress
data: {"done":36,"of":300}

"""

ROUTES = APIRouter()


@ROUTES.get("/v1/arc/tasks", responses=problems(401, 404, 422), summary="The ARC tasks that a model knows")
async def tasks(backend: Behind, *, model: Annotated[str | None, Query(max_length=200)] = None) -> ArcList:
    served = _arc_model(backend.registry, model)
    return ArcList(model=served.model, task=served.task.name, tasks=arc.entries(served))


@ROUTES.get("/v1/arc/task", responses=problems(401, 404, 422), summary="An ARC task: its pairs and test inputs")
async def task(
    backend: Behind,
    *,
    name: Annotated[str, Query(max_length=MOST_CELLS)],
    model: Annotated[str | None, Query(max_length=200)] = None,
) -> ArcTaskResponse:
    served = _arc_model(backend.registry, model)
    if name not in served.arc_tasks:
        raise HTTPException(404, f"no task {name[:80]!r}: see /v1/arc/tasks")
    return arc.whole_task(served, name)


@ROUTES.post(
    "/v1/vote",
    response_model=VoteResponse,
    responses={
        200: {
            "description": VOTE_STREAM,
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": VOTE_STREAM_EXAMPLE}},
        },
        **problems(400, 401, 404, 408, 413, 422, 503, 504),
    },
    summary="The answers to an ARC test input under several views, and their votes",
)
async def vote(body: VoteRequest, request: Request, *, backend: Behind, client: Client) -> VoteResponse | EventStream:
    served = _arc_model(backend.registry, body.model, task=body.task)
    try:
        if served.lane.solver.config.solve.as_demonstrated:
            votes = await _votes_at_once(backend, served, body=body, client=client)
            return EventStream(all_at_once(votes), request=request) if body.stream else votes
        views = arc.views(served, body.puzzle, count=body.views)
    except PuzzleError as error:
        raise HTTPException(422, str(error)) from None
    steps = body.steps or served.steps
    reader = _reader(backend, served, views=views, steps=steps, client=client, watched=body.stream)

    def tally(answers: list[Answer]) -> VoteResponse:
        return arc.tally(served, body.puzzle, answers=arc.heard(served, views, found=answers), steps=steps)

    if body.stream:
        return EventStream(votes_of(reader, len(views) * steps, tally=tally), reader.close, request=request)
    return tally(await answers_of(reader, request, settings=backend.settings))


@ROUTES.post(
    "/v1/arc/learn",
    responses={
        200: {
            "description": LEARN_STREAM,
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": LEARN_STREAM_EXAMPLE}},
        },
        **problems(400, 401, 404, 408, 413, 422, 503),
    },
    response_class=EventStream,
    summary="Learns an ARC task from its demonstrations, and keeps it for a while under a name of its own",
)
async def learn(body: LearnRequest, request: Request, *, backend: Behind, client: Client) -> Response:
    return backend.learning.stream(body, request, client=client)


async def _votes_at_once(backend: Backend, served: Served, *, body: VoteRequest, client: str) -> VoteResponse:
    """The votes of a model whose answers are like the demonstrations, computed beside the engine."""
    steps = body.steps or served.steps
    ask = functools.partial(arc.heard_at_once, served, body.puzzle, count=body.views, steps=steps)
    answers = await backend.turns.take(ask, client=client, what="votes wait")
    return arc.tally(served, body.puzzle, answers=answers, steps=steps)


def _reader(backend: Backend, served: Served, *, views: Puzzles, steps: int, client: str, watched: bool) -> Reader:
    """The thinking about all views; as in `ponderling eval` all steps are taken, whatever the halting head says."""
    questions = [Question(tokens, int(row)) for tokens, row in zip(views.tokens, views.puzzle_ids, strict=True)]
    return Reader(
        backend.registry.engine, backend.settings, served=served, questions=questions, search=PLAIN, steps=steps,
        client=client, early_exit=False, watched=watched,
    )  # fmt: skip


def _arc_model(registry: Registry, model: str | None, *, task: str | None = None) -> Served:
    """The ARC model that is meant; 404 for a model of another family."""
    served = registry.find(model, task)
    if not served.is_arc:
        raise HTTPException(404, f"model {served.model} is no ARC model")
    return served
