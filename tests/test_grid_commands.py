"""The commands on files of grids, and the definition of the task in the run's config."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from own_grids import TINY, mirrored, one_line, write_jsonl
from ponderling.cli import main
from ponderling.cli.train import take_files
from ponderling.config import DataConfig, Search, from_json, to_json
from ponderling.data import grid_config
from ponderling.solving.evaluate import evaluate
from ponderling.solving.figures import Evaluation, SearchEvaluation
from ponderling.solving.solver import Solver
from ponderling.tasks.custom.spec import END


def test_the_definition_of_the_task_survives_config_json(tmp_path):
    data = grid_config(write_jsonl(tmp_path / "a.jsonl", mirrored(20)), symmetries="flips")
    again = from_json(DataConfig, json.loads(json.dumps(to_json(data))))
    assert again == data
    with pytest.raises(ValueError, match=r"grid.symbols: expected a list of str, got \[1\]"):
        from_json(DataConfig, {"grid": {"symbols": [1], "rows": 1, "columns": 1}})
    with pytest.raises(
        ValueError, match="symmetries, structure and check are for --data FILE: task sudoku4 has its own"
    ):
        DataConfig(symmetries="flips")


def test_data_and_test_are_taken_out_of_the_arguments():
    assert take_files(["r", "--data", "a", "--data.max-test", "3", "--test=b"]) == (
        ("a", "b"),
        ["r", "--data.max-test", "3"],
    )
    assert take_files(["r", "--data.train", "a"]) == (None, ["r", "--data.train", "a"])
    for args in (["--data"], ["--data", "--out"], ["--test", "b"]):
        with pytest.raises(ValueError, match=r"--(data|test)"):
            take_files(args)


def test_train_eval_and_solve_from_a_file_of_grids(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_jsonl(tmp_path / "my.jsonl", mirrored(60))
    assert main(["train", "--data", path, "--data.symmetries", "flips", "--json", *TINY]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["recipe"] == "grid"
    assert "sizes differ: canvas 3x4 with end marks; symbols 0 1 2; 5 tokens; symmetries flips" in captured.err
    assert "test: one question in 10, held out at random" in captured.err
    assert main(["eval", "runs/my", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["puzzles"] == result["test"]["puzzles"] <= 6
    assert figures["valid"] is None
    # the training file is no test: of it only what was held out counts
    assert main(["eval", "runs/my", "--data", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exact"] == figures["exact"]
    assert main(["solve", "runs/my", "[[0, 1], [2, 0]]", "--json"]) == 0
    solved = json.loads(capsys.readouterr().out)
    assert solved["question"] == "01/20"
    assert solved["valid"] is None
    (tmp_path / "ask.jsonl").write_text('{"input": [[0, 1]]}\n{"input": ["12"]}\n')
    assert main(["solve", "runs/my", "ask.jsonl"]) == 0
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == ["01/", "12/"]
    assert main(["eval", "runs/my", "--data", "ask.jsonl"]) == 2
    assert "ask.jsonl, lines 1, 2: no output" in one_line(capsys)
    assert main(["solve", "runs/my", "[[0, 7]]"]) == 2
    assert one_line(capsys) == "ponderling: input holds '7', which no training grid does"
    assert main(["train", "--data", path, "--resume", "--json", *TINY]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 6


def test_a_recipe_gives_its_model_to_a_file_of_grids_and_a_test_file_is_used(tmp_path, capsys, own_rules):
    pairs = mirrored(30, (2, 3))
    train = write_jsonl(tmp_path / "train.jsonl", pairs[:20])
    test = write_jsonl(tmp_path / "test.jsonl", pairs[20:])
    args = [
        "train",
        "sudoku4",
        "--data",
        train,
        "--test",
        test,
        "--data.check",
        "rules_for_test:mirror",
        "--out",
        "run",
    ]
    assert main([*args, "--json", *TINY]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["recipe"], result["test"]["puzzles"]) == ("sudoku4", 10)
    assert result["test"]["valid"] is not None
    config = json.loads((tmp_path / "run" / "last" / "config.json").read_text())
    assert config["config"]["data"]["test"] == test
    assert config["config"]["model"]["mixer"] == "mlp"


def test_inspect_tells_of_grids_and_still_of_sudokus(tmp_path, capsys):
    from ponderling.tasks import get_task

    pairs = mirrored(20, (2, 2))
    path = write_jsonl(
        tmp_path / "a.jsonl", [*pairs, (pairs[0][0], [[0, 0], [0, 0]])], split=["train"] * 15 + ["test"] * 5 + ["train"]
    )
    assert main(["data", "inspect", path, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["train"]["examples"], facts["test"]["examples"]) == (16, 5)
    assert facts["train"]["repeated_questions"] == facts["train"]["questions_with_several_answers"] == 1
    assert facts["split"] == "test: as the file says"
    sudoku = get_task("sudoku4")
    sudoku.write(tmp_path / "s.csv", sudoku.load_default("test")[:9])
    for task, expected in ((None, "sudoku4"), ("grids", "grids")):
        assert main(["data", "inspect", str(tmp_path / "s.csv"), "--json", *(["--task", task] if task else [])]) == 0
        assert json.loads(capsys.readouterr().out)["task"] == expected
    (tmp_path / "maze.csv").write_text("question,answer\n" + "".join(f"{q},{q}\n" for q in ["#  #", "  ##", "## #"]))
    assert main(["data", "inspect", str(tmp_path / "maze.csv")]) == 0
    assert "every grid 2x2; symbols ' ' #" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "--data", "nowhere.jsonl"], "nowhere.jsonl"),
        (["train", "sudoku44", "--data", "nowhere.jsonl"], "unknown recipe 'sudoku44'"),
        (["train", "a_module:Thing", "--data", "b.jsonl"], "a_module:Thing is a task, and --data FILE another"),
        (["train", "--data"], "expected a file or folder of grids after --data"),
        (["train", "sudoku4", "--data.symmetries", "flips"], "symmetries, structure and check are for --data FILE"),
        (["train", "--out", "x"], "expected a recipe before --out, or --data FILE"),
    ],
)
def test_mistakes_are_one_line(args, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    assert message in one_line(capsys)


def test_end_marks_are_no_cells_that_may_be_right(tmp_path):
    """A label of one cell on a canvas of 3x3: an answer that has the marks right, and the cell wrong, has no right cell."""
    rng = np.random.default_rng(0)
    lines = [{"input": rng.integers(0, 2, (3, 3)).tolist(), "output": [[int(rng.integers(2, 5))]]} for _ in range(40)]
    path = tmp_path / "label.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    assert main(["train", "--data", str(path), "--train.steps", "3", "--out", str(tmp_path / "run")]) == 0
    solver = Solver.load(tmp_path / "run")
    assert solver.task.end_mark == END
    puzzles = solver.task.read(path)
    full = evaluate(solver, puzzles, steps=2)
    assert isinstance(full, Evaluation)
    symbols = puzzles.labels > END
    assert symbols.sum() == 40
    wrong = np.where(symbols, 1 + puzzles.labels % 5 + END, puzzles.labels)
    assert (wrong != puzzles.labels)[symbols].all()
    assert dataclasses.replace(full, full=wrong).cells == 0
    assert dataclasses.replace(full, early=wrong).early_exit.cells == 0
    assert dataclasses.replace(full, full=puzzles.labels).cells == 1
    found = evaluate(solver, puzzles, steps=2, search=Search())
    assert isinstance(found, SearchEvaluation)
    assert found.end_mark == END
