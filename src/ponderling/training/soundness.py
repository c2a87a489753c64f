"""Whether a run's numbers are finite: weights that are not, or whose next loss would not be, replace no checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from ponderling.checkpoint import CheckpointError, read_config
from ponderling.config import RunConfig, TrainConfig
from ponderling.training.distributed import World
from ponderling.training.gradients import largest
from ponderling.training.lanes import Lane
from ponderling.training.optim import seeded_generator


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to try."""


class Soundness:
    """What is wrong with the weights of a run, if anything is.

    Args:
        model: The network in training, with the weights that the run begins with.
    """

    def __init__(self, model: nn.Module):
        self.model = model
        # A network of the user's own may hold a buffer that is infinite by design, such as a mask.
        self._infinite = {name for name, value in model.named_buffers() if not value.isfinite().all()}

    def fault(self, average: nn.Module | None, lanes: Sequence[Lane], *, step: int, world: World) -> str | None:
        """Why the weights are not to be saved; None where they are sound.

        Weights may have blown up in the last update and still be finite; the next loss would then not be.

        Args:
            average: The network with the averaged weights; None: there is no average.
            lanes: The slots, whose own puzzles the loss is computed of.
            step: Number of updates so far.
            world: The processes that train together, all of which ask.
        """
        for name, network in (("weights", self.model), ("averaged weights", average)):
            if network is not None and not self._is_finite(network):
                return f"the {name} are not finite after step {step}"
        if step and world.any(not _losses_are_finite(lanes)):
            return f"the weights give a loss that is not finite after step {step}"
        return None

    def _is_finite(self, network: nn.Module) -> bool:
        state = network.state_dict()
        numbers = [value for key, value in state.items() if key not in self._infinite and value.is_floating_point()]
        return math.isfinite(largest(numbers).item())  # sync


@torch.no_grad()
def _losses_are_finite(lanes: Sequence[Lane]) -> bool:
    """Whether one more supervision step of the slots, of the live and of the averaged weights, has a finite loss."""
    losses = [loss for lane in lanes for loss in lane.losses(seeded_generator(0, lane.device))]
    return bool(torch.stack(losses).isfinite().all())  # sync


def advice(config: RunConfig, last: Path) -> str:
    """What to try, and from where, after numbers that are not finite.

    Args:
        config: The run's settings.
        last: The folder of the run's latest checkpoint, which need not be there.
    """
    train = config.train
    try:
        good = f"the last good checkpoint is {last} (step {read_config(last)[2].get('step')})"
    except CheckpointError:
        good = "no checkpoint was saved yet"
    lower = " and ".join(_far_too_high(train))
    if lower:
        return f"Try a lower {lower}; {good}"
    return (
        f"Try a lower --train.lr (now {train.lr:g}), more --train.warmup-steps (now {train.warmup_steps}) or "
        f"--model.dtype float32 (now {config.model.dtype}); {good}"
    )


FAR = 1000.0
"""Weight of a loss, or size of a noise, beyond which the answer's own loss hardly counts."""


def _far_too_high(train: TrainConfig) -> list[str]:
    """The settings that blow weights up whatever the learning rate is good for, as options with their values."""
    found = []
    highest = max(
        ("lr", train.lr), ("muon-lr", train.muon_lr if train.optimizer == "muon" else 0.0), key=lambda rate: rate[1]
    )
    for decay, value, (name, lr) in (
        ("weight-decay", train.weight_decay, highest),
        ("puzzle-weight-decay", train.puzzle_weight_decay, ("puzzle-lr", train.puzzle_lr)),
    ):
        if value * lr >= 1 > lr:  # each step turns the weights' sign
            found.append(
                f"--train.{decay} (now {value:g}: with --train.{name} {lr:g} each step multiplies weights by "
                f"{1 - value * lr:g})"
            )
    factors = ("halt_loss_weight", "hint_loss_weight", "state_noise", "step_noise")
    return found + [
        f"--train.{name.replace('_', '-')} (now {value:g})" for name in factors if (value := getattr(train, name)) > FAR
    ]
