"""The symbols of grids, and the numbers that stand for them: in the order they come, or sorted where all are there at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom.text_form import LONGEST_SYMBOL, Rows
from ponderling.tasks.problems import one_line, shown

MAX_SYMBOLS = 253
"""Most symbols a task may have: tokens are bytes, and padding, the end mark and `no cell` take three."""
BLOCK = 1 << 22
"""Number of cells that are worked on at a time, which bounds memory."""

Grid = tuple[NDArray[np.int32], tuple[int, int]]
"""A grid's cells as numbers of symbols, row by row, and its shape."""
NO_GRID: Grid = (np.empty(0, np.int32), (0, 0))


class Coder:
    """Numbers the symbols of a file as they come.

    Args:
        path: The file, which then has at most `MAX_SYMBOLS`; None: one grid, which is compared with a task's symbols later.
    """

    def __init__(self, path: Path | None):
        self.path = path
        self.symbols: list[str] = []
        """The symbol of each number."""
        self.codes: dict[int | str, int] = {}
        self.kinds: dict[tuple[int, str], type] = {}
        """Whether a symbol of a side is a number or a text; characters cut out of a text can be both."""

    def grid(self, rows: Rows, *, side: int = 0, from_text: bool = False) -> Grid:
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
                f"{_advice_for(cells[i])}"
            )
        kinds = {*cells}
        for cell in kinds - self.codes.keys():
            self._add(cell)
        for cell in () if from_text else kinds:
            if self.kinds.setdefault((side, str(cell)), type(cell)) is not type(cell):
                raise ValueError(both_kinds("cells", one_line(str(cell))))
        return np.array([self.codes[cell] for cell in cells], np.int32), (len(rows), width)

    def _add(self, cell: int | str) -> None:
        symbol = str(cell)  # 1, and 1 as a character of a text, are one symbol
        if not _is_symbol(symbol):
            raise ValueError(_not_a_symbol(symbol))
        if symbol not in self.codes:
            self.codes[symbol] = len(self.symbols)
            self.symbols.append(symbol)
            if len(self.symbols) > MAX_SYMBOLS and self.path is not None:
                some = ", ".join(one_line(symbol) for symbol in self.symbols[:3])
                raise PuzzleError(
                    f"{self.path}: more than {MAX_SYMBOLS} different symbols ({some}, ... {one_line(symbol)})"
                )
        self.codes[cell] = self.codes[symbol]


def _advice_for(cell: Any) -> str:
    """What to write in place of a cell of this kind; empty for others."""
    if isinstance(cell, bool):
        return ", such as 1 for true and 0 for false"
    if cell is None:
        return ', such as 0 or "." for a blank'
    return f", such as {int(cell)}" if isinstance(cell, float) and cell.is_integer() else ""


def codes_of(rows: Rows, *, from_text: bool = False) -> tuple[tuple[str, ...], NDArray[np.int32], tuple[int, int]]:
    """Symbols, cells (by number of symbol, row by row) and shape of one grid.

    Args:
        rows: Its rows of cells.
        from_text: The cells were cut out of a text.

    Raises:
        ValueError: when the rows are not a grid.
    """
    coder = Coder(None)
    cells, shape = coder.grid(rows, from_text=from_text)
    return tuple(coder.symbols), cells, shape


def symbols_and_codes(path: Path, sides: Sequence[NDArray[Any]]) -> tuple[tuple[str, ...], list[NDArray[np.int32]]]:
    """The different symbols of cells, sorted, and for each side the number of each cell's symbol.

    Args:
        path: The file that the cells are of, or what to call them, for errors.
        sides: The cells of the inputs and, if there are any, of the outputs: integers or texts.

    Raises:
        PuzzleError: when a symbol is too long, or there are too many.
    """
    given = [_values_of(cells) for cells in sides]
    symbols = tuple(sorted({str(value) for side in given for value in side.tolist()}))
    unfit = [symbol for symbol in symbols if not _is_symbol(symbol)]
    if unfit:
        raise PuzzleError(f"{path}: {_not_a_symbol(unfit[0])}")
    if len(symbols) > MAX_SYMBOLS:
        some = ", ".join(map(one_line, symbols[:3]))
        raise PuzzleError(f"{path}: more than {MAX_SYMBOLS} different symbols ({some}, ...)")
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    return symbols, [_codes_of(cells, own, numbers=numbers) for cells, own in zip(sides, given, strict=True)]


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


def _is_symbol(text: str) -> bool:
    return 0 < len(text) <= LONGEST_SYMBOL and "\n" not in text


def _not_a_symbol(text: str) -> str:
    return f"cell {shown(text, quote=chr(39))}: expected 1 to {LONGEST_SYMBOL} characters"


def both_kinds(what: str, symbol: str) -> str:
    """Says that a symbol is a number in one cell, and a text in another.

    Args:
        what: The cells that are meant.
        symbol: The symbol.
    """
    return f'{what} are both the number {symbol} and the text "{symbol}": write one of them'
