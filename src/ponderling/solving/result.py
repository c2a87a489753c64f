"""The answer to a puzzle, as text and grid, with the rules' verdict on it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.pictures.film import Film, svg
from ponderling.solving.records import Answer, TraceStep
from ponderling.tasks.base import Task, Tokens, Verdict


class Result:
    """The answer to one puzzle, as text and as a grid, and whether the rules accept it.

    The model itself proves nothing about its answer; `valid` is the verdict of the task's rules. A notebook shows a
    result as its grid, or as a film if the result has a trace.

    Args:
        task: The puzzle family.
        question: The question's tokens, (L,).
        found: The answer's tokens, and how the thinking ended.
    """

    def __init__(self, task: Task, question: Tokens, *, found: Answer) -> None:
        self.task, self.question_tokens, self.found = task, question, found

    @property
    def question(self) -> str:
        """The question as text."""
        return self.task.format(self.question_tokens)

    @property
    def answer(self) -> str:
        """The answer as one line of text; a dot marks a cell that the model left blank."""
        return self.task.format(self.tokens)

    @cached_property
    def grid(self) -> NDArray[Any]:
        """The answer as a grid of symbols, (rows, columns): digits for Sudokus, 0 for a blank; characters for mazes."""
        return self.task.to_grid(self.tokens)

    @property
    def tokens(self) -> Tokens:
        """The answer's tokens, (L,)."""
        return self.found.tokens

    @property
    def steps(self) -> int:
        """Number of supervision steps in all attempts up to the one that gave the answer."""
        return self.found.steps

    @property
    def attempts(self) -> int:
        """Number of attempts up to the one that gave the answer; more than one only with search."""
        return self.found.attempts

    @property
    def attempt(self) -> int:
        """Number of the attempt that gave the answer; 1 is plain thinking."""
        return self.found.attempt

    @property
    def halted(self) -> bool:
        """Whether the model itself said stop; False if it ran out of steps."""
        return self.found.halted

    @property
    def halt_probability(self) -> float:
        """How sure the model was that its answer is right, from 0 to 1."""
        return self.found.halt_probability

    @property
    def trace(self) -> tuple[TraceStep, ...]:
        """Every step of the attempt that gave the answer; empty unless solved with `trace`. See `TraceStep`."""
        return self.found.trace

    @cached_property
    def verdict(self) -> Verdict:
        """The task's full verdict on the answer: whether it is valid, and the broken rules."""
        return self.task.check(self.question_tokens, self.tokens)

    @property
    def valid(self) -> bool | None:
        """Whether every rule holds and every clue is kept; None where the task has no rules to judge by."""
        return self.verdict.valid if self.task.has_rules else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The broken rules, one sentence each; empty when the answer is valid."""
        return self.verdict.reasons

    @property
    def note(self) -> str:
        """What a valid answer means where that is not plain from the grid: `no way leads from S to G`; mostly empty."""
        return self.verdict.note

    def to_json(self) -> dict[str, Any]:
        """The result as plain JSON values, with the trace if it has one."""
        plain: dict[str, Any] = {
            "question": self.question,
            "answer": self.answer,
            "valid": self.valid,
            "reasons": list(self.reasons),
            "note": self.note,
            "steps": self.steps,
            "attempts": self.attempts,
            "attempt": self.found.attempt,
            "halted": self.halted,
            "halt_probability": round(self.halt_probability, 4),
        }
        if self.trace:
            plain["trace"] = [
                {
                    "step": step.step,
                    "recursion": step.recursion,
                    "tokens": step.tokens.tolist(),
                    "confidence": [round(float(c), 4) for c in step.confidence],
                    "halt_probability": round(step.halt_probability, 4),
                }
                for step in self.trace
            ]
        return plain

    def __repr__(self) -> str:
        judged = {True: "valid", False: "not valid", None: "no rules to judge by"}[self.valid]
        how = (
            f"halted, {self.halt_probability:.0%} sure"
            if self.halted
            else f"not halted, {self.halt_probability:.0%} sure"
        )
        return f"Result({self.answer!r}, {judged}, {self.steps} step{'s' * (self.steps != 1)}, {how})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        found = self.found
        return (
            self.task.name,
            self.question_tokens.tobytes(),
            found.tokens.tobytes(),
            found.steps,
            found.attempts,
            found.halted,
        )

    def _repr_html_(self) -> str:
        """The grid, or the film of the thinking where there is a trace, for a notebook."""
        if self.trace:
            return svg(Film(self.task, self))
        certain = np.eye(self.task.vocab_size, dtype=np.float32)[self.tokens]
        end = TraceStep(
            step=self.steps,
            tokens=self.tokens,
            probabilities=certain,
            halt_probability=self.halt_probability,
            wants_to_halt=self.halted,
        )
        shown = Result(self.task, self.question_tokens, found=replace(self.found, trace=(end,)))
        return svg(Film(self.task, shown), still=1)

    def states(self) -> list[tuple[NDArray[np.float32], ...]]:
        """The hidden states (y, z) after each step of the trace; needs a result solved with `trace="states"`.

        Raises:
            ValueError: when the states were not kept.
        """
        kept = [step.state for step in self.trace if step.state is not None]
        if not kept:
            raise ValueError('the hidden states were not kept: ask for them with trace="states"')
        return kept
