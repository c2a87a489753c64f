"""The routes that say what there is: the models, and puzzles to try."""

from __future__ import annotations

import functools
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Query

from ponderling.halting import times_asked
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.grid_task import GridTask
from ponderling.web import catalog
from ponderling.web.http.backend import Behind, Client
from ponderling.web.http.schemas import (
    MOST_ATTEMPTS,
    MOST_PUZZLES,
    MOST_STEPS,
    Family,
    ModelInfo,
    Models,
    PuzzleResponse,
    problems,
)
from ponderling.web.http.served import Served
from ponderling.web.http.turns import Turns

ROUTES = APIRouter()


@ROUTES.get("/v1/models", responses=problems(401), summary="What is served")
async def models(backend: Behind) -> Models:
    return Models(
        models=[_model_info(name, tasks) for name, tasks in backend.registry.models.items()],
        limits={"steps": MOST_STEPS, "attempts": MOST_ATTEMPTS, "puzzles": MOST_PUZZLES},
    )


@ROUTES.get("/v1/puzzle", responses=problems(401, 404, 422), summary="A puzzle to try, by difficulty")
async def puzzle(
    backend: Behind,
    client: Client,
    *,
    model: Annotated[str | None, Query(max_length=200)] = None,
    task: Annotated[str | None, Query(max_length=200)] = None,
    difficulty: Annotated[Literal["easy", "medium", "hard", "random"], Query()] = "easy",
    seed: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The same seed gives the same puzzle.")] = None,
) -> PuzzleResponse:
    served, rng = backend.registry.find(model, task), np.random.default_rng(seed)
    if difficulty == catalog.RANDOM and served.sizes is not None:
        offer = await _made(backend.turns, served, rng=rng, client=client)
    elif difficulty in served.puzzles:
        offer = catalog.draw(served.task, served.puzzles[difficulty], rng=rng)
    else:
        raise HTTPException(404, f"no puzzles of {served.task.name} come with the package")
    return PuzzleResponse(
        model=served.model, task=served.task.name, puzzle=served.task.format(offer.tokens), difficulty=difficulty,
        rating=offer.rating,
    )  # fmt: skip


async def _made(turns: Turns, served: Served, *, rng: np.random.Generator, client: str) -> catalog.Offer:
    """A new puzzle, which has no rating; 422 when none of this size could be found."""
    assert isinstance(served.task, GridTask)
    make = functools.partial(served.task.one_to_try, rng)
    try:
        return catalog.Offer(await turns.take(make, client=client, what="puzzles are being made"), None)
    except PuzzleError as error:
        raise HTTPException(422, str(error)) from None


def _model_info(name: str, tasks: dict[str, Served]) -> ModelInfo:
    solver = next(iter(tasks.values())).lane.solver
    parameters = sum(p.numel() for p in solver.model.parameters())  # pyright: ignore[reportAttributeAccessIssue]
    return ModelInfo(
        name=name, system=solver.config.model.system, parameters=parameters, steps=solver.config.train.N_sup,
        recursions=times_asked(solver.model, solver.config),
        tasks=[Family(**served.about) for served in tasks.values()],
    )  # fmt: skip
