"""Game IDs of Solo, the Sudoku among Simon Tatham's puzzles: `3x3:5_3b7d6b...`, where a letter is a run of blanks."""

from __future__ import annotations

import re

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.problems import one_line

_ID = re.compile(
    r"(?P<c>\d{1,2})(?:x(?P<r>\d{1,2})|j)(?P<rules>[a-z0-9]*)(?P<sign>[:#])(?P<cells>[a-z0-9_]+)(?P<more>,.*)?"
)
_CELLS = re.compile(r"[a-z]|\d+")


def cells_of_id(line: str, side: int) -> str | None:
    """The cells of a game ID as a line, with spaces between them beyond 9x9; None for another line, or another size.

    Raises:
        PuzzleError: when it has other rules or boxes that are not square, is a seed, or has another number of cells.
    """
    found = _ID.fullmatch(line.strip())
    if found is None:
        return None
    columns, rows = int(found["c"]), int(found["r"] or 1)
    if columns * rows != side:
        return None
    shown = one_line(line.strip(), 40)
    if found["sign"] == "#":
        raise PuzzleError(f"expected a game ID of Solo with its cells, got the seed {shown}: take the ID after a colon")
    if found["r"] is None or found["more"] or {"x", "k"} & set(found["rules"]):
        raise PuzzleError(f"{shown} is a game of Solo with other rules, which is not read: expected one such as 3x3:")
    if columns != rows:
        raise PuzzleError(
            f"{shown} is a game of Solo with boxes that are not square, which is not read: write its cells"
        )
    cells: list[str] = []
    for part in _CELLS.findall(found["cells"]):
        cells += ["."] * (ord(part) - ord("a") + 1) if part.isalpha() else [part]
    if len(cells) != side * side:
        raise PuzzleError(f"{shown} is a game of Solo of {side}x{side}: expected {side * side} cells, got {len(cells)}")
    return ("" if side < 10 else " ").join(cells)
