"""The records of thinking: one step of a trace (`TraceStep`), and the answer to a puzzle (`Answer`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import Tokens


@dataclass(frozen=True, eq=False, kw_only=True)
class TraceStep:
    """The model's answer after one supervision step, or after one recursion if the model is asked within steps."""

    step: int
    """Number of the supervision step, from 1."""
    tokens: Tokens
    """The likeliest token of each cell, (L,)."""
    probabilities: NDArray[np.float32]
    """Probability of every token in each cell, (L, V)."""
    halt_probability: float
    """How sure the model is that this answer is right, from 0 to 1: its halting head or its cells, see `halting.py`."""
    wants_to_halt: bool
    """Whether the model says stop."""
    guessed: tuple[int, ...] = ()
    """Cells that the search has guessed so far, as indices in row-major order."""
    recursion: int = 1
    """Number of the recursion within the step, from 1; always 1 if the model is asked only after whole steps."""
    state: tuple[NDArray[np.float32], ...] | None = None
    """Hidden states, (y, z) of one puzzle, each (S, D) or (C, V, D) for the relational network; None unless asked for."""
    change: NDArray[np.float32] | None = None
    """Mean square by which the hidden state of each cell changed since the moment before, (L,). None unless asked for, and for
    a network of your own whose states have no part for each cell."""

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the likeliest token in each cell, (L,)."""
        return self.probabilities.max(-1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Answer:
    """The answer to one puzzle, as tokens, and how the thinking about it ended.

    `steps` and `attempts` count what it takes to find the answer with one attempt after the other, so they do not depend on
    the slots. If slots are free, later attempts run in parallel; `passes` counts these too.
    """

    tokens: Tokens
    """The answer, (L,)."""
    steps: int
    """Number of supervision steps in all attempts up to the one that gave the answer, or in all."""
    halted: bool
    """Whether the model itself said stop at this answer; False if it ran out of steps."""
    halt_probability: float
    """How sure the model was that this answer is right, from 0 to 1."""
    accepted: bool
    """Whether the rules (with `verify`) or the halting head accepted the answer; False: it is only the best found."""
    attempts: int = 1
    """Number of attempts up to the one that gave the answer; all attempts if none ended the search."""
    attempt: int = 1
    """Number of the attempt that gave the answer; 1 is plain thinking."""
    passes: int
    """Number of supervision steps spent on the puzzle in all attempts, including those that ran in parallel."""
    guesses: int = 0
    """Number of guesses made in the attempt that gave the answer."""
    first: Tokens
    """The answer of the first attempt, which does not search, (L,)."""
    trace: tuple[TraceStep, ...] = ()
    """Every step, or recursion, of the attempt that gave the answer; empty unless asked for. A guessing attempt
    continues the first attempt, so its trace starts with the first attempt's."""
