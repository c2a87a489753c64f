"""`ponderling data`: the same command gives the same files, and a file's contents are told."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from ponderling.cli import main
from ponderling.tasks import SUDOKUS


def make(out, *more) -> int:
    return main(["data", "make", "sudoku", "--size", "6", "--out", str(out), *more])


def test_the_same_command_makes_the_same_files_and_another_seed_others(tmp_path, capsys):
    more = ["--train", "30", "--test", "10", "--extra-clues", "3"]
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert make(tmp_path / name, *more, "--seed", seed) == 0
    files = {name: [(tmp_path / name / f).read_bytes() for f in ("train.csv.gz", "test.csv.gz")] for name in "abc"}
    assert files["a"] == files["b"] != files["c"]
    facts = json.loads((tmp_path / "a" / "made.json").read_text())
    assert facts["train"]["puzzles"] == 30
    assert facts["test"]["repeated_up_to_symmetry"] == 0
    assert "--seed 0" in facts["command"]


@pytest.mark.slow
def test_the_set_in_the_package_is_what_its_command_makes(tmp_path):
    embedded = resources.files("ponderling.tasks") / "embedded"
    for size in (4, 6):
        facts = json.loads((embedded / f"sudoku{size}.json").read_text())
        out = tmp_path / str(size)
        assert main([*facts["command"].split()[1:], "--out", str(out)]) == 0
        for split in ("train", "test"):
            assert (out / f"{split}.csv.gz").read_bytes() == (embedded / f"sudoku{size}_{split}.csv.gz").read_bytes()


def test_ratings_can_be_chosen(tmp_path, capsys):
    assert make(tmp_path, "--train", "3", "--test", "1", "--min-rating", "1") == 0
    puzzles = SUDOKUS["sudoku6"].read(tmp_path / "train.csv.gz")
    assert puzzles.ratings.min() >= 1


def test_hunted_puzzles_are_mixed_with_random_ones_and_kept_apart_from_a_file(tmp_path, capsys):
    more = ["--train", "12", "--hunted", "4", "--climbs", "1", "--test", "3", "--extra-clues", "6"]
    assert make(tmp_path / "a", *more) == 0
    task = SUDOKUS["sudoku6"]
    first = task.read(tmp_path / "a" / "train.csv.gz")
    assert (len(first), int((first.ratings >= 1).sum() >= 4)) == (12, 1)
    assert make(tmp_path / "b", *more, "--apart-from", str(tmp_path / "a" / "train.csv.gz")) == 0
    second = task.read(tmp_path / "b" / "train.csv.gz")
    assert not set(task.fingerprint(first.tokens).tolist()) & set(task.fingerprint(second.tokens).tolist())
    assert "--hunted 4 --climbs 1 --apart-from" in json.loads((tmp_path / "b" / "made.json").read_text())["command"]


def test_deep_puzzles_are_mixed_with_random_ones(tmp_path, capsys):
    out = tmp_path / "deep"
    command = ["data", "make", "sudoku", "--train", "6", "--deep", "3", "--test", "0", "--apart-from", "deep"]
    assert main([*command, "--out", str(out)]) == 0
    made = SUDOKUS["sudoku9"].read(out / "train.csv.gz")
    assert sum(SUDOKUS["sudoku9"].left_after_trials(tokens) > 0 for tokens in made.tokens) == 3
    assert "--deep 3 --deep-from deep" in json.loads((out / "made.json").read_text())["command"]
    assert make(tmp_path / "six", "--deep", "1") == 2
    assert "puzzles that withstand trials are hunted among 9x9" in capsys.readouterr().err


def test_no_hunted_puzzle_in_the_package_is_equivalent_to_a_test_puzzle():
    task = SUDOKUS["sudoku9"]
    names = ("hunted", "deep", "test")
    hunted, deep, test = (set(task.fingerprint(task.load_default(name).tokens).tolist()) for name in names)
    assert (len(hunted), len(deep)) == (66_000, 3_815)
    assert not (hunted | deep) & test


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--hunted", "200", "--train", "100"],
            "--hunted and --deep must be at least 0 and together at most --train, and --climbs at least 1: got 200 and 0",
        ),
        (["--hunted", "5", "--max-rating", "0"], "a lowest rating no higher than the highest: got 5, 80, 1 to 0"),
        (["--size", "6", "--variant", "x"], "--size must be 9 with --variant x: got 6"),
        (["--size", "5"], "--size must be 4, 6, 9 or 16: got 5"),
        (["--train", "0", "--test", "0"], "there must be a puzzle to make"),
        (["--size", "4", "--train", "100"], "found only 36 inequivalent puzzles"),
    ],
)
def test_what_cannot_be_made_is_one_line(tmp_path, more, message, capsys):
    assert make(tmp_path / "out", *more) == 2
    assert message in capsys.readouterr().err


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "test.csv.gz").write_text("mine")
    assert make(tmp_path, "--train", "2", "--test", "1") == 2
    assert "is there already: choose another --out" in capsys.readouterr().err
    assert (tmp_path / "test.csv.gz").read_text() == "mine"


def test_inspect_tells_what_a_file_holds(tmp_path, capsys):
    task = SUDOKUS["sudoku6"]
    puzzles = task.load_default("test")[:20]
    task.write(tmp_path / "p.csv", puzzles[[*range(20), 0]])
    assert main(["data", "inspect", str(tmp_path / "p.csv"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["task"] == "sudoku6"
    assert facts["p.csv"]["puzzles"] == 21
    assert facts["p.csv"]["repeated_up_to_symmetry"] == 1
    assert main(["data", "inspect", "sudoku4"]) == 0
    assert "1,200" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args", [["make"], ["inspect", "nowhere.csv"], ["look"], ["inspect", "--task", "sudoku5", "x"]]
)
def test_mistakes_exit_with_2(args, capsys):
    assert main(["data", *args]) == 2
