"""Answers that are rearranged questions: which cell of a question each cell of its answer is a copy of, size by size."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import Puzzles, Tokens
from ponderling.tasks.custom.spec import MOST_COPIED, GridSpec
from ponderling.tasks.relations import Copies

FEWEST = 30
"""Examples, or cells of them, that it takes to say that cells are copied from elsewhere; among fewer some are by chance."""

MOST_LOOKED_AT = 10_000
"""Most examples that are looked at for this; a canvas may be much larger than its grids."""

SURE = 10.0
"""Nats that the examples of a cell say beyond those that it takes to pick a cell, so that it is hardly a copy by chance."""


@dataclass(frozen=True)
class Copied:
    """What the examples say of where answers come from."""

    tables: tuple[Copies, ...]
    """A table for each size of question whose answers have one size and copy some cell."""
    _: KW_ONLY
    share: float
    """Share of all answers' cells that are surely copies of another place of the question."""
    is_all: bool
    """Whether every cell of every answer is a copy of a cell, be it that in its own place."""


def copies_in(puzzles: Puzzles, spec: GridSpec) -> Copied:
    """Looks for cells of answers that are the same cell of the question in all examples whose question has its size.

    Of several such cells, which never differ, the one in the same place is taken, else the first.
    """
    rows = np.random.default_rng(0).permutation(len(puzzles))[:MOST_LOOKED_AT]
    questions, answers = puzzles.tokens[rows], puzzles.labels[rows]
    shape = (len(questions), spec.rows, spec.columns)
    grids, said = questions.reshape(shape), answers.reshape(shape)
    sizes = np.concatenate([spec.own_sizes(grids), spec.own_sizes(said)], axis=1)
    own, counts = np.unique(sizes[:, :2], axis=0, return_counts=True)
    total, moved, told, is_all = int(sizes[:, 2:].prod(axis=1).sum()), 0, 0, True
    tables: list[Copies] = []
    for rows, columns in own[np.argsort(-counts, kind="stable")].tolist():
        members = (sizes[:, :2] == (rows, columns)).all(axis=1)
        height, width = map(int, sizes[members][0, 2:])
        cells = height * width
        has_one_size = bool((sizes[members, 2:] == (height, width)).all()) and min(rows, columns, cells) > 0
        is_small = told + cells <= MOST_COPIED
        if members.sum() < FEWEST or not has_one_size or not is_small:
            is_all = False
            continue
        question = grids[members, :rows, :columns].reshape(-1, rows * columns)
        answer = said[members, :height, :width].reshape(-1, cells)
        row, column = np.divmod(np.arange(cells), width)
        same = np.where((row < rows) & (column < columns), row * columns + column, -1)
        heard = _sources(question, answer, same=same)
        is_all &= bool((heard >= 0).all())
        moved += int(members.sum()) * int(((heard >= 0) & (heard != same) & _is_sure(answer, rows * columns)).sum())
        if (heard >= 0).any():
            told += cells
            tables.append(Copies(tuple(heard.tolist()), rows=rows, columns=columns, height=height, width=width))
    tables.sort(key=lambda table: (table.rows, table.columns))
    return Copied(tuple(tables), share=moved / max(1, total), is_all=is_all and bool(tables))


def _sources(question: Tokens, answer: Tokens, *, same: NDArray[np.int64]) -> NDArray[np.int64]:
    """The cell of the question that each cell of the answer is in all examples, (cells,); -1: none.

    Args:
        question: Questions of one size, (N, cells).
        answer: Answers of one size, (N, cells).
        same: The cell of the question in the place of each cell of the answer, or -1.
    """
    first: dict[bytes, int] = {}  # what a cell holds in all examples, and the first cell that does
    for cell, held in enumerate(question.T):
        first.setdefault(held.tobytes(), cell)
    heard = np.array([first.get(held.tobytes(), -1) for held in answer.T])
    is_same = (same >= 0) & (answer == question[:, same]).all(axis=0)
    return np.where(is_same, same, heard)


def _is_sure(answer: Tokens, candidates: int) -> NDArray[np.bool_]:
    """Whether each cell of the answers, (N, cells), varies so much that it is hardly one of the candidates by chance."""
    shares = np.stack([(answer == token).mean(axis=0) for token in np.unique(answer)])
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=0)
    return len(answer) * entropy >= SURE + np.log(candidates * answer.shape[1])
