"""A run's puzzles: from files and named sets to what is trained on, what is held out, and what is reported on.

The three parts are apart up to the family's symmetries, since training shows a puzzle under all of them. Puzzles that a
symmetry carries to one another are a class; `class_keys` numbers classes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ponderling.system import did_you_mean
from ponderling.tasks.base import DataSettings, DataSplit, LeftOut, PuzzleError, Puzzles, Task, Tokens, join
from ponderling.tasks.in_memory import refuse_in_memory

Bools = NDArray[np.bool_]

LOOKED_AT = 1000
"""Puzzles whose classes may be held out where fewer are wanted, since some classes are too large for it."""

SHOWN = 3
"""Puzzles in two sources that an error spells out."""


class SplitTask(Task, Protocol):
    """What splitting needs of a family, a `grid_task.GridTask`."""

    def sketch(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each question (N, L), (N,), equal wherever fingerprints are, which may cost less."""
        ...

    def places_in(self, path: str | Path, count: int) -> tuple[str, NDArray[np.int64]]:
        """What `read` counts in a file of `count` puzzles, such as row, and the number of each puzzle's."""
        ...


def class_keys(task: Task, puzzles: Puzzles) -> NDArray[np.uint64]:
    """The number of each puzzle's class, (N,): of its question up to the symmetries, with the puzzle id."""
    if not len(puzzles):
        return np.zeros(0, np.uint64)
    ids = puzzles.puzzle_ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return task.fingerprint(puzzles.tokens, regions=puzzles.regions) ^ ids


def alike(task: SplitTask, puzzles: Puzzles, *, others: Puzzles) -> Bools:
    """Whether the class of each puzzle is that of one of the others, (N,).

    Only puzzles whose sketches meet are compared by their keys.
    """
    found = np.zeros(len(puzzles), bool)
    if not len(puzzles) or not len(others):
        return found
    ours, theirs = (task.sketch(part.tokens, regions=part.regions) for part in (puzzles, others))
    rows = np.flatnonzero(np.isin(ours, theirs))
    keys = class_keys(task, others[np.flatnonzero(np.isin(theirs, ours))])
    found[rows] = np.isin(class_keys(task, puzzles[rows]), keys)
    return found


