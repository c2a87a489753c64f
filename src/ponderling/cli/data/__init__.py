"""`ponderling data`: puzzles of our own making, what a file of puzzles holds, and files for the official repositories."""

from __future__ import annotations

import importlib

from ponderling.system import did_you_mean

VERBS = {
    "make sudoku": "ponderling.cli.data.make_sudoku",
    "make maze": "ponderling.cli.data.make_maze",
    "make gym": "ponderling.cli.data.make_gym",
    "make rearc": "ponderling.cli.data.make_rearc",
    "inspect": "ponderling.cli.data.inspect",
    "export": "ponderling.cli.data.export",
}
"""Each verb is a file here; nothing but the verb that was asked for is loaded."""

USAGE = """usage: ponderling data {make,inspect,export} ...

  make sudoku     generate puzzles with one solution: train.csv and test.csv, none of one equivalent to one of the other
  make maze       generate mazes of any size with their shortest paths, likewise
  make gym        write grid pairs of a reasoning-gym task: train.jsonl and test.jsonl (needs the extra `gym`)
  make rearc      generate more pairs of the rules of ARC's training tasks (needs the extra `gym`)
  inspect FILE    what a file of puzzles, of your own grids or of ARC tasks holds: sizes, symbols, splits, ratings, repetitions
  export FILE     write a file, or a task's own puzzles, as a data set for the official HRM and TRM repositories

`ponderling data make sudoku --help`, `ponderling data inspect --help` and so on show more."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    for verb, module in VERBS.items():
        words = verb.split()
        if args[: len(words)] == words:
            return importlib.import_module(module).main(args[len(words) :])
    if args in ([], ["make"], ["make", "--help"]) or args[0] in ("-h", "--help"):
        print(USAGE)
        return 2 if args in ([], ["make"]) else 0
    asked = " ".join(args[: 2 if args[0] == "make" else 1])
    *most, last = (f"`{verb}`" for verb in VERBS)
    raise ValueError(
        f"unknown verb `data {asked}`: {did_you_mean(asked, VERBS)}Expected {', '.join(most)} or {last} after `data`"
    )
