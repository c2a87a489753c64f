"""What the command line shows on stderr while it works, and how it writes numbers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

    from ponderling.training.trainer import Trainer

SECONDS_BETWEEN_LINES = 15.0
"""How often a line tells of the progress where stderr is not a terminal."""


def percent(value: float | None) -> str:
    """The share as a percentage with one decimal; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f}%"


class Bars:
    """Progress bars on stderr; where stderr is not a terminal, a line now and then.

    Args:
        transient: Remove the bars from the terminal at the end.
    """

    def __init__(self, *, transient: bool = False) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self.transient = transient
        self._progress: Progress | None = None
        self._began = self._last_line = time.monotonic()

    def __enter__(self) -> Bars:
        if self.console.is_terminal:
            from rich.progress import Progress

            self._progress = Progress(console=self.console, transient=self.transient)
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._progress is not None:
            self._progress.stop()

    def add(self, what: str, *, total: int) -> Callable[[int], None]:
        """A further bar; call what is returned with the number done so far."""
        if self._progress is None:
            return lambda done: self._line(what, done, total)
        progress, bar = self._progress, self._progress.add_task(what, total=total)
        return lambda done: progress.update(bar, completed=done)

    def say(self, text: str) -> None:
        """Prints a line above the bars."""
        self.console.print(text, markup=False, soft_wrap=True)

    def _line(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        minutes, seconds = divmod(round(now - self._began), 60)
        self.say(f"{what}: {done:,} of {total:,} after {minutes}:{seconds:02}")


def say_if_replaced(file: Path) -> None:
    """Tells that a file is there already, before it is written again."""
    if file.exists():
        print(f"{file} is there already: replacing it", file=sys.stderr)


class ProgressDisplay:
    """Shows a run on stderr: a live bar in a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self.bar: Any = None
        self.task: Any = None
        self.steps = 0
        self.trained_from, self.started_at = 0, 0.0
        self.last_line = 0.0

    def started(self, trainer: Trainer) -> None:
        """Says what is trained on what."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from ponderling.models import count_parameters

        data, config = trainer.data, trainer.config
        self.steps = config.train.steps
        self.trained_from, self.started_at = trainer.step, time.monotonic()
        self.console.print(
            f"{config.model.system.upper()}, {count_parameters(trainer.model):,} parameters, on {config.data.task}: "
            f"{len(data.train):,} puzzles to train on, {len(data.validation):,} to validate, {len(data.test):,} to test; "
            f"{self.steps:,} steps of {config.train.batch_size} slots"
            + (f" in {trainer.world.size} processes" if trainer.world.size > 1 else "")
            + f" into {trainer.out}"
            + (f", from step {trainer.step:,}" if trainer.step else "")
        )
        for sentence in trainer.task.left_out:
            self.console.print(sentence)
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"),
                TimeRemainingColumn(), console=self.console,
            )  # fmt: skip
            self.task = self.bar.add_task("", total=self.steps, completed=trainer.step)
            self.bar.start()

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """Moves the bar, or prints a line every quarter of a minute."""
        text = (
            f"loss {metrics['loss']:.4f}  exact {percent(metrics.get('exact'))}  "
            f"mean steps {metrics.get('mean_steps', float('nan')):.1f}  {metrics['puzzles_per_second']:.0f} puzzles/s"
        )
        if self.bar is not None:
            self.bar.update(self.task, completed=step, description=text)
        elif time.monotonic() - self.last_line > SECONDS_BETWEEN_LINES:
            self.last_line = time.monotonic()
            left = (self.last_line - self.started_at) / max(1, step - self.trained_from) * (self.steps - step)
            self.console.print(f"step {step:,}  {text}  {left / 60:.1f} min left")

    def evaluated(self, kind: str, step: int, figures: dict[str, Any], is_best: bool) -> None:
        """Prints the scores."""
        early, halting = figures["early_exit"], figures["halting"]
        what = "validation" if kind == "eval" else f"test, weights of step {step:,}"
        self.console.print(
            f"step {step:,}  {what}: exact {percent(figures['exact'])} at {figures['steps']} steps, "
            f"{percent(early['exact'])} with early exit after {early['mean_steps']:.1f} on average, "
            f"halting precision {percent(halting['precision'])}" + ("  (best so far)" if is_best else "")
        )

    def noticed(self, text: str) -> None:
        """Prints the line."""
        self.console.print(text)

    def finished(self, trainer: Trainer) -> None:
        """Ends the bar."""
        if self.bar is not None:
            self.bar.stop()
        self.console.print(f"{trainer.seconds:.0f} s of training; checkpoints in {trainer.out}")
