"""HTTP around the engine: /v1/solve, /v1/think, /v1/models, /v1/puzzle, /healthz, /metrics and the page.

Nothing that a request says names a file or a module: models are loaded before the first request, the page is read into memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

import ponderling
from ponderling.checkpoint import load_checkpoint
from ponderling.config import Choice, DType
from ponderling.inference import Solver
from ponderling.search import Budget, Found
from ponderling.tasks.base import PuzzleError, Puzzles, Task, Tokens
from ponderling.web import offers
from ponderling.web.engine import Answered, Busy, Ended, Engine, Event, Job, Lane, Stepped

MOST_STEPS, MOST_ATTEMPTS, MOST_PUZZLES, MOST_CELLS = 256, 256, 128, 4096
"""Of one request: supervision steps of an attempt, attempts, puzzles, and characters of a puzzle."""

MOST_BYTES = 256 * 1024
"""Of a request's body."""

BODY_SECONDS = 10.0
"""In which a request's body must arrive."""

HEARTBEAT = 5.0
"""Seconds of silence after which a stream of events says that it is still there."""

PAGE_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}

EXAMPLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"

STREAM = """Server-sent events: `start`, a `step` for every supervision step, and `end` or `problem`. A step holds the attempt,
its step, the grid's tokens, `probabilities` of every token in each cell in thousandths, the halting probability, cells that
break a rule, and cells whose symbol was guessed."""
STREAM_EXAMPLE = """event: step
data: {"attempt":1,"step":1,"tokens":[2,3],"probabilities":[[0,0,988,12],[0,0,3,997]],"halt_probability":0.02,"halts":false,\
"wrong":[],"reasons":[],"guessed":[]}

"""

Puzzle = Annotated[str, Field(min_length=1, max_length=MOST_CELLS, examples=[EXAMPLE])]


@dataclass(frozen=True)
class Settings:
    """How the server is run."""

    token: str | None = None
    """Bearer token that /v1 and /metrics ask for; None: none."""
    hosts: tuple[str, ...] | None = None
    """Host names under which it answers; None: any. A server without a token names them, against DNS rebinding."""
    seconds: float = 120.0
    """Most time for a request."""


@dataclass
class Served:
    """One puzzle family of one model."""

    model: str
    lane: Lane
    about: dict[str, Any]
    puzzles: dict[str, Puzzles]

    @property
    def task(self) -> Task:
        """Its rules."""
        return self.lane.solver.task

    @property
    def steps(self) -> int:
        """Supervision steps as in training."""
        return self.lane.solver.config.train.N_sup


@dataclass
class Registry:
    """What is served, by model and task; filled before the first request and never after."""

    engine: Engine
    models: dict[str, dict[str, Served]] = field(default_factory=dict)

    def load(
        self, name: str, checkpoint: str | Path, slots: int, device: str = "cpu", dtype: DType | None = None
    ) -> None:
        """Loads a checkpoint under this name, on all puzzle families that it can be used on."""
        first = load_checkpoint(checkpoint, device, dtype)
        own = first.config.data.task
        for task in offers.families(first):
            loaded = first if task == own else load_checkpoint(checkpoint, device, dtype, task=task)
            self.add(name, Solver.of(loaded, device), own, slots)

    def add(self, name: str, solver: Solver, trained_on: str, slots: int) -> None:
        """Serves this solver."""
        lane = self.engine.add_lane(solver, slots)
        about = offers.describe(solver, trained_on)
        served = Served(name, lane, about, offers.puzzles_by_difficulty(solver.task))
        about["difficulties"] = list(served.puzzles)
        self.models.setdefault(name, {})[solver.task.name] = served

    def find(self, model: str | None, task: str | None) -> Served:
        """The one that is meant; the first where nothing is said.

        Raises:
            HTTPException: 404, naming those there are.
        """
        name = next(iter(self.models)) if model is None else model
        if name not in self.models:
            raise HTTPException(404, f"no model {name[:80]!r}: there are {', '.join(self.models)}")
        tasks = self.models[name]
        if task is not None and task not in tasks:
            raise HTTPException(404, f"model {name} is not served on {task[:80]!r}: there are {', '.join(tasks)}")
        return tasks[task] if task is not None else next(iter(tasks.values()))


