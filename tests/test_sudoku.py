"""Sudoku: rules and search against brute force, symmetries that keep puzzles puzzles, text."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.tasks import get_task
from ponderling.tasks import numba as compiled
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku import SUDOKUS
from ponderling.tasks.sudoku import base as sudoku
from ponderling.tasks.sudoku import rating as sudoku_rating
from ponderling.tasks.sudoku.family import Sudoku
from ponderling.tasks.sudoku.geometry import BLANK, geometry
from ponderling.tasks.sudoku.hunt_hard import climb, hunt, mean_rating
from ponderling.tasks.sudoku.rating import layout
from ponderling.tasks.sudoku.symmetries import distinct

S4, S6, S9, S16 = (SUDOKUS[f"sudoku{side}"] for side in (4, 6, 9, 16))
tasks = pytest.mark.parametrize("task", SUDOKUS.values(), ids=SUDOKUS.keys())
EXAMPLE = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
SOLVED = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
SWAPPABLE = "".join("." if i in (3, 4, 30, 31) else c for i, c in enumerate(SOLVED))  # 6 7 over 7 6 in two boxes


def grids(task: Sudoku) -> np.ndarray:
    """All full grids of a small task, by backtracking that knows nothing but the rules: the oracle."""
    found = []

    def extend(grid):
        if len(grid) == task.num_cells:
            found.append(grid)
            return
        row, column = divmod(len(grid), task.side)
        for value in range(2, task.side + 2):
            for other, there in enumerate(grid):
                r, c = divmod(other, task.side)
                same_box = (r // task.boxes.rows, c // task.boxes.columns) == (
                    row // task.boxes.rows,
                    column // task.boxes.columns,
                )
                if there == value and (r == row or c == column or same_box):
                    break
            else:
                extend([*grid, value])

    extend([])
    return np.array(found, np.uint8)


@pytest.fixture(scope="module")
def all_4x4():
    return grids(S4)


# Rules


def test_there_are_288_grids_of_4x4_and_the_rules_accept_exactly_them(all_4x4):
    assert len(all_4x4) == 288
    assert S4.valid(np.full_like(all_4x4, BLANK), all_4x4).all()
    rng = np.random.default_rng(0)
    spoiled = all_4x4.copy()
    rows = np.arange(288)
    cells = rng.integers(0, 16, 288)
    spoiled[rows, cells] = 2 + (spoiled[rows, cells] - 1) % 4
    assert not S4.valid(np.full_like(spoiled, BLANK), spoiled).any()


@tasks
def test_an_answer_must_be_full_keep_the_clues_and_obey_every_rule(task):
    rng = np.random.default_rng(0)
    answer = task.random_grid(rng)
    question = answer.copy()
    question[1:] = BLANK
    assert task.check(question, answer).valid
    for spoil, reason in (
        (lambda g: g.__setitem__(3, BLANK), "1 cells are empty"),
        (lambda g: g.__setitem__(3, 0), "1 cells are empty"),
        (lambda g: g.__setitem__(1, g[0]), "stands twice in row 1 (columns 1 and 2)"),
        (lambda g: g.__setitem__([0, 1], g[[1, 0]]), "the clue"),
    ):
        spoiled = answer.copy()
        spoil(spoiled)
        verdict = task.check(question, spoiled)
        assert not verdict.valid
        assert verdict.wrong_cells
        assert any(reason in r for r in verdict.reasons), verdict.reasons
        assert not task.valid(question[None], spoiled[None])[0]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_check_and_valid_agree_on_random_grids(seed):
    rng = np.random.default_rng(seed)
    answer = S6.random_grid(rng)
    changed = rng.random(36) < 0.03
    answer[changed] = rng.integers(0, 8, changed.sum())
    question = np.where(rng.random(36) < 0.3, answer, BLANK).astype(np.uint8)
    question[question == 0] = BLANK
    assert S6.check(question, answer).valid == S6.valid(question[None], answer[None])[0]


# Search


def test_the_search_counts_the_solutions_that_brute_force_finds(all_4x4):
    rng = np.random.default_rng(1)
    counts = set()
    for _ in range(300):
        grid = all_4x4[rng.integers(288)]
        puzzle = np.where(rng.random(16) < rng.uniform(0.1, 0.6), grid, BLANK).astype(np.uint8)
        if rng.random() < 0.2:
            puzzle[rng.integers(16)] = rng.integers(2, 6)
        matching = all_4x4[((puzzle == BLANK) | (all_4x4 == puzzle)).all(axis=1)]
        solution = S4.solve(puzzle)
        assert solution.num_solutions == min(2, len(matching))
        for found in (solution.answer, solution.other)[: solution.num_solutions]:
            assert (found == matching).all(axis=1).any()
        assert solution.num_solutions < 2 or (solution.answer != solution.other).any()
        counts.add(solution.num_solutions)
    assert counts == {0, 1, 2}


def test_without_numba_the_same_functions_give_the_same_puzzles():
    pytest.importorskip("numba")
    program = """
