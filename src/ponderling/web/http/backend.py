"""What the routes of /v1 share: the models, the queues beside the engine, and whose request it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from ponderling.web.http.learning import Learning
from ponderling.web.http.served import Registry
from ponderling.web.http.turns import Turns
from ponderling.web.questions import Checker
from ponderling.web.settings import Settings
from ponderling.web.shares import client_of
from ponderling.web.traffic import Traffic


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What an application has behind its routes; `create_api` keeps it in the application's state."""

    registry: Registry
    """The models, and the engine that runs them."""
    settings: Settings
    """How the server is run."""
    checker: Checker
    """Looks at puzzles before the engine does."""
    traffic: Traffic
    """Counts refusals."""
    turns: Turns
    """The queue for what is computed beside the engine, such as a random puzzle."""
    learning: Learning
    """The queue of ARC tasks to learn."""


# FastAPI would call a function without `async` in a thread of its own.
async def _backend_of(request: Request) -> Backend:
    return request.app.state.backend


async def _client_of(request: Request) -> str:
    return client_of(request.client.host) if request.client else ""


Behind = Annotated[Backend, Depends(_backend_of)]
"""The parameter of a route that gets the backend of its application."""

Client = Annotated[str, Depends(_client_of)]
"""The parameter of a route that gets whose request it is, as in `shares.client_of`."""
