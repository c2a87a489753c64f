"""ARC on the page: a task is chosen, thought about and voted on, by a server and in the browser.

Skipped without Playwright and a Chromium; the static folder also without what npm must fetch.
"""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from arc_examples import example_tasks, vectors_run
from pages import IN_BROWSER, SIZES, Visit
from ponderling.checkpoint import load_checkpoint
from ponderling.config import RunConfig
from ponderling.solving.vote import arc_of, evaluate_arc
from ponderling.tasks.arc.files import read_tasks
from ponderling.web.arc_tasks import text_of
from servers import serving_command

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


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """The folder of a model that can learn, and knows two tasks."""
    folder = tmp_path_factory.mktemp("vectors")
    vectors_run(folder, steps=4)
    return folder / "run"


@pytest.fixture(scope="module")
def teachable(vectors):
    with serving_command(f"arc={vectors}", "--learn-steps", "30") as url:
        yield url


@pytest.mark.parametrize("size", SIZES)
def test_a_task_of_ones_own_is_learned_and_thought_about(browser, teachable, size, tmp_path):
    visit = Visit(browser, teachable, size)
    page = visit.page
    playwright.expect(page.locator("#arc-task option")).to_have_text(["mirror", "recolour"])
    assert page.locator("#arc-note").is_hidden()
    page.click("#own-task summary")
    page.click("#learn")
    visit.expect("#own-problem", "^Paste a task here, or choose its file")
    page.fill("#own-text", '{"train": [')
    page.click("#learn")
    visit.expect("#own-problem", "^This is not a task as ARC’s files have it")
    page.fill("#own-text", '{"train": [], "test": []}')
    page.click("#learn")
    visit.expect("#own-problem", "train must be a list of at least one pair")
    visit.troubles.clear()  # the browser tells of the refused request
    page.click("#own-example")
    visit.expect("#own-problem", "^$")
    page.click("#learn")
    visit.expect(".votes h2", "Votes of 8 views")
    visit.expect(".verdict", "^Answered, with no rules to judge it by")
    assert page.locator("#arc-task option").all_text_contents() == ["mirror", "recolour", "yours (you taught it)"]
    playwright.expect(page.locator(".pair")).to_have_count(4)
    assert len(visit.grid()) == 25
    assert page.locator("#own-progress").is_hidden()
    page.click("#share")
    visit.expect("#status", "has no link")
    page.select_option("#arc-task", "mirror")  # and back to what it knew
    visit.expect("#invite", "Which output")
    assert len(visit.grid()) == 64
    page.click("#think")
    visit.expect(".votes h2", "Votes of 8 views")
    page.select_option("#arc-task", label="yours (you taught it)")
    visit.expect("#invite", "Which output")
    assert len(visit.grid()) == 25
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"mine": example_tasks(["first_row"])["first_row"]}), encoding="utf-8")
    if page.get_attribute("#own-task", "open") is None:
        page.click("#own-task summary")
    page.set_input_files("#own-file", file)
    page.click("#learn")
    playwright.expect(page.locator("#arc-task option").last).to_have_text("mine (you taught it)")
    visit.done()


def test_learning_can_be_stopped(browser, vectors):
    with serving_command(f"arc={vectors}", "--learn-steps", "5000") as url:  # nobody waits for its end
        visit = Visit(browser, url)
        page = visit.page
        page.click("#own-task summary")
        page.click("#own-example")
        page.click("#learn")
        visit.expect("#status", "^Learning your task: [1-9]")
        playwright.expect(page.locator("#own-progress")).to_be_visible()
        playwright.expect(page.locator("#learn")).to_be_disabled()
        page.click("#think")  # which says Stop
        visit.expect("#status", "^Stopped")
        playwright.expect(page.locator("#own-progress")).to_be_hidden()
        playwright.expect(page.locator("#learn")).to_be_enabled()
        assert page.locator("#arc-task option").count() == 2
        visit.done()


def test_a_model_without_tasks_asks_for_one(browser, tmp_path):
    vectors_run(tmp_path, steps=1)
    (tmp_path / "tasks.json").unlink()
    with serving_command(f"arc={tmp_path / 'run'}", "--learn-steps", "5") as url:
        visit = Visit(browser, url, wait_for="#own-task[open]")
        page = visit.page
        visit.expect("#invite", "^Give it a task, above")
        assert page.locator("#think").is_disabled()
        assert page.locator("#arc-fields").is_hidden()
        page.click("#own-example")
        page.click("#learn")
        visit.expect(".votes h2", "Votes of 8 views")
        assert page.locator("#arc-task option").all_text_contents() == ["yours (you taught it)"]
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
