"""The relational network: vectors for the cells of a grid, tied together only by what a task declares (`Relations`).

The recursion is TRM's, on states (B, C, V, D) for C cells. Of the V vectors of a cell one stands for each interchangeable
symbol, and one more for all named tokens, if answers may hold these. Cells hear the groups that they are in, their
neighbours, direction by direction, and each vector hears the others of its cell. No cell and no interchangeable symbol has
a weight of its own. So permuting these symbols, or cells in a way that carries groups to groups and neighbours to
neighbours, permutes the answer and changes nothing else. The same weights work on every size.

Ours; the field's closest relatives are recurrent relational networks (arXiv 1711.08028) and message passing on factor
graphs, of which a block is one round, and, where cells hear neighbours, neural cellular automata.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ponderling.config import ModelConfig, PuzzleShape, RunConfig
from ponderling.losses import NEVER
from ponderling.models.base import Model
from ponderling.models.described import described, relations_for
from ponderling.models.holding import hold
from ponderling.models.interface import Output, State, depth
from ponderling.models.layers import Embedding, Linear, truncated_normal_
from ponderling.models.puzzle_vectors import PuzzleVectors
from ponderling.models.relational_block import Blocks, RelationalBlock
from ponderling.models.ties import (
    AREAS,
    GRID,
    NEIGHBOURS,
    OWN_KERNEL,
    Tables,
    Ties,
    adjacency,
    areas,
    largest,
    membership,
    tables_of,
    within_own_edges,
)
from ponderling.recursion import latent_recursion, recur_deeply
from ponderling.tasks.relations import Relations

BLANK, GIVEN, RULED_OUT = 0, 1, 2
"""What the question says of a (cell, symbol): the first named token, mostly a blank, which says nothing; that the cell holds
this symbol; that it holds another one. A number for each further named token follows."""

TABLES = ("copied_sizes", "copied_cells")
"""Names of the buffers that hold `ties.Tables`."""

CHUNK = 8
"""Number of puzzles that go through the network together on a CPU without gradient; a larger number does not fit the cache,
which halves the speed."""


class Relational(Model):
    """The relational network: TRM's recursion on a few vectors for each cell.

    Args:
        config: A run's settings, whose task says the puzzles' vocabulary, grid and relations; or a network's alone: D, blocks,
            n and T.
        shape: Vocabulary and grid of the puzzles; needed with a network's settings alone.
        relations: What ties cells and symbols together; needed with a network's settings alone. A question may bring regions
            of its own, see `Puzzles.regions`.
        generator: Source of the random initial weights; None: torch's global one.
    """

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
        if config.hold_hints is not None and not relations.holds:
            raise ValueError("hold_hints is for tasks with hints that stay right, such as mazes: leave it out")
        D, dtype = config.hidden_size, getattr(torch, config.dtype)
        self.relations = relations
        self.puzzle_embedding = None
        has_ids = config.puzzle_embedding_size > 0
        self.puzzle_vectors = PuzzleVectors(shape.num_puzzles, relations=relations, config=config) if has_ids else None
        named = len(relations.named)
        if relations.symbols:
            self.embedding = Embedding(2 + named, D, std=1.0, dtype=dtype, generator=generator)
        if relations.answers:
            count = named + bool(relations.symbols)
            self.named_embedding = Embedding(count, D, std=1.0, dtype=dtype, generator=generator)
        if config.positions == "learned":
            self.position_embedding = Embedding(shape.seq_len, D, std=1.0, dtype=dtype, generator=generator)
        self.net = Blocks(
            RelationalBlock(
                relations, config, num_cells=shape.seq_len, num_vectors=self.num_vectors, generator=generator
            )
            for _ in range(config.num_layers)
        )
        if relations.symbols:
            self.answer_head = Linear(D, 1, generator=generator)
        if relations.answers:
            self.named_head = Linear(D, len(relations.answers), generator=generator)
        if relations.hints:
            self.hint_head = Linear(D, sum(relations.hints), generator=generator)
        self.halt_head = nn.Linear(2 * D, 1)
        nn.init.zeros_(self.halt_head.weight)
        nn.init.constant_(self.halt_head.bias, -5.0)
        self.register_buffer("initial", truncated_normal_(torch.empty(2, D), 1.0, generator=generator).to(dtype))
        self._tie(relations)

    def _tie(self, relations: Relations) -> None:
        """Takes over what ties the cells of one size of puzzles together, as buffers that are not saved."""
        self.relations, self.relation_names = relations, relations.names
        C, vocab_size, device = self.shape.seq_len, self.shape.vocab_size, self.initial.device
        for name, groups in relations.groups.items():
            members = membership(groups, C).to(self.initial)
            self.register_buffer(f"ties_{name}", members, persistent=False)
        if relations.neighbours is not None:
            self.register_buffer(f"ties_{NEIGHBOURS}", adjacency(relations.neighbours).to(device), persistent=False)
        if relations.neighbours is not None and relations.neighbours.canvas is not None:
            for name, table in zip(TABLES, tables_of(relations.neighbours.canvas.copies), strict=True):
                self.register_buffer(name, table.to(device), persistent=False)
        # A token's place among the named, or -1 - its place among the symbols.
        says = torch.zeros(vocab_size, dtype=torch.long)
        for place, token in enumerate(relations.named):
            says[token] = place
        for place, token in enumerate(relations.symbols):
            says[token] = -1 - place
        self.register_buffer("says", says.to(device), persistent=False)
        order = torch.full((vocab_size,), len(relations.symbols) + len(relations.answers))
        for place, token in enumerate((*relations.symbols, *relations.answers)):
            order[token] = place
        self.register_buffer("order", order.to(device), persistent=False)

    def on(self, shape: PuzzleShape, relations: Relations | None) -> Relational:
        """Makes a network for another family's puzzles with the same weights, the very tensors and modules.

        Raises:
            ValueError: when weights belong to places, and the puzzles are of another size.
        """
        if not self.fits_every_size and shape.seq_len != self.shape.seq_len:
            raise ValueError(f"the network has weights for {self.shape.seq_len} places: got grids of {shape.seq_len}")
        relations, view = relations_for(self.config, relations), copy.copy(self)
        view._buffers = dict(self._buffers)
        view.shape = shape
        view._tie(relations)
        return view

    @property
    def is_equivariant(self) -> bool:
        """Whether nothing tells directions or places apart, so that every view of a puzzle gets the same answer."""
        return self.relations.neighbours is None and self.fits_every_size

    @property
    def fits_every_size(self) -> bool:
        """Whether no weight belongs to a place, so that the network runs on grids of every size."""
        return not self.relations.places and self.config.positions == "none"

    @property
    def takes_any_vocabulary(self) -> bool:
        """Whether the weights take any number of symbols: these are the last tokens, and answers hold no others."""
        relations, size = self.relations, self.shape.vocab_size
        is_last = relations.symbols == tuple(range(size - len(relations.symbols), size))
        return is_last and len(relations.named) == 1 and not relations.answers

    @property
    def num_vectors(self) -> int:
        """V, the number of vectors of each cell."""
        return len(self.relations.symbols) + bool(self.relations.answers)

    def embed_question(self, tokens: Tensor, num_vectors: int) -> Tensor:
        """x, (B, C, V, D), from tokens (B, C)."""
        relations, parts = self.relations, []
        if self.takes_any_vocabulary:
            symbol = relations.symbols[0] + torch.arange(num_vectors, device=tokens.device)
            given = (tokens >= relations.symbols[0]).unsqueeze(-1)  # (B, C, 1)
            is_it = tokens.unsqueeze(-1) == symbol  # (B, C, V)
            return self._placed(self.embedding(torch.where(is_it, GIVEN, torch.where(given, RULED_OUT, BLANK))))
        says = self.get_buffer("says")[tokens]  # (B, C)
        is_symbol = says < 0
        if relations.symbols:
            symbol = torch.arange(num_vectors - bool(relations.answers), device=tokens.device)
            is_it = says.unsqueeze(-1) == -1 - symbol  # (B, C, V)
            name = torch.where(says > 0, says + RULED_OUT, BLANK).unsqueeze(-1)
            given = torch.where(is_it, GIVEN, RULED_OUT)
            parts.append(self.embedding(torch.where(is_symbol.unsqueeze(-1), given, name)))
        if relations.answers:
            row = torch.where(is_symbol, len(relations.named), says)
            parts.append(self.named_embedding(row).unsqueeze(2))
        return self._placed(parts[0] if len(parts) == 1 else torch.cat(parts, dim=2))

    def _placed(self, x: Tensor) -> Tensor:
        """x, (B, C, V, D), with the embedding of each place, where there is one."""
        if self.config.positions == "learned":
            x = x + self.position_embedding.weight.to(x.dtype).unsqueeze(1)
        return x

    def initial_state(self, batch_size: int) -> State:
        """The state that every puzzle starts from; expanded views, not copies."""
        size = (batch_size, self.shape.seq_len, self.num_vectors, -1)
        return tuple(vector.expand(size) for vector in self.initial)

    def ties(self, tokens: Tensor, regions: Tensor | None = None) -> Ties:
        """For each relation by name what ties cells together: members of groups, (G, C) or (B, G, C), or neighbours, (K, C).

        Args:
            tokens: Questions, (B, C).
            regions: The regions that questions bring, (B, C), as `Puzzles.regions`; None: none brings any.

        Neighbours are (B, K, C) where they depend on each grid's own edges. For a kernel, rows and columns of a plain grid
        stand beside them.
        """
        ties: Ties = {name: self.get_buffer(f"ties_{name}") for name in self.relation_names if name != AREAS}
        neighbours = self.relations.neighbours
        if self.config.hears == "kernel" and neighbours is not None and neighbours.grid is not None:
            ties[GRID] = neighbours.grid
        if self.relations.neighbours is not None and self.relations.neighbours.canvas is not None:
            tables = Tables(*map(self.get_buffer, TABLES))
            ties[NEIGHBOURS] = within_own_edges(tokens, self.relations.neighbours.canvas, tables=tables)
        if self.relations.areas:
            assert self.relations.neighbours is not None
            touching = ties[NEIGHBOURS][..., : self.relations.neighbours.touching, :]
            members = areas(tokens, touching)
            if self.relations.most_areas is not None:
                members = largest(members, self.relations.most_areas)
            ties[AREAS] = members.to(self.initial.dtype)
        replaceable = self.relations.regions
        if regions is None or replaceable is None or not regions.any():  # sync
            return ties
        name, first, count = replaceable
        groups = ties[name]
        own = regions.unsqueeze(1) == torch.arange(1, count + 1, device=regions.device).unsqueeze(1)  # (B, count, C)
        task = groups[first : first + count]
        replaced = torch.where((regions > 0).all(1)[:, None, None], own.to(task.dtype), task)
        before, after = (part.expand(len(regions), -1, -1) for part in (groups[:first], groups[first + count :]))
        return ties | {name: torch.cat([before, replaced, after], dim=1)}

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
            puzzle_ids: Which puzzles these are, (B,); read only where puzzles have vectors of their own.
            regions: The regions that questions bring, (B, L), as `Puzzles.regions`; None: none brings any.
            n: Latent steps in one recursion; None: the config's.
            T: Recursions; None: the config's.
        """
        if torch.is_grad_enabled() or tokens.device.type != "cpu" or len(tokens) <= CHUNK:
            ties = self.ties(tokens, regions)
            return self.step(state, tokens, ties=ties, puzzle_ids=puzzle_ids, n=n, T=T)
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
        ties: Ties,
        puzzle_ids: Tensor | None = None,
        n: int | None = None,
        T: int | None = None,
    ) -> tuple[State, Output]:
        """One supervision step of all puzzles at once, whatever their number; as many vectors a cell as the state has.

        puzzle_ids, n and T as in `forward`.
        """
        y, z = state
        x = self.embed_question(tokens, y.shape[2])
        if self.puzzle_vectors is not None:
            assert puzzle_ids is not None
            added, kernel = self.puzzle_vectors(puzzle_ids, x.shape[2])
            x = x + added.unsqueeze(1).to(x.dtype)
            ties = ties | ({} if kernel is None else {OWN_KERNEL: kernel})
        n, T = depth(self.config, n, T=T)

        def recursion(state: State) -> State:
            y, z = latent_recursion(lambda h: self.net(h, ties), x, y=state[0], z=state[1], n=n)
            return self.held(y, state[0]), z

        y, z = recur_deeply(recursion, (y, z), T=T)
        return (y, z), self.heads(y)

    def held(self, y: Tensor, before: Tensor) -> Tensor:
        """y after a recursion, in which cells that were sure of their first hint before it still say the same."""
        if not self.keeps_hints:
            return y
        assert self.config.hold_hints is not None
        scores = self.hint_scores((before,))[0].float()
        surest = scores.softmax(-1).max(-1)
        sure = (surest.values >= self.config.hold_hints) & (surest.indices < self.relations.holds)
        weight = self.hint_head.weight[: self.relations.hints[0]]
        kept = hold(y[:, :, -1], before[:, :, -1], weight=weight, sure=sure)
        return torch.cat([y[:, :, :-1], kept.unsqueeze(2)], dim=2)

    @property
    def keeps_hints(self) -> bool:
        """Whether cells hold the hints that they are sure of."""
        return self.config.hold_hints is not None and bool(self.relations.holds)

    @torch.no_grad()
    def start_over(self, state: State) -> State:
        """The initial state, in which cells that are sure of their first hint in this one, (B, C, V, D), still say the same."""
        y, *others = self.initial_state(len(state[0]))
        return (self.held(y, state[0]), *others)

    def heads(self, y: Tensor) -> Output:
        """What y, (B, C, V, D), says."""
        vectors = y.flatten(1, 2).float()
        # The mean alone would show one wrong cell of 81 as a change of a hundredth; the maximum shows it whole.
        q = self.halt_head(torch.cat([vectors.mean(1), vectors.amax(1)], dim=-1)).squeeze(-1)
        return Output(self._scores(y), q, torch.zeros_like(q))

    def hint_scores(self, state: State) -> tuple[Tensor, ...]:
        """Scores of the values that each hint of a cell can have: a tensor (B, C, number of values) for each hint.

        Only for tasks with hints. A state says it, before or after a step.
        """
        return self.hint_head(state[0][:, :, -1]).split(self.relations.hints, dim=-1)

    def rounds(self, n: int | None = None, *, T: int | None = None) -> int:
        """Number of rounds of messages in one supervision step; n and T as in `forward`."""
        n, T = depth(self.config, n, T=T)
        return self.config.num_layers * (n + 1) * T

    def _scores(self, y: Tensor) -> Tensor:
        """A score for every cell and token, (B, C, vocabulary)."""
        symbols, answers = self.relations.symbols, self.relations.answers
        if self.takes_any_vocabulary:
            scores = self.answer_head(y).squeeze(-1)  # (B, C, V), whatever V is
            return torch.cat([scores.new_full((*scores.shape[:2], symbols[0]), NEVER), scores], dim=-1)
        parts = []
        if symbols:
            parts.append(self.answer_head(y[:, :, : len(symbols)]).squeeze(-1))
        if answers:
            parts.append(self.named_head(y[:, :, -1]))
        parts.append(parts[0].new_full((*y.shape[:2], 1), NEVER))
        return torch.cat(parts, dim=-1).index_select(-1, self.get_buffer("order"))


def same_network(one: Relations, other: Relations) -> bool:
    """Whether the weights of a network for one of these fit the other, which may be of another size and number of symbols."""
    return (
        one.names == other.names
        and bool(one.symbols) == bool(other.symbols)
        and (one.named, one.answers, one.places, one.hints) == (other.named, other.answers, other.places, other.hints)
        and len(one.turns) == len(other.turns)
        and (one.neighbours is None or one.neighbours.alike == (other.neighbours and other.neighbours.alike))
    )
