"""A run's puzzles: from files and named sets to what is trained on, what is held out, and what is reported on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ponderling.system import did_you_mean
from ponderling.tasks.base import DataSettings, DataSplit, Puzzles, Task, join
from ponderling.tasks.in_memory import refuse_in_memory


def split_off(pool: Puzzles, test: Puzzles, *, data: DataSettings) -> DataSplit:
    """A run's puzzles from those that may be trained on and the test puzzles; no held-out puzzle is trained on."""
    # A fixed order, whatever the run's seed: runs that differ in their seed hold out the same puzzles.
    order = np.random.default_rng(0).permutation(len(pool))
    num_validation = min(data.num_validation, len(pool) // 10)
    held = order[~pool.brings_regions[order]][:num_validation]  # others are not puzzles of the family's own kind
    train = order[~_is_among(pool, held)[order]]  # sets that are joined may hold a puzzle twice
    return DataSplit(train=pool[train[: data.max_train]], validation=pool[held], test=test[: data.max_test])


def _is_among(pool: Puzzles, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each puzzle is one of these rows (which bring no regions), puzzle id included, (N,)."""
    wanted = {(pool.tokens[i].tobytes(), int(pool.puzzle_ids[i])) for i in rows}
    found = (key in wanted for key in zip(map(bytes, pool.tokens), pool.puzzle_ids.tolist(), strict=True))
    return np.fromiter(found, bool, len(pool)) & ~pool.brings_regions


def load_puzzles(task: Task, source: str, *, split: str) -> Puzzles:
    """The puzzles of a file, or the task's own: `default` and its `packaged_sets` in the package, `hub` its public set.

    `split` is train or test. Several sources with + between them are joined.

    Raises:
        ValueError: when a set to test on has puzzles that bring their own regions.
        FileNotFoundError: when the file does not exist; lists the known names.
    """
    refuse_in_memory(source)
    if "+" in source and not Path(source).exists():
        names = source.split("+")
        sets = {name: load_puzzles(task, name, split=split) for name in dict.fromkeys(names)}
        return join([sets[name] for name in names])
    if source in ("default", *task.packaged_sets):
        puzzles = task.load_default(split if source == "default" else source)
    else:
        try:
            puzzles = task.read_hub(split) if source == "hub" else task.read(source)
        except FileNotFoundError:
            if source == "hub" or Path(source).exists():  # it is something else that is missing
                raise
            raise FileNotFoundError(_no_such_file(source, task)) from None
    if split == "test" and puzzles.brings_regions.any():
        raise ValueError(
            f"{source}: puzzles with regions of their own are to train on: evaluate those of one layout, as the family "
            "jigsaw-LAYOUT, from a file without the column regions"
        )
    return puzzles


def _no_such_file(source: str, task: Task) -> str:
    path, names = Path(source), ("default", *task.packaged_sets, "hub")
    there = [str(path.parent / name) for name in os.listdir(path.parent)] if path.parent.is_dir() else []
    hint = did_you_mean(source, [*names, *there])
    return f"{source}: no such file; {hint}expected a file of puzzles, or one of {', '.join(names)}"
