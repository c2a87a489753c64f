"""ARC grids as tokens on a canvas, and the views under which a task is shown, as in the official builder (of square ones).

Token 0 is padding, 1 marks the end of the grid just below and to the right of it where there is room, 2 to 11 are the
colours. A view is one of the 8 symmetries of the square and a permutation of the colours 1 to 9; view 0 is the task as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.arc.files import Grid, Pair
from ponderling.tasks.base import PAD, Tokens

EOS, FIRST_COLOUR = 1, 2
"""The end-of-grid marker, and the token of colour 0."""

NUM_SYMMETRIES = 8
"""0 to 3: quarter turns against the clock; 4: left-right; 5: up-down; 6: transposed; 7: transposed at the other diagonal."""

KEEP_SHAPE = (0, 2, 4, 5)
"""The symmetries that leave rows rows, for canvases that are not square."""

INVERSE = (0, 3, 2, 1, 4, 5, 6, 7)
"""The inverse of each symmetry."""

TRIALS = 5
"""Views drawn for each view wanted before a task counts as having no more distinct ones, as in the official builder."""

# Cell (a, b) of the new grid is cell (i, j) of the old one: (b, a) if swapped, each counted from the far end if flipped.
_SWAPPED = np.array([0, 1, 0, 1, 0, 0, 1, 1], bool)
_ROWS_FLIPPED = np.array([0, 0, 1, 1, 0, 1, 0, 1], bool)
_COLUMNS_FLIPPED = np.array([0, 1, 1, 0, 1, 0, 0, 1], bool)


Shape = int | tuple[int, int]
"""Rows and columns of a canvas, or one number for a square one."""


def shape_of_canvas(shape: Shape) -> tuple[int, int]:
    """Rows and columns."""
    return (shape, shape) if isinstance(shape, int) else shape


def transform(grid: Grid, symmetry: int) -> Grid:
    """The grid under one of the 8 symmetries; its rows and columns may change places."""
    if symmetry < 4:
        return np.rot90(grid, symmetry)
    return (np.fliplr(grid), np.flipud(grid), grid.T, np.fliplr(np.rot90(grid)))[symmetry - 4]


def show(grid: Grid, symmetry: int, *, colours: NDArray[np.uint8]) -> Grid:
    """The grid as a view shows it; `colours` (10,) is the new colour of each."""
    return transform(colours[grid], symmetry)


def undo(grid: Grid, symmetry: int, *, colours: NDArray[np.uint8]) -> Grid:
    """The grid that `show` was given."""
    return np.ascontiguousarray(np.argsort(colours).astype(np.uint8)[transform(grid, INVERSE[symmetry])])


def place(grid: Grid, shape: Shape, *, corner: tuple[int, int] = (0, 0)) -> Tokens:
    """The grid on a canvas, (L,), with its upper left cell at `corner` and end-of-grid markers."""
    canvas = np.full(shape_of_canvas(shape), PAD, np.uint8)
    (top, left), (bottom, right) = corner, (corner[0] + grid.shape[0], corner[1] + grid.shape[1])
    canvas[bottom : bottom + 1, left:right] = EOS
    canvas[top:bottom, right : right + 1] = EOS
    canvas[top:bottom, left:right] = grid + FIRST_COLOUR
    return canvas.reshape(-1)


def extents(canvases: Tokens, shape: Shape) -> NDArray[np.intp]:
    """Rows and columns of the grid on each canvas (N, L), (N, 2): the largest rectangle of colours in the corner.

    Ties go to the rectangle with the fewest rows, as in the official builder; (0, 0) where the corner has no colour.
    """
    rows, width = shape_of_canvas(shape)
    coloured = canvases.reshape(-1, rows, width) >= FIRST_COLOUR
    run = np.logical_and.accumulate(coloured, axis=2).sum(axis=2)
    widths = np.minimum.accumulate(run, axis=1)  # (N, rows): of the rectangle that ends with each row
    best = np.argmax(widths * np.arange(1, rows + 1), axis=1)
    columns = np.take_along_axis(widths, best[:, None], axis=1)[:, 0]
    return np.stack([np.where(columns > 0, best + 1, 0), columns], axis=1)


def shown_extents(canvases: Tokens, shape: Shape, *, symmetries: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Rows and columns of each grid under its symmetry, (N, 2)."""
    sizes = extents(canvases, shape)
    return np.where(_SWAPPED[symmetries][:, None], sizes[:, ::-1], sizes)


def crop(canvas: Tokens, shape: Shape) -> Grid:
    """The grid in the corner of a canvas (L,), without padding and markers; it may be empty."""
    rows, columns = extents(canvas[None], shape)[0]
    return canvas.reshape(shape_of_canvas(shape))[:rows, :columns] - FIRST_COLOUR


