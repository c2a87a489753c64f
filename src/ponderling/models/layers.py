"""The parts that both systems are built from: casting linear maps, RMS norm, RoPE, attention, SwiGLU, and blocks of them.

Weights stay float32 and are cast to the activations' type at every use, as in the official code. Linear maps have no bias.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ponderling.config import ModelConfig


def truncated_normal_(tensor: Tensor, std: float, *, generator: torch.Generator | None = None) -> Tensor:
    """Fills the tensor with a normal cut at two of its sigmas, whose standard deviation is `std` *after* the cut.

    The official initialisation (JAX's rule). `nn.init.trunc_normal_` does not correct for the cut: it would give 0.88 std.
    The largest absolute value is 2.2737 std.
    """
    if tensor.is_meta:  # only its shape is asked for; torch takes a millisecond to draw nothing
        return tensor
    with torch.no_grad():
        mass = math.erf(math.sqrt(2))  # of a normal between -2 and 2 sigma
        density = math.exp(-2.0) / math.sqrt(2 * math.pi)  # of a normal at 2 sigma
        sigma = std / math.sqrt(1 - 4 * density / mass)
        tensor.uniform_(-mass, mass, generator=generator).erfinv_().mul_(math.sqrt(2) * sigma)
        return tensor.clamp_(-2 * sigma, 2 * sigma)


def rms_norm(x: Tensor, eps: float) -> Tensor:
    """x over its root mean square along the last axis, without a weight; computed in float32."""
    return F.rms_norm(x.float(), x.shape[-1:], eps=eps).to(x.dtype)


class Linear(nn.Module):
    """A linear map without bias; weight (out, in), float32, cast to its input's type."""

    def __init__(self, in_size: int, out_size: int, *, generator: torch.Generator | None = None):
        super().__init__()
        self.weight = nn.Parameter(
            truncated_normal_(torch.empty(out_size, in_size), in_size**-0.5, generator=generator)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return F.linear(x, self.weight.to(x.dtype))


class Embedding(nn.Module):
    """A row of `size` numbers for each index, drawn with standard deviation `std`; given in `dtype`."""

    def __init__(
        self, count: int, size: int, *, std: float, dtype: torch.dtype, generator: torch.Generator | None = None
    ):
        super().__init__()
        self.weight = nn.Parameter(truncated_normal_(torch.empty(count, size), std, generator=generator))
        self.dtype = dtype

    def forward(self, index: Tensor) -> Tensor:
        """(...) integers to (..., size)."""
        return F.embedding(index, self.weight.to(self.dtype))


def swiglu_width(size: int, expansion: float, *, multiple: int = 256) -> int:
    """Inner width of a SwiGLU: two thirds of expansion x size, rounded up to a multiple; 512 gives 1536."""
    return -(-round(expansion * size * 2 / 3) // multiple) * multiple


class SwiGLU(nn.Module):
    """silu(gate) * up, both linear in the input, mapped to `size` numbers; `in_size` is the input's where it is another."""

    def __init__(
        self,
        size: int,
        config: ModelConfig,
        *,
        in_size: int | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        width = swiglu_width(size, config.expansion, multiple=config.inner_multiple)
        self.gate_up = Linear(in_size or size, 2 * width, generator=generator)
        self.down = Linear(width, size, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_size) to (..., size)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


def rope_tables(length: int, head_size: int, *, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary angles, each (length, head_size); both halves of a row are equal."""
    frequencies = theta ** -(torch.arange(0, head_size, 2, dtype=torch.float32) / head_size)
    angles = torch.outer(torch.arange(length, dtype=torch.float32), frequencies).repeat(1, 2)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, *, sin: Tensor) -> Tensor:
    """x (..., S, K) rotated by its position, pairing element i with i + K/2; computed in the tables' type."""
    first, second = x.chunk(2, dim=-1)
    return (x * cos + torch.cat([-second, first], dim=-1) * sin).to(x.dtype)


def attend(q: Tensor, k: Tensor, *, v: Tensor) -> Tensor:
    """Softmax attention of q on k and v, all (B, H, S, K).

    In float32 where gradients are enabled, on a CPU: there torch's backward pass in bfloat16 is slower than all that this costs
    (dev/LOG.md: a layer at S 97 on a Xeon with AMX, forward and backward, 45 ms in bfloat16, 13 so).
    """
    if torch.is_grad_enabled() and q.dtype == torch.bfloat16 and q.device.type == "cpu":
        return F.scaled_dot_product_attention(q.float(), k.float(), v.float()).to(q.dtype)
    return F.scaled_dot_product_attention(q, k, v)


class Attention(nn.Module):
    """Every position attends to every other; rotary positions if the config says so."""

    cos: Tensor
    sin: Tensor

    def __init__(self, seq_len: int, config: ModelConfig, *, generator: torch.Generator | None = None):
        super().__init__()
        D = config.hidden_size
        self.num_heads = config.num_heads
        self.qkv = Linear(D, 3 * D, generator=generator)
        self.output = Linear(D, D, generator=generator)
        self.rope = config.positions == "rope"
        if self.rope:
            cos, sin = rope_tables(seq_len, D // config.num_heads, theta=config.rope_theta)
            self.register_buffer("cos", cos, persistent=False)
            self.register_buffer("sin", sin, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, D) to (B, S, D)."""
        B, S, D = x.shape
        q, k, v = self.qkv(x).view(B, S, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)  # each (B, H, S, K)
        if self.rope:
            q, k = rotate(q, self.cos, sin=self.sin), rotate(k, self.cos, sin=self.sin)
        heads = attend(q, k, v=v)
        return self.output(heads.transpose(1, 2).reshape(B, S, D))


class MixPositions(nn.Module):
    """A SwiGLU over positions, alike for every channel: the attention-free way to mix them, for a fixed length."""

    def __init__(self, seq_len: int, config: ModelConfig, *, generator: torch.Generator | None = None):
        super().__init__()
        self.mlp = SwiGLU(seq_len, config, generator=generator)
        self.eps = config.rms_norm_eps

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, D) to (B, S, D), normalised over positions, for each channel: the official code's norm is here too.

        The official code turns x to (B, D, S) and back; a product for each puzzle from the left is the same and faster.
        """
        gate, up = from_the_left(self.mlp.gate_up.weight, x).chunk(2, dim=1)
        x = (x + from_the_left(self.mlp.down.weight, F.silu(gate) * up)).float()
        return (x * torch.rsqrt(x.square().mean(1, keepdim=True) + self.eps)).to(gate.dtype)


def from_the_left(weight: Tensor, x: Tensor) -> Tensor:
    """weight (W, S) times x (B, S, D): (B, W, D). `weight @ x` would copy the transposed x in training."""
    return torch.bmm(weight.to(x.dtype).expand(x.shape[0], -1, -1), x)  # len(x) would fix the size in an export


class MixNeighbours(nn.Module):
    """A SwiGLU on each cell and the four beside it, alike for every cell; beyond the border there are zeros.

    A graph network on the grid: with it the recursion spreads what a cell knows as a breadth-first search does.
    """

    def __init__(self, columns: int, config: ModelConfig, *, generator: torch.Generator | None = None):
        super().__init__()
        D, self.columns = config.hidden_size, columns
        width = swiglu_width(D, config.expansion, multiple=config.inner_multiple)
        self.gate_up = Linear(5 * D, 2 * width, generator=generator)
        self.down = Linear(width, D, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, D) to (B, L, D)."""
        B, L, D = x.shape
        padded = F.pad(x.view(B, -1, self.columns, D), (0, 0, 1, 1, 1, 1))  # (B, rows + 2, columns + 2, D)
        beside = (padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], padded[:, :-2, 1:-1])
        heard = torch.cat([padded[:, 1:-1, 1:-1], *beside], dim=-1).view(B, L, 5 * D)
        gate, up = self.gate_up(heard).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


class Block(nn.Module):
    """Mix positions, then channels; after each a residual sum and a norm without weight (post-norm)."""

    def __init__(
        self, seq_len: int, config: ModelConfig, *, generator: torch.Generator | None = None, columns: int = 0
    ):
        super().__init__()
        if config.mixer == "neighbours" and (columns < 1 or seq_len % columns):
            raise ValueError(f"mixer neighbours needs the columns of the grid: got {columns} for {seq_len} cells")
        self.eps = config.rms_norm_eps
        self.mixer = config.mixer
        if config.mixer == "mlp":
            self.mix_positions = MixPositions(seq_len, config, generator=generator)
        elif config.mixer == "neighbours":
            self.mix_neighbours = MixNeighbours(columns, config, generator=generator)
        else:
            self.attention = Attention(seq_len, config, generator=generator)
        self.mlp = SwiGLU(config.hidden_size, config, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, D) to (B, S, D)."""
        if self.mixer == "mlp":
            x = self.mix_positions(x)
        else:
            mixed = self.attention(x) if self.mixer == "attention" else self.mix_neighbours(x)
            x = rms_norm(x + mixed, self.eps)
        return rms_norm(x + self.mlp(x), self.eps)


class BlockStack(nn.Module):
    """The papers' `net`: a few blocks one after the other, (B, S, D) to (B, S, D)."""

    def __init__(
        self,
        num_layers: int,
        seq_len: int,
        *,
        config: ModelConfig,
        generator: torch.Generator | None = None,
        columns: int = 0,
    ):
        super().__init__()
        self.layers = nn.ModuleList(
            Block(seq_len, config, generator=generator, columns=columns) for _ in range(num_layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, D) to (B, S, D)."""
        for layer in self.layers:
            x = layer(x)
        return x
