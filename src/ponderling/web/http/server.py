"""HTTP around the engine: the routes of /v1. `middleware.py` and the page are around it.

Nothing that a request says names a file or a module: models are loaded before the first request, the page is read into memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteError
from starlette.middleware.gzip import GZipMiddleware

import ponderling
from ponderling.halting import times_asked
from ponderling.models import Relational
from ponderling.solving.records import Answer
from ponderling.solving.search import PLAIN
from ponderling.solving.why import check_why
from ponderling.solving.why import why as why_of
from ponderling.tasks.base import PuzzleError, Question
from ponderling.tasks.grid_task import GridTask
from ponderling.web import catalog
from ponderling.web.boards import MOST_CELLS, text_for, text_of
from ponderling.web.http import arc
from ponderling.web.http.learning import Learning
from ponderling.web.http.middleware import Guard
from ponderling.web.http.monitoring import add_operations
from ponderling.web.http.page_files import Front
from ponderling.web.http.problems import describe_problems, problem
from ponderling.web.http.reading import Reader, answers_of, expect_room, state_after
from ponderling.web.http.schemas import (
    MOST_ATTEMPTS,
    MOST_PUZZLES,
    MOST_STEPS,
    ArcList,
    ArcTaskResponse,
    Family,
    LearnRequest,
    ModelInfo,
    Models,
    PuzzleResponse,
    SolveRequest,
    SolveResponse,
    ThinkRequest,
    ToldBy,
    VoteRequest,
    VoteResponse,
    WhyRequest,
    WhyResponse,
    problems,
)
from ponderling.web.http.served import Registry, Served
from ponderling.web.http.streams import EventStream, all_at_once, events_of, solved, votes_of
from ponderling.web.http.turns import Turns
from ponderling.web.questions import Checker
from ponderling.web.settings import DEFAULTS, Settings
from ponderling.web.shares import client_of
from ponderling.web.traffic import Traffic

LOG = logging.getLogger("ponderling.web")

STREAM = """Server-sent events: `start`, a `step` for every supervision step, and `end` or `problem`; of a model that may stop
within a step (`recursions` of /v1/models above 1) a `step` for every recursion. It holds the attempt, its step, the recursion
in that step, the grid's tokens, `probabilities` of every token in each cell in thousandths, the halting probability, cells
that break a rule, and cells whose symbol was guessed. With `changes` it also holds, in thousandths, how much each cell's hidden
state changed.

With `compact` a `step` leaves out `tokens`, `probabilities` and `change`, and has `bytes` in their place, in base64: of a grid
with L cells and V tokens first ceil(L / 8) bytes whose bits, the lowest first, say which cells have changed since the attempt's
last step (since zeros in its first one); for each of these cells its token, then V probabilities in parts of 255; and with
`changes` for every cell the root of `change` in parts of 255, where 255 is the root of `most_change`. Other cells are as they
were. What is empty, false, or 1 of `attempt` and `recursion` is left out, too. `start` says L as `cells` and V as
`tokens`."""
STREAM_EXAMPLE = """event: step
data: {"attempt":1,"step":1,"recursion":1,"tokens":[2,3],"probabilities":[[0,0,988,12],[0,0,3,997]],"halt_probability":0.02,\
"halts":false,"wrong":[],"reasons":[],"guessed":[]}

"""
VOTE_STREAM_EXAMPLE = """event: progress
data: {"done":36,"of":144}

"""


LEARN_STREAM_EXAMPLE = """event: progress
data: {"done":36,"of":300}

