"""A handful of ARC tasks of our own making, and files of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ponderling.config import DataConfig, ModelConfig, RunConfig, RuntimeConfig, SolveConfig, TrainConfig

RELATIONAL = ModelConfig(
    system="relational",
    hidden_size=8,
    num_layers=1,
    expansion=2,
    inner_multiple=4,
    prefix_len=0,
    puzzle_embedding_size=8,
    positions="none",
    n=2,
    T=1,
    dtype="float32",
    hears="kernel",
)
"""A tiny relational network with vectors of each task."""


def pair(grid: Any, rule: Any) -> dict[str, Any]:
    grid = np.asarray(grid)
    return {"input": grid.tolist(), "output": np.asarray(rule(grid)).tolist()}


RULES = {
    "mirror": np.fliplr,
    "turn": np.rot90,
    "recolour": lambda grid: np.where(grid == 1, 2, grid),
    "first_row": lambda grid: grid[:1],
    "double": lambda grid: np.kron(grid, np.ones((2, 2), int)),
}
"""Outputs of the same and of other sizes than the inputs, rectangular ones too."""


def example_tasks(names: Any = RULES, seed: int = 0, colours: int = 4) -> dict[str, Any]:
    """Tasks by id, with two or three demonstrations and one or two test inputs of 2 to 4 rows and columns."""
    tasks = {}
    for name in names:
        rng = np.random.default_rng([seed, *name.encode()])
        grids = [rng.integers(0, colours, rng.integers(2, 5, 2)) for _ in range(5)]
        num_demos = int(rng.integers(2, 4))
        num_tests = int(rng.integers(1, 3))
        tasks[name] = {
            "train": [pair(grid, RULES[name]) for grid in grids[:num_demos]],
            "test": [pair(grid, RULES[name]) for grid in grids[num_demos : num_demos + num_tests]],
        }
    return tasks


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def kaggle(folder: Path, tasks: dict[str, Any]) -> tuple[Path, Path]:
    """The challenges and the solutions of these tasks."""
    challenges = {
        name: {"train": task["train"], "test": [{"input": test["input"]} for test in task["test"]]}
        for name, task in tasks.items()
    }
    solutions = {name: [test["output"] for test in task["test"]] for name, task in tasks.items()}
    return (
        write(folder / "made_challenges.json", challenges),
        write(folder / "made_solutions.json", solutions),
    )


def tiny_run(
    test: Path | str, train: str = "none", steps: int = 4, views: int = 2, *, task: str = "arc8", **data: Any
) -> RunConfig:
    """A run of a tiny model on an 8x8 canvas, or another."""
    model = ModelConfig(
        hidden_size=16,
        num_heads=2,
        num_layers=1,
        inner_multiple=8,
        prefix_len=1,
        puzzle_embedding_size=16,
        n=1,
        T=1,
        dtype="float32",
    )
    settings = TrainConfig(
        steps=steps,
        batch_size=8,
        N_sup=2,
        loss="softmax",
        optimizer="adamw",
        lr=3e-3,
        warmup_steps=0,
        ema_rate=0.0,
        puzzle_lr=1e-2,
        puzzle_weight_decay=0.1,
    )
    run = RuntimeConfig(eval_every=steps, checkpoint_every=steps)
    return RunConfig(
        model=model, train=settings, data=DataConfig(task, train=train, test=str(test), views=views, **data), run=run
    )


def vectors_run(path: Path, *, steps: int, task: str = "arc8") -> None:
    """A short run of a network with vectors for each task in `path/run`, which knows the tasks mirror and recolour."""
    from ponderling.training.starting import start

    tasks = write(path / "tasks.json", example_tasks(["mirror", "recolour"]))
    data = DataConfig(task=task, train="none", test=str(tasks), turns=True, num_validation=0)
    train = TrainConfig(
        steps=steps, batch_size=4, N_sup=2, loss="softmax", optimizer="muon", lr=1e-2, muon_lr=1e-2, puzzle_lr=0.05
    )
    start(
        RunConfig(model=RELATIONAL, train=train, data=data, solve=SolveConfig(as_demonstrated=True)), path / "run"
    ).run()
