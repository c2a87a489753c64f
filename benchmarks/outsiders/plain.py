"""The baselines in plain torch: a residual convolutional network, a transformer encoder, and a loop that trains them.

Both see the tokens of the same canvas as the recursive networks, and answer every cell at once. `closest` chooses their width,
so that they have about as many parameters as another network.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ponderling.config import DataConfig, PuzzleShape
from ponderling.models import count_parameters
from ponderling.solving.scores import exact_match
from ponderling.tasks.base import PAD, DataSplit, Puzzles, Tokens
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.files import read_grid_file

from .budget import Course, Watch, plan
from .task import Rule

Kind = Literal["conv", "transformer"]

BLOCKS = 6
"""Residual blocks of the convolutional network, of two convolutions each: an answer depends on cells up to 12 away."""
LAYERS, HEADS = 4, 4
"""Layers of the transformer, and heads of each."""
BATCH = 64
"""Examples of an update, as in the recipe for grids."""
PEAK: dict[Kind, float] = {"conv": 3e-3, "transformer": 1e-3}
"""Peak learning rates."""
WARMUP = 100
"""Updates over which the learning rate rises, or a tenth of all if that is less."""


class Conv(nn.Module):
    """A residual network of 3x3 convolutions, for canvases of any size.

    Args:
        shape: Vocabulary and canvas.
        width: Channels.
    """

    def __init__(self, shape: PuzzleShape, width: int):
        super().__init__()
        self.embedding = nn.Embedding(shape.vocab_size, width)
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for _ in range(BLOCKS))
        self.first = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(BLOCKS))
        self.second = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(BLOCKS))
        self.norm = nn.GroupNorm(1, width)
        self.head = nn.Conv2d(width, shape.vocab_size, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, V, rows, columns) for tokens (B, rows, columns)."""
        x = self.embedding(tokens).permute(0, 3, 1, 2)  # (B, D, rows, columns)
        for norm, first, second in zip(self.norms, self.first, self.second, strict=True):
            x = x + second(F.gelu(first(norm(x))))
        return self.head(self.norm(x))


