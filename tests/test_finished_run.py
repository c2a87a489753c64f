"""The test at the end of a run: it is made once, and anew where puzzles are solved in another way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ponderling.config import SolveConfig
from ponderling.training.starting import start
from runs import log_of, tiny


def test_a_finished_run_is_not_tested_again(tmp_path, monkeypatch):
    config = tiny(steps=4)
    figures = start(config, tmp_path).run()
    assert figures["puzzles"] == 30
    lines = log_of(tmp_path)
    for _ in range(2):
        trainer = start(config, tmp_path, resume=True)
        monkeypatch.setattr(trainer, "score", lambda *_, **__: pytest.fail("scored again"))
        assert trainer.run() == figures
    assert log_of(tmp_path) == lines
    assert [line["kind"] for line in lines].count("test") == 1
    assert start(replace(config, train=replace(config.train, steps=6)), tmp_path, resume=True).run() != {}
    assert [line["step"] for line in log_of(tmp_path) if line["kind"] == "test"] == [4, 6]


def test_a_finished_run_is_tested_anew_with_other_settings_of_solving(tmp_path):
    config = tiny(steps=4)
    start(config, tmp_path).run()
    other = replace(config, solve=SolveConfig(halt_by="cells", halt_when_sure=0.9))
    for expected in (["tested"], []):
        trainer, scored = start(other, tmp_path, resume=True), []
        score = trainer.score
        trainer.score = lambda *args, **more: (scored.append("tested"), score(*args, **more))[1]  # noqa: B023
        assert trainer.run()["puzzles"] == 30
        assert scored == expected
        assert [line["kind"] for line in log_of(tmp_path)].count("test") == 1


def test_a_stop_during_the_final_test_is_obeyed_and_resuming_makes_the_test(tmp_path):
    config = tiny(steps=4, eval_every=4)
    config = replace(config, data=replace(config.data, max_test=None))  # two batches
    trainer = start(config, tmp_path)
    assert trainer.run(lambda: trainer.step == 4) == {}
    assert start(config, tmp_path, resume=True).run()["puzzles"] == 300
