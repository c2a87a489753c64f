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

from ponderling.config import Search
from ponderling.recipes import get_recipe
from ponderling.solving.evaluate import evaluate
from ponderling.solving.search import attempt_source
from ponderling.solving.solver import Solver
from ponderling.solving.thinker import think
from ponderling.tasks import GridTask
from ponderling.tasks.base import Question
from ponderling.tasks.sudoku import SUDOKUS
from ponderling.tasks.sudoku.geometry import BLANK

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

    def __call__(self, state, tokens, *, puzzle_ids):
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

    def __call__(self, state, tokens, *, puzzle_ids):
        mood = state[0][:, 0]
        rare = mood > 1.0
        logits = torch.zeros(*tokens.shape, TASK.vocab_size)
        logits[..., 2] = torch.where(rare, 5.0, 0.0)[:, None]
        logits[..., 3] = torch.where(rare, 0.0, 5.0)[:, None]
        rests = (mood.abs() < 0.3) & (mood != 0)
        logits[..., 4] = torch.where(rests, 9.0, 0.0)[:, None]
        still = torch.where(rests, 0.0, 1e-3)
        return (state[0] + still[:, None],), Output(logits, torch.where(rare, -1.0, -2.0), torch.zeros(len(tokens)))


def run(search: Search, puzzles, model=None, *, steps: int, slots: int = 8, **options):
    asked = [Question(tokens) for tokens in puzzles.tokens]
    how = {"config": CONFIG, "search": search, "task": TASK, "steps": steps, "slots": slots}
    return list(think(model or Propagator(), asked, **how, **options))


def test_guessing_solves_what_thinking_leaves_open_and_the_rules_say_so():
    puzzles = questions()
    plain = run(Search(verify=True), puzzles, steps=2)
    found = run(Search(restarts=60, search_steps=12, guess_every=1, verify=True), puzzles, steps=2)
    assert sum(f.accepted for f in plain) < len(puzzles)
    assert all(f.accepted for f in found)
    np.testing.assert_array_equal(np.stack([f.tokens for f in found]), puzzles.labels)
    assert max(f.guesses for f in found) > 0


def test_passes_are_counted_and_bounded_by_the_search():
    puzzles, model = questions(), Propagator()
    found = run(Search(restarts=5, search_steps=4, guess_every=2), puzzles, model, steps=3)
    assert sum(f.passes for f in found) == model.rows
    assert all(1 <= f.attempts <= 6 for f in found)
    assert all(f.passes <= 3 + 5 * 4 for f in found)


def test_a_puzzle_that_one_attempt_solves_is_charged_for_all_that_ran_beside_it():
    """`passes` is what was spent; `steps` and `attempts` do not depend on how many slots were free."""
    for slots, beside in ((16, 10), (1, 1)):
        Lucky.rows = 0
        (found,) = run(Search(restarts=10, noise=1.0, guess_every=0), questions(1), Lucky(), slots=slots, steps=2)
        assert (found.accepted, found.attempts, found.attempt, found.steps) == (True, 2, 2, 3)
        assert found.passes == Lucky.rows == 2 + beside


class Lucky(Moody):
    """Stops at once when it starts from noise, whichever."""

    rows = 0

    def __call__(self, state, tokens, *, puzzle_ids):
        Lucky.rows += len(tokens)
        state, output = super().__call__(state, tokens, puzzle_ids=puzzle_ids)
        return state, output._replace(q=torch.where(state[0][:, 0].abs() > 1e-3, 2.0, -2.0))


def test_one_hard_puzzle_does_not_make_an_endless_stream_of_easy_ones_pile_up():
    hard, easy = questions(1).tokens[0], TASK.load_default("test").labels[0]
    read = []

    def stream():
        yield Question(hard)
        while True:
            read.append(1)
            yield Question(easy)

    noisy = Search(restarts=30, guess_every=0, noise=1.0)
    first = next(think(Propagator(), stream(), config=CONFIG, search=noisy, task=TASK, steps=4, slots=8))
    assert not first.accepted
    assert len(read) <= 6 * 8


def test_what_is_done_at_once_costs_one_step_and_no_search():
    puzzles = TASK.load_default("test")
    easy = [i for i in range(len(puzzles)) if TASK.clue_mask(puzzles.tokens[i]).sum() >= 16][:5]
    for found in run(Search(restarts=5), puzzles[easy], steps=5):
        assert (found.passes, found.attempts, found.accepted) == (1, 1, True)


@pytest.mark.parametrize("choose", ["halting", "agreement"])
def test_without_early_exit_all_steps_are_taken(choose):
    puzzles = questions()
    for early_exit, steps in ((True, 1), (False, 4)):
        search = Search(choose=choose)
        found = run(search, puzzles, Propagator(overconfident=True), steps=4, early_exit=early_exit)
        assert [(f.passes, f.attempts, f.halted) for f in found] == [(steps, 1, True)] * len(puzzles)


