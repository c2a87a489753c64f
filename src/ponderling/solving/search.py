"""Search at test time, as a policy on the thinking loop: which attempts a puzzle gets, and which of them gives the answer.

The first attempt at every puzzle is plain thinking, and without search it is the only one. If it does not end with the model
saying stop (or, with a rule checker, in an answer that the rules accept), further attempts follow: first those that see the
puzzle under a symmetry, then those that guess or start from noise. An attempt that *guesses* goes on from the state in which
plain thinking ended. Every few steps it takes a cell that the network is unsure of, draws a symbol from the network's own
probabilities and asserts it as if it were given. A wrong guess ends in no answer, a right one mostly lets the network see
the rest.

Attempts run side by side where slots are free. The answer is that of the first attempt, by number, which ends the search; so
it depends on the seed and the question, and not on slots or company. `PuzzleSearch` is the policy of one puzzle, `Thinker`
brings many puzzles to a loop, and `think` is the whole for a stream of questions.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ponderling.config import RunConfig, Search
from ponderling.models import Model
from ponderling.models.interface import RecursiveModel, State
from ponderling.solving.loop import Moment, Said, Slot, ThinkingLoop
from ponderling.solving.records import Answer, TraceStep
from ponderling.supervision import add_noise
from ponderling.tasks.base import Question, Symmetry, Task, Tokens

PLAIN = Search()
"""One attempt: thinking alone."""

UNSURE = 0.98
"""A cell whose likeliest symbol has at least this probability is not worth a guess."""

WAITING = 4
"""A search reads no further questions while this number of answers for each slot wait for an earlier one."""


def check_search(search: Search, task: Task | None, *, model: RecursiveModel) -> None:
    """Refuses a search that the task or the model does not support.

    Raises:
        ValueError: naming the option, why it cannot be, and what to do.
    """
    if not search.is_plain and task is None:
        raise ValueError("a search needs the task: its rules, its symmetries and its symbols")
    if task is None:
        return
    if search.verify and not task.has_rules:
        raise ValueError(f"{task.name} has no rules to verify answers by: let something else choose")
    if search.restarts and search.guess_every and not task.extends_question:
        raise ValueError(
            f"restarts guess cells of the question, but an answer of {task.name} does not fill in its question: use "
            "guess_every 0 with noise, or views"
        )
    if search.views and not search.noise and isinstance(model, Model) and model.is_equivariant:
        raise ValueError(
            "this network gives every view of a puzzle the same answer: use restarts, or noise with the views"
        )


def attempt_source(question: Question, seed: int, *, number: int) -> np.random.Generator:
    """A random stream of its own for each attempt, from the question, the seed and the attempt's number alone."""
    digest = hashlib.sha256(question.tokens.tobytes() + str(question.puzzle_id).encode()).digest()
    return np.random.default_rng([seed, number, int.from_bytes(digest[:8], "little")])


