"""Built data sets in the folder layout of the official HRM and TRM repositories: read, and written for them to train on.

A folder `train` and a folder `test`, each with `dataset.json` and for each set in it (`all`) five arrays: `inputs` and `labels`
(N, L), the `puzzle_identifiers` of the puzzles, `puzzle_indices` (where each puzzle's examples begin) and `group_indices`
(where each group's puzzles begin); and `identifiers.json`, the identifiers' names. In labels `ignore_label_id` is not scored.
Our own `grid.json`, which the official code passes over, keeps shape and symbols.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.system import must_be_new, write_atomically, write_text
from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Tokens, join
from ponderling.tasks.npy import read_npy
from ponderling.tasks.opened import read_json
from ponderling.tasks.problems import shown

FACTS, NAMES, GRID = "dataset.json", "identifiers.json", "grid.json"
MOST = 2**31 - 1
"""Highest number in `dataset.json`."""
TOKENS = 256
"""Number of tokens that can be told apart: each is a byte."""
FIELDS = ("inputs", "labels", "puzzle_identifiers", "puzzle_indices", "group_indices")


def is_layout(path: str | Path) -> bool:
    """Whether this is a folder; False for a text too long to be a name."""
    return os.path.isdir(path)


def is_built(folder: str | Path) -> bool:
    """Whether a folder is meant as a built data set, because it holds one of the files of such a set."""
    return any((Path(folder) / split / FACTS).is_file() for split in ("train", "test")) or any(
        Path(folder).glob("t*/*__inputs.npy")
    )


def read_facts(folder: str | Path, split: str = "train") -> dict[str, Any]:
    """The `dataset.json` of a split.

    Raises:
        PuzzleError: when the file is missing or cannot be used.
    """
    path = Path(folder) / split / FACTS
    facts = _read_facts(path, f"; a folder in the official layout has train/{FACTS} and test/{FACTS}")
    needed = {"vocab_size": int, "seq_len": int, "num_puzzle_identifiers": int, "sets": list}
    problems = [
        name for name, kind in needed.items() if not isinstance(facts, dict) or type(facts.get(name)) is not kind
    ]
    if problems:
        raise PuzzleError(f"{path}: {', '.join(problems)} must be there, as in the official builders")
    small = [f"{name} {facts[name]}" for name, kind in needed.items() if kind is int and facts[name] < 1]
    if small:
        raise PuzzleError(f"{path}: {', '.join(small)}: must be at least 1")
    large = [name for name, kind in needed.items() if kind is int and facts[name] > MOST]
    if large:
        raise PuzzleError(f"{path}: {', '.join(large)} must be at most {MOST:,}")
    strange = [name for name in facts["sets"] if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]{0,99}", name)]
    if strange:
        raise PuzzleError(f"{path}: sets must be names, such as all: got {shown(strange[0])}")
    ignored = facts.get("ignore_label_id")
    if ignored is not None and type(ignored) is not int:
        raise PuzzleError(f"{path}: ignore_label_id must be a token or null: got {shown(ignored)}")
    if type(facts.get("pad_id", PAD)) is not int or facts.get("pad_id", PAD) != PAD:
        raise PuzzleError(f"{path}: pad_id must be {PAD}, as in all official data sets: got {shown(facts['pad_id'])}")
    return facts


def _read_facts(path: Path, expected: str) -> Any:
    try:
        return read_json(path)
    except FileNotFoundError as error:
        arc = "; for a folder of ARC tasks see `ponderling train arc10-small --help`" if expected else ""
        raise PuzzleError(f"{path}: cannot be read (No such file or directory){expected}{arc}") from error
    except PuzzleError as error:
        raise PuzzleError(f"{path}: cannot be read ({str(error).removeprefix(f'{path}: ')}){expected}") from error


def read_grid_facts(folder: str | Path) -> dict[str, Any] | None:
    """The content of our `grid.json`; None if the file is missing."""
    path = Path(folder) / GRID
    if not path.exists():
        return None
    facts = _read_facts(path, "")
    if not isinstance(facts, dict):
        raise PuzzleError(f"{path}: expected an object with symbols, rows, columns and sizes: got {shown(facts)}")
    return facts


def read_layout(folder: str | Path, split: str, *, vocab_size: int | None = None) -> Puzzles:
    """The puzzles of `train` or `test`.

    Raises:
        PuzzleError: naming the file and what is wrong with it.
    """
    facts = read_facts(folder, split)
    if vocab_size is not None and facts["vocab_size"] > vocab_size:
        raise PuzzleError(
            f"{Path(folder) / split / FACTS}: vocab_size must be at most the training data's {vocab_size}: "
            f"got {facts['vocab_size']}"
        )
    if not facts["sets"]:
        raise PuzzleError(f"{Path(folder) / split / FACTS}: names no set")
    return join([_read_set(Path(folder) / split, str(name), facts=facts) for name in facts["sets"]])


def _read_set(folder: Path, name: str, *, facts: Mapping[str, Any]) -> Puzzles:
    arrays = {field: read_npy(folder / f"{name}__{field}.npy") for field in FIELDS}
    inputs, labels, ids, puzzle_starts, group_starts = (arrays[field] for field in FIELDS)
    wrong = [
        f"{field} must be integers of {dims} dimension{'s' * (dims - 1)}, got {arrays[field].dtype} {arrays[field].shape}"
        for field, dims in zip(FIELDS, (2, 2, 1, 1, 1), strict=True)
        if arrays[field].dtype.kind not in "iu" or arrays[field].ndim != dims
    ]
    if wrong:
        raise PuzzleError(f"{folder} (set {name}): {'; '.join(wrong)}")
    problems = []
    N, L = len(inputs), facts["seq_len"]
    for field in ("inputs", "labels"):
        if arrays[field].shape != (N, L):
            problems.append(f"{field} must be integers ({N}, {L}), got {arrays[field].dtype} {arrays[field].shape}")
    for field, starts, end in (("puzzle_indices", puzzle_starts, N), ("group_indices", group_starts, len(ids))):
        if not len(starts) or starts[0] != 0 or starts[-1] != end or (np.diff(starts) < 0).any():
            problems.append(f"{field} must rise from 0 to {end}")
    if len(puzzle_starts) != len(ids) + 1:
        problems.append(
            f"puzzle_indices must be one longer than puzzle_identifiers: got {len(puzzle_starts)} and {len(ids)}"
        )
    if not problems:
        ignored = facts.get("ignore_label_id")
        labels = labels if ignored in (None, PAD) else np.where(labels == ignored, PAD, labels)
        for field, array in (("inputs", inputs), ("labels", labels)):
            V = min(facts["vocab_size"], TOKENS)
            if N and (array.min() < 0 or array.max() >= V):
                row = int(np.flatnonzero(((array < 0) | (array >= V)).any(axis=1))[0])
                problems.append(f"row {row} of {field} has a token outside 0 to {V - 1}")
        if len(ids) and (ids.min() < 0 or ids.max() >= facts["num_puzzle_identifiers"]):
            problems.append(f"puzzle_identifiers must be from 0 to {facts['num_puzzle_identifiers'] - 1}")
    if problems:
        raise PuzzleError(f"{folder} (set {name}): {'; '.join(problems)}")
    examples_of = np.diff(puzzle_starts)
    return Puzzles(
        inputs.astype(np.uint8), labels.astype(np.uint8), puzzle_ids=np.repeat(ids, examples_of).astype(np.int32)
    )


def write_layout(
    folder: str | Path,
    parts: Mapping[str, Puzzles],
    *,
    vocab_size: int,
    num_puzzles: int,
    grid: Mapping[str, Any],
) -> None:
    """Writes `train` and `test` for the official repositories; `read_layout` reads the same puzzles back.

    Each puzzle with id 0 is its own group, as in the official Sudoku and maze sets. Puzzles of another id are the
    examples of one puzzle, as in the official ARC sets, and are written together.

    Raises:
        FileExistsError: when the folder holds such a data set already.
    """
    folder = Path(folder)
    must_be_new(*(folder / split / FACTS for split in parts), holds="a data set")
    for split, puzzles in parts.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        order = np.argsort(puzzles.puzzle_ids, kind="stable")
        puzzles = puzzles[order]
        ids = puzzles.puzzle_ids
        first = np.flatnonzero(np.concatenate([[True], (ids[1:] != ids[:-1]) | (ids[1:] == 0)])) if len(ids) else ids
        arrays: dict[str, Tokens | NDArray[np.int32]] = {
            "inputs": puzzles.tokens,
            "labels": puzzles.labels,
            "puzzle_identifiers": ids[first].astype(np.int32),
            "puzzle_indices": np.append(first, len(puzzles)).astype(np.int32),
            "group_indices": np.arange(len(first) + 1, dtype=np.int32),
        }
        for field, array in arrays.items():
            _save(folder / split / f"all__{field}.npy", array)
        facts = {
            "pad_id": PAD,
            "ignore_label_id": PAD,
            "blank_identifier_id": 0,
            "vocab_size": vocab_size,
            "seq_len": puzzles.tokens.shape[1],
            "num_puzzle_identifiers": num_puzzles,
            "total_groups": len(first),
            "mean_puzzle_examples": len(puzzles) / max(1, len(first)),
            "total_puzzles": len(first),
            "sets": ["all"],
        }
        _write_json(folder / split / FACTS, facts)
    _write_json(folder / NAMES, ["<blank>", *(f"puzzle {i}" for i in range(1, num_puzzles))])
    _write_json(folder / GRID, grid)


def _save(path: Path, array: NDArray[Any]) -> None:
    # Not into the file itself: numpy would use C's buffered output, which loses the last bytes on a full disk in silence.
    packed = io.BytesIO()
    np.save(packed, np.ascontiguousarray(array))
    write_atomically(path, lambda temporary: temporary.write_bytes(packed.getbuffer()))


def _write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value))
