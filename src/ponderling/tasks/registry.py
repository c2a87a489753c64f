"""The available puzzle families: each subpackage of `ponderling.tasks` says in its `FAMILY` what it offers.

So a new family is a folder next to the others, and nothing else has to know of it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ponderling.system import did_you_mean
from ponderling.tasks.base import DataSettings, Task
from ponderling.tasks.own_code import import_attribute


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A kind of families that are made from their names."""

    expression: str
    """A regular expression that matches the whole name."""
    make: Callable[..., Task]
    """Makes the family of a name, from the run's data settings (or None) and the groups of the expression."""
    example: str = ""
    """Names of this kind, for a message; empty: not for people to type."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a subpackage offers."""

    named: Mapping[str, Task] = field(default_factory=dict)
    """Families by their fixed names."""
    patterns: tuple[Pattern, ...] = ()


@functools.cache
def families() -> tuple[Family, ...]:
    """What each subpackage offers, in alphabetical order of the subpackages."""
    folder = Path(__file__).parent
    modules = sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if module.ispkg)
    return tuple(importlib.import_module(f"ponderling.tasks.{name}").FAMILY for name in modules)


def named_tasks() -> dict[str, Task]:
    """The families that are known by name."""
    return {name: task for family in families() for name, task in family.named.items()}


NEEDED = sorted(name for name in vars(Task) if not name.startswith("_"))
"""What an object must have to be a puzzle family."""


def get_task(name: str, settings: DataSettings | None = None) -> Task:
    """The puzzle family of that name, or the one that a module holds: `module:attribute`, also of a file in this folder.

    Args:
        name: Name of the family.
        settings: What a run says of its data, for families that need more than a name.

    Raises:
        ValueError: naming the known families and the closest one, or what the module lacks.
    """
    if ":" in name:
        return _imported(name)
    named, patterns = named_tasks(), [pattern for family in families() for pattern in family.patterns]
    if name in named:
        return named[name]
    for pattern in patterns:
        if match := re.fullmatch(pattern.expression, name):
            return pattern.make(settings, *match.groups())
    examples = " or ".join(pattern.example for pattern in patterns if pattern.example)
    raise ValueError(
        f"unknown task {name!r}: {did_you_mean(name, named)}There are {', '.join(named)}, any such as {examples}, and "
        "module:attribute for one of your own"
    )


def answers_by_vote(name: str) -> bool:
    """Whether a name is that of a family whose questions are answered by votes; False for a name that nothing has."""
    try:
        return get_task(name).answers_by_vote
    except ValueError:
        return False


def _imported(name: str) -> Task:
    module_name, _, attribute = name.partition(":")
    try:
        task: Any = import_attribute(name)
    except ImportError as error:
        raise ValueError(f"task {name}: {module_name} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ValueError(f"task {name}: {module_name} has no {attribute!r}") from error
    if isinstance(task, type):
        try:
            task = task()
        except Exception as error:
            raise ValueError(f"task {name}: {attribute}() raised {type(error).__name__}: {error}") from error
    missing = [needed for needed in NEEDED if not hasattr(task, needed)]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ValueError(
            f"task {name} is not a puzzle family: it lacks {', '.join(missing[:3])}{more}; derive it from tasks.GridTask"
        )
    return task
