"""What a run's settings say of puzzles that were given as arrays in Python, and that no file holds."""

from __future__ import annotations

from pathlib import Path

from ponderling.tasks.base import PuzzleError

IN_MEMORY = "(in memory)"
"""The name of a source that is not a file."""


def refuse_in_memory(source: str | Path) -> None:
    """Refuses to read puzzles that are gone.

    Raises:
        PuzzleError: saying what to do.
    """
    if str(source) == IN_MEMORY:
        raise PuzzleError(
            "this run's puzzles were arrays in memory, which it does not keep: name a file (eval --data FILE), or go on "
            "training with ponderling.train(..., resume=True)"
        )
