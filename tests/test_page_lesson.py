"""The film of learning that opens the page of ARC: what it was recorded from, and how it plays.

Skipped without Playwright and a Chromium but for what needs neither.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import ponderling
from arc_examples import example_tasks, kaggle, tiny_run, vectors_run
from pages import IN_BROWSER, SCREENS, SIZES, Visit, arrived_unanswered, axe_script, hosting, shown_until, violations
from ponderling.training.starting import start
from record_openings import EVERY, INSIDE, LAST, record_lesson
from servers import serving_command
from test_page_late import Held

FILE = Path(ponderling.__file__).parent / "web" / "page" / "opening-arc10.json"
LINK = "#t=arc10"


def recorded() -> dict:
    return json.loads(FILE.read_text(encoding="utf-8"))


def rights(recording: dict | None = None) -> list[int]:
    """The number of right cells in each frame of a recording, or of the page's."""
    recording = recording or recorded()
    answer = recording["task"]["tests"][0]["output"].replace("/", "")
    return [sum(int(token, 16) == int(colour) + 2 for token, colour in zip(frame["tokens"], answer, strict=True))
            for frame in recording["frames"]]  # fmt: skip


def captions() -> list[str]:
    """What the page must say of each frame, computed from the recording."""
    said = []
    for updates, right in zip(range(0, LAST + 1, EVERY), rights(), strict=True):
        if not updates:
            said.append(f"^Before learning, it gives the test input back: {right} of 100 cells right")
        elif right < 100:
            said.append(f"^After {updates} updates: {right} of 100 cells right")
        else:
            said.append(f"^Right. After {updates} updates, all 100 cells are as the rule has them")
    return said


def without_frames(recording: dict) -> dict:
    return {key: value for key, value in recording.items() if key != "frames"}


def test_the_first_frames_are_what_the_weights_answer_now():
    """If not: `python dev/record_openings.py`. Machines round differently, which learning makes larger."""
    now, then = record_lesson(EVERY), recorded()
    assert without_frames(now) == without_frames(then)
    assert [frame["updates"] for frame in now["frames"]] == [0, EVERY]
    (new, later), (old, old_later) = now["frames"], then["frames"][:2]
    assert new["tokens"] == old["tokens"]
    assert np.abs(np.subtract(new["p"], old["p"])).max() <= 3  # thousandths
    assert new["sure"] == pytest.approx(old["sure"], abs=1e-3)
    assert sum(a == b for a, b in zip(later["tokens"], old_later["tokens"], strict=True)) >= 90


@pytest.mark.slow
def test_what_is_learned_on_this_machine_goes_the_same_way():
    """Not the same answers: an update doubles what rounding parts."""
    counts = rights(record_lesson())
    assert counts[0] == rights()[0]
    assert max(counts[:4]) < 90
    assert max(counts[-4:]) >= 95


def test_the_outputs_of_the_film_are_those_of_its_rule():
    """Brute force: what the outside reaches, spread step by step from beyond the border, is not filled."""
    pairs = [*recorded()["task"]["demos"], *recorded()["task"]["tests"]]
    assert len(pairs) >= 4
    for pair in pairs:
        grid, output = (
            np.array([list(map(int, row)) for row in pair[part].split("/")]) for part in ("input", "output")
        )
        free = np.pad(grid == 0, 1, constant_values=True)
        outside = np.zeros_like(free)
        outside[0] = True
        for _ in range(free.size):
            spread = outside.copy()
            spread[1:] |= outside[:-1]
            spread[:-1] |= outside[1:]
            spread[:, 1:] |= outside[:, :-1]
            spread[:, :-1] |= outside[:, 1:]
            outside = spread & free
        inside = (free & ~outside)[1:-1, 1:-1]
        assert inside.any()
        assert (output == np.where(inside, INSIDE, grid)).all()


def test_the_film_is_small_and_ends_at_the_first_right_answer_that_it_is_sure_of():
    assert FILE.stat().st_size < 12_000
    sure = [right == 100 and frame["sure"] > 0.9 for frame, right in zip(recorded()["frames"], rights(), strict=True)]
    assert sure == [False] * (len(sure) - 1) + [True]
    assert [frame["updates"] for frame in recorded()["frames"]] == list(range(0, LAST + 1, EVERY))


