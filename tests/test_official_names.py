"""An official ARC checkpoint keeps its puzzle ids: each task, in each view, is asked with the row it was trained with."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from arc_examples import example_tasks, tiny_run, write
from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.config import PuzzleShape
from ponderling.exchange.official import read_official, write_official
from ponderling.models import build_model
from ponderling.solving.vote import arc_of, known_tasks
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.canvas import place
from ponderling.tasks.arc.files import read_tasks
from ponderling.tasks.arc.identifiers import Identifiers
from ponderling.tasks.arc.official_names import names_of, read_names
from ponderling.training.adapt import TABLES

TABLE = TABLES[0]
TASKS = example_tasks()
EXAMS = ("turn", "double")
"""Test tasks; the others are trained on."""


def transform(grid, number):
    """The official dihedral_transform of dataset/common.py."""
    turned = [np.rot90(grid, k) for k in range(4)]
    return [*turned, np.fliplr(grid), np.flipud(grid), grid.T, np.fliplr(np.rot90(grid))][number]


def built(folder, name="{task}|||t{symmetry}|||{colours}", views=3, start=1, tests=True):
    """Puzzle ids as the official builder numbers and names them, with the test inputs that each id has, (ids,) of (N, 64)."""
    rng = np.random.default_rng(0)
    names, inputs = ["<blank>"] * start, [[]] * start
    for task, content in TASKS.items():
        for view in range(views + 1):
            symmetry, colours = int(rng.integers(8)), np.array([0, *(1 + rng.permutation(9))], np.uint8)
            if view == 0:
                symmetry, colours = 0, np.arange(10, dtype=np.uint8)
            names.append(task if view == 0 else name.format(
                task=task, symmetry=symmetry, colours="".join(map(str, colours))
            ))  # fmt: skip
            grids = [np.array(pair["input"], np.uint8) for pair in content["test"]]
            inputs.append([place(transform(colours[grid], symmetry), 8) for grid in grids])
    write(folder / "identifiers.json", names)
    if tests:
        write(folder / "test_puzzles.json", {task: TASKS[task] for task in EXAMS})
    return names, inputs


def official(folder, num_puzzles):
    """A checkpoint of the official TRM with that many puzzle embeddings, all different."""
    run = tiny_run("none")
    run = replace(run, model=replace(run.model, inner_multiple=256))
    model = build_model(run.model, PuzzleShape(12, 64, num_puzzles=num_puzzles))
    tensors = dict(model.state_dict())
    tensors[TABLE] = torch.arange(num_puzzles * 16, dtype=torch.float32).reshape(num_puzzles, 16) / 100
    write_official(folder, tensors, config=run)
    return tensors[TABLE]


def imported(folder, *args):
    """What `ponderling import` makes of a checkpoint."""
    assert main(["import", str(folder), "--out", str(folder / "ours"), "--task", "arc8", *map(str, args)]) == 0
    return load_checkpoint(folder / "ours")


@pytest.mark.parametrize("name", ["{task}|||t{symmetry}|||{colours}", "{task}_t{symmetry}_{colours}"])
@pytest.mark.parametrize("start", [1, 5])
def test_every_row_shows_the_view_that_the_official_builder_gave_its_id(name, start, tmp_path):
    """The names of TinyRecursiveModels and of HRM; ids may start after some blank ones."""
    names, inputs = built(tmp_path, name, start=start)
    table = official(tmp_path, len(names))
    checkpoint = imported(tmp_path)
    family = arc_of(checkpoint)
    assert torch.equal(checkpoint.model.state_dict()[TABLE], table)
    tasks = read_tasks(write(tmp_path / "tasks.json", TASKS))
    for task in tasks.values():
        rows = family.identifiers.rows(task.id)
        assert rows[0] == names.index(task.id)
        assert len(rows) == 4
        questions = family.questions((task, pair) for pair in task.tests)
        for row in rows:
            shown = family.as_views(questions, np.full(len(questions), row)).tokens
            assert np.array_equal(shown, inputs[row])
            assert all(
                np.array_equal(family.undo(tokens, row), pair.input)
                for tokens, pair in zip(shown, task.tests, strict=True)
            )
    roles = {name: known.role for name, known in family.identifiers.tasks.items()}
    assert roles == {task: "test" if task in EXAMS else "train" for task in TASKS}


def test_rows_of_a_task_in_two_sets_come_to_stand_together(tmp_path):
    names, _ = built(tmp_path)
    mixed = np.random.default_rng(1).permutation(np.arange(1, len(names)))
    write(tmp_path / "identifiers.json", ["<blank>", *(names[i] for i in mixed)])
    table = official(tmp_path, len(names))
    checkpoint = imported(tmp_path)
    ours = names_of(arc_of(checkpoint).identifiers)
    theirs = json.loads((tmp_path / "identifiers.json").read_text())
    assert ours != theirs
    assert sorted(ours) == sorted(theirs)
    where = [theirs.index(name) for name in ours]
    assert torch.equal(checkpoint.model.state_dict()[TABLE], table[where])
    assert all(torch.equal(table[a], row) for a, row in zip(where, checkpoint.model.state_dict()[TABLE], strict=True))


def test_names_and_weights_survive_import_and_export(tmp_path):
    names, _ = built(tmp_path / "their")
    table = official(tmp_path / "their", len(names))
    imported(tmp_path / "their")
    assert main(["export", str(tmp_path / "their" / "ours"), str(tmp_path / "again")]) == 0
    assert json.loads((tmp_path / "again" / "identifiers.json").read_text()) == names
    again = read_official(tmp_path / "again")
    assert torch.equal(again.tensors[TABLE], table)
    assert main(["export", str(tmp_path / "their" / "ours"), str(tmp_path / "again"), "--prefix", "bare"]) == 2


def test_names_of_views_drawn_here_are_read_back(tmp_path):
    """What we export of a run of ours, the official evaluator can turn back, and `import` knows again."""
    family = Arc(8, views=6)
    family.read_data(str(write(tmp_path / "tasks.json", TASKS)), "none")
    names = names_of(family.identifiers)
    again = read_names(write(tmp_path / "identifiers.json", names)).identifiers
    assert np.array_equal(again.symmetries, family.identifiers.symmetries)
    assert np.array_equal(again.colours, family.identifiers.colours)
    kept = Identifiers.from_json(json.loads(json.dumps(again.to_json())))
    assert names_of(kept) == names


def test_eval_and_adapt_of_an_imported_checkpoint_go_by_the_task_s_name(tmp_path, capsys):
    names, _ = built(tmp_path / "built")
    table = official(tmp_path, len(names))
    imported(tmp_path, "--identifiers", tmp_path / "built")
    assert "5 tasks known by name, 2 of them to be solved" in capsys.readouterr().err
    ours = str(tmp_path / "ours")
    assert main(["eval", ours, "--data", str(tmp_path / "built" / "test_puzzles.json"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["tasks"], figures["unknown"], figures["views"], figures["trained_on"]) == (2, 0, 4, 0)
    everything = write(tmp_path / "all.json", TASKS)
    assert main(["eval", ours, "--data", str(everything), "--views", "1"]) == 0
    assert "trained on the test pairs of 3 of these tasks" in capsys.readouterr().out
    known = write(tmp_path / "known.json", {"turn": TASKS["turn"]})
    assert main(["adapt", ours, "--task", str(known), "--steps", "1"]) == 2
    assert "task turn is known to" in capsys.readouterr().err
    new = write(tmp_path / "new.json", {"new": example_tasks(["turn"], seed=8)["turn"]})
    out = tmp_path / "adapted"
    assert main(["adapt", ours, "--task", str(new), "--steps", "1", "--views", "1", "--out", str(out)]) == 0
    adapted = load_checkpoint(out)
    assert torch.equal(adapted.model.state_dict()[TABLE][: len(table)], table)
    assert names_of(arc_of(adapted).identifiers)[: len(names) + 1] == [*names, "new"]


def test_another_task_under_the_name_of_a_test_task_is_noticed(tmp_path):
    names, _ = built(tmp_path)
    official(tmp_path, len(names))
    family = arc_of(imported(tmp_path))
    other = read_tasks(write(tmp_path / "other.json", {"turn": example_tasks(["turn"], seed=3)["turn"]}))
    with pytest.raises(ValueError, match="has other demonstrations than the task of that id"):
        known_tasks(family, other)


def test_the_built_test_set_tells_the_test_tasks_where_there_is_no_file_of_them(tmp_path, capsys):
    """As HRM's builder leaves it. Without either, all tasks count as trained on."""
    names, _ = built(tmp_path, "{task}_t{symmetry}_{colours}", tests=False)
    official(tmp_path, len(names))
    imported(tmp_path)
    assert "all taken for trained on" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "ours")
    (tmp_path / "test").mkdir()
    ids = [row for row, name in enumerate(names) if name.split("_t")[0] in EXAMS]
    np.save(tmp_path / "test" / "all__puzzle_identifiers.npy", np.array(ids, np.int32))
    family = arc_of(imported(tmp_path))
    assert [name for name, known in family.identifiers.tasks.items() if known.role == "test"] == sorted(
        EXAMS, key=list(TASKS).index
    )
    assert known_tasks(family, read_tasks(write(tmp_path / "tasks.json", TASKS))).keys() == TASKS.keys()


