"""The static folder: what it needs, what it leaves behind, and films.

Skipped without Playwright and a Chromium.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from arc_examples import example_tasks, kaggle, tiny_run
from pages import HARDEST, IN_BROWSER, SIZES, Visit
from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.config import Search
from ponderling.exchange.onnx_export import ExportError
from ponderling.solving.solver import Solver
from ponderling.training.starting import start
from ponderling.web.site import RUNTIME_FILES

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = IN_BROWSER


@pytest.mark.parametrize("size", SIZES)
def test_a_film_plays_in_a_browser_and_asks_nobody(browser, tmp_path, size):
    assert main(["film", "sudoku", HARDEST, str(tmp_path / "out.html"), "--steps", "1", "--delay", "0.2"]) == 0
    visit = Visit(browser, (tmp_path / "out.html").as_uri(), size, wait_for="svg")
    page = visit.page
    frames = int(page.get_attribute("#step", "max")) + 1
    assert frames == 9
    every, shown = {f"{i} / {frames - 1}" for i in range(frames)}, set()
    for _ in range(200):
        shown.add(page.text_content("#number"))
        if shown >= every:
            break
        page.wait_for_timeout(50)
    assert shown == every
    page.click("#play")
    page.locator("#step").fill("2")
    visit.expect("#number", "^2 /")
    before = page.locator("svg").screenshot()
    page.click("#forward")
    visit.expect("#number", "^3 /")
    assert page.locator("svg").screenshot() != before
    page.keyboard.press("ArrowLeft")
    visit.expect("#number", "^2 /")
    visit.done()


def test_the_static_folder_says_what_it_needs(tmp_path, capsys, monkeypatch):
    (tmp_path / "something").touch()
    assert main(["site", str(tmp_path)]) == 2
    assert "not an empty folder" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    assert main(["site", str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err
    assert "npm is needed" in error
    assert error.count("\n") == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["site", str(tmp_path / "new"), "--runtime", str(empty)]) == 2
    assert "--runtime takes the npm package" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.fixture
def hollow_runtime(tmp_path) -> Path:
    """A folder with the names of the runtime's files, for what is refused or never run."""
    package = tmp_path / "npm"
    for name in RUNTIME_FILES:
        (package / "dist").mkdir(parents=True, exist_ok=True)
        (package / "dist" / name).touch()
    return package


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("late", ["export", "tasks"])
def test_a_refusal_leaves_no_static_folder_behind(
    arc_run, tmp_path, hollow_runtime, capsys, monkeypatch, late, existing
):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "web" / "site"
    args = ["--checkpoint", str(arc_run), "--runtime", str(hollow_runtime)]
    if late == "tasks":
        args += ["--data", str(tmp_path / "nowhere.json")]
    else:

        def fail(checkpoint: Any, file: Path) -> None:
            file.touch()
            raise ExportError("no graph can be written")

        monkeypatch.setattr("ponderling.web.site.export", fail)
    if existing:
        folder.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    assert main(["site", str(folder), *args]) != 0
    assert {"export": "no graph can be written", "tasks": "nowhere.json"}[late] in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_official_table_of_views_is_cut_to_those_of_the_page(tmp_path, hollow_runtime):
    """A row for each of many views would make the graph many times what the page needs."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    kaggle(tmp_path, {"recolour": example_tasks(colours=8)["recolour"]})
    start(tiny_run(tmp_path / "made_challenges.json", steps=2, views=300), tmp_path / "run").run()
    assert load_checkpoint(tmp_path / "run").shape.num_puzzles > 200
    args = ["--checkpoint", str(tmp_path / "run"), "--runtime", str(hollow_runtime)]
    assert main(["site", str(tmp_path / "site"), *args]) == 0
    tables = [t for t in onnx.load(tmp_path / "site" / "model.onnx").graph.initializer if t.dims[:1] == [17]]
    assert [list(t.dims) for t in tables] == [[17, 16]]
    (task,) = json.loads((tmp_path / "site" / "model.json").read_text())["arc"]
    assert [row for row, _, _ in task["views"]] == list(range(17))


def test_an_answer_that_the_rules_accept_ends_the_attempts(site, browser):
    """As `Search.verify` in Python: after a step this 6x6 is right, but the network is not sure of it."""
    puzzle = "6......3.1.....4.5......4...6...5..2"
    visit = Visit(browser, site)
    ends = visit.page.evaluate(
        """async (puzzle) => {
          const { think } = await import("./client.js");
          const ends = [];
          for (const verify of [true, false]) {
            const body = { task: "sudoku6", puzzle, steps: 1, restarts: 3, search_steps: 1, verify };
            for await (const event of think(body, new AbortController().signal)) if (event.type === "end") ends.push(event);
          }
          return ends;
        }""",
        puzzle,
    )
    solver = Solver.load("sudoku", task="sudoku6")
    for verify, end in zip((True, False), ends, strict=True):
        search = Search(restarts=3, search_steps=1, verify=verify)
        found = solver.solve(puzzle, steps=1, search=search).found
        assert (found.attempts == 1) == verify == (end["attempts"] == 1)
    assert (ends[0]["valid"], ends[0]["halted"]) == (True, False)
    visit.page.context.close()
