"""From a name to a model: the network that a checkpoint describes, with its weights, also for another puzzle family."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ponderling.checkpoint.errors import CheckpointError, one_line
from ponderling.checkpoint.folders import CONFIG, MODEL, find_checkpoint
from ponderling.checkpoint.header import read_config
from ponderling.checkpoint.tensor_files import Layout, load_weights, read_layout, read_safetensors, refuse_misfit
from ponderling.checkpoint.trust import admit_code
from ponderling.config import (
    DType,
    ModelConfig,
    PuzzleShape,
    RunConfig,
)
from ponderling.data import task_of
from ponderling.models import Model, Reasoner, Relational, build_model, refuse_other_shape
from ponderling.models.device import check_device, check_dtype
from ponderling.models.own_network import Networks, model_around
from ponderling.models.relational import same_network
from ponderling.tasks import Task, answers_by_vote, get_task
from ponderling.tasks.relations import Relations

CELLS_SURE = 0.9
"""Least probability of every cell's symbol at which a puzzle of a new size ends. There `sudoku` was right whenever it stopped,
on 4x4, 6x6 and 9x9; see dev/LOG.md."""

SEVERAL_SIZES = 3
"""Number of sizes in training from which on the halting head is asked on other sizes, too: a head that knows several mazes'
sizes was right on larger ones whenever it was sure; one that knows 9x9 Sudokus alone never stops elsewhere (dev/LOG.md)."""

MOST_TABLES = 2**29
"""Largest size of the tables, such as those of rotary positions, that a model makes besides its weights, in bytes."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A trained model with what it was trained as."""

    model: Model
    config: RunConfig
    shape: PuzzleShape
    info: dict[str, Any]
    """What is known of its making: step, scores, origin."""
    path: Path


def load_checkpoint(
    name: str | Path,
    device: torch.device | str = "cpu",
    *,
    dtype: DType | None = None,
    token: str | None = None,
    task: str | None = None,
    trust: bool = False,
    net: Networks | None = None,
    model: nn.Module | None = None,
) -> Checkpoint:
    """The model of a checkpoint, in evaluation mode.

    Args:
        name: A checkpoint folder, a run folder (its best checkpoint, else its last), the name of packaged weights or a Hub
            repository `hf:owner/name`, `hf:owner/name@revision` for a branch, a tag or a commit.
        device: Where the model goes; looked at before anything is loaded.
        dtype: Activations' type in place of the checkpoint's own.
        token: Hub token for a private repository.
        task: Another puzzle family than the checkpoint was trained on; the weights of a relational network
            fit all of them, those that mix neighbours other sizes. Or its own name, `module:attribute`, of a task of yours.
        trust: Let the checkpoint name Python code, a task or a checker of the user's own, that is imported.
        net: A network of your own, as it was trained in place of TRM's block stack; of HRM, or with separate networks, a pair:
            the one for z and the one for y. The weights are loaded into it.
        model: A whole network of your own, with the two methods of `models.interface.RecursiveModel`; `dtype` does not
            concern it.

    Raises:
        CheckpointError: when there is no such checkpoint, or it is damaged, or of another shape, or cannot change its task, or
            names code that is not there or not trusted.
        ValueError: when the device is not there or lacks the dtype, or both net and model are given, or net does not suit the
            system.
    """
    check_device(device)
    if net is not None and model is not None:
        raise ValueError("give either net, in place of the block stack, or model, the whole network")
    folder = find_checkpoint(name, token)
    config, shape, info = read_config(folder)
    admit_code(config, info, folder=folder, asked=() if task is None else (task,), trust=trust)
    if dtype is not None:
        config = replace(config, model=replace(config.model, dtype=dtype))
    if model is None:
        check_dtype(config.model.dtype, torch.device(device))
    relations = None
    if config.model.system == "relational":
        try:
            relations = task_of(config.data).relations
        except ValueError as error:
            raise CheckpointError(f"{folder / CONFIG}: config.data: {one_line(error)}") from error
    if task is not None and task != config.data.family:
        if net is not None or model is not None:
            raise CheckpointError(f"{folder}: a network of your own is tied to its task {config.data.task}: got {task}")
        settings = replace(config.data, task=task) if answers_by_vote(task) else None  # which views ARC's rows are for
        other = get_task(task, settings)
        _check_transfer(folder, config, other=other)
        relations = other.relations
        config, shape = _for_task(config, shape, name=task, other=other)
    if model is not None:
        refuse_other_shape(model, shape)
        built: Any = model
    else:
        if net is None:
            _need_own_network(folder, info)
        built = build_described(
            config,
            shape,
            layout=read_layout(folder / MODEL),
            described_by=folder / CONFIG,
            weights=folder / MODEL,
            net=net,
            relations=relations,
        )
    load_weights(built, read_safetensors(folder / MODEL), path=folder / MODEL)
    return Checkpoint(model=built.to(device).eval(), config=config, shape=shape, info=info, path=folder)


def on_task(checkpoint: Checkpoint, other: Task) -> Checkpoint:
    """The checkpoint of a relational network on another puzzle family, with the very same weights; nothing is read.

    Raises:
        CheckpointError: when the weights do not fit that family.
    """
    model, config = checkpoint.model, checkpoint.config
    assert isinstance(model, Relational)
    _check_transfer(checkpoint.path, config, other=other)
    config, shape = _for_task(config, checkpoint.shape, name=other.name, other=other)
    return replace(checkpoint, model=model.on(shape, other.relations).eval(), config=config, shape=shape)


