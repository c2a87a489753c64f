"""Replies that come late: what the visitor has chosen or drawn meanwhile stays.

Skipped without Playwright and a Chromium.
"""

from __future__ import annotations

from typing import Any

import pytest

from pages import IN_BROWSER, QUIET, Visit

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = IN_BROWSER

PATIENT = "const real = setTimeout; window.setTimeout = (f, ms, ...more) => real(f, ms === 400 ? 60_000 : ms, ...more);"
"""The page waits for the models to be named, however long that takes, before it plays a recording."""
AT_ONCE = 300  # milliseconds in which a reply that was let go has arrived


class Held:
    """Replies to a page's requests, held back until they are let go."""

    def __init__(self, page: Any, address: str):
        self.page, self.address, self.routes, self.is_open = page, address, [], False
        page.route(address, lambda route: route.continue_() if self.is_open else self.routes.append(route))

    def wait_for(self, count: int) -> None:
        for _ in range(600):
            if len(self.routes) >= count:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{len(self.routes)} requests for {self.address}, not {count}")

    def let_go(self) -> None:
        self.is_open = True
        for route in self.routes:
            with self.page.expect_response(lambda reply, url=route.request.url: reply.url == url):
                route.continue_()
        self.page.wait_for_timeout(AT_ONCE)


def ask_for_a_puzzle(page: Any) -> Held:
    """Presses the first button for a new puzzle, whose reply is held back."""
    held = Held(page, "**/v1/puzzle?*")
    page.locator("#difficulties button").first.click()
    held.wait_for(1)
    return held


def other_tasks(page: Any) -> list[str]:
    """The names of two ARC tasks besides the one that is shown, once all are listed."""
    tasks = page.locator("#arc-task option")
    playwright.expect(tasks).to_have_count(5)
    page.wait_for_selector("#arc-task-shown > *")
    return tasks.evaluate_all("all => all.map(one => one.value)")[1:3]


def test_a_maze_that_is_drawn_before_a_random_one_has_come_stays(browser, maze):
    visit = Visit(browser, maze, fragment="#t=maze10", wait_for="#think:enabled")
    page = visit.page
    held = ask_for_a_puzzle(page)
    page.click("#clear")
    page.locator(".cell").nth(11).click()
    drawn = page.input_value("#text")
    assert drawn.count("#") == 1
    held.let_go()
    assert page.input_value("#text") == drawn
    visit.done()


def test_a_kind_that_is_chosen_before_a_puzzle_has_come_stays(browser, server):
    visit = Visit(browser, server, fragment=QUIET, wait_for="#think:enabled")
    page = visit.page
    held = ask_for_a_puzzle(page)
    page.select_option("#family", "sudoku4")
    shown = page.input_value("#text")
    held.let_go()
    assert page.input_value("#text") == shown
    assert page.text_content("#status") == ""
    assert page.locator(".cell").count() == 16
    visit.done()


def test_a_recording_that_comes_late_does_not_take_the_page_back(browser, server):
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(PATIENT)
    held = Held(page, "**/opening-sudoku9.json")
    page.goto(server)
    held.wait_for(1)
    page.wait_for_selector("#panel:visible")
    page.select_option("#family", "sudoku4")
    page.wait_for_selector("#think:enabled")
    held.let_go()
    assert page.locator(".cell").count() == 16
    context.close()


def test_of_two_arc_tasks_that_are_chosen_the_last_stays(browser, arc):
    visit = Visit(browser, arc, wait_for="#think:enabled")
    page = visit.page
    first, second = other_tasks(page)
    held = Held(page, f"**/v1/arc/task?*name={first}*")
    page.select_option("#arc-task", first)
    held.wait_for(1)
    page.select_option("#arc-task", second)
    playwright.expect(
        page.locator("#arc-task-shown canvas, #arc-task-shown svg, #arc-task-shown .grid").first
    ).to_be_visible()
    page.wait_for_timeout(AT_ONCE)
    shown = page.inner_html("#arc-task-shown")
    held.let_go()
    assert page.inner_html("#arc-task-shown") == shown
    assert page.input_value("#arc-task") == second
    visit.done()


def test_a_puzzle_still_comes_when_another_model_is_chosen(browser, both):
    visit = Visit(browser, both, fragment=QUIET, wait_for="#think:enabled")
    page = visit.page
    before = page.input_value("#text")
    held = ask_for_a_puzzle(page)
    page.evaluate("""() => {
        const second = document.getElementById("second");
        second.selectedIndex = 1;
        second.dispatchEvent(new Event("change"));
    }""")
    assert page.locator(".board").count() == 2
    assert page.input_value("#text") == before
    held.let_go()
    assert page.input_value("#text") != before
    assert page.locator(".board").count() == 2
    visit.done()


def test_what_is_being_typed_is_not_replaced(browser, server):
    visit = Visit(browser, server, fragment=QUIET, wait_for="#think:enabled")
    page = visit.page
    held = ask_for_a_puzzle(page)
    page.fill("#text", "53..7....6..195")
    held.let_go()
    assert page.input_value("#text") == "53..7....6..195"
    visit.done()


def test_arc_tasks_still_come_when_a_model_is_chosen_before_them(browser, arc):
    context = browser.new_context()
    page = context.new_page()
    held = Held(page, "**/v1/arc/tasks*")
    page.goto(arc)
    held.wait_for(1)
    page.evaluate("document.getElementById('model').dispatchEvent(new Event('change'))")
    held.wait_for(2)
    held.let_go()
    playwright.expect(page.locator("#arc-task option")).to_have_count(5)
    assert page.locator("#think").is_enabled()
    context.close()


def test_a_late_link_neither_thinks_nor_complains_about_another_task(browser, arc):
    visit = Visit(browser, arc, wait_for="#think:enabled")
    page = visit.page
    first, second = other_tasks(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/v1/think") else None)
    held = Held(page, f"**/v1/arc/task?*name={first}*")
    page.evaluate("hash => { location.hash = hash; }", f"t=arc8&s=1&p={first}/1")
    held.wait_for(1)
    page.select_option("#arc-task", second)
    held.let_go()
    assert page.input_value("#arc-task") == second
    assert page.text_content("#status") == ""
    assert asked == []
    visit.done()
