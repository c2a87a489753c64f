"""Arguments of the Python API that cannot be meant are refused with what was expected, and none is misread."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

import ponderling as pl
from ponderling.tasks.base import PuzzleError
from runs import tiny

GRIDS = np.random.default_rng(0).integers(0, 3, (40, 3, 3))


def quick(inputs=GRIDS, outputs=GRIDS[:, ::-1], **options):
    config = tiny(steps=2)
    return pl.train(inputs, outputs, **({"net": config, "progress": False} | options))


@pytest.fixture(scope="module")
def solver():
    return quick()


@pytest.fixture(scope="module")
def sudoku():
    return pl.Solver.from_pretrained("sudoku")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"validation": "a tenth"}, ValueError, "validation must be a share between 0 and 1, or None: got 'a tenth'"),
        ({"symmetries": ["flips"]}, TypeError, "symmetries must be text, with + between several: got list"),
        ({"symmetries": None}, TypeError, "symmetries must be text"),
        ({"task": 9}, TypeError, "task must be the name of a puzzle family, such as sudoku9, or a Task: got int"),
        ({"inputs": np.ma.masked_equal(GRIDS, 1)}, PuzzleError, "the training arrays: some cells are masked"),
        ({"test": (GRIDS, np.ma.masked_equal(GRIDS, 1))}, PuzzleError, "the test arrays: some cells are masked"),
        ({"inputs": GRIDS.astype(np.uint64) - np.uint64(1)}, PuzzleError, "got 18,446,744,073,709,551,615"),
    ],
    ids=str,
)
def test_training_refuses_what_cannot_be_meant(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        quick(**options)


def test_a_masked_array_without_masked_cells_is_an_array_and_a_device_may_be_torchs():
    assert quick(np.ma.masked_array(GRIDS), device=torch.device("cpu")).config.run.device == "cpu"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 2.5}, ValueError, "steps must be a whole number: got 2.5"),
        ({"steps": "2"}, ValueError, "steps must be a whole number: got '2'"),
        ({"steps": True}, ValueError, "steps must be a whole number: got True"),
        ({"search": 3}, TypeError, "search must be a ponderling.Search, such as Search(restarts=100): got int"),
        ({"trace": "state"}, ValueError, "trace must be one of False, True, 'states', 'changes': got 'state'"),
    ],
    ids=str,
)
def test_solving_refuses_what_cannot_be_meant(options, error, message, solver):
    with pytest.raises(error, match=re.escape(message)):
        solver.solve(GRIDS[0], **options)
    with pytest.raises(error, match=re.escape(message)):
        list(solver.solve_many(GRIDS[:2], **options))


def test_numpys_whole_numbers_are_numbers_of_steps(solver):
    assert solver.solve(GRIDS[0], steps=np.int64(1), early_exit=False).steps == 1


def test_a_puzzle_with_masked_cells_is_refused(solver):
    with pytest.raises(
        PuzzleError, match=re.escape("the puzzle: some cells are masked, and say nothing: give array.filled")
    ):
        solver.solve(np.ma.masked_equal(GRIDS[0], GRIDS[0, 0, 0]))


def test_evaluating_takes_puzzles_of_the_solvers_family_alone(solver, sudoku):
    with pytest.raises(TypeError, match=re.escape("which solver.puzzles(inputs, outputs) makes: got ndarray")):
        pl.evaluate(solver, GRIDS)
    puzzles = solver.puzzles(GRIDS[:3], GRIDS[:3, ::-1])
    with pytest.raises(ValueError, match="puzzles of sudoku9 have 81 cells and tokens up to 10: got 9 cells"):
        pl.evaluate(sudoku, puzzles)
    other = replace(puzzles, tokens=puzzles.tokens + np.uint8(9))
    with pytest.raises(ValueError, match=r"tokens up to 3: got 9 cells and tokens up to 1\d; make them with"):
        pl.evaluate(solver, other)
    with pytest.raises(ValueError, match=re.escape("batch_size must be a whole number: got 1.5")):
        pl.evaluate(solver, puzzles, batch_size=1.5)


def test_why_takes_whole_numbers(sudoku):
    with pytest.raises(ValueError, match=re.escape("row must be a whole number: got 1.5")):
        sudoku.why("." * 81, row=1.5, column=1, moment=1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("sudoku4", "got str; a recipe has it as .config: get_recipe('sudoku4').config"),
        (pl.get_recipe("sudoku4"), "got Recipe; give its .config"),
        (3, "config must be a ponderling.RunConfig: got int"),
    ],
    ids=str,
)
def test_a_run_starts_from_settings_alone(config, message, tmp_path):
    with pytest.raises(TypeError, match=re.escape(message)):
        pl.start(config, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_network_is_told_the_shape_of_its_puzzles_by_name():
    with pytest.raises(
        TypeError, match=re.escape("expected a PuzzleShape, such as PuzzleShape(vocab_size=11, seq_len=81)")
    ):
        pl.TRM(tiny().model, (6, 16))  # pyright: ignore[reportArgumentType]


def test_a_checker_that_fails_is_named():
    def rules(question, answer):
        raise RuntimeError("not today")

    with pytest.raises(PuzzleError, match=r"the checker rules raised RuntimeError .*: not today"):
        quick(check=rules)
