"""TRM, "Less is more: recursive reasoning with tiny networks" (arXiv 2510.04871), and the ablations of its tables."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ponderling.config import ModelConfig, PuzzleShape, RunConfig
from ponderling.models.ablations import (
    many_latent_recursion,
    single_latent_recursion,
    two_network_recursion,
)
from ponderling.models.described import described
from ponderling.models.interface import State, depth
from ponderling.models.layers import BlockStack
from ponderling.models.reasoner import Reasoner
from ponderling.recursion import Net, deep_recursion, hierarchical_recursion, recur_deeply


class TRM(Reasoner):
    """The tiny recursive model: one small network improves the reasoning z and the answer y in turn.

    Args:
        config: A run's settings, whose task says the puzzles' vocabulary and grid; or a network's alone: sizes, n and T, and
            the ablations `gradient`, `separate_networks`, `latents`.
        shape: Vocabulary and grid of the puzzles; needed with a network's settings alone.
        net: Any module from (B, S, D) to (B, S, D) in place of the block stack.
        net_y: With separate networks, any such module in place of the second one.
        generator: Source of the random initial weights; None: torch's global one.
    """

    def __init__(
        self,
        config: RunConfig | ModelConfig,
        shape: PuzzleShape | None = None,
        *,
        net: nn.Module | None = None,
        net_y: nn.Module | None = None,
        generator: torch.Generator | None = None,
    ):
        config, shape = described(config, shape, system="trm")
        num_states = {"two": 2, "single": 1, "many": 1 + config.n}[config.latents]
        super().__init__(config, shape, num_states=num_states, generator=generator)
        S = config.prefix_len + shape.seq_len
        self.net = (
            net
            if net is not None
            else BlockStack(config.num_layers, S, config=config, generator=generator, columns=shape.columns)
        )
        self.net_y = None
        if config.separate_networks:
            self.net_y = (
                net_y
                if net_y is not None
                else BlockStack(config.layers_H, S, config=config, generator=generator, columns=shape.columns)
            )
        elif net_y is not None:
            raise ValueError("net_y is a second network for y: it needs separate_networks True")

    @property
    def networks(self) -> tuple[Net, Net]:
        """The one network twice, or with separate networks both."""
        return self.net, self.net_y if self.net_y is not None else self.net

    def recur(self, x: Tensor, state: State, *, n: int | None = None, T: int | None = None) -> State:
        """`deep_recursion`, or what the ablation puts in its place."""
        n, T = depth(self.config, n, T=T)
        if self.config.gradient == "one_step":
            y, z = state
            return hierarchical_recursion(*self.networks, x=x, y=y, z=z, n=n, T=T)
        if self.config.latents == "two" and self.net_y is None:
            y, z = state
            return deep_recursion(self.net, x, y=y, z=z, n=n, T=T)
        return recur_deeply(lambda state: self.recur_once(x, state, n=n), state, T=T)

    def recur_once(self, x: Tensor, state: State, *, n: int) -> State:
        """One recursion of an ablation with other latents or a second network, with gradient through all of its calls."""
        if self.net_y is not None:
            return two_network_recursion(self.net, self.net_y, x=x, state=state, n=n)
        recursion = single_latent_recursion if self.config.latents == "single" else many_latent_recursion
        return recursion(self.net, x, state=state, n=n)
