"""`ponderling export CHECKPOINT OUT --to official`: a checkpoint of ours becomes one that the official code loads."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from ponderling.cli.arguments import parse_arguments


@dataclass(frozen=True)
class ExportCommand:
    """What `ponderling export` takes."""

    checkpoint: Positional[str]
    """A run folder, a checkpoint folder or a Hub repository."""
    out: Positional[Path]
    """Folder for the official files; files that are there already are not overwritten."""
    to: Literal["official"] = "official"
    """The format: official writes step_N and all_config.yaml for the repositories of TRM and HRM."""
    prefix: Literal["compiled", "plain", "bare", "same"] = "same"
    """Keys as saved with torch.compile, without it, of the bare model, or as they were imported (compiled for ours)."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        ExportCommand, args, "ponderling export", "Writes a checkpoint in the format of the official HRM and TRM code."
    )
    from ponderling.checkpoint import MODEL, find_checkpoint, read_config, read_safetensors
    from ponderling.official import PREFIXES, write_official

    folder = find_checkpoint(command.checkpoint)
    config, _, info = read_config(folder)
    prefixes: dict[str, str] = dict(zip(("compiled", "plain", "bare"), PREFIXES, strict=True))
    tensors = read_safetensors(folder / MODEL)
    file = write_official(command.out, tensors, config, info, prefixes.get(command.prefix))
    print(f"written to {file} and all_config.yaml beside it", file=sys.stderr)
    return 0
