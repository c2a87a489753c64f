"""From a run's `DataConfig` to its task and its puzzles."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ponderling.config import DataConfig
from ponderling.data.custom import load_grids
from ponderling.data.sampler import Augment
from ponderling.system import did_you_mean
from ponderling.tasks import Arc, get_task
from ponderling.tasks.base import PAD, Puzzles, Task, join
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.sudoku.family import LARGE_SETS

PACKAGED = ("default", *LARGE_SETS)
"""Names of sets that come with Ponderling."""


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
    if data.grid is not None:
        return Grids(data.grid, data.check, data.symmetries)
    task = get_task(data.task)
    if isinstance(task, Arc):
        task.views = data.views if data.augment else 0
    return task


def augmentation(data: DataConfig, task: Task, extra_clues: int = 0) -> Augment | None:
    """How training puzzles are varied, None if they are shown as they are.

    Args:
        data: Whether symmetries are used, and answers chosen anew.
        task: The puzzle family.
        extra_clues: How many missing cells are given at most, a random number for each puzzle; see `give_clues`.

    Raises:
        ValueError: when answers are to be chosen anew by a family that has no choice, or cells given where no answer is a clue.
    """
    vary = _variation(data, task)
    if not extra_clues:
        return vary
    if task.relations is None:
        raise ValueError(
            f"extra clues are for puzzles whose answers are of the same symbols as their clues: not {task.name}"
        )

    def vary_easier(rng: np.random.Generator, puzzles: Puzzles) -> Puzzles:
        easier = give_clues(task, rng, puzzles, extra_clues)
        return easier if vary is None else vary(rng, easier)

    return vary_easier


def give_clues(task: Task, rng: np.random.Generator, puzzles: Puzzles, most: int) -> Puzzles:
    """The puzzles, each with a random number from 0 to `most` of its missing cells given, at random places."""
    order = np.where(task.clue_mask(puzzles.tokens), 2.0, rng.random(puzzles.tokens.shape)).argsort(axis=1)
    place = order.argsort(axis=1)  # of each cell among the missing ones; clues come last
    given = place < rng.integers(0, most + 1, (len(puzzles), 1))
    given &= ~task.clue_mask(puzzles.tokens) & (puzzles.labels != PAD)
    return replace(puzzles, tokens=np.where(given, puzzles.labels, puzzles.tokens).astype(np.uint8))


def _variation(data: DataConfig, task: Task) -> Augment | None:
    if not data.augment:
        return None
    if not data.relabel:
        return task.augment
    relabel = getattr(task, "relabel", None)
    if relabel is None:
        raise ValueError(
            f"data.relabel is for puzzles with many right answers, such as mazes: {task.name} has none to choose"
        )
    return lambda rng, puzzles: relabel(task.augment(rng, puzzles))


def load_split(data: DataConfig, task: Task) -> DataSplit:
    """The run's puzzles; the validation puzzles are never among the training puzzles."""
    if isinstance(task, Arc):
        return _arc_split(data, task)
    if isinstance(task, Grids):
        parts = load_grids(data, task)
        pool, test = parts.train.puzzles, parts.test.puzzles
    else:
        pool, test = load_puzzles(task, data.train, "train"), load_puzzles(task, data.test, "test")
    # A fixed order, whatever the run's seed: runs that differ in their seed hold out the same puzzles.
    order = np.random.default_rng(0).permutation(len(pool))
    num_validation = min(data.num_validation, len(pool) // 10)
    is_own = ~pool.brings_regions
    held = order[is_own[order]][:num_validation]
    train = order[~_is_among(pool, held)[order]]  # sets that are joined may hold a puzzle twice
    return DataSplit(pool[train[: data.max_train]], pool[held], test[: data.max_test])


def _is_among(pool: Puzzles, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which puzzles (N,) are, id and all, those of these rows, none of which brings regions."""
    wanted = {(pool.tokens[i].tobytes(), int(pool.puzzle_ids[i])) for i in rows}
    found = (key in wanted for key in zip(map(bytes, pool.tokens), pool.puzzle_ids.tolist(), strict=True))
    return np.fromiter(found, bool, len(pool)) & ~pool.brings_regions


def load_test(data: DataConfig, task: Task, source: str) -> Puzzles:
    """The puzzles to evaluate on: of a file, the task's own (see `load_puzzles`), or those a run on grids was to report on."""
    if isinstance(task, Grids):
        # of the training file those it was not trained on, lest its other examples be taken for a test
        own = data.train if data.test == "default" else data.test
        if source == "default" or Path(source).resolve() == Path(own).resolve():
            return load_grids(data, task).test.puzzles
        return task.read(source, need_answers=True)
    return load_puzzles(task, source, "test")


def _arc_split(data: DataConfig, task: Arc) -> DataSplit:
    """As `load_split`, but nothing is held out of a test task's demonstrations: they are all there is of it."""
    read = task.read_data(data.train, data.test, data.overlap == "drop")
    order = np.random.default_rng(0).permutation(len(read.train))
    num_validation = min(data.num_validation, len(read.train) // 10, len(read.spare))
    held = np.random.default_rng(0).permutation(read.spare)[:num_validation]
    train = order[~np.isin(order, held)][: data.max_train]
    return DataSplit(read.train[train], read.train[held], read.test[: data.max_test])


def load_puzzles(task: Task, source: str, split: str) -> Puzzles:
    """The puzzles of a file, or the task's own: `default` and the others of PACKAGED in the package, `hub` its public set.

    split is train or test. Several with a + between are joined.

    Raises:
        ValueError: when a set to test on has puzzles that bring regions of their own.
        FileNotFoundError: when there is no such file, saying which names there are.
    """
    if "+" in source and not Path(source).exists():
        names = source.split("+")
        sets = {name: load_puzzles(task, name, split) for name in dict.fromkeys(names)}
        return join([sets[name] for name in names])
    if source in PACKAGED:
        puzzles = task.load_default(split if source == "default" else source)
    else:
        try:
            puzzles = task.read_hub(split) if source == "hub" else task.read(source)
        except FileNotFoundError:
            if source == "hub" or Path(source).exists():  # it is something else that is missing
                raise
            raise FileNotFoundError(_no_such_file(source)) from None
    if split == "test" and puzzles.brings_regions.any():
        raise ValueError(
            f"{source}: puzzles with regions of their own are to train on: evaluate those of one layout, as the family "
            "jigsaw-LAYOUT, from a file without the column regions"
        )
    return puzzles


def _no_such_file(source: str) -> str:
    path, names = Path(source), (*PACKAGED, "hub")
    there = [str(path.parent / name) for name in os.listdir(path.parent)] if path.parent.is_dir() else []
    hint = did_you_mean(source, [*names, *there])
    return f"{source}: no such file; {hint}expected a file of puzzles, or one of {', '.join(names)}"
