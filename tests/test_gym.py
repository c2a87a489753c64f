"""Grid pairs from reasoning-gym, where it is installed: what is taken, what is refused."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from ponderling.cli import main
from ponderling.cli.data.make_gym import WORKING, as_grid, grid_pair

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own imports warn
    gym = pytest.importorskip("reasoning_gym")

pytestmark = pytest.mark.filterwarnings("ignore")


def make(out, name, *more) -> int:
    return main(["data", "make", "gym", "--name", name, "--out", str(out), *more])


@pytest.mark.parametrize("name", WORKING)
def test_every_data_set_that_is_said_to_work_gives_pairs_for_training(name, tmp_path, capsys):
    assert make(tmp_path / "a", name, "--train", "12", "--test", "3") == 0
    assert make(tmp_path / "b", name, "--train", "12", "--test", "3") == 0
    for part in ("train.jsonl", "test.jsonl"):
        assert (tmp_path / "a" / part).read_bytes() == (tmp_path / "b" / part).read_bytes()
    capsys.readouterr()
    args = [
        "data",
        "inspect",
        str(tmp_path / "a" / "train.jsonl"),
        "--test",
        str(tmp_path / "a" / "test.jsonl"),
        "--json",
    ]
    assert main(args) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["train"]["examples"], facts["test"]["examples"]) == (12, 3)
    assert facts["train"]["repeated_questions"] == 0


def life(grid):
    """One step of the game on a torus, straight from its rules."""
    neighbours = sum(np.roll(grid, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
    return ((neighbours == 3) | ((neighbours == 2) & (grid == 1))).astype(int)


def test_the_pairs_of_the_game_of_life_obey_its_rules(tmp_path, capsys):
    options = '{"grid_size_x": 5, "grid_size_y": 5, "filled_cells": 9}'
    assert make(tmp_path, "game_of_life", "--train", "20", "--test", "2", "--options", options) == 0
    for line in (tmp_path / "train.jsonl").read_text().splitlines():
        pair = json.loads(line)
        assert (life(np.array(pair["input"])) == pair["output"]).all()


def test_the_answers_of_futoshiki_keep_to_the_signs_in_the_grid():
    entries = gym.create_dataset("futoshiki", size=5, seed=0)
    for i in range(5):
        pair = grid_pair(entries[i])
        grid = pair["output"]
        signs = 0
        for r, row in enumerate(grid):
            for c, cell in enumerate(row):
                assert pair["input"][r][c] in (cell, "0")
                if r % 2 == 0 and cell in ("<", ">"):
                    signs += 1
                    assert (int(row[c - 1]) < int(row[c + 1])) == (cell == "<")
                if r % 2 and cell in ("^", "v"):
                    signs += 1
                    assert (int(grid[r - 1][c]) < int(grid[r + 1][c])) == (cell == "^")
        assert signs == len(entries[i]["metadata"]["constraints"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["sokoban"], "--name sokoban does not work: question and answer 0 are not both grids; binary_matrix, "),
        (["rotate_matrix"], "--name rotate_matrix does not work: the angle is said in words"),
        (["futosiki"], "no data set of reasoning-gym; did you mean futoshiki?"),
        (["mini_sudoku", "--options", '{"nope": 1}'], "--name mini_sudoku does not take --options"),
        (["mini_sudoku", "--options", "[]"], "--options must be a JSON object: got []"),
        (["mini_sudoku", "--options", "{"], "--options must be a JSON object: "),
        (["mini_sudoku", "--train", "0"], "--train and --test must be at least 1: got 0 and 100"),
        (["binary_matrix", "--options", '{"min_n": 1, "max_n": 1}'], "binary_matrix"),
    ],
)
def test_what_cannot_be_made_is_one_line(more, message, tmp_path, capsys):
    assert make(tmp_path / "out", *more) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ponderling:")]
    assert len(errors) == 1
    assert message in errors[0]
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "test.jsonl").write_text("mine")
    assert make(tmp_path, "mini_sudoku", "--train", "2", "--test", "1") == 2
    assert "is there already: choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "grid"),
    [
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        (((1,), ("x",)), [[1], ["x"]]),
        (np.eye(2, dtype=int), [[1, 0], [0, 1]]),
        ("1 0\n0 1", [[1, 0], [0, 1]]),
        ("[[1, 0], [0, 1]]", [[1, 0], [0, 1]]),
        ("ab\nba", [["a", "b"], ["b", "a"]]),
        ([[1, 2], [3]], None),
        ([[0.5, 1.0]], None),
        ([], None),
        ("8", None),
        ("[[1, 2", None),
        (None, None),
    ],
)
def test_what_is_a_grid(value, grid):
    assert as_grid(value) == grid
