"""Classics about neighbouring cells, flood fill, Conway's life five steps ahead and connected areas; and about far ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .task import Grid, Pair, Task, areas, of_sizes, same_shape

STEPS = 5
"""Steps of the game of life that are to be foreseen."""
MOST_AREAS = 9
"""Areas of a map, at most, so that a digit names each."""


def flood_fill(rng: np.random.Generator, shape: tuple[int, int]) -> Pair:
    """Colours with one cell marked by a capital letter, and the same with the area of that cell as `*`."""
    colours = "abc"[: int(rng.integers(2, 4))]
    grid: Grid = rng.choice(list(colours), shape).tolist()
    row, column = (int(rng.integers(size)) for size in shape)
    area = next(area for area in areas(grid) if (row, column) in area)
    output = [["*" if (r, c) in area else cell for c, cell in enumerate(line)] for r, line in enumerate(grid)]
    grid[row][column] = grid[row][column].upper()
    return {"input": grid, "output": output}


def next_board(board: NDArray[np.int64]) -> NDArray[np.int64]:
    """The board of Conway's game a step later, on a torus."""
    shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]
    count = sum((np.roll(board, shift, axis=(0, 1)) for shift in shifts), np.zeros_like(board))
    return ((count == 3) | ((count == 2) & (board == 1))).astype(np.int64)


def life_five(rng: np.random.Generator, shape: tuple[int, int]) -> Pair | None:
    """A board of the game of life, and the board five steps later; None where all have died by then."""
    board = (rng.random(shape) < rng.uniform(0.2, 0.6)).astype(np.int64)
    later = board
    for _ in range(STEPS):
        later = next_board(later)
    return {"input": board.tolist(), "output": later.tolist()} if later.any() else None


def components(rng: np.random.Generator, shape: tuple[int, int]) -> Pair | None:
    """A map of land, `#`, and the same with its areas numbered in reading order; None where there are more than nine."""
    grid: Grid = np.where(rng.random(shape) < rng.uniform(0.4, 0.7), "#", ".").tolist()
    lands = [area for area in areas(grid) if grid[min(area)[0]][min(area)[1]] == "#"]
    if not 0 < len(lands) <= MOST_AREAS:
        return None
    numbers = {cell: str(number) for number, area in enumerate(lands, 1) for cell in area}
    output = [[numbers.get((r, c), ".") for c in range(shape[1])] for r in range(shape[0])]
    return {"input": grid, "output": output}


def half_covered(rng: np.random.Generator, shape: tuple[int, int]) -> Pair | None:
    """A pattern that is its own mirror image, with a block covered by `?`, and the whole pattern, as in ARC's tasks.

    None where a cell and its mirror image are both covered.
    """
    half = rng.choice(list("abcd"), (shape[0], -(-shape[1] // 2)))
    whole = np.concatenate([half, half[:, ::-1][:, shape[1] % 2 :]], axis=1)
    height, width = (int(rng.integers(1, 1 + size // 2)) for size in shape)
    row, column = (int(rng.integers(1 + size - part)) for size, part in zip(shape, (height, width), strict=True))
    covered = np.zeros(shape, bool)
    covered[row : row + height, column : column + width] = True
    if (covered & covered[:, ::-1]).any():
        return None
    return {"input": np.where(covered, "?", whole).tolist(), "output": whole.tolist()}


def halves(rng: np.random.Generator, shape: tuple[int, int]) -> Pair:
    """Two patterns side by side with a line between, and where one of them alone is filled, as in ARC's tasks."""
    left, right = (rng.random(shape) < 0.5 for _ in range(2))
    line = np.full((shape[0], 1), "|")
    question = np.concatenate([np.where(left, "a", "."), line, np.where(right, "b", ".")], axis=1)
    return {"input": question.tolist(), "output": np.where(left != right, "x", ".").tolist()}


def coloured_apart(question: Grid, answer: Grid) -> bool:
    """Whether each area of land has one number, no two areas have the same, and the sea has none."""
    colours = []
    for area in areas(question):
        found = {answer[row][column] for row, column in area}
        row, column = next(iter(area))
        if question[row][column] == ".":
            if found != {"."}:
                return False
        elif len(found) != 1 or not found <= set("123456789"):
            return False
        else:
            colours += found
    return len(set(colours)) == len(colours)


CELL_TASKS = (
    Task(
        name="flood_fill",
        asks="What a paint bucket fills from the cell whose letter is a capital, as *.",
        stream=of_sizes(flood_fill, 4, most=8),
        sizes="4x4 to 8x8",
        unseen=of_sizes(flood_fill, 10, most=12),
        unseen_sizes="10x10 to 12x12",
    ),
    Task(
        name="life_five",
        asks="The board of Conway's game five steps later, on a torus; boards that die are left out.",
        stream=of_sizes(life_five, 6, most=8, square=True),
        sizes="6x6 to 8x8",
        unseen=of_sizes(life_five, 10, most=12, square=True),
        unseen_sizes="10x10 to 12x12",
    ),
    Task(
        name="components",
        asks="The areas of land, numbered in reading order; up to nine. The rule takes any numbers that tell them apart.",
        stream=of_sizes(components, 4, most=8),
        sizes="4x4 to 8x8",
        unseen=of_sizes(components, 10, most=12),
        unseen_sizes="10x10 to 12x12",
        rule=same_shape(coloured_apart),
    ),
    Task(
        name="half_covered",
        asks="The pattern, the same from left to right and back, that a block of ? covers in part.",
        stream=of_sizes(half_covered, 4, most=8),
        sizes="4x4 to 8x8",
        unseen=of_sizes(half_covered, 10, most=12),
        unseen_sizes="10x10 to 12x12",
    ),
    Task(
        name="halves",
        asks="Where one of the two patterns beside a line is filled and the other is not, as x.",
        stream=of_sizes(halves, 3, most=6),
        sizes="3x7 to 6x13",
        unseen=of_sizes(halves, 8, most=9),
        unseen_sizes="8x17 to 9x19",
    ),
)
"""In the order in which they are listed."""
