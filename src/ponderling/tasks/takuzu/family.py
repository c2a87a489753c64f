"""Takuzu: fill a square with 0 and 1.

No three equal symbols are adjacent in a row or column, each holds as many 0 as 1, and no two rows are equal, nor two
columns. All logic is about whole lines: which of the few lines that obey the rules still fit what a line holds.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError, Puzzles, Symmetry, Tokens, Verdict
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.symbol_grids import Cell

BLANK, ZERO, ONE = 1, 2, 3

LARGEST = 14
"""The longest side: it has 1,236 lines that obey the rules, and each is compared with every row and column."""

MOST_GUESSES = 2_000
"""A question that takes more to solve has too few clues to be one."""

FEW_GUESSES = 20
"""Guesses of a check that takes little time."""

FEW_GUESSES = 20
"""Guesses of a check that takes little time."""

UNKNOWN = -1
"""In a grid of numbers, a cell that may be 0 or 1."""

Bits = NDArray[np.int8]
Bools = NDArray[np.bool_]


class Takuzu(GridTask):
    """The family of Takuzu puzzles with an even number of rows and as many columns."""

    symbols = ".01"
    padding_symbol = "."
    extends_question = True
    default_sizes = (1500, 300)

    def __init__(self, side: int):
        if side % 2 or not 4 <= side <= LARGEST:
            raise ValueError(f"a Takuzu's side is an even number from 4 to {LARGEST}: got {side}")
        self.name, self.side, self.grid_shape = f"takuzu{side}", side, (side, side)

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """0 and 1."""
        return ZERO, ONE

    @property
    def rating_edges(self) -> tuple[int, ...]:
        """Lowest number of rounds of logic of each row of a table by rating."""
        return 1, 3, 5, 7, 9

    def character_of(self, cell: Cell) -> str | None:
        """The character that a cell means; None and an empty text are blanks."""
        return super().character_of("." if cell is None or cell == "" else cell)

    # Rules

    def clue_mask(self, tokens: Tokens) -> Bools:
        """Whether each cell is given."""
        return tokens > BLANK

    def is_right(self, question: Tokens, answer: Tokens) -> list[str]:
        """Rules that an answer (L,) breaks, and whether cells are empty."""
        reasons = [reason for reason, _ in self._faults(answer)]
        empty = int((answer <= BLANK).sum())
        return [*reasons, f"{empty} cells are empty"] if empty else reasons

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """A verdict with the rules that an answer breaks, and in which cells."""
        verdict = super().check(question, answer)
        wrong = (answer <= BLANK) | (self.clue_mask(question) & (answer != question))
        for _, cells in self._faults(answer):
            wrong[cells] = True
        return replace(verdict, wrong_cells=tuple(map(int, np.flatnonzero(wrong))))

    def _faults(self, answer: Tokens) -> list[tuple[str, NDArray[np.intp]]]:
        """A sentence and the cells to blame for each broken rule; empty cells break none."""
        grid, cells = answer.reshape(self.grid_shape), np.arange(self.num_cells).reshape(self.grid_shape)
        faults = []
        for what, lines, places in (("row", grid, cells), ("column", grid.T, cells.T)):
            for i, line in enumerate(lines):
                name = f"{what} {i + 1}"
                for start in range(self.side - 2):
                    if line[start] > BLANK and (line[start : start + 3] == line[start]).all():
                        symbol = self.letters[line[start]]
                        faults.append((f"three {symbol} stand side by side in {name}", places[i, start : start + 3]))
                for token in (ZERO, ONE):
                    if (line == token).sum() > self.side // 2:
                        faults.append((f"{name} has too many {self.letters[token]}", places[i, line == token]))
                for j in range(i):
                    if (line > BLANK).all() and (lines[j] == line).all():
                        faults.append((f"{what}s {j + 1} and {i + 1} are equal", np.append(places[i], places[j])))
        return faults

    def valid(self, questions: Tokens, answers: Tokens) -> Bools:
        """Whether each answer (N, L) obeys every rule and keeps the clues, (N,)."""
        kept = ((answers == questions) | (questions <= BLANK)).all(axis=1) & (answers > BLANK).all(axis=1)
        grids = self._bits(answers)
        for lines in (grids, grids.transpose(0, 2, 1)):
            fits = _fitting(lines, self.side)  # (N, side, lines)
            kept &= np.all(fits.any(axis=2), axis=1) & np.all(fits.sum(axis=1) <= 1, axis=1)
        return kept

    def check_question(self, tokens: Tokens) -> None:
        """Refuses a puzzle (L,) without exactly one solution.

        Raises:
            PuzzleError: broken rules, no solution, or two solutions and a cell in which they differ.
        """
        self.find_answer(tokens)

    def check_question_briefly(self, tokens: Tokens) -> bool:
        """As `check_question`, but with few guesses: False if they do not decide."""
        return self._find_answer(tokens, most_guesses=FEW_GUESSES) is not None

    def find_answer(self, question: Tokens) -> Tokens:
        """The only answer (L,); raises PuzzleError for no answer or several."""
        answer = self._find_answer(question, most_guesses=MOST_GUESSES)
        if answer is None:
            raise PuzzleError(
                f"whether the puzzle has one solution is beyond {MOST_GUESSES:,} guesses; it may have too few clues"
            )
        return answer

    def _find_answer(self, question: Tokens, *, most_guesses: int) -> Tokens | None:
        """The only answer (L,); None where this number of guesses does not decide."""
        if faults := self._faults(question):
            raise PuzzleError("the clues contradict: " + "; ".join(reason for reason, _ in faults[:3]))
        found: list[Bits] = []
        if not self._search(self._bits(question[None]), found, guesses_left=[most_guesses]):
            return None
        if not found:
            raise PuzzleError("the puzzle has no solution, though no rule is broken yet")
        if len(found) > 1:
            cell = int(np.flatnonzero(found[0] != found[1])[0])
            raise PuzzleError(
                f"the puzzle has more than one solution: {self.place(cell)} can be 0 or 1; a clue is missing or mistyped"
            )
        return self._tokens(found[0][None])[0]

    # Logic, on grids of 0, 1 and UNKNOWN

    def _bits(self, tokens: Tokens) -> Bits:
        return np.where(tokens > BLANK, tokens.astype(np.int8) - ZERO, UNKNOWN).reshape(-1, *self.grid_shape)

    def _tokens(self, grids: Bits) -> Tokens:
        return np.where(grids == UNKNOWN, BLANK, grids + ZERO).astype(np.uint8).reshape(len(grids), -1)

    def _search(self, grid: Bits, found: list[Bits], *, guesses_left: list[int]) -> bool:
        """Adds solutions of a grid (1, side, side) until there are two; False when it gives up."""
        grid, possible, _ = _reason(grid)
        if not possible[0]:
            return True
        unknown = np.flatnonzero(grid == UNKNOWN)
        if not len(unknown):
            found.append(grid.reshape(-1))
            return True
        for value in (0, 1):
            guesses_left[0] -= 1
            if guesses_left[0] < 0:
                return False
            guess = grid.copy()
            guess.flat[unknown[0]] = value
            if not self._search(guess, found, guesses_left=guesses_left):
                return False
            if len(found) > 1:
                break
        return True

    # Generation

    def generate(self, rng: np.random.Generator, count: int) -> Puzzles:
        """Puzzles that logic about single lines solves, so that their solution is the only one; no clue can go.

        The rating is the number of rounds that this logic takes.
        """
        answers = self.random_grids(rng, count)
        grids = answers.copy().reshape(count, -1)
        order = rng.permuted(np.tile(np.arange(self.num_cells), (count, 1)), axis=1)
        rows = np.arange(count)
        for cells in order.T:
            kept = grids[rows, cells].copy()
            grids[rows, cells] = UNKNOWN
            solved, _, _ = _reason(grids.reshape(-1, *self.grid_shape))
            needed = (solved.reshape(count, -1) == UNKNOWN).any(axis=1)
            grids[needed, cells[needed]] = kept[needed]
        _, _, rounds = _reason(grids.reshape(-1, *self.grid_shape))
        made = self.puzzles(self._tokens(grids), self._tokens(answers.reshape(count, -1)), ratings=rounds)
        return replace(made, sources=("ponderling",) * count)

    def random_grids(self, rng: np.random.Generator, count: int) -> Bits:
        """Full grids that obey the rules, (count, side, side)."""
        grids = np.full((count, *self.grid_shape), UNKNOWN, np.int8)
        while (unknown := grids == UNKNOWN).any():
            rows = np.flatnonzero(unknown.any(axis=(1, 2)))
            chosen = np.where(unknown[rows].reshape(len(rows), -1), rng.random((len(rows), self.num_cells)), -1.0)
            tried = grids[rows].reshape(len(rows), -1)
            tried[np.arange(len(rows)), chosen.argmax(axis=1)] = rng.integers(0, 2, len(rows))
            filled, possible, _ = _reason(tried.reshape(-1, *self.grid_shape))
            filled[~possible] = UNKNOWN  # begins anew
            grids[rows] = filled
        return grids

    # Symmetries

    def symmetries(self) -> Symmetry:
        """The turns and mirror images of the square, as they are and with 0 and 1 exchanged; the identity first."""
        grid = np.arange(self.num_cells).reshape(self.grid_shape)
        turned = np.stack([np.rot90(side, quarter).ravel() for side in (grid, grid.T) for quarter in range(4)])
        exchanges = np.array([[0, BLANK, ZERO, ONE], [0, BLANK, ONE, ZERO]], np.uint8)
        return Symmetry(np.tile(turned, (2, 1)), np.repeat(exchanges, len(turned), axis=0))

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """`count` of the symmetries, drawn uniformly."""
        every = self.symmetries()
        chosen = rng.integers(len(every.cells), size=count)
        return Symmetry(every.cells[chosen], every.symbols[chosen])

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each puzzle (N, L) that no symmetry changes, (N,): if two differ, the puzzles are not equivalent."""
        every = self.symmetries()
        images = (symbols[tokens[:, cells]] for cells, symbols in zip(every.cells, every.symbols, strict=True))
        return np.min([super(Takuzu, self).fingerprint(image) for image in images], axis=0)


