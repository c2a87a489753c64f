"""Grids of symbols, as numpy arrays and lists: what they mean is what the same puzzle means as text."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from ponderling.tasks import get_task, named_tasks
from ponderling.tasks.arc import Arc
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom import Grids
from ponderling.tasks.custom.spec import GridSpec
from ponderling.tasks.sudoku import SUDOKUS, Sudoku

TEXT = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
S9, S16 = SUDOKUS["sudoku9"], SUDOKUS["sudoku16"]
TOKENS = S9.parse(TEXT)
DIGITS = np.array([0 if c == "." else int(c) for c in TEXT]).reshape(9, 9)
ROWS = [TEXT[9 * r : 9 * r + 9] for r in range(9)]


@pytest.mark.parametrize(
    "grid",
    [
        DIGITS,
        DIGITS.ravel(),
        DIGITS.astype(np.uint8),
        DIGITS.astype(float),
        DIGITS.tolist(),
        DIGITS.ravel().tolist(),
        list(DIGITS),
        torch.from_numpy(DIGITS),
        np.array([list(row) for row in ROWS]),
        ROWS,
        [list(row) for row in ROWS],
        [[None if c == "." else c for c in row] for row in ROWS],
        [["" if c == "." else c for c in row] for row in ROWS],
        np.array([[None if c == "." else int(c) for c in row] for row in ROWS], object),
    ],
)
def test_a_sudoku_is_the_same_in_every_form(grid):
    assert (S9.parse_grid(grid) == TOKENS).all()


def test_symbols_above_nine_are_letters_or_numbers():
    answer = S16.random_grid(np.random.default_rng(0))
    grid = S16.to_grid(answer)
    assert grid.max() == 16
    assert (S16.parse_grid(grid) == answer).all()
    assert (S16.parse_grid(S16.render(answer)) == answer).all()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ((0, 2, 2.5), "2.5 at row 1 column 3 is not a symbol: expected a whole number"),
        ((4, 8, float("nan")), "nan at row 5 column 9 is not a symbol"),
        ((4, 8, float("inf")), "inf at row 5 column 9 is not a symbol"),
        ((0, 0, True), "True at row 1 column 1 is not a symbol"),
        ((8, 0, 10), "10 at row 9 column 1 is not a symbol of sudoku9 (1 to 9, and . or 0 for a blank)"),
        ((8, 0, -1), "-1 at row 9 column 1 is not a symbol of sudoku9"),
        ((8, 0, "x"), "'x' at row 9 column 1 is not a symbol of sudoku9"),
        ((8, 0, "|"), "'|' at row 9 column 1 is not a symbol of sudoku9"),
        ((8, 0, "12"), "'12' at row 9 column 1 is not a symbol of sudoku9"),
        ((0, 2, 5), "5 stands twice in row 1"),
        ((0, 2, [5]), "[5] at row 1 column 3 is not a symbol"),
    ],
)
def test_a_cell_that_cannot_be_is_named_with_its_place(change, complaint):
    row, column, cell = change
    grid = DIGITS.tolist()
    grid[row][column] = cell
    with pytest.raises(PuzzleError, match=re.escape(complaint)):
        S9.parse_grid(grid)


@pytest.mark.parametrize(
    ("grid", "complaint"),
    [
        (DIGITS[:8], "expected a grid of 9x9, or its 81 cells in a row: got 8x9"),
        (DIGITS.ravel()[:80], "expected a grid of 9x9, or its 81 cells in a row: got 1x80"),
        (DIGITS[None], "expected a grid of one or two dimensions: got shape (1, 9, 9)"),
        (5, "expected a grid of one or two dimensions: got shape ()"),
        ([*DIGITS.tolist()[:8], [1, 2]], "ragged: row 1 has 9 cells, row 9 has 2"),
        ([*DIGITS.tolist()[:8], 7], "row 9 is not a row of cells: got 7"),
        ([], "got 1x0"),
    ],
)
def test_another_shape_is_refused_with_what_was_expected(grid, complaint):
    with pytest.raises(PuzzleError, match=re.escape(complaint)):
        S9.parse_grid(grid)


@pytest.mark.parametrize(
    "name", [name for name in named_tasks() if not name.startswith(("sudoku16", "maze30", "takuzu8"))]
)
def test_what_to_grid_gives_is_read_back(name):
    task = get_task(name)
    for tokens in task.load_default("test").tokens[:5] if name not in ("sudoku9x", "latin9") else ():
        assert (task.parse_grid(task.to_grid(tokens)) == tokens).all()
    if isinstance(task, Sudoku):
        answer = task.random_grid(np.random.default_rng(0))
        assert (task.parse_grid(task.to_grid(answer)) == answer).all()


def test_your_own_grids_are_read_in_the_files_own_symbols():
    numbers = Grids(GridSpec(("0", "1", "12"), rows=2, columns=3))
    tokens = numbers.parse_grid([[0, 1, 12], [12, 0, 0]])
    assert numbers.to_grid(tokens).tolist() == [[0, 1, 12], [12, 0, 0]]
    for same in ([0, 1, 12, 12, 0, 0], np.array([[0.0, 1.0, 12.0], [12, 0, 0]]), [["0", "1", "12"], ["12", "0", "0"]]):
        assert (numbers.parse_grid(same) == tokens).all()
    with pytest.raises(PuzzleError, match="holds '7', which no training grid does"):
        numbers.parse_grid([[0, 1, 7], [12, 0, 0]])
    with pytest.raises(PuzzleError, match="expected a grid of 2x3, or its 6 cells in a row: got 2x2"):
        numbers.parse_grid([[0, 1], [12, 0]])
    words = Grids(GridSpec(("red", "blue"), rows=3, columns=3, sizes="marked"))
    tokens = words.parse_grid([["red", "blue"]])
    assert words.to_grid(tokens).tolist() == [["red", "blue"]]
    assert words.to_grid(words.parse_grid([["red"], ["red"], ["blue"]])).shape == (3, 1)
    with pytest.raises(PuzzleError, match="is 1x4: at most 3x3"):
        words.parse_grid([["red"] * 4])


def test_mazes_are_read_by_character_and_arc_grids_by_colour():
    maze = get_task("maze2x3")
    tokens = maze.parse("S  ##G")
    assert (maze.parse_grid([["S", " ", " "], ["#", "#", "G"]]) == tokens).all()
    assert maze.to_grid(tokens).tolist() == [["S", " ", " "], ["#", "#", "G"]]
    with pytest.raises(PuzzleError, match="1 at row 1 column 2 is not a symbol of maze2x3"):
        maze.parse_grid([["S", 1, " "], ["#", "#", "G"]])
    arc = Arc(5)
    tokens = arc.parse_grid([[0, 1, 2], [3, 4, 9]])
    assert (tokens == arc.parse("012/349")).all()
    assert arc.to_grid(tokens).tolist() == [[0, 1, 2], [3, 4, 9]]
    with pytest.raises(PuzzleError, match="-1 at row 1 column 2 is not a colour"):
        arc.parse_grid([[0, -1]])
    with pytest.raises(PuzzleError, match="10 at row 1 column 2 is not a colour"):
        arc.parse_grid([[0, 10]])


def test_every_family_says_what_an_answer_may_hold():
    for name, task in named_tasks().items():
        assert task.extends_question, name
        assert task.blank_token not in task.fill_tokens or task.kind == "maze"
        if task.relations is not None:
            assert set(task.fill_tokens) <= {*task.relations.symbols, *task.relations.answers}
    assert get_task("maze10").fill_tokens == (2, 5)
    assert not Arc(5).extends_question
    assert not Grids(GridSpec(("0", "1"), rows=2, columns=2)).extends_question


@pytest.mark.parametrize(
    ("grid", "complaint"),
    [
        (DIGITS > 0, "True at row 1 column 1 is not a symbol"),
        (DIGITS + 0.5, "5.5 at row 1 column 1 is not a symbol"),
        (DIGITS.astype(complex), "(5+0j) at row 1 column 1 is not a symbol"),
        (np.where(DIGITS > 0, DIGITS, np.nan), "nan at row 1 column 3 is not a symbol"),
        (DIGITS - 1, "-1 at row 1 column 3 is not a symbol of sudoku9"),
        ([["x" * 999] * 9] * 9, "'xxxxxx"),
        ([["\x1b"] * 9] * 9, "'\\x1b' at row 1 column 1"),
        (np.array([]), "got 1x0"),
        ({}, "expected a grid of one or two dimensions: got shape ()"),
    ],
)
def test_an_array_of_anything_else_is_refused_in_one_short_line(grid, complaint):
    with pytest.raises(PuzzleError, match=re.escape(complaint)) as error:
        S9.parse_grid(grid)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda g: g + 0.0, "got float64 of shape (2, 6)"),
        (lambda g: g > 1, "got bool of shape (2, 6)"),
        (lambda g: g + 256, "values 257 to 258"),
        (lambda g: g - 2, "values -1 to 0"),
        (lambda g: g[:, :5], "got int64 of shape (2, 5)"),
        (lambda g: g.astype(str), "of shape (2, 6)"),
    ],
)
def test_tokens_that_are_none_are_not_made_some(change, complaint):
    """`GridTask.puzzles` takes tokens; what is not one would wrap around or be cut."""
    maze, tokens = get_task("maze2x3"), np.array([[1, 2] * 3] * 2)
    assert maze.puzzles(tokens, tokens.reshape(2, 2, 3)).labels.tolist() == tokens.tolist()
    for questions, answers, what in ((change(tokens), tokens, "questions"), (tokens, change(tokens), "answers")):
        with pytest.raises(ValueError, match=f"{what} must be tokens of maze2x3, integers from 0 to 5") as error:
            maze.puzzles(questions, answers)
        assert complaint in str(error.value)
