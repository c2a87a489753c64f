"""The page in a real browser, behind the server and as a static folder: a puzzle is typed, thought about and checked.

Skipped without Playwright and a Chromium; the static folder and the accessibility check also without what npm must fetch.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arc_examples import example_tasks, kaggle, tiny_run
from maze_weights import save_maze_weights
from ponderling.checkpoint import load_checkpoint
from ponderling.cli import main
from ponderling.config import RunConfig
from ponderling.exchange.onnx_export import ExportError
from ponderling.solving.solver import Solver
from ponderling.solving.vote import arc_of, evaluate_arc
from ponderling.tasks import get_task
from ponderling.tasks.arc.files import read_tasks
from ponderling.training.starting import start
from ponderling.web.arc_tasks import text_of
from ponderling.web.site import RUNTIME_FILES
from servers import serving_command

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is found")]

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
HARD = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
HARDEST = "1.......2.9.4...5...6...7...5.9.3.......7.......85..4.7.....6...3...9.8...2.....1"  # "Easter Monster"
ARC_TASKS = example_tasks(colours=8)
PATIENCE = 90_000  # milliseconds; the machine may be busy with something else


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving_command("sudoku") as url:
        yield url


@pytest.fixture(scope="module")
def arc_run(tmp_path_factory) -> Path:
    """A model that has learned five small tasks a little."""
    folder = tmp_path_factory.mktemp("arc")
    kaggle(folder, ARC_TASKS)
    start(tiny_run(folder / "made_challenges.json", steps=30, views=8), folder / "run").run()
    return folder / "run"


@pytest.fixture(scope="module")
def arc(arc_run) -> Iterator[str]:
    with serving_command(f"arc={arc_run}") as url:
        yield url


@pytest.fixture(scope="module")
def maze() -> Iterator[str]:
    with serving_command("maze") as url:
        yield url


@pytest.fixture(scope="module")
def sized(tmp_path_factory) -> Iterator[str]:
    """Mazes of every size."""
    with serving_command(f"mazes={save_maze_weights(tmp_path_factory.mktemp('maze') / 'weights')}") as url:
        yield url


def npm_package(name: str, folder: Path) -> Path:
    """The package's .tgz file; the test is skipped where it cannot be had."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    packed = subprocess.run(["npm", "pack", name, "--silent"], cwd=folder, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"npm cannot fetch {name}")
    return next(folder.glob("*.tgz"))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory) -> Path:
    pytest.importorskip("onnxruntime")
    return npm_package("onnxruntime-web", tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="module")
def site(tmp_path_factory, runtime) -> Iterator[str]:
    with hosting(tmp_path_factory.mktemp("web") / "site", runtime) as url:
        yield url


@pytest.fixture(scope="module")
def arc_site(tmp_path_factory, runtime, arc_run) -> Iterator[str]:
    with hosting(tmp_path_factory.mktemp("web") / "arc", runtime, "--checkpoint", f"arc={arc_run}") as url:
        yield url


@pytest.fixture(scope="module")
def maze_site(tmp_path_factory, runtime) -> Iterator[str]:
    with hosting(tmp_path_factory.mktemp("web") / "mazes", runtime, "--checkpoint", "maze") as url:
        yield url


@contextlib.contextmanager
def hosting(folder: Path, runtime: Path, *args: str) -> Iterator[str]:
    """The static folder, made by the command and given out by a host that knows files alone."""
    assert main(["site", str(folder), "--runtime", str(runtime), *args]) == 0

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}"
        host.shutdown()


@pytest.fixture(scope="module")
def browser():
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


