"""Whether a run can fit into memory at all, estimated from its sizes before anything of these sizes is made.

The estimate counts what every network of these sizes holds at least, so that no run is refused that would fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ponderling.config import ModelConfig, RunConfig, TrainConfig
from ponderling.models.device import memory_of
from ponderling.models.layers import swiglu_width
from ponderling.tasks.base import Task
from ponderling.training.distributed import World
from ponderling.training.lanes import cells_of, num_slots


def refuse_too_large(config: RunConfig, tasks: Sequence[Task], *, device: torch.device, world: World) -> None:
    """Refuses a network, or a batch, that needs more memory than the device has.

    Args:
        config: The run's settings.
        tasks: Its puzzle families; the batch is that of the one with the most cells in it.
        device: Where this process trains.
        world: The processes that share the batch out.

    Raises:
        ValueError: saying about how much is needed, how much there is, and which settings to lower.
    """
    there = memory_of(device)
    if there is None:
        return
    model, train = config.model, config.train
    weights = weights_need(model, train)
    has = f"{device} has {_shown(there)}"
    if weights > there:
        raise ValueError(
            f"a network of --model.hidden-size {model.hidden_size} and --model.num-layers {model.num_layers} needs at least "
            f"{_shown(weights)} for its weights, their gradients and averages, and {has}: choose smaller ones"
        )
    for task in tasks:
        slots, cells, slot = (
            num_slots(train, cells_of(task), world=world) // world.size,
            cells_of(task),
            slot_needs(config, task),
        )
        if weights + slots * slot <= there:
            continue
        most = (there - weights) // slot * world.size
        option, unit = ("--train.batch-size", 1) if train.batch_cells is None else ("--train.batch-cells", cells)
        advice = f"choose {most * unit:,} at most" if most else "choose a smaller --model.hidden-size"
        raise ValueError(
            f"{option} {slots * world.size * unit:,} needs at least {_shown(weights + slots * slot)} for one step on grids of "
            f"{cells} cells, and {has}: {advice}"
        )


def weights_need(model: ModelConfig, train: TrainConfig) -> int:
    """The fewest bytes of the weights, their gradients, and the averages that optimizer and evaluation keep."""
    D, layers = model.hidden_size, model.num_layers + (model.layers_H if model.separate_networks else 0)
    block = D * D if model.system == "relational" else 3 * D * _inner(model)
    copies = 4 + (train.ema_rate > 0) - (train.optimizer == "muon")  # muon keeps one average, Adam two
    return 4 * copies * layers * block


def slot_needs(config: RunConfig, task: Task) -> int:
    """The fewest bytes that one slot of the batch holds while its step waits for the gradient."""
    model, train = config.model, config.train
    size = 4 if model.dtype == "float32" else 2
    positions, D, relations = cells_of(task) + model.prefix_len, model.hidden_size, task.relations
    if model.system == "relational" and relations is not None:
        positions *= len(relations.symbols) + bool(relations.answers)
    states = 2 * D * positions * size
    if config.run.compile:  # which keeps less, and computes the rest anew
        return states
    steps = [model.n if phase.n is None else phase.n for phase in train.phases]
    calls = 1 if model.gradient == "one_step" else 1 + min([model.n, *steps])
    # What goes into each block's two parts and out of them; and both halves of its inner MLP and their product, which the
    # relational block has for groups of cells alone.
    block = 4 * D + (0 if model.system == "relational" else 3 * _inner(model))
    return states + calls * model.num_layers * block * positions * size


def _inner(model: ModelConfig) -> int:
    return swiglu_width(model.hidden_size, model.expansion, multiple=model.inner_multiple)


def _shown(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
