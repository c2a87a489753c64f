"""For each puzzle of a relational network, vectors that say which rule is meant, where the cells alone do not, as in ARC."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ponderling.config import ModelConfig
from ponderling.tasks.relations import Relations


class PuzzleVectors(nn.Module):
    """A table of vectors, (rows, P, D), of which a puzzle id names a row; all start at zero.

    The first vector of a row is added to all vectors of the question. The next, one for each interchangeable symbol, are added
    to that symbol's, so that a rule may mean particular symbols; permuting them with the symbols permutes the answer. With a
    kernel there is one more for the cell itself and for each direction, which are added to the kernel's weights.

    A puzzle that is shown under symmetries (`Relations.turns`) has one row for all of them. One vector for each symmetry, which
    all puzzles share, says under which it is shown, and what a puzzle adds to the kernel is turned along.

    Args:
        num_puzzles: Number of puzzle ids; those of one puzzle under its symmetries follow one another.
        relations: What the puzzles' task declares.
        config: D, and whether cells hear neighbours by a kernel.
    """

    def __init__(self, num_puzzles: int, *, relations: Relations, config: ModelConfig):
        super().__init__()
        D, neighbours = config.hidden_size, relations.neighbours
        self.num_symbols, self.num_turns = len(relations.symbols), max(1, len(relations.turns))
        self.has_kernel = config.hears == "kernel" and neighbours is not None
        directions = 1 + len(neighbours.alike) if self.has_kernel and neighbours is not None else 0
        rows = -(-num_puzzles // self.num_turns)
        self.table = nn.Parameter(torch.zeros(rows, 1 + self.num_symbols + directions, D))
        self.turned = nn.Parameter(torch.zeros(self.num_turns, 1, D)) if relations.turns else None
        turns = relations.turns or (tuple(range(max(0, directions - 1))),)
        came_from = torch.tensor([[0, *(1 + k for k in turn)] for turn in turns])
        self.register_buffer("came_from", came_from, persistent=False)
        """For each symmetry and direction, the cell itself first, the puzzle's own direction, (turns, 1 + K)."""

    def forward(self, puzzle_ids: Tensor, num_vectors: int) -> tuple[Tensor, Tensor | None]:
        """What the puzzles of these ids, (B,), add to each cell's V vectors, (B, V, D), and to the kernel, (B, 1 + K, D)."""
        own = self.table[puzzle_ids // self.num_turns]  # (B, P, D)
        every, symbols, kernel = own.split((1, self.num_symbols, own.shape[1] - 1 - self.num_symbols), dim=1)
        added = every + F.pad(symbols, (0, 0, 0, num_vectors - self.num_symbols))
        turn = puzzle_ids % self.num_turns
        if self.turned is not None:
            added = added + self.turned[turn]
        if not self.has_kernel:
            return added, None
        came_from = self.get_buffer("came_from")[turn].unsqueeze(2).expand_as(kernel)
        return added, kernel.gather(1, came_from)
