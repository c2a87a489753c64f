"""A wider network says what the narrower one says, and every new channel and unit learns."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from ponderling.checkpoint import CheckpointError
from ponderling.config import PuzzleShape, RunConfig
from ponderling.losses import cross_entropy
from ponderling.models import build_model
from ponderling.models.relational import Relational
from ponderling.models.widened import is_narrower, widened
from ponderling.tasks import get_task
from ponderling.tasks.grid_task import GridTask
from test_relational import SMALL, network
from test_relational import tiny_run as sudoku_run

TASKS = ("sudoku4", "maze6")


def wide(task_name: str, size: int = 16, **changes) -> Relational:
    task = get_task(task_name)
    assert isinstance(task, GridTask)
    config = replace(SMALL, hidden_size=size, **changes)
    shape = PuzzleShape(task.vocab_size, task.num_cells)
    model = build_model(config, shape, generator=torch.Generator().manual_seed(1), relations=task.relations)
    assert isinstance(model, Relational)
    return model


def said(model: Relational, tokens: np.ndarray, steps: int = 3):
    question = torch.from_numpy(tokens.astype(np.int64))
    state, outputs = model.initial_state(len(tokens)), []
    for _ in range(steps):
        state, output = model(state, question, puzzle_ids=torch.zeros(len(tokens)).long())
        outputs.append((output.logits, output.q))
    return outputs


@pytest.mark.parametrize(("task_name", "hears"), [("sudoku4", "mlp"), ("maze6", "mlp"), ("maze6", "kernel")])
def test_nothing_changes_at_first(task_name: str, hears: str):
    narrow, model = network(task_name, replace(SMALL, hears=hears)), wide(task_name, hears=hears)
    assert isinstance(narrow, Relational)
    assert is_narrower(narrow.state_dict(), model)
    model.load_state_dict(widened(narrow.state_dict(), model))
    tokens = get_task(task_name).load_default("test").tokens[:4]
    with torch.inference_mode():
        for (logits, q), (wide_logits, wide_q) in zip(said(narrow, tokens), said(model, tokens), strict=True):
            torch.testing.assert_close(wide_logits, logits, atol=2e-3, rtol=2e-3)
            torch.testing.assert_close(wide_q, q, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("task_name", TASKS)
def test_all_that_is_new_learns_within_two_updates(task_name):
    """New channels are written at the first update and so read at the second; no weight stays as it was."""
    narrow, model = network(task_name), wide(task_name)
    model.load_state_dict(widened(narrow.state_dict(), model))
    puzzles = get_task(task_name).load_default("test")[:8]
    labels = torch.from_numpy(puzzles.labels.astype(np.int64))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(2):
        logits, q = said(model, puzzles.tokens)[-1]
        optimizer.zero_grad()
        (cross_entropy(logits, labels).mean() + q.square().mean()).backward()
        optimizer.step()
    still = {name: (p.detach() == before[name]).float().mean().item() for name, p in model.named_parameters()}
    # Of the five named tokens one is in no question.
    assert max(share for name, share in still.items() if "hint_head" not in name) < 0.25, still


def test_only_weights_of_a_narrower_network_are_widened():
    model, narrow = wide("sudoku4"), network("sudoku4")
    assert not is_narrower(model.state_dict(), model)
    assert not is_narrower(wide("sudoku4", size=24).state_dict(), model)
    assert not is_narrower(network("maze6").state_dict(), model)
    assert not is_narrower({}, model)
    strange = narrow.state_dict() | {"net.0.mlp.down.weight": torch.zeros(8, 400)}
    with pytest.raises(ValueError, match=re.escape("net.0.mlp.down.weight: expected the shape of a narrower network")):
        widened(strange, model)


def test_a_run_starts_from_a_narrower_checkpoint(tmp_path, capsys):
    from ponderling.training.starting import start

    first = sudoku_run()
    start(first, tmp_path / "narrow").run()
    size = first.model.hidden_size
    config: RunConfig = replace(
        first,
        model=replace(first.model, hidden_size=2 * size),
        train=replace(first.train, init=str(tmp_path / "narrow")),
    )
    trainer = start(config, tmp_path / "wide")
    assert f"is made wider: {size} to {2 * size} channels" in capsys.readouterr().err
    assert trainer.model.initial.shape == (2, 2 * size)
    deeper = replace(config, model=replace(config.model, num_layers=1))
    with pytest.raises(CheckpointError, match="unexpected"):
        start(deeper, tmp_path / "deeper")
