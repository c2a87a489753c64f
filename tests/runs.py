"""Small runs for tests, and what tells whether two of them are the same."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import torch

from ponderling.checkpoint import load_training_state, read_config, read_safetensors
from ponderling.config import RunConfig, RuntimeConfig
from ponderling.recipes import get_recipe


def tiny(name: str = "sudoku4", **changes) -> RunConfig:
    config = get_recipe(name).config
    model = replace(config.model, hidden_size=16, inner_multiple=16, n=1, T=2, num_layers=1)
    settings = {
        "steps": 24,
        "batch_size": 8,
        "N_sup": 4,
        "eval_every": 8,
        "checkpoint_every": 8,
        "log_every": 4,
        **changes,
    }
    runtime = {field.name: settings.pop(field.name) for field in fields(RuntimeConfig) if field.name in settings}
    data = replace(config.data, num_validation=20, max_train=100, max_test=30)
    run = replace(config.run, **runtime)
    return RunConfig(model=model, train=replace(config.train, **settings), data=data, run=run, solve=config.solve)


def final_weights(out: Path) -> dict[str, torch.Tensor]:
    return read_safetensors(out / "last" / "model.safetensors")


def assert_same(a: Path, b: Path) -> None:
    first, second = load_training_state(a / "last"), load_training_state(b / "last")
    for state in (first, second):
        del state["seconds"]
        for part in state.get("processes") or [state]:
            del part["window"]
    assert_equal(first, second, "")
    for part in ("last", "best"):
        if not (a / part).exists():
            assert not (b / part).exists()
            continue
        weights = [read_safetensors(run / part / "model.safetensors") for run in (a, b)]
        assert_equal(*weights, where=part)
        infos = [untimed(read_config(run / part)[2]) for run in (a, b)]
        assert_equal(*infos, where=f"{part} info")


def untimed(info: dict) -> dict:
    """What is known of a checkpoint, but for the times and where its code and files lay."""
    figures = {key: value for key, value in info.get("validation", {}).items() if key != "seconds"}
    if "families" in figures:
        figures["families"] = {name: its | {"seconds": 0} for name, its in figures["families"].items()}
    return {key: value for key, value in info.items() if key not in ("seconds", "validation")} | figures


def assert_equal(a, b, where: str) -> None:
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_equal(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_equal(x, y, f"{where}.{i}")
    else:
        assert a == b, where


def log_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
