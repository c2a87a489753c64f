"""Devices without float64, as Apple's GPUs: nothing is computed in it there, and elsewhere the numbers are as before.

The CPU plays the device. A guard refuses every tensor of float64 or complex numbers, unless it comes from one that was moved
with `cpu()` before. Whether MPS has every other operation that is used cannot be tested here.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from arc_examples import example_tasks, kaggle, tiny_run, write
from ponderling.cli import main
from ponderling.losses import LOG_PROBABILITIES, answer_loss, has_float64, log_stablemax, log_stablemax_float32
from ponderling.training.observer import Observer
from ponderling.training.starting import start

LACKING = {torch.float64, torch.complex64, torch.complex128}


class Guard(TorchDispatchMode):
    """Refuses what a device without float64 cannot hold; counts the operations that it let pass."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        on_host = any(getattr(value, "on_host", False) for value in tree_leaves((args, kwargs)))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor):
                if on_host:
                    value.on_host = True
                elif value.dtype in LACKING:
                    raise TypeError(f"Cannot convert a MPS Tensor to {value.dtype}: {func}")
        self.count += 1
        return result


@pytest.fixture
def guard(monkeypatch):
    """The CPU as a device without float64, while the package believes so."""
    move = torch.Tensor.cpu

    def moved(tensor: torch.Tensor) -> torch.Tensor:
        found = move(tensor).view_as(tensor)
        found.on_host = True
        return found

    monkeypatch.setattr(torch.Tensor, "cpu", moved)
    for name, module in list(sys.modules.items()):
        if name.startswith("ponderling.") and hasattr(module, "has_float64"):
            monkeypatch.setattr(module, "has_float64", lambda device: False)
    with Guard() as found:
        yield found
    assert found.count > 0


def test_the_guard_refuses_float64_unless_it_was_moved_before(guard):
    x = torch.ones(3)
    for forbidden in (lambda: x.double(), lambda: torch.zeros(2, dtype=torch.float64), lambda: x.to(torch.complex64)):
        with pytest.raises(TypeError, match="Cannot convert a MPS Tensor"):
            forbidden()
    assert x.cpu().double().sum().item() == 3.0


def test_the_official_loss_would_be_refused(guard, monkeypatch):
    monkeypatch.setattr("ponderling.losses.has_float64", lambda device: True)
    with pytest.raises(TypeError, match="Cannot convert a MPS Tensor"):
        log_stablemax(torch.ones(3))


def test_which_devices_have_float64():
    assert has_float64(torch.device("cpu"))
    assert has_float64(torch.device("cuda", 1))
    assert not has_float64(torch.device("mps"))


def test_stablemax_is_computed_in_float64_wherever_there_is_any():
    logits = 20 * torch.randn(4, 9, 11)
    labels = torch.randint(0, 11, (4, 9))
    x = logits.double()
    s = torch.where(x < 0, 1 / (1 - x + 1e-30), x + 1)  # the official code's
    expected = torch.log(s / s.sum(dim=-1, keepdim=True))
    assert torch.equal(log_stablemax(logits), expected)
    loss = answer_loss(logits, labels)
    assert loss.dtype == torch.float64
    assert torch.equal(loss, -expected.gather(-1, labels.unsqueeze(-1)).squeeze(-1).sum(-1).div(9).sum())


def test_without_float64_stablemax_is_its_float32_form(guard):
    logits = 20 * torch.randn(4, 11)
    assert torch.equal(LOG_PROBABILITIES["stablemax"](logits), log_stablemax_float32(logits))


RUN = [
    "--train.steps", "3", "--run.checkpoint-every", "2", "--run.log-every", "1", "--data.max-train", "64",
    "--data.max-test", "8", "--train.batch-size", "16", "--train.N-sup", "4",
]  # fmt: skip
PUZZLE = "....1.3..4133..."


@pytest.mark.parametrize("recipe", ["sudoku4", "sudoku4-hrm"])
def test_a_run_trains_resumes_evaluates_and_solves_without_float64(recipe, guard, tmp_path, capsys):
    run = str(tmp_path / "run")
    settings = ["--train.loss", "stablemax", "--train.state-noise", "0.1", "--model.dtype", "bfloat16"]
    assert main(["train", recipe, *RUN, *settings, "--out", run]) == 0
    said = capsys.readouterr().err
    assert said.count("cpu has no float64: the loss stablemax is computed in float32, with the same value to 1e-6") == 1
    assert main(["train", recipe, "--resume", "--train.steps", "4", "--out", run]) == 0
    assert main(["eval", run, "--json", "--data", "default", "--max-puzzles", "16"]) == 0
    search = ["--restarts", "2", "--noise", "0.1"]
    assert main(["solve", run, PUZZLE, "--json", *search]) == 0
    assert main(["film", run, PUZZLE, str(tmp_path / "film.svg")]) == 0


def test_packaged_weights_solve_with_search_and_early_exit_without_float64(guard, capsys):
    puzzle = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
    search = ["--restarts", "2", "--noise", "0.1", "--verify"]
    assert main(["solve", "sudoku", puzzle, "--json", *search]) == 0
    assert json.loads(capsys.readouterr().out)["valid"]


def test_arc_votes_and_adapts_without_float64(guard, tmp_path, capsys):
    kaggle(tmp_path, example_tasks(["mirror", "turn"]))
    new = write(tmp_path / "new.json", {"new": example_tasks(["turn"], seed=7)["turn"]})
    start(tiny_run(tmp_path / "made_challenges.json", steps=3), tmp_path / "run", observer=Observer()).run()
    assert main(["eval", str(tmp_path / "run"), "--json"]) == 0
    out = str(tmp_path / "adapted")
    assert main(["adapt", str(tmp_path / "run"), "--task", str(new), "--steps", "2", "--out", out]) == 0
    assert main(["solve", out, str(new)]) == 0
