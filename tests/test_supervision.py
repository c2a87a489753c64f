"""Deep supervision: the streaming form is the paper's loop, slots are refilled without loss, and halting follows its rules."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import nn

from ponderling.config import ModelConfig, PuzzleShape, TrainConfig
from ponderling.losses import IGNORE
from ponderling.models import build_model
from ponderling.supervision import (
    Batch,
    empty_carry,
    refill,
    supervision_step,
    train_one_puzzle_at_a_time,
)
from ponderling.training.optim import Optimizers

L, V = 4, 5


class Says(NamedTuple):
    logits: torch.Tensor
    q: torch.Tensor
    q_continue: torch.Tensor


class Counter(nn.Module):
    """Not one of our models: its state counts supervision steps, and its halting logits are a table of steps."""

    def __init__(self, q=(-1.0, -1.0, 1.0, 1.0), q_continue=(0.0, 0.0, 0.0, 0.0)):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(V))
        self.q_table, self.continue_table = torch.tensor(q), torch.tensor(q_continue)
        self.passes = 0

    def initial_state(self, batch_size):
        return (torch.zeros(batch_size, 1),)

    def forward(self, state, tokens, *, puzzle_ids):
        self.passes += 1
        count = state[0] + 1
        step = (count.long().squeeze(1) - 1).clamp_max(len(self.q_table) - 1)
        logits = self.bias + nn.functional.one_hot(tokens, V)
        return (count,), Says(
            logits, self.q_table[step] + 0 * self.bias.sum(), self.continue_table[step] + 0 * self.bias.sum()
        )


def puzzles(count: int, first: int = 0) -> Batch:
    """Puzzles that their id tells apart; the model is right about those with an even id."""
    ids = torch.arange(first, first + count)
    tokens = torch.full((count, L), 2)
    return Batch(tokens, torch.where(ids[:, None] % 2 == 0, tokens, 3).clone(), puzzle_ids=ids)


def config(**changes) -> TrainConfig:
    return TrainConfig(**{"N_sup": 4, "halt_exploration": 0.0, "batch_size": 3, **changes})


@pytest.mark.parametrize("ours", [True, False], ids=["TRM", "a model that is not ours"])
def test_streaming_one_puzzle_at_a_time_is_the_papers_loop(ours):
    train = config(batch_size=1, lr=1e-2, warmup_steps=0, weight_decay=0.1, loss="softmax")
    final = []
    for streaming in (True, False):
        if ours:
            sizes = ModelConfig(
                hidden_size=16,
                num_heads=2,
                inner_multiple=16,
                n=1,
                T=2,
                prefix_len=0,
                puzzle_embedding_size=0,
                dtype="float32",
            )
            model = build_model(sizes, PuzzleShape(V, L), generator=torch.Generator().manual_seed(0)).train()
            with torch.no_grad():
                model.halt_head.bias.fill_(0.01)  # so that some puzzles halt early
        else:
            model = Counter()
        optimizer = Optimizers(model, train)
        updates = 0

        def update(loss, optimizer=optimizer):
            nonlocal updates
            updates += 1
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        if streaming:
            carry = empty_carry(model, 1, seq_len=L)
            for i in range(6):
                carry = refill(model, carry, new=puzzles(1, i))
                while not carry.halted.all():
                    result = supervision_step(model, carry, config=train)
                    update(result.loss)
                    carry = result.carry
        else:
            train_one_puzzle_at_a_time(model, (puzzles(1, i) for i in range(6)), config=train, update=update)
        final.append((updates, [p.detach().clone() for p in model.parameters()]))
    assert final[0][0] == final[1][0] < 24
    assert all(torch.equal(a, b) for a, b in zip(final[0][1], final[1][1], strict=True))


def test_a_halted_slot_takes_a_new_puzzle_with_a_fresh_state_and_the_others_go_on():
    model = Counter(q=(-1, 1, 1, 1))
    carry = refill(model, empty_carry(model, 3, seq_len=L), new=puzzles(3))
    carry = supervision_step(model, carry, config=config()).carry
    carry = replace(carry, halted=torch.tensor([False, True, False]))
    carry = refill(model, carry, new=puzzles(1, 7))
    assert carry.batch.puzzle_ids.tolist() == [0, 7, 2]
    assert carry.steps.tolist() == [1, 0, 1]
    assert carry.state[0].squeeze(1).tolist() == [1, 0, 1]
    assert not carry.halted.any()


def test_refill_wants_exactly_one_puzzle_for_each_free_slot():
    model = Counter()
    with pytest.raises(ValueError, match="3 slots wait for a puzzle: got 2 puzzles"):
        refill(model, empty_carry(model, 3, seq_len=L), new=puzzles(2))


def test_every_puzzle_that_is_drawn_is_thought_about_until_it_halts():
    """The official loader draws a puzzle for every slot at every step and drops those whose slot is busy."""
    model, train = Counter(), config(halt_exploration=0.5)
    generator = torch.Generator().manual_seed(0)
    carry, drawn, finished = empty_carry(model, 3, seq_len=L), 0, []
    for _ in range(200):
        wanted = int(carry.halted.sum())
        carry = refill(model, carry, new=puzzles(wanted, drawn))
        drawn += wanted
        carry = supervision_step(model, carry, config=train, generator=generator).carry
        finished += carry.batch.puzzle_ids[carry.halted].tolist()
    assert sorted(finished + carry.batch.puzzle_ids[~carry.halted].tolist()) == list(range(drawn))


@pytest.mark.parametrize(
    ("q", "q_continue", "halting", "expected"),
    [
        ((-1, -1, 1, 1), (9, 9, 9, 9), "halt", 3),
        ((-1, -1, -1, -1), (0, 0, 0, 0), "halt", 4),
        ((1, 1, 1, 1), (0, 0, 0, 0), "halt", 1),
        ((5, 5, 5, 5), (9, 4, 9, 9), "halt_continue", 2),
        ((-5, -5, -5, -5), (-4, -4, -6, -4), "halt_continue", 3),
        ((0, 0, 0, 0), (0, 0, 0, 0), "halt_continue", 4),
    ],
)
def test_a_puzzle_halts_when_the_rule_says_so_or_at_N_sup(q, q_continue, halting, expected):
    model = Counter([float(v) for v in q], [float(v) for v in q_continue])
    carry = refill(model, empty_carry(model, 3, seq_len=L), new=puzzles(3))
    for step in range(1, expected + 1):
        carry = supervision_step(model, carry, config=config(halting=halting)).carry
        assert carry.halted.all() == (step == expected)


def test_with_one_supervision_step_every_puzzle_halts_at_once():
    model = Counter(q=(-1.0,))
    carry = refill(model, empty_carry(model, 3, seq_len=L), new=puzzles(3))
    assert supervision_step(model, carry, config=config(N_sup=1)).carry.halted.all()


def test_with_two_supervision_steps_a_puzzle_may_halt_after_the_first():
    for q, halts in ((1.0, True), (-1.0, False)):
        model = Counter(q=(q, q))
        carry = refill(model, empty_carry(model, 3, seq_len=L), new=puzzles(3))
        assert supervision_step(model, carry, config=config(N_sup=2)).carry.halted.tolist() == [halts] * 3


def test_exploration_keeps_the_share_from_halting_before_a_uniform_random_step():
    model = Counter(q=(1.0,))  # would always halt at once
    train = config(N_sup=5, halt_exploration=0.4, batch_size=20_000)
    generator = torch.Generator().manual_seed(0)
    carry = refill(model, empty_carry(model, 20_000, seq_len=L), new=puzzles(20_000))
    carry = supervision_step(model, carry, config=train, generator=generator).carry
    assert carry.halted.float().mean().item() == pytest.approx(0.6, abs=0.015)  # the least step is 2 at least
    going = (~carry.halted).clone()
    later = supervision_step(
        model, replace(carry, halted=torch.zeros_like(carry.halted)), config=train, generator=generator
    ).carry
    # drawn anew: 0.6 may halt at any step, and of the 0.4 a quarter (least step 2 of 2..5) may at step 2
    assert later.halted[going].float().mean().item() == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("system", ["trm", "hrm"])
def test_the_continue_head_is_trained_by_a_second_pass_for_trm_too(system):
    """The official TRM fails in training with this setting."""
    hrm = {"gradient": "one_step", "separate_networks": True} if system == "hrm" else {}
    sizes = ModelConfig(
        system=system, hidden_size=16, num_heads=2, inner_multiple=16, n=1, T=1, prefix_len=0, puzzle_embedding_size=0,
        dtype="float32", **hrm,
    )  # fmt: skip
    model = build_model(sizes, PuzzleShape(V, L), generator=torch.Generator().manual_seed(0)).train()
    nn.init.normal_(model.halt_head.weight)
    train = config(halting="halt_continue", N_sup=2)
    carry = refill(model, empty_carry(model, 3, seq_len=L), new=puzzles(3))
    result = supervision_step(model, carry, config=train)
    later = model(result.carry.state, carry.batch.tokens, puzzle_ids=carry.batch.puzzle_ids)[1]
    assert torch.equal(result.target_continue, torch.maximum(later.q, later.q_continue).sigmoid())
    result.loss.backward()
    assert model.halt_head.bias.grad[1] != 0
    carry = replace(result.carry, halted=torch.zeros(3, dtype=torch.bool))
    last = supervision_step(model, carry, config=train)
    later = model(last.carry.state, carry.batch.tokens, puzzle_ids=carry.batch.puzzle_ids)[1]
    assert torch.equal(last.target_continue, later.q.sigmoid())  # nothing comes after the last step


def test_without_the_continue_head_there_is_no_second_pass():
    model = Counter()
    carry = refill(model, empty_carry(model, 3, seq_len=L), new=puzzles(3))
    result = supervision_step(model, carry, config=config())
    assert model.passes == 1
    assert result.target_continue is None
    assert result.continue_loss == 0


def test_the_state_goes_on_without_gradient():
    sizes = ModelConfig(
        hidden_size=16, num_heads=2, inner_multiple=16, n=1, T=1, prefix_len=0, puzzle_embedding_size=0, dtype="float32"
    )
    model = build_model(sizes, PuzzleShape(V, L)).train()
    result = supervision_step(model, refill(model, empty_carry(model, 3, seq_len=L), new=puzzles(3)), config=config())
    assert result.loss.requires_grad
    assert not any(s.requires_grad for s in result.carry.state)


def test_nothing_of_an_old_state_survives_a_refill_not_even_nan():
    model = Counter()
    carry = empty_carry(model, 3, seq_len=L)
    carry = replace(carry, state=(torch.full((3, 1), float("nan")),))
    assert refill(model, carry, new=puzzles(3)).state[0].isfinite().all()


def test_noise_before_a_step_has_its_standard_deviation_and_comes_from_the_generator():
    model, seen = Counter(), []
    model.register_forward_pre_hook(lambda _, args: seen.append(args[0][0].clone()))
    B = 4000
    carry = refill(model, empty_carry(model, B, seq_len=L), new=puzzles(B))
    for seed, noise in ((1, 0.2), (1, 0.2), (2, 0.2), (1, 0.0)):
        generator = torch.Generator().manual_seed(seed)
        supervision_step(model, carry, config=config(step_noise=noise), generator=generator)
    added = seen[0] - carry.state[0]
    assert abs(added.mean()) < 0.02
    assert 0.19 < added.std() < 0.21
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    assert torch.equal(seen[3], carry.state[0])


@pytest.mark.parametrize("misprints", [0.0, 0.1])
def test_a_puzzle_without_labels_costs_nothing_for_its_answer_and_is_right_but_for_misprints(misprints):
    model, own = Counter(), config(misprints=misprints)
    batch = puzzles(3)
    batch.labels[1] = IGNORE
    others = Batch(batch.tokens[::2], batch.labels[::2], puzzle_ids=batch.puzzle_ids[::2])
    result = supervision_step(model, refill(model, empty_carry(model, 3, seq_len=L), new=batch), config=own)
    alone = supervision_step(model, refill(model, empty_carry(model, 2, seq_len=L), new=others), config=own)
    assert result.answer_loss == alone.answer_loss
    assert result.correct.exact[1]
    assert not result.correct.has_labels[1]
    q = result.output.q[1]
    torch.testing.assert_close(result.halt_loss - alone.halt_loss, torch.nn.functional.softplus(q if misprints else -q))
