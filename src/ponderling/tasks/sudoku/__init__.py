"""Sudoku and its variants. `base.py` holds what they share, `family.py` those with boxes, `jigsaw.py` the others."""

from ponderling.tasks.registry import Family, Pattern
from ponderling.tasks.sudoku.family import SUDOKUS, Sudoku
from ponderling.tasks.sudoku.jigsaw import PATTERN, Jigsaw

__all__ = ["FAMILY", "SUDOKUS", "Jigsaw", "Sudoku"]

FAMILY = Family(
    named=SUDOKUS,
    patterns=(
        Pattern(expression=PATTERN, make=lambda settings, layout: Jigsaw.of(layout), example="jigsaw-AABBAABBCCDDCCDD"),
    ),
)
