"""The notebooks of `examples` run from top to bottom, and were committed as a run leaves them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from test_docs import ROOT, TURNS, long_sentences, paragraphs, plain

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
MOST_BYTES = 300_000
"""Largest notebook with its outputs, so that a clone stays small."""

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def prose(path: Path) -> str:
    """The notebook's Markdown as one text."""
    return "\n\n".join("".join(cell["source"]) for cell in cells(path, "markdown"))


def test_there_are_two_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["train_your_own", "watch_it_think"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Proactor event loop does not implement:RuntimeWarning")  # Windows
@by_name
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    """Its own assertions hold the figures of its text."""
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from run_notebooks import executed

    notebook = executed(path, tmp_path)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@by_name
def test_a_notebook_was_committed_as_a_run_leaves_it(path):
    assert path.stat().st_size < MOST_BYTES
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1))
    assert any("image/png" in output.get("data", {}) for cell in cells(path, "code") for output in cell["outputs"])
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"iopub|execute_reply|Warning|Traceback|/home/|/root/|/work/|/Users/", text)


@by_name
def test_a_notebook_says_first_how_to_install_and_asks_for_no_network(path):
    text, code = prose(path), "\n".join("".join(cell["source"]) for cell in cells(path, "code"))
    assert "pip install 'ponderling[plot" in text
    assert "*Upload notebook*" in text
    assert all(line.startswith("# ") for line in code.splitlines() if "%pip" in line)
    assert "http" not in code


@by_name
def test_the_prose_of_a_notebook_keeps_to_the_house_style(path):
    text = prose(path)
    assert long_sentences(text) == []
    assert [
        turn for turn, pattern in TURNS.items() for part in map(plain, paragraphs(text)) if re.search(pattern, part)
    ] == []


@by_name
def test_the_links_of_a_notebook_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#:]+)\)", prose(path))
    assert targets
    assert [target for target in targets if not (path.parent / target).exists()] == []
