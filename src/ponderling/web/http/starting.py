"""The server while its models load: it says so at once, and hands every request on to the application once that is there.

What is imported here needs no torch, whose import alone takes seconds on a busy machine. The page's files are before this.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ponderling.web.http.problems import problem

LOOK_AGAIN = "1"
"""Seconds after which a client may ask again."""


class Starting:
    """An application that is made in a thread, after the server has begun to answer: plain ASGI.

    Args:
        load: Makes the application.
        what: What it loads, in words.
        is_ready: Called on the server's thread when the application answers.
        has_failed: Called there when it could not be made; `error` then says why.
    """

    def __init__(
        self, load: Callable[[], Any], what: str, *, is_ready: Callable[[], None], has_failed: Callable[[], None]
    ):
        self.what, self.is_ready, self.has_failed = what, is_ready, has_failed
        self.app: Any = None
        self.error: BaseException | None = None
        self._loaded: Future[Any] = Future()
        self._thread = threading.Thread(target=self._run, args=(load,), name="ponderling-load", daemon=True)

    @property
    def is_loading(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    def _run(self, load: Callable[[], Any]) -> None:
        try:
            self._loaded.set_result(load())
        except BaseException as error:  # whatever it is, the main thread raises it
            self._loaded.set_exception(error)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles a request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self.app is not None:
            await self.app(scope, receive, send)
        else:
            reply = problem(503, f"the server is loading {self.what}", headers={"retry-after": LOOK_AGAIN})
            await reply(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()  # the start
        self._thread.start()
        await send({"type": "lifespan.startup.complete"})
        over = asyncio.ensure_future(receive())
        loaded = asyncio.wrap_future(self._loaded)
        await asyncio.wait({over, loaded}, return_when=asyncio.FIRST_COMPLETED)
        if loaded.done() and (error := loaded.exception()) is not None:
            self.error = error
            self.has_failed()
        elif loaded.done():
            app = loaded.result()
            async with app.router.lifespan_context(app):
                self.app = app
                self.is_ready()
                await over
        await over
        await send({"type": "lifespan.shutdown.complete"})
