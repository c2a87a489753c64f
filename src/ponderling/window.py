"""What a training run sums up between two lines of its log: losses of all slots, scores of the puzzles that left them."""

from __future__ import annotations

from typing import Any

import torch

from ponderling.distributed import World
from ponderling.supervision import StepResult

SHARED = ("updates", "loss", "answer_loss", "halt_loss", "lr")
"""Figures of a `Window` of which all processes have the same, or their mean is meant; the others are counts."""


class Window:
    """Sums since the last line of the log."""

    def __init__(self, sums: dict[str, float] | None = None, since: float = 0.0):
        self.sums, self.since = dict(sums or {}), since

    def state(self) -> list[Any]:
        """What `Window(*state)` goes on from."""
        return [self.sums, self.since]

    def add(self, result: StepResult, loss: float, lr: float) -> None:
        """Scores count the puzzles that halted in this step and have labels, as official; losses count all slots."""
        done = result.carry.halted & result.correct.has_labels
        B = len(done)
        counts = {
            "puzzles": done,
            "exact": result.correct.exact & done,
            "cells": result.correct.cells.where(done, 0.0),
            "steps": result.carry.steps.where(done, 0),
            "halt_right": ((result.output.q > 0) == result.correct.exact) & done,
        }
        means = {"answer_loss": result.answer_loss / B, "halt_loss": (result.halt_loss + result.continue_loss) / B}
        sums = torch.stack([value.float().sum() for value in (means | counts).values()]).tolist()  # sync
        values = {"updates": 1.0, "loss": loss, **dict(zip(means | counts, sums, strict=True))}
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.sums["lr"] = lr

    @staticmethod
    def of_all(sums: list[dict[str, float]]) -> dict[str, float]:
        """The sums of all processes as one's."""
        return {name: sum(s[name] for s in sums) / (len(sums) if name in SHARED else 1) for name in sums[0]}

    def take(self, seconds: float, world: World = World()) -> dict[str, float]:  # noqa: B008 (it cannot be changed)
        """Means of the window, which starts anew; shares are from 0 to 1 and there only if a puzzle halted."""
        sums, self.sums = self.of_all(world.collect(self.sums)), {}
        elapsed, self.since = max(seconds - self.since, 1e-9), seconds
        means = {name: sums[name] / sums["updates"] for name in ("loss", "answer_loss", "halt_loss")}
        if sums["puzzles"]:
            names = {"exact": "exact", "cells": "cells", "mean_steps": "steps", "halt_accuracy": "halt_right"}
            means |= {name: sums[key] / sums["puzzles"] for name, key in names.items()}
        return means | {
            "lr": sums["lr"],
            "puzzles_per_second": sums["puzzles"] / elapsed,
            "updates_per_second": sums["updates"] / elapsed,
            "seconds": round(seconds, 2),
        }
