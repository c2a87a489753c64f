"""Jigsaw Sudokus: layouts, rules, symmetries, generation, and the way through the command line."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.tasks import Jigsaw, Sudoku, get_task
from ponderling.tasks.jigsaw import random_layout
from ponderling.tasks.sudoku_hard import hunt

BOXES = "AABBAABBCCDDCCDD"
TWISTED = "AAABABBBCCCDCDDD"


def test_a_layout_of_boxes_has_the_rules_of_a_plain_sudoku():
    jigsaw, plain = Jigsaw.of(BOXES), Sudoku(2, 2)
    assert get_task("jigsaw-" + BOXES) == jigsaw
    assert sorted(map(tuple, jigsaw.geometry.units.tolist())) == sorted(map(tuple, plain.geometry.units.tolist()))
    assert jigsaw.relations == plain.relations
    puzzles = plain.generate(np.random.default_rng(0), 5)
    assert jigsaw.valid(puzzles.tokens, puzzles.labels).all()


def test_a_region_that_holds_a_symbol_twice_is_named():
    task = Jigsaw.of(TWISTED)
    boxed = Sudoku(2, 2).generate(np.random.default_rng(0), 1).labels[0]
    verdict = task.check(np.full(16, 1, np.uint8), boxed)
    assert not verdict.valid
    assert re.search(r"\d stands twice in region [ABCD]", verdict.reasons[0])


@pytest.mark.parametrize(
    ("layout", "complaint"),
    [
        ("AAB", "a letter for each cell of a square grid, from 2x2 to 16x16: got 3 letters"),
        ("AABBAABBCCDDCCDA", r"has 4 regions of 4 cells each: got 4 \(A 5, B 4, C 4, D 3\)"),
        ("AABBAABBCCDCDCDD", "region C is in several pieces"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(layout, complaint):
    with pytest.raises(ValueError, match=complaint):
        get_task("jigsaw-" + layout)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16), side=st.integers(4, 7))
def test_random_layouts_have_puzzles_and_symmetries_keep_them(seed, side):
    rng = np.random.default_rng(seed)
    task = Jigsaw.of(random_layout(rng, side))
    puzzles = task.generate(rng, 4)
    assert task.valid(puzzles.tokens, puzzles.labels).all()
    assert all(task.solve(question).num_solutions == 1 for question in puzzles.tokens)
    symmetry = task.sample_symmetries(rng, 4)
    moved = symmetry.apply_to(puzzles)
    assert task.valid(moved.tokens, moved.labels).all()
    assert (symmetry.undo(moved.tokens) == puzzles.tokens).all()
    assert (task.fingerprint(moved.tokens) == task.fingerprint(puzzles.tokens)).all()


def test_inequivalent_puzzles_have_different_fingerprints():
    puzzles = Jigsaw.of(TWISTED).generate(np.random.default_rng(0), 50)
    distinct = {tuple(row) for row in Jigsaw.of(TWISTED)._renamed(puzzles.tokens).tolist()}
    prints = set(Jigsaw.of(TWISTED).fingerprint(puzzles.tokens).tolist())
    assert len(distinct) / 8 <= len(prints) <= len(distinct)


def test_only_turns_that_carry_regions_to_regions_are_symmetries():
    square = {
        tuple(cells) for cells in Jigsaw.of(BOXES).sample_symmetries(np.random.default_rng(0), 200).cells.tolist()
    }
    twisted = {
        tuple(cells) for cells in Jigsaw.of(TWISTED).sample_symmetries(np.random.default_rng(0), 200).cells.tolist()
    }
    assert (len(square), len(twisted)) == (8, 2)


def test_the_packaged_weights_solve_jigsaws_made_by_the_command_line(tmp_path, capsys):
    out = tmp_path / "jigsaw"
    command = ["data", "make", "sudoku", "--variant", "jigsaw", "--size", "4", "--layout", TWISTED]
    assert main([*command, "--train", "0", "--test", "20", "--out", str(out)]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["task"] == f"jigsaw-{TWISTED}"
    file = str(out / "test.csv.gz")
    assert main(["eval", "sudoku", "--task", made["task"], "--data", file, "--steps", "8", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["exact"] >= 0.5
    with pytest.raises(ValueError, match="has no rating to hunt by"):
        hunt(Jigsaw.of(TWISTED), np.random.default_rng(0), 1, 1, (1, 5))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--layout", BOXES], "--layout is for --variant jigsaw: got --variant plain"),
        (["--variant", "jigsaw", "--size", "3"], "--size must be from 4 to 16 with --variant jigsaw: got 3"),
        (["--variant", "jigsaw", "--layout", BOXES], "--layout is of 4x4 cells, --size says 9: make them agree"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, capsys, options, complaint):
    assert main(["data", "make", "sudoku", "--out", str(tmp_path / "out"), *options]) == 2
    assert complaint in capsys.readouterr().err
