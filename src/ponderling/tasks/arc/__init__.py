"""ARC: `family.py` turns its tasks into puzzles, `files.py` reads them, `identifiers.py` keeps the rows of their views."""

from ponderling.tasks.arc.family import PATTERN, Arc
from ponderling.tasks.base import DataSettings
from ponderling.tasks.registry import Family, Pattern

__all__ = ["FAMILY", "Arc"]


def _make(settings: DataSettings | None, side: str) -> Arc:
    return Arc(int(side), settings.views if settings is not None and settings.augment else 0)


FAMILY = Family(patterns=(Pattern(expression=PATTERN, make=_make, example="arc12"),))
