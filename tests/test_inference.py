"""Solving: an answer does not depend on who else is in the batch, and nothing but the rules says that it is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.config import PuzzleShape
from ponderling.halting import halt_probability, wants_to_halt
from ponderling.models import Output, build_model
from ponderling.models.torch_compile import compile_networks
from ponderling.recipes import get_recipe
from ponderling.solving import solver as inference
from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.solving.thinker import think
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError, Question


def solver(seed: int = 0) -> Solver:
    """Random weights with a lively halting head: some puzzles stop early, some never."""
    config = get_recipe("sudoku4").config
    config = replace(config, model=replace(config.model, hidden_size=16, inner_multiple=16, n=1, T=1, num_layers=1))
    task = get_task("sudoku4")
    generator = torch.Generator().manual_seed(seed)
    model = build_model(config.model, PuzzleShape(task.vocab_size, 16), generator=generator).eval()
    with torch.no_grad():
        model.halt_head.weight.normal_(generator=generator)
        model.halt_head.bias.fill_(-1)
    return Solver(model, task, config=config)


def questions(count: int):
    return get_task("sudoku4").load_default("test").tokens[:count]


@pytest.mark.parametrize("halting", ["halt", "halt_continue"])
def test_a_head_stops_exactly_from_the_probability_that_is_asked_for(halting):
    q = torch.linspace(-6, 6, 100)  # without 0
    output = Output(torch.zeros(100, 1, 1), q, 0.5 * q.flip(0))
    for sure in (0.5, 0.9, 0.99):
        assert torch.equal(wants_to_halt(output, halting, sure=sure), halt_probability(output, halting) > sure)
    assert torch.equal(wants_to_halt(output, "halt"), q > 0)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 12), st.integers(1, 7), st.permutations(list(range(12))), st.booleans())
def test_every_answer_equals_the_answer_when_solved_alone(steps, slots, order, early_exit):
    s = solver()
    puzzles = questions(12)
    alone = [next(s.solve_many(tokens=[puzzles[i]], steps=steps, early_exit=early_exit, slots=1)) for i in order]
    together = list(s.solve_many(tokens=[puzzles[i] for i in order], steps=steps, early_exit=early_exit, slots=slots))
    for a, b in zip(alone, together, strict=True):
        assert (a.question, a.answer, a.steps, a.halted) == (b.question, b.answer, b.steps, b.halted)
        assert a.halt_probability == pytest.approx(b.halt_probability, abs=1e-4)


def test_some_of_these_puzzles_stop_early_and_some_do_not():
    steps = [result.steps for result in solver().solve_many(tokens=questions(12), steps=6)]
    assert min(steps) < 6
    assert max(steps) == 6


def test_questions_are_read_as_slots_become_free():
    s = solver()
    read = []

    def endless():
        while True:
            read.append(1)
            yield Question(questions(1)[0])

    stream = think(s.model, endless(), config=s.config, steps=3, slots=4)
    for _ in range(10):
        next(stream)
    assert len(read) <= 10 + 4


def test_without_early_exit_every_puzzle_takes_all_steps():
    assert {result.steps for result in solver().solve_many(tokens=questions(5), steps=4, early_exit=False)} == {4}


def test_the_trace_ends_with_the_answer():
    result = solver().solve(get_task("sudoku4").format(questions(1)[0]), steps=5, early_exit=False, trace=True)
    assert [step.step for step in result.trace] == [1, 2, 3, 4, 5]
    assert (result.trace[-1].tokens == result.tokens).all()
    assert ((result.trace[0].confidence > 0) & (result.trace[0].confidence <= 1)).all()


def test_evaluation_and_solving_agree():
    s = solver()
    puzzles = get_task("sudoku4").load_default("test")[:40]
    outcome = evaluate(s, puzzles, steps=6, batch_size=16)
    solved = list(s.solve_many(tokens=puzzles.tokens, steps=6))
    full = list(s.solve_many(tokens=puzzles.tokens, steps=6, early_exit=False))
    assert (np.stack([r.tokens for r in solved]) == outcome.early).all()
    assert (np.stack([r.tokens for r in full]) == outcome.full).all()
    assert [r.steps for r in solved] == outcome.steps_taken.tolist()
    assert [r.valid for r in solved] == outcome.early_valid.tolist()


def test_the_figures_of_an_evaluation_follow_from_their_definitions():
    s = solver()
    puzzles = get_task("sudoku4").load_default("test")[:40]
    outcome = evaluate(s, puzzles, steps=6)
    made_up = replace(
        outcome,
        full=puzzles.labels.copy(),
        early=np.where(np.arange(40)[:, None] < 30, puzzles.labels, 1).astype(np.uint8),
        halted=np.arange(40) < 35,
        steps_taken=np.where(np.arange(40) < 35, 2, 6).astype(np.int32),
        right_at=np.ones((6, 40), bool),
    )
    figures = made_up.to_json()
    assert figures["exact"] == 1
    assert figures["early_exit"]["exact"] == 30 / 40
    assert figures["halting"]["precision"] == 30 / 35
    assert figures["halting"]["recall"] == 30 / 40
    assert figures["mean_steps"] == pytest.approx((35 * 2 + 5 * 6) / 40)
    assert sum(bucket["puzzles"] for bucket in figures["by_rating"]) == 40


@pytest.mark.parametrize(
    ("puzzle", "message"),
    [
        ("1" * 15, "expected 16"),
        ("1x34" + "." * 12, "x"),
        ("11.." + "." * 12, "twice in row 1"),
        ("." * 16, "more than one solution"),
    ],
)
def test_a_puzzle_that_cannot_be_is_refused_with_the_reason(puzzle, message):
    with pytest.raises(PuzzleError, match=message):
        solver().solve(puzzle)


@pytest.mark.parametrize("tokens", [np.full(16, 9), np.zeros(16, int), np.full(15, 1), np.full(16, 1.5)])
def test_tokens_that_cannot_be_are_refused(tokens):
    with pytest.raises(PuzzleError, match="expected 16 integer tokens from 1 to 5"):
        solver().solve(tokens=tokens)


def test_steps_below_one_are_refused():
    with pytest.raises(ValueError, match="steps and slots must be at least 1: got 0"):
        list(solver().solve_many(tokens=questions(1), steps=0))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # by torch itself
def test_a_compiled_network_gives_the_same_answers_whatever_the_batch():
    """Compiled once for one puzzle and once for all other numbers of them."""
    plain, compiled = solver(), solver()
    assert isinstance(compiled.model, torch.nn.Module)
    assert compile_networks(compiled.model, dynamic=True)
    for count in (1, 3, 7):
        a, b = (
            list(s.solve_many(tokens=questions(count), steps=2, early_exit=False, trace=True))
            for s in (plain, compiled)
        )
        for one, other in zip(a, b, strict=True):
            for step, same in zip(one.trace, other.trace, strict=True):
                np.testing.assert_allclose(step.probabilities, same.probabilities, atol=1e-4)


def test_a_solver_is_compiled_only_when_asked(monkeypatch):
    asked = []
    monkeypatch.setattr(inference, "compile_for_solving", lambda model, option: asked.append(option))
    Solver.load("sudoku")
    Solver.load("sudoku", compile=True)
    assert asked == ["compile=True"]


def test_a_solver_that_cannot_be_compiled_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ValueError, match=r"compile=True needs a C\+\+ compiler"):
        Solver.load("sudoku", compile=True)


def test_without_a_compiler_the_option_to_compile_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert main(["solve", "sudoku", "1.....3..2.....4", "--task", "sudoku4", "--compile"]) == 2
    assert capsys.readouterr().err == (
        "ponderling: --compile needs a C++ compiler (g++ or clang++, or what CXX names): found none\n"
    )
