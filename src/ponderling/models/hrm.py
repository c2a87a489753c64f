"""HRM, the hierarchical reasoning model (arXiv 2506.21734): two networks, a fast L and a slow H, and a 1-step gradient."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ponderling.config import ModelConfig, PuzzleShape, RunConfig
from ponderling.models.described import described
from ponderling.models.interface import State, depth
from ponderling.models.layers import BlockStack
from ponderling.models.reasoner import Reasoner
from ponderling.recursion import Net, hierarchical_recursion


class HRM(Reasoner):
    """The hierarchical model: L improves z (the paper's z_L) n times, then H y (its z_H) once, T times over.

    Args:
        config: A run's settings, whose task says the puzzles' vocabulary and grid; or a network's alone: sizes, n (the paper's
            T) and T (its N).
        shape: Vocabulary and grid of the puzzles; needed with a network's settings alone.
        net_L: Any module from (B, S, D) to (B, S, D) in place of the L network.
        net_H: Any such module in place of the H network.
        generator: Source of the random initial weights; None: torch's global one.
    """

    def __init__(
        self,
        config: RunConfig | ModelConfig,
        shape: PuzzleShape | None = None,
        *,
        net_L: nn.Module | None = None,
        net_H: nn.Module | None = None,
        generator: torch.Generator | None = None,
    ):
        config, shape = described(config, shape, system="hrm")
        super().__init__(config, shape, num_states=2, generator=generator)
        S = config.prefix_len + shape.seq_len
        self.net_L = (
            net_L
            if net_L is not None
            else BlockStack(config.num_layers, S, config=config, generator=generator, columns=shape.columns)
        )
        self.net_H = (
            net_H
            if net_H is not None
            else BlockStack(config.layers_H, S, config=config, generator=generator, columns=shape.columns)
        )

    @property
    def networks(self) -> tuple[Net, Net]:
        """L, which improves z, and H, which improves y."""
        return self.net_L, self.net_H

    def recur(self, x: Tensor, state: State, *, n: int | None = None, T: int | None = None) -> State:
        """All but the last call of each network without gradient."""
        y, z = state
        n, T = depth(self.config, n, T=T)
        return hierarchical_recursion(*self.networks, x=x, y=y, z=z, n=n, T=T)
