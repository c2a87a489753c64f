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

State = tuple[Tensor, ...]
"""What a model carries from one supervision step to the next: (y, z), and other tuples for ablations; the first axis is B."""


def latent_recursion(net: Net, x: Tensor, *, y: Tensor, z: Tensor, n: int = 6) -> tuple[Tensor, Tensor]:
    """Reasons n times, then improves the answer once (TRM: arXiv 2510.04871, Figure 3).

    The one network can tell from its input which of the two it does: the question x is only in the sum for z.
    """
    for _ in range(n):
        z = net(z + (y + x))
    y = net(y + z)
    return y, z


def deep_recursion(net: Net, x: Tensor, *, y: Tensor, z: Tensor, n: int = 6, T: int = 3) -> tuple[Tensor, Tensor]:
    """Recurs T - 1 times without gradient, then once with gradient through all n + 1 calls (TRM, Figure 3)."""
    with torch.no_grad():
        for _ in range(T - 1):
            y, z = latent_recursion(net, x, y=y, z=z, n=n)
    return latent_recursion(net, x, y=y, z=z, n=n)


def recur_deeply(recursion: Callable[[State], State], state: State, *, T: int = 3) -> State:
    """The state after T - 1 recursions without gradient and one with gradient, whatever a recursion does."""
    with torch.no_grad():
        for _ in range(T - 1):
            state = recursion(state)
    return recursion(state)


def hierarchical_recursion(
    net_L: Net, net_H: Net, *, x: Tensor, y: Tensor, z: Tensor, n: int = 2, T: int = 2
) -> tuple[Tensor, Tensor]:
    """Improves z with L n times, then y with H once, T times over (HRM: arXiv 2506.21734, Figure 4).

    Gradient flows through the last call of each network alone. This "1-step gradient" would be right at a fixed point
    (implicit function theorem), which so few steps do not reach.
    """
    with torch.no_grad():
        for _ in range(T - 1):
            for _ in range(n):
                z = net_L(z + (y + x))
            y = net_H(y + z)
        for _ in range(n - 1):
            z = net_L(z + (y + x))
    z = net_L(z + (y + x))
    y = net_H(y + z)
    return y, z
