"""The same on an accelerator as on the CPU; run where there is one (`pytest tests/test_device.py -s`), skipped elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import golden
from golden import Golden
from ponderling.checkpoint import LAST, load_checkpoint
from ponderling.config import RunConfig, RuntimeConfig, Search
from ponderling.exchange.official import official_key
from ponderling.recipes import get_recipe
from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.supervision import empty_carry, refill, supervision_step
from ponderling.tasks import get_task
from ponderling.training.starting import start
from ponderling.training.trainer import Trainer

DEVICE = torch.device("cuda")

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@needs_gpu
@pytest.mark.parametrize("path", golden.models(), ids=lambda path: path.stem)
def test_golden_loss_and_gradients(path: Path):
    g = Golden(path)
    model, batch = g.model().to(DEVICE).train(), g.batch()
    carry = refill(model, empty_carry(model, len(batch), seq_len=batch.tokens.shape[1], device=DEVICE), new=batch)
    result = supervision_step(model, carry, config=g.train_config(), generator=torch.Generator(DEVICE).manual_seed(0))
    result.loss.backward()
    shares = {
        "train/loss": g.share_of_tolerance("train/loss", result.loss.cpu()),
        "train/logits": g.share_of_tolerance("train/logits", result.output.logits.cpu()),
    }
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        key = f"grad/inner.{official_key(name, g.system)}"
        shares[key] = g.share_of_tolerance(key, parameter.grad.cpu())
    worst = max(shares, key=lambda key: shares[key])
    print(f"\n{path.stem}: largest deviation {shares[worst]:.2f} of the CPU's tolerance ({worst})")
    assert shares[worst] <= 1


def small(recipe: str, steps: int = 6, device: str = "cpu", **changes) -> RunConfig:
    config = get_recipe(recipe).first
    train = replace(
        config.train, phases=(), batch_size=16, steps=steps, halt_exploration=0.0, warmup_steps=2,
        optimizer="adamw",  # Muon works in bfloat16, which makes much of the last bit
        **changes,
    )  # fmt: skip
    run = RuntimeConfig(device=device, log_every=1, eval_every=steps, checkpoint_every=steps)
    return replace(
        config, train=train, data=replace(config.data, max_train=200, max_test=20, num_validation=8), run=run
    )


def losses(trainer: Trainer, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        trainer.train_step()
        found.append(trainer._window.take(1.0)["loss"])
    return found


@needs_gpu
@pytest.mark.parametrize("recipe", ["sudoku4", "sudoku4-hrm", "sudoku", "maze10"])
def test_training_has_the_losses_of_the_cpu(recipe: str, tmp_path: Path):
    config = small(recipe)
    there = replace(config, run=replace(config.run))
    expected = losses(start(config, tmp_path / "cpu"), 6)
    assert losses(start(there, tmp_path / "gpu"), 6) == pytest.approx(expected, rel=0.02)


@needs_gpu
def test_a_run_evaluates_saves_and_goes_on(tmp_path: Path):
    config = small("sudoku4", steps=8, state_noise=0.01)
    stopped = start(config, tmp_path / "run")
    assert stopped.run(should_stop=lambda: stopped.step == 5) == {}
    figures = start(config, tmp_path / "run", resume=True).run()
    whole = start(config, tmp_path / "whole")
    whole.run()
    assert 0 <= figures["exact"] <= 1
    resumed = load_checkpoint(tmp_path / "run" / LAST).model.state_dict()
    for key, value in whole.evaluated_model.state_dict().items():
        torch.testing.assert_close(resumed[key], value.cpu(), rtol=1e-3, atol=1e-4)


@needs_gpu
@pytest.mark.parametrize(("first", "then"), [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_run_goes_on_on_another_device(first: str, then: str, tmp_path: Path):
    config = small("sudoku4", steps=6)
    trainer = start(replace(config, run=replace(config.run, device=first)), tmp_path)
    trainer.run(should_stop=lambda: trainer.step == 3)
    moved = start(replace(config, run=replace(config.run, device=then)), tmp_path, resume=True)
    for key, value in trainer.model.state_dict().items():
        assert torch.equal(moved.model.state_dict()[key].cpu(), value.cpu()), key
    moved.run()
    assert moved.step == 6


@needs_gpu
@pytest.mark.parametrize("compiled", [False, True])
def test_the_packaged_weights_solve(compiled: bool):
    puzzles = get_task("sudoku9").load_default("test")[:40]
    here = Solver.load("sudoku")
    there = Solver.load("sudoku", device="cuda", compile=compiled)
    for a, b in zip(
        here.solve_many(tokens=list(puzzles.tokens)), there.solve_many(tokens=list(puzzles.tokens)), strict=True
    ):
        assert np.array_equal(a.tokens, b.tokens)
        assert a.halt_probability == pytest.approx(b.halt_probability, abs=0.02)


@needs_gpu
def test_search_and_evaluation():
    puzzles = get_task("sudoku9").load_default("test")[:12]
    solver = Solver.load("sudoku", device="cuda")
    found = list(
        solver.solve_many(tokens=list(puzzles.tokens), steps=1, search=Search(restarts=20, noise=0.1, verify=True))
    )
    assert all(result.valid for result in found)
    figures = evaluate(solver, puzzles).to_json()
    assert figures["exact"] == 1


@needs_gpu
@pytest.mark.parametrize("name", ["trm-sudoku-mlp", "hrm-sudoku"])
def test_bfloat16_networks_of_the_papers_train(name: str, tmp_path: Path):
    config = get_recipe(name).config
    assert config.model.dtype == "bfloat16"
    train = replace(config.train, batch_size=32, warmup_steps=0)
    data = replace(get_recipe("sudoku9-small").config.data, max_train=32, num_validation=0)
    trainer = start(replace(config, train=train, data=data, run=RuntimeConfig(device="cuda")), tmp_path)
    found = losses(trainer, 4)
    assert np.isfinite(found).all()
