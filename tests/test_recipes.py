"""Recipes: each can be built, and those of the papers have their sizes."""

from __future__ import annotations

import pytest

from ponderling.config import PuzzleShape
from ponderling.models import build_model, count_parameters
from ponderling.recipes import get_recipe, list_recipes


def test_every_recipe_can_be_built_and_says_what_it_is():
    for recipe in list_recipes():
        assert recipe.summary
        assert get_recipe(recipe.name) == recipe
    with pytest.raises(ValueError, match="unknown recipe 'sudoku44': did you mean sudoku4"):
        get_recipe("sudoku44")


def test_the_papers_recipes_have_the_papers_parameter_counts():
    counts = {"trm-sudoku-attention": 6_828_034, "trm-sudoku-mlp": 5_028_866, "hrm-sudoku": 27_275_266}
    for name, expected in counts.items():
        model = build_model(get_recipe(name).config.model, PuzzleShape(11, 81))
        assert count_parameters(model) == expected, name
