"""Files of grids in numpy's format: an .npz with arrays `inputs` and `outputs`, padded where the sizes differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.grid_file import (
    MAX_RATING,
    GridFile,
    Side,
    advice_for,
    file_of_cells,
    not_a_rating,
    not_a_split,
)
from ponderling.tasks.custom.names import names_in
from ponderling.tasks.npy import read_npz
from ponderling.tasks.problems import Problems, shown

OTHERS = ("input_shapes", "output_shapes", "split", "ratings")
"""Names of the arrays that may be there besides."""


def read_npz_file(path: Path) -> GridFile:
    """The examples of an .npz file.

    Raises:
        PuzzleError: naming the array, or each row that cannot be used, and the reason.
    """
    writes = "np.savez(path, inputs=..., outputs=...)"
    named = [name for name in names_in(read_npz(path, (), writes=writes)) if name is not None]
    arrays = read_npz(path, (*named, *OTHERS), writes=writes)
    problems = Problems(path)
    file = file_of_cells(path, "row", sides=_sides(arrays, problems))
    N = len(file)
    is_test = _column(path, arrays, name="split", N=N, kinds="U")
    if is_test is not None:
        for i in np.flatnonzero(~np.isin(is_test, ["train", "test"])):
            problems.add(int(i), not_a_split(str(is_test[i])))
    ratings = _column(path, arrays, name="ratings", N=N, kinds="iu")
    if ratings is not None:
        for i in np.flatnonzero((ratings < 0) | (ratings > MAX_RATING)):
            problems.add(int(i), not_a_rating(int(ratings[i])))
    problems.report()
    return replace(
        file,
        is_test=None if is_test is None else is_test == "test",
        ratings=None if ratings is None else ratings.astype(np.int32),
    )


def _sides(arrays: dict[str, Any], problems: Problems) -> list[Side]:
    """The inputs and, if there are any, the outputs."""
    inputs, outputs = (None if name is None else arrays[name] for name in names_in(arrays))
    path = problems.path
    if inputs is None:
        raise PuzzleError(
            f"{path}: expected arrays inputs and outputs, got {shown(', '.join(arrays), quote='') or 'none'}"
        )
    N = len(inputs) if inputs.ndim else 0
    given = {"input": inputs} if outputs is None else {"input": inputs, "output": outputs}
    for name, array in tuple(given.items()):
        whole = array.dtype.kind in "iuU" or (array.dtype.kind == "f" and _are_whole(array))
        if array.ndim != 3 or len(array) != N or not whole:
            raise PuzzleError(
                f"{path}: {name}s must be integers or texts of shape ({N}, rows, columns): "
                f"got {array.dtype} {array.shape}{advice_for(array)}"
            )
        if array.dtype.kind == "f":
            given[name] = array.astype(np.int64)
        if N and not array.size:
            raise PuzzleError(f"{path}: {name}s have no cells: got shape {array.shape}")
    sides = [
        _padded(array, arrays.get(f"{name}_shapes"), name=name, problems=problems) for name, array in given.items()
    ]
    problems.report()
    return sides


def _are_whole(array: NDArray[Any]) -> bool:
    """Whether floats are whole numbers, as those of arrays that came from a table."""
    return bool((np.isfinite(array) & (np.abs(array) < 2**53) & (np.floor(array) == array)).all())


def _padded(array: NDArray[Any], shapes: NDArray[Any] | None, *, name: str, problems: Problems) -> Side:
    """The cells that count, row by row, and the shapes; without shapes, all cells count."""
    N, rows, columns = array.shape
    if shapes is None:
        return array.reshape(-1), np.tile(np.array([rows, columns], np.int32), (N, 1))
    if shapes.shape != (N, 2) or shapes.dtype.kind not in "iu":
        raise PuzzleError(
            f"{problems.path}: {name}_shapes must be integers of shape ({N}, 2): got {shapes.dtype} {shapes.shape}"
        )
    for i in np.flatnonzero((shapes < 1).any(axis=1) | (shapes > (rows, columns)).any(axis=1)):
        problems.add(int(i), f"{name} has shape {tuple(shapes[i].tolist())}, the array has room for {(rows, columns)}")
    inside = (np.arange(rows)[:, None] < shapes[:, :1, None]) & (np.arange(columns) < shapes[:, 1:, None])
    return array[inside], shapes.astype(np.int32)


def _column(path: Path, arrays: dict[str, Any], *, name: str, N: int, kinds: str) -> NDArray[Any] | None:
    array = arrays.get(name)
    if array is not None and (array.shape != (N,) or array.dtype.kind not in kinds):
        kind = "texts" if kinds == "U" else "whole numbers"
        raise PuzzleError(f"{path}: {name} must be {kind} of shape ({N},): got {array.dtype} {array.shape}")
    return array
