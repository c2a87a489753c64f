"""Alphabets of Sudokus: what stands for a blank and for each symbol, such as hexadecimal digits, numbers or letters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.problems import one_line

SYMBOLS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Our symbols, of which a family of side n has the first n."""
BLANKS = ".0-_*?xX "
"""Characters that may stand for a blank, apart from any other that is no symbol."""
SAME = ".0_*"
"""Blanks that one puzzle may mix."""
HEXADECIMAL = "0123456789ABCDEF"
"""Symbols of 16x16 where 0 is the first."""
_UNKNOWN = "?*"
"""What is in the place of a letter that no clue has; the first that is no blank."""
_CANDIDATES = re.compile("1?2?3?4?5?6?7?8?9?")


class StrangeSymbols(PuzzleError):
    """Cells that no alphabet has."""


class Alphabet(NamedTuple):
    """What stands for a blank and for each symbol, in the order of ours."""

    blank: str
    symbols: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        """Whether it has our symbols."""
        return self.symbols == tuple(SYMBOLS[: len(self.symbols)])

    @property
    def ours(self) -> dict[str, str]:
        """Our symbol for each of these; capital and small letters are the same."""
        found = dict(zip(self.symbols, SYMBOLS))
        for name, symbol in zip(self.symbols, SYMBOLS):
            found.setdefault(name.upper(), symbol)
            found.setdefault(name.lower(), symbol)
        return found


def alphabet_of(cells: Sequence[str], side: int) -> Alphabet:
    """The alphabet that a puzzle's cells are written in.

    Raises:
        PuzzleError: when they can be read in no way, or in two.
    """
    counts = Counter(cells)
    if len(counts) == 2 and min(counts.values()) > side and all(len(cell) == 1 for cell in counts):
        raise PuzzleError(
            f"expected a puzzle, got {' and '.join(map(repr, sorted(counts)))} alone, each more than {side} times: a mask says "
            "which cells have clues, and not which clues; give the puzzle itself"
        )
    if any(len(cell) > 1 for cell in counts) and are_candidates(counts, side):
        return Alphabet(".", tuple(SYMBOLS[:side]))
    if any(len(cell) > 1 for cell in counts):
        return _of_numbers(counts, side)
    own = SYMBOLS[:side]
    letters = own + own.lower() if side > 9 else own
    others = [cell for cell in counts if cell not in letters]
    blanks = [cell for cell in others if cell in BLANKS]
    if (
        "0" in others
        and len(others) > 1
        and (set(others) <= set(SAME) or (side == 16 and len(others) == len(blanks) == 2))
    ):
        return _with_zero(counts, others, side=side)
    if set(others) <= set(SAME) or (len(others) == 1 and len(counts) > 1):
        return Alphabet(others[0] if others else ".", tuple(own))
    return _of_letters(counts, blanks, side=side)


def _with_zero(counts: Counter[str], blanks: Sequence[str], *, side: int) -> Alphabet:
    """The alphabet of cells with a 0 and with another blank: 0 is the first symbol, where the last of ours is missing."""
    blank = next(cell for cell in blanks if cell != "0")
    last = SYMBOLS[side - 1]
    if (last in counts or last.lower() in counts) and set(blanks) <= set(SAME):
        return Alphabet(blank, tuple(SYMBOLS[:side]))  # both are blanks
    if side == 16:
        return Alphabet(blank, tuple(HEXADECIMAL))
    raise PuzzleError(
        f"0 and {blank!r} both occur, and no {last}: is 0 a blank or the first symbol? Write . for blanks and symbols from 1"
    )


def _of_numbers(counts: Counter[str], side: int) -> Alphabet:
    """The alphabet of whole numbers with something between them."""
    words = [cell for cell in counts if not cell.isdecimal()]
    numbers = {cell for cell in counts if cell.isdecimal()}
    if len(words) > 1 or not numbers or any(len(word) > 1 and word.strip("._-x?*") for word in words):
        shown = ", ".join(sorted(words)[:3])
        raise PuzzleError(f"expected whole numbers from 1 to {side} and one sign for blanks, got {one_line(shown, 40)}")
    values = {int(cell) for cell in numbers}
    first = 0 if 0 in values and words and side not in values else 1
    if max(values) > side + first - 1:
        raise PuzzleError(f"expected numbers from {first} to {side + first - 1}, got {max(values)}")
    return Alphabet(words[0] if words else "0", tuple(str(first + i) for i in range(side)))


def _of_letters(counts: Counter[str], blanks: Sequence[str], *, side: int) -> Alphabet:
    """The alphabet of letters that are not ours, as in a Wordoku."""
    if any(cell in counts for cell in ("x", "X")) and len({cell.upper() for cell in counts} - set(blanks)) < side:
        blanks = [cell for cell in blanks if cell not in "xX"]
    symbols = sorted({cell.upper() for cell in counts if cell not in blanks})
    if len(symbols) == side + 1 and not blanks:  # one of them is the blank: that which occurs most
        most = max(symbols, key=lambda symbol: counts[symbol] + counts[symbol.lower()] * (symbol.lower() != symbol))
        blanks, symbols = [most], [symbol for symbol in symbols if symbol != most]
    are_letters = all(symbol.isalpha() and len(symbol) == 1 for symbol in symbols)
    if len(symbols) not in (side, side - 1) or not are_letters or len(blanks) > 1:
        shown = "".join(sorted(cell for cell in counts if cell.strip()))
        raise StrangeSymbols(
            f"expected {SYMBOLS[0]} to {SYMBOLS[side - 1]}, or {side} different letters, and one character for blanks; got the "
            f"characters {one_line(shown, 60)}"
        )
    blank = blanks[0] if blanks else "."
    unknown = next(sign for sign in _UNKNOWN if sign != blank)
    symbols += [unknown] * (side - len(symbols))  # the letter that is not among the clues
    return Alphabet(blank, tuple(symbols))


def completed(alphabet: Alphabet, answer: Iterable[str]) -> Alphabet:
    """The alphabet of a puzzle with the letter that only its answer has, if there is one."""
    letters = sorted({cell.upper() for cell in answer} - alphabet.ours.keys() - {alphabet.blank})
    unknown = [symbol for symbol in alphabet.symbols if symbol in _UNKNOWN]
    if len(unknown) != 1 or len(letters) != 1 or not letters[0].isalpha():
        return alphabet
    return alphabet._replace(symbols=tuple(letters[0] if name in _UNKNOWN else name for name in alphabet.symbols))


def are_candidates(cells: Iterable[str], side: int) -> bool:
    """Whether each of these is the symbols that a cell may still have, as solvers show them."""
    return side < 10 and all(cell and _CANDIDATES.fullmatch(cell) and int(cell[-1]) <= side for cell in cells)
