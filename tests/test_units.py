"""The official implementations' unit tables: one function each."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import golden
from golden import Golden
from ponderling.losses import IGNORE, cross_entropy
from ponderling.models.layers import rms_norm, rope_tables, rotate, swiglu_width, truncated_normal_
from ponderling.models.puzzle_embedding import PuzzleEmbedding
from ponderling.training.optim import AdamATan2, SparseSignSGD, lr_factor, make_ema


@pytest.fixture(scope="module", params=golden.files("units.safetensors"), ids=lambda path: path.parent.name)
def units(request) -> Golden:
    return Golden(request.param)


@pytest.mark.parametrize(("loss", "name"), [("stablemax", "stablemax"), ("softmax", "softmax")])
def test_loss_of_every_token_and_its_gradient(units, loss, name):
    t = units.tensors
    logits = t["stablemax/logits"].clone().requires_grad_()
    labels = t["stablemax/labels"].long()
    per_cell = cross_entropy(logits, labels, loss=loss)
    per_cell.sum().backward()
    torch.testing.assert_close(per_cell.double(), t[f"{name}/loss_per_token"].double(), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(logits.grad, t[f"{name}/grad_of_sum"], atol=1e-6, rtol=1e-5)
    assert (per_cell[labels == IGNORE] == 0).all()


def test_rms_norm(units):
    t = units.tensors
    torch.testing.assert_close(rms_norm(t["rms_norm/x"], 1e-5), t["rms_norm/y_eps1e-5"], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(rms_norm(t["rms_norm/x"], 1e-6), t["rms_norm/y_eps1e-6"], atol=1e-6, rtol=1e-6)
    assert torch.equal(rms_norm(t["rms_norm/x"].bfloat16(), 1e-5), t["rms_norm/y_bf16_eps1e-5"])


def test_rotary_tables_and_rotation(units):
    t = units.tensors
    S, K = t["rope/cos"].shape
    cos, sin = rope_tables(S, K, theta=10000.0)
    torch.testing.assert_close(cos, t["rope/cos"], atol=1e-6, rtol=0)
    torch.testing.assert_close(sin, t["rope/sin"], atol=1e-6, rtol=0)
    for name in "qk":
        rotated = rotate(t[f"rope/{name}"].transpose(1, 2), cos, sin=sin).transpose(1, 2)
        torch.testing.assert_close(rotated, t[f"rope/{name}_out"], atol=1e-6, rtol=1e-6)


def test_swiglu_widths(units):
    t = units.tensors
    for expansion, row in zip(t["swiglu/expansion"].tolist(), t["swiglu/inter"].tolist(), strict=True):
        assert [swiglu_width(size, expansion) for size in t["swiglu/hidden"].tolist()] == row


def test_one_step_of_sparse_sign_sgd(units):
    t = units.tensors
    lr, decay = t["signsgd/lr_wd"].tolist()
    count, size = t["signsgd/weights"].shape
    embedding = PuzzleEmbedding(count, size, prefix_len=1, hidden_size=size, dtype=torch.float32).train()
    embedding.table.copy_(t["signsgd/weights"])
    embedding(t["signsgd/ids"].long()).backward(t["signsgd/grad"].unsqueeze(1))
    SparseSignSGD(embedding, lr, weight_decay=decay).step()
    torch.testing.assert_close(embedding.table, t["signsgd/weights_out"], atol=1e-7, rtol=1e-6)


def test_learning_rate_tables(units):
    t = units.tensors
    cases = sorted({key.split("/")[1] for key in t if key.startswith("lr/")})
    assert cases
    for case in cases:
        base, warmup, total, lowest = t[f"lr/{case}/base_warm_total_min"].tolist()
        rates = [
            base * lr_factor(step, int(warmup), total_steps=int(total), lr_min_ratio=lowest)
            for step in t[f"lr/{case}/step"].tolist()
        ]
        assert rates == pytest.approx(t[f"lr/{case}/lr"].tolist(), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("adam_atan2_0.0.3", {"correction": "outside"}),
        ("paper_a1_b1", {"correction": "inside"}),
        ("adam_atan2_pytorch_a1.27_b1", {"correction": "inside", "scale": 1.27}),
    ],
)
def test_four_steps_of_each_adam_atan2(units, rule, settings):
    t = units.tensors
    lr, decay, beta1, beta2 = t["adam_atan2/lr_wd_b1_b2"].tolist()
    p = nn.Parameter(t["adam_atan2/param0"].clone())
    optimizer = AdamATan2([p], lr, betas=(beta1, beta2), weight_decay=decay, **settings)
    for gradient, expected in zip(t["adam_atan2/grads"], t[f"adam_atan2/{rule}/params_after"], strict=True):
        p.grad = gradient.clone()
        optimizer.step()
        torch.testing.assert_close(p.detach(), expected, atol=1e-6, rtol=1e-6)


def test_moving_average(units):
    t = units.tensors
    rows = t["ema/params"]
    model = nn.Linear(rows.shape[1], 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(rows[:1])
    ema = make_ema(model, 0.999)
    for row in rows[1:]:
        with torch.no_grad():
            model.weight.copy_(row.unsqueeze(0))
        ema.update_parameters(model)
    torch.testing.assert_close(ema.module.weight[0], t["ema/shadow_final_mu0.999"], atol=1e-6, rtol=1e-6)


def test_initial_weights_draw_for_draw(units):
    t = units.tensors
    torch.manual_seed(int(units.metadata["seed"]))
    square = truncated_normal_(torch.empty(64, 64), 0.125)
    torch.testing.assert_close(square, t["init/trunc_normal_64x64_std_0.125"], atol=1e-6, rtol=1e-5)
    std, largest = t["init/empirical_std_absmax_for_std1"].tolist()
    many = truncated_normal_(torch.empty(1_000_000), 1.0)
    assert many.std().item() == pytest.approx(std, abs=5e-3)
    assert many.abs().max().item() == pytest.approx(largest, abs=1e-3)
