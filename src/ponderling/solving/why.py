"""Who told a cell: how much less sure of its symbol the network would be, had the cell not heard one of its groups.

For the relational network alone, whose cells hear of each other only through what a task declares. The recursion is computed
once more for each group that the cell is in, and for each neighbour: from the same state, but without that one tie. What the
probability of the cell's symbol then lacks is the effect of that group in this recursion. It is an ablation and not a share:
where two groups say the same, either alone has hardly any effect, and effects do not add up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ponderling.config import RunConfig
from ponderling.halting import probabilities, times_asked
from ponderling.models import Relational
from ponderling.models.interface import RecursiveModel, State
from ponderling.models.ties import AREAS, GRID, NEIGHBOURS, Ties
from ponderling.tasks.base import Tokens
from ponderling.tasks.relations import DIRECTIONS

SIDES = dict(
    zip(
        DIRECTIONS,
        ("below", "left", "right", "above", "below left", "below right", "above left", "above right"),
        strict=True,
    )
)
"""What the neighbour at each of the `DIRECTIONS` is called."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one group of cells, or one neighbour, has told a cell in a recursion."""

    name: str
    """Such as row 3, column 5, box 2, above."""
    cells: tuple[int, ...]
    """The cells of the group, the asked one among them, or the one neighbour; row-major, from 0."""
    effect: float
    """Probability of the cell's symbol less what it is when the cell neither hears this group nor tells it anything."""


@dataclass(frozen=True, kw_only=True)
class Why:
    """Why a cell holds its symbol after a recursion."""

    token: int
    """The likeliest token of the cell."""
    probability: float
    """Its probability after this recursion."""
    before: float
    """Its probability after the recursion before; before the first, what the initial state says."""
    told: tuple[Told, ...]
    """Groups and neighbours that the cell hears, the one with the greatest effect first."""


def check_why(model: RecursiveModel) -> Relational:
    """The model as one that can say why.

    Raises:
        ValueError: when it is no relational network, or has vectors for each puzzle.
    """
    if not isinstance(model, Relational):
        raise ValueError(
            "only a relational network says who told a cell: in other networks every cell hears all others at once"
        )
    if model.puzzle_vectors is not None:
        raise ValueError("a network with vectors for each puzzle does not say who told a cell yet")
    return model


@torch.inference_mode()
def state_before(model: Relational, tokens: Tokens, *, moment: int, config: RunConfig) -> State:
    """The state, each (1, ...), from which the network comes to a moment of plain thinking.

    Args:
        model: In evaluation mode.
        tokens: The question, (L,).
        moment: Number of the recursion, or of the step where the model is asked only after whole steps; from 1.
        config: The run's config.
    """
    question = _batch(tokens, model)
    ids = torch.zeros(1, dtype=torch.long, device=question.device)
    state = model.initial_state(1)
    for _ in range(moment - 1):
        state, _ = model(state, question, puzzle_ids=ids, T=_depth(model, config))
    return state


@torch.inference_mode()
def why(model: Relational, tokens: Tokens, *, cell: int, state: State, config: RunConfig, grid: tuple[int, int]) -> Why:
    """Who told a cell in the recursion that starts from a state.

    Args:
        model: In evaluation mode.
        tokens: The question, (L,).
        cell: Row-major, from 0.
        state: Where the recursion starts, each (1, ...), as `state_before` gives it.
        config: The run's config.
        grid: Rows and columns, for the names.
    """
    question = _batch(tokens, model)
    ties = model.ties(question)
    ties.pop(GRID, None)  # neighbours must be looked up, since one is missing
    varied, names, cells = _without_each(ties, cell=cell, grid=grid)
    count = 1 + len(names)
    wide = tuple(s.expand(count, *s.shape[1:]) for s in state)
    _, output = model.step(wide, question.expand(count, -1), ties=varied, T=_depth(model, config))
    p = probabilities(output.logits[:, cell], config)  # (1 + number of ties, V)
    token = int(p[0].argmax())
    whole, *others = p[:, token].tolist()
    before = probabilities(model.heads(state[0]).logits[:, cell], config)[0, token].item()
    told = [
        Told(name=name, cells=tuple(c), effect=whole - other)
        for name, c, other in zip(names, cells, others, strict=True)
    ]
    return Why(token=token, probability=whole, before=before, told=tuple(sorted(told, key=lambda one: -one.effect)))


