"""The networks: `trm.py` and `hrm.py` on `reasoner.py`, which is built from `layers.py` and `puzzle_embedding.py`."""

from __future__ import annotations

import torch

from ponderling.config import ModelConfig, PuzzleShape
from ponderling.models.hrm import HRM
from ponderling.models.reasoner import Output, Reasoner, State
from ponderling.models.trm import TRM

__all__ = ["HRM", "TRM", "Output", "Reasoner", "State", "build_model", "count_parameters"]


def build_model(config: ModelConfig, shape: PuzzleShape, generator: torch.Generator | None = None) -> Reasoner:
    """The model that the config describes, on the CPU, with initial weights drawn from the generator."""
    return {"trm": TRM, "hrm": HRM}[config.system](config, shape, generator=generator)


def count_parameters(model: torch.nn.Module) -> int:
    """Trained numbers; puzzle embeddings and initial states are not among them, as in the papers' counts."""
    return sum(p.numel() for p in model.parameters())
