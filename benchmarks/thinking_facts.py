"""The figures of docs/how-it-thinks.md: of the two puzzles there, what is right and how sure the network is, step by step."""

from __future__ import annotations

import numpy as np

from ponderling.inference import Result, Solver
from ponderling.search import Budget

INKALA = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
GOLDEN_NUGGET = ".......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7....."


def table(solver: Solver, result: Result) -> None:
    blank = ~solver.task.clue_mask(result.question_tokens)
    print(
        f"{result.attempts} attempts, {result.steps} steps in all; {blank.sum()} cells to fill; valid: {result.valid}"
    )
    print("step  right  sure (half and more)  of these right  least probability of a right symbol  halting")
    for step in result.trace:
        right = (step.tokens == result.tokens) & blank
        sure = (step.confidence >= 0.5) & blank
        least = step.probabilities[np.arange(len(blank)), result.tokens][blank].min()
        print(
            f"{step.step:4}  {right.sum():5}  {sure.sum():20}  {(right & sure).sum():14}  {least:35.3f}  "
            f"{step.halt_probability:7.2%}  guessed {step.guessed}"
        )


def main() -> None:
    solver = Solver.load("sudoku")
    table(solver, solver.solve(INKALA, trace=True))
    found = solver.search(GOLDEN_NUGGET, Budget(16, restarts=150), trace=True)
    table(solver, found)
    (cell,) = found.trace[-1].guessed
    odds = found.trace[15].probabilities[cell]
    print(
        f"cell {cell} after plain thinking:",
        {int(t - 1): round(float(odds[t]), 2) for t in np.flatnonzero(odds > 0.02)},
    )


if __name__ == "__main__":
    main()
