"""Sign-SGD for the rows of a puzzle embedding that are in the batch, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer


class RowTable(Protocol):
    """A table of which each forward pass uses a few rows, such as `models.puzzle_embedding.PuzzleEmbedding`."""

    table: Tensor
    """(rows, size), not a parameter."""
    rows: Tensor | None
    """Copies of the rows in the batch, (B, size): the leaf that collects the gradient; None: no pass since the last step."""
    row_ids: Tensor | None
    """Indices of these rows in the table, (B,)."""


class SparseSignSGD(Optimizer):
    """row *= 1 - lr x weight_decay; row -= lr x sign(gradient), for each puzzle in the batch, once.

    Gradients of slots that hold the same puzzle are summed first. A row whose gradients cancel still decays; rows that
    are not in the batch stay as they are. Has no state but its learning rate.

    Args:
        embedding: The table; its `rows` hold the gradients.
        lr: Step of every element.
        weight_decay: Decoupled weight decay of the rows in the batch.
    """

    def __init__(self, embedding: RowTable, lr: float = 1e-4, *, weight_decay: float = 1.0):
        if lr < 0 or weight_decay < 0:
            raise ValueError(f"lr and weight_decay must not be negative: got {lr} and {weight_decay}")
        super().__init__([embedding.table], {"lr": lr, "weight_decay": weight_decay})
        self.embedding = embedding

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Updates the rows that the last forward pass of training used; does nothing where there was none."""
        embedding = self.embedding
        if embedding.rows is None or embedding.rows.grad is None or embedding.row_ids is None:
            return
        group: dict[str, Any] = self.param_groups[0]
        ids, slot_to_row = embedding.row_ids.unique(return_inverse=True)
        gradient = torch.zeros(len(ids), embedding.table.shape[1], device=ids.device)
        gradient.index_add_(0, slot_to_row, embedding.rows.grad)
        lr = float(group["lr"])
        embedding.table[ids] = embedding.table[ids] * (1 - lr * group["weight_decay"]) - lr * gradient.sign()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients and the rows they belong to."""
        self.embedding.rows = self.embedding.row_ids = None
