"""Files of grid pairs in any format a person is likely to have: JSON lines, CSV, npz. `family.py` makes a task of them.

A file becomes a `GridFile`: every cell as a number that stands for its symbol, and nothing yet that a network needs.
"""

from __future__ import annotations

import csv
import functools
import gzip
import io
import json
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.in_memory import refuse_in_memory
from ponderling.tasks.json_keys import RepeatedKeyError, unique_keys
from ponderling.tasks.problems import Problems

MAX_SYMBOLS = 253
"""Most symbols a task may have: tokens are bytes, and padding, the end mark and `no cell` take three."""
INPUTS, OUTPUTS = ("input", "question"), ("output", "answer")
"""Keys and column names under which the two grids of a pair are looked for, in this order."""
SUFFIXES = (".jsonl", ".csv", ".npz", ".jsonl.gz", ".csv.gz")
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
        """For each shape that occurs: the shape, which grids have it, and their cells, (k, rows, columns)."""
        shapes, group = np.unique(self.shapes, axis=0, return_inverse=True)
        for number, (rows, columns) in enumerate(shapes.tolist()):
            members = np.flatnonzero(group.reshape(-1) == number)
            if rows:
                cells = self.starts[members][:, None] + np.arange(rows * columns)
                yield (rows, columns), members, self.codes[cells].reshape(-1, rows, columns)


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
    """The examples of a .jsonl, .csv (both also gzipped) or .npz file, with all problems reported together.

    Raises:
        PuzzleError: naming file, line or row, and reason.
        FileNotFoundError: when the file does not exist.
    """
    refuse_in_memory(path)
    path = Path(path)
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, size=stat.st_size)


@functools.lru_cache(maxsize=4)  # a run looks at its file to find the vocabulary, and again for its puzzles
def _read(path: Path, modified: int, *, size: int) -> GridFile:
    name = path.name.lower()
    if name.endswith((".jsonl", ".jsonl.gz")):
        file = _read_texts(path, "line", parse=_json_lines)
    elif name.endswith((".csv", ".csv.gz")):
        file = _read_texts(path, "row", parse=_csv_rows)
    elif name.endswith(".npz"):
        file = _read_npz(path)
    else:
        arc = (
            "; ARC tasks are trained on with `ponderling train arc10-small --data.train`"
            if path.suffix == ".json"
            else ""
        )
        raise PuzzleError(f"{path}: a file of grids ends in {', '.join(SUFFIXES)}{arc}")
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


def _read_texts(path: Path, unit: str, *, parse: Any) -> GridFile:
    problems = Problems(path, unit)
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            text = file.read().decode("utf-8-sig")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise PuzzleError(f"{path}: not a text file of grids: {error}") from error
    examples = list(parse(path, text, problems=problems))
    as_squares = _lines_are_squares(examples)
    coder = _Coder(path)
    shapes = np.zeros((2, len(examples), 2), np.int32)
    codes: tuple[list[int], list[int]] = ([], [])
    for i, example in enumerate(examples):
        for side, value in enumerate((example.input, example.output)):
            if side and value is None:
                continue
            try:
                cells, shapes[side, i] = coder.grid(value, as_squares)
            except ValueError as error:
                problems.add(example.number, f"{('input', 'output')[side]}: {error}")
            else:
                codes[side].extend(cells)
    splits = _splits(examples, problems)
    ratings = _ratings(examples, problems)
    problems.report()
    inputs, outputs = (CellGrids(np.array(codes[side], np.int32), shapes[side]) for side in (0, 1))
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


def _json_lines(path: Path, text: str, *, problems: Problems) -> Iterator[_Example]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            example = json.loads(line, object_pairs_hook=unique_keys)
        except RepeatedKeyError as error:
            problems.add(number, str(error))
            continue
        except (ValueError, RecursionError) as error:
            problems.add(number, f"not JSON: {error}")
            continue
        if not isinstance(example, dict):
            problems.add(number, f"expected an object with input and output, got {_short(line)}")
            continue
        grids = [next((example[key] for key in keys if key in example), None) for keys in (INPUTS, OUTPUTS)]
        if grids[0] is None:
            problems.add(number, f"no input; its keys are {', '.join(map(str, example)) or 'none'}")
            continue
        name = example.get("id", "")
        yield _Example(
            number=number,
            input=grids[0],
            output=grids[1],
            split=example.get("split") or "",
            rating=example.get("rating"),
            name=str(name),
        )


def _csv_rows(path: Path, text: str, *, problems: Problems) -> Iterator[_Example]:
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        where = [next((header.index(name) for name in names if name in header), -1) for names in (INPUTS, OUTPUTS)]
        if where[0] < 0:
            raise PuzzleError(
                f"{path}: expected a header with the columns input and output (or question and answer), "
                f"got {_short(','.join(header)) or 'nothing'}"
            )
        others = [header.index(name) if name in header else -1 for name in ("split", "rating")]
        others.append(next((header.index(name) for name in ("id", "source") if name in header), -1))
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


