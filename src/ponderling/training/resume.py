"""What a run keeps so as to go on: which settings may change, what is in its slots, and which process goes on with what."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ponderling.config import RunConfig
from ponderling.supervision import Batch, Carry, HintBatch
from ponderling.training.distributed import World
from ponderling.training.metrics import SHARED, Window

CHANGEABLE = {"steps", "init"}
"""Fields of TrainConfig that a resumed run may change. `init`: the run has weights of its own by now."""


def check_resumable(saved: RunConfig, wanted: RunConfig, *, out: Path) -> None:
    """Refuses to go on with another model, other data or another way to train, naming every field that differs.

    Settings of `run` and `solve` may change, they do not touch the numbers of training. Files of grids may have moved: the
    puzzles in them are compared once they are read.
    """
    same = replace(wanted, train=replace(wanted.train, **{name: getattr(saved.train, name) for name in CHANGEABLE}))
    if saved.data.grid is not None and wanted.data.grid is not None:
        same = replace(same, data=replace(same.data, train=saved.data.train, test=saved.data.test))
    differences = [
        f"{part}.{field.name} was {getattr(old, field.name)}, now {getattr(new, field.name)}"
        for part, old, new in (
            ("model", saved.model, same.model),
            ("train", saved.train, same.train),
            ("data", saved.data, same.data),
        )
        for field in dataclasses.fields(old)
        if getattr(old, field.name) != getattr(new, field.name)
    ]
    if differences:
        raise ValueError(f"{out} cannot be resumed with other settings: {'; '.join(differences)}")


def refuse_fewer_steps(step: int, wanted: RunConfig, *, out: Path) -> None:
    """Refuses to go on to a step that the run has passed: its weights would be said to be those of fewer steps.

    Args:
        step: Number of updates that the run has done.
        wanted: The settings to go on with.
        out: The run folder, for the message.
    """
    if wanted.train.steps < step:
        raise ValueError(
            f"{out} is at step {step:,} already, so it cannot be resumed with train.steps {wanted.train.steps:,}: give at "
            f"least {step:,}, or start a new run in another folder"
        )


def own_part(saved: list[dict[str, Any]], world: World, *, noticed: Callable[[str], object]) -> dict[str, Any]:
    """This process's part of what all processes of the run saved.

    Args:
        saved: What each process saved, in order of rank.
        world: The processes that go on with the run.
        noticed: Told where their number is another.

    Raises:
        ValueError: when the slots cannot be shared out evenly.
    """
    if len(saved) == world.size:
        return saved[world.rank]
    own, skipped = shared_out(saved, world)
    noticed(
        f"was trained by {len(saved)} processes, goes on with {world.size}: {skipped} samples are left out of this epoch"
    )
    return own


def restore_stream(generator: torch.Generator, saved: Tensor, *, seed: int) -> None:
    """Restores a stream of random numbers; the state of another kind of device starts a new stream, from the seed."""
    if saved.shape == generator.get_state().shape:
        generator.set_state(saved)
    else:
        generator.manual_seed(seed)


def shared_out(saved: list[dict[str, Any]], world: World) -> tuple[dict[str, Any], int]:
    """Redistributes the slots of a run to another number of processes.

    No sample is drawn twice; where not all processes had drawn as many, some are not drawn in this epoch.

    Returns:
        This process's part, and how many samples are not drawn.

    Raises:
        ValueError: when the slots cannot be shared out evenly.
    """
    own, skipped = _lane_shared_out(saved, world)
    others: dict[str, Any] = {}
    for name in saved[0].get("others", {}):
        others[name], more = _lane_shared_out([part["others"][name] for part in saved], world)
        skipped += more
    sums = Window.of_all([part["window"][0] for part in saved])
    return {
        **own,
        "generator": torch.empty(0),  # begins anew
        "window": [
            {name: value if name in SHARED else value / world.size for name, value in sums.items()},
            saved[0]["window"][1],
        ],
        "others": others,
    }, skipped


def _lane_shared_out(saved: list[dict[str, Any]], world: World) -> tuple[dict[str, Any], int]:
    """One lane's part in `shared_out`."""
    whole = _join_carries([part["carry"] for part in saved])
    count = len(whole["halted"])
    if count % world.size:
        raise ValueError(
            f"the run has {count} slots, which cannot be shared out evenly among {world.size} processes: go on with a number "
            "of processes that divides it"
        )
    share = world.share(count)
    position = -(-max(part["sampler"] for part in saved) * len(saved) // world.size)
    carry = {name: _each(lambda tensor: tensor[share], value) for name, value in whole.items()}
    return {"sampler": position, "carry": carry}, position * world.size - sum(part["sampler"] for part in saved)


def carry_to_dict(carry: Carry) -> dict[str, Any]:
    """The slots as plain tensors on the CPU, to be saved."""
    tensors = {
        "state": list(carry.state),
        "tokens": carry.batch.tokens,
        "labels": carry.batch.labels,
        "puzzle_ids": carry.batch.puzzle_ids,
        "steps": carry.steps,
        "halted": carry.halted,
    }
    if carry.batch.regions is not None:
        tensors["regions"] = carry.batch.regions
    if carry.limits is not None:
        tensors["limits"] = carry.limits
    if carry.rounds is not None:
        tensors["rounds"] = carry.rounds
    if carry.batch.hints is not None:
        tensors |= {f"hints.{name}": value for name, value in vars(carry.batch.hints).items()}
    return {name: _each(Tensor.cpu, value) for name, value in tensors.items()}


def carry_from_dict(saved: dict[str, Any], device: torch.device, *, vocab_size: int) -> Carry:
    """The slots that `carry_to_dict` saved, on the device."""
    tensors = {key: value.to(device) for key, value in saved.items() if isinstance(value, Tensor)}
    tokens, regions = tensors["tokens"], tensors.get("regions")
    if int(tokens.max()) >= vocab_size:  # runs once had regions in their tokens: token + vocab_size * region
        tokens, regions = tokens % vocab_size, tokens // vocab_size
    hints = {name.removeprefix("hints."): value for name, value in tensors.items() if name.startswith("hints.")}
    return Carry(
        state=tuple(tensor.to(device) for tensor in saved["state"]),
        batch=Batch(
            tokens,
            tensors["labels"],
            puzzle_ids=tensors["puzzle_ids"],
            regions=regions,
            hints=HintBatch(**hints) if hints else None,
        ),
        steps=tensors["steps"],
        halted=tensors["halted"],
        limits=tensors.get("limits"),
        rounds=tensors.get("rounds"),
    )


def _join_carries(saved: list[dict[str, Any]]) -> dict[str, Any]:
    """The slots of all processes, in order."""
    states = [torch.cat(parts) for parts in zip(*(carry["state"] for carry in saved), strict=True)]
    others = {name: torch.cat([carry[name] for carry in saved]) for name in saved[0] if name != "state"}
    return {"state": states, **others}


def _each(change: Callable[[Tensor], Tensor], value: Tensor | list[Tensor]) -> Tensor | list[Tensor]:
    return [change(tensor) for tensor in value] if isinstance(value, list) else change(value)
