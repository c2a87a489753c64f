"""Halting in use: one supervision step, at the end of which, or within which, each puzzle may leave.

A supervision step is T recursions, and each goes on from where the one before it ended: T recursions in one step are the
same computation as one in each of T steps. So a trained model can be asked after every recursion whether it is done, though
it learned to say so after the T-th (or a random number): an easy puzzle needs an eighth of a step of `sudoku`. Training and
the papers' figures at N steps do not change.

Who says that it is done is the halting head; on grids of a size that the head has not seen in training it is all the cells.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ponderling.config import RunConfig
from ponderling.losses import LOG_PROBABILITIES
from ponderling.models import Model, Output
from ponderling.supervision import RecursiveModel, State, StepOutput, halt_probability, wants_to_halt

CELLS_SURE = 0.9
"""With this probability in every cell `sudoku` was right whenever it stopped, on 4x4, 6x6 and 9x9; see dev/LOG.md."""


def for_another_size(config: RunConfig) -> RunConfig:
    """The same for grids of a size that the halting head was not trained on: it never stops there, the cells do."""
    return replace(config, solve=replace(config.solve, halt_by="cells", halt_when_sure=CELLS_SURE))


def stop_probability(output: StepOutput, config: RunConfig) -> Tensor:
    """How sure the model is that it is done, (B,), from 0 to 1: the halting head, or the least sure of all cells."""
    if config.solve.halt_by == "cells":
        return LOG_PROBABILITIES[config.train.loss](output.logits).amax(-1).amin(-1).exp().float()
    return halt_probability(output, config.train.halting)


def stops(output: StepOutput, config: RunConfig) -> Tensor:
    """Which puzzles end here, (B,) bool."""
    if config.solve.halt_by == "cells":
        return stop_probability(output, config) > config.solve.halt_when_sure
    return wants_to_halt(output, config.train.halting, config.solve.halt_when_sure)


def recursions_of(model: RecursiveModel, config: RunConfig) -> tuple[RecursiveModel, int]:
    """A model to ask, and how often in a supervision step: the model itself once, or its single recursions T times.

    The second shares the model's weights.
    """
    if config.solve.halt_within_step and isinstance(model, Model) and model.config.T > 1:
        single = copy.copy(model)
        single.config = replace(model.config, T=1)
        return single, model.config.T
    return model, 1


def solving_step(
    model: RecursiveModel,
    state: State,
    tokens: Tensor,
    puzzle_ids: Tensor,
    config: RunConfig,
    may_leave: Tensor | None = None,
    watch: Callable[[Tensor, StepOutput, Tensor], object] | None = None,
) -> tuple[State, StepOutput, Tensor]:
    """One supervision step; with `halt_within_step` a puzzle that says stop after a recursion stays as it then is.

    Args:
        model: In evaluation mode, without gradient.
        state: The model's state, each (B, ...).
        tokens: Questions, (B, L).
        puzzle_ids: Their rows of the puzzle embedding, (B,).
        config: How halting is to be read.
        may_leave: Which puzzles end where the model says stop, (B,) bool; None: all. The others take the whole step.
        watch: Called whenever the model was asked, once or after each recursion, with the rows that it was asked about, what it
            says of them, and which of them it would stop.

    Returns:
        The new state; what the model says of it; which puzzles it would stop, (B,) bool.
    """
    single, count = recursions_of(model, config)
    state, output = single(state, tokens, puzzle_ids)
    halts = stops(output, config)
    if watch is not None:
        watch(torch.arange(len(tokens), device=tokens.device), output, halts)
    for _ in range(count - 1):
        going = ~halts if may_leave is None else ~(halts & may_leave)
        rows = going.nonzero().squeeze(1)  # sync
        if not len(rows):
            break
        part, said = single(tuple(s[rows] for s in state), tokens[rows], puzzle_ids[rows])
        state = tuple(s.index_copy(0, rows, new) for s, new in zip(state, part, strict=True))
        output = Output(
            output.logits.index_copy(0, rows, said.logits),
            output.q.index_copy(0, rows, said.q),
            output.q_continue.index_copy(0, rows, said.q_continue),
        )
        part_halts = stops(said, config)
        halts = halts.index_copy(0, rows, part_halts)
        if watch is not None:
            watch(rows, said, part_halts)
    return state, output, halts
