"""Search at test time: more attempts at a puzzle that the first attempt leaves open, each from noise or by guessing.

The first attempt at every puzzle is plain thinking. If it does not end with the halting head saying stop (or, with a rule
checker, in an answer that the rules accept), up to K further attempts follow. An attempt that *guesses* goes on from the state
in which plain thinking ended: every few steps it takes a cell that the network is unsure of, draws a symbol from the
network's own probabilities and asserts it as if it were given. A wrong guess ends in no answer, a right one mostly lets
the network see the rest.

All attempts of all puzzles share one batch; a puzzle that is done takes its attempts with it, and others get their slots.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ponderling.config import RunConfig
from ponderling.losses import LOG_PROBABILITIES
from ponderling.supervision import RecursiveModel, add_noise, halt_probability, wants_to_halt
from ponderling.tasks.base import Question, Task, Tokens


@dataclass(frozen=True)
class Budget:
    """How much may be spent on one puzzle, and how an answer is chosen."""

    steps: int = 16
    """Most supervision steps of plain thinking."""
    restarts: int = 0
    """Most further attempts after the first."""
    restart_steps: int | None = None
    """Most supervision steps of a further attempt; None: as many as `steps`."""
    noise: float = 0.0
    """Standard deviation of normal noise on the state that a further attempt starts from."""
    guess_every: int = 3
    """A further attempt asserts a guess at its start and after every so many steps; 0: never, it lives on noise alone."""
    verify: bool = False
    """Take the first answer that the task's rules accept; False: the first at which the halting head says stop."""

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be at least {least}: got {getattr(self, name)}"
            for name, least in (("steps", 1), ("restarts", 0), ("restart_steps", 1), ("noise", 0), ("guess_every", 0))
            if getattr(self, name) is not None and getattr(self, name) < least
        ]
        if self.restarts and not self.noise and not self.guess_every:
            problems.append("restarts without noise and without guesses would all be alike: set one of them")
        if problems:
            raise ValueError("; ".join(problems))


@dataclass(frozen=True)
class TraceStep:
    """What the model thinks after one supervision step."""

    step: int
    """1, 2, ..."""
    tokens: Tokens
    """The likeliest token of each cell, (L,)."""
    confidence: NDArray[np.float32]
    """Probability of that token, (L,)."""
    halt_probability: float
    """How sure the halting head is that this answer is right, from 0 to 1."""
    wants_to_halt: bool
    """The halting head says stop."""


@dataclass(frozen=True)
class Found:
    """How the search for one puzzle's answer ended."""

    tokens: Tokens
    """The answer, (L,)."""
    halted: bool
    """The halting head said stop at this answer."""
    accepted: bool
    """The answer ended the search: the rules accept it (with `verify`) or the halting head does. False: the best there was."""
    halt_probability: float
    """What the halting head said of the answer, from 0 to 1."""
    attempts: int
    """Attempts started, the first included."""
    passes: int
    """Supervision steps spent on this puzzle in all its attempts."""
    guesses: int
    """Guesses asserted in the attempt that gave the answer."""
    first: Tokens
    """The answer of plain thinking, with which search began, (L,)."""
    trace: tuple[TraceStep, ...] = ()
    """Every step of the attempt that gave the answer, when asked for."""


@dataclass(eq=False)
class _Puzzle:
    number: int
    tokens: Tokens
    puzzle_id: int
    attempts: int = 0
    running: int = 0
    passes: int = 0
    root: tuple[Tensor, ...] = ()  # the state in which plain thinking ended
    root_p: NDArray[np.float32] | None = None  # and its probabilities, (L, V)
    best: tuple[float, Tokens, int, tuple[TraceStep, ...]] | None = None  # halting probability, answer, guesses, steps
    root_trace: tuple[TraceStep, ...] = ()
    first: Tokens | None = None


