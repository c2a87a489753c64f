"""From a run's `DataConfig` to its task and its puzzles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ponderling.config import DataConfig
from ponderling.tasks import Arc, get_task
from ponderling.tasks.base import Puzzles, Task


@dataclass(frozen=True)
class DataSplit:
    """The puzzles of a run."""

    train: Puzzles
    validation: Puzzles
    """Held out of the training puzzles; chooses the best checkpoint."""
    test: Puzzles
    """Evaluated once, at the end."""


def task_of(data: DataConfig) -> Task:
    """The puzzle family that a config means.

    Raises:
        ValueError: when there is none of that name.
    """
    task = get_task(data.task)
    if isinstance(task, Arc):
        task.views = data.views if data.augment else 0
    return task


def load_split(data: DataConfig, task: Task) -> DataSplit:
    """The run's puzzles; the validation puzzles are never among the training puzzles."""
    if isinstance(task, Arc):
        return _arc_split(data, task)
    pool = load_puzzles(task, data.train, "train")
    # A fixed order, whatever the run's seed: runs that differ in their seed hold out the same puzzles.
    order = np.random.default_rng(0).permutation(len(pool))
    num_validation = min(data.num_validation, len(pool) // 10)
    train = pool[order[num_validation:][: data.max_train]]
    validation = pool[order[:num_validation]]
    test = load_puzzles(task, data.test, "test")[: data.max_test]
    return DataSplit(train, validation, test)


def _arc_split(data: DataConfig, task: Arc) -> DataSplit:
    """As `load_split`, but nothing is held out of a test task's demonstrations: they are all there is of it."""
    read = task.read_data(data.train, data.test, data.overlap == "drop")
    order = np.random.default_rng(0).permutation(len(read.train))
    num_validation = min(data.num_validation, len(read.train) // 10, len(read.spare))
    held = np.random.default_rng(0).permutation(read.spare)[:num_validation]
    train = order[~np.isin(order, held)][: data.max_train]
    return DataSplit(read.train[train], read.train[held], read.test[: data.max_test])


def load_puzzles(task: Task, source: str, split: str) -> Puzzles:
    """The puzzles of a file, or the task's own: `default` and `hunted` in the package, `hub` its public set.

    split is train or test.
    """
    if source in ("default", "hunted"):
        return task.load_default(split if source == "default" else source)
    if source == "hub":
        return task.read_hub(split)
    return task.read(source)
