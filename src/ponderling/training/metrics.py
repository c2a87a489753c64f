"""What a run reports: sums between two lines of its log (`Window`), and where they go (`metrics.jsonl`, TensorBoard)."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ponderling.checkpoint import METRICS, TENSORBOARD
from ponderling.supervision import StepResult
from ponderling.system import read_log, write_text
from ponderling.training.distributed import World

LOSSES = ("loss", "answer_loss", "halt_loss", "hint_loss")
"""Losses of a `Window`, the last for tasks with hints alone."""

SHARED = ("updates", *LOSSES, "lr")
"""Figures of a `Window` of which all processes have the same, or their mean is meant; the others are counts."""


class Window:
    """Sums since the last line of the log."""

    def __init__(self, sums: dict[str, float] | None = None, since: float = 0.0):
        self.sums, self.since = dict(sums or {}), since

    def state(self) -> list[Any]:
        """What `Window(*state)` goes on from."""
        return [self.sums, self.since]

    def add(self, result: StepResult, loss: float, *, lr: float) -> None:
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
        if result.carry.batch.hints is not None:
            means["hint_loss"] = result.hint_loss / B
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
        """Returns the window's means and empties it; shares are from 0 to 1 and present only if a puzzle halted."""
        sums, self.sums = self.of_all(world.collect(self.sums)), {}
        elapsed, self.since = max(seconds - self.since, 1e-9), seconds
        means = {name: sums[name] / sums["updates"] for name in LOSSES if name in sums}
        if sums["puzzles"]:
            names = {"exact": "exact", "cells": "cells", "mean_steps": "steps", "halt_accuracy": "halt_right"}
            means |= {name: sums[key] / sums["puzzles"] for name, key in names.items()}
        return means | {
            "lr": sums["lr"],
            "puzzles_per_second": sums["puzzles"] / elapsed,
            "updates_per_second": sums["updates"] / elapsed,
            "seconds": round(seconds, 2),
        }


class MetricsLog:
    """Appends to `metrics.jsonl` in the run folder; lines after `step` (of a part that is run again) are dropped first.

    Args:
        folder: The run folder.
        step: The optimizer step that the run goes on from; 0 for a new run.
        keep_test: Keep the line of a test that was made at this very step; without it that test is made again.
        tensorboard: Write TensorBoard event files too.

    Raises:
        ModuleNotFoundError: for TensorBoard without the extra `track`.
        ValueError: when the file is damaged, naming the line.
    """

    def __init__(self, folder: Path, step: int, *, keep_test: bool = True, tensorboard: bool = False):
        self.path = folder / METRICS
        kept = [
            (text, values)
            for text, values in read_log(self.path)
            if values["step"] < step or (values["step"] == step and (keep_test or values["kind"] != "test"))
        ]
        lines = "".join(text for text, _ in kept)
        write_text(self.path, lines)
        tests = [values for _, values in kept if values["kind"] == "test" and values["step"] == step]
        self.tested = {key: value for key, value in tests[-1].items() if key not in ("kind", "step")} if tests else None
        """Figures of the test that was made at the step that the run goes on from; None where none was."""
        self._file = self.path.open("a", encoding="utf-8", newline="\n")
        self._tensorboard = _summary_writer(folder, step) if tensorboard else None

    def write(self, kind: str, step: int, *, values: Mapping[str, Any]) -> None:
        """One line; `kind` is train, eval or test."""
        self._file.write(json.dumps({"kind": kind, "step": step, **values}) + "\n")
        self._file.flush()
        if self._tensorboard is not None:
            for name, value in values.items():
                if isinstance(value, int | float):
                    self._tensorboard.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Ends both files."""
        self._file.close()
        if self._tensorboard is not None:
            self._tensorboard.close()


def need_tensorboard() -> None:
    """Raises ModuleNotFoundError where the extra is missing."""
    if importlib.util.find_spec("tensorboard") is None:
        raise ModuleNotFoundError("run.tensorboard needs the package tensorboard: pip install 'ponderling[track]'")


def _summary_writer(folder: Path, step: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1)
