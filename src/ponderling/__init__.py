"""Ponderling: tiny recursive reasoners, HRM and TRM, to train, evaluate, study and use. Start at `recursion.py`.

import ponderling as pl

solver = pl.Solver.from_pretrained("sudoku")
result = solver.solve("53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Loaded on first use, so that `ponderling --help` never pays for torch. A test holds this table and the imports below equal.
_WHERE = {
    "build_model": "ponderling.models",
    "DataConfig": "ponderling.config",
    "evaluate": "ponderling.solving.evaluate",
    "Evaluation": "ponderling.solving.figures",
    "get_recipe": "ponderling.recipes",
    "get_task": "ponderling.tasks",
    "GridTask": "ponderling.tasks",
    "HRM": "ponderling.models",
    "list_recipes": "ponderling.recipes",
    "list_weights": "ponderling.checkpoint",
    "load_checkpoint": "ponderling.checkpoint",
    "ModelConfig": "ponderling.config",
    "Observer": "ponderling.training.observer",
    "PuzzleError": "ponderling.tasks.base",
    "Puzzles": "ponderling.tasks.base",
    "PuzzleShape": "ponderling.config",
    "Relational": "ponderling.models",
    "Result": "ponderling.solving.result",
    "RunConfig": "ponderling.config",
    "RuntimeConfig": "ponderling.config",
    "Search": "ponderling.config",
    "SearchEvaluation": "ponderling.solving.figures",
    "SolveConfig": "ponderling.config",
    "Solver": "ponderling.solving.solver",
    "start": "ponderling.training.starting",
    "TraceStep": "ponderling.solving.records",
    "train": "ponderling.training.arrays",
    "TrainConfig": "ponderling.config",
    "Trainer": "ponderling.training.trainer",
    "TRM": "ponderling.models",
}

__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from ponderling.checkpoint import list_weights as list_weights
    from ponderling.checkpoint import load_checkpoint as load_checkpoint
    from ponderling.config import DataConfig as DataConfig
    from ponderling.config import ModelConfig as ModelConfig
    from ponderling.config import PuzzleShape as PuzzleShape
    from ponderling.config import RunConfig as RunConfig
    from ponderling.config import RuntimeConfig as RuntimeConfig
    from ponderling.config import Search as Search
    from ponderling.config import SolveConfig as SolveConfig
    from ponderling.config import TrainConfig as TrainConfig
    from ponderling.models import HRM as HRM
    from ponderling.models import TRM as TRM
    from ponderling.models import Relational as Relational
    from ponderling.models import build_model as build_model
    from ponderling.recipes import get_recipe as get_recipe
    from ponderling.recipes import list_recipes as list_recipes
    from ponderling.solving.evaluate import evaluate as evaluate
    from ponderling.solving.figures import Evaluation as Evaluation
    from ponderling.solving.figures import SearchEvaluation as SearchEvaluation
    from ponderling.solving.records import TraceStep as TraceStep
    from ponderling.solving.result import Result as Result
    from ponderling.solving.solver import Solver as Solver
    from ponderling.tasks import GridTask as GridTask
    from ponderling.tasks import get_task as get_task
    from ponderling.tasks.base import PuzzleError as PuzzleError
    from ponderling.tasks.base import Puzzles as Puzzles
    from ponderling.training.arrays import train as train
    from ponderling.training.observer import Observer as Observer
    from ponderling.training.starting import start as start
    from ponderling.training.trainer import Trainer as Trainer


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'ponderling' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
