"""What changes from one update to the next: the phase that a step belongs to, and how deep its update thinks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ponderling.config import Phase, RunConfig, TrainConfig
from ponderling.halting import times_asked
from ponderling.models.interface import takes_depth


def phase_at(train: TrainConfig, step: int) -> Phase | None:
    """The phase of the update after so many steps; None after the last phase."""
    return next((phase for phase in train.phases if step < phase.until), None)


def depth_at(config: RunConfig, step: int) -> dict[str, int]:
    """The n and T of the update after so many steps, by name, if they differ from the model's own."""
    train, own, phase = config.train, config.model, phase_at(config.train, step)
    n = (phase and phase.n) or own.n
    T = (phase and phase.T) or own.T
    if train.vary_T:
        T = int(np.random.default_rng([train.seed, 2, step]).integers(1, 2 * T))
    return {name: value for name, value in (("n", n), ("T", T)) if value != getattr(own, name)}


def refuse_depth(config: RunConfig, model: Any) -> None:
    """Refuses a depth that a model of the user's own cannot be asked for.

    Raises:
        ValueError: naming the setting and what the model's call must take.
    """
    times_asked(model, config)
    train = config.train
    wanted = [f"train.phases until {p.until}" for p in train.phases if p.n is not None or p.T is not None]
    wanted += ["train.vary_T"] * train.vary_T
    if wanted and not takes_depth(model):
        raise ValueError(
            f"{wanted[0]} trains at another n or T than the model's own: the call of {type(model).__name__} "
            "must take the keywords n and T; give it these, or leave the setting out"
        )
