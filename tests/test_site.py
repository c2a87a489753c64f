"""The static folder: what it is built from, how it loads, and that it works without a network once it has been there.

Those that need a browser are skipped without Playwright and a Chromium, or where npm cannot fetch the runtime.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path

import pytest

from pages import IN_BROWSER, PATIENCE, given_out
from ponderling.cli import main
from ponderling.web import site as sites
from ponderling.web.site import RUNTIME_FILES, write_service_worker

EASY = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"


def package(folder: Path) -> Path:
    """A folder that looks like the runtime's package."""
    (folder / "dist").mkdir(parents=True)
    for name in (f"dist/{name}" for name in RUNTIME_FILES):
        (folder / name).write_bytes(name.encode())
    (folder / "LICENSE").write_text("a licence\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with something in place of the runtime."""
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("web")
    args = ["--runtime", str(package(folder / "package")), "--address", "https://example.org/demo"]
    assert main(["site", str(folder / "site"), *args]) == 0
    return folder / "site"


def test_a_folder_that_was_built_has_the_runtime_for_another(built, tmp_path, monkeypatch):
    assert [file.name for file in sites._runtime(tmp_path, built)] == [*RUNTIME_FILES, "LICENSE"]
    (tmp_path / "runtime").mkdir()
    with pytest.raises(FileNotFoundError, match="or a folder that `ponderling site` has written"):
        sites._runtime(tmp_path, tmp_path)


def test_the_folder_says_how_many_bytes_it_loads(built):
    about = json.loads((built / "model.json").read_text(encoding="utf-8"))
    assert about["bytes"] == {
        "model.onnx": (built / "model.onnx").stat().st_size,
        f"runtime/{RUNTIME_FILES[-1]}": len(f"dist/{RUNTIME_FILES[-1]}"),
    }


def test_the_service_worker_keeps_every_file_and_has_another_name_for_other_content(built, tmp_path):
    def told(folder: Path) -> tuple[str, list[str]]:
        text = (folder / "sw.js").read_text(encoding="utf-8")
        name, files = re.findall(r"^const \w+ = (.*);$", text, re.MULTILINE)[:2]
        return json.loads(name), json.loads(files)

    name, files = told(built)
    there = {file.relative_to(built).as_posix() for file in built.rglob("*") if file.is_file()}
    assert {*files, "index.html", "sw.js", "runtime/LICENSE"} == {*there, "./"}
    copy = shutil.copytree(built, tmp_path / "copy")
    write_service_worker(copy)
    assert told(copy) == (name, files)
    (copy / "style.css").write_text("body {}\n", encoding="utf-8")
    write_service_worker(copy)
    assert told(copy)[0] != name


@pytest.mark.parametrize("meta", [True, False])
def test_the_picture_of_shared_links_has_the_whole_address(tmp_path, monkeypatch, meta):
    """Whether the page names a picture or not."""
    page = tmp_path / "page"
    page.mkdir()
    line = '<meta property="og:image" content="card.png">' if meta else ""
    (page / "index.html").write_text(f"<html><head>{line}</head></html>", encoding="utf-8")
    (tmp_path / "in_browser").mkdir()
    monkeypatch.setattr(sites.resources, "files", lambda package: tmp_path)
    (tmp_path / "out").mkdir()
    sites._write_page(tmp_path / "out", sites._whole("https://example.org/demo"))
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert ('content="https://example.org/demo/card.png"' in text) is meta
    assert "Content-Security-Policy" in text


@pytest.mark.parametrize(
    "address", ["example.org", "ftp://example.org/", 'https://x/"><script>', "https://x/?a=b", "https://"]
)
def test_an_address_that_is_none_is_told_in_one_line(address, tmp_path, capsys):
    assert main(["site", str(tmp_path / "site"), "--address", address]) == 2
    assert "--address takes the address of the folder" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


# In a browser


def in_browser(test):
    """Marks a test that needs a browser."""
    for mark in IN_BROWSER:
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def whole(tmp_path_factory, runtime) -> Path:
    """The folder with its runtime."""
    folder = tmp_path_factory.mktemp("site") / "site"
    assert main(["site", str(folder), "--runtime", str(runtime)]) == 0
    return folder


@pytest.fixture
def context(browser):
    """A browser's context, without anything that was kept before."""
    opened = browser.new_context()
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


THINK = """
async (puzzle) => {
  const { think } = await import("./client.js");
  const events = [];
  const body = { task: "sudoku9", puzzle, steps: 16 };
  for await (const event of think(body, new AbortController().signal)) events.push(event);
  return events;
}
"""
KEPT = """
async () => {
  await navigator.serviceWorker.ready;
  const [name] = await caches.keys();
  return (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname);
}
"""


@in_browser
def test_it_says_how_far_it_has_loaded_and_works_without_a_network(whole, context):
    opened = threading.Event()
    with given_out(whole, opened) as url:
        page = context.new_page()
        page.goto(url)
        page.evaluate(f"(puzzle) => {{ window.told = ({THINK})(puzzle); }}", EASY)  # and does not wait for it
        opened.set()
        events = page.evaluate("window.told")
        loading = [event for event in events if event["type"] == "loading"]
        about = json.loads((whole / "model.json").read_text(encoding="utf-8"))
        assert {event["total"] for event in loading} == {sum(about["bytes"].values())}
        loaded = [event["loaded"] for event in loading]
        assert loaded == sorted(loaded)
        assert [event["type"] for event in events] == ["loading"] * len(loading) + ["step"] * (
            len(events) - len(loading) - 1
        ) + ["end"]
        assert events[-1]["answer"] == ANSWER
        assert not [event for event in page.evaluate(THINK, EASY) if event["type"] == "loading"]
        kept = page.evaluate(KEPT)
        assert {"/", "/model.onnx", "/worker.js", f"/runtime/{RUNTIME_FILES[-1]}"} <= set(kept)

        context.set_offline(True)
        page.reload()
        assert page.title()
        assert page.evaluate(THINK, EASY)[-1]["answer"] == ANSWER
        other = context.new_page()
        other.goto(f"{url}/?from=somewhere")
        assert other.title()
        context.set_offline(False)


@in_browser
def test_a_folder_that_is_built_anew_is_taken_over(whole, context, tmp_path):
    folder = shutil.copytree(whole, tmp_path / "site")
    with given_out(folder) as url:
        page = context.new_page()
        page.goto(url)
        page.evaluate(THINK, EASY)
        page.evaluate(KEPT)
        (folder / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>\n', encoding="utf-8")
        write_service_worker(folder)
        page.reload()
        page.evaluate(
            """async () => {
                const registration = await navigator.serviceWorker.ready;
                await registration.update();
                while (registration.installing || registration.waiting) await new Promise((done) => setTimeout(done, 50));
            }"""
        )
        page.reload()
        assert page.evaluate("fetch('icon.svg').then((reply) => reply.text())") == (folder / "icon.svg").read_text(
            encoding="utf-8"
        )
        page.wait_for_function("caches.keys().then((names) => names.length === 1)")
