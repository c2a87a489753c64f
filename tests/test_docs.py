"""The documents say what the code says, their Python runs, and their prose keeps to the house style of CONTRIBUTING.md."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CARDS = (ROOT / "src" / "ponderling" / "weights").glob("*/README.md")
PROSE = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CODE_OF_CONDUCT.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PAGES = [*PROSE, *CARDS]
MOST_WORDS = 30
TURNS = {
    "so many": r"\bso many\b(?! (?:that|as))",
    "is no, is none": r"(?<![Tt]here )\b(?:is|are) (?:no|none)\b",
    "stands in, beside": r"\b(?:stands?|standing|stood) (?:in|on|beside|above|below|behind|there|only)\b",
    "anew": r"\banew\b",
    "lest": r"\blest\b",
    "of one's own": r"\b(?:one's|of (?:its|their|your|his)) own\b",
}
"""Turns of phrase that the house style replaces: see CONTRIBUTING.md."""


def name_of(page: Path) -> str:
    """What a page is called in the names of tests."""
    return f"{page.parent.name}/{page.name}"


def quotations() -> list[tuple[str, str, str]]:
    """(page, source file, lines) of every code block that opens with the name of a source file."""
    found = []
    for page in PAGES:
        for name, lines in re.findall(r"```python\n# ([\w/]+\.py)\n(.*?)```", page.read_text(), re.DOTALL):
            found.append((page.name, name, lines))
    return found


def python_blocks(page: Path) -> list[tuple[str, bool]]:
    """The page's Python blocks that do not quote the source, and whether each is to be run.

    `<!-- not run: REASON -->` on the line above a block says that it is not.
    """
    found = re.findall(r"(<!-- not run: \S.*? -->\n)?```python\n(.*?)```", page.read_text(), re.DOTALL)
    return [(code, not reason) for reason, code in found if not re.match(r"# [\w/]+\.py\n", code)]


FENCED = r"(?ms)^```(\w*)\n(.*?)^```$"


def commands(text: str) -> list[list[str]]:
    """The words of every `ponderling` command in the page's code, without comments, pipes and redirections."""
    blocks = [block for language, block in re.findall(FENCED, text) if not language]
    rest = re.sub(FENCED, "", text)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"(?m)^    (?=\S)(.*)", rest) + re.findall(r"`([^`\n]+)`", rest)
    found = []
    for line in lines:
        line = re.sub(r"'[^']*'", "TEXT", line)
        for part in re.split(r"&&|\||;|>", line.partition(" #")[0].strip("() ")):
            command = re.search(r"(?:^|^taskset .* |^torchrun .* )ponderling (.+)", part.strip())
            if command:
                found.append(command[1].split())
    return found


@functools.cache
def help_of(*verb: str) -> str:
    """What `ponderling VERB --help` prints."""
    import contextlib
    import io

    from ponderling.cli import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([*verb, "--help"])
    return printed.getvalue()


def paragraphs(text: str) -> list[str]:
    """The page's prose, a text for each paragraph, item or heading; without code, tables and comments."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(FENCED, "\n", text)
    found, current, may_be_code = [], [], True
    for line in [*text.splitlines(), ""]:
        item = re.match(r"\s*(?:[-*+]|\d+\.)\s|#+ ", line)
        ends = not line.strip() or line.startswith("|") or item
        if ends and current:
            found.append(" ".join(current))
            current = []
        if not line.strip() or line.startswith("|"):
            may_be_code = True
        elif not (may_be_code and line.startswith("    ")):
            current.append(line[item.end() :] if item else line.strip())
            may_be_code = False
    return found


def plain(paragraph: str) -> str:
    """The paragraph with links as their texts, and code as one word."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
    return re.sub(r"`[^`]*`", "Code", text).replace("*", "")


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph: they end with a full stop, a question mark or an exclamation mark."""
    return re.split(r"(?<=[.!?])[)\"]?\s+(?=[^a-z])", plain(paragraph))


def long_sentences(text: str) -> list[str]:
    """The page's sentences of more than MOST_WORDS words."""
    found = [sentence for paragraph in paragraphs(text) for sentence in sentences(paragraph)]
    return [s for s in found if sum(bool(re.search(r"\w", word)) for word in s.split()) > MOST_WORDS]


def test_the_explanation_quotes_the_source():
    assert len([name for _, name, _ in quotations() if name == "recursion.py"]) >= 3
    assert len([name for _, name, _ in quotations() if name == "supervision.py"]) >= 4


