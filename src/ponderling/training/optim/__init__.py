"""Optimizers that torch lacks, which parameters go to which, their learning rates over time, and the weights' average."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ponderling.config import TrainConfig
from ponderling.training.optim.adam_atan2 import AdamATan2
from ponderling.training.optim.sparse_sign_sgd import RowTable, SparseSignSGD

__all__ = ["AdamATan2", "Optimizers", "RowTable", "SparseSignSGD", "lr_factor", "make_ema"]


def lr_factor(step: int, warmup_steps: int, *, total_steps: int, lr_min_ratio: float) -> float:
    """The learning rate of optimizer step 1, 2, ... as a share of the highest: a linear rise, then a cosine.

    Counting starts at 1, as official: with 2 warm-up steps the rates are 1/2, 1, and then on the cosine.
    """
    if step < warmup_steps:
        return step / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return lr_min_ratio + (1 - lr_min_ratio) * max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))


class Optimizers:
    """All optimizers of a run as one: the dense weights', and sign-SGD where there is a puzzle embedding.

    Vectors of each puzzle (`models.puzzle_vectors`) go to AdamW at the rate and decay of a puzzle embedding.

    Args:
        model: Its parameters are trained. With optimizer muon, matrices inside its networks (parameters whose name
            starts with `net`; there may be none) go to Muon and the rest, embeddings, heads and vectors, to AdamW.
        config: Rates, decays and schedule.
        puzzle_embedding: The table of rows; None for a model without one.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, *, puzzle_embedding: RowTable | None = None):
        self.all: list[Optimizer] = []
        if puzzle_embedding is not None:
            self.all.append(SparseSignSGD(puzzle_embedding, config.puzzle_lr, weight_decay=config.puzzle_weight_decay))
        self.all.extend(_dense_optimizers(model, config))
        self.schedules = [
            LambdaLR(
                optimizer,
                lambda done: lr_factor(
                    done + 1, config.warmup_steps, total_steps=config.steps, lr_min_ratio=config.lr_min_ratio
                ),
            )
            for optimizer in self.all
        ]

    def step(self) -> None:
        """One update of all weights, and of the learning rates."""
        for optimizer in self.all:
            optimizer.step()
        for schedule in self.schedules:
            schedule.step()

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for optimizer in self.all:
            optimizer.zero_grad(set_to_none=True)

    @property
    def lr(self) -> float:
        """Learning rate of the next update of the dense weights."""
        return float(self.all[-1].param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """Everything `load_state_dict` needs to go on."""
        return {
            "optimizers": [optimizer.state_dict() for optimizer in self.all],
            "updates": self.schedules[0].last_epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where `state_dict` was taken."""
        for optimizer, saved in zip(self.all, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for schedule in self.schedules:
            schedule.last_epoch = state["updates"]


VECTORS = "puzzle_vectors.table"
"""The parameter with the vectors of each puzzle, see `models.puzzle_vectors`."""


def _dense_optimizers(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    parameters = dict(model.named_parameters())
    betas = (config.beta1, config.beta2)
    if VECTORS in parameters:
        table = parameters.pop(VECTORS)
        own = AdamW([table], config.puzzle_lr, betas, weight_decay=config.puzzle_weight_decay)
        return [own, *_weights_optimizers(parameters, config)]
    return _weights_optimizers(parameters, config)


def _weights_optimizers(parameters: dict[str, nn.Parameter], config: TrainConfig) -> list[Optimizer]:
    betas = (config.beta1, config.beta2)
    if config.optimizer == "adamw":
        return [AdamW(parameters.values(), config.lr, betas, weight_decay=config.weight_decay)]
    if config.optimizer == "muon":
        matrices = {name: p for name, p in parameters.items() if p.ndim == 2 and name.startswith("net")}
        rest: list[Tensor] = [p for name, p in parameters.items() if name not in matrices]
        optimizers: list[Optimizer] = []
        if matrices:
            optimizers.append(Muon(list(matrices.values()), config.muon_lr, config.weight_decay))
        if rest:
            optimizers.append(AdamW(rest, config.lr, betas, weight_decay=config.weight_decay))
        return optimizers
    correction = "inside" if config.optimizer == "adam_atan2_paper" else "outside"
    return [
        AdamATan2(parameters.values(), config.lr, betas=betas, weight_decay=config.weight_decay, correction=correction)
    ]


def make_ema(model: nn.Module, rate: float, *, warmup: bool = False) -> AveragedModel:
    """The moving average of the model's parameters, from its present weights on, without bias correction.

    With a warm-up the rate is (1 + t) / (4 + t) at update t until it is what was asked for, so that the average spans about a
    third of the updates so far. `n_averaged` is t. TensorFlow's ExponentialMovingAverage has 10 in place of 4.

    Buffers (initial states, puzzle embeddings) are the live model's own: the official evaluation averages none of them,
    and a table of puzzle embeddings is too large to copy at every step.
    """
    ema = AveragedModel(model, multi_avg_fn=_growing_average(rate) if warmup else get_ema_multi_avg_fn(rate))
    assert isinstance(ema.n_averaged, Tensor)
    ema.n_averaged.fill_(1)  # torch's first update would otherwise overwrite the starting weights
    live = dict(model.named_modules())
    for name, module in ema.module.named_modules():
        for key in module._buffers:
            module._buffers[key] = live[name]._buffers[key]
    ema.requires_grad_(False)
    return ema


Tensors = tuple[Tensor, ...] | list[Tensor]


def _growing_average(rate: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Moves averages towards weights, with a rate that grows to this one."""

    @torch.no_grad()
    def average(averages: Tensors, weights: Tensors, updates: Tensor | int) -> None:
        t = torch.as_tensor(updates)
        share = 1 - ((1 + t) / (4 + t)).clamp_max(rate)
        for averaged, weight in zip(averages, weights, strict=True):
            averaged.lerp_(weight, share.to(averaged))

    return average


def seeded_generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A random source of its own on the device."""
    return torch.Generator(device=device).manual_seed(seed)
