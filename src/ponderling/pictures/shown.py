"""What pictures ask of a result and of its trace; `solving.result.Result` has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import Tokens


class ShownStep(Protocol):
    """One moment of thinking."""

    @property
    def step(self) -> int:
        """The supervision step, from 1."""
        ...

    @property
    def recursion(self) -> int:
        """Number of the recursion within the step, from 1."""
        ...

    @property
    def tokens(self) -> Tokens:
        """The answer so far, (L,)."""
        ...

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Probability of every token in each cell, (L, V)."""
        ...

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the likeliest token, (L,)."""
        ...

    @property
    def halt_probability(self) -> float:
        """How sure the model is that the answer is right, from 0 to 1."""
        ...

    @property
    def change(self) -> NDArray[np.float32] | None:
        """Mean square by which the hidden state of each cell changed, (L,); None where that was not kept."""
        ...

    @property
    def guessed(self) -> tuple[int, ...]:
        """Cells whose symbol search has asserted."""
        ...


class ShownResult(Protocol):
    """An answer with its question, and how it came about."""

    @property
    def question(self) -> str:
        """The question as text."""
        ...

    @property
    def answer(self) -> str:
        """The answer as text."""
        ...

    @property
    def question_tokens(self) -> Tokens:
        """The question, (L,)."""
        ...

    @property
    def tokens(self) -> Tokens:
        """The answer, (L,)."""
        ...

    @property
    def trace(self) -> Sequence[ShownStep]:
        """Every moment of thinking."""
        ...

    @property
    def steps(self) -> int:
        """Supervision steps taken."""
        ...

    @property
    def attempts(self) -> int:
        """Number of attempts."""
        ...

    @property
    def halted(self) -> bool:
        """Whether the model said stop."""
        ...

    @property
    def halt_probability(self) -> float:
        """How sure the model was, from 0 to 1."""
        ...

    @property
    def valid(self) -> bool | None:
        """Whether the rules accept the answer; None where there are no rules."""
        ...

    @property
    def reasons(self) -> tuple[str, ...]:
        """The broken rules, one sentence each."""
        ...

    @property
    def note(self) -> str:
        """What a valid answer means where that is not plain from the grid; mostly empty."""
        ...


def is_within_steps(trace: Sequence[ShownStep]) -> bool:
    """Whether a trace tells of recursions within steps, and not of whole steps alone."""
    return any(step.recursion > 1 for step in trace)
