"""The lanes of a run: one for each puzzle family, with its own puzzles, stream of samples, slots and view of the network.

Each update trains one lane, so that grids of different sizes never meet in one batch. Which lane is drawn depends on the
seed and the step alone. A run of one family has one lane, and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ponderling.checkpoint import why_weights_do_not_fit
from ponderling.config import DataConfig, Phase, RunConfig, TrainConfig
from ponderling.data import Sampler, augmentation
from ponderling.data.sampler import Augment
from ponderling.losses import IGNORE
from ponderling.models import Model, Relational, shape_of
from ponderling.models.torch_compile import compile_networks, has_compiler
from ponderling.supervision import Batch, Carry, HintBatch, StepResult, empty_carry, refill, supervision_step
from ponderling.tasks import get_task
from ponderling.tasks.base import PAD, DataSplit, Puzzles, Task
from ponderling.training.distributed import World
from ponderling.training.resume import carry_from_dict, carry_to_dict

GRAPHS = 8
"""Number of graphs that torch.compile may need for one grid: with and without gradient, and some to spare."""


@dataclass(frozen=True, kw_only=True)
class FamilyData:
    """A puzzle family of a run, and its puzzles."""

    task: Task
    settings: DataConfig
    """The run's settings of its data, as if the family were trained alone."""
    data: DataSplit


def read_families(config: RunConfig) -> tuple[FamilyData, ...]:
    """The families that a run trains, and their puzzles, in the order of their names.

    Raises:
        ValueError: when no family has that name, or one network cannot learn them all.
        PuzzleError: when a file of puzzles cannot be used.
    """
    settings = config.data.of_each()
    tasks = [get_task(own.task, own) for own in settings]
    refuse_mixture(config, tasks)
    return tuple(
        FamilyData(task=task, settings=own, data=task.load_split(own))
        for task, own in zip(tasks, settings, strict=True)
    )


def refuse_mixture(config: RunConfig, tasks: Sequence[Task]) -> None:
    """Refuses families that one network cannot learn.

    Raises:
        ValueError: naming one that does not go with the last, and why.
    """
    *others, own = tasks
    if not others:
        return
    votes = [task.name for task in tasks if task.answers_by_vote]
    if votes:
        raise ValueError(f"data.task {config.data.task}: {votes[0]} cannot be trained together with other tasks")
    for other in others:
        reason = why_weights_do_not_fit(config.model, own, other=other)
        if reason is not None:
            raise ValueError(f"data.task {config.data.task}: one network cannot learn them all: {reason}")


