"""A training of so many CPU seconds: how many updates fit in, and when it ends before them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

Ended = Literal["steps", "right", "time"]
"""What ended a training: all updates were made, every validation answer was right for a while, or the time was over."""

CHECKS = 20
"""Evaluations on the validation examples, evenly over the training."""
SHARE_OF_CHECKS = 0.15
"""Largest share of the time that evaluations take; where they are slow there are fewer."""
RIGHT_IN_A_ROW = 3
"""Evaluations in a row with every answer right, after which training ends."""
OVERTIME = 1.15
"""Times the time that was asked for, after which a training ends wherever it is: the plan was wrong by that much."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Updates that fit into the time."""

    steps: int
    """Number of updates, and length of the schedule of learning rates."""
    check_every: int
    """Number of updates between evaluations."""


def plan(seconds: float, *, update: Callable[[], Any], check: Callable[[], Any]) -> Plan:
    """How many updates fit into so many CPU seconds, beside the evaluations.

    Args:
        seconds: CPU seconds of updates and evaluations together.
        update: Makes an update; it is called a few times, to be timed.
        check: Evaluates; called once.
    """
    for _ in range(3):
        update()
    began, number = time.process_time(), 0
    while number < 5 or time.process_time() - began < min(2.0, seconds / 20):
        update()
        number += 1
    of_update = (time.process_time() - began) / number
    began = time.process_time()
    check()
    of_check = max(time.process_time() - began, 1e-6)
    checks = max(1, min(CHECKS, int(SHARE_OF_CHECKS * seconds / of_check)))
    steps = max(1, int((seconds - checks * of_check) / of_update))
    return Plan(steps=steps, check_every=math.ceil(steps / checks))


@dataclass
class Watch:
    """Watches the time and the validation figures of a training, from when it is made."""

    seconds: float
    """CPU seconds that the training was planned to take."""
    _: KW_ONLY
    began: float = field(default_factory=time.process_time)
    right: int = 0
    """Evaluations in a row with every answer right."""

    def heard(self, exact: float) -> None:
        """Notes an evaluation's exact match, from 0 to 1."""
        self.right = self.right + 1 if exact == 1 else 0

    @property
    def spent(self) -> float:
        """CPU seconds so far."""
        return time.process_time() - self.began

    @property
    def ended(self) -> Ended:
        """What has ended the training; steps if nothing else has."""
        if self.right >= RIGHT_IN_A_ROW:
            return "right"
        return "time" if self.spent > OVERTIME * self.seconds else "steps"

    def is_over(self) -> bool:
        """Whether the training is to end before its last update."""
        return self.ended != "steps"


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a training went."""

    parameters: int
    updates: int
    seconds: float
    """CPU seconds of updates and evaluations together."""
    validation: float | None
    """Exact match on the validation examples of the weights that were kept."""
    ended: Ended
