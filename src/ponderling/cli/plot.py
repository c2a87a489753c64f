"""`ponderling plot RUN...` draws how runs went; `ponderling plot FILE.json...` what `ponderling eval --json` printed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from ponderling.cli.arguments import parse_arguments
from ponderling.cli.display import prepare_output


@dataclass(frozen=True)
class PlotCommand:
    """What `ponderling plot` takes."""

    what: Annotated[Positional[tuple[Path, ...]], tyro.conf.arg(help_behavior_hint="(required)")]
    """Run folders: loss, exact match, steps, halting precision, by rating. Or files with what `ponderling eval --json` printed:
    accuracy against steps, steps and accuracy by difficulty."""
    out: Path = Path("plot.png")
    """The picture: .png, .svg or .pdf; one that is there already is replaced."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        PlotCommand, args, prog="ponderling plot", description="Draws how runs went, or what thinking longer is worth."
    )
    from ponderling.pictures.plots import (
        check_ending,
        need_matplotlib,
        plot_evaluations,
        plot_runs,
        read_evaluation,
        read_run,
        save,
    )

    if not command.what:
        raise ValueError("name a run folder, or a file with what `ponderling eval --json` printed")
    check_ending(command.out)
    need_matplotlib()
    missing = [path for path in command.what if not path.exists()]
    if missing:
        raise FileNotFoundError(f"{missing[0]}: no such run folder or file")
    folders = [path.is_dir() for path in command.what]
    if any(folders) and not all(folders):
        raise ValueError("run folders and files of figures make different pictures: name one kind")
    if all(folders):
        figure = plot_runs([read_run(path) for path in command.what])
    else:
        figure = plot_evaluations([read_evaluation(path) for path in command.what])
    prepare_output(command.out)
    save(figure, command.out)
    print(f"written to {command.out}", file=sys.stderr)
    return 0