def trained_sizes(config: RunConfig, shape: PuzzleShape) -> set[int]:
    """The numbers of cells of the grids that a run was trained on."""
    others = [get_task(name).grid_shape for name in config.data.families[:-1]]
    return {shape.seq_len, *(rows * columns for rows, columns in others)}


def build_described(
    config: RunConfig,
    shape: PuzzleShape,
    *,
    layout: Layout,
    described_by: str | Path,
    weights: str | Path,
    net: Networks | None = None,
    relations: Relations | None = None,
) -> Reasoner | Relational:
    """The model that a file's config describes, made once its tensors are known to be there, in these shapes.

    What is described is built on the meta device first, which takes no memory, so that a damaged size allocates nothing.

    Args:
        config: The run's.
        shape: The puzzles'.
        layout: The tensors that the file of weights holds.
        described_by: The file that the config and the shape were read from, for messages.
        weights: The file of weights, for messages.
        net: A network of the user's own, as in `load_checkpoint`.
        relations: The task's, for a relational network.

    Raises:
        CheckpointError: naming the file, and what does not fit.
    """
    blocks = config.model.num_layers + (config.model.layers_H if config.model.separate_networks else 0)
    if net is None and blocks > len(layout):
        raise CheckpointError(
            f"{described_by}: config.model.num_layers describes {blocks:,} blocks, {weights} holds {len(layout):,} tensors"
        )
    if relations is not None:
        cells = relations.num_cells
        if cells is not None and cells != shape.seq_len:
            raise CheckpointError(
                f"{described_by}: shape.seq_len is {shape.seq_len:,}, its task {config.data.task} has {cells:,} cells"
            )

    def build() -> Reasoner | Relational:
        if net is not None:
            return model_around(net, config.model, shape=shape)
        return build_model(config.model, shape, relations=relations)

    try:
        with torch.device("meta"):
            sketch = build()
    except (RuntimeError, ArithmeticError) as error:  # sizes that torch cannot even count
        raise CheckpointError(f"{described_by}: describes a network that cannot be: {one_line(error)}") from error
    except ValueError as error:
        raise CheckpointError(f"{described_by}: {one_line(error)}") from error
    own = sketch.state_dict()
    refuse_misfit(own, layout, path=weights)
    tables = sum(b.numel() * b.element_size() for name, b in sketch.named_buffers() if name not in own)
    if tables > MOST_TABLES:
        raise CheckpointError(
            f"{described_by}: describes a network for {shape.seq_len:,} cells, which needs tables of {tables / 1e9:.1f} GB "
            f"besides its weights: expected at most {MOST_TABLES / 1e9:.1f} GB"
        )
    return build()


def why_weights_do_not_fit(model: ModelConfig, own: Task, *, other: Task) -> str | None:
    """Why the weights of a network for one family cannot be used on another; None where they can.

    Relational networks fit any whose relations have the same names, those that mix neighbours the same kind in any size.
    """
    if model.system == "relational":
        if own.relations is None or other.relations is None or not same_network(own.relations, other.relations):
            return f"{other.name} does not declare the relations of {own.name}"
    elif model.mixer == "neighbours":
        if type(other) is not type(own) or other.vocab_size != own.vocab_size:
            return f"knows puzzles of the kind {own.name}, which {other.name} is not"
    else:
        return (
            f"a network of system {model.system} with mixer {model.mixer} is tied to {own.name}, and {other.name} is another "
            "task; relational networks and mixer neighbours can change theirs"
        )
    return None


def _for_task(config: RunConfig, shape: PuzzleShape, *, name: str, other: Task) -> tuple[RunConfig, PuzzleShape]:
    """What a checkpoint says of itself, for another puzzle family, under the name that it was asked for."""
    rows, columns = other.grid_shape
    sizes = trained_sizes(config, shape)
    is_new = config.model.system == "relational" and rows * columns not in sizes
    if is_new and len(sizes) < SEVERAL_SIZES and not other.answers_by_vote:
        # A halting head that knows one size or two hardly stops on another, so the cells say when to stop.
        config = replace(config, solve=replace(config.solve, halt_by="cells", halt_when_sure=CELLS_SURE))
    shape = replace(shape, vocab_size=other.vocab_size, seq_len=rows * columns, columns=columns)
    own = {settings.task: settings for settings in config.data.of_each()}
    data = own.get(name, replace(own[config.data.family], task=name))
    phases = tuple(replace(phase, tasks="") for phase in config.train.phases)  # which name families of the training
    return replace(config, data=data, train=replace(config.train, phases=phases)), shape


def _need_own_network(folder: Path, info: Mapping[str, Any]) -> None:
    """Refuses a checkpoint whose network is not the package's, which no file can bring along."""
    name = info.get("own_network")
    if name is None:
        return
    part = "model" if info.get("own_part") == "model" else "net"
    known = name if isinstance(name, str) and re.fullmatch(r"[\w.<>, ]{1,200}", name) else "unnamed"
    raise CheckpointError(
        f"{folder}: was trained with a network of your own, {known}, which a checkpoint does not hold: give it, in Python "
        f"as {part}=MyModule(), on the command line as --net module:attribute"
    )


def _check_transfer(folder: Path, config: RunConfig, *, other: Task) -> None:
    """Refuses a puzzle family that the weights do not fit."""
    reason = why_weights_do_not_fit(config.model, task_of(config.data), other=other)
    if reason is not None:
        raise CheckpointError(f"{folder}: {reason}")
