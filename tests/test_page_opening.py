"""What plays when one arrives: a recording of the packaged weights, before any server answers; and the puzzles of the page.

Skipped without Playwright and a Chromium but for what needs neither.
"""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest

import ponderling
from pages import IN_BROWSER, Visit, arrived_unanswered, shown_until
from ponderling.tasks import get_task
from record_openings import LONG_WAY, OPENINGS, WORLDS_HARDEST, record

PAGE = Path(ponderling.__file__).parent / "web" / "page"


def recorded(task: str) -> dict:
    return json.loads((PAGE / f"opening-{task}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("task", OPENINGS)
def test_the_recording_is_what_the_weights_say_now(task):
    """If not: `python dev/record_openings.py`."""
    now, then = record(task), recorded(task)
    frames = [(now.pop("frames"), then.pop("frames"))]
    ends = [(now.pop("end"), then.pop("end"))]
    assert now == then
    assert ends[0][0] == pytest.approx(ends[0][1], abs=1e-3)
    for new, old in zip(*frames[0], strict=True):
        assert new.keys() == old.keys()
        assert new["sure"] == pytest.approx(old["sure"], abs=1e-3)
        for key in new.keys() - {"sure"}:
            assert np.abs(np.subtract(new[key], old[key])).max() <= 3  # thousandths; machines round differently


def test_every_sudoku_of_the_gallery_has_exactly_one_solution():
    text = (PAGE / "gallery.js").read_text(encoding="utf-8")
    named = dict(re.findall(r'const (\w+) = "(.*)";', text))
    gallery = text[text.index("GALLERY = ") : text.index("CHIPS = ")]
    families = dict(re.findall(r"(?ms)^  (\w+): \[(.*?)\],\n(?=  \w+:|\};)", gallery))
    assert families.keys() == {"sudoku4", "sudoku6", "sudoku9", "sudoku16", "sudoku9x", "latin9", "maze20"}
    for name, entries in families.items():
        task = get_task(name)
        puzzles = [named.get(value, value.strip('"')) for value in re.findall(r'\["[^"]*", ("?[^\]"]+"?)\]', entries)]
        assert puzzles
        for puzzle in puzzles:
            task.check_question(task.parse(puzzle))
    assert named["HARDEST"] == WORLDS_HARDEST
    assert named["LONG_WAY"] == LONG_WAY


def test_a_shared_link_has_a_picture_and_words():
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    said = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]+)"', index))
    assert said.keys() >= {"title", "description", "image"}
    card = (PAGE / said["image"]).read_bytes()
    assert struct.unpack(">II", card[16:24]) == (1200, 630)
    assert len(card) < 150_000


def in_browser(test):
    for mark in IN_BROWSER:
        test = mark(test)
    return test


def captions(task: str) -> list[str]:
    """What the page must say of each look but the last, computed from the recording."""
    recording, family = recorded(task), get_task(task)
    question = family.parse(recording["puzzle"])
    answer = family.parse(recording["answer"])
    cells = np.flatnonzero(question == family.blank_token)
    before, said = question[cells], []
    for frame in recording["frames"][:-1]:
        p = np.array(frame["p"]).reshape(len(cells), -1)
        tokens = np.array(recording["symbols"])[p.argmax(1)]
        changed = int((tokens != before).sum())
        right = int((tokens == answer[cells]).sum())
        said.append(f"changes its mind about {changed} cell" if said else f"First look: {right} of {len(cells)} right.")
        before = tokens
    return said


@in_browser
def test_it_thinks_before_the_server_has_said_a_word(browser, server):
    page, held = arrived_unanswered(browser, server)
    page.wait_for_selector(".cell")
    assert page.locator(".cell.clue").count() == 21
    expected = captions("sudoku9")
    seen = shown_until(page, "^Solved")
    assert [caption in said for caption, said in zip(expected, seen[:-1], strict=True)] == [True] * len(expected)
    assert re.search(r"\d+% sure\.", seen[-2])
    assert seen[-1] == f"Solved. Sure after {len(expected) + 1} looks: every rule holds."
    assert page.is_disabled("#think")
    assert page.is_hidden("#panel")
    held[0].continue_()
    page.wait_for_selector("#think:enabled")
    assert page.text_content("#numbers") == "41,153"
    assert "".join(c.text_content() or "" for c in page.query_selector_all(".cell")) == recorded("sudoku9")["answer"]
    page.context.close()


@in_browser
def test_whoever_does_anything_has_the_page(browser, server):
    visit = Visit(browser, server)
    page = visit.page
    page.wait_for_selector("#play.playing")
    page.wait_for_selector("#think:enabled")
    assert page.text_content("#think") == "Think"
    page.locator(".cell").nth(1).click()
    assert page.get_attribute("#play", "aria-label") == "Play"
    visit.expect("#status", "This is a recording. Press Think to see it live.")
    at = page.text_content("#position")
    page.wait_for_timeout(1700)
    assert page.text_content("#position") == at
    page.keyboard.press("1")
    assert visit.grid().startswith("81")
    visit.expect("#problem", "This puzzle has no solution|^$")
    visit.done()


@in_browser
def test_with_less_motion_the_last_look_stands_and_can_be_played(browser, server):
    visit = Visit(browser, server, reduced_motion="reduce")
    visit.expect("#verdict", "^Solved. Sure after 8 looks")
    assert visit.grid() == recorded("sudoku9")["answer"]
    assert visit.page.get_attribute("#play", "aria-label") == "Play"
    visit.page.click("#play")
    visit.expect("#verdict", "First look: 30 of 60 right.")
    visit.done()


@in_browser
def test_mazes_open_with_a_maze_and_the_model_goes_on_from_there(browser, maze):
    visit = Visit(browser, maze, reduced_motion="reduce", wait_for=".maze .cell")
    page = visit.page
    visit.expect("#verdict", f"^Solved. Sure after {len(recorded('maze20')['frames'])} looks")
    assert (page.input_value("#text") or "").replace("\n", "") == LONG_WAY
    assert page.get_attribute("#chips button:has-text('long maze')", "aria-pressed") == "true"
    assert page.text_content("#numbers") == f"{recorded('maze20')['model']['parameters']:,}"
    asked = []
    page.on("request", lambda request: asked.append(request.post_data) if request.method == "POST" else None)
    page.click("#think")
    visit.expect("#verdict", "^Solved.")
    assert json.loads(asked[0])["puzzle"] == LONG_WAY
    visit.done()


@in_browser
def test_without_a_server_it_thinks_all_the_same_and_says_what_is_wrong(browser, server):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/v1/models", lambda route: route.abort())
    page.goto(server)
    page.wait_for_selector(".candidates i")
    assert page.text_content("#status") == "The connection is lost. Is the server still running, and are you online?"
    assert page.is_disabled("#think")
    context.close()


@in_browser
def test_a_page_opened_as_a_file_says_what_to_do(browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto((PAGE / "index.html").as_uri())
    page.wait_for_timeout(2200)
    assert page.is_visible("#as-file")
    assert "python -m http.server" in (page.text_content("#as-file") or "")
    context.close()
