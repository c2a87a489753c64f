"""Mazes: the tie rule, what counts as right, symmetries, what is drawn, files and the command line."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections import Counter, deque
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.config import DataConfig
from ponderling.data import augmentation
from ponderling.pictures.terminal import grid_text
from ponderling.recipes import get_recipe
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.maze import Maze
from ponderling.tasks.maze.family import FREE, GOAL, PATH, START, WALL

SMALL = Maze(3, 4)


def random_mazes(task: Maze, count: int, seed: int = 0):
    return task.generate(np.random.default_rng(seed), count, walls=(0.1, 0.5), min_path=2)


def neighbours(task: Maze, cell: int) -> list[int]:
    """Down, left, right, up."""
    rows, columns = task.grid_shape
    r, c = divmod(cell, columns)
    around = [(r + 1, c), (r, c - 1), (r, c + 1), (r - 1, c)]
    return [a * columns + b for a, b in around if 0 <= a < rows and 0 <= b < columns]


def textbook_path(task: Maze, question) -> list[int]:
    """The cells between S and G by a queue and a dictionary of who found whom."""
    start, goal = question.tolist().index(START), question.tolist().index(GOAL)
    found_by, waiting = {start: start}, deque([start])
    while waiting:
        cell = waiting.popleft()
        for other in neighbours(task, cell):
            if question[other] != WALL and other not in found_by:
                found_by[other] = cell
                waiting.append(other)
    path = [found_by[goal]]
    while path[-1] != start:
        path.append(found_by[path[-1]])
    return path[:-1]


def simple_paths(task: Maze, question) -> list[frozenset[int]]:
    """The cells between S and G of every way that meets no cell twice."""
    goal = question.tolist().index(GOAL)
    found = []

    def walk(cell: int, visited: tuple[int, ...]) -> None:
        for other in neighbours(task, cell):
            if other == goal:
                found.append(frozenset(visited))
            elif question[other] == FREE and other not in visited:
                walk(other, (*visited, other))

    walk(question.tolist().index(START), ())
    return found


def with_path(question, cells):
    answer = question.copy()
    answer[list(cells)] = PATH
    return answer


# Names


def test_families_of_any_size_have_names():
    assert get_task("maze10").grid_shape == (10, 10)
    assert get_task("maze12x20").grid_shape == (12, 20)
    assert get_task("maze12x20").name == "maze12x20"
    assert get_task("maze7x7").name == "maze7"
    with pytest.raises(ValueError, match=r"unknown task 'maze3O': did you mean maze30\? .*maze12x20"):
        get_task("maze3O")
    with pytest.raises(ValueError, match="a maze has at least two cells: got 1x1"):
        get_task("maze1")


def test_tokens_are_those_of_the_official_layout():
    assert SMALL.parse("# SGo# #    ".replace("o", " ")).tolist() == [1, 2, 3, 4, 2, 1, 2, 1, 2, 2, 2, 2]
    assert SMALL.tokens_of("# SGo").tolist() == [1, 2, 3, 4, 5]
    assert SMALL.vocab_size == 6


# The rule for the label


@pytest.mark.parametrize("task", [Maze(3, 4), Maze(8), Maze(13, 5)], ids=lambda task: task.name)
def test_the_label_is_the_path_of_a_textbook_search(task):
    mazes = random_mazes(task, 100)
    for question, label in zip(mazes.tokens, mazes.labels, strict=True):
        assert (with_path(question, textbook_path(task, question)) == label).all()
        assert (task.find_answer(question) == label).all()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("S       G", "S  o  ooG"),  # down, down, right, right
        ("G       S", "G  o  ooS"),  # left, left, up, up
        ("  S   G  ", "  S  oGoo"),  # down, down, left, left
        ("  G   S  ", "  G  oSoo"),  # right, right, up, up
    ],
)
def test_ties_are_broken_down_left_right_up(question, answer):
    task = Maze(3)
    assert task.format(task.find_answer(task.parse(question))) == answer


# What is right


@st.composite
def judged(draw):
    """A maze of 3x4 and an answer to it: right, nearly right, or any marks."""
    walls = draw(st.sets(st.integers(0, 11), max_size=6))
    start, goal = draw(st.sampled_from([*permutations(sorted(set(range(12)) - walls), 2)]))
    question = np.full(12, FREE, np.uint8)
    question[list(walls)] = WALL
    question[start], question[goal] = START, GOAL
    paths = sorted(map(sorted, simple_paths(SMALL, question)))
    if paths and draw(st.booleans()):
        answer = with_path(question, draw(st.sampled_from(paths)))
    else:
        answer = np.where(
            (question == FREE) & draw(st.lists(st.booleans(), min_size=12, max_size=12).map(np.array)), PATH, question
        ).astype(np.uint8)
    if draw(st.booleans()):
        answer[draw(st.integers(0, 11))] = draw(st.integers(0, 5))
    return question, answer


@settings(max_examples=300, deadline=None)
@given(judged())
def test_valid_is_what_trying_every_path_says(case):
    question, answer = case
    paths = simple_paths(SMALL, question)
    shortest = min(map(len, paths), default=-1)
    ways = [path for path in paths if len(path) == shortest] or [frozenset()]  # without a way nothing is marked
    right = any((with_path(question, path) == answer).all() for path in ways)
    assert SMALL.valid(question[None], answer[None]).tolist() == [right]
    verdict = SMALL.check(question, answer)
    assert verdict.valid == right
    assert bool(verdict.reasons) != right
    assert not (right and verdict.wrong_cells)


def test_every_shortest_path_is_right_though_the_label_is_one():
    question = SMALL.parse("S          G")
    shortest = {path for path in simple_paths(SMALL, question) if len(path) == 4}
    answers = np.array([with_path(question, path) for path in shortest])
    assert len(answers) == math.comb(5, 2)
    assert SMALL.valid(np.tile(question, (10, 1)), answers).all()
    assert (answers == SMALL.find_answer(question)).all(axis=1).sum() == 1


@pytest.mark.parametrize(
    ("answer", "reason", "cells"),
    [
        ("S   #G      ", "no path is marked", ()),
        ("S   #Go o  o", "the marked cells do not lead from S to G", (8, 11)),
        ("Sooo#Go oo o", "6 marked cells are not on the path", (2, 3, 6, 8, 9, 11)),
        ("So   G      ", "the given cell at row 2 column 1 was changed", (4,)),
        ("So G#G      ", "the free cell at row 1 column 4 became G", (3,)),
        ("So  #G  ?   ", "the free cell at row 3 column 1 became ?", (8,)),
    ],
)
def test_what_is_wrong_with_an_answer_is_told(answer, reason, cells):
    question = SMALL.parse("S   #G      ")
    tokens = np.array([("?" + SMALL.symbols).index(cell) for cell in answer], np.uint8)
    verdict = SMALL.check(question, tokens)
    assert any(reason in text for text in verdict.reasons), verdict.reasons
    assert verdict.wrong_cells == cells


def test_a_longer_path_is_told_by_its_length():
    task = Maze(2, 3)
    question = task.parse("S G   ")
    verdict = task.check(question, with_path(question, [3, 4, 5]))
    assert verdict.reasons == ("the path has 5 cells with S and G, a shortest one 3",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "            ",
            "a maze has one S: got none, mark the start with S and the goal with G; a maze has one G: got none",
        ),
        ("SS  GG      ", "a maze has one G: got 2"),
        ("  # #G      ", "a maze has one S: got none"),
        ("So   G      ", "a path cell at row 1 column 2: a question has none"),
        ("S.   G      ", "'.' at row 1 column 2"),
        ("S    G     ", "expected 12 cells for 3x4, got 11"),
    ],
)
def test_a_question_that_cannot_be_is_refused(text, message):
    with pytest.raises(PuzzleError, match=re.escape(message)):
        SMALL.parse(text)


def test_everything_but_free_cells_must_be_kept():
    question = SMALL.parse("S   #G      ")
    assert np.flatnonzero(SMALL.clue_mask(question)).tolist() == [0, 4, 5]


# Symmetries


@pytest.mark.parametrize(("task", "order"), [(Maze(5), 8), (Maze(3, 4), 4), (Maze(1, 6), 2)], ids=["5", "3x4", "1x6"])
def test_symmetries_keep_mazes_right_and_can_be_undone(task, order):
    mazes = random_mazes(task, 40)
    symmetries = task.symmetries()
    assert len({row.tobytes() for row in symmetries.cells}) == order
    for cells, symbols in zip(symmetries.cells, symmetries.symbols, strict=True):
        symmetry = type(symmetries)(np.tile(cells, (40, 1)), np.tile(symbols, (40, 1)))
        carried = symmetry.apply_to(mazes)
        assert task.valid(carried.tokens, carried.labels).all()
        assert (symmetry.undo(carried.tokens) == mazes.tokens).all()
        assert (task.fingerprint(carried.tokens) == task.fingerprint(mazes.tokens)).all()
    drawn = task.sample_symmetries(np.random.default_rng(0), 200)
    assert {row.tobytes() for row in drawn.cells} == {row.tobytes() for row in symmetries.cells}


def test_mazes_that_are_not_alike_have_different_fingerprints():
    task = Maze(3)
    mazes = random_mazes(task, 300)

    def canonical(maze):
        return min(maze[cells].tobytes() for cells in task.symmetries().cells)

    assert len(set(task.fingerprint(mazes.tokens).tolist())) == len(set(map(canonical, mazes.tokens)))


def test_labels_are_carried_over_or_chosen_anew_as_the_option_says():
    task = Maze(8)
    mazes = random_mazes(task, 200)
    carry = augmentation(DataConfig(task="maze8"), task)
    anew = augmentation(DataConfig(task="maze8", relabel=True), task)
    assert carry is not None
    assert anew is not None
    carried, relabelled = (augment(np.random.default_rng(0), mazes) for augment in (carry, anew))
    assert (carried.tokens == relabelled.tokens).all()
    assert (relabelled.labels == [task.find_answer(row) for row in relabelled.tokens]).all()
    same = (carried.labels == relabelled.labels).all(axis=1)
    assert 0.1 < same.mean() < 0.9  # most mazes have several shortest paths, and a symmetry mixes up the rule
    assert augmentation(DataConfig(task="maze8", augment=False), task) is None


def test_choosing_anew_where_there_is_no_choice_is_refused():
    with pytest.raises(ValueError, match="sudoku4 has none to choose"):
        augmentation(DataConfig(relabel=True), get_task("sudoku4"))
    with pytest.raises(ValueError, match="relabel is about puzzles that a symmetry made: it needs augment"):
        DataConfig(task="maze8", augment=False, relabel=True)


# Generation


def test_mazes_are_drawn_with_the_probability_of_plain_rejection():
    """All 2x3 mazes with 1 or 2 walls and a path of 4 cells at least, each as often as walls, S and G drawn at random say."""
    task = Maze(2, 3)
    probability: dict[bytes, float] = {}
    for number in (1, 2):
        for walls in combinations(range(6), number):
            free = [cell for cell in range(6) if cell not in walls]
            for start, goal in permutations(free, 2):
                question = np.full(6, FREE, np.uint8)
                question[list(walls)] = WALL
                question[start], question[goal] = START, GOAL
                if min(map(len, simple_paths(task, question)), default=-1) + 2 >= 4:
                    probability[question.tobytes()] = 1 / math.comb(6, number) / len(free) / (len(free) - 1)
    total = sum(probability.values())
    count = 20_000
    mazes = task.generate(np.random.default_rng(0), count, walls=(1 / 6, 2 / 6), min_path=4)
    drawn = Counter(question.tobytes() for question in mazes.tokens)
    assert drawn.keys() == probability.keys()
    for maze, weight in probability.items():
        p = weight / total
        assert abs(drawn[maze] - count * p) < 4.5 * math.sqrt(count * p * (1 - p))


def test_walls_and_paths_are_as_asked_for():
    task = Maze(12, 20)
    mazes = task.generate(np.random.default_rng(0), 40, walls=(0.35, 0.4), min_path=36)
    walls = (mazes.tokens == WALL).sum(axis=1)
    assert walls.min() >= 84
    assert walls.max() <= 96
    assert mazes.ratings.min() >= 36
    assert (mazes.ratings == (mazes.labels == PATH).sum(axis=1) + 2).all()
    assert task.valid(mazes.tokens, mazes.labels).all()


def test_defaults_are_those_of_maze_hard():
    assert get_task("maze30").hard_path == 110
    mazes = Maze(10).generate(np.random.default_rng(0), 200)
    assert mazes.ratings.min() == 12
    assert (mazes.tokens == WALL).sum(axis=1).min() >= 30


def test_without_numba_the_same_mazes_are_drawn():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import numpy as np; from ponderling.tasks import get_task\n"
        "task = get_task('maze10'); print(task.format(task.generate(np.random.default_rng(7), 3).labels.reshape(-1)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.rstrip("\n")
    task = get_task("maze10")
    assert out == task.format(task.generate(np.random.default_rng(7), 3).labels.reshape(-1))


@pytest.mark.parametrize(
    ("walls", "min_path", "message"),
    [
        ((0.5, 0.3), None, "the share of walls is from 0 to below 1, the lower first: got 0.5 to 0.3"),
        ((0.3, 1.0), None, "got 0.3 to 1.0"),
        ((0.5, 0.5), 9, "a path in maze4 has from 2 to 8 cells, with 8 walls at least: got 9"),
        ((0.3, 0.5), 1, "got 1"),
    ],
)
def test_mazes_that_cannot_be_are_refused(walls, min_path, message):
    with pytest.raises(PuzzleError, match=re.escape(message)):
        Maze(4).generate(np.random.default_rng(0), 1, walls=walls, min_path=min_path)


def test_mazes_too_rare_to_be_found_are_given_up(monkeypatch):
    monkeypatch.setattr("ponderling.tasks.maze.generating.MOST_TRIES", 200_000)
    with pytest.raises(
        PuzzleError, match="of 200,000 random mazes with 0 to 0 walls none has a shortest path of 10 cells"
    ):
        Maze(4).generate(np.random.default_rng(0), 1, walls=(0, 0), min_path=10)


def test_the_default_sets_are_apart_up_to_symmetry():
    task = get_task("maze10")
    train, test = (task.load_default(split) for split in ("train", "test"))
    assert (len(train), len(test)) == (4000, 500)
    assert not set(task.fingerprint(train.tokens).tolist()) & set(task.fingerprint(test.tokens).tolist())
    with pytest.raises(ValueError, match="split must be train or test for maze10: got 'hunted'"):
        task.load_default("hunted")
    with pytest.raises(PuzzleError, match=r"data make maze --size 30 --columns 30` and name the file, or hub"):
        get_task("maze30").load_default("train")
    with pytest.raises(PuzzleError, match="maze10 has no public data set"):
        task.read_hub("train")


# Files


def test_a_file_is_read_back_and_its_answers_may_be_left_out(tmp_path):
    task = Maze(6)
    mazes = random_mazes(task, 50)
    task.write(tmp_path / "a.csv", mazes)
    again = task.read(tmp_path / "a.csv")
    assert (again.tokens == mazes.tokens).all()
    assert (again.labels == mazes.labels).all()
    assert (again.ratings == mazes.ratings).all()
    (tmp_path / "b.csv").write_text("question\n" + "".join(task.format(row) + "\n" for row in mazes.tokens))
    assert (task.read(tmp_path / "b.csv").labels == mazes.labels).all()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("S# #G,S#o#G", "row 2: question has 5 characters, expected 6 for 2x3"),
        ("S.G   ,SoG   ", "row 2: question has '.' at row 1 column 2; one of '#' ' ' 'S' 'G' 'o'"),
        ("SGG   ,SGG   ", "row 2: the answer does not fit the question: a maze has one G: got 2"),
        ("SGG   ,", "row 2: a maze has one G: got 2"),
        ("S#G## ,S#G##o", "no way leads from S to G, yet 1 cell is marked"),
        ("S#G   ,SoG   ", "the given cell at row 1 column 2 was changed"),
        ("S G   ,S Gooo", "the path has 5 cells with S and G, a shortest one 3"),
        ("S G   ,SoGo  ", "1 marked cell is not on the path"),
        ("S G   ,S G   ", "no path is marked"),
        ("SoG   ,SoG   ", "a path cell at row 1 column 2: a question has none"),
    ],
)
def test_a_malformed_row_is_told(tmp_path, row, message):
    (tmp_path / "m.csv").write_text("question,answer\n" + row + "\n")
    with pytest.raises(PuzzleError, match=re.escape(message)) as error:
        Maze(2, 3).read(tmp_path / "m.csv")
    assert str(error.value).startswith(f"{tmp_path / 'm.csv'}, row 2: ")
    assert "\n" not in str(error.value)


# The command line


def make(out, *more) -> int:
    return main(["data", "make", "maze", "--out", str(out), "--train", "60", "--test", "15", *more])


def test_the_same_command_makes_the_same_files(tmp_path, capsys):
    options = ["--size", "5", "--columns", "8", "--min-path", "9", "--walls", "0.2", "0.4"]
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert make(tmp_path / name, *options, "--seed", seed) == 0
    files = {name: [(tmp_path / name / f).read_bytes() for f in ("train.csv.gz", "test.csv.gz")] for name in "abc"}
    assert files["a"] == files["b"] != files["c"]
    task = Maze(5, 8)
    train, test = (task.read(tmp_path / "a" / name) for name in ("train.csv.gz", "test.csv.gz"))
    assert (len(train), len(test)) == (60, 15)
    prints = [*task.fingerprint(train.tokens).tolist(), *task.fingerprint(test.tokens).tolist()]
    assert len(set(prints)) == 75
    facts = json.loads((tmp_path / "a" / "made.json").read_text())
    assert facts["train"]["path_cells"]["fewest"] >= 9
    assert facts["train"]["walls"]["fewest"] >= 8
    again = facts["command"].split()[1:]
    assert main([*again, "--out", str(tmp_path / "d")]) == 0
    assert (tmp_path / "d" / "train.csv.gz").read_bytes() == files["a"][0]


def test_no_file_is_overwritten(tmp_path, capsys):
    (tmp_path / "made.json").write_text("mine")
    assert make(tmp_path) == 2
    assert "made.json is there already: choose another --out" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["made.json"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--train", "-1"], "--train and --test must not be negative, and not both 0: got -1 and 15"),
        (["--size", "0"], "a maze has at least two cells: got 0x0"),
        (["--size", "2", "--min-path", "3"], "found only 1 different mazes of this kind"),
        (["--walls", "0.4", "0.3"], "the share of walls is from 0 to below 1"),
        (["--min-path", "80"], "a path in maze10 has from 2 to 70 cells"),
    ],
)
def test_what_cannot_be_made_is_one_line(tmp_path, more, message, capsys):
    assert make(tmp_path / "out", *more) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_drawing_has_two_characters_for_each_cell_and_marks_over_their_ends():
    task = Maze(2, 3)
    question = task.parse("S#G   ")
    answer = with_path(question, [3, 5])
    answer[1] = FREE
    plain = grid_text(task, question, answer=answer).plain.splitlines()
    assert plain == ["S   G ", "o   o "]
    marked = grid_text(task, question, answer=answer, before=question, marks=True).plain.splitlines()
    assert marked == ["S  !G ", "o*  o*"]


def test_the_papers_recipes_are_those_of_the_official_commands():
    for name, n, T, steps in (("trm-maze", 4, 3, 65_104), ("hrm-maze", 2, 2, 26_041)):
        config = get_recipe(name).config
        assert (config.model.n, config.model.T, config.train.steps, config.train.batch_size) == (n, T, steps, 768)
        assert (config.train.lr, config.train.weight_decay, config.train.puzzle_lr) == (1e-4, 1.0, 1e-4)
        assert (config.data.task, config.data.train, config.data.augment) == ("maze30", "hub", False)


def test_a_run_on_mazes_trains_and_both_scores_are_told(tmp_path, capsys):
    model, data = ["--model.hidden-size", "8"], ["--data.task", "maze4", "--data.max-test", "5"]
    train = ["--run.no-compile", "--train.steps", "2", "--train.batch-size", "8", "--train.N-sup", "2"]
    run = str(tmp_path / "run")
    assert main(["train", "maze10", "--out", run, *model, *train, *data]) == 0
    Maze(4).write(tmp_path / "m.csv", random_mazes(Maze(4), 20))
    capsys.readouterr()
    assert main(["eval", run, "--data", str(tmp_path / "m.csv"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["puzzles"] == 20
    assert 0 <= figures["exact"] <= figures["valid"] <= 1
    assert main(["solve", run, "S   ##   ## #  G", "--watch", "--restarts", "2", "--views", "1", "--verify"]) == 0
    out = capsys.readouterr().out
    assert "step 1" in out
    assert "solved" in out


@pytest.mark.parametrize(
    ("name", "options", "least"),
    [
        ("maze10", {}, 27),
        ("maze1x40", {"kind": "corridor", "ends": "far"}, 30),
        ("maze13x9", {"kind": "mixed", "ends": "mixed"}, 28),
        ("maze21", {"kind": "perfect", "ends": "far"}, 25),
        ("maze12", {"kind": "mixed", "unsolvable": 1.0}, 27),
    ],
)
def test_the_packaged_weights_find_shortest_paths_in_mazes_of_every_size(name, options, least):
    solver = Solver.load("maze", task=name)
    mazes = get_task(name).generate(np.random.default_rng(5), 30, **options)
    assert sum(result.valid for result in solver.solve_many(tokens=mazes.tokens)) >= least


def test_half_of_the_default_mazes_to_train_on_have_short_paths_and_none_to_test_on():
    task = get_task("maze10")
    train, test = task.load_default("train").ratings, task.load_default("test").ratings
    assert train is not None
    assert test is not None
    assert test.min() >= task.hard_path
    assert 0.3 < (train < task.hard_path).mean() < 0.5
    assert train.min() == 3