def test_without_the_rule_checker_a_head_that_is_wrongly_sure_is_believed():
    """And with it, it is not: the two are different figures."""
    puzzles = questions()
    believed = run(Search(restarts=10), puzzles, Propagator(overconfident=True), steps=2)
    assert all(f.accepted for f in believed)
    right = (np.stack([f.tokens for f in believed]) == puzzles.labels).all(axis=1)
    assert not right.all()
    search = Search(restarts=60, search_steps=12, guess_every=1, verify=True)
    checked = run(search, puzzles, Propagator(overconfident=True), steps=2)
    valid = TASK.valid(puzzles.tokens, np.stack([f.tokens for f in checked]))
    assert [f.accepted for f in checked] == valid.tolist()


@pytest.mark.parametrize("slots", [1, 3, 64])
def test_results_come_in_order_whatever_the_slots(slots):
    puzzles = questions()
    for i, found in enumerate(run(Search(restarts=40, guess_every=1, verify=True), puzzles, slots=slots, steps=2)):
        clues = TASK.clue_mask(puzzles.tokens[i])
        assert found.accepted
        assert (found.tokens[clues] == puzzles.tokens[i][clues]).all()


def test_the_same_seed_finds_the_same():
    puzzles, search = questions(), Search(restarts=8, guess_every=1, noise=0.5, seed=4)
    one, two = (run(search, puzzles, steps=2) for _ in range(2))
    assert [(f.passes, f.attempts, f.tokens.tolist()) for f in one] == [
        (f.passes, f.attempts, f.tokens.tolist()) for f in two
    ]


def test_a_trace_leads_from_plain_thinking_to_the_answer():
    solver = Solver(Propagator(), TASK, config=CONFIG)
    search = Search(restarts=60, search_steps=12, guess_every=1, verify=True)
    for tokens in questions().tokens[:4]:
        result = solver.solve(tokens=tokens, steps=2, search=search, trace=True)
        assert result.valid
        assert [step.step for step in result.trace] == list(range(1, len(result.trace) + 1))
        assert (result.trace[-1].tokens == result.tokens).all()
        assert result.steps >= len(result.trace)


class KnowsOnlyViews(Propagator):
    """Right about every puzzle but those it is told, and stops only where it is right."""

    def __init__(self, unknown: np.ndarray):
        super().__init__()
        self.unknown = {row.tobytes() for row in unknown}

    def __call__(self, state, tokens, *, puzzle_ids):
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
    solver = Solver(KnowsOnlyViews(puzzles.tokens), TASK, config=CONFIG)
    for tokens, labels in zip(puzzles.tokens, puzzles.labels, strict=True):
        assert not solver.solve(tokens=tokens, steps=2).halted
        result = solver.solve(tokens=tokens, steps=2, search=Search(views=1), trace=True)
        assert (result.attempts, result.steps, result.halted) == (2, 3, True)
        assert (result.tokens == labels).all()
        assert (result.trace[-1].tokens == labels).all()
        # Confidence moved with its cell: what the view was told is now where the view's symmetry took it from.
        symmetry = TASK.sample_symmetries(attempt_source(Question(tokens), 0, number=2), 1)
        np.testing.assert_allclose(result.trace[-1].confidence[symmetry.cells[0]], solver.model.told, rtol=1e-6)


@pytest.mark.parametrize(("choose", "symbol"), [("halting", 2), ("agreement", 3), ("residual", 4)])
def test_who_chooses_decides_the_answer(choose, symbol):
    search = Search(restarts=30, noise=1.0, guess_every=0, choose=choose)
    (found,) = run(search, questions(1), Moody(), steps=2)
    assert set(found.tokens.tolist()) == {symbol}
    assert (found.attempts, found.passes, found.accepted) == (31, 62, False)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"search_steps": 0}, "search_steps must be at least 1: got 0"),
        ({"restarts": -1}, "restarts must be at least 0"),
        ({"views": -2}, "views must be at least 0"),
        ({"restarts": 2, "guess_every": 0}, "all be alike"),
    ],
)
def test_a_search_that_cannot_be_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        Search(**wrong)


def test_a_search_on_the_command_line_stops_early_only_if_it_may(capsys):
    from ponderling.cli import main

    puzzle = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
    steps = []
    for option in ("--early-exit", "--no-early-exit"):
        assert main(["solve", "sudoku", puzzle, "--steps", "3", "--restarts", "1", option, "--json"]) == 0
        steps.append(json.loads(capsys.readouterr().out)["steps"])
    assert steps[0] == 1
    assert steps[1] >= 3


