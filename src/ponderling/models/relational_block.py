"""The block of the relational network: messages through groups, neighbours and places, and among the vectors of a cell."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ponderling.config import ModelConfig
from ponderling.models.layers import Linear, SwiGLU, from_the_left, rms_norm, truncated_normal_
from ponderling.models.ties import GRID, NEIGHBOURS, OWN_KERNEL, Ties, chosen
from ponderling.tasks.relations import DIRECTIONS, Neighbours, Relations

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


class Adjacent(nn.Module):
    """What a cell hears of itself and of its neighbours: the sum of those of each kind, side by side, then a SwiGLU."""

    def __init__(self, kinds: tuple[int, ...], config: ModelConfig, *, generator: torch.Generator | None = None):
        """Takes the kind of each direction, (K,), as `Neighbours.alike`."""
        super().__init__()
        self.kinds = kinds
        D = config.hidden_size
        self.mlp = scale_down_output(SwiGLU(D, config, in_size=(2 + max(kinds)) * D, generator=generator))

    def forward(self, u: Tensor, cells: Tensor) -> Tensor:
        """(B, C, V, D) to (B, C, V, D), each vector for itself.

        Args:
            u: What the vectors say.
            cells: A cell's neighbour in each direction, or C, (K, C); (B, K, C) where that depends on the question.
        """
        beyond = F.pad(u, (0, 0, 0, 0, 0, 1))  # cell C, which stands for no neighbour, is all zeros
        heard = chosen(beyond, cells.long()).unbind(1)
        kinds = [u] + [
            torch.stack([part for part, own in zip(heard, self.kinds, strict=True) if own == kind]).sum(0)
            if self.kinds.count(kind) > 1
            else heard[self.kinds.index(kind)]
            for kind in range(1 + max(self.kinds))
        ]
        return self.mlp(torch.cat(kinds, dim=-1))


class Kernel(nn.Module):
    """What a cell hears of itself and of its neighbours: each direction's weights times what is said there, then a matrix.

    A depthwise separable convolution, with weights that directions of one kind share. A puzzle may add weights of its own,
    which tell the directions apart.
    """

    def __init__(self, neighbours: Neighbours, config: ModelConfig, *, generator: torch.Generator | None = None):
        super().__init__()
        D = config.hidden_size
        self.kinds = (0, *(1 + kind for kind in neighbours.alike))
        weights = torch.empty(1 + max(self.kinds), 1, D)  # three axes, so that Muon does not take it for a matrix
        self.weights = nn.Parameter(truncated_normal_(weights, 0.3, generator=generator))
        self.mix = Linear(D, D, generator=generator)

    def forward(self, u: Tensor, cells: Tensor, *, grid: tuple[int, int] | None, own: Tensor | None = None) -> Tensor:
        """(B, C, V, D) to (B, C, V, D), each vector for itself.

        Args:
            u: What the vectors say.
            cells: A cell's neighbour in each direction, or C, (K, C); (B, K, C) where that depends on the question.
            grid: Rows and columns where neighbours are those of a plain grid, see `Neighbours.grid`; they are then not looked
                up, but lie one step away.
            own: What each puzzle adds to the weights, (B, 1 + K, D); None: nothing.
        """
        B, C, V, D = u.shape
        weights = self.weights[list(self.kinds)].to(u.dtype)  # (1 + K, 1, D)
        if own is not None:
            weights = weights[:, None] + own.transpose(0, 1).unsqueeze(2).to(u.dtype)  # (1 + K, B, 1, D)
        if grid is None:
            beyond = F.pad(u, (0, 0, 0, 0, 0, 1))
            heard = chosen(beyond, cells.long()).unbind(1)
            parts = [u, *heard]
            shaped = weights.unsqueeze(-2)  # (1 + K, 1 or B, 1, 1, D)
            total = functools.reduce(torch.add, (part * w for part, w in zip(parts, shaped, strict=True)))
            return self.mix(total)
        rows, columns = grid
        framed = F.pad(u.view(B, rows, columns, V, D), (0, 0, 0, 0, 1, 1, 1, 1))
        steps = ((0, 0), *DIRECTIONS[: len(self.kinds) - 1])
        shaped = weights.unsqueeze(-2).unsqueeze(-2)  # (1 + K, 1 or B, 1, 1, 1, D)
        total = functools.reduce(
            torch.add,
            (
                framed[:, 1 + down : 1 + down + rows, 1 + right : 1 + right + columns] * w
                for (down, right), w in zip(steps, shaped, strict=True)
            ),
        )
        return self.mix(total.reshape(B, C, V, D))


class Places(nn.Module):
    """A SwiGLU over the cells of a grid, alike for every vector and channel: the mixing of a TRM with an MLP over positions."""

    def __init__(self, num_cells: int, config: ModelConfig, *, generator: torch.Generator | None = None):
        super().__init__()
        self.mlp = scale_down_output(SwiGLU(num_cells, config, generator=generator))

    def forward(self, u: Tensor) -> Tensor:
        """(B, C, V, D) to (B, C, V, D)."""
        B, C, V, D = u.shape
        flat = u.reshape(B, C, V * D)
        gate, up = from_the_left(self.mlp.gate_up.weight, flat).chunk(2, dim=1)
        return from_the_left(self.mlp.down.weight, F.silu(gate) * up).view(B, C, V, D)


class RelationalBlock(nn.Module):
    """Messages through every relation, and among the vectors of each cell; then a SwiGLU on each vector (post-norm)."""

    def __init__(
        self,
        relations: Relations,
        config: ModelConfig,
        *,
        num_cells: int,
        num_vectors: int,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        D, self.eps = config.hidden_size, config.rms_norm_eps
        self.gate_value = Linear(D, 2 * D, generator=generator)
        self.relations = nn.ModuleDict()
        for name in relations.names:
            if name == NEIGHBOURS:
                assert relations.neighbours is not None
                if config.hears == "kernel":
                    self.relations[name] = Kernel(relations.neighbours, config, generator=generator)
                else:
                    self.relations[name] = Adjacent(relations.neighbours.alike, config, generator=generator)
            else:
                self.relations[name] = Groups(config, generator)
        self.symbols = scale_down_output(SwiGLU(D, config, generator=generator)) if num_vectors > 1 else None
        self.places = Places(num_cells, config, generator=generator) if relations.places else None
        self.mlp = SwiGLU(D, config, generator=generator)

    def forward(self, h: Tensor, ties: Ties) -> Tensor:
        """(B, C, V, D) to (B, C, V, D); for each relation by name what its module takes: members of groups, or neighbours."""
        gate, value = self.gate_value(h).chunk(2, dim=-1)
        u = F.silu(gate) * value
        told = []
        if self.symbols is not None:  # among those of one cell
            told.append(self.symbols(soft_norm(_symbols_scale(h.shape[2]) * u.sum(dim=2, keepdim=True))))
        for name, relation in self.relations.items():
            if isinstance(relation, Kernel):
                told.append(relation(u, ties[name], grid=ties.get(GRID), own=ties.get(OWN_KERNEL)))
            else:
                told.append(relation(u, ties[name]))
        if self.places is not None:
            told.append(self.places(u))
        if told:
            h = rms_norm(h + functools.reduce(torch.add, told), self.eps)
        return rms_norm(h + self.mlp(h), self.eps)


class Blocks(nn.ModuleList):
    """The blocks, one after the other: one `net` of the recursion."""

    def forward(self, h: Tensor, ties: Ties) -> Tensor:
        """(B, C, V, D) to (B, C, V, D)."""
        for block in self:
            h = block(h, ties)
        return h