def in_browser(test):
    for mark in IN_BROWSER:
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def teachable(tmp_path_factory):
    """A model on 10x10 that learns what it is given, and knows two tasks."""
    folder = tmp_path_factory.mktemp("vectors")
    vectors_run(folder, steps=2, task="arc10")
    with serving_command(f"arc={folder / 'run'}", "--learn-steps", "20") as url:
        yield url


@pytest.fixture(scope="module")
def known_alone(tmp_path_factory):
    """The run of a model on 10x10 that answers the tasks it was trained on, and learns none."""
    folder = tmp_path_factory.mktemp("known")
    kaggle(folder, example_tasks(["mirror", "recolour"], colours=8))
    start(tiny_run(folder / "made_challenges.json", task="arc10"), folder / "run").run()
    return folder / "run"


def film_note(page) -> str:
    return page.text_content("#film-note:visible") or ""


@in_browser
def test_it_learns_before_the_server_has_said_a_word(browser, teachable):
    page, held = arrived_unanswered(browser, f"{teachable}/{LINK}")
    page.wait_for_selector(".board.arc .cell")
    assert page.locator(".pair").count() == len(recorded()["task"]["demos"]) + 1
    assert "which it never sees" in film_note(page)
    shown = shown_until(page, captions()[-1])
    assert [bool(re.match(*both)) for both in zip(captions(), shown, strict=True)] == [True] * len(shown)
    assert page.text_content("#position") == f"Answer {len(captions())} of {len(captions())}"
    assert page.is_disabled("#think")
    assert page.locator("#arc-task option").all_text_contents() == ["How it learns (recorded)"]
    assert page.is_hidden("#panel")
    held[0].continue_()
    page.wait_for_selector("#think:enabled")
    assert page.text_content("#think") == "Learn it"
    assert re.match(captions()[-1], page.text_content("#verdict") or "")
    page.wait_for_selector("#arc-task option:nth-child(3)", state="attached")
    assert page.locator("#arc-task option").all_text_contents() == ["How it learns (recorded)", "mirror", "recolour"]
    page.context.close()


