"""Whether the halting head stays down where a misprint leaves a Sudoku without exactly one solution.

    python benchmarks/misprints.py --task sudoku9 --data FILE --puzzles 200
    python benchmarks/misprints.py --checkpoint runs/sizes --task sudoku16 --data FILE --steps 16

Each puzzle has one clue changed or missing, half of them either way. The rules' search counts the
solutions, which the network is not told. For each number of solutions the table has the share of puzzles at which the head
says stop within these steps, and the share that is answered by a grid which keeps the clues and the rules.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass

import numpy as np
import torch
import tyro

from ponderling import Solver
from ponderling.solving.result import Result
from ponderling.tasks.base import PAD, Puzzles
from ponderling.tasks.sudoku.base import SudokuTask

SOLUTIONS = ("none", "one", "several")


@dataclass(frozen=True)
class Options:
    """What to measure."""

    checkpoint: str = "sudoku"
    """Weights: a name, a run folder, or a file."""
    task: str = "sudoku9"
    """The family of the puzzles."""
    _: KW_ONLY
    data: str = "default"
    """A file of puzzles, or the package's test set."""
    puzzles: int = 200
    """Number of puzzles, from the first."""
    steps: int = 16
    """Number of supervision steps, at most."""
    seed: int = 0
    """Seed of the misprints."""
    threads: int = 1
    """Number of torch threads."""
    json: bool = False
    """Print one JSON object."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What became of the puzzles with some number of solutions."""

    solutions: str
    puzzles: int
    stopped: float
    """Share at which the head said stop."""
    valid: float
    """Share whose answer keeps the clues and the rules."""


def misprinted(task: SudokuTask, puzzles: Puzzles, *, seed: int) -> tuple[Puzzles, list[str]]:
    """The puzzles with a misprint each, and how many solutions each has then; undecided ones are left out."""
    printed = task.misprint(np.random.default_rng(seed), puzzles)
    changed = np.flatnonzero((printed.tokens != puzzles.tokens).any(axis=1))
    counts = []
    for question, label in zip(printed.tokens[changed], printed.labels[changed], strict=True):
        if (label != PAD).all():
            counts.append("one")
        else:
            counts.append("none" if task.solve(question, max_guesses=100_000).num_solutions == 0 else "several")
    return printed[changed], counts


def lines(results: Sequence[Result], counts: Sequence[str]) -> list[Line]:
    """A line for each number of solutions that occurs."""
    found = []
    for solutions in SOLUTIONS:
        own = [result for result, count in zip(results, counts, strict=True) if count == solutions]
        if own:
            stopped = float(np.mean([result.halted for result in own]))
            valid = float(np.mean([bool(result.valid) for result in own]))
            found.append(Line(solutions=solutions, puzzles=len(own), stopped=stopped, valid=valid))
    return found


def main(options: Options) -> None:
    """Measures, and prints the table."""
    torch.set_num_threads(options.threads)
    solver = Solver.from_pretrained(options.checkpoint, task=options.task)
    task = solver.task
    if not isinstance(task, SudokuTask):
        raise SystemExit(f"misprints are for Sudokus: {task.name} has none")
    puzzles = task.load_default("test") if options.data == "default" else task.read(options.data)
    printed, counts = misprinted(task, puzzles[: options.puzzles], seed=options.seed)
    results = list(solver.solve_many(tokens=list(printed.tokens), steps=options.steps))
    found = lines(results, counts)
    if options.json:
        print(json.dumps({"options": asdict(options), "lines": [asdict(line) for line in found]}))
        return
    print(
        f"{options.checkpoint}, {task.name}, {options.data}: {len(counts)} misprints, {options.steps} steps at most\n"
    )
    print("| solutions | puzzles | head says stop | rules accept the answer |\n| --- | ---: | ---: | ---: |")
    for line in found:
        print(f"| {line.solutions} | {line.puzzles} | {line.stopped:.1%} | {line.valid:.1%} |")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
