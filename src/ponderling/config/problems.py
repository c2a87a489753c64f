"""One error for everything that is wrong with a group of settings."""

from __future__ import annotations


def refuse(problems: list[str]) -> None:
    """Raises a ValueError that lists the problems, if there are any."""
    if problems:
        raise ValueError("; ".join(problems))
