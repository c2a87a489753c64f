"""Files of grid pairs in any format a person is likely to have: JSON lines, CSV, npz. `family.py` makes a task of them.

A file becomes a `GridFile`: every cell as a number that stands for its symbol, and nothing yet that a network needs.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.text_form import (
    LONGEST_SYMBOL,
    AmbiguousError,
    Form,
    Rows,
    Text,
    form_of,
    rows_of,
    text_of,
)
from ponderling.tasks.custom.text_form import grid_of_text as grid_of_text
from ponderling.tasks.in_memory import refuse_in_memory
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.npy import read_npz
from ponderling.tasks.opened import lines_of, open_bytes, suffix_of
from ponderling.tasks.problems import Problems, one_line, shown

MAX_SYMBOLS = 253
"""Most symbols a task may have: tokens are bytes, and padding, the end mark and `no cell` take three."""
INPUTS, OUTPUTS = ("input", "question"), ("output", "answer")
"""Keys and column names under which the two grids of a pair are looked for, in this order."""
MAX_RATING = 999_999_999
"""Highest rating of an example."""
BLOCK = 1 << 22
"""Number of cells that `CellGrids.by_shape` gives at a time, which bounds memory."""
SUFFIXES = (".jsonl", ".csv", ".npz")
"""Endings of the names of files of grids."""


@dataclass(frozen=True)
class CellGrids:
    """N grids of any sizes, their cells as one array."""

    codes: NDArray[np.int32]
    """The cells of all grids, row by row, one grid after the other: numbers of symbols."""
    shapes: NDArray[np.int32]
    """Rows and columns of each grid, (N, 2); 0 and 0 where a grid is not given."""

    @functools.cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the cells of each grid begin, (N + 1,)."""
        return np.concatenate([[0], np.cumsum(self.shapes.prod(axis=1, dtype=np.int64))])

    def by_shape(self) -> Iterator[tuple[tuple[int, int], NDArray[np.intp], NDArray[np.int32]]]:
        """For each shape that occurs: the shape, which grids have it, and their cells, (k, rows, columns).

        A shape of very many cells comes several times, with some of its grids each time.
        """
        shapes, group = np.unique(self.shapes, axis=0, return_inverse=True)
        for number, (rows, columns) in enumerate(shapes.tolist()):
            members = np.flatnonzero(group.reshape(-1) == number)
            count = max(1, BLOCK // max(1, rows * columns))
            for start in range(0, len(members) if rows else 0, count):
                block = members[start : start + count]
                cells = self.starts[block][:, None] + np.arange(rows * columns)
                yield (rows, columns), block, self.codes[cells].reshape(-1, rows, columns)


@dataclass(frozen=True, kw_only=True)
class GridFile:
    """The N examples of a file."""

    path: Path
    unit: str
    """The unit of `numbers`: line or row."""
    numbers: NDArray[np.int64]
    """The line or row of each example in the file, (N,)."""
    symbols: tuple[str, ...]
    """The symbol of each code."""
    inputs: CellGrids
    outputs: CellGrids
    is_test: NDArray[np.bool_] | None
    """Examples that the file itself sets apart for testing, (N,); None where it does not say."""
    ratings: NDArray[np.int32] | None
    names: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def has_answers(self) -> NDArray[np.bool_]:
        """Whether each example has an output, (N,)."""
        return self.outputs.shapes[:, 0] > 0


def read_grid_file(path: str | Path) -> GridFile:
    """The examples of a .jsonl, .csv (both also packed) or .npz file, with all problems reported together.

    Raises:
        PuzzleError: naming file, line or row, and reason.
        FileNotFoundError: when the file does not exist.
    """
    refuse_in_memory(path)
    path = Path(path)
    with open_bytes(path) as file:
        stat = os.fstat(file.fileno())
    return _read(path, stat.st_mtime_ns, size=stat.st_size)


@functools.lru_cache(maxsize=4)  # a run looks at its file to find the vocabulary, and again for its puzzles
def _read(path: Path, modified: int, *, size: int) -> GridFile:
    suffix = suffix_of(path)
    if suffix == ".jsonl":
        file = _read_texts(path, "line", parse=_json_lines)
    elif suffix == ".csv":
        file = _read_texts(path, "row", parse=_csv_rows)
    elif suffix == ".npz":
        file = _read_npz(path)
    else:
        arc = ", and ARC tasks with arc10-small" if suffix == ".json" else ""
        raise PuzzleError(
            f"{path}: a file of grids ends in {', '.join(SUFFIXES)}, packed or not; Sudokus and mazes in other files are "
            f"trained on with `ponderling train RECIPE --data.train FILE`{arc}"
        )
    if not len(file):
        raise PuzzleError(f"{path}: no example in it")
    return file


# Text


@dataclass(frozen=True, kw_only=True)
class _Example:
    number: int
    input: Any
    output: Any
    split: str
    rating: Any
    name: str


def _read_texts(path: Path, unit: str, *, parse: Callable[..., Iterator[_Example]]) -> GridFile:
    problems = Problems(path, unit)
    coder = _Coder(path)
    examples: list[_Example] = []
    grids: tuple[list[_Grid], list[_Grid]] = ([], [])
    texts: list[tuple[int, Text]] = []
    for example in parse(path, lines_of(path, holds="grids"), problems=problems):
        for side, value in enumerate((example.input, example.output)):
            found = _NO_GRID
            if value is not None:
                with _noting(problems, example.number, side=side):
                    text = text_of(value, side)
                    if isinstance(text, Text):  # read when all of the file's texts are known
                        texts.append((len(examples), text))
                    else:
                        found = coder.grid(text, side=side)
            grids[side].append(found)
        examples.append(replace(example, input=None, output=None))
    form = Form()
    try:
        form = form_of([text for _, text in texts])
    except AmbiguousError as error:
        i, text = texts[error.index]
        problems.add(examples[i].number, f"{_SIDES[text.side]}: {error}")
        texts = []
    for i, text in texts:
        with _noting(problems, examples[i].number, side=text.side):
            grids[text.side][i] = coder.grid(rows_of(text, form), side=text.side, from_text=True)
    splits = _splits(examples, problems)
    ratings = _ratings(examples, problems)
    problems.report()
    inputs, outputs = (
        CellGrids(
            np.concatenate([_NO_GRID[0], *(codes for codes, _ in side)]),
            np.array([shape for _, shape in side], np.int32).reshape(-1, 2),
        )
        for side in grids
    )
    names = tuple(example.name for example in examples)
    numbers = np.array([example.number for example in examples], np.int64)
    return GridFile(
        path=path,
        unit=unit,
        numbers=numbers,
        symbols=tuple(coder.symbols),
        inputs=inputs,
        outputs=outputs,
        is_test=splits,
        ratings=ratings,
        names=names if any(names) else None,
    )


_SIDES = ("input", "output")
_Grid = tuple[NDArray[np.int32], tuple[int, int]]
"""A grid's cells as numbers of symbols, row by row, and its shape."""
_NO_GRID: _Grid = (np.empty(0, np.int32), (0, 0))


@contextlib.contextmanager
def _noting(problems: Problems, number: int, *, side: int) -> Iterator[None]:
    """Notes a ValueError as a problem of this side of an example."""
    try:
        yield
    except PuzzleError:
        raise
    except ValueError as error:
        problems.add(number, f"{_SIDES[side]}: {error}")


def _json_lines(path: Path, lines: Iterable[str], *, problems: Problems) -> Iterator[_Example]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            example = parse_json(line.rstrip("\n"))
        except JsonError as error:
            problems.add(number, str(error))
            continue
        if not isinstance(example, dict):
            problems.add(number, f"expected an object with input and output, got {shown(example)}")
            continue
        grids = [next((example[key] for key in keys if key in example), None) for keys in (INPUTS, OUTPUTS)]
        if grids[0] is None:
            problems.add(number, f"no input; its keys are {shown(', '.join(example), quote='') or 'none'}")
            continue
        name = example.get("id")
        if name is not None and type(name) not in (int, str):
            problems.add(number, f"id must be a text or a whole number: got {shown(name)}")
            continue
        yield _Example(
            number=number,
            input=grids[0],
            output=grids[1],
            split=example.get("split") or "",
            rating=example.get("rating"),
            name="" if name is None else str(name),
        )


def _csv_rows(path: Path, lines: Iterable[str], *, problems: Problems) -> Iterator[_Example]:
    reader = csv.reader(lines)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        where = [next((header.index(name) for name in names if name in header), -1) for names in (INPUTS, OUTPUTS)]
        if where[0] < 0:
            raise PuzzleError(
                f"{path}: expected a header with the columns input and output (or question and answer), "
                f"got {shown(','.join(header), quote='') or 'nothing'}"
            )
        others = [header.index(name) if name in header else -1 for name in ("split", "rating")]
        others.append(next((header.index(name) for name in ("id", "source") if name in header), -1))
        if twice := [header[i] for i in (*where, *others) if i >= 0 and header.count(header[i]) > 1]:
            raise PuzzleError(f"{path}: the header has the column {twice[0]} more than once")
        for fields in reader:
            if len(fields) == len(header):
                input_, output, split, rating, name = (fields[i] if i >= 0 else "" for i in (*where, *others))
                yield _Example(
                    number=reader.line_num,
                    input=input_,
                    output=output or None,
                    split=split.strip(),
                    rating=rating.strip() or None,
                    name=name,
                )
            elif any(fields):
                problems.add(reader.line_num, f"expected {len(header)} columns, got {len(fields)}")
    except csv.Error as error:
        raise PuzzleError(f"{path}, row {reader.line_num}: not CSV: {error}") from error


class _Coder:
    """Numbers the symbols of a file as they come."""

    def __init__(self, path: Path | None):
        self.path = path
        self.symbols: list[str] = []
        self.codes: dict[int | str, int] = {}
        self.kinds: dict[tuple[int, str], type] = {}
        """Whether a symbol of a side is a number or a text; characters cut out of a text can be both."""

    def grid(self, rows: Rows, *, side: int = 0, from_text: bool = False) -> _Grid:
        """A grid's cells as numbers, row by row, and its shape.

        Args:
            rows: The rows of cells.
            side: Whether it is an input, 0, or an output.
            from_text: The cells were cut out of a text, which does not say whether 1 is a number.

        Raises:
            ValueError: when the value is not a grid.
        """
        if not rows or not rows[0]:
            raise ValueError("the grid is empty")
        width = len(rows[0])
        odd = next((i for i, row in enumerate(rows) if len(row) != width), None)
        if odd is not None:
            raise ValueError(f"ragged: row 1 has {width} cells, row {odd + 1} has {len(rows[odd])}")
        cells = list(itertools.chain.from_iterable(rows))
        if not {type(cell) for cell in cells} <= {int, str}:
            i = next(i for i, cell in enumerate(cells) if type(cell) not in (int, str))
            row, column = divmod(i, width)
            raise ValueError(
                f"cell {shown(cells[i])} at row {row + 1} column {column + 1}: expected an integer or a short text"
            )
        kinds = {*cells}
        for cell in kinds - self.codes.keys():
            self._add(cell)
        for cell in () if from_text else kinds:
            if self.kinds.setdefault((side, str(cell)), type(cell)) is not type(cell):
                raise ValueError(_both_kinds("cells", one_line(str(cell))))
        return np.array([self.codes[cell] for cell in cells], np.int32), (len(rows), width)

    def _add(self, cell: int | str) -> None:
        symbol = str(cell)  # 1, and 1 as a character of a text, are one symbol
        if not _is_symbol(symbol):
            raise ValueError(f"cell {shown(symbol, quote=chr(39))}: expected 1 to {LONGEST_SYMBOL} characters")
        if symbol not in self.codes:
            self.codes[symbol] = len(self.symbols)
            self.symbols.append(symbol)
            if len(self.symbols) > MAX_SYMBOLS and self.path is not None:
                some = ", ".join(one_line(symbol) for symbol in self.symbols[:3])
                raise PuzzleError(
                    f"{self.path}: more than {MAX_SYMBOLS} different symbols ({some}, ... {one_line(symbol)})"
                )
        self.codes[cell] = self.codes[symbol]


def _is_symbol(text: str) -> bool:
    return 0 < len(text) <= LONGEST_SYMBOL and "\n" not in text


def codes_of(rows: Rows, *, from_text: bool = False) -> tuple[tuple[str, ...], NDArray[np.int32], tuple[int, int]]:
    """Symbols, cells (by number of symbol, row by row) and shape of one grid.

    Args:
        rows: Its rows of cells.
        from_text: The cells were cut out of a text.

    Raises:
        ValueError: when the rows are not a grid.
    """
    coder = _Coder(None)
    cells, shape = coder.grid(rows, from_text=from_text)
    return tuple(coder.symbols), cells, shape


def _splits(examples: Sequence[_Example], problems: Problems) -> NDArray[np.bool_] | None:
    if not any(example.split for example in examples):
        return None
    for example in examples:
        if not isinstance(example.split, str) or example.split not in ("train", "test"):
            problems.add(example.number, f"split must be train or test: got {shown(example.split, quote=chr(39))}")
    return np.array([example.split == "test" for example in examples])


def _ratings(examples: Sequence[_Example], problems: Problems) -> NDArray[np.int32] | None:
    if all(example.rating is None for example in examples):
        return None
    ratings = np.zeros(len(examples), np.int32)
    for i, example in enumerate(examples):
        text = str(example.rating) if type(example.rating) in (int, str) else ""
        if text.isascii() and text.isdigit() and len(text) < 10:
            ratings[i] = int(text)
        elif example.rating is None:
            problems.add(example.number, "no rating, though others have one: rate all or none")
        else:
            problems.add(example.number, _not_a_rating(example.rating))
    return ratings


def _not_a_rating(value: Any) -> str:
    most = f"; the highest is {MAX_RATING:,}" if isinstance(value, int) else ""
    return f"rating must be a whole number from 0, got {shown(value, quote=chr(39))}{most}"


# npz


def _read_npz(path: Path) -> GridFile:
    names = ("inputs", "questions", "outputs", "answers", "input_shapes", "output_shapes", "split", "ratings")
    arrays = read_npz(path, names, writes="np.savez(path, inputs=..., outputs=...)")
    found = [next((arrays[name] for name in names if name in arrays), None) for names in _NPZ_NAMES]
    inputs, outputs = found
    if inputs is None:
        raise PuzzleError(
            f"{path}: expected arrays inputs and outputs, got {shown(', '.join(arrays), quote='') or 'none'}"
        )
    N = len(inputs) if inputs.ndim else 0
    for name, array in (("inputs", inputs), ("outputs", outputs)):
        if array is not None and (array.ndim != 3 or len(array) != N or array.dtype.kind not in "iuU"):
            raise PuzzleError(
                f"{path}: {name} must be integers or texts of shape ({N}, rows, columns): got {array.dtype} {array.shape}"
            )
        if array is not None and N and not array.size:
            raise PuzzleError(f"{path}: {name} have no cells: got shape {array.shape}")
    problems = Problems(path)
    sides = [
        _padded(array, arrays.get(f"{name}_shapes"), name=name, problems=problems)
        for name, array in (("input", inputs), ("output", outputs))
        if array is not None
    ]
    problems.report()
    file = _file_of_cells(path, "row", sides=sides)
    is_test = _npz_column(path, arrays, name="split", N=N, kinds="U")
    if is_test is not None:
        for i in np.flatnonzero(~np.isin(is_test, ["train", "test"])):
            problems.add(int(i), f"split must be train or test: got {shown(str(is_test[i]), quote=chr(39))}")
    ratings = _npz_column(path, arrays, name="ratings", N=N, kinds="iu")
    if ratings is not None:
        for i in np.flatnonzero((ratings < 0) | (ratings > MAX_RATING)):
            problems.add(int(i), _not_a_rating(int(ratings[i])))
    problems.report()
    return replace(
        file,
        is_test=None if is_test is None else is_test == "test",
        ratings=None if ratings is None else ratings.astype(np.int32),
    )


_NPZ_NAMES = (("inputs", "questions"), ("outputs", "answers"))


def _padded(
    array: NDArray[Any], shapes: NDArray[Any] | None, *, name: str, problems: Problems
) -> tuple[NDArray[Any], NDArray[np.int32]]:
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


def _npz_column(path: Path, arrays: dict[str, Any], *, name: str, N: int, kinds: str) -> NDArray[Any] | None:
    array = arrays.get(name)
    if array is not None and (array.shape != (N,) or array.dtype.kind not in kinds):
        kind = "texts" if kinds == "U" else "whole numbers"
        raise PuzzleError(f"{path}: {name} must be {kind} of shape ({N},): got {array.dtype} {array.shape}")
    return array


# Arrays


_Side = tuple[NDArray[Any], NDArray[np.int32]]
"""The cells of all grids, row by row, one grid after the other; and the rows and columns of each grid, (N, 2)."""


def grid_file_of_arrays(inputs: Any, outputs: Any, *, name: str = "the arrays") -> GridFile:
    """The examples of arrays in memory, as if they were a file.

    Args:
        inputs: An array of integers or texts, (N, rows, columns), or a sequence of N grids, whose sizes may differ. Floats
            must be whole numbers.
        outputs: The answers, in the same form.
        name: What to call the arrays in errors.

    Raises:
        PuzzleError: naming the side, the index and the reason.
    """
    path = Path(name)
    problems = Problems(path, "index")
    sides = [
        _cells_in_memory(grids, what, problems=problems) for grids, what in ((inputs, "inputs"), (outputs, "outputs"))
    ]
    problems.report()
    counts = [len(shapes) for _, shapes in sides]
    if counts[0] != counts[1]:
        raise PuzzleError(f"{path}: expected an output for each input: got {counts[0]} inputs and {counts[1]} outputs")
    if not counts[0]:
        raise PuzzleError(f"{path}: expected at least one example: got none")
    return _file_of_cells(path, "index", sides=sides)


def _file_of_cells(path: Path, unit: str, *, sides: Sequence[_Side]) -> GridFile:
    """The examples of these inputs and, if there are any, outputs."""
    given = [_values_of(cells) for cells, _ in sides]
    symbols = tuple(sorted({str(value) for side in given for value in side.tolist()}))
    unfit = [symbol for symbol in symbols if not _is_symbol(symbol)]
    if unfit:
        raise PuzzleError(f"{path}: cell {shown(unfit[0], quote=chr(39))}: expected 1 to {LONGEST_SYMBOL} characters")
    if len(symbols) > MAX_SYMBOLS:
        some = ", ".join(map(one_line, symbols[:3]))
        raise PuzzleError(f"{path}: more than {MAX_SYMBOLS} different symbols ({some}, ...)")
    N = len(sides[0][1])
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    codes = [_codes_of(cells, own, numbers=numbers) for (cells, _), own in zip(sides, given, strict=True)]
    return GridFile(
        path=path,
        unit=unit,
        numbers=np.arange(N),
        symbols=symbols,
        inputs=CellGrids(codes[0], sides[0][1]),
        outputs=CellGrids(codes[1], sides[1][1])
        if len(sides) > 1
        else CellGrids(_NO_GRID[0], np.zeros((N, 2), np.int32)),
        is_test=None,
        ratings=None,
        names=None,
    )


def _values_of(cells: NDArray[Any]) -> NDArray[Any]:
    """The different cells, sorted. Small integers are not sorted one by one, which would take several times their memory."""
    low, high = (int(cells.min()), int(cells.max())) if cells.dtype.kind in "iu" and cells.size else (0, -1)
    if not 0 <= high - low < 1 << 16:
        return np.unique(cells)
    seen = np.zeros(high - low + 1, bool)
    for start in range(0, len(cells), BLOCK):
        seen[cells[start : start + BLOCK].astype(np.int64) - low] = True
    return (np.flatnonzero(seen) + low).astype(cells.dtype)


def _codes_of(cells: NDArray[Any], values: NDArray[Any], *, numbers: dict[str, int]) -> NDArray[np.int32]:
    """The number of each cell's symbol; each cell is one of the values."""
    number = np.array([numbers[str(value)] for value in values.tolist()], np.int32)
    codes = np.empty(len(cells), np.int32)
    for start in range(0, len(cells), BLOCK):
        codes[start : start + BLOCK] = number[np.searchsorted(values, cells[start : start + BLOCK])]
    return codes


def _cells_in_memory(grids: Any, what: str, *, problems: Problems) -> _Side:
    """The cells and shapes of grids in memory; those that are not grids are noted as problems and left out."""
    if hasattr(grids, "__array__"):
        array = np.asarray(grids)
        if array.dtype != object or array.ndim != 1:
            if array.ndim != 3 or (len(array) and not array.size):
                raise PuzzleError(
                    f"{problems.path}: {what} must be integers or texts of shape (N, rows, columns): "
                    f"got {array.dtype} {array.shape}"
                )
            cells = _symbols_in(array, what, problems=problems)
            return cells.reshape(-1), np.tile(np.array(array.shape[1:], np.int32), (len(array), 1))
        grids = list(array)
    if not isinstance(grids, Sequence) or isinstance(grids, str):
        raise PuzzleError(
            f"{problems.path}: {what} must be an array of shape (N, rows, columns) or a list of grids: "
            f"got {type(grids).__name__}"
        )
    parts: list[NDArray[Any]] = [np.empty(0, np.int64)]
    shapes: list[tuple[int, ...]] = []
    for i, grid in enumerate(grids):
        try:
            array = _array_of(grid)
        except ValueError:
            problems.add(i, f"{what} is ragged: expected rows of equal length")
            continue
        if array.ndim != 2 or not array.size:
            problems.add(i, f"{what} must hold grids of rows and columns: got shape {array.shape}")
            continue
        parts.append(_symbols_in(array[None], what, problems=problems, index=i).reshape(-1))
        shapes.append(array.shape)
    parts = parts if len(parts) == 1 else parts[1:]  # an empty array of integers would be joined with texts
    if len({part.dtype.kind == "U" for part in parts}) > 1:
        kinds = [np.concatenate([p for p in parts if (p.dtype.kind == "U") == is_text]) for is_text in (False, True)]
        if twice := {str(cell) for cell in np.unique(kinds[0])} & {str(cell) for cell in np.unique(kinds[1])}:
            problems.add(0, _both_kinds(what, min(twice)))
    return np.concatenate(parts), np.array(shapes, np.int32).reshape(-1, 2)


def _both_kinds(what: str, symbol: str) -> str:
    return f'{what} are both the number {symbol} and the text "{symbol}": write one of them'


def _array_of(grid: Any) -> NDArray[Any]:
    """The grid as an array, its rows cut into characters where they are texts.

    Raises:
        ValueError: when its rows differ in length.
    """
    if not isinstance(grid, list | tuple):
        return np.asarray(grid)
    if grid and all(isinstance(row, str) for row in grid):
        grid = [list(row) for row in grid]
    kinds = {type(cell) for row in grid if isinstance(row, list | tuple) for cell in row}
    array = np.asarray(grid)  # which makes True a 1, and 1 beside a text the text "1"
    return np.array(grid, object) if kinds - {int} and kinds - {str} and array.ndim == 2 else array


def _symbols_in(grids: NDArray[Any], what: str, *, problems: Problems, index: int = 0) -> NDArray[Any]:
    """The grids, (N, rows, columns), as integers or texts; cells that are neither are noted as problems.

    Args:
        grids: Grids of one shape.
        what: Which side they are.
        problems: Where to note what is wrong.
        index: The number of the first of them.
    """
    kind = grids.dtype.kind
    if kind == "U":
        return grids
    if kind in "iu":
        return grids.astype(np.int64)
    if kind == "f":
        wrong = ~(np.isfinite(grids) & (np.abs(grids) < 2**53) & (np.floor(grids) == grids))
    elif kind == "O":
        wrong = ~np.array([_is_cell(cell) for cell in grids.flat], bool).reshape(grids.shape)
    else:
        problems.add(index, f"{what} must be integers or texts: got {grids.dtype}")
        return np.zeros(grids.shape, np.int64)
    if not wrong.any():
        cells = [cell if isinstance(cell, str) else int(cell) for cell in grids.flat]
        both = {str(cell) for cell in cells if isinstance(cell, int)} & {
            cell for cell in cells if isinstance(cell, str)
        }
        if both:
            problems.add(index, _both_kinds(what, min(both)))
        return np.array(cells).reshape(grids.shape)
    for i in np.flatnonzero(wrong.any(axis=(1, 2))):
        row, column = np.argwhere(wrong[i])[0]
        cell = grids[i].item(row, column)
        problems.add(
            index + int(i),
            f"{what} holds {shown(str(cell), quote='')} at row {row + 1} column {column + 1}: expected an integer or a text",
        )
    return np.zeros(grids.shape, np.int64)


def _is_cell(value: Any) -> bool:
    """Whether a Python value is an integer, also as a float, or a text."""
    if isinstance(value, bool | np.bool_):
        return False
    if isinstance(value, float | np.floating):
        return bool(np.isfinite(value) and value == int(value))
    return isinstance(value, int | np.integer | str)
