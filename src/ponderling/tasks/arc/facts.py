"""What a source of ARC tasks holds, for a look before training on it; `data inspect` shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ponderling.tasks.arc.files import ArcTask, merged

CANVASES = (10, 30)
"""Sides of the canvases of the recipes."""


def arc_facts(given: Sequence[ArcTask], source: str | Path) -> dict[str, Any]:
    """Numbers of tasks, pairs, sizes and colours as plain values.

    Args:
        given: All that was read, at least one; where several tasks share an id, the first counts.
        source: Where it was read.
    """
    times = Counter(task.id for task in given if task.demos)
    tasks = list(merged(given, source).values())
    sizes = np.array([grid.shape for task in tasks for grid in task.grids])
    known = [sum(pair.output is not None for pair in task.tests) for task in tasks]
    colours = Counter(int(colour) for task in tasks for colour in _colours(task))
    num_tests = [len(task.tests) for task in tasks]
    return {
        "tasks": len(tasks),
        "demonstrations": _counts([len(task.demos) for task in tasks]),
        "test_inputs": {**_counts(num_tests), "with_output": sum(known), "without_output": sum(num_tests) - sum(known)},
        "more_pairs": sum(len(task.more) for task in tasks),
        "grids": {
            "number": len(sizes),
            "rows": [int(sizes[:, 0].min()), int(sizes[:, 0].max())],
            "columns": [int(sizes[:, 1].min()), int(sizes[:, 1].max())],
        },
        "fitting": {f"{side}x{side}": sum(task.size <= side for task in tasks) for side in CANVASES},
        "tasks_with_colour": {str(colour): colours[colour] for colour in range(10)},
        "read_twice": [name for name, count in times.items() if count > 1],
        "sharing_a_pair": _sharing(tasks),
    }


def _counts(numbers: list[int]) -> dict[str, int]:
    return {"number": sum(numbers), "fewest": min(numbers), "most": max(numbers)}


def _colours(task: ArcTask) -> Iterable[int]:
    return np.unique(np.concatenate([grid.reshape(-1) for grid in task.grids]))


def _sharing(tasks: list[ArcTask]) -> list[list[str]]:
    """Tasks that share a solved pair with an earlier task of another id: the earlier id, then the task's."""
    first: dict[bytes, str] = {}
    found = []
    for task in tasks:
        keys = [pair.key for pair in (*task.demos, *task.tests) if pair.output is not None]
        other = next((first[key] for key in keys if key in first), None)
        if other is not None:
            found.append([other, task.id])
        for key in keys:
            first.setdefault(key, task.id)
    return found