@dataclass(eq=False)
class _Attempt:
    puzzle: _Puzzle
    tokens: Tokens  # the question and what has been guessed
    plain: bool
    steps: int = 0
    guesses: int = 0
    dead: bool = False
    trace: tuple[TraceStep, ...] = ()


UNSURE = 0.98
"""A cell whose likeliest symbol has at least this probability is not worth a guess."""


def search(
    model: RecursiveModel,
    task: Task,
    questions: Iterable[Question],
    config: RunConfig,
    budget: Budget,
    slots: int = 128,
    seed: int = 0,
    device: torch.device | str = "cpu",
    trace: bool = False,
) -> Iterator[Found]:
    """Searches for the answers of a stream of questions, read lazily; results in the questions' order.

    Args:
        model: In evaluation mode.
        task: Its clue mask says which cells may be guessed; its rules judge answers with `verify`, and only then.
        questions: Any iterable, read as slots become free.
        config: The run's config.
        budget: What may be spent on each.
        slots: Attempts in one forward pass.
        seed: Of noise and guesses.
        device: Where the model is.
        trace: Keep every step of the attempts.
    """
    rng = np.random.default_rng(seed)
    generator = torch.Generator(device=device).manual_seed(seed)
    waiting = enumerate(questions)
    active: list[_Attempt] = []
    state: tuple[Tensor, ...] = ()
    open_puzzles: deque[_Puzzle] = deque()  # plain thinking has ended, attempts are left
    done: dict[int, Found] = {}
    next_out = 0
    while True:
        started: list[_Attempt] = []
        states: list[tuple[Tensor, ...]] = []
        free = slots - len(active)
        # Open puzzles share the slots with new ones; new ones first while few are open, so that memory stays bounded.
        new = list(itertools.islice(waiting, max(0, min(free, slots - len(open_puzzles)))))
        if new:
            states.append(tuple(s.clone() for s in model.initial_state(len(new))))
            started += [
                _Attempt(_Puzzle(number, q.tokens, q.puzzle_id), q.tokens.copy(), plain=True) for number, q in new
            ]
        for _ in range(free - len(new)):
            if not open_puzzles:
                break
            puzzle = open_puzzles.popleft()
            attempt = _Attempt(puzzle, puzzle.tokens.copy(), plain=False)
            if budget.guess_every:
                assert puzzle.root_p is not None
                _guess(attempt, puzzle.root_p, task, rng)
                states.append(add_noise(puzzle.root, budget.noise, generator))
                attempt.trace = puzzle.root_trace
            else:
                states.append(add_noise(model.initial_state(1), budget.noise, generator))
            started.append(attempt)
            if puzzle.attempts + 1 <= budget.restarts:
                open_puzzles.append(puzzle)
            puzzle.attempts += 1
        for attempt in started:
            attempt.puzzle.running += 1
            if attempt.plain:
                attempt.puzzle.attempts = 1
        active += started
        if not active:
            return
        parts = [state, *states] if state else states
        state = tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))
        tokens = np.stack([attempt.tokens for attempt in active])
        state, answers, p, halts, halting = _step(
            model, state, tokens, [attempt.puzzle.puzzle_id for attempt in active], config, device
        )
        accepted = halts
        if budget.verify:
            accepted = task.valid(np.stack([attempt.puzzle.tokens for attempt in active]), answers)
        for attempt in active:
            attempt.steps += 1
            attempt.puzzle.passes += 1
        finished: dict[int, _Attempt] = {}
        for row, attempt in enumerate(active):
            puzzle = attempt.puzzle
            if trace:
                likely, step = float(halting[row]), len(attempt.trace) + 1
                attempt.trace += (TraceStep(step, answers[row], p[row].max(-1), likely, bool(halts[row])),)
            if attempt.plain:
                puzzle.first = answers[row]
            if puzzle.best is None or halting[row] > puzzle.best[0]:
                puzzle.best = (float(halting[row]), answers[row], attempt.guesses, attempt.trace)
            if accepted[row] and puzzle.number not in finished:
                finished[puzzle.number] = attempt
                outcome = float(halting[row]), answers[row], attempt.guesses, attempt.trace
                done[puzzle.number] = _found(puzzle, outcome, bool(halts[row]), accepted=True)
                continue
            if attempt.plain:
                ends = attempt.steps >= budget.steps or bool(halts[row])
                if ends and budget.restarts:
                    puzzle.root = tuple(s[row : row + 1].clone() for s in state)
                    puzzle.root_p, puzzle.root_trace = p[row], attempt.trace
                    open_puzzles.append(puzzle)
            else:
                ends = attempt.steps >= (budget.restart_steps or budget.steps) or bool(halts[row])
                if not ends and budget.guess_every and attempt.steps % budget.guess_every == 0:
                    ends = not _guess(attempt, p[row], task, rng)
            attempt.dead = ends
        for attempt in active:
            attempt.dead |= attempt.puzzle.number in finished
            attempt.puzzle.running -= attempt.dead
        ended = {attempt.puzzle.number: attempt.puzzle for attempt in active if attempt.dead}
        if finished:
            open_puzzles = deque(puzzle for puzzle in open_puzzles if puzzle.number not in finished)
        still_open = {puzzle.number for puzzle in open_puzzles}
        for number, puzzle in ended.items():
            if number not in done and not puzzle.running and number not in still_open:
                assert puzzle.best is not None
                done[number] = _found(puzzle, puzzle.best, puzzle.best[0] > 0.5, accepted=False)
        keep = [row for row, attempt in enumerate(active) if not attempt.dead]
        if len(keep) < len(active):
            rows = torch.tensor(keep, dtype=torch.long, device=device)
            state = tuple(s[rows] for s in state)
            active = [active[row] for row in keep]
        while next_out in done:
            yield done.pop(next_out)
            next_out += 1


