"""Refusals that come late to a client that is refused again and again: to ask at once then costs it time, and us nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi import HTTPException

from ponderling.web.shares import Shares

FREELY = 1000.0
"""Refusals of a client that are told at once; one that was ten seconds ago counts 1/e. Many people may share an address."""

LATE = 0.25
"""Seconds after which each further one is told."""


class CrowdedError(HTTPException):
    """The server has no room for this request now, but may have later.

    Args:
        detail: Why, in words.
        retry_after: Seconds after which another try may do.
    """

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(503, detail, {"Retry-After": str(retry_after)})


class Lateness:
    """How long each client waits for its next refusal.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._refused = Shares(clock)  # refusals in place of seconds

    def of_next(self, client: str) -> float:
        """Seconds by which the refusal that the client gets now is late; counts it."""
        self._refused.charge(client, 1.0)
        return LATE if self._refused.used(client) > FREELY else 0.0
