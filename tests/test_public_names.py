"""`import ponderling as pl` is enough: the public names are these, they are there, and they are lazy."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import ponderling as pl

NAMES = {
    "DataConfig", "Evaluation", "GridTask", "HRM", "ModelConfig", "Observer", "PuzzleError", "PuzzleShape", "Puzzles",
    "Relational", "Result", "RunConfig", "RuntimeConfig", "Search", "SearchEvaluation", "SolveConfig", "Solver", "TRM",
    "TraceStep", "TrainConfig", "Trainer", "build_model", "evaluate", "get_recipe", "get_task", "list_recipes",
    "list_weights", "load_checkpoint", "start", "train",
}  # fmt: skip
SOURCE = Path(pl.__file__)


def test_the_public_names_are_these():
    """A name more, or one less, is a decision: make it here too, and in docs/python.md."""
    assert set(pl.__all__) == NAMES
    assert set(dir(pl)) >= NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_public_name_is_there_and_its_docstring_makes_sense_alone(name):
    thing = getattr(pl, name)
    text = inspect.getdoc(thing)
    assert text, name
    first = text.split("\n\n")[0]
    assert first.rstrip().endswith((".", ":")), first
    assert not first.startswith(("Of ", "As ", "The same", "Whose ", "Which ", "With ")), first


def test_what_a_type_checker_sees_is_what_is_loaded():
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == pl._WHERE


def test_importing_the_package_loads_neither_torch_nor_numpy():
    program = "import sys, ponderling; assert not {'torch', 'numpy'} & sys.modules.keys(), sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_name_is_told():
    with pytest.raises(AttributeError, match="module 'ponderling' has no attribute 'solve'"):
        _ = pl.solve
