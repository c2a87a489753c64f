"""Options that would do nothing are refused, and what a command says of what it does is so."""

from __future__ import annotations

import json
import time

import pytest

from ponderling.cli import main
from ponderling.exchange.hub import check_name
from ponderling.training.starting import start
from runs import tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder of a model that was hardly trained, with its log."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    start(tiny(steps=2), out).run()
    return str(out)


PUZZLE = "....1.3..4133..."


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["eval", "RUN", "--blank-id"], "--blank-id is for ARC: RUN is of the family sudoku4"),
        (["eval", "RUN", "--adapt-steps", "3", "--submission", "s.json"], "--submission and --adapt-steps are for ARC"),
        (["solve", "RUN", PUZZLE, "--adapt-steps", "3"], "--adapt-steps is for ARC: RUN is of the family sudoku4"),
        (["solve", "RUN", PUZZLE, "--watch", "--json"], "--watch draws grids and --json prints an object"),
        (["solve", "RUN", PUZZLE, "--guess-every", "4"], "--guess-every is for further attempts that guess"),
        (["film", "RUN", PUZZLE, "a.svg", "--number", "2"], f"--number 2 is for a file of puzzles: '{PUZZLE}' is one"),
        (["film", "RUN", PUZZLE, "a.html", "--theme", "dark"], "--theme is for .gif and .png"),
        (["film", "RUN", PUZZLE, "a.svg", "--still", "1", "--delay", "2"], "--delay is for films"),
        (["plot", "RUN/metrics.jsonl"], "this is the log of a run: name its folder, RUN, to plot the run"),
        (
            ["solve", "RUN", PUZZLE, "--seed", "3"],
            "--seed is for further attempts: say how many with --restarts or --views",
        ),
        (
            ["film", "RUN", PUZZLE, "a.svg", "--seed", "3", "--noise", "1"],
            "--noise and --seed are for further attempts",
        ),
        (["eval", "RUN", "--verify", "--seed", "3"], "--seed is for further attempts"),
        (["solve", "RUN", PUZZLE, "--delay", "1"], "--delay is the time between two grids of --watch"),
        (
            ["solve", "RUN", PUZZLE, "--token", "secret"],
            "--token is for checkpoints on the Hub, hf:owner/name: RUN is none",
        ),
        (["export", "RUN", "x.pt2", "--token", "secret"], "--token is for checkpoints on the Hub"),
        (["export", "RUN", "x", "--trust"], "--net and --trust are for onnx and torch"),
        (
            ["push", "RUN", "a/c", "--card", "card.md", "--private"],
            "--card pushes nothing: leave out --private, or --card",
        ),
        (["data", "inspect", "sudoku4", "--test", "a.csv"], "--test goes with a file: sudoku4 is a task"),
        (
            ["data", "inspect", "sudoku4", "--symmetries", "flips"],
            "--symmetries is for files of grids: sudoku4 is a task",
        ),
        (["data", "export", "sudoku4", "--out", "x", "--test", "a.csv"], "--test and --task go with a file"),
        (["data", "make", "sudoku", "--out", "x", "--climbs", "3"], "--climbs is for puzzles of --hunted"),
        (["data", "make", "maze", "--out", "x", "--kind", "empty", "--walls", "0", "0.1"], "walls"),
        (["push", "RUN", "a b/c", "--card", "card.md"], "a b/c: not a name that the Hub allows"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused_and_nothing_is_written(
    args, message, run, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main([arg.replace("RUN", run) for arg in args]) == 2
    assert message.replace("RUN", run) in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_is_not_said_to_be_replaced_where_the_frame_is_not_there(run, tmp_path, capsys):
    picture = tmp_path / "a.svg"
    picture.write_text("mine")
    assert main(["film", run, PUZZLE, str(picture), "--still", "99"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("ponderling: the film has the frames 0 (the puzzle) to")
    assert picture.read_text() == "mine"


def test_what_the_official_code_cannot_be_given_names_the_endings_of_graphs(tmp_path, capsys):
    assert main(["export", "sudoku", str(tmp_path / "model.onx")]) == 2
    assert "for a graph name a file that ends in .onnx or .pt2: got" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_one_puzzle_and_one_step_are_said_to_be_one(run, capsys):
    assert main(["eval", run, "--max-puzzles", "1", "--steps", "1"]) == 0
    said = capsys.readouterr().out
    assert "all 1 step " in said
    assert "1 steps" not in said
    assert main(["eval", run, "--max-puzzles", "1", "--steps", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["puzzles"] == 1


@pytest.mark.parametrize("name", ["owner", "a/b/c", "a b/c", "hf:-a/b", "owner/name@main"])
def test_names_that_no_repository_can_have_are_refused_without_the_network(name):
    with pytest.raises(ValueError, match=r"owner/name|not a name that the Hub allows"):
        check_name(name)
    check_name("hf:owner/name")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data.views", "3"], "--data.views is for ARC: it would do nothing here, leave it out"),
        (["--data.turns"], "--data.turns is for ARC"),
        (["--data.more_share=0.1"], "--data.more-share is for ARC"),
        (["--data.held-out", "demonstrations"], "--data.held-out is for ARC"),
        (["--solve.as-demonstrated"], "--solve.as-demonstrated is for ARC"),
        (
            ["--model.num-heads", "2"],
            "--model.num-heads is for attention: --model.mixer attention with system trm or hrm",
        ),
        (["--model.rope-theta", "2"], "--model.rope-theta is for --model.positions rope, with attention"),
        (["--model.num-layers-H", "2"], "--model.num-layers-H is for two networks: --model.separate-networks"),
        (
            ["--train.batch-cells", "99", "--train.batch-size", "4"],
            "--train.batch-size is for runs without --train.batch-cells",
        ),
        (["--train.optimizer", "adamw", "--train.muon-lr", "1"], "--train.muon-lr is for --train.optimizer muon"),
        (
            ["--model.puzzle-embedding-size", "0", "--train.puzzle-lr", "1", "--train.puzzle-weight-decay", "0"],
            "--train.puzzle-lr is for networks with a puzzle embedding; --train.puzzle-weight-decay is for networks",
        ),
    ],
)
def test_settings_of_training_that_would_change_nothing_are_refused(options, message, tmp_path, capsys):
    assert main(["train", "sudoku4", "--out", str(tmp_path / "run"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_settings_that_are_used_are_taken(tmp_path, capsys):
    tiny_run = ["--model.hidden-size", "16", "--train.steps", "1", "--train.batch-size", "2", "--train.N-sup", "1"]
    tiny_run += [
        "--data.max-test",
        "2",
        "--data.num-validation",
        "0",
        "--train.optimizer",
        "muon",
        "--train.muon-lr",
        "1",
    ]
    assert main(["train", "sudoku4", "--out", str(tmp_path / "run"), *tiny_run]) == 0
    assert "reading the puzzles" not in capsys.readouterr().err


def test_a_wait_for_the_puzzles_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ponderling.system.PATIENCE", 0.05)

    def slow(*_, **__):
        time.sleep(0.5)
        raise ValueError("enough")

    monkeypatch.setattr("ponderling.training.starting.start", slow)
    assert main(["train", "sudoku4", "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.splitlines() == ["reading the puzzles of sudoku4", "ponderling: enough"]
