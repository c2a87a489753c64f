"""`ponderling eval CHECKPOINT --data FILE`: exact match, rules kept, steps, halting, by rating."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ponderling.cli.arguments import EvalCommand, parse_arguments, refuse_for_others
from ponderling.cli.display import Bars, percent
from ponderling.training.observer import count_of


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        EvalCommand,
        args,
        prog="ponderling eval",
        description="How good a checkpoint is on a set of puzzles it was not trained on.",
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
    from ponderling.cli.arc import run_arc
    from ponderling.solving.canvas import for_file
    from ponderling.solving.evaluate import evaluate
    from ponderling.solving.kept import puzzles_to_test
    from ponderling.solving.search import PLAIN
    from ponderling.solving.seen import read_seen
    from ponderling.solving.solver import Solver
    from ponderling.tasks import answers_by_vote

    command.check()
    checkpoint = command.load()
    if answers_by_vote(checkpoint.config.data.family):
        return run_arc(command, checkpoint)
    refuse_for_others(command, checkpoint.config.data.family, names=("submission", "blank_id", "adapt_steps"))
    search = command.search
    if search == PLAIN and not command.early_exit:
        search = None
    if Path(command.data).is_file():
        solver = command.solver_for(checkpoint, command.data, is_file=True)
        checkpoint = solver.checkpoint or checkpoint
    else:
        checkpoint = for_file(checkpoint, command.data)
        solver = Solver.of(checkpoint, device=command.device)
    every = puzzles_to_test(checkpoint, solver.task, source=command.data)
    puzzles = every[: command.max_puzzles]
    noted = read_seen(checkpoint.path)
    with Bars(transient=True) as bars:
        outcome = evaluate(
            solver,
            puzzles,
            steps=command.steps,
            search=search,
            batch_size=command.batch_size,
            progress=bars.add("solving", total=len(puzzles)),
        )
    return {
        "checkpoint": str(command.checkpoint),
        "data": command.data,
        "in_source": len(every),
        **outcome.to_json(),
        "left_out": [] if noted is None else list(noted.left_out),
    }


def title_of(figures: dict[str, Any]) -> str:
    """What was evaluated: how many puzzles, of how many, and how many of them the model was trained on."""
    total = f" of the {figures['in_source']:,}" if figures["puzzles"] < figures["in_source"] else ""
    seen = figures["trained_on"]
    least = "at least " if figures["trained_on_at_least"] else ""
    trained = f", of which {least}{seen:,} {'was' if seen == 1 else 'were'} trained on" if seen else ""
    source = "the checkpoint's own test set" if figures["data"] == "default" else figures["data"]
    what = "puzzle" if figures["puzzles"] == 1 and not total else "puzzles"
    return f"{figures['puzzles']:,}{total} {what} of {source}{trained}"


def steps_of(figures: dict[str, Any]) -> str:
    """The number of supervision steps, as a text."""
    return count_of(figures["steps"], "step")


def notes_on_training(figures: dict[str, Any], *, plain: str, what: str) -> list[str]:
    """What a reader must know of the puzzles that the model was trained on, a sentence each.

    Args:
        figures: What `run` gives.
        plain: The key of plain thinking's exact match among the figures of the unseen puzzles.
        what: What plain thinking is called.
    """
    notes, unseen = [], figures["unseen"]
    if unseen is not None and not unseen["puzzles"]:
        notes.append("all of these puzzles were trained on: the figures say nothing of new ones")
    elif unseen is not None:
        known = "known to be " if figures["trained_on_at_least"] else ""
        notes.append(
            f"exact match of the {unseen['puzzles']:,} that were not {known}trained on: {percent(unseen['exact'])}, "
            f"{what} {percent(unseen[plain])}"
        )
    if figures["not_compared"]:
        notes.append(
            f"the model was also trained on {' and '.join(figures['not_compared'])}, which are not on this machine: whether "
            "these puzzles are among them is not known (a checkout of the repository has them, and training fetches them)"
        )
    elif figures["trained_on"] is None:
        notes.append(
            "whether the model was trained on some of these puzzles is not known: its run kept no note of that"
        )
    return notes + [f"in the run, {text}" for text in figures["left_out"] if figures["data"] == "default"]


def show(figures: dict[str, Any]) -> None:
    """The figures as tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    early, halting = figures["early_exit"], figures["halting"]
    console.print(f"{title_of(figures)}, without search", soft_wrap=True, markup=False)
    table = Table()
    for heading in ("", f"all {steps_of(figures)}", "early exit"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, what in (("exact match", "exact"), ("rules kept", "valid"), ("right cells", "cells")):
        table.add_row(name, percent(figures[what]), percent(early[what]))
    table.add_row("mean steps", f"{figures['steps']}", f"{early['mean_steps']:.1f}")
    console.print(table)
    for note in notes_on_training(figures, plain="early_exact", what="with early exit"):
        console.print(note, soft_wrap=True, markup=False)
    console.print(
        f"halting head: stopped {percent(halting['halted'])}; right when it stopped {percent(halting['precision'])} "
        f"(precision); of those ever right, stopped while right {percent(halting['recall'])} (recall)"
    )
    if figures["by_rating"]:
        table = Table(title="by rating")
        for heading in ("rating", "puzzles", f"exact, {steps_of(figures)}", "exact, early exit", "mean steps"):
            table.add_column(heading, justify="right")
        for row in figures["by_rating"]:
            exact, early_exact = percent(row["exact"]), percent(row["early_exact"])
            table.add_row(row["rating"], f"{row['puzzles']:,}", exact, early_exact, f"{row['mean_steps']:.1f}")
        console.print(table)


def show_search(figures: dict[str, Any]) -> None:
    """The figures of puzzles that leave when they are done, with or without search, as tables."""
    from rich.console import Console
    from rich.table import Table

    console, passes, accepted, search = (
        Console(highlight=False),
        figures["passes"],
        figures["accepted"],
        figures["search"],
    )
    chooser = {
        "halting": "the halting head",
        "surest": "the surest step",
        "agreement": "agreement",
        "residual": "the state's rest",
    }[search["choose"]]
    chooser = "the rule checker" if figures["verified"] else chooser
    further = f"{search['restarts']} restarts, {search['views'] or 0} views, {chooser} chooses"
    is_plain = not (search["restarts"] or search["views"] or figures["verified"])
    how = "early exit, without search" if is_plain else further
    console.print(f"{title_of(figures)}, up to {steps_of(figures)}, {how}", soft_wrap=True, markup=False)
    table = Table()
    exact = ("exact match",) if is_plain else ("exact, without search", "exact, with search")
    for heading in ("rating", "puzzles", *exact, "rules kept", "mean steps"):
        table.add_column(heading, justify="right")
    everything = {**figures, "rating": "all", "first_exact": figures["first"]["exact"]}
    for row in [everything, *figures["by_rating"]]:
        shares = [percent(row[name]) for name in (("exact",) if is_plain else ("first_exact", "exact"))]
        valid = percent(row["valid"])
        table.add_row(row["rating"], f"{row['puzzles']:,}", *shares, valid, f"{row['mean_steps']:.1f}")
    console.print(table)
    for note in notes_on_training(figures, plain="first_exact", what="without search"):
        console.print(note, soft_wrap=True, markup=False)
    within = ", ".join(f"{percent(value)} within {steps}" for steps, value in figures["exact_within"].items())
    unit = "step" if list(figures["exact_within"]) == ["1"] else "steps"
    console.print(f"exact {within} {unit}")
    console.print(
        f"answered {percent(accepted['share'])}, right when answered {percent(accepted['precision'])}; steps for a puzzle: "
        f"median {passes['p50']:.0f}, 99% {passes['p99']:.0f}, most {passes['p100']:.0f}; "
        f"{figures['seconds_per_puzzle']:.3f} s a puzzle, {figures['seconds']:.0f} s in all"
    )
