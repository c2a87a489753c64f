"""A supervision step of T recursions is T steps of one: the halting head may be asked after each, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from ponderling.config import PuzzleShape, Search
from ponderling.halting import solving_step, times_asked, wants_to_halt
from ponderling.models import build_model
from ponderling.recipes import get_recipe
from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.solving.thinker import think
from ponderling.tasks import get_task
from ponderling.tasks.base import Question

T, STEPS = 3, 4
WAYS: dict[str, dict[str, Any]] = {
    "trm": {},
    "one latent": {"latents": "single"},
    "many latents": {"latents": "many"},
    "hrm": {"system": "hrm", "gradient": "one_step", "separate_networks": True, "num_layers_H": 1},
    "relational": {"system": "relational", "mixer": "attention"},
}
LIVELY = {"trm": (3, 0.0), "one latent": (1, 0.0), "many latents": (1, 0.0), "hrm": (4, -1.0), "relational": (7, 3.0)}
"""Seed and halting bias."""
names = pytest.mark.parametrize("name", WAYS)


@cache
def solver(name: str) -> Solver:
    """A tiny network with random weights whose halting head stops some puzzles within a step."""
    config = get_recipe("sudoku4").config
    model_config = replace(config.model, hidden_size=16, inner_multiple=16, n=1, T=T, num_layers=1, **WAYS[name])
    task = get_task("sudoku4")
    seed, bias = LIVELY[name]
    generator = torch.Generator().manual_seed(seed)
    model = build_model(
        model_config, PuzzleShape(task.vocab_size, 16), generator=generator, relations=task.relations
    ).eval()
    with torch.no_grad():
        model.halt_head.weight.normal_(generator=generator)
        model.halt_head.bias.copy_(torch.tensor([bias, 0.0])[: len(model.halt_head.bias)])
    return Solver(
        model, task, config=replace(config, model=model_config, solve=replace(config.solve, halt_within_step=True))
    )


def puzzles():
    return get_task("sudoku4").load_default("test")[:32]


@cache
def said_after_each_recursion(name: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, q and halting of every puzzle after every recursion, by a model with T = 1: (STEPS * T, N, ...)."""
    s = solver(name)
    model = build_model(replace(s.config.model, T=1), PuzzleShape(s.task.vocab_size, 16), relations=s.task.relations)
    assert isinstance(s.model, torch.nn.Module)
    model.load_state_dict(s.model.state_dict())
    tokens = torch.from_numpy(puzzles().tokens.astype(np.int64))
    ids = torch.zeros(len(tokens), dtype=torch.long)
    state, said = model.eval().initial_state(len(tokens)), []
    with torch.no_grad():
        for _ in range(STEPS * T):
            state, output = model(state, tokens, puzzle_ids=ids)
            said.append((output.logits, output.q, wants_to_halt(output, s.config.train.halting)))
    logits, q, halts = map(torch.stack, zip(*said, strict=True))
    return logits, q, halts


def ends(name: str) -> np.ndarray:
    """The recursion, from 0, at which each puzzle ends."""
    halts = said_after_each_recursion(name)[2].numpy()
    return np.where(halts.any(0), halts.argmax(0), STEPS * T - 1)


def answers_at(name: str, recursions: np.ndarray) -> np.ndarray:
    logits = said_after_each_recursion(name)[0]
    return logits[torch.from_numpy(recursions), torch.arange(len(recursions))].argmax(-1).numpy()


@names
def test_some_of_these_puzzles_end_within_a_step(name):
    """Else the tests below would show little."""
    within = ends(name) % T
    assert (within < T - 1).any()
    assert len(set(ends(name))) > 1


