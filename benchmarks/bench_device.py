"""Training steps and solving on any device: seconds, puzzles a second, and the most memory it took.

    python benchmarks/bench_device.py --device cuda
    python benchmarks/bench_device.py --device cuda --only sudoku trm-sudoku-mlp --json device.json

A training step is one supervision step of a full batch with loss, backward pass, optimizer and EMA, at the full depth of the
recipe, on puzzles of the package (or mazes made on the spot) in place of data sets that would be downloaded. Solving is
the packaged `sudoku` on the package's test set, with early exit.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from ponderling.config import DataConfig, RunConfig
from ponderling.models.torch_compile import has_compiler
from ponderling.recipes import get_recipe
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.tasks.maze.family import Maze
from ponderling.training.starting import start
from ponderling.training.trainer import Trainer


@dataclass(frozen=True)
class Options:
    """What to measure."""

    device: str = "cpu"
    """Where: cpu, cuda, ..."""
    only: tuple[str, ...] = field(
        default=("sudoku", "trm-sudoku-mlp", "trm-sudoku-attention", "hrm-sudoku", "trm-maze", "hrm-maze")
    )
    """Recipes."""
    _: KW_ONLY
    batch_size: int | None = None
    """In place of the recipe's."""
    steps: int = 10
    """Training steps that are timed, after three that are not."""
    solve: int = 1000
    """Puzzles to solve with the packaged weights; 0: none."""
    compile: tuple[bool, ...] = (False, True)
    """Without and with compiling."""
    json: Path | None = None
    """Also write the figures to this file."""


def wait_for(device: torch.device) -> None:
    """Until everything that was asked of the device is done."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def timed(device: torch.device, work: Callable[[], object]) -> float:
    """Seconds that it takes, the device's own work included."""
    wait_for(device)
    began = time.perf_counter()
    work()
    wait_for(device)
    return time.perf_counter() - began


def local_data(config: RunConfig, folder: Path) -> DataConfig:
    """The package's own puzzles, or mazes made here, for a recipe whose data would be downloaded."""
    if config.data.train != "hub":
        return config.data
    if config.data.task.startswith("sudoku"):
        return DataConfig(config.data.task, num_validation=0)
    task, file = get_task(config.data.task), folder / "mazes.csv"
    assert isinstance(task, Maze)
    if not file.exists():
        task.write(file, task.generate(np.random.default_rng(0), 2))
    return replace(config.data, train=str(file), test=str(file), num_validation=0)


def train_figures(name: str, options: Options, *, compiled: bool, folder: Path) -> dict[str, Any]:
    """One recipe's training step."""
    device, config = torch.device(options.device), get_recipe(name).config
    train = replace(config.train, phases=(), batch_size=options.batch_size or config.train.batch_size)
    run = replace(config.run, device=options.device, compile=compiled)
    trainer: Trainer = start(
        replace(config, train=train, data=local_data(config, folder), run=run), folder / f"{name}{compiled}"
    )
    first = timed(device, trainer.train_step)
    for _ in range(2):
        trainer.train_step()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = [timed(device, trainer.train_step) for _ in range(options.steps)]
    return {
        "recipe": name,
        "compiled": compiled,
        "batch_size": train.batch_size,
        "first_seconds": round(first, 1),
        "median_seconds": round(statistics.median(seconds), 4),
        "examples_a_second": round(train.batch_size / statistics.median(seconds), 1),
        "peak_gb": round(torch.cuda.max_memory_allocated(device) / 1e9, 2) if device.type == "cuda" else None,
    }


def solve_figures(options: Options, compiled: bool) -> dict[str, Any]:
    """The packaged weights on their test set; the second of two runs counts, for the first compiles and warms up."""
    solver = Solver.load("sudoku", device=options.device, compile=compiled)
    puzzles = get_task("sudoku9").load_default("test")[: options.solve]
    right: list[bool] = []

    def solve() -> None:
        results = solver.solve_many(tokens=list(puzzles.tokens))
        right[:] = [bool((r.tokens == label).all()) for r, label in zip(results, puzzles.labels, strict=True)]

    timed(torch.device(options.device), solve)
    seconds = timed(torch.device(options.device), solve)
    return {
        "solve": len(puzzles),
        "compiled": compiled,
        "seconds": round(seconds, 3),
        "puzzles_a_second": round(len(puzzles) / seconds, 1),
        "exact": sum(right) / len(right),
    }


def main(options: Options) -> None:
    """Measures and prints a line for each figure."""
    if True in options.compile and not has_compiler():
        raise SystemExit("compiling needs a C++ compiler: give --compile False, or install one")
    name = torch.cuda.get_device_name(options.device) if options.device.startswith("cuda") else options.device
    rows: list[dict[str, Any]] = [{"device": name, "torch": torch.__version__}]
    print(json.dumps(rows[0]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for compiled in options.compile:
            for recipe in options.only:
                rows.append(train_figures(recipe, options, compiled=compiled, folder=Path(folder)))
                print(json.dumps(rows[-1]), flush=True)
            if options.solve:
                rows.append(solve_figures(options, compiled))
                print(json.dumps(rows[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Options))
