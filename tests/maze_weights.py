"""A small relational network for mazes of every size, with random weights, as a checkpoint folder."""

from __future__ import annotations

from pathlib import Path

import torch

from ponderling.checkpoint import save_checkpoint
from ponderling.config import DataConfig, ModelConfig, PuzzleShape, RunConfig, SolveConfig, TrainConfig
from ponderling.models import build_model
from ponderling.tasks import get_task

CONFIG = RunConfig(
    model=ModelConfig(
        system="relational", hidden_size=16, num_layers=1, expansion=2.0, inner_multiple=8, n=2, T=2, positions="none",
        prefix_len=0, puzzle_embedding_size=0,
    ),
    train=TrainConfig(N_sup=3, loss="softmax"),
    data=DataConfig(task="maze5+maze8"),
    solve=SolveConfig(halt_within_step=True),
)  # fmt: skip


def save_maze_weights(folder: Path) -> Path:
    """Writes the weights for maze8, as if trained on maze5 and maze8, and returns the folder."""
    task, generator = get_task("maze8"), torch.Generator().manual_seed(1)
    shape = PuzzleShape(vocab_size=task.vocab_size, seq_len=64, num_puzzles=1, columns=8)
    model = build_model(CONFIG.model, shape, relations=task.relations, generator=generator)
    save_checkpoint(folder, model.state_dict(), config=CONFIG, shape=shape, info={})
    return folder
