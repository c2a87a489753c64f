"""A base for puzzle families whose cells are one character each; `maze.py` builds on it, and so can a family of your own.

A subclass says its name, its shape and its symbols and how to generate; everything else has a default that can be replaced:

    class Mirror(GridTask):
        name, grid_shape, symbols = "mirror", (3, 4), ".#"

        def generate(self, rng, count):
            questions = rng.integers(1, 3, (count, 12)).astype(np.uint8)
            return self.puzzles(questions, questions.reshape(-1, 3, 4)[:, :, ::-1].reshape(-1, 12))
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ponderling.tasks import text_files
from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Relations, Symmetry, Tokens, Verdict

DEFAULT_TRAIN, DEFAULT_TEST = 4000, 500
"""Puzzles that `load_default` generates, for families without a set in the package."""


class GridTask:
    """A puzzle family with grids of one shape. Token 0 is padding, token 1 the first of `symbols`, and so on.

    A subclass sets the three fields and defines `generate`; `is_right` too, where answers can be judged by rules.
    """

    name: str
    grid_shape: tuple[int, int]
    symbols: str
    """The character of token 1, of token 2, ..."""
    hub_repository: str | None = None
    """The family's public data set on the Hub, with the columns question and answer."""

    def generate(self, rng: np.random.Generator, count: int) -> Puzzles:
        """`count` random questions with their answers; see `puzzles`."""
        raise NotImplementedError(f"{type(self).__name__} must define generate(rng, count)")

    def is_right(self, question: Tokens, answer: Tokens) -> Sequence[str]:
        """What is wrong with an answer (L,) to a question (L,), a sentence for each fault; empty when it is right.

        Where a family does not define this, answers can be compared with labels and not judged.
        """
        return ()

    def puzzles(self, questions: Tokens, answers: Tokens, ratings: NDArray[np.integer] | None = None) -> Puzzles:
        """These questions and answers, (N, L) or (N, rows, columns), as `Puzzles`."""
        N, L = len(questions), self.num_cells
        return Puzzles(
            tokens=np.asarray(questions, np.uint8).reshape(N, L),
            labels=np.asarray(answers, np.uint8).reshape(N, L),
            puzzle_ids=np.zeros(N, np.int32),
            ratings=None if ratings is None else np.asarray(ratings, np.int32),
        )

    # Shape

    @property
    def num_cells(self) -> int:
        """L."""
        return self.grid_shape[0] * self.grid_shape[1]

    @property
    def vocab_size(self) -> int:
        """Padding and the symbols."""
        return len(self.symbols) + 1

    def num_puzzles(self, puzzles: Puzzles) -> int:
        """Rows of the puzzle embedding that these puzzles need."""
        return 1 + int(puzzles.puzzle_ids.max(initial=0))

    @property
    def rating_edges(self) -> tuple[int, ...]:
        """Lowest rating of each row of a table by rating."""
        return (0, 1, 4, 13, 51)

    extends_question = False

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """Tokens that a cell which is not given may be filled with: every symbol."""
        return tuple(range(1, self.vocab_size))

    def parse_grid(self, grid: ArrayLike) -> Tokens:
        """One question from a grid of symbols."""
        return self.parse("".join(map(str, np.asarray(grid).ravel())))

    def to_grid(self, tokens: Tokens) -> NDArray[Any]:
        """The grid (L,) as an array of symbols, (rows, columns)."""
        return np.array(list(self.format(tokens))).reshape(self.grid_shape)

    # Text

    @property
    def allowed(self) -> str:
        """What a cell may hold, for an error."""
        return "one of " + " ".join(map(repr, self.symbols))

    def tokens_of(self, cells: str) -> Tokens:
        """The token of each character, 255 for one that no cell can have."""
        found = {symbol: token for token, symbol in enumerate(self.symbols, 1)}
        return np.array([found.get(cell, 255) for cell in cells], np.uint8)

    def place(self, i: int) -> str:
        """Where cell i is, for a person."""
        row, column = divmod(i, self.grid_shape[1])
        return f"row {row + 1} column {column + 1}"

    def parse(self, text: str) -> Tokens:
        """One question from text: the cells row by row; line ends between rows are passed over.

        Raises:
            PuzzleError: everything that is wrong with it.
        """
        cells = text.replace("\r", "").replace("\n", "")
        rows, columns = self.grid_shape
        if len(cells) != self.num_cells:
            raise PuzzleError(f"expected {self.num_cells} cells for {rows}x{columns}, got {len(cells)}")
        tokens = self.tokens_of(cells)
        wrong = np.flatnonzero(tokens == 255)
        problems = [
            f"{cells[i]!r} at {self.place(int(i))} is no cell of {self.name} ({self.allowed})" for i in wrong[:3]
        ]
        if problems:
            more = f"; and {len(wrong) - 3} more such characters" if len(wrong) > 3 else ""
            raise PuzzleError("; ".join(problems) + more)
        self.check_question(tokens)
        return tokens

    def format(self, tokens: Tokens) -> str:
        """The grid as one line; padding is a question mark."""
        return "".join(("?" + self.symbols)[token] for token in tokens)

    def render(self, tokens: Tokens) -> list[list[str]]:
        """The grid as rows of one character for each cell."""
        rows, columns = self.grid_shape
        cells = self.format(tokens)
        return [list(cells[r * columns : (r + 1) * columns]) for r in range(rows)]

    # Rules

    @property
    def has_rules(self) -> bool:
        """Whether the family defines `is_right`."""
        return type(self).is_right is not GridTask.is_right

    def clue_mask(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Which cells of the questions (..., L) an answer must keep; none, unless a family says so."""
        return np.zeros(tokens.shape, bool)

    def check_question(self, tokens: Tokens) -> None:
        """Raises PuzzleError if a question (L,) cannot be one; every question can, unless a family says so."""

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """What the rules say about this answer (L,) to this question (L,)."""
        reasons = tuple(self.is_right(question, answer))
        changed = np.flatnonzero(self.clue_mask(question) & (answer != question))
        reasons += tuple(f"the given cell at {self.place(int(i))} was changed" for i in changed[:3])
        return Verdict(not reasons, tuple(map(int, changed)), reasons)

    def valid(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        """Whether the rules accept each answer (N, L), (N,)."""
        return np.array([self.check(q, a).valid for q, a in zip(questions, answers, strict=True)], bool)

    @property
    def relations(self) -> Relations | None:
        """None: families on this base declare no groups, unless they say so."""
        return None

    # Symmetries

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """`count` random transformations that keep puzzles valid; only the identity, unless a family says more."""
        cells = np.tile(np.arange(self.num_cells), (count, 1))
        return Symmetry(cells, np.tile(np.arange(self.vocab_size, dtype=np.uint8), (count, 1)))

    def augment(self, rng: np.random.Generator, puzzles: Puzzles) -> Puzzles:
        """Each question and its answer under one random symmetry."""
        if type(self).sample_symmetries is GridTask.sample_symmetries:
            return puzzles
        return self.sample_symmetries(rng, len(puzzles)).apply_to(puzzles)

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each question (N, L), (N,): unequal for questions that differ in a cell, unless a family says more.

        Args:
            tokens: The questions.
            regions: The regions that they bring, (N, L), as `Puzzles.regions`.
        """
        rows = tokens if regions is None else np.concatenate([tokens, regions], axis=1)
        digests = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows)
        return np.frombuffer(b"".join(digests), np.uint64)

    # Files and sets

    def wrong_answers(self, questions: Tokens, answers: Tokens) -> dict[int, str]:
        """Rows (N, L) whose answer the rules refuse, and why."""
        if not self.has_rules:
            return {}
        rows = np.flatnonzero(~self.valid(questions, answers))
        return {int(i): "; ".join(self.check(questions[i], answers[i]).reasons[:2]) for i in rows}

    def find_answer(self, question: Tokens) -> Tokens:
        """All PAD, as unknown, unless a family can compute the answer (L,)."""
        return np.full_like(question, PAD)

    def with_layout(self, layout: str) -> tuple[GridTask, NDArray[np.uint8]]:
        """The family with these regions in place of its own groups, and the number of each cell's region, (L,).

        Raises:
            ValueError: when there is none, which is so unless a family says more.
        """
        raise ValueError(f"the column regions is for Sudokus: {self.name} has no regions")

    def read(self, path: str | Path, limit: int | None = None) -> Puzzles:
        """The puzzles of a CSV or plain file, the first `limit` of them; raises PuzzleError with file, row and reason."""
        return text_files.read_puzzles(self, path, limit)

    def write(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes a CSV with the columns source, question, answer, rating, whole or not at all."""
        text_files.write_puzzles(self, path, puzzles)

    def load_default(self, split: str) -> Puzzles:
        """Generated puzzles, always the same: DEFAULT_TRAIN for `train`, DEFAULT_TEST others for `test`."""
        if split not in ("train", "test"):
            raise ValueError(f"split must be train or test for {self.name}: got {split!r}")
        test = self.generate(np.random.default_rng(1), DEFAULT_TEST)
        if split == "test":
            return test
        train = self.generate(np.random.default_rng(0), DEFAULT_TRAIN)
        known = {row.tobytes() for row in test.tokens}
        return train[[i for i, row in enumerate(train.tokens) if row.tobytes() not in known]]

    def read_hub(self, split: str, limit: int | None = None) -> Puzzles:
        """Puzzles of `hub_repository`, `train` or `test`; raises PuzzleError when there is none or it cannot be fetched."""
        if self.hub_repository is None:
            raise PuzzleError(f"{self.name} has no public data set: name a file, or default")
        return text_files.read_hub(self, self.hub_repository, split, limit)
