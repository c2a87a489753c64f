"""Files of grids for tests, and what the program says of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ponderling.data import grid_config
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.split import grid_facts

TINY = [
    "--train.steps", "6", "--train.batch-size", "4", "--train.N-sup", "2", "--run.eval-every", "6",
    "--model.hidden-size", "16", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
]  # fmt: skip


def facts_of(data):
    return grid_facts(Grids.of(data), data.train, test=data.test)


def mirrored(count, shape=None, seed=0, symbols=(0, 1, 2)):
    """Pairs of a grid and its mirror image, of sizes from 1x1 to 3x4 where no shape is given; no two alike."""
    rng = np.random.default_rng(seed)
    found = {}
    while len(found) < count:
        rows, columns = shape or (rng.integers(1, 4), rng.integers(1, 5))
        grid = rng.choice(symbols, (rows, columns))
        found[str(grid.tolist())] = (grid.tolist(), grid[:, ::-1].tolist())
    return list(found.values())


def write_jsonl(path, pairs, **columns):
    lines = [
        json.dumps({"input": q, "output": a, **{name: values[i] for name, values in columns.items()}})
        for i, (q, a) in enumerate(pairs)
    ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def decoded(task, tokens):
    return [task.to_rows(row) for row in tokens]


def one_line(capsys) -> str:
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("ponderling:")]
    return line


@pytest.fixture
def own_rules(tmp_path, monkeypatch):
    """A module with rules, `rules_for_test`, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules_for_test.py").write_text(
        "def mirror(question, answer):\n    return [row[::-1] for row in question] == answer\n"
        "def reasons(question, answer):\n    return [] if mirror(question, answer) else ['no mirror image']\n"
        "def confused(question, answer):\n    return 'yes'\n"
        "constant = 3\n"
    )


def refusal(path, test=None, **settings) -> str:
    path = Path(path)
    with pytest.raises(ValueError, match=path.name if test is None else Path(test).name) as error:
        facts_of(grid_config(str(path), None if test is None else str(test), **settings))
    assert "\n" not in str(error.value)
    return str(error.value)
