"""What Windows refuses, refused here: the main verbs run in a process that `windows.py` has made like one of Windows."""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ponderling import system
from ponderling.checkpoint import load_checkpoint, load_training_state, read_safetensors, save_training_state
from ponderling.cli import main
from ponderling.system import take_name, write_text

ROOT = Path(__file__).parent.parent
PROC = Path("/proc/self/maps")
PUZZLE = "....1.3..4133..."
SHORT = [
    "--train.steps", "2", "--run.checkpoint-every", "1", "--run.log-every", "1", "--data.max-train", "64",
    "--data.max-test", "8", "--model.inner-multiple", "256",
]  # fmt: skip

only_linux = pytest.mark.skipif(not PROC.exists(), reason="only Linux tells which files are open")


def on_windows(folder: Path, *commands: list[str], code: int = 0) -> subprocess.CompletedProcess[bytes]:
    """Runs commands of `ponderling` in one process as on Windows, whose default encoding has no character beyond ASCII."""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "warn_default_encoding",
            str(Path(__file__).with_name("windows.py")),
            json.dumps(commands),
        ],
        cwd=folder,
        capture_output=True,
        env=os.environ | plain | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == code, done.stderr.decode(errors="replace")
    return done


@only_linux
def test_a_run_is_trained_resumed_evaluated_and_solved_with_on_windows(tmp_path):
    train = ["train", "sudoku4", *SHORT, "--out", "run"]
    killed = tmp_path / "run" / "last" / f".model.safetensors.{system._host()}.999999999.{'0' * 16}.tmp"
    killed.parent.mkdir(parents=True)
    killed.write_bytes(b"half")
    done = on_windows(
        tmp_path,
        train,
        ["train", "sudoku4", "--resume", "--train.steps", "4", "--out", "run"],
        ["eval", "run", "--data", "default"],
        ["solve", "run", PUZZLE],
        ["film", "run", PUZZLE, "film.html"],
    )
    assert "│" in done.stdout.decode("utf-8")  # a pipe gets UTF-8, and cp1252 has no such line
    assert not killed.exists()
    assert not (tmp_path / "run" / ".ponderling.lock").exists()
    assert load_checkpoint(tmp_path / "run").info["step"] in (2, 4)
    for name in ("run/metrics.jsonl", "run/last/config.json", "film.html"):
        assert b"\r" not in (tmp_path / name).read_bytes(), name


@pytest.mark.slow
@only_linux
def test_what_is_written_on_windows_has_the_bytes_of_here(tmp_path):
    commands = [
        ["train", "sudoku4", *SHORT, "--out", "run"],
        ["data", "make", "sudoku", "--out", "made", "--size", "4", "--train", "5", "--test", "3"],
        ["data", "make", "maze", "--out", "mazes", "--train", "3", "--test", "2"],
        ["eval", "run", "--data", "made/test.csv.gz"],
        ["export", "run", "run.pt2", "--to", "torch"],
        ["export", "run", "run.onnx"],
        ["export", "run", "official", "--to", "official"],
        ["import", "official", "--out", "back"],
    ]
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    on_windows(there, *commands)
    for command in commands[1:3]:
        assert (
            main([{"made": str(here / "made"), "mazes": str(here / "mazes")}.get(word, word) for word in command]) == 0
        )
    for file in sorted(path.relative_to(here) for path in here.rglob("*") if path.is_file()):
        assert (there / file).read_bytes() == (here / file).read_bytes(), file
    for file in sorted(there.rglob("*")):
        if file.suffix in (".json", ".jsonl", ".yaml", ".md", ".csv"):
            assert b"\r" not in file.read_bytes(), file


@only_linux
def test_a_name_that_windows_reserves_is_one_line(tmp_path):
    done = on_windows(tmp_path, ["data", "make", "sudoku", "--out", "aux", "--size", "4", "--train", "1"], code=1)
    lines = done.stderr.decode().splitlines()
    assert next(line for line in lines if line.startswith("ponderling: ")).startswith("ponderling: aux")
    assert "Traceback" not in done.stderr.decode()


def test_a_file_whose_tensors_are_held_is_not_mapped(tmp_path):
    if not PROC.exists():
        pytest.skip("only Linux tells which files are open")
    import torch

    save_training_state(tmp_path, {"a": torch.ones(100_000)})
    held = load_training_state(tmp_path), read_safetensors(tmp_path / "training.safetensors")
    assert "training.safetensors" not in PROC.read_text(encoding="utf-8")
    assert held[0]["a"].equal(held[1]["a"])


@pytest.fixture
def windows(monkeypatch):
    """`system` believes that it is on Windows, and does not wait; gives the seconds that it would have waited."""
    waited: list[float] = []
    monkeypatch.setattr(system.sys, "platform", "win32")
    monkeypatch.setattr(system.time, "sleep", waited.append)
    return waited


