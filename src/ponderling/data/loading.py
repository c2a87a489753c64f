"""From a run's `DataConfig` to its task and its puzzles. How puzzles are read and split is the task's to say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ponderling.config import DataConfig
from ponderling.data.sampler import Augment
from ponderling.tasks import get_task
from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Task
from ponderling.tasks.custom.copying import copies_in
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.files import not_a_set, parts_in, tested_file
from ponderling.tasks.custom.looking import Proposal
from ponderling.tasks.custom.split import load_grids, spec_of
from ponderling.tasks.custom.structure import NONE
from ponderling.tasks.official_layout import is_built, is_layout


def task_of(data: DataConfig) -> Task:
    """The puzzle family that a config means; of several, the one that the trained network is used on.

    Raises:
        ValueError: when no family has that name.
    """
    own = data.of_each()[-1]
    return get_task(own.task, own)


def grid_config(
    train: str, test: str | None = None, *, symmetries: str = "none", base: DataConfig | None = None
) -> DataConfig:
    """The settings for training on a file or folder of grids, with everything that defines its task.

    Args:
        train: A .jsonl, .json, .csv or .npz file, a folder of a file `train` and perhaps a file `test` of these, or one in the
            official layout.
        test: Another one with the test examples.
        symmetries: Those of `DataConfig`; quarter turns ask for a square canvas.
        base: The other settings.

    Raises:
        PuzzleError: naming file, row and reason.
    """
    train, test = _files_of(train, test)
    spec = spec_of(train, test, square=any(name in ("rotations", "dihedral") for name in symmetries.split("+")))
    base = base or DataConfig()
    return replace(base, task=Grids.name, train=train, test=test or "default", grid=spec, symmetries=symmetries)


def _files_of(train: str, test: str | None) -> tuple[str, str | None]:
    """The files that are meant where a folder of files is named."""
    own = parts_in(train) if is_layout(train) else None
    if own is None and is_layout(train) and not is_built(train):
        raise PuzzleError(f"{train}: {not_a_set(Path(train))}")
    if own is not None:
        train = str(own[0])
        test = str(own[1]) if test is None and own[1] is not None else test
    return train, None if test is None else str(tested_file(test))


def proposed_structure(data: DataConfig, *, turns: bool = False) -> Proposal:
    """What ties the cells of the grids in a run's training file together, by a look at its examples.

    Args:
        data: The settings, which name the file.
        turns: Training will turn or mirror the grids, even if the settings do not say so yet.

    Raises:
        PuzzleError: naming file, row and reason.
    """
    task = Grids.of(data)
    return task.propose(_training_puzzles(task, data), turns=turns)


def _training_puzzles(task: Grids, data: DataConfig) -> Puzzles:
    return load_grids(task, data.train, test=data.test, drop=data.overlap == "drop").train.puzzles


def with_copies(data: DataConfig) -> DataConfig:
    """The settings with the tables that a structure with `copies` needs, by a look at the training file; else as they are.

    Raises:
        PuzzleError: naming file, row and reason.
    """
    if data.grid is None or data.grid.copies or "copies" not in data.structure.split("+"):
        return data
    puzzles = _training_puzzles(Grids.of(replace(data, structure=NONE)), data)
    tables = copies_in(puzzles, data.grid).tables
    return replace(data, grid=replace(data.grid, copies=tables))


MISSING = 0.1
"""Share of the misprints to train on in which a clue is missing; most others leave no solution."""


def augmentation(data: DataConfig, task: Task, *, extra_clues: int = 0, misprints: float = 0.0) -> Augment | None:
    """The function that varies training puzzles; None if they are shown unchanged.

    Args:
        data: The settings that say whether to use symmetries, and whether to choose each answer again.
        task: The puzzle family.
        extra_clues: How many missing cells are given at most, a random number for each puzzle; see `give_clues`.
        misprints: Share of puzzles with one clue changed or missing, from 0 to 1; see `misprint_some`.

    Raises:
        ValueError: when the settings ask for what the family does not have: a choice of answers, extra clues, misprints.
    """
    changes: list[Augment] = []
    if extra_clues:
        if task.answers_by_vote or task.relations is None or not task.relations.symbols:
            raise ValueError(
                f"extra clues are for puzzles whose answers are of the same symbols as their clues: not {task.name}"
            )
        changes.append(lambda rng, puzzles: give_clues(task, rng, puzzles=puzzles, most=extra_clues))
    if misprints:
        if not task.can_misprint:
            raise ValueError(f"train.misprints is for Sudokus: {task.name} has none")
        changes.append(lambda rng, puzzles: misprint_some(task, rng, puzzles=puzzles, share=misprints))
    if vary := _variation(data, task):
        changes.append(vary)
    if not changes:
        return None

    def change(rng: np.random.Generator, puzzles: Puzzles) -> Puzzles:
        for apply in changes:
            puzzles = apply(rng, puzzles)
        return puzzles

    return change


def misprint_some(task: Task, rng: np.random.Generator, *, puzzles: Puzzles, share: float) -> Puzzles:
    """The puzzles, a share of them with a misprint and the answer that they have then; see `Task.misprint`.

    Those that a misprint leaves with several solutions stay as they are. They look like sound ones until every other candidate
    is ruled out, so that a head that learns to say no to them hardly says yes any more.
    """
    rows = np.flatnonzero(rng.random(len(puzzles)) < share)
    printed = task.misprint(rng, puzzles[rows], missing=MISSING, several=False)
    tokens, labels = puzzles.tokens.copy(), puzzles.labels.copy()
    tokens[rows], labels[rows] = printed.tokens, printed.labels
    return replace(puzzles, tokens=tokens, labels=labels)


def give_clues(task: Task, rng: np.random.Generator, *, puzzles: Puzzles, most: int) -> Puzzles:
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
    if not task.has_many_answers:
        raise ValueError(
            f"data.relabel is for puzzles with many right answers, such as mazes: {task.name} has none to choose"
        )
    return lambda rng, puzzles: task.relabel(task.augment(rng, puzzles))