def split_off(
    pool: Puzzles,
    test: Puzzles,
    *,
    task: SplitTask,
    data: DataSettings,
    left_out: Sequence[LeftOut] = (),
    notes: Sequence[str] = (),
) -> DataSplit:
    """A run's puzzles from those that may be trained on and the test puzzles; no class is in two parts.

    Args:
        pool: What to train and validate on.
        test: What to test on, of other classes.
        task: The family.
        data: The run's settings.
        left_out: What was left out of the sources before.
        notes: What else is to be said.

    Raises:
        ValueError: when demonstrations are to be held out.
    """
    if data.held_out != "tests":
        raise ValueError(f"data.held_out {data.held_out} is for ARC: {task.name} has none")
    # A fixed order, whatever the run's seed: runs that differ in their seed hold out the same puzzles.
    order = np.random.default_rng(0).permutation(len(pool))
    wanted = min(data.num_validation, len(pool) // 10)
    candidates = order[~pool.brings_regions[order]]  # others are not puzzles of the family's own kind
    held, repeats = _hold_out(task, pool, wanted=wanted, candidates=candidates)
    is_held = np.zeros(len(pool), bool)
    is_held[held] = is_held[repeats] = True
    train = order[~is_held[order]]
    if min(wanted, len(candidates)) and not len(held):
        notes = (
            *notes,
            f"nothing is held out for validation: all {len(pool):,} training puzzles are copies of one, up to symmetry, so "
            "the last weights are kept; give puzzles that differ to have the best chosen",
        )
    lost = (
        (len(repeats), len(pool), data.train, "they repeat a validation puzzle"),
        (len(train[data.max_train :]) if data.max_train else 0, len(pool), data.train, "beyond --data.max-train"),
        (len(test) - len(test[: data.max_test]), len(test), data.test, "beyond --data.max-test"),
    )
    more = [LeftOut(count=n, total=total, source=source, why=why) for n, total, source, why in lost if n]
    return DataSplit(
        train=pool[train[: data.max_train]],
        validation=pool[held],
        test=test[: data.max_test],
        left_out=(*left_out, *more),
        notes=tuple(notes),
    )


def _hold_out(
    task: SplitTask, pool: Puzzles, *, wanted: int, candidates: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to validate on, whole classes of `wanted` puzzles at most; and the rows that repeat one of these puzzles.

    Classes come in the order of the candidates; those that are too large are passed over, and together they take a fifth
    of the puzzles at most. Where all are too large, the smallest is held out, unless nothing would be left to train on.
    """
    nobody = np.zeros(0, np.int64)
    if not wanted or not len(candidates):
        return nobody, nobody
    first = candidates[: max(wanted, LOOKED_AT)]
    kin = candidates[alike(task, pool[candidates], others=pool[first])]
    keys = class_keys(task, pool[kin]).tolist()
    members: dict[int, list[int]] = {}
    for row, key in zip(kin.tolist(), keys, strict=True):
        members.setdefault(key, []).append(row)  # in the order of the candidates, and so are the classes
    held: list[int] = []
    chosen: list[int] = []
    taken = 0
    for key, rows in members.items():
        distinct = _distinct(pool, rows)
        # Those that repeat a held puzzle are lost to training, too.
        if len(held) + len(distinct) <= wanted >= len(rows) and 5 * (taken + len(rows)) <= len(pool):
            held += distinct
            chosen.append(key)
            taken += len(rows)
        if len(held) == wanted:
            break
    if not chosen:
        smallest = min(members, key=lambda key: len(members[key]))
        if len(members[smallest]) < len(pool):
            held, chosen = _distinct(pool, members[smallest]), [smallest]
    inside = set(held)
    repeats = [row for key in chosen for row in members[key] if row not in inside]
    return np.array(held, np.int64), np.array(repeats, np.int64)


def _distinct(pool: Puzzles, rows: list[int]) -> list[int]:
    """The rows without those that repeat an earlier one: sets that are joined may hold a puzzle twice."""
    first: dict[tuple[bytes, bytes], int] = {}
    for row in rows:
        first.setdefault((pool.tokens[row].tobytes(), pool.labels[row].tobytes()), row)
    return list(first.values())


def load_apart(task: SplitTask, data: DataSettings) -> DataSplit:
    """The puzzles of a run's sources, split as in `split_off`, with no test puzzle among the others.

    A test file that shares classes with training is refused, or they are dropped from training if the settings say so.
    Sets with a name of their own were not made by the user: of these the test puzzles that are trained on are left out.

    Raises:
        PuzzleError: naming the sources, the first rows that they share, and what to do.
    """
    pool, test = load_puzzles(task, data.train, split="train"), load_puzzles(task, data.test, split="test")
    if data.overlap == "drop":
        shared = alike(task, pool, others=test)
        left = _left_out(shared, data.train, why=f"they are test puzzles of {data.test} too, up to symmetry")
        if shared.all():
            raise PuzzleError(
                f"{data.train}: all its {len(pool):,} puzzles are test puzzles of {data.test} too, up to symmetry: give other "
                "puzzles to train on, or to test on"
            )
        return split_off(pool[np.flatnonzero(~shared)], test, task=task, data=data, left_out=left)
    split = split_off(pool, test, task=task, data=data)
    shared = alike(task, test, others=join([split.train, split.validation]))
    if not shared.any():
        return split
    if shared.all() or not set(data.test.split("+")) <= {"default", "hub", *task.named_sets}:
        advice = "give --data.overlap drop to leave them out of training"
        refuse_shared(task, pool, test=test, shared=shared, sources=(data.train, data.test), advice=advice)
    left = _left_out(shared, data.test, why=f"they are trained on, as puzzles of {data.train}, up to symmetry")
    return split_off(pool, test[np.flatnonzero(~shared)], task=task, data=data, left_out=left)


def _left_out(rows: Bools, source: str, *, why: str) -> list[LeftOut]:
    return [LeftOut(count=int(rows.sum()), total=len(rows), source=source, why=why)] if rows.any() else []


def refuse_shared(
    task: SplitTask, pool: Puzzles, *, test: Puzzles, shared: Bools, sources: tuple[str, str], advice: str
) -> None:
    """Refuses test puzzles that are among the training puzzles.

    Args:
        task: The family.
        pool: The training puzzles.
        test: The test puzzles.
        shared: Whether each test puzzle is among the training puzzles, (N,).
        sources: The sources of both, training first.
        advice: What can be done besides removing puzzles.

    Raises:
        PuzzleError: naming the sources and the first rows that they share, if they share any.
    """
    train_source, test_source = sources
    if not shared.any():
        return
    rows = np.flatnonzero(shared)
    twins = np.flatnonzero(alike(task, pool, others=test[rows]))
    first: dict[int, int] = {}
    for row, key in zip(twins.tolist(), class_keys(task, pool[twins]).tolist(), strict=True):
        first.setdefault(key, row)
    shown = rows[:SHOWN]
    keys = class_keys(task, test[shown]).tolist()
    here, there = (
        _places(task, source, rows=list(wanted))
        for source, wanted in ((test_source, shown.tolist()), (train_source, [first[key] for key in keys]))
    )
    pairs = [f"{one} is {other} of {train_source}" for one, other in zip(here, there, strict=True)]
    more = [f"{len(rows) - SHOWN:,} more"] if len(rows) > SHOWN else []
    raise PuzzleError(
        f"{test_source}: {len(rows):,} of its {len(test):,} puzzles are also in the training puzzles, {train_source}, up to "
        f"symmetry: {', '.join([*pairs, *more])}; they would be trained on: remove them from one of the two, or {advice}"
    )


def _places(task: SplitTask, source: str, *, rows: list[int]) -> list[str]:
    """Where the puzzles of these rows are, in words: `row 7`, with the file's name where several are joined."""
    names = _names(source)
    counts = {name: len(load_puzzles(task, name, split="train")) for name in dict.fromkeys(names)} if names[1:] else {}
    found = []
    for row in rows:
        name, rest = names[0], row
        for name in names:
            if not counts or rest < counts[name]:
                break
            rest -= counts[name]
        unit, numbers = "puzzle", np.arange(1, rest + 2)
        if Path(name).is_file():
            unit, numbers = task.places_in(name, rest + 1)
        found.append(f"{unit} {numbers[rest]}" + (f" of {name}" if names[1:] else ""))
    return found


def _names(source: str) -> list[str]:
    """The sources that a + joins."""
    return source.split("+") if "+" in source and not Path(source).exists() else [source]


def load_puzzles(task: Task, source: str, *, split: str) -> Puzzles:
    """The puzzles of a file, or the task's own: `default`, one of its `named_sets`, or `hub`, its public set.

    `split` is train or test. Several sources with + between them are joined.

    Raises:
        ValueError: when a set to test on has puzzles that bring their own regions.
        FileNotFoundError: when the file does not exist; lists the known names.
    """
    refuse_in_memory(source)
    names = _names(source)
    if names[1:]:
        sets = {name: load_puzzles(task, name, split=split) for name in dict.fromkeys(names)}
        return join([sets[name] for name in names])
    if source in ("default", *task.named_sets):
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
    path, names = Path(source), ("default", *task.named_sets, "hub")
    there = [str(path.parent / name) for name in os.listdir(path.parent)] if path.parent.is_dir() else []
    hint = did_you_mean(source, [*names, *there])
    return f"{source}: no such file; {hint}expected a file of puzzles, or one of {', '.join(names)}"