class Visit:
    """A page that is open, and what went wrong on it."""

    def __init__(
        self, browser: Any, url: str, size: str = "desktop", fragment: str = "", wait_for: str = ".cell", **options: Any
    ):
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE)
        self.page, self.url, self.troubles = context.new_page(), url, []
        self.page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self._look_at(request.url))
        self.page.goto(url if url.startswith("file:") else f"{url}/{fragment}")
        self.page.wait_for_selector(wait_for)

    def _look_at(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.troubles.append(f"asks another host: {url}")

    def expect(self, selector: str, text: str) -> None:
        playwright.expect(self.page.locator(selector)).to_contain_text(re.compile(text), timeout=PATIENCE)

    def grid(self) -> str:
        return "".join(cell.text_content() or "." for cell in self.page.query_selector_all(".cell"))

    def labels(self) -> list[str]:
        """What screen readers are told of each cell."""
        return [cell.get_attribute("aria-label") for cell in self.page.query_selector_all(".cell")]

    def done(self) -> None:
        assert self.troubles == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        if folder := os.environ.get("PONDERLING_SCREENSHOTS"):
            name = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
        self.page.context.close()


def type_puzzle(page: Any, puzzle: str) -> None:
    """With the keyboard alone: cell by cell, row by row."""
    page.locator(".cell").first.focus()
    for i, symbol in enumerate(puzzle):
        if symbol != ".":
            page.keyboard.press(symbol)
        if (i + 1) % 9:
            page.keyboard.press("ArrowRight")
        else:
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Home")


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
    visit.expect(".verdict", "^Solved. Every rule holds.")
    answer = visit.grid()
    assert task.check(task.parse(HARD), task.parse(answer)).valid
    count = int(page.get_attribute("#scrubber", "max"))
    assert count > 1
    visit.expect("#position", f"Recursion {count} of {count}")
    page.click("#back")
    visit.expect("#position", f"Recursion {count - 1} of {count}")
    visit.expect(".verdict", "changed")
    page.click("#first")
    visit.expect("#position", f"Recursion 0 of {count}")
    assert visit.grid() == HARD
    page.click("#forward")
    visit.expect("#position", f"Recursion 1 of {count}")
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
    visit.expect("#position", "Recursion 2 of 8")
    seen = visit.grid()
    visit.page.click("#forward")
    visit.page.click("#share")
    link = visit.page.evaluate("location.hash")
    visit.done()
    again = Visit(browser, server, fragment=link)
    again.expect("#position", "Recursion 3 of 8")
    again.page.click("#back")
    assert again.grid() == seen
    again.done()


@pytest.mark.parametrize("kind", ["server", "site"])
def test_attempts_are_shown_as_small_multiples_and_can_be_looked_at(browser, request, kind):
    visit = Visit(browser, request.getfixturevalue(kind), fragment=f"#t=sudoku9&d=3&r=3&s=999&p={HARDEST}")
    visit.expect(".verdict", "steps in 4 attempts|in attempt")
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
        assert not page.is_visible("#token")
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
    puzzle = "1....7.9..3..2...8..96..5....53..9...1..8...26....4...3......1..4......7..7...3.."
    link, seen = "", []
    for seed in (5, None, 6):
        fragment = link if seed is None else f"#t=sudoku9&d=3&r=2&s=999&e={seed}&p={puzzle}"
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


# ARC


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
    playwright.expect(page.locator("#think")).to_be_in_viewport()
    page.click("#think")
    visit.expect(".verdict", "^(Right|Not right)\\.")
    visit.expect(".votes h2", "Votes of 5 views")
    votes, panel = (page.locator(part).bounding_box() for part in ("#votes", "#panel"))
    beside = size == "desktop"
    assert votes["y"] + votes["height"] <= panel["y"] or beside  # on a phone before the choices
    assert votes["x"] + votes["width"] <= panel["x"] or not beside
    assert page.locator("#think").bounding_box()["y"] < page.locator(".board").bounding_box()["y"]
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
    visit.expect("#position", f"Step 1 of {steps}")
    visit.expect(".verdict", "changed")
    page.locator(".cell").first.focus()
    page.keyboard.press("7")
    assert page.locator(".cell").first.get_attribute("aria-label").endswith("percent")  # thinking is not forgotten
    page.click("#share")
    assert "p=recolour%2F1" in page.evaluate("location.hash")
    visit.done()


def test_a_link_to_an_arc_task_opens_it(browser, arc):
    name = next(name for name, task in ARC_TASKS.items() if len(task["test"]) > 1)
    visit = Visit(browser, arc, fragment=f"#t=arc8&d=2&r=1&s=2&p={name}%2F2")
    visit.expect("#position", "Step 2 of 2")
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
        assert {event["type"] for event in progress} == {"progress"}
        assert progress[-1]["done"] == progress[-1]["of"] == 3 * expected.views
        right = tasks[name].tests[place].output
        assert [(g["grid"], g["votes"], g["right"]) for g in got["grids"]] == [
            (text_of(c.grid), c.votes, np.array_equal(c.grid, right)) for c in ranked
        ]
        assert [g["score"] for g in got["grids"]] == pytest.approx([c.score for c in ranked], abs=1e-4)
        assert len(got["views"]) == expected.views
    visit.done()


# Mazes and films

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
    assert page.locator(".tint-legend").is_hidden()
    replies = []

    def keep(route):  # the browser keeps no body of a stream that a page has read
        reply = route.fetch()
        replies.append(reply.text())
        route.fulfill(response=reply)

    page.route("**/v1/think", keep)
    page.click("#think")
    visit.expect(".verdict", "^(Solved|Not solved)\\.")
    visit.expect(".tint-legend", "changed in this recursion")
    page.click("#first")
    page.click("#forward")
    first = json.loads(re.findall(r"event: step\ndata: (.*)", replies[0])[0])
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


@pytest.mark.parametrize("size", SIZES)
def test_a_film_plays_in_a_browser_and_asks_nobody(browser, tmp_path, size):
    assert main(["film", "sudoku", HARDEST, str(tmp_path / "out.html"), "--steps", "1", "--delay", "0.2"]) == 0
    visit = Visit(browser, (tmp_path / "out.html").as_uri(), size, wait_for="svg")
    page = visit.page
    frames = int(page.get_attribute("#step", "max")) + 1
    assert frames == 9
    shown = set()
    for _ in range(200):
        shown.add(page.text_content("#number"))
        if len(shown) == frames:
            break
        page.wait_for_timeout(50)
    assert shown == {f"{i} / {frames - 1}" for i in range(frames)}
    page.click("#play")
    page.locator("#step").fill("2")
    visit.expect("#number", "^2 /")
    before = page.locator("svg").screenshot()
    page.click("#forward")
    visit.expect("#number", "^3 /")
    assert page.locator("svg").screenshot() != before
    page.keyboard.press("ArrowLeft")
    visit.expect("#number", "^2 /")
    visit.done()


PAGES = {
    "sudoku": ("server", f"#t=sudoku9&d=3&r=2&s=2&p={HARD}", "Recursion 2 of"),
    "arc": ("arc", "#t=arc8&d=3&r=4&s=2&p=double%2F1", "Step 2 of"),
    "maze": ("maze", "", "Step 0 of"),
}


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(browser, request, size, scheme, kind, tmp_path):
    package = npm_package("axe-core", tmp_path)
    subprocess.run(["tar", "xzf", package.name], cwd=tmp_path, check=True)
    server, fragment, position = PAGES[kind]
    url = request.getfixturevalue(server)
    visit = Visit(browser, url, size, fragment, color_scheme=scheme, bypass_csp=True)
    visit.expect("#position", position)
    if kind == "arc":
        visit.page.click(".votes summary:has-text('each view')")
    visit.page.add_script_tag(path=tmp_path / "package" / "axe.min.js")
    found = visit.page.evaluate("axe.run()")
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found["violations"]] == []
    visit.done()


