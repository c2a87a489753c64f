"""The recursion of both papers, on a bare `net` that maps (B, S, D) to (B, S, D). Start here.

Everywhere in this library `x` is the embedded question, `y` the current answer, embedded, and `z` the latent reasoning,
all (B, S, D); `n` counts latent steps in one recursion and `T` recursions in one supervision step. The HRM paper writes
T for our n, N for our T, z_H for our y and z_L for our z. Read `supervision.py` next: what happens between two calls.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Net = Callable[[Tensor], Tensor]
"""Any function or module from (B, S, D) to (B, S, D)."""


def latent_recursion(
    net: Net, x: Tensor, y: Tensor, z: Tensor, n: int = 6, net_y: Net | None = None
) -> tuple[Tensor, Tensor]:
    """Reasons n times, then improves the answer once (TRM: arXiv 2510.04871, Figure 3).

    Which of the two the one network does, it can tell from its input: the question x is only in the sum for z.
    `net_y`, a second network for the answer, is the paper's ablation "separate L and H networks".
    """
    for _ in range(n):
        z = net(z + (y + x))
    y = (net_y or net)(y + z)
    return y, z


def deep_recursion(
    net: Net, x: Tensor, y: Tensor, z: Tensor, n: int = 6, T: int = 3, net_y: Net | None = None
) -> tuple[Tensor, Tensor]:
    """Recurs T - 1 times without gradient, then once with gradient through all n + 1 calls (TRM, Figure 3)."""
    with torch.no_grad():
        for _ in range(T - 1):
            y, z = latent_recursion(net, x, y, z, n, net_y)
    return latent_recursion(net, x, y, z, n, net_y)


def hierarchical_recursion(
    net_L: Net, net_H: Net, x: Tensor, y: Tensor, z: Tensor, n: int = 2, T: int = 2
) -> tuple[Tensor, Tensor]:
    """The same T x (n + 1) calls, but only the last of each network with gradient (HRM: arXiv 2506.21734, Figure 4).

    This "1-step gradient" would be right at a fixed point (implicit function theorem), which so few steps do not reach.
    """
    with torch.no_grad():
        for _ in range(T - 1):
            y, z = latent_recursion(net_L, x, y, z, n, net_H)
        for _ in range(n - 1):
            z = net_L(z + (y + x))
    return latent_recursion(net_L, x, y, z, 1, net_H)


# Two ablations of the TRM paper (its Table 2) change what is carried, not how often: one latent in all, or one for each
# latent step. Both as in the official code of these runs; they take and give the whole state, so `recur_deeply` fits both.

State = tuple[Tensor, ...]


def single_latent_recursion(net: Net, x: Tensor, state: State, n: int = 6) -> State:
    """One latent (z,) is answer and reasoning at once; the last call does not see the question."""
    (z,) = state
    for _ in range(n):
        z = net(z + x)
    return (net(z),)


def many_latent_recursion(net: Net, x: Tensor, state: State, n: int = 6) -> State:
    """State (y, z_1 .. z_n): latent step i replaces z_i, reading the sum of all latents."""
    y, *zs = state
    for i in range(n):
        zs[i] = net(torch.stack(zs).sum(0) + (y + x))
    return net(y + torch.stack(zs).sum(0)), *zs


def recur_deeply(recursion: Callable[[State], State], state: State, T: int = 3) -> State:
    """`deep_recursion` for any recursion on a whole state: T - 1 times without gradient, once with."""
    with torch.no_grad():
        for _ in range(T - 1):
            state = recursion(state)
    return recursion(state)
