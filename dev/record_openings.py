"""Records what the page plays before a model is there: `python dev/record_openings.py` writes `opening-*.json` and `card.png`.

The packaged weights think about one puzzle each, on the CPU. Those of ARC learn a task of ours from its demonstrations, which
takes about a minute, and answer its test input as they go. The page computes from the frames what it says of them. Run it again
when the weights change. The card is drawn with Playwright and a Chromium.
"""

from __future__ import annotations

import copy
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ponderling
from ponderling.checkpoint import Checkpoint, load_checkpoint
from ponderling.models import Model
from ponderling.solving.loop import ThinkingLoop
from ponderling.solving.search import PLAIN
from ponderling.solving.solver import Solver
from ponderling.solving.thinker import InMemory, Thinker, answers
from ponderling.solving.vote import arc_of
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.files import ArcTask, Grid, Pair
from ponderling.tasks.base import Question
from ponderling.training.adapt import learn_task
from ponderling.training.observer import Observer
from ponderling.web import catalog
from ponderling.web.arc_tasks import text_of

PAGE = Path(ponderling.__file__).parent / "web" / "page"

COLOURS = 32
"""Colours of the card."""

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
"""The maze of 20x20 with the longest way in the maze test set."""

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
    symbols = list(range(solver.task.blank_token + 1, len(family["characters"])))
    is_maze = family["kind"] == "maze"
    if is_maze:
        symbols = [family["characters"].index("o")]
    frames = []
    for moment in result.found.trace:
        p = np.rint(1000 * moment.probabilities[open_cells][:, symbols]).astype(int)
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


LESSON, LESSON_WEIGHTS, UPDATES = "arc10", "arc", 300
"""Family and weights of the film of learning, and the updates that a server gives a task: the rates fall to 0 over these."""

EVERY, LAST = 5, 60
"""Updates between two frames of the film, and of its last frame."""

OUTLINE, INSIDE = 8, 7
"""Colours of the lesson."""

OUTLINES = (
    (
        ".8888888..",
        ".8.....8..",
        ".8.88888..",
        ".8.8......",
        ".888..8888",
        "......8..8",
        ".888..8..8",
        ".8....8..8",
        ".8.8..8888",
        ".888......",
    ),
    (
        "..........",
        "888888....",
        "8....8....",
        "8....8.888",
        "8....8.8.8",
        "888888.8.8",
        ".......8.8",
        ".8888..8.8",
        ".8.....8.8",
        ".8888..888",
    ),
    (
        ".888......",
        ".8.8..8888",
        ".8.8..8..8",
        ".8.8.....8",
        ".8.8..8888",
        ".8.8888...",
        ".8....8...",
        ".888888...",
        "..........",
        "8888888888",
    ),
    (
        "8888888888",
        "8........8",
        "8..8888888",
        "8..8......",
        "8..8.8888.",
        "8..8.8..8.",
        "8..8.8....",
        "8888.8..8.",
        ".....8888.",
        "..........",
    ),
)
"""Four inputs; the last is the test input. What is inside a closed outline is filled."""


def lesson() -> ArcTask:
    """The task of the film: outlines that are closed are filled, others are not."""
    grids = [np.array([[OUTLINE * (mark == "8") for mark in row] for row in rows], np.uint8) for rows in OUTLINES]
    *demos, test = [Pair(grid, filled(grid)) for grid in grids]
    return ArcTask(id="closed-outlines", demos=tuple(demos), tests=(test,), source="record_openings.py")


def filled(grid: Grid) -> Grid:
    """The grid with colour wherever no way leads to its border, from cell to neighbouring cell."""
    rows, columns = grid.shape
    border = [(r, c) for r in range(rows) for c in range(columns) if r in (0, rows - 1) or c in (0, columns - 1)]
    outside, waiting = np.zeros(grid.shape, bool), border
    while waiting:
        r, c = waiting.pop()
        if 0 <= r < rows and 0 <= c < columns and not grid[r, c] and not outside[r, c]:
            outside[r, c] = True
            waiting += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
    return np.where(outside | (grid > 0), grid, INSIDE).astype(np.uint8)


class Watched(Observer):
    """Keeps the trainer of a run, to look at its model between two updates."""

    trainer: Any = None

    def started(self, trainer: Any) -> None:
        """Called before the first update."""
        self.trainer = trainer


def record_lesson(last: int = LAST) -> dict[str, Any]:
    """The model, its family, the task, and its answer to the test input before learning and after every few updates."""
    checkpoint = load_checkpoint(LESSON_WEIGHTS, dtype="float32")
    task, watched, frames = lesson(), Watched(), list[dict[str, Any]]()

    def look() -> bool:
        step = watched.trainer.step
        if step % EVERY == 0:
            model = copy.deepcopy(watched.trainer.evaluated_model).eval()
            frames.append({"updates": step, **_answer(checkpoint, model, family=watched.trainer.task, task=task)})
        return step >= last

    learn_task(checkpoint, task, steps=UPDATES, observer=watched, should_stop=look)
    solver = Solver(checkpoint.model, arc_of(checkpoint), config=checkpoint.config, checkpoint=checkpoint)
    pairs = {
        part: [{"input": text_of(pair.input), "output": text_of(filled(pair.input))} for pair in of]
        for part, of in (("demos", task.demos), ("tests", task.tests))
    }
    return {
        "model": {"name": LESSON_WEIGHTS, "parameters": sum(p.numel() for p in checkpoint.model.parameters())},
        "family": catalog.describe(solver, (LESSON,)),
        "task": {"name": task.id, **pairs},
        "frames": frames,
    }


