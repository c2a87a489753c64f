"""How fast mazes are drawn and judged, in time of one core, and how ours are distributed beside those of a file.

python benchmarks/bench_maze.py [--task maze30] [--mazes 200] [--kinds 0] [--beside FILE.csv ...] [--plot mazes.png] [--json]
"""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from ponderling.tasks import get_task
from ponderling.tasks.base import Puzzles, join
from ponderling.tasks.maze import Maze
from ponderling.tasks.maze.cells import WALL
from ponderling.tasks.maze.kinds import KINDS


@dataclass(frozen=True)
class Options:
    """What to measure."""

    task: str = "maze30"
    """The family: maze30, maze10, maze12x20, ..."""
    mazes: int = 200
    """Mazes to generate; a maze30 takes a third of a second."""
    _: KW_ONLY
    beside: tuple[Path, ...] = field(default=())
    """CSV files of mazes of this family to compare with, such as Maze-Hard's."""
    plot: Path | None = None
    """A PNG for the histograms; needs the extra `plot`."""
    seed: int = 0
    """Of the mazes."""
    kinds: int = 0
    """Also draw this number of mazes of each kind, and tell the time and the mean path of each."""
    json: bool = False
    """Print one JSON object."""


def measures(mazes: Puzzles) -> dict[str, np.ndarray]:
    """What is compared: walls and cells of the shortest path, each (N,)."""
    assert mazes.ratings is not None
    return {"walls": (mazes.tokens == WALL).sum(axis=1), "path cells": mazes.ratings}


def bin_edges(name: str, values: list[np.ndarray]) -> np.ndarray:
    """Edges of about sixteen bins of equal width from the lowest to the highest value."""
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    width = max(1, round((high - low) / 16))
    start = low // width * width if name == "walls" else low  # paths begin at the least that is accepted
    return np.arange(start, high + width + 1, width)


def summary(values: np.ndarray) -> dict[str, float]:
    """Count, extremes, mean and spread."""
    return {
        "mazes": len(values),
        "fewest": int(values.min()),
        "mean": round(float(values.mean()), 2),
        "standard deviation": round(float(values.std(ddof=1)), 2),
        "standard error of the mean": round(float(values.std(ddof=1) / len(values) ** 0.5), 2),
        "most": int(values.max()),
    }


def print_histograms(sets: dict[str, dict[str, np.ndarray]]) -> None:
    """A table for each measure: the share of mazes in each bin, in percent, a column for each set."""
    for name in next(iter(sets.values())):
        values = [measured[name] for measured in sets.values()]
        edges = bin_edges(name, values)
        print(f"\n{name:>12} " + "".join(f"{title:>22}" for title in sets))
        for low, high in itertools.pairwise(edges):
            shares = [np.mean((v >= low) & (v < high)) for v in values]
            if any(shares):
                cells = "".join(f"{share:8.1%} {'▇' * round(40 * float(share)):<13}" for share in shares)
                print(f"{low:>5} to {high - 1:<4} {cells}")


def plot_histograms(sets: dict[str, dict[str, np.ndarray]], task: Maze, *, file: Path) -> None:
    """The same as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(next(iter(sets.values())))
    figure, axes = plt.subplots(1, len(names), figsize=(10, 3.6), constrained_layout=True)
    for axis, name in zip(axes, names):
        edges = bin_edges(name, [measured[name] for measured in sets.values()])
        for title, measured in sets.items():
            weights = np.full(len(measured[name]), 100 / len(measured[name]))
            axis.hist(measured[name], bins=edges, weights=weights, histtype="step", linewidth=1.8, label=title)
        axis.set_xlabel(name if name == "walls" else "cells of the shortest path")
        axis.set_ylabel("mazes, %")
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].legend(frameon=False)
    figure.suptitle(f"{task.name}: walls and shortest paths")
    figure.savefig(file, dpi=110)


def speeds(task: Maze, mazes: Puzzles, *, seconds: float) -> dict[str, float]:
    """How fast these mazes were drawn, and how fast such mazes are judged and labelled."""
    figures = {"generated a minute": 60 * len(mazes) / seconds}
    for name, work in (
        ("answers judged a second", lambda: task.valid(mazes.tokens, mazes.labels)),
        ("labels found a second", lambda: task.relabel(mazes)),
    ):
        work()
        start = time.process_time()
        work()
        figures[name] = len(mazes) / (time.process_time() - start)
    return figures


def by_kind(task: Maze, count: int, *, seed: int) -> dict[str, dict[str, float]]:
    """Milliseconds to draw a maze of each kind but Maze-Hard's, with S at mixed distances; and walls and paths."""
    task.generate(np.random.default_rng(seed), 1, kind="mixed", unsolvable=0.05)  # compiles
    figures = {}
    for kind in (*KINDS[1:], "mixed"):
        unsolvable = 0.0 if kind == "empty" else 0.05
        start = time.process_time()
        mazes = task.generate(np.random.default_rng(seed), count, kind=kind, ends="mixed", unsolvable=unsolvable)
        seconds = time.process_time() - start
        assert mazes.ratings is not None
        has_way = mazes.ratings > 0
        figures[f"{task.name} {kind}"] = {
            "milliseconds a maze": round(1000 * seconds / count, 4),
            "without a way": round(float(1 - has_way.mean()), 3),
            "walls": round(float((mazes.tokens == WALL).mean()), 3),
            "mean path": round(float(mazes.ratings[has_way].mean()), 1),
            "longest path": int(mazes.ratings.max()),
        }
    return figures


def main(options: Options) -> None:
    task = get_task(options.task)
    if not isinstance(task, Maze):
        raise SystemExit(f"--task must be a family of mazes, such as maze30: got {options.task}")
    theirs = [task.read(file) for file in options.beside]
    Maze(4).generate(np.random.default_rng(0), 1)  # compiles
    start = time.process_time()
    mazes = task.generate(np.random.default_rng(options.seed), options.mazes)
    figures: dict[str, Any] = speeds(task, mazes, seconds=time.process_time() - start)
    sets = {"ours": measures(mazes)}
    if theirs:
        sets[", ".join(file.name for file in options.beside)] = measures(join(theirs))
    for title, measured in sets.items():
        for name, values in measured.items():
            figures[f"{name}, {title}"] = summary(values)
    if options.kinds:
        figures |= by_kind(task, options.kinds, seed=options.seed)
    if options.plot:
        plot_histograms(sets, task, file=options.plot)
    if options.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        if isinstance(figure, dict):
            print(f"{name:28} " + ", ".join(f"{key} {value:,}" for key, value in figure.items()))
        else:
            print(f"{task.name} {name:28} {figure:12,.0f}")
    print_histograms(sets)


if __name__ == "__main__":
    main(tyro.cli(Options))
