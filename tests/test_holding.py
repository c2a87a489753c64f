"""Hints that are held: a cell that is sure of its hint says the same from then on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.config import ModelConfig, Search
from ponderling.models import Relational
from ponderling.models.holding import hold, read_directions
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task

MAZES = get_task("maze12")
SURE = 0.8


def network(hold_hints: float | None) -> Relational:
    model = load_checkpoint("maze", task=MAZES.name).model
    assert isinstance(model, Relational)
    model.config = replace(model.config, hold_hints=hold_hints)
    return model


@pytest.fixture(scope="module")
def question():
    return torch.from_numpy(MAZES.generate(np.random.default_rng(3), 6).tokens.astype(np.int64))


def differences(scores):
    """Scores without what is common to them all, which no probability depends on."""
    return scores - scores.mean(-1, keepdim=True)


@pytest.mark.parametrize("values", [2, 3, 6])
def test_the_directions_are_those_that_differences_of_scores_depend_on(values):
    weight = torch.randn(values, 16, generator=torch.Generator().manual_seed(values))
    directions = read_directions(weight)
    assert directions.shape == (values - 1, 16)
    torch.testing.assert_close(directions @ directions.T, torch.eye(values - 1), atol=1e-5, rtol=0)
    spanned = (weight - weight[0]) @ directions.T @ directions
    torch.testing.assert_close(spanned, weight - weight[0], atol=1e-5, rtol=1e-5)


def test_sure_cells_keep_their_scores_and_all_else_of_y_changes():
    generator = torch.Generator().manual_seed(0)
    y, before, weight = (torch.randn(shape, generator=generator) for shape in ((2, 5, 16), (2, 5, 16), (4, 16)))
    sure = torch.rand(2, 5, generator=generator) < 0.5
    kept = hold(y, before, weight=weight, sure=sure)
    torch.testing.assert_close(kept[~sure], y[~sure], atol=0, rtol=0)
    torch.testing.assert_close(
        differences(kept @ weight.T)[sure], differences(before @ weight.T)[sure], atol=1e-4, rtol=1e-4
    )
    across = torch.eye(16) - read_directions(weight).T @ read_directions(weight)
    torch.testing.assert_close(kept @ across, y @ across, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("held", [True, False])
def test_a_cell_that_knows_its_way_says_the_same_to_the_end(question, held):
    model, changed, known = network(SURE if held else None), 0, 0
    state, ids = model.initial_state(len(question)), torch.zeros(len(question), dtype=torch.long)
    with torch.inference_mode():
        for _ in range(12):
            later, _ = model(state, question, puzzle_ids=ids, T=1)
            before, after = (differences(model.hint_scores(s)[0]) for s in (state, later))
            surest = before.softmax(-1).max(-1)
            sure = (surest.values >= SURE) & (surest.indices < model.relations.holds)
            changed += int(((before - after).abs().amax(-1) > 1e-3)[sure].sum())
            known, state = int(sure.sum()), later
    assert known > 200
    assert (changed == 0) if held else (changed > 1000)


def test_a_step_of_three_recursions_holds_in_each(question):
    model, ids = network(SURE), torch.zeros(len(question), dtype=torch.long)
    one = three = model.initial_state(len(question))
    with torch.inference_mode():
        for _ in range(4):
            three, output = model(three, question, puzzle_ids=ids, T=3)
            for _ in range(3):
                one, said = model(one, question, puzzle_ids=ids, T=1)
    torch.testing.assert_close(three, one)
    torch.testing.assert_close(output.logits, said.logits)


def test_only_networks_with_hints_that_last_hold_them(capsys, tmp_path):
    with pytest.raises(ValueError, match="hold_hints is for system relational: got system trm"):
        ModelConfig(hold_hints=0.9)
    config = load_checkpoint("maze").config
    for share in (0.4, 1.1):
        with pytest.raises(ValueError, match=f"hold_hints must be from 0.5 to 1: got {share}"):
            replace(config.model, hold_hints=share)
    assert main(["train", "sudoku", "--model.hold-hints", "0.9", "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "hold_hints is for tasks with hints that stay right" in said
    assert not (tmp_path / "run").exists()


def test_starting_over_keeps_what_sure_cells_say_and_nothing_else(question):
    model = network(SURE)
    ids = torch.zeros(len(question), dtype=torch.long)
    with torch.inference_mode():
        state, _ = model(model.initial_state(len(question)), question, puzzle_ids=ids)
        again, initial = model.start_over(state), model.initial_state(len(question))
        before, after = (model.hint_scores(s)[0] for s in (state, again))
    surest = before.softmax(-1).max(-1)
    sure = (surest.values >= SURE) & (surest.indices < model.relations.holds)
    assert 0 < sure.float().mean() < 1
    torch.testing.assert_close(differences(after)[sure], differences(before)[sure], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(again[0][:, :, -1][~sure], initial[0][:, :, -1][~sure], atol=0, rtol=0)
    torch.testing.assert_close(again[1], initial[1], atol=0, rtol=0)


def test_a_network_without_kept_hints_starts_over_from_nothing():
    model = network(None)
    state, initial = tuple(s + 1 for s in model.initial_state(3)), model.initial_state(3)
    assert not model.keeps_hints
    assert all(torch.equal(one, other) for one, other in zip(model.start_over(state), initial, strict=True))


def test_a_restart_goes_on_from_what_plain_thinking_knew():
    """Six steps are too few for the wave to G and the way back, twice six are enough: nothing is sent again."""
    task = get_task("maze30")
    mazes = task.generate(np.random.default_rng(8), 4).tokens
    solver = Solver.of(load_checkpoint("maze", task=task.name))
    plain = list(solver.solve_many(tokens=mazes, steps=6))
    again = list(solver.solve_many(tokens=mazes, steps=6, search=Search(restarts=4)))
    assert not any(result.halted for result in plain)
    assert sum(result.halted and bool(result.valid) for result in again) >= 3
    assert all(2 <= result.attempts <= 5 for result in again)


def test_a_network_that_starts_over_takes_no_guesses():
    solver = Solver.of(load_checkpoint("maze", task=MAZES.name))
    maze = MAZES.generate(np.random.default_rng(3), 1).tokens[0]
    with pytest.raises(ValueError, match="this network starts over in place of guessing: leave guess_every out"):
        solver.solve(tokens=maze, search=Search(restarts=1, guess_every=5))
