"""Using a trained model: load it, solve one puzzle or a stream of them, stop each when the model says so, watch it think.

    solver = ponderling.Solver.load("runs/sudoku4")
    result = solver.solve("1.....3..2.....4")
    result.answer, result.steps, result.halted, result.valid

A model that found an answer claims nothing: `Result.valid` is what the task's rules say about it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ponderling.checkpoint import Checkpoint, load_checkpoint
from ponderling.config import DType, RunConfig
from ponderling.data import task_of
from ponderling.halting import solving_step, stop_probability
from ponderling.losses import LOG_PROBABILITIES
from ponderling.models.torch_compile import compile_for_solving
from ponderling.solving.search import Budget, TraceStep, search
from ponderling.supervision import RecursiveModel, StepOutput
from ponderling.tasks import Arc
from ponderling.tasks.base import PuzzleError, Question, Task, Tokens


@dataclass(frozen=True)
class Thought:
    """How the thinking about one puzzle ended."""

    tokens: Tokens
    """The answer, (L,)."""
    steps: int
    """Supervision steps taken."""
    halted: bool
    """The model said stop; False: it ran out of steps."""
    halt_probability: float
    """The halting head's last word, from 0 to 1."""
    trace: tuple[TraceStep, ...] = ()
    """Every step, when asked for; every recursion where the model is asked after each."""


@dataclass(frozen=True)
class Result:
    """A puzzle's answer as text, and whether the rules accept it."""

    question: str
    answer: str
    """One character for each cell, a dot where the model left a cell blank."""
    steps: int
    """Supervision steps taken."""
    halted: bool
    """The model said stop; False: it ran out of steps."""
    halt_probability: float
    """The halting head's last word, from 0 to 1."""
    valid: bool | None
    """Every rule holds and every clue is kept: says the task, not the model; None where the task has no rules to judge by."""
    reasons: tuple[str, ...]
    """Which rules are broken, one sentence each; empty when valid."""
    question_tokens: Tokens
    tokens: Tokens
    trace: tuple[TraceStep, ...] = ()
    """As of `Thought`."""
    attempts: int = 1
    """Attempts started; more than one only with search, where `steps` counts those of all."""


def think(
    model: RecursiveModel,
    questions: Iterable[Question],
    config: RunConfig,
    steps: int,
    slots: int = 256,
    early_exit: bool = True,
    trace: bool = False,
    device: torch.device | str = "cpu",
) -> Iterator[Thought]:
    """Thinks about a stream of questions, `slots` at a time, and gives the outcomes in the questions' order.

    A puzzle that is done leaves at once and the next question takes its slot. Questions are read as slots become free;
    no more than about `slots` x `steps` outcomes wait for an earlier one, however long the stream is.

    Args:
        model: In evaluation mode.
        questions: Any iterable, read lazily.
        config: The run's config: how halting and probabilities are to be read.
        steps: Most supervision steps for one puzzle.
        slots: Puzzles in one forward pass.
        early_exit: Stop a puzzle when the model says so; False: always all steps.
        trace: Keep every step, or every recursion where the model is asked after each.
        device: Where the model is.
    """
    waiting = enumerate(questions)
    active: list[_Slot] = []
    done: dict[int, Thought] = {}
    state: tuple[Tensor, ...] = ()
    tokens, ids = torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.long)
    next_out = 0
    while True:
        new = list(itertools.islice(waiting, slots - len(active)))
        if new:
            fresh = model.initial_state(len(new))
            new_tokens = torch.from_numpy(np.stack([q.tokens for _, q in new]).astype(np.int64)).to(device)
            new_ids = torch.tensor([q.puzzle_id for _, q in new], device=device)
            if active:
                state = tuple(torch.cat([s, f]) for s, f in zip(state, fresh, strict=True))
                tokens, ids = torch.cat([tokens, new_tokens]), torch.cat([ids, new_ids])
            else:
                state, tokens, ids = fresh, new_tokens, new_ids
            active += [_Slot(number) for number, _ in new]
        if not active:
            return
        for slot in active:
            slot.steps += 1
        state, view = _step(model, state, tokens, ids, config, early_exit, active if trace else None)
        keep = []
        for row, slot in enumerate(active):
            halts = early_exit and bool(view.halts[row])
            if halts or slot.steps >= steps:
                done[slot.number] = Thought(
                    view.answers[row], slot.steps, bool(view.halts[row]), float(view.halting[row]), tuple(slot.trace)
                )
            else:
                keep.append(row)
        if len(keep) < len(active):
            rows = torch.tensor(keep, dtype=torch.long, device=device)
            state, tokens, ids = tuple(s[rows] for s in state), tokens[rows], ids[rows]
            active = [active[row] for row in keep]
        while next_out in done:
            yield done.pop(next_out)
            next_out += 1


