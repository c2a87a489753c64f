"""Ponderling: tiny recursive reasoners, HRM and TRM, to train, evaluate, study and use. Start at `recursion.py`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Loaded on first use, so that `ponderling --help` never pays for torch.
_WHERE = {
    "Solver": "ponderling.solving.solver",
    "Result": "ponderling.solving.solver",
    "TRM": "ponderling.models",
    "HRM": "ponderling.models",
    "build_model": "ponderling.models",
    "ModelConfig": "ponderling.config",
    "TrainConfig": "ponderling.config",
    "DataConfig": "ponderling.config",
    "RunConfig": "ponderling.config",
    "PuzzleShape": "ponderling.config",
    "get_recipe": "ponderling.recipes",
    "get_task": "ponderling.tasks",
}

__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from ponderling.config import DataConfig as DataConfig
    from ponderling.config import ModelConfig as ModelConfig
    from ponderling.config import PuzzleShape as PuzzleShape
    from ponderling.config import RunConfig as RunConfig
    from ponderling.config import TrainConfig as TrainConfig
    from ponderling.models import HRM as HRM
    from ponderling.models import TRM as TRM
    from ponderling.models import build_model as build_model
    from ponderling.recipes import get_recipe as get_recipe
    from ponderling.solving.solver import Result as Result
    from ponderling.solving.solver import Solver as Solver
    from ponderling.tasks import get_task as get_task


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'ponderling' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
