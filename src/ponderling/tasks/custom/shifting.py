"""Answers that are moved questions: by how many rows and columns, whatever the size of the grids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import Tokens
from ponderling.tasks.custom.copying import FEWEST
from ponderling.tasks.custom.spec import GridSpec

FIRST_LOOK = 8
"""Examples on which every distance is tried; those that they allow are tried on all."""

PROBES = 32
"""Cells of each of these examples that are compared first."""

LEAST = 0.5
"""Share of the answers' cells that must come from within the question."""


@dataclass(frozen=True)
class Shift:
    """From each cell of an answer to the cell of the question that it is a copy of."""

    down: int
    """Rows down."""
    right: int
    """Columns to the right."""
    _: KW_ONLY
    wraps: bool
    """Whether what leaves the question's grid at one edge comes in at the opposite one."""
    is_all: bool
    """Whether it tells all answers: the cells that come from outside of the question hold one symbol."""

    def __str__(self) -> str:
        return f"shift={self.down}x{self.right}" + "+wraps" * self.wraps


def shift_in(questions: Tokens, answers: Tokens, *, spec: GridSpec) -> Shift | None:
    """The shortest shift that every cell of every answer which comes from within its question obeys; None: there is none.

    Args:
        questions: Questions on their canvas, (N, L).
        answers: Their answers, (N, L).
        spec: The canvas and its symbols.
    """
    shape = (len(questions), spec.rows, spec.columns)
    grids, said = questions.reshape(shape), answers.reshape(shape)
    own, new = spec.own_sizes(grids), spec.own_sizes(said)
    if len(grids) < FEWEST or min(own.min(), new.min()) < 1:
        return None
    pairs = [
        (grid[:rows, :columns], answer[:height, :width])
        for grid, answer, (rows, columns), (height, width) in zip(grids, said, own, new, strict=True)
    ]
    telling = [pair for pair in pairs if pair[0].shape != pair[1].shape or (pair[0] != pair[1]).any()]
    if len(telling) < FEWEST:
        return None
    first = sorted(telling, key=lambda pair: -pair[0].size)[:FIRST_LOOK]
    for wraps in (True, False)[int((own != new).any()) :]:
        for down, right in _allowed(first, own.min(axis=0) if wraps else own.max(axis=0), wraps=wraps):
            if all(_obeys(*pair, down=down, right=right, wraps=wraps) for pair in pairs):
                beyond = [_beyond(*pair, down=down, right=right) for pair in pairs] if not wraps else []
                outside = np.unique(np.concatenate(beyond)) if beyond else np.zeros(0)
                return Shift(down, right, wraps=wraps, is_all=len(outside) < 2)
    return None


def _allowed(
    pairs: list[tuple[Tokens, Tokens]], lengths: NDArray[np.int64], *, wraps: bool
) -> Iterator[tuple[int, int]]:
    """Rows down and columns to the right, less than these lengths, that some cells of these pairs allow; the shortest first."""
    downs, rights = (way.ravel() for way in np.mgrid[tuple(slice(1 - length, length) for length in lengths)])
    for question, answer in pairs:
        rows, columns = question.shape
        for cell in np.unique(np.linspace(0, answer.size - 1, PROBES).astype(int)).tolist():
            row, column = divmod(cell, answer.shape[1])
            r, c = row + downs, column + rights
            inside = wraps | ((r >= 0) & (r < rows) & (c >= 0) & (c < columns))
            kept = ~inside | (question[r % rows, c % columns] == answer[row, column])
            downs, rights = downs[kept], rights[kept]
    ways = zip(downs.tolist(), rights.tolist(), strict=True)
    yield from sorted((way for way in ways if any(way)), key=lambda way: (abs(way[0]) + abs(way[1]), way))


def _obeys(question: Tokens, answer: Tokens, *, down: int, right: int, wraps: bool) -> bool:
    """Whether each cell of an answer whose source is in the question is its copy, and enough of them are."""
    if wraps:
        return bool((np.roll(question, (-down, -right), axis=(0, 1)) == answer).all())
    to, source = (
        _overlap(question, answer, down=down, right=right),
        _overlap(answer, question, down=-down, right=-right),
    )
    cells = answer[to]
    return cells.size >= LEAST * answer.size and bool((cells == question[source]).all())


def _overlap(question: Tokens, answer: Tokens, *, down: int, right: int) -> tuple[slice, slice]:
    """The rows and columns of an answer that come from within its question."""
    ends = [
        (max(0, -step), max(0, min(length, own - step)))
        for step, length, own in zip((down, right), answer.shape, question.shape, strict=True)
    ]
    return slice(*ends[0]), slice(*ends[1])


def _beyond(question: Tokens, answer: Tokens, *, down: int, right: int) -> Tokens:
    """The cells of an answer that come from outside of its question."""
    is_beyond = np.ones(answer.shape, bool)
    is_beyond[_overlap(question, answer, down=down, right=right)] = False
    return answer[is_beyond]