class Attempt:
    """One attempt at a puzzle.

    Args:
        number: 1 for plain thinking, then 2, 3, ...
        limit: Most supervision steps.
        rng: Source of this attempt's guesses, view and noise.
        symmetry: How the question is transformed; None: not at all.
        guesses_on: Whether it asserts guesses.
        trace: Steps of plain thinking, from whose end it goes on.
    """

    def __init__(
        self,
        number: int,
        limit: int,
        *,
        rng: np.random.Generator,
        symmetry: Symmetry | None = None,
        guesses_on: bool = False,
        trace: Iterable[TraceStep] = (),
    ) -> None:
        self.number, self.limit, self.rng = number, limit, rng
        self.symmetry, self.guesses_on = symmetry, guesses_on
        self.trace = list(trace)
        self.steps_before = self.trace[-1].step if self.trace else 0
        """Supervision steps of plain thinking that precede this attempt in its trace."""
        self.steps = 0
        self.guessed: list[int] = []
        """Cells whose symbol it has asserted, each once."""
        self.guesses = 0
        self.ended = self.accepted = False
        self.last: Said | None = None
        """What the model said after the latest step, in the question's own terms."""
        self.surest: Said | None = None
        """What it said after the step that it was surest of."""

    def own_tokens(self, tokens: Tokens) -> Tokens:
        """An answer (L,) to what this attempt sees as an answer to the question itself; a copy."""
        return tokens.copy() if self.symmetry is None else self.symmetry.undo(tokens[None])[0]

    def own_probabilities(self, p: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (L, V) as those of the question's own cells and symbols; a copy."""
        if self.symmetry is None:
            return p.copy()  # a view would keep the whole batch's in memory
        return self.own_cells(p)[:, self.symmetry.symbols[0]]

    def own_cells(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of the cells that this attempt sees, (L, ...), in the order of the question's own cells."""
        return values if self.symmetry is None else values[np.argsort(self.symmetry.cells[0])]


class PuzzleSearch:
    """The policy of one puzzle: `next` gives the attempt to start, `tell` hears how each goes on, `answer` is the end.

    Args:
        question: The puzzle.
        search: What may be spent beyond plain thinking.
        task: Its symmetries, symbols and clue mask; None: plain thinking alone.
        steps: Most supervision steps of plain thinking.
        early_exit: Whether an attempt ends where the model says stop.
    """

    def __init__(self, question: Question, search: Search, *, task: Task | None, steps: int, early_exit: bool) -> None:
        self.question, self.search, self.task = question, search, task
        self.steps, self.early_exit = steps, early_exit
        self.attempts: list[Attempt] = []
        """All attempts that were started, by number."""
        self.answer: Answer | None = None
        self.root: State = ()
        """The state in which plain thinking ended, where guessing attempts are to go on from it."""
        self._limit = 1  # most attempts; known when plain thinking has ended
        self._root_p: NDArray[np.float32] | None = None
        self._winner: Attempt | None = None  # the first attempt, by number, that ended the search so far

    @property
    def may_start(self) -> bool:
        """Whether there is an attempt to start now."""
        if not self.attempts:
            return True
        return self._winner is None and len(self.attempts) < self._limit and self.attempts[0].ended

    def next(self) -> tuple[Attempt, Tokens]:
        """The next attempt, and the question as it sees it, (L,)."""
        number, search, question = len(self.attempts) + 1, self.search, self.question.tokens
        rng = attempt_source(self.question, search.seed, number=number)
        if number == 1:
            attempt = Attempt(1, self.steps, rng=rng)
        else:
            limit = search.search_steps or self.steps
            if number <= 1 + (search.views or 0):
                assert self.task is not None
                symmetry = self.task.sample_symmetries(rng, 1)
                attempt = Attempt(number, limit, rng=rng, symmetry=symmetry)
                question = symmetry.apply(question[None])[0]
            elif search.guess_every:
                assert self._root_p is not None
                attempt = Attempt(number, limit, rng=rng, guesses_on=True, trace=self.attempts[0].trace)
                question = self._guess(attempt, question, p=self._root_p)
            else:
                attempt = Attempt(number, limit, rng=rng)
        self.attempts.append(attempt)
        return attempt, question

    def tell(self, attempt: Attempt, said: Said, *, asked: Tokens, is_valid: bool | None = None) -> Tokens | None:
        """Takes in what the model says of an attempt after a step; `attempt.steps` counts that step already.

        Args:
            attempt: The attempt.
            said: What the model says, in the question's own terms but for `probabilities`.
            asked: The question as the attempt saw it, (L,).
            is_valid: Whether the rules accept the answer, with `verify`.

        Returns:
            What the attempt is to see from now on, (L,), if that has changed.
        """
        search = self.search
        attempt.last = said._replace(probabilities=None)
        if attempt.surest is None or said.halt_probability > attempt.surest.halt_probability:
            attempt.surest = attempt.last
        stops = said.halts and self.early_exit
        if search.verify:
            attempt.accepted = bool(is_valid)
        else:
            attempt.accepted = stops and search.choose in ("halting", "surest")
        attempt.ended = attempt.accepted or stops or attempt.steps >= attempt.limit
        changed = None
        if not attempt.ended and attempt.guesses_on and attempt.steps % search.guess_every == 0:
            assert said.probabilities is not None
            changed = self._guess(attempt, asked, p=said.probabilities)
            attempt.ended = changed is asked
        if attempt.accepted and (self._winner is None or attempt.number < self._winner.number):
            self._winner = attempt
        if attempt.ended:
            if attempt.number == 1 and not attempt.accepted:
                self._open(said)
            self._conclude()
        return changed

    def _open(self, said: Said) -> None:
        """Says how many attempts may follow plain thinking."""
        search = self.search
        further = search.views or 0
        if search.restarts:
            # Where there is nothing to guess and no noise, all restarts would be alike.
            assert said.probabilities is not None
            if search.noise or self._unsure(self.question.tokens, said.probabilities).size:
                further += search.restarts
        self._limit = 1 + further
        if further:
            self._root_p = None if said.probabilities is None else said.probabilities.copy()

    def _conclude(self) -> None:
        """Sets the answer once no attempt that could still give it is running or to come."""
        winner = self._winner
        if winner is None:
            if len(self.attempts) < self._limit or not all(attempt.ended for attempt in self.attempts):
                return
            chosen = self._choose()
            settled = self.search.choose in ("agreement", "residual") and not self.search.verify
            self._answer(chosen, self._outcome(chosen), accepted=settled and self._outcome(chosen).halts)
        elif all(attempt.ended for attempt in self.attempts[: winner.number]):
            assert winner.last is not None
            self._answer(winner, winner.last, accepted=True)

    def _choose(self) -> Attempt:
        """The attempt that gives the answer when none ended the search; of equals the earliest."""
        choose = self.search.choose
        if choose == "residual":
            return min(self.attempts, key=lambda attempt: self._outcome(attempt).residual)
        if choose == "agreement":
            votes = Counter(self._outcome(attempt).tokens.tobytes() for attempt in self.attempts)
            return max(
                self.attempts,
                key=lambda a: (votes[self._outcome(a).tokens.tobytes()], self._outcome(a).halt_probability),
            )
        return max(self.attempts, key=lambda attempt: self._outcome(attempt).halt_probability)

    def _outcome(self, attempt: Attempt) -> Said:
        """An attempt answers with its last step, or with its surest where that is asked for."""
        outcome = attempt.surest if self.search.choose == "surest" else attempt.last
        assert outcome is not None
        return outcome

    def _answer(self, chosen: Attempt, said: Said, *, accepted: bool) -> None:
        counted = self.attempts[: chosen.number] if accepted and chosen.accepted else self.attempts
        first = self.attempts[0].last
        assert first is not None
        self.answer = Answer(
            tokens=said.tokens,
            steps=sum(attempt.steps for attempt in counted),
            halted=said.halts,
            halt_probability=said.halt_probability,
            accepted=accepted,
            attempts=len(counted),
            attempt=chosen.number,
            passes=sum(attempt.steps for attempt in self.attempts),
            guesses=chosen.guesses,
            first=first.tokens,
            trace=tuple(chosen.trace),
        )
        self.root, self._root_p = (), None

    def is_needless(self, attempt: Attempt) -> bool:
        """Whether an attempt has ended, or could not give the answer any more."""
        winner = self._winner
        return attempt.ended or self.answer is not None or (winner is not None and attempt.number > winner.number)

    def _guess(self, attempt: Attempt, tokens: Tokens, *, p: NDArray[np.float32]) -> Tokens:
        """The tokens with a symbol asserted in a cell that the network is unsure of; the same object when it is sure of all.

        Cells whose likeliest symbol is nearly certain come first, at random in proportion to the odds. Such a guess is mostly
        right, and when it is wrong the puzzle soon says so.
        """
        assert self.task is not None
        unsure = self._unsure(tokens, p)
        if not len(unsure):
            return tokens
        symbols, rng = np.array(self.task.fill_tokens), attempt.rng
        top = p[unsure].max(axis=-1)
        weights = top / (1.01 - top)
        cell = int(unsure[rng.choice(len(unsure), p=weights / weights.sum())])
        odds = p[cell, symbols].astype(np.float64)
        guessed = tokens.copy()
        guessed[cell] = rng.choice(symbols, p=odds / odds.sum())
        attempt.guesses += 1
        attempt.guessed.append(cell)
        return guessed

    def _unsure(self, tokens: Tokens, p: NDArray[np.float32]) -> NDArray[np.intp]:
        """Cells that are worth a guess."""
        assert self.task is not None
        return np.flatnonzero((p.max(axis=-1) < UNSURE) & ~self.task.clue_mask(tokens))


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
        ValueError: when `steps` or `slots` is below 1, or the task or model does not support the search.
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
        if steps < 1 or slots < 1:
            raise ValueError(f"steps and slots must be at least 1: got {steps} and {slots}")
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
                    question, self.search, task=self.task, steps=self.steps, early_exit=self.early_exit
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
        noise = self.search.noise
        if attempt.number == 1 or not (attempt.guesses_on or noise):
            return None
        state = puzzle.root if attempt.guesses_on else self.loop.model.initial_state(1)
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
                if self.search.restarts and self.search.guess_every:
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
