"""The suite's drawn tasks against brute force: Futoshiki's signs, Kakuro's sums, one-way streets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from outsiders import TASKS, drawn


def pairs(name, count):
    return list(itertools.islice(TASKS[name].stream(3), count))


def test_a_futoshiki_has_one_square_that_its_signs_and_numbers_allow():
    latin = [
        square
        for square in itertools.product(itertools.permutations("123"), repeat=3)
        if all(len(set(column)) == 3 for column in zip(*square, strict=True))
    ]
    assert len(latin) == 12 == len(drawn.latin_squares(3))
    found = [drawn.futoshiki(np.random.default_rng(seed), (3, 3)) for seed in range(60)]
    fair = [pair for pair in found if pair is not None]
    assert 10 < len(fair) < 60
    for pair in fair:
        fitting = []
        for square in latin:
            answer = [list(row) for row in pair["input"]]
            for row, column in itertools.product(range(3), repeat=2):
                answer[2 * row][2 * column] = square[row][column]
            if drawn.is_futoshiki(pair["input"], answer):
                fitting.append(answer)
        assert fitting == [pair["output"]]


def test_a_kakuro_has_one_grid_and_its_sums_are_those_of_the_answer():
    for pair in pairs("kakuro", 4):
        question, answer = pair["input"], pair["output"]
        cells = [[int(cell) for cell in row[1:]] for row in answer[1:]]
        assert [row[0] for row in question[1:]] == [f"s{sum(row)}" for row in cells]
        assert question[0][1:] == [f"s{sum(column)}" for column in zip(*cells, strict=True)]
        fitting = []
        lines = [
            [
                line
                for line in itertools.permutations(range(1, 7), 3)
                if f"s{sum(line)}" == row[0]
                and all(given in ("0", str(number)) for given, number in zip(row[1:], line, strict=True))
            ]
            for row in question[1:]
        ]
        for grid in itertools.product(*lines):
            columns = list(zip(*grid, strict=True))
            if all(len(set(column)) == 3 for column in columns):
                filled = [
                    question[0],
                    *([row[0], *map(str, line)] for row, line in zip(question[1:], grid, strict=True)),
                ]
                right = [f"s{sum(column)}" for column in columns] == question[0][1:]
                assert drawn.is_kakuro(question, filled) == right
                fitting += [filled] * right
        assert fitting == [answer]


@pytest.mark.parametrize("change", [("s15", (0, 1)), ("1", (1, 1)), ("0", (1, 1)), ("7", (2, 2))])
def test_a_kakuro_with_a_changed_cell_is_wrong(change):
    question, answer = pairs("kakuro", 1)[0].values()
    cell, (row, column) = change
    assert drawn.is_kakuro(question, answer)
    wrong = [list(line) for line in answer]
    wrong[row][column] = cell if wrong[row][column] != cell else "2"
    assert not drawn.is_kakuro(question, wrong)


def test_streets_are_followed_only_their_way():
    assert drawn.reached(["S>+", "^#v", "v<<"]) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)]
    assert drawn.reached(["S<+", "^#v", "+<<"]) == [(0, 1), (1, 0)]
    for pair in pairs("one_way", 20):
        question = pair["input"]
        start = next((r, c) for r, row in enumerate(question) for c, cell in enumerate(row) if cell == "S")
        shown = {(r, c) for r, row in enumerate(pair["output"]) for c, cell in enumerate(row) if cell == "o"}
        # A fixed point: every street out of what is reached leads to what is reached, or to something closed.
        for row, column in {*shown, start}:
            for down, right in drawn.STREETS.get(question[row][column], drawn.STREETS["+"]):
                r, c = row + down, column + right
                if 0 <= r < len(question) and 0 <= c < len(question[0]) and question[r][c] != "#":
                    assert (r, c) in shown | {start}
        assert all(question[r][c] not in "#S" for r, c in shown)
