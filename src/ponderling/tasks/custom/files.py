"""Files of grid pairs in any format a person is likely to have: JSON, CSV, npz. `family.py` makes a task of them."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.grid_file import GridFile
from ponderling.tasks.custom.json_and_csv import ELSEWHERE, read_csv, read_json_document, read_json_lines
from ponderling.tasks.custom.npz import read_npz_file
from ponderling.tasks.in_memory import refuse_in_memory
from ponderling.tasks.json_lines import are_json_lines
from ponderling.tasks.official_layout import is_layout
from ponderling.tasks.opened import lines_of, open_bytes, suffix_of
from ponderling.tasks.problems import one_line

SUFFIXES = (".jsonl", ".csv", ".npz", ".tsv", ".json")
"""Endings of the names of files of grids."""

_FROM_TABLE = "write it as JSON lines, such as DataFrame.to_json(FILE, orient='records', lines=True) does"
ADVICE = {
    ".npy": "an .npy has one array: write both as np.savez(FILE, inputs=..., outputs=...)",
    ".parquet": _FROM_TABLE,
    ".feather": _FROM_TABLE,
    ".arrow": _FROM_TABLE,
    ".xlsx": "save it as CSV",
    ".xls": "save it as CSV",
    ".ods": "save it as CSV",
    ".pkl": "a pickle may run code when it is read: write it as JSON lines",
    ".pickle": "a pickle may run code when it is read: write it as JSON lines",
    ".pt": "write it as np.savez(FILE, inputs=..., outputs=...)",
}
"""What to do with files of other endings."""

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
"""What the files of a folder with grids are called, before the ending, and what each is for."""

OTHER_PARTS = ("validation", "valid", "val", "dev", "eval", "evaluation")
"""Further parts that such folders have, which nothing here takes."""


def parts_in(folder: str | Path) -> tuple[Path, Path | None] | None:
    """The files of a folder with grids to train on and, if there are any, to test on: `train.jsonl`, `test.csv` and the like.

    Returns:
        None where it has no such file to train on, or is in the official layout.

    Raises:
        PuzzleError: when there are several of a name, or one that is for neither.
    """
    found: dict[str, list[Path]] = {}
    for file in sorted(path for path in Path(folder).iterdir() if path.is_file() and suffix_of(path) in SUFFIXES):
        name = file.name.partition(".")[0].lower()
        found.setdefault(PARTS.get(name, name), []).append(file)
    if "train" not in found:
        return None
    for name in ("train", "test"):
        if len(files := found.get(name, [])) > 1:
            raise PuzzleError(f"{folder}: holds {' and '.join(file.name for file in files)}: name one with --data")
    if other := next((found[name][0] for name in OTHER_PARTS if name in found), None):
        raise PuzzleError(f"{folder}: holds {other.name}, too: name the files to use with --data and --test")
    return found["train"][0], found["test"][0] if "test" in found else None


def not_a_set(folder: Path) -> str:
    """What is said of a folder that is no set of examples: what it holds, and what to do."""
    names = sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))
    held = ", ".join(one_line(name, 40) for name in names[:3]) + ", ..." * (len(names) > 3)
    if any(suffix_of(name) == ".arrow" for name in names):
        return f"is a data set of Arrow's, with {held}: write it as JSON lines, with its method to_json(FILE)"
    return (
        f"is a folder with {held or 'nothing in it'}: expected files of grids called train and test, a data set in the "
        "official layout, with train/dataset.json and test/dataset.json, or ARC tasks for `ponderling train arc10`: name a file"
    )


def tested_file(source: str | Path) -> Path:
    """The file to test on where this names a folder of files of grids; else the same path."""
    parts = parts_in(source) if is_layout(source) else None
    return Path(source) if parts is None else parts[1] or parts[0]


def read_grid_file(path: str | Path) -> GridFile:
    """The examples of a .jsonl, .json, .csv (all also packed) or .npz file, with all problems reported together.

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
    if are_json_lines(path):
        file = read_json_lines(path)
    elif suffix == ".json":
        file = read_json_document(path)
    elif suffix in (".csv", ".tsv"):
        file = read_csv(path)
    elif suffix == ".npz":
        file = read_npz_file(path)
    else:
        if suffix not in ADVICE:
            next(
                lines_of(path, holds="grids", is_remark=lambda _: True), None
            )  # which says what a picture or the like is
        advice = ADVICE.get(suffix, ELSEWHERE)
        raise PuzzleError(f"{path}: a file of grids ends in {', '.join(SUFFIXES)}, packed or not; {advice}")
    if not len(file):
        raise PuzzleError(f"{path}: no example in it")
    return file
