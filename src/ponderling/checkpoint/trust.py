"""Python code that a checkpoint names is run only where its user asked for it or trusts it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ponderling.checkpoint.errors import CheckpointError
from ponderling.config import RunConfig
from ponderling.tasks.own_code import admit


def admit_code(
    config: RunConfig,
    info: Mapping[str, Any],
    *,
    folder: Path,
    asked: Collection[str] = (),
    trust: bool = False,
    advice: str | None = None,
) -> None:
    """Refuses a config that names Python code which the user neither asked for nor trusts, before any of it is imported.

    Args:
        config: As it was read from a checkpoint.
        info: The checkpoint's; `code` says where the run's code lay.
        folder: The checkpoint's.
        asked: Names of code that the user gave.
        trust: Whether the user trusts the checkpoint.
        advice: How the user can allow a name, for the message; None: as `load_checkpoint` is told.

    Raises:
        CheckpointError: saying what to do.
    """
    noted = info.get("code")
    for name in own_code(config):
        how = "say --trust (trust=True) if you trust it"
        if name in config.data.families:
            how += f", or --task {name} (task={name!r}) if that is the task that you mean"
        try:
            admit(
                name,
                noted=noted if isinstance(noted, dict) else {},
                where=folder,
                trust=trust,
                asked=name in asked,
                advice=advice or how,
            )
        except ValueError as error:
            raise CheckpointError(str(error)) from error


def own_code(config: RunConfig) -> list[str]:
    """The Python code, `module:attribute`, that a run's settings name: its task's and its checker's."""
    names = [name for name in config.data.families if ":" in name]
    return names + ([] if config.data.check is None else [config.data.check])
