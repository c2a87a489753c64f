"""Whatever goes wrong in a command is one line, which says what was expected and what to do."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

import ponderling.cli
from ponderling.cli import main
from ponderling.config import DataConfig
from ponderling.data import task_of
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.spec import GridSpec
from ponderling.web.site import RUNTIME_FILES, _runtime, _unpacked


def verb_that_raises(monkeypatch, error):
    class Verb:
        @staticmethod
        def main(args):
            raise error

    monkeypatch.setattr(ponderling.cli.importlib, "import_module", lambda name: Verb)


def undecodable():
    try:
        b"abc\xff".decode()
    except UnicodeDecodeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("two\nlines"), 2, "two lines"),
        (KeyError("x"), 1, "KeyError: 'x' (this should not happen: set PONDERLING_DEBUG=1 for the traceback)"),
        (AssertionError(), 1, "AssertionError (this should not happen: set PONDERLING_DEBUG=1 for the traceback)"),
        (
            TypeError("no\nway"),
            1,
            "TypeError: no way (this should not happen: set PONDERLING_DEBUG=1 for the traceback)",
        ),
        (ZeroDivisionError("zero"), 1, "ZeroDivisionError: zero (this should not happen: set PONDERLING_DEBUG=1"),
        (MemoryError(), 1, "not enough memory"),
        (undecodable(), 2, "expected text in UTF-8, got byte 0xff at place 4: is it a text file?"),
        (
            FileExistsError(17, "File exists", "a.json"),
            2,
            "a.json is there already: choose another name, or move it away",
        ),
        (IsADirectoryError(21, "Is a directory", "."), 2, ". is a folder: expected a file"),
        (FileNotFoundError(2, "No such file", "x"), 2, "x is not there: expected a file or folder of this name"),
        (PermissionError(13, "Permission denied", "x"), 1, "x may not be read or written: change its permissions"),
        (OSError(5, "Input/output error", "x"), 1, "x cannot be read or written: Input/output error"),
        (OSError("our own words"), 1, "our own words"),
    ],
)
def test_any_exception_is_one_line(error, code, message, capsys, monkeypatch):
    verb_that_raises(monkeypatch, error)
    monkeypatch.delenv("PONDERLING_DEBUG", raising=False)
    assert main(["eval"]) == code
    said = capsys.readouterr().err
    assert said.startswith(f"ponderling: {message}")
    assert said.count("\n") == 1
    monkeypatch.setenv("PONDERLING_DEBUG", "1")
    with pytest.raises(type(error)):
        main(["eval"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["eval", "sudoku", "--restarts", "1", "--noise", "nan"], "noise must be a finite number: got nan"),
        (["solve", "sudoku", "x", "--delay", "inf"], "--delay must be a finite number: got inf"),
        (["eval", "sudoku", "--steps", "9" * 30], "--steps must be at most 2,147,483,647: got 999"),
        (["train", "sudoku4", "--train.clip-gradient", "nan"], "clip_gradient must be a finite number: got nan"),
        (["train", "sudoku4", "--model.expansion", "inf"], "expansion must be a finite number: got inf"),
        (["train", "sudoku4", "--model.n", "9" * 30], "n must be at most 10,000: got 999"),
        (["train", "sudoku4", "--data.train", "default+"], "train must name a file or a set on both sides of every +"),
        (["train", "sudoku-cpu", "--train.halting", "halt_continue"], "halting must be halt, got halt_continue"),
    ],
)
def test_numbers_that_are_none_are_refused_before_anything_is_done(args, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('row')", "raised KeyError instead of judging an answer: 'row'"),
        ("1 / 0", "raised ZeroDivisionError instead of judging an answer: division by zero"),
        ("assert False", "raised AssertionError instead of judging an answer: no reason given"),
        ("return 'x' * 10_000", "must return True, False or a list of reasons: got 'xxx"),
    ],
)
def test_a_checker_that_fails_is_named_with_what_it_raised(body, message, tmp_path, monkeypatch):
    name = f"failing_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(f"def check(question, answer):\n    {body}\n")
    monkeypatch.chdir(tmp_path)
    spec = GridSpec(("a", "b"), rows=2, columns=2)
    task = task_of(DataConfig(task="grids", grid=spec, check=f"{name}:check"))
    tokens = task.parse_grid([["a", "b"], ["b", "a"]])
    with pytest.raises(PuzzleError, match=f"the checker {name}:check {message}") as error:
        task.check(tokens, tokens)
    assert len(str(error.value)) < 300


def npm_that_packs(folder, content, monkeypatch):
    """Puts an npm on the path that packs this content, and writes down what it was asked for."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "content").write_bytes(content)
    (tools / "npm").write_text(f"#!/bin/sh\necho $* > {tools}/asked\ncp {tools}/content a.tgz\n")
    (tools / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    return tools / "asked"


def package(names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"code"))
    return out.getvalue()


@pytest.mark.posix
def test_only_the_published_runtime_of_one_version_is_taken_from_npm(tmp_path, monkeypatch):
    names = [f"package/dist/{name}" for name in RUNTIME_FILES]
    asked = npm_that_packs(tmp_path, package(names), monkeypatch)
    (tmp_path / "work").mkdir()
    with pytest.raises(ValueError, match=r"another onnxruntime-web 1.30.0 than .* sha512 q0y\+JrrtukXSzsBW\.\.\., got"):
        _runtime(tmp_path / "work", None)
    assert asked.read_text() == "pack onnxruntime-web@1.30.0 --silent\n"


def test_no_name_in_a_package_leads_out_of_the_folder(tmp_path):
    names = [f"package/dist/{name}" for name in RUNTIME_FILES]
    outside = [
        "../escaped",
        "/tmp/ponderling-escaped",
        "package/../../escaped",
        "package/dist/../../../escaped",
        "other",
    ]
    (tmp_path / "a.tgz").write_bytes(package([*names, *outside, "package/LICENSE"]))
    (tmp_path / "in").mkdir()
    folder = _unpacked(tmp_path / "a.tgz", tmp_path / "in" / "package")
    found = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert found == {"a.tgz", "in/package/LICENSE", *(f"in/package/dist/{name}" for name in RUNTIME_FILES)}
    assert [file.name for file in _runtime(tmp_path / "in", folder)] == [*RUNTIME_FILES, "LICENSE"]
    (tmp_path / "b.tgz").write_bytes(json.dumps({}).encode())
    with pytest.raises(ValueError, match=r"b.tgz: expected the npm package onnxruntime-web"):
        _unpacked(tmp_path / "b.tgz", tmp_path / "c")
