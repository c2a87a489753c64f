"""Weights put on grids of another size than those of their file, where no weight belongs to a place."""

from __future__ import annotations

from dataclasses import replace

from ponderling.checkpoint import CELLS_SURE, Checkpoint, on_task
from ponderling.models import Relational, shape_of
from ponderling.solving.vote import arc_of
from ponderling.tasks import get_task
from ponderling.tasks.arc.files import ArcTask
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.family import Grids
from ponderling.tasks.custom.files import read_grid_file, tested_file
from ponderling.tasks.custom.spec import MOST_CELLS
from ponderling.tasks.custom.structure import NONE, Structure
from ponderling.tasks.custom.text_form import readings_of

MOST_SIDE = 30
"""Most rows and columns of ARC's grids."""


def for_file(checkpoint: Checkpoint, source: str) -> Checkpoint:
    """The checkpoint with a canvas on which the grids of a file fit, where its network takes every size; else as it is."""
    path = tested_file(source)
    if not _takes_every_size(checkpoint) or not path.is_file():
        return checkpoint
    file = read_grid_file(path)
    block = _grows(checkpoint)
    shapes = {(rows * block[0], columns * block[1]) for rows, columns in file.inputs.shapes.tolist()}
    shapes |= {(rows, columns) for rows, columns in file.outputs.shapes.tolist() if rows}
    return _for_shapes(checkpoint, shapes)


def for_text(checkpoint: Checkpoint, text: str) -> Checkpoint:
    """The checkpoint with a canvas on which this grid fits, where its network takes every size; else as it is."""
    if not _takes_every_size(checkpoint):
        return checkpoint
    try:
        readings = readings_of(text)
    except ValueError:
        return checkpoint  # the solver says what is wrong with it
    height, width = _grows(checkpoint)
    readings = [rows for rows in readings if rows and len({len(row) for row in rows}) == 1]
    shapes = {(len(rows) * height, len(rows[0]) * width) for rows in readings}
    spec = checkpoint.config.data.grid
    assert spec is not None
    if any(_fits(shape, (spec.rows, spec.columns), exactly=spec.sizes == "one") for shape in shapes):
        return checkpoint
    return _for_shapes(checkpoint, shapes) if len(shapes) == 1 else checkpoint


def takes_every_canvas(checkpoint: Checkpoint) -> bool:
    """Whether `for_arc_task` can put an ARC checkpoint on other canvases."""
    rows, columns = arc_of(checkpoint).grid_shape
    model = checkpoint.model
    return rows == columns and isinstance(model, Relational) and model.fits_every_size


def for_arc_task(checkpoint: Checkpoint, task: ArcTask) -> Checkpoint:
    """An ARC checkpoint on the square canvas that a task wants, where its network takes every size; else as it is.

    The task's largest grid fits on it. Smaller grids than those that were trained on leave room for one more row and column,
    since the network has seen their ends mostly so.
    """
    rows, columns = arc_of(checkpoint).grid_shape
    side = max(task.size, min(task.size + 1, rows))
    if not takes_every_canvas(checkpoint) or side in (rows, columns) or side > MOST_SIDE:
        return checkpoint
    name = f"arc{side}"
    return on_task(checkpoint, get_task(name, replace(checkpoint.config.data, task=name)))


def holds_arc_task(checkpoint: Checkpoint, task: ArcTask) -> bool:
    """Whether a task fits on an ARC checkpoint's canvas, or on the one that `for_arc_task` puts it on."""
    return arc_of(checkpoint).holds(task) or (takes_every_canvas(checkpoint) and task.size <= MOST_SIDE)


def _takes_every_size(checkpoint: Checkpoint) -> bool:
    model = checkpoint.model
    return checkpoint.config.data.grid is not None and isinstance(model, Relational) and model.fits_every_size


def _grows(checkpoint: Checkpoint) -> tuple[int, int]:
    """The numbers of rows and columns of an answer for each of its question, where the structure says so; else 1 and 1."""
    data = checkpoint.config.data
    assert data.grid is not None
    structure = None if data.structure == NONE else Structure.named(data.structure, data.grid)
    return (1, 1) if structure is None else structure.grows or (1, 1)


def _fits(shape: tuple[int, ...], canvas: tuple[int, int], *, exactly: bool) -> bool:
    return shape == canvas if exactly else shape[0] <= canvas[0] and shape[1] <= canvas[1]


def _for_shapes(checkpoint: Checkpoint, shapes: set[tuple[int, ...]]) -> Checkpoint:
    """The checkpoint on a canvas for these shapes; as it is where they fit, or where no canvas would do."""
    data = checkpoint.config.data
    spec = data.grid
    assert spec is not None
    if not shapes or all(_fits(shape, (spec.rows, spec.columns), exactly=spec.sizes == "one") for shape in shapes):
        return checkpoint
    if spec.sizes == "one" and len(shapes) > 1:
        sizes = ", ".join(sorted(f"{rows}x{columns}" for rows, columns in shapes))
        raise PuzzleError(
            f"grids are {sizes}: the network was trained on grids of one size, {spec.rows}x{spec.columns}; it takes any size,"
            " but one in a file"
        )
    rows, columns = (max(shape[axis] for shape in shapes) for axis in (0, 1))
    if spec.sizes == "marked":
        rows, columns = max(rows, spec.rows), max(columns, spec.columns)
    if rows * columns > MOST_CELLS:
        return checkpoint
    return on_canvas(checkpoint, rows, columns=columns)


def on_canvas(checkpoint: Checkpoint, rows: int, *, columns: int) -> Checkpoint:
    """Puts the weights on a canvas of another size, where the least sure cell says when to stop, since the halting head cannot.

    Raises:
        ValueError: when the structure does not fit the canvas.
    """
    config, model = checkpoint.config, checkpoint.model
    assert config.data.grid is not None
    assert isinstance(model, Relational)
    data = replace(config.data, grid=replace(config.data.grid, rows=rows, columns=columns))
    config = replace(config, data=data, solve=replace(config.solve, halt_by="cells", halt_when_sure=CELLS_SURE))
    task = Grids.of(data)
    shape = replace(shape_of(task), num_puzzles=checkpoint.shape.num_puzzles)
    return replace(checkpoint, model=model.on(shape, task.relations), config=config, shape=shape)
