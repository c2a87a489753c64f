"""The models that are served, and the puzzle families that each of them is served on."""

from __future__ import annotations

import math
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from fastapi import HTTPException

from ponderling.checkpoint import Checkpoint, load_checkpoint, on_task
from ponderling.config import DType
from ponderling.data import task_of
from ponderling.models.torch_compile import as_written, compile_for_solving
from ponderling.solving.solver import Solver
from ponderling.solving.vote import arc_of
from ponderling.tasks import answers_by_vote
from ponderling.tasks.arc.files import ArcTask
from ponderling.tasks.base import Puzzles, Task
from ponderling.tasks.grid_task import GridTask
from ponderling.training.adapt import can_learn
from ponderling.web import catalog
from ponderling.web.arc_tasks import offered_tasks
from ponderling.web.engine import Engine
from ponderling.web.jobs import Lane

KEPT_SIZES = 16
"""Number of sizes of a family, besides its own, that are kept; the one that was asked for longest ago makes room."""

KEPT_LEARNED = 16
"""Number of tasks that clients had learned and that are kept; the one that was asked about longest ago makes room."""

LEARN_STEPS = 300
"""Optimizer steps for a task that a client brings, as in `ponderling solve`."""


@dataclass(kw_only=True)
class Served:
    """One puzzle family of one model."""

    model: str
    lane: Lane
    about: dict[str, Any]
    puzzles: dict[str, Puzzles]
    arc_tasks: dict[str, ArcTask] = field(default_factory=dict)
    """The tasks that an ARC model knows and whose files are there, by id; empty for all other models."""

    sizes: OrderedDict[str, Served] | None = None
    """The same family in other sizes, by name, the latest last; None: it has one size alone."""

    @property
    def task(self) -> Task:
        """Its rules."""
        return self.lane.solver.task

    @property
    def is_arc(self) -> bool:
        """Whether it answers ARC tasks, by votes over views."""
        return answers_by_vote(self.task.name)

    @property
    def steps(self) -> int:
        """Supervision steps as in training."""
        return self.lane.solver.config.train.N_sup


