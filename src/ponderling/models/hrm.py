"""HRM, the hierarchical reasoning model (arXiv 2506.21734): two networks, a fast L and a slow H, and a 1-step gradient."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ponderling.config import ModelConfig, PuzzleShape
from ponderling.models.interface import State, depth
from ponderling.models.layers import BlockStack
from ponderling.models.reasoner import Reasoner
from ponderling.recursion import hierarchical_recursion


class HRM(Reasoner):
    """L improves z (the paper's z_L) n times, then H improves y (its z_H) once, T times over.

    Args:
        config: Sizes, n (the paper's T) and T (its N).
        shape: Vocabulary and grid of the puzzles.
        net_L: Any module from (B, S, D) to (B, S, D) in place of the L network.
        net_H: The same for the H network.
        generator: Source of the random initial weights; None: torch's global one.
    """

    def __init__(
        self,
        config: ModelConfig,
        shape: PuzzleShape,
        net_L: nn.Module | None = None,
        net_H: nn.Module | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__(config, shape, 2, generator)
        S = config.prefix_len + shape.seq_len
        self.net_L = net_L if net_L is not None else BlockStack(config.num_layers, S, config, generator, shape.columns)
        self.net_H = net_H if net_H is not None else BlockStack(config.layers_H, S, config, generator, shape.columns)

    def recur(self, x: Tensor, state: State, *, n: int | None = None, T: int | None = None) -> State:
        """All but the last call of each network without gradient."""
        y, z = state
        n, T = depth(self.config, n, T)
        return hierarchical_recursion(self.net_L, self.net_H, x=x, y=y, z=z, n=n, T=T)
