"""Where the settings of older versions are now, for config.json files of format 1 and for flags as they were spelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOVED = {
    "train.device": "run.device",
    "train.threads": "run.threads",
    "train.compile": "run.compile",
    "train.tensorboard": "run.tensorboard",
    "train.eval_every": "run.eval_every",
    "train.checkpoint_every": "run.checkpoint_every",
    "train.checkpoint_minutes": "run.checkpoint_minutes",
    "train.log_every": "run.log_every",
    "train.halt_when_sure": "solve.halt_when_sure",
    "train.halt_by": "solve.halt_by",
    "train.halt_within_step": "solve.halt_within_step",
}
"""Old place of a field to its new place, each as section.field."""


def from_format_1(values: Any) -> Any:
    """The JSON values of a RunConfig of format 1, with every moved field in its new place.

    Whatever is not a setting of format 1 stays where it is, so that the reader reports it.

    Raises:
        ValueError: for a section that format 1 does not have.
    """
    new_sections = sorted({new.partition(".")[0] for new in MOVED.values()})
    if not isinstance(values, Mapping):
        return values
    if unknown := [name for name in new_sections if name in values]:
        raise ValueError(f"config: unknown field {unknown[0]!r} in format 1")
    upgraded = {name: dict(section) if isinstance(section, Mapping) else section for name, section in values.items()}
    for old, new in MOVED.items():
        (old_section, old_name), (new_section, new_name) = old.split("."), new.split(".")
        section = upgraded.get(old_section)
        if isinstance(section, dict) and old_name in section:
            upgraded.setdefault(new_section, {})[new_name] = section.pop(old_name)
    return upgraded


def current_flags(args: list[str]) -> list[str]:
    """The arguments of a command line, with flags of older versions as they are spelled now.

    A flag may be written with - or _, as --no-NAME, and with its value behind =.
    """
    return [_current_flag(arg) for arg in args]


def _current_flag(arg: str) -> str:
    if not arg.startswith("--"):
        return arg
    flag, equals, value = arg.removeprefix("--").partition("=")
    section, dot, name = flag.partition(".")
    negation = "no-" if name.startswith(("no-", "no_")) else ""
    new = MOVED.get(f"{section}.{name[len(negation) :].replace('-', '_')}")
    if not dot or new is None:
        return arg
    new_section, _, new_name = new.partition(".")
    return f"--{new_section}.{negation}{new_name.replace('_', '-')}{equals}{value}"
