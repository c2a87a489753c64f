"""The outsiders' tasks of reasoning-gym: its own scorer takes the labels, and agrees with the rules."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from outside_tasks import first, grown
from outsiders import TASKS, gym_tasks
from outsiders.task import Grid

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own imports warn
    pytest.importorskip("reasoning_gym")

pytestmark = pytest.mark.filterwarnings("ignore")


def rows_of_text(grid: Grid) -> str:
    return "\n".join(" ".join(map(str, row)) for row in grid)


def futoshiki_text(grid: Grid) -> str:
    signs = {".": " ", "^": "∧", "v": "∨"}
    return "\n".join(" ".join(signs.get(cell, cell) for cell in row) for row in grid)


def island_size(grid: Grid) -> str:
    return str(sum(row.count(2) for row in grid))


def minutes(grid: Grid) -> str:
    found = [cell for row in grid for cell in row]
    return "-1" if "o" in found else str(max((int(cell) for cell in found if cell != "."), default=0))


TOLD: dict[str, Callable[[Grid], str]] = {
    "futoshiki": futoshiki_text,
    "game_of_life": json.dumps,
    "kakurasu": lambda grid: rows_of_text([row[:-1] for row in grid[:-1]]),
    "largest_island": island_size,
    "modulo_grid": lambda grid: "\n".join("".join(row) for row in grid),
    "rotten_oranges": minutes,
}
"""The answer to a data set's question, told as the question wants it."""


OPTIONS: dict[str, dict[str, Any]] = {
    "futoshiki": {"min_board_size": 4, "max_board_size": 4},
    "game_of_life": {"grid_size_x": 6, "grid_size_y": 6},
    "rotate_matrix": {"min_rotations": 1, "max_rotations": 1},
    "pool_matrix": {"min_pool_size": 2, "max_pool_size": 2},
}


CONVERT = {
    "rotate_matrix": gym_tasks.matrix_pair,
    "pool_matrix": gym_tasks.max_pool,
    "largest_island": gym_tasks.largest_island,
    "rotten_oranges": gym_tasks.rotting,
}


@pytest.mark.parametrize("name", [task.name for task in gym_tasks.GYM_TASKS])
def test_the_generator_scores_the_labels_as_right(name: str):
    entries = gym_tasks.data_set(name, seed=3, **OPTIONS.get(name, {}))
    judged = 0
    for i in range(4 if name in ("futoshiki", "sudoku") else 20):
        pair = CONVERT.get(name, gym_tasks.grid_pair)(entries[i])
        if pair is not None:
            told = TOLD.get(name, rows_of_text)(pair["output"])
            assert entries.score_answer(told, entries[i]) == 1.0
            judged += 1
    assert judged >= 4


def test_the_largest_island_is_one_island_of_the_map():
    for pair in first(TASKS["largest_island"], 20):
        question, answer = np.array(pair["input"]), np.array(pair["output"])
        marked = answer == 2
        assert (np.where(marked, 1, answer) == question).all()
        if marked.any():
            assert (grown(np.argwhere(marked)[0], question == 1) == marked).all()


def test_every_solution_of_the_queens_is_right_and_other_boards_are_not():
    rule = TASKS["n_queens"].rule
    assert rule is not None
    entries = gym_tasks.data_set("n_queens", seed=0, min_remove=6)
    for i in range(5):
        metadata = entries[i]["metadata"]
        assert len(metadata["solutions"]) > 1
        for board in metadata["solutions"]:
            assert rule(metadata["puzzle"], board)
            assert not rule(metadata["puzzle"], board[::-1]), "the given queens have moved"
    empty, right = [["_"] * 6] * 6, 0
    for places in itertools.permutations(range(6)):
        board = [["Q" if c == place else "_" for c in range(6)] for place in places]
        apart = all(abs(places[i] - places[j]) != j - i for i, j in itertools.combinations(range(6), 2))
        assert rule(empty, board) == apart
        right += apart
    assert right == 4
    assert not rule(empty, empty)


def test_the_rule_of_kakurasu_agrees_with_the_generators_scorer():
    entries, rule = gym_tasks.data_set("kakurasu", seed=0), TASKS["kakurasu"].rule
    rng, right = np.random.default_rng(0), 0
    assert rule is not None
    pairs = [gym_tasks.grid_pair(entries[i]) for i in range(5)]
    for i in range(200):
        entry, pair = entries[i % 5], pairs[i % 5]
        assert pair is not None
        answer = [list(row) for row in pair["output"]]
        for _ in range(int(rng.integers(0, 3))):
            row, column = int(rng.integers(len(answer) - 1)), int(rng.integers(len(answer[0]) - 1))
            answer[row][column] = 1 - answer[row][column]
        wanted = entries.score_answer(TOLD["kakurasu"](answer), entry) == 1.0
        assert rule(pair["input"], answer) == wanted
        right += wanted
    assert 20 < right < 180
    assert pairs[0] is not None
    changed = [*pairs[0]["output"][:-1], [99, *pairs[0]["output"][-1][1:]]]
    assert not rule(pairs[0]["input"], changed), "a sum was changed"


def test_the_rule_of_futoshiki_wants_numbers_signs_and_what_is_given():
    rule = TASKS["futoshiki"].rule
    assert rule is not None
    question = [["0", "<", "0", ".", "3"], [".", ".", ".", ".", "."], ["0", ".", "0", ".", "0"]]
    question += [[".", ".", ".", ".", "v"], ["0", ".", "0", ".", "0"]]

    def answer(*cells: str) -> Grid:
        grid = [list(row) for row in question]
        for number, line in enumerate(cells):
            grid[2 * number][::2] = list(line)
        return grid

    assert rule(question, answer("123", "312", "231"))
    assert rule(question, answer("123", "231", "312")) is False, "1 above 2, where the upper is to be larger"
    assert not rule(question, answer("213", "132", "321")), "2 < 1"
    assert not rule(question, answer("132", "213", "321")), "the given 3 has gone"
    assert not rule(question, answer("123", "312", "312")), "a column has 3 twice"
    changed = answer("123", "312", "231")
    changed[3][4] = "."
    assert not rule(question, changed), "a sign has gone"
