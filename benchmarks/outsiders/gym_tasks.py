"""Tasks of reasoning-gym (the extra `gym`), as `ponderling data make gym` writes them wherever it can.

Those that it refuses are put as grids here, and `asks` says how. The number that largest_island and rotten_oranges ask for can
be read off the answer grid. Sokoban and rush_hour are left out: their answers are series of moves, and many are right.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ponderling.cli.data.make_gym import grid_pair

from .task import NEIGHBOURS, Grid, Pair, Stream, Task, areas, same_shape

Convert = Callable[[dict[str, Any]], Pair | None]
"""An entry as a pair of grids, or None for one to pass over."""

MOST_ENTRIES = 1_000_000
"""Number of entries of a data set; those of a seed and the next would overlap otherwise."""


def data_set(name: str, *, seed: int, **options: Any) -> Any:
    """A data set of reasoning-gym, whose entries are made when they are asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports warn
        import reasoning_gym

    return reasoning_gym.create_dataset(name, seed=seed * MOST_ENTRIES, size=MOST_ENTRIES, **options)


def gym(name: str, *options: dict[str, Any], convert: Convert = grid_pair) -> Stream:
    """A stream of a data set's pairs, taken in turn from one of it for each of the options."""

    def stream(seed: int) -> Iterator[Pair]:
        sets = [data_set(name, seed=seed, **more) for more in options or ({},)]
        for number in itertools.count():
            pair = convert(sets[number % len(sets)][number // len(sets)])
            if pair is not None:
                yield pair

    return stream


def matrix_pair(entry: dict[str, Any]) -> Pair:
    """A matrix and what becomes of it."""
    return {"input": entry["metadata"]["matrix"], "output": entry["metadata"]["solution"]}


def max_pool(entry: dict[str, Any]) -> Pair | None:
    """A matrix and its largest numbers, if the entry asks for these and not for means."""
    if entry["metadata"]["pool_type"] != "max":
        return None
    pair = matrix_pair(entry)
    return pair | {"output": [[int(cell) for cell in row] for row in pair["output"]]}


def largest_island(entry: dict[str, Any]) -> Pair | None:
    """A map, and the map with the cells of its largest island as 2; None where two islands are the largest."""
    grid: Grid = entry["metadata"]["grid"]
    islands = sorted((area for area in areas(grid) if grid[min(area)[0]][min(area)[1]] == 1), key=len)
    if len(islands) > 1 and len(islands[-1]) == len(islands[-2]):
        return None
    largest = islands[-1] if islands else set()
    output = [[2 if (r, c) in largest else cell for c, cell in enumerate(row)] for r, row in enumerate(grid)]
    return {"input": grid, "output": output}


def rotting(entry: dict[str, Any]) -> Pair:
    """A box of oranges, `.` empty, `o` fresh, `r` rotten, and the minute at which each rots, or `o` for never."""
    grid: Grid = entry["metadata"]["matrix"]
    rows, columns = len(grid), len(grid[0])
    minutes = {(r, c): 0 for r in range(rows) for c in range(columns) if grid[r][c] == 2}
    newest, minute = list(minutes), 0
    while newest:
        minute += 1
        reached = {(r + down, c + right) for r, c in newest for down, right in NEIGHBOURS}
        newest = [(r, c) for r, c in reached - minutes.keys() if 0 <= r < rows and 0 <= c < columns and grid[r][c] == 1]
        minutes |= dict.fromkeys(newest, minute)
    question = [[".or"[cell] for cell in row] for row in grid]
    answer = [[str(minutes.get((r, c), cell)) for c, cell in enumerate(row)] for r, row in enumerate(question)]
    return {"input": question, "output": answer}


def n_queens(question: Grid, answer: Grid) -> bool:
    """Whether every given queen stands, and as many queens as rows attack none another."""
    queens = [(r, c) for r, row in enumerate(answer) for c, cell in enumerate(row) if cell == "Q"]
    given = {(r, c) for r, row in enumerate(question) for c, cell in enumerate(row) if cell == "Q"}
    lines = ([r for r, _ in queens], [c for _, c in queens], [r + c for r, c in queens], [r - c for r, c in queens])
    apart = all(len(set(line)) == len(question) == len(line) for line in lines)
    return given <= set(queens) and apart and {cell for row in answer for cell in row} <= {"Q", "_"}


def futoshiki(question: Grid, answer: Grid) -> bool:
    """Whether all that is given stands, rows and columns hold each number once, and every sign is true."""
    numbers = {str(value) for value in range(1, (len(question) + 1) // 2 + 1)}
    for row, line in enumerate(question):
        for column, cell in enumerate(line):
            if cell != "0" and answer[row][column] != cell:
                return False
    cells = [row[::2] for row in answer[::2]]
    if any(set(line) != numbers for line in (*cells, *zip(*cells, strict=True))):
        return False
    for row, line in enumerate(answer):
        for column, sign in enumerate(line):
            if sign in ("<", ">") and (int(line[column - 1]) < int(line[column + 1])) != (sign == "<"):
                return False
            if sign in ("^", "v") and (int(answer[row - 1][column]) < int(answer[row + 1][column])) != (sign == "^"):
                return False
    return True


def kakurasu(question: Grid, answer: Grid) -> bool:
    """Whether the sums stand as given, and the places of the ones in each row and column add up to them."""
    cells = [row[:-1] for row in answer[:-1]]
    if answer[-1] != question[-1] or [row[-1] for row in answer] != [row[-1] for row in question]:
        return False
    if not {cell for row in cells for cell in row} <= {0, 1}:
        return False
    rows = [sum(place * cell for place, cell in enumerate(row, 1)) for row in cells]
    columns = [sum(place * cell for place, cell in enumerate(column, 1)) for column in zip(*cells, strict=True)]
    return rows == [row[-1] for row in question[:-1]] and columns == question[-1][:-1]


def _squares(*sizes: int) -> list[dict[str, Any]]:
    """Options of the game of life for square boards, with up to a third of the cells alive."""
    return [{"grid_size_x": n, "grid_size_y": n, "filled_cells": n * n // 3} for n in sizes]


def _of_board(size: int) -> dict[str, Any]:
    return {"min_board_size": size, "max_board_size": size}


def _of_rows_and_columns(least: int, most: int) -> dict[str, Any]:
    return {"min_rows": least, "max_rows": most, "min_cols": least, "max_cols": most}


GYM_TASKS = (
    Task(
        name="binary_matrix",
        asks="For each cell, the number of steps to the nearest 0.",
        stream=gym("binary_matrix", {"min_n": 3, "max_n": 8}),
        sizes="3x3 to 8x8",
        unseen=gym("binary_matrix", {"min_n": 10, "max_n": 12}),
        unseen_sizes="10x10 to 12x12",
    ),
    Task(
        name="futoshiki",
        asks="A Latin square with signs between the cells; 0 is a blank, a dot no sign.",
        stream=gym("futoshiki", _of_board(4), _of_board(6)),
        sizes="4x4 and 6x6, with the signs 7x7 and 11x11",
        unseen=gym("futoshiki", _of_board(5)),
        unseen_sizes="5x5: a larger one would need numbers that training does not show",
        rule=same_shape(futoshiki),
        train=2000,  # six of them take a second to make
    ),
    Task(
        name="game_of_life",
        asks="The board of Conway's game a step later, on a torus.",
        stream=gym("game_of_life", *_squares(6, 7, 8)),
        sizes="6x6, 7x7, 8x8",
        unseen=gym("game_of_life", *_squares(10, 12)),
        unseen_sizes="10x10, 12x12",
    ),
    Task(
        name="kakurasu",
        asks="Which cells are 1: their places in each row and column add up to the sum at its end.",
        stream=gym("kakurasu"),
        sizes="4x4 to 5x5, with the sums 5x5 to 6x6",
        unseen=gym("kakurasu", _of_rows_and_columns(6, 6)),
        unseen_sizes="6x6",
        rule=same_shape(kakurasu),
    ),
    Task(
        name="mini_sudoku",
        asks="A 4x4 Sudoku with one solution; 0 is a blank.",
        stream=gym("mini_sudoku"),
        sizes="4x4",
    ),
    Task(
        name="modulo_grid",
        asks="Up to 30 missing cells of a pattern: a remainder of a sum, difference, product or power of row and column.",
        stream=gym("modulo_grid", {"size_x": 12, "size_y": 12, "max_holes": 30}),
        sizes="12x12",
        unseen=gym("modulo_grid", {"size_x": 16, "size_y": 16, "max_holes": 50}),
        unseen_sizes="16x16",
    ),
    Task(
        name="n_queens",
        asks="Queens that attack none another, some of which are given.",
        stream=gym("n_queens"),
        sizes="8x8",
        unseen=gym("n_queens", {"n": 10, "max_remove": 9}),
        unseen_sizes="10x10",
        rule=same_shape(n_queens),
    ),
    Task(
        name="spiral_matrix",
        asks="The cells of a square as one row, in the order of a spiral that begins at the upper left.",
        stream=gym("spiral_matrix", {"min_n": 2, "max_n": 5}),
        sizes="2x2 to 5x5, answers 1x4 to 1x25",
        unseen=gym("spiral_matrix", {"min_n": 6, "max_n": 6}),
        unseen_sizes="6x6",
    ),
    Task(
        name="sudoku",
        asks="A 9x9 Sudoku with one solution and 30 to 50 blanks, which are 0.",
        stream=gym("sudoku"),
        sizes="9x9",
    ),
    Task(
        name="rotate_matrix",
        asks="The square turned by 90 degrees clockwise; other angles of the data set, which it says in words, are left out.",
        stream=gym("rotate_matrix", {"max_n": 8, "min_rotations": 1, "max_rotations": 1}, convert=matrix_pair),
        sizes="2x2 to 8x8",
        unseen=gym(
            "rotate_matrix", {"min_n": 10, "max_n": 12, "min_rotations": 1, "max_rotations": 1}, convert=matrix_pair
        ),
        unseen_sizes="10x10 to 12x12",
    ),
    Task(
        name="pool_matrix",
        asks="The largest number of each 2x2 block; means and other blocks of the data set, said in words, are left out.",
        stream=gym(
            "pool_matrix", {"max_rows": 8, "max_cols": 8, "min_pool_size": 2, "max_pool_size": 2}, convert=max_pool
        ),
        sizes="2x2 to 8x8, answers half as large",
        unseen=gym(
            "pool_matrix",
            {**_of_rows_and_columns(10, 12), "min_pool_size": 2, "max_pool_size": 2},
            convert=max_pool,
        ),
        unseen_sizes="10x10 to 12x12",
    ),
    Task(
        name="largest_island",
        asks="The map with the cells of its largest island as 2; maps with two largest are left out.",
        stream=gym("largest_island", _of_rows_and_columns(5, 8), convert=largest_island),
        sizes="5x5 to 8x8",
        unseen=gym("largest_island", _of_rows_and_columns(10, 12), convert=largest_island),
        unseen_sizes="10x10 to 12x12",
    ),
    Task(
        name="rotten_oranges",
        asks="The minute at which each orange rots: o is fresh, r rotten, a dot empty, and o in the answer never rots.",
        stream=gym("rotten_oranges", {"min_n": 4, "max_n": 8}, convert=rotting),
        sizes="4x4 to 8x8",
        unseen=gym("rotten_oranges", {"min_n": 10, "max_n": 12}, convert=rotting),
        unseen_sizes="10x10 to 12x12",
    ),
)
"""In the order in which they are listed."""
