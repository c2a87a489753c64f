"""Builds the documentation's site from the pages as they are: `python dev/build_docs.py`, then open build/site/index.html.

The pages are written to be read in the repository, so their links lead to files of it, also outside `docs`. A copy of them is
made in build/pages, in which every link leads to a page of the site; mkdocs.yml then has the order of the pages. A file that
is not a page, such as a Python file, becomes one that shows its text, and a notebook one with its outputs. The public names
get a page for each part of the package, from their docstrings.
"""

from __future__ import annotations

import argparse
import base64
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "build" / "pages"
SITE = ROOT / "build" / "site"

PLACES = {
    "docs/how-it-thinks.md": "index.md",
    "README.md": "about/overview.md",
    "CHANGELOG.md": "about/changelog.md",
    "CONTRIBUTING.md": "about/contributing.md",
    "CODE_OF_CONDUCT.md": "about/conduct.md",
    "SECURITY.md": "about/reporting.md",
    "LICENSE": "about/licence.md",
    "dev/LOG.md": "about/log.md",
    "dev/campaigns/README.md": "about/campaigns.md",
    "examples/train_your_own.ipynb": "train-your-own.md",
    "examples/watch_it_think.ipynb": "watch-it-think.md",
}
"""Places in the site of files of the repository. Those of `docs` keep their names; others go to `files`."""

PARTS = {
    "solving": ("Solving", "A trained model with its task, its answers, and how good they are."),
    "training": ("Training", "Training on arrays, runs in a folder, and what a run tells about its progress."),
    "models": ("Models", "The networks, each with its recursion."),
    "config": ("Settings", "Every setting of a run. All of them are frozen dataclasses."),
    "recipes": ("Recipes", "Named runs."),
    "checkpoint": ("Checkpoints", "Weights with their config."),
    "tasks": ("Puzzle families", "What the code knows about puzzles."),
}
"""Title and first sentence of each part's page of public names."""

LIVE = """!!! tip "Watch it think in your browser"

    [The live page](live/index.html) runs this network on any Sudoku that you type.

"""
FRONT_HEADING = "## The puzzle"


def main() -> int:
    """Makes the copy and the site from it, and checks the site; returns the exit status."""
    parser = argparse.ArgumentParser(description="Builds the documentation's site in build/site.")
    parser.add_argument(
        "--live", type=Path, help="folder that `ponderling site` wrote: it goes into the site as /live/"
    )
    live = parser.parse_args().live
    write_pages(live)
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
        return status
    faults = [fault for page in sorted(SITE.rglob("*.html")) if not is_live(page) for fault in faults_of(page)]
    print("\n".join([*faults, f"{SITE}: {len(faults)} faults"]))
    return int(bool(faults))


