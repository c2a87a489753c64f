"""`ponderling data`: the same command gives the same files, and a file's contents are told."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import signal
from dataclasses import dataclass
from importlib import resources

import pytest

from ponderling.cli import main
from ponderling.cli.data.made import command_of
from ponderling.cli.display import Bars
from ponderling.tasks import get_task
from ponderling.tasks.sudoku import SUDOKUS


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
            made = gzip.decompress((out / f"{split}.csv.gz").read_bytes())
            packed = (embedded / f"sudoku{size}_{split}.csv.gz").read_bytes()  # more tightly than the command does
            assert made == gzip.decompress(packed)


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
        (
            ["--size", "4", "--train", "100", "--extra-clues", "0"],
            "found only 36 inequivalent puzzles of these kinds and no new one for 50 batches: ask for --extra-clues 4 (now 0)",
        ),
    ],
)
def test_what_cannot_be_made_is_one_line(tmp_path, more, message, capsys):
    assert make(tmp_path / "out", *more) == 2
    assert message in capsys.readouterr().err


def test_4x4_has_a_default_that_gives_enough_puzzles(tmp_path, capsys):
    assert main(["data", "make", "sudoku", "--size", "4", "--train", "60", "--test", "10", "--out", str(tmp_path)]) == 0
    facts = json.loads((tmp_path / "made.json").read_text())
    assert facts["train"]["puzzles"] == 60
    assert "--extra-clues 4" in facts["command"]


def test_the_command_in_made_json_makes_the_files_again(tmp_path, capsys):
    (tmp_path / "my puzzles").mkdir()
    known = tmp_path / "my puzzles" / "known.csv"
    SUDOKUS["sudoku6"].write(known, SUDOKUS["sudoku6"].load_default("test")[:5])
    more = ["--train", "5", "--test", "2", "--max-rating", "3", "--apart-from", str(known), "--seed", "3"]
    assert make(tmp_path / "a", *more) == 0
    command = json.loads((tmp_path / "a" / "made.json").read_text())["command"]
    assert main([*shlex.split(command)[1:], "--out", str(tmp_path / "b")]) == 0
    for file in ("train.csv.gz", "test.csv.gz", "made.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_command_names_what_is_not_default_and_what_always_matters():
    @dataclass
    class Options:
        out: str
        walls: tuple[float, float] = (0.3, 0.5)
        seed: int = 0
        min_path: int | None = None
        fast: bool = False
        sure: bool = True
        name: str = "plain"

    plain = Options("x")
    assert command_of(plain, "data make it", always=["seed"], never=["out"]) == "ponderling data make it --seed 0"
    full = Options("x", (0.1, 0.2), 4, 7, True, False, "two words")
    assert command_of(full, "make") == (
        "ponderling make --out x --walls 0.1 0.2 --seed 4 --min-path 7 --fast --no-sure --name 'two words'"
    )


def interrupt_at(monkeypatch, bar: str, done: int) -> None:
    """Has Ctrl-C pressed when the bar of that name has come so far."""
    add, pressed = Bars.add, []

    def add_and_watch(self, what, *, total):
        show = add(self, what, total=total)

        def watch(now: int) -> None:
            show(now)
            if what == bar and now == done and not pressed:
                pressed.append(now)
                os.kill(os.getpid(), signal.SIGINT)

        return watch

    monkeypatch.setattr(Bars, "add", add_and_watch)


def test_ctrl_c_keeps_the_random_puzzles_that_were_made(tmp_path, capsys, monkeypatch):
    interrupt_at(monkeypatch, "puzzles", 22)
    assert make(tmp_path, "--train", "30", "--test", "10") == 130
    facts = json.loads((tmp_path / "made.json").read_text())
    train, test = (SUDOKUS["sudoku6"].read(tmp_path / f"{name}.csv.gz") for name in ("train", "test"))
    assert facts["stopped_early"]
    assert (len(train), len(test)) == (facts["train"]["puzzles"], facts["test"]["puzzles"])
    assert 15 < len(train) <= 17
    assert len(test) == 5
    captured = capsys.readouterr().err
    assert f"holds what was made until then: {len(train)} of 30 training puzzles and 5 of 10 test puzzles" in captured


def test_ctrl_c_keeps_the_hunted_puzzles_that_were_found(tmp_path, capsys, monkeypatch):
    interrupt_at(monkeypatch, "puzzles", 4)
    more = ["--train", "12", "--hunted", "4", "--climbs", "1", "--test", "3"]
    assert make(tmp_path, *more) == 130
    assert len(SUDOKUS["sudoku6"].read(tmp_path / "train.csv.gz")) == 4
    assert "4 of 12 training puzzles and 0 of 3 test puzzles" in capsys.readouterr().err


def test_ctrl_c_keeps_the_mazes_that_were_made(tmp_path, capsys, monkeypatch):
    interrupt_at(monkeypatch, "maze6", 20)
    assert main(["data", "make", "maze", "--size", "6", "--out", str(tmp_path), "--train", "30", "--test", "10"]) == 130
    assert json.loads((tmp_path / "made.json").read_text())["stopped_early"]
    sizes = [len(get_task("maze6").read(tmp_path / f"{name}.csv.gz")) for name in ("train", "test")]
    assert 18 <= sum(sizes) <= 20
    assert sizes[1] in (4, 5)
    assert f"{sizes[0]} of 30 training puzzles and {sizes[1]} of 10 test puzzles" in capsys.readouterr().err


def test_ctrl_c_keeps_the_jigsaws_that_were_made(tmp_path, capsys, monkeypatch):
    interrupt_at(monkeypatch, "puzzles", 6)
    more = ["--variant", "jigsaw", "--layouts", "4", "--train", "12", "--test", "0"]
    assert make(tmp_path, *more) == 130
    assert len(SUDOKUS["sudoku6"].read(tmp_path / "train.csv.gz")) == 6
    assert json.loads((tmp_path / "made.json").read_text())["stopped_early"]
    assert "6 of 12 training puzzles" in capsys.readouterr().err


def test_ctrl_c_before_anything_is_made_leaves_nothing(tmp_path, capsys, monkeypatch):
    interrupt_at(monkeypatch, "walks", 1)
    assert make(tmp_path / "out", "--train", "12", "--hunted", "4", "--climbs", "2") == 130
    assert "ponderling: interrupted" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_where_stderr_is_no_terminal_lines_tell_of_the_progress(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ponderling.cli.display.SECONDS_BETWEEN_LINES", 0)
    assert make(tmp_path, "--train", "12", "--hunted", "4", "--climbs", "2", "--test", "3") == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "sudoku6: making 15 puzzles"
    assert lines[1].startswith("2 walks come first, some seconds each (--climbs)")
    walks = [line for line in lines if line.startswith("walks: ")]
    assert [line.split(" after ")[0] for line in walks] == ["walks: 1 of 2", "walks: 2 of 2"]
    assert all(re.fullmatch(r"walks: \d of 2 after 0:\d\d", line) for line in walks)
    assert any(line.startswith("puzzles: 15 of 15 after 0:") for line in lines)


def test_a_mistake_leaves_no_empty_folder(tmp_path, capsys):
    assert (
        main(["data", "make", "maze", "--size", "5", "--min-path", "90", "--out", str(tmp_path / "new" / "out")]) == 2
    )
    assert not (tmp_path / "new" / "out").exists()
    (tmp_path / "old").mkdir()
    assert main(["data", "make", "maze", "--size", "5", "--min-path", "90", "--out", str(tmp_path / "old")]) == 2
    assert (tmp_path / "old").exists()


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


def test_a_mistyped_verb_of_data_is_named_with_the_closest(capsys):
    assert main(["data", "make", "suduko", "--out", "x"]) == 2
    assert "unknown verb `data make suduko`: did you mean make sudoku? Expected" in capsys.readouterr().err


def test_make_alone_shows_what_can_be_made(capsys):
    assert main(["data", "make"]) == 2
    assert "make sudoku     generate puzzles" in capsys.readouterr().out
