"""ARC tasks that clients bring: each is learned from its demonstrations, one after the other, and told as it goes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from time import monotonic as now
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import Response

from ponderling.checkpoint import Checkpoint
from ponderling.solving.canvas import MOST_SIDE, for_arc_task, holds_arc_task
from ponderling.solving.vote import arc_of, known_tasks
from ponderling.tasks.arc.files import ArcTask, task_of
from ponderling.tasks.base import PuzzleError
from ponderling.training.adapt import learn_task
from ponderling.training.observer import Observer
from ponderling.web.http import arc
from ponderling.web.http.schemas import Family, Learned, LearnRequest
from ponderling.web.http.served import Registry, Served
from ponderling.web.http.streams import HEARTBEAT, EventStream, event_text
from ponderling.web.http.turns import Turns
from ponderling.web.settings import Settings

LOG = logging.getLogger("ponderling.web")

MOST_WAITING = 3
"""Number of tasks that may be learned or wait for it; each takes up to a minute or two."""

UNNAMED = "yours"
"""The id of a task that has none."""


class Learning:
    """The lessons of all requests, one at a time.

    Args:
        registry: What is served; learned tasks are added to it.
        settings: How the server is run. A lesson takes no longer than any other request may.
    """

    def __init__(self, registry: Registry, settings: Settings):
        self.registry, self.seconds = registry, settings.seconds
        self.turns = Turns(registry.engine.shares, most_waiting=MOST_WAITING)

    def stream(self, body: LearnRequest, request: Request, *, client: str) -> Response:
        """A lesson as server-sent events; it ends when the client leaves.

        Raises:
            HTTPException: 404, 422 or 503.
        """
        served = self._teachable(body.model)
        checkpoint = served.lane.solver.checkpoint
        assert checkpoint is not None
        task = _task(body.task, checkpoint)
        self.turns.expect_room("tasks are being learned")
        lesson = Lesson(self, served, task=task, client=client)
        return EventStream(lesson.events(), lesson.close, request=request)

    def _teachable(self, model: str | None) -> Served:
        every = [served for tasks in self.registry.models.values() for served in tasks.values()]
        able = [served.model for served in every if served.about.get("learns")]
        if not able:
            raise HTTPException(404, "no model here learns ARC tasks: serve `arc`, with --learn-steps above 0")
        served = self.registry.find(able[0] if model is None else model, None)
        if not served.about.get("learns"):
            raise HTTPException(404, f"model {served.model} learns no tasks: {', '.join(able)} does")
        return served


class Lesson(Observer):
    """One task that a model learns for a request.

    Args:
        learning: Whose turn it waits for.
        served: The model.
        task: What it learns.
        client: Whose time it costs, as in `client_of`.
    """

    def __init__(self, learning: Learning, served: Served, *, task: ArcTask, client: str):
        self.learning, self.served, self.task, self.client = learning, served, task, client
        self.loop, self.told = asyncio.get_running_loop(), asyncio.Queue[int]()
        self.gone = threading.Event()
        self.step = 0  # at which it ended

    def close(self) -> None:
        """Nobody listens any more: the lesson ends after the step that it is at."""
        self.gone.set()

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """Called every few optimizer steps, in the lesson's thread."""
        try:
            self.loop.call_soon_threadsafe(self.told.put_nowait, step)
        except RuntimeError:  # the server has ended
            self.gone.set()

    def finished(self, trainer: Any) -> None:
        """Called after the last step, in the lesson's thread."""
        self.step = trainer.step

    async def events(self) -> AsyncIterator[str]:
        """How far it is, a hundred times at most, and the model that has learned the task; or the problem."""
        learning, of = self.learning, self.learning.registry.learn_steps
        yield event_text("start", {"model": self.served.model, "name": self.task.id, "of": of})
        lesson = asyncio.create_task(
            learning.turns.take(self._learn, client=self.client, what="tasks are being learned")
        )
        try:
            said = 0
            while not (lesson.done() and self.told.empty()):
                step = await self._next(lesson)
                if step is None:
                    if not lesson.done():
                        yield ": learning\n\n"
                elif 100 * step // of > said:
                    said = 100 * step // of
                    yield event_text("progress", {"done": step, "of": of})
            yield self._outcome(lesson)
        finally:
            self.close()
            await asyncio.wait({lesson})  # the next one must not begin beside it

    async def _next(self, lesson: asyncio.Task[Any]) -> int | None:
        """The next step; None after a while without one, and when the lesson has ended."""
        get = asyncio.ensure_future(self.told.get())
        try:
            await asyncio.wait({get, lesson}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            return get.result() if get.done() else None
        finally:
            get.cancel()

    def _learn(self) -> tuple[Checkpoint, float]:
        """The model that knows the task, and how long that took; in a thread."""
        began = now()
        latest = began + self.learning.seconds
        solver = self.served.lane.solver
        assert solver.checkpoint is not None
        learned = learn_task(
            for_arc_task(solver.checkpoint, self.task),
            self.task,
            steps=self.learning.registry.learn_steps,
            device=str(solver.device),
            observer=self,
            should_stop=lambda: self.gone.is_set() or now() > latest,
        )
        return learned, now() - began

    def _outcome(self, lesson: asyncio.Task[tuple[Checkpoint, float]]) -> str:
        """The last event."""
        try:
            checkpoint, seconds = lesson.result()
        except HTTPException as error:
            return event_text("problem", {"detail": error.detail})
        except Exception as error:  # a fault of ours
            LOG.exception("learning task %s failed", self.task.id)
            return event_text("problem", {"detail": f"the server failed: {type(error).__name__}"})
        registry = self.learning.registry
        served = registry.keep(self.served, checkpoint, task=self.task)
        known = Learned(
            **arc.whole_task(served, self.task.id).model_dump(),
            family=Family(**served.about),
            steps=self.step,
            of=registry.learn_steps,
            seconds=round(seconds, 1),
        )
        return event_text("end", known.model_dump())


def _task(content: dict[str, Any], checkpoint: Checkpoint) -> ArcTask:
    """The task that is to be learned.

    Raises:
        HTTPException: 422, when it cannot be read, is too large, or has the id of another that the model knows.
    """
    try:
        task = task_of(content, UNNAMED)
        known_tasks(arc_of(checkpoint), {task.id: task})
    except (PuzzleError, ValueError) as error:
        raise HTTPException(422, str(error)) from None
    if not holds_arc_task(checkpoint, task):
        raise HTTPException(422, f"expected grids of at most {MOST_SIDE} rows and columns: got {task.size}")
    return task
