"""What a puzzle family is to the rest of the library: data and rules, in numpy. Read `sudoku.py` next, the first family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.relations import Relations

PAD = 0
"""The token of a cell outside the grid. In labels it marks a cell whose answer is not known, which is never scored."""

Tokens = NDArray[np.uint8]
"""Token ids, (N, L) for N puzzles of L cells in row-major order."""


class PuzzleError(ValueError):
    """A puzzle, or a file of puzzles, that cannot be used; the message names file, row and reason."""


class Question(NamedTuple):
    """A puzzle to solve."""

    tokens: Tokens
    """Tokens of the question, (L,)."""
    puzzle_id: int = 0
    """Row of the puzzle embedding."""


@dataclass(frozen=True)
class Puzzles:
    """Questions and answers of one task as token arrays, with what is known about each puzzle."""

    tokens: Tokens
    """The questions, (N, L)."""
    labels: Tokens
    """The answers, (N, L); PAD where a cell's answer is not known."""
    _: KW_ONLY
    puzzle_ids: NDArray[np.int32]
    """Row of the puzzle embedding for each puzzle, (N,); all 0 for tasks whose rules never change."""
    ratings: NDArray[np.int32] | None = None
    """How hard each puzzle is, (N,), higher is harder, on the task's own scale; None when unknown."""
    sources: tuple[str, ...] | None = None
    """Where each puzzle came from; None when unknown."""
    regions: NDArray[np.uint8] | None = None
    """Regions that replace the family's, (N, L): 1 + the number of each cell's region, or 0 in every cell of a puzzle
    that keeps the family's groups. None when all puzzles keep them. See `Relations.regions`."""

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: slice | NDArray[Any] | Sequence[int]) -> Puzzles:
        """The puzzles at these rows, in this order."""
        index = np.arange(len(self))[rows]
        return replace(
            self,
            tokens=self.tokens[index],
            labels=self.labels[index],
            puzzle_ids=self.puzzle_ids[index],
            ratings=None if self.ratings is None else self.ratings[index],
            sources=None if self.sources is None else tuple(self.sources[i] for i in index),
            regions=None if self.regions is None else self.regions[index],
        )

    @property
    def brings_regions(self) -> NDArray[np.bool_]:
        """Whether each puzzle has its own regions, (N,)."""
        return np.zeros(len(self), bool) if self.regions is None else self.regions.max(axis=1, initial=0) > 0


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What questions say of every cell on the way to the answer, as further labels to train on, and when that can be known.

    A round of messages carries news from a cell to its neighbours, so what depends on far cells takes many rounds. "Hints"
    is the term of the CLRS benchmark (arXiv 2205.15659).
    """

    labels: Tokens
    """The hints of each cell, (N, L, K); hint k is from 1 to `Relations.hints[k]`, PAD where there is none."""
    rounds: NDArray[np.int32]
    """Rounds of messages that it takes to know each cell's hints, (N, L)."""
    answer_rounds: NDArray[np.int32]
    """Rounds of messages that it takes to know the answer, (N,)."""


