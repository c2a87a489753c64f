"""ARC: `family.py` turns its tasks into puzzles, `files.py` reads them, `identifiers.py` keeps the rows of their views."""

from ponderling.tasks.arc.family import PATTERN, Arc
from ponderling.tasks.base import DataSettings
from ponderling.tasks.registry import Family, Pattern

__all__ = ["FAMILY", "Arc"]


def _make(settings: DataSettings | None, rows: str, columns: str | None) -> Arc:
    wide = None if columns is None else int(columns)
    if settings is None:
        return Arc(int(rows), columns=wide)
    views = settings.views if settings.augment else 0
    return Arc(int(rows), views, columns=wide, turns=settings.turns, more_share=settings.more_share)


FAMILY = Family(patterns=(Pattern(expression=PATTERN, make=_make, example="arc12"),))
