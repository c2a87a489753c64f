"""`ponderling solve CHECKPOINT PUZZLE_OR_FILE`: answers, checked by the rules; `--watch` shows them come about."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ponderling.cli.arguments import SolveCommand, check_numbers, names_file, parse_arguments, refuse_for_others
from ponderling.cli.display import said_if_slow
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.opened import LONGEST_LINE
from ponderling.training.observer import count_of

if TYPE_CHECKING:
    from ponderling.checkpoint import Checkpoint
    from ponderling.solving.result import Result
    from ponderling.solving.solver import Solver
    from ponderling.tasks.base import Task


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        SolveCommand,
        args,
        prog="ponderling solve",
        description="Solves a puzzle, or a file of them, and says whether the rules hold.",
    )
    check_numbers(command, delay=0, steps=1, seed=0)
    if command.watch and command.json:
        raise ValueError("--watch draws grids and --json prints an object: leave one out")
    if command.delay != SolveCommand.delay and not command.watch:
        raise ValueError("--delay is the time between two grids of --watch: say --watch, or leave it out")
    from ponderling.cli.arc import solve_arc
    from ponderling.tasks import answers_by_vote

    checkpoint = command.load()
    if answers_by_vote(checkpoint.config.data.family):
        return solve_arc(command, checkpoint)
    refuse_for_others(command, checkpoint.config.data.family, names=("adapt_steps",))
    if command.puzzle == "-":
        return _solve_stdin(checkpoint, command)
    if names_file(command.puzzle):
        solver = command.solver_for(checkpoint, command.puzzle, is_file=True)
        return _solve_stream(solver, command, texts=None)
    return _solve_one(command.solver_for(checkpoint, command.puzzle), command)


def _solve_stdin(checkpoint: Checkpoint, command: SolveCommand) -> int:
    """Solves the puzzles of stdin; the first one's drawing says the size where it may."""
    from ponderling.solving.solver import Solver

    solver = Solver.of(checkpoint, device=command.device)
    texts = _texts(_lines_of_stdin(), solver.task)
    first = next(texts, None)
    if first is not None:
        with contextlib.suppress(PuzzleError):  # which is told with the puzzle's number
            solver = command.solver_for(checkpoint, first)
    return _solve_stream(solver, command, texts=itertools.chain(() if first is None else (first,), texts))


def _solve_one(solver: Solver, command: SolveCommand) -> int:
    with said_if_slow(thinking_about(solver, command.steps)):
        result = solver.solve(
            command.puzzle,
            steps=command.steps,
            early_exit=command.early_exit,
            search=command.search,
            trace=command.watch or command.json,
        )
    if command.json:
        print(json.dumps(result.to_json()))
    elif command.watch:
        from ponderling.pictures.terminal import watch

        watch(result.task, result, delay=command.delay)
    else:
        from rich.console import Console

        from ponderling.pictures.terminal import grid_text, outcome_text

        console = Console(highlight=False)
        console.print(grid_text(result.task, result.question_tokens, answer=result.tokens), soft_wrap=True)
        console.print(result.answer, soft_wrap=True)
        console.print(outcome_text(result))
    return 0


def thinking_about(solver: Solver, steps: int | None) -> str:
    """What is said while a puzzle takes long."""
    rows, columns = solver.task.grid_shape
    return (
        f"thinking about a grid of {rows}x{columns}, up to {count_of(solver.steps if steps is None else steps, 'step')}"
    )


def _solve_stream(solver: Solver, command: SolveCommand, *, texts: Iterator[str] | None) -> int:
    """Prints each result as soon as it is found; of stdin also which texts cannot be read, on stderr, and goes on."""
    if command.watch:
        raise ValueError("--watch shows one puzzle: give its text, not a file")
    refused = 0

    def refuse(number: int, error: PuzzleError) -> None:
        nonlocal refused
        refused += 1
        print(f"ponderling: puzzle {number} of stdin: {error}", file=sys.stderr, flush=True)

    how = {"steps": command.steps, "early_exit": command.early_exit, "search": command.search}
    if texts is None:
        tokens = list(solver.task.read(command.puzzle).tokens)
        results = _first_in_time(solver.solve_many(tokens=tokens, **how), count_of(len(tokens), "puzzle"))
    else:
        results = solver.solve_many(texts, on_error=refuse, **how)
    count = valid = 0
    for result in _as_written(results, solver.task, path=None if texts is not None else Path(command.puzzle)):
        count, valid = count + 1, valid + bool(result.valid)
        if command.json:
            print(json.dumps(result.to_json()), flush=True)
        else:
            print(f"{result.question},{result.answer},{_judgement(result)},{result.steps}", flush=True)
    rules = f"{valid} of {count} answers obey the rules" if solver.task.has_rules else "no rules to judge them by"
    print(rules if solver.task.has_rules else f"{count} answers; {rules}", file=sys.stderr)
    return 2 if refused else 0


def _first_in_time(results: Iterator[Result], what: str) -> Iterator[Result]:
    """The results, with a line on stderr if the first of them takes long."""
    with said_if_slow(f"thinking about {what}"):
        first = next(results, None)
    yield from () if first is None else (first,)
    yield from results


def _texts(lines: Iterator[str], task: Task) -> Iterator[str]:
    """The puzzles of stdin."""
    from ponderling.tasks.grid_task import GridTask

    return task.texts_of(lines) if isinstance(task, GridTask) else lines


def _as_written(results: Iterable[Result], task: Task, *, path: Path | None) -> Iterator[Result]:
    """The results of a file's puzzles, each in the symbols that the file has; those of stdin are so already."""
    from ponderling.solving.result import Result
    from ponderling.tasks.grid_task import GridTask

    if path is None or not isinstance(task, GridTask):
        yield from results
        return
    for result, family in zip(results, task.families_in(path), strict=False):
        yield Result(family, result.question_tokens, found=result.found)


def _lines_of_stdin() -> Iterator[str]:
    """The lines of stdin, each as soon as it has come; a byte-order mark before the first is passed over.

    They are read from the file descriptor: a thread that waits for Python's own buffered stdin keeps the process from ending.

    Raises:
        ValueError: for a line longer than a file may have.
    """
    rest, is_first = b"", True
    while chunk := os.read(0, 1 << 16):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _text_of(line.removeprefix(BOM_UTF8) if is_first else line)
            is_first = False
        if len(rest) > LONGEST_LINE:
            raise ValueError(f"stdin: a line has more than {LONGEST_LINE:,} bytes: expected a puzzle a line")
    if rest:
        yield _text_of(rest.removeprefix(BOM_UTF8) if is_first else rest)


def _text_of(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


def _judgement(result: Result) -> str:
    return "unknown" if result.valid is None else "valid" if result.valid else "invalid"
