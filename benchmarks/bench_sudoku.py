"""How fast Sudoku is made, augmented, read and rated, on one thread, and how our ratings rank beside another solver's.

python benchmarks/bench_sudoku.py [--json] [--rated FILE.csv ...]
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from ponderling.tasks.sudoku import SUDOKUS


@dataclass(frozen=True)
class Options:
    """What to measure."""

    rated: tuple[Path, ...] = field(default=())
    """CSV files with a column `rating` to compare ours with."""
    json: bool = False
    """Print one JSON object."""


def per_second(work: Callable[[], int], seconds: float = 3.0) -> float:
    """Units of work a second, after one call that is not counted (compilation, caches)."""
    work()
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        done += work()
    return done / (time.perf_counter() - start)


def rank_correlation(a: Any, b: Any) -> float:
    """Spearman's, with mean ranks for ties."""

    def ranks(x: Any) -> Any:
        _, index, counts = np.unique(np.asarray(x), return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts + 1) / 2)[index]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def main(options: Options) -> None:
    figures: dict[str, float] = {}
    for task in SUDOKUS.values():
        rng = np.random.default_rng(0)
        count = {4: 100, 6: 100, 9: 50, 16: 1}[task.side]
        figures[f"{task.name}: minimal puzzles generated and rated a second"] = per_second(
            lambda task=task, rng=rng, count=count: len(task.generate(rng, count))
        )
    nine = SUDOKUS["sudoku9"]
    puzzles = nine.load_default("train")
    rng = np.random.default_rng(0)
    block = puzzles[:1024]
    figures["sudoku9: augmented samples a second"] = per_second(lambda: len(nine.augment(rng, block)))
    figures["sudoku9: puzzles rated a second"] = per_second(
        lambda: len([nine.rate(row) for row in puzzles.tokens[:200]])
    )
    figures["sudoku9: puzzles solved and shown unique a second"] = per_second(
        lambda: sum(nine.solve(row).num_solutions for row in puzzles.tokens[:200])
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "p.csv"
        nine.write(file, puzzles)
        figures["sudoku9: rows of CSV read and checked a second"] = per_second(lambda: len(nine.read(file)))
    everything: list[tuple[int, int]] = []
    for file in options.rated:
        rated = nine.read(file)
        assert rated.ratings is not None, f"{file} has no ratings"
        ours = [nine.rate(row) for row in rated.tokens]
        name = "/".join(file.parts[-2:])
        figures[f"{name}: share of equal ratings"] = float(np.mean(np.array(ours) == rated.ratings))
        if len(set(ours)) > 1:
            figures[f"{name}: rank correlation of ratings"] = rank_correlation(ours, rated.ratings)
        figures[f"{name}: mean rating, ours"] = float(np.mean(ours))
        figures[f"{name}: mean rating, theirs"] = float(np.mean(rated.ratings))
        everything += zip(ours, rated.ratings.tolist(), strict=True)
    if len(options.rated) > 1:
        figures["all files: rank correlation of ratings"] = rank_correlation(*zip(*everything, strict=True))
    if options.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:70} {figure:12,.3f}" if figure < 100 else f"{name:70} {figure:12,.0f}")


if __name__ == "__main__":
    main(tyro.cli(Options))
