"""HTTP around the engine: the application, with the routes of `routes_*.py`. `middleware.py` and the page are around it.

Nothing that a request says names a file or a module: models are loaded before the first request, the page is read into memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteError
from starlette.middleware.gzip import GZipMiddleware

import ponderling
from ponderling.web.http import routes_arc, routes_offer, routes_solve, routes_why
from ponderling.web.http.backend import Backend
from ponderling.web.http.late import CrowdedError, Lateness
from ponderling.web.http.learning import Learning
from ponderling.web.http.middleware import Guard
from ponderling.web.http.monitoring import add_operations
from ponderling.web.http.page_files import Front
from ponderling.web.http.problems import describe_problems, problem
from ponderling.web.http.served import Registry
from ponderling.web.http.turns import Turns
from ponderling.web.questions import Checker
from ponderling.web.settings import DEFAULTS, Settings
from ponderling.web.shares import client_of
from ponderling.web.traffic import Traffic

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
    app.state.backend = Backend(
        registry=registry, settings=settings, checker=checker, traffic=traffic, turns=Turns(engine.shares),
        learning=Learning(registry, settings),
    )  # fmt: skip
    for routes in (routes_offer, routes_solve, routes_why, routes_arc):
        app.include_router(routes.ROUTES)
    add_operations(app, registry, traffic=traffic)
    _add_problems(app)
    return app


def _add_problems(app: FastAPI) -> None:
    """Every error in one form, and its description; a client that is refused again and again is told so late."""
    lateness = Lateness()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        texts = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        return problem(422, "; ".join(texts))

    @app.exception_handler(StarletteError)
    async def refused(request: Request, error: StarletteError) -> Response:
        if isinstance(error, CrowdedError):
            await asyncio.sleep(lateness.of_next(client_of(request.client.host) if request.client else ""))
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
