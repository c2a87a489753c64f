"""What a network for mazes knows of every cell, recursion by recursion: a wave goes out from G, and the path comes back.

python benchmarks/maze_wave.py [maze] [--file MAZES] [--recursions 1 4 8 16 24 32] [--plot docs/pictures/maze-wave.png]

Training taught the network hints: where the path from each cell to G goes on, or that it has no way. Its head for these hints
reads the same state as its answer, so it shows what the state says of each cell. The picture has an arrow in every cell where
the head names a direction: dark where it is right. Marks of the answer are filled.

The table has, for each recursion, how far from G the wave has come: the greatest distance up to which 95% of the cells have the
right hint. Beside it are the share of all cells with the right hint, and the cells of the path that are marked.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from tyro.conf import Positional

from ponderling.checkpoint import load_checkpoint
from ponderling.models.relational import Relational
from ponderling.tasks import get_task
from ponderling.tasks.base import Puzzles
from ponderling.tasks.maze import Maze
from ponderling.tasks.maze.cells import GOAL, PATH, START, WALL

RIGHT = 0.95
"""Share of the cells up to a distance whose hints must be right, for the wave to have come so far."""

ARROWS = ((0, -1), (-1, 0), (1, 0), (0, 1))
"""Columns to the right and rows up, for the hints 1 to 4: down, left, right, up."""


ACROSS = 3
"""Number of mazes beside one another in the picture."""


@dataclass(frozen=True)
class Source:
    """The network, and the mazes that it is shown."""

    weights: Positional[str] = "maze"
    """A checkpoint of a relational network that was trained with hints."""
    _: KW_ONLY
    file: Path | None = None
    """A file of mazes, of which the first are shown; None: generated ones."""
    task: str = "maze30"
    """The family of the mazes."""
    seed: int = 0
    """Seed of the generated mazes."""

    def load(self) -> tuple[Relational, Maze]:
        """The network and the family; ends the program in one line where the network knows no hints."""
        model, task = load_checkpoint(self.weights, task=self.task).model, get_task(self.task)
        if not isinstance(task, Maze) or not isinstance(model, Relational) or not model.relations.hints:
            raise SystemExit(f"{self.weights}: this is for networks that were trained on mazes with hints")
        return model, task

    def mazes(self, task: Maze, count: int) -> Puzzles:
        """The first mazes of the file, or generated ones."""
        if self.file is not None:
            return task.read(self.file, count)
        return task.generate(np.random.default_rng(self.seed), count)


@dataclass(frozen=True, kw_only=True)
class Options(Source):
    """What to show."""

    recursions: tuple[int, ...] = (1, 4, 8, 16, 24, 32)
    """Recursions to show."""
    plot: Path | None = None
    """A PNG for the picture; needs the extra `plot`."""


def told(model: Relational, tokens: NDArray[np.uint8], *, recursions: int) -> tuple[list[NDArray], list[NDArray]]:
    """The likeliest hint, from 1, and the likeliest token of each cell of mazes (N, L) after each recursion."""
    question = torch.from_numpy(tokens.astype(np.int64))
    ids = torch.zeros(len(tokens), dtype=torch.long)
    state, hints, answers = model.initial_state(len(tokens)), [], []
    with torch.inference_mode():
        for _ in range(recursions):
            state, output = model(state, question, puzzle_ids=ids, T=1)
            hints.append(1 + model.hint_scores(state)[0].argmax(-1).numpy())
            answers.append(output.logits.argmax(-1).numpy())
    return hints, answers


def front(hints: NDArray, right: NDArray, *, distance: NDArray) -> int:
    """The greatest distance up to which nearly all cells have the right hint; 0 for none."""
    far = 0
    for d in range(1, int(distance.max()) + 1):
        within = (distance > 0) & (distance <= d)
        if (hints[within] == right[within]).mean() < RIGHT:
            break
        far = d
    return far


def draw(
    task: Maze,
    tokens: NDArray[np.uint8],
    *,
    hints: list[NDArray],
    answers: list[NDArray],
    right: NDArray,
    recursions: tuple[int, ...],
    file: Path,
) -> None:
    """Writes the picture."""
    import matplotlib.pyplot as plt

    rows, columns = task.grid_shape
    lines = -(-len(recursions) // ACROSS)
    figure, axes = plt.subplots(lines, ACROSS, figsize=(4.2 * ACROSS, 4.5 * lines), squeeze=False)
    for axis in axes.flat[len(recursions) :]:
        axis.set_axis_off()
    for axis, number in zip(axes.flat, recursions, strict=False):
        said, answer = hints[number - 1], answers[number - 1]
        walls = (tokens == WALL).reshape(rows, columns)
        marks = ((answer == PATH) & (tokens != WALL)).reshape(rows, columns)
        picture = np.ones((rows, columns, 3))
        picture[marks] = (1.0, 0.82, 0.4)
        picture[walls] = 0.35
        axis.imshow(picture, interpolation="nearest")
        for is_right, colour in ((True, "tab:blue"), (False, "tab:red")):
            shown = np.flatnonzero((tokens != WALL) & (said <= 4) & ((said == right) == is_right))
            across, up = np.array(ARROWS)[said[shown] - 1].T
            axis.quiver(shown % columns, shown // columns, across, up, color=colour, pivot="mid", scale=1.5 * columns,
                        width=0.006, headwidth=5)  # fmt: skip
        for token, letter in ((START, "S"), (GOAL, "G")):
            for cell in np.flatnonzero(tokens == token):
                axis.text(cell % columns, cell // columns, letter, ha="center", va="center", weight="bold", color="black",
                          bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white"})  # fmt: skip
        axis.set_title(f"recursion {number}")
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout()
    figure.savefig(file, dpi=70)


def main() -> None:
    """Prints the table and writes the picture."""
    options = tyro.cli(Options, description=__doc__)
    model, task = options.load()
    maze = options.mazes(task, 1)
    known = task.hints(maze.tokens)
    right, distance = known.labels[0, :, 0], known.rounds[0]
    tokens, path = maze.tokens[0], maze.labels[0] == PATH
    hints, answers = (
        [of_all[0] for of_all in said] for said in told(model, maze.tokens, recursions=max(options.recursions))
    )
    print(f"{task.name}: {path.sum() + 2} cells on the path; the farthest cell is {distance.max()} moves from G")
    print("recursion  wave has come  right hints  marked of the path  marked elsewhere  answer")
    for number in options.recursions:
        said, answer = hints[number - 1], answers[number - 1]
        free = (tokens != WALL) & (distance > 0)
        marks = answer == PATH
        verdict = "valid" if task.valid(maze.tokens, answer[None].astype(np.uint8))[0] else "-"
        print(
            f"{number:9}  {front(said, right, distance=distance):13}  {100 * (said == right)[free].mean():10.1f}%"
            f"  {(marks & path).sum():10} of {path.sum():4}  {(marks & ~path).sum():16}  {verdict}"
        )
    if options.plot is not None:
        draw(task, tokens, hints=hints, answers=answers, right=right, recursions=options.recursions, file=options.plot)


if __name__ == "__main__":
    main()
