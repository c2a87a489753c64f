"""`ponderling eval CHECKPOINT --data FILE`: exact match, rules kept, steps, halting, by rating."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponderling.cli.arguments import CheckpointCommand, SearchOptions, parse_arguments
from ponderling.cli.display import percent


@dataclass(frozen=True, kw_only=True)
class EvalCommand(SearchOptions, CheckpointCommand):
    """What `ponderling eval` takes."""

    data: str = "default"
    """Puzzles to evaluate on: a file, default (the set in the package; for a run on --data or ARC its own test examples) or
    hub (the family's public test set)."""
    max_puzzles: int | None = None
    """Only the first so many puzzles (ARC: tasks)."""
    batch_size: int = 256
    """Puzzles at a time."""
    early_exit: bool = False
    """Let a puzzle leave as soon as the model says stop, so that a thousand steps cost little; no figures at all steps then."""
    submission: Path | None = None
    """ARC: write two answers for each test input to this file, in Kaggle's format."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        EvalCommand, args, "ponderling eval", "How good a checkpoint is on a set of puzzles it was not trained on."
    )
    from ponderling.cli.arc import show_arc

    figures = run(command)
    if command.json:
        print(json.dumps(figures))
    elif "ranks" in figures:
        show_arc(figures)
    elif figures["search"] is None:
        show(figures)
    else:
        show_search(figures)
    return 0


def run(command: EvalCommand) -> dict[str, Any]:
    """The figures of `Evaluation.to_json`, for ARC of `ArcEvaluation.to_json`, with the checkpoint's and the data's names."""
    from rich.console import Console
    from rich.progress import Progress

    from ponderling.cli.arc import run_arc
    from ponderling.data import load_test
    from ponderling.solving.evaluate import evaluate, evaluate_search
    from ponderling.solving.search import Budget
    from ponderling.solving.solver import Solver
    from ponderling.tasks.arc.family import is_arc

    checkpoint = command.load()
    if is_arc(checkpoint.config.data.task):
        return run_arc(command, checkpoint)
    if command.submission is not None:
        raise ValueError(
            f"--submission is for ARC: {command.checkpoint} is of the family {checkpoint.config.data.task}"
        )
    steps = command.steps or checkpoint.config.train.N_sup
    budget = command.budget(steps) or (Budget(steps) if command.early_exit else None)
    solver = Solver.of(checkpoint, command.device)
    puzzles = load_test(checkpoint.config.data, solver.task, command.data)[: command.max_puzzles]
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("solving", total=len(puzzles))

        def show_done(done: int) -> None:
            progress.update(bar, completed=done)

        model, config, size, device = checkpoint.model, checkpoint.config, command.batch_size, command.device
        if budget is None:
            outcome = evaluate(model, solver.task, puzzles, config, command.steps, size, device, show_done)
        else:
            outcome = evaluate_search(
                model, solver.task, puzzles, config, budget, size, command.seed, device, show_done
            )
    return {"checkpoint": str(command.checkpoint), "data": command.data, **outcome.to_json()}


def show(figures: dict[str, Any]) -> None:
    """The figures as tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    early, halting = figures["early_exit"], figures["halting"]
    table = Table(title=f"{figures['puzzles']:,} puzzles of {figures['data']}, without search")
    for heading in ("", f"all {figures['steps']} steps", "early exit"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, what in (("exact match", "exact"), ("rules kept", "valid"), ("right cells", "cells")):
        table.add_row(name, percent(figures[what]), percent(early[what]))
    table.add_row("mean steps", f"{figures['steps']}", f"{early['mean_steps']:.1f}")
    console.print(table)
    console.print(
        f"halting head: stopped {percent(halting['halted'])}; right when it stopped {percent(halting['precision'])} "
        f"(precision); of those ever right, stopped while right {percent(halting['recall'])} (recall)"
    )
    if figures["by_rating"]:
        table = Table(title="by rating")
        for heading in ("rating", "puzzles", f"exact, {figures['steps']} steps", "exact, early exit", "mean steps"):
            table.add_column(heading, justify="right")
        for row in figures["by_rating"]:
            exact, early_exact = percent(row["exact"]), percent(row["early_exact"])
            table.add_row(row["rating"], f"{row['puzzles']:,}", exact, early_exact, f"{row['mean_steps']:.1f}")
        console.print(table)


def show_search(figures: dict[str, Any]) -> None:
    """The figures of a search as tables."""
    from rich.console import Console
    from rich.table import Table

    console, passes, accepted = Console(highlight=False), figures["passes"], figures["accepted"]
    chooser = {"halting": "the halting head", "agreement": "agreement", "residual": "the state's rest"}[
        figures["search"]["choose"]
    ]
    chooser = "the rule checker" if figures["verified"] else chooser
    table = Table(
        title=f"{figures['puzzles']:,} puzzles of {figures['data']}, {figures['steps']} steps, "
        f"{figures['search']['restarts']} restarts, {figures['search']['views']} views, {chooser} chooses"
    )
    for heading in ("rating", "puzzles", "exact, without search", "exact, with search", "rules kept", "mean steps"):
        table.add_column(heading, justify="right")
    everything = {**figures, "rating": "all", "first_exact": figures["first"]["exact"]}
    for row in [everything, *figures["by_rating"]]:
        exact, first = percent(row["exact"]), percent(row["first_exact"])
        valid = percent(row["valid"])
        table.add_row(row["rating"], f"{row['puzzles']:,}", first, exact, valid, f"{row['mean_steps']:.1f}")
    console.print(table)
    within = ", ".join(f"{percent(value)} within {steps}" for steps, value in figures["exact_within"].items())
    console.print(f"exact {within} steps")
    console.print(
        f"answered {percent(accepted['share'])}, right when answered {percent(accepted['precision'])}; steps for a puzzle: "
        f"median {passes['p50']:.0f}, 99% {passes['p99']:.0f}, most {passes['p100']:.0f}; "
        f"{figures['seconds_per_puzzle']:.3f} s a puzzle, {figures['seconds']:.0f} s in all"
    )
