"""The browser says who told a cell as Python does, and the page shows it for the server as for the static folder."""

from __future__ import annotations

import pytest

from pages import HARD, IN_BROWSER, PATIENCE, QUIET, Visit
from ponderling.solving.solver import Solver
from ponderling.solving.why import group_name
from ponderling.tasks import get_task

pytestmark = IN_BROWSER

MAZE = "S #  \n     \n # #G"


@pytest.fixture
def page(browser):
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


@pytest.mark.parametrize(("host", "weights", "task", "puzzle", "moments"), [
    ("site", "sudoku", "sudoku9", HARD, [(1, 1), (1, 6), (2, 1)]),
    ("maze_site", "maze", "maze3x5", MAZE, [(1, 2), (2, 1)]),
])  # fmt: skip
def test_the_browser_says_what_the_solver_says(request, page, host, weights, task, puzzle, moments):
    page.goto(request.getfixturevalue(host))
    solver = Solver.load(weights, task=task)
    recursions, columns = solver.config.model.T, solver.task.grid_shape[1]
    for step, recursion in moments:
        asked = {"task": task, "puzzle": puzzle.replace("\n", ""), "cell": 6, "step": step, "recursion": recursion}
        said = page.evaluate("async (asked) => (await import('./client.js')).why(asked)", asked)
        expected = solver.why(
            puzzle, row=6 // columns + 1, column=6 % columns + 1, moment=(step - 1) * recursions + recursion
        )
        assert said["token"] == expected.token
        assert said["probability"] == pytest.approx(expected.probability, abs=2e-3)
        assert {one["name"]: one["effect"] for one in said["told"]} == pytest.approx(
            {one.name: one.effect for one in expected.told}, abs=2e-3
        )
        cells = {one.name: sorted(one.cells) for one in expected.told}
        assert {one["name"]: sorted(one["cells"]) for one in said["told"]} == cells


def test_groups_have_the_same_names_in_the_browser(site, page):
    page.goto(site)
    page.evaluate("async () => { window.why = await import('./why.js'); }")
    for name in ("sudoku4", "sudoku6", "sudoku9", "sudoku9x", "latin9"):
        task = get_task(name)
        assert task.relations is not None
        groups = [list(group) for of in task.relations.groups.values() for group in of]
        groups += [[0, 1, task.grid_shape[1]], list(range(task.grid_shape[0] * task.grid_shape[1]))]
        rows, columns = task.grid_shape
        named = page.evaluate(
            "async ([groups, grid]) => groups.map((group) => window.why.groupName(group, grid))",
            [groups, {"rows": rows, "columns": columns}],
        )
        assert named == [group_name(group, task.grid_shape) for group in groups]


def test_a_thinking_is_not_disturbed_by_the_question_why(site, page):
    page.goto(site)
    counted = page.evaluate(
        """async (puzzle) => {
          const { think, why } = await import("./client.js");
          let steps = 0;
          let told = null;
          for await (const event of think({ task: "sudoku9", puzzle, steps: 16 }, new AbortController().signal)) {
            steps += event.type === "step";
            if (steps === 2 && !told) told = why({ task: "sudoku9", puzzle, cell: 1, step: 1, recursion: 2 });
          }
          return [steps, (await told).told.length];
        }""",
        HARD,
    )
    assert counted == [len(Solver.load("sudoku").solve(HARD, trace=True).trace), 3]


@pytest.mark.parametrize("host", ["server", "site"])
def test_the_page_shows_what_spoke_for_a_cell(request, browser, host):
    visit = Visit(browser, request.getfixturevalue(host), fragment=QUIET)
    page = visit.page
    page.click("#think")
    visit.expect(".verdict", "^Solved")
    page.get_by_role("gridcell").nth(1).click()
    page.wait_for_selector("#why-told li")
    shown = page.locator("#why-told li button").all_text_contents()
    assert {name.lower() for name in shown} == {"row 1", "column 2", "box 1"}
    page.locator("#why-told li button", has_text="Box 1").focus()
    assert page.locator(".board .outlined").count() == 9
    visit.done()
