"""Mazes of many kinds: what each kind is, where S and G are, mazes without a way, several S, and the sets to train on."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from itertools import combinations, product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponderling.cli import main
from ponderling.cli.data import make_maze
from ponderling.config import DataConfig
from ponderling.tasks import get_task
from ponderling.tasks.base import PuzzleError, Puzzles
from ponderling.tasks.maze import Maze, kinds, paths
from ponderling.tasks.maze.cells import FREE, GOAL, PATH, START, WALL

SMALL = Maze(3, 4)
ALL_KINDS = (*kinds.KINDS, "mixed")


def drawn(task: Maze, count: int, seed: int = 0, **options) -> Puzzles:
    return task.generate(np.random.default_rng(seed), count, **options)


def free_grids(task: Maze, mazes: Puzzles) -> np.ndarray:
    return (mazes.tokens != WALL).reshape(-1, *task.grid_shape)


def num_links(grid: np.ndarray) -> int:
    """Pairs of free cells side by side."""
    return int((grid[1:] & grid[:-1]).sum() + (grid[:, 1:] & grid[:, :-1]).sum())


def num_areas(task: Maze, question: np.ndarray) -> int:
    """Connected areas of free cells, by painting one after the other."""
    rest = {divmod(int(cell), task.grid_shape[1]) for cell in np.flatnonzero(question != WALL)}
    areas = 0
    while rest:
        areas += 1
        waiting = [rest.pop()]
        while waiting:
            r, c = waiting.pop()
            for place in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
                if place in rest:
                    rest.remove(place)
                    waiting.append(place)
    return areas


def search_moves(task: Maze, question: np.ndarray, start: int) -> tuple[int, np.ndarray]:
    """Moves from an S to G and the search's parents, by `paths.search`."""
    parents, queue = np.empty(task.num_cells, np.int32), np.empty(task.num_cells, np.int32)
    goal = int(np.argmax(question == GOAL))
    return paths.search.plain(question != WALL, task.grid_shape[1], start, goal, parents, queue), parents


# The rule


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 9), st.integers(2, 9), st.sampled_from(ALL_KINDS), st.sampled_from([1, 4]), st.integers(0, 2**32 - 1)
)
def test_a_label_is_the_union_of_the_paths_that_the_search_finds_from_each_s(rows, columns, kind, most_starts, seed):
    task = Maze(rows, columns)
    try:
        mazes = drawn(task, 2, seed, kind=kind, ends="mixed", most_starts=most_starts)
    except PuzzleError:
        assert kind in ("perfect", "loops", "cave")
        assert min(rows, columns) < 4  # too small for it
        return
    for question, label, rating in zip(mazes.tokens, mazes.labels, mazes.ratings, strict=True):
        answer, goal, lengths = question.copy(), int(np.argmax(question == GOAL)), []
        for start in np.flatnonzero(question == START).tolist():
            moves, parents = search_moves(task, question, start)
            lengths.append(moves + 1)
            cell = int(parents[goal])
            while cell != start:
                answer[cell] = PATH if question[cell] == FREE else question[cell]
                cell = int(parents[cell])
        assert (answer == label).all()
        assert rating == max(lengths)
        assert 1 <= len(lengths) <= (1 if most_starts == 1 else most_starts)
        assert (task.find_answer(question) == label).all()
    assert task.valid(mazes.tokens, mazes.labels).all()


# Kinds


def test_perfect_mazes_have_one_way_between_any_two_places_and_loops_have_more():
    task = Maze(13, 18)
    perfect, loops = (drawn(task, 60, kind=kind) for kind in ("perfect", "loops"))
    for question, grid in zip(perfect.tokens, free_grids(task, perfect), strict=True):
        assert num_areas(task, question) == 1
        assert num_links(grid) == grid.sum() - 1  # a tree
    assert np.mean([num_links(grid) >= grid.sum() for grid in free_grids(task, loops)]) > 0.8


