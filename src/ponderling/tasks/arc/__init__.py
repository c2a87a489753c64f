"""ARC: `family.py` turns its tasks into puzzles, `files.py` reads them, `identifiers.py` keeps the rows of their views."""

from ponderling.tasks.arc.family import PATTERN, Arc
from ponderling.tasks.base import DataSettings
from ponderling.tasks.registry import Family, Pattern

__all__ = ["FAMILY", "Arc"]


def _make(settings: DataSettings | None, canvas: str) -> Arc:
    """A family from its name after `arc`: the canvas's side, or its rows and columns with an x between."""
    rows, _, columns = (int(length) if length.isdigit() else 0 for length in canvas.partition("x"))
    if settings is None:
        return Arc(rows, columns=columns or None)
    views = settings.views if settings.augment else 0
    return Arc(rows, views, columns=columns or None, turns=settings.turns, more_share=settings.more_share)


FAMILY = Family(patterns=(Pattern(expression=PATTERN, make=_make, example="arc12"),))
