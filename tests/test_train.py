"""Training: what is trained, on what, with which limits, and when it is saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ponderling.config import PuzzleShape
from ponderling.models import TRM, Output
from ponderling.recipes import get_recipe
from ponderling.tasks import get_task
from ponderling.training.observer import Observer
from ponderling.training.starting import start
from runs import assert_same, final_weights, tiny


def test_clipping_bounds_the_gradient(tmp_path):
    weights = []
    for clip in (1e-9, 1e-3):
        trainer = start(tiny(optimizer="adamw", clip_gradient=clip, weight_decay=0.0), tmp_path / str(clip))
        seen = []
        step = trainer.optimizers.step
        trainer.optimizers.step = lambda: (seen.append(gradient_norm(trainer)), step())  # noqa: B023
        trainer.train_step()
        weights.append(seen[0])
    assert weights == pytest.approx([1e-9, 1e-3], rel=0.01)


def gradient_norm(trainer) -> float:
    return float(torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None]).norm())


def test_to_clip_at_no_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"clip.gradient must be .*: got nan"):
        start(tiny(clip_gradient=float("nan"), checkpoint_every=1), tmp_path / "run").run()
    assert not (tmp_path / "run").exists()


def test_a_full_disk_leaves_the_last_checkpoint_intact(tmp_path, monkeypatch):
    trainer = start(tiny(), tmp_path)
    trainer.run(lambda: trainer.step >= 8)
    good = final_weights(tmp_path)

    def full(tensors, path, metadata=None):
        Path(path).write_bytes(b"half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ponderling.checkpoint.tensor_files.save_file", full)
    with pytest.raises(OSError, match="No space left on device"):
        trainer.run()
    monkeypatch.undo()
    assert all(torch.equal(good[key], value) for key, value in final_weights(tmp_path).items())
    assert not list(tmp_path.rglob("*.tmp"))
    assert start(tiny(), tmp_path, resume=True).step == 8


def test_a_checkpoint_is_saved_after_so_many_minutes_too(tmp_path, monkeypatch):
    """0 minutes: after every step, whatever checkpoint_every says."""
    saved = []
    trainer = start(tiny(steps=3, checkpoint_every=100, checkpoint_minutes=0.0), tmp_path)
    save = trainer.save
    monkeypatch.setattr(trainer, "save", lambda: (saved.append(trainer.step), save()))
    trainer.run()
    assert saved == [0, 1, 2, 3, 3]


def test_validation_puzzles_are_never_trained_on_and_do_not_depend_on_the_seed():
    task = get_task("sudoku4")
    splits = [task.load_split(tiny(seed=seed).data) for seed in (0, 1)]
    for split in splits:
        train = {row.tobytes() for row in split.train.tokens}
        assert len(split.validation) == 20
        assert not train & {row.tobytes() for row in split.validation.tokens}
        assert not train & {row.tobytes() for row in split.test.tokens}
    assert (splits[0].validation.tokens == splits[1].validation.tokens).all()


class Guess(torch.nn.Module):
    """A recursive model that is not ours: it adds a learned table of its own last answer to the question."""

    def __init__(self):
        super().__init__()
        self.question, self.answer = torch.nn.Embedding(6, 6), torch.nn.Linear(6, 6)
        self.halt = torch.nn.Linear(6, 1)

    def initial_state(self, batch_size):
        return (torch.zeros(batch_size, 16, 6),)

    def forward(self, state, tokens, *, puzzle_ids):
        logits = self.question(tokens) + self.answer(state[0].tanh())
        q = self.halt(logits.mean(1)).squeeze(1)
        return (logits,), Output(logits, q, q)


def test_any_module_with_the_two_methods_trains_resumes_and_is_saved(tmp_path):
    config = tiny(steps=40, lr=1e-2, ema_rate=0.5)
    torch.manual_seed(0)
    halves = start(config, tmp_path / "halves", model=Guess())
    torch.manual_seed(0)
    whole = start(config, tmp_path / "again", model=Guess())
    whole.run()
    halves.run(lambda: halves.step >= 15)
    start(config, tmp_path / "halves", resume=True, model=Guess()).run()
    assert_same(tmp_path / "again", tmp_path / "halves")
    lines = [json.loads(line) for line in (tmp_path / "again" / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["kind"] == "train"]
    assert losses[-1] < losses[0]


def test_a_model_that_was_built_for_other_puzzles_is_refused(tmp_path):
    config = tiny()
    model = TRM(config.model, PuzzleShape(vocab_size=7, seq_len=16))
    with pytest.raises(ValueError, match=r"built for other puzzles: PuzzleShape with vocab_size 7 \(the task has 6\)$"):
        start(config, tmp_path / "a", model=model)
    with pytest.raises(ValueError, match=r"PuzzleShape with seq_len 81 \(the task has 16\)$"):
        start(config, tmp_path / "b", model=TRM(config.model, PuzzleShape(vocab_size=6, seq_len=81)))
    start(replace(config, train=replace(config.train, steps=1)), tmp_path / "c", model=TRM(config)).run()


@pytest.mark.slow
def test_a_small_network_learns_4x4_sudoku(tmp_path):
    config = get_recipe("sudoku4").config
    figures = start(config, tmp_path).run()
    assert figures["exact"] > 0.97
    assert figures["valid"] >= figures["exact"]


def test_without_a_compiler_training_goes_on_uncompiled_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    said = []

    class Listener(Observer):
        def noticed(self, text):
            said.append(text)

    start(tiny(compile=True, steps=4), tmp_path / "a", observer=Listener()).run()
    start(tiny(compile=False, steps=4), tmp_path / "b").run()
    assert ["no C++ compiler" in text for text in said] == [True]
    for key, value in final_weights(tmp_path / "a").items():
        assert torch.equal(value, final_weights(tmp_path / "b")[key]), key
