"""What the command line shows on stderr while it works, and how it writes numbers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ponderling.training.trainer import Trainer


def percent(value: float | None) -> str:
    """The share as a percentage with one decimal; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f}%"


class ProgressDisplay:
    """Shows a run on stderr: a live bar in a terminal, a line now and then elsewhere."""

    SECONDS_BETWEEN_LINES = 15.0

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
        for sentence in getattr(trainer.task, "left_out", ()):
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
        elif time.monotonic() - self.last_line > self.SECONDS_BETWEEN_LINES:
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
