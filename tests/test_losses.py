"""Losses against the official numbers, torch's own, and closed forms."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.losses import (
    IGNORE,
    LOG_PROBABILITIES,
    NEVER,
    answer_loss,
    correctness,
    cross_entropy,
    log_stablemax,
    log_stablemax_float32,
)


@settings(deadline=None)  # the first call of torch in a process takes longer
@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=12))
def test_stablemax_in_float32_equals_float64_to_1e_6(logits):
    x = torch.tensor(logits)
    exact = log_stablemax(x)
    assert exact.dtype == torch.float64
    torch.testing.assert_close(log_stablemax_float32(x).double(), exact, atol=2e-6, rtol=1e-6)


def test_stablemax_follows_its_definition():
    p = log_stablemax(torch.tensor([3.0, 0.0, -1.0])).exp()
    s = torch.tensor([4.0, 1.0, 0.5], dtype=torch.float64)
    torch.testing.assert_close(p, s / s.sum())


def test_gradients_of_the_float32_form_stay_finite_where_logits_are_huge_or_zero():
    x = torch.tensor([[0.0, 1e30, -1e30, 0.0]], requires_grad=True)
    cross_entropy(x.unsqueeze(0), torch.tensor([[3]]), loss="stablemax_float32").sum().backward()
    assert x.grad.isfinite().all()


@settings(deadline=None)
@given(st.lists(st.just(0.0) | st.just(-0.0) | st.floats(-1e4, 1e4, width=32), min_size=2, max_size=12), st.data())
def test_gradients_of_stablemax_in_float32_equal_float64s(logits, data):
    label = torch.tensor([[data.draw(st.integers(0, len(logits) - 1))]])
    gradients = []
    for loss in ("stablemax", "stablemax_float32"):
        x = torch.tensor([[logits]], requires_grad=True)
        cross_entropy(x, label, loss=loss).sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("loss", LOG_PROBABILITIES)
def test_an_answer_head_of_zeros_learns(loss):
    head = torch.nn.Linear(3, 5)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    inputs, labels = torch.eye(3).unsqueeze(0), torch.tensor([[4, 1, 2]])
    optimizer = torch.optim.SGD(head.parameters(), lr=1.0)
    for _ in range(50):
        optimizer.zero_grad()
        cross_entropy(head(inputs), labels, loss=loss).sum().backward()
        optimizer.step()
    assert torch.equal(head(inputs).argmax(-1), labels)


@pytest.mark.parametrize("loss", LOG_PROBABILITIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_label_smoothing_leaves_out_tokens_that_cannot_be(loss, dtype):
    logits, labels = torch.randn(2, 3, 5).to(dtype), torch.randint(0, 5, (2, 3))
    never = torch.full((2, 3, 2), NEVER, dtype=dtype)
    padded = torch.cat([never, logits], dim=-1).requires_grad_()
    smoothed = cross_entropy(padded, labels + 2, loss=loss, label_smoothing=0.1)
    # stablemax gives even such a logit 1e-4 of a token's share
    expected = cross_entropy(logits, labels, loss=loss, label_smoothing=0.1)
    torch.testing.assert_close(smoothed, expected, atol=1e-3, rtol=1e-3)
    smoothed.sum().backward()
    assert padded.grad[..., :2].abs().max() < 1e-4


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_softmax_is_torchs_cross_entropy(smoothing):
    logits, labels = torch.randn(3, 5, 7), torch.randint(0, 7, (3, 5))
    labels[0, :3] = IGNORE
    ours = cross_entropy(logits, labels, loss="softmax", label_smoothing=smoothing)
    torchs = F.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, label_smoothing=smoothing, reduction="none"
    )
    torch.testing.assert_close(ours.flatten(), torchs)


@pytest.mark.parametrize("loss", ["stablemax", "stablemax_float32"])
def test_label_smoothing_is_cross_entropy_against_the_smoothed_target(loss):
    logits, labels = torch.randn(2, 3, 5), torch.randint(0, 5, (2, 3))
    target = 0.8 * F.one_hot(labels, 5) + 0.2 / 5
    expected = -(target * log_stablemax(logits)).sum(-1)
    torch.testing.assert_close(
        cross_entropy(logits, labels, loss=loss, label_smoothing=0.2).double(), expected, atol=1e-5, rtol=1e-5
    )


def test_each_puzzle_counts_alike_however_many_cells_it_has():
    logits, labels = torch.randn(2, 6, 5), torch.randint(0, 5, (2, 6))
    labels[1, 2:] = IGNORE
    per_cell = cross_entropy(logits, labels)
    torch.testing.assert_close(answer_loss(logits, labels), per_cell[0].mean() + per_cell[1, :2].mean())
    labels[1] = IGNORE
    torch.testing.assert_close(answer_loss(logits, labels), per_cell[0].mean())


def test_correctness_ignores_cells_without_label():
    logits = F.one_hot(torch.tensor([[1, 2, 3], [1, 2, 3], [1, 2, 3]]), 5).float()
    labels = torch.tensor([[1, 2, 3], [1, IGNORE, 0], [IGNORE, IGNORE, IGNORE]])
    correct = correctness(logits, labels)
    assert correct.cells.tolist() == [1.0, 0.5, 0.0]
    assert correct.exact.tolist() == [True, False, True]
    assert correct.has_labels.tolist() == [True, True, False]
