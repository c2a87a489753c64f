"""Slots that are refilled as puzzles leave change nothing but the time: each puzzle ends as if it were alone.

The oracle is a plain loop over one puzzle at a time for all steps, without any engine. From what it says after every step
follows how the puzzle ends under any number of steps, with early exit and without; `think`, `search` and the server's engine
must say the same whatever the slots, the order and the company.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ponderling.config import PuzzleShape, Search
from ponderling.halting import halt_probability, wants_to_halt
from ponderling.losses import LOG_PROBABILITIES
from ponderling.models import build_model
from ponderling.recipes import get_recipe
from ponderling.solving.solver import Solver
from ponderling.solving.thinker import think
from ponderling.tasks import get_task
from ponderling.tasks.base import Question, Tokens
from ponderling.web.engine import Engine
from ponderling.web.jobs import Answered, Ended, Job

TOLERANCE = 1e-5
"""Of probabilities: the golden tensors' least tolerance, see `golden.py`."""

MOST_STEPS = 6
NAMES = ("trm", "hrm", "relational")
models = st.sampled_from(NAMES)
steps_ = st.integers(1, MOST_STEPS)
slots_ = st.integers(1, 24)
orders = st.lists(st.integers(0, 23), min_size=0, max_size=40)
"""Which puzzles arrive, one after the other; some more than once, some never."""
few = settings(deadline=None, max_examples=60)


@cache
def solver(name: str) -> Solver:
    """A tiny network with random weights and a lively halting head: some puzzles stop early, some never."""
    config = get_recipe("sudoku4").config
    ways: dict[str, Any] = {
        "trm": {},
        "hrm": {"system": "hrm", "gradient": "one_step", "separate_networks": True, "num_layers_H": 1},
        "relational": {"system": "relational", "mixer": "attention"},
    }
    model_config = replace(config.model, hidden_size=16, inner_multiple=16, n=1, T=1, num_layers=1, **ways[name])
    train = replace(config.train, halting="halt_continue") if name == "hrm" else config.train
    task = get_task("sudoku4")
    seed, bias = {"trm": (3, 0.0), "hrm": (4, -1.0), "relational": (31, 3.0)}[name]  # of many tried, for different ends
    generator = torch.Generator().manual_seed(seed)
    model = build_model(
        model_config, PuzzleShape(task.vocab_size, 16), generator=generator, relations=task.relations
    ).eval()
    with torch.no_grad():
        model.halt_head.weight.normal_(generator=generator)
        model.halt_head.bias.copy_(torch.tensor([bias, 0.0])[: len(model.halt_head.bias)])
    return Solver(model, task, config=replace(config, model=model_config, train=train))


@cache
def puzzles() -> NDArray[np.uint8]:
    """From four clues to one blank, (24, 16)."""
    test = get_task("sudoku4").load_default("test")[:24]
    tokens = test.tokens.copy()
    for i in range(12, 24):
        tokens[i, i - 12 :] = test.labels[i, i - 12 :]
    return tokens


@dataclass(frozen=True)
class Alone:
    """What a puzzle's network says after each step, alone in its batch."""

    probabilities: NDArray[np.float32]  # (steps, L, V)
    halting: NDArray[np.float32]
    halts: NDArray[np.bool_]

    def end(self, steps: int, early_exit: bool) -> int:
        """Steps that it takes."""
        stops = np.flatnonzero(self.halts[:steps]) if early_exit else np.empty(0, int)
        return int(stops[0]) + 1 if len(stops) else steps

    def agrees(self, tokens: Tokens, step: int) -> bool:
        """Each token is the likeliest after this step; of symbols that look alike to the network, either."""
        p = self.probabilities[step - 1]
        return bool((p[np.arange(len(tokens)), tokens] >= p.max(-1) - TOLERANCE).all())

    def best(self, steps: int, early_exit: bool) -> int:
        """The step whose answer a search gives: where the head says stop, else where it is surest."""
        end = self.end(steps, early_exit)
        return end if early_exit and self.halts[end - 1] else int(self.halting[:end].argmax()) + 1


@cache
def alone(name: str, puzzle: int) -> Alone:
    s = solver(name)
    tokens, ids = torch.from_numpy(puzzles()[puzzle : puzzle + 1].astype(np.int64)), torch.zeros(1, dtype=torch.long)
    state, said = s.model.initial_state(1), []
    with torch.no_grad():
        for _ in range(MOST_STEPS):
            state, output = s.model(state, tokens, puzzle_ids=ids)
            p = LOG_PROBABILITIES[s.config.train.loss](output.logits).exp().float()
            halting = s.config.train.halting
            said.append(
                (
                    p[0].numpy(),
                    halt_probability(output, halting)[0].numpy(),
                    wants_to_halt(output, halting, sure=s.config.solve.halt_when_sure)[0].numpy(),
                )
            )
    return Alone(*(np.stack(column) for column in zip(*said, strict=True)))


class Stream:
    """The questions, counted as they are read."""

    def __init__(self, order: list[int], lazy: bool = True):
        self.order, self.lazy, self.read = order, lazy, 0

    def __iter__(self) -> Iterator[Question]:
        questions = (self._next(i) for i in self.order)
        return questions if self.lazy else iter(list(questions))

    def _next(self, i: int) -> Question:
        self.read += 1
        return Question(puzzles()[i])


