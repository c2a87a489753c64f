"""Steps of a thought in few bytes: probabilities in parts of 255, and changed cells alone. `page/compact.js` reads them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.solving.records import TraceStep

USUAL = {"attempt": 1, "recursion": 1, "halts": False, "wrong": [], "reasons": [], "guessed": []}
"""What is left out of a step."""

PARTS = 255
"""A probability of 1 has that many parts."""


class Shortener:
    """Makes the steps of one thought short; it remembers the last step of each attempt, as its reader does."""

    def __init__(self) -> None:
        self._last: dict[int, NDArray[np.uint8]] = {}

    def __call__(self, said: dict[str, Any], step: TraceStep, *, attempt: int) -> dict[str, Any]:
        """The step without its grids, which are in `bytes`.

        Args:
            said: What else there is to say of it.
            step: The step.
            attempt: Whose step it is.
        """
        cells = np.column_stack([step.tokens, np.rint(PARTS * step.probabilities)]).astype(np.uint8)  # (L, 1 + V)
        last = self._last.get(attempt, np.zeros_like(cells))
        self._last[attempt] = cells
        changed = (cells != last).any(axis=1)
        parts = [np.packbits(changed, bitorder="little").tobytes(), cells[changed].tobytes()]
        short = {name: value for name, value in said.items() if name not in USUAL or value != USUAL[name]}
        if step.change is not None:
            thousandths = np.rint(1000 * step.change)
            short["most_change"] = most = int(thousandths.max(initial=0))
            parts.append(np.rint(PARTS * np.sqrt(thousandths / max(1, most))).astype(np.uint8).tobytes())
        return {**short, "bytes": base64.b64encode(b"".join(parts)).decode()}
