"""The figures of docs/how-it-thinks.md: of the two puzzles there, what is right and how sure the network is, by recursion."""

from __future__ import annotations

import numpy as np

from ponderling.config import Search
from ponderling.solving.result import Result
from ponderling.solving.solver import Solver

INKALA = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
GOLDEN_NUGGET = ".......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7....."

STEPS, SEARCH = 4, Search(restarts=150, search_steps=6)


def table(solver: Solver, result: Result) -> None:
    blank = ~solver.task.clue_mask(result.question_tokens)
    print(
        f"{result.attempts} attempts, {result.steps} steps in all; {blank.sum()} cells to fill; valid: {result.valid}"
    )
    print(
        "number  step, recursion  right  sure (half and more)  of these right  least probability of a right symbol  halting"
    )
    for number, step in enumerate(result.trace, 1):
        right = (step.tokens == result.tokens) & blank
        sure = (step.confidence >= 0.5) & blank
        least = step.probabilities[np.arange(len(blank)), result.tokens][blank].min()
        print(
            f"{number:6}  {step.step:4}, {step.recursion:9}  {right.sum():5}  {sure.sum():20}  {(right & sure).sum():14}  "
            f"{least:35.3f}  "
            f"{step.halt_probability:7.2%}  guessed {step.guessed}"
        )


def main() -> None:
    solver = Solver.load("sudoku")
    table(solver, solver.solve(INKALA, trace=True))
    why = solver.why(INKALA, row=9, column=6, moment=7)
    told = ", ".join(f"{one.name} {one.effect:+.1%}" for one in why.told)
    print(f"row 9, column 6 in recursion 7: {why.token - 1} from {why.before:.1%} to {why.probability:.1%}; {told}")
    table(solver, solver.solve(GOLDEN_NUGGET, trace=True))
    found = solver.solve(GOLDEN_NUGGET, steps=STEPS, search=SEARCH, trace=True)
    table(solver, found)
    cells = found.trace[-1].guessed
    plain = [step for step in found.trace if step.step <= STEPS][-1]
    for cell in cells:
        odds = plain.probabilities[cell]
        likely = {int(t - 1): round(float(odds[t]), 2) for t in np.flatnonzero(odds > 0.02)}
        print(f"cell {cell}, now {found.tokens[cell] - 1}, after plain thinking:", likely)


if __name__ == "__main__":
    main()