def num_slots(train: TrainConfig, num_cells: int, *, world: World) -> int:
    """Number of slots of all processes together for grids of so many cells."""
    if train.batch_cells is None:
        return train.batch_size
    return max(world.size, train.batch_cells // num_cells // world.size * world.size)


def check_batch_size(train: TrainConfig, *, world: World) -> None:
    """Refuses slots that cannot be shared out.

    Raises:
        ValueError: when a batch_size is not a multiple of the number of processes.
    """
    if train.batch_cells is None and train.batch_size % world.size:
        raise ValueError(
            f"--train.batch-size is shared out evenly among {world.size} processes: got {train.batch_size}"
        )


class Lane:
    """A puzzle family in training.

    Args:
        family: The family and its puzzles.
        config: The run's.
        model: The network in training, made for this family's puzzles.
        averaged: The network that is evaluated.
        device: Where the slots are.
        world: The processes that train together.

    Raises:
        ValueError: when a phase of training asks for what the puzzles do not have.
    """

    def __init__(
        self,
        family: FamilyData,
        *,
        config: RunConfig,
        model: Any,
        averaged: Any,
        device: torch.device,
        world: World,
    ):
        self.task, self.settings, self.data = family.task, family.settings, family.data
        self.name, self.cells = family.settings.task, cells_of(family.task)
        self.config, self.train = config, config.train
        self.model, self.evaluated_model = model, averaged
        self.device, self.world = device, world
        self.num_slots = num_slots(config.train, self.cells, world=world)
        """Number of slots of all processes together."""
        self.uses_hints = bool(config.train.hint_loss_weight)
        if self.uses_hints and not (isinstance(model, Relational) and model.relations.hints):
            raise ValueError(
                f"train.hint_loss_weight {config.train.hint_loss_weight:g} is for a relational network on a task with hints, "
                f"such as mazes: {self.name} with {type(model).__name__} has none"
            )
        self._augmentation(0)  # refuses what cannot be before hours have gone by
        self.carry: Carry = empty_carry(model, self.num_slots // world.size, seq_len=self.cells, device=device)
        for phase in config.train.phases:
            if self.is_in(phase):
                self._rated(phase)  # as above
                self._augmentation(phase.extra_clues)
        self.sampler = self._sample(self.data.train, None, seed=config.train.seed)

    def is_in(self, phase: Phase | None) -> bool:
        """Whether a phase trains this family; None is what comes after the last phase."""
        return phase is None or not phase.tasks or self.name in phase.tasks.split("+")

    def start(self, phase: Phase | None) -> None:
        """Sets the puzzles to draw from, from the first of the stream on, as a phase says."""
        seed = self.train.seed if phase is None else phase_seed(self.train.seed, self.train.phases.index(phase))
        puzzles, extra_clues = self.data.train, 0
        if phase is not None and self.is_in(phase):
            puzzles, extra_clues = self._rated(phase), phase.extra_clues
        self.sampler = self._sample(puzzles, self._augmentation(extra_clues), seed=seed)

    def _augmentation(self, extra_clues: int) -> Augment | None:
        """The function that varies this family's training puzzles."""
        return augmentation(self.settings, self.task, extra_clues=extra_clues, misprints=self.train.misprints)

    def _rated(self, phase: Phase) -> Puzzles:
        """The training puzzles that a phase shows.

        Raises:
            ValueError: when there are none, or they have no ratings to choose by.
        """
        puzzles, whose = self.data.train, ""
        if len(self.config.data.families) > 1:
            whose = f" of {self.name}"
        if puzzles.ratings is None:
            if phase.min_rating or phase.max_rating is not None:
                raise ValueError(
                    f"train.phases asks for puzzles by their rating, but the training puzzles{whose} have none: name a file "
                    "with a column `rating`, as `ponderling data make` writes it"
                )
            return puzzles
        highest = puzzles.ratings.max() if phase.max_rating is None else phase.max_rating
        rows = np.flatnonzero((puzzles.ratings >= phase.min_rating) & (puzzles.ratings <= highest))
        if not len(rows):
            raise ValueError(
                f"the phase of train.phases until step {phase.until} asks for puzzles rated from {phase.min_rating}"
                + (f" to {phase.max_rating}" if phase.max_rating is not None else "")
                + f": the training puzzles{whose} are rated {puzzles.ratings.min()} to {puzzles.ratings.max()}"
            )
        return puzzles[rows]

    def _sample(self, puzzles: Puzzles, augment: Augment | None, *, seed: int) -> Sampler:
        return Sampler(puzzles, augment, seed=seed, rank=self.world.rank, world_size=self.world.size)

    def refill(self, generator: torch.Generator) -> None:
        """Gives the slots that halted new puzzles."""
        train = self.train
        new = self.sampler.take(int(self.carry.halted.sum()))  # sync
        self.carry = refill(
            self.model,
            self.carry,
            new=self.to_batch(new),
            noise=train.state_noise,
            vary_N_sup=train.N_sup if train.vary_N_sup else None,
            generator=generator,
        )

    def to_batch(self, puzzles: Puzzles) -> Batch:
        """The puzzles as tensors, with their hints where these are trained on."""
        batch = to_batch(puzzles)
        if not self.uses_hints:
            return batch
        hints = self.task.hints(puzzles.tokens)
        labels = torch.from_numpy(hints.labels.astype(np.int64))
        return replace(
            batch,
            hints=HintBatch(
                labels=(labels - 1).masked_fill(labels == PAD, IGNORE),
                rounds=torch.from_numpy(hints.rounds.astype(np.int64)),
                answer_rounds=torch.from_numpy(hints.answer_rounds.astype(np.int64)),
            ),
        )

    def think(self, generator: torch.Generator, *, depth: Mapping[str, int]) -> StepResult:
        """One supervision step of the slots, which stay as they are until `carry` is set."""
        return supervision_step(self.model, self.carry, config=self.train, generator=generator, depth=depth)

    def losses(self, generator: torch.Generator) -> list[Tensor]:
        """The loss of one more step of the live and of the averaged weights; none before the first step."""
        if not self.carry.steps.any():  # sync
            return []
        found = []
        try:
            for model in {id(model): model for model in (self.model, self.evaluated_model)}.values():
                with torch.compiler.set_stance("force_eager"):  # not worth compiling for
                    result = supervision_step(model.eval(), self.carry, config=self.train, generator=generator)
                found.append(result.loss)
        finally:
            self.model.train()
        return found

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on."""
        return {"sampler": self.sampler.position, "carry": carry_to_dict(self.carry)}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave, in the phase that was started."""
        self.carry = carry_from_dict(saved["carry"], self.device, vocab_size=self.task.vocab_size)
        self.num_slots = len(self.carry.halted) * self.world.size
        self.sampler.position = saved["sampler"]


def lanes_of(
    families: Sequence[FamilyData],
    *,
    config: RunConfig,
    model: Any,
    averaged: Any,
    device: torch.device,
    world: World,
) -> tuple[Lane, ...]:
    """A lane for each family; the last has the network itself, the others views of it.

    Raises:
        ValueError: when the network cannot be used on all of the families, or a phase asks for what puzzles do not have.
    """
    if families[1:] and not isinstance(model, Model):
        raise ValueError(
            f"a network of your own is trained on one task: {type(model).__name__} cannot be trained on {config.data.task}"
        )
    views = [tuple(_on(one, family.task) for one in (model, averaged)) for family in families[:-1]]
    return tuple(
        Lane(family, config=config, model=live, averaged=mean, device=device, world=world)
        for family, (live, mean) in zip(families, [*views, (model, averaged)], strict=True)
    )


def _on(model: Model, task: Task) -> Model:
    return model.on(shape_of(task), task.relations)


def drawn(lanes: Sequence[Lane], phase: Phase | None, *, seed: int, step: int) -> Lane:
    """The lane that the update after so many steps trains: each of the phase's is as likely as any other."""
    open_ = [lane for lane in lanes if lane.is_in(phase)]
    return open_[0 if len(open_) == 1 else int(np.random.default_rng([seed, 3, step]).integers(len(open_)))]


def compile_lanes(lanes: Sequence[Lane]) -> bool:
    """Compiles the networks of all lanes, and lets torch make a graph for each; False without a compiler."""
    if not has_compiler():
        return False
    from torch._dynamo import config as limits

    # Else torch runs what is beyond the limit uncompiled, and says so in a warning only.
    limits.recompile_limit = max(limits.recompile_limit, GRAPHS * len(lanes))
    limits.accumulated_recompile_limit = max(limits.accumulated_recompile_limit, 4 * GRAPHS * len(lanes))
    done: set[int] = set()
    for lane in lanes:
        networks = {id(module) for name, module in lane.model.named_children() if name.startswith("net")}
        if not networks <= done and not compile_networks(lane.model):
            return False
        done |= networks
    return True


def cells_of(task: Task) -> int:
    """L, the number of cells of a family's grid."""
    rows, columns = task.grid_shape
    return rows * columns


def phase_seed(seed: int, number: int) -> int:
    """The seed of a phase's stream of samples; after the last phase it is the run's own seed."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def to_batch(puzzles: Puzzles) -> Batch:
    """The puzzles as tensors; a label PAD becomes IGNORE."""
    labels = torch.from_numpy(puzzles.labels.astype(np.int64))
    return Batch(
        torch.from_numpy(puzzles.tokens.astype(np.int64)),
        labels.masked_fill(labels == PAD, IGNORE),
        puzzle_ids=torch.from_numpy(puzzles.puzzle_ids.astype(np.int64)),
        regions=None if puzzles.regions is None else torch.from_numpy(puzzles.regions.astype(np.int64)),
    )
