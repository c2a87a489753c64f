"""Without extras everything but what they are for works; what needs one says so in one line with its name."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from import_all import NEEDS_SERVE
from ponderling.cli import EXTRAS, main

ROOT = Path(__file__).parent.parent
MISSING = """
import sys
for name in {names}:
    sys.modules[name] = None
"""
IMPORT_ALL = """
import importlib, json, pkgutil, ponderling
failed = {}
for found in sorted(module.name for module in pkgutil.walk_packages(ponderling.__path__, "ponderling.")):
    try:
        if not found.endswith("__main__"):
            importlib.import_module(found)
    except ImportError as error:
        failed[found] = str(error)
print(json.dumps(failed))
"""


def test_every_module_but_the_servers_is_imported_without_extras():
    code = MISSING.format(names=sorted(EXTRAS)) + IMPORT_ALL
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    said = "ponderling.web.http needs fastapi, which is not installed: pip install 'ponderling[serve]'"
    assert json.loads(done.stdout) == {NEEDS_SERVE: said}


def test_the_table_of_extras_is_that_of_pyproject():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {
        package.partition(">=")[0].replace("-", "_"): extra
        for extra in extras
        if extra not in ("dev", "docs")
        for package in extras[extra]
    }
    assert {**named, "PIL": "plot"} == EXTRAS


@pytest.mark.parametrize(("package", "extra"), EXTRAS.items())
def test_a_missing_package_is_one_line_that_names_its_extra(package, extra, monkeypatch, capsys):
    def lacks(args):
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)

    monkeypatch.setattr("ponderling.cli._run", lacks)
    assert main(["solve"]) == 2
    assert (
        capsys.readouterr().err == f"ponderling: this needs the package {package}: pip install 'ponderling[{extra}]'\n"
    )


def test_a_package_that_is_too_old_is_said_to_be(monkeypatch, capsys):
    def lacks(args):
        raise ModuleNotFoundError("No module named 'onnxscript.new'", name="onnxscript.new")

    monkeypatch.setattr("ponderling.cli._run", lacks)
    assert main(["export"]) == 2
    expected = "ponderling: this needs a newer onnxscript, with onnxscript.new: pip install -U 'ponderling[onnx]'\n"
    assert capsys.readouterr().err == expected
