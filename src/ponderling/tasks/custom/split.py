"""From files of your own grids to training and test puzzles that are kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Tokens
from ponderling.tasks.custom.files import GridFile, read_grid_file
from ponderling.tasks.custom.spec import GridSpec, spec_of_file
from ponderling.tasks.official_layout import is_layout, read_facts, read_grid_facts, read_layout
from ponderling.tasks.problems import Problems

HELD_OUT = 10
"""One question in this number is held out for testing, unless the file or another file provides the test questions."""
CHECKED = 1000
"""Number of answers of each part that a checker sees before training: one that refuses the data is a mistake."""


class GridReader(Protocol):
    """What splitting needs from the task, a `family.Grids`."""

    @property
    def name(self) -> str:
        """The name of the family."""
        ...

    @property
    def spec(self) -> GridSpec:
        """What the training file says of itself."""
        ...

    @property
    def symmetries(self) -> str:
        """The names of the symmetries."""
        ...

    @property
    def num_cells(self) -> int:
        """L, the number of cells."""
        ...

    def puzzles_of(self, file: GridFile) -> Puzzles:
        """The examples of a file in this task's tokens."""
        ...

    def canonical(self, tokens: Tokens) -> list[bytes]:
        """For each grid (N, L) a key that is equal for two grids iff a symmetry maps one to the other."""
        ...

    def sizes(self, tokens: Tokens) -> NDArray[np.int64]:
        """Rows and columns of each grid (N, L), (N, 2)."""
        ...

    def wrong_answers(self, questions: Tokens, answers: Tokens) -> dict[int, str]:
        """Rows (N, L) whose answer the checker refuses, and why."""
        ...


def spec_of(train: str, test: str | None, *, square: bool) -> GridSpec:
    """What defines the task of a file or folder of grids.

    Args:
        train: A .jsonl, .csv or .npz file, or a folder in the official layout.
        test: Another one with the test examples.
        square: Make the canvas square, for quarter turns of grids that differ in size.

    Raises:
        PuzzleError: naming file, row and reason.
    """
    if not is_layout(train):
        more = [] if test is None or is_layout(test) else [read_grid_file(test)]
        return spec_of_file(read_grid_file(train), more, square=square)
    facts, grid = read_facts(train), read_grid_facts(train)
    num_puzzles, L = facts["num_puzzle_identifiers"], facts["seq_len"]
    if grid is not None:
        try:
            spec = GridSpec(
                tuple(map(str, grid["symbols"])),
                rows=grid["rows"],
                columns=grid["columns"],
                sizes=grid["sizes"],
                num_puzzles=num_puzzles,
            )
            matches = (spec.rows * spec.columns, spec.vocab_size) == (L, facts["vocab_size"])
        except (KeyError, TypeError, ValueError) as error:
            raise PuzzleError(f"{train}/grid.json: {error!r}: delete it, or export the data anew") from error
        if not matches:
            raise PuzzleError(
                f"{train}/grid.json is of other data than dataset.json: delete it, or export the data anew"
            )
        return spec
    side = round(L**0.5)
    rows, columns = (side, side) if side * side == L else (1, L)
    puzzles = read_layout(train, "train")
    padded = (puzzles.tokens == PAD).any() or (puzzles.labels == PAD).any()
    names = range(0 if padded else 1, facts["vocab_size"])
    try:
        return GridSpec(
            tuple(map(str, names)),
            rows=rows,
            columns=columns,
            sizes="raw" if padded else "one",
            num_puzzles=num_puzzles,
        )
    except ValueError as error:
        raise PuzzleError(f"{train}/train/dataset.json: {error}") from error


@dataclass(frozen=True, kw_only=True)
class LocatedPuzzles:
    """Puzzles with their places in a file, so that what is wrong with them can be pointed at."""

    path: Path
    unit: str
    numbers: NDArray[np.int64]
    puzzles: Puzzles

    def __getitem__(self, rows: NDArray[Any]) -> LocatedPuzzles:
        return replace(self, numbers=self.numbers[rows], puzzles=self.puzzles[rows])

    def keys(self, task: GridReader) -> list[tuple[int, bytes]]:
        """What makes each question itself: its puzzle id, and the grid up to the task's symmetries."""
        return list(zip(self.puzzles.puzzle_ids.tolist(), task.canonical(self.puzzles.tokens), strict=True))


@dataclass(frozen=True, kw_only=True)
class GridParts:
    """A run's puzzles, and how the test puzzles were chosen."""

    train: LocatedPuzzles
    test: LocatedPuzzles
    how: str
    """How the test puzzles were chosen, in words."""


def load_grids(task: GridReader, train: str, *, test: str) -> GridParts:
    """The training and test puzzles; no test question is a symmetric copy of a training question.

    Args:
        task: The task of the training file.
        train: A file or folder.
        test: Another one, or `default`: what the first sets apart, or a part of it that is held out.

    Raises:
        PuzzleError: for a part without a puzzle, for questions in both, or answers that the rules refuse.
    """
    if test != "default":
        parts = GridParts(
            train=_part(train, "train", task=task), test=_part(test, "test", task=task), how=f"test: {test}"
        )
    elif is_layout(train):
        parts = GridParts(
            train=_part(train, "train", task=task), test=_part(train, "test", task=task), how="test: the folder's own"
        )
    else:
        parts = _parts_of_file(read_grid_file(train), task)
    for name, part in (("train", parts.train), ("test", parts.test)):
        if not len(part.puzzles):
            raise PuzzleError(f"{part.path}: no example to {name} on")
        _check_answers(part, task)
    _refuse_overlap(parts, task)
    return parts