class _Slot:
    """One puzzle in work: its place in the stream, its steps so far."""

    def __init__(self, number: int):
        self.number, self.steps = number, 0
        self.trace: list[TraceStep] = []


class _View(NamedTuple):
    """What the model says of some slots, on the CPU."""

    answers: Tokens
    halts: NDArray[np.bool_]
    halting: NDArray[np.float32]

    @staticmethod
    def of(output: StepOutput, halts: Tensor, config: RunConfig) -> _View:
        halting = stop_probability(output, config)
        answers = output.logits.argmax(-1).to(torch.uint8)
        return _View(answers.cpu().numpy(), halts.cpu().numpy(), halting.cpu().numpy())


@torch.inference_mode()
def _step(
    model: RecursiveModel,
    state: tuple[Tensor, ...],
    tokens: Tensor,
    ids: Tensor,
    config: RunConfig,
    early_exit: bool,
    traced: list[_Slot] | None,
) -> tuple[tuple[Tensor, ...], _View]:
    may_leave = torch.full_like(ids, early_exit, dtype=torch.bool)
    recursion = 0

    def watch(rows: Tensor, output: StepOutput, halts: Tensor) -> None:
        nonlocal recursion
        assert traced is not None
        recursion += 1
        view = _View.of(output, halts, config)
        probabilities = LOG_PROBABILITIES[config.train.loss](output.logits).exp().float().cpu().numpy()
        for i, row in enumerate(rows.tolist()):
            p = probabilities[i].copy()  # the whole batch's would stay in memory with it
            said = view.answers[i], p, float(view.halting[i]), bool(view.halts[i])
            traced[row].trace.append(TraceStep(traced[row].steps, *said, recursion=recursion))

    watched = None if traced is None else watch
    state, output, halts = solving_step(model, state, tokens, ids, config, may_leave, watched)
    return state, _View.of(output, halts, config)


