"""Examples of the outsiders' tasks for tests."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from outsiders.task import Files, Pair, Task


def first(task: Task, count: int) -> list[Pair]:
    return list(itertools.islice(task.stream(7), count))


def grown(seed: Any, allowed: Any) -> Any:
    """The area of allowed cells round a cell, grown by one step at a time."""
    area = np.zeros_like(allowed)
    area[tuple(seed)] = True
    while True:
        padded = np.pad(area, 1)
        more = area | padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
        more &= allowed
        if (more == area).all():
            return area
        area = more


def small_files(folder: Path, *, sizes: int = 4, unseen: int = 5) -> Files:
    """Squares of 0 and 1, and the same with the two exchanged."""
    rng = np.random.default_rng(0)

    def pairs(n: int, count: int) -> list[Pair]:
        grids = np.unique(rng.integers(0, 2, (count, n, n)), axis=0)
        return [{"input": grid.tolist(), "output": (1 - grid).tolist()} for grid in rng.permutation(grids)]

    found = pairs(sizes, 130)
    files = Files(folder / "train.jsonl", folder / "test.jsonl", unseen=folder / "unseen.jsonl")
    parts = ((files.train, found[:100]), (files.test, found[100:110]), (files.unseen, pairs(unseen, 10)))
    folder.mkdir(parents=True, exist_ok=True)
    for path, part in parts:
        assert path is not None
        path.write_text("".join(json.dumps(pair) + "\n" for pair in part))
    return files