def test_corridors_and_spirals_are_one_way_without_a_fork():
    task = Maze(12, 17)
    for kind, fewest in (("corridor", 100), ("spiral", 100)):
        mazes = drawn(task, 60, kind=kind, ends="far")
        grids = free_grids(task, mazes)
        narrow = 0
        for question, grid in zip(mazes.tokens, grids, strict=True):
            assert num_areas(task, question) == 1
            padded = np.pad(grid, 1)
            around = sum(np.roll(padded, shift, axis) for shift in (-1, 1) for axis in (0, 1))[1:-1, 1:-1]
            narrow += int((around[grid] <= 2).all())
        assert 30 < narrow < 60 if kind == "corridor" else narrow == 60  # some corridors are wider
        assert mazes.ratings.max() >= fewest


@pytest.mark.parametrize(("shape", "length"), [((5, 5), 17), ((20, 20), 219), ((31, 17), 287), ((1, 9), 9)])
def test_a_spiral_has_its_greatest_length_from_end_to_end(shape, length):
    mazes = drawn(Maze(*shape), 300, kind="spiral", min_path=int(0.95 * length))
    assert abs((mazes.tokens != WALL).sum(axis=1) - length).max() <= 4 * (shape[0] != shape[1])  # other way round
    assert mazes.ratings.max() >= 0.97 * length


def test_fields_have_few_walls_empty_mazes_none_and_hard_ones_as_many_as_maze_hard():
    task = Maze(20)
    walls = {kind: (drawn(task, 200, kind=kind, ends="any").tokens == WALL).mean(axis=1) for kind in kinds.KINDS}
    assert walls["empty"].max() == 0
    assert walls["field"].min() < 0.05
    assert 0.3 < walls["field"].max() <= 0.35
    assert 0.3 <= walls["hard"].min() < walls["hard"].max() <= 0.5
    some = drawn(task, 50, kind="field", walls=(0.1, 0.12))
    assert 40 <= (some.tokens == WALL).sum(axis=1).min() <= (some.tokens == WALL).sum(axis=1).max() <= 48


def test_caves_have_areas_where_the_majority_rules():
    task = Maze(24)
    caves, fields = (free_grids(task, drawn(task, 40, kind=kind, ends="any")) for kind in ("cave", "hard"))

    def lone(grids):
        """Share of cells that differ from all four around them."""
        inner = grids[:, 1:-1, 1:-1]
        others = (grids[:, :-2, 1:-1], grids[:, 2:, 1:-1], grids[:, 1:-1, :-2], grids[:, 1:-1, 2:])
        return np.logical_and.reduce([other != inner for other in others]).mean()

    assert lone(caves) < 0.1 * lone(fields)


# S and G


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_s_is_far_anywhere_or_beside_g_as_asked_for(kind):
    task = Maze(9, 11)
    far, anywhere, beside = (drawn(task, 100, kind=kind, ends=ends) for ends in kinds.ENDS)
    assert set(beside.ratings.tolist()) == {2}
    assert not (beside.labels == PATH).any()
    assert far.ratings.mean() > anywhere.ratings.mean() > 2
    assert anywhere.ratings.min() < far.ratings.min()
    longer = drawn(task, 20, kind=kind, min_path=5)
    assert longer.ratings.min() >= 5


def test_every_cell_can_be_s_and_g():
    mazes = drawn(Maze(3), 2000, kind="empty", ends="any")
    pairs = {(int(np.argmax(row == START)), int(np.argmax(row == GOAL))) for row in mazes.tokens}
    assert len(pairs) == 9 * 8


# Without a way


