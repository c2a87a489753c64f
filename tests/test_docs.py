"""The documents say what the code says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from ponderling.config import RunConfig
from ponderling.recipes import get_recipe

ROOT = Path(__file__).parent.parent
CARDS = (ROOT / "src" / "ponderling" / "weights").glob("*/README.md")
PAGES = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", *CARDS]


def quotations() -> list[tuple[str, str, str]]:
    """(page, source file, lines) of every code block that opens with the name of a source file."""
    found = []
    for page in PAGES:
        for name, lines in re.findall(r"```python\n# ([\w/]+\.py)\n(.*?)```", page.read_text(), re.DOTALL):
            found.append((page.name, name, lines))
    return found


def test_the_explanation_quotes_the_source():
    assert len([name for _, name, _ in quotations() if name == "recursion.py"]) >= 3
    assert len([name for _, name, _ in quotations() if name == "supervision.py"]) >= 4


@pytest.mark.parametrize(("page", "name", "lines"), quotations())
def test_quoted_lines_stand_in_the_source(page, name, lines):
    assert lines in (ROOT / "src" / "ponderling" / name).read_text(), f"{page} quotes other lines than {name} has"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
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


def test_the_readmes_network_of_ones_own_trains(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (code,) = [block for block in blocks if "MyModule" in block]
    recipe = get_recipe("sudoku4")
    tiny = replace(recipe.config.train, steps=3, batch_size=4, N_sup=2)
    data = replace(recipe.config.data, max_train=50, num_validation=5, max_test=5)
    monkeypatch.setattr(
        "ponderling.get_recipe", lambda name: replace(recipe, config=RunConfig(recipe.config.model, tiny, data))
    )
    monkeypatch.chdir(tmp_path)

    class MyModule(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(64, 64)

        def forward(self, h):
            return torch.tanh(self.linear(h))

    names = {"MyModule": MyModule}
    exec(code, names)
    assert names["trainer"].step == 3
    assert any(isinstance(module, MyModule) for module in names["trained"].modules())
