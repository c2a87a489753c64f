"""One learned row for each puzzle, put in front of the grid as a prefix; only the rows in the batch get a gradient."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PuzzleEmbedding(nn.Module):
    """A table of rows, (num_puzzles, size), given as P prefix tokens.

    The table is a buffer, not a parameter: it may have a million rows, so a dense gradient, optimizer state or moving
    average of it would not fit. In training the rows of the batch are copied into a leaf, `rows`, which collects the
    gradient; `optim.SparseSignSGD` reads it there and writes the table. Rows start at zero.
    """

    table: Tensor

    def __init__(self, num_puzzles: int, size: int, *, prefix_len: int, hidden_size: int, dtype: torch.dtype):
        super().__init__()
        self.register_buffer("table", torch.zeros(num_puzzles, size))
        self.prefix_len, self.hidden_size, self.dtype = prefix_len, hidden_size, dtype
        self.rows: Tensor | None = None
        self.row_ids: Tensor | None = None

    def forward(self, puzzle_ids: Tensor) -> Tensor:
        """(B,) to (B, P, D): the row, padded with zeros to P x D numbers."""
        rows = self.table[puzzle_ids]  # (B, size)
        if self.training and torch.is_grad_enabled():
            rows.requires_grad_()
            self.rows, self.row_ids = rows, puzzle_ids
        padded = F.pad(rows.to(self.dtype), (0, self.prefix_len * self.hidden_size - rows.shape[1]))
        return padded.view(-1, self.prefix_len, self.hidden_size)
