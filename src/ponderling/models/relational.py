"""The relational network: a vector for each (cell, symbol), tied together only by the groups that a task declares.

The recursion is TRM's, on states (B, C, V, D) for C cells and V symbols. No cell and no symbol has a weight of its own.
So permuting symbols, or cells in a way that carries groups to groups, permutes the answer and changes nothing else.
The same weights work on every size. Ours; the field's closest relatives are recurrent relational networks (arXiv
1711.08028) and message passing on factor graphs, of which a block is one round.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ponderling.config import ModelConfig, PuzzleShape, RunConfig
from ponderling.losses import NEVER
from ponderling.models.base import Model
from ponderling.models.described import described, relations_for
from ponderling.models.interface import Output, State, depth
from ponderling.models.layers import Embedding, Linear, SwiGLU, rms_norm, truncated_normal_
from ponderling.recursion import deep_recursion
from ponderling.tasks.base import Relations

BLANK, GIVEN, RULED_OUT = 0, 1, 2
"""What the question says of a (cell, symbol): nothing; that the cell holds this symbol; that it holds another one."""

CHUNK = 8
"""Number of puzzles that go through the network together on a CPU without gradient; a larger number does not fit the cache,
which halves the speed."""

SCALE = 1 / 3
"""The factor of a group's sum. It does not depend on the group's size: "exactly one left" must look the same in 4x4 and in
16x16."""


def soft_norm(x: Tensor) -> Tensor:
    """x over the root of 1 + its mean square: small sums keep their size, large ones cannot drown what hears them.

    Without it training collapses after some hundred updates to the same answer for everything.
    """
    return rms_norm(x, 1.0)


def _symbols_scale(V: int) -> float:
    """The factor of the sum over a cell's symbols, a third for V = 9.

    All symbols speak here, not only the few that are left, so the sum grows with V. The rule was found by trial, with weights
    that know 9x9 alone: above 9 the mean times 3, below 9 the sum over the root of V. With it half of 12 puzzles of 16x16
    are solved, with the plain sum 2.
    """
    return torch.sym_min(3 / V, V**-0.5)


def scale_down_output(mlp: SwiGLU) -> SwiGLU:
    """The MLP with a tenth of its output; else, at the start, what all vectors hear alike drowns what each says of itself."""
    with torch.no_grad():
        mlp.down.weight.mul_(0.1)
    return mlp


class Groups(nn.Module):
    """One round of messages through the groups of one relation: members are summed, thought about, and told the result.

    The nonlinearity sits on the group, before a cell adds up what its groups say; so one group with exactly one place left
    is not confused with two groups of middling counts, though all groups of a relation share these weights.
    """

    def __init__(self, config: ModelConfig, generator: torch.Generator | None = None):
        super().__init__()
        self.mlp = scale_down_output(SwiGLU(config.hidden_size, config, generator=generator))

    def forward(self, u: Tensor, members: Tensor) -> Tensor:
        """(B, C, V, D) to (B, C, V, D), each symbol for itself; members (G, C) or (B, G, C), 1 for a cell in the group."""
        B, C, V, D = u.shape
        sums = torch.matmul(members, u.reshape(B, C, V * D)).view(B, -1, V, D)  # (B, G, V, D)
        told = self.mlp(soft_norm(SCALE * sums)).view(B, -1, V * D)
        return torch.matmul(members.mT, told).view(B, C, V, D)


class RelationalBlock(nn.Module):
    """Messages through every relation, and among the symbols of each cell; then a SwiGLU on each vector (post-norm)."""

    def __init__(self, relations: Iterable[str], config: ModelConfig, *, generator: torch.Generator | None = None):
        super().__init__()
        D, self.eps = config.hidden_size, config.rms_norm_eps
        self.gate_value = Linear(D, 2 * D, generator=generator)
        self.relations = nn.ModuleDict({name: Groups(config, generator) for name in relations})
        self.symbols = scale_down_output(SwiGLU(D, config, generator=generator))
        self.mlp = SwiGLU(D, config, generator=generator)

    def forward(self, h: Tensor, members: dict[str, Tensor]) -> Tensor:
        """(B, C, V, D) to (B, C, V, D); the members of each relation's groups as `Groups` takes them."""
        gate, value = self.gate_value(h).chunk(2, dim=-1)
        u = F.silu(gate) * value
        told = self.symbols(
            soft_norm(_symbols_scale(h.shape[2]) * u.sum(dim=2, keepdim=True))
        )  # among those of one cell
        for name, groups in self.relations.items():
            told = told + groups(u, members[name])
        h = rms_norm(h + told, self.eps)
        return rms_norm(h + self.mlp(h), self.eps)