class Options(BaseModel):
    """Which model, and what may be spent: as of `ponderling solve`."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(
        None, max_length=200, description="One of /v1/models; else the first.", examples=["sudoku"]
    )
    task: str | None = Field(
        None,
        max_length=200,
        description="One of its puzzle families; else its own.",
        examples=["sudoku9"],
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=MOST_STEPS,
        description="Most supervision steps; as many as in training if not given.",
        examples=[16],
    )
    restarts: int = Field(
        0, ge=0, le=MOST_ATTEMPTS, description="Further attempts where plain thinking finds no answer."
    )
    search_steps: int | None = Field(
        None,
        ge=1,
        le=MOST_STEPS,
        description="Most steps of a further attempt; else `steps`.",
        examples=[12],
    )
    guess_every: int = Field(
        3, ge=0, le=MOST_STEPS, description="A further attempt guesses every so many steps; 0: never."
    )
    noise: float = Field(
        0.0, ge=0, le=10, allow_inf_nan=False, description="Noise on the state a further attempt starts from."
    )
    views: int = Field(0, ge=0, le=MOST_ATTEMPTS, description="Further attempts under a random symmetry each.")
    choose: Choice = Field("halting", description="Who chooses among answers.")
    verify: bool = Field(False, description="Let the task's rules choose: the first answer that they accept.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Of guesses and noise.")

    def budget(self, served: Served) -> Budget:
        """What may be spent.

        Raises:
            HTTPException: 422, when options contradict each other.
        """
        # Where there is one attempt, that of most attempts is its last word, which is what `ponderling solve` answers.
        alone = not (self.restarts or self.views or self.verify)
        try:
            return Budget(
                self.steps or served.steps, self.restarts, self.search_steps, self.noise, self.guess_every, self.views,
                "agreement" if alone else self.choose, self.verify,
            )  # fmt: skip
        except ValueError as error:
            raise HTTPException(422, str(error)) from None


class SolveRequest(Options):
    """One or many puzzles."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"puzzles": [EXAMPLE]}, {"puzzles": [EXAMPLE], "restarts": 8}]}
    )
    puzzles: list[Puzzle] = Field(min_length=1, max_length=MOST_PUZZLES)


class ThinkRequest(Options):
    """One puzzle to watch."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"puzzle": EXAMPLE}]})
    puzzle: Puzzle


class Solved(BaseModel):
    """An answer, and what the rules say of it."""

    question: str = Field(examples=[EXAMPLE])
    answer: str = Field(description="A dot where the model left a cell blank.", examples=[ANSWER])
    valid: bool | None = Field(description="Every rule holds and every clue is kept; null where the task has no rules.")
    reasons: list[str] = Field(description="Which rules are broken.", examples=[[]])
    steps: int = Field(description="Supervision steps, of all attempts.", examples=[1])
    attempts: int = Field(description="Attempts started; 1: plain thinking alone.", examples=[1])
    attempt: int = Field(description="The one that gave the answer.", examples=[1])
    halted: bool = Field(description="The model said stop at this answer.", examples=[True])
    halt_probability: float = Field(description="How sure it is that the answer is right.", examples=[0.998])


class SolveResponse(BaseModel):
    """The answers, in the puzzles' order."""

    model: str = Field(examples=["sudoku"])
    task: str = Field(examples=["sudoku9"])
    results: list[Solved]


class Family(BaseModel):
    """A puzzle family that a model is served on; token 0 is padding."""

    task: str = Field(examples=["sudoku4"])
    kind: Literal["sudoku", "maze", "grid"] = Field(description="How the page draws it.")
    rows: int = Field(examples=[4])
    columns: int = Field(examples=[4])
    box: list[int] = Field(description="Rows and columns of a box.", examples=[[2, 2]])
    symbols: list[str] = Field(description="How each token is shown.", examples=[["", "", "1", "2", "3", "4"]])
    characters: list[str] = Field(description="How each token is written.", examples=[["", ".", "1", "2", "3", "4"]])
    blank: int = Field(description="The token of a cell that is not given.", examples=[1])
    groups: list[list[int]] = Field(
        description="Groups of cells that hold each symbol once.", examples=[[[0, 1, 2, 3]]]
    )
    has_rules: bool
    trained: bool = Field(description="The model was trained on this family.")
    difficulties: list[str] = Field(description="What /v1/puzzle has.", examples=[["easy", "medium", "hard"]])


class ModelInfo(BaseModel):
    """A loaded model."""

    name: str = Field(examples=["sudoku"])
    system: str = Field(description="The network.", examples=["relational"])
    parameters: int = Field(examples=[41153])
    steps: int = Field(description="Supervision steps in training.", examples=[16])
    tasks: list[Family]


