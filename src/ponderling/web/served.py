"""How the server is run, and which models it serves on which puzzle families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import HTTPException

from ponderling.checkpoint import load_checkpoint
from ponderling.config import DType
from ponderling.models.torch_compile import compile_for_solving
from ponderling.solving.solver import Solver
from ponderling.solving.vote import arc_of
from ponderling.tasks import answers_by_vote
from ponderling.tasks.arc.files import ArcTask
from ponderling.tasks.base import Puzzles, Task
from ponderling.web import catalog
from ponderling.web.arc_tasks import offered_tasks
from ponderling.web.engine import Engine, Lane


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the server is run."""

    token: str | None = None
    """Bearer token that /v1 and /metrics ask for; None: none."""
    hosts: tuple[str, ...] | None = None
    """Host names under which it answers; None: any. A server without a token names them, against DNS rebinding."""
    seconds: float = 120.0
    """Most time for a request."""


DEFAULTS = Settings()
"""On loopback, for one person."""


@dataclass(kw_only=True)
class Served:
    """One puzzle family of one model."""

    model: str
    lane: Lane
    about: dict[str, Any]
    puzzles: dict[str, Puzzles]
    arc_tasks: dict[str, ArcTask] = field(default_factory=dict)
    """Of an ARC model, the tasks that it knows; empty for all others."""

    @property
    def task(self) -> Task:
        """Its rules."""
        return self.lane.solver.task

    @property
    def steps(self) -> int:
        """Supervision steps as in training."""
        return self.lane.solver.config.train.N_sup


@dataclass
class Registry:
    """What is served, by model and task; filled before the first request and never after."""

    engine: Engine
    models: dict[str, dict[str, Served]] = field(default_factory=dict)

    def load(
        self,
        name: str,
        checkpoint: str | Path,
        *,
        slots: int,
        device: str = "cpu",
        dtype: DType | None = None,
        arc_source: str = "default",
        compile: bool = False,
        code: Mapping[str, Any] | None = None,
    ) -> None:
        """Loads a checkpoint under this name, on all puzzle families that it can be used on.

        Args:
            name: Under which it is served.
            checkpoint: As in `load_checkpoint`.
            slots: See `Lane`.
            device: Where it runs.
            dtype: Activations' type in place of its own.
            arc_source: Of an ARC model, where its tasks are read; default: where its run names them.
            code: What `load_checkpoint` is told of the user's own code: trust, net, model.
            compile: Compile its network for the family it was trained on; `Lane.probe` waits for that.

        Raises:
            ValueError: when it is of ARC and the files of its tasks cannot be read, or it is to be compiled and there is no
                C++ compiler.
        """
        code = code or {}
        first = load_checkpoint(checkpoint, device, dtype=dtype, **code)
        if compile:
            compile_for_solving(first.model, "--compile")
        own = first.config.data.family
        if answers_by_vote(own):
            family = arc_of(first)
            tasks = offered_tasks(first, family, source=arc_source)
            self.add(
                name,
                Solver(first.model, family, config=first.config, device=device),
                trained_on=own,
                slots=slots,
                arc_tasks=tasks,
            )
            return
        for task in catalog.families(first):
            loaded = first if task == own else load_checkpoint(checkpoint, device, dtype=dtype, task=task, **code)
            self.add(name, Solver.of(loaded, device=device), trained_on=own, slots=slots)

    def add(
        self, name: str, solver: Solver, *, trained_on: str, slots: int, arc_tasks: dict[str, ArcTask] | None = None
    ) -> None:
        """Serves this solver."""
        lane = self.engine.add_lane(solver, slots)
        about = catalog.describe(solver, trained_on)
        served = Served(
            model=name,
            lane=lane,
            about=about,
            puzzles=catalog.puzzles_by_difficulty(solver.task),
            arc_tasks=arc_tasks or {},
        )
        about["difficulties"] = list(served.puzzles)
        self.models.setdefault(name, {})[solver.task.name] = served

    @property
    def knows_arc(self) -> bool:
        """Whether an ARC model is served."""
        return any(served.arc_tasks for tasks in self.models.values() for served in tasks.values())

    def find(self, model: str | None, task: str | None) -> Served:
        """The one that is meant; the first where nothing is said.

        Raises:
            HTTPException: 404, naming those there are.
        """
        name = next(iter(self.models)) if model is None else model
        if name not in self.models:
            raise HTTPException(404, f"no model {name[:80]!r}: there are {', '.join(self.models)}")
        tasks = self.models[name]
        if task is not None and task not in tasks:
            raise HTTPException(404, f"model {name} is not served on {task[:80]!r}: there are {', '.join(tasks)}")
        return tasks[task] if task is not None else next(iter(tasks.values()))
