"""What is wrong with the rows of a file, collected to be reported together; and strange values, made fit for one line."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from ponderling.tasks.base import PuzzleError

LONGEST_REASON = 400
"""Most characters of a reason, which may quote what a file holds."""

PLURALS = {"index": "indices"}
"""Units whose plural has no s at the end of the word."""


class Problems:
    """Collects what is wrong with the rows (or lines) of a file, to be reported together.

    Args:
        path: The file.
        unit: What its numbers count.
        advice: What to do about the problems; the end of the report.
    """

    SHOWN = 5
    MOST = 1000
    """Number of problems after which a file is not read any further."""

    def __init__(self, path: Path, unit: str = "row", *, advice: str = ""):
        self.path, self.unit, self.advice = path, unit, advice
        self.count = 0
        self.first: list[tuple[int, str]] = []

    def add(self, row: int, reason: str) -> None:
        """Notes a problem; raises PuzzleError as `report` does when there are too many."""
        self.count += 1
        if len(self.first) < self.SHOWN or row < self.first[-1][0]:
            self.first = sorted([*self.first, (row, one_line(reason, LONGEST_REASON))])[: self.SHOWN]
        if self.count >= self.MOST:
            self.report()

    def report(self) -> None:
        """Raises PuzzleError if there was a problem."""
        if self.count:
            reasons: dict[str, list[str]] = {}
            for row, reason in self.first:
                reasons.setdefault(reason, []).append(str(row))
            several = PLURALS.get(self.unit, f"{self.unit}s")
            listed = "; ".join(
                f"{several if len(rows) > 1 else self.unit} {', '.join(rows)}: {reason}"
                for reason, rows in reasons.items()
            )
            more = self.count - len(self.first)
            least = "at least " if self.count >= self.MOST else ""
            others = f"; and {least}{more} more problems" if more > 0 else ""
            raise PuzzleError(f"{self.path}, {listed}{others}" + (f": {self.advice}" if self.advice else ""))


def one_line(text: str, most: int | None = None) -> str:
    """The text with control characters, line ends and halves of characters escaped, cut to a number of characters."""
    if most is not None and len(text) > most:
        text = text[: most - 3] + "..."
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shown(value: Any, most: int = 40, *, quote: str = '"') -> str:
    """A value from JSON as it would be written, cut to a number of characters.

    Args:
        value: The value, of any size and depth.
        most: Most characters.
        quote: What to put around a text; empty: nothing.
    """
    if isinstance(value, str):
        return quote + one_line(value if len(value) <= most else value[: most - 3] + "...") + quote
    text = json.dumps(_head(value, most), default=str)
    return text if len(text) <= most else text[: most - 3] + "..."


def _head(value: Any, most: int, *, depth: int = 0) -> Any:
    """The beginning of a value, small enough to be written."""
    if isinstance(value, str):
        return value[:most]
    if isinstance(value, list | dict) and depth > 3:
        return "..."
    if isinstance(value, list):
        return [_head(item, most, depth=depth + 1) for item in value[:most]]
    if isinstance(value, dict):
        return {str(k)[:most]: _head(v, most, depth=depth + 1) for k, v in itertools.islice(value.items(), most)}
    return value