def test_the_static_folder_says_what_it_needs(tmp_path, capsys, monkeypatch):
    (tmp_path / "something").touch()
    assert main(["site", str(tmp_path)]) == 2
    assert "not an empty folder" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    assert main(["site", str(tmp_path / "new")]) == 2
    error = capsys.readouterr().err
    assert "npm is needed" in error
    assert error.count("\n") == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["site", str(tmp_path / "new"), "--runtime", str(empty)]) == 2
    assert "--runtime takes the npm package" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.fixture
def hollow_runtime(tmp_path) -> Path:
    """A folder with the names of the runtime's files, for what is refused or never run."""
    package = tmp_path / "npm"
    for name in RUNTIME_FILES:
        (package / "dist").mkdir(parents=True, exist_ok=True)
        (package / "dist" / name).touch()
    return package


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("late", ["export", "tasks"])
def test_a_refusal_leaves_no_static_folder_behind(
    arc_run, tmp_path, hollow_runtime, capsys, monkeypatch, late, existing
):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "web" / "site"
    args = ["--checkpoint", str(arc_run), "--runtime", str(hollow_runtime)]
    if late == "tasks":
        args += ["--data", str(tmp_path / "nowhere.json")]
    else:

        def fail(checkpoint: Any, file: Path) -> None:
            file.touch()
            raise ExportError("no graph can be written")

        monkeypatch.setattr("ponderling.web.site.export", fail)
    if existing:
        folder.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    assert main(["site", str(folder), *args]) != 0
    assert {"export": "no graph can be written", "tasks": "nowhere.json"}[late] in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_official_table_of_views_is_cut_to_those_of_the_page(tmp_path, hollow_runtime):
    """A row for each of many views would make the graph many times what the page needs."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    kaggle(tmp_path, {"recolour": ARC_TASKS["recolour"]})
    start(tiny_run(tmp_path / "made_challenges.json", steps=2, views=300), tmp_path / "run").run()
    assert load_checkpoint(tmp_path / "run").shape.num_puzzles > 200
    args = ["--checkpoint", str(tmp_path / "run"), "--runtime", str(hollow_runtime)]
    assert main(["site", str(tmp_path / "site"), *args]) == 0
    tables = [t for t in onnx.load(tmp_path / "site" / "model.onnx").graph.initializer if t.dims[:1] == [17]]
    assert [list(t.dims) for t in tables] == [[17, 16]]
    (task,) = json.loads((tmp_path / "site" / "model.json").read_text())["arc"]
    assert [row for row, _, _ in task["views"]] == list(range(17))
