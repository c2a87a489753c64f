"""Work beside the engine's, such as a random puzzle or a task to learn: one piece after the other, at its client's cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from ponderling.web.http.late import CrowdedError
from ponderling.web.shares import Shares

R = TypeVar("R")

MOST_WAITING = 8
"""Number of requests that may wait for their turn, unless another is said."""

RETRY_AFTER = 2
"""Seconds after which another try may do."""


class Turns:
    """One queue for work of one kind that is computed beside the engine; the time counts as its client's.

    Args:
        shares: The engine's.
        most_waiting: Number of requests that may wait for their turn, or be at work; None: MOST_WAITING.
    """

    def __init__(self, shares: Shares, *, most_waiting: int | None = None):
        self.shares, self.most_waiting = shares, most_waiting
        self.waiting, self.turn = 0, asyncio.Lock()

    def expect_room(self, what: str) -> None:
        """Refuses where `take` would.

        Raises:
            CrowdedError: when too many wait.
        """
        if self.waiting >= (MOST_WAITING if self.most_waiting is None else self.most_waiting):
            raise CrowdedError(f"busy: too many {what}", RETRY_AFTER)

    async def take(self, work: Callable[[], R], *, client: str, what: str) -> R:
        """What the work gives.

        Args:
            work: Called in a thread, when it is its turn.
            client: Whose it is, as in `client_of`.
            what: What too many wait for, in words.

        Raises:
            CrowdedError: when too many wait.
        """
        self.expect_room(what)
        self.waiting += 1
        try:
            async with self.turn:
                began = time.monotonic()
                done = await asyncio.to_thread(work)
                self.shares.charge(client, time.monotonic() - began)
                return done
        finally:
            self.waiting -= 1
