"""HTTP around the engine: /v1/solve, /v1/think, /v1/models, /v1/puzzle, ARC's routes and the page. `guard.py` is around it.

Nothing that a request says names a file or a module: models are loaded before the first request, the page is read into memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse

import ponderling
from ponderling.config import Search
from ponderling.halting import times_asked
from ponderling.solving.records import Answer
from ponderling.solving.result import Result
from ponderling.solving.search import PLAIN
from ponderling.tasks.base import PuzzleError, Question, Task, Tokens, Verdict
from ponderling.tasks.grid_task import GridTask
from ponderling.web import arc, catalog
from ponderling.web.engine import Answered, Busy, Ended, Engine, Event, Job, Stepped
from ponderling.web.middleware import Guard
from ponderling.web.monitoring import Traffic, add_operations
from ponderling.web.questions import Checker
from ponderling.web.schemas import (
    MOST_ATTEMPTS,
    MOST_CELLS,
    MOST_PUZZLES,
    MOST_STEPS,
    ArcList,
    ArcTaskResponse,
    Family,
    ModelInfo,
    Models,
    PuzzleResponse,
    Solved,
    SolveRequest,
    SolveResponse,
    ThinkRequest,
    VoteRequest,
    VoteResponse,
    problems,
)
from ponderling.web.served import DEFAULTS, Registry, Served, Settings
from ponderling.web.shares import client_of

LOG = logging.getLogger("ponderling.web")

HEARTBEAT = 5.0
"""Seconds of silence after which a stream of events says that it is still there."""

MOST_MAKERS = 8
"""Number of requests for a random puzzle that may wait."""

PAGE_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".png": "image/png",
}

BUSY = {
    "queue": "busy: the queue is full",
    "slow": "busy: others would slow this too much",
    "closing": "the server is shutting down",
}
"""What is said for each reason of `Busy`."""

STREAM = """Server-sent events: `start`, a `step` for every supervision step, and `end` or `problem`; of a model that may stop
within a step (`recursions` of /v1/models above 1) a `step` for every recursion. It holds the attempt, its step, the recursion
in that step, the grid's tokens, `probabilities` of every token in each cell in thousandths, the halting probability, cells
that break a rule, and cells whose symbol was guessed. With `changes` it also holds, in thousandths, how much each cell's hidden
state changed."""
STREAM_EXAMPLE = """event: step
data: {"attempt":1,"step":1,"recursion":1,"tokens":[2,3],"probabilities":[[0,0,988,12],[0,0,3,997]],"halt_probability":0.02,\
"halts":false,"wrong":[],"reasons":[],"guessed":[]}

"""
VOTE_STREAM_EXAMPLE = """event: progress
data: {"done":36,"of":144}

