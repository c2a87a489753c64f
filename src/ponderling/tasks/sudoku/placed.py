"""Sudokus in JSON whose clues are told by their places, and the boxes that such files name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.problems import one_line
from ponderling.tasks.text_files import NOT_READ

ROW, COLUMN = ("row", "r", "y"), ("column", "col", "c", "x")
VALUE = ("value", "val", "v", "digit", "number", "num", "n", "d")
"""What an object may call the place of a clue, and its symbol."""
BOXES = {4: (2, 2), 6: (2, 3), 9: (3, 3), 16: (4, 4), 25: (5, 5)}
"""Rows and columns of the usual boxes, by the grid's side."""
GIVEN = ("given", "isgiven", "is_given", "fixed", "isfixed", "locked", "readonly", "initial", "isclue")
"""What says of a cell whether it is a clue, or was filled in."""
_BY_NUMBERS = re.compile(r"r([0-9]{1,2})c([0-9]{1,2})", re.IGNORECASE)  # r1c9
_BY_LETTER = re.compile(r"([a-p])([0-9]{1,2})", re.IGNORECASE)  # A9: the first row's last cell

Place = tuple[int, int]
"""Row and column, as they are counted in the file."""


def placed(value: Any, side: int, *, check: Callable[[Mapping[str, Any], int], None] | None = None) -> list[str] | None:
    """The cells of a board whose clues come with their places; None for anything else.

    It is a list of objects with a row, a column and a value, or an object with a value for each place, such as `r1c9` or `A9`.
    Of cells that say whether they are given, the others are blanks.

    Args:
        value: What may be a board.
        side: The grid's.
        check: Refuses an object that names other rules.

    Raises:
        PuzzleError: when a place is outside the grid or has two values, it is unclear whether places count from 0 or 1, or
            cells are in regions that are not the usual boxes.
    """
    clues = _clues_of(value)
    if clues is None:
        return None
    first = _first(clues, side, is_named=isinstance(value, Mapping))
    cells, regions = ["."] * (side * side), [None] * (side * side)
    for ((row, column), symbol), clue in zip(clues, value, strict=True):
        at, text = (row - first) * side + column - first, _text_of(symbol)
        if cells[at] not in (".", text) and text != ".":
            raise PuzzleError(f"row {row}, column {column} has two values: {cells[at]} and {one_line(text, 20)}")
        cells[at] = cells[at] if text == "." else text
        if isinstance(clue, Mapping):
            regions[at] = clue.get("region")
            if check is not None:
                check({name: part for name, part in clue.items() if name != "region"}, side)
    if any(region is not None for region in regions) and not are_boxes(regions, side):
        raise PuzzleError(f"has cells with a region, {NOT_READ}")
    return cells


def _text_of(symbol: Any) -> str:
    """A cell's symbol as text; a dot for a blank."""
    if isinstance(symbol, float) and symbol.is_integer():
        symbol = int(symbol)
    text = str(symbol).strip()
    return "." if text in ("", "0", "None", "False", "-1") else text


def _clues_of(value: Any) -> list[tuple[Place, Any]] | None:
    """Each clue with its place; None where these are something else."""
    if isinstance(value, Mapping):
        places = [_named(name) for name in value]
        if not places or None in places or any(not _is_symbol(part) for part in value.values()):
            return None
        return list(zip((place for place in places if place), value.values(), strict=True))
    if not isinstance(value, list) or not value or not all(isinstance(clue, Mapping) for clue in value):
        return None
    found = []
    for clue in value:
        names = {str(name).lower(): part for name, part in clue.items()}
        parts = [[names[name] for name in known if name in names] for known in (ROW, COLUMN, VALUE)]
        if len(parts[2]) == 0 and len(parts[0]) == len(parts[1]) == 1:
            parts[2] = [None]  # a cell without a value
        if any(len(part) != 1 for part in parts):
            return None
        (row,), (column,), (symbol,) = parts
        place = (_whole(row), _whole(column))
        if place[0] is None or place[1] is None or not _is_symbol(symbol):
            return None
        is_clue = all(names[name] for name in GIVEN if name in names)
        found.append(((place[0], place[1]), symbol if is_clue else None))
    return found


def _is_symbol(value: Any) -> bool:
    """Whether this can be the symbol of one cell, or a blank."""
    return not isinstance(value, list | Mapping) and value is not True and len(str(value).strip()) <= 5


def _whole(value: Any) -> int | None:
    """The whole number that a row or column is written as; None for something else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 4:
        return int(value)
    return value if type(value) is int else None


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
        places = [[_place_of(cell, side) for cell in region] for region in regions]
        if all(place is not None for region in places for place in region):
            return _names_of_places(places, side)
        regions = [cell for row in regions for cell in row]
    elif len(regions) == side and all(isinstance(row, str) and len(row) == side for row in regions):
        regions = "".join(regions)
    if len(regions) != side * side or any(isinstance(name, list | Mapping) for name in regions):
        return None
    return list(regions)


def _place_of(cell: Any, side: int) -> Place | None:
    """The place that a cell of a region is: [0, 3], r1c4, or an object; None for a name of a region."""
    if isinstance(cell, Mapping):
        clues = _clues_of([cell])
        return clues[0][0] if clues else None
    if isinstance(cell, list):
        return (cell[0], cell[1]) if len(cell) == 2 and all(type(part) is int for part in cell) else None
    return _named(cell) if isinstance(cell, str) else None


def _names_of_places(regions: Sequence[Sequence[Place | None]], side: int) -> list[Hashable] | None:
    names = {place: number for number, region in enumerate(regions) for place in region if place is not None}
    first = min(min(place) for place in names)
    found = [names.get((row + first, column + first)) for row in range(side) for column in range(side)]
    return None if None in found else list(found)
