"""Mazes: `family.py` holds the rules, `paths.py` the searching."""

from ponderling.tasks.maze.family import Maze
from ponderling.tasks.registry import Family, Pattern

__all__ = ["FAMILY", "Maze"]

FAMILY = Family(
    named={"maze10": Maze(10), "maze30": Maze(30)},
    patterns=(
        Pattern(
            expression=r"maze([1-9]\d*)(?:x([1-9]\d*))?",
            make=lambda settings, rows, columns: Maze(int(rows), int(columns or rows)),
            example="maze12 or maze12x20",
        ),
    ),
)
