"""Sudokus whose clues are told by their places, and the boxes that files of programs name."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from ponderling.cli.data.sniff import guess_task, holds_arc, holds_grids
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.written import read_text
from test_files_of_programs import ANSWER, BOARD, read
from test_written import NINE, PUZZLE

CLUES = [(row, column, value) for row, cells in enumerate(BOARD) for column, value in enumerate(cells) if value]
EVERY = [(row, column, value) for row, cells in enumerate(BOARD) for column, value in enumerate(cells)]


def clues(row: str, column: str, value: str, *, first: int = 0, of: Any = CLUES) -> list[dict[str, int]]:
    return [{row: r + first, column: c + first, value: v} for r, c, v in of]


FORMS = {
    "squares of x and y": {"response": True, "size": "9", "squares": clues("y", "x", "value")},
    "a list of clues": clues("row", "col", "digit", first=1),
    "clues in any order": {"clues": random.Random(0).sample(clues("r", "c", "v"), len(CLUES))},
    "every cell, column by column": {
        "cells": sorted(clues("row", "column", "value", of=EVERY), key=lambda c: c["column"])
    },
    "blanks as null": [{"x": c, "y": r, "n": v or None} for r, c, v in EVERY],
    "named r1c1": {"givens": {f"r{r + 1}c{c + 1}": v for r, c, v in CLUES}},
    "named A1": {"ABCDEFGHI"[r] + str(c + 1): str(v) for r, c, v in CLUES},
    "several puzzles": {
        "puzzles": [{"squares": clues("y", "x", "value")}, {"squares": clues("y", "x", "value", of=EVERY)}]
    },
}


@pytest.mark.parametrize("value", FORMS.values(), ids=FORMS)
def test_clues_with_their_places_are_a_puzzle(tmp_path, value):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    assert read(path) == [PUZZLE] * (2 if "puzzles" in value else 1)
    assert guess_task(path) is NINE
    assert not holds_grids(path)
    assert not holds_arc(str(path))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([{"row": 3, "col": 4, "value": 5}, {"row": 5, "col": 6, "value": 7}], "which may count from 0 or from 1"),
        (clues("row", "col", "value", first=2), "a clue is in row or column 10: expected 1 to 9"),
        (clues("row", "col", "value", first=-1), "a clue is in row or column -1: expected 1 to 9"),
        ([*clues("row", "col", "value"), {"row": 0, "col": 0, "value": 9}], "row 0, column 0 has two values: 5 and 9"),
        ({"r1c1": 5, "r10c1": 3}, "a clue is in row or column 10: expected 1 to 9"),
    ],
)
def test_a_place_that_cannot_be_or_is_unclear_is_told(value, said):
    with pytest.raises(PuzzleError, match=said):
        read_text(json.dumps(value), 9)


PLACES = [
    [[r, c] for r in range(row, row + 3) for c in range(column, column + 3)]
    for row in (0, 3, 6)
    for column in (0, 3, 6)
]
NAMES = [[3 * (row // 3) + column // 3 for column in range(9)] for row in range(9)]


@pytest.mark.parametrize(
    "regions",
    [
        [],
        PLACES,
        [[[r + 1, c + 1] for r, c in region] for region in PLACES],
        NAMES,
        [name for row in NAMES for name in row],
        "".join("ABCDEFGHI"[name] for row in NAMES for name in row),
        ["".join(map(str, row)) for row in NAMES],
    ],
)
def test_regions_that_are_the_usual_boxes_change_nothing(regions):
    cells = [[{"value": cell} if cell else {} for cell in row] for row in BOARD]
    assert read_text(json.dumps({"cells": cells, "regions": regions, "cages": []}), 9).cells == PUZZLE


@pytest.mark.parametrize(
    "regions",
    [
        [PLACES[0][:8] + PLACES[1][:1], PLACES[0][8:] + PLACES[1][1:], *PLACES[2:]],
        PLACES[:8],
        [NAMES[0], *NAMES[:8]],
        "A" * 81,
        {"a": 1},
        [[["r1", "c1"]] * 9] * 9,
    ],
)
def test_other_regions_are_refused(regions):
    with pytest.raises(PuzzleError, match="has regions, which would change the rules"):
        read_text(json.dumps({"board": BOARD, "regions": regions}), 9)


def test_cells_that_name_the_usual_box_are_read():
    cells = [[{"value": v, "region": NAMES[r][c]} for c, v in enumerate(row)] for r, row in enumerate(BOARD)]
    assert read_text(json.dumps({"grid": cells}), 9).cells == PUZZLE


def test_cells_with_a_place_that_were_filled_in_are_no_clues():
    cells = [{"row": r, "col": c, "value": v or 9, "given": bool(v)} for r, c, v in EVERY]
    assert read_text(json.dumps(cells), 9).cells == PUZZLE
    assert read_text(json.dumps({"cells": cells}), 9).cells == PUZZLE
    fixed = [{"x": c, "y": r, "value": v or 9, "isFixed": bool(v)} for r, c, v in EVERY]
    assert read_text(json.dumps(fixed), 9).cells == PUZZLE


def test_cells_with_a_place_may_name_the_usual_box_and_nothing_else():
    cells = [{"row": r, "col": c, "value": v, "region": NAMES[r][c]} for r, c, v in EVERY]
    assert read_text(json.dumps(cells[::-1]), 9).cells == PUZZLE
    for cell in cells:
        cell["region"] = (cell["row"] + cell["col"]) % 9
    with pytest.raises(PuzzleError, match="has cells with a region, which would change the rules"):
        read_text(json.dumps(cells), 9)
    with pytest.raises(PuzzleError, match="has cage, which would change the rules"):
        read_text(json.dumps([clue | {"cage": 1} for clue in clues("row", "col", "value")]), 9)


def test_an_answer_by_place_is_read_by_place(tmp_path):
    path = tmp_path / "a.json"
    answer = [{"row": r, "col": c, "value": v} for c in range(9) for r, v in enumerate(row[c] for row in ANSWER)]
    path.write_text(json.dumps({"puzzle": clues("row", "col", "value"), "solution": answer}))
    assert read(path) == [PUZZLE]
    path.write_text(json.dumps({"size": 6, "clues": clues("row", "col", "value")}))
    with pytest.raises(PuzzleError, match="has size 6: expected a board of 9x9"):
        read(path)


@pytest.mark.parametrize("value", [{"A1": PUZZLE}, {"r1c1": PUZZLE}])
def test_a_puzzle_may_be_called_as_a_place(value):
    assert read_text(json.dumps(value), 9).cells == PUZZLE


def test_numbers_of_a_place_may_be_texts_and_blanks_may_be_anything_of_a_blank():
    blank = [0, None, False, "", "-1", -1, 0.0]
    cells = [{"row": str(r), "col": float(c), "value": float(v) if v else blank[(r + c) % 7]} for r, c, v in EVERY]
    assert read_text(json.dumps(cells), 9).cells == PUZZLE
    with pytest.raises(PuzzleError, match="board 1: a clue is in row or column 99"):
        read_text(json.dumps({"r1c1": 3, "r99c1": 1}), 9)
    with pytest.raises(PuzzleError):
        read_text(json.dumps({"r" + 5000 * "1" + "c1": 1, "r1c2": 3}), 9)


@pytest.mark.parametrize("form", ["r1c1", "objects"])
def test_regions_of_named_places_are_the_usual_boxes(form):
    named = [
        [f"r{r + 1}c{c + 1}" if form == "r1c1" else {"row": r, "col": c, "value": 0} for r, c in box] for box in PLACES
    ]
    assert read_text(json.dumps({"board": BOARD, "regions": named}), 9).cells == PUZZLE
