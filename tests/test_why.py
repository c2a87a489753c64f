"""Who told a cell: each effect is that of a network from whose relations this one tie was taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ponderling.config import PuzzleShape
from ponderling.halting import probabilities
from ponderling.solving.solver import Solver
from ponderling.solving.why import check_why, group_name, neighbour_name, state_before, why
from ponderling.tasks import get_task
from ponderling.tasks.maze.cells import PATH
from ponderling.tasks.relations import Neighbours, Relations

SUDOKU = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
MAZE = "S #      G"


def without(relations: Relations, name: str, *, cell: int, cells: tuple[int, ...]) -> Relations:
    """The relations without the tie of a cell to the group of these cells, or to the neighbour of this number."""
    if name in ("above", "below", "left", "right"):
        assert relations.neighbours is not None
        k = ("below", "left", "right", "above").index(name)
        table = [list(row) for row in relations.neighbours.cells]
        assert table[k][cell] == cells[0]
        table[k][cell] = -1
        return replace(relations, neighbours=replace(relations.neighbours, cells=tuple(map(tuple, table)), grid=None))
    groups = {
        relation: tuple(tuple(c for c in group if c != cell) if set(group) == set(cells) else group for group in of)
        for relation, of in relations.groups.items()
    }
    assert groups != relations.groups
    return replace(relations, groups=groups)


@pytest.mark.parametrize(("weights", "task", "puzzle", "cells"), [
    ("sudoku", "sudoku9", SUDOKU, (1, 44)),
    ("maze", "maze2x5", MAZE, (1, 5, 7)),
])  # fmt: skip
def test_effects_are_those_of_networks_that_lack_one_tie(weights, task, puzzle, cells):
    solver = Solver.load(weights, task=task)
    model, question = check_why(solver.model), solver.parse(puzzle)
    shape = PuzzleShape(solver.task.vocab_size, len(question))

    def after(relations: Relations, state, cell: int) -> torch.Tensor:
        tokens = torch.from_numpy(question.astype(np.int64))[None]
        with torch.inference_mode():
            _, output = model.on(shape, relations)(state, tokens, puzzle_ids=torch.zeros(1).long(), T=1)
        return probabilities(output.logits[0, cell], solver.config)

    for moment in (1, 3):
        state = state_before(model, question, moment=moment, config=solver.config)
        for cell in cells:
            said = why(model, question, cell=cell, state=state, config=solver.config, grid=solver.task.grid_shape)
            whole = after(model.relations, state, cell)
            assert said.token == int(whole.argmax())
            assert said.probability == pytest.approx(whole.max().item(), abs=1e-5)
            assert len(said.told) == len(ties_of(model.relations, cell))
            assert [told.effect for told in said.told] == sorted((told.effect for told in said.told), reverse=True)
            for told in said.told:
                lacking = without(model.relations, told.name, cell=cell, cells=told.cells)
                other = after(lacking, state, cell)[said.token].item()
                assert told.effect == pytest.approx(said.probability - other, abs=1e-5), told


def ties_of(relations: Relations, cell: int) -> list[tuple[str, int]]:
    groups = [(name, i) for name, of in relations.groups.items() for i, group in enumerate(of) if cell in group]
    beside = relations.neighbours.cells if relations.neighbours else ()
    return groups + [("neighbours", k) for k, table in enumerate(beside) if table[cell] >= 0]


def test_moments_are_those_of_the_trace():
    solver = Solver.load("sudoku")
    trace = solver.solve(SUDOKU, trace=True).trace
    for moment in (1, 2, 5):
        said = solver.why(SUDOKU, row=1, column=2, moment=moment)
        step = trace[moment - 1]
        assert said.token == step.tokens[1]
        assert said.probability == pytest.approx(step.probabilities[1].max(), abs=1e-5)
        if moment > 1:
            assert said.before == pytest.approx(trace[moment - 2].probabilities[1, said.token], abs=1e-5)
        assert {told.name for told in said.told} == {"row 1", "column 2", "box 1"}


def test_a_wave_comes_from_where_the_goal_is():
    """In a corridor that the wave enters from the right, a cell of the path hears of it from the right."""
    solver = Solver.load("maze", task="maze1x24")
    puzzle = "S" + " " * 22 + "G"
    trace = solver.solve(puzzle, trace=True).trace
    cell = 12
    moment = next(i for i, step in enumerate(trace, 1) if step.tokens[cell] == PATH)
    told = {one.name: one.effect for one in solver.why(puzzle, row=1, column=cell + 1, moment=moment).told}
    assert set(told) == {"left", "right"}
    assert max(told.values()) > 0.3


def test_names_of_groups():
    for task, expected in [
        ("sudoku9", {"row 4", "column 9", "box 6"}),
        ("sudoku6", {"row 4", "column 6", "box 4"}),
        ("sudoku9x", {"row 5", "column 5", "box 5", "the diagonal from the upper left", "the other diagonal"}),
    ]:
        family = get_task(task)
        assert family.relations is not None
        cell = {"sudoku9": 3 * 9 + 8, "sudoku6": 3 * 6 + 5, "sudoku9x": 40}[task]
        groups = [group for of in family.relations.groups.values() for group in of if cell in group]
        assert {group_name(list(group), family.grid_shape) for group in groups} == expected
    assert group_name([0, 1, 2, 3], (2, 2)) == "the whole grid"
    assert group_name([0, 1, 9, 10, 11], (9, 9)) == "its region"
    assert group_name([4], (9, 9), is_area=True) == "its area"


def test_neighbours_are_named_by_where_they_are():
    """Neighbours may wrap around the edges, or be images of a cell: their number says nothing of their side."""
    torus = Neighbours.of_grid(3, 4, number=8, wraps=True)
    names = [neighbour_name(table[0], 0, grid=(3, 4)) for table in torus.cells]
    assert names == [
        "below", "row 1 column 4", "right", "row 3 column 1",
        "row 2 column 4", "below right", "row 3 column 4", "row 3 column 2",
    ]  # fmt: skip
    inner = [neighbour_name(table[5], 5, grid=(3, 4)) for table in torus.cells]
    assert inner == ["below", "left", "right", "above", "below left", "below right", "above left", "above right"]
    images = Neighbours.of_grid(3, 3, number=0, images=True)
    corners = {neighbour_name(table[0], 0, grid=(3, 3)) for table in images.cells if table[0] > 0}
    assert corners == {"row 1 column 3", "row 3 column 1", "row 3 column 3"}


def test_what_cannot_be_asked_is_refused(tmp_path):
    solver = Solver.load("sudoku")
    with pytest.raises(ValueError, match="row from 1 to 9 and a column from 1 to 9: got 10 and 1"):
        solver.why(SUDOKU, row=10, column=1, moment=1)
    with pytest.raises(ValueError, match="moment must be at least 1: got 0"):
        solver.why(SUDOKU, row=1, column=1, moment=0)

    class Other(torch.nn.Module):
        pass

    with pytest.raises(ValueError, match="only a relational network says who told a cell"):
        Solver(Other(), solver.task, config=solver.config).why(SUDOKU, row=1, column=1, moment=1)  # pyright: ignore[reportArgumentType]
