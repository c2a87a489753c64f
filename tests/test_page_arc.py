"""ARC on the page: a task is chosen, thought about and voted on, by a server and in the browser.

Skipped without Playwright and a Chromium; the static folder also without what npm must fetch.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from arc_examples import example_tasks
from pages import IN_BROWSER, SIZES, Visit
from ponderling.checkpoint import load_checkpoint
from ponderling.config import RunConfig
from ponderling.solving.vote import arc_of, evaluate_arc
from ponderling.tasks.arc.files import read_tasks
from ponderling.web.arc_tasks import text_of

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = IN_BROWSER

ARC_TASKS = example_tasks(colours=8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["arc", "arc_site"])
def test_an_arc_task_is_chosen_thought_about_and_voted_on(browser, request, kind, size):
    visit = Visit(browser, request.getfixturevalue(kind), size)
    page = visit.page
    visit.expect("#arc-note", "only the tasks whose ids it was trained on")
    playwright.expect(page.locator("#arc-task option")).to_have_text(list(ARC_TASKS))  # they come after the note
    page.select_option("#arc-task", "recolour")
    task = ARC_TASKS["recolour"]
    playwright.expect(page.locator(".pair")).to_have_count(len(task["train"]) + 1)
    shape = np.shape(task["train"][0]["output"])
    output = page.get_by_role("img", name=re.compile(f"^Output: {shape[0]} rows, {shape[1]} columns. Row 1: "))
    playwright.expect(output.first).to_be_visible()
    assert page.locator(".legend li").all_text_contents()[8] == "8 light blue"
    question = np.array(task["test"][0]["input"])
    on_canvas = np.array(list(visit.grid())).reshape(8, 8)[: question.shape[0], : question.shape[1]]
    assert (on_canvas == question.astype(str)).all()
    assert page.input_value("#depth") == "2"  # as in training
    page.evaluate("document.getElementById('depth').value = 3; document.getElementById('restarts').value = 4")
    page.click("#think")
    visit.expect(".verdict", "^(Right|Not right)\\.")
    visit.expect(".votes h2", "Votes of 5 views")
    votes, panel = (page.locator(part).bounding_box() for part in ("#votes", "#panel"))
    assert votes["y"] + votes["height"] <= panel["y"]  # before the choices
    page.click(".votes summary:has-text('known')")
    assert page.get_by_role("img", name=re.compile("^The known output: ")).is_visible()
    votes = [int(text.split()[0]) for text in page.locator(".ballot b").all_text_contents()]
    assert sum(votes) <= 5
    assert votes == sorted(votes, reverse=True)
    page.click(".votes summary:has-text('each view')")
    assert page.locator(".voters li").count() == 5
    steps = int(page.get_attribute("#scrubber", "max"))
    page.click("#first")
    page.click("#forward")
    visit.expect("#position", f"Look 1 of {steps}")
    visit.expect(".verdict", "^First look: \\d+ of \\d+ right\\.")
    page.locator(".cell").first.focus()
    page.keyboard.press("7")
    assert page.locator(".cell").first.get_attribute("aria-label").endswith("percent")  # thinking is not forgotten
    page.click("#share")
    assert "p=recolour%2F1" in page.evaluate("location.hash")
    visit.done()


def test_a_link_to_an_arc_task_opens_it(browser, arc):
    name = next(name for name, task in ARC_TASKS.items() if len(task["test"]) > 1)
    visit = Visit(browser, arc, fragment=f"#t=arc8&d=2&r=1&s=2&p={name}%2F2")
    visit.expect("#position", "Look 2 of 2")
    assert visit.page.input_value("#arc-task") == name
    assert visit.page.input_value("#arc-test") == "2"
    visit.expect(".votes h2", "Votes of 2 views")
    visit.done()


def test_votes_in_the_browser_are_those_of_the_evaluation(browser, arc_site, arc_run):
    """On a static host views are made, answers turned back and votes counted by JavaScript; on every task, by Python too."""
    checkpoint = load_checkpoint(arc_run)
    tasks = read_tasks(arc_run.parent / "made_challenges.json")
    expected = evaluate_arc(checkpoint.model, arc_of(checkpoint), tasks=tasks, config=RunConfig(), steps=3, views=8)
    visit = Visit(browser, arc_site)
    for (name, place), ranked in expected.ranked.items():
        *progress, got = visit.page.evaluate(
            """async ([puzzle, task]) => {
                const body = {task, puzzle, steps: 3, views: 8}, events = [];
                const {vote} = await import("./client.js");
                for await (const event of vote(body, new AbortController().signal)) events.push(event);
                return events;
            }""",
            [f"{name}/{place + 1}", "arc8"],
        )
        assert {event["type"] for event in progress} - {"loading"} == {"progress"}
        assert progress[-1]["done"] == progress[-1]["of"] == 3 * expected.views
        right = tasks[name].tests[place].output
        assert [(g["grid"], g["votes"], g["right"]) for g in got["grids"]] == [
            (text_of(c.grid), c.votes, np.array_equal(c.grid, right)) for c in ranked
        ]
        assert [g["score"] for g in got["grids"]] == pytest.approx([c.score for c in ranked], abs=1e-4)
        assert len(got["views"]) == expected.views
    visit.done()
