"""Numbers that are not finite: no update and no checkpoint has them, and the last good checkpoint is named."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ponderling.checkpoint import load_checkpoint, load_training_state
from ponderling.models import TRM
from ponderling.tasks import get_task
from ponderling.training.soundness import advice
from ponderling.training.starting import start
from ponderling.training.trainer import TrainingError
from runs import assert_same, final_weights, tiny


def test_a_non_finite_loss_stops_before_the_update_and_keeps_the_last_checkpoint(tmp_path):
    trainer = start(tiny(), tmp_path)
    trainer.run(lambda: trainer.step >= 8)
    good = final_weights(tmp_path)
    with torch.no_grad():
        trainer.model.answer_head.weight[0, 0] = float("nan")
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    with pytest.raises(
        TrainingError, match=r"loss is nan at step 9; the weights were not updated. Try a lower --train.lr"
    ):
        trainer.run()
    after = trainer.model.state_dict()
    assert all(torch.equal(before[key], after[key]) or key == "answer_head.weight" for key in before)
    assert all(torch.equal(good[key], value) for key, value in final_weights(tmp_path).items())


def assert_last_is_good(out: Path, error: TrainingError, step: int) -> None:
    """The message names the last checkpoint and its step, and that checkpoint can be used."""
    assert str(error).endswith(f"the last good checkpoint is {out / 'last'} (step {step})")
    checkpoint, state = load_checkpoint(out / "last"), load_training_state(out / "last")
    assert (checkpoint.info["step"], state["step"]) == (step, step)
    for weights in (checkpoint.model.state_dict(), state["model"], state["ema"] or {}):
        assert all(value.isfinite().all() for value in weights.values())
    task = get_task("sudoku4")
    tokens = torch.from_numpy(task.load_default("test").tokens[:3].astype(np.int64))
    ids = torch.zeros(3, dtype=torch.long)
    for weights in (checkpoint.model.state_dict(), state["model"]):
        checkpoint.model.load_state_dict(weights)
        _, output = checkpoint.model(checkpoint.model.initial_state(3), tokens, puzzle_ids=ids)
        assert output.logits.isfinite().all()


@pytest.mark.parametrize("ema_rate", [0.0, 0.999])
@pytest.mark.parametrize(("checkpoint_every", "lr"), [(1, 1e30), (4, 1e30), (1, 1e35), (1, float("nan"))])
def test_after_a_run_blew_up_the_last_checkpoint_is_a_good_one(tmp_path, checkpoint_every, lr, ema_rate):
    """The first update with lr 1e30 leaves weights that are finite, and of no use."""
    config = tiny(optimizer="adamw", warmup_steps=0, checkpoint_every=checkpoint_every, ema_rate=ema_rate)
    trainer = start(config, tmp_path)
    for optimizer in trainer.optimizers.all:
        optimizer.param_groups[0]["initial_lr"] = optimizer.param_groups[0]["lr"] = lr
    with pytest.raises(TrainingError, match=r"Try a lower --train\.lr") as caught:
        trainer.run()
    assert_last_is_good(tmp_path, caught.value, 0)


class Rooted(torch.nn.Module):
    """A block whose loss is finite and whose gradient is NaN once it is told so: the root's slope at 0 is infinite."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(16, 16)
        self.poisoned = False

    def forward(self, x):
        y = x + self.inner(x)
        return y + 0 * torch.sqrt((self.inner.weight * 0).sum()) if self.poisoned else y


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_gradient_that_is_not_finite_stops_before_the_update(tmp_path, clip):
    config = tiny(checkpoint_every=1, clip_gradient=clip, ema_rate=0.5)
    net = Rooted()
    trainer = start(config, tmp_path, model=TRM(config, net=net))
    trainer.run(lambda: trainer.step >= 3)
    net.poisoned = True
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    says = r"the norm of the gradient is nan at step 4; the weights were not updated"
    with pytest.raises(TrainingError, match=says) as caught:
        trainer.run()
    assert all(torch.equal(before[key], value) for key, value in trainer.model.state_dict().items())
    assert str(caught.value).endswith(f"the last good checkpoint is {tmp_path / 'last'} (step 3)")
    assert all(value.isfinite().all() for value in final_weights(tmp_path).values())


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_gradient_of_puzzle_embeddings_that_is_not_finite_stops_before_the_update(tmp_path, clip, monkeypatch):
    config = tiny(clip_gradient=clip)
    config = replace(config, model=replace(config.model, prefix_len=1, puzzle_embedding_size=16))
    trainer = start(config, tmp_path)
    trainer.train_step()
    table, before = trainer.model.puzzle_embedding, trainer.model.puzzle_embedding.table.clone()

    def spoil(model, loss, world):
        table.rows.grad[2].fill_(float("nan"))

    monkeypatch.setattr("ponderling.training.trainer.add_up_gradients", spoil)
    with pytest.raises(TrainingError, match="the norm of the gradient is nan at step 2"):
        trainer.train_step()
    assert torch.equal(table.table, before)


@pytest.mark.parametrize("which", ["live", "average"])
def test_weights_that_are_not_finite_replace_no_checkpoint(tmp_path, which):
    trainer = start(tiny(ema_rate=0.5), tmp_path)
    trainer.run(lambda: trainer.step >= 8)
    files = {file: file.read_bytes() for part in ("best", "last") for file in (tmp_path / part).iterdir()}
    assert len(files) == 5
    trainer.step = 9
    assert trainer._best.judge({"exact": 1.0, "cells": 1.0}, 9)
    weights = (trainer.model if which == "live" else trainer.evaluated_model).answer_head.weight
    with torch.no_grad():
        weights[0, 0] = float("inf")
    name = "weights" if which == "live" else "averaged weights"
    with pytest.raises(TrainingError, match=f"the {name} are not finite after step 9; they were not saved") as caught:
        trainer.save()
    assert str(caught.value).endswith("(step 8)")
    assert {file: file.read_bytes() for file in files} == files


class Masked(Rooted):
    """A block with a buffer that is infinite by design."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.tensor([0.0, float("-inf")]))


def test_a_buffer_that_is_infinite_by_design_is_saved(tmp_path):
    config = tiny(steps=2)
    start(config, tmp_path, model=TRM(config, net=Masked())).run()
    assert final_weights(tmp_path)["net.mask"].tolist() == [0.0, float("-inf")]


def test_to_look_at_weights_before_they_are_saved_changes_nothing(tmp_path):
    """Neither numbers nor random streams: the same weights however often a run is saved."""
    configs = [tiny(steps=10, halt_exploration=0.5, state_noise=0.1, checkpoint_every=every) for every in (1, 100)]
    for config in configs:
        start(config, tmp_path / str(config.run.checkpoint_every)).run()
    assert_same(tmp_path / "1", tmp_path / "100")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_decay": 1e9}, r"Try a lower --train.weight-decay \(now 1e\+09: with --train.muon-lr 0.02 each step "),
        (
            {"halt_loss_weight": 1e30},
            r"Try a lower --train.halt-loss-weight \(now 1e\+30\); no checkpoint was saved yet",
        ),
        ({"step_noise": 1e38}, r"Try a lower --train.step-noise \(now 1e\+38\); no checkpoint was saved yet"),
        ({"lr": 1e30}, r"Try a lower --train.lr \(now 1e\+30\), more --train.warmup-steps"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_advice_names_the_setting_that_is_far_too_high(changes, message):
    assert re.match(message, advice(tiny(**changes), Path("nowhere")))
