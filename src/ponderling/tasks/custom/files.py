"""Files of grid pairs in any format a person is likely to have: JSON lines, CSV, npz. `family.py` makes a task of them."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.grid_file import GridFile
from ponderling.tasks.custom.json_and_csv import read_csv, read_json_lines
from ponderling.tasks.custom.npz import read_npz_file
from ponderling.tasks.in_memory import refuse_in_memory
from ponderling.tasks.opened import open_bytes, suffix_of

SUFFIXES = (".jsonl", ".csv", ".npz", ".tsv")
"""Endings of the names of files of grids."""


def read_grid_file(path: str | Path) -> GridFile:
    """The examples of a .jsonl, .csv (both also packed) or .npz file, with all problems reported together.

    Raises:
        PuzzleError: naming file, line or row, and reason.
        FileNotFoundError: when the file does not exist.
    """
    refuse_in_memory(path)
    path = Path(path)
    with open_bytes(path) as file:
        stat = os.fstat(file.fileno())
    return _read(path, stat.st_mtime_ns, size=stat.st_size)


@functools.lru_cache(maxsize=4)  # a run looks at its file to find the vocabulary, and again for its puzzles
def _read(path: Path, modified: int, *, size: int) -> GridFile:
    suffix = suffix_of(path)
    if suffix == ".jsonl":
        file = read_json_lines(path)
    elif suffix in (".csv", ".tsv"):
        file = read_csv(path)
    elif suffix == ".npz":
        file = read_npz_file(path)
    else:
        arc = ", and ARC tasks with arc10-small" if suffix == ".json" else ""
        raise PuzzleError(
            f"{path}: a file of grids ends in {', '.join(SUFFIXES)}, packed or not; Sudokus and mazes in other files are "
            f"trained on with `ponderling train RECIPE --data.train FILE`{arc}"
        )
    if not len(file):
        raise PuzzleError(f"{path}: no example in it")
    return file