@pytest.mark.parametrize("kind", [kind for kind in ALL_KINDS if kind != "empty"])
def test_the_share_without_a_way_is_as_asked_for_and_has_no_marks(kind):
    task = Maze(8, 9)
    mazes = drawn(task, 300, kind=kind, unsolvable=0.3)
    moves = np.array([search_moves(task, row, int(np.argmax(row == START)))[0] for row in mazes.tokens])
    assert 0.2 < (moves < 0).mean() < 0.4
    assert (mazes.labels[moves < 0] == mazes.tokens[moves < 0]).all()
    assert (mazes.ratings == np.where(moves < 0, 0, moves + 1)).all()
    assert task.valid(mazes.tokens, mazes.labels).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"kind": "harder"},
            "kind is one of hard, field, empty, perfect, loops, cave, corridor, spiral, mixed: got 'harder'",
        ),
        ({"kind": "cave", "walls": (0.1, 0.2)}, "the share of walls is for the kinds hard and field: got one for cave"),
        ({"kind": "empty", "unsolvable": 0.1}, "a maze without walls always has a way"),
        ({"unsolvable": 1.5}, "the share of mazes without a way is from 0 to 1: got 1.5"),
        ({"ends": "near"}, "ends is one of far, any, beside, mixed: got 'near'"),
        ({"ends": "beside", "min_path": 4}, "a path to S beside G has 2 cells: got a least path of 4"),
        ({"kind": "spiral", "min_path": 17}, "a path in maze4 has from 2 to 16 cells: got 17"),
        (
            {"kind": "spiral", "min_path": 16},
            "mazes none is as asked for, of the kind spiral, with a path of 16 cells or more",
        ),
        ({"most_starts": 0}, "a maze has one S at least: got 0"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(PuzzleError, match=re.escape(message)):
        drawn(Maze(4), 1, **options)


# Several S


def single_paths(question: np.ndarray, start: int) -> list[frozenset[int]]:
    """The marks of every shortest path from one S to G, by trying all ways."""
    found: list[tuple[int, ...]] = []

    def walk(cell: int, visited: tuple[int, ...]) -> None:
        r, c = divmod(cell, 4)
        for a, b in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
            other = 4 * a + b
            if not (0 <= a < 3 and 0 <= b < 4) or question[other] == WALL or other in visited:
                continue
            if question[other] == GOAL:
                found.append(visited)
            else:
                walk(other, (*visited, other))

    walk(start, (start,))
    shortest = min(map(len, found), default=0)
    return [frozenset(c for c in path if question[c] == FREE) for path in found if len(path) == shortest]


def right_answers(question: np.ndarray) -> set[frozenset[int]]:
    """The marks of every right answer: one shortest path for each S that has a way, together."""
    choices = [
        paths for start in np.flatnonzero(question == START).tolist() if (paths := single_paths(question, start))
    ]
    return {frozenset().union(*chosen) for chosen in product(*choices)}


@st.composite
def several_judged(draw):
    """A maze of 3x4 with up to 4 S, and marks: right, nearly right, or any."""
    places = draw(st.permutations(range(12)))
    num_starts, num_walls = draw(st.integers(1, 4)), draw(st.integers(0, 4))
    question = np.full(12, FREE, np.uint8)
    question[places[0]] = GOAL
    question[list(places[1 : 1 + num_starts])] = START
    question[list(places[1 + num_starts : 1 + num_starts + num_walls])] = WALL
    free = np.flatnonzero(question == FREE).tolist()
    right = sorted(map(sorted, right_answers(question)))
    marks = set(
        draw(st.sampled_from(right)) if draw(st.booleans()) else draw(st.sets(st.sampled_from(free))) if free else ()
    )
    if free and draw(st.booleans()):
        marks ^= {draw(st.sampled_from(free))}
    return question, frozenset(marks)


@settings(max_examples=600, deadline=None)
@given(several_judged())
def test_marks_are_right_exactly_where_they_are_one_shortest_path_for_each_s(case):
    question, marks = case
    answer = question.copy()
    answer[list(marks)] = PATH
    right = marks in right_answers(question)
    assert SMALL.valid(question[None], answer[None]).tolist() == [right]
    verdict = SMALL.check(question, answer)
    assert verdict.valid == right
    assert bool(verdict.reasons) != right
    assert not (right and verdict.wrong_cells)


def test_every_subset_of_marks_is_judged_as_by_trying_all_paths():
    for text in ("S S        G", "SS        G ", " S  S     G ", "S#S S    # G", "G  S   S S  "):
        question = SMALL.parse(text)
        free, right = np.flatnonzero(question == FREE).tolist(), right_answers(question)
        subsets = [frozenset(marks) for count in range(len(free) + 1) for marks in combinations(free, count)]
        answers = np.tile(question, (len(subsets), 1))
        for answer, marks in zip(answers, subsets, strict=True):
            answer[list(marks)] = PATH
        valid = SMALL.valid(np.tile(question, (len(subsets), 1)), answers)
        assert {marks for marks, is_valid in zip(subsets, valid, strict=True) if is_valid} == right


@pytest.mark.parametrize(
    ("answer", "reason", "cells"),
    [
        ("SoSo       G", "not a shortest path from the S at row 1 column 1 to G; ", (1, 3)),
        ("SoSo   oo  G", "1 cell is marked on the shortest path of no S", (8,)),
        ("Soooo  oooSG", "more than one shortest path from each S to G", ()),
        ("So S#   # G#", "1 cell is marked on the shortest path of no S", (1,)),
    ],
)
def test_what_is_wrong_with_the_marks_of_several_s_is_told(answer, reason, cells):
    question = SMALL.tokens_of(answer.replace("o", " "))
    verdict = SMALL.check(question, SMALL.tokens_of(answer))
    assert reason in "; ".join(verdict.reasons) + "; ", verdict.reasons
    assert verdict.wrong_cells == cells


# Sets to train on


def test_the_sets_are_always_the_same():
    task = get_task("maze7x9")
    digests = {}
    for name in task.named_sets:
        puzzles = task.load_default(name)
        assert len(puzzles) == 50_000
        assert task.valid(puzzles.tokens[:3000], puzzles.labels[:3000]).all()
        arrays = puzzles.tokens, puzzles.labels, puzzles.ratings
        digests[name] = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:12]
    assert digests == {
        "mixed": "f75057d4bc4a",
        "starts": "7a7a8a415ca2",
        "kinds": "2864e04de2d6",
        "closed": "f651b7b0a5c9",
    }