def _found(
    puzzle: _Puzzle, outcome: tuple[float, Tokens, int, tuple[TraceStep, ...]], halted: bool, accepted: bool
) -> Found:
    likely, answer, guesses, trace = outcome
    assert puzzle.first is not None
    return Found(answer, halted, accepted, likely, puzzle.attempts, puzzle.passes, guesses, puzzle.first, trace)


def _guess(attempt: _Attempt, p: NDArray[np.float32], task: Task, rng: np.random.Generator) -> bool:
    """Asserts a symbol of a cell that the network is unsure of; False when it is sure of all.

    Cells whose likeliest symbol is nearly certain come first, at random in proportion to the odds: such a guess is mostly
    right, and when it is wrong the puzzle soon says so.
    """
    top = p.max(axis=-1)
    unsure = np.flatnonzero((top < UNSURE) & ~task.clue_mask(attempt.tokens))
    if not len(unsure):
        return False
    weights = top[unsure] / (1.01 - top[unsure])
    cell = unsure[rng.choice(len(unsure), p=weights / weights.sum())]
    attempt.tokens[cell] = rng.choice(p.shape[-1], p=p[cell].astype(np.float64) / p[cell].sum(dtype=np.float64))
    attempt.guesses += 1
    return True


@torch.inference_mode()
def _step(
    model: RecursiveModel,
    state: tuple[Tensor, ...],
    tokens: Tokens,
    puzzle_ids: list[int],
    config: RunConfig,
    device: torch.device | str,
) -> tuple[tuple[Tensor, ...], Tokens, NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    ids = torch.tensor(puzzle_ids, dtype=torch.long, device=device)
    state, output = model(state, torch.from_numpy(tokens.astype(np.int64)).to(device), ids)
    p = LOG_PROBABILITIES[config.train.loss](output.logits).exp().float()
    return (
        state,
        p.argmax(-1).to(torch.uint8).cpu().numpy(),
        p.cpu().numpy(),
        wants_to_halt(output, config.train.halting).cpu().numpy(),
        halt_probability(output, config.train.halting).cpu().numpy(),
    )