@pytest.mark.parametrize("name", NAMES)
def test_these_puzzles_end_at_different_steps_and_none_by_a_hair(name):
    """Else the tests below would show little, or fail for a rounding."""
    said = [alone(name, i) for i in range(len(puzzles()))]
    ends = [one.end(MOST_STEPS, early_exit=True) for one in said]
    assert len(set(ends)) >= 3
    assert not all(one.halts.any() for one in said)
    sure = solver(name).config.solve.halt_when_sure
    assert np.abs(np.stack([one.halting for one in said]) - sure).min() > 2 * TOLERANCE


@few
@given(models, orders, steps_, slots_, st.booleans(), st.booleans(), st.booleans())
def test_every_outcome_and_its_trace_are_those_of_thinking_alone(name, order, steps, slots, early_exit, lazy, trace):
    s = solver(name)
    thoughts = list(
        think(
            s.model, Stream(order, lazy), config=s.config, steps=steps, slots=slots, early_exit=early_exit, trace=trace
        )
    )
    assert len(thoughts) == len(order)
    for i, thought in zip(order, thoughts, strict=True):
        one = alone(name, i)
        end = one.end(steps, early_exit)
        assert thought.steps == end
        assert one.agrees(thought.tokens, end)
        assert thought.halted == one.halts[end - 1]
        assert thought.halt_probability == pytest.approx(one.halting[end - 1], abs=TOLERANCE)
        assert [step.step for step in thought.trace] == (list(range(1, end + 1)) if trace else [])
        for step in thought.trace:
            np.testing.assert_allclose(step.probabilities, one.probabilities[step.step - 1], atol=TOLERANCE)


@few
@given(models, orders, steps_, slots_, st.booleans())
def test_questions_are_read_only_when_a_slot_is_free_and_no_slot_waits(name, order, steps, slots, early_exit):
    s, stream, passes = solver(name), Stream(order), []

    class Watched:
        initial_state = staticmethod(s.model.initial_state)

        def __call__(self, state, tokens, *, puzzle_ids):
            passes.append((stream.read, len(tokens)))
            return s.model(state, tokens, puzzle_ids=puzzle_ids)

    ahead = [
        stream.read - out
        for out, _ in enumerate(
            think(Watched(), stream, config=s.config, steps=steps, slots=slots, early_exit=early_exit), start=1
        )
    ]
    ends = [alone(name, i).end(steps, early_exit) for i in order]
    assert passes == list(schedule(ends, slots))
    assert max(ahead, default=0) < slots * (steps if early_exit else 1)


def schedule(ends: list[int], slots: int) -> Iterator[tuple[int, int]]:
    """For every pass how many questions have been read and how many are in it, when a free slot takes the next at once."""
    left: list[int] = []
    waiting = iter(ends)
    read = 0
    while True:
        new = list(itertools.islice(waiting, slots - len(left)))
        left, read = left + new, read + len(new)
        if not left:
            return
        yield read, len(left)
        left = [steps - 1 for steps in left if steps > 1]


@few
@given(models, orders, steps_, slots_, st.booleans(), st.booleans())
def test_a_search_without_further_attempts_is_thinking_alone(name, order, steps, slots, early_exit, lazy):
    s = solver(name)
    stream, found = Stream(order, lazy), []
    surest, how = Search(choose="surest"), {"steps": steps, "slots": slots, "early_exit": early_exit}
    for one in think(s.model, stream, config=s.config, search=surest, task=s.task, trace=True, **how):
        found.append(one)
        assert stream.read - len(found) <= 5 * slots or not lazy  # in work, and waiting for an earlier one
    assert len(found) == len(order)
    for i, one in zip(order, found, strict=True):
        check_found(one, alone(name, i), steps, early_exit)


def check_found(found, one: Alone, steps: int, early_exit: bool) -> None:
    step = one.best(steps, early_exit)
    assert (found.passes, found.attempts) == (one.end(steps, early_exit), 1)
    assert one.agrees(found.tokens, step)
    assert found.halted == one.halts[step - 1]
    assert found.halt_probability == pytest.approx(one.halting[step - 1], abs=TOLERANCE)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(models, st.lists(st.integers(0, 23), min_size=1, max_size=12), steps_, st.booleans()),
        min_size=1,
        max_size=8,
    ),
    slots_,
)
def test_requests_that_share_the_servers_passes_are_answered_as_if_alone(requests, slots):
    """Each request has its own puzzles, steps and early exit; half come while the others are in work."""
    engine = Engine()
    lanes = {name: engine.add_lane(solver(name), slots) for name in NAMES}
    told: list[list[Any]] = []
    over: list[threading.Event] = []
    for number, (name, order, steps, early_exit) in enumerate(requests):
        if number == len(requests) // 2:
            engine.start()
        events, ended = [], threading.Event()

        def emit(event, events=events, ended=ended) -> None:
            events.append(event)
            if isinstance(event, Ended):
                ended.set()

        asked = [Question(puzzles()[i]) for i in order]
        how = {"search": Search(choose="surest"), "steps": steps, "early_exit": early_exit}
        engine.submit(Job(lanes[name], asked, emit=emit, seconds=60, **how))
        told.append(events)
        over.append(ended)
    assert all(ended.wait(60) for ended in over)
    engine.close()
    for (name, order, steps, early_exit), events in zip(requests, told, strict=True):
        *answers, end = events
        assert end == Ended()
        assert all(isinstance(answer, Answered) for answer in answers)
        assert [answer.number for answer in answers] == list(range(len(order)))
        for i, answer in zip(order, answers, strict=True):
            check_found(answer.answer, alone(name, i), steps, early_exit)
