"""The routes to answers: /v1/solve gives them when they are there, /v1/think tells every step of the way to one."""

from __future__ import annotations

from fastapi import APIRouter, Request

from ponderling.web.boards import text_of
from ponderling.web.http.asking import all_asked
from ponderling.web.http.backend import Behind, Client
from ponderling.web.http.reading import Reader, answers_of, expect_room
from ponderling.web.http.schemas import SolveRequest, SolveResponse, ThinkRequest, problems
from ponderling.web.http.streams import EventStream, events_of, solved

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

ROUTES = APIRouter()


@ROUTES.post(
    "/v1/solve",
    responses=problems(400, 401, 404, 408, 413, 422, 503, 504),
    summary="The answers to one or many puzzles",
)
async def solve(body: SolveRequest, request: Request, *, backend: Behind, client: Client) -> SolveResponse:
    engine, settings = backend.registry.engine, backend.settings
    served = backend.registry.find(body.model, body.task, puzzles=[text_of(puzzle) for puzzle in body.puzzles])
    search, steps = body.search(served), body.steps or served.steps
    expect_room(engine, served, count=len(body.puzzles), client=client)
    asked = await all_asked(backend, served, puzzles=body.puzzles, client=client, numbered=True)
    questions = [one.question for one in asked]
    reader = Reader(engine, settings, served=served, questions=questions, search=search, steps=steps, client=client)
    answers = await answers_of(reader, request, settings=settings)
    families = [served.task.as_written(one.text) for one in asked]  # answers are in a puzzle's own symbols
    found = zip(families, questions, answers, strict=True)
    results = [solved(family, question.tokens, answer=answer) for family, question, answer in found]
    return SolveResponse(model=served.model, task=served.task.name, results=results)


@ROUTES.post(
    "/v1/think",
    responses={
        200: {
            "description": STREAM,
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM_EXAMPLE}},
        },
        **problems(400, 401, 404, 408, 413, 422, 503),
    },
    response_class=EventStream,
    summary="Every step of the thinking about a puzzle, as it happens",
)
async def think(body: ThinkRequest, request: Request, *, backend: Behind, client: Client) -> EventStream:
    engine = backend.registry.engine
    served = backend.registry.find(body.model, body.task, puzzles=[text_of(body.puzzle)])
    search, steps = body.search(served), body.steps or served.steps
    expect_room(engine, served, count=1, client=client, watched=True)
    ((_, question),) = await all_asked(
        backend, served, puzzles=[body.puzzle], client=client, numbered=False, check=body.check
    )
    reader = Reader(
        engine, backend.settings, served=served, questions=[question], search=search, steps=steps, client=client,
        watched=True, changes=body.changes,
    )  # fmt: skip
    return EventStream(
        events_of(reader, served, question=question.tokens, compact=body.compact), reader.close, request=request
    )
