"""Kinds of settings other than numbers: choices, flags, texts, and settings within settings.

The command line and config.json can only give what fits. In Python a misspelt choice would silently be another one.
"""

from __future__ import annotations

import functools
import os
import types
import typing
from typing import Any, Literal

from ponderling.config.numbers import shown
from ponderling.system import did_you_mean


def kind_problems(config: Any) -> list[str]:
    """What is wrong with the choices, flags, texts and parts in a dataclass of settings.

    A path becomes a text, a list a tuple, and a flag of numpy Python's own.

    Args:
        config: The dataclass, whose fields may be changed here even if it is frozen.

    Returns:
        A text for each field that is not what its type says.
    """
    problems = []
    for name, (hint, may_be_none) in _fields(type(config)).items():
        value = getattr(config, name)
        if value is None and may_be_none:
            continue
        value = _plain(value, hint)
        fault = _fault(value, hint)
        if fault is not None:
            problems.append(f"{name} must be {fault}")
        elif value is not getattr(config, name):
            object.__setattr__(config, name, value)
    return problems


@functools.cache
def _fields(cls: type) -> dict[str, tuple[Any, bool]]:
    """The fields of a dataclass that are no numbers, each with its type and whether it may be None."""
    found = {}
    for name, hint in typing.get_type_hints(cls).items():
        options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        own = [option for option in options if option is not type(None)]
        if len(own) == 1 and own[0] not in (int, float) and name != "_":
            found[name] = own[0], len(own) < len(options)
    return found


def _plain(value: Any, hint: Any) -> Any:
    """The value as Python's own, where another of its kind was given."""
    if hint is str and isinstance(value, os.PathLike):
        return os.fspath(value)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(value)
    if hint is bool and type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    return value


def _fault(value: Any, hint: Any) -> str | None:
    """What a value should be and is not, and what it is."""
    got = f"got {shown(value)}"
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if isinstance(value, str) and value in choices:
            return None
        close = did_you_mean(value, choices) if isinstance(value, str) and len(value) < 100 else ""
        return f"one of {', '.join(choices)}: {got}" + (f" ({close.rstrip('. ')})" if close else "")
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        is_right = isinstance(value, tuple) and all(isinstance(part, item) for part in value)
        return None if is_right else f"a tuple of {item.__name__}: {got}"
    if isinstance(value, hint):
        return None
    if hint is bool:
        return f"True or False: {got}"
    return f"{'text' if hint is str else f'a {hint.__name__}'}: {got}"
