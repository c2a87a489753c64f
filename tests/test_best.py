"""The average of the weights, and which weights of a run are the best."""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch

from ponderling.checkpoint import read_config, read_safetensors
from ponderling.training.observer import Observer
from ponderling.training.starting import start
from runs import assert_equal, final_weights, tiny


class Recorder(Observer):
    def __init__(self):
        self.scores = []

    def evaluated(self, kind, step, *, figures, is_best):
        self.scores.append((kind, step, figures["exact"], is_best))


def test_best_is_the_checkpoint_with_the_highest_validation_score_and_the_test_set_is_scored_once(tmp_path):
    recorder = Recorder()
    start(tiny(steps=40, lr=1e-2), tmp_path, observer=recorder).run()
    kinds = [kind for kind, *_ in recorder.scores]
    assert kinds == ["eval"] * 5 + ["test"]
    saved = json.loads((tmp_path / "best" / "config.json").read_text())["info"]
    chosen = [step for kind, step, _, is_best in recorder.scores if kind == "eval" and is_best][-1]
    assert saved["step"] == chosen
    assert saved["validation"]["exact"] == max(exact for kind, _, exact, _ in recorder.scores if kind == "eval")


@dataclass(frozen=True)
class Scored:
    """Figures of an evaluation that was not made."""

    exact: float
    cells: float
    seen: object = None

    def to_json(self):
        return {"exact": self.exact, "cells": self.cells}


SCORES = [(0.2, 0.9), (0.5, 0.4), (0.5, 0.6), (0.5, 0.6), (0.5, 0.5), (0.1, 1.0)]
"""Exact match and right cells of six evaluations: the fourth is the best, the later of two equals."""


def test_best_is_the_average_at_the_highest_score_and_is_what_the_test_is_made_with(tmp_path):
    trainer = start(tiny(steps=6, eval_every=1, ema_rate=0.5, lr=1e-2), tmp_path, observer=Recorder())
    averages, lives, scored = [], [], []

    def score(puzzles, progress=None, lane=None):
        scored.append({key: value.clone() for key, value in trainer.evaluated_model.state_dict().items()})
        if puzzles is trainer.data.validation:
            averages.append({key: value.clone() for key, value in trainer.ema.module.state_dict().items()})
            lives.append({key: value.clone() for key, value in trainer.model.state_dict().items()})
        return Scored(*SCORES[min(len(scored), 6) - 1])

    trainer.score = score
    trainer.run()
    assert trainer.best == {"step": 4, "rank": [0.5, 0.6]}
    assert [is_best for kind, *_, is_best in trainer.observer.scores if kind == "eval"] == [True] * 4 + [False] * 2
    assert read_config(tmp_path / "best")[2]["step"] == 4
    assert read_config(tmp_path / "best")[2]["validation"] == {"exact": 0.5, "cells": 0.6}
    best, last = (read_safetensors(tmp_path / part / "model.safetensors") for part in ("best", "last"))
    assert_equal(best, averages[3], "best")
    assert_equal(last, averages[5], "last")
    assert_equal(scored[:6], averages, "evaluated")
    assert_equal(scored[6], averages[3], "tested")
    assert len(scored) == 7
    assert_equal(dict(trainer.evaluated_model.state_dict()), averages[5], "after the test")
    for step in range(6):
        assert not torch.equal(averages[step]["answer_head.weight"], lives[step]["answer_head.weight"])


def test_an_average_that_warms_up_is_the_same_in_a_run_that_was_resumed(tmp_path):
    config = tiny(steps=8, ema_rate=0.99, ema_warmup=True, lr=1e-2)
    whole = start(config, tmp_path / "whole")
    whole.run()
    first = start(config, tmp_path / "parts")
    for _ in range(3):
        first.train_step()
    first.save()
    start(config, tmp_path / "parts", resume=True).run()
    expected = final_weights(tmp_path / "whole")
    assert all(torch.equal(value, expected[name]) for name, value in final_weights(tmp_path / "parts").items())
    start(tiny(steps=8, ema_rate=0.99, lr=1e-2), tmp_path / "without").run()
    assert any(not torch.equal(value, expected[name]) for name, value in final_weights(tmp_path / "without").items())


def test_the_average_follows_the_weights_as_its_rate_says(tmp_path):
    trainer = start(tiny(steps=3, ema_rate=0.75, lr=1e-2), tmp_path)
    average = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    for _ in range(3):
        trainer.train_step()
        for name, p in trainer.model.named_parameters():
            average[name] = 0.75 * average[name] + 0.25 * p.detach()
    trainer.save()
    saved = final_weights(tmp_path)
    for name, expected in average.items():
        torch.testing.assert_close(saved[name], expected, atol=1e-6, rtol=1e-5)
