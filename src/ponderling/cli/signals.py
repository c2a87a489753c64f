"""Ctrl-C and SIGTERM as a wish to stop between two steps."""

from __future__ import annotations

import signal
from typing import Any


class StopOnSignal:
    """Turns the first SIGINT or SIGTERM into a stop after the current step; a second one interrupts at once.

    Args:
        patient: Let a second one pass: torchrun sends its processes one of its own beside that of the terminal, and ends
            them itself if they take longer than half a minute.
    """

    def __init__(self, patient: bool = False) -> None:
        self.stopped, self.patient = False, patient
        self._previous: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.stopped

    def __enter__(self) -> StopOnSignal:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._stop)
        return self

    def _stop(self, number: int, frame: Any) -> None:
        if self.stopped and not self.patient:
            raise KeyboardInterrupt
        self.stopped = True

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
