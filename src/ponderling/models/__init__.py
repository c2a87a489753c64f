"""The networks: `trm.py` and `hrm.py` on `reasoner.py`, which is built from `layers.py` and `puzzle_embedding.py`."""

from __future__ import annotations

import torch

from ponderling.config import ModelConfig, PuzzleShape
from ponderling.models.hrm import HRM
from ponderling.models.interface import Output, State
from ponderling.models.reasoner import Reasoner
from ponderling.models.relational import Relational
from ponderling.models.trm import TRM
from ponderling.tasks.base import Relations

__all__ = ["HRM", "TRM", "Model", "Output", "Reasoner", "Relational", "State", "build_model", "count_parameters"]

Model = Reasoner | Relational


def build_model(
    config: ModelConfig,
    shape: PuzzleShape,
    generator: torch.Generator | None = None,
    relations: Relations | None = None,
) -> Model:
    """The model that the config describes, on the CPU, with initial weights drawn from the generator.

    Raises:
        ValueError: when the relational system is asked for, and the task declares no relations; or neighbours on a grid whose
            columns are not known.
    """
    if config.mixer == "neighbours" and (shape.columns < 1 or shape.seq_len % shape.columns):
        raise ValueError(
            f"mixer neighbours needs the columns of the grid: got {shape.columns} for {shape.seq_len} cells"
        )
    if config.system == "relational":
        if relations is None:
            raise ValueError("system relational needs a task that declares its relations; this one has none: use trm")
        return Relational(config, shape, relations, generator)
    return {"trm": TRM, "hrm": HRM}[config.system](config, shape, generator=generator)


def count_parameters(model: torch.nn.Module) -> int:
    """Trained numbers; puzzle embeddings and initial states are not among them, as in the papers' counts."""
    return sum(p.numel() for p in model.parameters())