class Solver:
    """A trained model together with its task: text in, checked answers out.

    Args:
        model: In evaluation mode, on the device.
        task: The puzzle family.
        config: The run's config; `train.N_sup` is the usual number of supervision steps.
        device: Where the model is.
    """

    def __init__(self, model: RecursiveModel, task: Task, config: RunConfig, device: torch.device | str = "cpu"):
        self.model, self.task, self.config, self.device = model, task, config, device

    @classmethod
    def load(
        cls,
        checkpoint: str | Path,
        device: torch.device | str = "cpu",
        dtype: DType | None = None,
        task: str | None = None,
        compile: bool = False,
    ) -> Solver:
        """The solver of a run folder, a checkpoint folder or a Hub repository.

        Args:
            checkpoint: As in `checkpoint.load_checkpoint`.
            device: cpu, cuda, ...
            dtype: Activations' type in place of the checkpoint's own.
            task: Another puzzle family than it was trained on, for relational networks.
            compile: Compile the network at the first puzzles, where there is a C++ compiler: they then take up to a minute
                (some ten seconds once torch has it in its cache), and later ones less time than without.

        Raises:
            ValueError: when it is to be compiled and there is no C++ compiler.
        """
        loaded = load_checkpoint(checkpoint, device, dtype, task=task)
        if compile:
            compile_for_solving(loaded.model, "compile=True")
        return cls.of(loaded, device)

    @classmethod
    def of(cls, checkpoint: Checkpoint, device: torch.device | str = "cpu") -> Solver:
        """The solver of a loaded checkpoint.

        Raises:
            ValueError: when its task is not known, or has another vocabulary or grid.
        """
        if checkpoint.config.data.task == "unknown":
            raise ValueError(f"{checkpoint.path}: its puzzle family is not known: import it again with --task")
        task = task_of(checkpoint.config.data)
        if isinstance(task, Arc):
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
        return cls(checkpoint.model, task, checkpoint.config, device)

    def parse(self, puzzle: str | NDArray[np.integer]) -> Tokens:
        """The tokens (L,) of a puzzle given as text or as a grid of the task's tokens.

        Raises:
            PuzzleError: what is wrong with it.
        """
        if isinstance(puzzle, str):
            return self.task.parse(puzzle)
        tokens = np.asarray(puzzle).reshape(-1)
        rows, columns = self.task.grid_shape
        if tokens.shape != (rows * columns,) or tokens.min() < 0 or tokens.max() >= self.task.vocab_size:
            raise PuzzleError(
                f"expected {rows * columns} tokens from 0 to {self.task.vocab_size - 1} ({self.task.name}): "
                f"got shape {np.asarray(puzzle).shape}, values {tokens.min()} to {tokens.max()}"
            )
        return tokens.astype(np.uint8)

    def solve(
        self,
        puzzle: str | NDArray[np.integer],
        steps: int | None = None,
        early_exit: bool = True,
        trace: bool = False,
        check: bool = True,
    ) -> Result:
        """Solves one puzzle.

        Args:
            puzzle: Text as the task reads it, or a grid of tokens.
            steps: Most supervision steps; None: as many as in training.
            early_exit: Stop when the model says so.
            trace: Keep every step, or recursion, in `Result.trace`.
            check: Refuse a puzzle that has no answer or several.

        Raises:
            PuzzleError: what is wrong with the puzzle.
        """
        tokens = self.parse(puzzle)
        if check:
            self.task.check_question(tokens)
        (result,) = self.solve_many([tokens], steps, early_exit, trace)
        return result

    def solve_many(
        self,
        puzzles: Iterable[str | NDArray[np.integer]],
        steps: int | None = None,
        early_exit: bool = True,
        trace: bool = False,
        slots: int = 256,
    ) -> Iterator[Result]:
        """Solves a stream of puzzles, lazily and in bounded memory; results come in the same order. See `solve`."""
        steps = self.config.train.N_sup if steps is None else steps
        if steps < 1 or slots < 1:
            raise ValueError(f"steps and slots must be at least 1: got {steps} and {slots}")
        asked: list[Tokens] = []  # questions read whose result is not out yet, oldest first

        def questions() -> Iterator[Question]:
            for puzzle in puzzles:
                asked.append(self.parse(puzzle))
                yield Question(asked[-1])

        for thought in think(self.model, questions(), self.config, steps, slots, early_exit, trace, self.device):
            yield self._result(asked.pop(0), thought)

    def search(
        self,
        puzzle: str | NDArray[np.integer],
        budget: Budget,
        trace: bool = False,
        check: bool = True,
        seed: int = 0,
    ) -> Result:
        """Solves one puzzle with further attempts where plain thinking does not end in an answer; see `search.py`.

        Raises:
            PuzzleError: what is wrong with the puzzle.
        """
        tokens = self.parse(puzzle)
        if check:
            self.task.check_question(tokens)
        (result,) = self.search_many([tokens], budget, trace, seed=seed)
        return result

    def search_many(
        self,
        puzzles: Iterable[str | NDArray[np.integer]],
        budget: Budget,
        trace: bool = False,
        slots: int = 128,
        seed: int = 0,
    ) -> Iterator[Result]:
        """Searches a stream of puzzles, lazily and in bounded memory; results come in the same order.

        A trace is that of the attempt which gave the answer; of one that guesses, from the first step of plain thinking on.
        """
        asked: list[Tokens] = []

        def questions() -> Iterator[Question]:
            for puzzle in puzzles:
                asked.append(self.parse(puzzle))
                yield Question(asked[-1])

        for found in search(self.model, self.task, questions(), self.config, budget, slots, seed, self.device, trace):
            thought = Thought(found.tokens, found.passes, found.halted, found.halt_probability, found.trace)
            yield self._result(asked.pop(0), thought, found.attempts)

    def _result(self, question: Tokens, thought: Thought, attempts: int = 1) -> Result:
        verdict = self.task.check(question, thought.tokens)
        return Result(
            question=self.task.format(question),
            answer=self.task.format(thought.tokens),
            steps=thought.steps,
            halted=thought.halted,
            halt_probability=thought.halt_probability,
            valid=verdict.valid if self.task.has_rules else None,
            reasons=verdict.reasons,
            question_tokens=question,
            tokens=thought.tokens,
            trace=thought.trace,
            attempts=attempts,
        )
