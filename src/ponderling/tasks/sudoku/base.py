"""What Sudokus of every kind share: groups of cells that hold each symbol once. The searching is in `search.py`.

Tokens are those of the public data set Sudoku-Extreme: 0 padding, 1 a blank, 2 the symbol `1`, 3 the symbol `2`, and so on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Tokens, Verdict
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.relations import Regions, Relations
from ponderling.tasks.sudoku import alphabets, decoded, large_sets, written, written_files
from ponderling.tasks.sudoku.decoded import LayoutError
from ponderling.tasks.sudoku.geometry import BLANK, Boxes, Geometry
from ponderling.tasks.sudoku.rows import FRAMES
from ponderling.tasks.symbol_grids import Cell
from ponderling.tasks.text_files import Row

MOST_GUESSES = 100_000
"""The highest rating; the hardest 9x9 puzzles known have some hundreds, only 16x16 puzzles with few clues could have more."""

SOME_GUESSES = 500
"""Guesses after which it counts as undecided whether a puzzle has one solution; on 16x16 that can take hours."""

FEW_GUESSES = 50
"""A 9x9 puzzle that takes no more guesses is solved in 0.1 s in plain Python: sooner than numba is imported."""

FEW_STRANGE = 3
"""Number of cells up to which what is not a symbol is taken for a slip, and its place told; more are another alphabet."""

Bools = NDArray[np.bool_]


class Solution(NamedTuple):
    """What the search found."""

    num_solutions: int
    """0, 1, or 2 for more than one; -1 when it gave up."""
    answer: Tokens
    """The first solution, (L,); all blank if it does not exist."""
    other: Tokens
    """A second solution, (L,); all blank if it does not exist."""
    guesses: int
    """Total guesses, to find the solution and to show that it is the only one."""


class SudokuTask(GridTask):
    """A family of Sudokus: a subclass says which groups there are (`geometry`), how they are called, and its symmetries.

    Args:
        name: Name of the family.
        side: Rows, columns and symbols.
        boxes: The shape of the boxes; None where groups have other shapes.
    """

    kind = "sudoku"
    extends_question = True
    can_misprint = True
    padding_symbol = "."
    named_sets = large_sets.NAMES
    sets_with_regions = ("jigsaws", "layouts")

    def __init__(self, name: str, side: int, *, boxes: Boxes | None):
        self.name, self.side, self.boxes = name, side, boxes
        self.grid_shape = (side, side)
        self.symbols = "." + alphabets.SYMBOLS[:side]
        self.aliases = dict.fromkeys("0_*", ".") | {symbol.lower(): symbol for symbol in alphabets.SYMBOLS[9:side]}

    @property
    def geometry(self) -> Geometry:
        """The cells that constrain one another, as index arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define geometry")

    def unit_name(self, u: int, cells: NDArray[np.int64]) -> str:
        """The name of group u of the geometry, for a message about these cells in it."""
        kind, number = divmod(u, self.side)
        if kind == 0:
            return f"row {number + 1} (columns {' and '.join(str(c % self.side + 1) for c in cells)})"
        if kind == 1:
            return f"column {number + 1} (rows {' and '.join(str(c // self.side + 1) for c in cells)})"
        raise NotImplementedError(f"{type(self).__name__} must name its groups beyond rows and columns")

    @property
    def is_rated_by_tdoku(self) -> bool:
        """Whether ratings are tdoku's, which knows rows, columns and boxes and nothing else."""
        return self.boxes is not None and self.boxes.are_blocks and not self.boxes.diagonals

    @property
    def takes_regions(self) -> bool:
        """Whether a puzzle may bring regions in place of the family's."""
        return self.boxes is None or self.boxes.are_blocks

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """The symbols."""
        return tuple(range(BLANK + 1, self.vocab_size))

    # Text and grids

    def parse(self, text: str) -> Tokens:
        """One puzzle from text of one line or several, as `written` reads it: drawn or not, in these symbols or others.

        Raises:
            PuzzleError: everything that is wrong: the length, characters that are not symbols, clues that contradict.
        """
        try:
            tokens = self.tokens_of(written.read_text(text, self.side).cells)
        except (LayoutError, alphabets.StrangeSymbols) as error:
            cells = "".join(cell for cell in text if not cell.isspace() and cell not in FRAMES)
            names_place = isinstance(error, alphabets.StrangeSymbols) or "\n" in text.strip()
            if names_place and (self.tokens_of(cells) == 255).sum() > FEW_STRANGE:
                raise
            self.read_cells(cells)  # tells the number of cells, or the place of a strange one
            raise
        if reasons := self.broken_rules(tokens)[1]:
            raise PuzzleError("; ".join(reasons))
        return tokens

    def as_written(self, text: str) -> SudokuTask:
        """The family with the symbols that a puzzle's text has in place of this one's, to show its answer in; or this one.

        Raises:
            PuzzleError: when the text cannot be read.
        """
        return self.with_symbols(written.read_text(text, self.side).alphabet) or self

    def with_symbols(self, alphabet: alphabets.Alphabet) -> SudokuTask | None:
        """The family with other symbols; None where these are its own, or numbers that do not fit into a cell's character."""
        if alphabet.is_ours or max(map(len, alphabet.symbols)) > 1:
            return None
        family = copy.copy(self)
        for name in ("letters", "_tokens_by_code"):  # they are made of the symbols
            family.__dict__.pop(name, None)
        family.symbols, family.aliases = "." + "".join(alphabet.symbols), {}
        return family

    def texts_of(self, lines: Iterable[str]) -> Iterator[str]:
        """The texts of puzzles in a stream of lines: of one line each, or drawn over several."""
        return written.texts_of(lines, self.side)

    def in_own_symbols(self, question: str, answer: str) -> tuple[str, str, SudokuTask | None]:
        """Question and answer of a file in this family's symbols, and the family with those that the file has, if others.

        Raises:
            PuzzleError: when it cannot be told what the symbols mean.
        """
        if len(question) > self.num_cells and ("\n" in question or "[" in question):
            question, answer = (self._cells_of_field(text) for text in (question, answer))
        signs = set(question)
        if len(question) != self.num_cells or (self.side < 10 and signs <= self._plain and not {"0", "."} <= signs):
            return question, answer, None
        try:
            alphabet = alphabets.alphabet_of(question, self.side)
        except alphabets.StrangeSymbols:
            return question, answer, None  # refused with their places later
        alphabet = alphabets.completed(alphabet, answer)
        ours = alphabet.ours
        cells = "".join(ours.get(cell, ".") for cell in question)
        return cells, "".join(ours.get(cell, cell) for cell in answer), self.with_symbols(alphabet)

    def _cells_of_field(self, text: str) -> str:
        """The cells of a field of a CSV that holds a drawing or a list; the field where it holds none."""
        try:
            return decoded.in_own_symbols(written.read_text(text, self.side))
        except PuzzleError:
            return text

    @cached_property
    def _plain(self) -> frozenset[str]:
        """What cells of a puzzle in these symbols hold, with one sign for blanks or the other."""
        return frozenset(self.symbols + "0")

    def own_rows(self, path: Path) -> Iterator[Row] | None:
        """The puzzles of a file that are drawn over several lines, or JSON; None for a CSV, or a puzzle a line."""
        return written_files.rows_of(self, path)

    def form_in(self, path: str | Path) -> str:
        """What a file's puzzles are taken for, in words; empty where they are in our own columns or characters.

        Raises:
            PuzzleError: when the file cannot be read.
        """
        return written_files.form_of(self, Path(path))

    @property
    def allowed(self) -> str:
        """What a cell may hold, for an error message."""
        return f"{self.symbols[1]} to {self.symbols[-1]}, and . or 0 for a blank"

    def character_of(self, cell: Cell) -> str | None:
        """The character that a cell means: a number counts symbols from 1; 0, None and an empty text are blanks."""
        if isinstance(cell, int):
            return self.symbols[cell] if 0 <= cell <= self.side else None
        return super().character_of(cell or ".")

    def to_grid(self, tokens: Tokens) -> NDArray[Any]:
        """The grid (L,) as an array of integers, 0 for a blank, rows x columns; `parse_grid` reads it back."""
        return np.maximum(tokens.astype(np.int64) - BLANK, 0).reshape(self.grid_shape)

    # Rules

    def clue_mask(self, tokens: Tokens) -> Bools:
        """Whether each cell is given."""
        return tokens > BLANK

    def is_right(self, question: Tokens, answer: Tokens) -> list[str]:
        """Rules that an answer (L,) breaks, and whether cells are empty."""
        reasons, empty = self.broken_rules(answer)[1], int((answer <= BLANK).sum())
        return [*reasons, f"{empty} cells are empty"] if empty else reasons

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
        """A verdict with the rules that an answer breaks, and where."""
        changed = self.clue_mask(question) & (answer != question)
        reasons = self.is_right(question, answer)
        reasons += [
            f"the clue {self.letters[question[i]]} at {self.place(int(i))} became {self.letters[answer[i]]}"
            for i in np.flatnonzero(changed)
        ]
        cells = np.flatnonzero(self.broken_rules(answer)[0] | (answer <= BLANK) | changed)
        return Verdict(not len(cells), wrong_cells=tuple(map(int, cells)), reasons=tuple(reasons))

    def broken_rules(self, tokens: Tokens) -> tuple[Bools, list[str]]:
        """Cells that share a symbol with another of their row, column or box, and a sentence for each such group."""
        wrong = np.zeros(self.num_cells, bool)
        reasons = []
        ordered = np.sort(tokens[self.geometry.units], axis=1)  # (units, side)
        twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > BLANK)
        for u in map(int, np.flatnonzero(twice.any(axis=1))):
            unit = self.geometry.units[u]
            values, counts = np.unique(tokens[unit], return_counts=True)
            for value, count in zip(values, counts):
                if value > BLANK and count > 1:
                    cells = unit[tokens[unit] == value]
                    wrong[cells] = True
                    times = "twice" if count == 2 else f"{count} times"
                    reasons.append(f"{self.letters[value]} stands {times} in {self.unit_name(u, cells)}")
        return wrong, reasons

    def check_question(self, tokens: Tokens) -> None:
        """Refuses a puzzle without exactly one solution.

        Raises:
            PuzzleError: clues that contradict, no solution, or two solutions and a cell in which they differ.
        """
        # A puzzle that takes ten thousand guesses is far beyond the hardest known (some hundreds).
        if not self._check_question(tokens, max_guesses=10_000):
            raise PuzzleError("whether the puzzle has one solution is beyond 10,000 guesses; it may have too few clues")

    def check_question_briefly(self, tokens: Tokens) -> bool:
        """As `check_question`, but with few guesses: False if they do not decide."""
        return self._check_question(tokens, max_guesses=FEW_GUESSES)

    def compile_search(self) -> None:
        """Compiles the search where numba is installed, so that no later call has to wait for that."""
        from ponderling.tasks.sudoku.search import search

        masks, solutions = (
            self.masks_of(np.full(self.num_cells, BLANK, np.uint8)),
            np.zeros((2, self.num_cells), np.int64),
        )
        search(masks, *self.geometry, 2, 1, np.array([0]), solutions)

    def _check_question(self, tokens: Tokens, *, max_guesses: int) -> bool:
        """Whether this number of guesses shows that there is one solution alone; raises PuzzleError where it shows two."""
        reasons = self.broken_rules(tokens)[1]
        if reasons:
            raise PuzzleError("the clues contradict: " + "; ".join(reasons))
        solution = self.solve(tokens, max_guesses=max_guesses)
        if solution.num_solutions == 0:
            raise PuzzleError("the puzzle has no solution, though no two clues contradict")
        if solution.num_solutions > 1:
            differ = np.flatnonzero(solution.answer != solution.other)
            cell = int(differ[0])
            one, other = self.letters[solution.answer[cell]], self.letters[solution.other[cell]]
            raise PuzzleError(
                f"the puzzle has more than one solution: two differ in {len(differ)} cells, {self.place(cell)} can be "
                f"{one} or {other}; a clue is missing or mistyped"
            )
        return solution.num_solutions == 1

    # Search

    def solve(
        self, tokens: Tokens, rng: np.random.Generator | None = None, *, max_guesses: int = 1_000_000
    ) -> Solution:
        """The result of solving one puzzle, (L,): its solution, whether there is another, and how many guesses it took.

        Args:
            tokens: The puzzle.
            rng: Makes the order of guesses random; None: the order is fixed.
            max_guesses: Number of guesses after which to give up.
        """
        from ponderling.tasks.sudoku.search import search

        solutions = np.zeros((2, self.num_cells), np.int64)
        seed = 0 if rng is None else rng.integers(1, 2**31 - 1)
        masks, shape = self.masks_of(tokens), self.geometry
        count, guesses = search.briefly(masks, *shape, 2, min(FEW_GUESSES, max_guesses), np.array([seed]), solutions)
        if count < 0 and guesses < max_guesses:
            count, guesses = search(masks, *shape, 2, max_guesses, np.array([seed]), solutions)
        answer, other = self.from_masks(solutions)
        return Solution(int(count), answer, other, int(guesses))

    def rate(self, tokens: Tokens) -> int:
        """How hard a puzzle is: the guesses that the solver tdoku makes before its solution, as in the public data set.

        0 is a puzzle that singles and locked candidates solve. A symmetry changes the order of the guesses, and so the rating.
        Where there are no boxes, or diagonals count, it is the guesses of our own search, until no other solution is left.

        Raises:
            PuzzleError: when the puzzle has no solution.
        """
        if self.boxes is None or not self.is_rated_by_tdoku:
            solution = self.solve(tokens, max_guesses=MOST_GUESSES)
            if solution.num_solutions == 0:
                raise PuzzleError("a puzzle without a solution has no rating")
            return solution.guesses

        from ponderling.tasks.sudoku.rating import guesses_before_solution, layout

        shape = layout(self.boxes.rows, self.boxes.columns)
        guesses = guesses_before_solution(
            self.masks_of(tokens), shape, MOST_GUESSES, np.zeros(self.num_cells, np.int64)
        )
        if guesses < 0:
            raise PuzzleError("a puzzle without a solution has no rating")
        return int(guesses)

    def left_after_trials(self, tokens: Tokens) -> int:
        """Candidates that one level of trial and error leaves in a puzzle (L,) beyond one for each cell; 0 if it solves it."""
        from ponderling.tasks.sudoku.trials import left_after_trials

        return int(left_after_trials(self.masks_of(tokens), self.geometry))

    def masks_of(self, tokens: Tokens) -> NDArray[np.int64]:
        """For each cell the set of its possible symbols, as in `search.py`: bit 0 is the first symbol."""
        return np.where(tokens > BLANK, 1 << np.maximum(tokens.astype(np.int64) - 2, 0), (1 << self.side) - 1)

    def from_masks(self, masks: NDArray[np.int64]) -> Tokens:
        """The tokens of such sets; blank where more than one symbol is possible."""
        single = (masks > 0) & (masks & (masks - 1) == 0)
        return np.where(single, np.log2(np.maximum(masks, 1)).astype(np.uint8) + 2, BLANK).astype(np.uint8)

    # Generation

    def generate(
        self,
        rng: np.random.Generator,
        count: int,
        *,
        clues: int = 0,
        rating: tuple[int, int] | None = None,
        progress: Callable[[int], object] = lambda done: None,
    ) -> Puzzles:
        """Puzzles with exactly one solution: a random full grid whose clues are taken away in random order.

        Args:
            rng: The only source of randomness.
            count: Number of puzzles.
            clues: Number of clues to stop at; 0: minimal, so that no clue can go.
            rating: Lowest and highest rating to keep; None: any.
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
        # A search for a second solution that gives up keeps the clue.
        order = rng.permutation(self.num_cells)
        dig(self.masks_of(answer), order, clues, *shape, SOME_GUESSES, given)
        return np.where(given == 1, answer, BLANK).astype(np.uint8), answer

    def add_clues(self, rng: np.random.Generator, puzzles: Puzzles, *, most: int) -> Puzzles:
        """The puzzles with a random number of further clues each, from 0 to `most`, and new ratings."""
        tokens = puzzles.tokens.copy()
        for row, labels in zip(tokens, puzzles.labels, strict=True):
            blanks = rng.permutation(np.flatnonzero(row == BLANK))[: rng.integers(0, most + 1)]
            row[blanks] = labels[blanks]
        ratings = np.array([self.rate(row) for row in tokens], np.int32)
        return replace(puzzles, tokens=tokens, ratings=ratings)

    def misprint(
        self, rng: np.random.Generator, puzzles: Puzzles, *, missing: float = 0.5, several: bool = True
    ) -> Puzzles:
        """The puzzles with one clue each changed or missing, and the answers that they have then.

        A changed clue never stands twice in a group, where anyone would see it. A puzzle with several solutions or none has PAD
        in every cell of its answer. One that is not decided within SOME_GUESSES stays as it is, and so does one without clues.
        Ratings are those of before.

        Args:
            rng: Source of the misprints.
            puzzles: What is misprinted.
            missing: Share of the misprints in which a clue is missing.
            several: Whether a puzzle may be left with several solutions; else it stays as it is.
        """
        tokens, labels = puzzles.tokens.copy(), puzzles.labels.copy()
        for row in range(len(tokens)):
            family = self if puzzles.regions is None else self.of_regions(puzzles.regions[row])
            printed = self._misprinted(rng, tokens[row], missing=missing)
            while family.broken_rules(printed)[1]:  # another try: in time a clue goes missing
                printed = self._misprinted(rng, tokens[row], missing=missing)
            solution = family.solve(printed, max_guesses=SOME_GUESSES)
            if solution.num_solutions in (0, 1) or (several and solution.num_solutions > 1):
                tokens[row], labels[row] = printed, solution.answer if solution.num_solutions == 1 else PAD
        return replace(puzzles, tokens=tokens, labels=labels)

    def _misprinted(self, rng: np.random.Generator, tokens: Tokens, *, missing: float) -> Tokens:
        """One puzzle with a random clue that is changed or missing."""
        clues = np.flatnonzero(tokens > BLANK)
        if not len(clues):
            return tokens
        printed, cell = tokens.copy(), rng.choice(clues)
        other = BLANK + 1 + (tokens[cell] - BLANK - 1 + rng.integers(1, self.side)) % self.side
        printed[cell] = BLANK if rng.random() < missing else other
        return printed

    def of_regions(self, regions: NDArray[np.uint8]) -> SudokuTask:
        """The family of a puzzle that brings these regions, (L,); this family itself where they are all 0."""
        return self

    def random_grid(self, rng: np.random.Generator) -> Tokens:
        """A full grid that obeys the rules, (L,)."""
        from ponderling.tasks.sudoku.search import search

        blank = np.full(self.num_cells, BLANK, np.uint8)
        solutions = np.zeros((1, self.num_cells), np.int64)
        shape = self.geometry
        while True:  # a search that went astray is cheaper to start anew than to finish
            state = np.array([rng.integers(1, 2**31 - 1)])
            if search(self.masks_of(blank), *shape, 1, 20 * self.num_cells, state, solutions)[0] == 1:
                return self.from_masks(solutions[0])

    @property
    def relations(self) -> Relations:
        """Rows, columns, boxes and diagonals, all alike: each holds every symbol once."""
        regions = Regions("unit", 2 * self.side, self.side) if self.takes_regions else None
        units = tuple(map(tuple, self.geometry.units.tolist()))
        return Relations({"unit": units}, symbols=self.fill_tokens, named=(BLANK,), regions=regions)

    # Files and sets

    def wrong_answers(self, questions: Tokens, answers: Tokens) -> dict[int, str]:
        """Rows (N, L) whose answer breaks a rule or changes a clue, and which; first what is wrong with the question."""
        rows = np.flatnonzero(~self.valid(questions, answers))
        reasons = {
            int(i): self.broken_rules(questions[i])[1] or self.check(questions[i], answers[i]).reasons for i in rows
        }
        return {i: "; ".join(reason[:2]) for i, reason in reasons.items()}

    def find_answer(self, question: Tokens) -> Tokens:
        """The only answer; raises PuzzleError for no answer or several."""
        self.check_question(question)
        return self.solve(question).answer

    @property
    def how_to_make(self) -> str:
        """The options of `ponderling data make sudoku` that make puzzles of this family."""
        return f"--size {self.side}"

    def is_here(self, name: str) -> bool:
        """Whether a set of `named_sets` can be read without fetching it."""
        key = f"{self.name}_{name}"
        return key in large_sets.HASHES and large_sets.find_set(key) is not None

    def load_default(self, split: str) -> Puzzles:
        """A set in the package, `train` or `test`, small; or one that is fetched when first needed (`large_sets`).

        `hunted` is large and hard, `deep` is harder. No test puzzle is equivalent to one of the others. `jigsaws` and
        `layouts`, a larger set, bring their own regions. `sizes` and `sizes_test` are of X-Sudoku and 16x16.
        """
        if split not in ("train", "test", *self.named_sets):
            raise ValueError(f"split must be train, test, {', '.join(self.named_sets)}: got {split!r}")
        if (key := f"{self.name}_{split}") in large_sets.HASHES:
            return self.read(large_sets.fetch_set(key))
        file = resources.files("ponderling.tasks") / "embedded" / f"{self.name}_{split}.csv.gz"
        if not file.is_file():
            raise PuzzleError(
                f"no {self.name} puzzles ({split}) come with the package: make some with "
                f"`ponderling data make sudoku {self.how_to_make}` and name the file"
            )
        with resources.as_file(file) as path:
            return self.read(path)
