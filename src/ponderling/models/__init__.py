"""The networks: `trm.py` and `hrm.py` on `reasoner.py`, which is built from `layers.py` and `puzzle_embedding.py`.

`relational.py` is a third system, `base.py` what all of them share, `interface.py` what a network of your own needs.
"""

from __future__ import annotations

import torch

from ponderling.config import ModelConfig, PuzzleShape, RunConfig
from ponderling.models.base import Model, refuse_other_shape
from ponderling.models.described import shape_of
from ponderling.models.hrm import HRM
from ponderling.models.interface import Output, State
from ponderling.models.reasoner import Reasoner
from ponderling.models.relational import Relational
from ponderling.models.trm import TRM
from ponderling.tasks.relations import Relations

__all__ = [
    "HRM",
    "TRM",
    "Model",
    "Output",
    "Reasoner",
    "Relational",
    "State",
    "build_model",
    "count_parameters",
    "refuse_other_shape",
    "shape_of",
]


def build_model(
    config: RunConfig | ModelConfig,
    shape: PuzzleShape | None = None,
    *,
    generator: torch.Generator | None = None,
    relations: Relations | None = None,
) -> Reasoner | Relational:
    """Builds the model that the config describes, on the CPU, with random initial weights.

    Args:
        config: A run's settings, or a network's alone.
        shape: Vocabulary and grid of the puzzles; needed with a network's settings alone.
        generator: Source of the random initial weights; None: torch's global one.
        relations: The task's groups of cells; needed for the relational system with a network's settings alone.

    Raises:
        ValueError: when the relational system is asked for, and the task declares no relations; or neighbours on a grid whose
            columns are not known.
    """
    system = config.model.system if isinstance(config, RunConfig) else config.system
    if system == "relational":
        return Relational(config, shape, relations=relations, generator=generator)
    return {"trm": TRM, "hrm": HRM}[system](config, shape, generator=generator)


def count_parameters(model: torch.nn.Module) -> int:
    """The number of trained parameters; puzzle embeddings and initial states do not count, as in the papers."""
    return sum(p.numel() for p in model.parameters())
