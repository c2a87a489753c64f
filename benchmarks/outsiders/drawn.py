"""What a structure cannot say, drawn as cells: signs between cells, sums beside them, one-way streets."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .gym_tasks import futoshiki as is_futoshiki
from .task import Grid, Pair, Task, of_size, of_sizes, same_shape

Board = NDArray[np.int64]

# Futoshiki: signs between cells


@cache
def latin_squares(n: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """All Latin squares of the numbers from 1 to n."""
    found: list[tuple[tuple[int, ...], ...]] = [()]
    for _ in range(n):
        found = [
            (*rows, line)
            for rows in found
            for line in itertools.permutations(range(1, n + 1))
            if all(a != b for row in rows for a, b in zip(row, line, strict=True))
        ]
    return tuple(found)


def futoshiki(rng: np.random.Generator, shape: tuple[int, int]) -> Pair | None:
    """A Latin square with some numbers and signs left, which no other square has; signs stand in cells between the numbers.

    As in reasoning-gym's files, 0 is a blank and a dot no sign.
    """
    n = shape[0]
    squares = np.array(latin_squares(n))
    square = squares[rng.integers(len(squares))]
    canvas = np.full((2 * n - 1, 2 * n - 1), ".", dtype="<U1")
    fits = np.ones(len(squares), bool)
    given = rng.random((n, n)) < rng.uniform(0.0, 0.3)
    canvas[::2, ::2] = np.where(given, square, 0)
    fits &= (squares == square)[:, given].all(axis=1)
    for row, column, down in itertools.product(range(n), range(n), (0, 1)):
        other = row + down, column + 1 - down
        if max(other) < n and rng.random() < 0.4:
            less = square[row, column] < square[other]
            canvas[2 * row + down, 2 * column + 1 - down] = ("<^" if less else ">v")[down]
            fits &= (squares[:, row, column] < squares[:, other[0], other[1]]) == less
    if fits.sum() != 1:
        return None
    answer = canvas.copy()
    answer[::2, ::2] = square
    return {"input": canvas.tolist(), "output": answer.tolist()}


# Kakuro: sums beside the cells

NUMBERS = 6
"""Numbers that a cell of the kakuro can hold: from 1 to this."""


@cache
def kakuro_answers(row_sums: tuple[int, ...], column_sums: tuple[int, ...]) -> Board:
    """All grids with these sums of rows and columns, in each of which no number stands twice, (N, rows, columns)."""
    lines = np.array(list(itertools.permutations(range(1, NUMBERS + 1), len(column_sums))))
    grids = np.zeros((1, 0, len(column_sums)), np.int64)
    for total in row_sums:
        fitting = lines[lines.sum(axis=1) == total]
        apart = (grids[:, None] != fitting[None, :, None]).all(axis=(2, 3))
        old, new = apart.nonzero()
        grids = np.concatenate([grids[old], fitting[new][:, None]], axis=1)
    return grids[(grids.sum(axis=1) == column_sums).all(axis=1)]


def kakuro(rng: np.random.Generator, shape: tuple[int, int]) -> Pair:
    """Sums above the columns and at the left of the rows; and numbers that are given, until one grid alone has them all."""
    rows, columns = shape
    squares = np.array(latin_squares(4))[:, :rows, :columns]  # no number twice in a row or column
    grid = (1 + rng.permutation(NUMBERS))[squares[rng.integers(len(squares))] - 1]
    row_sums, column_sums = grid.sum(axis=1).tolist(), grid.sum(axis=0).tolist()
    left = kakuro_answers(tuple(row_sums), tuple(column_sums))
    given = np.zeros(shape, bool)
    for cell in rng.permutation(rows * columns):
        if len(left) == 1:
            break
        place = divmod(int(cell), columns)
        given[place] = True
        left = left[left[:, *place] == grid[place]]
    canvas = np.full((rows + 1, columns + 1), "#", dtype="<U3")
    canvas[0, 1:], canvas[1:, 0] = [f"s{total}" for total in column_sums], [f"s{total}" for total in row_sums]
    answer = canvas.copy()
    canvas[1:, 1:], answer[1:, 1:] = np.where(given, grid, 0), grid
    return {"input": canvas.tolist(), "output": answer.tolist()}


def is_kakuro(question: Grid, answer: Grid) -> bool:
    """Whether all that is given stands, the numbers add up to the sums, and none stands twice in a row or column."""
    kept = [a for q, a in zip(itertools.chain(*question), itertools.chain(*answer), strict=True) if q != "0"]
    cells = [row[1:] for row in answer[1:]]
    if kept != [q for row in question for q in row if q != "0"]:
        return False
    if not {cell for row in cells for cell in row} <= {str(number) for number in range(1, NUMBERS + 1)}:
        return False
    rows, columns = zip(answer[1:], cells, strict=True), zip(answer[0][1:], zip(*cells, strict=True), strict=True)
    sums = [(row[0], line) for row, line in rows] + [*columns]
    return all(len(set(line)) == len(line) and total == f"s{sum(map(int, line))}" for total, line in sums)


# One-way streets

STREETS = {"+": ((-1, 0), (1, 0), (0, -1), (0, 1)), "^": ((-1, 0),), "v": ((1, 0),), "<": ((0, -1),), ">": ((0, 1),)}
"""Where one may go on from each kind of crossing: everywhere, or one way alone."""


def reached(streets: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """The crossings that can be reached from S."""
    start = next((r, line.index("S")) for r, line in enumerate(map(list, streets)) if "S" in line)
    found, waiting = {start}, [start]
    while waiting:
        row, column = waiting.pop()
        for down, right in STREETS.get(streets[row][column], STREETS["+"]):
            cell = row + down, column + right
            inside = 0 <= cell[0] < len(streets) and 0 <= cell[1] < len(streets[0])
            if inside and cell not in found and streets[cell[0]][cell[1]] != "#":
                found.add(cell)
                waiting.append(cell)
    return sorted(found - {start})


def one_way(rng: np.random.Generator, shape: tuple[int, int]) -> Pair:
    """Crossings, most of which let go on one way alone, and `o` on all that can be reached from S."""
    streets = rng.choice(list("+^v<>#"), shape, p=[0.3, 0.15, 0.15, 0.15, 0.15, 0.1])
    streets[tuple(rng.integers(0, shape))] = "S"
    answer = streets.copy()
    for cell in reached(streets.tolist()):
        answer[cell] = "o"
    return {"input": streets.tolist(), "output": answer.tolist()}


DRAWN_TASKS = (
    Task(
        name="futoshiki4",
        asks="A Latin square of 4x4 with signs drawn between the cells, and one solution; 0 is a blank, a dot no sign.",
        stream=of_size(futoshiki, 4, columns=4),
        sizes="4x4, with the signs 7x7",
        rule=same_shape(is_futoshiki),
    ),
    Task(
        name="kakuro",
        asks="Numbers from 1 to 6, none twice in a row or column, which add up to the sums at the edges; 0 is a blank.",
        stream=of_size(kakuro, 3, columns=3),
        sizes="3x3, with the sums 4x4",
        rule=same_shape(is_kakuro),
    ),
    Task(
        name="one_way",
        asks="Which crossings can be reached from S, where most let go on one way alone; # is closed.",
        stream=of_sizes(one_way, 6, most=9),
        sizes="6x6 to 9x9",
        unseen=of_sizes(one_way, 11, most=14),
        unseen_sizes="11x11 to 14x14",
    ),
)
"""Each shows one thing that is drawn because no item of a structure says it."""