def _answer(checkpoint: Checkpoint, model: Model, *, family: Arc, task: ArcTask) -> dict[str, Any]:
    """What the model says of the task's test input, as the page shows it: the task as it is, without votes."""
    puzzles = family.questions([(task, task.tests[0])])
    question = Question(puzzles.tokens[0], int(puzzles.puzzle_ids[0]))
    loop = ThinkingLoop(model, checkpoint.config, device=torch.device("cpu"))
    thinker = Thinker(loop, PLAIN, task=family, steps=checkpoint.config.train.N_sup, slots=1, trace=True)
    with torch.inference_mode():
        (answer,) = answers(thinker, InMemory([question]))
    last = answer.trace[-1]
    return {
        "tokens": "".join(f"{token:x}" for token in last.tokens),
        "p": np.rint(1000 * last.confidence).astype(int).tolist(),
        "sure": round(last.halt_probability, 4),
    }


def written(recording: dict[str, Any]) -> str:
    """The recording as the page's file."""
    return json.dumps(recording, separators=(",", ":"), ensure_ascii=False) + "\n"


CARD = """<!doctype html><style>
body { margin: 0; width: 1200px; height: 630px; display: flex; align-items: center; gap: 56px;
  background: #f8f7f4; color: #1d2226;
  font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { margin-left: 40px; display: grid; grid-template-columns: repeat(9, 60px); grid-auto-rows: 60px; background: #fff;
  border: 3px solid #6b7177; border-radius: 10px; overflow: hidden; }
main > div { display: grid; place-items: center; border-right: 1px solid #d9d7d0; border-bottom: 1px solid #d9d7d0;
  font-size: 34px; color: #0f6b64; box-sizing: border-box; }
main > .given { color: #1d2226; font-weight: 600; }
main > .changed { background: #fbe7b2; }
main > .right { border-right: 3px solid #6b7177; }
main > .bottom { border-bottom: 3px solid #6b7177; }
.all { grid-template-columns: repeat(3, 1fr); font-size: 14px; color: #5a6169; padding: 5px; }
h1 { font-size: 52px; margin: 0 0 24px; } p { font-size: 31px; line-height: 1.35; margin: 0 0 20px; width: 470px; }
small { font-size: 24px; color: #5a6169; }
</style><main>CELLS</main><section><h1>Ponderling</h1><p><b>NUMBERS numbers</b> solve the world’s hardest Sudoku
in LOOKS looks.</p><p><small>Watch them change their mind until every rule holds.</small></p></section>"""
SHOWN = 900
"""Thousandths from which a cell shows one digit, as on the page."""


def card(recording: dict[str, Any], look: int = 7) -> str:
    """The picture for shared links, as HTML: this look at the Sudoku beside a sentence."""
    frames, cells, place = recording["frames"], [], 0
    for cell, clue in enumerate(recording["puzzle"]):
        lines = f"{'right ' if cell % 9 in (2, 5) else ''}{'bottom ' if cell // 9 in (2, 5) else ''}"
        if clue != ".":
            cells.append(f'<div class="{lines}given">{clue}</div>')
            continue
        now, before = (np.array(frames[i]["p"][9 * place : 9 * place + 9]) for i in (look - 1, look - 2))
        place += 1
        lines += "changed" if now.argmax() != before.argmax() else ""
        if now.max() >= SHOWN:
            cells.append(f'<div class="{lines}">{now.argmax() + 1}</div>')
        else:
            inks = [0 if p < 20 else min(1, 0.25 + p / 1000) for p in now]
            digits = "".join(f'<span style="opacity:{ink}">{i}</span>' for i, ink in enumerate(inks, 1))
            cells.append(f'<div class="{lines} all">{digits}</div>')
    text = CARD.replace("CELLS", "".join(cells)).replace("NUMBERS", f"{recording['model']['parameters']:,}")
    return text.replace("LOOKS", {8: "eight"}.get(len(frames), str(len(frames))))


def draw_card(file: Path) -> None:
    """Writes the picture; needs Playwright and a Chromium."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 630})
        page.set_content(card(record("sudoku9")))
        picture = page.screenshot()
        browser.close()
    few = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)  # a third of the bytes, alike to the eye
    few.save(file, optimize=True)


def main() -> int:
    """Writes the files and returns the exit status."""
    for task in (*OPENINGS, LESSON):
        file = PAGE / f"opening-{task}.json"
        recording = record_lesson() if task == LESSON else record(task)
        file.write_text(written(recording), encoding="utf-8", newline="\n")
        print(f"{file.name}: {file.stat().st_size:,} bytes")
    draw_card(PAGE / "card.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