class Models(BaseModel):
    """All loaded models, and the limits of a request."""

    models: list[ModelInfo]
    limits: dict[str, int] = Field(examples=[{"steps": MOST_STEPS, "attempts": MOST_ATTEMPTS, "puzzles": MOST_PUZZLES}])


class PuzzleResponse(BaseModel):
    """A puzzle to try."""

    model: str = Field(examples=["sudoku"])
    task: str = Field(examples=["sudoku9"])
    puzzle: str = Field(examples=[EXAMPLE])
    difficulty: str = Field(examples=["hard"])
    rating: int | None = Field(description="On the family's own scale.", examples=[2])


class Problem(BaseModel):
    """What is wrong, in one line."""

    detail: str = Field(examples=["puzzle 1: expected 81 cells for 9x9, got 80"])


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The documented responses of these codes."""
    texts = {
        400: "The body cannot be read.",
        401: "The bearer token is missing or wrong.",
        404: "No such model, task or difficulty.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        422: "Something is wrong with the request.",
        503: "Busy: the queue is full. Try again after Retry-After seconds.",
        504: "The time for a request has run out.",
    }
    return {code: {"model": Problem, "description": texts[code]} for code in codes}


def create_app(registry: Registry, settings: Settings = Settings()) -> Any:
    """The ASGI application; the engine runs from its start to its shutdown."""
    engine = registry.engine

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine.start()
        yield
        await asyncio.to_thread(engine.close)

    app = FastAPI(
        title="Ponderling",
        version=ponderling.__version__,
        description="Tiny recursive reasoners: puzzles in, checked answers out, or every step of the thinking.",
        docs_url=None,  # they load scripts from other hosts
        redoc_url=None,
        lifespan=lifespan,
    )
    traffic = Traffic()
    _add_api(app, registry, settings)
    _add_operations(app, registry, traffic)
    _add_page(app, read_page())

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        texts = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        return JSONResponse({"detail": "; ".join(texts)}, 422)

    return Guard(app, settings, traffic)


def _add_api(app: FastAPI, registry: Registry, settings: Settings) -> None:
    engine = registry.engine

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
        served = registry.find(body.model, body.task)
        questions = [_parse(served.task, puzzle, f"puzzle {i}: ") for i, puzzle in enumerate(body.puzzles, 1)]
        reader = Reader(engine, settings, served, questions, body)
        gone = asyncio.create_task(_wait_until_gone(request))
        try:
            results = []
            while True:
                event = await reader.next(gone)
                if isinstance(event, Answered):
                    results.append(_solved(served.task, questions[event.number], event.found))
                elif isinstance(event, Ended):
                    _raise_if(event.problem, settings)
                    return SolveResponse(model=served.model, task=served.task.name, results=results)
        finally:
            gone.cancel()
            reader.close()

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
    async def think(body: ThinkRequest) -> EventStream:
        served = registry.find(body.model, body.task)
        question = _parse(served.task, body.puzzle)
        reader = Reader(engine, settings, served, [question], body, watched=True)
        return EventStream(_events(reader, served, question, settings), reader.close)

    @app.get("/v1/puzzle", responses=problems(401, 404, 422), summary="A puzzle to try, by difficulty")
    async def puzzle(
        model: Annotated[str | None, Query(max_length=200)] = None,
        task: Annotated[str | None, Query(max_length=200)] = None,
        difficulty: Annotated[Literal["easy", "medium", "hard"], Query()] = "easy",
        seed: Annotated[
            int | None, Query(ge=0, le=2**31 - 1, description="The same seed gives the same puzzle.")
        ] = None,
    ) -> PuzzleResponse:
        served = registry.find(model, task)
        if difficulty not in served.puzzles:
            raise HTTPException(404, f"no puzzles of {served.task.name} come with the package")
        offer = offers.draw(served.task, served.puzzles[difficulty], np.random.default_rng(seed))
        return PuzzleResponse(
            model=served.model, task=served.task.name, puzzle=served.task.format(offer.tokens), difficulty=difficulty,
            rating=offer.rating,
        )  # fmt: skip


def _model_info(name: str, tasks: dict[str, Served]) -> ModelInfo:
    solver = next(iter(tasks.values())).lane.solver
    parameters = sum(p.numel() for p in solver.model.parameters())  # pyright: ignore[reportAttributeAccessIssue]
    return ModelInfo(
        name=name, system=solver.config.model.system, parameters=parameters, steps=solver.config.train.N_sup,
        tasks=[Family(**served.about) for served in tasks.values()],
    )  # fmt: skip


def _parse(task: Task, puzzle: str, where: str = "") -> Tokens:
    """The question's tokens; 422 with the reason where the task cannot read it, as with clues that contradict."""
    try:
        return task.parse(puzzle)
    except PuzzleError as error:
        raise HTTPException(422, f"{where}{error}") from None


