"""Sudokus in JSON whose clues are told by their places, and the boxes that such files name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.problems import one_line

ROW, COLUMN = ("row", "r", "y"), ("column", "col", "c", "x")
VALUE = ("value", "val", "v", "digit", "number", "num", "n", "d")
"""What an object may call the place of a clue, and its symbol."""
BOXES = {4: (2, 2), 6: (2, 3), 9: (3, 3), 16: (4, 4), 25: (5, 5)}
"""Rows and columns of the usual boxes, by the grid's side."""
_BY_NUMBERS = re.compile(r"r(\d+)c(\d+)", re.IGNORECASE)  # r1c9
_BY_LETTER = re.compile(r"([a-p])(\d+)", re.IGNORECASE)  # A9: the first row's last cell

Place = tuple[int, int]
"""Row and column, as they are counted in the file."""


def placed(value: Any, side: int) -> list[str] | None:
    """The cells of a board whose clues come with their places; None for anything else.

    It is a list of objects with a row, a column and a value, or an object with a value for each place, such as `r1c9` or `A9`.

    Raises:
        PuzzleError: when a place is outside the grid or has two values, or it is unclear whether places count from 0 or 1.
    """
    clues = _clues_of(value)
    if clues is None:
        return None
    first = _first(clues, side, is_named=isinstance(value, Mapping))
    cells = ["."] * (side * side)
    for (row, column), symbol in clues:
        at, text = (row - first) * side + column - first, "." if symbol in (None, "", 0, "0") else str(symbol).strip()
        if cells[at] not in (".", text) and text != ".":
            raise PuzzleError(f"row {row}, column {column} has two values: {cells[at]} and {one_line(text, 20)}")
        cells[at] = cells[at] if text == "." else text
    return cells


def _clues_of(value: Any) -> list[tuple[Place, Any]] | None:
    """Each clue with its place; None where these are something else."""
    if isinstance(value, Mapping):
        places = [_named(name) for name in value]
        if not places or None in places or any(isinstance(part, list | Mapping) for part in value.values()):
            return None
        return list(zip((place for place in places if place), value.values(), strict=True))
    if not isinstance(value, list) or not value or not all(isinstance(clue, Mapping) for clue in value):
        return None
    found = []
    for clue in value:
        names = {str(name).lower(): part for name, part in clue.items()}
        parts = [[names[name] for name in known if name in names] for known in (ROW, COLUMN, VALUE)]
        if any(len(part) != 1 for part in parts):
            return None
        (row,), (column,), (symbol,) = parts
        if type(row) is not int or type(column) is not int or isinstance(symbol, list | Mapping | bool):
            return None
        found.append(((row, column), symbol))
    return found


def _named(name: Any) -> Place | None:
    """The place that a name such as r1c9 or A9 means, counted from 1."""
    if found := _BY_NUMBERS.fullmatch(str(name)):
        return int(found[1]), int(found[2])
    if found := _BY_LETTER.fullmatch(str(name)):
        return ord(found[1].lower()) - ord("a") + 1, int(found[2])
    return None


def _first(clues: Iterable[tuple[Place, Any]], side: int, *, is_named: bool) -> int:
    """Whether places count from 0 or 1."""
    numbers = {number for place, _ in clues for number in place}
    low, high = min(numbers), max(numbers)
    if low == high or (low > 0 and high < side and not is_named):
        raise PuzzleError(
            f"the rows and columns of the clues are {low} to {high}, which may count from 0 or from 1: give every cell of the "
            "grid, blanks with the value 0"
        )
    first = 0 if low == 0 and not is_named else 1
    if low < first or high > side - 1 + first:
        wrong = low if low < first else high
        raise PuzzleError(
            f"a clue is in row or column {wrong}: expected {first} to {side - 1 + first} in a grid of {side}x{side}"
        )
    return first


def are_boxes(regions: Any, side: int) -> bool:
    """Whether regions, as JSON has them, are the usual boxes, or are none.

    They are lists of places, `[[[0, 0], [0, 1], ...], ...]`, or a name for each cell: in rows, in a list, or as one text.
    """
    if not regions:
        return True
    if side not in BOXES or not isinstance(regions, list | str):
        return False
    named = _names_of(regions, side)
    if named is None:
        return False
    rows, columns = BOXES[side]
    groups: dict[Hashable, set[int]] = defaultdict(set)
    for cell, name in enumerate(named):
        groups[name].add(cell // side // rows * side + cell % side // columns)
    return len(groups) == side and all(len(boxes) == 1 for boxes in groups.values())


def _names_of(regions: Sequence[Any], side: int) -> list[Hashable] | None:
    """The name of each cell's region; None where they are written in another way."""
    if len(regions) == side and all(isinstance(region, list) and len(region) == side for region in regions):
        if all(isinstance(cell, list) for region in regions for cell in region):
            return _names_of_places(regions, side)
        regions = [cell for row in regions for cell in row]
    elif len(regions) == side and all(isinstance(row, str) and len(row) == side for row in regions):
        regions = "".join(regions)
    if len(regions) != side * side or any(isinstance(name, list | Mapping) for name in regions):
        return None
    return list(regions)


def _names_of_places(regions: Sequence[Any], side: int) -> list[Hashable] | None:
    places = {}
    for number, region in enumerate(regions):
        for place in region:
            if len(place) != 2 or any(type(part) is not int for part in place):
                return None
            places[tuple(place)] = number
    first = min(min(place) for place in places)
    found = [places.get((row + first, column + first)) for row in range(side) for column in range(side)]
    return None if None in found else list(found)
