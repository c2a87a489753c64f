"""Questions that come one by one, from a person or another program, without anyone waiting for the next."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T_ = TypeVar("T_")

PATIENCE = 0.005
"""Seconds that puzzles in work wait for the next question, so that a fast source fills the slots before the first step."""


class ReadAhead(Generic[T_]):
    """Reads an iterable in a thread of its own, so that a slow source delays nobody who is thinking already.

    The thread ends with the iterable, or once `close` was called and the iterable gives its next item.

    Args:
        items: What to read; used by that thread alone.
        ahead: Most items that are read and not yet taken.
    """

    _END = object()

    def __init__(self, items: Iterable[T_], ahead: int) -> None:
        self._queue: queue.Queue[object] = queue.Queue(max(1, ahead))
        self._closed = threading.Event()
        self._error: BaseException | None = None
        self._ended = False
        threading.Thread(target=self._read, args=(iter(items),), name="ponderling-reader", daemon=True).start()

    def _read(self, items: Iterator[T_]) -> None:
        try:
            for item in items:
                if not self._put(item):
                    return
        except BaseException as error:  # told to whoever takes the next item
            self._error = error
        self._put(self._END)

    def _put(self, item: object) -> bool:
        """Whether the item was queued; False when the reader was closed meanwhile."""
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def take(self, count: int, *, wait: bool) -> list[T_]:
        """The next `count` items, fewer at the end; without `wait` those that have come, and with it at least one.

        Raises:
            BaseException: what the iterable raised, when all items before are taken.
        """
        taken: list[T_] = []
        while len(taken) < count and not self._ended:
            try:
                item = self._queue.get(timeout=None if wait and not taken else PATIENCE)
            except queue.Empty:
                break
            if item is self._END:
                self._ended = True
            else:
                taken.append(item)  # pyright: ignore[reportArgumentType]
        if self._ended and not taken and self._error is not None:
            error, self._error = self._error, None
            raise error
        return taken

    def close(self) -> None:
        """Lets the thread end."""
        self._closed.set()
