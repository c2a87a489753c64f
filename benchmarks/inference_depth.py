"""What hard Sudokus ask for: how many one level of trial and error solves, and how a network fares when clues are added.

python benchmarks/inference_depth.py hard.csv easy.csv --puzzles 250 --clues 0 1 2 3 4 6
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

import numpy as np
import tyro
from tyro.conf import Positional

from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.tasks.sudoku import SUDOKUS


@dataclass(frozen=True)
class Options:
    """What to measure."""

    files: Positional[tuple[Path, ...]]
    """Files of 9x9 puzzles."""
    puzzles: int = 250
    """The first so many of each."""
    _: KW_ONLY
    checkpoint: str = "sudoku"
    """The network; none: trial and error alone."""
    clues: tuple[int, ...] = (0, 1, 2, 3, 4, 6)
    """How many of a puzzle's missing cells are given, at random."""
    steps: int = 16
    """Supervision steps, without search."""
    seed: int = 0
    """Of the cells that are given."""


def main(options: Options) -> None:
    """Prints a block for each file."""
    task = SUDOKUS["sudoku9"]
    solver = None if options.checkpoint == "none" else Solver.load(options.checkpoint)
    for file in options.files:
        puzzles = task.read(file)[: options.puzzles]
        left = np.array([task.left_after_trials(tokens) for tokens in puzzles.tokens])
        print(
            f"{file.name}: one level of trial and error solves {np.mean(left == 0):.1%} of {len(puzzles)}; "
            f"candidates left: median {np.median(left):.0f}"
        )
        if solver is None:
            continue
        for k in options.clues:
            rng = np.random.default_rng(options.seed)
            tokens = puzzles.tokens.copy()
            for row, labels in zip(tokens, puzzles.labels, strict=True):
                given = rng.permutation(np.flatnonzero(~task.clue_mask(row)))[:k]
                row[given] = labels[given]
            outcome = evaluate(solver, replace(puzzles, tokens=tokens), steps=options.steps, batch_size=64)
            print(f"  {k} clues added: {outcome.to_json()['exact']:.1%} exact at {options.steps} steps", flush=True)


if __name__ == "__main__":
    main(tyro.cli(Options))