@pytest.mark.parametrize(("page", "name", "lines"), quotations())
def test_quoted_lines_stand_in_the_source(page, name, lines):
    assert lines in (ROOT / "src" / "ponderling" / name).read_text(), f"{page} quotes other lines than {name} has"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_somewhere(page):
    for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
        aim = page.parent / target if target else page
        assert aim.exists(), f"{page.name}: {target}"
        if heading:
            headings = re.findall(r"(?m)^#+ (.*)", aim.read_text())
            anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert heading in anchors, f"{page.name}: {target}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_the_pages_exist(page):
    from ponderling.cli import VERBS
    from ponderling.recipes import list_recipes

    text = page.read_text()
    verbs = set(re.findall(r"(?m)(?:^|`)ponderling ([a-z]+)\b", text))
    assert verbs <= set(VERBS), verbs - set(VERBS)
    recipes = {recipe.name for recipe in list_recipes()}
    assert set(re.findall(r"ponderling train ([a-z0-9][a-z0-9-]*)(?![\w:-])", text)) <= recipes
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?m)(?:^|`)make ([a-z]+)\b", text):
        assert re.search(rf"(?m)^{target}:", makefile), target


@pytest.mark.parametrize("page", PROSE, ids=name_of)
def test_options_in_the_pages_exist(page, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    for words in commands(page.read_text()):
        verb, *rest = words
        path = {"train": ("train", "sudoku4"), "data": ("data", *rest[: 2 if rest[:1] == ["make"] else 1])}
        about = help_of(*path.get(verb, (verb,)))
        own = {"--data", "--test", "--help", "--version"} if verb == "train" else {"--help"}
        for option in (word.partition("=")[0] for word in rest if re.match(r"--[a-zA-Z]", word)):
            assert option in own or re.search(rf"{re.escape(option)}(?![\w.-])", about), f"{' '.join(words)}: {option}"


def test_the_commands_of_a_page_are_found():
    fenced, indented = "```\na | ponderling solve sudoku - --json # x\n```", "    taskset -c 0 ponderling train a --b"
    text = f"{fenced}\n\n{indented}\n\nSee `ponderling eval c`."
    assert commands(text) == [["solve", "sudoku", "-", "--json"], ["train", "a", "--b"], ["eval", "c"]]


@pytest.fixture
def short_training(monkeypatch):
    """Cuts every run of training to three updates."""
    from ponderling.training.trainer import Trainer

    whole = Trainer.__init__

    def short(self, config, *args, **kwargs):
        steps = min(3, config.train.steps)
        whole(self, replace(config, train=replace(config.train, steps=steps)), *args, **kwargs)

    monkeypatch.setattr(Trainer, "__init__", short)


@pytest.mark.parametrize("page", [page for page in PAGES if any(run for _, run in python_blocks(page))], ids=name_of)
def test_the_python_of_a_page_runs_from_top_to_bottom_in_one_folder(page, tmp_path, monkeypatch, short_training):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for number, (code, run) in enumerate(python_blocks(page), 1):
        compiled = compile(code, f"{page.name}, block {number}", "exec")
        if run:
            exec(compiled, names)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_all_python_of_a_page_compiles(page):
    for number, (code, _) in enumerate(python_blocks(page), 1):
        compile(code, f"{page.name}, block {number}", "exec")


def test_readme_and_the_python_page_train_and_solve():
    text = "".join(code for page in ("README.md", "docs/python.md") for code, run in python_blocks(ROOT / page) if run)
    for call in ("Solver.from_pretrained", "pl.train(", "pl.start(", "pl.evaluate(", "pl.Search(", "save_pretrained"):
        assert call in text


@pytest.mark.parametrize("page", PROSE, ids=name_of)
def test_no_sentence_is_longer_than_thirty_words(page):
    assert long_sentences(page.read_text()) == []


@pytest.mark.parametrize("page", PROSE, ids=name_of)
def test_pages_keep_to_the_house_style(page):
    rows = [line for line in page.read_text().splitlines() if line.startswith("|")]
    found = [
        f"{name}: {text[max(0, turn.start() - 40) : turn.end() + 20]}"
        for text in map(plain, [*paragraphs(page.read_text()), *rows])
        for name, pattern in TURNS.items()
        for turn in re.finditer(pattern, text)
    ]
    assert found == []


def test_long_sentences_are_found():
    short, long = " ".join(["Word"] * 30) + ".", " ".join(["Word"] * 31) + "."
    text = (
        f"# Heading\n\n{short} {short}\n\n- {long}\n\n| {long} |\n\n    {long}\n\n```\n{long}\n```\n\n{short}\n{long}\n"
    )
    assert long_sentences(text) == [long, long]


def test_the_python_page_names_everything_that_is_public():
    import ponderling

    text = (ROOT / "docs" / "python.md").read_text()
    assert {name for name in ponderling.__all__ if not re.search(rf"`{name}`", text)} == set()


def commands_of_the_papers_tables() -> list[tuple[str, int | None]]:
    """The `ponderling train` commands of docs/from-the-papers.md, with the millions of parameters that the papers say."""
    found = []
    for row in (ROOT / "docs" / "from-the-papers.md").read_text().splitlines():
        options = re.search(r"\| `(--[^`]*)` \|$", row)
        for command in re.findall(r"`ponderling train ([^`]*)` \|", row):
            said = re.match(r"\| [^|]*, (\d+)M \|", row)
            found.append((command, int(said[1]) if said else None))
        if options:
            found.append((f"trm-sudoku-mlp {options[1]}", None))
    return found


@pytest.mark.parametrize(("command", "millions"), commands_of_the_papers_tables())
def test_a_command_for_a_row_of_the_papers_makes_a_network_of_its_size(command, millions):
    from ponderling.cli.train import _parse
    from ponderling.models import build_model, count_parameters
    from ponderling.recipes import get_recipe

    name, *options = command.split()
    recipe = get_recipe(name)
    config = _parse(recipe, recipe.config, args=options, name=name).config()
    assert (config != recipe.config) == bool(options)
    parameters = count_parameters(build_model(config))
    assert millions is None or parameters == pytest.approx(1e6 * millions, rel=0.04)


def test_the_small_ablations_are_quoted_as_they_were_measured():
    table = (ROOT / "docs" / "how-it-works.md").read_text()
    quoted = re.findall(r"\| ([\d.]+) \(([\d.]+ to [\d.]+)\) \|", (ROOT / "docs" / "from-the-papers.md").read_text())
    assert len(quoted) == 10
    for mean, spread in quoted:
        assert f"{mean}% ({spread})" in table
