"""Random puzzles for those who ask for one to try."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from fastapi import HTTPException

from ponderling.tasks.base import PuzzleError, Task, Tokens
from ponderling.tasks.grid_task import GridTask
from ponderling.web.engine import Engine

MOST_MAKERS = 8
"""Number of requests for a random puzzle that may wait."""


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