def join(parts: Sequence[Puzzles]) -> Puzzles:
    """The puzzles of all parts, one after the other; ratings and sources are kept only where every part has them."""
    regions = None
    if any(part.regions is not None for part in parts):
        regions = [np.zeros_like(part.tokens) if part.regions is None else part.regions for part in parts]
    ratings = [part.ratings for part in parts if part.ratings is not None]
    sources = [part.sources for part in parts if part.sources is not None]
    return Puzzles(
        tokens=np.concatenate([part.tokens for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        puzzle_ids=np.concatenate([part.puzzle_ids for part in parts]),
        ratings=np.concatenate(ratings) if len(ratings) == len(parts) else None,
        sources=sum(sources, ()) if len(sources) == len(parts) else None,
        regions=None if regions is None else np.concatenate(regions),
    )


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Examples of a source that a run neither trains, validates nor tests on, all for one reason."""

    count: int
    """Number of these examples."""
    total: int
    """Number of examples in the source."""
    source: str
    """The file or set."""
    why: str
    """The reason, which completes the sentence of `__str__`."""

    def __str__(self) -> str:
        return f"{self.count:,} of {self.total:,} examples of {self.source} are in no part of the run: {self.why}"


@dataclass(frozen=True, kw_only=True)
class DataSplit:
    """The puzzles of a run."""

    train: Puzzles
    validation: Puzzles
    """Puzzles held out of training; they choose the best checkpoint."""
    test: Puzzles
    """Puzzles evaluated once, at the end."""
    left_out: tuple[LeftOut, ...] = ()
    """The examples of the run's sources that are in none of the three parts, by reason. Parts and reasons add up to the
    examples that were read."""
    notes: tuple[str, ...] = ()
    """What else the user should know of the split, a sentence each."""


class DataSettings(Protocol):
    """A run's data settings: `config.DataConfig`. A family reads what concerns it."""

    @property
    def train(self) -> str:
        """Training puzzles: a file or a named set."""
        ...

    @property
    def test(self) -> str:
        """Test puzzles."""
        ...

    @property
    def augment(self) -> bool:
        """Show every puzzle under a new random symmetry each time."""
        ...

    @property
    def num_validation(self) -> int:
        """Number of training puzzles held out for validation, at most a tenth."""
        ...

    @property
    def held_out(self) -> str:
        """ARC: tests or demonstrations, of which some are held out for validation."""
        ...

    @property
    def max_train(self) -> int | None:
        """Number of training puzzles to use; None: all."""
        ...

    @property
    def max_test(self) -> int | None:
        """Number of test puzzles to use; None: all."""
        ...

    @property
    def symmetries(self) -> str:
        """Your own grids: which changes keep puzzles valid."""
        ...

    @property
    def structure(self) -> str:
        """Your own grids: what ties cells together."""
        ...

    @property
    def turns(self) -> bool:
        """ARC: a task's views are the eight symmetries of the square."""
        ...

    @property
    def more_share(self) -> float:
        """ARC: how often a pair is shown as another one of the same rule."""
        ...

    @property
    def check(self) -> str | None:
        """Your own grids: `module:function` that judges answers."""
        ...

    @property
    def grid(self) -> Any:
        """Your own grids: a `tasks.custom.spec.GridSpec`, what the file says of itself."""
        ...

    @property
    def views(self) -> int:
        """ARC: views of each task."""
        ...

    @property
    def overlap(self) -> str:
        """`refuse` or `drop` training puzzles (ARC: tasks) that are in the test source too, up to the symmetries."""
        ...


@dataclass(frozen=True)
class Symmetry:
    """N transformations that carry a puzzle and its answer to an equally valid puzzle and answer.

    Cell j of the new grid is cell `cells[j]` of the old one, with its token replaced through `symbols`.
    """

    cells: NDArray[np.integer[Any]]
    """(N, L): for each cell of the new grid, the old cell that moves there."""
    symbols: NDArray[np.uint8]
    """(N, V): the new token of each old token."""

    def apply(self, tokens: Tokens) -> Tokens:
        """The transformed grids: row i of `tokens` (N, L) by transformation i."""
        return np.take_along_axis(self.symbols, np.take_along_axis(tokens, self.cells, axis=1), axis=1)

    def apply_to(self, puzzles: Puzzles) -> Puzzles:
        """The puzzles with question and answer transformed: puzzle i by transformation i. A cell's region goes with it."""
        regions = puzzles.regions
        return replace(
            puzzles,
            tokens=self.apply(puzzles.tokens),
            labels=self.apply(puzzles.labels),
            regions=None if regions is None else np.take_along_axis(regions, self.cells, axis=1),
        )

    def undo(self, tokens: Tokens) -> Tokens:
        """The grids as they were before `apply`, (N, L)."""
        return self.inverse().apply(tokens)

    def inverse(self) -> Symmetry:
        """The transformations that undo these."""
        return Symmetry(np.argsort(self.cells, axis=1), np.argsort(self.symbols, axis=1).astype(self.symbols.dtype))


@dataclass(frozen=True)
class Verdict:
    """What the rules say about one answer."""

    valid: bool
    """Every rule holds, every cell is filled, and every clue of the question is kept."""
    _: KW_ONLY
    wrong_cells: tuple[int, ...] = ()
    """Cells that are empty, break a rule, or change a clue; in row-major order."""
    reasons: tuple[str, ...] = field(default=())
    """One short sentence for each broken rule, for a person to read: `5 stands twice in row 3`."""
    note: str = ""
    """What a valid answer means where that is not plain from the grid: `no way leads from S to G`."""


class Task(Protocol):
    """A puzzle family. Tokens are uint8 arrays; token PAD (0) is never part of a grid."""

    @property
    def name(self) -> str:
        """The name that recipes and checkpoints use, such as `sudoku9`."""
        ...

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns; L is their product."""
        ...

    @property
    def vocab_size(self) -> int:
        """Number of tokens, PAD included."""
        ...

    def num_puzzles(self, puzzles: Puzzles) -> int:
        """Number of rows of the puzzle embedding that these puzzles need, in all forms that `augment` shows."""
        ...

    def as_written(self, text: str) -> Task:
        """The family with the symbols that a puzzle's text has in place of this one's, to show its answer in; or this one."""
        ...

    def parse(self, text: str) -> Tokens:
        """One question from text a person would type, (L,); raises PuzzleError with the reason."""
        ...

    def format(self, tokens: Tokens) -> str:
        """The grid (L,) as one line of text that `parse` reads back."""
        ...

    def parse_grid(self, grid: Any) -> Tokens:
        """One question from an array or lists of symbols, (L,); raises PuzzleError with the reason and the place."""
        ...

    def to_grid(self, tokens: Tokens) -> NDArray[Any]:
        """The grid (L,) as an array of symbols, rows x columns, that `parse_grid` reads back."""
        ...

    def render(self, tokens: Tokens) -> list[list[str]]:
        """The grid (L,) as rows of one short text for each cell, for display."""
        ...

    @property
    def kind(self) -> str:
        """How the web page draws a puzzle: sudoku, maze, arc or grid."""
        ...

    @property
    def cells_touch(self) -> bool:
        """Whether a drawing puts nothing between two cells."""
        ...

    @property
    def palette(self) -> Mapping[str, str]:
        """Roles of colours in a film, by the text of a cell."""
        ...

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of a block, where a drawing puts lines."""
        ...

    @property
    def regions(self) -> NDArray[np.int64] | None:
        """The number of each cell's region, (rows, columns), where a drawing puts lines between regions; None: nowhere."""
        ...

    @property
    def characters(self) -> tuple[str, ...]:
        """The character of each token in text, "" for padding."""
        ...

    @property
    def rating_edges(self) -> tuple[int, ...]:
        """Lowest rating of each row of a table by rating."""
        ...

    @property
    def siblings(self) -> tuple[str, ...]:
        """Names of families that a network without weights for cells and symbols can be used on as well."""
        ...

    @property
    def extends_question(self) -> bool:
        """Whether an answer fills in its question: it keeps what is given, in the same symbols."""
        ...

    @property
    def fill_tokens(self) -> tuple[int, ...]:
        """The tokens that a cell which is not given may hold in an answer."""
        ...

    @property
    def blank_token(self) -> int:
        """The token of a cell that is not given."""
        ...

    def clue_mask(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Whether each cell of the questions (..., L) is given, so that an answer must keep it."""
        ...

    def check_question(self, tokens: Tokens) -> None:
        """Raises PuzzleError if the question (L,) has no answer, or more than one, and says why."""
        ...

    def check_question_briefly(self, tokens: Tokens) -> bool:
        """As `check_question`, but with little work: False if that does not decide."""
        ...

    def check(self, question: Tokens, answer: Tokens) -> Verdict:
        """What the rules say about this answer (L,) to this question (L,)."""
        ...

    @property
    def has_rules(self) -> bool:
        """Whether answers can be judged without knowing the right one; where not, `check` and `valid` accept everything."""
        ...

    def valid(self, questions: Tokens, answers: Tokens) -> NDArray[np.bool_]:
        """Whether each answer (N, L) obeys every rule and keeps every clue of its question (N, L); (N,)."""
        ...

    @property
    def relations(self) -> Relations | None:
        """The groups of cells that a relational network needs; None where the family has none to declare."""
        ...

    def hints(self, questions: Tokens) -> Hints:
        """The hints of questions (N, L); only where `relations` announces hints."""
        ...

    def sample_symmetries(self, rng: np.random.Generator, count: int) -> Symmetry:
        """`count` transformations drawn uniformly from the task's symmetry group."""
        ...

    def augment(self, rng: np.random.Generator, puzzles: Puzzles) -> Puzzles:
        """Each question and its answer in another, equally valid form; it makes training data endless."""
        ...

    @property
    def has_many_answers(self) -> bool:
        """Whether a question may have several right answers, of which `relabel` chooses one."""
        ...

    @property
    def can_misprint(self) -> bool:
        """Whether a question can have several right answers or none because one of its clues is wrong; see `misprint`."""
        ...

    def misprint(
        self, rng: np.random.Generator, puzzles: Puzzles, *, missing: float = 0.5, several: bool = True
    ) -> Puzzles:
        """Each question with one clue changed or missing, and the answer that it has then; PAD in every cell if it has not
        exactly one. Only where `can_misprint`. `missing` is the share of missing clues; without `several`, no question is
        left with several answers."""
        ...

    def relabel(self, puzzles: Puzzles) -> Puzzles:
        """The puzzles with the answer that the family's own rule chooses, where there are several right ones."""
        ...

    def fingerprint(self, tokens: Tokens, *, regions: NDArray[np.uint8] | None = None) -> NDArray[np.uint64]:
        """A number for each question (N, L) with its regions, (N,); equal where a symmetry carries one to the other, if
        the family can tell."""
        ...

    def read(self, path: str | Path) -> Puzzles:
        """The puzzles of a file in any format the task knows; raises PuzzleError naming file, row and reason."""
        ...

    def write(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes a file that `read` reads back, whole or not at all."""
        ...

    def write_pairs(self, path: str | Path, puzzles: Puzzles) -> None:
        """Writes JSON lines with an input and an output each, whole or not at all; for `ponderling train --data`."""
        ...

    def layout_facts(self, *, padded: bool) -> dict[str, Any]:
        """What `grid.json` says of this family's puzzles in the official layout; `padded`: some cells hold padding."""
        ...

    @property
    def end_mark(self) -> int | None:
        """The token that says where a grid ends that is smaller than the canvas; None where all fill it."""
        ...

    @property
    def named_sets(self) -> tuple[str, ...]:
        """Names of the family's sets besides `default`: in the package, generated, or fetched when first needed."""
        ...

    @property
    def left_out(self) -> Sequence[str]:
        """Data that the last read left unused, and why: a sentence for each reason."""
        ...

    def load_default(self, split: str) -> Puzzles:
        """A set that the family knows by name; `split` is `train`, `test` or one of `named_sets`."""
        ...

    def load_split(self, data: DataSettings) -> DataSplit:
        """A run's puzzles; the validation puzzles are never among the training puzzles."""
        ...

    def load_test(self, data: DataSettings, source: str) -> Puzzles:
        """The puzzles of a source, for evaluating a run with these settings."""
        ...

    @property
    def answers_by_vote(self) -> bool:
        """Whether a question is answered by votes over its views; see `solving.vote`."""
        ...

    def facts(self) -> dict[str, Any]:
        """What a checkpoint must keep of this family to solve with it later; `restore` reads it back."""
        ...

    def restore(self, facts: Mapping[str, Any], num_puzzles: int) -> None:
        """Takes over a checkpoint's `facts`; ValueError if they do not fit its `num_puzzles` puzzle embeddings."""
        ...

    def read_hub(self, split: str) -> Puzzles:
        """The family's public data set on the Hub; raises PuzzleError when it does not exist or cannot be fetched."""
        ...
