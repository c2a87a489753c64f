"""The weights beside the package that know 16x16, and the script that averages weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mean_of_weights import main as average
from ponderling.checkpoint import load_checkpoint
from ponderling.config import to_json
from ponderling.recipes import get_recipe
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task

WEIGHTS = Path(__file__).parents[1] / "weights" / "sudoku-sizes"


def test_the_halting_head_stops_on_16x16_at_right_answers():
    """The puzzles are those with most clues, on which little depends on the machine's rounding."""
    task = get_task("sudoku16")
    puzzles = task.load_default("sizes_test")
    easiest = puzzles[np.argsort(-task.clue_mask(puzzles.tokens).sum(axis=1))[:8]]
    solver = Solver.load(WEIGHTS, task="sudoku16")
    assert (solver.config.solve.halt_by, Solver.load(WEIGHTS, task="sudoku4").config.solve.halt_by) == ("head", "cells")
    for question, label in zip(easiest.tokens, easiest.labels, strict=True):
        result = solver.solve(task.format(question), steps=4)
        assert result.halted
        assert (result.tokens == label).all()


def test_its_config_is_the_recipes():
    assert to_json(load_checkpoint(WEIGHTS).config) == to_json(get_recipe("sudoku-sizes").config)


def test_the_mean_of_weights_lies_between_them(tmp_path):
    average("sudoku", "sudoku-cpu", "0.25", str(tmp_path / "mean"))
    mean, before, after = (load_checkpoint(name) for name in (tmp_path / "mean", "sudoku", "sudoku-cpu"))
    for (key, value), a, b in zip(
        mean.model.state_dict().items(),
        before.model.state_dict().values(),
        after.model.state_dict().values(),
        strict=True,
    ):
        torch.testing.assert_close(value, 0.75 * a + 0.25 * b, msg=key)
    assert mean.config == after.config
    for args, message in (
        (("sudoku", "sudoku-cpu", "1.5"), "from 0 to 1: got 1.5"),
        (("sudoku", "maze", "0.5"), "are not weights of one network"),
    ):
        with pytest.raises(ValueError, match=message):
            average(*args, str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()
    with pytest.raises(FileExistsError):
        average("sudoku", "sudoku-cpu", "0.5", str(tmp_path / "mean"))
