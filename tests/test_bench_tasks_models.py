"""The outsiders' models: as large as is asked for, trained within their time, and judged by the rules."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bench_tasks as bench
from outside_tasks import small_files
from outsiders import budget, plain, recursive
from outsiders.task import Files
from ponderling.checkpoint import read_config
from ponderling.cli import main
from ponderling.config import PuzzleShape, RunConfig
from ponderling.data import task_of
from ponderling.models import build_model, count_parameters, shape_of
from ponderling.recipes import grid_recipe


def spin(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_as_many_updates_are_planned_as_fit_beside_the_evaluations():
    found = budget.plan(10.0, update=lambda: spin(0.01), check=lambda: spin(0.3))
    evaluations = math.ceil(found.steps / found.check_every)
    assert 1 < evaluations <= int(10.0 * budget.SHARE_OF_CHECKS / 0.3)
    assert found.steps * 0.01 + evaluations * 0.3 == pytest.approx(10.0, rel=0.1)
    assert budget.plan(0.1, update=lambda: spin(0.01), check=lambda: spin(0.3)) == budget.Plan(steps=1, check_every=1)


def test_a_training_ends_when_all_was_right_for_a_while_or_the_time_is_over():
    watch = budget.Watch(1000.0)
    for exact in (1.0, 1.0, 0.99, 1.0, 1.0):
        watch.heard(exact)
        assert not watch.is_over()
    watch.heard(1.0)
    assert (watch.is_over(), watch.ended) == (True, "right")
    watch = budget.Watch(0.02)
    assert watch.ended == "steps"
    spin(0.025)
    assert (watch.is_over(), watch.ended) == (True, "time")


@pytest.mark.parametrize("parameters", [30_000, 80_000, 350_000])
@pytest.mark.parametrize("kind", ["conv", "transformer"])
def test_plain_networks_have_about_the_parameters_that_are_asked_for(kind: Any, parameters: int):
    shape = PuzzleShape(8, 64, columns=8)
    network = plain.NETWORKS[kind](shape, plain.closest(kind, shape, parameters=parameters))
    assert count_parameters(network) == pytest.approx(parameters, rel=0.2)


@pytest.mark.parametrize("cells", [(6, 6), (8, 8), (12, 12)])
def test_the_plain_trm_is_the_first_default(cells: tuple[int, int], tmp_path: Path):
    rows = [[[value] * cells[1]] * cells[0] for value in range(4)]
    files = Files(tmp_path / "train.jsonl", tmp_path / "test.jsonl")
    for path, part in ((files.train, rows[:3]), (files.test, [rows[0][:1] * cells[0]])):
        path.write_text("".join(json.dumps({"input": grid, "output": grid}) + "\n" for grid in part))
    config = recursive.plain_trm(files)
    assert config == grid_recipe(config.data, cells[0] * cells[1]).config


def test_the_default_is_the_run_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = small_files(tmp_path)
    config, parameters = recursive.default(files)
    asked: list[RunConfig] = []

    def noted(config: RunConfig, *_: Any, **__: Any) -> None:
        asked.append(config)
        raise ValueError("enough")

    monkeypatch.setattr("ponderling.training.starting.start", noted)
    assert main(["train", "--data", str(files.train), "--test", str(files.test), "--out", str(tmp_path / "run")]) == 2
    steps = asked[0].train.steps
    assert replace(config, train=replace(config.train, steps=steps)) == asked[0]
    task = task_of(config.data)
    assert parameters == count_parameters(build_model(config.model, shape_of(task), relations=task.relations))


@pytest.mark.parametrize("model", bench.MODELS)
def test_every_model_is_trained_within_its_time_and_tested(model: str, tmp_path: Path):
    files = small_files(tmp_path)
    found = bench.measure("flood_fill", model, files=files, seed=0, minutes=0.04)
    assert found["updates"] >= 3
    assert found["seconds"] < 60 * 0.04 * 1.5
    assert found["test"]["valid"] is None
    if model in ("conv", "transformer"):
        assert found["test"]["exact"] == 1.0
    assert (found["unseen"] is None) == (model in ("trm", "transformer"))
    if model == "conv":
        assert found["unseen"]["exact"] == 1.0
    assert bench.key(found) in {bench.key(json.loads(json.dumps(found)))}


def test_a_recursive_network_keeps_to_its_time_and_is_judged_by_the_rule(tmp_path: Path):
    files = small_files(tmp_path)
    config = recursive.plain_trm(files)
    model = replace(config.model, hidden_size=32, inner_multiple=8, n=1, T=1)
    train = replace(config.train, batch_size=16, N_sup=2, optimizer="adamw", lr=0.01, ema_rate=0.0, loss="softmax")
    course = recursive.train(replace(config, model=model, train=train), tmp_path / "run", seconds=20.0, seed=3)
    assert course.seconds < 25
    assert course.ended == "right", "every evaluation of this easy task is right long before the end"
    assert course.validation == 1.0
    assert read_config(tmp_path / "run" / "last")[0].train.seed == 3
    for rule, share in ((lambda question, answer: question != answer, 1.0), (lambda question, answer: False, 0.0)):
        found = recursive.score(tmp_path / "run", files.test, rule=rule)
        assert found is not None
        assert (found["exact"], found["valid"]) == (1.0, share)
    assert files.unseen is not None
    assert recursive.score(tmp_path / "run", files.unseen, rule=None) is None


def test_a_rule_judges_the_answers(tmp_path: Path):
    files = small_files(tmp_path)
    config = recursive.plain_trm(files)
    shape = shape_of(task_of(config.data))
    network = plain.Conv(shape, 4)
    assert files.unseen is not None
    for rule, share in ((lambda question, answer: True, 1.0), (lambda question, answer: False, 0.0)):
        for path in (files.test, files.unseen):
            found = plain.score(network, path, data=config.data, rule=rule)
            assert found is not None
            assert found["valid"] == share
