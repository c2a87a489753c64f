"""Hints: labels of every cell on the way to the answer, from the task to the loss and through an interruption."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ponderling.config import DataConfig, ModelConfig, RunConfig, RuntimeConfig, TrainConfig
from ponderling.losses import IGNORE, answer_loss, halting_loss
from ponderling.models import build_model, shape_of
from ponderling.pictures.plots import read_metrics
from ponderling.supervision import Batch, HintBatch, empty_carry, refill, supervision_step
from ponderling.tasks import get_task
from ponderling.tasks.relations import Neighbours, Relations
from ponderling.training.observer import Observer
from ponderling.training.starting import start
from runs import assert_same
from test_mixed_run import SMALL

STEPS = {1: (1, 0), 2: (0, -1), 3: (0, 1), 4: (-1, 0)}
GOAL, NO_WAY = 5, 6
MODEL = ModelConfig(system="relational", **(SMALL | {"hidden_size": 8, "num_layers": 2, "T": 1}))


def config(**train) -> RunConfig:
    data = DataConfig(task="maze4+maze5x6", train="default", test="default", augment=False, num_validation=4)
    own = {"steps": 12, "batch_cells": 100, "loss": "softmax", "optimizer": "adamw", "lr": 1e-3, "N_sup": 4}
    return RunConfig(
        model=MODEL,
        train=TrainConfig(**(own | {"hint_loss_weight": 1.0, "hint_speed": 0.7, "vary_T": True} | train)),
        data=replace(data, max_train=40, max_test=4),
        run=RuntimeConfig(eval_every=6, checkpoint_every=5, log_every=3, threads=1),
    )


@pytest.mark.parametrize("name", ["maze1x9", "maze7", "maze5x11"])
def test_following_the_hints_from_s_gives_the_label(name):
    task = get_task(name)
    rows, columns = task.grid_shape
    puzzles = task.generate(np.random.default_rng(3), 60, kind="mixed", ends="mixed", most_starts=4, unsolvable=0.2)
    hints = task.hints(puzzles.tokens)
    lonely = 0
    for question, label, hint, rounds, answer_rounds in zip(
        puzzles.tokens, puzzles.labels, hints.labels[:, :, 0], hints.rounds, hints.answer_rounds, strict=True
    ):
        assert ((hint == 0) == (question == 1)).all()
        assert ((hint == GOAL) == (question == 4)).all()
        marked, longest = question.copy(), 0
        for cell in np.flatnonzero(hint):
            at, moves = cell, 0
            while hint[at] in STEPS:
                down, right = STEPS[hint[at]]
                assert 0 <= at // columns + down < rows
                assert 0 <= at % columns + right < columns
                at, moves = at + down * columns + right, moves + 1
                if question[cell] == 3 and marked[at] == 2:
                    marked[at] = 5
            assert hint[at] == (NO_WAY if hint[cell] == NO_WAY else GOAL)
            assert rounds[cell] == moves
            longest = max(longest, moves if question[cell] == 3 else 0)
        assert (marked == label).all()
        assert answer_rounds == 2 * longest
        lonely += longest == 0
    assert lonely


@pytest.mark.parametrize("name", ["maze1x9", "maze7", "maze5x11"])
def test_the_other_hints_say_for_each_direction_whether_g_is_nearer_there(name):
    task = get_task(name)
    rows, columns = task.grid_shape
    puzzles = task.generate(np.random.default_rng(4), 40, kind="mixed", ends="mixed", unsolvable=0.2)
    hints = task.hints(puzzles.tokens)
    seen = set()
    for hint, moves in zip(hints.labels, hints.rounds, strict=True):
        for cell, (first, *others) in enumerate(hint):
            has_way = first not in (0, NO_WAY)
            for direction, other in zip(STEPS, others, strict=True):
                row, column = cell // columns + STEPS[direction][0], cell % columns + STEPS[direction][1]
                is_inside = 0 <= row < rows and 0 <= column < columns
                beside = row * columns + column
                leads = is_inside and hint[beside, 0] not in (0, NO_WAY) and moves[beside] == moves[cell] - 1
                assert other == (0 if not has_way else 1 + leads)
                seen.add(other)
            if first in STEPS:
                assert first == 1 + others.index(2)
    assert seen == {0, 1, 2}


class Told(torch.nn.Module):
    """Says the same scores for every hint, and 6 rounds a step."""

    def __init__(self, answers: torch.Tensor, hints: tuple[torch.Tensor, ...]):
        super().__init__()
        self.answers, self.hints = answers, hints

    def initial_state(self, batch_size):
        return (torch.zeros(batch_size, 1),)

    def forward(self, state, tokens, *, puzzle_ids, n=None, T=None):
        from ponderling.models.interface import Output

        q = torch.zeros(len(tokens))
        return state, Output(self.answers, q, q)

    def hint_scores(self, state):
        return self.hints

    def rounds(self, n=None, *, T=None):
        return 6 * (T or 1)


def test_the_loss_counts_hints_and_answers_once_the_rounds_can_have_told_them():
    generator = torch.Generator().manual_seed(0)
    B, L = 3, 4
    scores = tuple(torch.randn(B, L, count, generator=generator) for count in (6, 2))
    told = Told(torch.randn(B, L, 5, generator=generator), scores)
    labels = torch.randint(1, 5, (B, L), generator=generator)
    hint_labels = torch.stack([torch.randint(0, count, (B, L), generator=generator) for count in (6, 2)], dim=-1)
    hint_labels[0, 0] = IGNORE
    hint_labels[1, 2, 1] = IGNORE

    def loss_of(labels):
        return sum(answer_loss(told.hints[k], labels[..., k], loss="softmax") for k in range(2))

    rounds = torch.tensor([[0, 3, 4, 9], [0, 3, 6, 6], [5, 5, 5, 5]])
    hints = HintBatch(labels=hint_labels, rounds=rounds, answer_rounds=torch.tensor([3, 4, 9]))
    batch = Batch(labels, labels, puzzle_ids=torch.zeros(B).long(), hints=hints)
    carry = refill(told, empty_carry(told, B, seq_len=L), new=batch)
    assert carry.rounds.tolist() == [0, 0, 0]
    settings = TrainConfig(loss="softmax", N_sup=4, hint_loss_weight=0.5, hint_speed=0.5, halt_loss_weight=2.0)
    for T, reach in ((None, 3), (2, 9)):  # 6 rounds, then 12 more
        result = supervision_step(told, carry, config=settings, depth={} if T is None else {"T": T})
        known = hints.answer_rounds <= reach
        answer = answer_loss(told.answers, labels.where(known[:, None], IGNORE), loss="softmax")
        hint = loss_of(hint_labels.where((rounds <= reach)[..., None], IGNORE))
        halt = halting_loss(torch.zeros(B), result.correct.exact)
        torch.testing.assert_close(result.answer_loss, answer)
        torch.testing.assert_close(result.hint_loss, hint)
        torch.testing.assert_close(result.loss, answer + 0.5 * hint + 2 * halt)
        carry = result.carry
    assert carry.rounds.tolist() == [18, 18, 18]
    always = replace(settings, hint_speed=0.0)
    first = refill(told, empty_carry(told, B, seq_len=L), new=batch)
    whole = supervision_step(told, first, config=always)
    torch.testing.assert_close(whole.answer_loss, answer_loss(told.answers, labels, loss="softmax"))
    torch.testing.assert_close(whole.hint_loss, loss_of(hint_labels))
    # A slot with a new puzzle has new hints and begins to count rounds anew; the others go on.
    halted = torch.tensor([False, True, False])
    other = replace(hints, labels=torch.full((1, L, 2), 1), rounds=rounds[:1] + 1, answer_rounds=torch.tensor([7]))
    new = Batch(labels[:1], labels[:1], puzzle_ids=torch.zeros(1).long(), hints=other)
    mixed = refill(told, replace(carry, halted=halted), new=new)
    assert mixed.rounds.tolist() == [18, 0, 18]
    assert mixed.batch.hints.answer_rounds.tolist() == [3, 7, 9]
    assert mixed.batch.hints.labels.tolist() == [hint_labels[0].tolist(), [[1, 1]] * L, hint_labels[2].tolist()]
    assert torch.equal(mixed.batch.hints.rounds[1], rounds[0] + 1)


def test_a_puzzle_leaves_early_only_with_its_answer_and_all_its_hints_right():
    B, L = 4, 3
    labels = torch.tensor([[1, 2, 3]] * B)
    hint_labels = torch.stack([torch.tensor([[0, 4, 5]] * B), torch.tensor([[1, 0, IGNORE]] * B)], dim=-1)
    answers = torch.nn.functional.one_hot(labels, 5).float()
    scores = tuple(
        torch.nn.functional.one_hot(hint_labels[..., k].clamp_min(0), c).float() for k, c in ((0, 6), (1, 2))
    )
    answers[1, 0] = answers[1, 0].roll(1)  # the answer is wrong
    scores[0][2, 1] = scores[0][2, 1].roll(1)  # one hint is wrong
    scores[1][3, 2] = scores[1][3, 2].roll(1)  # where no hint is asked for nothing is wrong
    told = Told(answers, scores)
    far = torch.full((B, L), 100)  # that a hint cannot be known yet does not let a puzzle go
    hints = HintBatch(labels=hint_labels, rounds=far, answer_rounds=far[:, 0])
    batch = Batch(labels, labels, puzzle_ids=torch.zeros(B).long(), hints=hints)
    carry = refill(told, empty_carry(told, B, seq_len=L), new=batch, vary_N_sup=9)
    settings = TrainConfig(loss="softmax", N_sup=9, vary_N_sup=True, hint_loss_weight=0.5, hint_speed=0.5)
    left = []
    for _ in range(9):
        carry = supervision_step(told, replace(carry, limits=torch.full_like(carry.steps, 9)), config=settings).carry
        left.append(carry.halted.tolist())
    assert left == [[False] * B] * 2 + [[True, False, False, True]] * 6 + [[True] * B]


def test_a_step_has_as_many_rounds_as_calls_of_the_blocks():
    task = get_task("maze4")
    model = build_model(MODEL, shape_of(task), relations=task.relations)
    calls = []
    for block in model.net:
        block.register_forward_hook(lambda *_: calls.append(1))
    tokens = torch.from_numpy(task.load_default("test").tokens[:2].astype(np.int64))
    for depth in ({}, {"T": 3}, {"n": 5, "T": 2}):
        calls.clear()
        model(model.initial_state(2), tokens, puzzle_ids=torch.zeros(2).long(), **depth)
        assert len(calls) == model.rounds(**depth)


def test_hints_train_the_blocks_and_answers_leave_the_head_for_hints_alone():
    task = get_task("maze4")
    model = build_model(MODEL, shape_of(task), relations=task.relations)
    tokens = torch.from_numpy(task.load_default("test").tokens[:2].astype(np.int64))
    state, output = model(model.initial_state(2), tokens, puzzle_ids=torch.zeros(2).long())
    hints = model.hint_scores(state)
    assert [scores.shape for scores in hints] == [(2, 16, count) for count in task.relations.hints]
    (gradient,) = torch.autograd.grad(output.logits.sum(), model.hint_head.weight, allow_unused=True)
    assert gradient is None
    (gradient,) = torch.autograd.grad(sum(scores.square().sum() for scores in hints), model.net[0].mlp.down.weight)
    assert gradient.abs().max() > 0


def test_resuming_a_run_with_hints_equals_never_having_stopped(tmp_path):
    start(config(), tmp_path / "whole", observer=Observer()).run()
    for stop in (2, 5, 7, 12):
        part = start(config(), tmp_path / "parts", resume=True, observer=Observer())
        part.run(lambda part=part, stop=stop: part.step >= stop)
    assert_same(tmp_path / "whole", tmp_path / "parts")


def test_the_log_of_a_run_has_the_hints_loss_which_makes_up_the_loss_with_the_others(tmp_path):
    settings = config()
    start(settings, tmp_path, observer=Observer()).run()
    lines = [line for line in read_metrics(tmp_path) if line["kind"] == "train"]
    assert lines
    for line in lines:
        parts = (
            settings.train.halt_loss_weight * line["halt_loss"] + settings.train.hint_loss_weight * line["hint_loss"]
        )
        assert line["loss"] == pytest.approx(line["answer_loss"] + parts)
        assert line["hint_loss"] > 0


def test_hints_change_what_is_learned(tmp_path):
    weights = []
    for train in ({}, {"hint_loss_weight": 0.0, "hint_speed": 0.0}, {"hint_speed": 0.0}):
        trainer = start(config(**train), tmp_path / str(len(weights)), observer=Observer())
        for _ in range(3):
            trainer.train_step()
        weights.append(trainer.model.net[0].mlp.down.weight.detach().clone())
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": {"task": "sudoku4", "train": "default"}}, "is for a relational network on a task with hints"),
        ({"model": {"system": "trm", "mixer": "neighbours"}}, "is for a relational network on a task with hints"),
    ],
)
def test_hints_where_there_are_none_are_refused(tmp_path, changes, said):
    settings = config()
    settings = replace(settings, **{part: replace(getattr(settings, part), **its) for part, its in changes.items()})
    if "model" in changes:
        settings = replace(settings, data=replace(settings.data, task="maze4"))
    with pytest.raises(ValueError, match=said):
        start(settings, tmp_path, observer=Observer())


def test_what_hints_need_is_said():
    with pytest.raises(ValueError, match="hint_speed says when hints count: give hint_loss_weight, too"):
        TrainConfig(hint_speed=0.7)
    with pytest.raises(ValueError, match="hints are read where named answers are"):
        Relations({}, symbols=(1, 2), named=(0,), neighbours=Neighbours.of_grid(2, 2), hints=(3,))
    task = get_task("sudoku4")
    with pytest.raises(NotImplementedError, match="Sudoku has no hints"):
        task.hints(task.load_default("test").tokens[:1])
