"""Limits of the numbers in settings: finite, whole where something is counted, and of a size that a machine can have."""

from __future__ import annotations

import functools
import math
import numbers
import types
import typing
from collections.abc import Mapping
from typing import Any

from ponderling.config.problems import refuse

MOST = 2**31 - 1
"""Largest whole number of a setting that has no smaller limit, such as a number of steps."""

SEEDS = 2**63 - 1
"""Largest seed."""


def number_problems(config: Any, most: Mapping[str, int | float] | None = None) -> list[str]:
    """What is wrong with the numbers in a dataclass of settings; numbers of numpy become Python's.

    Args:
        config: The dataclass, whose fields may be changed here even if it is frozen.
        most: Largest absolute value of a field; whole numbers that are not named here may be as large as MOST.

    Returns:
        A text for each field that is not a number, not finite, not whole or too large.
    """
    problems = []
    for name, kind in _number_fields(type(config)).items():
        value = getattr(config, name)
        if value is None:
            continue
        if (fault := _fault(value, kind)) is not None:
            problems.append(f"{name} must be {fault}: got {shown(value)}")
            continue
        plain = kind(value) if not isinstance(value, int | float) else value
        object.__setattr__(config, name, plain)
        limit = (most or {}).get(name, MOST if kind is int else math.inf)
        if abs(plain) > limit:
            problems.append(f"{name} must be at most {limit:,}: got {shown(value)}")
    return problems


def check_whole(**numbers_: Any) -> None:
    """Refuses arguments that are not whole numbers: "2", 2.5 or True.

    Args:
        numbers_: The arguments by name.

    Raises:
        ValueError: naming each, with what came.
    """
    faults = {name: _fault(value, int) for name, value in numbers_.items()}
    refuse([f"{name} must be {fault}: got {shown(numbers_[name])}" for name, fault in faults.items() if fault])


def _fault(value: Any, kind: type) -> str | None:
    """What a value should be and is not."""
    if kind is int:
        return None if isinstance(value, numbers.Integral) and not isinstance(value, bool) else "a whole number"
    return None if is_finite(value) else "a finite number"


def is_finite(value: object) -> bool:
    """Whether a value is a number, no boolean, that a float can hold and that is neither NaN nor infinite."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of more than 308 digits
        return False


@functools.cache
def _number_fields(cls: type) -> dict[str, type]:
    """The fields of a dataclass that are numbers, or a number or None, each with int or float."""
    found: dict[str, type] = {}
    for name, hint in typing.get_type_hints(cls).items():
        kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        for kind in (int, float):
            if kind in kinds:
                found[name] = kind
    return found


def shown(value: Any, most: int = 60) -> str:
    """A value as it may be in a message: on one line, and cut off after some sixty characters."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**most:
        return f"a number of more than {most} digits"  # Python refuses to write out those of more than 4,300
    text = str(value) if isinstance(value, int | float | numbers.Number) else repr(value)
    return text if len(text) <= most else f"{text[:most]}..."
