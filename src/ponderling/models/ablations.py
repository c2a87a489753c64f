"""What the TRM paper (arXiv 2510.04871) compares its recursion with: other states, or a second network.

Each recursion here takes the whole state and gives the next one, so `recur_deeply` fits them all, as `deep_recursion` fits
the paper's own. All of them compute what the official code of these runs does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ponderling.models.interface import State
from ponderling.recursion import Net


def two_network_recursion(net: Net, net_y: Net, *, x: Tensor, state: State, n: int = 6) -> State:
    """`latent_recursion` with a network of its own for the answer (Table 1, "separate networks")."""
    y, z = state
    for _ in range(n):
        z = net(z + (y + x))
    return net_y(y + z), z


def single_latent_recursion(net: Net, x: Tensor, *, state: State, n: int = 6) -> State:
    """One latent (z,) is answer and reasoning at once (Table 2); the last call does not see the question."""
    (z,) = state
    for _ in range(n):
        z = net(z + x)
    return (net(z),)


def many_latent_recursion(net: Net, x: Tensor, *, state: State, n: int = 6) -> State:
    """State (y, z_1 .. z_n): latent step i replaces z_i, reading the sum of all latents (Table 2)."""
    y, *zs = state
    for i in range(n):
        zs[i] = net(torch.stack(zs).sum(0) + (y + x))
    return net(y + torch.stack(zs).sum(0)), *zs