import sys
sys.modules["numba"] = None  # importing it now fails, as where it is not installed
import numpy as np
from ponderling.tasks.sudoku import SUDOKUS
puzzles = SUDOKUS["sudoku9"].generate(np.random.default_rng(0), 2)
print(*map(SUDOKUS["sudoku9"].format, puzzles.tokens), *puzzles.ratings)
"""
    plain = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    compiled = S9.generate(np.random.default_rng(0), 2)
    assert plain.split() == [*map(S9.format, compiled.tokens), *map(str, compiled.ratings)]


def test_searches_are_compiled_anew_where_nothing_can_be_kept_on_disk(monkeypatch):
    pytest.importorskip("numba")
    njit = compiled.njit()

    def read_only(function=None, *, cache=False):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(function)

    monkeypatch.setattr(compiled, "njit", lambda: read_only)
    assert compiled.compiled(lambda x: x + 1)(2) == 3


def test_one_puzzle_is_checked_without_importing_numba_and_many_with_it():
    pytest.importorskip("numba")
    program = """
import sys, time
from ponderling.tasks import get_task
from ponderling.tasks.numba import PATIENCE
task = get_task("sudoku9")
tokens = task.load_default("test").tokens
task.check_question(tokens[0])
print("numba" in sys.modules)
began = time.perf_counter()
while "numba" not in sys.modules and time.perf_counter() < began + 60 * PATIENCE:
    task.check_question(tokens[0])
print("numba" in sys.modules)
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "True"]


def test_a_function_that_was_called_as_machine_code_stays_so():
    square = compiled.compiled(lambda x: x * x)
    square.plain, square.machine_code = (lambda x: "plain"), (lambda x: "machine code")
    assert [square.briefly(2), square(2), square.briefly(2)] == ["plain", "machine code", "machine code"]


def test_a_puzzle_of_many_guesses_goes_on_from_plain_python_to_machine_code(monkeypatch):
    question = S9.parse("8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..")
    expected = S9.solve(question)
    monkeypatch.setattr(sudoku, "FEW_GUESSES", 3)
    got = S9.solve(question)
    assert expected.guesses == got.guesses > 3
    assert (expected.num_solutions, expected.answer.tolist()) == (got.num_solutions, got.answer.tolist())
    assert S9.solve(question, max_guesses=2).num_solutions == -1


def test_a_known_puzzle_is_solved():
    solution = S9.solve(S9.parse(EXAMPLE))
    assert S9.format(solution.answer) == SOLVED
    assert (solution.num_solutions, solution.guesses) == (1, 0)


def test_ratings_are_those_of_the_public_data_set():
    """Published ratings of rows of Sudoku-Extreme."""
    published = {
        "5...27..9..41......1..5.3...92.6.8...5......66..7..29.8...7...2.......8...9..36..": 18,
        ".2.1..9.4....2.6....3.94..5..497..5..1...24.7....4..6...6.............8..9..1.7.6": 95,
        ".9...12...3..284.6.6.....8..7....14..2..5.7....3.....2.1.9........7.5....872.6..4": 1,
        ".....8..1.6.9..2...4.52.9..4..6......9..45..6....924..9......7........3.35.2..6..": 60,
    }
    assert {text: S9.rate(S9.parse(text)) for text in published} == published
    assert S9.rate(S9.parse(EXAMPLE)) == 0


