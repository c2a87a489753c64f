"""The benchmarks' own parts: a baseline that computes what ours does, and tables that say what was run."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.spines import Spine

import arc_pictures
import bench_time_to_accuracy as bench
import compare_on_mazes
import maze_memory
from arc_examples import example_tasks, write
from plain_trm import PlainTRM
from ponderling.checkpoint import load_checkpoint
from ponderling.config import ModelConfig, PuzzleShape, TrainConfig
from ponderling.losses import answer_loss, halting_loss
from ponderling.models import build_model, shape_of
from ponderling.recipes import get_recipe
from ponderling.tasks import get_task
from ponderling.tasks.maze import Maze
from ponderling.tasks.maze.kinds import HINT_GOAL as GOAL_HINT


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("mixer", ["mlp", "attention"])
def test_the_baseline_has_the_answers_and_gradients_of_ours(mixer: Any, dtype: Any):
    positions = "none" if mixer == "mlp" else "rope"
    config = ModelConfig(
        hidden_size=16, num_heads=2, mixer=mixer, positions=positions, puzzle_embedding_size=0, n=1, T=1, dtype=dtype
    )
    train = TrainConfig(weight_decay=0.0)
    ours = build_model(config, PuzzleShape(11, 81), generator=torch.Generator().manual_seed(0))
    plain = PlainTRM(dict(ours.state_dict()), config, train=train)
    tokens = torch.randint(1, 11, (4, 81), generator=torch.Generator().manual_seed(1))
    labels = torch.randint(2, 11, (4, 81), generator=torch.Generator().manual_seed(2))

    _, output = ours(ours.initial_state(4), tokens, puzzle_ids=torch.zeros(4, dtype=torch.long))
    halt = halting_loss(output.q, torch.zeros(4))
    loss = (answer_loss(output.logits, labels) + train.halt_loss_weight * halt) / 4
    loss.backward()
    before = {name: plain.w[name].detach().clone() for name in plain.trained}
    moved: dict[str, torch.Tensor] = {}
    plain.update = lambda: moved.update({name: plain.w[name].grad for name in plain.trained})  # pyright: ignore
    _, _, told = plain.train_step(*plain.initial_state(4), tokens=tokens, labels=labels)

    rough = dtype == "bfloat16"
    assert told == pytest.approx(loss.item(), rel=2e-2 if rough else 1e-5)
    for name, parameter in ours.named_parameters():
        assert torch.equal(before[name], parameter)
        if parameter.grad is None or not parameter.grad.any():
            continue
        alike = F.cosine_similarity(moved[name].flatten(), parameter.grad.flatten(), dim=0)
        assert alike > (0.98 if rough else 0.99999), name


@pytest.mark.parametrize("size", ["4x4", "6x6", "9x9"])
def test_whose_settings_are_run(size: str):
    ours, official, paper = (bench.settings(name, size)[1] for name in ("ours", "official", "paper"))
    assert official.data.task == paper.data.task == ours.data.task
    assert (official.model.T, official.model.n, official.train.N_sup) == (3, 6, 16)
    assert (official.train.warmup_steps, official.train.weight_decay) == (2000, 1.0)
    alike = (
        ours if size != "9x9" else get_recipe("sudoku9-small").config
    )  # relational networks have no MLP over positions
    assert (official.model.hidden_size, official.train.batch_size) == (alike.model.hidden_size, alike.train.batch_size)
    assert replace(official.train, batch_size=768, steps=paper.train.steps) == paper.train
    assert (paper.model.hidden_size, paper.train.batch_size, paper.model.dtype) == (512, 768, "bfloat16")


def result(**other: Any) -> dict[str, Any]:
    known = {"size": "4x4", "recipe": "ours, `sudoku4`", "parameters": 1, "flops": 2e9, "seconds": 90, "curve": []}
    return {**known, **bench.Options().asked(), **other}


def test_goals_that_were_not_reached_are_dashes():
    curve = [{"minutes": 1.0, "flops": 1e9, "exact": 0.6}, {"minutes": 1.5, "flops": 2e9, "exact": 0.9}]
    table = bench.table([result(curve=curve), result()]).splitlines()
    assert table[2].endswith("| 1.0 min, 1.0e+09 | 1.5 min, 2.0e+09 | – | – | 90.0%, 1.5 min on cpu, 2.0e+09 |")
    assert table[3].count("–") == 4


def test_results_of_a_run_that_was_asked_for_differently_are_not_passed_off(tmp_path: Path):
    file = tmp_path / "results.json"
    file.write_text(json.dumps([result()]))
    alike = bench.Options(only=("4x4",), recipes=("ours",), results=file)
    bench.main(alike)
    with pytest.raises(SystemExit, match=r"was run with minutes 30\.0, not 5\.0: ask for the same, or name another"):
        bench.main(replace(alike, minutes=5.0))
    with pytest.raises(SystemExit, match="must be above 0"):
        bench.main(replace(alike, checks=0))


def test_arc_answers_are_drawn_with_what_is_right_framed_in_green(tmp_path, monkeypatch, capsys):
    tasks = example_tasks(["mirror", "turn"])
    source = write(tmp_path / "tasks.json", tasks)
    right = tasks["mirror"]["test"][0]["output"]
    tries = {"attempt_1": right, "attempt_2": [[0]]}
    answers = {name: [tries] * len(task["test"]) for name, task in tasks.items()}
    submission = write(tmp_path / "submission.json", answers)
    frames: list[str] = []
    monkeypatch.setattr(Spine, "set", lambda self, color, linewidth: frames.append(color))
    picture = tmp_path / "two.png"
    command = ["arc_pictures.py", str(submission), "--tasks", str(source), "--plot", str(picture), "--show"]
    monkeypatch.setattr(sys, "argv", [*command, "mirror=from right to left", "turn"])
    arc_pictures.main()
    assert picture.stat().st_size > 1000
    green, red = "#16803c", "#c0392b"
    assert frames == [green] * 4 + [red] * 4 + [red] * 8
    monkeypatch.setattr(sys, "argv", [*command, "nowhere"])
    with pytest.raises(SystemExit):
        arc_pictures.main()
    assert "not among the tasks and answers: nowhere" in capsys.readouterr().err


def test_clear_news_of_g_moves_one_cell_in_each_call_on_z_in_the_packaged_weights():
    task = get_task("maze12")
    mazes = task.generate(np.random.default_rng(3), 6, kind="mixed", ends="far").tokens
    distance = task.hints(mazes).rounds
    apart = maze_memory.differences(load_checkpoint("maze", task="maze12").model, mazes, calls=40)
    came = maze_memory.arrivals(apart, maze_memory.CLEAR)
    within = (distance > 0) & (distance < 39)
    assert within.sum() > 200
    assert np.array_equal(came[within], distance[within] + 1)


def test_news_that_is_sooner_or_later_than_the_distance_says_is_counted(capsys: pytest.CaptureFixture[str]):
    # Four cells 3 moves from G: in time, one call sooner, one later, and never clearly; faint news comes sooner to two.
    apart = np.zeros((8, 1, 4), np.float32)
    for cell, call in enumerate((4, 3, 5)):
        apart[call - 1 :, 0, cell] = 1.0
    apart[2:, 0, 3] = 0.1
    maze_memory.print_front(apart, np.full((1, 4), 3))
    _, row = capsys.readouterr().out.splitlines()
    assert row.split()[3:] == ["4", "25.00%", "25.00%", "50.00%", "50.00%"]


def test_wrong_hints_are_counted_by_the_age_of_each_cell(capsys: pytest.CaptureFixture[str]):
    # Cell 0 is passed in recursion 1 and forgotten 8 recursions later, cell 1 in recursion 4 and never; the others do not
    # count: G, a wall, and a cell that is passed too late for the greatest age.
    right, passed = np.array([[1, 3, GOAL_HINT, 0, 2]]), np.array([[1, 4, 0, 0, 30]])
    said = np.tile(right, (40, 1, 1))
    said[:4, 0, 1] = 6  # before the wave
    said[1 + 8 - 1 :, 0, 0] = 2
    said[:, 0, 2:] = 5
    maze_memory.print_memory(said, right, passed=passed)
    heading, *rows = capsys.readouterr().out.strip().splitlines()
    assert heading.endswith("wrong hints of 2 cells")
    shares = {row.rsplit(maxsplit=1)[0].strip(): row.split()[-1] for row in rows}
    assert shares == {"1": "0.000%", "2": "0.000%", "4": "0.000%"} | dict.fromkeys(
        ("8", "16", "24", "32", "at the end"), "50.000%"
    )


@pytest.mark.parametrize("name", compare_on_mazes.NETWORKS)
def test_networks_compared_on_mazes_can_be_built_and_their_operations_counted(name):
    config, task = compare_on_mazes.network(name), get_task(compare_on_mazes.TASK)
    assert isinstance(task, Maze)
    model = build_model(config.model, shape_of(task), relations=task.relations)
    tokens = torch.from_numpy(task.generate(np.random.default_rng(0), 2).tokens.astype("int64"))
    ids = torch.zeros(len(tokens), dtype=torch.long)
    each = [
        compare_on_mazes.flops_of_update(model, at, tokens=tokens, ids=ids) for at in compare_on_mazes.depths(config)
    ]
    assert each == sorted(each)
    assert len(each) == (3 if name.startswith("relational") else 1)
    assert compare_on_mazes.batch_of(config) == (42 if name.startswith("relational") else 64)
    assert config.train.hint_loss_weight == (0.5 if name == "relational" else 0.0)
    assert config.model.system == name.partition("-")[0]


def test_the_table_of_networks_on_mazes_has_a_dash_where_weights_do_not_fit():
    figures = {"exact": 0.125, "valid": 0.25, "cells": 0.5}
    result = {"network": "trm-mlp", "parameters": 480_578, "updates": 90, "seconds": 300, "figures": {"12x12": figures}}
    assert (
        compare_on_mazes.table([result]).splitlines()[-1] == "| trm-mlp | 480,578 | 90 | 5 | 12.5, 25.0% | 50.0% | – |"
    )


def test_a_comparison_measures_what_its_file_lacks_and_keeps_it(tmp_path):
    file, measured = tmp_path / "runs" / "results.json", []

    def measure(name: str) -> dict[str, Any]:
        measured.append(name)
        return {"network": name, "flops": 1e9, "seed": 0}

    options = compare_on_mazes.Options(1e9, ("trm-mlp", "relational"), results=file)
    assert [r["network"] for r in compare_on_mazes.results_of(options, measure)] == ["trm-mlp", "relational"]
    options = compare_on_mazes.Options(1e9, compare_on_mazes.NETWORKS[:2], results=file)
    found = compare_on_mazes.results_of(options, measure)
    assert measured == ["trm-mlp", "relational", "relational-without-hints"]
    assert json.loads(file.read_text()) == found
    assert compare_on_mazes.results_of(replace(options, flops=2e9, networks=()), measure) == []