@in_browser
@pytest.mark.parametrize("size", SIZES)
def test_the_film_is_learned_live_and_comes_again_when_chosen(browser, teachable, size):
    visit = Visit(browser, teachable, size, reduced_motion="reduce", wait_for=".board.arc .cell")
    page = visit.page
    visit.expect("#verdict", captions()[-1])
    visit.expect("#status", "This is a recording. Press Learn it to see it live")
    page.click("#first")
    page.click("#forward")
    visit.expect("#verdict", captions()[0])
    page.wait_for_selector("#think:enabled")
    page.click("#think")
    visit.expect(".votes h2", "Votes of 8 views")
    visit.expect("#verdict", "^(Right|Not right)\\.")
    assert page.locator("#arc-task option").last.text_content() == "closed-outlines (you taught it)"
    assert page.text_content("#think") == "Think"
    assert (page.text_content("#position") or "").startswith("Look ")
    page.select_option("#arc-task", label="How it learns (recorded)")
    visit.expect("#verdict", captions()[-1])
    assert page.text_content("#think") == "Learn it"
    assert page.text_content("#votes") == ""
    page.click("#share")
    assert "p=closed-outlines%2F1" in page.evaluate("location.hash")
    page.select_option("#arc-task", "mirror")
    visit.expect("#invite", "Which output")
    assert page.text_content("#think") == "Think"
    assert page.is_hidden("#film-note")
    visit.done()


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_in_the_film(browser, teachable, size, scheme, tmp_path):
    axe = axe_script(tmp_path)
    visit = Visit(browser, teachable, size, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    visit.page.wait_for_selector("#think:enabled")
    visit.page.click("#back")
    visit.expect("#verdict", captions()[-2])
    assert violations(visit.page, axe) == []
    visit.done()


@in_browser
def test_a_link_to_a_moment_of_the_film_shows_it(browser, teachable):
    visit = Visit(browser, teachable, fragment=f"{LINK}&p=closed-outlines%2F1&s=2", wait_for=".board.arc .cell")
    visit.expect("#verdict", captions()[1])
    visit.expect("#position", "^Answer 2 of")
    assert visit.page.get_attribute("#play", "aria-label") == "Play"
    visit.done()


@in_browser
def test_a_model_that_learns_nothing_shows_the_film_and_thinks_about_its_own_tasks(browser, known_alone):
    with serving_command(f"arc={known_alone}") as url:
        visit = Visit(browser, url, reduced_motion="reduce", wait_for=".board.arc .cell")
        page = visit.page
        visit.expect("#verdict", captions()[-1])
        visit.expect("#status", "This is a recording. Choose a task to see it think live.")
        page.wait_for_selector("#arc-fields:visible")
        assert page.is_disabled("#think")
        page.select_option("#arc-task", "mirror")
        page.wait_for_selector("#think:enabled")
        page.click("#think")
        visit.expect(".verdict", "^(Right|Not right)\\.")
        visit.done()


@in_browser
def test_a_static_folder_opens_with_the_film_too(browser, known_alone, runtime, tmp_path):
    with hosting(tmp_path / "site", runtime, "--checkpoint", f"arc={known_alone}") as url:
        visit = Visit(browser, url, "phone", reduced_motion="reduce", wait_for=".board.arc .cell")
        visit.expect("#verdict", captions()[-1])
        visit.expect("#arc-task", "How it learns \\(recorded\\)mirrorrecolour")
        assert visit.page.is_disabled("#think")
        visit.done()


@in_browser
@pytest.mark.parametrize("screen", SCREENS)
def test_the_examples_and_the_board_of_the_film_fit_the_window(browser, teachable, screen):
    visit = Visit(browser, teachable, screen, reduced_motion="reduce", wait_for=".board.arc .cell")
    visit.expect("#verdict", captions()[-1])
    visit.page.wait_for_selector("#think:enabled")
    boxes = {part: visit.box(part) for part in ("#arc-task-shown .pair", ".board", "#caption", "#player", "#think")}
    width, height = SCREENS[screen]
    if screen in ("laptop", "wide", "desktop", "low"):
        assert {part for part, box in boxes.items() if box["y"] + box["height"] > height} == set()
    assert boxes[".board"]["width"] <= width
    visit.done()


@in_browser
def test_nothing_is_thought_about_before_the_tasks_are_listed(browser, arc):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    held = Held(page, "**/v1/arc/task*")
    page.goto(arc)
    held.wait_for(1)  # the list
    page.wait_for_selector("#panel:visible")
    assert page.is_disabled("#think")
    page.keyboard.press("Enter")
    held.routes.pop().continue_()
    held.wait_for(1)  # the first task
    assert page.is_disabled("#think")
    held.let_go()
    page.wait_for_selector("#think:enabled")
    assert asked == []
    context.close()


@in_browser
def test_tasks_that_are_listed_late_end_neither_the_film_nor_a_lesson(browser, teachable):
    context = browser.new_context()
    page = context.new_page()
    held = Held(page, "**/v1/arc/tasks*")
    page.goto(f"{teachable}/{LINK}")
    held.wait_for(1)
    page.click("#play")  # which stops it
    at = page.text_content("#position")
    page.click("#think")
    held.wait_for(2)  # it is learned
    assert page.text_content("#position") == at
    held.let_go()
    page.wait_for_selector(".votes h2")
    assert page.locator("#arc-task option").count() == 4
    context.close()


@in_browser
def test_a_film_that_comes_late_does_not_take_the_page_back(browser, both):
    """A visitor who has chosen a Sudoku keeps it."""
    context = browser.new_context()
    page = context.new_page()
    held = Held(page, "**/opening-arc10.json")
    models = Held(page, "**/v1/models")
    page.goto(f"{both}/{LINK}")
    held.wait_for(1)
    models.let_go()
    page.wait_for_selector("#think:enabled")
    page.select_option("#family", "sudoku4")
    held.let_go()
    assert page.locator(".cell").count() == 16
    assert page.locator(".board.arc").count() == 0
    context.close()
