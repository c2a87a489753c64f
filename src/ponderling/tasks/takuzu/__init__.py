"""Takuzu, the binary puzzle: `takuzu6`, `takuzu8`, and any other even side from 4 to 14."""

from ponderling.tasks.registry import Family, Pattern
from ponderling.tasks.takuzu.family import Takuzu

__all__ = ["FAMILY", "Takuzu"]

FAMILY = Family(
    named={"takuzu6": Takuzu(6), "takuzu8": Takuzu(8)},
    patterns=(
        Pattern(expression=r"takuzu([1-9]\d*)", make=lambda settings, side: Takuzu(int(side)), example="takuzu10"),
    ),
)