def test_a_puzzle_without_a_solution_has_no_rating():
    with pytest.raises(PuzzleError, match="a puzzle without a solution has no rating"):
        S9.rate(S9.tokens_of(".234567891" + "." * 71))


@pytest.mark.parametrize("task", [S4, S6, S9, S16], ids=lambda task: task.name)
def test_the_search_that_rates_finds_the_solution(task):
    puzzles = task.generate(np.random.default_rng(3), 2 if task is S16 else 50)
    for question, answer in zip(puzzles.tokens, puzzles.labels, strict=True):
        found = np.zeros(task.num_cells, np.int64)
        shape = sudoku_rating.layout(task.boxes.rows, task.boxes.columns)
        guesses = sudoku_rating.guesses_before_solution(task.masks_of(question), shape, 100_000, found)
        assert 0 <= guesses < 100_000
        assert (task.from_masks(found) == answer).all()


@pytest.mark.parametrize(
    ("puzzle", "message"),
    [
        ("." * 81, "more than one solution: two differ in"),
        (SWAPPABLE, "two differ in 4 cells, row 1 column 4 can be 6 or 7; a clue is missing or mistyped"),
        (".23456789" + "1" + "." * 71, "no solution"),
        (EXAMPLE[:-1] + "7", "stands twice in row 9"),
    ],
)
def test_a_puzzle_without_exactly_one_solution_is_refused(puzzle, message):
    with pytest.raises(PuzzleError, match=message):
        S9.check_question(S9.tokens_of(puzzle))


# Generation


@pytest.mark.parametrize("task", [S4, S6, S9], ids=lambda task: task.name)
def test_generated_puzzles_have_one_solution_and_no_clue_too_many(task):
    puzzles = task.generate(np.random.default_rng(0), 5)
    assert task.valid(puzzles.tokens, puzzles.labels).all()
    for question, answer in zip(puzzles.tokens, puzzles.labels, strict=True):
        solution = task.solve(question)
        assert solution.num_solutions == 1
        assert (solution.answer == answer).all()
        for clue in np.flatnonzero(task.clue_mask(question)):
            without = question.copy()
            without[clue] = BLANK
            assert task.solve(without).num_solutions == 2


def test_a_16x16_puzzle_can_be_generated_and_solved():
    puzzles = S16.generate(np.random.default_rng(0), 1, clues=140)
    assert S16.solve(puzzles.tokens[0]).num_solutions == 1
    assert S16.clue_mask(puzzles.tokens[0]).sum() == 140


@pytest.mark.parametrize("name", ["sudoku9x", "latin9"])
def test_variants_have_their_own_rules(name):
    task, rng = SUDOKUS[name], np.random.default_rng(3)
    puzzles = task.generate(rng, 3)
    grids = puzzles.labels.reshape(-1, 9, 9)
    everything = set(range(2, 11))
    for grid in grids:
        assert all(set(line) == everything for line in (*grid, *grid.T))
        diagonals = grid.diagonal(), grid[:, ::-1].diagonal()
        assert all(set(line) == everything for line in diagonals) == (name == "sudoku9x")
    boxes_hold = S9.valid(puzzles.tokens, puzzles.labels)
    assert boxes_hold.all() if name == "sudoku9x" else not boxes_hold.any()
    for question, answer in zip(puzzles.tokens, puzzles.labels, strict=True):
        solution = task.solve(question)
        assert (solution.num_solutions, solution.guesses) == (1, task.rate(question))
        assert (solution.answer == answer).all()


def test_a_broken_diagonal_is_named_and_a_puzzle_may_need_the_diagonals_for_its_one_solution():
    task = SUDOKUS["sudoku9x"]
    puzzle = task.generate(np.random.default_rng(0), 1)
    assert S9.solve(puzzle.tokens[0]).num_solutions == 2
    other = S9.random_grid(np.random.default_rng(1))
    verdict = task.check(np.full(81, BLANK, np.uint8), other)
    assert not verdict.valid
    assert all("a diagonal (rows" in reason for reason in verdict.reasons)
    with pytest.raises(ValueError, match="sudoku9x has no rating to hunt by"):
        hunt(task, np.random.default_rng(0), count=1, climbs=1, rating=(1, 5))
    with pytest.raises(ValueError, match="diagonals need square boxes: got 2x3"):
        Sudoku(2, 3, diagonals=True)


