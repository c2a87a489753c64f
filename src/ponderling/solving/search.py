"""Search at test time, as a policy on the thinking loop: which attempts a puzzle gets, and which of them gives the answer.

The first attempt at every puzzle is plain thinking, and without search it is the only one. If it does not end with the model
saying stop (or, with a rule checker, in an answer that the rules accept), further attempts follow: first those that see the
puzzle under a symmetry, then those that guess or start from noise. An attempt that *guesses* goes on from the state in which
plain thinking ended. Every few steps it takes a cell that the network is unsure of, draws a symbol from the network's own
probabilities and asserts it as if it were given. A wrong guess ends in no answer, a right one mostly lets the network see
the rest. A network whose cells keep hints, as in mazes, does not guess but *starts over*: cells keep the hints of which they
were sure when plain thinking ended, and all else begins anew, from noise.

Attempts run side by side where slots are free. The answer is that of the first attempt, by number, which ends the search; so
it depends on the seed and the question, and not on slots or company. `PuzzleSearch` is the policy of one puzzle; `thinker.py`
brings many puzzles to a loop.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ponderling.config import Search
from ponderling.models import Model
from ponderling.models.interface import RecursiveModel, State
from ponderling.solving.loop import Said
from ponderling.solving.records import Answer, TraceStep
from ponderling.tasks.base import Question, Symmetry, Task, Tokens

PLAIN = Search()
"""One attempt: thinking alone."""

UNSURE = 0.98
"""A cell whose likeliest symbol has at least this probability is not worth a guess."""

OVER_NOISE = 0.6
"""Standard deviation of the noise from which attempts start over where none is asked for; without it all would be alike."""


def check_search(search: Search, task: Task | None, *, model: RecursiveModel) -> None:
    """Refuses a search that the task or the model does not support.

    Raises:
        TypeError: for something else than a search.
        ValueError: naming the option, why it cannot be, and what to do.
    """
    if not isinstance(search, Search):
        raise TypeError(
            f"search must be a ponderling.Search, such as Search(restarts=100): got {type(search).__name__}"
        )
    if not search.is_plain and task is None:
        raise ValueError("a search needs the task: its rules, its symmetries and its symbols")
    if task is None:
        return
    if search.verify and not task.has_rules:
        raise ValueError(f"{task.name} has no rules to verify answers by: let something else choose")
    starts_over = keeps_hints(model)
    if search.restarts and starts_over and search.guess_every not in (0, Search.guess_every):
        raise ValueError("this network starts over in place of guessing: leave guess_every out")
    if search.restarts and search.guess_every and not task.extends_question and not starts_over:
        raise ValueError(
            f"restarts guess cells of the question, but an answer of {task.name} does not fill in its question: use "
            "guess_every 0 with noise, or views"
        )
    if search.views and not search.noise and isinstance(model, Model) and model.is_equivariant:
        raise ValueError(
            "this network gives every view of a puzzle the same answer: use restarts, or noise with the views"
        )


def keeps_hints(model: RecursiveModel) -> bool:
    """Whether restarts of this model start over, with the hints that its cells keep, in place of guessing."""
    return isinstance(model, Model) and model.keeps_hints


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
        keeps_hints: Whether restarts keep the hints of plain thinking, in place of guessing.
    """

    def __init__(
        self,
        question: Question,
        search: Search,
        *,
        task: Task | None,
        steps: int,
        early_exit: bool,
        keeps_hints: bool = False,
    ) -> None:
        self.question, self.search, self.task = question, search, task
        self.steps, self.early_exit, self.keeps_hints = steps, early_exit, keeps_hints
        self.guesses = bool(search.guess_every) and not keeps_hints
        """Whether restarts guess."""
        self.attempts: list[Attempt] = []
        """All attempts that were started, by number."""
        self.answer: Answer | None = None
        self.root: State = ()
        """The state in which plain thinking ended, where restarts are to go on from it."""
        self._limit = 1  # most attempts; known when plain thinking has ended
        self._root_p: NDArray[np.float32] | None = None
        self._winner: Attempt | None = None  # the first attempt, by number, that ended the search so far

    @property
    def needs_root(self) -> bool:
        """Whether restarts go on from the state in which plain thinking ended, or from what it knew."""
        return bool(self.search.restarts) and (self.guesses or self.keeps_hints)

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
        limit = self.steps if number == 1 else search.search_steps or self.steps
        if 1 < number <= 1 + (search.views or 0):
            assert self.task is not None
            symmetry = self.task.sample_symmetries(rng, 1)
            attempt = Attempt(number, limit, rng=rng, symmetry=symmetry)
            question = symmetry.apply(question[None])[0]
        elif number > 1 and self.guesses:
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
            has_noise = bool(search.noise) or self.keeps_hints
            if has_noise or self._unsure(self.question.tokens, said.probabilities).size:
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
