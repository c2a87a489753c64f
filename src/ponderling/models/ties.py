"""What `tasks/relations.py` declares of the cells of a grid, as tensors: members of groups, neighbours, connected areas."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ponderling.tasks.relations import Canvas, Copies, Neighbours

NEIGHBOURS, AREAS = "neighbours", "areas"
"""The relations that are not groups of a task; see `Relations.names`."""

OWN_KERNEL, GRID = "own_kernel", "grid"
"""Keys beside the relations': what each puzzle adds to the kernel, (B, 1 + K, D), and rows and columns of a plain grid."""

Ties = dict[str, Any]
"""By relation what ties cells together: members of groups, (G, C) or (B, G, C), or neighbours, (K, C) or (B, K, C)."""


def adjacency(neighbours: Neighbours) -> Tensor:
    """For each direction each cell's neighbour, (K, C); C where there is none."""
    cells = torch.tensor(neighbours.cells)
    return torch.where(cells < 0, cells.shape[1], cells)


class Tables(NamedTuple):
    """`Copies` of all sizes of questions as tensors, the first of them for questions of any other size."""

    sizes: Tensor
    """Rows and columns of the question, rows and columns of the answer, and the first of its `cells`; (1 + sizes, 5)."""
    cells: Tensor
    """The question's cell, by its number in a question of that size, that each cell of the answers hears; -1: none."""


def tables_of(copies: tuple[Copies, ...]) -> Tables:
    """The tables as tensors."""
    sizes, cells = [(0, 0, 0, 0, 0)], [-1]
    for table in copies:
        sizes.append((table.rows, table.columns, table.height, table.width, len(cells)))
        cells += table.cells
    return Tables(torch.tensor(sizes), torch.tensor(cells))


def copied(tables: Tables, canvas: Canvas, *, height: Tensor, width: Tensor) -> Tensor:
    """For each question the cell that each cell is a copy of, (B, C); C: none.

    Args:
        tables: Where answers come from.
        canvas: Where the grids lie.
        height: Rows of each question's own grid, (B, 1).
        width: Its columns, (B, 1).
    """
    C = canvas.rows * canvas.columns
    sizes = tables.sizes.to(height.device)
    is_own = (sizes[:, 0] == height) & (sizes[:, 1] == width)  # (B, 1 + sizes)
    _, columns, rows_to, columns_to, first = sizes[is_own.long().argmax(1)].unsqueeze(2).unbind(1)  # (B, 1) each
    cell = torch.arange(C, device=height.device)
    row, column = cell // canvas.columns, cell % canvas.columns
    inside = (row < rows_to) & (column < columns_to)
    heard = tables.cells.to(height.device)[(first + row * columns_to + column).where(inside, 0)]
    columns = columns.clamp_min(1)
    return (heard // columns * canvas.columns + heard % columns).where(heard >= 0, C)


def within_own_edges(tokens: Tensor, canvas: Canvas, *, tables: Tables | None = None) -> Tensor:
    """For each question and direction the cell that each cell hears in a grid smaller than its canvas, (B, K, C); C: none.

    Args:
        tokens: Questions, (B, C).
        canvas: Where the grids lie, and the directions.
        tables: Those of the canvas's `copies`; None: they are made anew.
    """
    C = tokens.shape[1]
    outside = torch.tensor(canvas.outside, device=tokens.device)
    inside = ~torch.isin(tokens, outside)
    grid = inside.unflatten(1, (canvas.rows, canvas.columns)).long()
    height = grid[:, :, 0].cumprod(1).sum(1).clamp_min(1)[:, None]
    width = grid[:, 0].cumprod(1).sum(1).clamp_min(1)[:, None]
    cell = torch.arange(C, device=tokens.device)
    found = []
    for move in canvas.moves:
        row, column = move(cell // canvas.columns, cell % canvas.columns, rows=height, columns=width)
        if canvas.wraps and move.only_steps:
            row, column, exists = row % height, column % width, inside
        else:  # steps and scales go on to the end marks, images and parts are of the grid alone
            rows, columns = (height, width) if move.is_within and not move.repeats else (canvas.rows, canvas.columns)
            exists = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        found.append((row * canvas.columns + column).where(exists, C).expand(len(tokens), C))
    if canvas.copies:
        tables = tables_of(canvas.copies) if tables is None else tables
        found.append(copied(tables, canvas, height=height, width=width))
    return torch.stack(found, dim=1)


def chosen(values: Tensor, cells: Tensor) -> Tensor:
    """The values (B, C, ...) of these cells, (K, C) for all or (B, K, C) for each: (B, K, C, ...)."""
    if cells.ndim == 2:
        return values.index_select(1, cells.flatten()).unflatten(1, cells.shape)
    first = values.shape[1] * torch.arange(len(values), device=cells.device)
    return values.flatten(0, 1).index_select(0, (cells + first[:, None, None]).flatten()).unflatten(0, cells.shape)


def areas(tokens: Tensor, cells: Tensor) -> Tensor:
    """Finds the connected areas of one token: members (B, C, C), row i for the area whose first cell is i.

    Args:
        tokens: Questions, (B, C).
        cells: Neighbours, (K, C), as `adjacency`, or (B, K, C), as `within_own_edges`.
    """
    B, C = tokens.shape
    first = torch.arange(C, device=tokens.device).expand(B, C)
    beyond = chosen(F.pad(tokens, (0, 1), value=-1), cells)  # (B, K, C)
    same = beyond == tokens.unsqueeze(1)
    while True:  # the lowest number goes round each area
        heard = chosen(F.pad(first, (0, 1), value=C), cells).where(same, C).amin(1)
        lower = torch.minimum(first, heard)
        lower = torch.minimum(lower, lower.gather(1, lower))
        if bool((lower == first).all()):  # sync
            break
        first = lower
    return first.unsqueeze(1) == torch.arange(C, device=tokens.device).unsqueeze(1)


def largest(members: Tensor, most: int) -> Tensor:
    """The `most` largest of each question's areas that have more than one cell, (B, most, C), from all of them, (B, C, C).

    Of equally large ones those that begin first; rows without a cell follow where there are fewer.
    """
    sizes = members.sum(2)  # (B, C)
    C = sizes.shape[1]
    rank = sizes * C - torch.arange(C, device=sizes.device)  # no two alike
    rows = rank.topk(min(most, C), dim=1).indices
    chosen_rows = members.gather(1, rows.unsqueeze(2).expand(-1, -1, members.shape[2]))
    chosen_rows &= (sizes.gather(1, rows) > 1).unsqueeze(2)
    return F.pad(chosen_rows, (0, 0, 0, most - rows.shape[1]))


def membership(groups: tuple[tuple[int, ...], ...], num_cells: int) -> Tensor:
    """(G, C): 1 where the cell is in the group."""
    members = torch.zeros(len(groups), num_cells)
    for row, cells in zip(members, groups, strict=True):
        row[list(cells)] = 1
    return members