def test_the_mixed_set_holds_every_kind_and_the_starts_set_several_s():
    task = get_task("maze10")
    mixed, starts = (task.load_default(name) for name in ("mixed", "starts"))
    assert set((mixed.tokens == START).sum(axis=1).tolist()) == {1}
    assert set((starts.tokens == START).sum(axis=1).tolist()) == {1, 2, 3, 4, 5, 6}
    assert 0.4 < ((starts.tokens == START).sum(axis=1) > 1).mean() < 0.5
    assert 0.045 < (mixed.ratings == 0).mean() < 0.055
    assert starts.ratings.min() > 0
    for puzzles in (mixed, starts):
        assert len(np.unique(task.fingerprint(puzzles.tokens))) > 45_000
    walls = (mixed.tokens == WALL).mean(axis=1)
    assert 0.015 < (walls == 0).mean() < 0.06
    assert (mixed.ratings == 2).mean() > 0.04


def test_larger_mazes_come_in_smaller_sets(monkeypatch):
    monkeypatch.setattr("ponderling.tasks.maze.family.SET_CELLS", 90_000)
    assert len(get_task("maze30").load_default("mixed")) == 100


def test_training_on_a_set_leaves_the_test_mazes_out():
    task = get_task("maze5")
    split = task.load_split(DataConfig(task="maze5", train="mixed"))
    trained = set(task.fingerprint(split.train.tokens).tolist())
    assert trained
    assert not trained & set(task.fingerprint(split.test.tokens).tolist())


def test_without_numba_the_same_mazes_are_drawn_and_the_sets_are_refused():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import numpy as np; from ponderling.tasks import get_task\n"
        "task = get_task('maze7x9')\n"
        "mazes = task.generate(np.random.default_rng(7), 200, kind='mixed', unsolvable=0.2, most_starts=4)\n"
        "print(mazes.tokens.tolist(), mazes.labels.tolist(), mazes.ratings.tolist())\n"
        "try: task.load_default('mixed')\n"
        "except ValueError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    mazes = drawn(get_task("maze7x9"), 200, 7, kind="mixed", unsolvable=0.2, most_starts=4)
    assert out[0] == f"{mazes.tokens.tolist()} {mazes.labels.tolist()} {mazes.ratings.tolist()}"
    assert out[1].startswith(
        "the set mixed has 50,000 mazes, which are made with numba: pip install 'ponderling[generate]'"
    )


# The command line


def make(out, *more) -> int:
    return main(["data", "make", "maze", "--out", str(out), "--train", "60", "--test", "15", *map(str, more)])


def test_the_command_offers_every_kind_and_distance():
    assert get_args(make_maze.Kind) == (*kinds.KINDS, "mixed")
    assert get_args(make_maze.Ends) == (*kinds.ENDS, "mixed")


