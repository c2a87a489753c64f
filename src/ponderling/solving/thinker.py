"""Puzzles in a thinking loop: `Thinker` starts the attempts that `search.py` asks for, and gives the answers in order.

`think` is the whole for a stream of questions.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ponderling.config import RunConfig, Search
from ponderling.config.numbers import check_whole
from ponderling.models import Model
from ponderling.models.interface import RecursiveModel, State
from ponderling.solving.loop import Moment, Said, Slot, ThinkingLoop
from ponderling.solving.records import Answer, TraceStep
from ponderling.solving.search import OVER_NOISE, PLAIN, Attempt, PuzzleSearch, check_search, keeps_hints
from ponderling.supervision import add_noise
from ponderling.tasks.base import Question, Task

TRACES = (False, True, "states", "changes")
"""What of an attempt may be kept."""

WAITING = 4
"""A search reads no further questions while this number of answers for each slot wait for an earlier one."""


class Questions(Protocol):
    """A source of questions."""

    def take(self, count: int, *, wait: bool) -> list[Question]:
        """The next `count` questions, fewer at the end; without `wait` those that are there already may do."""
        ...


class InMemory:
    """Questions of an iterable that are read one after the other when there are free slots for them."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._questions = iter(questions)

    def take(self, count: int, *, wait: bool) -> list[Question]:
        """The next `count` questions, fewer at the end."""
        return list(itertools.islice(self._questions, count))