def _lines_are_squares(examples: Sequence[_Example]) -> bool:
    """Whether every grid that is one line of text is meant as a square, row after row, as in files of Sudokus and mazes."""
    lines = [
        value
        for example in examples
        for value in (example.input, example.output)
        if isinstance(value, str) and "/" not in value and "\n" not in value and not value.startswith("[")
    ]
    return all(map(_is_square, lines))


def _is_square(line: str) -> bool:
    return math.isqrt(len(line)) ** 2 == len(line) and not re.fullmatch(r"\S( \S)+", line)


def grid_of_text(text: str, as_square: bool = True) -> list[list[Any]]:
    """The rows of a grid written as text.

    JSON is read as JSON. Otherwise `/` or line ends separate rows. In a row, spaces separate cells if there are any; if
    not, each character is a cell. A single line is a square, row after row, each character a cell, or else one row.

    Raises:
        ValueError: when it is empty or broken JSON.
    """
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not JSON: {error}") from error
        return _rows_of(rows)
    rows = text.replace("\r", "").strip("\n").replace("\n", "/").split("/")
    if len(rows) == 1:
        if as_square and _is_square(rows[0]):
            side, text = math.isqrt(len(rows[0])), rows[0]
            return [list(text[r * side : (r + 1) * side]) for r in range(side)]
    elif not rows[-1]:
        rows.pop()  # the / that marks a single row as a row
    spaced = any(" " in row.strip() for row in rows)
    return [row.split() if spaced else list(row.strip()) for row in rows]


def _rows_of(value: Any) -> list[list[Any]]:
    """A grid's rows from a list of lists or a list of texts."""
    if not isinstance(value, list) or not all(isinstance(row, list | str) for row in value):
        raise ValueError(f"expected a list of rows, got {_short(json.dumps(value))}")
    return [list(row) for row in value]


class _Coder:
    """Numbers the symbols of a file as they come."""

    def __init__(self, path: Path | None):
        self.path = path
        self.symbols: list[str] = []
        self.codes: dict[int | str, int] = {}

    def grid(self, value: Any, as_square: bool = True) -> tuple[list[int], tuple[int, int]]:
        """A grid's cells as numbers, row by row, and its shape.

        Raises:
            ValueError: when the value is not a grid.
        """
        rows = grid_of_text(value, as_square) if isinstance(value, str) else _rows_of(value)
        if not rows or not rows[0]:
            raise ValueError("the grid is empty")
        widths = {len(row) for row in rows}
        if len(widths) > 1:
            odd = next(i for i, row in enumerate(rows) if len(row) != len(rows[0]))
            raise ValueError(f"ragged: row 1 has {len(rows[0])} cells, row {odd + 1} has {len(rows[odd])}")
        cells = [cell for row in rows for cell in row]
        if not {type(cell) for cell in cells} <= {int, str}:
            i = next(i for i, cell in enumerate(cells) if type(cell) not in (int, str))
            row, column = divmod(i, len(rows[0]))
            raise ValueError(
                f"cell {_short(json.dumps(cells[i]))} at row {row + 1} column {column + 1}: expected an integer or a short text"
            )
        for cell in {*cells} - self.codes.keys():
            self._add(cell)
        return [self.codes[cell] for cell in cells], (len(rows), len(rows[0]))

    def _add(self, cell: int | str) -> None:
        symbol = str(cell)  # 1 and "1" are one symbol
        if not _is_symbol(symbol):
            raise ValueError(f"cell {_short(symbol)!r}: expected 1 to 16 characters")
        if symbol not in self.codes:
            self.codes[symbol] = len(self.symbols)
            self.symbols.append(symbol)
            if len(self.symbols) > MAX_SYMBOLS and self.path is not None:
                raise PuzzleError(
                    f"{self.path}: more than {MAX_SYMBOLS} different symbols ({', '.join(self.symbols[:3])}, ... {symbol})"
                )
        self.codes[cell] = self.codes[symbol]


def _is_symbol(text: str) -> bool:
    return 0 < len(text) <= 16 and "\n" not in text


def codes_of(value: Any) -> tuple[tuple[str, ...], NDArray[np.int32], tuple[int, int]]:
    """Symbols, cells (by number of symbol, row by row) and shape of one grid: text or a list of rows.

    Raises:
        ValueError: when the value is not a grid.
    """
    coder = _Coder(None)
    cells, shape = coder.grid(value)
    return tuple(coder.symbols), np.array(cells, np.int32), shape


