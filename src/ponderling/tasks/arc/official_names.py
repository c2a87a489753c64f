"""Puzzle ids of the official ARC builders: `identifiers.json` names the view of a task that each row of the embedding is for.

Row 0 is `<blank>`. A task as it is has its own name. A view adds the symmetry and the new colour of each colour:
`007bbfb7|||t3|||0912345678` (TinyRecursiveModels) or `007bbfb7_t3_0912345678` (HRM). The official code draws views with
one generator for all tasks, so they cannot be reproduced and are kept as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.arc.canvas import ViewSymmetry
from ponderling.tasks.arc.files import read_each
from ponderling.tasks.arc.identifiers import UNKNOWN, Identifiers, TaskRows
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.npy import read_npy
from ponderling.tasks.official_layout import NAMES
from ponderling.tasks.opened import read_json

TESTS = "test_puzzles.json"
"""A file next to `identifiers.json` in TinyRecursiveModels: the tasks whose test inputs are for testing."""
BLANK = "<blank>"
VIEW = re.compile(r"(.+)(?:\|\|\|t([0-7])\|\|\||_t([0-7])_)(0[1-9]{9})", re.DOTALL)
AS_IS = "0123456789"
"""View 0: its symmetry, then the new colours of 1 to 9, as in `TaskRows.shown`."""


class OfficialRows(NamedTuple):
    """The tasks and views that the puzzle ids of an official data set are for."""

    identifiers: Identifiers
    order: NDArray[np.int64]
    """The official row of each of our rows, which keep a task together even if it is in two official sets."""


def read_names(path: str | Path) -> OfficialRows:
    """The puzzle ids of a built ARC data set: its `identifiers.json`, or the folder with it.

    Raises:
        PuzzleError: naming the file and what is wrong with it.
        FileNotFoundError: when the file does not exist.
    """
    path = Path(path)
    path = path / NAMES if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; the official ARC builders write it beside train and test")
    names = _load_names(path)
    rows: dict[str, list[tuple[int, str]]] = {}
    blank = [row for row, name in enumerate(names) if name == BLANK]
    for row, name in enumerate(names):
        if name != BLANK:
            task, shown = _parse(name)
            rows.setdefault(task, []).append((row, shown))
    known = {}
    for task, found in rows.items():
        found.sort(key=lambda view: view[1] != AS_IS)
        if found[0][1] != AS_IS:
            raise PuzzleError(f"{path}: names views of task {task} (row {found[0][0]}), but not the task as it is")
        shown = "".join(view for _, view in found)
        known[task] = TaskRows("train", 0, len(found) - 1, ViewSymmetry("", AS_IS[:8]), UNKNOWN, shown)
    known = _with_roles(path, known, names=names)
    order = [*blank, *(row for found in rows.values() for row, _ in found)]
    return OfficialRows(Identifiers(known, len(blank)), np.array(order, np.int64))


def _load_names(path: Path) -> list[str]:
    names = read_json(path)
    if not isinstance(names, list) or not names or names[0] != BLANK or not all(type(name) is str for name in names):
        raise PuzzleError(
            f"{path}: expected a list of names that begins with {BLANK}, as the official builders write it"
        )
    seen: set[str] = set()
    repeated = [name for name in names if name != BLANK and (name in seen or seen.add(name))]
    if repeated:
        raise PuzzleError(f"{path}: {', '.join(repeated[:3])} stands there more than once")
    return names


def _parse(name: str) -> tuple[str, str]:
    """The task, and its view as a digit for the symmetry and the new colours of 1 to 9."""
    match = VIEW.fullmatch(name)
    if match is None or len(set(match[4])) < 10:
        return name, AS_IS
    return match[1], (match[2] or match[3]) + match[4][1:]


def _with_roles(path: Path, known: dict[str, TaskRows], *, names: list[str]) -> dict[str, TaskRows]:
    """The known tasks with the test tasks marked, and with their demonstrations' digests where these are known.

    Without a file that says which tasks these are, all pairs of all tasks count as trained on: better a warning too
    many.
    """
    tests, ids = path.with_name(TESTS), path.parent / "test" / "all__puzzle_identifiers.npy"
    marked, file = {}, ids
    if tests.is_file():
        file = tests
        for task in read_each(tests):
            marked[task.id] = ("test", len(task.demos), task.digest)
    elif ids.is_file():
        for row in _load_rows(ids, len(names)):
            marked[_parse(names[row])[0]] = ("test", 0, UNKNOWN)
    strange = [name for name in marked if name not in known]
    if strange:
        raise PuzzleError(f"{file}: task {', '.join(strange[:3])} has no name in {path}: they are of two data sets")
    for name, (role, num_pairs, digest) in marked.items():
        known[name] = known[name]._replace(role=role, num_pairs=num_pairs, digest=digest)
    return known


def _load_rows(path: Path, count: int) -> list[int]:
    rows = read_npy(path)
    if rows.dtype.kind not in "iu" or rows.ndim != 1 or (len(rows) and not 0 < rows.min() <= rows.max() < count):
        raise PuzzleError(f"{path}: expected puzzle ids from 1 to {count - 1}, as {NAMES} names them")
    return rows.tolist()


def names_of(identifiers: Identifiers) -> list[str]:
    """The name of each row, as TinyRecursiveModels writes them; its evaluator needs nothing else to turn answers back."""
    names = [BLANK] * identifiers.unnamed
    for task in identifiers.tasks:
        for row in identifiers.rows(task):
            colours = "".join(map(str, identifiers.colours[row]))
            names.append(f"{task}|||t{identifiers.symmetries[row]}|||{colours}")
        names[-len(identifiers.rows(task))] = task
    return names
