"""The command line as a user meets it: one line for every mistake, JSON alone on stdout, and nothing slow for --help."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file

from ponderling.checkpoint import read_config
from ponderling.cli import main
from ponderling.cli.arguments import UsageError, parse_arguments
from ponderling.cli.signals import StopOnSignal
from ponderling.cli.train import _run_name
from ponderling.config import Phase, RuntimeConfig, SolveConfig
from ponderling.recipes import Recipe, get_recipe
from ponderling.tasks import get_task

TINY = [
    "--train.steps", "16", "--train.batch-size", "8", "--train.N-sup", "3", "--run.eval-every", "8",
    "--model.hidden-size", "16", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
    "--data.num-validation", "20", "--data.max-train", "50", "--data.max-test", "20",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder of a barely trained model."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["train", "sudoku4", "--out", str(out), *TINY]) == 0
    return out


@pytest.fixture
def puzzles():
    return get_task("sudoku4").load_default("test")[:20]


def one_line(capsys) -> str:
    """The error on stderr, which must be one line, without a traceback."""
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("ponderling:")]
    assert len(lines) == 1, captured.err
    assert "Traceback" not in captured.err
    return lines[0]


def test_json_prints_one_object_and_nothing_else_on_stdout(run, capsys, tmp_path):
    capsys.readouterr()
    assert main(["eval", str(run), "--steps", "5", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {"puzzles", "exact", "valid", "cells", "mean_steps", "steps"} <= figures.keys()
    assert figures["steps"] == len(figures["exact_by_step"]) == 5
    question = get_task("sudoku4").format(get_task("sudoku4").load_default("test").tokens[0])
    assert main(["solve", str(run), question, "--json"]) == 0
    solved = json.loads(capsys.readouterr().out)
    assert solved["question"] == question
    assert len(solved["trace"]) == solved["steps"]
    assert main(["train", "sudoku4", "--out", str(tmp_path / "again"), "--json", *TINY]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert trained["finished"]
    assert trained["test"]["puzzles"] == 20


def test_eval_reads_a_file_and_shows_tables(run, capsys, tmp_path, puzzles):
    file = tmp_path / "puzzles.csv"
    get_task("sudoku4").write(file, puzzles)
    assert main(["eval", str(run), "--data", str(file)]) == 0
    out = capsys.readouterr().out
    for words in ("20 puzzles", "exact match", "early exit", "halting head", "by rating"):
        assert words in out


def test_solving_a_file_gives_a_line_for_each_puzzle_in_order(run, capsys, tmp_path, puzzles):
    file = tmp_path / "puzzles.csv"
    get_task("sudoku4").write(file, puzzles)
    assert main(["solve", str(run), str(file)]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert [line.split(",")[0] for line in lines] == [get_task("sudoku4").format(row) for row in puzzles.tokens]
    assert "of 20 answers obey the rules" in captured.err


def test_watch_marks_changed_cells_and_says_that_the_rules_are_broken(run, capsys, puzzles):
    question = get_task("sudoku4").format(puzzles.tokens[0])
    assert main(["solve", str(run), question, "--watch", "--delay", "0", "--steps", "2"]) == 0
    out = capsys.readouterr().out
    assert "step 1" in out
    assert "step 2" in out
    assert "*" in out or "!" in out
    assert "not solved" in out  # 16 updates do not make a solver


def test_an_answer_that_obeys_the_rules_is_called_solved():
    from ponderling.pictures.terminal import outcome_text
    from ponderling.solving.records import Answer
    from ponderling.solving.result import Result

    task = get_task("sudoku4")
    (question,), (label,) = (
        tokens[:1] for tokens in (task.load_default("test").tokens, task.load_default("test").labels)
    )
    found = Answer(tokens=label, steps=3, passes=3, halted=True, halt_probability=0.9, accepted=True, first=label)
    result = Result(task, question, found=found)
    assert outcome_text(result).plain == "solved: every rule holds; the model stopped after 3 steps, 90% sure"
    result = Result(task, question, found=replace(found, steps=1))
    assert outcome_text(result).plain == "solved: every rule holds; the model stopped after 1 step, 90% sure"


def test_watch_shows_every_recursion_of_a_model_that_may_stop_within_a_step(capsys):
    puzzle = get_task("sudoku9").format(get_task("sudoku9").load_default("test").tokens[3])
    assert main(["solve", "sudoku", puzzle, "--json"]) == 0
    recursions = [moment["recursion"] for moment in json.loads(capsys.readouterr().out)["trace"]]
    assert main(["solve", "sudoku", puzzle, "--watch", "--delay", "0"]) == 0
    out = capsys.readouterr().out
    assert recursions == list(range(1, len(recursions) + 1))
    assert len(recursions) > 1
    assert f"step 1, recursion {len(recursions)} " in out
    assert f"step ({len(recursions)} recursions)" in " ".join(out.split())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["trian"], "unknown verb 'trian': did you mean train?"),
        (["train", "sudoku44"], "unknown recipe 'sudoku44': did you mean sudoku4?"),
        (["train", "sudoku4", "--train.stps", "4"], "--train.stps"),
        (["train", "sudoku4", "--train.stps", "4"], "did you mean --train.steps?"),
        (["train", "sudoku4", "--train.steps", "many"], "--train.steps"),
        (["train", "sudoku4", "--model.n", "0"], "n must be at least 1: got 0"),
        (
            ["train", "sudoku4", "--model.mixer", "attention", "--model.num-heads", "5"],
            "multiple of num_heads: got 64 and 5",
        ),
        (["train", "sudoku4", "--data.train", "nowhere.csv"], "nowhere.csv: no such file; expected a file of puzzles"),
        (["train", "sudoku4", "--data.train", "hunter"], "hunter: no such file; did you mean hunted?"),
        (["eval", "nowhere"], "nowhere: no such checkpoint"),
        (["solve", "nowhere", "1..."], "nowhere: no such checkpoint"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(args, message, capsys):
    assert main(args) == 2
    assert message in one_line(capsys)


def test_a_file_that_is_not_there_is_named_with_the_one_that_is(run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "test.csv.gz").touch()
    capsys.readouterr()
    assert main(["eval", str(run), "--data", "made/test.csv"]) == 2
    assert "made/test.csv: no such file; did you mean made/test.csv.gz?" in one_line(capsys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question,answer\n1...,1234\n", "puzzles.csv"),
        ("question,answer\n1...............,12343412214343x1\n", "row"),
        ("question,answer\n11..............,1234341221434321\n", "row"),
        ("nothing\n1\n", "puzzles.csv"),
        ("", "puzzles.csv"),
    ],
)
def test_a_bad_file_is_named_with_the_reason(run, text, message, capsys, tmp_path):
    file = tmp_path / "puzzles.csv"
    file.write_text(text)
    capsys.readouterr()
    assert main(["eval", str(run), "--data", str(file)]) == 2
    assert message in one_line(capsys)


@pytest.mark.parametrize("puzzle", ["1234", "12x4............", "11..............", "................", "missing.csv"])
def test_a_bad_puzzle_is_refused(run, puzzle, capsys):
    capsys.readouterr()
    assert main(["solve", str(run), puzzle]) == 2
    one_line(capsys)


def test_a_16x16_puzzle_is_text_though_it_is_too_long_for_a_file_name(run, capsys):
    capsys.readouterr()
    assert main(["solve", str(run), "." * 256]) == 2
    assert "expected 16 cells for 4x4, got 256 (that many make a 16x16 grid)" in one_line(capsys)


def test_a_truncated_checkpoint_is_named(run, capsys, tmp_path):
    (tmp_path / "config.json").write_bytes((run / "best" / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes((run / "best" / "model.safetensors").read_bytes()[:-100])
    capsys.readouterr()
    assert main(["eval", str(tmp_path)]) == 2
    assert "model.safetensors: truncated" in one_line(capsys)


def test_a_checkpoint_of_another_shape_is_named(run, capsys, tmp_path):
    config = json.loads((run / "best" / "config.json").read_text())
    config["config"]["model"]["hidden_size"] = 32
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((run / "best" / "model.safetensors").read_bytes())
    capsys.readouterr()
    assert main(["eval", str(tmp_path)]) == 2
    assert "wrong shape" in one_line(capsys)


def test_puzzles_of_another_size_are_refused(run, capsys, tmp_path):
    file = tmp_path / "nine.csv"
    get_task("sudoku9").write(file, get_task("sudoku9").load_default("test")[:3])
    capsys.readouterr()
    assert main(["eval", str(run), "--data", str(file)]) == 2
    assert "nine.csv" in one_line(capsys)


def test_resuming_needs_no_setting_again(tmp_path, capsys):
    out = ["--out", str(tmp_path / "run")]
    assert main(["train", "sudoku4", *out, *TINY]) == 0
    assert main(["train", "sudoku4", *out, "--resume", "--train.steps", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 20
    assert main(["train", "sudoku4", *out]) == 2
    assert "holds a run already" in one_line(capsys)


def test_a_recipe_of_parts_trains_each_from_the_one_before_and_goes_on_where_it_was_stopped(
    tmp_path, monkeypatch, capsys
):
    config = get_recipe("sudoku4").config
    config = replace(config, train=replace(config.train, steps=16))
    # the second part ends with the weights that it began with
    still = replace(config, train=replace(config.train, lr=1e-30, muon_lr=1e-30))
    monkeypatch.setattr(
        "ponderling.cli.train.get_recipe", lambda name: Recipe(name, "in two parts", config=still, before=(config,))
    )
    out = tmp_path / "run"
    command = ["train", "sudoku4", "--out", str(out), "--json", *TINY[2:]]
    with monkeypatch.context() as patch:
        patch.setattr(StopOnSignal, "__call__", lambda self: True)
        assert main(command) == 130
    stopped = json.loads(capsys.readouterr().out)
    assert (stopped["run"], stopped["finished"]) == (str(out / "part1"), False)
    assert not (out / "last").exists()

    assert main([*command, "--resume"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [part["run"] for part in result["before"]] == [str(out / "part1")]
    assert (result["run"], result["step"], result["finished"]) == (str(out), 16, True)
    saved = json.loads((out / "last" / "config.json").read_text())
    assert saved["config"]["train"]["init"] == str(out / "part1")
    weights, first = (load_file(folder / "best" / "model.safetensors") for folder in (out, out / "part1"))
    assert all(torch.allclose(weights[key], first[key], atol=1e-6) for key in first)

    for part in ("best", "last"):  # as if stopped between the parts: the first is not trained again
        shutil.rmtree(out / part)
    for name in ("metrics.jsonl", "seen.safetensors"):
        (out / name).unlink()
    before = (out / "part1" / "last" / "model.safetensors").stat().st_mtime_ns
    assert main([*command, "--resume"]) == 0
    assert (out / "part1" / "last" / "model.safetensors").stat().st_mtime_ns == before
    assert json.loads(capsys.readouterr().out)["before"][0]["finished"]

    assert main([*command[:3], str(tmp_path / "last"), *TINY, "--train.init", str(out / "part1")]) == 0
    assert not (tmp_path / "last" / "part1").exists()


@pytest.fixture
def two_parts(monkeypatch):
    """A recipe of two parts that differ in their learning rate."""
    config = get_recipe("sudoku4").config
    other = replace(config, train=replace(config.train, lr=1e-4, phases=(Phase(4),)))
    monkeypatch.setattr(
        "ponderling.cli.train.get_recipe", lambda name: Recipe(name, "in two parts", config=other, before=(config,))
    )


@pytest.mark.parametrize("option", ["--train.steps", "--train.phases.0.until"])
def test_what_each_part_of_a_recipe_has_its_own_of_is_refused_naming_the_way(option, two_parts, tmp_path, capsys):
    assert main(["train", "two", "--out", str(tmp_path / "run"), option, "16"]) == 2
    line = one_line(capsys)
    assert f"{option} would hold for each of the 2 parts of two: train one part with --part N" in line
    assert "or the last alone with --train.init CHECKPOINT" in line
    assert not (tmp_path / "run").exists()


def test_one_part_is_trained_alone_from_the_part_before_or_from_given_weights(two_parts, tmp_path, capsys):
    command = ["train", "two", "--out", str(tmp_path / "run"), "--json", *TINY]
    assert main([*command, "--part", "2"]) == 2
    assert f"there are none in {tmp_path}/run/part1: train that part first (--part 1) or give" in one_line(capsys)
    assert main([*command, "--part", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == str(tmp_path / "run" / "part1")
    assert not (tmp_path / "run" / "last").exists()
    assert main([*command, "--part", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == str(tmp_path / "run")
    first, last = (read_config(folder / "last") for folder in (tmp_path / "run" / "part1", tmp_path / "run"))
    assert (first[0].train.lr, first[0].train.init, first[2]["recipe"]) == (3e-3, None, "two, part 1")
    assert (last[0].train.lr, last[0].train.init, last[2]["recipe"]) == (1e-4, str(tmp_path / "run" / "part1"), "two")
    other = str(tmp_path / "other")
    assert (
        main(["train", "two", "--out", other, *TINY, "--part=2", "--train.init", str(tmp_path / "run" / "part1")]) == 0
    )
    assert main([*command, "--part", "3"]) == 2
    assert "--part must be from 1 to 2 for two: got 3" in one_line(capsys)


def test_a_part_of_a_recipe_without_parts_is_refused(capsys):
    assert main(["train", "sudoku4", "--part", "1"]) == 2
    assert one_line(capsys) == "ponderling: --part is for recipes of several parts: sudoku4 has one"
    assert main(["train", "sudoku", "--part", "one"]) == 2
    assert "one" in one_line(capsys)


def test_flags_of_older_versions_are_still_understood(tmp_path):
    old = ["--train.eval_every=7", "--train.threads", "1", "--train.no-compile", "--train.halt-when-sure=0.75"]
    old += ["--train.no_tensorboard", "--train.halt-within-step"]
    assert main(["train", "sudoku4", "--out", str(tmp_path), *TINY[:8], "--train.checkpoint-every", "5", *old]) == 0
    config = read_config(tmp_path / "last")[0]
    assert config.run == RuntimeConfig(threads=1, eval_every=7, checkpoint_every=5)
    assert config.solve == SolveConfig(halt_when_sure=0.75, halt_within_step=True)


def test_the_run_folder_is_named_after_the_recipe_the_file_or_both():
    for name, file, expected in (
        ("sudoku4", None, "sudoku4"),
        ("own_task:Lakes", None, "Lakes"),
        (None, "grids/my.jsonl.gz", "my"),
        (None, "grids", "grids"),
        (None, "grids/train.jsonl", "grids"),
        (None, "grids/puzzles.csv", "grids"),
        (None, "/train.csv", "train"),
        ("sudoku9-small", "grids/my.jsonl", "sudoku9-small-my"),
        ("sudoku9-small", "grids/train.jsonl", "sudoku9-small-grids"),
    ):
        assert _run_name(name, None if file is None else (file, None)) == expected


def test_american_spellings_are_accepted(tmp_path):
    mixer = ["--model.mixer", "neighbors", "--model.positions", "none", "--model.prefix-len", "0"]
    assert main(["train", "sudoku4", "--out", str(tmp_path), *TINY, *mixer, "--model.puzzle-embedding-size", "0"]) == 0
    assert read_config(tmp_path / "last")[0].model.mixer == "neighbours"


def test_tensorboard_files_are_written_when_asked_for(tmp_path):
    pytest.importorskip("tensorboard")
    assert main(["train", "sudoku4", "--out", str(tmp_path), "--run.tensorboard", *TINY]) == 0
    assert list((tmp_path / "tensorboard").iterdir())


VERBS = ["", "train", "train sudoku4", "eval", "solve", "film", "plot", "demo", "import", "export", "push", "data"]
VERBS += ["data make sudoku"]


@pytest.mark.parametrize("args", [f"{verb} --help" for verb in VERBS])
def test_help_does_not_load_torch(args):
    code = f"""
