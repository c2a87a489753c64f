"""Sudoku of any box shape: text and files, rules, symmetries, generation. The searching is in `sudoku_search.py`.

Tokens are those of the public data set Sudoku-Extreme: 0 padding, 1 a blank, 2 the symbol `1`, 3 the symbol `2`, and so on.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Symmetry, Tokens, Verdict
from ponderling.tasks.sudoku_search import geometry, kernels

BLANK = 1
SYMBOLS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLUMNS = ("source", "question", "answer", "rating")
"""Columns of the public data set's files."""
HUB_REPOSITORY = "sapientinc/sudoku-extreme"
DRAWN_LINES = "|+-─│┼ \t\r\n"
"""What may stand between the cells of a puzzle that is typed as a grid."""

Bools = NDArray[np.bool_]


class Solution(NamedTuple):
    """What the search found."""

    count: int
    """Solutions: 0, 1, or 2 for more than one; -1 when it gave up."""
    answer: Tokens
    """The first solution, (L,); all blank when there is none."""
    guesses: int
    """Guesses in all, to find it and to show that it is the only one."""


@dataclass(frozen=True)
class Sudoku:
    """The puzzle family whose boxes have `box_rows` rows and `box_columns` columns; the grid's side is their product."""

    box_rows: int
    box_columns: int

    def __post_init__(self) -> None:
        if not 2 <= self.box_rows * self.box_columns <= len(SYMBOLS) or min(self.box_rows, self.box_columns) < 1:
            raise ValueError(
                f"a Sudoku's boxes are at least 1x1, its side from 2 to {len(SYMBOLS)}: got {self.box_rows}x{self.box_columns}"
            )

    @property
    def side(self) -> int:
        """Cells in a row, a column and a box."""
        return self.box_rows * self.box_columns

    @property
    def name(self) -> str:
        """`sudoku9` and the like."""
        return f"sudoku{self.side}"

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

    @property
    def symbols(self) -> str:
        """The characters of a solution, in the order of their tokens."""
        return SYMBOLS[: self.side]

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
        tokens = self._tokens(cells)
        wrong = np.flatnonzero(tokens == 255)
        problems += [f"{cells[i]!r} at {self._place(i, len(cells))} is no symbol ({self._allowed})" for i in wrong[:3]]
        if len(wrong) > 3:
            problems.append(f"and {len(wrong) - 3} more such characters")
        if not problems:
            problems = self._broken_rules(tokens)[1]
        if problems:
            raise PuzzleError("; ".join(problems))
        return tokens

    def _tokens(self, cells: str) -> Tokens:
        return self._characters[np.frombuffer(cells.encode("latin-1", "replace"), np.uint8)]

    @property
    def _allowed(self) -> str:
        return f"{self.symbols[0]} to {self.symbols[-1]}, and . or 0 for a blank"

    def _place(self, i: int, length: int | None = None) -> str:
        if length not in (None, self.num_cells):
            return f"character {i + 1}"
        row, column = divmod(int(i), self.side)
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
        units = geometry(self.box_rows, self.box_columns).units
        bits = np.where(answers > BLANK, np.left_shift(np.int64(1), answers.astype(np.int64)), 0)
        full = (1 << self.vocab_size) - 4  # every symbol's bit
        # A unit has as many cells as symbols, so it holds each once exactly when it holds every one.
        complete = (np.bitwise_or.reduce(bits[:, units], axis=2) == full).all(axis=1)
        return complete & ((answers == questions) | (questions <= BLANK)).all(axis=1)

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """Which rules an answer breaks, and where."""
        wrong, reasons = self._broken_rules(answer)
        empty = answer <= BLANK
        if empty.any():
            reasons.append(f"{int(empty.sum())} cells are empty")
        changed = self.clue_mask(question) & (answer != question)
        reasons += [
            f"the clue {self._letters[question[i]]} at {self._place(i)} became {self._letters[answer[i]]}"
            for i in np.flatnonzero(changed)
        ]
        cells = np.flatnonzero(wrong | empty | changed)
        return Verdict(not len(cells), tuple(map(int, cells)), tuple(reasons))

    def _broken_rules(self, tokens: Tokens) -> tuple[Bools, list[str]]:
        """Cells that share a symbol with another of their row, column or box, and a sentence for each such group."""
        wrong = np.zeros(self.num_cells, bool)
        reasons = []
        for u, unit in enumerate(geometry(self.box_rows, self.box_columns).units):
            values, counts = np.unique(tokens[unit], return_counts=True)
            for value, count in zip(values, counts):
                if value > BLANK and count > 1:
                    cells = unit[tokens[unit] == value]
                    wrong[cells] = True
                    times = "twice" if count == 2 else f"{count} times"
                    reasons.append(f"{self._letters[value]} stands {times} in {self._unit_name(u, cells)}")
        return wrong, reasons

    def _unit_name(self, u: int, cells: NDArray[np.int64]) -> str:
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
        reasons = self._broken_rules(tokens)[1]
        if reasons:
            raise PuzzleError("the clues contradict: " + "; ".join(reasons))
        # A puzzle that takes ten thousand guesses is far beyond the hardest known (some hundreds): few clues, many solutions.
        solution = self.solve(tokens, max_guesses=10_000)
        if solution.count == 0:
            raise PuzzleError("the puzzle has no solution, though no two clues contradict")
        if solution.count == -1:
            raise PuzzleError(
                f"whether the puzzle has one solution is beyond {10_000:,} guesses; it may have too few clues"
            )
        if solution.count > 1:
            raise PuzzleError(
                f"the puzzle has more than one solution ({int(self.clue_mask(tokens).sum())} clues): "
                "a clue is missing or mistyped"
            )

    # Search

    def solve(self, tokens: Tokens, rng: np.random.Generator | None = None, max_guesses: int = 1_000_000) -> Solution:
        """All there is to know of one puzzle, (L,): its solution, whether there is another, and how many guesses it took.

        Args:
            tokens: The puzzle.
            rng: Makes the order of guesses random; None: always the same.
            max_guesses: Gives up after so many.
        """
        solution = np.zeros(self.num_cells, np.int64)
        state = np.array([0 if rng is None else rng.integers(1, 2**31 - 1)])
        shape = geometry(self.box_rows, self.box_columns)
        count, _, guesses = kernels().search(self._masks(tokens), *shape, 2, max_guesses, state, solution)
        return Solution(int(count), self._from_masks(solution), int(guesses))

    def rate(self, tokens: Tokens) -> int:
        """How hard a puzzle is: half the guesses, rounded up, to find its solution and show that there is no other.

        The public set's rating counts another solver's guesses before the first solution, which for a solution anywhere in
        the tree is half of it on average; but it changes with the order of the cells, this hardly does. 0 is a puzzle that
        naked singles, hidden singles and locked candidates solve.
        """
        return (self.solve(tokens).guesses + 1) // 2

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
        answer = self.random_grid(rng)
        given = np.zeros(self.num_cells, np.int64)
        shape = geometry(self.box_rows, self.box_columns)
        # On 16x16 a search for a second solution can take hours; one that gives up keeps the clue.
        order = rng.permutation(self.num_cells)
        kernels().dig(self._masks(answer), order, clues, *shape, 500, given)
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
        blank = np.full(self.num_cells, BLANK, np.uint8)
        solution = np.zeros(self.num_cells, np.int64)
        shape = geometry(self.box_rows, self.box_columns)
        while True:  # a search that went astray is cheaper to start anew than to finish
            state = np.array([rng.integers(1, 2**31 - 1)])
            if kernels().search(self._masks(blank), *shape, 1, 20 * self.num_cells, state, solution)[0] == 1:
                return self._from_masks(solution)

    # Symmetries

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """Transformations drawn uniformly from the full group.

        Symbols, bands, rows in a band, stacks and columns in a stack are permuted, and the grid is transposed if boxes are
        square: 9! x 2 x (3!)^8 for 9x9.
        """
        rows = _nested_permutations(rng, count, self.side // self.box_rows, self.box_rows)
        columns = _nested_permutations(rng, count, self.side // self.box_columns, self.box_columns)
        cells = rows[:, :, None] * self.side + columns[:, None, :]
        if self.box_rows == self.box_columns:
            flip = rng.integers(0, 2, count).astype(bool)
            cells[flip] = cells[flip].transpose(0, 2, 1)
        symbols = np.empty((count, self.vocab_size), np.uint8)
        symbols[:, : BLANK + 1] = PAD, BLANK
        symbols[:, BLANK + 1 :] = BLANK + 1 + rng.random((count, self.side)).argsort(axis=1)
        return Symmetry(cells.reshape(count, -1), symbols)

    def augment(self, rng: np.random.Generator, tokens: Tokens, labels: Tokens) -> tuple[Tokens, Tokens]:
        """Each question and its answer under one random symmetry."""
        symmetry = self.sample_symmetries(rng, len(tokens))
        return symmetry.apply(tokens), symmetry.apply(labels)

    def fingerprint(self, tokens: Tokens) -> NDArray[np.uint64]:
        """A number for each puzzle (N, L) that no symmetry changes, (N,): if two differ, the puzzles are not equivalent.

        Colour refinement (Weisfeiler-Leman) on the graph of cells, symbols, lines, boxes, bands and stacks. Two
        inequivalent puzzles may get equal colours in principle, so it may call puzzles alike that are not, never the reverse.
        """
        side, (N, L) = self.side, tokens.shape
        rows, columns = np.divmod(np.arange(L), side)
        boxes = rows // self.box_rows * (side // self.box_columns) + columns // self.box_columns
        square = self.box_rows == self.box_columns
        # Rows and columns start alike exactly if a transposition may swap them.
        colours = {
            "cell": np.where(self.clue_mask(tokens), np.uint64(1), np.uint64(2)),
            "symbol": np.full((N, side + 1), 3, np.uint64),  # the last stands for blanks, which have no colour
            "row": np.full((N, side), 4, np.uint64),
            "column": np.full((N, side), 4 if square else 5, np.uint64),
            "box": np.full((N, side), 6, np.uint64),
        }
        which = np.where(self.clue_mask(tokens), tokens.astype(np.int64) - 2, side)
        for _ in range(8):
            mixed = {name: _mix(colour) for name, colour in colours.items()}
            given = np.take_along_axis(mixed["symbol"], which, axis=1) * self.clue_mask(tokens)
            lines = mixed["row"][:, rows] + mixed["column"][:, columns]
            cell = colours["cell"] * np.uint64(3) + _mix(lines) + _mix(mixed["box"][:, boxes]) + _mix(given)
            spread = _mix(mixed["cell"] + np.uint64(7))
            new = {"cell": cell, "symbol": colours["symbol"] * np.uint64(3)}
            symbol = np.zeros_like(colours["symbol"])
            np.add.at(symbol, (np.arange(N)[:, None], which), spread)
            symbol[:, side] = 0
            new["symbol"] = new["symbol"] + symbol
            for name, members in (("row", rows), ("column", columns), ("box", boxes)):
                sums = np.zeros_like(colours[name])
                np.add.at(sums, (slice(None), members), spread)
                new[name] = colours[name] * np.uint64(3) + sums
            for name, size in (("row", self.box_rows), ("column", self.box_columns)):
                bands = _mix(mixed[name]).reshape(N, -1, size).sum(axis=2, dtype=np.uint64)
                new[name] = new[name] + _mix(np.repeat(bands, size, axis=1))
            colours = new
        return _mix(_mix(colours["cell"]).sum(axis=1, dtype=np.uint64))

    # Files

    def read(self, path: str | Path, limit: int | None = None) -> Puzzles:
        """Puzzles from a file: a CSV with the columns of Sudoku-Extreme, or one puzzle a line; either may be gzipped.

        A CSV needs the column `question`; `answer`, `rating` and `source` are used if there. In a plain file a line is a
        puzzle, or a puzzle, a comma and its answer; empty lines and lines that start with # are passed over. Answers that
        are not given are searched for.

        Raises:
            PuzzleError: naming file, row and reason, the first few problems of a file together.
            FileNotFoundError: when there is no such file.
        """
        path = Path(path)
        with _open_text(path) as file:
            try:
                rows = list(self._rows(path, file, limit))
            except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError) as error:
                raise PuzzleError(f"{path}: not a text file of puzzles: {error}") from error
        if not rows:
            raise PuzzleError(f"{path}: no puzzle in it")
        return self._from_rows(str(path), rows)

    def _rows(self, path: Path, file: io.TextIOBase, limit: int | None) -> Iterator[_Row]:
        if ".csv" in path.suffixes:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            if "question" not in header:
                raise PuzzleError(
                    f"{path}: expected a header with the column question, got {','.join(header) or 'nothing'}"
                )
            columns = [header.index(name) if name in header else -1 for name in COLUMNS]
            for fields in reader:
                if len(fields) < len(header):
                    if any(fields):
                        message = f"expected {len(header)} columns, got {len(fields)}"
                        raise PuzzleError(f"{path}, row {reader.line_num}: {message}")
                    continue
                yield _Row(reader.line_num, *(fields[i].strip() if i >= 0 else "" for i in columns))
                limit = None if limit is None else limit - 1
                if limit == 0:
                    return
            return
        for number, line in enumerate(file, 1):
            question, _, answer = line.strip().partition(",")
            if question and not question.startswith("#"):
                yield _Row(number, "", question.strip(), answer.strip(), "")
                limit = None if limit is None else limit - 1
                if limit == 0:
                    return

    def _from_rows(self, path: str, rows: list[_Row]) -> Puzzles:
        problems = _Problems(path)
        tokens = self._column(rows, [row.question for row in rows], "question", problems)
        labels = self._column(rows, [row.answer or "." * self.num_cells for row in rows], "answer", problems)
        problems.report()
        self._complete(rows, tokens, labels, problems)
        ratings = self._ratings(rows, problems)
        problems.report()
        sources = tuple(row.source for row in rows) if any(row.source for row in rows) else None
        return Puzzles(tokens, labels, np.zeros(len(rows), np.int32), ratings, sources)

    def _column(self, rows: list[_Row], texts: list[str], name: str, problems: _Problems) -> Tokens:
        """All texts as tokens at once; only those that cannot be are looked at one by one."""
        L = self.num_cells
        short = [i for i, text in enumerate(texts) if len(text) != L]
        for i in short:
            problems.add(
                rows[i].number, f"{name} has {len(texts[i])} characters, expected {L} for {self.side}x{self.side}"
            )
        good = "".join(text if len(text) == L else "." * L for text in texts)
        tokens = self._tokens(good).reshape(-1, L).copy()
        for i, j in np.argwhere(tokens == 255):
            problems.add(rows[i].number, f"{name} has {texts[i][j]!r} at {self._place(j)}; {self._allowed}")
        return tokens

    def _complete(self, rows: list[_Row], tokens: Tokens, labels: Tokens, problems: _Problems) -> None:
        """Checks the answers that are given, and searches for those that are not."""
        given = np.array([bool(row.answer) for row in rows])
        for i in np.flatnonzero(given)[~self.valid(tokens[given], labels[given])]:
            reasons = self._broken_rules(tokens[i])[1] or self.check(tokens[i], labels[i]).reasons
            problems.add(rows[i].number, "the answer does not fit the question: " + "; ".join(reasons[:2]))
        for i in np.flatnonzero(~given):
            try:
                self.check_question(tokens[i])
            except PuzzleError as error:
                problems.add(rows[i].number, str(error))
                continue
            labels[i] = self.solve(tokens[i]).answer

    def _ratings(self, rows: list[_Row], problems: _Problems) -> NDArray[np.int32] | None:
        if not any(row.rating for row in rows):
            return None
        ratings = np.zeros(len(rows), np.int32)
        for i, row in enumerate(rows):
            try:
                ratings[i] = int(row.rating)
            except ValueError:
                problems.add(row.number, f"rating must be a whole number, got {row.rating!r}")
        return ratings

    def write(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes a CSV with the columns of Sudoku-Extreme (gzipped if the name ends in .gz), whole or not at all."""
        path = Path(path)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for i in range(len(puzzles)):
            writer.writerow(
                (
                    puzzles.sources[i] if puzzles.sources else "",
                    self.format(puzzles.tokens[i]),
                    self.format(puzzles.labels[i]),
                    "" if puzzles.ratings is None else int(puzzles.ratings[i]),
                )
            )
        content = text.getvalue().encode()
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        # mtime 0, so that equal puzzles give equal files
        temporary.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
        os.replace(temporary, path)

    def load_default(self, split: str) -> Puzzles:
        """The small set in the package; no test puzzle is equivalent to a training puzzle."""
        if split not in ("train", "test"):
            raise ValueError(f"split must be train or test: got {split!r}")
        name = f"{self.name}_{split}.csv.gz"
        file = resources.files("ponderling.tasks") / "embedded" / name
        if not file.is_file():
            raise PuzzleError(
                f"no {self.side}x{self.side} puzzles come with the package: make some with "
                f"`ponderling data make sudoku --size {self.side}` and name the file"
            )
        with resources.as_file(file) as path:
            return self.read(path)

    def read_hub(self, split: str, limit: int | None = None) -> Puzzles:
        """Puzzles of the public data set Sudoku-Extreme (9x9 only), fetched once and then kept by huggingface_hub.

        Args:
            split: train (3.8 million puzzles) or test (420,000).
            limit: Only the first so many.

        Raises:
            PuzzleError: when it cannot be fetched.
        """
        if self.side != 9:
            raise PuzzleError(f"{HUB_REPOSITORY} has 9x9 puzzles: got task {self.name}")
        from huggingface_hub import hf_hub_download

        try:
            path = hf_hub_download(HUB_REPOSITORY, f"{split}.csv", repo_type="dataset")
        except Exception as error:  # whatever the client raises: no network, no such file, a refused token
            reason = " ".join(str(error).split())[:200]
            raise PuzzleError(
                f"{HUB_REPOSITORY} {split}.csv cannot be fetched from the Hub: {reason}. Or name a file that you have"
            ) from error
        return self.read(path, limit)


class _Row(NamedTuple):
    """One puzzle of a file, as text; empty where a column is not there."""

    number: int
    source: str
    question: str
    answer: str
    rating: str


class _Problems:
    """Collects what is wrong with the rows of a file, to be reported together."""

    SHOWN = 5

    def __init__(self, path: str):
        self.path = path
        self.found: list[tuple[int, str]] = []

    def add(self, row: int, reason: str) -> None:
        self.found.append((row, reason))

    def report(self) -> None:
        """Raises PuzzleError if there was a problem."""
        if self.found:
            shown = "; ".join(f"row {row}: {reason}" for row, reason in sorted(self.found)[: self.SHOWN])
            more = len(self.found) - self.SHOWN
            raise PuzzleError(f"{self.path}, {shown}" + (f"; and {more} more problems" if more > 0 else ""))


def _open_text(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")  # pyright: ignore[reportReturnType]
    return path.open(encoding="utf-8-sig", newline="")


def _nested_permutations(rng: np.random.Generator, count: int, blocks: int, size: int) -> NDArray[np.int64]:
    """Permutations of blocks x size places, (count, blocks x size), that keep blocks together."""
    order = rng.random((count, blocks)).argsort(axis=1)
    within = rng.random((count, blocks, size)).argsort(axis=2)
    return (order[:, :, None] * size + within).reshape(count, -1)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of each number (the finaliser of splitmix64), so that sums of them tell multisets apart."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def distinct(task: Sudoku, puzzles: Puzzles, without: Iterable[int] = ()) -> Puzzles:
    """The puzzles whose fingerprints are neither among `without` nor that of an earlier one."""
    seen = set(map(int, without))
    keep = []
    for i, fingerprint in enumerate(map(int, task.fingerprint(puzzles.tokens))):
        if fingerprint not in seen:
            seen.add(fingerprint)
            keep.append(i)
    return puzzles[keep]
