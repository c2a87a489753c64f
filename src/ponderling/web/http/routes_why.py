"""The route that says why: which row, box or neighbour told a cell its symbol, in `solving/why.py`."""

from __future__ import annotations

import functools

from fastapi import APIRouter, HTTPException, Request

from ponderling.halting import times_asked
from ponderling.models import Relational
from ponderling.solving.search import PLAIN
from ponderling.solving.why import check_why
from ponderling.solving.why import why as why_of
from ponderling.tasks.base import Question
from ponderling.web.boards import text_of
from ponderling.web.http.asking import parse
from ponderling.web.http.backend import Backend, Behind, Client
from ponderling.web.http.reading import Reader, state_after
from ponderling.web.http.schemas import ToldBy, WhyRequest, WhyResponse, problems
from ponderling.web.http.served import Served

ROUTES = APIRouter()


@ROUTES.post(
    "/v1/why",
    responses=problems(400, 401, 404, 408, 413, 422, 503, 504),
    summary="Which row, box or neighbour told a cell its symbol",
)
async def why(body: WhyRequest, request: Request, *, backend: Behind, client: Client) -> WhyResponse:
    served = backend.registry.find(body.model, body.task, puzzles=[text_of(body.puzzle)])
    solver = served.lane.solver
    model, count = _as_told(served), times_asked(solver.model, solver.config)
    question = parse(served, body.puzzle, where="", client=client).question
    if body.cell >= len(question.tokens) or body.recursion > count:
        cells = f"a cell from 0 to {len(question.tokens) - 1} and a recursion from 1 to {count}"
        raise HTTPException(422, f"expected {cells}: got {body.cell} and {body.recursion}")
    moment, state = (body.step - 1) * count + body.recursion, model.initial_state(1)
    if moment > 1:
        reader = _watched(backend, served, question=question, steps=body.step, client=client)
        state = await state_after(reader, request, moment=moment - 1, settings=backend.settings)
    ask = functools.partial(
        why_of,
        model,
        question.tokens,
        cell=body.cell,
        state=state,
        config=solver.config,
        grid=served.task.grid_shape,
    )
    found = await backend.turns.take(ask, client=client, what="questions why wait")
    told = [ToldBy(name=one.name, cells=list(one.cells), effect=round(one.effect, 4)) for one in found.told]
    return WhyResponse(
        model=served.model, task=served.task.name, cell=body.cell, token=found.token,
        probability=round(found.probability, 4), before=round(found.before, 4), told=told,
    )  # fmt: skip


def _watched(backend: Backend, served: Served, *, question: Question, steps: int, client: str) -> Reader:
    """The thinking about a question for this number of supervision steps, with the state after every moment."""
    return Reader(
        backend.registry.engine, backend.settings, served=served, questions=[question], search=PLAIN, steps=steps,
        client=client, early_exit=False, watched=True, states=True,
    )  # fmt: skip


def _as_told(served: Served) -> Relational:
    """The network, if it can be asked why; 422 if it is of another kind."""
    try:
        return check_why(served.lane.solver.model)
    except ValueError as error:
        raise HTTPException(422, f"model {served.model}: {error}") from None
