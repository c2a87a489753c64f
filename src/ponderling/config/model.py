"""The network, and how often it recurs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ponderling.config.kinds import kind_problems
from ponderling.config.numbers import number_problems
from ponderling.config.problems import refuse

System = Literal["trm", "hrm", "relational"]
Mixer = Literal["attention", "mlp", "neighbours", "neighbors"]
"""`neighbors` is read as `neighbours`."""
Hears = Literal["mlp", "kernel"]
Positions = Literal["rope", "learned", "none"]
Gradient = Literal["full", "one_step"]
Latents = Literal["two", "single", "many"]
DType = Literal["float32", "bfloat16"]

MOST = {
    "hidden_size": 2**20,
    "num_heads": 2**16,
    "num_layers": 1024,
    "num_layers_H": 1024,
    "expansion": 10_000.0,
    "inner_multiple": 2**20,
    "prefix_len": 2**16,
    "puzzle_embedding_size": 2**24,
    "n": 10_000,
    "T": 10_000,
}
"""Largest value of each size, far beyond what has been trained: a damaged file must not describe a network without end."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The network and how often it recurs. Defaults: TRM as in arXiv 2510.04871, with attention."""

    system: System = "trm"
    """trm: one network, gradient through a whole recursion. hrm: two networks, 1-step gradient. relational: trm's recursion
    with one vector per (cell, symbol), for interchangeable symbols."""
    hidden_size: int = 512
    """D, the width of x, y and z."""
    num_heads: int = 8
    """Number of attention heads; must divide hidden_size. Only used with mixer attention."""
    num_layers: int = 2
    """Number of blocks in the network (hrm: in the L network)."""
    num_layers_H: int | None = None
    """Number of blocks in the H network, if there is one; by default num_layers."""
    expansion: float = 4.0
    """Width of the SwiGLU relative to its input; its inner width is 2/3 of that."""
    inner_multiple: int = 256
    """The SwiGLU's inner width is rounded up to a multiple of this (official: 256; smaller suits small networks)."""
    mixer: Mixer = "attention"
    """How positions mix: attention; mlp over positions (better on short grids, fixed size); or neighbours, where a cell hears
    the four beside it (fits grids of every size)."""
    positions: Positions = "rope"
    """Position encoding: rope, learned, or none (required with mixer mlp and neighbours)."""
    prefix_len: int = 16
    """P, number of tokens before the grid that carry the puzzle embedding; 0 for none."""
    puzzle_embedding_size: int = 512
    """Length of a puzzle's embedding, at most prefix_len * hidden_size; 0 for no embedding. With system relational hidden_size
    or 0: each puzzle has some vectors of this length, see `models.puzzle_vectors`."""
    hears: Hears = "mlp"
    """How a cell hears its neighbours with system relational: by an MLP over what they say, side by side, or by a kernel, that
    is a depthwise separable convolution."""
    hold_hints: float | None = None
    """How sure a cell must be of its first hint to keep it to the end, from 0.5 to 1; None: no cell keeps it. Only with system
    relational on tasks with hints, see `models.holding`."""
    n: int = 6
    """Number of latent steps in a recursion (the HRM paper's T, official L_cycles)."""
    T: int = 3
    """Number of recursions in a supervision step, the last with gradient (the HRM paper's N, official H_cycles)."""
    gradient: Gradient = "full"
    """full: through a whole recursion (TRM). one_step: through the last call of each network (HRM)."""
    separate_networks: bool = False
    """Give y a network of its own, as HRM does; required with system hrm."""
    latents: Latents = "two"
    """State that is carried: two: y and z. single: z only. many: y and one z per latent step (trm only)."""
    dtype: DType = "bfloat16"
    """Type of the activations; weights are always float32 and cast at every use."""
    rms_norm_eps: float = 1e-5
    """Constant added to the mean square inside RMS norm."""
    rope_theta: float = 10000.0
    """Base of the rotary frequencies."""

    def __post_init__(self) -> None:
        if self.mixer == "neighbors":
            object.__setattr__(self, "mixer", "neighbours")
        refuse(number_problems(self, MOST) + kind_problems(self))
        refuse(
            [
                *self._head_problems(),
                *self._size_problems(),
                *self._embedding_problems(),
                *self._mixer_problems(),
                *self._hrm_problems(),
                *self._relational_problems(),
                *self._latents_problems(),
            ]
        )

    def _head_problems(self) -> Iterator[str]:
        """Attention's heads must share the width out evenly."""
        if self.mixer != "attention" or self.num_heads < 1:
            return
        if self.hidden_size % self.num_heads:
            yield f"hidden_size must be a multiple of num_heads: got {self.hidden_size} and {self.num_heads}"
        elif self.positions == "rope" and self.hidden_size // self.num_heads % 2:
            yield f"rope needs an even head size: got {self.hidden_size} / {self.num_heads}"

    def _size_problems(self) -> Iterator[str]:
        """Sizes and constants must not be too small."""
        for name in ("hidden_size", "num_heads", "num_layers", "n", "T", "inner_multiple"):
            if getattr(self, name) < 1:
                yield f"{name} must be at least 1: got {getattr(self, name)}"
        if self.num_layers_H is not None and self.num_layers_H < 1:
            yield f"num_layers_H must be at least 1: got {self.num_layers_H}"
        if self.expansion <= 0:
            yield f"expansion must be positive: got {self.expansion}"
        if self.rms_norm_eps < 0 or self.rope_theta <= 0:
            yield (
                "rms_norm_eps must not be negative and rope_theta must be positive: got "
                f"{self.rms_norm_eps} and {self.rope_theta}"
            )

    def _embedding_problems(self) -> Iterator[str]:
        """A puzzle's embedding must fit into the prefix."""
        if self.prefix_len < 0 or self.puzzle_embedding_size < 0:
            yield "prefix_len and puzzle_embedding_size must not be negative"
        if self.system != "relational" and self.puzzle_embedding_size > self.prefix_len * self.hidden_size:
            yield (
                f"puzzle_embedding_size {self.puzzle_embedding_size} does not fit into prefix_len {self.prefix_len} tokens "
                f"of hidden_size {self.hidden_size}: make one larger or the other smaller (0 for no puzzle embedding)"
            )

    def _mixer_problems(self) -> Iterator[str]:
        """Mixers other than attention need no positions, and neighbours no prefix."""
        if self.mixer == "neighbours" and (self.positions != "none" or self.prefix_len):
            yield (
                "mixer neighbours is for the cells of a grid alone, wherever they are: positions must be none and prefix_len "
                f"0, got {self.positions} and {self.prefix_len}"
            )
        if self.mixer == "mlp" and self.positions != "none":
            yield f"mixer mlp knows each position by its weights: positions must be none, got {self.positions}"

    def _hrm_problems(self) -> Iterator[str]:
        """System hrm is one combination of gradient, networks and latents."""
        if self.system != "hrm":
            return
        wrong = self._others_than(gradient="one_step", separate_networks=True, latents="two")
        if wrong:
            yield (
                f"system hrm is gradient one_step, separate_networks True, latents two: got {', '.join(wrong)}; "
                "for a mixture use system trm with these fields"
            )

    def _relational_problems(self) -> Iterator[str]:
        """System relational needs some settings, and has some that no other system has."""
        if self.system == "relational":
            wrong = self._others_than(prefix_len=0, gradient="full", separate_networks=False, latents="two")
            if self.positions == "rope":
                wrong.append("positions rope")
            if self.puzzle_embedding_size not in (0, self.hidden_size):
                wrong.append(f"puzzle_embedding_size {self.puzzle_embedding_size} and hidden_size {self.hidden_size}")
            if wrong:
                yield (
                    "system relational is prefix_len 0, puzzle_embedding_size 0 or hidden_size, positions none or learned, "
                    f"gradient full, separate_networks False, latents two: got {', '.join(wrong)}"
                )
        elif self.hears != "mlp":
            yield f"hears {self.hears} is for system relational: got system {self.system}"
        if self.hold_hints is not None:
            if self.system != "relational":
                yield f"hold_hints is for system relational: got system {self.system}"
            if not 0.5 <= self.hold_hints <= 1:
                yield f"hold_hints must be from 0.5 to 1: got {self.hold_hints:g}"

    def _latents_problems(self) -> Iterator[str]:
        """States other than y and z need one network and the full gradient."""
        if self.latents != "two" and (self.separate_networks or self.gradient == "one_step"):
            yield f"latents {self.latents} goes with one network and the full gradient"

    def _others_than(self, **needed: object) -> list[str]:
        """Name and value of each field that differs from what is needed."""
        return [f"{name} {getattr(self, name)}" for name, value in needed.items() if getattr(self, name) != value]

    @property
    def layers_H(self) -> int:
        """Number of blocks in the network of y, where there are two networks."""
        return self.num_layers if self.num_layers_H is None else self.num_layers_H
