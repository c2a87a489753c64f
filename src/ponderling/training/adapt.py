"""Teaching a trained ARC model tasks that it does not know: new puzzle embeddings, learned from the demonstrations.

A model knows an ARC task by its puzzle embedding alone. `adapt` gives each view of each new task a row that starts at the mean
of the trained rows, and trains on the demonstrations: the rows only, so that nothing else changes, or the weights as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ponderling.checkpoint import Checkpoint, load_checkpoint, refuse_occupied
from ponderling.config import RunConfig
from ponderling.data import task_of
from ponderling.models import Model, build_model
from ponderling.solving.vote import arc_of, known_tasks
from ponderling.tasks.arc.family import NONE
from ponderling.tasks.arc.files import ArcTask, Pair, read_tasks
from ponderling.tasks.arc.identifiers import Identifiers
from ponderling.tasks.base import DataSplit
from ponderling.training.initial_weights import TABLES, carry_rows
from ponderling.training.trainer import Observer, Trainer

COMPILED = 1000
"""Optimizer steps from which on compiling the network, which takes up to a minute, is worth it."""

SLOTS = 8
"""Slots of the batch in which `learn_task` learns a task: it has few demonstrations, under eight symmetries each."""


def adapt(
    checkpoint: Checkpoint,
    source: str | Mapping[str, ArcTask],
    *,
    out: str | Path,
    steps: int = 500,
    weights: bool = False,
    views: int | None = None,
    may_be_known: bool = False,
    batch_size: int | None = None,
    device: str = "cpu",
    observer: Observer | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Writes a checkpoint that knows the tasks of a source besides its own.

    Args:
        checkpoint: The checkpoint of an ARC model with puzzle embeddings.
        source: Tasks by id, or what `arc.files.read_tasks` reads them from; their test outputs, where known, are not looked at
            while training. More pairs of their rules are shown as often as `data.more_share` of the checkpoint's run says.
        out: A new run folder.
        steps: Optimizer steps.
        weights: Train the network too; it then forgets of its other tasks what the new ones do not need.
        views: Views of each new task; None: as many as the checkpoint's own tasks have.
        may_be_known: Tasks that the model knows are learned further, from what it knows of them.
        batch_size: Slots of the batch; None: as in the checkpoint's run.
        device: Where to train.
        observer: Is told what happens, as in `train.Trainer`.
        should_stop: Asked between two steps; the checkpoint is written as far as it came.

    Returns:
        Figures of the test inputs without views, as `Trainer.run`; empty when stopped early, or their outputs are not known.

    Raises:
        ValueError: when the model has no puzzle embeddings, or a task cannot be read, does not fit, is known already though it
            may not be, or known with other demonstrations.
        FileExistsError: when `out` holds a run.
    """
    out = Path(out)
    refuse_occupied(out)
    family = arc_of(checkpoint)
    config = checkpoint.config
    if not config.model.puzzle_embedding_size:
        raise ValueError(f"{checkpoint.path}: has no puzzle embeddings to learn (puzzle_embedding_size 0)")
    own_views = config.data.views if config.data.augment else 0
    family.views = own_views if views is None else views
    known_rows = family.identifiers
    name = source if isinstance(source, str) else "the tasks given"
    tasks = (read_tasks(source) if source != NONE else {}) if isinstance(source, str) else source
    known = known_tasks(family, family.that_fit(tasks, name))
    if known and not may_be_known:
        raise ValueError(f"{name}: task {', '.join(list(known)[:3])} is known to {checkpoint.path}: solve it as it is")
    data = family.data_of({}, tasks, sources=(NONE, name))
    run = _as_lesson(config, name, views=family.views, steps=steps, batch_size=batch_size, device=device)
    model = _with_rows(checkpoint, known=known_rows, wanted=family.identifiers)
    model.requires_grad_(weights)
    vectors = model.puzzle_vectors
    if vectors is not None:
        vectors.table.requires_grad_()
    trainer = Trainer(
        run,
        out,
        task=family,
        data=DataSplit(train=data.train, validation=data.train[:0], test=data.test),
        model=model,
        recipe=checkpoint.info.get("recipe"),
        observer=observer,
        resumable=False,  # its config alone does not say what it was trained from
    )
    if vectors is not None and checkpoint.model.puzzle_vectors is not None:
        _keep_rows(trainer, vectors.table, but=np.unique(data.train.puzzle_ids // vectors.num_turns))
    trainer.started_from = checkpoint.path
    return trainer.run(should_stop)


def _as_lesson(
    config: RunConfig, source: str, *, views: int, steps: int, batch_size: int | None, device: str
) -> RunConfig:
    """The settings of the checkpoint's run as they are for learning the tasks of a source, see `adapt`."""
    return replace(
        config,
        train=replace(
            config.train,
            steps=steps,
            phases=(),
            init=None,
            warmup_steps=min(config.train.warmup_steps, steps // 10),
            batch_size=config.train.batch_size if batch_size is None else batch_size,
            ema_rate=0.0,  # an average over so few steps would still be half the old weights
        ),
        data=replace(config.data, train=NONE, test=source, views=views, augment=True),
        run=replace(
            config.run,
            eval_every=steps,
            device=device,
            compile=config.run.compile and steps >= COMPILED,
            threads=0,  # the process has its own number by now, and others may compute in it
        ),
    )


def can_learn(checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint's network has vectors for each ARC task, so that `learn_task` can teach it one alone."""
    return isinstance(checkpoint.model, Model) and checkpoint.model.puzzle_vectors is not None


def learn_task(
    checkpoint: Checkpoint,
    task: ArcTask,
    *,
    steps: int,
    device: str = "cpu",
    observer: Observer | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Gives the checkpoint with one task learned, or learned further, from its pairs; nothing is kept on disk.

    Args:
        checkpoint: The checkpoint of an ARC model with vectors for each task; it stays as it is.
        task: What to learn: its demonstrations, and its more pairs. Test outputs, where known, are not looked at.
        steps: Optimizer steps, which train the weights and the task's vectors.
        device: Where to train, and where the model then is.
        observer: Is told what happens, as in `train.Trainer`.
        should_stop: Asked between two steps; what was learned by then is kept.

    Raises:
        ValueError: when the task does not fit on the checkpoint's canvas.
    """
    hidden = replace(task, tests=tuple(Pair(pair.input, None) for pair in task.tests))
    with tempfile.TemporaryDirectory(prefix="ponderling-") as folder:
        run = Path(folder) / "run"
        adapt(
            checkpoint,
            {task.id: hidden},
            out=run,
            steps=steps,
            weights=True,
            may_be_known=True,
            batch_size=min(checkpoint.config.train.batch_size, SLOTS),
            device=device,
            observer=observer,
            should_stop=should_stop,
        )
        return load_checkpoint(str(run), device)


def _keep_rows(trainer: Trainer, table: nn.Parameter, *, but: NDArray[np.integer]) -> None:
    """Puts all rows but those learned back after every update: AdamW moves and decays also those that have no gradient."""
    rows = torch.from_numpy(np.setdiff1d(np.arange(len(table)), but))
    kept = table.detach()[rows].clone()

    def put_back(*_: object) -> None:
        with torch.no_grad():
            table[rows] = kept

    for optimizer in trainer.optimizers.all:
        if any(parameter is table for group in optimizer.param_groups for parameter in group["params"]):
            optimizer.register_step_post_hook(put_back)


def _with_rows(checkpoint: Checkpoint, *, known: Identifiers, wanted: Identifiers) -> Model:
    """Gives the checkpoint's model a table for the ids `wanted`; rows of new tasks are the mean of the trained ones."""
    state: dict[str, Tensor] = {key: value.cpu() for key, value in checkpoint.model.state_dict().items()}
    key = next(key for key in TABLES if key in state)
    shape = replace(checkpoint.shape, num_puzzles=wanted.num_rows)
    model = build_model(checkpoint.config.model, shape, relations=task_of(checkpoint.config.data).relations)
    model.load_state_dict({**state, key: carry_rows(state[key], known=known, wanted=wanted)[0]})
    return model
