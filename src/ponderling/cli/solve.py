"""`ponderling solve CHECKPOINT PUZZLE_OR_FILE`: answers, checked by the rules; `--watch` shows them come about."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from ponderling.cli.arguments import CheckpointCommand, SearchOptions, parse_arguments

if TYPE_CHECKING:
    from ponderling.solving.solver import Result, Solver
    from ponderling.tasks.base import Tokens


@dataclass(frozen=True, kw_only=True)
class SolveCommand(SearchOptions, CheckpointCommand):
    """What `ponderling solve` takes."""

    puzzle: Positional[str]
    """A puzzle as one line of text, or a file of puzzles; for ARC a task's JSON."""
    early_exit: bool = True
    """Stop a puzzle when the model says so."""
    watch: bool = False
    """Show the grid after every step (every recursion where the model may stop within a step), changed cells marked."""
    delay: float = 0.4
    """Seconds between two grids shown in a terminal."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        SolveCommand, args, "ponderling solve", "Solves a puzzle, or a file of them, and says whether the rules hold."
    )
    if command.delay < 0:
        raise ValueError(f"--delay must not be negative: got {command.delay}")
    from ponderling.cli.arc import solve_arc
    from ponderling.solving.solver import Solver
    from ponderling.tasks.arc.family import is_arc

    checkpoint = command.load()
    if is_arc(checkpoint.config.data.task):
        return solve_arc(command, checkpoint)
    solver = Solver.of(checkpoint, command.device)
    if os.path.isfile(command.puzzle):  # Path.is_file fails on a 16x16 puzzle: too long for a name
        return _solve_file(solver, command)
    if Path(command.puzzle).suffix in (".csv", ".txt", ".gz", ".jsonl", ".npz"):
        raise FileNotFoundError(f"{command.puzzle}: no such file")
    return _solve_one(solver, command)


def _solve_one(solver: Solver, command: SolveCommand) -> int:
    budget = command.budget(command.steps or solver.config.train.N_sup, command.early_exit)
    trace = command.watch or command.json
    if budget is None:
        result = solver.solve(command.puzzle, command.steps, command.early_exit, trace)
    else:
        result = solver.search(command.puzzle, budget, trace, seed=command.seed)
    if command.json:
        print(json.dumps(_to_json(result, with_trace=True)))
    elif command.watch:
        from ponderling.pictures.terminal import watch

        watch(solver.task, result, command.delay)
    else:
        from rich.console import Console

        from ponderling.pictures.terminal import grid_text, outcome_text

        console = Console(highlight=False)
        console.print(grid_text(solver.task, result.question_tokens, result.tokens), soft_wrap=True)
        console.print(result.answer, soft_wrap=True)
        console.print(outcome_text(result))
    return 0


def _solve_file(solver: Solver, command: SolveCommand) -> int:
    if command.watch:
        raise ValueError("--watch shows one puzzle: give its text, not a file")
    questions: Iterable[Tokens] = solver.task.read(command.puzzle).tokens
    budget = command.budget(command.steps or solver.config.train.N_sup, command.early_exit)
    if budget is None:
        results = list(solver.solve_many(questions, command.steps, command.early_exit))
    else:
        results = list(solver.search_many(questions, budget, seed=command.seed))
    valid = sum(bool(result.valid) for result in results) if solver.task.has_rules else None
    if command.json:
        print(json.dumps({"puzzles": len(results), "valid": valid, "results": [_to_json(r) for r in results]}))
        return 0
    for result in results:
        print(f"{result.question},{result.answer},{_judgement(result)},{result.steps}")
    rules = f"{valid} of {len(results)} answers obey the rules"
    print(f"{len(results)} answers; no rules to judge them by" if valid is None else rules, file=sys.stderr)
    return 0


def _judgement(result: Result) -> str:
    return "unknown" if result.valid is None else "valid" if result.valid else "invalid"


def _to_json(result: Result, with_trace: bool = False) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "question": result.question,
        "answer": result.answer,
        "valid": result.valid,
        "reasons": list(result.reasons),
        "steps": result.steps,
        "attempts": result.attempts,
        "halted": result.halted,
        "halt_probability": round(result.halt_probability, 4),
    }
    if with_trace:
        plain["trace"] = [
            {
                "step": step.step,
                "recursion": step.recursion,
                "tokens": step.tokens.tolist(),
                "confidence": [round(float(c), 4) for c in step.confidence],
                "halt_probability": round(step.halt_probability, 4),
            }
            for step in result.trace
        ]
    return plain