def _raise_if(problem: str, settings: Settings) -> None:
    if problem == "out of time":
        raise HTTPException(504, f"not done within the {settings.seconds:g} seconds a request may take")
    if problem == "cancelled":
        raise HTTPException(503, "the server is shutting down", {"Retry-After": "5"})
    if problem:
        raise HTTPException(500, problem)


def _solved(task: Task, question: Tokens, found: Found) -> Solved:
    verdict = task.check(question, found.tokens)
    return Solved(
        question=task.format(question), answer=task.format(found.tokens),
        valid=verdict.valid if task.has_rules else None, reasons=list(verdict.reasons),
        steps=found.passes, attempts=found.attempts, attempt=found.attempt, halted=found.halted,
        halt_probability=round(found.halt_probability, 4),
    )  # fmt: skip


class Reader:
    """A job as a request sees it: submitted at once, its events one after the other, cancelled when the request ends."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        served: Served,
        questions: list[Tokens],
        options: Options,
        watched: bool = False,
    ):
        self.engine, self.events = engine, asyncio.Queue[Event]()
        loop = asyncio.get_running_loop()
        put = self.events.put_nowait

        def emit(event: Event) -> None:
            loop.call_soon_threadsafe(put, event)

        try:
            self.job = Job(
                served.lane, questions, options.budget(served), emit, settings.seconds, options.seed, watched
            )
            engine.submit(self.job)
        except Busy as busy:
            raise HTTPException(503, "busy: the queue is full", {"Retry-After": str(busy.retry_after)}) from None
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
                return Ended("cancelled")
            return None
        finally:
            get.cancel()

    def close(self) -> None:
        """Frees the job's slots if it has not ended."""
        if not self.ended:
            self.engine.cancel(self.job)


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class EventStream(StreamingResponse):
    """Server-sent events; `closed` is called however the response ends, even if it never began."""

    media_type = "text/event-stream"

    def __init__(self, content: Any, closed: Callable[[], None], status_code: int = 200):
        super().__init__(content, status_code)
        self.closed = closed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Sends the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.closed()


async def _events(reader: Reader, served: Served, question: Tokens, settings: Settings) -> AsyncIterator[str]:
    task = served.task
    yield _event("start", {"model": served.model, "task": task.name, "question": task.format(question)})
    while True:
        event = await reader.next(patience=HEARTBEAT)
        if event is None:
            yield ": thinking\n\n"
        elif isinstance(event, Stepped):
            yield _event("step", _step_json(task, question, event))
        elif isinstance(event, Answered):
            yield _event("end", _solved(task, question, event.found).model_dump())
        else:
            with contextlib.suppress(HTTPException):
                _raise_if(event.problem, settings)
                return
            yield _event("problem", {"detail": event.problem})
            return


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _step_json(task: Task, question: Tokens, event: Stepped) -> dict[str, Any]:
    step = event.step
    verdict = task.check(question, step.tokens)
    return {
        "attempt": event.attempt,
        "step": step.step,
        "tokens": step.tokens.tolist(),
        "probabilities": np.rint(1000 * step.probabilities).astype(int).tolist(),
        "halt_probability": round(step.halt_probability, 4),
        "halts": step.wants_to_halt,
        "wrong": list(verdict.wrong_cells),
        "reasons": list(verdict.reasons[:6]),
        "guessed": list(step.guessed),
    }


# Operations


class Traffic:
    """Requests by path and status, and how long they took, for /metrics."""

    BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.buckets: Counter[float] = Counter()
        self.seconds, self.count = 0.0, 0

    def add(self, path: str, status: int, seconds: float) -> None:
        """Counts a request; unknown paths are one, so that nobody can fill the memory with them."""
        known = (
            path if path in ("/v1/solve", "/v1/think", "/v1/models", "/v1/puzzle", "/healthz", "/metrics") else "other"
        )
        self.requests[known, status] += 1
        if known in ("/v1/solve", "/v1/think") and status == 200:
            self.seconds += seconds
            self.count += 1
            self.buckets.update(bound for bound in self.BOUNDS if seconds <= bound)

    def lines(self) -> list[str]:
        """In Prometheus' text format."""
        lines = ["# TYPE ponderling_requests_total counter"]
        for (path, status), count in sorted(self.requests.items()):
            lines.append(f'ponderling_requests_total{{path="{path}",status="{status}"}} {count}')
        lines.append("# TYPE ponderling_request_seconds histogram")
        lines += [f'ponderling_request_seconds_bucket{{le="{bound}"}} {self.buckets[bound]}' for bound in self.BOUNDS]
        lines += [
            f'ponderling_request_seconds_bucket{{le="+Inf"}} {self.count}',
            f"ponderling_request_seconds_sum {self.seconds:.6f}",
            f"ponderling_request_seconds_count {self.count}",
        ]
        return lines


