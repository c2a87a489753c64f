"""What the page must know of a model and its puzzle family, and puzzles to try it on; plain JSON values."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from ponderling.checkpoint import Checkpoint, trained_sizes
from ponderling.data import task_of
from ponderling.models import Relational
from ponderling.solving.solver import Solver
from ponderling.tasks.base import PuzzleError, Puzzles, Task, Tokens
from ponderling.tasks.grid_task import GridTask

SHARES = {"easy": (0.0, 0.35), "medium": (0.35, 0.8), "hard": (0.9, 1.0)}
"""Range of each difficulty in a family's test set, as shares of the set sorted from easy to hard."""

RANDOM = "random"
"""The difficulty of puzzles that a family of every size makes when it is asked."""

MOST_SIDE = 60
"""Most rows, and most columns, of a family that is served in every size."""

KEPT = 200
"""Puzzles of a set that are kept for each difficulty."""


class Offer(NamedTuple):
    """A puzzle to try."""

    tokens: Tokens
    """(L,)."""
    rating: int | None
    """On the task's own scale."""


def families(checkpoint: Checkpoint) -> list[str]:
    """The puzzle families that a checkpoint can be used on, its own first."""
    data = checkpoint.config.data
    own, found = task_of(data), [data.family, *data.families[:-1]]
    if checkpoint.config.model.system != "relational":
        return found
    return found + [name for name in own.siblings if name not in found]


def is_sized(checkpoint: Checkpoint) -> bool:
    """Whether the weights serve every size of their family."""
    model, task = checkpoint.model, task_of(checkpoint.config.data)
    return type(model) is Relational and model.fits_every_size and isinstance(task, GridTask) and bool(task.sized_name)


def resized(task: Task, name: str) -> GridTask | None:
    """The family of this name, if it is that of the task in some size; None for other names. No module is looked up.

    Raises:
        ValueError: when the family has no grid of that size.
    """
    match = re.fullmatch(r"[a-z]+([1-9]\d{0,5})(?:x([1-9]\d{0,5}))?", name)
    if match is None or not isinstance(task, GridTask) or not task.sized_name:
        return None
    rows, columns = int(match[1]), int(match[2] or match[1])
    found = task.resized(rows, columns)
    return found if name in (found.name, task.sized_name.format(rows=rows, columns=columns)) else None


def sizes(checkpoint: Checkpoint) -> dict[str, Any]:
    """The sizes in which a family of every size is served."""
    task = task_of(checkpoint.config.data)
    assert isinstance(task, GridTask)
    trained = sorted(trained_sizes(checkpoint.config, checkpoint.shape))
    return {"task": task.sized_name, "most": MOST_SIDE, "trained": trained}


def puzzles_by_difficulty(task: Task) -> dict[str, Puzzles]:
    """Puzzles of the family's test set for each difficulty; none where no set comes with the package."""
    try:
        puzzles = task.load_default("test")
    except PuzzleError:
        return {}
    ratings = np.zeros(len(puzzles), np.int32) if puzzles.ratings is None else puzzles.ratings
    given = task.clue_mask(puzzles.tokens).sum(axis=1)
    order = np.lexsort((-given, ratings))  # by rating, and of those rated alike, the ones with fewer clues are harder
    parts = {}
    for name, (first, last) in SHARES.items():
        rows = order[int(first * len(order)) : int(np.ceil(last * len(order)))]
        parts[name] = puzzles[rows[:: max(1, len(rows) // KEPT)]]
    return parts


def draw(task: Task, puzzles: Puzzles, *, rng: np.random.Generator) -> Offer:
    """One of these puzzles under a random symmetry of its family."""
    row = puzzles[[int(rng.integers(len(puzzles)))]]
    rating = None if row.ratings is None else int(row.ratings[0])
    return Offer(task.augment(rng, row).tokens[0], rating)


def describe(solver: Solver, trained_on: Collection[str]) -> dict[str, Any]:
    """One puzzle family of a model: its grid, its symbols, and of Sudokus the groups of cells that hold each symbol once.

    `trained_on` names the families that the model was trained on.
    """
    task = solver.task
    rows, columns = task.grid_shape
    cells = rows * columns
    units = task.relations.groups.values() if task.kind == "sudoku" and task.relations else ()
    return {
        "task": task.name,
        "kind": task.kind,
        "rows": rows,
        "columns": columns,
        "box": list(task.block_shape),
        "symbols": [
            "",
            *(task.render(np.full(cells, token, np.uint8))[0][0].strip() for token in range(1, task.vocab_size)),
        ],
        "characters": list(task.characters),
        "blank": task.blank_token,
        "fill": list(task.fill_tokens) if task.extends_question else [],
        "groups": [list(group) for groups in units for group in groups],
        "has_rules": task.has_rules,
        "trained": task.name in trained_on,
    }
