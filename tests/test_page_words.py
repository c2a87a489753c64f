"""What the page says and hears: sentences that agree with the board, stop, keys, links, the cell that is looked at.

Skipped without Playwright and a Chromium.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import ponderling
from pages import HARD, HARDEST, IN_BROWSER, QUIET, Visit
from ponderling.tasks import get_task

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = IN_BROWSER

PLAYING = "#play.playing"


def asked_of(page) -> list[dict]:
    """What is asked of the server from now on."""
    asked: list[dict] = []
    page.on("request", lambda r: asked.append(json.loads(r.post_data)) if r.url.endswith("/v1/think") else None)
    return asked


def test_what_is_said_of_rules_agrees_with_the_red_cells(browser, server):
    """On a large grid, where it is soon sure of what cannot all be."""
    gallery = (Path(ponderling.__file__).parent / "web" / "page" / "gallery.js").read_text(encoding="utf-8")
    large = re.findall(r"[1-9A-G.]{256}", gallery)[0]
    visit = Visit(browser, server, fragment=f"#t=sudoku16&d=1&r=0&s=1&p={large}")
    page, counts = visit.page, set()
    visit.expect("#position", "^Look 1 of")
    last = int((page.text_content("#position") or "").split()[-1])
    for look in range(1, last + 1):
        red = page.locator(".cell.wrong").count()
        said = page.text_content("#verdict") or ""
        if look < last:
            counts.add(red)
            told = re.search(r"(\d+) cells? breaks? a rule\.", said)
            assert (int(told[1]) if told else 0) == red, said
            page.click("#forward")
        else:
            assert said.startswith("Not solved." if red else "Solved.")
    assert len(counts) > 1
    visit.done()


def test_stop_says_so_while_it_thinks_and_while_the_film_plays(browser, server):
    visit = Visit(browser, server, fragment=f"#t=sudoku9&r=0&p={HARDEST}")
    page = visit.page
    page.route("**/v1/think", lambda route: None)  # it never answers
    page.click("#think")
    visit.expect("#status", "^Thinking…$")
    assert page.text_content("#think") == "Stop"
    page.click("#think")
    visit.expect("#status", "^Stopped.$")
    assert page.text_content("#think") == "Think"
    page.unroute("**/v1/think")
    page.click("#think")
    visit.expect("#position", "^Look [1-9]\\d? of 38$")  # all that it thought is there by now
    assert page.locator(PLAYING).count() == 1
    assert page.text_content("#think") == "Stop"
    page.click("#think")
    visit.expect("#status", "^Stopped.$")
    at = page.text_content("#position")
    page.wait_for_timeout(900)
    assert page.text_content("#position") == at
    assert page.text_content("#think") == "Think"
    visit.done()


def test_an_empty_grid_is_not_thought_about_and_one_with_several_solutions_is_not_searched(browser, server):
    visit = Visit(browser, server, "phone", QUIET)
    page, asked = visit.page, asked_of(visit.page)
    page.click("#clear")
    assert page.is_disabled("#think")
    visit.expect("#invite", "^An empty grid has nothing to find")
    page.keyboard.press("Enter")
    page.click("#chips button:text-is('Easy')")
    assert page.get_attribute("#chips button:text-is('Easy')", "aria-pressed") == "true"
    clues = page.locator(".cell.clue").count()
    taken = 0
    while not (page.text_content("#problem") or ""):
        page.click("#dare")
        taken += 1
        assert taken < 30
    assert page.locator(".cell.clue").count() == clues - taken
    visit.expect("#problem", "^This puzzle has more than one solution")
    assert visit.box("#problem")["y"] < visit.box(".board")["y"]
    page.click("#think")
    visit.expect("#verdict", "^(One of several. Every rule holds, and other answers keep the rules, too|Not solved)")
    assert len(asked) == 1
    assert "restarts" not in asked[0]
    assert asked[0]["check"] is False
    visit.done()


def test_the_link_to_the_puzzle_leads_there_and_keeps_it(browser, server):
    visit = Visit(browser, server, fragment=QUIET, wait_for="#think:enabled")
    page = visit.page
    page.click("#clear")
    page.locator(".cell").nth(3).click()
    page.keyboard.press("5")
    typed, address = visit.grid(), page.url
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator(".cell").nth(3)).to_be_focused()
    page.wait_for_timeout(300)
    assert (visit.grid(), page.url) == (typed, address)
    visit.done()


def test_the_gallery_names_the_puzzle_on_the_board_and_a_clue_is_taken_where_there_is_one(browser, server):
    visit = Visit(browser, server, fragment=QUIET, wait_for="#think:enabled")
    page = visit.page
    playwright.expect(page.locator("#gallery")).to_have_value(HARD)
    page.click("#dare")
    playwright.expect(page.locator("#gallery")).to_have_value("")  # the same name can be chosen again
    page.select_option("#gallery", HARD)
    assert page.locator(".cell.clue").count() == 21
    assert page.is_enabled("#dare")
    page.click("#clear")
    playwright.expect(page.locator("#gallery")).to_have_value("")
    assert page.is_disabled("#dare")
    visit.done()


def test_an_answer_that_the_rules_accept_ends_the_attempts(browser, server):
    visit = Visit(browser, server, fragment=f"#t=sudoku9&d=3&r=2&p={HARD}")
    asked = asked_of(visit.page)
    visit.page.click("#think")
    visit.expect("#verdict", "^Solved")
    assert asked[0]["verify"] is True
    assert asked[0]["restarts"] == 2
    visit.done()


@pytest.mark.parametrize("task", ["sudoku4", "sudoku6", "sudoku16", "sudoku9x", "latin9"])
def test_every_kind_opens_with_a_puzzle(browser, server, task):
    visit = Visit(browser, server, fragment=QUIET)
    page = visit.page
    page.select_option("#family", task)
    family = get_task(task)
    playwright.expect(page.locator(".cell")).to_have_count(family.num_cells)
    playwright.expect(page.locator("#think")).to_be_enabled()
    family.check_question(family.parse(page.input_value("#text")))
    assert (page.text_content("#problem") or "") == ""
    visit.done()


def test_the_curve_does_not_tell_the_end_and_is_dragged(browser, server):
    visit = Visit(browser, server, fragment=f"#t=sudoku9&d=4&r=0&s=2&p={HARD}")
    page = visit.page
    visit.expect("#position", "Look 2 of 8")
    shown = page.get_attribute(".chart .sure:not(.later)", "d") or ""
    assert shown.count("L") == 2  # from the question on
    assert "L" not in (page.get_attribute(".chart .sure.later", "d") or "")
    box = visit.box(".chart")
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], box["y"] + 40, steps=4)
    visit.expect("#position", "Look 8 of 8")
    page.mouse.move(box["x"] + box["width"] * 3 / 8, box["y"] + 40, steps=4)
    page.mouse.up()
    visit.expect("#position", "Look 3 of 8")
    assert (page.get_attribute(".chart .sure.later", "d") or "").count("L") == 5
    assert page.text_content(".scale") == "100%500"
    visit.done()


def test_keys_play_step_and_think(browser, server):
    visit = Visit(browser, server, fragment=QUIET)
    page = visit.page
    page.keyboard.press("Enter")
    visit.expect("#verdict", "^Solved")
    page.keyboard.press("ArrowLeft")
    visit.expect("#position", "Look 7 of 8")
    page.keyboard.press("ArrowRight")
    visit.expect("#position", "Look 8 of 8")
    page.keyboard.press("Space")
    visit.expect("#position", "Look [1-3] of 8")
    assert page.locator(PLAYING).count() == 1
    page.keyboard.press("Space")
    assert page.locator(PLAYING).count() == 0
    page.fill("#text", " ")  # a field keeps its keys
    page.press("#text", "ArrowLeft")
    visit.done()


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        (f"#t=sudoku9&p={80 * '.'}", "This link’s puzzle cannot be read: 9×9 has 81 cells, this text 80"),
        ("#t=nonsense&p=1", "This link asks for “nonsense”, which is not here"),
        (f"#t=sudoku9&m=<b>x</b>&p={HARD}", "This link asks for the model “<b>x</b>”, which is not here"),
        (f"{QUIET}&s=x", "This link’s look cannot be read: “x” is not a whole number"),
        (f"{QUIET}&e=-5&s=2", "This link’s seed cannot be read: “-5” is not a whole number"),
        ("#nonsense", "This link cannot be read. Another puzzle is shown"),
    ],
)
def test_a_link_that_cannot_be_read_says_so(browser, server, fragment, said):
    visit = Visit(browser, server, fragment=fragment)
    visit.expect("#status", re.escape(said))
    assert len(visit.grid()) == 81
    playwright.expect(visit.page.locator("#think")).to_be_enabled()
    visit.done()


def test_a_lost_connection_is_told_in_a_sentence(browser, server):
    visit = Visit(browser, server, fragment=QUIET)
    visit.page.route("**/v1/think", lambda route: route.abort())
    visit.page.click("#think")
    visit.expect("#status", "^The connection is lost. Is the server still running, and are you online\\?$")
    visit.expect("#think", "^Think$")
    visit.troubles.clear()  # the browser tells the console of it
    visit.done()


def with_client(page, change) -> None:
    """Gives the page another client.js."""

    def answer(route):
        reply = route.fetch()
        route.fulfill(response=reply, body=change(reply.text()))

    page.route("**/client.js", answer)


WHY = """
export async function why(question) {
  window.asked = question;
  return { told: [
    { name: "row 1", effect: 0.31, cells: [0, 1, 2, 3, 4, 5, 6, 7, 8] },
    { name: "column 2", effect: -0.125, cells: [1, 10] },
    { name: "box 1", effect: 0.5 },
  ] };
}
"""


def test_a_cell_shows_what_it_considered_and_why(browser, server):
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    with_client(page, lambda text: text.replace("export async function why", "async function old") + WHY)
    page.goto(f"{server}/#t=sudoku9&d=4&r=0&s=5&p={HARD}")
    playwright.expect(page.locator("#position")).to_have_text("Look 5 of 8")
    assert page.is_visible("#point-hint")
    page.locator(".cell").nth(1).hover()
    playwright.expect(page.locator("#cell h2")).to_have_text("Row 1, column 2")
    assert page.is_hidden("#point-hint")
    lines = page.locator(".cell-curve path:not(.frame)").count()
    assert 2 <= lines <= 5
    playwright.expect(page.locator("#why-told li")).to_have_count(3)
    assert page.locator("#why-told button").all_text_contents() == ["Box 1", "Row 1", "Column 2"]
    assert page.locator("#why-told .points").all_text_contents() == ["+50%", "+31%", "−13%"]
    page.locator("#why-told button").nth(1).focus()
    assert page.locator(".cell.outlined").count() == 9
    question = page.evaluate("window.asked")
    assert {key: question[key] for key in ("model", "task", "puzzle", "cell", "step", "recursion")} == {
        "model": "sudoku", "task": "sudoku9", "puzzle": HARD, "cell": 1, "step": 1, "recursion": 5,
    }  # fmt: skip
    assert len(question["tokens"]) == 81
    page.locator(".cell").nth(0).click()  # a clue
    playwright.expect(page.locator("#cell")).to_contain_text("It is given")
    assert page.locator("#why-told li").count() == 0
    assert page.locator(".cell.outlined").count() == 0
    context.close()


TRM = """
function trm(model) {
  return { ...model, system: "trm" };
}
"""


def test_a_model_without_reasons_shows_the_curve_alone(browser, server):
    """The page asks a network that is not relational for no reasons."""
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    with_client(
        page, lambda text: text.replace('"v1/models")).json()).models', '"v1/models")).json()).models.map(trm)') + TRM
    )
    page.goto(f"{server}/#t=sudoku9&d=4&r=0&s=8&p={HARD}")
    playwright.expect(page.locator("#position")).to_have_text("Look 8 of 8")
    page.locator(".cell").nth(1).click()
    playwright.expect(page.locator("#cell")).to_contain_text("Row 1, column 2Now 1: 100%")
    page.wait_for_timeout(600)
    assert page.text_content("#why-told") == ""
    assert any(url.endswith("/v1/think") for url in asked)
    assert not any(url.endswith("/v1/why") for url in asked)
    context.close()


def test_what_is_loaded_is_told_in_megabytes(browser, server):
    def change(text: str) -> str:
        fake = """
        export async function* think(body, signal) {
          yield { type: "loading", loaded: 3.14e6, total: 14.6e6 };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        }"""
        return text.replace("export async function* think", "async function* old") + fake

    context = browser.new_context()
    page = context.new_page()
    with_client(page, change)
    page.goto(f"{server}/{QUIET}")
    page.click("#think:enabled")
    playwright.expect(page.locator("#status")).to_have_text("Loading the network and its runtime: 3.1 of 14.6 MB")
    page.click("#think")
    playwright.expect(page.locator("#status")).to_have_text("Stopped.")
    context.close()


def test_it_says_how_it_thinks_and_where_to_read_on(browser, server):
    visit = Visit(browser, server, fragment=QUIET)
    page = visit.page
    links = page.locator("header a").evaluate_all("links => links.map(link => link.href)")
    assert links == ["https://arxiv.org/abs/2506.21734", "https://arxiv.org/abs/2510.04871"]
    page.click("#how")
    playwright.expect(page.get_by_role("dialog", name="How it thinks")).to_be_visible()
    page.click("#how-close")
    playwright.expect(page.locator("#how-told")).to_be_hidden()
    assert not page.locator("#curious").evaluate("e => e.open")
    assert page.locator(".inks li").all_text_contents() == [
        "7given",
        "7sure",
        "25considering",
        "just changed",
        "7breaks a rule",
    ]
    visit.done()


SLOWLY = """
export async function* think(body, signal) {
  for await (const event of quick(body, signal)) {
    if (event.attempt > 1) await new Promise((done) => setTimeout(done, 40));
    yield event;
  }
}
"""


def test_attempts_play_on_the_board_while_they_run(browser, server):
    context = browser.new_context(viewport={"width": 1366, "height": 657})
    page = context.new_page()
    with_client(page, lambda text: text.replace("export async function* think", "async function* quick") + SLOWLY)
    page.goto(f"{server}/#t=sudoku9&d=1&r=2&p={HARDEST}")
    page.click("#think:enabled")
    page.locator("#speed").fill("6")
    playwright.expect(page.locator("#verdict")).to_contain_text(re.compile(r"^Attempt [23]\. It "), timeout=90_000)
    assert page.text_content("#think") == "Stop"
    assert page.query_selector_all(".cell.guessed")
    assert page.locator(".attempt").count() >= 2
    context.close()