def _add_operations(app: FastAPI, registry: Registry, traffic: Traffic) -> None:
    engine = registry.engine

    @app.get("/healthz", summary="Whether the server is up", response_class=PlainTextResponse)
    async def healthz() -> str:
        return "ok\n"

    @app.get("/metrics", responses=problems(401), summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> str:
        counters = engine.counters
        figures = [
            ("steps_total", "counter", "Forward passes.", counters.steps),
            ("rows_total", "counter", "Supervision steps of single attempts.", counters.rows),
            ("puzzles_total", "counter", "Puzzles answered.", counters.puzzles),
            ("halted_total", "counter", "Answers at which the model said stop.", counters.halted),
            ("refused_total", "counter", "Requests turned away because the queue was full.", counters.refused),
            ("expired_total", "counter", "Requests that ran out of time.", counters.expired),
            ("cancelled_total", "counter", "Requests whose client left.", counters.cancelled),
            ("failed_total", "counter", "Requests that failed.", counters.failed),
            ("busy_seconds_total", "counter", "Time the worker has computed.", round(counters.busy_seconds, 3)),
            ("requests_waiting", "gauge", "Requests in the queue.", engine.num_waiting),
            ("requests_active", "gauge", "Requests in work.", engine.num_active),
            ("slots_used", "gauge", "Slots promised to requests in work.", engine.slots_used),
            ("memory_bytes", "gauge", "Resident memory.", resident_bytes()),
        ]
        lines = []
        for name, kind, text, value in figures:
            lines += [
                f"# HELP ponderling_{name} {text}",
                f"# TYPE ponderling_{name} {kind}",
                f"ponderling_{name} {value}",
            ]
        return "\n".join([*lines, *traffic.lines()]) + "\n"


def resident_bytes() -> int:
    """Memory of this process; 0 where /proc does not tell."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


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


# Around everything


class Guard:
    """What holds for every request: host, token, size and time of the body, security headers, counting.

    Plain ASGI, so that a client that leaves is noticed by what runs inside.
    """

    def __init__(self, app: FastAPI, settings: Settings, traffic: Traffic):
        self.app, self.settings, self.traffic = app, settings, traffic

    def __getattr__(self, name: str) -> Any:  # `openapi()` and the like
        return getattr(self.app, name)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles a request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 1000})
            return await self.app(scope, receive, send)
        began, status = time.monotonic(), 500

        async def guarded_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                there = {name.lower() for name, _ in message["headers"]}
                further = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in there]
                message["headers"] = [*message["headers"], *further]
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is None:
                try:
                    receive = await _with_body(scope, receive)
                except HTTPException as error:
                    refusal = JSONResponse({"detail": error.detail}, error.status_code, {"connection": "close"})
            await (refusal or self.app)(scope, receive, guarded_send)
        finally:
            self.traffic.add(scope["path"], status, time.monotonic() - began)

    def _refusal(self, scope: Any) -> Response | None:
        headers = dict(scope["headers"])
        if self.settings.hosts is not None:
            host = _host_name(headers.get(b"host", b"").decode("latin-1"))
            if host not in self.settings.hosts:
                return JSONResponse({"detail": f"this server answers as {', '.join(self.settings.hosts)}"}, 421)
        token, path = self.settings.token, scope["path"]
        if token is not None and (path.startswith("/v1/") or path == "/metrics"):
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, b"Bearer " + token.encode()):
                return JSONResponse({"detail": "a bearer token is needed"}, 401, {"www-authenticate": "Bearer"})
        return None


def _host_name(host: str) -> str:
    """Without the port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


async def _with_body(scope: Any, receive: Any) -> Any:
    """A `receive` that gives the whole body at once, then what comes after it.

    Raises:
        HTTPException: 413 or 408.
    """
    too_large = HTTPException(413, f"a request's body has at most {MOST_BYTES} bytes")
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                body += message.get("body", b"")
                if len(body) > MOST_BYTES:
                    raise too_large
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {BODY_SECONDS:g} seconds") from None
    given = False

    async def receive_again() -> Any:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}
        return await receive()

    return receive_again