@functools.cache
def lines_of(side: int) -> Bits:
    """All lines that obey the rules within themselves, (lines, side)."""
    found = []
    for ones in itertools.combinations(range(side), side // 2):
        line = np.zeros(side, np.int8)
        line[list(ones)] = 1
        in_threes = np.lib.stride_tricks.sliding_window_view(line, 3).sum(axis=1)
        if in_threes.min() > 0 and in_threes.max() < 3:
            found.append(line)
    return np.stack(found)


def _fitting(lines: Bits, side: int) -> Bools:
    """Whether each rule-obeying line fits each line of `lines` (N, side, side); (N, side, rule-obeying lines)."""
    allowed = lines_of(side).astype(np.float32)  # counted by products, which are the fastest
    ones, zeros = (lines == 1).astype(np.float32), (lines == 0).astype(np.float32)
    return ones @ (1 - allowed).T + zeros @ allowed.T == 0


def _reason(grids: Bits) -> tuple[Bits, Bools, NDArray[np.int32]]:
    """All that follows line by line: the grids (N, side, side), which are possible (N,), and the rounds it took (N,)."""
    grids = grids.copy()
    side = grids.shape[1]
    allowed = lines_of(side).astype(np.float32)
    possible, rounds = np.ones(len(grids), bool), np.zeros(len(grids), np.int32)
    active = np.arange(len(grids))
    while len(active):
        now, before = grids[active], grids[active].copy()
        for lines in (now, now.transpose(0, 2, 1)):  # views: what is found in one is there for the other
            fits = _fitting(lines, side)
            full = (lines != UNKNOWN).all(axis=2)
            taken = (fits & full[:, :, None]).sum(axis=1)  # (N, lines)
            fits &= full[:, :, None] | (taken == 0)[:, None]
            possible[active] &= fits.any(axis=2).all(axis=1) & (taken <= 1).all(axis=1)
            options = fits.astype(np.float32)
            can_be_1, can_be_0 = options @ allowed > 0, options @ (1 - allowed) > 0
            unknown = lines == UNKNOWN
            lines[unknown & can_be_1 & ~can_be_0] = 1
            lines[unknown & can_be_0 & ~can_be_1] = 0
        grids[active] = now
        changed = (now != before).any(axis=(1, 2))
        rounds[active] += changed
        active = active[changed & possible[active]]
    return grids, possible, rounds