def write_pages(live: Path | None = None) -> None:
    """Writes everything that the site is made of into build/pages.

    Args:
        live: The folder of the page that thinks in the browser. The front page then links to it.
    """
    shutil.rmtree(PAGES, ignore_errors=True)
    waiting, done = [*sorted((ROOT / "docs").rglob("*.*")), *(ROOT / source for source in PLACES)], set()
    while waiting:
        source = waiting.pop()
        if source in done or not source.is_file():
            continue
        done.add(source)
        target = PAGES / place_of(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix in (".md", ".ipynb"):
            text, linked = with_links_of_the_site(source)
            waiting.extend(linked)
            target.write_text(text, encoding="utf-8")
        elif target.suffix == ".md":
            target.write_text(as_page(source), encoding="utf-8")
        else:
            shutil.copyfile(source, target)
    for part in PARTS:
        target = PAGES / "api" / f"{part}.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text(page_of_names(part), encoding="utf-8")
    if live is not None:
        shutil.copytree(live, PAGES / "live")
        front = PAGES / "index.md"
        text = front.read_text(encoding="utf-8")
        assert FRONT_HEADING in text
        front.write_text(text.replace(FRONT_HEADING, LIVE + FRONT_HEADING, 1), encoding="utf-8")


def place_of(source: Path) -> str:
    """The place in build/pages of a file of the repository."""
    path = source.relative_to(ROOT).as_posix()
    if path in PLACES:
        return PLACES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"files/{path}" if source.suffix == ".md" else f"files/{path}.md"


def with_links_of_the_site(page: Path) -> tuple[str, list[Path]]:
    """The text of a page or notebook with links that hold in the site, and the files of the repository to which it links."""
    here, linked = Path(place_of(page)).parent, []

    def moved(link: re.Match[str]) -> str:
        target, heading = link[1], link[2] or ""
        if not target or ":" in target:
            return link[0]
        aim = (page.parent / target).resolve()
        linked.append(aim)
        return f"]({Path(os.path.relpath(place_of(aim), here)).as_posix()}{heading})"

    text = page.read_text(encoding="utf-8")
    text = notebook_as_markdown(json.loads(text)) if page.suffix == ".ipynb" else text
    parts = re.split(r"(?ms)(^```.*?^```$)", text)  # what is between fences is code
    parts[::2] = [re.sub(r"\]\(([^)#\s]*)(#[^)]*)?\)", moved, part) for part in parts[::2]]
    return "".join(parts), linked


def notebook_as_markdown(notebook: dict[str, Any]) -> str:
    """A notebook's text, code and outputs. Pictures are in the text itself, so that the site needs no further files."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                parts.append(picture("image/png", "".join(data["image/png"]).replace("\n", "")))
            elif "image/svg+xml" in data:
                drawn = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
                parts.append(picture("image/svg+xml", drawn))
            else:
                text = "".join(output.get("text", data.get("text/plain", "")))
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def picture(kind: str, base64_text: str) -> str:
    """An image element that holds its picture."""
    return f'<img alt="What the code above draws" src="data:{kind};base64,{base64_text}">'


def as_page(source: Path) -> str:
    """A page that shows the text of a file."""
    language = {".py": "python", ".sh": "bash", ".json": "json"}.get(source.suffix, "text")
    return f"# {source.name}\n\n````{language}\n{source.read_text(encoding='utf-8')}````\n"


def page_of_names(part: str) -> str:
    """The page of the public names that are in one part of the package."""
    import ponderling

    title, about = PARTS[part]
    lines = [f"# {title}", "", f"{about} The page [Python](../python.md) shows these names in use.", ""]
    order = (ROOT / "docs" / "python.md").read_text(encoding="utf-8").partition("| name |")[2]
    for name in sorted(ponderling.__all__, key=lambda name: order.index(f"`{name}`")):
        module = ponderling._WHERE[name]
        if part_of(module) == part:
            lines += [f"## {name}", "", f"::: {module}.{name}", ""]
    return "\n".join(lines)


def part_of(module: str) -> str:
    """The part of the package to which a module belongs, such as solving."""
    return module.split(".")[1]


@functools.cache
def tags_of(page: Path) -> tuple[set[str], list[str], list[str]]:
    """A built page's anchors, the links in it, and the addresses of what it loads."""
    anchors, links, loads = set(), [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            has = dict(attrs)
            anchors.update(filter(None, (has.get("id"), has.get("name"))))
            (links if tag == "a" else loads).extend(filter(None, (has.get("href"), has.get("src"))))

    Reader().feed(page.read_text(encoding="utf-8"))
    return anchors, links, loads


def is_live(page: Path) -> bool:
    """Whether a built page is the one that thinks in the browser, which has tests of its own."""
    return page.is_relative_to(SITE / "live")


def faults_of(page: Path) -> list[str]:
    """What is wrong with a built page: links and pictures that lead nowhere, and what would be loaded from another host.

    The strict build checks links and anchors in Markdown; it checks neither pictures nor the pages that mkdocs.yml lists.
    """
    faults, (_, links, loads) = [], tags_of(page)
    faults += [f"{page}: loads {url} from another host" for url in loads if urlsplit(url).netloc]
    for url in (url for url in [*links, *loads] if not urlsplit(url).scheme and not urlsplit(url).netloc):
        path, anchor = unquote(urlsplit(url).path), unquote(urlsplit(url).fragment)
        aim = SITE / path.lstrip("/") if path.startswith("/") else (page.parent / path).resolve() if path else page
        aim = aim / "index.html" if aim.is_dir() else aim
        if not aim.exists():
            faults.append(f"{page}: {url} is not there")
        elif anchor and aim.suffix == ".html" and not is_live(aim) and anchor not in tags_of(aim)[0]:
            faults.append(f"{page}: {url} has no such heading")
    return faults


if __name__ == "__main__":
    sys.exit(main())
