"""Sudoku of any box shape: text and files, rules, symmetries, generation. The searching is in `search.py`.

Tokens are those of the public data set Sudoku-Extreme: 0 padding, 1 a blank, 2 the symbol `1`, 3 the symbol `2`, and so on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ponderling.tasks import text_files
from ponderling.tasks.base import PuzzleError, Puzzles, Regions, Relations, Symmetry, Tokens, Verdict
from ponderling.tasks.sudoku import symmetries
from ponderling.tasks.sudoku.geometry import Geometry, geometry
from ponderling.tasks.sudoku.symmetries import BLANK
from ponderling.tasks.text_files import LETTERS

if TYPE_CHECKING:
    from ponderling.tasks.sudoku.jigsaw import Jigsaw

HUB_REPOSITORY = "sapientinc/sudoku-extreme"
"""The public data set: 3.8 million puzzles to train on, 420,000 to test."""
LARGE_SETS = ("hunted", "deep", "jigsaws", "layouts")
"""9x9 sets in the package to train on, besides the small `train` and `test` of every size."""
SYMBOLS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DRAWN_LINES = "|+-─│┼ \t\r\n"
"""What may stand between the cells of a puzzle that is typed as a grid."""

MOST_GUESSES = 100_000
"""The highest rating; the hardest 9x9 puzzles known have some hundreds, only 16x16 puzzles with few clues could have more."""

FEW_GUESSES = 50
"""A 9x9 puzzle that takes no more is solved within a tenth of a second in plain Python: sooner than numba is imported."""

Bools = NDArray[np.bool_]


class Solution(NamedTuple):
    """What the search found."""

    num_solutions: int
    """0, 1, or 2 for more than one; -1 when it gave up."""
    answer: Tokens
    """The first solution, (L,); all blank when there is none."""
    other: Tokens
    """A second solution, (L,); all blank when there is none."""
    guesses: int
    """Guesses in all, to find it and to show that it is the only one."""


@dataclass(frozen=True)
class Sudoku:
    """The puzzle family whose boxes have `box_rows` rows and `box_columns` columns; the grid's side is their product.

    Boxes of one row add nothing to the rows: the family is then Latin squares.
    """

    box_rows: int
    box_columns: int
    diagonals: bool = False
    """Both diagonals hold every symbol once too ("Sudoku-X"); boxes are then square."""

    def __post_init__(self) -> None:
        if not 2 <= self.box_rows * self.box_columns <= len(SYMBOLS) or min(self.box_rows, self.box_columns) < 1:
            raise ValueError(
                f"a Sudoku's boxes are at least 1x1, its side from 2 to {len(SYMBOLS)}: got {self.box_rows}x{self.box_columns}"
            )
        if self.diagonals and self.box_rows != self.box_columns:
            raise ValueError(f"diagonals need square boxes: got {self.box_rows}x{self.box_columns}")

    @property
    def side(self) -> int:
        """Cells in a row, a column and a box."""
        return self.box_rows * self.box_columns

    @property
    def name(self) -> str:
        """`sudoku9`, `sudoku9x`, `latin9` and the like."""
        kind = "sudoku" if self.has_boxes else "latin"
        return f"{kind}{self.side}{'x' if self.diagonals else ''}"

    @property
    def geometry(self) -> Geometry:
        """Which cells constrain which."""
        return geometry(self.box_rows, self.box_columns, self.diagonals)

    @property
    def is_rated_by_tdoku(self) -> bool:
        """Whether ratings are tdoku's, which knows rows, columns and boxes and nothing else."""
        return not self.diagonals and self.has_boxes

    @property
    def has_boxes(self) -> bool:
        """Boxes are not lines themselves."""
        return min(self.box_rows, self.box_columns) > 1

    @property
    def may_be_flipped(self) -> bool:
        """Whether transposing the grid keeps the rules."""
        return self.box_rows == self.box_columns or not self.has_boxes

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.side, self.side

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of a box, where a drawing puts lines."""
        return self.box_rows, self.box_columns

    @property
    def vocab_size(self) -> int:
        """Padding, blank, and the symbols."""
        return self.side + 2

    def num_puzzles(self, puzzles: Puzzles) -> int:
        """1: the rules never change, so no puzzle needs an embedding of its own."""
        return 1

    @property
    def symbols(self) -> str:
        """The characters of a solution, in the order of their tokens."""
        return SYMBOLS[: self.side]

    rating_edges = (0, 1, 4, 13, 51)
    extends_question = True

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """Tokens that a cell which is not given may be filled with: every symbol."""
        return tuple(range(BLANK + 1, self.vocab_size))

    def parse_grid(self, grid: ArrayLike) -> Tokens:
        """One question from a grid of digits, 0 for a blank."""
        return self.parse("".join(("." + self.symbols)[int(cell)] for cell in np.asarray(grid).ravel()))

    def to_grid(self, tokens: Tokens) -> NDArray[Any]:
        """The grid (L,) as an array of digits, (side, side)."""
        return np.maximum(tokens.astype(np.int64) - BLANK, 0).reshape(self.grid_shape)

    @property
    def num_cells(self) -> int:
        """L."""
        return self.side**2

    @cached_property
    def _characters(self) -> NDArray[np.uint8]:
        """Token of each character code, 255 for characters that no cell has."""
        table = np.full(256, 255, np.uint8)
        for blank in ".0_*":
            table[ord(blank)] = BLANK
        for token, symbol in enumerate(self.symbols, BLANK + 1):
            table[ord(symbol)] = table[ord(symbol.lower())] = token
        return table

    # Text

    def parse(self, text: str) -> Tokens:
        """One puzzle from text: `.`, `0` or `_` for a blank; spaces, line ends and drawn lines between cells are passed over.

        Raises:
            PuzzleError: everything that is wrong: the length, characters that are no symbol, clues that contradict.
        """
        cells = "".join(c for c in text if c not in DRAWN_LINES)
        problems = []
        if len(cells) != self.num_cells:
            fits = next((s for s in (4, 6, 9, 16, 25) if s * s == len(cells)), None)
            hint = f" (that many make a {fits}x{fits} grid)" if fits else ""
            problems.append(f"expected {self.num_cells} cells for {self.side}x{self.side}, got {len(cells)}{hint}")
        tokens = self.tokens_of(cells)
        wrong = np.flatnonzero(tokens == 255)
        problems += [
            f"{cells[i]!r} at {self.place(int(i), len(cells))} is no symbol ({self.allowed})" for i in wrong[:3]
        ]
        if len(wrong) > 3:
            problems.append(f"and {len(wrong) - 3} more such characters")
        if not problems:
            problems = self.broken_rules(tokens)[1]
        if problems:
            raise PuzzleError("; ".join(problems))
        return tokens

    def tokens_of(self, cells: str) -> Tokens:
        """The token of each character, 255 for one that no cell can have."""
        return self._characters[np.frombuffer(cells.encode("latin-1", "replace"), np.uint8)]

    @property
    def allowed(self) -> str:
        """What a cell may hold, for an error."""
        return f"{self.symbols[0]} to {self.symbols[-1]}, and . or 0 for a blank"

    def place(self, i: int, length: int | None = None) -> str:
        """Where cell i is, for a person; its number alone if a text of this length is no grid."""
        if length not in (None, self.num_cells):
            return f"character {i + 1}"
        row, column = divmod(i, self.side)
        return f"row {row + 1} column {column + 1}"

    def format(self, tokens: Tokens) -> str:
        """The grid as one line, `.` for a cell without a symbol."""
        return "".join(self._letters[tokens])

    @cached_property
    def _letters(self) -> NDArray[np.str_]:
        return np.array([".", ".", *self.symbols])

    def render(self, tokens: Tokens) -> list[list[str]]:
        """The grid as rows of one character for each cell."""
        return self._letters[tokens].reshape(self.grid_shape).tolist()

    # Rules

    def clue_mask(self, tokens: Tokens) -> Bools:
        """Which cells are given."""
        return tokens > BLANK

    def valid(self, questions: Tokens, answers: Tokens) -> Bools:
        """Whether each answer has every symbol once in each row, column and box, and keeps the clues; (N,)."""
        units = self.geometry.units
        bits = np.where(answers > BLANK, np.left_shift(np.int64(1), answers.astype(np.int64)), 0)
        full = (1 << self.vocab_size) - 4  # every symbol's bit
        keeps = ((answers == questions) | (questions <= BLANK)).all(axis=1)
        # A unit has as many cells as symbols, so it holds each once exactly when it holds every one. One unit at a time: all
        # at once would take twenty-seven times the memory.
        for unit in units:
            keeps &= np.bitwise_or.reduce(bits[:, unit], axis=1) == full
        return keeps

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """Which rules an answer breaks, and where."""
        wrong, reasons = self.broken_rules(answer)
        empty = answer <= BLANK
        if empty.any():
            reasons.append(f"{int(empty.sum())} cells are empty")
        changed = self.clue_mask(question) & (answer != question)
        reasons += [
            f"the clue {self._letters[question[i]]} at {self.place(int(i))} became {self._letters[answer[i]]}"
            for i in np.flatnonzero(changed)
        ]
        cells = np.flatnonzero(wrong | empty | changed)
        return Verdict(not len(cells), tuple(map(int, cells)), tuple(reasons))

    def broken_rules(self, tokens: Tokens) -> tuple[Bools, list[str]]:
        """Cells that share a symbol with another of their row, column or box, and a sentence for each such group."""
        wrong = np.zeros(self.num_cells, bool)
        reasons = []
        for u, unit in enumerate(self.geometry.units):
            values, counts = np.unique(tokens[unit], return_counts=True)
            for value, count in zip(values, counts):
                if value > BLANK and count > 1:
                    cells = unit[tokens[unit] == value]
                    wrong[cells] = True
                    times = "twice" if count == 2 else f"{count} times"
                    reasons.append(f"{self._letters[value]} stands {times} in {self._unit_name(u, cells)}")
        return wrong, reasons

    def _unit_name(self, u: int, cells: NDArray[np.int64]) -> str:
        if self.diagonals and u >= len(self.geometry.units) - 2:
            return f"a diagonal (rows {' and '.join(str(c // self.side + 1) for c in cells)})"
        kind, number = divmod(u, self.side)
        if kind == 0:
            return f"row {number + 1} (columns {' and '.join(str(c % self.side + 1) for c in cells)})"
        if kind == 1:
            return f"column {number + 1} (rows {' and '.join(str(c // self.side + 1) for c in cells)})"
        return f"box {number + 1}"

    def check_question(self, tokens: Tokens) -> None:
        """Refuses a puzzle without exactly one solution.

        Raises:
            PuzzleError: clues that contradict, no solution, or two solutions and a cell in which they differ.
        """
        reasons = self.broken_rules(tokens)[1]
        if reasons:
            raise PuzzleError("the clues contradict: " + "; ".join(reasons))
        # A puzzle that takes ten thousand guesses is far beyond the hardest known (some hundreds).
        solution = self.solve(tokens, max_guesses=10_000)
        if solution.num_solutions == 0:
            raise PuzzleError("the puzzle has no solution, though no two clues contradict")
        if solution.num_solutions == -1:
            raise PuzzleError("whether the puzzle has one solution is beyond 10,000 guesses; it may have too few clues")
        if solution.num_solutions > 1:
            differ = np.flatnonzero(solution.answer != solution.other)
            cell = int(differ[0])
            one, other = self._letters[solution.answer[cell]], self._letters[solution.other[cell]]
            raise PuzzleError(
                f"the puzzle has more than one solution: two differ in {len(differ)} cells, {self.place(cell)} can be "
                f"{one} or {other}; a clue is missing or mistyped"
            )

    # Search

    def solve(self, tokens: Tokens, rng: np.random.Generator | None = None, max_guesses: int = 1_000_000) -> Solution:
        """All there is to know of one puzzle, (L,): its solution, whether there is another, and how many guesses it took.

        Args:
            tokens: The puzzle.
            rng: Makes the order of guesses random; None: always the same.
            max_guesses: Gives up after so many.
        """
        from ponderling.tasks.sudoku.search import search

        solutions = np.zeros((2, self.num_cells), np.int64)
        seed = 0 if rng is None else rng.integers(1, 2**31 - 1)
        masks, shape = self._masks(tokens), self.geometry
        count, guesses = search.briefly(masks, *shape, 2, min(FEW_GUESSES, max_guesses), np.array([seed]), solutions)
        if count < 0 and guesses < max_guesses:
            count, guesses = search(masks, *shape, 2, max_guesses, np.array([seed]), solutions)
        answer, other = self._from_masks(solutions)
        return Solution(int(count), answer, other, int(guesses))

    def rate(self, tokens: Tokens) -> int:
        """How hard a puzzle is: the guesses that the solver tdoku makes before its solution, as in the public data set.

        0 is a puzzle that singles and locked candidates solve. A symmetry changes the order of the guesses, and so the rating.
        Where there are no boxes, or diagonals count, it is the guesses of our own search, until no other solution is left.

        Raises:
            PuzzleError: when the puzzle has no solution.
        """
        if not self.is_rated_by_tdoku:
            solution = self.solve(tokens, max_guesses=MOST_GUESSES)
            if solution.num_solutions == 0:
                raise PuzzleError("a puzzle without a solution has no rating")
            return solution.guesses

        from ponderling.tasks.sudoku.rating import guesses_before_solution, layout

        shape = layout(self.box_rows, self.box_columns)
        guesses = guesses_before_solution(self._masks(tokens), shape, MOST_GUESSES, np.zeros(self.num_cells, np.int64))
        if guesses < 0:
            raise PuzzleError("a puzzle without a solution has no rating")
        return int(guesses)

    def left_after_trials(self, tokens: Tokens) -> int:
        """Candidates that one level of trial and error leaves in a puzzle (L,) beyond one for each cell; 0 if it solves it."""
        from ponderling.tasks.sudoku.trials import left_after_trials

        return int(left_after_trials(self._masks(tokens), self.geometry))

    def _masks(self, tokens: Tokens) -> NDArray[np.int64]:
        return np.where(tokens > BLANK, 1 << np.maximum(tokens.astype(np.int64) - 2, 0), (1 << self.side) - 1)

    def _from_masks(self, masks: NDArray[np.int64]) -> Tokens:
        single = (masks > 0) & (masks & (masks - 1) == 0)
        return np.where(single, np.log2(np.maximum(masks, 1)).astype(np.uint8) + 2, BLANK).astype(np.uint8)

    # Generation

    def generate(
        self,
        rng: np.random.Generator,
        count: int,
        clues: int = 0,
        rating: tuple[int, int] | None = None,
        progress: Callable[[int], object] = lambda done: None,
    ) -> Puzzles:
        """Puzzles with exactly one solution: a random full grid whose clues are taken away in random order.

        Args:
            rng: The only source of randomness.
            count: How many.
            clues: Stop at so many clues; 0: minimal, so that no clue can go.
            rating: Keep only puzzles rated from the first to the last of these.
            progress: Called with the number made so far.
        """
        made: list[tuple[Tokens, Tokens, int]] = []
        while len(made) < count:
            question, answer = self._generate_one(rng, clues)
            rated = self.rate(question)
            if rating is None or rating[0] <= rated <= rating[1]:
                made.append((question, answer, rated))
                progress(len(made))
        empty = np.zeros((0, self.num_cells), np.uint8)
        return Puzzles(
            tokens=np.stack([q for q, _, _ in made]) if made else empty,
            labels=np.stack([a for _, a, _ in made]) if made else empty,
            puzzle_ids=np.zeros(len(made), np.int32),
            ratings=np.array([r for _, _, r in made], np.int32),
            sources=("ponderling",) * len(made),
        )

    def _generate_one(self, rng: np.random.Generator, clues: int) -> tuple[Tokens, Tokens]:
        from ponderling.tasks.sudoku.search import dig

        answer = self.random_grid(rng)
        given = np.zeros(self.num_cells, np.int64)
        shape = self.geometry
        # On 16x16 a search for a second solution can take hours; one that gives up keeps the clue.
        order = rng.permutation(self.num_cells)
        dig(self._masks(answer), order, clues, *shape, 500, given)
        return np.where(given == 1, answer, BLANK).astype(np.uint8), answer

    def add_clues(self, rng: np.random.Generator, puzzles: Puzzles, most: int) -> Puzzles:
        """The puzzles with a random number of further clues each, from 0 to `most`, and rated anew."""
        tokens = puzzles.tokens.copy()
        for row, labels in zip(tokens, puzzles.labels, strict=True):
            blanks = rng.permutation(np.flatnonzero(row == BLANK))[: rng.integers(0, most + 1)]
            row[blanks] = labels[blanks]
        ratings = np.array([self.rate(row) for row in tokens], np.int32)
        return replace(puzzles, tokens=tokens, ratings=ratings)

    def random_grid(self, rng: np.random.Generator) -> Tokens:
        """A full grid that obeys the rules, (L,)."""
        from ponderling.tasks.sudoku.search import search

        blank = np.full(self.num_cells, BLANK, np.uint8)
        solutions = np.zeros((1, self.num_cells), np.int64)
        shape = self.geometry
        while True:  # a search that went astray is cheaper to start anew than to finish
            state = np.array([rng.integers(1, 2**31 - 1)])
            if search(self._masks(blank), *shape, 1, 20 * self.num_cells, state, solutions)[0] == 1:
                return self._from_masks(solutions[0])

    has_rules = True

    # Symmetries: see symmetries.py

    @property
    def relations(self) -> Relations:
        """Rows, columns, boxes and diagonals, one like the other: each holds every symbol once."""
        units = self.geometry.units
        regions = Regions("unit", 2 * self.side, self.side) if self.has_boxes else None
        return Relations({"unit": tuple(map(tuple, units.tolist()))}, BLANK + 1, regions)

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """Transformations drawn uniformly from the full group."""
        return symmetries.sample_symmetries(self, rng, count)

    def augment(self, rng: np.random.Generator, puzzles: Puzzles) -> Puzzles:
        """Each question and its answer under one random symmetry."""
        return self.sample_symmetries(rng, len(puzzles)).apply_to(puzzles)

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each puzzle (N, L) that no symmetry changes, (N,): if two differ, the puzzles are not equivalent.

        Puzzles that bring their regions (N, L) are told apart by these, too.
        """
        if regions is None or not regions.any():
            return symmetries.fingerprint(self, tokens)
        prints = np.zeros(len(tokens), np.uint64)
        layouts, which = np.unique(regions, axis=0, return_inverse=True)
        for number, layout in enumerate(layouts):
            own = which.reshape(-1) == number
            if not layout.any():
                prints[own] = symmetries.fingerprint(self, tokens[own])
                continue
            letters = "".join(LETTERS[region - 1] for region in layout)
            family, _ = self.with_layout(letters)
            prints[own] = family.fingerprint(tokens[own]) ^ np.uint64(zlib.crc32(letters.encode()) << 32)
        return prints

    # Files: see text_files.py

    def wrong_answers(self, questions: Tokens, answers: Tokens) -> dict[int, str]:
        """Rows (N, L) whose answer breaks a rule or changes a clue, and which."""
        rows = np.flatnonzero(~self.valid(questions, answers))
        reasons = {
            int(i): self.broken_rules(questions[i])[1] or self.check(questions[i], answers[i]).reasons for i in rows
        }
        return {i: "; ".join(reason[:2]) for i, reason in reasons.items()}

    def find_answer(self, question: Tokens) -> Tokens:
        """The only answer; raises PuzzleError where there is none, or more than one."""
        self.check_question(question)
        return self.solve(question).answer

    def read(self, path: str | Path, limit: int | None = None) -> Puzzles:
        """The puzzles of a CSV or plain file, the first `limit` of them; raises PuzzleError with file, row and reason.

        A CSV's column `regions`, the layout of a jigsaw, gives a puzzle regions of its own; such puzzles are to train on.
        """
        return text_files.read_puzzles(self, path, limit)

    def write(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes a CSV with the columns of Sudoku-Extreme (gzipped if the name ends in .gz), whole or not at all."""
        text_files.write_puzzles(self, path, puzzles)

    def with_layout(self, layout: str) -> tuple[Jigsaw, NDArray[np.uint8]]:
        """The family of the same size with these regions in place of boxes, and each cell's region, (L,).

        Raises:
            ValueError: when there is none.
        """
        from ponderling.tasks.sudoku.jigsaw import Jigsaw

        family = Jigsaw.of(layout)
        if family.side != self.side or not self.has_boxes or self.diagonals:
            raise ValueError(f"{self.name} has no puzzles with {family.side} regions of their own")
        return family, family.regions.ravel().astype(np.uint8)

    def read_hub(self, split: str, limit: int | None = None) -> Puzzles:
        """Puzzles of the public data set Sudoku-Extreme, `train` or `test`; raises PuzzleError when they cannot be had."""
        if self.name != "sudoku9":
            raise PuzzleError(f"{HUB_REPOSITORY} has 9x9 puzzles of the plain kind: got task {self.name}")
        return text_files.read_hub(self, HUB_REPOSITORY, split, limit)

    def load_default(self, split: str) -> Puzzles:
        """A set in the package: `train` or `test`, small; `hunted`, large and hard, and `deep`, harder, to train on too.

        No test puzzle is equivalent to one of the others. `jigsaws` and `layouts`, a larger set, bring regions of their own.
        """
        if split not in ("train", "test", *LARGE_SETS):
            raise ValueError(f"split must be train, test, {', '.join(LARGE_SETS)}: got {split!r}")
        name = f"{self.name}_{split}.csv.gz"
        file = resources.files("ponderling.tasks") / "embedded" / name
        if not file.is_file():
            variant = "x" if self.diagonals else "plain" if self.has_boxes else "latin"
            raise PuzzleError(
                f"no {self.name} puzzles ({split}) come with the package: make some with "
                f"`ponderling data make sudoku --size {self.side} --variant {variant}` and name the file"
            )
        with resources.as_file(file) as path:
            return self.read(path)
