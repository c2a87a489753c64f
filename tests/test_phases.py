"""Phases of training: other puzzles, another depth and more clues for a while."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ponderling.checkpoint import load_checkpoint
from ponderling.config import Phase, PuzzleShape
from ponderling.models import build_model
from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.training.starting import start
from runs import assert_same, tiny

PHASES = (Phase(until=5, n=3, T=1, max_rating=0), Phase(until=12, min_rating=1))


def asked_depths(trainer) -> list[tuple[int, int]]:
    """The n and T of every call of the trainer's model from now on."""
    depths, forward, own = [], trainer.model.forward, trainer.model.config

    def watched(*args, n=None, T=None, **kwargs):
        depths.append((n or own.n, T or own.T))
        return forward(*args, n=n, T=T, **kwargs)

    trainer.model.forward = watched
    return depths


def test_a_phase_shows_its_own_puzzles_at_its_own_depth(tmp_path):
    config = tiny("sudoku9-small", phases=PHASES, N_sup=2, steps=30)
    trainer = start(replace(config, data=replace(config.data, augment=False)), tmp_path)
    train = trainer.data.train
    ratings = {row.tobytes(): rating for row, rating in zip(train.tokens, train.ratings, strict=True)}
    assert set(ratings.values()) > {0, 1}
    seen, depths = {}, asked_depths(trainer)
    while trainer.step < 20:
        was_phase = trainer.phase
        trainer.train_step()
        depth = depths[-1]
        fresh = trainer.lanes[0].carry.batch.tokens[trainer.lanes[0].carry.steps == 1].numpy().astype(np.uint8)
        new = {ratings[row.tobytes()] for row in fresh}
        seen.setdefault((None if was_phase is None else was_phase.until, depth), set()).update(new)
    assert set(seen) == {(5, (3, 1)), (12, (1, 2)), (None, (1, 2))}
    assert seen[5, (3, 1)] == {0}
    assert min(seen[12, (1, 2)]) == 1
    assert {0, 1} <= seen[None, (1, 2)]


def test_a_phase_gives_up_to_so_many_of_the_missing_cells(tmp_path):
    trainer = start(tiny("sudoku4", phases=(Phase(2, extra_clues=3),), N_sup=2, steps=30), tmp_path)
    clues = {int((row > 1).sum()) for row in trainer.data.train.tokens}
    more = trainer.lanes[0].sampler.take(2000)
    added = (more.tokens > 1).sum(axis=1)
    assert added.max() > max(clues)
    assert ((more.tokens == 1) | (more.tokens == more.labels)).all()
    trainer.train_step()
    trainer.train_step()
    assert {int((row > 1).sum()) for row in trainer.lanes[0].sampler.take(500).tokens} <= clues


def test_extra_clues_are_refused_where_an_answer_is_no_clue(tmp_path):
    with pytest.raises(ValueError, match="whose answers are of the same symbols as their clues: not maze10"):
        start(tiny("maze10", compile=False, phases=(Phase(2, extra_clues=3),)), tmp_path)


def test_resuming_in_a_phase_equals_never_having_stopped(tmp_path):
    config = tiny("sudoku9-small", phases=PHASES, N_sup=2, steps=16, clip_gradient=0.5)
    start(config, tmp_path / "whole").run()
    for stop in (3, 12):  # within the first phase, and at the very end of the second
        halves = start(config, tmp_path / str(stop))
        halves.run(lambda halves=halves, stop=stop: halves.step >= stop)
        start(config, tmp_path / str(stop), resume=True).run()
        assert_same(tmp_path / "whole", tmp_path / str(stop))


def test_varied_T_is_drawn_around_the_models_own_and_the_same_when_resumed(tmp_path):
    config = tiny("sudoku9-small", phases=(Phase(until=8, T=1), Phase(until=30)), vary_T=True, N_sup=2, steps=30)
    trainer = start(replace(config, model=replace(config.model, T=3)), tmp_path / "seen")
    depths = asked_depths(trainer)
    while trainer.step < 30:
        trainer.train_step()
    seen = [T for _, T in depths]
    assert set(seen[:8]) == {1}
    assert set(seen[8:]) == {1, 2, 3, 4, 5}
    start(config, tmp_path / "whole").run()
    halves = start(config, tmp_path / "halves")
    halves.run(lambda: halves.step >= 11)
    start(config, tmp_path / "halves", resume=True).run()
    assert_same(tmp_path / "whole", tmp_path / "halves")
    assert load_checkpoint(tmp_path / "whole").config.model.T == config.model.T


def test_a_phase_that_no_puzzle_fits_is_refused(tmp_path):
    says = r"until step 9 asks for puzzles rated from 7000 to 8000: the training puzzles are rated 0 to 0"
    with pytest.raises(ValueError, match=says):
        start(tiny(phases=(Phase(3), Phase(9, min_rating=7000, max_rating=8000))), tmp_path)


def test_without_an_average_a_phase_is_evaluated_at_the_depth_of_the_checkpoint(tmp_path):
    config = tiny(ema_rate=0.0, phases=(Phase(30, n=3, T=1),), steps=8)
    trainer = start(config, tmp_path)
    depths = asked_depths(trainer)
    figures = trainer.run()
    assert set(depths[:8]) == {(3, 1)}, "while training"
    assert set(depths[8:]) == {(config.model.n, config.model.T)}, "while evaluating"
    checkpoint = load_checkpoint(tmp_path)
    again = evaluate(Solver(checkpoint.model, trainer.task, config=config), trainer.data.test).to_json()
    assert again["cells"] == figures["cells"]
    assert again["exact_by_step"] == figures["exact_by_step"]


def test_a_model_that_takes_no_depth_is_refused_where_another_depth_is_asked_for(tmp_path):
    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = build_model(tiny().model, PuzzleShape(6, 16))

        def initial_state(self, batch_size):
            return self.inner.initial_state(batch_size)

        def forward(self, state, tokens, *, puzzle_ids):
            return self.inner(state, tokens, puzzle_ids=puzzle_ids)

    says = "trains at another n or T than the model's own: the call of Own must take the keywords n and T"
    for wrong in ({"vary_T": True}, {"phases": (Phase(4, T=1),)}):
        with pytest.raises(ValueError, match=says):
            start(tiny(steps=8, **wrong), tmp_path / next(iter(wrong)), model=Own())
    trainer = start(tiny(steps=2, phases=(Phase(1),)), tmp_path / "own", model=Own())
    trainer.run()
    assert trainer.step == 2