"""


def create_app(registry: Registry, settings: Settings = DEFAULTS) -> Guard:
    """The ASGI application; the engine and the checks of questions run from its start to its shutdown."""
    engine = registry.engine
    traffic = Traffic()
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
        lifespan=lifespan,
    )
    _add_api(app, registry, settings=settings, checker=checker, traffic=traffic)
    _add_arc(app, registry, settings=settings)
    add_operations(app, registry, traffic=traffic)
    _add_page(app, read_page())

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        texts = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        return JSONResponse({"detail": "; ".join(texts)}, 422)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": f"the server failed: {type(error).__name__}"}, 500)  # `Guard` logs it

    return Guard(app, settings, traffic=traffic)


def _add_api(app: FastAPI, registry: Registry, *, settings: Settings, checker: Checker, traffic: Traffic) -> None:
    engine = registry.engine
    makers = Makers(engine)

    async def questions_of(
        served: Served, puzzles: list[str], *, client: str, numbered: bool, check: bool = True
    ) -> list[Question]:
        """The questions; 422 with the reason for the first one that is refused, as `Solver.solve` refuses it."""
        where = [f"puzzle {i}: " if numbered else "" for i in range(1, len(puzzles) + 1)]
        questions = [_parse(served, puzzle, where=place) for puzzle, place in zip(puzzles, where, strict=True)]
        if check and not served.arc_tasks:  # those are the tasks that it knows
            outcomes = await checker.check(served.task, [q.tokens for q in questions], client=client)
            for place, outcome in zip(where, outcomes, strict=True):
                if outcome.problem is not None:
                    traffic.refusals["question"] += 1
                    raise HTTPException(422, place + outcome.problem)
        return questions

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
        served = registry.find(body.model, body.task, puzzles=body.puzzles)
        search, steps, client = body.search(served), body.steps or served.steps, _client(request)
        questions = await questions_of(served, body.puzzles, client=client, numbered=True)
        reader = Reader(engine, settings, served=served, questions=questions, search=search, steps=steps, client=client)
        answers = await _answers(reader, request, settings=settings)
        families = [served.task.as_written(puzzle) for puzzle in body.puzzles]  # answers are in a puzzle's own symbols
        found = zip(families, questions, answers, strict=True)
        results = [_solved(family, question.tokens, answer=answer) for family, question, answer in found]
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
        served = registry.find(body.model, body.task, puzzles=[body.puzzle])
        search, steps, client = body.search(served), body.steps or served.steps, _client(request)
        (question,) = await questions_of(served, [body.puzzle], client=client, numbered=False, check=body.check)
        reader = Reader(
            engine, settings, served=served, questions=[question], search=search, steps=steps, client=client,
            watched=True, changes=body.changes,
        )  # fmt: skip
        return EventStream(_events(reader, served, question=question.tokens), reader.close)

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
            tokens = await makers.make(served.task, seed, client=_client(request))
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


def _add_arc(app: FastAPI, registry: Registry, *, settings: Settings) -> None:
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
        try:
            views = arc.views(served, body.puzzle, count=body.views)
        except PuzzleError as error:
            raise HTTPException(422, str(error)) from None
        # As in `ponderling eval`: all steps are taken, whatever the halting head says.
        steps = body.steps or served.steps
        questions = [Question(tokens, int(row)) for tokens, row in zip(views.tokens, views.puzzle_ids, strict=True)]
        reader = Reader(
            registry.engine, settings, served=served, questions=questions, search=PLAIN, steps=steps,
            client=_client(request), early_exit=False, watched=body.stream,
        )  # fmt: skip

        def tally(answers: list[Answer]) -> VoteResponse:
            return arc.tally(served, body.puzzle, shown=views, found=answers, steps=steps)

        if body.stream:
            return EventStream(_votes(reader, len(questions) * steps, tally=tally), reader.close)
        return tally(await _answers(reader, request, settings=settings))


def _arc_model(registry: Registry, model: str | None, *, task: str | None) -> Served:
    served = registry.find(model, task)
    if not served.arc_tasks:
        raise HTTPException(404, f"model {served.model} is no ARC model")
    return served


def _model_info(name: str, tasks: dict[str, Served]) -> ModelInfo:
    solver = next(iter(tasks.values())).lane.solver
    parameters = sum(p.numel() for p in solver.model.parameters())  # pyright: ignore[reportAttributeAccessIssue]
    return ModelInfo(
        name=name, system=solver.config.model.system, parameters=parameters, steps=solver.config.train.N_sup,
        recursions=times_asked(solver.model, solver.config),
        tasks=[Family(**served.about) for served in tasks.values()],
    )  # fmt: skip


def _parse(served: Served, puzzle: str, *, where: str = "") -> Question:
    """The question; 422 with the reason where the task cannot read it, as with clues that contradict."""
    try:
        return arc.question(served, puzzle) if served.arc_tasks else Question(served.task.parse(puzzle))
    except PuzzleError as error:
        raise HTTPException(422, f"{where}{error}") from None
    except Exception as error:  # a family's own code
        LOG.exception("%s could not read a puzzle", served.task.name)
        raise HTTPException(
            422, f"{where}the code of {served.task.name} failed on this puzzle: {type(error).__name__}"
        ) from None


def _client(request: Request) -> str:
    """Whose request this is."""
    return client_of(request.client.host) if request.client else ""


def _raise_if(end: Ended, settings: Settings) -> None:
    if end.kind == "late":
        raise HTTPException(504, f"not done within the {settings.seconds:g} seconds a request may take")
    if end.kind == "cancelled":
        raise HTTPException(503, "the server is shutting down", {"Retry-After": "5"})
    if end.kind == "displaced":
        raise HTTPException(503, end.problem, {"Retry-After": "5"})
    if end.kind == "rules":
        raise HTTPException(422, end.problem)
    if end.problem:
        raise HTTPException(500, end.problem)


def _solved(task: Task, question: Tokens, *, answer: Answer) -> Solved:
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


class Makers:
    """Random puzzles of a family's own generator, made one after the other in a thread; the time counts as its client's."""

    def __init__(self, engine: Engine):
        self.engine, self.waiting, self.turn = engine, 0, asyncio.Lock()

    async def make(self, task: Task, seed: int | None, *, client: str) -> Tokens:
        """A random question (L,).

        Raises:
            HTTPException: 503, when MOST_MAKERS wait; 422, when no puzzle could be found.
        """
        assert isinstance(task, GridTask)
        if self.waiting >= MOST_MAKERS:
            raise HTTPException(503, "busy: too many puzzles are being made", {"Retry-After": "2"})
        self.waiting += 1
        try:
            async with self.turn:
                began = time.monotonic()
                tokens = await asyncio.to_thread(task.one_to_try, np.random.default_rng(seed))
                self.engine.shares.charge(client, time.monotonic() - began)
                return tokens
        except PuzzleError as error:
            raise HTTPException(422, str(error)) from None
        finally:
            self.waiting -= 1


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
    ):
        self.engine, self.events = engine, asyncio.Queue[Event]()
        loop = asyncio.get_running_loop()
        put = self.events.put_nowait

        def emit(event: Event) -> None:
            loop.call_soon_threadsafe(put, event)

        try:
            self.job = Job(
                served.lane, questions, search=search, steps=steps, emit=emit, seconds=settings.seconds,
                early_exit=early_exit, watched=watched, changes=changes, client=client,
            )  # fmt: skip
            engine.submit(self.job)
        except Busy as busy:
            raise HTTPException(
                503,
                BUSY[busy.reason],
                {"Retry-After": str(busy.retry_after)},
            ) from None
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


async def _answers(reader: Reader, request: Request, *, settings: Settings) -> list[Answer]:
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


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class EventStream(StreamingResponse):
    """Server-sent events; `closed` is called however the response ends, even if it never began."""

    media_type = "text/event-stream"

    def __init__(self, content: Any, closed: Callable[[], None], *, status_code: int = 200):
        super().__init__(content, status_code)
        self.closed = closed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Sends the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.closed()


async def _events(reader: Reader, served: Served, *, question: Tokens) -> AsyncIterator[str]:
    task = served.task
    yield _event("start", {"model": served.model, "task": task.name, "question": task.format(question)})
    while True:
        event = await reader.next(patience=HEARTBEAT)
        if event is None:
            yield ": thinking\n\n"
        elif isinstance(event, Stepped):
            # In a thread, since the rules of a large maze take a while.
            yield _event("step", await asyncio.to_thread(_step_json, task, question, event=event))
        elif isinstance(event, Answered):
            yield _event("end", _solved(task, question, answer=event.answer).model_dump())
        else:
            if event.problem:
                yield _event("problem", {"detail": event.problem})
            return


async def _votes(reader: Reader, steps: int, *, tally: Callable[[list[Answer]], VoteResponse]) -> AsyncIterator[str]:
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
                yield _event("progress", {"done": done, "of": steps})
        elif isinstance(event, Answered):
            answers.append(event.answer)
        elif event.problem:
            yield _event("problem", {"detail": event.problem})
            return
        else:
            yield _event("end", tally(answers).model_dump())
            return


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _step_json(task: Task, question: Tokens, *, event: Stepped) -> dict[str, Any]:
    step = event.step
    verdict, _ = _judge(task, question, answer=step.tokens)
    change = {} if step.change is None else {"change": np.rint(1000 * step.change).astype(int).tolist()}
    return {
        "attempt": event.attempt,
        "step": step.step,
        "recursion": step.recursion,
        "tokens": step.tokens.tolist(),
        "probabilities": np.rint(1000 * step.probabilities).astype(int).tolist(),
        "halt_probability": round(step.halt_probability, 4),
        "halts": step.wants_to_halt,
        "wrong": list(verdict.wrong_cells),
        "reasons": list(verdict.reasons[:6]),
        "guessed": list(step.guessed),
        **change,
    }


# The page


def read_page() -> dict[str, bytes]:
    """The page's files by name."""
    folder = resources.files("ponderling.web") / "page"
    return {file.name: file.read_bytes() for file in folder.iterdir() if Path(file.name).suffix in PAGE_TYPES}


def _add_page(app: FastAPI, files: dict[str, bytes]) -> None:
    def respond(name: str) -> Response:
        if name not in files:
            raise HTTPException(404, "no such page")
        return Response(files[name], media_type=PAGE_TYPES[Path(name).suffix], headers={"cache-control": "no-cache"})

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return respond("index.html")

    @app.get("/{name}", include_in_schema=False)
    async def file(name: str) -> Response:
        return respond(name)
