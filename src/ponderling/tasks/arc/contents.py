"""What a file of ARC's holds, told by its name and by the JSON in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ponderling.tasks.unpacked import without_packing

CHALLENGES, SOLUTIONS = "_challenges.json", "_solutions.json"
"""Endings of the names of Kaggle's files."""


def is_kind(path: Path, ending: str) -> bool:
    """Whether a name has the ending of challenges or solutions, in any case, with a dash too, and also if it is packed."""
    return without_packing(path.name).replace("-", "_").endswith(ending)


def is_task(value: Any) -> bool:
    """Whether JSON is one task, as far as its keys say."""
    return isinstance(value, dict) and "train" in value


def is_pairs(content: Any) -> bool:
    """Whether JSON is a list of pairs, as in Re-ARC's files; a pair may be a list of two grids, too."""
    return isinstance(content, list) and bool(content) and (is_pair(content[0]) or all(map(_is_two_grids, content)))


def is_pair(value: Any) -> bool:
    """Whether JSON is one pair, as far as its keys say."""
    return isinstance(value, dict) and "input" in value


def _is_two_grids(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(grid, list) and grid and all(isinstance(row, list) for row in grid) for grid in value)
        and not any(isinstance(cell, list) for grid in value for row in grid for cell in row)
    )


def goes_with_tasks(content: Any) -> str | None:
    """What a file holds that lies beside tasks and has none: a submission, or Re-ARC's facts about tasks; else None."""
    if not isinstance(content, dict) or not content:
        return None
    first = next(iter(content.values()))
    if isinstance(first, list) and first and isinstance(first[0], dict) and "attempt_1" in first[0]:
        return "a submission"
    about_tasks = isinstance(first, dict) and "train" not in first and "n_examples" in first
    if about_tasks or str(content.get("command")).startswith("ponderling data make rearc"):
        return "facts about tasks"
    return None


def goes_with_arc(content: Any, path: Path) -> bool:
    """Whether JSON has what files of ARC tasks have: their name, or `train` or `test` in it or in one of its values.

    Args:
        content: What the file holds.
        path: Its name.
    """
    if is_kind(path, SOLUTIONS) or is_kind(path, CHALLENGES) or goes_with_tasks(content) is not None:
        return True
    values = list(content.values()) if isinstance(content, dict) else content if isinstance(content, list) else []
    names = ("train", "test")
    return is_pairs(content) or any(
        isinstance(one, dict) and any(name in one for name in names) for one in [content, *values]
    )
