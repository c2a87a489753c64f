"""Files and examples of your own grids, for the tests of what they say and of what is trained on it."""

from __future__ import annotations

import json

import numpy as np

from ponderling.tasks.base import Puzzles
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.files import read_grid_file
from ponderling.tasks.custom.looking import propose
from ponderling.tasks.custom.spec import GridSpec, spec_of_file

BITS = GridSpec(("0", "1"), rows=4, columns=4)


LATIN = GridSpec(("1", "2", "3", "4", "_"), rows=4, columns=4)


def puzzles(questions: np.ndarray, answers: np.ndarray) -> Puzzles:
    tokens, labels = (grids.reshape(len(grids), -1).astype(np.uint8) for grids in (questions, answers))
    return Puzzles(tokens, labels, puzzle_ids=np.zeros(len(tokens), np.int32))


def bits(count: int = 300, shape: tuple[int, int] = (4, 4)) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 3, (count, *shape))


def items(examples: Puzzles, spec: GridSpec = BITS, **more) -> dict[str, str]:
    return {finding.item: finding.status for finding in propose(examples, spec, **more).findings}


def latin_squares(count: int, *, rng: np.random.Generator, fixed: bool = False) -> Puzzles:
    """Squares of 2x2 boxes with four symbols, of which half of the cells are given."""
    base = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]])
    answers = []
    for _ in range(count):
        grid = base[np.concatenate([2 * b + rng.permutation(2) for b in rng.permutation(2)])]
        answers.append(grid if fixed else np.array([0, *rng.permutation(4) + 1])[grid])
    answers = np.array(answers)
    return puzzles(np.where(rng.random(answers.shape) < 0.5, answers, 5), answers)


def examples_of(change, tmp_path, shapes=((2, 3), (4, 4), (3, 5))) -> tuple[Puzzles, GridSpec]:
    rng = np.random.default_rng(0)
    questions = [rng.integers(0, 4, shape) for shape in shapes for _ in range(20)]
    lines = [{"input": q.tolist(), "output": change(q).tolist()} for q in questions]
    (tmp_path / "scaled.jsonl").write_text("\n".join(map(json.dumps, lines)))
    file = read_grid_file(tmp_path / "scaled.jsonl")
    spec = spec_of_file(file)
    return Grids(spec).puzzles_of(file), spec


def largest_of_blocks(grid: np.ndarray) -> np.ndarray:
    """The largest number of each 2x2 block, of which the last may be cut off."""
    padded = np.pad(grid, [(0, size % 2) for size in grid.shape])
    return padded.reshape(len(padded) // 2, 2, -1, 2).max(axis=(1, 3))


def write_life(path, count: int = 200, shapes=((5, 5),)) -> None:
    """Conway's rule once, on grids that wrap."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for number in range(count):
            grid = rng.integers(0, 2, shapes[number % len(shapes)])
            alive = sum(np.roll(grid, (r, c), (0, 1)) for r in (-1, 0, 1) for c in (-1, 0, 1)) - grid
            after = ((alive == 3) | ((grid == 1) & (alive == 2))).astype(int)
            file.write(json.dumps({"input": grid.tolist(), "output": after.tolist()}) + "\n")
