"""The gradients of one update: added up over all processes, clipped, and their size, which tells whether they are finite."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, get_total_norm

from ponderling.training.distributed import World


def add_up_gradients(model: nn.Module, loss: Tensor, *, world: World) -> None:
    """Makes every process's gradients, and the loss, those of the whole batch."""
    if world.size == 1:
        return
    world.add_up([p.grad for p in model.parameters() if p.grad is not None] + [loss])
    table = getattr(model, "puzzle_embedding", None)
    if table is not None and table.rows is not None and table.rows.grad is not None:
        rows = world.joined(table.rows.detach())
        rows.grad = world.joined(table.rows.grad)
        table.rows, table.row_ids = rows, world.joined(table.row_ids)


def clip_gradients(model: nn.Module, clip: float, *, device: torch.device) -> Tensor:
    """Clips the gradients, and returns a norm of all of them, which is finite only if they are.

    Args:
        model: The network in training.
        clip: The largest norm of the gradients of its parameters; 0: do not clip. Rows of puzzle embeddings are not clipped.
        device: Where the network is.
    """
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    table = getattr(model, "puzzle_embedding", None)
    rows = None if table is None or table.rows is None else table.rows.grad
    norm = torch.zeros((), device=device)
    if clip:
        norm = clip_grad_norm_(model.parameters(), clip)
        gradients = []  # no largest number of finite ones is infinite, unlike the root of their squares
    if rows is not None:
        gradients.append(rows)
    return torch.maximum(norm, largest(gradients).to(norm)) if gradients else norm


def largest(tensors: Sequence[Tensor]) -> Tensor:
    """The largest magnitude in any of the tensors; NaN where one holds it."""
    return get_total_norm([tensor for tensor in tensors if tensor.numel()], math.inf)
