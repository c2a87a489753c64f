"""Optimizers against their formulas and torch's own; which weights go where; schedules; the moving average."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn

from ponderling.config import ModelConfig, PuzzleShape, TrainConfig
from ponderling.models import build_model
from ponderling.models.puzzle_embedding import PuzzleEmbedding
from ponderling.training.optim import AdamATan2, Optimizers, SparseSignSGD, lr_factor, make_ema


def tiny_model(**changes):
    settings = {"hidden_size": 16, "num_heads": 2, "inner_multiple": 16, "prefix_len": 1, "puzzle_embedding_size": 16}
    config = ModelConfig(**{**settings, "n": 1, "T": 1, "dtype": "float32", **changes})
    return build_model(config, PuzzleShape(5, 4, num_puzzles=3), generator=torch.Generator().manual_seed(0)).train()


@pytest.mark.parametrize(("correction", "first"), [("outside", 0.9967), ("inside", math.pi / 4)])
def test_the_first_step_of_adam_atan2_has_the_size_that_its_form_says(correction, first):
    p = nn.Parameter(torch.zeros(3))
    p.grad = torch.tensor([1e-12, 1.0, -1e12])  # no epsilon: the size of the gradient does not matter
    AdamATan2([p], lr=1.0, weight_decay=0.0, correction=correction).step()
    assert p.tolist() == pytest.approx([-first, -first, first], abs=1e-4)


def test_a_parameter_that_joins_late_is_at_a_step_of_its_own():
    early, late = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizer = AdamATan2([early, late], lr=0.1, weight_decay=0.0)
    for step in range(3):
        early.grad = torch.ones(1)
        late.grad = torch.ones(1) if step == 2 else None
        optimizer.step()
    assert late.item() == pytest.approx(-0.09967, abs=1e-5)
    assert optimizer.state[early]["step"] == 3
    assert optimizer.state[late]["step"] == 1


def test_adam_atan2_takes_a_closure():
    p = nn.Parameter(torch.ones(1))
    optimizer = AdamATan2([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 1.0
    assert p.item() < 1


@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"betas": (1.0, 0.9)}, {"weight_decay": -0.1}, {"correction": "both"}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        AdamATan2([nn.Parameter(torch.zeros(1))], **wrong)


def test_muon_takes_the_networks_matrices_and_adamw_the_rest():
    model = tiny_model()
    optimizers = Optimizers(model, TrainConfig(optimizer="muon"), puzzle_embedding=model.puzzle_embedding)
    sign, muon, adamw = optimizers.all
    assert [type(o).__name__ for o in optimizers.all] == ["SparseSignSGD", "Muon", "AdamW"]
    names = {id(p): name for name, p in model.named_parameters()}
    in_muon = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    in_adamw = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert in_muon == {name for name in names.values() if name.startswith("net.layers")}
    assert in_adamw == set(names.values()) - in_muon
    assert sign.embedding is model.puzzle_embedding


def test_adamw_is_torchs():
    model, twin = tiny_model(), tiny_model()
    config = TrainConfig(optimizer="adamw", lr=1e-2, warmup_steps=0, weight_decay=0.1)
    ours = Optimizers(model, config)
    torchs = torch.optim.AdamW(twin.parameters(), 1e-2, (0.9, 0.95), weight_decay=0.1)
    for _ in range(3):
        for m, step in ((model, ours.step), (twin, torchs.step)):
            m.zero_grad()
            m(m.initial_state(2), torch.ones(2, 4, dtype=torch.long), puzzle_ids=torch.tensor([0, 1]))[
                1
            ].logits.square().sum().backward()
            step()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_only_the_rows_in_the_batch_change_and_equal_ids_are_summed_first():
    embedding = PuzzleEmbedding(4, 2, prefix_len=1, hidden_size=2, dtype=torch.float32).train()
    embedding.table.fill_(1.0)
    optimizer = SparseSignSGD(embedding, lr=0.1, weight_decay=0.5)
    out = embedding(torch.tensor([0, 2, 2]))
    (out * torch.tensor([[[1.0, -2.0]], [[3.0, 1.0]], [[-1.0, -1.0]]])).sum().backward()
    optimizer.step()
    decayed = 1 - 0.1 * 0.5
    expected = [[decayed - 0.1, decayed + 0.1], [1, 1], [decayed - 0.1, decayed], [1, 1]]
    torch.testing.assert_close(embedding.table, torch.tensor(expected))
    optimizer.zero_grad()
    before = embedding.table.clone()
    optimizer.step()  # no pass since: nothing to do
    assert torch.equal(embedding.table, before)


def test_a_pass_without_gradient_or_in_evaluation_leaves_the_collected_rows_alone():
    embedding = PuzzleEmbedding(4, 2, prefix_len=1, hidden_size=2, dtype=torch.float32).train()
    embedding(torch.tensor([1]))
    rows = embedding.rows
    with torch.no_grad():
        embedding(torch.tensor([2]))
    embedding.eval()(torch.tensor([3]))
    assert embedding.rows is rows
    assert embedding.row_ids.tolist() == [1]


def test_learning_rates_rise_from_the_first_step_and_end_at_their_lowest():
    rates = [lr_factor(step, 4, total_steps=20, lr_min_ratio=0.1) for step in range(1, 21)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[-1] == pytest.approx(0.1)
    assert all(a > b for a, b in itertools.pairwise(rates[3:]))
    assert (
        lr_factor(1, 0, total_steps=20, lr_min_ratio=1.0) == lr_factor(20, 0, total_steps=20, lr_min_ratio=1.0) == 1.0
    )


def test_the_average_starts_at_the_first_weights_and_shares_what_it_does_not_average():
    model = tiny_model()
    ema = make_ema(model, 0.9)
    start = model.answer_head.weight.detach().clone()
    with torch.no_grad():
        model.answer_head.weight.add_(1.0)
        model.puzzle_embedding.table.fill_(3.0)
    ema.update_parameters(model)
    torch.testing.assert_close(ema.module.answer_head.weight, start + 0.1)
    assert (ema.module.puzzle_embedding.table == 3).all()
    assert not any(p.requires_grad for p in ema.parameters())


def test_an_average_that_warms_up_follows_sooner_and_ends_at_its_rate():
    model, rate = nn.Linear(1, 1, bias=False), 0.75
    ema = make_ema(model, rate, warmup=True)
    expected = model.weight.item()
    for t in range(1, 15):
        with torch.no_grad():
            model.weight.fill_(float(t))
        ema.update_parameters(model)
        kept = min(rate, (1 + t) / (4 + t))
        expected = kept * expected + (1 - kept) * t
        assert ema.module.weight.item() == pytest.approx(expected, rel=1e-6)
    assert kept == rate
