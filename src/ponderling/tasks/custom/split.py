"""From files of your own grids to training and test puzzles that are kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, LeftOut, PuzzleError, Puzzles, Tokens
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.custom.grid_file import GridFile
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
    left_out: tuple[LeftOut, ...] = ()
    """The examples of the files that are in neither part, by reason."""


def load_grids(task: GridReader, train: str, *, test: str, drop: bool = False) -> GridParts:
    """The training and test puzzles; no test question is a symmetric copy of a training question.

    Args:
        task: The task of the training file.
        train: A file or folder.
        test: Another one, or `default`: what the first sets apart, or a part of it that is held out.
        drop: Leave questions that are in both out of the training puzzles, instead of refusing them.

    Raises:
        PuzzleError: for a part without a puzzle, for questions in both, or answers that the rules refuse.
    """
    if test != "default":
        (learned, unused), (tested, untested) = (
            _part(source, split, task=task) for source, split in ((train, "train"), (test, "test"))
        )
        parts = GridParts(train=learned, test=tested, how=f"test: {test}", left_out=(*unused, *untested))
    elif is_layout(train):
        (learned, _), (tested, _) = (_part(train, split, task=task) for split in ("train", "test"))
        parts = GridParts(train=learned, test=tested, how="test: the folder's own")
    else:
        parts = _parts_of_file(read_grid_file(train), task)
    for name, part in (("train", parts.train), ("test", parts.test)):
        if not len(part.puzzles):
            raise PuzzleError(_nothing_to(name, part.path, test=test))
        _check_answers(part, task)
    return _apart(parts, task, drop=drop)


def _nothing_to(purpose: str, path: Path, *, test: str) -> str:
    """What is wrong with a file that has no example to train on, or to test on."""
    if test == "default":
        advice = f"mark some of its examples as {purpose}" + (", or name a file with --test" * (purpose == "test"))
    else:
        advice = f"mark some of its examples as {purpose}, or leave the split out of the file"
    return f"{path}: no example to {purpose} on: it marks none as {purpose}; {advice}"


def _part(source: str, split: str, *, task: GridReader) -> tuple[LocatedPuzzles, list[LeftOut]]:
    """The puzzles of a file or folder that are meant for this split, and the examples of a file that are not."""
    if is_layout(source):
        puzzles = read_layout(source, split, vocab_size=task.spec.vocab_size)
        if puzzles.tokens.shape[1] != task.num_cells:
            raise PuzzleError(f"{source}/{split}: has {puzzles.tokens.shape[1]} cells, training has {task.num_cells}")
        path = Path(source) / split
        return LocatedPuzzles(path=path, unit="row", numbers=np.arange(len(puzzles)), puzzles=puzzles), []
    file = read_grid_file(source)
    part = LocatedPuzzles(path=file.path, unit=file.unit, numbers=file.numbers, puzzles=task.puzzles_of(file))
    if file.is_test is None:
        return part, []
    wanted = file.is_test == (split == "test")
    other = "test" if split == "train" else "train"
    why = f"the file marks them as {other}, and another file was named to {other} on"
    return part[np.flatnonzero(wanted)], _left_out(~wanted, source, why=why)


def _left_out(rows: NDArray[np.bool_], source: str, *, why: str) -> list[LeftOut]:
    return [LeftOut(count=int(rows.sum()), total=len(rows), source=source, why=why)] if rows.any() else []


def _parts_of_file(file: GridFile, task: GridReader) -> GridParts:
    everything = LocatedPuzzles(path=file.path, unit=file.unit, numbers=file.numbers, puzzles=task.puzzles_of(file))
    if file.is_test is not None:
        train, test = np.flatnonzero(~file.is_test), np.flatnonzero(file.is_test)
        return GridParts(train=everything[train], test=everything[test], how="test: as the file says")
    test = _held_out_with_known_symbols(everything, task)
    how = f"test: one question in {HELD_OUT}, held out at random (always the same), as the file says nothing of a split"
    return GridParts(train=everything[np.flatnonzero(~test)], test=everything[np.flatnonzero(test)], how=how)


class NoneHeldOutError(PuzzleError):
    """No example of a file can be held out to test on."""


def _held_out_with_known_symbols(part: LocatedPuzzles, task: GridReader) -> NDArray[np.bool_]:
    """Whether each example is held out for testing, (N,): whole questions, whose symbols training shows too.

    A question with a symbol that training would otherwise never show goes back to training. Where all would go back,
    the first question whose symbols others show is held out.

    Raises:
        PuzzleError: when no question can be held out.
    """
    keys = part.keys(task)
    kinds: dict[Hashable, int] = {}
    kind = np.array([kinds.setdefault(key, len(kinds)) for key in keys])
    test = held_out(keys, part.path)
    both = np.concatenate([part.puzzles.tokens, part.puzzles.labels], axis=1)
    missing = np.setdiff1d(np.unique(both[test]), np.unique(both[~test]))
    back = np.unique(kind[test & np.isin(both, missing).any(axis=1)])
    test &= ~np.isin(kind, back)
    if test.any():
        return test
    shows = np.zeros((len(kinds), task.spec.vocab_size), bool)  # whether a question shows a token
    shows[np.repeat(kind, both.shape[1]), both.reshape(-1)] = True
    is_rare = shows.sum(axis=0) == 1
    for number in np.random.default_rng(0).permutation(len(kinds)):
        if not (shows[number] & is_rare).any():
            return kind == number
    raise NoneHeldOutError(
        f"{part.path}: none of its {len(kinds):,} questions can be held out to test on, since each shows a symbol that no "
        "other does: give more examples, name a file with --test, or mark test examples in the file"
    )


def held_out(keys: Sequence[Hashable], path: Path) -> NDArray[np.bool_]:
    """Whether each example is held out for testing, (N,): always the same tenth of the distinct keys.

    Raises:
        PuzzleError: when there is only one key.
    """
    kinds: dict[Hashable, int] = {}
    kind = np.array([kinds.setdefault(key, len(kinds)) for key in keys])
    if len(kinds) < 2:
        what = "all its questions are equal" if len(keys) > 1 else "it has one example"
        raise NoneHeldOutError(
            f"{path}: {what}: none can be held out to test on; give examples that differ, up to the symmetries, or name a file "
            "to test on with --test"
        )
    chosen = np.zeros(len(kinds), bool)
    chosen[np.random.default_rng(0).permutation(len(kinds))[: max(1, len(kinds) // HELD_OUT)]] = True
    return chosen[kind]


def _check_answers(part: LocatedPuzzles, task: GridReader) -> None:
    problems = Problems(part.path, part.unit)
    for i, reason in task.wrong_answers(part.puzzles.tokens[:CHECKED], part.puzzles.labels[:CHECKED]).items():
        problems.add(int(part.numbers[i]), f"the checker refuses its answer: {reason}")
    problems.report()


def _apart(parts: GridParts, task: GridReader, *, drop: bool) -> GridParts:
    """The parts, if no test question is a training question up to the symmetries; otherwise refuses, or drops from training.

    Raises:
        PuzzleError: naming the rows, or when nothing would be left to train on.
    """
    train, test = parts.train, parts.test
    if drop:
        tested = set(test.keys(task))
        shared = np.array([key in tested for key in train.keys(task)])
        if shared.all():
            raise PuzzleError(f"{train.path}: all its questions are test questions of {test.path} too: give others")
        left = _left_out(shared, str(train.path), why="their questions are test questions too, up to the symmetries")
        return replace(parts, train=train[np.flatnonzero(~shared)], left_out=(*parts.left_out, *left))
    seen = dict(zip(train.keys(task), train.numbers.tolist(), strict=True))
    advice = "remove these from one of the two, or give --data.overlap drop to leave them out of training"
    problems = Problems(test.path, test.unit, advice=advice)
    where = "" if train.path == test.path else f" of {train.path}"
    for number, key in zip(test.numbers.tolist(), test.keys(task), strict=True):
        if key in seen:
            up_to = " up to the symmetries" if task.symmetries != "none" else ""
            problems.add(number, f"its question is also that of training {train.unit} {seen[key]}{where}{up_to}")
    problems.report()
    return parts


def _without_test(file: GridFile, task: GridReader, *, why: str) -> GridParts:
    """All examples of a file as training puzzles, where none can be held out."""
    everything = LocatedPuzzles(path=file.path, unit=file.unit, numbers=file.numbers, puzzles=task.puzzles_of(file))
    _check_answers(everything, task)
    return GridParts(train=everything, test=everything[np.zeros(0, np.int64)], how=f"test: {why}")


def grid_facts(
    task: GridReader, train: str, *, test: str, drop: bool = False, may_lack_test: bool = False
) -> dict[str, Any]:
    """What the files of a run on grids hold, as plain values; the arguments are those of `load_grids`.

    Args:
        task: The task of the training file.
        train: A file or folder.
        test: Another one, or `default`.
        drop: Leave questions that are in both out of the training puzzles.
        may_lack_test: Show a file of which no example can be held out, which cannot be trained on alone.
    """
    spec = task.spec
    try:
        parts = load_grids(task, train, test=test, drop=drop)
    except NoneHeldOutError as error:
        if not may_lack_test:
            raise
        parts = _without_test(read_grid_file(train), task, why=str(error).partition(f"{train}: ")[2] or str(error))
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
        "left_out": [str(reason) for reason in parts.left_out],
    }


def _facts(part: LocatedPuzzles, task: GridReader) -> dict[str, Any]:
    puzzles = part.puzzles
    keys = part.keys(task) if len(puzzles) else []
    sizes = [
        _range(task.spec.own_sizes(grids)) if len(puzzles) else "none" for grids in (puzzles.tokens, puzzles.labels)
    ]
    answers: dict[tuple[int, bytes], set[bytes]] = {}
    for question, i, answer in zip(puzzles.tokens, puzzles.puzzle_ids.tolist(), puzzles.labels, strict=True):
        answers.setdefault((i, question.tobytes()), set()).add(answer.tobytes())
    return {
        "examples": len(puzzles),
        "inputs": sizes[0],
        "outputs": sizes[1],
        "repeated_questions": len(keys) - len(set(keys)),
        "questions_with_several_answers": sum(len(found) > 1 for found in answers.values()),
        "answers_equal_to_question": int((puzzles.tokens == puzzles.labels).all(axis=1).sum()),
        "ratings": None if puzzles.ratings is None else dict(sorted(Counter(puzzles.ratings.tolist()).items())),
    }


def _range(sizes: NDArray[np.int64]) -> str:
    low, high = ("x".join(map(str, ends)) for ends in (sizes.min(axis=0), sizes.max(axis=0)))
    return low if low == high else f"{low} to {high}"