def test_clues_and_rating_can_be_chosen():
    puzzles = S9.generate(np.random.default_rng(0), 5, clues=30)
    assert (S9.clue_mask(puzzles.tokens).sum(axis=1) == 30).all()
    hard = S9.generate(np.random.default_rng(0), 3, rating=(2, 8))
    assert all(2 <= rating <= 8 for rating in hard.ratings)


def test_hunted_puzzles_are_rated_minimal_inequivalent_and_have_one_solution():
    puzzles = hunt(S9, np.random.default_rng(0), count=40, climbs=2, rating=(1, 500), rounds=300)
    assert len(distinct(S9, puzzles)) == len(puzzles) == 40
    assert S9.valid(puzzles.tokens, puzzles.labels).all()
    for question, answer, rating in zip(puzzles.tokens[:10], puzzles.labels, puzzles.ratings, strict=False):
        solution = S9.solve(question)
        assert solution.num_solutions == 1
        assert (solution.answer == answer).all()
        assert S9.rate(question) == rating >= 1
        for clue in np.flatnonzero(question > BLANK):
            without = question.copy()
            without[clue] = BLANK
            assert S9.solve(without).num_solutions == 2
    again = hunt(S9, np.random.default_rng(0), count=20, climbs=2, rating=(1, 500), rounds=300)
    assert (again.tokens == puzzles.tokens[:20]).all()


def test_a_climb_ends_in_a_harder_puzzle_than_it_began():
    rng, shape, ways = np.random.default_rng(1), geometry(3, 3), layout(3, 3)
    symmetry = S9.sample_symmetries(rng, 4)
    copies = symmetry.cells.astype(np.int64), symmetry.symbols[:, 2:].astype(np.int64) - 2
    start, end = S9.masks_of(S9.generate(rng, 1).tokens[0]), np.empty(81, np.int64)
    height = climb(start, 300, shape, ways, *copies, np.array([5]), end)
    assert height == mean_rating(end, ways, *copies) > mean_rating(start, ways, *copies) + 1


def test_hunting_leaves_out_what_is_known_and_says_when_there_is_no_more():
    found = hunt(S9, np.random.default_rng(0), count=10, climbs=3, rating=(1, 500), rounds=100)
    known = set(S9.fingerprint(found.tokens).tolist())
    others = hunt(S9, np.random.default_rng(0), count=10, climbs=3, rating=(1, 500), known=known, rounds=100)
    assert not known & set(S9.fingerprint(others.tokens).tolist())
    with pytest.raises(ValueError, match=r"found only \d+ puzzles rated 400 to 500 around 1 walks: ask for fewer"):
        hunt(S9, np.random.default_rng(0), count=5, climbs=1, rating=(400, 500), rounds=10)


def test_the_same_seed_gives_the_same_puzzles():
    a, b = (S6.generate(np.random.default_rng(7), 4) for _ in range(2))
    assert (a.tokens == b.tokens).all()


# Symmetries


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(list(SUDOKUS.values())), st.integers(0, 2**32 - 1))
def test_a_symmetry_keeps_the_rules_and_undoing_it_gives_back_the_grid(task, seed):
    rng = np.random.default_rng(seed)
    answer = np.stack([task.random_grid(np.random.default_rng(0))] * 4)
    question = np.where(rng.random(answer.shape) < 0.4, answer, BLANK).astype(np.uint8)
    symmetry = task.sample_symmetries(rng, 4)
    new_question, new_answer = symmetry.apply(question), symmetry.apply(answer)
    assert task.valid(new_question, new_answer).all()
    assert (symmetry.undo(new_question) == question).all()
    assert (symmetry.inverse().apply(new_answer) == answer).all()
    assert (task.fingerprint(new_question) == task.fingerprint(question)).all()


