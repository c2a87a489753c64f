"""How a trained model is used: when it stops thinking about a puzzle, and what to do when it stays unsure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ponderling.config.kinds import kind_problems
from ponderling.config.numbers import SEEDS, number_problems
from ponderling.config.problems import refuse

HaltBy = Literal["head", "cells"]
Choice = Literal["halting", "surest", "agreement", "residual"]
"""How search chooses among the answers of its attempts.

halting: the first attempt at whose end the halting head says stop, else the attempt whose last step it was surest of.
surest: of all steps of all attempts, the one that the model was surest of. agreement: the answer that most attempts end with.
residual: the answer of the attempt whose state changed least in its last step.
"""


@dataclass(frozen=True, kw_only=True)
class SolveConfig:
    """When a trained model stops thinking about a puzzle; training itself does not read these settings."""

    halt_when_sure: float = 0.5
    """Probability, from 0.5 to 1, above which the stopping rule `halt_by` ends a puzzle."""
    halt_by: HaltBy = "head"
    """Stopping rule: the halting `head`, or all `cells` being sure (for grid sizes unseen in training)."""
    halt_within_step: bool = False
    """Let a puzzle stop after any of the T recursions in a supervision step, instead of after the last."""
    as_demonstrated: bool = False
    """ARC: give every answer the size that follows from the demonstrations by a simple rule, and only colours that the input
    or a demonstrated output has."""

    def __post_init__(self) -> None:
        refuse(number_problems(self) + kind_problems(self))
        if not 0.5 <= self.halt_when_sure < 1:
            refuse([f"halt_when_sure must be at least 0.5 and below 1: got {self.halt_when_sure}"])


@dataclass(frozen=True, kw_only=True)
class Search:
    """How much to spend on a puzzle that plain thinking leaves open, and how to choose among the answers."""

    restarts: int = 0
    """Number of further attempts at a puzzle that plain thinking leaves open."""
    search_steps: int | None = None
    """Maximum number of supervision steps in a further attempt; by default the same as in plain thinking."""
    guess_every: int = 3
    """Number of steps between the guesses of a further attempt, which starts with one; 0 for no guesses. Networks whose cells
    keep hints do not guess."""
    noise: float = 0.0
    """Standard deviation of the normal noise added to the state that a further attempt starts from. A restart of a network
    whose cells keep hints, such as `maze`, always has some; 0 stands for 0.6 there."""
    views: int | None = None
    """Number of further attempts that see the puzzle under a random symmetry, without guesses; by default 0. In ARC: number
    of views that vote besides the task as given; by default all that were trained on."""
    choose: Choice = "halting"
    """The answer to take. halting: the first attempt at whose end the halting head says stop, else the one that ended
    surest. surest: the surest of all steps. agreement: the most frequent. residual: the one that had settled most."""
    verify: bool = False
    """Take the first answer that the task's rules accept, whatever the model says."""
    seed: int = 0
    """Seed of the guesses, the noise and the random symmetries."""

    @property
    def is_plain(self) -> bool:
        """Whether search is off: one attempt, and the model alone says when it ends."""
        return not (self.restarts or self.views or self.verify)

    def __post_init__(self) -> None:
        refuse(number_problems(self, {"seed": SEEDS}) + kind_problems(self))
        problems = [
            f"{name} must be at least {least}: got {value}"
            for name, value, least in (
                ("restarts", self.restarts, 0),
                ("search_steps", self.search_steps, 1),
                ("guess_every", self.guess_every, 0),
                ("noise", self.noise, 0),
                ("views", self.views, 0),
                ("seed", self.seed, 0),
            )
            if value is not None and value < least
        ]
        if self.restarts and not self.noise and not self.guess_every:
            problems.append("restarts without noise and without guesses would all be alike: set noise or guess_every")
        refuse(problems)
