"""Training, validation and test are apart up to the symmetries, and a run knows what it was trained on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arc_examples import example_tasks
from own_grids import mirrored, write_jsonl
from ponderling import Solver, evaluate
from ponderling.cli import main
from ponderling.config import DataConfig
from ponderling.data import grid_config, task_of
from ponderling.pictures.plots import read_evaluation
from ponderling.solving.seen import SEEN, keep_seen, read_seen
from ponderling.tasks import get_task
from ponderling.tasks.base import DataSplit, PuzzleError, Puzzles, join
from ponderling.tasks.split import alike, class_keys
from ponderling.tasks.sudoku import symmetries
from ponderling.tasks.sudoku.geometry import BLANK, Boxes

JIGSAW = "jigsaw-AABBAABBCCDDCCDD"
FAMILIES = ["sudoku4", "sudoku6", "maze5", "maze4x6", "takuzu4", "takuzu6", "latin9", "sudoku9x", JIGSAW]
TINY = ["--train.steps", "2", "--train.N-sup", "1", "--train.batch-size", "4", "--run.eval-every", "2"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def some(name: str, count: int, *, seed: int = 0) -> Puzzles:
    """Puzzles of different classes."""
    task = get_task(name)
    if name in ("sudoku9x", "latin9"):
        pool = dug(get_task(name), 2 * count)
    elif name == JIGSAW or name.startswith("sudoku"):
        pool = get_task("sudoku4" if name == JIGSAW else name).load_default("train")[: 8 * count]
    else:
        pool = task.generate(np.random.default_rng(seed), 12 * count)  # pyright: ignore[reportAttributeAccessIssue]
    found = pool[np.sort(np.unique(class_keys(task, pool), return_index=True)[1])][:count]
    assert len(found) == count
    return found


def dug(task, count: int) -> Puzzles:
    """A full grid whose clues are taken away at random."""
    rng = np.random.default_rng(0)
    answers = np.tile(task.random_grid(rng), (count, 1))
    return task.puzzles(np.where(rng.random(answers.shape) < 0.4, answers, BLANK), answers)


def copies(name: str, puzzles: Puzzles, *, times: int = 1, seed: int = 1) -> Puzzles:
    """The puzzles under random symmetries."""
    rng = np.random.default_rng(seed)
    return join([get_task(name).sample_symmetries(rng, len(puzzles)).apply_to(puzzles) for _ in range(times)])


def split_of(task: str, train: str, test: str = "default", **more) -> DataSplit:
    data = DataConfig(task, train=train, test=test, **more)
    return get_task(task).load_split(data)


def assert_apart(task: str, split: DataSplit) -> None:
    parts = [set(class_keys(get_task(task), part).tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, parts)) == len(set.union(*parts))


def accounted_for(split: DataSplit) -> int:
    """The number of examples in all parts and among those left out."""
    return sum(map(len, (split.train, split.validation, split.test))) + sum(reason.count for reason in split.left_out)


# Classes


def refined_slowly(shape: Boxes, tokens: np.ndarray) -> int:
    """Colour refinement of one puzzle as `symmetries.fingerprint` describes it, cell by cell in Python's integers."""
    mask = (1 << 64) - 1

    def mix(x: int) -> int:
        x = (x + 0x9E3779B97F4A7C15) & mask
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & mask
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & mask
        return x ^ (x >> 31)

    side = shape.side
    places = [divmod(i, side) for i in range(side * side)]
    has_boxes = shape.are_blocks
    box_of = [r // shape.rows * (side // shape.columns) + c // shape.columns if has_boxes else 0 for r, c in places]
    given = [int(t) - 2 if t > BLANK else -1 for t in tokens]
    cell = [1 if g >= 0 else 2 for g in given]
    symbol, row, box = [3] * side, [4] * side, [6] * side
    column = [4 if shape.may_be_flipped else 5] * side
    for _ in range(8):
        spread = [mix(mix(c) + 7 & mask) for c in cell]
        new_cell = []
        for i, (r, c) in enumerate(places):
            of_symbol = 0 if given[i] < 0 else mix(symbol[given[i]])
            lines = mix(mix(row[r]) + mix(column[c]) & mask)
            new_cell.append(cell[i] * 3 + lines + mix(mix(box[box_of[i]])) + mix(of_symbol) & mask)

        def gathered(colours, member, spread=spread):
            return [
                c * 3 + sum(spread[i] for i in range(side * side) if member(i) == g) & mask
                for g, c in enumerate(colours)
            ]

        def banded(new, old, size):
            if not has_boxes:
                return new
            sums = [sum(mix(mix(c)) for c in old[b * size : (b + 1) * size]) & mask for b in range(side // size)]
            return [n + mix(sums[g // size]) & mask for g, n in enumerate(new)]

        new_row = banded(gathered(row, lambda i: places[i][0]), row, shape.rows)
        new_column = banded(gathered(column, lambda i: places[i][1]), column, shape.columns)
        symbol, box = gathered(symbol, lambda i: given[i]), gathered(box, lambda i: box_of[i])
        cell, row, column = new_cell, new_row, new_column
    return mix(sum(map(mix, cell)) & mask)


@pytest.mark.parametrize("shape", [Boxes(2, 2), Boxes(2, 3), Boxes(3, 3), Boxes(1, 4)])
def test_fingerprints_are_those_of_colour_refinement_cell_by_cell(shape):
    """Splits of arrays depend on the very numbers."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, shape.side + 2, (3, shape.side**2)).astype(np.uint8)
    tokens[rng.random(tokens.shape) < 0.5] = BLANK
    tokens[2] = BLANK
    assert symmetries.fingerprint(shape, tokens).tolist() == [refined_slowly(shape, row) for row in tokens]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_symmetric_copy_is_of_the_same_class_and_no_other_puzzle_is(name):
    puzzles = some(name, 12)
    others, task = copies(name, puzzles[:5]), get_task(name)
    assert (class_keys(task, others) == class_keys(task, puzzles[:5])).all()
    assert alike(task, puzzles, others=others).tolist() == [True] * 5 + [False] * 7  # pyright: ignore[reportArgumentType]


def test_a_puzzle_that_brings_regions_is_of_another_class_than_the_same_clues_in_boxes():
    task = get_task("sudoku9")
    jigsaws = task.load_default("jigsaws")[:30]
    plain = replace(jigsaws, regions=None)
    assert not alike(task, jigsaws, others=plain).any()  # pyright: ignore[reportArgumentType]
    assert alike(task, jigsaws, others=jigsaws[10:12]).nonzero()[0].tolist() == [10, 11]  # pyright: ignore[reportArgumentType]


# Test


@pytest.mark.parametrize("name", FAMILIES)
def test_a_test_file_with_copies_of_training_puzzles_is_refused_with_rows_of_both(name):
    task, puzzles = get_task(name), some(name, 14)
    task.write("train.csv", puzzles[:12])
    task.write("test.csv", join([puzzles[12:], copies(name, puzzles[6:7])]))
    with pytest.raises(
        PuzzleError, match=r"test.csv: 1 of its 3 puzzles .* row 4 is row 8 of train.csv; .* drop"
    ) as error:
        split_of(name, "train.csv", "test.csv")
    assert "\n" not in str(error.value)
    split = split_of(name, "train.csv", "test.csv", overlap="drop")
    assert (len(split.train) + len(split.validation), len(split.test)) == (11, 3)
    assert_apart(name, split)
    assert accounted_for(split) == 15
    assert "1 of 12 examples of train.csv are in no part of the run" in str(split.left_out[0])


def test_rows_are_those_that_an_editor_shows_and_joined_files_are_named():
    task, puzzles = get_task("sudoku4"), some("sudoku4", 6)
    lines = [task.format(row) for row in puzzles.tokens]
    Path("a.txt").write_text("# two\n\n" + "\n".join(lines[:2]))
    Path("b.txt").write_text("\n" + "\n".join(lines[2:5]))
    Path("test.txt").write_text("\n\n" + lines[5] + "\n" + task.format(copies("sudoku4", puzzles[3:4]).tokens[0]))
    with pytest.raises(PuzzleError, match=r"row 4 is row 3 of b.txt of a.txt\+b.txt"):
        split_of("sudoku4", "a.txt+b.txt", "test.txt")


def test_of_the_packages_own_test_set_what_a_file_trains_on_is_left_out():
    task = get_task("sudoku4")
    tests = task.load_default("test")
    task.write("mine.csv", copies("sudoku4", tests[:30]))
    split = split_of("sudoku4", "mine.csv")
    assert len(split.test) == len(tests) - 30
    assert_apart("sudoku4", split)
    assert accounted_for(split) == len(tests) + 30
    task.write("all.csv", copies("sudoku4", tests))
    with pytest.raises(PuzzleError, match=r"default: 300 of its 300 puzzles are also in the training puzzles, all.csv"):
        split_of("sudoku4", "all.csv")


def test_nothing_is_left_to_train_on_is_said_as_such():
    get_task("sudoku4").write("same.csv", some("sudoku4", 12))
    with pytest.raises(PuzzleError, match=r"same.csv: all its 12 puzzles are test puzzles of same.csv too"):
        split_of("sudoku4", "same.csv", "same.csv", overlap="drop")


def test_exporting_splits_whole_classes_and_refuses_test_puzzles_that_are_trained_on(capsys):
    task, puzzles = get_task("sudoku4"), some("sudoku4", 20)
    task.write("many.csv", copies("sudoku4", puzzles, times=5))
    task.write("test.csv", copies("sudoku4", puzzles[:2], seed=5))
    assert main(["data", "export", "many.csv", "--task", "sudoku4", "--out", "out", "--format", "jsonl"]) == 0
    parts = []
    for part in ("train", "test"):
        pairs = [json.loads(line) for line in Path(f"out/{part}.jsonl").read_text().splitlines()]
        parts.append(np.stack([task.parse_grid(pair["input"]) for pair in pairs]))
    assert sum(map(len, parts)) == 100
    assert not np.isin(task.fingerprint(parts[1]), task.fingerprint(parts[0])).any()
    args = ["data", "export", "many.csv", "--task", "sudoku4", "--test", "test.csv", "--out", "other"]
    assert main(args) == 2
    assert "test.csv: 2 of its 2 puzzles are also in the training puzzles" in capsys.readouterr().err


def test_inspect_says_how_many_puzzles_two_files_share(capsys):
    task, puzzles = get_task("maze5"), some("maze5", 12)
    task.write("a.csv", puzzles)
    task.write("b.csv", copies("maze5", puzzles[:4]))
    assert main(["data", "inspect", "a.csv", "--task", "maze5", "--test", "b.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["in_both"] == 4


# Validation


@pytest.mark.parametrize("name", FAMILIES)
def test_validation_is_held_out_by_whole_classes(name):
    task, puzzles = get_task(name), some(name, 20)
    many = copies(name, puzzles, times=5)
    many = many[np.sort(np.unique(many.tokens, axis=0, return_index=True)[1])]  # some symmetries change nothing
    task.write("train.csv", many)
    task.write("test.csv", some(name, 22)[20:])
    split = split_of(name, "train.csv", "test.csv")
    assert 0 < len(split.validation) <= len(many) // 10
    assert len(split.train) + len(split.validation) == len(many)  # none vanishes
    assert_apart(name, split)
    again = split_of(name, "train.csv", "test.csv")
    assert (again.validation.tokens == split.validation.tokens).all()


@pytest.mark.parametrize(
    ("sizes", "held"),
    [
        ([90, *[1] * 10], 10),  # a class too large for validation is passed over
        ([30, 40, 30], 30),  # all are too large: the smallest
        ([50, 50], 50),
        ([12], 0),
    ],
)
def test_classes_too_large_for_validation_are_passed_over(sizes, held):
    task, puzzles = get_task("sudoku6"), some("sudoku6", len(sizes) + 1)
    task.write("train.csv", join([copies("sudoku6", puzzles[i : i + 1], times=n) for i, n in enumerate(sizes)]))
    task.write("test.csv", puzzles[-1:])
    split = split_of("sudoku6", "train.csv", "test.csv")
    assert (len(split.train), len(split.validation)) == (sum(sizes) - held, held)
    assert_apart("sudoku6", split)


def test_repeats_of_validation_puzzles_are_counted():
    task, puzzles = get_task("sudoku4"), some("sudoku4", 60)
    task.write("a.csv", puzzles[:50])
    task.write("test.csv", puzzles[50:])
    split = split_of("sudoku4", "a.csv+a.csv+a.csv", "test.csv")
    assert_apart("sudoku4", split)
    assert len(np.unique(split.validation.tokens, axis=0)) == len(split.validation) > 0
    assert accounted_for(split) == 160
    assert "they repeat a validation puzzle" in str(split.left_out[0])


def test_limits_are_counted():
    task, puzzles = get_task("sudoku4"), some("sudoku4", 60)
    task.write("a.csv", puzzles[:50])
    task.write("test.csv", puzzles[50:])
    split = split_of("sudoku4", "a.csv", "test.csv", max_train=20, max_test=4)
    assert list(map(str, split.left_out)) == [
        "25 of 50 examples of a.csv are in no part of the run: beyond --data.max-train",
        "6 of 10 examples of test.csv are in no part of the run: beyond --data.max-test",
    ]
    assert accounted_for(split) == 60


def test_twelve_copies_of_one_puzzle_are_trained_on_and_it_is_said_that_nothing_is_held_out(capsys):
    get_task("sudoku4").write("one.csv", join([some("sudoku4", 1)] * 12))
    assert main(["train", "sudoku4", "--data.train", "one.csv", "--out", "run", *TINY]) == 0
    said = capsys.readouterr().err
    assert "12 puzzles to train on, 0 to validate" in said
    assert "nothing is held out for validation: all 12 training puzzles are copies of one" in said


# Your own grids, and ARC


def test_every_example_of_files_of_grids_is_accounted_for():
    different = mirrored(100, (2, 3))
    pairs = different[:87] + different[:20]
    path = write_jsonl(Path("all.jsonl"), pairs)
    marked = write_jsonl(Path("marked.jsonl"), pairs, split=["train"] * 87 + ["test"] * 20)
    other = write_jsonl(Path("other.jsonl"), different[90:91])
    for train, test, count in ((path, None, 107), (marked, other, 108)):
        data = grid_config(train, test)
        split = task_of(data).load_split(data)
        assert accounted_for(split) == count
        task = task_of(data)
        parts = [set(class_keys(task, part).tolist()) for part in (split.train, split.validation, split.test)]
        assert sum(map(len, parts)) == len(set.union(*parts))
    assert "20 of 107 examples of" in str(split.left_out[0])
    assert "the file marks them as test" in str(split.left_out[0])


def test_overlap_drop_leaves_grids_out_of_training():
    pairs = mirrored(12, (3, 3), seed=1)
    train = write_jsonl(Path("train.jsonl"), pairs)
    test = write_jsonl(Path("test.jsonl"), [([row[::-1] for row in pairs[4][0]], pairs[4][1])])
    data = replace(grid_config(train, test, symmetries="flips"), overlap="drop")
    split = task_of(data).load_split(data)
    assert accounted_for(split) == 13
    assert len(split.train) + len(split.validation) == 11
    with pytest.raises(PuzzleError, match=r"line 1: its question is also that of training line 5 of .*overlap drop"):
        task_of(data).load_split(replace(data, overlap="refuse"))


def test_where_the_held_out_question_has_a_rare_symbol_another_is_held_out():
    """Some seed of the examples' order once left nothing to test on."""
    plain = [([[1, 2], [2, 1]], [[2, 1], [1, 2]]), ([[1, 1], [2, 1]], [[1, 1], [1, 2]])]
    for place in range(3):
        pairs = [*plain[:place], ([[1, 9], [2, 1]], [[9, 1], [1, 2]]), *plain[place:]]
        data = grid_config(write_jsonl(Path(f"{place}.jsonl"), pairs))
        split = task_of(data).load_split(data)
        assert len(split.test) == 1
        assert data.grid is not None
        nine = data.grid.first_symbol + data.grid.symbols.index("9")
        assert not (split.test.tokens == nine).any()


def test_where_every_question_has_a_symbol_of_its_own_it_is_said_what_to_do():
    pairs = [([[i, 0], [0, 0]], [[0, i], [0, 0]]) for i in range(1, 5)]
    data = grid_config(write_jsonl(Path("a.jsonl"), pairs))
    with pytest.raises(PuzzleError, match=r"none of its 4 questions can be held out .* name a file with --test"):
        task_of(data).load_split(data)


def test_every_pair_of_arc_tasks_is_accounted_for_and_no_validation_pair_is_trained_on_elsewhere():
    tasks = example_tasks()
    same = {"again": {"train": tasks["double"]["train"][:1], "test": tasks["double"]["test"]}}
    unsolved = {"open": {"train": tasks["turn"]["train"][1:2], "test": [{"input": [[1, 2], [3, 4]]}]}}
    Path("train.json").write_text(json.dumps({**tasks, **same, **unsolved}))
    count = sum(len(t[part]) for t in {**tasks, **same, **unsolved}.values() for part in ("train", "test"))
    for side in (4, 8):
        data = DataConfig(f"arc{side}", train="train.json", test="none", views=0, num_validation=50, max_train=9)
        split = get_task(data.task).load_split(data)
        assert accounted_for(split) == count
        trained = {q.tobytes() + a.tobytes() for q, a in zip(split.train.tokens, split.train.labels, strict=True)}
        held = {
            q.tobytes() + a.tobytes() for q, a in zip(split.validation.tokens, split.validation.labels, strict=True)
        }
        assert not trained & held


# What a run was trained on


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of two steps on sudoku4, on a file of 40 puzzles of 5 forms each."""
    folder = tmp_path_factory.mktemp("seen")
    task, puzzles = get_task("sudoku4"), some("sudoku4", 60)
    task.write(folder / "train.csv", copies("sudoku4", puzzles[:40], times=5))
    task.write(folder / "test.csv", puzzles[40:50])
    args = ["--data.train", str(folder / "train.csv"), "--data.test", str(folder / "test.csv")]
    assert main(["train", "sudoku4", *args, "--out", str(folder / "run"), *TINY]) == 0
    task.write(folder / "mixed.csv", join([copies("sudoku4", puzzles[:40], seed=9), puzzles[50:]]))
    return folder


def figures_of(capsys, *args: object) -> dict:
    assert main(["eval", *map(str, args), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("which", ["run", "run/best", "run/last"])
@pytest.mark.parametrize("more", [[], ["--early-exit"], ["--restarts", "1"]])
def test_an_evaluation_says_how_many_puzzles_were_trained_on(run, which, more, capsys):
    kept = read_seen(run / which)
    assert kept is not None
    figures = figures_of(capsys, run / which, "--data", run / "mixed.csv", *more)
    solver = Solver.load(run / which)
    puzzles = solver.task.read(run / "mixed.csv")
    expected = int(np.isin(class_keys(solver.task, puzzles), kept.classes[solver.task.name]).sum())
    assert 30 <= expected <= 38  # of 40; the others are held out
    assert (figures["puzzles"], figures["trained_on"], figures["unseen"]["puzzles"]) == (50, expected, 50 - expected)
    assert main(["eval", str(run / which), "--data", str(run / "mixed.csv"), *more]) == 0
    said = capsys.readouterr().out
    assert f"50 puzzles of {run / 'mixed.csv'}, of which {expected} were trained on" in said
    assert f"exact match of the {50 - expected} that were not trained on" in said


def test_the_exact_match_of_unseen_puzzles_is_theirs_alone(run):
    solver = Solver.load(run / "run")
    puzzles = solver.task.read(run / "mixed.csv")
    outcome = evaluate(solver, puzzles, steps=1)
    assert outcome.seen is not None
    right = np.zeros_like(outcome.full)
    right[outcome.seen.rows] = puzzles.labels[outcome.seen.rows]
    figures = replace(outcome, full=right).to_json()
    assert (figures["exact"], figures["unseen"]["exact"]) == (outcome.seen.rows.mean(), 0.0)


def test_of_the_training_file_only_what_is_held_out_is_unseen(run, capsys):
    figures = figures_of(capsys, run / "run", "--data", run / "train.csv", "--steps", 1)
    assert figures["trained_on"] + figures["unseen"]["puzzles"] == 200
    assert 0 < figures["unseen"]["puzzles"] <= 20


def test_the_runs_own_test_was_not_trained_on_and_its_log_says_so(run):
    lines = [json.loads(line) for line in (run / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["trained_on"] for line in lines if line["kind"] == "test"] == [0]


def test_a_checkpoint_alone_does_not_know(run, tmp_path, capsys):
    shutil.copytree(run / "run" / "best", tmp_path / "alone")
    figures = figures_of(capsys, tmp_path / "alone", "--data", run / "mixed.csv", "--steps", 1)
    assert (figures["trained_on"], figures["unseen"]) == (None, None)
    assert main(["eval", str(tmp_path / "alone"), "--data", str(run / "mixed.csv"), "--steps", "1"]) == 0
    assert "is not known" in capsys.readouterr().out


def test_a_run_that_begins_with_anothers_weights_has_seen_what_that_one_saw(run, tmp_path, capsys):
    for init, is_all in ((run / "run", True), (tmp_path / "alone", False)):
        if not is_all:
            shutil.copytree(run / "run" / "best", init)
        out = tmp_path / f"further{is_all}"
        args = ["train", "sudoku4", "--data.train", str(run / "test.csv"), "--out", str(out), *TINY]
        assert main([*args, "--train.init", str(init)]) == 0
        kept, task = read_seen(out), get_task("sudoku4")
        assert kept is not None
        assert kept.is_all is is_all
        own = task.read(run / "test.csv")
        assert np.isin(class_keys(task, own), kept.classes[task.name]).sum() >= 9
        before = task.read(run / "train.csv")
        assert np.isin(class_keys(task, before), kept.classes[task.name]).mean() == pytest.approx(
            0.9 if is_all else 0, abs=0.05
        )
    capsys.readouterr()
    figures = figures_of(capsys, tmp_path / "furtherFalse", "--data", run / "test.csv", "--steps", 1)
    assert (figures["trained_on"], figures["trained_on_at_least"]) == (9, True)


def test_resuming_keeps_the_note_and_makes_one_for_a_run_of_old(run, tmp_path):
    shutil.copytree(run / "run", tmp_path / "run")
    note = (tmp_path / "run" / SEEN).read_bytes()
    args = ["train", "sudoku4", "--data.train", str(run / "train.csv"), "--data.test", str(run / "test.csv"), *TINY[2:]]
    resumed = [*args, "--out", str(tmp_path / "run"), "--resume", "--train.steps"]
    assert main([*resumed, "3"]) == 0
    assert (tmp_path / "run" / SEEN).read_bytes() == note
    (tmp_path / "run" / SEEN).unlink()
    assert main([*resumed, "4"]) == 0
    assert (tmp_path / "run" / SEEN).read_bytes() == note


def test_a_damaged_note_is_told_in_one_line(run, tmp_path, capsys):
    shutil.copytree(run / "run", tmp_path / "run")
    (tmp_path / "run" / SEEN).write_bytes(b"no note")
    assert main(["eval", str(tmp_path / "run"), "--data", str(run / "mixed.csv"), "--steps", "1"]) == 2
    said = capsys.readouterr().err
    assert "seen.safetensors: damaged" in said
    assert said.count("\n") == 1


def test_packaged_weights_know_the_packaged_puzzles(tmp_path, capsys):
    task = get_task("sudoku9")
    mixed = join([copies("sudoku9", task.load_default("hunted")[:3]), task.load_default("test")[:2]])
    task.write(tmp_path / "mixed.csv", replace(mixed, ratings=None))
    figures = figures_of(capsys, "sudoku-cpu", "--data", tmp_path / "mixed.csv", "--steps", 1)
    assert (figures["puzzles"], figures["trained_on"], figures["unseen"]["puzzles"]) == (5, 3, 2)


def test_jigsaws_that_a_network_was_trained_on_are_known_as_a_family_of_their_own(tmp_path):
    task = get_task("sudoku9")
    jigsaws = task.load_default("jigsaws")[:40]
    keep_seen(tmp_path, [(task, DataSplit(train=jigsaws, validation=jigsaws[:0], test=jigsaws[:0]))])
    kept = read_seen(tmp_path)
    assert kept is not None
    assert jigsaws.regions is not None
    layout = "".join("ABCDEFGHI"[region - 1] for region in jigsaws.regions[7])
    alone = replace(jigsaws[7:8], regions=None)
    assert kept.among(get_task(f"jigsaw-{layout}"), alone).rows.all()
    assert not kept.among(task, alone).rows.any()


def test_a_part_of_the_puzzles_is_said_to_be_a_part(run, capsys):
    figures = figures_of(capsys, run / "run", "--data", run / "mixed.csv", "--max-puzzles", 7, "--steps", 1)
    assert (figures["puzzles"], figures["in_source"]) == (7, 50)
    assert main(["eval", str(run / "run"), "--data", str(run / "mixed.csv"), "--max-puzzles", "7", "--steps", "1"]) == 0
    assert "7 of the 50 puzzles of" in capsys.readouterr().out


def test_a_picture_of_figures_says_that_puzzles_were_trained_on(run, tmp_path, capsys):
    figures = figures_of(capsys, run / "run", "--data", run / "mixed.csv", "--early-exit")
    (tmp_path / "mine.json").write_text(json.dumps(figures))
    assert read_evaluation(tmp_path / "mine.json")["name"] == f"mine ({figures['trained_on']} of 50 puzzles trained on)"


# Numbers that make no sense


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["eval", "sudoku", "--max-puzzles", "-998"], "--max-puzzles must be at least 1: got -998"),
        (["eval", "sudoku", "--batch-size", "-1"], "--batch-size must be at least 1: got -1"),
        (["eval", "sudoku", "--steps", "0", "--restarts", "1"], "--steps must be at least 1: got 0"),
        (["eval", "sudoku", "--seed", "-1", "--restarts", "1"], "--seed must be at least 0: got -1"),
        (["solve", "sudoku", "-", "--steps", "0", "--restarts", "1"], "--steps must be at least 1: got 0"),
        (["solve", "sudoku", "-", "--delay", "nan"], "--delay must be a finite number: got nan"),
        (["film", "sudoku", "1", "a.svg", "--delay", "inf"], "--delay must be a finite number: got inf"),
        (["film", "sudoku", "1", "a.svg", "--still", "-1"], "--still must be at least 0: got -1"),
        (["film", "sudoku", "1", "a.svg", "--steps", "0"], "--steps must be at least 1: got 0"),
        (["data", "make", "maze", "--out", "m", "--seed", "-1"], "--seed must be at least 0: got -1"),
        (["data", "make", "maze", "--out", "m", "--size", "0"], "a maze has at least two cells: got 0x0"),
        (
            ["data", "make", "maze", "--out", "m", "--walls", "nan", "1"],
            "--walls must be a finite number: got (nan, 1.0)",
        ),
        (["data", "make", "sudoku", "--out", "m", "--layouts", "0"], "--layouts must be at least 1: got 0"),
        (["data", "make", "sudoku", "--out", "m", "--min-rating", "-1"], "--min-rating must be at least 0: got -1"),
        (
            ["data", "make", "sudoku", "--out", "m", "--min-rating", "5", "--max-rating", "2"],
            "--max-rating must be at least 5: got 2",
        ),
        (
            ["data", "make", "gym", "--out", "m", "--name", "sudoku", "--seed", "-1"],
            "--seed must be at least 0: got -1",
        ),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_in_one_line(args, said, capsys):
    assert main(args) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