import sys
from ponderling.cli import main
try:
    main({args.split()!r})
except SystemExit:
    pass
print("torch" in sys.modules)
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "False"
    assert "usage" in printed


@pytest.mark.parametrize(
    "args", [*VERBS[1:], "serve", "site", "adapt", "score", "data make maze", "data inspect"], ids=str
)
def test_help_shows_no_notation_of_python(args, capsys):
    with contextlib.suppress(SystemExit):
        main([*args.split(), "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "usage" in printed
    for notation in ("{None", "None}", "(default: None)", "(default: )"):
        assert notation not in printed


def test_an_optional_value_is_read_like_any_other_and_taken_back_by_none(capsys):
    @dataclass
    class Options:
        steps: int | None = None
        kind: Literal["a", "b"] | None = None

    def parse(*args: str, default: Options | None = None) -> Options:
        return parse_arguments(Options, list(args), prog="it", description="It.", default=default)

    assert parse() == Options(None, None)
    assert parse("--steps", "3", "--kind", "b") == Options(3, "b")
    assert parse("--steps", "None", "--kind", "None", default=Options(3, "b")) == Options(None, None)
    assert parse(default=Options(3, "b")) == Options(3, "b")
    with pytest.raises(UsageError, match="--steps: invalid literal for int"):
        parse("--steps", "many")
    with pytest.raises(UsageError, match="invalid choice 'c' for argument '--kind'"):
        parse("--kind", "c")
    with pytest.raises(SystemExit):
        parse("--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert "--steps INT (default: not given)" in shown
    assert "--kind {a,b} (default: not given)" in shown