@pytest.mark.parametrize("verify", [False, True])
def test_a_search_depends_on_the_seed_and_the_question_and_not_on_slots_or_company(verify):
    puzzles = questions(5)
    search = Search(restarts=12, search_steps=8, guess_every=1, noise=0.1, verify=verify, seed=3)

    def said(found) -> list[object]:
        return [(f.tokens.tolist(), f.attempts, f.attempt, f.steps, f.guesses, f.accepted) for f in found]

    alone = [said(run(search, puzzles[[i]], steps=2))[0] for i in range(5)]
    assert len({one[2] for one in alone}) > 1, "else this shows little"
    for slots in (1, 3, 40):
        assert said(run(search, puzzles, steps=2, slots=slots)) == alone
        backwards = puzzles[[4, 3, 2, 1, 0, 4]]
        assert said(run(search, backwards, steps=2, slots=slots)) == [*alone[::-1], alone[4]]
    other = said(run(replace(search, seed=4), puzzles, steps=2))
    assert other != alone


class Wavering(Moody):
    """Is surest after its first step, never says stop, and ends with another answer."""

    def __call__(self, state, tokens, *, puzzle_ids):
        steps = state[0][:, 0]
        logits = torch.zeros(*tokens.shape, TASK.vocab_size)
        logits[..., 2] = torch.where(steps == 0, 5.0, 0.0)[:, None]
        logits[..., 3] = torch.where(steps == 0, 0.0, 5.0)[:, None]
        q = torch.where(steps == 0, -1.0, -2.0)
        return (state[0] + 1,), Output(logits, q, torch.zeros(len(tokens)))


def test_an_answer_that_never_halted_is_the_last_word_wherever_it_is_asked():
    """`solve`, an evaluation at all steps, and one with early exit follow one rule; the surest step must be asked for."""
    solver, puzzles = Solver(Wavering(), TASK, config=CONFIG), questions(2)
    assert {tuple(set(r.tokens.tolist())) for r in solver.solve_many(tokens=puzzles.tokens, steps=3)} == {(3,)}
    whole, early = evaluate(solver, puzzles, steps=3), evaluate(solver, puzzles, steps=3, search=Search())
    assert set(whole.early.ravel()) == {3}
    assert {token for answer in early.answers for token in answer.tokens.tolist()} == {3}
    surest = evaluate(solver, puzzles, steps=3, search=Search(choose="surest"))
    assert {token for answer in surest.answers for token in answer.tokens.tolist()} == {2}


class Mirror(GridTask):
    """Its answers do not fill in its questions."""

    name, grid_shape, symbols = "mirror", (2, 3), "123"

    def generate(self, rng, count):
        tokens = rng.integers(1, 4, (count, 6)).astype(np.uint8)
        return self.puzzles(tokens, tokens.reshape(-1, 2, 3)[:, :, ::-1].reshape(-1, 6))


class Unsure:
    """Has no idea; remembers which questions it was asked."""

    def __init__(self) -> None:
        self.asked: set[bytes] = set()

    def initial_state(self, batch_size: int) -> tuple[Tensor, ...]:
        return (torch.zeros(batch_size, 1),)

    def __call__(self, state, tokens, *, puzzle_ids):
        self.asked |= {row.tobytes() for row in tokens.numpy().astype(np.uint8)}
        q = torch.full((len(tokens),), -3.0)
        return state, Output(torch.zeros(*tokens.shape, 8), q, torch.zeros_like(q))


def test_guessing_is_refused_where_answers_do_not_fill_in_questions_and_noise_leaves_the_question_alone():
    task, model = Mirror(), Unsure()
    solver = Solver(model, task, config=CONFIG)
    question = task.generate(np.random.default_rng(0), 1).tokens[0]
    with pytest.raises(
        ValueError, match="an answer of mirror does not fill in its question: use guess_every 0 with noise"
    ):
        solver.solve(tokens=question, search=Search(restarts=3))
    solver.solve(tokens=question, steps=2, search=Search(restarts=3, guess_every=0, noise=1.0))
    assert model.asked == {question.tobytes()}


def test_guesses_are_symbols_alone():
    """The network has no idea, so it would as soon assert padding or a blank."""
    model, puzzles = Unsure(), questions(1)
    run(Search(restarts=40, search_steps=6, guess_every=1), puzzles, model, steps=1, slots=4)
    question = puzzles.tokens[0]
    guessed = [np.frombuffer(asked, np.uint8) for asked in model.asked]
    assert len(guessed) > 40
    for tokens in guessed:
        assert set(tokens[tokens != question]) <= set(TASK.fill_tokens)
        assert (tokens[question != BLANK] == question[question != BLANK]).all()
