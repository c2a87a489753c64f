"""What a set of puzzles holds, for `made.json` and `data inspect`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ponderling.tasks.base import Puzzles, Task


def puzzle_facts(task: Task, puzzles: Puzzles) -> dict[str, Any]:
    """How many puzzles there are, how many cells they give, how they are rated, and how many are alike."""
    import numpy as np

    from ponderling.solving.scores import rating_buckets

    clues = task.clue_mask(puzzles.tokens).sum(axis=1)
    prints = Counter(task.fingerprint(puzzles.tokens, regions=puzzles.regions).tolist())
    ratings = puzzles.ratings
    return {
        "puzzles": len(puzzles),
        "clues": {"fewest": int(clues.min()), "mean": round(float(clues.mean()), 2), "most": int(clues.max())}
        if len(puzzles)
        else None,
        "ratings": None
        if ratings is None
        else {name: int(np.sum(members)) for name, members in rating_buckets(ratings, task.rating_edges)},
        "repeated_up_to_symmetry": len(puzzles) - len(prints),
    }
