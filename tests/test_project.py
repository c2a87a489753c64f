"""What surrounds the package: workflows, releases, the documentation's site. Nothing here needs the network."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import build_docs
import import_all
import ponderling
import release_notes

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FOLDERS = {"docs_dir": build_docs.PAGES, "site_dir": build_docs.SITE}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def workflow(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"(?m)^on:", "'on':", text))  # YAML 1.1 reads on as true


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    return workflow(path)["jobs"]


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


def shell(path: Path) -> str:
    return "\n".join(step["run"] for step in steps(path) if "run" in step)


# Workflows


def test_there_are_these_workflows():
    assert [path.stem for path in WORKFLOWS] == ["docs", "release", "tests", "weekly"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_unless_a_job_says_why(path):
    assert workflow(path)["permissions"] == {"contents": "read"}
    writes = {(name, key) for name, job in jobs(path).items() for key in job.get("permissions", {})}
    allowed = {
        "docs": {("publish", "pages"), ("publish", "id-token")},
        "release": {("publish", "id-token"), ("release", "contents")},
    }
    assert writes == allowed.get(path.stem, set())
    for job in jobs(path).values():
        assert job["timeout-minutes"] <= 120


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_a_checkout_keeps_no_credentials(path):
    for step in steps(path):
        name, _, version = step.get("uses", "").partition("@")
        if name:
            pattern = r"v\d+" if name.startswith("actions/") else r"[0-9a-f]{40}"
            assert re.fullmatch(pattern, version), step["uses"]
        if name == "actions/checkout":
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_files_make_targets_and_verbs_that_a_workflow_names_exist(path):
    from ponderling.cli import VERBS

    commands = shell(path)
    for name in re.findall(r"\b(?:dev|tests|benchmarks|docs|src)/[\w./-]+", commands):
        assert (ROOT / name).exists(), name
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?m)^make (\w+)", commands):
        assert re.search(rf"(?m)^{target}:", makefile), target
    assert set(re.findall(r"(?m)(?:^|/)ponderling (\w+)", commands)) <= set(VERBS)
    extras = {extra for names in re.findall(r"\[([a-z,]+)\]", commands) for extra in names.split(",")}
    assert extras <= set(PROJECT["project"]["optional-dependencies"])


def test_every_job_that_another_needs_exists():
    for path in WORKFLOWS:
        for job in jobs(path).values():
            needed = job.get("needs", [])
            assert {needed} if isinstance(needed, str) else set(needed) <= set(jobs(path))


def test_the_tests_run_on_three_systems_with_the_oldest_and_newest_python_and_torch():
    rows = jobs(ROOT / ".github" / "workflows" / "tests.yml")["tests"]["strategy"]["matrix"]["include"]
    oldest = re.search(r"torch>=([\d.]+)", " ".join(PROJECT["project"]["dependencies"]))
    assert oldest
    for system in ("ubuntu-latest", "macos-latest", "windows-latest"):
        pairs = {(row["python"], row["torch"]) for row in rows if row["os"] == system}
        assert pairs >= {("3.11", f"{oldest[1]}.*"), ("3.14", "newest")}
    declared = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["project"]["classifiers"]))
    assert {row["python"] for row in rows} == set(declared)
    assert PROJECT["project"]["requires-python"] == f">={declared[0]}"


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_the_other_files_for_the_host_are_yaml(path):
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


# Releases


def test_every_file_names_the_same_version():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "ponderling.__version__"}
    assert set(release_notes.versions().values()) == {ponderling.__version__}
    newest = re.search(r"(?m)^## (\S+) \(", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert newest
    assert newest[1] == ponderling.__version__


CHANGES = "# Changelog\n\n## 0.2.0 (2026-12-24)\n\n### New\n\n- One thing.\n\n## 0.1.0 (2026-12-01)\n\n- First.\n"


def test_the_notes_of_a_release_are_its_section_alone():
    notes = release_notes.notes_of("v0.2.0", CHANGES, versions={"a": "0.2.0", "b": "0.2.0"})
    assert notes == "### New\n\n- One thing."
    assert release_notes.notes_of("v0.1.0", CHANGES, versions={"a": "0.1.0"}) == "- First."


@pytest.mark.parametrize(
    ("tag", "changes", "versions", "said"),
    [
        ("v0.2.0", CHANGES, {"a": "0.2.0", "b": "0.1.0"}, "the tag is v0.2.0, expected v and the version: b has 0.1.0"),
        ("0.2.0", CHANGES, {"a": "0.2.0"}, "the tag is 0.2.0, expected v and the version: the v is missing"),
        ("v0.3.0", CHANGES, {"a": "0.3.0"}, r"expected a heading '## 0.3.0 \(YYYY-MM-DD\)' for the tag v0.3.0"),
        ("v0.2.0", CHANGES.replace("2026-12-24", "unreleased"), {"a": "0.2.0"}, r"expected a heading '## 0.2.0 \(YYYY"),
        ("v0.20", CHANGES, {"a": "0.20"}, "expected a heading '## 0.20 "),
    ],
)
def test_a_tag_that_is_not_the_version_with_a_dated_section_is_refused(tag, changes, versions, said):
    with pytest.raises(ValueError, match=said):
        release_notes.notes_of(tag, changes, versions=versions)


def test_a_refused_tag_is_told_in_one_line(capsys):
    assert release_notes.main(["v99.0.0"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


# Extras


def test_the_import_without_extras_tries_a_command_for_each_of_them():
    assert set(import_all.COMMANDS) == set(PROJECT["project"]["optional-dependencies"]) - {"dev", "docs"}


def test_where_extras_are_installed_the_import_without_them_says_that_it_proves_nothing(capsys):
    pytest.importorskip("fastapi")
    assert import_all.main() == 2
    assert "use an empty environment" in capsys.readouterr().out


# The documentation's site


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose slugify names a function."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: suffix)


def in_nav() -> set[str]:
    """The pages that mkdocs.yml lists."""
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)
    assert {key: ROOT / config[key] for key in FOLDERS} == FOLDERS

    def pages(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [page for part in (entry.values() if isinstance(entry, dict) else entry) for page in pages(part)]

    return set(pages(config["nav"]))


@pytest.fixture
def pages(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(build_docs, "PAGES", tmp_path / "pages")
    build_docs.write_pages()
    return tmp_path / "pages"


def test_the_site_lists_every_page_and_only_pages_that_are_there(pages):
    listed = in_nav()
    assert {page for page in listed if not (pages / page).exists()} == set()
    here = {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")}
    assert {page for page in here - listed if not page.startswith("files/")} == set()


def test_every_link_between_the_sites_pages_leads_somewhere(pages):
    links = 0
    for page in pages.rglob("*.md"):
        text = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            links += 1
            assert (page.parent / target).exists(), f"{page}: {target}"
    assert links > 100


def test_a_notebook_becomes_a_page_with_its_code_its_outputs_and_links_of_the_site(pages, tmp_path, monkeypatch):
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "[page](../docs/python.md#train)"]},
        {
            "cell_type": "code",
            "source": ["draw()"],
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["done\n"]},
                {"output_type": "display_data", "data": {"image/png": "AAAA\n", "text/plain": ["<Figure>"]}},
                {"output_type": "execute_result", "data": {"image/svg+xml": ["<svg/>"], "text/plain": ["<SVG>"]}},
                {"output_type": "execute_result", "data": {"text/plain": ["42"]}},
            ],
        },
    ]
    monkeypatch.setattr(build_docs, "ROOT", tmp_path)
    (tmp_path / "examples").mkdir()
    notebook = tmp_path / "examples" / "watch_it_think.ipynb"
    notebook.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    text, linked = build_docs.with_links_of_the_site(notebook)
    alt = "What the code above draws"
    assert text.split("\n\n") == [
        "# Title\n[page](python.md#train)",
        "```python\ndraw()\n```",
        "```text\ndone\n```",
        f'<img alt="{alt}" src="data:image/png;base64,AAAA">',
        f'<img alt="{alt}" src="data:image/svg+xml;base64,PHN2Zy8+">',
        "```text\n42\n```\n",
    ]
    assert linked == [(tmp_path / "docs" / "python.md").resolve()]
    for name in ("watch-it-think.md", "train-your-own.md"):
        page = (pages / name).read_text(encoding="utf-8")
        assert page.startswith("# ")
        assert '"cell_type"' not in page


def test_every_public_name_is_on_one_page(pages):
    text = "".join(path.read_text(encoding="utf-8") for path in (pages / "api").iterdir())
    assert sorted(re.findall(r"(?m)^## (\w+)$", text)) == sorted(ponderling.__all__)
    assert sorted(re.findall(r"(?m)^::: .*\.(\w+)$", text)) == sorted(ponderling.__all__)


def test_the_front_page_links_to_the_live_page_where_there_is_one(tmp_path, monkeypatch, pages):
    assert "live/" not in (pages / "index.md").read_text(encoding="utf-8")
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "index.html").write_text("<p>alive</p>")
    build_docs.write_pages(tmp_path / "live")
    assert "](live/index.html)" in (pages / "index.md").read_text(encoding="utf-8")
    assert (pages / "live" / "index.html").exists()


def test_what_the_strict_build_overlooks_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(build_docs, "SITE", tmp_path)
    (tmp_path / "b.html").write_text('<h2 id="there">There</h2>')
    page = tmp_path / "a.html"
    good = '<a href="b.html#there"></a> <a href="https://example.org/x"></a> <a href="/b.html"></a> <img src="b.html">'
    page.write_text(good)
    assert build_docs.faults_of(page) == []
    other = tmp_path / "c.html"
    other.write_text(
        good + '<img src="no.png"> <a href="b.html#not"></a> <script src="https://example.org/x.js"></script>'
    )
    assert [fault.partition(": ")[2] for fault in build_docs.faults_of(other)] == [
        "loads https://example.org/x.js from another host",
        "b.html#not has no such heading",
        "no.png is not there",
    ]
