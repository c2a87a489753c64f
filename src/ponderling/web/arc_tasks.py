"""The ARC tasks that a page offers, and how their views and grids are told; for the server and the static folder."""

from __future__ import annotations

from ponderling.checkpoint import Checkpoint
from ponderling.solving.vote import known_tasks
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.family import NONE
from ponderling.tasks.arc.files import ArcTask, Grid
from ponderling.tasks.base import PuzzleError

SYMMETRIES = (
    "as it is",
    "a quarter turn",
    "half a turn",
    "three quarter turns",
    "left and right exchanged",
    "up and down exchanged",
    "rows and columns exchanged",
    "mirrored at the other diagonal",
)
"""What `tasks.arc.canvas` numbers; turns are against the clock."""


def offered_tasks(checkpoint: Checkpoint, family: Arc, *, source: str = "default") -> dict[str, ArcTask]:
    """The tasks of a source that the checkpoint knows, those to be solved first; default: of the sources that its run names.

    Raises:
        ValueError: when the sources cannot be read, or none of their tasks is known.
    """
    data = checkpoint.config.data
    tasks: dict[str, ArcTask] = {}
    for name in (data.test, data.train) if source == "default" else (source,):
        if name in (NONE, "default", "hub"):
            continue
        try:
            tasks = {**known_tasks(family, family.read_fitting(name)), **tasks}
        except (OSError, PuzzleError) as error:
            raise ValueError(
                f"{checkpoint.path}: an ARC model answers the tasks that it was trained on, and their files cannot be read: "
                f"{error}; say with --data where they are"
            ) from error
    if not tasks and source != "default":
        raise ValueError(
            f"{source}: none of its tasks is known to {checkpoint.path}, which answers those it was trained on"
        )
    if not tasks:
        raise ValueError(
            f"{checkpoint.path} names no file with tasks that it knows: say with --data where there are some"
        )
    return dict(sorted(tasks.items(), key=lambda item: family.identifiers.tasks[item[0]].role != "test"))


def text_of(grid: Grid) -> str:
    """Rows of digits with slashes between."""
    return "/".join("".join(map(str, row)) for row in grid)