def _batch(tokens: Tokens, model: Relational) -> Tensor:
    return torch.from_numpy(tokens.astype(np.int64))[None].to(model.initial.device)


def _depth(model: Relational, config: RunConfig) -> int:
    """Recursions of a moment."""
    return 1 if times_asked(model, config) > 1 else config.model.T


def _without_each(ties: Ties, *, cell: int, grid: tuple[int, int]) -> tuple[Ties, list[str], list[list[int]]]:
    """The ties as they are and then, row by row, without one of the cell's; the names of these, and their cells."""
    missing: list[tuple[str, int]] = []
    names: list[str] = []
    cells: list[list[int]] = []
    own: dict[str, Tensor] = {}
    for relation, tie in ties.items():
        assert isinstance(tie, Tensor)
        own[relation] = tie[0] if tie.ndim == 3 else tie
        C = own[relation].shape[-1]
        if relation == NEIGHBOURS:
            beside = own[relation][:, cell].tolist()
            found = [
                (k, neighbour_name(other, cell, grid=grid), [other]) for k, other in enumerate(beside) if other < C
            ]
        else:
            groups = own[relation][:, cell].nonzero().flatten().tolist()
            members = {g: own[relation][g].nonzero().flatten().tolist() for g in groups}
            found = [(g, group_name(m, grid, is_area=relation == AREAS), m) for g, m in members.items() if len(m) > 1]
        for place, name, others in found:
            missing.append((relation, place))
            names.append(name)
            cells.append(others)
    varied: Ties = {}
    for relation, tie in own.items():
        rows = tie.unsqueeze(0).repeat(1 + len(missing), 1, 1)
        for row, (of, place) in enumerate(missing, 1):
            if of == relation:
                rows[row, place, cell] = rows.shape[-1] if relation == NEIGHBOURS else 0
        varied[relation] = rows
    return varied, names, cells


def neighbour_name(other: int, cell: int, *, grid: tuple[int, int]) -> str:
    """What a person calls a cell that another one hears: its side where they touch, else its place.

    Args:
        other: The one that is heard, row-major, from 0.
        cell: The one that hears it.
        grid: Rows and columns.
    """
    (row, column), (down, right) = divmod(other, grid[1]), divmod(cell, grid[1])
    return SIDES.get((row - down, column - right), f"row {row + 1} column {column + 1}")


def group_name(cells: list[int], grid: tuple[int, int], *, is_area: bool = False) -> str:
    """What a person calls a group of cells of a grid, by where they are.

    Args:
        cells: Row-major, from 0.
        grid: Rows and columns.
        is_area: The cells are connected and hold the same in the question.
    """
    rows, columns = grid
    at, across = np.divmod(np.array(sorted(cells)), columns)
    if is_area:
        return "its area"
    if len(cells) == rows * columns:
        return "the whole grid"
    if np.ptp(at) == 0 and len(cells) == columns:
        return f"row {at[0] + 1}"
    if np.ptp(across) == 0 and len(cells) == rows:
        return f"column {across[0] + 1}"
    height, width = np.ptp(at) + 1, np.ptp(across) + 1
    if height * width == len(cells) and at[0] % height == 0 and across[0] % width == 0 and columns % width == 0:
        return f"box {at[0] // height * (columns // width) + across[0] // width + 1}"
    if np.array_equal(at, across) or np.array_equal(at, columns - 1 - across):
        return "the diagonal from the upper left" if np.array_equal(at, across) else "the other diagonal"
    return "its region"
