"""What TRM and HRM share: embedding the question, the initial state, the two heads. `trm.py` and `hrm.py` add the recursion."""

from __future__ import annotations

import copy
import math
from typing import Self

import torch
from torch import Tensor, nn

from ponderling.config import ModelConfig, PuzzleShape
from ponderling.models.base import Model
from ponderling.models.interface import Output, State
from ponderling.models.layers import Embedding, Linear, MixNeighbours, truncated_normal_
from ponderling.models.puzzle_embedding import PuzzleEmbedding
from ponderling.recursion import Net
from ponderling.tasks.relations import Relations


class HaltHead(nn.Module):
    """Two logits, halt and continue, from one vector; TRM trains only the first, but its checkpoints hold both rows."""

    def __init__(self, hidden_size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, hidden_size))
        # bias -5: the sigmoid starts at 0.007, so an untrained model all but never halts
        self.bias = nn.Parameter(torch.full((2,), -5.0))

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D) to halt and continue, each (B,), float32."""
        q = nn.functional.linear(y, self.weight.to(y.dtype), self.bias.to(y.dtype)).float()
        return q[:, 0], q[:, 1]


class Reasoner(Model):
    """Base of the papers' systems: x from the question, a state to start from, the answer and the halting logit from y.

    Both heads read y (the official pseudocode's picture shows otherwise; its code does this). A subclass sets up its
    networks and defines `recur`.
    """

    def __init__(self, config: ModelConfig, shape: PuzzleShape, *, num_states: int, generator: torch.Generator | None):
        super().__init__(config, shape)
        dtype = getattr(torch, config.dtype)
        D, P, L = config.hidden_size, config.prefix_len, shape.seq_len
        self.embedding = Embedding(shape.vocab_size, D, std=D**-0.5, dtype=dtype, generator=generator)
        self.positions = (
            Embedding(P + L, D, std=D**-0.5, dtype=dtype, generator=generator)
            if config.positions == "learned"
            else None
        )  # the table covers the prefix too
        self.puzzle_embedding = (
            PuzzleEmbedding(shape.num_puzzles, config.puzzle_embedding_size, prefix_len=P, hidden_size=D, dtype=dtype)
            if config.puzzle_embedding_size
            else None
        )
        self.answer_head = Linear(D, shape.vocab_size, generator=generator)
        self.halt_head = HaltHead(D)
        # One vector for each state tensor, the same at every position; a buffer: not trained, stored in the activations'
        # type as in official checkpoints.
        self.register_buffer(
            "initial", truncated_normal_(torch.empty(num_states, D), 1.0, generator=generator).to(dtype)
        )

    def on(self, shape: PuzzleShape, relations: Relations | None) -> Self:
        """Makes a network for a grid of another size with the same weights, the very tensors; for mixer neighbours alone.

        The view's networks are modules of their own, which are not compiled yet.
        """
        if self.config.mixer != "neighbours":
            return super().on(shape, relations)
        view = copy.deepcopy(self, {id(t): t for t in (*self.parameters(), *self.buffers())})
        view.shape = shape
        for module in view.modules():
            if isinstance(module, MixNeighbours):
                module.columns = shape.columns
        return view

    def embed_question(self, tokens: Tensor, puzzle_ids: Tensor) -> Tensor:
        """x, (B, S, D), from tokens (B, L) and puzzle ids (B,)."""
        x = self.embedding(tokens)  # (B, L, D)
        if self.config.prefix_len:
            if self.puzzle_embedding is not None:
                prefix = self.puzzle_embedding(puzzle_ids)
            else:
                prefix = x.new_zeros(x.shape[0], self.config.prefix_len, self.config.hidden_size)
            x = torch.cat([prefix, x], dim=1)  # (B, S, D)
        if self.positions is not None:
            x = math.sqrt(0.5) * (x + self.positions.weight.to(x.dtype))  # keeps the variance of a sum of two
        return math.sqrt(self.config.hidden_size) * x

    def initial_state(self, batch_size: int) -> State:
        """The state that every puzzle starts from; expanded views, not copies."""
        S = self.config.prefix_len + self.shape.seq_len
        return tuple(vector.expand(batch_size, S, -1) for vector in self.initial)

    @property
    def networks(self) -> tuple[Net, Net]:
        """The network that improves z and the one that improves y; both may be the same."""
        raise NotImplementedError

    def recur(self, x: Tensor, state: State, *, n: int | None = None, T: int | None = None) -> State:
        """The state after the T recursions of one supervision step, y first; the system says where gradient flows.

        Args:
            x: The embedded question, (B, S, D).
            state: Where to go on from.
            n: Latent steps in one recursion; None: the config's.
            T: Recursions; None: the config's.
        """
        raise NotImplementedError

    def recur_once(self, x: Tensor, state: State, *, n: int) -> State:
        """One recursion of an ablation with another state or a second network, with gradient through all of its calls."""
        raise NotImplementedError

    def forward(
        self, state: State, tokens: Tensor, *, puzzle_ids: Tensor, n: int | None = None, T: int | None = None
    ) -> tuple[State, Output]:
        """One supervision step: the improved state, still attached to its gradient, and what it says.

        Args:
            state: Where to go on from.
            tokens: Questions, (B, L).
            puzzle_ids: Their rows of the puzzle embedding, (B,).
            n: Latent steps in one recursion; None: the config's.
            T: Recursions; None: the config's.
        """
        state = self.recur(self.embed_question(tokens, puzzle_ids), state, n=n, T=T)
        return state, self.heads(state[0])

    def heads(self, y: Tensor) -> Output:
        """What y, (B, S, D), says: the answer behind the prefix, the halting logits from the first position."""
        return Output(self.answer_head(y[:, self.config.prefix_len :]), *self.halt_head(y[:, 0]))
