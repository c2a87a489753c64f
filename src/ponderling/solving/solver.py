"""Puzzles in, checked answers out: one puzzle or a stream of them, with or without search.

    solver = Solver.from_pretrained("sudoku")
    result = solver.solve("53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79")
    result.answer, result.steps, result.halted, result.valid

The model itself proves nothing about its answer. `Result.valid` is the verdict of the task's rules.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ponderling.checkpoint import Checkpoint, load_checkpoint
from ponderling.config import DType, RunConfig, Search
from ponderling.config.numbers import check_whole
from ponderling.data import task_of
from ponderling.exchange.hub import push_to_hub, save_pretrained
from ponderling.models.interface import RecursiveModel
from ponderling.models.own_network import Networks
from ponderling.models.torch_compile import compile_for_solving
from ponderling.solving.loop import ThinkingLoop
from ponderling.solving.result import Result
from ponderling.solving.search import PLAIN
from ponderling.solving.streams import ReadAhead
from ponderling.solving.thinker import InMemory, Questions, Thinker, answers
from ponderling.solving.why import Why, check_why, state_before, why
from ponderling.tasks.base import PAD, PuzzleError, Puzzles, Question, Task, Tokens

Puzzle = str | ArrayLike
"""A puzzle as text, or as a grid of symbols: digits with 0 for a blank in Sudokus, characters in mazes."""

Trace = bool | Literal["states", "changes"]
"""Whether to keep every step of the thinking; "states" keeps the hidden states too, "changes" how much these changed in each
cell."""


def refuse_masked(grids: object, what: str) -> None:
    """Refuses numpy's masked arrays with a masked cell: what is under the mask would be read as if it were there.

    Raises:
        PuzzleError: saying how to fill the cells.
    """
    if np.ma.is_masked(grids):
        raise PuzzleError(f"{what}: some cells are masked, and say nothing: give array.filled(SYMBOL)")


class Solver:
    """A trained model that solves puzzles of one task, and checks its answers by the task's rules.

    Args:
        model: The trained model, in evaluation mode and on the device.
        task: The puzzle family.
        config: The run's config; `train.N_sup` is the usual number of supervision steps.
        device: The device that the model is on.
        checkpoint: The checkpoint that the model was loaded from, if any; needed to save it again.
    """

    def __init__(
        self,
        model: RecursiveModel,
        task: Task,
        *,
        config: RunConfig,
        device: torch.device | str = "cpu",
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.model, self.task, self.config, self.device = model, task, config, device
        self.checkpoint = checkpoint

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        device: torch.device | str = "cpu",
        dtype: DType | None = None,
        task: str | None = None,
        compile: bool = False,
        token: str | None = None,
        trust: bool = False,
        net: Networks | None = None,
        model: torch.nn.Module | None = None,
    ) -> Solver:
        """Loads a solver from packaged weights, a run folder, a checkpoint folder or a Hub repository.

        Args:
            name: The checkpoint's name, as in `load_checkpoint`, such as "sudoku" or a path.
            device: The device to run on: cpu, cuda, ...
            dtype: The type of the activations; None: the checkpoint's own.
            task: A puzzle family other than the trained one; only relational networks can change it.
            compile: Compile the network when it solves its first puzzle, which needs a C++ compiler. The first call
                then takes up to a minute (about ten seconds once torch has cached it); later calls are faster.
            token: Hub token for a private repository.
            trust: Let the checkpoint name Python code of a task or checker, as in `checkpoint.load_checkpoint`.
            net: A network of your own in place of the block stack, as in training; a pair for HRM or separate networks.
            model: A whole network of your own.

        Raises:
            ValueError: when `compile` is set and no C++ compiler was found.
        """
        loaded = load_checkpoint(name, device, dtype=dtype, token=token, task=task, trust=trust, net=net, model=model)
        if compile:
            compile_for_solving(loaded.model, "compile=True")
        return cls.of(loaded, device=device)

    load = from_pretrained

    @classmethod
    def of(cls, checkpoint: Checkpoint, *, device: torch.device | str = "cpu") -> Solver:
        """Makes a solver from a checkpoint that is already loaded.

        Raises:
            ValueError: when the checkpoint's task is unknown, or has another vocabulary or grid.
        """
        if checkpoint.config.data.family == "unknown":
            raise ValueError(f"{checkpoint.path}: its puzzle family is not known: import it again with --task")
        try:
            task = task_of(checkpoint.config.data)
        except ValueError as error:
            raise ValueError(f"{checkpoint.path}: {error}") from error
        if task.answers_by_vote:
            raise ValueError(
                f"{checkpoint.path}: an ARC model knows its tasks by id, a grid alone is no question to it: use "
                "solving.vote.evaluate_arc, or `ponderling solve` with a task's JSON file"
            )
        cells = task.grid_shape[0] * task.grid_shape[1]
        if (task.vocab_size, cells) != (checkpoint.shape.vocab_size, checkpoint.shape.seq_len):
            raise ValueError(
                f"{checkpoint.path}: made for {checkpoint.shape.vocab_size} tokens and {checkpoint.shape.seq_len} cells, "
                f"but its task {task.name} has {task.vocab_size} and {cells}"
            )
        return cls(checkpoint.model, task, config=checkpoint.config, device=device, checkpoint=checkpoint)

    def __repr__(self) -> str:
        system, from_ = self.config.model.system, f" from {self.checkpoint.path}" if self.checkpoint else ""
        return f"Solver({self.task.name}, {system}{from_}, up to {self.steps} steps, on {self.device})"

    def save_pretrained(self, folder: str | Path, *, name: str | None = None) -> Path:
        """Writes the model, its config and a card into a folder for `from_pretrained`, and returns the folder.

        Args:
            folder: A new or empty folder, or one with an earlier save, which is replaced.
            name: The model's name on the card; None: the folder's name.

        Raises:
            FileExistsError: when the folder holds anything else; nothing is written then.
        """
        return save_pretrained(self._as_checkpoint(), folder, name=name)

    def push_to_hub(self, repo: str, *, private: bool = False, token: str | None = None) -> str:
        """Uploads model, config and card to the Hugging Face Hub in one commit, and returns the repository's address.

        Args:
            repo: The repository, as owner/name; created if it does not exist.
            private: Create the repository as private; an existing repository keeps its visibility.
            token: Hub token; None: the one set by `hf auth login` or HF_TOKEN.

        Raises:
            ValueError: when the Hub does not allow the name, or no token was found.
            RuntimeError: when the Hub refuses or cannot be reached.
        """
        return push_to_hub(self._as_checkpoint(), repo, private=private, token=token)

    def _as_checkpoint(self) -> Checkpoint:
        if self.checkpoint is None:
            raise ValueError(
                "this solver was made from a model in memory: save its run's folder, or use Trainer and load that"
            )
        return self.checkpoint

    @property
    def steps(self) -> int:
        """Default maximum number of supervision steps: the number used in training."""
        return self.config.train.N_sup

    def parse(self, puzzle: Puzzle) -> Tokens:
        """Turns a puzzle, as text or as a grid of symbols, into its tokens, (L,).

        Raises:
            PuzzleError: when the puzzle cannot be read; the message says why.
        """
        refuse_masked(puzzle, "the puzzle")
        return self.task.parse(puzzle) if isinstance(puzzle, str) else self.task.parse_grid(puzzle)

    def puzzles(self, inputs: Iterable[Puzzle], outputs: Iterable[Puzzle]) -> Puzzles:
        """Turns questions and answers, as text or grids of symbols, into puzzles for `evaluate`.

        Raises:
            PuzzleError: when a puzzle cannot be read, which the message names by number, or when the counts differ.
        """
        questions = [self._parse_numbered(i, puzzle) for i, puzzle in enumerate(inputs, 1)]
        labels = [self._parse_numbered(i, puzzle, what="answer") for i, puzzle in enumerate(outputs, 1)]
        if len(questions) != len(labels):
            raise PuzzleError(
                f"expected an output for each input: got {len(questions)} inputs and {len(labels)} outputs"
            )
        shape = (-1, self.task.grid_shape[0] * self.task.grid_shape[1])
        return Puzzles(
            tokens=np.array(questions, np.uint8).reshape(shape),
            labels=np.array(labels, np.uint8).reshape(shape),
            puzzle_ids=np.zeros(len(questions), np.int32),
        )

    def _parse_numbered(self, number: int, puzzle: Puzzle, *, what: str = "puzzle") -> Tokens:
        try:
            return self.parse(puzzle)
        except PuzzleError as error:
            raise PuzzleError(f"{what} {number}: {error}") from error

    def solve(
        self,
        puzzle: Puzzle | None = None,
        *,
        tokens: NDArray[np.integer] | None = None,
        steps: int | None = None,
        early_exit: bool = True,
        search: Search = PLAIN,
        trace: Trace = False,
        check: bool = True,
    ) -> Result:
        """Solves one puzzle and checks the answer by the task's rules.

        Args:
            puzzle: The puzzle as text that the task reads, or as a grid of symbols (an array or lists of rows).
            tokens: The puzzle as the task's tokens, (L,) or (rows, columns), in place of `puzzle`.
            steps: Maximum number of supervision steps without search; None: as many as in training.
            early_exit: Stop an attempt as soon as the model says so.
            search: How much to spend on a puzzle that the first attempt leaves open; see `Search`.
            trace: Keep every step, or recursion, of the attempt that gives the answer; "states" keeps the hidden states
                too, "changes" how much these changed in each cell.
            check: Refuse a puzzle that has no solution or more than one.

        Raises:
            PuzzleError: when the puzzle cannot be read or fails the check; the message says why.
            ValueError: when `steps` is below 1, or the task or model does not support the search.
        """
        if (puzzle is None) == (tokens is None):
            raise ValueError("give either a puzzle or tokens")
        question = self.parse(puzzle) if puzzle is not None else self._tokens(tokens)
        if check:
            self.task.check_question(question)
        thinker = self._thinker(search, steps=steps, slots=256, early_exit=early_exit, trace=trace)
        (result,) = self._results(thinker, _Reader(lambda tokens: (tokens, self.task), None), given=[question])
        return result if puzzle is None else Result(self._shown(puzzle), question, found=result.found)

    def why(self, puzzle: Puzzle, *, row: int, column: int, moment: int) -> Why:
        """Tells which groups and neighbours told a cell its symbol, at a moment of plain thinking.

        Args:
            puzzle: As in `solve`.
            row: The cell's row, from 1.
            column: The cell's column, from 1.
            moment: Number of the recursion, or of the step if the model is asked only after whole steps; from 1. It is the
                place of the moment in the trace of `solve`.

        Raises:
            PuzzleError: when the puzzle cannot be read.
            ValueError: when the network is not relational, the cell is not in the grid, or `moment` is below 1.
        """
        check_whole(row=row, column=column, moment=moment)
        model, question, (rows, columns) = check_why(self.model), self.parse(puzzle), self.task.grid_shape
        if not (1 <= row <= rows and 1 <= column <= columns):
            raise ValueError(
                f"expected a row from 1 to {rows} and a column from 1 to {columns}: got {row} and {column}"
            )
        if moment < 1:
            raise ValueError(f"moment must be at least 1: got {moment}")
        state = state_before(model, question, moment=moment, config=self.config)
        cell = (row - 1) * columns + column - 1
        return why(model, question, cell=cell, state=state, config=self.config, grid=(rows, columns))

    def _thinker(self, search: Search, *, steps: int | None, slots: int, early_exit: bool, trace: Trace) -> Thinker:
        """Makes a thinker with its own slots for one call."""
        return Thinker(
            ThinkingLoop(self.model, self.config, device=self.device),
            search,
            task=self.task,
            steps=self.steps if steps is None else steps,
            slots=slots,
            early_exit=early_exit,
            trace=trace,
        )

    def _tokens(self, tokens: NDArray[np.integer] | None) -> Tokens:
        given = np.asarray(tokens)
        flat, count = given.reshape(-1), self.task.grid_shape[0] * self.task.grid_shape[1]
        least = 1 if self.task.extends_question else PAD  # a question that is filled in has every cell of the grid
        if (
            flat.shape != (count,)
            or not np.issubdtype(given.dtype, np.integer)
            or flat.min() < least
            or flat.max() >= self.task.vocab_size
        ):
            values = f"{flat.min()} to {flat.max()}" if flat.size else "none"
            raise PuzzleError(
                f"expected {count} integer tokens from {least} to {self.task.vocab_size - 1} ({self.task.name}): "
                f"got {given.dtype} of shape {given.shape}, values {values}"
            )
        return flat.astype(np.uint8)

    def solve_many(
        self,
        puzzles: Iterable[Puzzle] | None = None,
        *,
        tokens: Iterable[NDArray[np.integer]] | None = None,
        steps: int | None = None,
        early_exit: bool = True,
        search: Search = PLAIN,
        trace: Trace = False,
        slots: int = 256,
        on_error: Callable[[int, PuzzleError], object] | None = None,
    ) -> Iterator[Result]:
        """Solves a stream of puzzles lazily and in bounded memory, and yields the results in the same order.

        A list or an array is read as slots become free. Any other iterable is read ahead in a separate thread, so a
        slow source does not delay results that are already found. Unlike `solve`, this does not check that a puzzle has
        exactly one solution.

        Args:
            puzzles: The puzzles, as texts or grids of symbols.
            tokens: The puzzles as the task's tokens, each (L,) or (rows, columns), in place of `puzzles`.
            steps: Maximum number of supervision steps without search; None: as many as in training.
            early_exit: Stop an attempt as soon as the model says so.
            search: How much to spend on a puzzle that the first attempt leaves open; see `Search`.
            trace: Keep every step of the attempt that gives each answer; "states" keeps the hidden states too, "changes" how
                much these changed in each cell.
            slots: Maximum number of attempts that run at once.
            on_error: Called with the number of each unreadable puzzle, from 1, and the error; the stream then skips it.
                None: such a puzzle ends the stream, after all earlier results.

        Raises:
            PuzzleError: when a puzzle cannot be read, after all earlier results; the message names it by number.
            ValueError: when `steps` or `slots` is below 1, or the task or model does not support the search.
        """
        if (puzzles is None) == (tokens is None):
            raise ValueError("give either puzzles or tokens")
        given: Iterable[Any] = tokens if puzzles is None else puzzles  # pyright: ignore[reportAssignmentType]
        thinker = self._thinker(search, steps=steps, slots=slots, early_exit=early_exit, trace=trace)
        reader = _Reader(self._read if tokens is None else lambda own: (self._tokens(own), self.task), on_error)
        return self._results(thinker, reader, given=given)

    def _shown(self, puzzle: Puzzle) -> Task:
        """The family in whose symbols a puzzle's answer is shown."""
        return self.task.as_written(puzzle) if isinstance(puzzle, str) else self.task

    def _read(self, puzzle: Puzzle) -> tuple[Tokens, Task]:
        """A puzzle's tokens, and the family in whose symbols its answer is shown."""
        return self.parse(puzzle), self._shown(puzzle)

    def _results(self, thinker: Thinker, reader: _Reader, *, given: Iterable[Any]) -> Iterator[Result]:
        if isinstance(given, Sequence | np.ndarray):
            found = answers(thinker, InMemory(reader.questions(given)))
            yield from (reader.result(answer) for answer in found)
        else:
            ahead: ReadAhead[Question] = ReadAhead(reader.questions(given), thinker.slots)
            source: Questions = ahead
            try:
                yield from (reader.result(answer) for answer in answers(thinker, source))
            finally:
                ahead.close()
        if reader.failure is not None:
            raise reader.failure


