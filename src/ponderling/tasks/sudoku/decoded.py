"""A Sudoku that was read, with its cells in our symbols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.sudoku.alphabets import SYMBOLS, Alphabet, alphabet_of, are_candidates, completed


class LayoutError(PuzzleError):
    """Cells do not make a puzzle: too many, too few, or in rows of other lengths."""


class Written(NamedTuple):
    """A puzzle that was read."""

    number: int
    """The line of its first cell, from 1."""
    cells: str
    """One character of ours for each cell."""
    alphabet: Alphabet
    answer: str = ""
    """The answer that came with it, in the same characters; empty where none did."""


def decoded(number: int, cells: Sequence[str], *, side: int) -> Written:
    """The puzzle of these cells, as they are written, that begins in a line.

    Raises:
        PuzzleError: when they can be read in no way, or in two.
    """
    if any(len(cell) == 2 for cell in cells) and not are_candidates(cells, side):  # 01 is 1
        cells = [str(int(cell)) if cell.isdecimal() else cell for cell in cells]
    try:
        alphabet = alphabet_of(cells, side)
    except PuzzleError as error:
        raise type(error)(f"line {number}: {error}") from error
    ours = alphabet.ours
    return Written(number, "".join(ours.get(cell, ".") for cell in cells), alphabet)


def answered(puzzle: Written, cells: Sequence[str]) -> Written:
    """The puzzle with its answer, which is written in the same symbols."""
    alphabet = completed(puzzle.alphabet, cells)
    ours = alphabet.ours
    return puzzle._replace(alphabet=alphabet, answer="".join(ours.get(cell, cell[:1] or ".") for cell in cells))


def in_own_symbols(puzzle: Written) -> str:
    """The cells of a puzzle as a line in the symbols that it was written in."""
    return ("" if max(map(len, puzzle.alphabet.symbols)) == 1 else " ").join(_as_written(puzzle))


def with_answers(found: Iterable[Written]) -> Iterator[Written]:
    """The puzzles, each with the full grid that follows it and has its clues as its answer."""
    held: Written | None = None
    for one in found:
        if held is not None and is_answer(_as_written(one), _as_written(held), puzzle=held) and not one.answer:
            yield answered(held, _as_written(one))
            held = None
            continue
        if held is not None:
            yield held
        held = one
    if held is not None:
        yield held


def is_answer(cells: Sequence[str], question: Sequence[str], *, puzzle: Written) -> bool:
    """Whether a grid has no blank and the clues of a puzzle, whose cells are written in the same way.

    Args:
        cells: The cells of the grid.
        question: The cells of the puzzle, as they are written.
        puzzle: The puzzle.
    """
    return (
        not puzzle.answer
        and "." in puzzle.cells
        and puzzle.alphabet.blank not in cells
        and len({cell.upper() for cell in cells}) == len(puzzle.alphabet.symbols)
        and all(
            known == "." or a.upper() == b.upper() for known, a, b in zip(puzzle.cells, question, cells, strict=True)
        )
    )


def _as_written(puzzle: Written) -> list[str]:
    """The cells of a puzzle in the symbols that it was written in."""
    blank, symbols = puzzle.alphabet
    names = {".": blank} | dict(zip(SYMBOLS, symbols, strict=False))
    return [names[cell] for cell in puzzle.cells]