class Transformer(nn.Module):
    """An encoder with a learned position for each cell of the canvas, which is all that it can read.

    Args:
        shape: Vocabulary and canvas.
        width: Hidden size, a multiple of the number of heads.
    """

    def __init__(self, shape: PuzzleShape, width: int):
        super().__init__()
        self.embedding = nn.Embedding(shape.vocab_size, width)
        self.positions = nn.Parameter(torch.randn(shape.seq_len // shape.columns, shape.columns, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width, HEADS, dim_feedforward=4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, shape.vocab_size)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, V, rows, columns) for tokens (B, rows, columns)."""
        x = (self.embedding(tokens) + self.positions).flatten(1, 2)  # (B, L, D)
        return self.head(self.layers(x)).transpose(1, 2).unflatten(2, tokens.shape[1:])


NETWORKS: dict[Kind, type[Conv] | type[Transformer]] = {"conv": Conv, "transformer": Transformer}


def closest(kind: Kind, shape: PuzzleShape, *, parameters: int) -> int:
    """The width, a multiple of 4, whose number of parameters is closest to this one."""
    with torch.device("meta"):
        sizes = {width: count_parameters(NETWORKS[kind](shape, width)) for width in range(4, 257, 4)}
    return min(sizes, key=lambda width: abs(sizes[width] - parameters))


@dataclass
class Training:
    """A network in training.

    Args:
        kind: Which network.
        shape: Vocabulary and canvas.
        width: Its width.
        data: Training and validation examples.
        seed: Seed of weights and order.
    """

    kind: Kind
    shape: PuzzleShape
    _: KW_ONLY
    width: int
    data: DataSplit
    seed: int

    def __post_init__(self) -> None:
        torch.manual_seed(self.seed)
        self.model = NETWORKS[self.kind](self.shape, self.width)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=PEAK[self.kind], weight_decay=0.01)
        self.rng = np.random.default_rng(self.seed)
        canvas = (-1, self.shape.seq_len // self.shape.columns, self.shape.columns)
        self.questions, self.labels = (
            torch.from_numpy(part.astype(np.int64)).view(canvas)
            for part in (self.data.train.tokens, self.data.train.labels)
        )

    def update(self, rate: float = 1.0) -> None:
        """One step of AdamW at this share of the peak learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = PEAK[self.kind] * rate
        rows = torch.from_numpy(self.rng.integers(len(self.questions), size=BATCH))
        loss = F.cross_entropy(self.model(self.questions[rows]), self.labels[rows], ignore_index=PAD)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    def check(self) -> float:
        """Share of the validation examples that are answered right in every cell."""
        found = answers(self.model, self.data.validation, columns=self.shape.columns)
        return float(exact_match(found, self.data.validation.labels).mean())


def train(
    kind: Kind, data: DataSplit, *, shape: PuzzleShape, parameters: int, seconds: float, seed: int
) -> tuple[nn.Module, Course]:
    """Trains a network for so many CPU seconds, with AdamW and a cosine over as many updates as fit in.

    Args:
        kind: Which network.
        data: Training and validation examples.
        shape: Vocabulary and canvas.
        parameters: The number of parameters that it is to have, about.
        seconds: CPU seconds of this process.
        seed: Seed of weights and order.

    Returns:
        The network with the weights that did best on the validation examples, and how it went.
    """
    width = closest(kind, shape, parameters=parameters)
    trial = Training(kind, shape, width=width, data=data, seed=seed)
    wanted = plan(seconds, update=trial.update, check=trial.check)
    run = Training(kind, shape, width=width, data=data, seed=seed)
    warmup = min(WARMUP, max(1, wanted.steps // 10))
    watch, step = Watch(seconds), 0
    best, weights = -1.0, run.model.state_dict()
    while step < wanted.steps and not watch.is_over():
        step += 1
        run.update(min(step / warmup, 0.5 * (1 + math.cos(math.pi * step / wanted.steps))))
        if step % wanted.check_every == 0 or step == wanted.steps or watch.is_over():
            exact = run.check()
            watch.heard(exact)
            if exact >= best:
                best, weights = exact, {name: value.clone() for name, value in run.model.state_dict().items()}
    ended = "steps" if step == wanted.steps and watch.ended == "time" else watch.ended
    course = Course(
        parameters=count_parameters(run.model), updates=step, seconds=watch.spent, validation=best, ended=ended
    )
    run.model.load_state_dict(weights)
    return run.model, course


@torch.no_grad()
def answers(model: nn.Module, puzzles: Puzzles, *, columns: int) -> Tokens:
    """The network's answers, (N, L), on a canvas of so many columns."""
    tokens = torch.from_numpy(puzzles.tokens.astype(np.int64)).unflatten(1, (-1, columns))
    # No cell of an answer is padding.
    parts = [model(part)[:, PAD + 1 :].argmax(1) + PAD + 1 for part in tokens.split(256)]
    return torch.cat(parts).flatten(1).numpy().astype(np.uint8)


def score(model: nn.Module, file: Path, *, data: DataConfig, rule: Rule | None) -> dict[str, Any] | None:
    """The network's figures on a file; None where it cannot read grids of these sizes.

    Args:
        model: A trained network.
        file: Examples.
        data: The files that it was trained on.
        rule: Judges answers; None if exact match is all there is.
    """
    assert data.grid is not None
    grids, spec = read_grid_file(file), data.grid
    shapes = np.concatenate([grids.inputs.shapes, grids.outputs.shapes])
    if spec.sizes == "one" or (shapes > (spec.rows, spec.columns)).any():
        rows, columns = shapes.max(axis=0).tolist()
        spec = replace(spec, rows=rows, columns=columns)
    if isinstance(model, Transformer) and (spec.rows, spec.columns) != (data.grid.rows, data.grid.columns):
        return None
    task = Grids(spec)
    task.checker = rule
    puzzles = task.puzzles_of(grids)
    found = answers(model, puzzles, columns=spec.columns)
    valid = float(task.valid(puzzles.tokens, found).mean()) if rule is not None else None
    return {"exact": float(exact_match(found, puzzles.labels).mean()), "valid": valid}
