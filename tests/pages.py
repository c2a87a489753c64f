"""The page in a real browser, for the tests of it: fixtures that conftest.py makes known, and `Visit`.

Servers and static folders are made once for all test files. What needs an extra or Playwright is imported where it is used.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")

IN_BROWSER = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is found"),
]

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
SCREENS = SIZES | {"laptop": (1366, 657), "wide": (1440, 900), "low": (1280, 720), "landscape": (844, 390)}
HARD = "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."
HARDEST = "1.......2.9.4...5...6...7...5.9.3.......7.......85..4.7.....6...3...9.8...2.....1"  # "Easter Monster"
QUIET = f"#t=sudoku9&p={HARD}"
"""A link with which no recording plays."""
PATIENCE = 90_000  # milliseconds; the machine may be busy with something else


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    from servers import serving_command

    with serving_command("sudoku") as url:
        yield url


@pytest.fixture(scope="session")
def both() -> Iterator[str]:
    """Two models of Sudokus."""
    from servers import serving_command

    with serving_command("sudoku", "sudoku-cpu") as url:
        yield url


@pytest.fixture(scope="session")
def arc_run(tmp_path_factory) -> Path:
    """A model that has learned five small tasks a little."""
    from arc_examples import example_tasks, kaggle, tiny_run
    from ponderling.training.starting import start

    folder = tmp_path_factory.mktemp("arc")
    kaggle(folder, example_tasks(colours=8))
    start(tiny_run(folder / "made_challenges.json", steps=30, views=8), folder / "run").run()
    return folder / "run"


@pytest.fixture(scope="session")
def arc(arc_run) -> Iterator[str]:
    from servers import serving_command

    with serving_command(f"arc={arc_run}") as url:
        yield url


@pytest.fixture(scope="session")
def maze() -> Iterator[str]:
    from servers import serving_command

    with serving_command("maze") as url:
        yield url


@pytest.fixture(scope="session")
def sized(tmp_path_factory) -> Iterator[str]:
    """Mazes of every size."""
    from maze_weights import save_maze_weights
    from servers import serving_command

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


def axe_script(folder: Path) -> Path:
    """axe-core, which looks for what people with disabilities cannot use; the test is skipped where it cannot be had."""
    package = npm_package("axe-core", folder)
    subprocess.run(["tar", "xzf", package.name], cwd=folder, check=True)
    return folder / "package" / "axe.min.js"


def violations(page: Any, script: Path) -> list[tuple[str, list[str]]]:
    """What axe-core finds on a page that was opened with `bypass_csp`."""
    page.add_script_tag(path=script)
    found = page.evaluate("axe.run()")
    return [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found["violations"]]


def arrived_unanswered(browser: Any, address: str) -> tuple[Any, list[Any]]:
    """A page whose server does not say which models there are, and those requests; the page has a clock that the test turns."""
    page = browser.new_context(viewport={"width": 1366, "height": 657}).new_page()
    page.clock.install(time=0)
    page.clock.pause_at(1)
    held: list[Any] = []
    page.route("**/v1/models", lambda route: held.append(route))
    page.goto(address)
    page.clock.run_for(450)
    return page, held


def shown_until(page: Any, last: str) -> list[str]:
    """What a film says, moment by moment, up to a text that matches `last`; the page has a clock that the test turns."""
    seen, text = dict[str, str](), ""
    for _ in range(200):
        seen[page.text_content("#position")] = text = page.text_content("#verdict") or ""
        if re.match(last, text):
            break
        page.clock.run_for(200)
    return [text for text in seen.values() if text]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory) -> Path:
    from ponderling.web.site import RUNTIME, RUNTIME_VERSION

    pytest.importorskip("onnxruntime")
    return npm_package(f"{RUNTIME}@{RUNTIME_VERSION}", tmp_path_factory.mktemp("npm"))


@pytest.fixture(scope="session")
def site(tmp_path_factory, runtime) -> Iterator[str]:
    with hosting(tmp_path_factory.mktemp("web") / "site", runtime) as url:
        yield url


@pytest.fixture(scope="session")
def arc_site(tmp_path_factory, runtime, arc_run) -> Iterator[str]:
    with hosting(tmp_path_factory.mktemp("web") / "arc", runtime, "--checkpoint", f"arc={arc_run}") as url:
        yield url


@pytest.fixture(scope="session")
def maze_site(tmp_path_factory, runtime) -> Iterator[str]:
    with hosting(tmp_path_factory.mktemp("web") / "mazes", runtime, "--checkpoint", "maze") as url:
        yield url


@contextlib.contextmanager
def hosting(folder: Path, runtime: Path, *args: str) -> Iterator[str]:
    """The static folder, made by the command and given out."""
    from ponderling.cli import main

    assert main(["site", str(folder), "--runtime", str(runtime), *args]) == 0
    with given_out(folder) as url:
        yield url


@contextlib.contextmanager
def given_out(folder: Path, opened: threading.Event | None = None) -> Iterator[str]:
    """A folder's address at a host that knows files alone, and holds the runtime back until it is `opened`."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if opened is not None and self.path.endswith(".wasm"):
                opened.wait(60)
            super().do_GET()

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}"
        host.shutdown()


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
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
        width, height = SCREENS[size]
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
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_contain_text(re.compile(text), timeout=PATIENCE)

    def box(self, selector: str) -> dict[str, float]:
        """Where an element is, from the upper left corner of the document."""
        found = self.page.evaluate(
            """selector => {
                const {left, top, width, height} = document.querySelector(selector).getBoundingClientRect();
                return {x: left + scrollX, y: top + scrollY, width, height};
            }""",
            selector,
        )
        assert found["width"], f"{selector} is not shown"
        return found

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
    """Types a puzzle with the keyboard alone, cell by cell and row by row."""
    page.locator(".cell").first.focus()
    for i, symbol in enumerate(puzzle):
        if symbol != ".":
            page.keyboard.press(symbol)
        if (i + 1) % 9:
            page.keyboard.press("ArrowRight")
        else:
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Home")