def refuse(monkeypatch, times: int) -> None:
    replace = os.replace
    left = [times]

    def in_use(source, target):
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", in_use)


def test_a_file_that_a_reader_has_open_is_replaced_once_it_is_closed(windows, monkeypatch, tmp_path):
    write_text(tmp_path / "a", "old")
    refuse(monkeypatch, 3)
    write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert windows == list(system.WAITS[:3])


def test_a_file_that_stays_open_is_told_and_intact(windows, monkeypatch, tmp_path):
    write_text(tmp_path / "a", "old")
    refuse(monkeypatch, 100)
    with pytest.raises(PermissionError, match="a: cannot be replaced, another program has it open"):
        write_text(tmp_path / "a", "new")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
    assert windows == list(system.WAITS)


def test_elsewhere_a_refusal_is_told_at_once(monkeypatch, tmp_path):
    refuse(monkeypatch, 1)
    (tmp_path / "new").touch()
    with pytest.raises(PermissionError, match="Access is denied"):
        take_name(tmp_path / "new", tmp_path / "a")


def test_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / "a", "1\n2\r\n│")
    assert (tmp_path / "a").read_bytes() == "1\n2\r\n│".encode()


UNIX = {
    "fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix",
}  # fmt: skip
ELSEWHERE = {"src/ponderling/system.py": {"fcntl"}, "src/ponderling/web/http/connections.py": {"resource"}}
"""Imports of Unix that have a counterpart for Windows beside them."""
OF_OS = {
    "fork",
    "sched_getaffinity",
    "getuid",
    "geteuid",
    "killpg",
    "setsid",
    "mkfifo",
    "getloadavg",
    "O_DIRECTORY",
    "O_NOFOLLOW",
}
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MORE = sorted([*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "dev").rglob("*.py"), *(ROOT / "examples").rglob("*.py")])


def of_unix(tree: ast.AST) -> set[str]:
    """The modules and the parts of `os` that Windows lacks and the code names."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= UNIX & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= UNIX & {node.module}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            found |= OF_OS & {node.attr}
    return found


def test_no_module_needs_what_windows_lacks():
    assert of_unix(ast.parse("import fcntl\nfrom pwd import a\nos.fork()")) == {"fcntl", "pwd", "fork"}
    found = {
        file.relative_to(ROOT).as_posix(): of_unix(ast.parse(file.read_text(encoding="utf-8"))) for file in SOURCES
    }
    assert {name: names for name, names in found.items() if names} == ELSEWHERE


def unsaid(tree: ast.AST) -> list[int]:
    """The lines of calls that read or write text without saying its encoding."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        said = {keyword.arg for keyword in node.keywords}
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            if name == "open" and node.func.value.id in ("os", "gzip", "zipfile", "tarfile", "archive"):
                continue
            if name in ("read_text", "write_text") and node.func.value.id == "written":
                continue  # `tasks.sudoku.written.read_text` reads a text that it is given
        if name in ("read_text", "write_text") and isinstance(node.func, ast.Attribute) and "encoding" not in said:
            lines.append(node.lineno)
        modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        is_text = any(re.fullmatch(r"[rwax]t?\+?", mode) for mode in modes) or not (node.args or node.keywords)
        if name == "open" and "encoding" not in said and is_text:
            lines.append(node.lineno)
        if name in ("run", "Popen", "check_output") and "text" in said and "encoding" not in said:
            lines.append(node.lineno)
    return lines


def test_every_text_says_its_encoding():
    assert len(MORE) > 30
    found = {str(file): unsaid(ast.parse(file.read_text(encoding="utf-8"))) for file in (*SOURCES, *MORE)}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_texts_without_an_encoding_are_found():
    code = "p.read_text()\np.write_text('a')\np.open('w')\nopen(p, 'r')\np.open()\nsubprocess.run(a, text=True)\n"
    assert unsaid(ast.parse(code)) == [1, 2, 3, 4, 5, 6]
    fine = "p.read_text(encoding='utf-8')\np.open('rb')\nopen(p, 'w', encoding='utf-8')\nos.open(p, 1)\nsubprocess.run(a)\n"
    assert unsaid(ast.parse(fine)) == []


def test_no_file_of_the_repository_has_a_name_that_windows_cannot_have():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [name for name in listed.stdout.decode().split("\0") if name]
    if not names:  # this is not a clone
        return
    reserved = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
    odd = [
        name for name in names if any(reserved.match(part) for part in name.split("/")) or set(name) & set('<>:"|?*\\')
    ]
    assert odd == []
    assert len({name.lower() for name in names}) == len(names)
    assert max(map(len, names)) < 120