@pytest.mark.parametrize(
    ("task", "size"), [(S4, 2 * 2**2 * 2**2 * 2**2), (S6, 6 * 2**3 * 2 * 6**2)], ids=["4x4", "6x6"]
)
def test_the_whole_group_is_sampled(task, size):
    """4x4: 2 bands, 2 stacks, rows and columns in them, transposition; 6x6: 3 bands of 2 rows, 2 stacks of 3 columns."""
    rng = np.random.default_rng(0)
    seen = {row.tobytes() for row in task.sample_symmetries(rng, 60_000).cells.astype(np.uint8)}
    assert len(seen) == size
    symbols = {row.tobytes() for row in task.sample_symmetries(rng, 20_000).symbols}
    assert len(symbols) == {4: 24, 6: 720}[task.side]


def test_the_group_of_x_sudoku_carries_diagonals_to_diagonals():
    """Outer blocks change places (2), rows in one (6), the middle one is mirrored (2); and the grid is mirrored, flipped."""
    task = SUDOKUS["sudoku9x"]
    symmetry = task.sample_symmetries(np.random.default_rng(0), 20_000)
    assert len({row.tobytes() for row in symmetry.cells}) == 2 * 6 * 2 * 2 * 2
    diagonals = {frozenset(range(0, 81, 10)), frozenset(range(8, 80, 8))}
    for cells in symmetry.cells[:200]:
        assert {frozenset(np.flatnonzero(np.isin(cells, list(d))).tolist()) for d in diagonals} == diagonals


def canonical_4x4(task: Sudoku, tokens: np.ndarray) -> bytes:
    """The smallest of all images under the full group, by trying all: the oracle for equivalence."""
    rows = [
        [2 * b + r for b, r in itertools.chain(((b1, r) for r in p1), ((1 - b1, r) for r in p2))]
        for b1 in (0, 1)
        for p1 in ((0, 1), (1, 0))
        for p2 in ((0, 1), (1, 0))
    ]
    images = []
    for grid in (tokens.reshape(4, 4), tokens.reshape(4, 4).T):
        for r, c in itertools.product(rows, rows):
            flat = grid[np.ix_(r, c)].ravel()
            names: dict[int, int] = {}
            images.append(bytes(v if v == BLANK else names.setdefault(int(v), len(names) + 2) for v in flat))
    return min(images)


def test_fingerprints_tell_4x4_puzzles_apart_exactly_where_no_symmetry_joins_them():
    puzzles = S4.add_clues(np.random.default_rng(1), S4.generate(np.random.default_rng(0), 300), most=4)
    prints = S4.fingerprint(puzzles.tokens)
    classes = [canonical_4x4(S4, row) for row in puzzles.tokens]
    assert len(set(classes)) == len(set(prints)) == len(set(zip(classes, prints, strict=True)))
    assert len(distinct(S4, puzzles)) == len(set(classes))


def test_there_are_36_inequivalent_minimal_4x4_puzzles():
    puzzles = S4.generate(np.random.default_rng(0), 3000)
    assert len(distinct(S4, puzzles)) == 36


# Text


@settings(deadline=None)
@given(st.sampled_from(list(SUDOKUS.values())), st.integers(0, 2**32 - 1))
def test_a_puzzle_reads_back_from_its_text(task, seed):
    rng = np.random.default_rng(seed)
    grid = task.random_grid(np.random.default_rng(seed % 5))
    puzzle = np.where(rng.random(task.num_cells) < 0.5, grid, BLANK).astype(np.uint8)
    text = task.format(puzzle)
    assert (task.parse(text) == puzzle).all()
    assert (task.parse(text.replace(".", "0").lower()) == puzzle).all()
    drawn = "\n".join(" ".join(row) for row in task.render(puzzle))
    assert (task.parse(drawn) == puzzle).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1" * 80, "expected 81 cells for 9x9, got 80"),
        ("." * 16, "expected 81 cells for 9x9, got 16 (that many make a 4x4 grid)"),
        (
            "." * 40 + "x" + "." * 40,
            "'x' at row 5 column 5 is not a symbol of sudoku9 (1 to 9, and . or 0 for a blank)",
        ),
        ("é" + "." * 80, "is not a symbol"),
        ("5" + "." * 7 + "5" + "." * 72, "5 stands twice in row 1 (columns 1 and 9)"),
        ("", "got 0"),
    ],
)
def test_text_that_is_no_puzzle_is_refused_with_everything_that_is_wrong(text, message):
    with pytest.raises(PuzzleError) as error:
        S9.parse(text)
    assert message in str(error.value)