def test_an_arc_checkpoint_without_names_says_what_is_missing(tmp_path, capsys):
    official(tmp_path, 7)
    family = arc_of(imported(tmp_path))
    assert family.identifiers.unnamed == 7
    assert "none of its tasks has a name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "identifiers.json: not JSON"),
        ({}, "expected a list of names that begins with <blank>"),
        ([], "expected a list of names that begins with <blank>"),
        (["turn"], "expected a list of names that begins with <blank>"),
        (["<blank>", 3], "expected a list of names that begins with <blank>"),
        (["<blank>", "turn", "turn"], "turn stands there more than once"),
        (["<blank>", "turn|||t0|||0213456789"], "names views of task turn (row 1), but not the task as it is"),
        (["<blank>"], "names 0 tasks in 1 rows"),
        (["<blank>", "turn", "double"], "names 2 tasks in 3 rows, {step} has 7 puzzle embeddings: was it trained on another"),
        (["<blank>", *"abcdef"], "test_puzzles.json: task turn, double has no name in"),
    ],
)  # fmt: skip
def test_names_that_cannot_be_are_refused(content, message, tmp_path, capsys):
    official(tmp_path, 7)
    write(tmp_path / "built" / "test_puzzles.json", {task: TASKS[task] for task in EXAMS})
    path = tmp_path / "built" / "identifiers.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    args = ["import", str(tmp_path), "--out", str(tmp_path / "ours"), "--task", "arc8", "--identifiers", str(path)]
    if "no name" not in message:
        (tmp_path / "built" / "test_puzzles.json").unlink()
    assert main(args) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message.format(step=tmp_path / "step_0") in lines[0]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--task", "sudoku9"], "names ARC tasks, but --task is sudoku9"),
        (["--task", "arc8", "--num-puzzles", "9"], "--num-puzzles replaces them: leave one out"),
        (["--identifiers", "nowhere"], "nowhere: no such file"),
    ],
)
def test_options_that_contradict_the_names_are_refused(more, message, tmp_path, capsys):
    names, _ = built(tmp_path)
    official(tmp_path, len(names))
    assert main(["import", str(tmp_path), "--out", str(tmp_path / "ours"), *more]) == 2
    assert message in capsys.readouterr().err


def test_the_official_canvas_is_taken_for_granted(tmp_path):
    """With attention the weights do not tell the number of cells; names do, or the data folder in the YAML."""
    names, _ = built(tmp_path)
    official(tmp_path, len(names))
    imported = read_official(tmp_path)
    assert (imported.config.data.task, imported.config.data.views, imported.shape.seq_len) == ("arc30", 3, 900)
    (tmp_path / "identifiers.json").unlink()
    with pytest.raises(ValueError, match="give --seq-len"):
        read_official(tmp_path)
    settings = yaml.safe_load((tmp_path / "all_config.yaml").read_text())
    (tmp_path / "all_config.yaml").write_text(yaml.safe_dump({**settings, "data_paths": ["data/arc1concept-aug-1000"]}))
    imported = read_official(tmp_path)
    assert (imported.config.data.task, imported.shape.seq_len) == ("arc30", 900)
    assert "identifiers" not in imported.info
