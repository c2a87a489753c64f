"""`ponderling train --resume`: what the command names is of the run in the folder, or is refused; nothing is passed over."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ponderling.checkpoint import read_config
from ponderling.cli import main
from ponderling.training.starting import start
from runs import tiny

SMALL = [
    "--model.hidden-size", "16", "--model.n", "1", "--model.T", "1",
    "--train.batch-size", "4", "--train.N-sup", "2", "--train.steps", "2",
    "--data.structure", "neighbours=4", "--run.threads", "1",
]  # fmt: skip


def write_mirrored(path: Path, count: int = 20) -> str:
    lines = []
    for i in range(count):
        rows = [[i % 3, i // 3 % 3], [i // 9 % 3, 1]]
        lines.append(json.dumps({"input": rows, "output": [row[::-1] for row in rows]}))
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_mirrored(tmp_path / "my.jsonl")
    assert main(["train", "--data", "my.jsonl", "--out", "run", *SMALL]) == 0
    said = capsys.readouterr().err
    assert (
        "grid: relational network, D 16, on neighbours=4, 2 steps" in said
    )  # the size as it is, not as the recipe had it
    return tmp_path / "run"


@pytest.mark.parametrize(
    "named", [["sudoku4"], ["maze6"], ["sudoku"], ["sudoku4", "--data", "my.jsonl"]], ids=lambda named: named[-1]
)
def test_another_recipe_or_task_than_the_runs_is_refused_with_the_command_that_goes_on(named, run, capsys):
    before = (run / "last" / "model.safetensors").read_bytes()
    assert main(["train", *named, "--out", "run", "--resume"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"ponderling: run holds a run of another kind than {named[0]}: go on with ")
    assert "`ponderling train --data my.jsonl --out run --resume`" in said
    assert (run / "last" / "model.safetensors").read_bytes() == before


def test_another_file_is_refused_by_its_puzzles_and_a_file_that_moved_is_taken(run, capsys, tmp_path):
    write_mirrored(tmp_path / "less.jsonl", 15)
    assert main(["train", "--data", "less.jsonl", "--out", "run", "--resume", "--train.steps", "3"]) != 0
    assert "was trained on other puzzles than --data.train less.jsonl now gives" in capsys.readouterr().err
    (tmp_path / "my.jsonl").rename(tmp_path / "moved.jsonl")
    assert main(["train", "--data", "moved.jsonl", "--out", "run", "--resume", "--train.steps", "3"]) == 0
    config, _, info = read_config(run / "last")
    assert (config.data.train, info["step"]) == ("moved.jsonl", 3)


def test_weights_to_begin_with_are_refused_where_the_run_has_its_own(run, capsys):
    assert main(["train", "--data", "my.jsonl", "--out", "run", "--resume", "--train.init", "sudoku"]) == 2
    assert "--train.init sudoku would do nothing: leave it out" in capsys.readouterr().err


def test_fewer_steps_than_were_done_are_refused_in_python_too(run, tmp_path, capsys):
    assert main(["train", "--data", "my.jsonl", "--out", "run", "--resume", "--train.steps", "1"]) == 2
    assert "run is at step 2 already, so it cannot be resumed with train.steps 1" in capsys.readouterr().err
    start(tiny(steps=2), tmp_path / "python").run()
    with pytest.raises(ValueError, match=r"is at step 2 already.*give at least 2"):
        start(tiny(steps=1), tmp_path / "python", resume=True)


def test_files_are_named_once_and_of_several_folders_the_last_counts_as_for_any_option(run, capsys, tmp_path):
    assert main(["train", "--data", "my.jsonl", "--data", "other.jsonl", *SMALL]) == 2
    assert "expected --data once: got my.jsonl and other.jsonl" in capsys.readouterr().err
    assert main(["train", "--data", "my.jsonl", "--out", "first", "--out=second", *SMALL]) == 0
    assert not (tmp_path / "first").exists()
    assert (tmp_path / "second" / "last").is_dir()


@pytest.mark.parametrize("how", [["--resume", "run"], ["--out", "run", "--resume"], ["--resume", "--out=run"]], ids=str)
def test_a_folder_alone_says_what_its_run_is(how, run, capsys, tmp_path, monkeypatch):
    assert main(["train", *how, "--train.steps", "3"]) == 0
    assert read_config(run / "last")[2]["step"] == 3
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the file that the run names is not here
    assert main(["train", "--resume", "../run", "--train.steps", "4"]) == 0
    config, _, info = read_config(run / "last")
    assert (info["step"], info["recipe"], config.train.batch_size) == (4, "grid", 4)


def test_a_folder_alone_says_the_recipe_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "sudoku4", "--out", "mine", *SMALL[:-4], "--run.threads", "1"]) == 0
    assert main(["train", "--resume", "mine", "--train.steps", "3"]) == 0
    assert read_config(tmp_path / "mine" / "last")[2]["recipe"] == "sudoku4"


def test_a_folder_without_a_run_and_two_folders_are_refused_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--resume", "sudoku4"]) == 2
    assert "there is no run to go on with in sudoku4: name its folder" in capsys.readouterr().err
    assert main(["train", "--resume", "a", "--out", "b"]) == 2
    assert "--resume a and --out b name two folders: name the run's alone" in capsys.readouterr().err
    start(tiny(steps=2), tmp_path / "python").run()
    assert main(["train", "--resume", "python"]) == 2
    assert "the run in python was begun in Python: go on with it there, with resume=True" in capsys.readouterr().err


def test_a_folder_alone_does_not_say_that_its_code_is_trusted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_family.py").write_text(
        "from ponderling.tasks import get_task\nprint('code was run')\nFOUR = get_task('sudoku4')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["train", "own_family:FOUR", "--out", "own", *SMALL[:-4], "--run.threads", "1"]) == 0
    capsys.readouterr()
    monkeypatch.delitem(sys.modules, "own_family")
    assert main(["train", "--resume", "own", "--train.steps", "3"]) != 0
    captured = capsys.readouterr()
    assert "--trust" in captured.err
    assert "code was run" not in captured.out
    assert main(["train", "--resume", "own", "--train.steps", "3", "--trust"]) == 0
