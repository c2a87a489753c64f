"""Settings as plain JSON values, and back."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import json
import textwrap
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from ponderling.config.numbers import is_finite
from ponderling.config.problems import refuse
from ponderling.system import closest

T_ = TypeVar("T_")

MOST_PROBLEMS = 8
"""Number of problems of a group of settings that a message names."""

LONGEST = 10_000
"""Number of items of a list of settings, such as the phases of training."""


def to_json(config: Any) -> dict[str, Any]:
    """The config as plain JSON values; `from_json` reads it back."""
    return dataclasses.asdict(config)


def from_json(cls: type[T_], values: Mapping[str, Any], *, where: str = "config") -> T_:
    """The config of class `cls` from plain JSON values; unknown fields and wrong types are reported together."""
    problems: list[str] = []
    config = _build(cls, values, where=where, problems=problems)
    refuse(problems)
    assert config is not None
    return config


def _build(cls: type[T_], values: Any, *, where: str, problems: list[str]) -> T_ | None:
    if not isinstance(values, Mapping):
        problems.append(f"{where}: expected an object with fields, got {_got(values)}")
        return None
    hints = typing.get_type_hints(cls)
    unknown = [name for name in values if name not in hints]
    for name in unknown[:MOST_PROBLEMS]:
        close = closest(name, hints) if len(name) < 100 else None
        problems.append(f"{where}: unknown field {name[:60]!r}" + (f" (did you mean {close!r}?)" if close else ""))
    if len(unknown) > MOST_PROBLEMS:
        problems.append(f"{where}: {len(unknown) - MOST_PROBLEMS} more unknown fields")
    before = len(problems)
    problems += [f"{where}: missing field {name!r}" for name in _needed(cls) if name not in values]
    kwargs: dict[str, Any] = {}
    for name in hints:
        if name not in values:
            continue
        value, hint = values[name], _unless_null(hints[name], values[name])
        if dataclasses.is_dataclass(hint):
            kwargs[name] = _build(typing.cast(type, hint), value, where=f"{where}.{name}", problems=problems)
        elif typing.get_origin(hint) is tuple:  # of any number of dataclasses, or of texts
            item = typing.cast(type, typing.get_args(hint)[0])
            if isinstance(value, list | tuple) and len(value) > LONGEST:
                problems.append(f"{where}.{name}: expected at most {LONGEST:,} items, got {len(value):,}")
                continue
            if isinstance(value, list | tuple) and dataclasses.is_dataclass(item):
                parts = [
                    _build(item, part, where=f"{where}.{name}[{i}]", problems=problems) for i, part in enumerate(value)
                ]
                kwargs[name] = tuple(parts)
            elif isinstance(value, list | tuple) and all(_fits(part, item) for part in value):
                kwargs[name] = tuple(value)
            else:
                of = "" if dataclasses.is_dataclass(item) else f" of {item.__name__}"
                problems.append(f"{where}.{name}: expected a list{of}, got {_got(value)}")
        elif _fits(value, hint):
            kwargs[name] = value
        else:
            problems.append(f"{where}.{name}: expected {_describe(hint)}, got {_got(value)}")
    if len(problems) > before:
        return None
    try:
        return cls(**kwargs)
    except (TypeError, ValueError, ArithmeticError) as error:
        problems.append(f"{where}: {error}")
        return None


def _unless_null(hint: Any, value: Any) -> Any:
    """The dataclass in `dataclass | None` for a value other than None; any other hint unchanged."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else ()
    return next((option for option in options if dataclasses.is_dataclass(option) and value is not None), hint)


def _fits(value: Any, hint: Any) -> bool:
    if typing.get_origin(hint) is Literal:
        return isinstance(value, str) and value in typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    if hint is float:
        return is_finite(value)
    return isinstance(value, hint) and not (hint is int and isinstance(value, bool))


def _needed(cls: type) -> list[str]:
    """The fields of a dataclass that have no default."""
    missing = dataclasses.MISSING
    return [f.name for f in dataclasses.fields(cls) if f.default is missing and f.default_factory is missing]


def _got(value: Any) -> str:
    """A value as JSON, cut off where it is long."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    return getattr(hint, "__name__", str(hint))


def field_texts(cls: type) -> dict[str, str]:
    """The text below each field of a dataclass, as one line: what the command line shows as help.

    Raises:
        OSError: when the source of the class is not there to be read.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(tree, ast.ClassDef)
    texts = {}
    for field, below in itertools.pairwise(tree.body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(field.target, ast.Name):
            assert isinstance(below.value, ast.Constant)
            texts[field.target.id] = " ".join(str(below.value.value).split())
    return texts
