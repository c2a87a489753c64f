"""What the page must know of a model and its puzzle family, and puzzles to try it on; plain JSON values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ponderling.checkpoint import Checkpoint
from ponderling.solving.solver import Solver
from ponderling.tasks import Arc
from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Task, Tokens

SHARES = {"easy": (0.0, 0.35), "medium": (0.35, 0.8), "hard": (0.9, 1.0)}
"""Which part of a family's test set a difficulty means, from its easiest to its hardest puzzle."""

KEPT = 200
"""Puzzles of a set that are kept for each difficulty."""

SIBLINGS = {"sudoku": ("sudoku9", "sudoku4", "sudoku6", "sudoku16", "sudoku9x", "latin9")}
"""Families that a relational network trained on one of them is served on, too."""


class Offer(NamedTuple):
    """A puzzle to try."""

    tokens: Tokens
    """(L,)."""
    rating: int | None
    """On the task's own scale."""


def families(checkpoint: Checkpoint) -> list[str]:
    """The puzzle families that a checkpoint can be used on, its own first."""
    own = checkpoint.config.data.task
    group = next((names for names in SIBLINGS.values() if own in names), ())
    if checkpoint.config.model.system != "relational":
        group = ()
    return [own, *(name for name in group if name != own)]


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


def draw(task: Task, puzzles: Puzzles, rng: np.random.Generator) -> Offer:
    """One of these puzzles under a random symmetry of its family."""
    row = puzzles[[int(rng.integers(len(puzzles)))]]
    rating = None if row.ratings is None else int(row.ratings[0])
    return Offer(task.augment(rng, row).tokens[0], rating)


def describe(solver: Solver, trained_on: str) -> dict[str, Any]:
    """One puzzle family of a model: its grid, its symbols, the groups of cells that hold each symbol once."""
    task = solver.task
    rows, columns = task.grid_shape
    cells = rows * columns
    if isinstance(task, Arc):  # every cell is the network's to fill, and a canvas of one token is no grid to write
        characters, blanks = ["", *task.symbols], [PAD]
    else:
        characters = ["", *(task.format(np.full(cells, token, np.uint8))[0] for token in range(1, task.vocab_size))]
        blanks = _blanks(task, cells)
    relations = task.relations
    return {
        "task": task.name,
        "kind": _kind(task),
        "rows": rows,
        "columns": columns,
        "box": list(getattr(task, "block_shape", (rows, columns))),
        "symbols": [
            "",
            *(task.render(np.full(cells, token, np.uint8))[0][0].strip() for token in range(1, task.vocab_size)),
        ],
        "characters": characters,
        "blank": blanks[0] if blanks else 1,
        "fill": list(task.fill_tokens) if task.extends_question else [],
        "groups": [list(group) for groups in relations.groups.values() for group in groups] if relations else [],
        "has_rules": task.has_rules,
        "trained": task.name == trained_on,
    }


def _blanks(task: Task, cells: int) -> list[int]:
    """The tokens of cells that are not given."""
    clues = [task.clue_mask(np.full((1, cells), token, np.uint8))[0, 0] for token in range(task.vocab_size)]
    return [token for token in range(1, task.vocab_size) if not clues[token]]


def _kind(task: Task) -> str:
    """How the page draws it: sudoku, maze, arc or grid."""
    from ponderling.tasks.sudoku.family import Sudoku

    if isinstance(task, Arc):
        return "arc"
    if isinstance(task, Sudoku):
        return "sudoku"
    return "maze" if getattr(task, "symbols", "") == "# SGo" else "grid"