@pytest.mark.parametrize("kind", [kind for kind in ALL_KINDS if kind != "empty"])
def test_a_folder_of_mazes_of_a_kind_is_made_again_by_its_command(tmp_path, kind, capsys):
    options = ["--kind", kind, "--size", 9, "--columns", 12, "--unsolvable", 0.3, "--ends", "any", "--most-starts", 2]
    assert make(tmp_path / "a", *options) == 0
    facts = json.loads((tmp_path / "a" / "made.json").read_text())
    task = Maze(9, 12)
    train, test = (task.read(tmp_path / "a" / f"{name}.csv.gz") for name in ("train", "test"))
    for puzzles, said in ((train, facts["train"]), (test, facts["test"])):
        assert said["mazes"] == len(puzzles)
        assert said["without_a_way"] == (puzzles.ratings == 0).sum() > 0
        assert said["path_cells"]["fewest"] == puzzles.ratings[puzzles.ratings > 0].min()
    prints = np.concatenate([task.fingerprint(puzzles.tokens) for puzzles in (train, test)])
    assert len(set(prints.tolist())) == 75
    assert ((train.tokens == START).sum(axis=1) == 2).any()
    assert main([*facts["command"].split()[1:], "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "b" / "train.csv.gz").read_bytes() == (tmp_path / "a" / "train.csv.gz").read_bytes()
    assert f"making 75 mazes of the kind {kind}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--kind", "empty", "--unsolvable", "0.1"], "a maze without walls always has a way"),
        (["--kind", "spiral", "--size", "4", "--min-path", "16"], "of 6,000 random maze4 mazes none is as asked for"),
        (["--kind", "cave", "--walls", "0.1", "0.2"], "the share of walls is for the kinds hard and field"),
        (["--kind", "spiral", "--size", "1", "--columns", "2"], "found only 1 different mazes of this kind"),
        (["--size", "1", "--columns", "2", "--unsolvable", "1"], "of 6,000 random maze1x2 mazes none is as asked for"),
    ],
)
def test_mazes_of_a_kind_that_cannot_be_made_are_one_line(tmp_path, more, message, capsys):
    assert make(tmp_path / "out", *more) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_large_hard_mazes_take_the_multiple_of_their_side():
    assert [Maze(side).hard_path for side in (10, 20, 30, 60, 100)] == [12, 49, 110, 220, 367]
    assert Maze(1, 90).hard_path == 11
    mazes = drawn(Maze(60), 2)
    assert mazes.ratings.min() >= 220
    assert Maze(60).valid(mazes.tokens, mazes.labels).all()


@pytest.mark.parametrize("shape", [(1, 2), (1, 40), (2, 3), (40, 1), (31, 17), (100, 100)])
def test_mazes_of_every_shape_are_drawn(shape):
    mazes = drawn(Maze(*shape), 5, kind="mixed")
    assert Maze(*shape).valid(mazes.tokens, mazes.labels).all()
    assert len(mazes) == 5


def test_drawing_ends_when_asked_to_also_in_the_middle_of_a_search():
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 5

    assert len(drawn(Maze(6), 1, walls=(0, 0), min_path=36, stop=stop)) == 0  # no such maze: it would search on
    assert len(asked) == 6


def test_a_change_of_what_a_function_calls_in_another_file_is_not_hidden_by_the_cache(tmp_path):
    """numba's own cache looks at one file only."""
    pytest.importorskip("numba")
    (tmp_path / "outer.py").write_text(
        "from inner import STEP, more\nfrom ponderling.tasks.numba import compiled\n\n"
        "@compiled\ndef twice(x):\n    return more(more(x)) + STEP\n"
    )
    said = []
    for step, plus in ((0, 1), (0, 2), (500, 2), (500, 2)):
        (tmp_path / "inner.py").write_text(
            f"from ponderling.tasks.numba import compiled\n\nSTEP = {step}\n\n"
            f"@compiled\ndef more(x):\n    return x + {plus}\n"
        )
        code = "from outer import twice; print(twice(10), sum(twice.machine_code.stats.cache_hits.values()))"
        command = [sys.executable, "-B", "-c", code]
        said.append(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split())
    assert said == [["12", "0"], ["14", "0"], ["514", "0"], ["514", "1"]]  # the last one comes from the cache
