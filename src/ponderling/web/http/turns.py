"""Work beside the engine's, such as a random puzzle to try: one piece after the other, in a thread, at its client's cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from fastapi import HTTPException

from ponderling.web.shares import Shares

R = TypeVar("R")

MOST_WAITING = 8
"""Number of requests that may wait for their turn."""


class Turns:
    """One queue for all that is computed beside the engine; the time counts as its client's.

    Args:
        shares: The engine's.
    """

    def __init__(self, shares: Shares):
        self.shares, self.waiting, self.turn = shares, 0, asyncio.Lock()

    async def take(self, work: Callable[[], R], *, client: str, what: str) -> R:
        """What the work gives.

        Args:
            work: Called in a thread, when it is its turn.
            client: Whose it is, as in `client_of`.
            what: What too many wait for, in words.

        Raises:
            HTTPException: 503, when MOST_WAITING wait.
        """
        if self.waiting >= MOST_WAITING:
            raise HTTPException(503, f"busy: too many {what}", {"Retry-After": "2"})
        self.waiting += 1
        try:
            async with self.turn:
                began = time.monotonic()
                done = await asyncio.to_thread(work)
                self.shares.charge(client, time.monotonic() - began)
                return done
        finally:
            self.waiting -= 1