@names
@pytest.mark.parametrize("slots", [1, 5, 64])
def test_a_puzzle_leaves_after_the_recursion_at_which_the_model_says_stop(name, slots):
    s = solver(name)
    questions = [Question(tokens) for tokens in puzzles().tokens]
    thoughts = list(think(s.model, questions, config=s.config, steps=STEPS, slots=slots))
    assert [thought.steps for thought in thoughts] == (ends(name) // T + 1).tolist()
    np.testing.assert_array_equal([thought.tokens for thought in thoughts], answers_at(name, ends(name)))
    surest = Search(choose="surest")
    found = list(think(s.model, questions, config=s.config, search=surest, task=s.task, steps=STEPS, slots=slots))
    halted = np.array([thought.halted for thought in thoughts])
    np.testing.assert_array_equal([one.halted for one in found], halted)
    np.testing.assert_array_equal(np.array([one.tokens for one in found])[halted], answers_at(name, ends(name))[halted])


@names
def test_without_early_exit_every_puzzle_takes_whole_steps(name):
    s = solver(name)
    questions = [Question(tokens) for tokens in puzzles().tokens]
    last = np.full(len(questions), STEPS * T - 1)
    for thoughts in (
        think(s.model, questions, config=s.config, steps=STEPS, early_exit=False),
        think(
            s.model,
            questions,
            config=s.config,
            search=Search(choose="agreement"),
            task=s.task,
            steps=STEPS,
            early_exit=False,
        ),
    ):
        np.testing.assert_array_equal([thought.tokens for thought in thoughts], answers_at(name, last))


@names
def test_an_evaluation_has_both_figures_from_one_pass(name):
    s = solver(name)
    result = evaluate(s, puzzles(), steps=STEPS)
    np.testing.assert_array_equal(result.full, answers_at(name, np.full(len(puzzles()), STEPS * T - 1)))
    np.testing.assert_array_equal(result.early, answers_at(name, ends(name)))
    np.testing.assert_array_equal(result.steps_taken, ends(name) // T + 1)
    np.testing.assert_array_equal(result.recursions_taken, ends(name) + 1)
    coarse = replace(s.config, solve=replace(s.config.solve, halt_within_step=False))
    by_step = evaluate(Solver(s.model, s.task, config=coarse), puzzles(), steps=STEPS)
    np.testing.assert_array_equal(result.full, by_step.full)
    np.testing.assert_array_equal(result.right_at, by_step.right_at)
    assert (result.steps_taken <= by_step.steps_taken).all()
    np.testing.assert_array_equal(by_step.recursions_taken, by_step.steps_taken * T)


def test_only_those_that_may_leave_do():
    s = solver("trm")
    tokens = torch.from_numpy(puzzles().tokens.astype(np.int64))
    ids = torch.zeros(len(tokens), dtype=torch.long)
    logits, q, halts = said_after_each_recursion("trm")
    some, rows = torch.arange(len(tokens)) % 2 == 0, torch.arange(len(tokens))
    first = torch.where(halts[:T].any(0), halts[:T].int().argmax(0), T - 1)
    assert (first[some] < T - 1).any()
    assert (first[~some] < T - 1).any()
    for may_leave in (some, None):  # None: all may
        with torch.no_grad():
            _, output, stops = solving_step(
                s.model,
                s.model.initial_state(len(tokens)),
                tokens=tokens,
                puzzle_ids=ids,
                config=s.config,
                may_leave=may_leave,
            )
        at = first if may_leave is None else torch.where(may_leave, first, T - 1)
        torch.testing.assert_close(output.logits, logits[at, rows])
        torch.testing.assert_close(output.q, q[at, rows])
        assert torch.equal(stops, halts[at, rows])


def test_a_model_is_asked_after_each_of_its_T_recursions_or_once():
    s = solver("trm")
    for count in (1, 2, T):
        assert times_asked(s.model, replace(s.config, model=replace(s.config.model, T=count))) == count
    assert times_asked(s.model, replace(s.config, solve=replace(s.config.solve, halt_within_step=False))) == 1


def test_a_model_that_takes_no_depth_is_refused_within_a_step_and_used_without():
    s = solver("trm")

    class Own(torch.nn.Module):
        initial_state = staticmethod(s.model.initial_state)

        def forward(self, state, tokens, *, puzzle_ids):
            return s.model(state, tokens, puzzle_ids=puzzle_ids)

    with pytest.raises(
        ValueError, match=r"halt_within_step asks after each of 3 recursions: the call of Own must take"
    ):
        Solver(Own(), s.task, config=s.config).solve(tokens=puzzles().tokens[0], check=False)
    whole = replace(s.config, solve=replace(s.config.solve, halt_within_step=False))
    asked = {"tokens": puzzles().tokens[:4], "steps": STEPS}
    own, ours = (Solver(model, s.task, config=whole).solve_many(**asked) for model in (Own(), s.model))
    assert [r.tokens.tolist() for r in own] == [r.tokens.tolist() for r in ours]


@pytest.mark.parametrize("name", ["sudoku4", "sudoku6"])
def test_on_another_size_the_cells_say_when_to_stop(name):
    """The halting head of the weights, trained on 9x9, never stops there."""
    s = Solver.load("sudoku", task=name)
    assert s.config.solve.halt_by == "cells"
    assert Solver.load("sudoku", task="latin9").config.solve.halt_by == "head"
    assert Solver.load("maze", task="maze14").config.solve.halt_by == "head"  # it was trained on several sizes
    puzzles = s.task.load_default("test")[:24]
    results = list(s.solve_many(tokens=puzzles.tokens, trace=True))
    stopped = [result for result in results if result.halted]
    assert len(stopped) > 20
    for result in stopped:
        assert result.valid
        assert result.halt_probability == pytest.approx(result.trace[-1].confidence.min(), abs=1e-6)
        assert result.halt_probability > 0.9
        assert all(step.confidence.min() <= 0.9 for step in result.trace[:-1])
    figures = evaluate(s, puzzles, steps=4).to_json()
    assert figures["halting"]["precision"] == 1
    assert figures["early_exit"]["mean_recursions"] < 16
