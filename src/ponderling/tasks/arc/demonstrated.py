"""What all demonstrations of an ARC task share, which its answers must share, too: how large they are, and which colours.

These are facts of the demonstrations, found by a few simple rules and without a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.arc.canvas import FIRST_COLOUR, Shape, place, shape_of_canvas, transform
from ponderling.tasks.arc.files import Grid, Pair
from ponderling.tasks.base import Tokens

Size = tuple[int, int]
"""Rows and columns."""

NO_SIZE = (0, 0)
"""What a rule gives for a size that it says nothing of."""

SizeRule = Callable[[Size], Size]
"""From the size of an input to that of its output."""


def size_rule(demos: Sequence[Pair]) -> SizeRule | None:
    """The first simple rule that the sizes of all demonstrations follow; None where none of them does.

    In this order: the size of the input; always the same size; the input's, multiplied; its rows and columns exchanged; as
    much larger or smaller.
    """
    sizes = [(pair.input.shape, pair.output.shape) for pair in demos if pair.output is not None]
    if not sizes:
        return None
    (h, w), (H, W) = sizes[0]
    tall, wide = Fraction(H, h), Fraction(W, w)

    def multiplied(size: Size) -> Size:
        new = size[0] * tall, size[1] * wide
        return (int(new[0]), int(new[1])) if all(length.denominator == 1 for length in new) else NO_SIZE

    def larger(size: Size) -> Size:
        return size[0] + H - h, size[1] + W - w

    rules: tuple[SizeRule, ...] = (
        lambda size: size,
        lambda size: (H, W),
        multiplied,
        lambda size: (size[1], size[0]),
        larger,
    )
    for rule in rules:
        if all(rule((before[0], before[1])) == after for before, after in sizes):
            return rule
    return None


@dataclass(frozen=True)
class Demonstrated:
    """What the answer to one test input must be like."""

    size: Size | None
    """Rows and columns of the answer; None where the demonstrations follow no simple rule."""
    colours: frozenset[int]
    """The colours that it may have: those of the input, and of all outputs that were demonstrated."""

    @classmethod
    def of(cls, demos: Sequence[Pair], question: Grid, *, canvas: Shape) -> Demonstrated:
        """What the demonstrations say of this input's answer on a canvas of this shape."""
        rule = size_rule(demos)
        size = None if rule is None else rule((question.shape[0], question.shape[1]))
        if size is not None and not all(
            1 <= length <= most for length, most in zip(size, shape_of_canvas(canvas), strict=True)
        ):
            size = None
        shown = [pair.output for pair in demos if pair.output is not None]
        return cls(size, frozenset(int(colour) for grid in (question, *shown) for colour in np.unique(grid)))

    def under(self, symmetry: int, colours: NDArray[np.uint8]) -> Demonstrated:
        """What the answer must be like under a view: one of the eight symmetries, and the new colour of each, (10,)."""
        size = self.size
        if size is not None:
            rows, columns = transform(np.empty(size, np.uint8), symmetry).shape
            size = (rows, columns)
        return Demonstrated(size, frozenset(int(colours[colour]) for colour in self.colours))

    def answer(self, scores: NDArray[np.floating], canvas: Shape) -> Tokens:
        """The tokens (L,) of the best answer that is like this.

        Args:
            scores: A score for each cell and token, (L, V).
            canvas: Rows and columns of the canvas.
        """
        allowed = np.full(scores.shape[1], -np.inf)
        allowed[[FIRST_COLOUR + colour for colour in self.colours]] = 0
        if self.size is None:
            allowed[:FIRST_COLOUR] = 0
            return (scores + allowed).argmax(1).astype(np.uint8)
        rows, columns = self.size
        coloured = (scores + allowed).argmax(1).reshape(shape_of_canvas(canvas))[:rows, :columns] - FIRST_COLOUR
        return place(coloured.astype(np.uint8), canvas)
