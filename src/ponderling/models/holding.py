"""Hints that are held: what a cell knows well, it keeps.

A recurrent network forgets: what it has said rightly of a cell it may lose later, since every recursion writes the whole state
again. Where a task has hints (`tasks.base.Hints`), the head that names them reads them from a few directions of y alone. A cell
that is sure of its first hint keeps y's part along these directions, so that the head says the same of it from then on. The
rest of y, z and all other cells go on changing.
"""

from __future__ import annotations

import torch
from torch import Tensor


def read_directions(weight: Tensor) -> Tensor:
    """An orthonormal basis of all that the differences between scores depend on, (values - 1, D), by Gram and Schmidt.

    Args:
        weight: The rows that give the scores of a hint's values, (values, D).

    Written out, since exported networks have no function for it.
    """
    found: list[Tensor] = []
    for row in weight[1:] - weight[0]:
        for other in found:
            row = row - (row @ other) * other
        found.append(row / row.norm().clamp_min(1e-12))
    return torch.stack(found)


def hold(y: Tensor, before: Tensor, *, weight: Tensor, sure: Tensor) -> Tensor:
    """y, in which sure cells have kept what gives their scores.

    Args:
        y: After a recursion, (B, C, D).
        before: The same before it.
        weight: The rows that give the scores, (values, D).
        sure: Cells that keep it, (B, C) bool.
    """
    directions = read_directions(weight.float()).to(y.dtype)
    lost = (before - y) @ directions.T @ directions
    return y + lost * sure.unsqueeze(-1)
