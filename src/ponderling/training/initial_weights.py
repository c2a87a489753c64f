"""The weights that a run starts with in place of random ones, with the rows of their table of puzzles under the run's ids.

A model knows an ARC task by its rows alone, and two runs number their tasks differently. So rows are carried over by the task.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ponderling.checkpoint import MODEL, CheckpointError, find_checkpoint, load_weights, read_config, read_safetensors
from ponderling.models import Relational
from ponderling.models.widened import is_narrower, widened
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.identifiers import UNKNOWN, Identifiers
from ponderling.tasks.base import Task

TABLES = ("puzzle_embedding.table", "puzzle_vectors.table")
"""The keys that the puzzle embedding, or the puzzles' vectors, may have in a model's state dict."""


def load_initial(model: nn.Module, checkpoint: str, *, task: Task) -> str | None:
    """Loads a checkpoint's weights into a new model; tasks of ARC that the checkpoint knows get their own rows.

    Weights of a relational network with a smaller hidden size are widened, see `models.widened`.

    Args:
        model: The model of the run.
        checkpoint: A checkpoint, as `find_checkpoint` takes it.
        task: The run's family, which has been given its data.

    Returns:
        A line on which tasks have rows of the checkpoint, or on a network that was made wider; None where neither is so.

    Raises:
        CheckpointError: when the checkpoint is missing, or its weights do not fit.
    """
    folder = find_checkpoint(checkpoint)
    path = folder / MODEL
    state = read_safetensors(path)
    key = next((key for key in TABLES if key in state), None)
    line = None
    if isinstance(task, Arc) and key is not None:
        _, shape, info = read_config(folder)
        try:
            # Rows of a checkpoint without names are nobody's, as of an official one that came without identifiers.json.
            known = Identifiers.from_json(info.get("identifiers", {"unnamed": shape.num_puzzles, "tasks": {}}))
        except (AttributeError, ValueError) as error:
            raise CheckpointError(f"{folder}: its config.json names its tasks wrongly: {error}") from error
        if known.num_rows != shape.num_puzzles:
            raise CheckpointError(f"{folder}: its config.json names {known.num_rows} rows of {shape.num_puzzles}")
        state[key], count = carry_rows(state[key], known=known, wanted=task.identifiers)
        line = f"{count:,} of {len(task.identifiers.tasks):,} tasks start as {checkpoint} knows them"
        if count < len(task.identifiers.tasks):
            line += ", the others with the mean of its tasks"
    if isinstance(model, Relational) and is_narrower(state, model):
        line = f"{checkpoint} is made wider: {state['initial'].shape[-1]} to {model.config.hidden_size} channels"
        try:
            state = widened(state, model)
        except ValueError as error:
            raise CheckpointError(f"{path}: {error}") from error
    load_weights(model, state, path=path)
    return line


def carry_rows(table: Tensor, *, known: Identifiers, wanted: Identifiers) -> tuple[Tensor, int]:
    """A table for the ids of `wanted`, with the rows of those tasks and views that `known` has too.

    Rows of tasks that it does not have are the mean of its rows, without row 0, which is blank.

    Args:
        table: Rows, (R, ...); several ids that follow one another may share one, as the views of a task may.
        known: The ids of the table's rows.
        wanted: The ids of the new table.

    Returns:
        The new table, and the number of tasks whose rows were carried over.
    """
    shared = max(1, round(known.num_rows / len(table)))  # ids that share a row
    trained = table[1:] if len(table) > 1 else table
    new = trained.mean(dim=0, keepdim=True).repeat(-(-wanted.num_rows // shared), *[1] * (table.ndim - 1))
    blank = min(known.unnamed, wanted.unnamed)
    new[: -(-blank // shared)] = table[: -(-blank // shared)]
    carried = 0
    for name, task in wanted.tasks.items():
        same = known.tasks.get(name)
        if same is None or (task.digest != same.digest and UNKNOWN not in (task.digest, same.digest)):
            continue
        here, there = wanted.rows(name), known.rows(name)
        count = min(len(here), len(there))
        here, there = here[:count], there[:count]
        alike = (wanted.symmetries[here] == known.symmetries[there]) & (
            wanted.colours[here] == known.colours[there]
        ).all(1)
        new[torch.from_numpy(here[alike] // shared)] = table[torch.from_numpy(there[alike] // shared)]
        carried += bool(alike[0])
    return new, carried
