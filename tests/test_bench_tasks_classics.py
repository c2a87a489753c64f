"""The outsiders' classics: labels and rules against other implementations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from outside_tasks import first, grown
from outsiders import TASKS, puzzles
from outsiders.task import Grid


def test_the_flood_fills_the_area_of_the_marked_cell():
    for pair in first(TASKS["flood_fill"], 50):
        question = np.array(pair["input"])
        lower = np.char.lower(question)
        (seed,) = np.argwhere(lower != question)
        area = grown(seed, lower == lower[tuple(seed)])
        assert (np.array(pair["output"]) == np.where(area, "*", lower)).all()


def test_the_board_is_that_of_five_steps_of_life():
    for pair in first(TASKS["life_five"], 20):
        n = len(pair["input"])
        living = {(r, c) for r in range(n) for c in range(n) if pair["input"][r][c]}
        for _ in range(5):
            counts: dict[tuple[int, int], int] = {}
            for (r, c), down, right in itertools.product(living, (-1, 0, 1), (-1, 0, 1)):
                if down or right:
                    cell = (r + down) % n, (c + right) % n
                    counts[cell] = counts.get(cell, 0) + 1
            living = {cell for cell, count in counts.items() if count == 3 or (count == 2 and cell in living)}
        assert pair["output"] == [[int((r, c) in living) for c in range(n)] for r in range(n)]


def test_areas_are_numbered_in_reading_order_and_other_numbers_are_right_too():
    rule = TASKS["components"].rule
    assert rule is not None
    several = 0
    for pair in first(TASKS["components"], 50):
        land, answer = np.array(pair["input"]) == "#", np.array(pair["output"])
        wanted = np.full(land.shape, ".")
        for cell in np.argwhere(land):
            if wanted[tuple(cell)] == ".":
                wanted[grown(cell, land)] = str(len(set(wanted[land])) + (0 if (wanted[land] == ".").any() else 1))
        assert (answer == wanted).all()
        assert rule(pair["input"], pair["output"])
        turned = [[cell if cell == "." else str(10 - int(cell)) for cell in row] for row in pair["output"]]
        assert rule(pair["input"], turned)
        if len(set(answer[land])) > 1:
            several += 1
            assert not rule(pair["input"], np.where(land, "1", ".").tolist()), "two areas with one number"
        first_land = tuple(np.argwhere(land)[0])
        for wrong in (".", "#"):
            changed = answer.copy()
            changed[first_land] = wrong
            assert not rule(pair["input"], changed.tolist())
    assert several > 10


def pressed(presses: Grid) -> Grid:
    """The lights of a dark board after its buttons were pressed, one after the other."""
    lights = [[0] * len(row) for row in presses]
    for r, c in itertools.product(range(len(presses)), range(len(presses[0]))):
        for down, right in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)) if presses[r][c] else ():
            if 0 <= r + down < len(lights) and 0 <= c + right < len(lights[0]):
                lights[r + down][c + right] ^= 1
    return lights


def test_the_buttons_put_out_the_lights_and_so_do_others():
    task = TASKS["lights_out"]
    assert task.rule is not None
    quiet = puzzles.without_effect(5)
    assert len(quiet) == 4
    for pair in first(task, 30):
        assert pressed(pair["output"]) == pair["input"]
        for presses in quiet:
            other = ((np.array(pair["output"]) + presses) % 2).tolist()
            assert pressed(other) == pair["input"]
            assert task.rule(pair["input"], other)
            other[2][2] ^= 1
            assert not task.rule(pair["input"], other)


def test_no_fewer_buttons_put_out_the_lights():
    every = [np.reshape(bits, (3, 3)).tolist() for bits in itertools.product((0, 1), repeat=9)]
    every += [np.reshape(bits, (2, 2)).tolist() for bits in itertools.product((0, 1), repeat=4)]
    lights = [pressed(presses) for presses in every]
    rng = np.random.default_rng(0)
    for size in (2, 3) * 10:
        pair = puzzles.lights_out(rng, (size, size))
        fewest = min(
            sum(map(sum, presses)) for presses, left in zip(every, lights, strict=True) if left == pair["input"]
        )
        assert sum(map(sum, pair["output"])) == fewest


def test_a_nonogram_has_one_solution_and_its_clues_are_those_of_the_answer():
    def clues(lines: Any) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(len(run) for run in "".join(line).split(".") if run) for line in lines)

    counts: dict[Any, int] = {}
    for bits in itertools.product(".#", repeat=16):
        grid = [bits[4 * row : 4 * row + 4] for row in range(4)]
        told = clues(grid), clues(zip(*grid, strict=True))
        counts[told] = counts.get(told, 0) + 1
    rng = np.random.default_rng(0)
    drawn = [puzzles.nonogram(rng, (4, 4)) for _ in range(60)]
    assert 0 < sum(pair is None for pair in drawn) < 60
    for pair in drawn:
        if pair is None:
            continue
        question, answer = np.array(pair["input"]), np.array(pair["output"])
        filled = answer[2:, 2:].tolist()
        told = clues(filled), clues(zip(*filled, strict=True))
        assert counts[told] == 1
        shown = [tuple(int(cell) for cell in line if cell != "0") for line in question[2:, :2].tolist()]
        above = [tuple(int(cell) for cell in line if cell != "0") for line in question[:2, 2:].T.tolist()]
        assert (tuple(shown), tuple(above)) == told
        assert (question[2:, 2:] == "?").all()
        assert (np.where(answer == question, answer, "?") == question).all()


def test_four_in_a_row_is_won_by_who_has_four():
    drawn = first(TASKS["four_in_a_row"], 90)
    for pair in drawn:
        board = np.array(pair["input"])
        lines = [*board, *board.T]
        for turned in (board, board[:, ::-1]):
            lines += [turned.diagonal(offset) for offset in range(-5, 7)]
        text = " ".join("".join(line) for line in lines)
        won = [player for player in "xo" if player * 4 in text]
        assert pair["output"] == [[won[0] if won else "."]]
        assert len(won) <= 1
        assert (board == "x").sum() - (board == "o").sum() in (0, 1)
        assert all("." not in "".join(column).lstrip(".") for column in board.T), "a piece hangs in the air"
    shares = [sum(pair["output"] == [[who]] for pair in drawn) for who in "xo."]
    assert min(shares) > 15


def ways(shape: tuple[int, int], way: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """All ways from the first cell to the last that visit no cell twice."""
    r, c = way[-1]
    if (r, c) == (shape[0] - 1, shape[1] - 1):
        yield way
        return
    for cell in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
        if 0 <= cell[0] < shape[0] and 0 <= cell[1] < shape[1] and cell not in way:
            yield from ways(shape, [*way, cell])


def test_the_cheapest_ways_are_right_and_all_others_are_not():
    rule = TASKS["weighted_path"].rule
    assert rule is not None
    rng, ties = np.random.default_rng(0), 0
    for _ in range(15):
        pair = puzzles.weighted_path(rng, (3, 4))
        every = list(ways((3, 4), [(0, 0)]))
        costs = [sum(pair["input"][r][c] for r, c in way) for way in every]
        grids = [
            [[0 if (r, c) in way else cell for c, cell in enumerate(row)] for r, row in enumerate(pair["input"])]
            for way in every
        ]
        right = [grid for grid, cost in zip(grids, costs, strict=True) if cost == min(costs)]
        assert pair["output"] in right
        assert [rule(pair["input"], grid) for grid in grids] == [cost == min(costs) for cost in costs]
        ties += len(right) > 1
        changed = [list(row) for row in pair["output"]]
        r, c = next((r, c) for r, row in enumerate(changed) for c, cell in enumerate(row) if cell)
        changed[r][c] = changed[r][c] % 9 + 1
        assert not rule(pair["input"], changed)
    assert ties


def test_what_is_covered_stands_in_the_other_half():
    for pair in first(TASKS["half_covered"], 50):
        question, answer = np.array(pair["input"]), np.array(pair["output"])
        covered = question == "?"
        assert covered.any()
        assert (answer == np.fliplr(answer)).all()
        assert (answer == np.where(covered, np.fliplr(question), question)).all()


def test_halves_are_compared_cell_by_cell():
    for pair in first(TASKS["halves"], 50):
        for line, answer in zip(pair["input"], pair["output"], strict=True):
            left, right = (
                [cell != "." for cell in part.split("|")[0]] for part in ("".join(line), "".join(line)[::-1])
            )
            assert answer == ["x" if a != b else "." for a, b in zip(left, right[::-1], strict=True)]