class _Reader:
    """Reads puzzles as questions and keeps these until their answers come.

    Args:
        read: The tokens of a puzzle, and the family in whose symbols its answer is shown.
        on_error: See `Solver.solve_many`.
    """

    def __init__(
        self, read: Callable[[Any], tuple[Tokens, Task]], on_error: Callable[[int, PuzzleError], object] | None
    ) -> None:
        self._read, self._on_error = read, on_error
        self._asked: deque[tuple[Tokens, Task]] = deque()  # whose result is not out yet, oldest first
        self.failure: Exception | None = None
        """The error that ended the stream early; raised once all earlier results are out."""

    def questions(self, given: Iterable[Any]) -> Iterator[Question]:
        """The questions of all puzzles, up to one that cannot be read."""
        puzzles = enumerate(given, 1)
        while True:
            try:
                number, puzzle = next(puzzles)
            except StopIteration:
                return
            except Exception as error:  # the iterable's own: what came before is still answered
                self.failure = error
                return
            try:
                tokens, shown = self._read(puzzle)
            except PuzzleError as error:
                if self._on_error is None:
                    self.failure = PuzzleError(f"puzzle {number}: {error}")
                    return
                self._on_error(number, error)
                continue
            self._asked.append((tokens, shown))
            yield Question(tokens)

    def result(self, answer: Any) -> Result:
        """Turns an answer into the result of the oldest open question."""
        tokens, shown = self._asked.popleft()
        return Result(shown, tokens, found=answer)