def _splits(examples: Sequence[_Example], problems: Problems) -> NDArray[np.bool_] | None:
    if not any(example.split for example in examples):
        return None
    for example in examples:
        if example.split not in ("train", "test"):
            problems.add(example.number, f"split must be train or test: got {example.split!r}")
    return np.array([example.split == "test" for example in examples])


def _ratings(examples: Sequence[_Example], problems: Problems) -> NDArray[np.int32] | None:
    if all(example.rating is None for example in examples):
        return None
    ratings = np.zeros(len(examples), np.int32)
    for i, example in enumerate(examples):
        text = str(example.rating)
        if text.isascii() and text.isdigit() and len(text) < 10:
            ratings[i] = int(text)
        elif example.rating is None:
            problems.add(example.number, "no rating, though others have one: rate all or none")
        else:
            problems.add(example.number, f"rating must be a whole number from 0, got {_short(text)!r}")
    return ratings


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


# npz


def _read_npz(path: Path) -> GridFile:
    if not zipfile.is_zipfile(path):  # numpy would take it for a pickle, and tell how to load one
        raise PuzzleError(
            f"{path}: not an npz file of plain arrays: expected what np.savez(path, inputs=..., outputs=...) writes"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zip, header and pickle errors of many classes
        raise PuzzleError(f"{path}: not an npz file of plain arrays: {' '.join(str(error).split())}") from error
    found = [next((arrays[name] for name in names if name in arrays), None) for names in _NPZ_NAMES]
    inputs, outputs = found
    if inputs is None:
        raise PuzzleError(f"{path}: expected arrays inputs and outputs, got {', '.join(arrays) or 'none'}")
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
    if is_test is not None and not np.isin(is_test, ["train", "test"]).all():
        i = int(np.flatnonzero(~np.isin(is_test, ["train", "test"]))[0])
        raise PuzzleError(f"{path}, row {i}: split must be train or test: got {str(is_test[i])!r}")
    ratings = _npz_column(path, arrays, name="ratings", N=N, kinds="iu")
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
        raise PuzzleError(f"{path}: {name} must have shape ({N},): got {array.dtype} {array.shape}")
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
    values, codes = np.unique(np.concatenate([cells for cells, _ in sides]), return_inverse=True)
    if len(values) > MAX_SYMBOLS:
        raise PuzzleError(f"{path}: more than {MAX_SYMBOLS} different symbols ({', '.join(map(str, values[:3]))}, ...)")
    unfit = [symbol for symbol in map(str, values) if not _is_symbol(symbol)]
    if unfit:
        raise PuzzleError(f"{path}: cell {_short(unfit[0])!r}: expected 1 to 16 characters")
    N, cut = len(sides[0][1]), len(sides[0][0])
    codes = codes.reshape(-1).astype(np.int32)
    return GridFile(
        path=path,
        unit=unit,
        numbers=np.arange(N),
        symbols=tuple(map(str, values)),
        inputs=CellGrids(codes[:cut], sides[0][1]),
        outputs=CellGrids(codes[cut:], sides[1][1] if len(sides) > 1 else np.zeros((N, 2), np.int32)),
        is_test=None,
        ratings=None,
        names=None,
    )


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
            array = np.asarray(_rows_apart(grid))
        except ValueError:
            problems.add(i, f"{what} is ragged: expected rows of equal length")
            continue
        if array.ndim != 2 or not array.size:
            problems.add(i, f"{what} must hold grids of rows and columns: got shape {array.shape}")
            continue
        parts.append(_symbols_in(array[None], what, problems=problems, index=i).reshape(-1))
        shapes.append(array.shape)
    parts = parts if len(parts) == 1 else parts[1:]  # an empty array of integers would be joined with texts
    return np.concatenate(parts), np.array(shapes, np.int32).reshape(-1, 2)


def _rows_apart(grid: Any) -> Any:
    """The grid, its rows as lists of characters where they are texts."""
    if isinstance(grid, list | tuple) and grid and all(isinstance(row, str) for row in grid):
        return [list(row) for row in grid]
    return grid


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
        return np.array(cells).reshape(grids.shape)
    for i in np.flatnonzero(wrong.any(axis=(1, 2))):
        row, column = np.argwhere(wrong[i])[0]
        cell = grids[i].item(row, column)
        problems.add(
            index + int(i),
            f"{what} holds {_short(str(cell))} at row {row + 1} column {column + 1}: expected an integer or a text",
        )
    return np.zeros(grids.shape, np.int64)


def _is_cell(value: Any) -> bool:
    """Whether a Python value is an integer, also as a float, or a text."""
    if isinstance(value, bool | np.bool_):
        return False
    if isinstance(value, float | np.floating):
        return bool(np.isfinite(value) and value == int(value))
    return isinstance(value, int | np.integer | str)
