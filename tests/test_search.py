"""Search at test time: what it spends, what it claims, and that guessing finds what thinking alone does not."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from ponderling.recipes import get_recipe
from ponderling.solving.search import Budget, search
from ponderling.solving.solver import Solver
from ponderling.tasks import SUDOKUS
from ponderling.tasks.base import Question
from ponderling.tasks.sudoku.symmetries import BLANK

TASK = SUDOKUS["sudoku6"]
CONFIG = get_recipe("sudoku6").config
CONFIG = replace(CONFIG, train=replace(CONFIG.train, loss="softmax"))


class Output(NamedTuple):
    logits: Tensor
    q: Tensor
    q_continue: Tensor


class Propagator:
    """Knows naked singles and nothing else: even odds over the symbols that they leave, and sure once each cell has one."""

    def __init__(self, overconfident: bool = False):
        self.overconfident, self.calls, self.rows = overconfident, 0, 0

    def initial_state(self, batch_size: int) -> tuple[Tensor, ...]:
        return (torch.zeros(batch_size, 1),)

    def __call__(self, state, tokens, puzzle_ids):
        self.calls, self.rows = self.calls + 1, self.rows + len(tokens)
        logits = torch.full((*tokens.shape, TASK.vocab_size), -30.0)
        complete = torch.zeros(len(tokens))
        for row, grid in enumerate(tokens.numpy().astype(np.uint8)):
            options = singles(grid.tobytes())
            for cell in range(36):
                logits[row, cell, options[cell] or [BLANK]] = 0.0
            complete[row] = float(all(len(o) == 1 for o in options))
        q = torch.where(complete > 0, 3.0, 3.0 if self.overconfident else -3.0)
        return state, Output(logits, q, torch.zeros_like(q))


PEERS = [
    sorted({c for unit in TASK.relations.groups["unit"] if cell in unit for c in unit} - {cell}) for cell in range(36)
]


@functools.cache
def singles(clues: bytes) -> list[list[int]]:
    """The symbols that each cell may have once all naked singles are written; none where they contradict."""
    grid = list(clues)
    while True:
        options = [
            [grid[cell]] if grid[cell] != BLANK else [s for s in range(2, 8) if s not in {grid[c] for c in PEERS[cell]}]
            for cell in range(36)
        ]
        found = [cell for cell, o in enumerate(options) if grid[cell] == BLANK and len(o) == 1]
        if not found:
            return options
        grid[found[0]] = options[found[0]][0]


def questions(count: int = 6):
    """Puzzles that naked singles do not solve."""
    puzzles = TASK.load_default("train")
    hard = [i for i, grid in enumerate(puzzles.tokens) if any(len(o) > 1 for o in singles(grid.tobytes()))]
    return puzzles[hard[:count]]


class Moody:
    """Answers by its mood, the noise it starts with: all 2, rarely and more surely; all 4, and then it rests; mostly all 3."""

    def initial_state(self, batch_size: int) -> tuple[Tensor, ...]:
        return (torch.zeros(batch_size, 1),)

    def __call__(self, state, tokens, puzzle_ids):
        mood = state[0][:, 0]
        rare = mood > 1.0
        logits = torch.zeros(*tokens.shape, TASK.vocab_size)
        logits[..., 2] = torch.where(rare, 5.0, 0.0)[:, None]
        logits[..., 3] = torch.where(rare, 0.0, 5.0)[:, None]
        rests = (mood.abs() < 0.3) & (mood != 0)
        logits[..., 4] = torch.where(rests, 9.0, 0.0)[:, None]
        still = torch.where(rests, 0.0, 1e-3)
        return (state[0] + still[:, None],), Output(logits, torch.where(rare, -1.0, -2.0), torch.zeros(len(tokens)))


def run(budget: Budget, puzzles, model=None, slots: int = 8, **options):
    asked = [Question(tokens) for tokens in puzzles.tokens]
    return list(search(model or Propagator(), TASK, asked, CONFIG, budget, slots, **options))


def test_guessing_solves_what_thinking_leaves_open_and_the_rules_say_so():
    puzzles = questions()
    plain = run(Budget(steps=2, verify=True), puzzles)
    found = run(Budget(steps=2, restarts=60, restart_steps=12, guess_every=1, verify=True), puzzles)
    assert sum(f.accepted for f in plain) < len(puzzles)
    assert all(f.accepted for f in found)
    np.testing.assert_array_equal(np.stack([f.tokens for f in found]), puzzles.labels)
    assert max(f.guesses for f in found) > 0


def test_passes_are_counted_and_bounded_by_the_budget():
    puzzles, model = questions(), Propagator()
    found = run(Budget(steps=3, restarts=5, restart_steps=4, guess_every=2), puzzles, model)
    assert sum(f.passes for f in found) == model.rows
    assert all(1 <= f.attempts <= 6 for f in found)
    assert all(f.passes <= 3 + 5 * 4 for f in found)


def test_a_puzzle_that_one_attempt_solves_is_charged_for_all_that_ran_beside_it():
    (found,) = run(Budget(steps=2, restarts=10, noise=1.0, guess_every=0), questions(1), Lucky(), slots=16)
    assert (found.accepted, found.attempts) == (True, 11)
    assert found.passes == Lucky.rows == 2 + 10


class Lucky(Moody):
    """Stops at once when it starts from noise, whichever."""

    rows = 0

    def __call__(self, state, tokens, puzzle_ids):
        Lucky.rows += len(tokens)
        state, output = super().__call__(state, tokens, puzzle_ids)
        return state, output._replace(q=torch.where(state[0][:, 0].abs() > 0.1, 2.0, -2.0))


def test_one_hard_puzzle_does_not_make_an_endless_stream_of_easy_ones_pile_up():
    hard, easy = questions(1).tokens[0], TASK.load_default("test").labels[0]
    read = []

    def stream():
        yield Question(hard)
        while True:
            read.append(1)
            yield Question(easy)

    first = next(
        search(Propagator(), TASK, stream(), CONFIG, Budget(steps=4, restarts=30, guess_every=0, noise=1.0), slots=8)
    )
    assert not first.accepted
    assert len(read) <= 6 * 8


def test_what_is_done_at_once_costs_one_step_and_no_search():
    puzzles = TASK.load_default("test")
    easy = [i for i in range(len(puzzles)) if TASK.clue_mask(puzzles.tokens[i]).sum() >= 16][:5]
    for found in run(Budget(steps=5, restarts=5), puzzles[easy]):
        assert (found.passes, found.attempts, found.accepted) == (1, 1, True)


@pytest.mark.parametrize("choose", ["halting", "agreement"])
def test_without_early_exit_all_steps_are_taken(choose):
    puzzles = questions()
    for early_exit, steps in ((True, 1), (False, 4)):
        budget = Budget(steps=4, choose=choose, early_exit=early_exit)
        found = run(budget, puzzles, Propagator(overconfident=True))
        assert [(f.passes, f.attempts, f.halted) for f in found] == [(steps, 1, True)] * len(puzzles)


def test_without_the_rule_checker_a_head_that_is_wrongly_sure_is_believed():
    """And with it, it is not: the two are different figures."""
    puzzles = questions()
    believed = run(Budget(steps=2, restarts=10), puzzles, Propagator(overconfident=True))
    assert all(f.accepted for f in believed)
    right = (np.stack([f.tokens for f in believed]) == puzzles.labels).all(axis=1)
    assert not right.all()
    budget = Budget(steps=2, restarts=60, restart_steps=12, guess_every=1, verify=True)
    checked = run(budget, puzzles, Propagator(overconfident=True))
    valid = TASK.valid(puzzles.tokens, np.stack([f.tokens for f in checked]))
    assert [f.accepted for f in checked] == valid.tolist()


@pytest.mark.parametrize("slots", [1, 3, 64])
def test_results_come_in_order_whatever_the_slots(slots):
    puzzles = questions()
    for i, found in enumerate(run(Budget(steps=2, restarts=40, guess_every=1, verify=True), puzzles, slots=slots)):
        clues = TASK.clue_mask(puzzles.tokens[i])
        assert found.accepted
        assert (found.tokens[clues] == puzzles.tokens[i][clues]).all()


def test_the_same_seed_finds_the_same():
    puzzles, budget = questions(), Budget(steps=2, restarts=8, guess_every=1, noise=0.5)
    one, two = (run(budget, puzzles, seed=4) for _ in range(2))
    assert [(f.passes, f.attempts, f.tokens.tolist()) for f in one] == [
        (f.passes, f.attempts, f.tokens.tolist()) for f in two
    ]


def test_a_trace_leads_from_plain_thinking_to_the_answer():
    solver = Solver(Propagator(), TASK, CONFIG)
    budget = Budget(steps=2, restarts=60, restart_steps=12, guess_every=1, verify=True)
    for tokens in questions().tokens[:4]:
        result = solver.search(tokens, budget, trace=True)
        assert result.valid
        assert [step.step for step in result.trace] == list(range(1, len(result.trace) + 1))
        assert (result.trace[-1].tokens == result.tokens).all()
        assert result.steps >= len(result.trace)


class KnowsOnlyViews(Propagator):
    """Right about every puzzle but those it is told, and stops only where it is right."""

    def __init__(self, unknown: np.ndarray):
        super().__init__()
        self.unknown = {row.tobytes() for row in unknown}

    def __call__(self, state, tokens, puzzle_ids):
        logits, q = torch.zeros(*tokens.shape, TASK.vocab_size), torch.full((len(tokens),), -3.0)
        for row, grid in enumerate(tokens.numpy().astype(np.uint8)):
            if grid.tobytes() not in self.unknown:
                answer = torch.from_numpy(TASK.solve(grid).answer.astype(np.int64))
                logits[row].scatter_(1, answer[:, None], (torch.arange(36) % 7 + answer)[:, None] / 2.0)
                self.told = logits[row].softmax(-1).amax(-1).numpy()
                q[row] = 3.0
        return state, Output(logits, q, torch.zeros_like(q))


def test_a_views_answer_and_its_trace_are_given_back_in_the_puzzles_own_terms():
    puzzles = questions()
    solver = Solver(KnowsOnlyViews(puzzles.tokens), TASK, CONFIG)
    for tokens, labels in zip(puzzles.tokens, puzzles.labels, strict=True):
        assert not solver.search(tokens, Budget(steps=2)).halted
        result = solver.search(tokens, Budget(steps=2, views=1), trace=True)
        assert (result.attempts, result.steps, result.halted) == (2, 3, True)
        assert (result.tokens == labels).all()
        assert (result.trace[-1].tokens == labels).all()
        # Confidence moved with its cell: what the view was told is now where the view's symmetry took it from.
        symmetry = TASK.sample_symmetries(np.random.default_rng(0), 1)
        np.testing.assert_allclose(result.trace[-1].confidence[symmetry.cells[0]], solver.model.told, rtol=1e-6)


@pytest.mark.parametrize(("choose", "symbol"), [("halting", 2), ("agreement", 3), ("residual", 4)])
def test_who_chooses_decides_the_answer(choose, symbol):
    budget = Budget(steps=2, restarts=30, noise=1.0, guess_every=0, choose=choose)
    (found,) = run(budget, questions(1), Moody())
    assert set(found.tokens.tolist()) == {symbol}
    assert (found.attempts, found.passes, found.accepted) == (31, 62, False)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"steps": 0}, "steps must be at least 1: got 0"),
        ({"restarts": -1}, "restarts must be at least 0"),
        ({"views": -2}, "views must be at least 0"),
        ({"restarts": 2, "guess_every": 0}, "all be alike"),
    ],
)
def test_a_budget_that_cannot_be_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        Budget(**wrong)


def test_a_search_on_the_command_line_stops_early_only_if_it_may(capsys):
    from ponderling.cli import main

    puzzle = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
    steps = []
    for option in ("--early-exit", "--no-early-exit"):
        assert main(["solve", "sudoku", puzzle, "--steps", "3", "--restarts", "1", option, "--json"]) == 0
        steps.append(json.loads(capsys.readouterr().out)["steps"])
    assert steps[0] == 1
    assert steps[1] >= 3
