"""One table of cases for what Python and the page both do: the rules, reading and writing puzzles, ARC's views and votes.

`cases/shared_logic.json` is read here for Python, and by `cases/shared_logic.test.mjs` for the page's modules, which
`node --test tests/cases/` runs too. Further files there are about the page alone.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from pages import needs_node
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.tasks.arc import canvas
from ponderling.tasks.arc.voting import Votes
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.grid_task import GridTask
from ponderling.web.arc_tasks import text_of
from ponderling.web.catalog import describe

FOLDER = Path(__file__).parent / "cases"
TABLE: dict[str, Any] = json.loads((FOLDER / "shared_logic.json").read_text(encoding="utf-8"))


def grid_of(text: str) -> np.ndarray:
    return np.array([[int(c) for c in row] for row in text.split("/")], np.uint8)


@pytest.mark.parametrize("name", list(TABLE["families"]))
def test_the_families_of_the_table_are_as_the_server_describes_them(name):
    solver = cast(Solver, SimpleNamespace(task=get_task(name)))
    assert describe(solver, name) == TABLE["families"][name]


@pytest.mark.parametrize("case", TABLE["read"])
def test_puzzles_are_read_and_written(case):
    task = get_task(case["family"])
    if case["tokens"] is None:
        with pytest.raises(PuzzleError):
            task.parse(case["text"])
        return
    tokens = task.parse(case["text"])
    assert tokens.tolist() == case["tokens"]
    assert task.format(tokens) == case["written"]


@pytest.mark.parametrize("case", TABLE["judge"])
def test_answers_are_judged(case):
    task = get_task(case["family"])
    assert isinstance(task, GridTask)
    verdict = task.check(np.array(case["question"], np.uint8), np.array(case["answer"], np.uint8))
    assert (verdict.valid, sorted(verdict.wrong_cells)) == (case["valid"], case["wrong"])
    assert verdict.note == case["note"]


@pytest.mark.parametrize("case", TABLE["broken"])
def test_broken_rules_are_found(case):
    wrong, reasons = cast(Any, get_task(case["family"])).broken_rules(np.array(case["tokens"], np.uint8))
    assert (np.flatnonzero(wrong).tolist(), reasons) == (case["cells"], case["reasons"])


@pytest.mark.parametrize("case", TABLE["views"])
def test_views_of_arc_show_a_grid_and_undo_it(case):
    grid, colours = grid_of(case["grid"]), np.array([int(c) for c in case["colours"]], np.uint8)
    shown = canvas.show(grid, case["symmetry"], colours=colours)
    assert text_of(shown.tolist()) == case["shown"]
    assert text_of(canvas.undo(shown, case["symmetry"], colours=colours).tolist()) == case["grid"]


@pytest.mark.parametrize("case", TABLE["canvas"])
def test_grids_are_placed_on_a_canvas_and_cropped(case):
    shape = case["rows"], case["columns"]
    tokens = np.array(case["tokens"], np.uint8)
    if case["placed"] is not None:
        assert canvas.place(grid_of(case["placed"]), shape).tolist() == case["tokens"]
    height, width = canvas.extents(tokens[None], shape)[0]
    cropped = tokens.reshape(shape)[:height, :width] - canvas.FIRST_COLOUR
    assert text_of(cropped.tolist()) == case["cropped"]


@pytest.mark.parametrize("case", TABLE["votes"])
def test_votes_are_counted(case):
    votes = Votes()
    for grid, score in case["answers"]:
        votes.add(grid_of(grid), score)
    ranked = [[text_of(one.grid.tolist()), one.votes, round(one.score, 6)] for one in votes.ranked()]
    assert ranked == case["ranked"]


def node_test(name: str) -> str:
    """What Node.js says of a file of tests that pass."""
    done = subprocess.run(["node", "--test", str(FOLDER / name)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


@needs_node
def test_the_page_does_the_same():
    count = sum(len(cases) for name, cases in TABLE.items() if name != "families")
    assert f"pass {count}" in node_test("shared_logic.test.mjs"), "every case of the table was looked at"


@needs_node
def test_the_page_says_at_the_end_what_is_so():
    assert "pass 5" in node_test("captions.test.mjs")


@needs_node
def test_recordings_are_read_as_they_were_written():
    assert "pass 3" in node_test("opening.test.mjs")
