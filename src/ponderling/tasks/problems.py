"""What is wrong with the rows of a file, collected to be reported together."""

from __future__ import annotations

from pathlib import Path

from ponderling.tasks.base import PuzzleError


class Problems:
    """Collects what is wrong with the rows (or lines) of a file, to be reported together."""

    SHOWN = 5

    def __init__(self, path: Path, unit: str = "row"):
        self.path, self.unit = path, unit
        self.count = 0
        self.first: list[tuple[int, str]] = []

    def add(self, row: int, reason: str) -> None:
        """Notes a problem."""
        self.count += 1
        self.first = sorted([*self.first, (row, reason)])[: self.SHOWN]

    def report(self) -> None:
        """Raises PuzzleError if there was a problem."""
        if self.count:
            shown = "; ".join(f"{self.unit} {row}: {reason}" for row, reason in self.first)
            more = self.count - len(self.first)
            raise PuzzleError(f"{self.path}, {shown}" + (f"; and {more} more problems" if more > 0 else ""))
