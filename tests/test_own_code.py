"""A checkpoint does not choose which Python code runs: only the user does, who trusts it or names the code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ponderling.checkpoint import CheckpointError, admit_code
from ponderling.config import DataConfig, ModelConfig, RunConfig, TrainConfig
from ponderling.tasks import get_task

SRC = Path(__file__).parent.parent / "src"
TASK = """
from ponderling.tasks import GridTask
print("the code of {name} ran")
class Lakes(GridTask):
    name, grid_shape, symbols = "lakes", (3, 3), ".#"
    def generate(self, rng, count):
        questions = rng.integers(1, 3, (count, 9))
        return self.puzzles(questions, questions[:, ::-1])
"""
TINY = [
    "--train.steps", "2", "--train.batch-size", "4", "--train.N-sup", "1", "--run.eval-every", "2", "--json",
    "--model.hidden-size", "16", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
    "--data.max-train", "20", "--data.max-test", "5", "--data.num-validation", "4",
]  # fmt: skip
RAN = "the code of own_lakes ran"


def ponderling(*args, cwd, **more):
    """A command in a process of its own, whose search path is that of a user."""
    cwd.mkdir(exist_ok=True)
    path = os.pathsep.join([str(SRC), *more.pop("path", [])])
    # not -m, which would put the current folder on the search path
    command = [
        sys.executable,
        "-P",
        "-c",
        "import sys; from ponderling.cli import main; sys.exit(main())",
        *map(str, args),
    ]
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=env, timeout=300)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a task of one's own and a run on it."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "own_lakes.py").write_text(TASK.format(name="own_lakes"))
    done = ponderling("train", "own_lakes:Lakes", *TINY, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def evaluated(done):
    return done.returncode == 0 and json.loads(done.stdout.splitlines()[-1])["puzzles"] == 4


EVAL = ("--json", "--max-puzzles", "4")


ASKED = ("--task", "own_lakes:Lakes")


def test_a_run_notes_where_its_code_was_and_runs_it_only_when_the_user_says_so(home):
    info = json.loads((home / "runs" / "Lakes" / "last" / "config.json").read_text())["info"]
    assert info["code"] == {"own_lakes": str(home / "own_lakes.py")}
    done = ponderling("eval", "runs/Lakes", *EVAL, cwd=home)
    assert (done.returncode, RAN in done.stdout) == (2, False)
    assert done.stderr == (
        "ponderling: runs/Lakes/best: names Python code, own_lakes:Lakes, which a checkpoint may not choose: say --trust "
        "(trust=True) if you trust it, or --task own_lakes:Lakes (task='own_lakes:Lakes') if that is the task that you mean; "
        f"the run's code was {home}/own_lakes.py\n"
    )
    assert evaluated(ponderling("eval", "runs/Lakes", *EVAL, *ASKED, cwd=home))
    assert evaluated(ponderling("eval", home / "runs" / "Lakes", *EVAL, *ASKED, cwd=home.parent, path=[str(home)]))


def test_from_another_folder_the_message_says_where_the_code_is_and_what_to_do(home, tmp_path):
    run = home / "runs" / "Lakes"
    done = ponderling("eval", run, *EVAL, *ASKED, cwd=tmp_path)
    assert done.returncode == 2
    assert RAN not in done.stdout
    assert done.stderr.strip() == (
        f"ponderling: {run}/best: needs own_lakes:Lakes, and there is no module own_lakes here; the run's code was "
        f"{home}/own_lakes.py: go to {home}, set PYTHONPATH={home}, or say --trust (trust=True) to import that file"
    )
    done = ponderling("eval", run, *EVAL, "--trust", cwd=tmp_path)
    assert RAN in done.stdout
    assert evaluated(done), done.stderr


def test_a_checkpoint_from_elsewhere_does_not_run_the_module_that_lies_beside_it(home, tmp_path):
    clone = tmp_path / "clone"
    shutil.copytree(home / "runs" / "Lakes" / "best", clone)
    shutil.copy(home / "own_lakes.py", clone)
    done = ponderling("eval", ".", *EVAL, cwd=clone)
    assert done.returncode == 2
    assert RAN not in done.stdout
    assert "names Python code, own_lakes:Lakes, which a checkpoint may not choose: say --trust" in done.stderr
    assert done.stderr.count("\n") == 1
    assert evaluated(ponderling("eval", ".", *EVAL, "--task", "own_lakes:Lakes", cwd=clone))
    assert evaluated(ponderling("eval", ".", *EVAL, "--trust", cwd=clone))
    code = "import ponderling as pl; pl.Solver.from_pretrained('.')"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=clone,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    assert RAN not in told.stdout
    assert "CheckpointError: .: names Python code" in told.stderr


@pytest.mark.parametrize(
    "code",
    [
        {},
        {"own_lakes": "own_lakes.py"},
        {"own_lakes": "./own_lakes.py"},
        {"own_lakes": "/"},
        {"own_lakes": ["own_lakes.py"]},
        {"own_lakes": "ELSEWHERE/own_lakes.py"},
        {"own_lakes": "CLONE/own_lakes.py"},
        "own_lakes",
        None,
    ],
)
def test_what_a_checkpoint_claims_of_its_code_does_not_help_it(code, tmp_path, monkeypatch):
    clone, elsewhere = tmp_path / "clone", tmp_path / "elsewhere"
    for folder in (clone, elsewhere):
        folder.mkdir()
        (folder / "own_lakes.py").write_text("raise AssertionError('it ran')")
    monkeypatch.chdir(clone)
    config = RunConfig(model=ModelConfig(), train=TrainConfig(), data=DataConfig(task="own_lakes:Lakes"))
    info = json.loads(json.dumps({"code": code}).replace("ELSEWHERE", str(elsewhere)).replace("CLONE", str(clone)))
    with pytest.raises(CheckpointError, match="names Python code, own_lakes:Lakes"):
        admit_code(config, info, folder=clone)
    admit_code(config, info, folder=clone, asked=["own_lakes:Lakes"])  # nothing is imported yet


def test_a_checker_is_code_too(home, tmp_path):
    (tmp_path / "rules.py").write_text("print('the code of rules ran')\ndef fair(question, answer): return True\n")
    rows = [{"input": [[i % 2, i // 2 % 2], [i // 4 % 2, i // 8]], "output": [[1, 0], [i // 8, 1]]} for i in range(16)]
    (tmp_path / "my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = ponderling("train", "--data", "my.jsonl", "--data.check", "rules:fair", *TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the code of rules ran" in ponderling("eval", "runs/my", "--json", "--trust", cwd=tmp_path).stdout
    shutil.copytree(tmp_path / "runs" / "my" / "best", tmp_path / "clone")
    shutil.move(tmp_path / "rules.py", tmp_path / "clone" / "rules.py")
    done = ponderling("eval", ".", "--data", "../my.jsonl", cwd=tmp_path / "clone")
    assert (done.returncode, done.stdout) == (2, "")
    assert "names Python code, rules:fair" in done.stderr
    assert "--task" not in done.stderr


def test_nobody_elses_run_is_gone_on_with_unless_its_task_is_named(home, tmp_path):
    clone = tmp_path / "clone"
    shutil.copytree(home, clone)
    done = ponderling("train", "sudoku4", "--out", "runs/Lakes", "--resume", cwd=clone)
    assert (done.returncode, RAN in done.stdout) == (2, False)
    assert "give MODULE:ATTRIBUTE or --data.check again, as at the start" in done.stderr
    assert ponderling("train", "own_lakes:Lakes", "--resume", cwd=clone).returncode == 0


def test_a_module_that_is_imported_leaves_no_trace_on_the_search_path(tmp_path):
    (tmp_path / "helper.py").write_text("symbols = '.#'\n")
    (tmp_path / "mine.py").write_text(
        TASK.replace("'.#'", "symbols").replace("from", "from helper import symbols\nfrom", 1)
    )
    code = "import sys; from ponderling.tasks import get_task; a = list(sys.path); get_task('mine:Lakes'); print(a == sys.path)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr


def test_a_module_of_the_folder_takes_no_place_of_one_that_python_has(tmp_path):
    (tmp_path / "wave.py").write_text("print('it ran')\nclass Lakes: pass\n")  # the standard library has a wave
    (tmp_path / "mine.py").write_text("import wave\nattribute = wave.__file__\n")
    code = """
from ponderling.tasks import get_task
from ponderling.tasks.own_code import import_attribute
print(import_attribute("mine:attribute"))
get_task("wave:Lakes")
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    assert not done.stdout.startswith(str(tmp_path))
    assert "it ran" not in done.stdout
    assert f"task wave:Lakes: wave cannot be imported: wave is both {tmp_path}/wave.py and" in done.stderr


def test_what_a_module_raises_while_it_is_imported_is_one_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text, message in (
        ("broken_a", "1 / 0", "its code raised ZeroDivisionError: division by zero"),
        ("broken_b", "raise SystemExit(3)", "its code raised SystemExit: 3"),
        ("broken_c", "def (", r"its code raised SyntaxError: .*broken_c\.py, line 1"),
    ):
        (tmp_path / f"{name}.py").write_text(text)
        with pytest.raises(ValueError, match=f"task {name}:Lakes: {name} cannot be imported: {message}"):
            get_task(f"{name}:Lakes")