class Thinker:
    """Brings puzzles to a thinking loop and takes their answers from it, in order. Several may share one loop.

    A round is `start`, a step of the loop, and `hear`; then `ready` has the answers.

    Args:
        loop: Where the attempts think.
        search: What may be spent on each puzzle beyond plain thinking.
        task: The puzzles' family; None: plain thinking alone.
        steps: Most supervision steps of plain thinking.
        slots: Most attempts in work at once.
        early_exit: Whether an attempt ends where the model says stop.
        trace: Keep every step of the attempts, or every recursion where the model is asked after each; "states": with the
            hidden states; "changes": with how much these changed in each cell.
        observe: Called with the attempt's number and its step, after every step, or recursion, of every attempt.
        changes: Tell with each step how much the hidden state of each cell changed.
        states: Tell the hidden states with each step.

    Raises:
        ValueError: when `steps` or `slots` is no whole number or below 1, `trace` is something else, or the task or model
            does not support the search.
    """

    def __init__(
        self,
        loop: ThinkingLoop,
        search: Search,
        *,
        task: Task | None,
        steps: int,
        slots: int,
        early_exit: bool = True,
        trace: bool | str = False,
        observe: Callable[[int, TraceStep], object] | None = None,
        changes: bool = False,
        states: bool = False,
    ) -> None:
        check_whole(steps=steps, slots=slots)
        if steps < 1 or slots < 1:
            raise ValueError(f"steps and slots must be at least 1: got {steps} and {slots}")
        if trace not in TRACES:
            raise ValueError(f"trace must be one of {', '.join(map(repr, TRACES))}: got {trace!r}")
        check_search(search, task, model=loop.model)
        self.loop, self.search, self.task = loop, search, task
        self.steps, self.slots, self.early_exit = steps, slots, early_exit
        self.trace, self.observe = trace, observe
        self.changes, self.states = changes or trace == "changes", states or trace == "states"
        self._before: dict[Slot, tuple[NDArray[np.float32], ...]] = {}  # the latest states, for changes
        self.active: list[Slot] = []
        """Slots of attempts in work."""
        self._puzzles: dict[Slot, tuple[int, PuzzleSearch, Attempt]] = {}
        self._open: deque[tuple[int, PuzzleSearch]] = deque()  # puzzles that may start further attempts
        self._done: dict[int, Answer] = {}
        self._read = self._next_out = 0

    @property
    def is_watched(self) -> bool:
        """Whether the loop should call `watch` within its steps."""
        return bool(self.trace) or self.observe is not None

    def is_first_attempt(self, slot: Slot) -> bool:
        """Whether plain thinking about a puzzle is in this slot."""
        return self._puzzles[slot][2].number == 1

    @property
    def has_first_attempts(self) -> bool:
        """Whether a first attempt is in work."""
        return any(attempt.number == 1 for _, _, attempt in list(self._puzzles.values()))

    def start(self, questions: Questions) -> None:
        """Starts attempts in free slots: at new puzzles, while few are open or wait for an earlier one, then at open ones."""
        free = self.slots - len(self.active)
        room = free
        if not self.search.is_plain:
            room = self.slots - len(self._open) if len(self._done) < WAITING * self.slots else 0
        started: list[Slot] = []
        if count := max(0, min(free, room)):
            for question in questions.take(count, wait=not self.active and not self._open):
                puzzle = PuzzleSearch(
                    question,
                    self.search,
                    task=self.task,
                    steps=self.steps,
                    early_exit=self.early_exit,
                    keeps_hints=keeps_hints(self.loop.model),
                )
                started.append(self._slot(self._read, puzzle))
                self._read += 1
        while self._open and len(started) < free:
            number, puzzle = self._open.popleft()
            started.append(self._slot(number, puzzle))
            if puzzle.may_start:
                self._open.append((number, puzzle))
        self.loop.add(started)
        self.active += started

    def _slot(self, number: int, puzzle: PuzzleSearch) -> Slot:
        attempt, tokens = puzzle.next()
        search, start = self.search, self._start(puzzle, attempt)
        slot = Slot(
            owner=self,
            tokens=tokens,
            puzzle_id=puzzle.question.puzzle_id,
            start=start,
            early_exit=self.early_exit,
            # Plain thinking may be its own last word, and is guessed on from there.
            wants_probabilities=attempt.guesses_on or (attempt.number == 1 and bool(search.restarts)),
            wants_residual=search.choose == "residual",
        )
        self._puzzles[slot] = number, puzzle, attempt
        if self.changes:
            states = self.loop.model.initial_state(1) if start is None else start
            self._before[slot] = tuple(s[0].float().cpu().numpy() for s in states)
        return slot

    def _start(self, puzzle: PuzzleSearch, attempt: Attempt) -> State | None:
        """The state that an attempt starts from; None: the model's initial one."""
        noise, model = self.search.noise, self.loop.model
        starts_over = puzzle.keeps_hints and attempt.symmetry is None
        if attempt.number == 1 or not (attempt.guesses_on or starts_over or noise):
            return None
        state = puzzle.root if attempt.guesses_on else model.initial_state(1)
        if starts_over:
            assert isinstance(model, Model)
            state, noise = model.start_over(puzzle.root), noise or OVER_NOISE
        generator = torch.Generator(device=self.loop.device).manual_seed(int(attempt.rng.integers(1 << 62)))
        return add_noise(state, noise, generator=generator)

    def watch(self, moment: Moment) -> None:
        """Keeps or tells what the model said of this thinker's slots."""
        rows = [row for row, slot in enumerate(moment.slots) if slot.owner is self]
        for row, p in zip(rows, moment.probabilities(rows) if rows else (), strict=True):
            slot = moment.slots[row]
            attempt = self._puzzles[slot][2]
            step = TraceStep(
                step=attempt.steps_before + slot.steps,
                tokens=attempt.own_tokens(moment.tokens[row]),
                probabilities=attempt.own_probabilities(p),
                halt_probability=float(moment.halt_probability[row]),
                wants_to_halt=bool(moment.halts[row]),
                guessed=tuple(sorted(set(attempt.guessed))),
                recursion=moment.recursion,
                state=moment.state(row) if self.states else None,
                change=self._change(attempt, slot, after=moment.state(row)) if self.changes else None,
            )
            if self.trace:
                attempt.trace.append(step)
            if self.observe:
                self.observe(attempt.number, step)

    def _change(
        self, attempt: Attempt, slot: Slot, *, after: tuple[NDArray[np.float32], ...]
    ) -> NDArray[np.float32] | None:
        """How much the state of each cell of the question changed since the last moment, (L,); see `TraceStep.change`."""
        before, self._before[slot] = self._before[slot], after
        L = len(slot.tokens)
        # The cells are the last positions: a prefix comes before them.
        changes = [
            np.square(b - a).reshape(len(a), -1).mean(1)[-L:]
            for b, a in zip(before, after, strict=True)
            if a.ndim and len(a) >= L
        ]
        return attempt.own_cells(np.mean(changes, axis=0)) if changes else None

    def hear(self, said: list[tuple[Slot, Said]]) -> None:
        """Takes in what the loop's step gave for this thinker's slots, and frees those that are done."""
        own = []
        for slot, one in said:
            attempt = self._puzzles[slot][2]
            attempt.steps = slot.steps  # of all, before any answer: it tells what all attempts at its puzzle have cost
            own.append(one._replace(tokens=attempt.own_tokens(one.tokens)))
        valid = self._valid([slot for slot, _ in said], own) if self.search.verify and said else None
        for i, (slot, _) in enumerate(said):
            number, puzzle, attempt = self._puzzles[slot]
            changed = puzzle.tell(
                attempt, own[i], asked=slot.tokens, is_valid=None if valid is None else bool(valid[i])
            )
            if changed is not None and not attempt.ended:
                self.loop.change_question(slot, changed)
            if attempt.number == 1 and puzzle.may_start:
                if puzzle.needs_root:
                    puzzle.root = self.loop.state_of(slot)
                self._open.append((number, puzzle))
        self._release()

    def _valid(self, slots: list[Slot], said: list[Said]) -> NDArray[np.bool_]:
        assert self.task is not None
        questions = np.stack([self._puzzles[slot][1].question.tokens for slot in slots])
        return self.task.valid(questions, np.stack([one.tokens for one in said]))

    def _release(self) -> None:
        """Frees the slots of attempts that are needless now, and takes the answers of puzzles that have one."""
        keep, gone = [], []
        for slot in self.active:
            _, puzzle, attempt = self._puzzles[slot]
            (gone if puzzle.is_needless(attempt) else keep).append(slot)
        if gone:
            self.loop.drop(gone)
            self.active = keep
            for slot in gone:
                number, puzzle, _ = self._puzzles.pop(slot)
                self._before.pop(slot, None)
                if puzzle.answer is not None:
                    self._done.setdefault(number, puzzle.answer)
        if self._open:
            self._open = deque(entry for entry in self._open if entry[1].may_start)

    def close(self) -> None:
        """Frees all its slots."""
        self.loop.drop(self.active)
        self.active = []
        self._puzzles.clear()
        self._before.clear()

    def ready(self) -> Iterator[Answer]:
        """The answers that no earlier question's is missing before, each once."""
        while self._next_out in self._done:
            yield self._done.pop(self._next_out)
            self._next_out += 1


