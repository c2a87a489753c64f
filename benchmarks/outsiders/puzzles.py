"""Classic puzzles: lights out, nonograms, who has won at four in a row, and the cheapest way through a grid of weights."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .task import NEIGHBOURS, Grid, Pair, Task, of_size, of_sizes, same_shape

Board = NDArray[np.int64]
Cell = tuple[int, int]

# Lights out


def lights_after(presses: Board) -> Board:
    """The lights that are on after these buttons are pressed on a dark board: each switches itself and its neighbours."""
    lights = presses.copy()
    lights[1:] += presses[:-1]
    lights[:-1] += presses[1:]
    lights[:, 1:] += presses[:, :-1]
    lights[:, :-1] += presses[:, 1:]
    return lights % 2


@cache
def without_effect(n: int) -> tuple[Board, ...]:
    """All ways to press buttons of an n x n board that leave every light as it was; the first presses none.

    The first row decides: each further row must put out what is still on in the row above it.
    """
    found = []
    for first in itertools.product((0, 1), repeat=n):
        presses = np.zeros((n, n), np.int64)
        presses[0] = first
        for row in range(1, n):
            presses[row] = lights_after(presses)[row - 1]
        if not lights_after(presses).any():
            found.append(presses)
    return tuple(found)


def lights_out(rng: np.random.Generator, shape: tuple[int, int]) -> Pair:
    """Lights that are on, and the fewest buttons that put all out; of several such, those that come first in reading order.

    As many buttons as a row has times three are pressed at most, 15 on the usual board: any board that can be put out needs
    no more there.
    """
    n = shape[0]
    presses = np.zeros(n * n, np.int64)
    presses[rng.permutation(n * n)[: int(rng.integers(1, 3 * n + 1))]] = 1
    presses = presses.reshape(n, n)
    alike = [(presses + other) % 2 for other in without_effect(n)]
    fewest = min(alike, key=lambda board: (board.sum(), (1 - board).tolist()))
    return {"input": lights_after(presses).tolist(), "output": fewest.tolist()}


def puts_out(question: Grid, answer: Grid) -> bool:
    """Whether the buttons put out all lights."""
    presses = np.array(answer)
    return bool(np.isin(presses, (0, 1)).all()) and bool((lights_after(presses) == np.array(question)).all())


# Nonograms


def runs(line: Sequence[int]) -> tuple[int, ...]:
    """The lengths of the runs of ones."""
    return tuple(len(list(run)) for value, run in itertools.groupby(line) if value)


@cache
def lines_with(clue: tuple[int, ...], length: int) -> tuple[tuple[int, ...], ...]:
    """All lines of this length with these runs."""
    return tuple(line for line in itertools.product((0, 1), repeat=length) if runs(line) == clue)


@cache
def beginnings(clue: tuple[int, ...], length: int) -> frozenset[tuple[int, ...]]:
    """All beginnings of the lines of this length with these runs."""
    return frozenset(line[:end] for line in lines_with(clue, length) for end in range(length + 1))


def solutions(
    row_clues: Sequence[tuple[int, ...]], column_clues: Sequence[tuple[int, ...]]
) -> Iterator[list[tuple[int, ...]]]:
    """All grids with these runs in rows and columns."""
    n = len(row_clues)
    columns = [beginnings(clue, n) for clue in column_clues]

    def below(rows: list[tuple[int, ...]]) -> Iterator[list[tuple[int, ...]]]:
        if len(rows) == n:
            yield rows
            return
        for line in lines_with(row_clues[len(rows)], len(column_clues)):
            longer = [*rows, line]
            if all(part in allowed for part, allowed in zip(zip(*longer, strict=True), columns, strict=True)):
                yield from below(longer)

    return below([])


def nonogram(rng: np.random.Generator, shape: tuple[int, int]) -> Pair | None:
    """The clues round a grid of question marks, and the same with the grid filled; None where another grid has the clues too.

    Clues of a row are at its left, those of a column above it, next to the grid: three cells each, and 0 where there is none.
    """
    n = shape[0]
    grid = (rng.random(shape) < rng.uniform(0.4, 0.7)).astype(int)
    row_clues, column_clues = [runs(row) for row in grid.tolist()], [runs(column) for column in grid.T.tolist()]
    if len(list(itertools.islice(solutions(row_clues, column_clues), 2))) != 1:
        return None
    width = (n + 1) // 2  # most runs of a line
    canvas = np.full((width + n, width + n), "0", dtype="<U1")
    for place, (row, column) in enumerate(zip(row_clues, column_clues, strict=True), width):
        for back, clue in enumerate(reversed(row), 1):
            canvas[place, width - back] = str(clue)
        for back, clue in enumerate(reversed(column), 1):
            canvas[width - back, place] = str(clue)
    question, answer = canvas.copy(), canvas
    question[width:, width:] = "?"
    answer[width:, width:] = np.where(grid == 1, "#", ".")
    return {"input": question.tolist(), "output": answer.tolist()}


# Four in a row


def wins(board: Grid, cell: Cell) -> bool:
    """Whether the piece in this cell is one of four in a row."""
    player = board[cell[0]][cell[1]]

    def reach(down: int, right: int) -> int:
        """Number of pieces of this player that follow the cell in this direction."""
        r, c, count = cell[0] + down, cell[1] + right, 0
        while 0 <= r < len(board) and 0 <= c < len(board[0]) and board[r][c] == player:
            r, c, count = r + down, c + right, count + 1
        return count

    return any(1 + reach(d, r) + reach(-d, -r) >= 4 for d, r in ((0, 1), (1, 0), (1, 1), (1, -1)))


def four_in_a_row(rng: np.random.Generator, shape: tuple[int, int]) -> Pair:
    """A game of random moves, and who has won it, as one cell: x, o, or a dot for a game that goes on; a third each."""
    rows, columns = shape
    wanted = str(rng.choice(["x", "o", "."]))
    while True:
        board: Grid = [["."] * columns for _ in range(rows)]
        moves = rows * columns if wanted != "." else int(rng.integers(rows, 3 * rows * columns // 4))
        won = "."
        for number in range(moves):
            free = [column for column in range(columns) if board[0][column] == "."]
            column = free[int(rng.integers(len(free)))]
            row = max(row for row in range(rows) if board[row][column] == ".")
            board[row][column] = player = "xo"[number % 2]
            if wins(board, (row, column)):
                won = player
                break
        if won == wanted:
            return {"input": board, "output": [[won]]}


# The cheapest way


def costs_to_end(weights: Grid) -> dict[Cell, int]:
    """For each cell the weights of the cheapest way from it to the last cell, both included."""
    rows, columns = len(weights), len(weights[0])
    costs: dict[Cell, int] = {}
    waiting = [(weights[-1][-1], (rows - 1, columns - 1))]
    while waiting:
        cost, cell = heapq.heappop(waiting)
        if cell in costs:
            continue
        costs[cell] = cost
        for down, right in NEIGHBOURS:
            r, c = cell[0] + down, cell[1] + right
            if 0 <= r < rows and 0 <= c < columns and (r, c) not in costs:
                heapq.heappush(waiting, (cost + weights[r][c], (r, c)))
    return costs


def weighted_path(rng: np.random.Generator, shape: tuple[int, int]) -> Pair:
    """Weights from 1 to 9, and the same with the cells of a cheapest way from the first to the last cell as 0.

    Of several such ways it is the one that takes the first of right, down, left, up that is on any of them.
    """
    weights: Grid = rng.integers(1, 10, shape).tolist()
    costs, cell = costs_to_end(weights), (0, 0)
    way = {cell}
    while cell != (shape[0] - 1, shape[1] - 1):
        rest = costs[cell] - weights[cell[0]][cell[1]]
        steps = ((cell[0] + down, cell[1] + right) for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)))
        cell = next(step for step in steps if costs.get(step) == rest)
        way.add(cell)
    output = [[0 if (r, c) in way else weight for c, weight in enumerate(row)] for r, row in enumerate(weights)]
    return {"input": weights, "output": output}


def is_cheapest(question: Grid, answer: Grid) -> bool:
    """Whether the zeros are a way from the first to the last cell, as cheap as any, and all else is unchanged."""
    way = {(r, c) for r, row in enumerate(answer) for c, cell in enumerate(row) if cell == 0}
    if any(cell not in (0, question[r][c]) for r, row in enumerate(answer) for c, cell in enumerate(row)):
        return False
    last = len(question) - 1, len(question[0]) - 1
    reached, waiting = {(0, 0)} & way, list({(0, 0)} & way)
    while waiting:
        r, c = waiting.pop()
        new = {(r + down, c + right) for down, right in NEIGHBOURS} & way - reached
        reached |= new
        waiting += new
    # Weights are above 0: cells that cost no more than the cheapest way, and hold a way, are just that.
    cost = sum(question[r][c] for r, c in way)
    return last in reached and cost == costs_to_end(question)[0, 0]


PUZZLE_TASKS = (
    Task(
        name="lights_out",
        asks="The buttons that put out all lights; each switches itself and its neighbours. The rule takes any such buttons.",
        stream=of_size(lights_out, 5, columns=5),
        sizes="5x5",
        unseen=of_size(lights_out, 6, columns=6),
        unseen_sizes="6x6",
        rule=same_shape(puts_out),
    ),
    Task(
        name="nonogram",
        asks="The grid with these runs of # in rows and columns. Clues are left and above, three cells each, 0 for none.",
        stream=of_size(nonogram, 5, columns=5),
        sizes="5x5, with the clues 8x8",
        unseen=of_size(nonogram, 6, columns=6),
        unseen_sizes="6x6, with the clues 9x9",
    ),
    Task(
        name="four_in_a_row",
        asks="Who has four in a row, as one cell: x, o, or a dot for nobody.",
        stream=of_size(four_in_a_row, 6, columns=7),
        sizes="6x7, answers 1x1",
        unseen=of_size(four_in_a_row, 8, columns=9),
        unseen_sizes="8x9",
    ),
    Task(
        name="weighted_path",
        asks="The cheapest way from the upper left to the lower right cell, as 0. The rule takes any cheapest way.",
        stream=of_sizes(weighted_path, 4, most=8),
        sizes="4x4 to 8x8",
        unseen=of_sizes(weighted_path, 10, most=12),
        unseen_sizes="10x10 to 12x12",
        rule=same_shape(is_cheapest),
    ),
)
"""In the order in which they are listed."""
