"""Search at test time: more attempts at a puzzle that the first leaves open: by guessing, from noise, or in another view.

The first attempt at every puzzle is plain thinking. If it does not end with the halting head saying stop (or, with a rule
checker, in an answer that the rules accept), further attempts follow. An attempt that *guesses* goes on from the state
in which plain thinking ended: every few steps it takes a cell that the network is unsure of, draws a symbol from the
network's own probabilities and asserts it as if it were given. A wrong guess ends in no answer, a right one mostly lets
the network see the rest.

All attempts of all puzzles share one batch; a puzzle that is done takes its attempts with it, and others get their slots.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ponderling.config import Choice, RunConfig
from ponderling.halting import solving_step, stop_probability
from ponderling.losses import LOG_PROBABILITIES
from ponderling.supervision import RecursiveModel, StepOutput, add_noise
from ponderling.tasks.base import Question, Symmetry, Task, Tokens


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
    views: int = 0
    """Further attempts, before those that guess, which see the puzzle under a random symmetry each and start from nothing."""
    choose: Choice = "halting"
    """Which answer to take without the rule checker, or where it accepts none."""
    verify: bool = False
    """Take the first answer that the task's rules accept, and no other ends the search."""
    early_exit: bool = True
    """An attempt ends where the halting head says stop; False: it takes all its steps."""

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be at least {least}: got {getattr(self, name)}"
            for name, least in (
                ("steps", 1),
                ("restarts", 0),
                ("restart_steps", 1),
                ("noise", 0),
                ("guess_every", 0),
                ("views", 0),
            )
            if getattr(self, name) is not None and getattr(self, name) < least
        ]
        if self.restarts and not self.noise and not self.guess_every:
            problems.append("restarts without noise and without guesses would all be alike: set one of them")
        if problems:
            raise ValueError("; ".join(problems))