def think(
    model: RecursiveModel,
    questions: Iterable[Question],
    *,
    config: RunConfig,
    search: Search = PLAIN,
    task: Task | None = None,
    steps: int,
    slots: int = 256,
    early_exit: bool = True,
    trace: bool | str = False,
    device: torch.device | str = "cpu",
) -> Iterator[Answer]:
    """Thinks about a stream of questions, `slots` at a time, and gives the answers in the questions' order.

    A puzzle that is done leaves at once and the next question takes its slot. Questions are read as slots become free. No more
    than about `slots` x `steps` answers wait for an earlier one (4 x `slots` with search), however long the stream is.

    Args:
        model: In evaluation mode.
        questions: Any iterable, read lazily.
        config: The run's config: how halting and probabilities are to be read.
        search: What may be spent on each puzzle beyond plain thinking.
        task: The puzzles' family, needed for a search.
        steps: Most supervision steps of plain thinking.
        slots: Attempts in one forward pass.
        early_exit: Stop an attempt when the model says so; False: always all steps.
        trace: Keep every step, or every recursion where the model is asked after each; "states": with the hidden states;
            "changes": with how much these changed in each cell.
        device: Where the model is.

    Raises:
        ValueError: when `steps` or `slots` is below 1, or the task or model does not support the search.
    """
    loop = ThinkingLoop(model, config, device=device)
    thinker = Thinker(loop, search, task=task, steps=steps, slots=slots, early_exit=early_exit, trace=trace)
    yield from answers(thinker, InMemory(questions))


def answers(thinker: Thinker, questions: Questions) -> Iterator[Answer]:
    """The answers to all questions of a source, in their order; the loop is the thinker's alone."""
    watch = thinker.watch if thinker.is_watched else None
    while True:
        thinker.start(questions)
        if not thinker.active:
            return
        thinker.hear(thinker.loop.step(watch=watch))
        yield from thinker.ready()
