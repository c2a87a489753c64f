"""What comes of thinking: one step of a trace (`TraceStep`), and the answer to a puzzle (`Answer`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import Tokens


@dataclass(frozen=True, eq=False, kw_only=True)
class TraceStep:
    """What the model thinks after one supervision step, or after one recursion of it where it is asked within steps."""

    step: int
    """The supervision step: 1, 2, ..."""
    tokens: Tokens
    """The likeliest token of each cell, (L,)."""
    probabilities: NDArray[np.float32]
    """Probability of every token in each cell, (L, V)."""
    halt_probability: float
    """How sure the model is that this answer is right, from 0 to 1: its halting head or its cells, see `halting.py`."""
    wants_to_halt: bool
    """Whether the model says stop."""
    guessed: tuple[int, ...] = ()
    """Cells whose symbol search has asserted so far, in row-major order."""
    recursion: int = 1
    """Which recursion of the step this is after, from 1; always 1 where the model is asked after whole steps alone."""
    state: tuple[NDArray[np.float32], ...] | None = None
    """Hidden states, (y, z) of one puzzle, each (S, D) or (C, V, D) for the relational network; None unless asked for."""

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the likeliest token, (L,)."""
        return self.probabilities.max(-1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Answer:
    """The answer to one puzzle, as tokens, and how the thinking about it ended.

    `steps` and `attempts` count what it takes to find the answer with one attempt after the other, so they do not depend on
    the slots. Where slots are free, later attempts run beside earlier ones; `passes` counts these too.
    """

    tokens: Tokens
    """The answer, (L,)."""
    steps: int
    """Supervision steps of all attempts up to the one that gave the answer; of all where none ended the search."""
    halted: bool
    """Whether the model said stop at this answer; False: it ran out of steps."""
    halt_probability: float
    """How sure the model was that it is done, at this answer, from 0 to 1."""
    accepted: bool
    """Whether the answer ended the search: by the rules (with `verify`) or the halting head. False: the best there was."""
    attempts: int = 1
    """Attempts up to the one that gave the answer; all where none ended the search."""
    attempt: int = 1
    """Number of the attempt that gave the answer; 1 is plain thinking."""
    passes: int
    """Supervision steps spent on the puzzle in all attempts, those included that ran beside the one that gave the answer."""
    guesses: int = 0
    """Number of guesses asserted in the attempt that gave the answer."""
    first: Tokens
    """The answer of plain thinking, with which a search begins, (L,)."""
    trace: tuple[TraceStep, ...] = ()
    """Every step, or recursion, of the attempt that gave the answer, when asked for. A guessing attempt goes on from where
    plain thinking ended, and its trace starts with the trace of that."""