@dataclass(frozen=True)
class TraceStep:
    """What the model thinks after one supervision step, or after one recursion of it where it is asked so often."""

    step: int
    """The supervision step: 1, 2, ..."""
    tokens: Tokens
    """The likeliest token of each cell, (L,)."""
    probabilities: NDArray[np.float32]
    """Of every token in each cell, (L, V)."""
    halt_probability: float
    """How sure the model is that this answer is right, from 0 to 1: its halting head or its cells, see `halting.py`."""
    wants_to_halt: bool
    """The model says stop."""
    guessed: tuple[int, ...] = ()
    """Cells whose symbol search has asserted so far, in row-major order."""
    recursion: int = 1
    """Which recursion of the step this is after, from 1; always 1 where the model is asked after whole steps alone."""

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the likeliest token, (L,)."""
        return self.probabilities.max(-1)


def is_within_steps(trace: Sequence[TraceStep]) -> bool:
    """Whether a trace tells of recursions within steps, and not of whole steps alone."""
    return any(moment.recursion > 1 for moment in trace)


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
    """Every step, or recursion, of the attempt that gave the answer, when asked for."""
    attempt: int = 1
    """Which attempt gave the answer; 1: plain thinking."""


@dataclass(frozen=True)
class _Outcome:
    """What one attempt says at one of its steps."""

    tokens: Tokens
    halting: float
    halts: bool
    residual: float
    guesses: int
    trace: tuple[TraceStep, ...]
    attempt: int


@dataclass(eq=False)
class _Puzzle:
    number: int
    question: Question
    attempts: int = 0
    """Attempts started."""
    running: int = 0
    passes: int = 0
    root: tuple[Tensor, ...] = ()
    """The state in which plain thinking ended."""
    root_p: NDArray[np.float32] | None = None
    """And its probabilities, (L, V)."""
    root_trace: tuple[TraceStep, ...] = ()
    first: Tokens | None = None
    """The answer of plain thinking."""
    best: _Outcome | None = None
    """Of all steps of all attempts the one of which the halting head was surest."""
    ends: list[_Outcome] = field(default_factory=list)
    """The last step of each attempt that has ended, where the choice is made among them."""
    limit: int = 1
    """Most attempts."""

    def choose(self, how: Choice) -> _Outcome:
        """The outcome to answer with, when no attempt ended the search."""
        assert self.best is not None
        if how == "halting":
            return self.best
        if how == "residual":
            return min(self.ends, key=lambda outcome: outcome.residual)
        votes = Counter(outcome.tokens.tobytes() for outcome in self.ends)
        return max(self.ends, key=lambda outcome: (votes[outcome.tokens.tobytes()], outcome.halting))


@dataclass(eq=False)
class _Attempt:
    puzzle: _Puzzle
    tokens: Tokens
    """The question, as this attempt sees it, and what has been guessed."""
    limit: int
    """Most steps."""
    number: int = 1
    """1: the first at its puzzle."""
    guesses_on: bool = False
    symmetry: Symmetry | None = None
    """How the question was transformed."""
    steps: int = 0
    guesses: int = 0
    ended: bool = False
    trace: tuple[TraceStep, ...] = ()
    """With that of plain thinking first, from whose end a guessing attempt goes on."""
    steps_before: int = 0
    """Of that in the trace."""

    @property
    def plain(self) -> bool:
        """The first attempt at the puzzle."""
        return not self.guesses_on and self.symmetry is None

    @property
    def guessed(self) -> tuple[int, ...]:
        """Cells whose symbol has been asserted."""
        if self.symmetry is not None:
            return ()
        return tuple(np.flatnonzero(self.tokens != self.puzzle.question.tokens).tolist())

    def seen(self, p: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (L, V) as those of the question's own cells and symbols."""
        if self.symmetry is None:
            return p.copy()  # the whole batch's would stay in memory with it
        return p[np.argsort(self.symmetry.cells[0])][:, self.symmetry.symbols[0]]


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

    No more than some `slots` times four outcomes wait for an earlier one, however long the stream is.

    Args:
        model: In evaluation mode.
        task: Its clue mask says which cells may be guessed, its symmetries give the views; its rules judge answers with
            `verify`, and only then.
        questions: Any iterable, read as slots become free.
        config: The run's config.
        budget: What may be spent on each.
        slots: Attempts in one forward pass.
        seed: Of noise, guesses and views.
        device: Where the model is.
        trace: Keep every step of the attempts, or every recursion where the model is asked after each.

    Raises:
        ValueError: for views of a network to which all of them look the same, unless there is noise; without slots; when
            answers are to be verified by a task without rules.
    """
    return Search(model, task, config, budget, slots, seed, device, trace).run(questions)


class Search:
    """A search that goes on step by step, so that several can share one forward pass; arguments as of `search`.

    A step is `fill`, the model's step on `state` and `inputs`, and `heed`.

    Args:
        observe: Called with the attempt's number and its step, after every step, or recursion, of every attempt.
    """

    def __init__(
        self,
        model: RecursiveModel,
        task: Task,
        config: RunConfig,
        budget: Budget,
        slots: int,
        seed: int,
        device: torch.device | str,
        trace: bool,
        observe: Callable[[int, TraceStep], object] | None = None,
    ):
        if slots < 1:
            raise ValueError(f"slots must be at least 1: got {slots}")
        if budget.verify and not task.has_rules:
            raise ValueError(f"{task.name} has no rules to verify answers by: let something else choose")
        if budget.views and not budget.noise and getattr(model, "is_equivariant", False):
            raise ValueError(
                "this network gives every view of a puzzle the same answer: use restarts, or noise with the views"
            )
        self.observe = observe
        self.model, self.task, self.config, self.budget = model, task, config, budget
        self.slots, self.device, self.keeps_trace = slots, device, trace
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.active: list[_Attempt] = []
        self.state: tuple[Tensor, ...] = ()
        self.open: deque[_Puzzle] = deque()
        """Puzzles whose plain thinking has ended and that have attempts left."""
        self.done: dict[int, Found] = {}
        self.next_out = 0

    def run(self, questions: Iterable[Question]) -> Iterator[Found]:
        """The outcomes, in the questions' order."""
        waiting = enumerate(questions)
        while True:
            self.fill(waiting)
            if not self.active:
                return
            tokens, ids = self.inputs()
            may_leave = np.full(len(tokens), self.budget.early_exit)
            self.heed(
                *model_step(self.model, self.state, tokens, ids, self.config, self.device, may_leave, self.is_watched)
            )
            yield from self.ready()

    def ready(self) -> Iterator[Found]:
        """The outcomes that no earlier question's is missing before, each once."""
        while self.next_out in self.done:
            yield self.done.pop(self.next_out)
            self.next_out += 1

    @property
    def is_watched(self) -> bool:
        """`heed` needs what the model said within its step."""
        return self.keeps_trace or self.observe is not None

    def inputs(self) -> tuple[Tokens, list[int]]:
        """What the attempts in work see, (B, L), and their rows of the puzzle embedding."""
        tokens = np.stack([attempt.tokens for attempt in self.active])
        return tokens, [attempt.puzzle.question.puzzle_id for attempt in self.active]

    def fill(self, waiting: Iterator[tuple[int, Question]]) -> None:
        """Starts attempts: at new puzzles while few are open or wait for an earlier one to be done, then at open ones."""
        free = self.slots - len(self.active)
        states = [self.state] if self.state else []
        room = self.slots - len(self.open) if len(self.done) < 4 * self.slots else 0
        new = list(itertools.islice(waiting, max(0, min(free, room))))
        if new:
            states.append(tuple(s.clone() for s in self.model.initial_state(len(new))))
        started = [_Attempt(_Puzzle(i, question), question.tokens.copy(), self.budget.steps) for i, question in new]
        while self.open and len(started) < free:
            puzzle = self.open.popleft()
            attempt, state = self._further_attempt(puzzle)
            started.append(attempt)
            states.append(state)
            puzzle.attempts += 1
            attempt.number = puzzle.attempts
            if puzzle.attempts < puzzle.limit:
                self.open.append(puzzle)
        for attempt in started:
            attempt.puzzle.attempts += attempt.plain
            attempt.puzzle.running += 1
        self.active += started
        self.state = tuple(torch.cat(tensors) for tensors in zip(*states, strict=True))

    def _further_attempt(self, puzzle: _Puzzle) -> tuple[_Attempt, tuple[Tensor, ...]]:
        """First the views, then attempts that guess or live on noise; and the state that the attempt starts from."""
        budget, question = self.budget, puzzle.question
        limit = budget.restart_steps or budget.steps
        if puzzle.attempts <= budget.views:
            symmetry = self.task.sample_symmetries(self.rng, 1)
            seen = symmetry.apply(question.tokens[None])[0]
            return _Attempt(puzzle, seen, limit, symmetry=symmetry), self._noisy(self.model.initial_state(1))
        attempt = _Attempt(puzzle, question.tokens.copy(), limit, guesses_on=True)
        if not budget.guess_every:
            return attempt, self._noisy(self.model.initial_state(1))
        assert puzzle.root_p is not None
        attempt.trace = puzzle.root_trace
        attempt.steps_before = puzzle.root_trace[-1].step if puzzle.root_trace else 0
        self._guess(attempt, puzzle.root_p)
        return attempt, self._noisy(puzzle.root)

    def _noisy(self, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return add_noise(state, self.budget.noise, self.generator)

    def heed(
        self,
        state: tuple[Tensor, ...],
        p: NDArray[np.float32],
        halts: NDArray[np.bool_],
        halting: NDArray[np.float32],
        moments: Sequence[Moment] = (),
    ) -> None:
        """What follows from a supervision step of all attempts; the arguments are what `model_step` gives."""
        active, budget = self.active, self.budget
        before, self.state = self.state, state
        residuals = _residual(before, state) if budget.choose == "residual" else np.zeros(len(active), np.float32)
        answers = p.argmax(-1).astype(np.uint8)
        for row, attempt in enumerate(active):
            if attempt.symmetry is not None:
                answers[row] = attempt.symmetry.undo(answers[row : row + 1])[0]
        stops = halts & budget.early_exit
        accepted = stops if budget.choose == "halting" else np.zeros(len(active), bool)
        if budget.verify:
            accepted = self.task.valid(np.stack([attempt.puzzle.question.tokens for attempt in active]), answers)
        for attempt in active:  # before any outcome: it tells what all attempts at its puzzle have cost
            attempt.steps += 1
            attempt.puzzle.passes += 1
        for recursion, moment in enumerate(moments, 1):
            self._watch(moment, recursion)
        for row, attempt in enumerate(active):
            puzzle = attempt.puzzle
            outcome = _Outcome(
                answers[row],
                float(halting[row]),
                bool(halts[row]),
                float(residuals[row]),
                attempt.guesses,
                attempt.trace,
                attempt.number,
            )
            if attempt.plain:
                puzzle.first = outcome.tokens
            if puzzle.best is None or outcome.halting > puzzle.best.halting:
                puzzle.best = outcome
            attempt.ended = bool(stops[row]) or attempt.steps >= attempt.limit
            if accepted[row]:
                attempt.ended = True
                if puzzle.number not in self.done:
                    self.done[puzzle.number] = _found(puzzle, outcome, accepted=True)
            elif attempt.guesses_on and not attempt.ended and budget.guess_every:
                if attempt.steps % budget.guess_every == 0:
                    attempt.ended = not self._guess(attempt, p[row])
            elif attempt.plain and attempt.ended:
                self._open(puzzle, row, p[row], attempt.trace)
            if attempt.ended and budget.choose != "halting":
                puzzle.ends.append(outcome)
        self._settle()

    def _watch(self, moment: Moment, recursion: int) -> None:
        """Keeps or tells what the model said after a recursion."""
        answers = moment.p.argmax(-1).astype(np.uint8)
        for i, row in enumerate(moment.rows):
            attempt = self.active[row]
            answer = answers[i] if attempt.symmetry is None else attempt.symmetry.undo(answers[i : i + 1])[0]
            seen, halting, halts = attempt.seen(moment.p[i]), float(moment.halting[i]), bool(moment.halts[i])
            number = attempt.steps_before + attempt.steps
            step = TraceStep(number, answer, seen, halting, halts, attempt.guessed, recursion)
            if self.keeps_trace:
                attempt.trace += (step,)
            if self.observe:
                self.observe(attempt.number, step)

    def _open(self, puzzle: _Puzzle, row: int, p: NDArray[np.float32], trace: tuple[TraceStep, ...]) -> None:
        """Keeps where plain thinking ended and says how many attempts may follow."""
        budget = self.budget
        # Where there is nothing to guess and no noise, all restarts would be alike.
        differ = budget.noise or self._unsure(puzzle.question.tokens, p).size
        puzzle.limit = 1 + budget.views + (budget.restarts if differ else 0)
        if puzzle.limit > 1:
            puzzle.root = tuple(s[row : row + 1].clone() for s in self.state)
            puzzle.root_p, puzzle.root_trace = p.copy(), trace
            self.open.append(puzzle)

    def _settle(self) -> None:
        """Frees the slots of attempts that ended or whose puzzle is done; answers puzzles that have no attempts left."""
        for attempt in self.active:
            attempt.ended |= attempt.puzzle.number in self.done
            attempt.puzzle.running -= attempt.ended
        self.open = deque(puzzle for puzzle in self.open if puzzle.number not in self.done)
        still_open = {puzzle.number for puzzle in self.open}
        for puzzle in {attempt.puzzle.number: attempt.puzzle for attempt in self.active if attempt.ended}.values():
            if puzzle.number not in self.done and not puzzle.running and puzzle.number not in still_open:
                outcome = puzzle.choose(self.budget.choose)
                settled = self.budget.choose != "halting" and not self.budget.verify and outcome.halts
                self.done[puzzle.number] = _found(puzzle, outcome, accepted=settled)
        keep = [row for row, attempt in enumerate(self.active) if not attempt.ended]
        if len(keep) < len(self.active):
            rows = torch.tensor(keep, dtype=torch.long, device=self.device)
            self.state = tuple(s[rows] for s in self.state)
            self.active = [self.active[row] for row in keep]

    def _guess(self, attempt: _Attempt, p: NDArray[np.float32]) -> bool:
        """Asserts a symbol of a cell that the network is unsure of; False when it is sure of all.

        Cells whose likeliest symbol is nearly certain come first, at random in proportion to the odds: such a guess is
        mostly right, and when it is wrong the puzzle soon says so.
        """
        unsure = self._unsure(attempt.tokens, p)
        if not len(unsure):
            return False
        top = p[unsure].max(axis=-1)
        weights = top / (1.01 - top)
        cell = unsure[self.rng.choice(len(unsure), p=weights / weights.sum())]
        odds = p[cell].astype(np.float64)
        attempt.tokens[cell] = self.rng.choice(p.shape[-1], p=odds / odds.sum())
        attempt.guesses += 1
        return True

    def _unsure(self, tokens: Tokens, p: NDArray[np.float32]) -> NDArray[np.intp]:
        """Cells that are worth a guess."""
        return np.flatnonzero((p.max(axis=-1) < UNSURE) & ~self.task.clue_mask(tokens))


def _found(puzzle: _Puzzle, outcome: _Outcome, accepted: bool) -> Found:
    assert puzzle.first is not None
    return Found(
        outcome.tokens,
        outcome.halts,
        accepted,
        outcome.halting,
        puzzle.attempts,
        puzzle.passes,
        outcome.guesses,
        puzzle.first,
        outcome.trace,
        outcome.attempt,
    )


def _residual(before: tuple[Tensor, ...], after: tuple[Tensor, ...]) -> NDArray[np.float32]:
    """Mean square by which each row's state changed, (B,): 0 at a fixed point."""
    per_tensor = [(b.float() - a.float()).square().flatten(1).mean(1) for a, b in zip(before, after, strict=True)]
    return torch.stack(per_tensor).mean(0).cpu().numpy()


class Moment(NamedTuple):
    """What the model says of the rows that it is asked about, on the CPU."""

    rows: NDArray[np.intp]
    """Which rows of the batch, (R,)."""
    p: NDArray[np.float32]
    """Probabilities, (R, L, V)."""
    halts: NDArray[np.bool_]
    """Which it would stop, (R,)."""
    halting: NDArray[np.float32]
    """How sure of it, (R,)."""

    def of(self, part: slice) -> Moment:
        """Of this part of the batch alone, whose first row becomes 0."""
        own = (self.rows >= part.start) & (self.rows < part.stop)
        return Moment(self.rows[own] - part.start, self.p[own], self.halts[own], self.halting[own])


@torch.inference_mode()
def model_step(
    model: RecursiveModel,
    state: tuple[Tensor, ...],
    tokens: Tokens,
    puzzle_ids: list[int],
    config: RunConfig,
    device: torch.device | str,
    may_leave: NDArray[np.bool_],
    watched: bool = False,
) -> tuple[tuple[Tensor, ...], NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32], list[Moment]]:
    """The new state, probabilities (B, L, V), who would stop (B,), how sure of it (B,); and if watched the same of each moment.

    See `solving_step`; a moment is whenever the model was asked.
    """
    moments: list[Moment] = []

    def keep(rows: Tensor, output: StepOutput, halts: Tensor) -> None:
        moments.append(Moment(rows.cpu().numpy(), *_on_cpu(output, halts, config)))

    ids = torch.tensor(puzzle_ids, dtype=torch.long, device=device)
    seen = torch.from_numpy(tokens.astype(np.int64)).to(device)
    leaving = torch.from_numpy(may_leave).to(device)
    state, output, halts = solving_step(model, state, seen, ids, config, leaving, keep if watched else None)
    return state, *_on_cpu(output, halts, config), moments


def _on_cpu(
    output: StepOutput, halts: Tensor, config: RunConfig
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    p = LOG_PROBABILITIES[config.train.loss](output.logits).exp().float()
    return p.cpu().numpy(), halts.cpu().numpy(), stop_probability(output, config).cpu().numpy()
