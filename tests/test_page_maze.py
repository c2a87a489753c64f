"""Mazes on the page: drawn with the mouse and with a finger, in every size, thought about and judged.

Skipped without Playwright and a Chromium; the static folder also without what npm must fetch.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from pages import IN_BROWSER, SIZES, Visit
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from servers import events, expanded

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = IN_BROWSER

EMPTY_MAZE = re.compile(r"^S[ \n]*G$")
"""What the page shows before a random maze has come, which itself may have no walls."""


@pytest.mark.parametrize("size", SIZES)
def test_a_maze_is_drawn_thought_about_and_judged(browser, maze, size):
    visit = Visit(browser, maze, size, "#t=maze10")
    page, task = visit.page, get_task("maze10")
    playwright.expect(page.locator("#text")).not_to_have_value(EMPTY_MAZE)  # a new one is there
    page.click("#clear")

    def drag(*cells: int) -> None:
        for i, cell in enumerate(cells):
            box = page.locator(".cell").nth(cell).bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            if i == 0:
                page.mouse.down()
        page.mouse.up()

    page.locator(".board").scroll_into_view_if_needed()
    drag(11, 12, 13, 23)
    drag(0, 10, 20)
    expected = [" "] * 100
    for cell, symbol in {11: "#", 12: "#", 13: "#", 23: "#", 20: "S", 99: "G"}.items():
        expected[cell] = symbol
    question = page.input_value("#text").replace("\n", "")
    assert question == "".join(expected)
    page.evaluate("document.getElementById('depth').value = 2; document.getElementById('restarts').value = 0")
    page.click("#think")
    visit.expect(".verdict", "^(Solved|Not solved)\\.")
    tokens = ["nothing", "wall", "free", "start", "goal", "path"]
    answer = np.array([tokens.index(label.split(", ")[2]) for label in visit.labels()], np.uint8)
    verdict = task.check(task.parse(question), answer)
    assert (page.text_content(".verdict") or "").startswith("Solved") == verdict.valid
    visit.done()


def test_a_maze_without_a_way_is_thought_about_and_said_to_have_none(browser, maze):
    visit = Visit(browser, maze, next(iter(SIZES)), "#t=maze10")
    page, task = visit.page, get_task("maze10")
    playwright.expect(page.locator("#text")).not_to_have_value(EMPTY_MAZE)
    question = ("S#" + 8 * " " + 2 * "#" + 8 * " " + 80 * " ")[:99] + "G"
    page.fill("#text", "\n".join(question[i : i + 10] for i in range(0, 100, 10)))
    playwright.expect(page.locator("#problem")).to_have_text(
        "No way leads from S to G. The right answer marks nothing."
    )
    page.evaluate("document.getElementById('depth').value = 2; document.getElementById('restarts').value = 0")
    page.click("#think")
    visit.expect(".verdict", "^(Solved|Not solved)\\.")
    tokens = ["nothing", "wall", "free", "start", "goal", "path"]
    answer = np.array([tokens.index(label.split(", ")[2]) for label in visit.labels()], np.uint8)
    verdict = task.check(task.parse(question), answer)
    said = page.text_content(".verdict") or ""
    assert said.startswith("Solved" if verdict.valid else "Not solved")
    assert ("no way leads from S to G" in said.replace("No way", "no way")) == (
        verdict.valid or bool((answer == 5).any())
    )
    visit.done()


@pytest.mark.parametrize("size", SIZES)
def test_a_maze_takes_any_size_and_shows_how_much_its_cells_change(browser, sized, size):
    visit = Visit(browser, sized, size, "#t=maze6x9")
    page = visit.page
    playwright.expect(page.locator(".cell")).to_have_count(54)
    assert [page.input_value(f"#{side}") for side in ("rows", "columns")] == ["6", "9"]
    page.fill("#text", "S #\n  #\n# G")
    playwright.expect(page.locator(".cell")).to_have_count(9)
    assert [page.input_value(f"#{side}") for side in ("rows", "columns")] == ["3", "3"]
    page.fill("#columns", "5")
    page.press("#columns", "Tab")
    playwright.expect(page.locator(".cell")).to_have_count(15)
    assert page.input_value("#text") == "S #  \n  #  \n# G  "
    page.fill("#rows", "61")
    page.press("#rows", "Tab")
    visit.expect("#status", "A maze has from 1 to 60 rows and columns")
    page.fill("#rows", "7")
    page.press("#rows", "Tab")
    page.click("#difficulties button:text-is('random')")
    playwright.expect(page.locator("#text")).not_to_have_value(re.compile("^S #  \n  #  \n# G  "))
    question = page.input_value("#text")
    task = get_task("maze7x5")
    task.check_question(task.parse(question))
    page.evaluate("document.getElementById('depth').value = 3; document.getElementById('restarts').value = 0")
    replies = []

    def keep(route):  # the browser keeps no body of a stream that a page has read
        reply = route.fetch()
        replies.append(reply.text())
        route.fulfill(response=reply)

    page.route("**/v1/think", keep)
    page.click("#think")
    visit.expect(".verdict", "^(Solved|Not solved)\\.")
    visit.expect(".inks", "thinking hard")
    page.click("#first")
    page.click("#forward")
    told = expanded([{"type": kind, **data} for kind, data in events(replies[0])])
    first = next(event for event in told if event["type"] == "step")
    shown = page.evaluate(
        "[...document.querySelectorAll('.cell')].map(c => Number(c.style.getPropertyValue('--tint')))"
    )
    assert shown == pytest.approx([min(1, c / 1000) ** 0.5 for c in first["change"]], abs=0.0051)
    assert len(set(first["change"])) > 1
    page.click("#share")
    assert "t=maze7x5" in page.evaluate("location.hash")
    visit.done()


def test_a_static_folder_takes_mazes_of_every_size_and_answers_as_the_solver_does(browser, maze_site):
    visit = Visit(browser, maze_site, next(iter(SIZES)), "#t=maze9x13")
    page = visit.page
    playwright.expect(page.locator(".cell")).to_have_count(9 * 13)
    page.evaluate("document.getElementById('depth').value = 8; document.getElementById('restarts').value = 0")
    for rows, columns in ((9, 13), (1, 20), (2, 2)):
        for side, count in (("rows", rows), ("columns", columns)):
            page.fill(f"#{side}", str(count))
            page.press(f"#{side}", "Tab")
        task, drawn = get_task(f"maze{rows}x{columns}"), set()
        for _ in range(6):
            page.click("#difficulties button:text-is('random')")
            text = page.input_value("#text").replace("\n", "")
            question = task.parse(text)
            task.check_question(question)
            drawn.add(text)
            playwright.expect(page.locator("#problem")).not_to_contain_text("No way")
        assert len(drawn) > 1
        page.click("#think")
        visit.expect(".verdict", "^(Solved|Not solved)\\.")
        tokens = ["nothing", "wall", "free", "start", "goal", "path"]
        answer = [tokens.index(label.split(", ")[2]) for label in visit.labels()]
        solver = Solver.from_pretrained("maze", task=task.name)
        assert answer == solver.solve(tokens=question, steps=8).tokens.tolist(), text
    visit.done()


def swipe(page, fingers, cells: list[int]) -> None:
    """A finger that goes over the middles of these cells, as a touch screen says it."""
    boxes = [page.locator(".cell").nth(cell).bounding_box() for cell in cells]
    places = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2} for box in boxes]
    fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
    for place in places[1:]:
        fingers.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def empty_maze_on_a_phone(browser, maze):
    """The visit, its page, and what touches its screen; a maze of 10x10 without walls is shown."""
    visit = Visit(browser, maze, "phone", "#t=maze10", has_touch=True, is_mobile=True)
    page = visit.page
    playwright.expect(page.locator(".cell")).to_have_count(100)
    page.locator("#clear").tap()
    return visit, page, page.context.new_cdp_session(page)


def test_a_maze_is_drawn_with_a_finger(browser, maze):
    visit, page, fingers = empty_maze_on_a_phone(browser, maze)
    before = page.evaluate("[scrollX, scrollY, history.length]")
    swipe(page, fingers, list(range(21, 29)))  # to the right, which a browser may take for going back
    swipe(page, fingers, list(range(42, 92, 10)))  # downwards, which may scroll
    rows = page.input_value("#text").split("\n")
    assert rows[2] == " " + 8 * "#" + " "
    assert "".join(row[2] for row in rows[4:9]) == 5 * "#"
    assert sum(row.count("#") for row in rows) == 13
    swipe(page, fingers, [0, 1, 2, 3, 4])  # S
    assert page.input_value("#text").split("\n")[0] == "    S     "
    swipe(page, fingers, [23, 22])  # a wall that is touched goes
    assert page.input_value("#text").split("\n")[2] == " #  ##### "[:1] + "#" + "  " + 5 * "#" + " "
    assert page.evaluate("[scrollX, scrollY, history.length]") == before
    visit.done()


def test_while_a_thought_is_shown_a_tap_asks_about_a_cell_and_a_stroke_draws(browser, maze):
    visit, page, fingers = empty_maze_on_a_phone(browser, maze)
    swipe(page, fingers, [55])  # of a question a tap draws
    drawn = page.input_value("#text")
    assert drawn.count("#") == 1
    page.locator("#think").tap()
    visit.expect("#verdict", "^Solved")
    swipe(page, fingers, [33])
    page.wait_for_selector("#cell:visible")
    assert "Row 4, column 4" in (page.text_content("#cell") or "")
    assert page.input_value("#text") == drawn
    visit.expect("#verdict", "^Solved")
    swipe(page, fingers, [33, 34])
    rows = page.input_value("#text").split("\n")
    assert rows[3] == "   ##     "
    assert sum(row.count("#") for row in rows) == 3
    assert not page.text_content("#verdict")
    swipe(page, fingers, [33])  # of a question a tap draws again
    assert page.input_value("#text").split("\n")[3] == "    #     "
    visit.done()