@dataclass
class Registry:
    """What is served, by model and task; filled before the first request. Sizes of a family and learned tasks come after it."""

    engine: Engine
    _: KW_ONLY
    models: dict[str, dict[str, Served]] = field(default_factory=dict)
    learn_steps: int = LEARN_STEPS
    """Optimizer steps for a task of ARC that a client brings; 0: none is learned."""
    learned: OrderedDict[str, Served] = field(default_factory=OrderedDict)
    """Models that have learned a client's task, by a name that is told to this client alone, the latest last."""

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
        notice: Callable[[str], object] = lambda text: None,
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
            notice: Called with a line that whoever runs the server should know.

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
            family, learns = arc_of(first), bool(self.learn_steps) and can_learn(first)
            try:
                tasks = offered_tasks(first, family, source=arc_source)
            except ValueError as error:
                if not learns or arc_source != "default":
                    raise
                tasks = {}
                notice(f"{name} learns the ARC tasks that it is given, and offers none that it knows: {error}")
            solver = Solver(first.model, family, config=first.config, device=device, checkpoint=first)
            served = self.add(name, solver, trained_on=(own,), slots=slots, arc_tasks=tasks)
            served.about["learns"] = learns
            return
        for task in catalog.families(first):
            if (
                task != own
                and catalog.is_sized(first)
                and catalog.resized(task_of(first.config.data), task) is not None
            ):
                continue  # a size that is made when it is asked for
            loaded = first if task == own else load_checkpoint(checkpoint, device, dtype=dtype, task=task, **code)
            served = self.add(
                name, Solver.of(loaded, device=device), trained_on=first.config.data.families, slots=slots
            )
            if task == own and catalog.is_sized(first):
                served.sizes = OrderedDict()
                served.about["sizes"] = catalog.sizes(first)
                served.about["difficulties"].append(catalog.RANDOM)

    def add(
        self,
        name: str,
        solver: Solver,
        *,
        trained_on: Collection[str],
        slots: int,
        arc_tasks: dict[str, ArcTask] | None = None,
    ) -> Served:
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
        return served

    def probe(self) -> None:
        """Times passes of each model on its own family; those of its other families are estimated from their numbers of logits.

        Timing all would keep the first client waiting: a pass of 16x16 takes as long as ten of 9x9.
        """
        for tasks in self.models.values():
            own = next((served for served in tasks.values() if served.about["trained"]), next(iter(tasks.values())))
            own.lane.probe()
            logits = math.prod(own.task.grid_shape) * own.task.vocab_size
            for served in tasks.values():
                if served is not own:
                    share = math.prod(served.task.grid_shape) * served.task.vocab_size / logits
                    first, further = own.lane.row_seconds
                    served.lane.row_seconds = first * share, further * share

    @property
    def knows_arc(self) -> bool:
        """Whether an ARC model is served."""
        return any(served.is_arc for tasks in self.models.values() for served in tasks.values())

    def find(self, model: str | None, task: str | None, *, puzzles: Sequence[str] = ()) -> Served:
        """The one that is meant; the first where nothing is said, in the size of the puzzles if they are drawn.

        Raises:
            HTTPException: 404, naming those there are; 422 for a size that is not served, and puzzles of several sizes.
        """
        name = next(iter(self.models)) if model is None else model
        if name in self.learned:
            self.learned.move_to_end(name)
            return self.learned[name]
        if name not in self.models:
            raise HTTPException(404, f"no model {name[:80]!r}: there are {', '.join(self.models)}")
        tasks = self.models[name]
        first = next(iter(tasks.values()))
        if task is None and first.sizes is not None:
            task = _size_of(first.task, puzzles)
        if task is None or task in tasks:
            return first if task is None else tasks[task]
        for served in tasks.values():
            if served.sizes is not None and (found := self._resized(served, task)) is not None:
                return found
        names = [s.about["sizes"]["task"] if s.sizes is not None else task for task, s in tasks.items()]
        raise HTTPException(404, f"model {name} is not served on {task[:80]!r}: there are {', '.join(names)}")

    def _resized(self, served: Served, name: str) -> Served | None:
        """The family of this name as a size of the served one, made at its first use; None for other names."""
        assert served.sizes is not None
        try:
            task = catalog.resized(served.task, name)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        if task is None:
            return None
        rows, columns = task.grid_shape
        if max(rows, columns) > catalog.MOST_SIDE:
            most = catalog.MOST_SIDE
            raise HTTPException(422, f"expected at most {most} rows and {most} columns: got {rows}x{columns}")
        if task.grid_shape == served.task.grid_shape:
            return served
        if task.name not in served.sizes:
            served.sizes[task.name] = self._made(served, task)
            while len(served.sizes) > KEPT_SIZES:
                self.engine.drop_lane(served.sizes.popitem(last=False)[1].lane)
        served.sizes.move_to_end(task.name)
        return served.sizes[task.name]

    def keep(self, served: Served, checkpoint: Checkpoint, *, task: ArcTask) -> Served:
        """Serves a checkpoint that a served model became by learning a task, under a name that nobody can guess."""
        own, family = served.lane, arc_of(checkpoint)
        device = own.solver.device
        solver = Solver(checkpoint.model, family, config=checkpoint.config, device=device, checkpoint=checkpoint)
        lane = self.engine.add_lane(solver, own.slots)
        share = math.prod(family.grid_shape) / math.prod(served.task.grid_shape)
        first, further = own.row_seconds
        lane.row_seconds = first * share, further * share
        about = catalog.describe(solver, ()) | {"difficulties": []}
        name = f"{served.model}-{secrets.token_hex(8)}"
        self.learned[name] = Served(model=name, lane=lane, about=about, puzzles={}, arc_tasks={task.id: task})
        while len(self.learned) > KEPT_LEARNED:
            self.engine.drop_lane(self.learned.popitem(last=False)[1].lane)
        return self.learned[name]

    def _made(self, served: Served, task: GridTask) -> Served:
        """The served weights on another size, in a lane of its own whose passes have no more cells."""
        own, solver = served.lane, served.lane.solver
        assert solver.checkpoint is not None
        view = on_task(solver.checkpoint, task)
        share = task.num_cells / (served.about["rows"] * served.about["columns"])
        # Compiling for the size of a request would keep all others waiting for a minute.
        plain = Solver(as_written(view.model), task, config=view.config, device=solver.device, checkpoint=view)
        lane = self.engine.add_lane(plain, max(1, min(own.slots, int(own.slots / share))))
        first, further = own.row_seconds
        lane.row_seconds = first * share, further * share
        is_trained = task.num_cells in served.about["sizes"]["trained"]
        about = catalog.describe(plain, (task.name,) if is_trained else ())
        about |= {"difficulties": [catalog.RANDOM], "sizes": served.about["sizes"]}
        return Served(model=served.model, lane=lane, about=about, puzzles={}, sizes=OrderedDict())


def _size_of(task: Task, puzzles: Sequence[str]) -> str | None:
    """The name of the family in the size of the puzzles, by their drawing.

    Raises:
        HTTPException: 422, when they have several sizes.
    """
    if not puzzles:
        return None
    assert isinstance(task, GridTask)
    names = [task.name_for(puzzle) for puzzle in puzzles]
    for number, name in enumerate(names, 1):
        if name != names[0]:
            raise HTTPException(
                422, f"puzzle {number} is a {name}, puzzle 1 a {names[0]}: send a request for each size"
            )
    return names[0]
