"""Records what the page plays before a model is there: `python dev/record_openings.py` writes `opening-*.json` and `card.png`.

The packaged weights think about one puzzle each, on the CPU. The page computes from the frames what it says of them. Run it
again when the weights change. The card is drawn with Playwright, where it is installed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import ponderling
from ponderling.checkpoint import load_checkpoint
from ponderling.solving.solver import Solver
from ponderling.web import catalog

PAGE = Path(ponderling.__file__).parent / "web" / "page"

WORLDS_HARDEST = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
"""Arto Inkala, 2012."""

LONG_WAY = (
    "# G# #  #  #     #  "
    " # # # ###          "
    "     #  #  # ##     "
    "### #  #  #     #  #"
    "    ##    # ####    "
    "  # #      # S# #   "
    "#   #  #   #   ##  #"
    "     # ##    ###  # "
    "   # ## #   ##   ###"
    " ####    # # # # ## "
    "  #   ##    #    #  "
    "   #      ## #    ##"
    "  # ####  ###    #  "
    "  ##  #  ###   # ## "
    "#  ##  ### #    #   "
    "##    #  #   #   # #"
    " ## #  ##  #     ###"
    "##     # ##    ##   "
    "       #       ##  #"
    "##   #   #   ## #   "
)
"""Of the maze test set's mazes of 20x20, the one with the longest way."""

OPENINGS = {"sudoku9": ("sudoku", WORLDS_HARDEST, 16), "maze20": ("maze", LONG_WAY, 24)}
"""By family: the weights, the puzzle, and the most steps."""


def record(task: str) -> dict[str, Any]:
    """The model, its family, the puzzle and a frame for each look, with which the page plays the thinking."""
    weights, puzzle, steps = OPENINGS[task]
    checkpoint = load_checkpoint(weights, dtype="float32", task=task)
    solver = Solver.of(checkpoint)
    result = solver.solve(puzzle, steps=steps, trace="changes")
    question = solver.parse(puzzle)
    family = catalog.describe(solver, task)
    open_cells = np.flatnonzero(question == solver.task.blank_token)
    symbols = [token for token in range(solver.task.blank_token + 1, len(family["characters"]))]
    is_maze = family["kind"] == "maze"
    if is_maze:
        symbols = [family["characters"].index("o")]
    frames = []
    for moment in result.found.trace:
        p = np.rint(1000 * moment.probabilities[np.ix_(open_cells, symbols)]).astype(int)
        frame: dict[str, Any] = {"p": p.ravel().tolist(), "sure": round(moment.halt_probability, 4)}
        if is_maze:
            assert moment.change is not None
            frame["change"] = np.rint(1000 * moment.change).astype(int).tolist()
        frames.append(frame)
    found = result.found
    return {
        "model": {"name": weights, "parameters": sum(p.numel() for p in checkpoint.model.parameters())},
        "family": family,
        "puzzle": puzzle,
        "symbols": symbols,
        "frames": frames,
        "answer": solver.task.format(found.tokens),
        "end": {
            "steps": found.steps,
            "halted": found.halted,
            "halt_probability": round(found.halt_probability, 4),
            "valid": result.valid,
        },
    }


def written(recording: dict[str, Any]) -> str:
    """The recording as the page's file."""
    return json.dumps(recording, separators=(",", ":"), ensure_ascii=False) + "\n"


def main() -> int:
    """Writes the files and returns the exit status."""
    for task in OPENINGS:
        file = PAGE / f"opening-{task}.json"
        file.write_text(written(record(task)), encoding="utf-8", newline="\n")
        print(f"{file.name}: {file.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