def redraw(
    canvases: Tokens,
    shape: Shape,
    *,
    symmetries: NDArray[np.uint8],
    colours: NDArray[np.uint8],
    corners: NDArray[np.integer] | None = None,
) -> Tokens:
    """Canvases (N, L) whose grids lie in the corner, each as a view shows it, optionally moved.

    Args:
        canvases: What `place` made; an empty one (an unknown answer) stays empty.
        shape: Rows and columns of the canvas; symmetries that exchange them are for square ones.
        symmetries: One for each, (N,).
        colours: The new colour of each colour, (N, 10).
        corners: Row and column of the upper left cell, (N, 2); None: the corner.
    """
    N = len(canvases)
    high, wide = shape_of_canvas(shape)
    old = extents(canvases, shape)[:, :, None, None]  # (N, 2, 1, 1)
    swapped = _SWAPPED[symmetries][:, None, None]
    rows, columns = np.where(swapped, old[:, 1], old[:, 0]), np.where(swapped, old[:, 0], old[:, 1])
    top, left = (np.zeros((2, 1, 1, 1), int) if corners is None else corners.T[:, :, None, None]).astype(int)
    a, b = np.arange(high)[None, :, None] - top, np.arange(wide)[None, None, :] - left  # place in the new grid
    i, j = np.where(swapped, b, a), np.where(swapped, a, b)
    i = np.where(_ROWS_FLIPPED[symmetries][:, None, None], old[:, 0] - 1 - i, i)
    j = np.where(_COLUMNS_FLIPPED[symmetries][:, None, None], old[:, 1] - 1 - j, j)
    in_rows, in_columns = (a >= 0) & (a < rows), (b >= 0) & (b < columns)
    inside = in_rows & in_columns
    cells = np.where(inside, i * wide + j, 0).reshape(N, -1)
    tokens = np.concatenate([np.tile([[PAD, EOS]], (N, 1)), colours + FIRST_COLOUR], axis=1)  # (N, 12)
    seen = np.take_along_axis(tokens, np.take_along_axis(canvases, cells, axis=1), axis=1)
    marks = (in_rows & (b == columns)) | (in_columns & (a == rows))
    return np.where(inside.reshape(N, -1), seen, np.where(marks.reshape(N, -1), EOS, PAD)).astype(np.uint8)


class ViewSymmetry(NamedTuple):
    """What makes two views of a task show the same, so that one of them is left out."""

    colours: str
    """The task's colours but 0; a permutation of others changes nothing."""
    symmetries: str
    """For each of the 8 symmetries, the first one that shows the same."""


def view_symmetry(pairs: Iterable[Pair]) -> ViewSymmetry:
    """What makes views of a task with these pairs show the same. A symmetry that acts like an exchange of colours is missed."""
    pairs = list(pairs)
    present = np.unique(np.concatenate([grid.reshape(-1) for pair in pairs for grid in pair if grid is not None]))
    keys = {pair.key for pair in pairs}
    first = list(range(NUM_SYMMETRIES))
    # Where a symmetry keeps the task, it carries the first pair to one of them: quick to refute, and refuted for most.
    if any(_transform_pair(pairs[0], symmetry).key in keys for symmetry in range(1, NUM_SYMMETRIES)):
        contents: dict[tuple[bytes, ...], int] = {}
        for symmetry in range(NUM_SYMMETRIES):
            content = tuple(sorted(_transform_pair(pair, symmetry).key for pair in pairs))
            first[symmetry] = contents.setdefault(content, symmetry)
    return ViewSymmetry("".join(map(str, present[present > 0])), "".join(map(str, first)))


def _transform_pair(pair: Pair, symmetry: int) -> Pair:
    output = None if pair.output is None else transform(pair.output, symmetry)
    return Pair(transform(pair.input, symmetry), output)


def make_views(task_id: str, kin: ViewSymmetry, *, wanted: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Symmetries (n,) and colour permutations (n, 10) of a task's views: the task as it is, and up to `wanted` others.

    They depend on the id alone, and view k does not depend on how many are wanted. No two show the same; a task of few
    colours may have fewer than wanted.
    """
    rng = np.random.default_rng(np.frombuffer(hashlib.sha256(task_id.encode()).digest()[:16], np.uint32))
    symmetries, colours = np.zeros(1, np.uint8), np.arange(10, dtype=np.uint8)[None]
    first_alike = np.array(list(kin.symmetries), np.int64)
    for _ in range(TRIALS):
        if len(symmetries) > wanted:
            break
        draw = rng.random((wanted, 10))
        symmetries = np.concatenate([symmetries, (draw[:, 0] * NUM_SYMMETRIES).astype(np.uint8)])
        permuted = np.argsort(draw[:, 1:], axis=1).astype(np.uint8) + 1
        colours = np.concatenate([colours, np.insert(permuted, 0, 0, axis=1)])
        looks = first_alike[symmetries]  # the same number for views that show the same
        for colour in kin.colours:
            looks = 10 * looks + colours[:, int(colour)]
        first = np.sort(np.unique(looks, return_index=True)[1])[: wanted + 1]
        symmetries, colours = symmetries[first], colours[first]
    return symmetries, colours
