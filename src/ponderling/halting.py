"""When a puzzle stops: in training, after a supervision step; in use, after or within one.

In training the halting head is asked once a step, and a share of the puzzles is made to go on (`least_steps`). In use, a step
of T recursions is the same computation as T steps of one: each goes on from where the one before it ended. So a trained model
can be asked after every recursion whether it is done, though it learned to say so after the T-th (or a random number). An
easy puzzle then needs an eighth of a step of `sudoku`. Training and the papers' figures at N steps do not change.

The halting head says that a puzzle is done. On grids of a size that the head has not seen in training, all cells say it.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ponderling.config import Halting, RunConfig, TrainConfig
from ponderling.losses import LOG_PROBABILITIES
from ponderling.models.interface import Output, RecursiveModel, State, StepOutput, takes_depth

R = TypeVar("R")


class Watch(Protocol):
    """Told whenever a model was asked: once a step, or after each recursion."""

    def __call__(self, rows: Tensor, state: State, *, output: StepOutput, halts: Tensor) -> object:
        """Takes the rows that the model was asked about, their state, what it says of them, and which it would stop."""
        ...


def wants_to_halt(output: StepOutput, halting: Halting, *, sure: float = 0.5) -> Tensor:
    """Tells which puzzles the halting head would stop, (B,) bool.

    Args:
        output: What the model says.
        halting: The rule it was trained with.
        sure: Probability from which on it stops; 0.5 as in training, which is q > 0.
    """
    return output.q - (output.q_continue if halting == "halt_continue" else 0) > math.log(sure / (1 - sure))


def halt_probability(output: StepOutput, halting: Halting) -> Tensor:
    """How sure the halting head is that it should stop, (B,), from 0 to 1; above 0.5 where training halts."""
    return (output.q - (output.q_continue if halting == "halt_continue" else 0)).sigmoid()


def least_steps(steps: Tensor, config: TrainConfig, *, generator: torch.Generator | None) -> Tensor:
    """Steps that each slot must think for in training, (B,): a random 2 .. N_sup for a share `halt_exploration`, else 0.

    A new draw is made after every supervision step.
    """
    explores = torch.rand(steps.shape, generator=generator, device=steps.device) < config.halt_exploration
    least = torch.randint(2, config.N_sup + 1, steps.shape, generator=generator, device=steps.device)
    return least * explores


def probabilities(logits: Tensor, config: RunConfig) -> Tensor:
    """Probability of every token in each cell, (..., V) float32, by the function that the loss was trained with."""
    return LOG_PROBABILITIES[config.train.loss](logits).exp().float()


def stop_probability(output: StepOutput, config: RunConfig) -> Tensor:
    """How sure a trained model is that it is done, (B,), from 0 to 1: the halting head, or the least sure of all cells."""
    if config.solve.halt_by == "cells":
        return LOG_PROBABILITIES[config.train.loss](output.logits).amax(-1).amin(-1).exp().float()
    return halt_probability(output, config.train.halting)


def stops(output: StepOutput, config: RunConfig) -> Tensor:
    """Tells which puzzles a trained model stops here, (B,) bool."""
    if config.solve.halt_by == "cells":
        return stop_probability(output, config) > config.solve.halt_when_sure
    return wants_to_halt(output, config.train.halting, sure=config.solve.halt_when_sure)


def times_asked(model: RecursiveModel, config: RunConfig) -> int:
    """How often a supervision step asks whether a puzzle is done: once, or T times with `halt_within_step`.

    Raises:
        ValueError: when `halt_within_step` is set and the model's call does not take T.
    """
    if not config.solve.halt_within_step or config.model.T == 1:
        return 1
    if not takes_depth(model):
        raise ValueError(
            f"solve.halt_within_step asks after each of {config.model.T} recursions: the call of "
            f"{type(model).__name__} must take the keywords n and T; give it these, or set halt_within_step False"
        )
    return config.model.T


def solving_step(
    model: RecursiveModel,
    state: State,
    *,
    tokens: Tensor,
    puzzle_ids: Tensor,
    config: RunConfig,
    may_leave: Tensor | None = None,
    watch: Watch | None = None,
) -> tuple[State, StepOutput, Tensor]:
    """One supervision step; with `halt_within_step` a puzzle that says stop after a recursion stays as it then is.

    Args:
        model: In evaluation mode, without gradient.
        state: The model's state, each (B, ...).
        tokens: Questions, (B, L).
        puzzle_ids: Rows of the puzzle embedding, (B,).
        config: The run's config, which says how to read the halting head.
        may_leave: Which puzzles end where the model says stop, (B,) bool; None: all. The others take the whole step.
        watch: Called whenever the model was asked, once or after each recursion.

    Returns:
        The new state; what the model says of it; which puzzles it would stop, (B,) bool.
    """
    return run_through(
        solving_recursions(
            model, state, tokens=tokens, puzzle_ids=puzzle_ids, config=config, may_leave=may_leave, watch=watch
        )
    )


def run_through(generator: Generator[object, None, R]) -> R:
    """What a generator returns at its end."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


def solving_recursions(
    model: RecursiveModel,
    state: State,
    *,
    tokens: Tensor,
    puzzle_ids: Tensor,
    config: RunConfig,
    may_leave: Tensor | None = None,
    watch: Watch | None = None,
) -> Generator[tuple[State, StepOutput, Tensor], None, tuple[State, StepOutput, Tensor]]:
    """Runs one supervision step as `solving_step` does, and yields its result so far between recursions, for other work."""
    count = times_asked(model, config)
    depth = {} if count == 1 else {"T": 1}
    state, output = model(state, tokens, puzzle_ids=puzzle_ids, **depth)
    halts = stops(output, config)
    everyone = torch.arange(len(tokens), device=tokens.device)
    if watch is not None:
        watch(everyone, state, output=output, halts=halts)
    for _ in range(count - 1):
        going = ~halts if may_leave is None else ~(halts & may_leave)
        rows = going.nonzero().squeeze(1)  # sync
        if not len(rows):
            break
        yield state, output, halts
        if len(rows) == len(tokens):
            state, output = model(state, tokens, puzzle_ids=puzzle_ids, **depth)
            part, said, halts = state, output, stops(output, config)
            rows, part_halts = everyone, halts
        else:
            part, said = model(tuple(s[rows] for s in state), tokens[rows], puzzle_ids=puzzle_ids[rows], **depth)
            state = tuple(s.index_copy(0, rows, new) for s, new in zip(state, part, strict=True))
            output = Output(
                output.logits.index_copy(0, rows, said.logits),
                output.q.index_copy(0, rows, said.q),
                output.q_continue.index_copy(0, rows, said.q_continue),
            )
            part_halts = stops(said, config)
            halts = halts.index_copy(0, rows, part_halts)
        if watch is not None:
            watch(rows, part, output=said, halts=part_halts)
    return state, output, halts