def test_unknown_tasks_are_named_with_those_there_are():
    with pytest.raises(ValueError, match="unknown task 'sudoku5': did you mean sudoku"):
        get_task("sudoku5")
    with pytest.raises(ValueError, match="a Sudoku's boxes are at least 1x1"):
        Sudoku(7, 7)


# The sets in the package


@pytest.mark.parametrize("task", [S4, S6, S9], ids=lambda task: task.name)
def test_the_puzzles_in_the_package_are_sound_and_no_test_puzzle_is_a_training_puzzle_in_disguise(task):
    train, test = task.load_default("train"), task.load_default("test")
    for puzzles in (train, test):
        assert task.valid(puzzles.tokens, puzzles.labels).all()
        assert all(task.solve(row).num_solutions == 1 for row in puzzles.tokens[:300])
        assert puzzles.ratings is not None
    prints = [int(p) for puzzles in (train, test) for p in task.fingerprint(puzzles.tokens)]
    assert len(set(prints)) == len(prints) == len(train) + len(test)


def test_a_size_without_puzzles_in_the_package_says_how_to_make_some():
    with pytest.raises(PuzzleError, match="ponderling data make sudoku --size 16"):
        S16.load_default("train")


# Real puzzles made by others, where there are some


@pytest.mark.skipif("PONDERLING_REAL_DATA" not in os.environ, reason="PONDERLING_REAL_DATA names no folder")
def test_real_puzzles_are_rated_as_by_the_solver_that_rated_them():
    puzzles = S9.read(Path(os.environ["PONDERLING_REAL_DATA"]) / "sudoku" / "hard" / "dev.csv")
    assert puzzles.ratings is not None
    same = np.array([S9.rate(row) for row in puzzles.tokens]) == puzzles.ratings
    assert same.mean() > 0.97


@pytest.mark.skipif("PONDERLING_REAL_DATA" not in os.environ, reason="PONDERLING_REAL_DATA names no folder")
def test_real_puzzles_are_solved_as_their_makers_say():
    files = sorted((Path(os.environ["PONDERLING_REAL_DATA"]) / "sudoku").glob("*/dev.csv"))
    assert files
    for file in files:
        puzzles = S9.read(file)
        for question, answer in zip(puzzles.tokens, puzzles.labels, strict=True):
            solution = S9.solve(question)
            assert solution.num_solutions == 1
            assert (solution.answer == answer).all()


# Trial and error

GOLDEN_NUGGET = ".......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7....."


def test_one_level_of_trial_and_error_solves_random_puzzles_and_not_a_published_hardest_one():
    for tokens in S9.load_default("test").tokens[:30]:
        assert S9.left_after_trials(tokens) == 0
    assert S9.left_after_trials(S9.parse(GOLDEN_NUGGET)) > 100


def test_trial_and_error_by_hand_strikes_the_same_candidates():
    """A plain writing on 4x4, with nothing but the rule that a symbol stands once in each unit."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        answer = S4.random_grid(rng)
        question = np.where(rng.random(16) < 0.2, answer, BLANK).astype(np.uint8)
        left = S4.left_after_trials(question)
        several = S4.solve(question).num_solutions > 1
        assert left >= 0  # a puzzle with a solution never loses it
        assert (left > 0) == several  # on 4x4 what one level leaves open is open


def test_a_puzzle_without_a_solution_is_told_by_trials():
    question = np.full(16, BLANK, np.uint8)
    question[[0, 1, 2]] = [2, 3, 4]
    question[7] = 5  # the last cell of the first row can be nothing
    assert S4.left_after_trials(question) == -1
