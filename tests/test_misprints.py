"""Misprints: puzzles with one clue changed or missing, and what training makes of those without one solution."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import misprints as bench
from ponderling.cli import main
from ponderling.config import DataConfig
from ponderling.data import augmentation
from ponderling.recipes import get_recipe
from ponderling.tasks import get_task
from ponderling.tasks.base import PAD
from ponderling.tasks.sudoku import SUDOKUS
from ponderling.tasks.sudoku.geometry import BLANK
from ponderling.tasks.sudoku.jigsaw import generate_jigsaws
from ponderling.training.starting import start


@pytest.mark.parametrize("name", ["sudoku4", "sudoku6", "sudoku9", "sudoku9x"])
def test_one_clue_differs_and_the_label_is_the_only_solution_or_nothing(name):
    task = SUDOKUS[name]
    puzzles = task.generate(np.random.default_rng(3), 40, clues=task.num_cells // 3)
    printed = task.misprint(np.random.default_rng(4), puzzles)
    differ = printed.tokens != puzzles.tokens
    assert (differ.sum(axis=1) == 1).all()
    cells = differ.nonzero()
    assert (puzzles.tokens[cells] > BLANK).all()
    assert 8 < (printed.tokens[cells] == BLANK).sum() < 40
    for question, label in zip(printed.tokens, printed.labels, strict=True):
        solution = task.solve(question)
        assert not task.broken_rules(question)[1]
        assert (label == (solution.answer if solution.num_solutions == 1 else PAD)).all()
    assert (printed.labels == PAD).all(axis=1).sum() > 0


def test_a_puzzle_of_regions_keeps_to_them():
    task = SUDOKUS["sudoku6"]
    puzzles = generate_jigsaws(task, np.random.default_rng(0), count=12, layouts=3)
    printed = task.misprint(np.random.default_rng(1), puzzles)
    assert printed.regions is not None
    for question, label, regions in zip(printed.tokens, printed.labels, printed.regions, strict=True):
        solution = task.of_regions(regions).solve(question)
        assert (label == (solution.answer if solution.num_solutions == 1 else PAD)).all()


def test_an_undecided_puzzle_and_one_without_clues_stay_as_they_are(monkeypatch):
    task = SUDOKUS["sudoku9"]
    puzzles = task.generate(np.random.default_rng(0), 5)
    puzzles.tokens[4] = BLANK
    monkeypatch.setattr("ponderling.tasks.sudoku.base.SOME_GUESSES", 0)
    printed = task.misprint(np.random.default_rng(1), puzzles)
    same = (printed.tokens == puzzles.tokens).all(axis=1)
    assert same[4]
    assert same.sum() > 1
    assert (printed.labels[same] == puzzles.labels[same]).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), share=st.sampled_from([0.1, 0.5, 1.0]))
def test_training_shows_that_share_of_puzzles_with_a_misprint(seed, share):
    task = SUDOKUS["sudoku4"]
    puzzles = task.load_default("train")[:200]
    change = augmentation(DataConfig(task="sudoku4", augment=False), task, misprints=share)
    assert change is not None
    printed = change(np.random.default_rng(seed), puzzles)
    differ = (printed.tokens != puzzles.tokens).any(axis=1)
    assert share / 2 - 0.1 < differ.mean() < share + 0.1  # some would have several solutions, and stay as they are
    for question, label in zip(printed.tokens[differ], printed.labels[differ], strict=True):
        assert task.solve(question).num_solutions == (0 if (label == PAD).all() else 1)
    assert (printed.labels[~differ] == puzzles.labels[~differ]).all()
    assert (change(np.random.default_rng(seed), puzzles).tokens == printed.tokens).all()
    assert (puzzles.labels != PAD).all()


def test_misprints_are_for_sudokus_and_a_share(capsys, tmp_path):
    with pytest.raises(ValueError, match=r"train.misprints is for Sudokus: maze10 has none"):
        augmentation(DataConfig(task="maze10"), get_task("maze10"), misprints=0.1)
    assert main(["train", "sudoku4", "--train.misprints", "1.5", "--out", str(tmp_path / "run")]) == 2
    assert "misprints must be from 0 to 1: got 1.5" in capsys.readouterr().err


def test_the_benchmark_counts_solutions_and_who_was_told(capsys):
    task = SUDOKUS["sudoku4"]
    printed, counts = bench.misprinted(task, task.load_default("test")[:60], seed=0)
    assert len(printed) == len(counts) > 50
    for question, count in zip(printed.tokens, counts, strict=True):
        assert bench.SOLUTIONS[min(2, task.solve(question).num_solutions)] == count
    bench.main(bench.Options(task="sudoku4", puzzles=40, steps=2, json=True))
    said = json.loads(capsys.readouterr().out)
    assert sum(line["puzzles"] for line in said["lines"]) <= 40
    none = next((line for line in said["lines"] if line["solutions"] == "none"), {"valid": 0.0})
    assert none["valid"] == 0.0


@pytest.mark.parametrize("misprints", [0.0, 1.0])
def test_a_run_draws_misprints_as_its_settings_say(tmp_path, misprints):
    recipe = get_recipe("sudoku4").config
    config = replace(recipe, train=replace(recipe.train, steps=1, misprints=misprints))
    (lane,) = start(config, tmp_path).lanes
    lane.start(None)
    drawn = lane.sampler.take(200)
    without = (drawn.labels == PAD).all(axis=1).mean()
    assert without > 0.3 if misprints else without == 0


def test_a_run_on_mazes_refuses_misprints_before_it_begins(tmp_path):
    recipe = get_recipe("maze10").config
    with pytest.raises(ValueError, match=r"train.misprints is for Sudokus: maze10 has none"):
        start(replace(recipe, train=replace(recipe.train, misprints=0.1)), tmp_path)
