"""How the help writes a value: `--steps INT` and `(default: not given)`, where Python says `int | None` and `None`."""

from __future__ import annotations

import functools
import operator
import typing
from dataclasses import replace
from typing import Any

from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

NONE = "None"
"""The word that takes back a value which a recipe or a run gives; it is understood, but the help does not show it."""

registry = ConstructorRegistry()
"""Give it to tyro."""


@registry.primitive_rule
def optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """A value that need not be given is read and shown like one that must be."""
    options = typing.get_args(info.type)
    others = [option for option in options if option is not type(None)]
    if len(others) in (0, len(options)):
        return None
    given: Any = functools.reduce(operator.or_, others)
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(given, info.markers))
    if isinstance(spec, UnsupportedTypeAnnotationError) or not isinstance(spec.nargs, int):
        return None
    return replace(
        spec,
        instance_from_str=lambda words: None if words == [NONE] else spec.instance_from_str(words),
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: ["not", "given"] if value is None else spec.str_from_instance(value),
        choices=None if spec.choices is None else (*spec.choices, NONE),
    )