def _part(source: str, split: str, *, task: GridReader) -> LocatedPuzzles:
    """The puzzles of a file or folder that are meant for this split."""
    if is_layout(source):
        puzzles = read_layout(source, split, vocab_size=task.spec.vocab_size)
        if puzzles.tokens.shape[1] != task.num_cells:
            raise PuzzleError(f"{source}/{split}: has {puzzles.tokens.shape[1]} cells, training has {task.num_cells}")
        return LocatedPuzzles(path=Path(source) / split, unit="row", numbers=np.arange(len(puzzles)), puzzles=puzzles)
    file = read_grid_file(source)
    part = LocatedPuzzles(path=file.path, unit=file.unit, numbers=file.numbers, puzzles=task.puzzles_of(file))
    return part if file.is_test is None else part[np.flatnonzero(file.is_test == (split == "test"))]


def _parts_of_file(file: GridFile, task: GridReader) -> GridParts:
    everything = LocatedPuzzles(path=file.path, unit=file.unit, numbers=file.numbers, puzzles=task.puzzles_of(file))
    if file.is_test is not None:
        train, test = np.flatnonzero(~file.is_test), np.flatnonzero(file.is_test)
        return GridParts(train=everything[train], test=everything[test], how="test: as the file says")
    test = _without_new_symbols(everything, held_out(everything.keys(task), file.path))
    how = f"test: one question in {HELD_OUT}, held out at random (always the same), as the file says nothing of a split"
    return GridParts(train=everything[np.flatnonzero(~test)], test=everything[np.flatnonzero(test)], how=how)


def held_out(keys: Sequence[Hashable], path: Path) -> NDArray[np.bool_]:
    """Whether each example is held out for testing, (N,): always the same tenth of the distinct keys.

    Raises:
        PuzzleError: when there is only one key.
    """
    kinds: dict[Hashable, int] = {}
    kind = np.array([kinds.setdefault(key, len(kinds)) for key in keys])
    if len(kinds) < 2:
        raise PuzzleError(f"{path}: all its questions are equal: none can be held out to test on")
    chosen = np.zeros(len(kinds), bool)
    chosen[np.random.default_rng(0).permutation(len(kinds))[: max(1, len(kinds) // HELD_OUT)]] = True
    return chosen[kind]


def _without_new_symbols(part: LocatedPuzzles, test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The held-out examples `test`, less those with a token that training would otherwise never show."""
    both = np.concatenate([part.puzzles.tokens, part.puzzles.labels], axis=1)
    missing = np.setdiff1d(np.unique(both[test]), np.unique(both[~test]))
    return test & ~np.isin(both, missing).any(axis=1)


def _check_answers(part: LocatedPuzzles, task: GridReader) -> None:
    problems = Problems(part.path, part.unit)
    for i, reason in task.wrong_answers(part.puzzles.tokens[:CHECKED], part.puzzles.labels[:CHECKED]).items():
        problems.add(int(part.numbers[i]), f"the checker refuses its answer: {reason}")
    problems.report()


def _refuse_overlap(parts: GridParts, task: GridReader) -> None:
    train, test = parts.train, parts.test
    seen = dict(zip(train.keys(task), train.numbers.tolist(), strict=True))
    problems = Problems(test.path, test.unit)
    for number, key in zip(test.numbers.tolist(), test.keys(task), strict=True):
        if key in seen:
            up_to = " up to the symmetries" if task.symmetries != "none" else ""
            problems.add(number, f"its question is also that of training {train.unit} {seen[key]}{up_to}")
    problems.report()


def grid_facts(task: GridReader, train: str, *, test: str) -> dict[str, Any]:
    """What the files of a run on grids hold, as plain values; the arguments are those of `load_grids`."""
    spec = task.spec
    parts = load_grids(task, train, test=test)
    return {
        "task": task.name,
        "canvas": [spec.rows, spec.columns],
        "sizes": spec.sizes,
        "symbols": list(spec.symbols),
        "tokens": spec.vocab_size,
        "puzzle_ids": spec.num_puzzles,
        "symmetries": task.symmetries,
        "split": parts.how,
        "train": _facts(parts.train, task),
        "test": _facts(parts.test, task),
    }


def _facts(part: LocatedPuzzles, task: GridReader) -> dict[str, Any]:
    puzzles = part.puzzles
    keys = part.keys(task)
    answers: dict[tuple[int, bytes], set[bytes]] = {}
    for question, i, answer in zip(puzzles.tokens, puzzles.puzzle_ids.tolist(), puzzles.labels, strict=True):
        answers.setdefault((i, question.tobytes()), set()).add(answer.tobytes())
    return {
        "examples": len(puzzles),
        "inputs": _range(task.sizes(puzzles.tokens)),
        "outputs": _range(task.sizes(puzzles.labels)),
        "repeated_questions": len(keys) - len(set(keys)),
        "questions_with_several_answers": sum(len(found) > 1 for found in answers.values()),
        "answers_equal_to_question": int((puzzles.tokens == puzzles.labels).all(axis=1).sum()),
        "ratings": None if puzzles.ratings is None else dict(sorted(Counter(puzzles.ratings.tolist()).items())),
    }


def _range(sizes: NDArray[np.int64]) -> str:
    low, high = ("x".join(map(str, ends)) for ends in (sizes.min(axis=0), sizes.max(axis=0)))
    return low if low == high else f"{low} to {high}"
