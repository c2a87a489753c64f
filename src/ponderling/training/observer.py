"""Observers of a run: `Observer` ignores every event, `ProgressLines` prints progress lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from ponderling.system import after_a_moment

SECONDS_BETWEEN_LINES = 15.0
"""Seconds between two progress lines if stderr is not a terminal."""

SCORING = {"eval": "validating on", "test": "testing on"}
"""What an evaluation of each kind is called while it lasts."""


def percent(value: float | None) -> str:
    """The share as a percentage with one decimal; a dash for None."""
    return "–" if value is None else f"{100 * value:.1f}%"


def count_of(number: int, what: str) -> str:
    """A number of things, as in "1 step" and "1,000 steps"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


class Observer:
    """Receives the events of a run and ignores them; a subclass overrides the methods it needs.

    `trainer` is the run's `trainer.Trainer`.
    """

    def started(self, trainer: Any) -> None:
        """Called before the first step."""

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """Called after each optimizer step, with the means since the last line of the log."""

    def scoring(self, kind: str, count: int) -> AbstractContextManager[Callable[[int], object]]:
        """Entered while this number of puzzles is scored, and gives what is called with the number done so far.

        kind is eval (validation) or test.
        """
        return nullcontext(lambda done: None)

    def evaluated(self, kind: str, step: int, *, figures: dict[str, Any], is_best: bool) -> None:
        """Called after an evaluation; kind is eval (validation) or test."""

    def finished(self, trainer: Any) -> None:
        """Called after the last checkpoint was written."""

    def noticed(self, text: str) -> None:
        """Called with one line that the user should know."""


class ProgressLines(Observer):
    """Prints on stderr what is trained, a line now and then while it lasts, and the scores.

    Args:
        keeps_folder: Whether the run folder outlives the run, so that its name is worth telling.
    """

    def __init__(self, *, keeps_folder: bool = True) -> None:
        self.keeps_folder = keeps_folder
        self.steps = 0
        self._trained_from, self._started_at, self._last_line = 0, 0.0, float("-inf")

    def say(self, text: str) -> None:
        """Prints a line."""
        print(text, file=sys.stderr, flush=True)

    def started(self, trainer: Any) -> None:
        """Says what is trained on what."""
        config, lanes = trainer.config, trainer.lanes
        counts = {
            part: sum(len(getattr(lane.data, part)) for lane in lanes) for part in ("train", "validation", "test")
        }
        numbers = list(dict.fromkeys(lane.num_slots for lane in lanes))
        slots = f"{' or '.join(map(str, numbers))} {'slot' if numbers == [1] else 'slots'}"
        self.steps = config.train.steps
        self._trained_from, self._started_at = trainer.step, time.monotonic()
        parameters = sum(p.numel() for p in trainer.model.parameters())
        self.say(
            f"{config.model.system.upper()}, {parameters:,} parameters, on {config.data.task}: "
            f"{count_of(counts['train'], 'puzzle')} to train on, {counts['validation']:,} to validate, "
            f"{counts['test']:,} to test; {count_of(self.steps, 'step')} of {slots}"
            + (f" in {trainer.world.size} processes" if trainer.world.size > 1 else "")
            + (f" into {trainer.out}" if self.keeps_folder else "")
            + (f", from step {trainer.step:,}" if trainer.step else "")
        )
        for lane in lanes:
            for sentence in (*(lane.data.left_out or lane.task.left_out), *lane.data.notes):
                self.say(f"{lane.name}: {sentence}" if len(lanes) > 1 else str(sentence))

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """Tells of the progress."""
        self.advanced(
            step,
            f"loss {metrics['loss']:.4f}  exact {percent(metrics.get('exact'))}  "
            f"mean steps {metrics.get('mean_steps', float('nan')):.1f}  {metrics['puzzles_per_second']:.0f} puzzles/s",
        )

    def advanced(self, step: int, text: str) -> None:
        """Prints a line every quarter of a minute."""
        now = time.monotonic()
        if now - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = now
            left = (now - self._started_at) / max(1, step - self._trained_from) * (self.steps - step)
            self.say(f"step {step:,}  {text}  {left / 60:.1f} min left")

    @contextmanager
    def scoring(self, kind: str, count: int) -> Iterator[Callable[[int], object]]:
        """Prints a line after a moment, and how far it is every quarter of a minute."""
        last_line = time.monotonic()

        def tell(done: int) -> None:
            nonlocal last_line
            if time.monotonic() - last_line > SECONDS_BETWEEN_LINES:
                last_line = time.monotonic()
                self.say(f"{SCORING[kind]} {done:,} of {count_of(count, 'puzzle')}")

        with after_a_moment(lambda: self.say(f"{SCORING[kind]} {count_of(count, 'puzzle')}")):
            yield tell

    def evaluated(self, kind: str, step: int, *, figures: dict[str, Any], is_best: bool) -> None:
        """Prints the scores."""
        early, halting = figures["early_exit"], figures["halting"]
        what = "validation" if kind == "eval" else f"test, weights of step {step:,}"
        families = [f"{name} {percent(its['exact'])}" for name, its in figures.get("families", {}).items()]
        self.say(
            f"step {step:,}  {what}: exact {percent(figures['exact'])}"
            + (f" ({', '.join(families)})" if families else "")
            + f" at {count_of(figures['steps'], 'step')}, "
            f"{percent(early['exact'])} with early exit after {early['mean_steps']:.1f} on average, "
            f"halting precision {percent(halting['precision'])}"
            + ("  (best so far)" if is_best else "")
            + (f"; {figures['trained_on']:,} of these puzzles were trained on" if figures.get("trained_on") else "")
        )

    def noticed(self, text: str) -> None:
        """Prints the line."""
        self.say(text)

    def finished(self, trainer: Any) -> None:
        """Says how long it took."""
        where = f"; checkpoints in {trainer.out}" if self.keeps_folder else ""
        self.say(f"{trainer.seconds:.0f} s of training{where}")
