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
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ponderling.system import write_text
from ponderling.tasks import symbol_grids, text_files
from ponderling.tasks.base import PAD, DataSettings, DataSplit, Hints, PuzzleError, Puzzles, Symmetry, Tokens, Verdict
from ponderling.tasks.problems import one_line
from ponderling.tasks.relations import Relations
from ponderling.tasks.split import load_apart, load_puzzles

RATING_EDGES = (0, 1, 4, 13, 51)
"""Lowest rating of each row of a table by rating, where a family does not say. On tdoku's scale for Sudokus 0 needs no guess,
and 51 and more are the hardest known."""


class GridTask:
    """A puzzle family with grids of one shape. Token 0 is padding, token 1 the first of `symbols`, and so on.

    A subclass sets the three fields and defines `generate`; `is_right` too, where answers can be judged by rules.
    """

    name: str
    grid_shape: tuple[int, int]
    symbols: str
    """The character of token 1, of token 2, ..."""
    padding_symbol = "?"
    """The character that stands for padding in text."""
    aliases: Mapping[str, str] = {}
    """Further characters that `parse` reads, and the symbol that each means."""
    hub_repository: str | None = None
    """The family's public data set on the Hub, with the columns question and answer."""
    default_sizes = (4000, 500)
    """Numbers of training and test puzzles that `load_default` generates."""
    end_mark: int | None = None
    """The token that says where a grid ends that is smaller than the canvas; None where all fill it."""
    named_sets: tuple[str, ...] = ()
    """Names of the family's sets besides `default`: in the package, generated, or fetched when first needed."""
    sets_with_regions: tuple[str, ...] = ()
    """Those of these sets whose puzzles bring their own regions."""
    left_out: Sequence[str] = ()
    """Data that the last read left unused, and why: a sentence for each reason."""

    def generate(self, rng: np.random.Generator, count: int) -> Puzzles:
        """`count` random questions with their answers; see `puzzles`."""
        raise NotImplementedError(f"{type(self).__name__} must define generate(rng, count)")

    def is_right(self, question: Tokens, answer: Tokens) -> Sequence[str]:
        """What is wrong with an answer (L,) to a question (L,), a sentence for each fault; empty when it is right.

        Where a family does not define this, answers can be compared with labels and not judged.
        """
        return ()

    def puzzles(self, questions: Tokens, answers: Tokens, *, ratings: NDArray[np.integer] | None = None) -> Puzzles:
        """These questions and answers as `Puzzles`, given as tokens: (N, L) or (N, rows, columns).

        Raises:
            ValueError: when an array does not hold N grids of the family's tokens; the message says which. Grids of symbols are
                read by `parse_grid`.
        """
        N = len(questions)
        return Puzzles(
            tokens=self._as_tokens(questions, N, what="questions"),
            labels=self._as_tokens(answers, N, what="answers"),
            puzzle_ids=np.zeros(N, np.int32),
            ratings=None if ratings is None else np.asarray(ratings, np.int32),
        )

    def _as_tokens(self, grids: Any, N: int, *, what: str) -> Tokens:
        tokens = np.asarray(grids)
        if N == 0 and tokens.size == 0:  # of any type and shape
            return np.zeros((0, self.num_cells), np.uint8)
        is_whole = tokens.dtype.kind in "iu" and tokens.size > 0
        low, high = (int(tokens.min()), int(tokens.max())) if is_whole else (0, 0)
        shapes = ((N, self.num_cells), (N, *self.grid_shape))
        if not is_whole or tokens.shape not in shapes or low < PAD or high >= self.vocab_size:
            values = f", values {low} to {high}" if is_whole else ""
            raise ValueError(
                f"{what} must be tokens of {self.name}, integers from {PAD} to {self.vocab_size - 1} of shape "
                f"({N}, {self.num_cells}): got {tokens.dtype} of shape {tokens.shape}{values}"
            )
        return tokens.astype(np.uint8).reshape(N, self.num_cells)

    # Shape

    @property
    def num_cells(self) -> int:
        """L, the number of cells."""
        return self.grid_shape[0] * self.grid_shape[1]

    @property
    def vocab_size(self) -> int:
        """Number of tokens: padding and the symbols."""
        return len(self.symbols) + 1

    def num_puzzles(self, puzzles: Puzzles) -> int:
        """Number of rows of the puzzle embedding that these puzzles need."""
        return 1 + int(puzzles.puzzle_ids.max(initial=0))

    # What a task is asked for

    extends_question = False
    """Whether an answer fills in its question: it keeps what is given, in the same symbols."""
    has_many_answers = False
    """Whether a question may have several right answers, of which `relabel` chooses one."""
    can_misprint = False
    """Whether a question may have several right answers or none because one of its clues is wrong; see `misprint`."""
    answers_by_vote = False
    """Whether a question is answered by votes over its views; see `solving.vote`."""

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """The tokens that a cell which is not given may hold in an answer."""
        return tuple(range(1, self.vocab_size))

    @property
    def blank_token(self) -> int:
        """The token of a cell that is not given; the first one where several are not."""
        every = np.arange(1, self.vocab_size, dtype=np.uint8)
        given = self.clue_mask(np.repeat(every[:, None], self.num_cells, axis=1))[:, 0]
        return int(every[np.argmin(given)])

    def facts(self) -> dict[str, Any]:
        """What a checkpoint must keep of this family to solve with it later; `restore` reads it. Empty by default."""
        return {}

    def restore(self, facts: Mapping[str, Any], num_puzzles: int) -> None:
        """Takes over what `facts` gave to a checkpoint with `num_puzzles` rows of puzzle embeddings.

        Raises:
            ValueError: when the facts do not fit that number of rows.
        """

    # Drawing

    kind = "grid"
    """How the web page draws a puzzle: sudoku, maze, arc or grid."""
    cells_touch = False
    """Whether a drawing puts nothing between two cells."""
    palette: Mapping[str, str] = {}
    """Roles of colours in a film, by the text of a cell."""

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of a block, where a drawing puts lines: the whole grid, unless a family says otherwise."""
        return self.grid_shape

    @property
    def regions(self) -> NDArray[np.int64] | None:
        """The number of each cell's region, (rows, columns), where a drawing puts lines between regions; None: nowhere."""
        return None

    @property
    def rating_edges(self) -> tuple[int, ...]:
        """Lowest rating of each row of a table by rating."""
        return RATING_EDGES

    @property
    def siblings(self) -> tuple[str, ...]:
        """Names of families that a network without weights for cells and symbols can be used on as well."""
        return ()

    sized_name = ""
    """The family's name in any size, such as maze{rows}x{columns}; empty: it has one size alone. With one, define `resized`
    and `one_to_try`."""

    def resized(self, rows: int, columns: int) -> GridTask:
        """The same family with another grid.

        Raises:
            ValueError: when there is none of that size.
        """
        raise NotImplementedError(f"{type(self).__name__} must define resized(rows, columns), as it has a sized_name")

    def one_to_try(self, rng: np.random.Generator) -> Tokens:
        """A random question (L,) for somebody to try, made in a moment.

        Raises:
            PuzzleError: when none of this size could be found.
        """
        raise NotImplementedError(f"{type(self).__name__} must define one_to_try(rng), as it has a sized_name")

    @property
    def characters(self) -> tuple[str, ...]:
        """The character of each token in text, "" for padding."""
        return ("", *self.symbols)

    # Text

    @property
    def allowed(self) -> str:
        """What a cell may hold, for an error message."""
        return "one of " + " ".join(map(repr, self.symbols))

    def tokens_of(self, cells: str) -> Tokens:
        """The token of each character, 255 for one that no cell can have."""
        codes = np.frombuffer(cells.encode("utf-32-le", "surrogatepass"), np.uint32)
        return self._tokens_by_code[np.minimum(codes, len(self._tokens_by_code) - 1)]

    @cached_property
    def _tokens_by_code(self) -> Tokens:
        """The token of each character code, 255 where no cell has it; the last entry is for all codes beyond."""
        tokens = {symbol: token for token, symbol in enumerate(self.symbols, 1)}
        tokens |= {alias: tokens[symbol] for alias, symbol in self.aliases.items()}
        table = np.full(max(map(ord, tokens)) + 2, 255, np.uint8)
        for character, token in tokens.items():
            table[ord(character)] = token
        return table

    def place(self, i: int) -> str:
        """The place of cell i, in words."""
        row, column = divmod(i, self.grid_shape[1])
        return f"row {row + 1} column {column + 1}"

    def parse(self, text: str) -> Tokens:
        """One question from text: the cells row by row; line ends between rows are passed over.

        Raises:
            PuzzleError: everything that is wrong with it.
        """
        tokens = self.read_cells(text.replace("\r", "").replace("\n", ""))
        self.check_question(tokens)
        return tokens

    def name_for(self, text: str) -> str:
        """The name of the family that a puzzle written like this belongs to: this one's, where a text does not tell sizes."""
        return self.name

    def name_in(self, path: str | Path) -> str:
        """The name of the family that a file's puzzles belong to: this one's, where a file does not tell sizes.

        Raises:
            PuzzleError: when the file cannot be read.
        """
        return self.name

    def form_in(self, path: str | Path) -> str:
        """What a file's puzzles are taken for, in words; empty where they are in this family's own columns or characters.

        Raises:
            PuzzleError: when the file cannot be read.
        """
        return ""

    def read_cells(self, cells: str) -> Tokens:
        """The tokens of a grid's cells, (L,), from one character for each.

        Raises:
            PuzzleError: for a wrong number of characters, and for characters that no cell can have.
        """
        (rows, columns), L = self.grid_shape, len(cells)
        problems = []
        if self.num_cells != L:
            side = math.isqrt(L)
            hint = f" (that many make a {side}x{side} grid)" if side > 1 and side * side == L else ""
            problems.append(f"expected {self.num_cells} cells for {rows}x{columns}, got {L}{hint}")
        tokens = self.tokens_of(cells)
        wrong = np.flatnonzero(tokens == 255)
        problems += [
            f"{cells[i]!r} at {self.place(int(i)) if self.num_cells == L else f'character {i + 1}'} is not a symbol of "
            f"{self.name} ({self.allowed})"
            for i in wrong[:3]
        ]
        if len(wrong) > 3:
            problems.append(f"and {len(wrong) - 3} more such characters")
        if problems:
            raise PuzzleError("; ".join(problems))
        return tokens

    def parse_grid(self, grid: Any) -> Tokens:
        """One question from a grid of symbols, (L,).

        Args:
            grid: An array or lists of shape (rows, columns), or with all cells in one row. A cell holds the character of a
                symbol, or a whole number whose digit is a symbol.

        Raises:
            PuzzleError: what is wrong with it, and where.
        """
        return self.parse(self._characters_of(grid))

    def parse_answer(self, grid: Any) -> Tokens:
        """One answer from a grid of symbols as `parse_grid` takes it, (L,); it may hold what questions may not.

        Raises:
            PuzzleError: what is wrong with it, and where.
        """
        return self.read_cells(self._characters_of(grid))

    def _characters_of(self, grid: Any) -> str:
        """The character of each cell of a grid of symbols."""
        cells = symbol_grids.cells_of(grid, self.grid_shape)
        texts = [self.character_of(cell) for cell in cells]
        problems = [
            f"{one_line(repr(cells[i]), 40)} at {self.place(i)} is not a symbol of {self.name} ({self.allowed})"
            for i, text in enumerate(texts)
            if text is None
        ]
        if problems:
            raise PuzzleError(
                "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
            )
        return "".join(text for text in texts if text is not None)

    def character_of(self, cell: symbol_grids.Cell) -> str | None:
        """The character that a cell of a grid of symbols means; None where it means none."""
        text = "" if cell is None else str(cell)
        return text if len(text) == 1 and self.tokens_of(text)[0] != 255 else None

    def to_grid(self, tokens: Tokens) -> NDArray[Any]:
        """The grid (L,) as an array of symbols, rows x columns; `parse_grid` reads it back."""
        return self.letters[tokens].reshape(self.grid_shape)

    def format(self, tokens: Tokens) -> str:
        """The grid as one line."""
        return "".join(self.letters[tokens])

    @cached_property
    def letters(self) -> NDArray[np.str_]:
        """The character that stands for each token."""
        return np.array([self.padding_symbol, *self.symbols])

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
        """Whether an answer must keep each cell of the questions (..., L); never, unless a family says so."""
        return np.zeros(tokens.shape, bool)

    def check_question(self, tokens: Tokens) -> None:
        """Raises PuzzleError if a question (L,) cannot be a question; every grid can, unless a family says so."""

    def check_question_briefly(self, tokens: Tokens) -> bool:
        """As `check_question`, but with little work: False if that does not decide. A family whose check searches says how."""
        self.check_question(tokens)
        return True

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """What the rules say about this answer (L,) to this question (L,)."""
        reasons = tuple(self.is_right(question, answer))
        changed = np.flatnonzero(self.clue_mask(question) & (answer != question))
        reasons += tuple(f"the given cell at {self.place(int(i))} was changed" for i in changed[:3])
        return Verdict(not reasons, wrong_cells=tuple(map(int, changed)), reasons=reasons)

    def valid(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        """Whether the rules accept each answer (N, L), (N,)."""
        return np.array([self.check(q, a).valid for q, a in zip(questions, answers, strict=True)], bool)

    @property
    def relations(self) -> Relations | None:
        """The family's groups of cells; None unless a subclass declares them."""
        return None

    def hints(self, questions: Tokens) -> Hints:
        """The hints of questions (N, L); a family whose `relations` announces hints must define it."""
        raise NotImplementedError(f"{type(self).__name__} has no hints")

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

    def misprint(
        self, rng: np.random.Generator, puzzles: Puzzles, *, missing: float = 0.5, several: bool = True
    ) -> Puzzles:
        """Each question with a clue changed or missing; a family that says `can_misprint` says how."""
        raise NotImplementedError(f"{self.name} has no misprints")

    def relabel(self, puzzles: Puzzles) -> Puzzles:
        """The puzzles with the answer that the family's own rule chooses, where there are several right ones."""
        return puzzles

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each question (N, L), (N,): unequal for questions that differ in a cell, unless a family says more.

        Args:
            tokens: The questions.
            regions: The questions' own regions, (N, L), as in `Puzzles.regions`.
        """
        rows = tokens if regions is None else np.concatenate([tokens, regions], axis=1)
        digests = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows)
        return np.frombuffer(b"".join(digests), np.uint64)

    def sketch(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each question (N, L), (N,), equal wherever fingerprints are; a family may have one that costs less."""
        return self.fingerprint(tokens, regions=regions)

    def as_puzzles_of(self, name: str, puzzles: Puzzles) -> Puzzles | None:
        """This family's puzzles as those of the family of that name; None where they are no puzzles of it."""
        return puzzles if name == self.name else None

    # Files and sets

    def wrong_answers(self, questions: Tokens, answers: Tokens) -> dict[int, str]:
        """Rows (N, L) whose answer the rules refuse, and why."""
        if not self.has_rules:
            return {}
        rows = np.flatnonzero(~self.valid(questions, answers))
        return {int(i): "; ".join(self.check(questions[i], answers[i]).reasons[:2]) for i in rows}

    def find_answer(self, question: Tokens) -> Tokens:
        """The answer (L,) if the family can compute it; otherwise all PAD, meaning unknown."""
        return np.full_like(question, PAD)

    def to_rows(self, tokens: Tokens) -> list[list[Any]]:
        """The grid (L,) as rows of cells, as a JSON line has it: characters, unless a family says otherwise."""
        return self.letters[tokens].reshape(self.grid_shape).tolist()

    def write_pairs(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes JSON lines with an input and an output each, whole or not at all; for `ponderling train --data`."""
        pairs = (
            {"input": self.to_rows(question), "output": self.to_rows(answer)}
            for question, answer in zip(puzzles.tokens, puzzles.labels, strict=True)
        )
        text = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
        write_text(Path(path), text)

    def layout_facts(self, *, padded: bool) -> dict[str, Any]:
        """What `grid.json` says of this family's puzzles in the official layout: shape and symbols, as `custom.spec.GridSpec`.

        Args:
            padded: Some cells hold padding, so that the tokens are all that can be told.
        """
        rows, columns = self.grid_shape
        symbols = list(map(str, range(self.vocab_size))) if padded else self.letters[1:].tolist()
        return {"symbols": symbols, "rows": rows, "columns": columns, "sizes": "raw" if padded else "one"}

    def with_layout(self, layout: str) -> tuple[GridTask, NDArray[np.uint8]]:
        """The family with these regions in place of its own groups, and the number of each cell's region, (L,).

        Raises:
            ValueError: when the family does not take regions, which is the default.
        """
        raise ValueError(f"the column regions is for Sudokus: {self.name} has no regions")

    def read(self, path: str | Path, limit: int | None = None) -> Puzzles:
        """The puzzles of a CSV or plain file, the first `limit` of them; raises PuzzleError with file, row and reason."""
        return text_files.read_puzzles(self, path, limit=limit)

    def as_written(self, text: str) -> GridTask:
        """The family with the symbols that a puzzle's text has in place of this one's, to show its answer in; or this one."""
        return self

    def texts_of(self, lines: Iterable[str]) -> Iterator[str]:
        """The texts of puzzles in a stream of lines: a puzzle a line, unless a family draws them over several."""
        yield from lines

    def families_in(self, path: Path) -> Iterator[GridTask]:
        """For each puzzle of a file the family with the symbols that it is written in."""
        if type(self).read is not GridTask.read:
            return itertools.repeat(self)
        return (row.family or self for row in text_files.rows_of(self, path))

    def in_own_symbols(self, question: str, answer: str) -> tuple[str, str, GridTask | None]:
        """Question and answer of a file in this family's symbols, and `Row.family`; a family that reads others says how."""
        return question, answer, None

    def own_rows(self, path: Path) -> Iterator[text_files.Row] | None:
        """The rows of a file in a form that only this family has; None, where it has none."""
        return None

    def places_in(self, path: str | Path, count: int) -> tuple[str, NDArray[np.int64]]:
        """What `read` counts in a file, and the numbers of its first `count` puzzles: rows, as in the errors of `read`."""
        if type(self).read is not GridTask.read:
            return "puzzle", np.arange(1, count + 1)
        return "row", text_files.row_numbers(self, path, count=count)

    def write(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes a CSV with the columns source, question, answer, rating, whole or not at all."""
        text_files.write_puzzles(self, path, puzzles=puzzles)

    def is_here(self, name: str) -> bool:
        """Whether a set of `named_sets` can be read without fetching it."""
        return True

    def load_default(self, split: str) -> Puzzles:
        """Generated puzzles, always the same, `default_sizes` of them; no test puzzle has the `fingerprint` of another."""
        if split not in ("train", "test"):
            raise ValueError(f"split must be train or test for {self.name}: got {split!r}")
        num_train, num_test = self.default_sizes
        test = self.generate(np.random.default_rng(1), num_test)
        if split == "test":
            return test
        return self.without(self.generate(np.random.default_rng(0), num_train), test)

    def without(self, puzzles: Puzzles, others: Puzzles) -> Puzzles:
        """The puzzles whose fingerprint is not that of one of the others."""
        known = self.fingerprint(others.tokens, regions=others.regions)
        return puzzles[np.flatnonzero(~np.isin(self.fingerprint(puzzles.tokens, regions=puzzles.regions), known))]

    def load_split(self, data: DataSettings) -> DataSplit:
        """A run's puzzles; none is in two parts, up to the symmetries.

        Raises:
            PuzzleError: when a test file shares puzzles with training; names the rows.
        """
        return load_apart(self, data)

    def load_test(self, data: DataSettings, source: str) -> Puzzles:
        """The puzzles of a source, for evaluating a run with these settings."""
        return load_puzzles(self, source, split="test")

    def read_hub(self, split: str, limit: int | None = None) -> Puzzles:
        """Puzzles of `hub_repository`, `train` or `test`; raises PuzzleError if it is not set or cannot be fetched."""
        if self.hub_repository is None:
            raise PuzzleError(f"{self.name} has no public data set: name a file, or default")
        return text_files.read_hub(self, self.hub_repository, split=split, limit=limit)
