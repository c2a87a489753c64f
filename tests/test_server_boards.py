"""Puzzles as lists of rows, beside text: the same answers, and one clear line for a wrong shape."""

from __future__ import annotations

import json

import httpx
import pytest

from maze_weights import save_maze_weights
from ponderling.tasks import get_task
from servers import events, serving

SUDOKU4 = get_task("sudoku4")
PUZZLES = [SUDOKU4.format(row) for row in SUDOKU4.load_default("test").tokens[:4]]
MAZE = ["S # ", " #  ", "   #", "#  G"]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with serving(mazes=save_maze_weights(tmp_path_factory.mktemp("maze") / "weights")) as (url, _, _):
        yield url


def numbers(puzzle: str) -> list[list[int]]:
    cells = [0 if c == "." else int(c) for c in puzzle]
    return [cells[i : i + 4] for i in range(0, 16, 4)]


def solve(url: str, *puzzles, **options) -> httpx.Response:
    return httpx.post(f"{url}/v1/solve", json={"puzzles": list(puzzles), "steps": 2, **options}, timeout=60)


def test_rows_are_answered_as_the_same_puzzle_as_text_is(url):
    rows = numbers(PUZZLES[0])
    forms = [
        PUZZLES[0],
        rows,
        [[cell or None for cell in row] for row in rows],
        [[float(cell) for cell in row] for row in rows],
        [[str(cell) for cell in row] for row in rows],
        [PUZZLES[0][i : i + 4] for i in range(0, 16, 4)],
        [cell for row in rows for cell in row],
    ]
    results = solve(url, *forms).json()["results"]
    assert len(results) == len(forms)
    assert all(result == results[0] for result in results)
    assert results[0]["question"] == PUZZLES[0]


def test_rows_in_other_symbols_are_answered_in_these(url):
    told = next(puzzle for puzzle in PUZZLES if len(set(puzzle)) == 5)
    lettered = told.translate(str.maketrans("1234", "KLMN"))
    text, rows = solve(url, lettered, [list(lettered[i : i + 4]) for i in range(0, 16, 4)]).json()["results"]
    assert rows == text
    assert set(rows["answer"]) <= set("KLMN.")


def test_rows_of_a_maze_say_its_size(url):
    coded = [[{"#": 1, " ": 0, "S": 2, "G": 3}[c] for c in row] for row in MAZE]
    for form in (MAZE, [list(row) for row in MAZE], coded):
        reply = solve(url, form, model="mazes").json()
        assert (reply["task"], reply["results"][0]["question"]) == ("maze4", "".join(MAZE))
    assert solve(url, [*MAZE[:3], "# G "], MAZE, model="mazes").status_code == 200
    large = [[0] * 48 for _ in range(48)]  # more characters as JSON than a text may have
    large[0][0], large[47][47] = 2, 3
    assert solve(url, large, model="mazes", steps=1).json()["task"] == "maze48"


def test_a_thought_may_be_about_rows(url):
    told = events(httpx.post(f"{url}/v1/think", json={"puzzle": numbers(PUZZLES[1]), "steps": 1}, timeout=30).text)
    assert (told[0][1]["question"], told[-1][0]) == (PUZZLES[1], "end")


@pytest.mark.parametrize(
    ("puzzle", "message"),
    [
        ([[1, 2, 3, 4]] * 3, "puzzle 1: expected a grid of 4x4, or its 16 cells in a row: got 3x4"),
        ([[1, 2, 3, 4], [0, 0, 0]], "ragged: row 1 has 4 cells, row 2 has 3"),
        ([[1, 2, 3, 5]] + [[0] * 4] * 3, "puzzle 1: 5 at row 1 column 4 is not a symbol of sudoku4"),
        ([[1, 1, 0, 0]] + [[0] * 4] * 3, "1 stands twice in row 1"),
        ([[1.5] * 4] * 4, "1.5 at row 1 column 1 is not a symbol"),
        ([[True] * 4] * 4, "True at row 1 column 1 is not a symbol"),
        ([[[1]] * 4] * 4, "is not a symbol: expected a whole number or a text"),
        ([{"a": 1}], "is not a symbol"),
        ([], "a puzzle has 1 to 4096 cells: got 0"),
        ([[0] * 100] * 100, "a puzzle has 1 to 4096 cells: got 10000"),
        (5, "a puzzle is a text or a list of rows: got int"),
        (None, "a puzzle is a text or a list of rows: got NoneType"),
        ({"rows": [[1]]}, "a puzzle is a text or a list of rows: got dict"),
        ("", "a puzzle has 1 to 4096 characters: got 0"),
        ([[10**400] * 4] * 4, "0000"),
        ([["\ud800"] * 4] * 4, ""),
    ],
)
def test_a_wrong_shape_is_one_clear_line(url, puzzle, message):
    body = json.dumps({"puzzles": [puzzle]})
    reply = httpx.post(f"{url}/v1/solve", content=body, headers={"content-type": "application/json"}, timeout=30)
    assert reply.status_code == 422
    assert message in reply.json()["detail"]
    assert "\n" not in reply.json()["detail"]
    assert len(reply.json()["detail"]) < 400
