"""The page in a real browser, behind the server and as a static folder: a puzzle is typed, thought about and checked.

Skipped without Playwright and a Chromium; the static folder and the accessibility check also without what npm must fetch.
"""

from __future__ import annotations

import re

import pytest

from pages import HARD, HARDEST, IN_BROWSER, PATIENCE, SIZES, Visit, axe_script, type_puzzle, violations
from ponderling.tasks import get_task
from servers import serving_command

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = IN_BROWSER


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["server", "site"])
def test_a_puzzle_is_typed_thought_about_and_checked(browser, request, kind, size):
    visit = Visit(browser, request.getfixturevalue(kind), size)
    page, task = visit.page, get_task("sudoku9")
    page.click("#clear")
    type_puzzle(page, HARD)
    assert visit.grid() == HARD
    assert page.input_value("#text") == HARD
    page.click("#think")
    visit.expect(".verdict", "^Solved. Sure after \\d+ looks: every rule holds.")
    answer = visit.grid()
    assert task.check(task.parse(HARD), task.parse(answer)).valid
    count = int(page.get_attribute("#scrubber", "max"))
    assert count > 1
    visit.expect("#position", f"Look {count} of {count}")
    page.click("#back")
    visit.expect("#position", f"Look {count - 1} of {count}")
    visit.expect(".verdict", "^It changes its mind about \\d+ cells.")
    page.click("#first")
    visit.expect("#position", f"Look 0 of {count}")
    assert visit.grid() == HARD
    page.click("#forward")
    visit.expect("#position", f"Look 1 of {count}")
    assert page.query_selector_all(".candidates i")
    page.click("#play")
    visit.expect(".verdict", "^Solved")
    assert visit.grid() == answer
    visit.done()


@pytest.mark.parametrize("size", SIZES)
def test_clues_that_contradict_are_marked_and_not_thought_about(browser, server, size):
    visit = Visit(browser, server, size)
    page = visit.page
    page.click("#clear")
    places = [page.locator(selector).bounding_box() for selector in (".board", "#pad")]
    page.locator(".cell").nth(0).click()
    page.click("#pad button:text-is('7')")
    page.locator(".cell").nth(5).click()
    page.keyboard.press("7")
    visit.expect("#problem", "7 stands twice in row 1")
    playwright.expect(page.locator("#problem")).to_be_in_viewport()
    assert [page.locator(selector).bounding_box() for selector in (".board", "#pad")] == places
    assert len(page.query_selector_all(".cell.wrong")) == 2
    assert page.is_disabled("#think")
    page.keyboard.press("Backspace")
    playwright.expect(page.locator("#think")).to_be_enabled()
    page.fill("#text", "77" + 79 * ".")
    for selector in ("#problem", "#text-problem"):  # on a phone one of them is out of sight
        visit.expect(selector, "7 stands twice in row 1")
    page.fill("#text", "7")
    visit.expect("#text-problem", "81 cells, this text 1")
    visit.done()


def test_a_shared_link_brings_back_the_step(browser, server):
    visit = Visit(browser, server, fragment=f"#t=sudoku9&d=4&r=0&s=2&p={HARD}")
    visit.expect("#position", "Look 2 of 8")
    seen = visit.grid()
    visit.page.click("#forward")
    visit.page.click("#share")
    link = visit.page.evaluate("location.hash")
    visit.done()
    again = Visit(browser, server, fragment=link)
    again.expect("#position", "Look 3 of 8")
    again.page.click("#back")
    assert again.grid() == seen
    again.done()


@pytest.mark.parametrize("kind", ["server", "site"])
def test_attempts_are_shown_as_small_multiples_and_can_be_looked_at(browser, request, kind):
    visit = Visit(browser, request.getfixturevalue(kind), fragment=f"#t=sudoku9&d=3&r=3&s=999&p={HARDEST}")
    visit.expect(".verdict", "in attempt")
    multiples = visit.page.locator(".attempt")
    assert multiples.count() == 4
    assert visit.page.locator(".attempt.won").count() == 1
    multiples.nth(2).click()
    assert multiples.nth(2).get_attribute("aria-pressed") == "true"
    assert visit.page.query_selector_all(".cell.guessed")
    visit.done()


def test_a_token_is_asked_for_and_used(browser):
    with serving_command("sudoku", PONDERLING_TOKEN="a-secret-of-some-length") as url:
        page = browser.new_context().new_page()
        page.goto(url)
        page.fill("#token-value", "a-secret-of-some-length")
        page.keyboard.press("Enter")
        playwright.expect(page.locator(".cell")).to_have_count(81, timeout=PATIENCE)
        playwright.expect(page.locator("#token")).to_be_hidden(timeout=PATIENCE)
        playwright.expect(page.locator("#think")).to_be_enabled(timeout=PATIENCE)
        page.context.close()


@pytest.mark.parametrize("task", ["sudoku4", "sudoku6", "sudoku16"])
def test_every_size_can_be_chosen_and_is_judged_by_the_rules(browser, server, task):
    visit = Visit(browser, server, "phone")
    page = visit.page
    page.select_option("#family", task)
    family = get_task(task)
    playwright.expect(page.locator(".cell")).to_have_count(family.num_cells)
    playwright.expect(page.locator("#text")).to_have_value(re.compile(r"[1-9]"))
    question = page.input_value("#text")
    page.evaluate("document.getElementById('depth').value = 3; document.getElementById('restarts').value = 0")
    page.click("#think")
    visit.expect(".verdict", "^(Solved|Not solved)")
    answer = visit.grid()
    solved = (page.text_content(".verdict") or "").startswith("Solved")
    valid = (
        "." not in answer and len(answer) == family.num_cells and not family.broken_rules(family.tokens_of(answer))[1]
    )
    assert solved == valid
    assert all(a == q for a, q in zip(answer, question, strict=False) if q != ".") or not solved
    visit.done()


def test_a_shared_link_carries_the_seed_of_its_guesses(browser, server):
    puzzle = ".......39.....1..5..3.5.8....8.9...6.7...2...1..4.......9.8..5..2....6..4..7....."  # no attempt solves it
    link, seen = "", []
    for seed in (5, None, 6):
        fragment = link if seed is None else f"#t=sudoku9&d=1&r=2&s=999&e={seed}&p={puzzle}"
        visit = Visit(browser, server, fragment=fragment)
        visit.page.wait_for_selector(".attempt.won")
        assert visit.page.input_value("#seed") == str(seed or 5)
        visit.page.locator(".attempt").nth(2).click()
        seen.append(visit.labels())
        if seed == 5:
            visit.page.click("#share")
            link = visit.page.evaluate("location.hash")
            assert "e=5" in link
        visit.done()
    assert seen[0] == seen[1] != seen[2]


PAGES = {
    "sudoku": ("server", f"#t=sudoku9&d=3&r=2&s=2&p={HARD}", "Look 2 of"),
    "arc": ("arc", "#t=arc8&d=3&r=4&s=2&p=double%2F1", "Look 2 of"),
    "maze": ("maze", "", "Look 20 of 20"),
}


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(browser, request, size, scheme, kind, tmp_path):
    axe = axe_script(tmp_path)
    server, fragment, position = PAGES[kind]
    url = request.getfixturevalue(server)
    visit = Visit(browser, url, size, fragment, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    visit.expect("#position", position)
    if kind == "arc":
        visit.page.click(".votes summary:has-text('each view')")
    assert violations(visit.page, axe) == []
    visit.done()
