"""The page in a real browser, behind the server and as a static folder: a puzzle is typed, thought about and checked.

Skipped without Playwright and a Chromium; the static folder and the accessibility check also without what npm must fetch.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ponderling.cli import main
from ponderling.tasks import get_task

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is found")]

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
HARD = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
PATIENCE = 90_000  # milliseconds; the machine may be busy with something else


@contextlib.contextmanager
def serving(**variables: str) -> Iterator[str]:
    command = [sys.executable, "-m", "ponderling", "serve", "sudoku", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | variables) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline().split()[2].rstrip(";")
        finally:  # a test that fails must not wait for the server to end by itself
            process.terminate()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as url:
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
def site(tmp_path_factory) -> Iterator[str]:
    pytest.importorskip("onnxruntime")
    runtime = npm_package("onnxruntime-web", tmp_path_factory.mktemp("npm"))
    folder = tmp_path_factory.mktemp("web") / "site"
    assert main(["site", str(folder), "--runtime", str(runtime)]) == 0

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

    def __init__(self, browser: Any, url: str, size: str = "desktop", fragment: str = "", **options: Any):
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE)
        self.page, self.url, self.troubles = context.new_page(), url, []
        self.page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self._look_at(request.url))
        self.page.goto(f"{url}/{fragment}")
        self.page.wait_for_selector(".cell")

    def _look_at(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.troubles.append(f"asks another host: {url}")

    def expect(self, selector: str, text: str) -> None:
        playwright.expect(self.page.locator(selector)).to_contain_text(re.compile(text), timeout=PATIENCE)

    def grid(self) -> str:
        return "".join(cell.text_content() or "." for cell in self.page.query_selector_all(".cell"))

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
    steps = int(page.get_attribute("#scrubber", "max"))
    assert steps > 1
    visit.expect("#position", f"Step {steps} of {steps}")
    page.click("#back")
    visit.expect("#position", f"Step {steps - 1} of {steps}")
    visit.expect(".verdict", "changed")
    page.click("#first")
    visit.expect("#position", f"Step 0 of {steps}")
    assert visit.grid() == HARD
    page.click("#forward")
    visit.expect("#position", f"Step 1 of {steps}")
    assert page.query_selector_all(".candidates i")
    page.click("#play")
    visit.expect(".verdict", "^Solved")
    assert visit.grid() == answer
    visit.done()


def test_clues_that_contradict_are_marked_and_not_thought_about(browser, server):
    visit = Visit(browser, server)
    page = visit.page
    page.click("#clear")
    page.locator(".cell").nth(0).click()
    page.click("#pad button:text-is('7')")
    page.locator(".cell").nth(5).click()
    page.keyboard.press("7")
    visit.expect("#problem", "7 stands twice in row 1")
    assert len(page.query_selector_all(".cell.wrong")) == 2
    assert page.is_disabled("#think")
    page.keyboard.press("Backspace")
    playwright.expect(page.locator("#think")).to_be_enabled()
    visit.done()


def test_a_shared_link_brings_back_the_step(browser, server):
    visit = Visit(browser, server, fragment=f"#t=sudoku9&d=4&r=0&s=2&p={HARD}")
    visit.expect("#position", "Step 2 of 4")
    seen = visit.grid()
    visit.page.click("#forward")
    visit.page.click("#share")
    link = visit.page.evaluate("location.hash")
    visit.done()
    again = Visit(browser, server, fragment=link)
    again.expect("#position", "Step 3 of 4")
    again.page.click("#back")
    assert again.grid() == seen
    again.done()


@pytest.mark.parametrize("kind", ["server", "site"])
def test_attempts_are_shown_as_small_multiples_and_can_be_looked_at(browser, request, kind):
    puzzle = "1....7.9..3..2...8..96..5....53..9...1..8...26....4...3......1..4......7..7...3.."
    visit = Visit(browser, request.getfixturevalue(kind), fragment=f"#t=sudoku9&d=3&r=3&s=99&p={puzzle}")
    visit.expect(".verdict", "steps in 4 attempts|in attempt")
    multiples = visit.page.locator(".attempt")
    assert multiples.count() == 4
    assert visit.page.locator(".attempt.won").count() == 1
    multiples.nth(2).click()
    assert multiples.nth(2).get_attribute("aria-pressed") == "true"
    assert visit.page.query_selector_all(".cell.guessed")
    visit.done()


def test_a_token_is_asked_for_and_used(browser):
    with serving(PONDERLING_TOKEN="a-secret-of-some-length") as url:
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(browser, server, size, scheme, tmp_path):
    package = npm_package("axe-core", tmp_path)
    subprocess.run(["tar", "xzf", package.name], cwd=tmp_path, check=True)
    visit = Visit(browser, server, size, f"#t=sudoku9&d=3&r=2&s=2&p={HARD}", color_scheme=scheme, bypass_csp=True)
    visit.expect("#position", "Step 2 of")
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
