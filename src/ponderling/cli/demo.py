"""`ponderling demo`: trains TRM and HRM on 4x4 Sudoku, compares them, solves a puzzle; and a famous one with `sudoku`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ponderling.cli.arguments import parse_arguments
from ponderling.cli.display import ProgressDisplay, percent
from ponderling.recipes import get_recipe

RECIPES = ("sudoku4", "sudoku4-hrm")

UPDATES = 320
"""Fewer than the recipes' 400, so that a slow or busy machine is done in five minutes too."""

FAMOUS = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
"""By Arto Inkala, 2012, and in many newspapers as the world's hardest. The packaged weights have not been trained on it."""


@dataclass(frozen=True)
class DemoCommand:
    """What `ponderling demo` takes."""

    out: Path = Path("runs")
    """Folder for the two run folders, demo-N-RECIPE, numbered so that nothing is overwritten."""
    json: bool = False
    """Print the table as one JSON object on stdout, and no film."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        DemoCommand,
        args,
        prog="ponderling demo",
        description="Trains TRM and HRM on 4x4 Sudoku, compares them, and solves a puzzle.",
    )
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    begin = time.perf_counter()
    folders = _free_folders(command.out)
    rows = []
    for name, folder in zip(RECIPES, folders, strict=True):
        console.rule(f"ponderling train {name} --train.steps {UPDATES} --out {folder}")
        rows.append(_train(name, folder))
    seconds = time.perf_counter() - begin
    if command.json:
        print(json.dumps({"seconds": round(seconds, 1), "models": rows}))
        return 0
    _show_table(rows)
    _watch_one(folders[0], console)
    _watch_famous(console)
    console.print(f"{time.perf_counter() - begin:.0f} s in all; the models are in {folders[0]} and {folders[1]}")
    return 0


def _free_folders(out: Path) -> list[Path]:
    number = 1
    while any((out / f"demo-{number}-{name}").exists() for name in RECIPES):
        number += 1
    return [out / f"demo-{number}-{name}" for name in RECIPES]


def _train(name: str, folder: Path) -> dict[str, Any]:
    from ponderling.models import count_parameters
    from ponderling.training.starting import start

    config = get_recipe(name).config
    config = replace(config, train=replace(config.train, steps=UPDATES))
    trainer = start(config, folder, recipe=name, observer=ProgressDisplay())
    figures = trainer.run()
    return {
        "recipe": name,
        "run": str(folder),
        "parameters": count_parameters(trainer.model),
        "updates": trainer.step,
        "seconds": round(trainer.seconds, 1),
        "test": figures,
    }


def _show_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    steps, puzzles = rows[0]["test"]["steps"], rows[0]["test"]["puzzles"]
    table = Table(
        title=f"{puzzles:,} unseen 4x4 puzzles, no two of train and test alike up to symmetry; without search"
    )
    for heading in ("", *(row["recipe"] for row in rows)):
        table.add_column(heading, justify="right" if heading else "left")

    def lines() -> Iterator[tuple[str, list[str]]]:
        yield "parameters", [f"{row['parameters']:,}" for row in rows]
        yield "updates", [f"{row['updates']:,}" for row in rows]
        yield "seconds of training", [f"{row['seconds']:.0f}" for row in rows]
        yield f"exact match, all {steps} steps", [percent(row["test"]["exact"]) for row in rows]
        yield "exact match, early exit", [percent(row["test"]["early_exit"]["exact"]) for row in rows]
        yield "exact match after step 1", [percent(row["test"]["exact_by_step"][0]) for row in rows]
        yield "mean steps, early exit", [f"{row['test']['mean_steps']:.1f}" for row in rows]
        yield "halting precision", [percent(row["test"]["halting"]["precision"]) for row in rows]

    for name, cells in lines():
        table.add_row(name, *cells)
    Console(highlight=False).print(table)


def _watch_famous(console: Any) -> None:
    """The packaged weights on a famous hard puzzle."""
    from ponderling.config import Search
    from ponderling.pictures.terminal import watch
    from ponderling.solving.solver import Solver

    console.rule(f"ponderling solve sudoku {FAMOUS} --restarts 100 --watch")
    solver = Solver.load("sudoku")
    watch(solver.task, solver.solve(FAMOUS, search=Search(restarts=100), trace=True), delay=0.4)


def _watch_one(folder: Path, console: Any) -> None:
    """The unseen puzzle that takes the model the most steps, of those it solves."""
    from ponderling.pictures.terminal import watch
    from ponderling.solving.solver import Solver

    solver = Solver.load(folder)
    results = solver.solve_many(tokens=solver.task.load_default("test").tokens)
    hardest = max(results, key=lambda result: (bool(result.valid), result.halted, result.steps))
    console.rule(f"ponderling solve {folder} {hardest.question} --watch")
    watch(solver.task, solver.solve(hardest.question, trace=True), delay=0.8)