class Blocks(nn.ModuleList):
    """The blocks, one after the other: one `net` of the recursion."""

    def forward(self, h: Tensor, members: dict[str, Tensor]) -> Tensor:
        """(B, C, V, D) to (B, C, V, D)."""
        for block in self:
            h = block(h, members)
        return h


class Relational(Model):
    """The relational network: TRM's recursion on one vector for each (cell, symbol).

    Args:
        config: A run's settings, whose task says the puzzles' vocabulary, grid and relations; or a network's alone: D, blocks,
            n and T.
        shape: Vocabulary and grid of the puzzles; needed with a network's settings alone.
        relations: Groups of cells that belong together, and where the interchangeable symbols begin; needed with a network's
            settings alone. A question may bring regions of its own, see `Puzzles.regions`.
        generator: Source of the random initial weights; None: torch's global one.
    """

    is_equivariant = True
    takes_own_regions = True

    def __init__(
        self,
        config: RunConfig | ModelConfig,
        shape: PuzzleShape | None = None,
        *,
        relations: Relations | None = None,
        generator: torch.Generator | None = None,
    ):
        relations = relations_for(config, relations)
        config, shape = described(config, shape, system="relational")
        super().__init__(config, shape)
        self.puzzle_embedding = None
        self.first_symbol, self.regions = relations.first_symbol, relations.regions
        D, dtype = config.hidden_size, getattr(torch, config.dtype)
        self.relation_names = tuple(relations.groups)
        for name, groups in relations.groups.items():
            self.register_buffer(f"members_{name}", membership(groups, shape.seq_len).to(dtype), persistent=False)
        self.embedding = Embedding(3, D, std=1.0, dtype=dtype, generator=generator)
        self.net = Blocks(
            RelationalBlock(self.relation_names, config, generator=generator) for _ in range(config.num_layers)
        )
        self.answer_head = Linear(D, 1, generator=generator)
        self.halt_head = nn.Linear(2 * D, 1)
        nn.init.zeros_(self.halt_head.weight)
        nn.init.constant_(self.halt_head.bias, -5.0)
        self.register_buffer("initial", truncated_normal_(torch.empty(2, D), 1.0, generator=generator).to(dtype))

    def on(self, shape: PuzzleShape, relations: Relations | None) -> Relational:
        """The same weights, the very tensors and networks, for another family's puzzles."""
        relations, view = relations_for(self.config, relations), copy.copy(self)
        view._buffers = dict(self._buffers)
        view.shape, view.first_symbol, view.regions = shape, relations.first_symbol, relations.regions
        for name, groups in relations.groups.items():
            members = membership(groups, shape.seq_len).to(self.initial)
            view.register_buffer(f"members_{name}", members, persistent=False)
        return view

    @property
    def num_symbols(self) -> int:
        """V, the number of symbols."""
        return self.shape.vocab_size - self.first_symbol

    def embed_question(self, tokens: Tensor, num_symbols: int) -> Tensor:
        """x, (B, C, V, D), from tokens (B, C)."""
        symbol = self.first_symbol + torch.arange(num_symbols, device=tokens.device)
        given = (tokens >= self.first_symbol).unsqueeze(-1)  # (B, C, 1)
        is_it = tokens.unsqueeze(-1) == symbol  # (B, C, V)
        return self.embedding(torch.where(is_it, GIVEN, torch.where(given, RULED_OUT, BLANK)))

    def initial_state(self, batch_size: int) -> State:
        """The state that every puzzle starts from; expanded views, not copies."""
        size = (batch_size, self.shape.seq_len, self.num_symbols, -1)
        return tuple(vector.expand(size) for vector in self.initial)

    def members(self, regions: Tensor | None = None) -> dict[str, Tensor]:
        """For each relation which cells are in which group, (G, C); (B, G, C) where questions bring regions (B, C)."""
        members = {name: self.get_buffer(f"members_{name}") for name in self.relation_names}
        if regions is None or self.regions is None or not regions.any():  # sync
            return members
        name, first, count = self.regions
        groups = members[name]
        own = regions.unsqueeze(1) == torch.arange(1, count + 1, device=regions.device).unsqueeze(1)  # (B, count, C)
        task = groups[first : first + count]
        replaced = torch.where((regions > 0).all(1)[:, None, None], own.to(task.dtype), task)
        before, after = (part.expand(len(regions), -1, -1) for part in (groups[:first], groups[first + count :]))
        return members | {name: torch.cat([before, replaced, after], dim=1)}

    def forward(
        self,
        state: State,
        tokens: Tensor,
        *,
        puzzle_ids: Tensor,
        regions: Tensor | None = None,
        n: int | None = None,
        T: int | None = None,
    ) -> tuple[State, Output]:
        """One supervision step: the improved state, still attached to its gradient, and what it says.

        Args:
            state: Where to go on from.
            tokens: Questions, (B, L).
            puzzle_ids: Not used: no puzzle has weights of its own.
            regions: The regions that questions bring, (B, L), as `Puzzles.regions`; None: none brings any.
            n: Latent steps in one recursion; None: the config's.
            T: Recursions; None: the config's.
        """
        if torch.is_grad_enabled() or tokens.device.type != "cpu" or len(tokens) <= CHUNK:
            return self.step(state, tokens, members=self.members(regions), n=n, T=T)
        parts = [
            self(
                tuple(s[i : i + CHUNK] for s in state),
                tokens[i : i + CHUNK],
                puzzle_ids=puzzle_ids[i : i + CHUNK],
                regions=None if regions is None else regions[i : i + CHUNK],
                n=n,
                T=T,
            )
            for i in range(0, len(tokens), CHUNK)
        ]
        states, outputs = zip(*parts, strict=True)
        return tuple(map(torch.cat, zip(*states, strict=True))), Output(*map(torch.cat, zip(*outputs, strict=True)))

    def step(
        self,
        state: State,
        tokens: Tensor,
        *,
        members: dict[str, Tensor],
        n: int | None = None,
        T: int | None = None,
    ) -> tuple[State, Output]:
        """One supervision step of all puzzles at once, whatever their number; as many symbols as the state has.

        n and T as in `forward`.
        """
        y, z = state
        x = self.embed_question(tokens, y.shape[2])
        n, T = depth(self.config, n, T=T)
        y, z = deep_recursion(lambda h: self.net(h, members), x, y=y, z=z, n=n, T=T)
        return (y, z), self.heads(y)

    def heads(self, y: Tensor) -> Output:
        """What y, (B, C, V, D), says."""
        scores = self.answer_head(y).squeeze(-1)  # (B, C, V)
        others = scores.new_full((*scores.shape[:2], self.first_symbol), NEVER)
        vectors = y.flatten(1, 2).float()
        # The mean alone would show one wrong cell of 81 as a change of a hundredth; the maximum shows it whole.
        q = self.halt_head(torch.cat([vectors.mean(1), vectors.amax(1)], dim=-1)).squeeze(-1)
        return Output(torch.cat([others, scores], dim=-1), q, torch.zeros_like(q))


def membership(groups: tuple[tuple[int, ...], ...], num_cells: int) -> Tensor:
    """(G, C): 1 where the cell is in the group."""
    members = torch.zeros(len(groups), num_cells)
    for row, cells in zip(members, groups, strict=True):
        row[list(cells)] = 1
    return members