"""

LEAST_COMPRESSED = 1000
"""Bytes from which on a reply is compressed."""


def create_app(registry: Registry, settings: Settings = DEFAULTS) -> Guard:
    """The ASGI application; the engine and the checks of questions run from its start to its shutdown."""
    traffic = Traffic()
    return Guard(Front(create_api(registry, settings, traffic=traffic)), settings, traffic=traffic)


def create_api(registry: Registry, settings: Settings, *, traffic: Traffic) -> FastAPI:
    """What is behind `Guard` and the page."""
    engine = registry.engine
    checker = Checker([served.task for tasks in registry.models.values() for served in tasks.values()])

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine.start()
        checker.start()
        yield
        await asyncio.to_thread(engine.close)
        await asyncio.to_thread(checker.close)

    app = FastAPI(
        title="Ponderling",
        version=ponderling.__version__,
        description="Tiny recursive reasoners: puzzles in, checked answers out, or every step of the thinking.",
        docs_url=None,  # they load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,  # they would repeat the host that the client names
        lifespan=lifespan,
    )
    app.add_middleware(GZipMiddleware, minimum_size=LEAST_COMPRESSED, compresslevel=6)
    turns = Turns(engine.shares)
    _add_api(app, registry, settings=settings, checker=checker, traffic=traffic, turns=turns)
    _add_arc(app, registry, settings=settings, turns=turns)
    add_operations(app, registry, traffic=traffic)
    _add_problems(app)
    return app


def _add_problems(app: FastAPI) -> None:
    """Every error in one form, and its description."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        texts = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        return problem(422, "; ".join(texts))

    @app.exception_handler(StarletteError)
    async def refused(request: Request, error: StarletteError) -> Response:
        return problem(error.status_code, error.detail, headers=error.headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return problem(500, f"the server failed: {type(error).__name__}")  # `Guard` logs it

    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe_problems(describe())
        return describe()

    app.openapi = openapi


def _add_api(
    app: FastAPI, registry: Registry, *, settings: Settings, checker: Checker, traffic: Traffic, turns: Turns
) -> None:
    engine = registry.engine

    async def asked_of(
        served: Served, puzzles: list[str | list[Any]], *, client: str, numbered: bool, check: bool = True
    ) -> list[Asked]:
        """What is asked; 422 with the reason for the first puzzle that is refused, as `Solver.solve` refuses it."""
        where = [f"puzzle {i}: " if numbered else "" for i in range(1, len(puzzles) + 1)]
        asked = [
            _parse(served, puzzle, where=place, client=client) for puzzle, place in zip(puzzles, where, strict=True)
        ]
        if check and not served.is_arc:  # those are the tasks that it knows
            outcomes = await checker.check(served.task, [one.question.tokens for one in asked], client=client)
            for place, outcome in zip(where, outcomes, strict=True):
                if outcome.problem is not None:
                    traffic.refusals["question"] += 1
                    raise HTTPException(422, place + outcome.problem)
        return asked

    @app.get("/v1/models", responses=problems(401), summary="What is served")
    async def models() -> Models:
        return Models(
            models=[_model_info(name, tasks) for name, tasks in registry.models.items()],
            limits={"steps": MOST_STEPS, "attempts": MOST_ATTEMPTS, "puzzles": MOST_PUZZLES},
        )

    @app.post(
        "/v1/solve",
        responses=problems(400, 401, 404, 408, 413, 422, 503, 504),
        summary="The answers to one or many puzzles",
    )
    async def solve(body: SolveRequest, request: Request) -> SolveResponse:
        served = registry.find(body.model, body.task, puzzles=[text_of(puzzle) for puzzle in body.puzzles])
        search, steps, client = body.search(served), body.steps or served.steps, _client(request)
        expect_room(engine, served, count=len(body.puzzles), client=client)
        asked = await asked_of(served, body.puzzles, client=client, numbered=True)
        questions = [one.question for one in asked]
        reader = Reader(engine, settings, served=served, questions=questions, search=search, steps=steps, client=client)
        answers = await answers_of(reader, request, settings=settings)
        families = [served.task.as_written(one.text) for one in asked]  # answers are in a puzzle's own symbols
        found = zip(families, questions, answers, strict=True)
        results = [solved(family, question.tokens, answer=answer) for family, question, answer in found]
        return SolveResponse(model=served.model, task=served.task.name, results=results)

    @app.post(
        "/v1/think",
        responses={
            200: {
                "description": STREAM,
                "content": {
                    "text/event-stream": {
                        "schema": {"type": "string"},
                        "example": STREAM_EXAMPLE,
                    }
                },
            },
            **problems(400, 401, 404, 408, 413, 422, 503),
        },
        response_class=EventStream,
        summary="Every step of the thinking about a puzzle, as it happens",
    )
    async def think(body: ThinkRequest, request: Request) -> EventStream:
        served = registry.find(body.model, body.task, puzzles=[text_of(body.puzzle)])
        search, steps, client = body.search(served), body.steps or served.steps, _client(request)
        expect_room(engine, served, count=1, client=client, watched=True)
        ((_, question),) = await asked_of(served, [body.puzzle], client=client, numbered=False, check=body.check)
        reader = Reader(
            engine, settings, served=served, questions=[question], search=search, steps=steps, client=client,
            watched=True, changes=body.changes,
        )  # fmt: skip
        return EventStream(
            events_of(reader, served, question=question.tokens, compact=body.compact), reader.close, request=request
        )

    @app.post(
        "/v1/why",
        responses=problems(400, 401, 404, 408, 413, 422, 503, 504),
        summary="Which row, box or neighbour told a cell its symbol",
    )
    async def why(body: WhyRequest, request: Request) -> WhyResponse:
        served = registry.find(body.model, body.task, puzzles=[text_of(body.puzzle)])
        solver, client = served.lane.solver, _client(request)
        model, count = _as_told(served), times_asked(solver.model, solver.config)
        question = _parse(served, body.puzzle, where="", client=client).question
        if body.cell >= len(question.tokens) or body.recursion > count:
            cells = f"a cell from 0 to {len(question.tokens) - 1} and a recursion from 1 to {count}"
            raise HTTPException(422, f"expected {cells}: got {body.cell} and {body.recursion}")
        moment, state = (body.step - 1) * count + body.recursion, model.initial_state(1)
        if moment > 1:
            reader = Reader(
                engine, settings, served=served, questions=[question], search=PLAIN, steps=body.step, client=client,
                early_exit=False, watched=True, states=True,
            )  # fmt: skip
            state = await state_after(reader, request, moment=moment - 1, settings=settings)
        ask = functools.partial(
            why_of,
            model,
            question.tokens,
            cell=body.cell,
            state=state,
            config=solver.config,
            grid=served.task.grid_shape,
        )
        found = await turns.take(ask, client=client, what="questions why wait")
        told = [ToldBy(name=one.name, cells=list(one.cells), effect=round(one.effect, 4)) for one in found.told]
        return WhyResponse(
            model=served.model, task=served.task.name, cell=body.cell, token=found.token,
            probability=round(found.probability, 4), before=round(found.before, 4), told=told,
        )  # fmt: skip

    @app.get("/v1/puzzle", responses=problems(401, 404, 422), summary="A puzzle to try, by difficulty")
    async def puzzle(
        request: Request,
        *,
        model: Annotated[str | None, Query(max_length=200)] = None,
        task: Annotated[str | None, Query(max_length=200)] = None,
        difficulty: Annotated[Literal["easy", "medium", "hard", "random"], Query()] = "easy",
        seed: Annotated[
            int | None, Query(ge=0, le=2**31 - 1, description="The same seed gives the same puzzle.")
        ] = None,
    ) -> PuzzleResponse:
        served = registry.find(model, task)
        if difficulty == catalog.RANDOM and served.sizes is not None:
            family = served.task
            assert isinstance(family, GridTask)
            make = functools.partial(family.one_to_try, np.random.default_rng(seed))
            try:
                tokens = await turns.take(make, client=_client(request), what="puzzles are being made")
            except PuzzleError as error:
                raise HTTPException(422, str(error)) from None
            return PuzzleResponse(
                model=served.model, task=served.task.name, puzzle=served.task.format(tokens), difficulty=difficulty,
                rating=None,
            )  # fmt: skip
        if difficulty not in served.puzzles:
            raise HTTPException(404, f"no puzzles of {served.task.name} come with the package")
        offer = catalog.draw(served.task, served.puzzles[difficulty], rng=np.random.default_rng(seed))
        return PuzzleResponse(
            model=served.model, task=served.task.name, puzzle=served.task.format(offer.tokens), difficulty=difficulty,
            rating=offer.rating,
        )  # fmt: skip


def _add_arc(app: FastAPI, registry: Registry, *, settings: Settings, turns: Turns) -> None:
    learning = Learning(registry, settings)

    @app.get("/v1/arc/tasks", responses=problems(401, 404, 422), summary="The ARC tasks that a model knows")
    async def tasks(model: Annotated[str | None, Query(max_length=200)] = None) -> ArcList:
        served = _arc_model(registry, model, task=None)
        return ArcList(model=served.model, task=served.task.name, tasks=arc.entries(served))

    @app.get("/v1/arc/task", responses=problems(401, 404, 422), summary="An ARC task: its pairs and test inputs")
    async def task(
        name: Annotated[str, Query(max_length=MOST_CELLS)], model: Annotated[str | None, Query(max_length=200)] = None
    ) -> ArcTaskResponse:
        served = _arc_model(registry, model, task=None)
        if name not in served.arc_tasks:
            raise HTTPException(404, f"no task {name[:80]!r}: see /v1/arc/tasks")
        return arc.whole_task(served, name)

    @app.post(
        "/v1/vote",
        response_model=VoteResponse,
        responses={
            200: {
                "description": "The votes; with `stream`, server-sent events: `progress` (`{done, of}`, in supervision steps "
                "of all views), and `end` with the votes, or `problem`.",
                "content": {"text/event-stream": {"schema": {"type": "string"}, "example": VOTE_STREAM_EXAMPLE}},
            },
            **problems(400, 401, 404, 408, 413, 422, 503, 504),
        },
        summary="The answers to an ARC test input under several views, and their votes",
    )
    async def vote(body: VoteRequest, request: Request) -> VoteResponse | EventStream:
        served = _arc_model(registry, body.model, task=body.task)
        steps = body.steps or served.steps
        try:
            if served.lane.solver.config.solve.as_demonstrated:
                ask = functools.partial(arc.heard_at_once, served, body.puzzle, count=body.views, steps=steps)
                answers = await turns.take(ask, client=_client(request), what="votes wait")
                votes = arc.tally(served, body.puzzle, answers=answers, steps=steps)
                return EventStream(all_at_once(votes), request=request) if body.stream else votes
            views = arc.views(served, body.puzzle, count=body.views)
        except PuzzleError as error:
            raise HTTPException(422, str(error)) from None
        # As in `ponderling eval`: all steps are taken, whatever the halting head says.
        questions = [Question(tokens, int(row)) for tokens, row in zip(views.tokens, views.puzzle_ids, strict=True)]
        reader = Reader(
            registry.engine, settings, served=served, questions=questions, search=PLAIN, steps=steps,
            client=_client(request), early_exit=False, watched=body.stream,
        )  # fmt: skip

        def tally(answers: list[Answer]) -> VoteResponse:
            return arc.tally(served, body.puzzle, answers=arc.heard(served, views, found=answers), steps=steps)

        if body.stream:
            return EventStream(votes_of(reader, len(questions) * steps, tally=tally), reader.close, request=request)
        return tally(await answers_of(reader, request, settings=settings))

    @app.post(
        "/v1/arc/learn",
        responses={
            200: {
                "description": "Server-sent events: `start`, `progress` (`{done, of}`, in optimizer steps), and `end` with the "
                "task and the name of the model that knows it now, or `problem`.",
                "content": {"text/event-stream": {"schema": {"type": "string"}, "example": LEARN_STREAM_EXAMPLE}},
            },
            **problems(400, 401, 404, 408, 413, 422, 503),
        },
        response_class=EventStream,
        summary="Learns an ARC task from its demonstrations, and keeps it for a while under a name of its own",
    )
    async def learn(body: LearnRequest, request: Request) -> Response:
        return learning.stream(body, request, client=_client(request))


def _arc_model(registry: Registry, model: str | None, *, task: str | None) -> Served:
    served = registry.find(model, task)
    if not served.is_arc:
        raise HTTPException(404, f"model {served.model} is no ARC model")
    return served


def _as_told(served: Served) -> Relational:
    try:
        return check_why(served.lane.solver.model)
    except ValueError as error:
        raise HTTPException(422, f"model {served.model}: {error}") from None


def _model_info(name: str, tasks: dict[str, Served]) -> ModelInfo:
    solver = next(iter(tasks.values())).lane.solver
    parameters = sum(p.numel() for p in solver.model.parameters())  # pyright: ignore[reportAttributeAccessIssue]
    return ModelInfo(
        name=name, system=solver.config.model.system, parameters=parameters, steps=solver.config.train.N_sup,
        recursions=times_asked(solver.model, solver.config),
        tasks=[Family(**served.about) for served in tasks.values()],
    )  # fmt: skip


class Asked(NamedTuple):
    """A puzzle as text that the family reads, and as a question."""

    text: str
    question: Question


def _parse(served: Served, puzzle: str | list[Any], *, where: str, client: str) -> Asked:
    """What is asked; 422 with the reason where the task cannot read it, as with clues that contradict."""
    try:
        text = text_for(served.task, puzzle)
        return Asked(text, arc.question(served, text) if served.is_arc else Question(served.task.parse(text)))
    except PuzzleError as error:
        raise HTTPException(422, f"{where}{error}") from None
    except Exception as error:  # a family's own code
        LOG.exception("%s could not read a puzzle of %s", served.task.name, client)
        raise HTTPException(
            422, f"{where}the code of {served.task.name} failed on this puzzle: {type(error).__name__}"
        ) from None


def _client(request: Request) -> str:
    """Whose request this is."""
    return client_of(request.client.host) if request.client else ""
