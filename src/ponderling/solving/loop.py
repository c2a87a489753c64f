"""The thinking loop: puzzles that think side by side in slots, each at its own step.

A slot owns its part of the model's state. `add` gives puzzles slots, `step` thinks one supervision step of some or all of
them, `drop` frees slots. Who gets a slot, when a puzzle is done, and which answer it gets is the business of the caller:
`thinker.py` for solving and the server, `evaluate.py`, and `vote.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ponderling.config import RunConfig
from ponderling.halting import probabilities, run_through, solving_recursions, stop_probability, times_asked
from ponderling.models.interface import Output, RecursiveModel, State, StepOutput
from ponderling.tasks.base import Tokens


@dataclass(eq=False, kw_only=True)
class Slot:
    """One puzzle in the loop, or one attempt at it."""

    owner: Any
    """Whatever the caller wants to find again."""
    tokens: Tokens
    """The question, as the model sees it, (L,)."""
    puzzle_id: int = 0
    """Row of the puzzle embedding."""
    start: State | None = None
    """The state to start from, each (1, ...); None: the model's own initial state."""
    early_exit: bool = True
    """Whether the puzzle stays as it is after the recursion at which the model says stop, for the rest of that step."""
    wants_probabilities: bool = False
    """Whether `Said.probabilities` is needed."""
    wants_residual: bool = False
    """Whether `Said.residual` is needed."""
    steps: int = 0
    """Supervision steps taken."""
    row: int = -1
    """Where the slot is in the loop's batch; -1: not in it."""


class Said(NamedTuple):
    """What the model says of one slot after a supervision step."""

    tokens: Tokens
    """The likeliest token of each cell, (L,); a view of the whole batch, so keep a copy."""
    halts: bool
    """Whether the model would stop."""
    halt_probability: float
    """How sure the model is that it is done, from 0 to 1."""
    probabilities: NDArray[np.float32] | None = None
    """Probability of every token in each cell, (L, V), where wanted; a view likewise."""
    residual: float = 0.0
    """Mean square by which the state changed in this step, where wanted; 0 at a fixed point."""


class Moment:
    """What the model says of some slots after one recursion, or one step; numbers are fetched when asked for.

    Args:
        slots: The R slots that the model was asked about.
        state: Their state, each (R, ...).
        output: What the model says of them.
        halts: Which of them the model would stop, (R,) bool.
        config: The run's config.
        recursion: Number of the recursion within the step, from 1; None: after the whole step.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        state: State,
        *,
        output: StepOutput,
        halts: Tensor,
        config: RunConfig,
        recursion: int | None = None,
    ) -> None:
        self.slots, self.output = slots, output
        self.recursion, self.is_whole_step = recursion or 1, recursion is None
        self._state, self._halts, self._config = state, halts, config

    @cached_property
    def tokens(self) -> Tokens:
        """The likeliest token of each cell, (R, L)."""
        return self.output.logits.argmax(-1).to(torch.uint8).cpu().numpy()

    @cached_property
    def halts(self) -> NDArray[np.bool_]:
        """Flags of the slots that the model would stop, (R,)."""
        return self._halts.cpu().numpy()

    @cached_property
    def halt_probability(self) -> NDArray[np.float32]:
        """How sure it is that each is done, (R,)."""
        return stop_probability(self.output, self._config).cpu().numpy()

    def probabilities(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Probability of every token in each cell, for these of the R rows, (len(rows), L, V)."""
        logits = self.output.logits
        some = logits if len(rows) == len(logits) else logits[torch.tensor(rows, device=logits.device)]
        return probabilities(some, self._config).cpu().numpy()

    def state(self, row: int) -> tuple[NDArray[np.float32], ...]:
        """Hidden states of one of the R rows, in the model's order."""
        return tuple(s[row].float().cpu().numpy() for s in self._state)


class ThinkingLoop:
    """A model with slots.

    Args:
        model: In evaluation mode.
        config: The run's config: how halting and probabilities are to be read.
        device: Where the model is.
    """

    def __init__(self, model: RecursiveModel, config: RunConfig, *, device: torch.device | str = "cpu") -> None:
        self.model, self.config, self.device = model, config, device
        self.slots: list[Slot] = []
        """The slots that think, in the order of the batch."""
        self._state: State = ()
        self._tokens, self._ids = torch.empty(0), torch.empty(0)

    def __len__(self) -> int:
        return len(self.slots)

    @torch.inference_mode()
    def add(self, slots: Sequence[Slot]) -> None:
        """Lets these puzzles think from the next step on."""
        if not slots:
            return
        tokens = torch.from_numpy(np.stack([slot.tokens for slot in slots]).astype(np.int64)).to(self.device)
        ids = torch.tensor([slot.puzzle_id for slot in slots], device=self.device)
        state = self._initial_states(slots)
        if self.slots:
            state = tuple(torch.cat(pair) for pair in zip(self._state, state, strict=True))
            tokens, ids = torch.cat([self._tokens, tokens]), torch.cat([self._ids, ids])
        self._state, self._tokens, self._ids = state, tokens, ids
        self.slots = [*self.slots, *slots]
        self._number()

    def _initial_states(self, slots: Sequence[Slot]) -> State:
        fresh = sum(slot.start is None for slot in slots)
        initial = self.model.initial_state(fresh) if fresh else ()
        if fresh == len(slots):
            return initial
        taken, parts = 0, []
        for slot in slots:
            if slot.start is None:
                parts.append(tuple(s[taken : taken + 1] for s in initial))
                taken += 1
            else:
                parts.append(slot.start)
                slot.start = None
        return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))

    @torch.inference_mode()
    def drop(self, slots: Iterable[Slot]) -> None:
        """Frees these slots."""
        gone = {slot.row for slot in slots}
        if not gone:
            return
        keep = [row for row in range(len(self.slots)) if row not in gone]
        for row in gone:
            self.slots[row].row = -1
        rows = torch.tensor(keep, dtype=torch.long, device=self.device)
        self._state = tuple(s[rows] for s in self._state)
        self._tokens, self._ids = self._tokens[rows], self._ids[rows]
        self.slots = [self.slots[row] for row in keep]
        self._number()

    def _number(self) -> None:
        for row, slot in enumerate(self.slots):
            slot.row = row

    @torch.inference_mode()
    def change_question(self, slot: Slot, tokens: Tokens) -> None:
        """Lets a slot see other tokens (L,) from the next step on; its state stays."""
        slot.tokens = tokens
        self._tokens = self._tokens.clone()
        self._tokens[slot.row] = torch.from_numpy(tokens.astype(np.int64)).to(self.device)

    @torch.inference_mode()
    def state_of(self, slot: Slot) -> State:
        """The state of a slot, each (1, ...), to start others from."""
        return tuple(s[slot.row : slot.row + 1].clone() for s in self._state)

    @torch.inference_mode()
    def step(
        self, slots: Sequence[Slot] | None = None, *, watch: Callable[[Moment], object] | None = None
    ) -> list[tuple[Slot, Said]]:
        """One supervision step.

        Args:
            slots: Who thinks, a part of the loop's slots; None: all.
            watch: Called whenever the model was asked: once, or after each recursion with `halt_within_step`.

        Returns:
            What the model says at the end, for each of these slots.
        """
        return run_through(self.recursions(slots, watch=watch, at_once=False))

    def recursions(
        self,
        slots: Sequence[Slot] | None = None,
        *,
        watch: Callable[[Moment], object] | None = None,
        at_once: bool = True,
    ) -> Generator[list[tuple[Slot, Said]], None, list[tuple[Slot, Said]]]:
        """Runs one supervision step and yields between recursions; other slots may be added, dropped or think meanwhile.

        It yields what the model says of slots that stay as they are for the rest of the step, and returns what it says of the
        others. Slots that are dropped meanwhile are left out. Must run in inference mode.

        Args:
            slots: Who thinks, a part of the loop's slots; None: all.
            watch: As in `step`.
            at_once: Yield slots; otherwise all are returned.
        """
        active = list(self.slots) if slots is None else sorted(slots, key=lambda slot: slot.row)
        if not active:
            return []
        part = None if len(active) == len(self.slots) else self._rows(active)
        before, tokens, ids = self._state, self._tokens, self._ids
        if part is not None:
            before, tokens, ids = tuple(s[part] for s in before), tokens[part], ids[part]
        for slot in active:
            slot.steps += 1

        recursions = itertools.count(1) if times_asked(self.model, self.config) > 1 else itertools.repeat(None)
        latest: Moment | None = None

        def observe(rows: Tensor, state: State, *, output: StepOutput, halts: Tensor) -> None:
            nonlocal latest
            assert watch is not None
            whom = active if len(rows) == len(active) else [active[row] for row in rows.tolist()]
            latest = Moment(whom, state, output=output, halts=halts, config=self.config, recursion=next(recursions))
            watch(latest)

        may_leave = torch.tensor([slot.early_exit for slot in active], device=self.device)
        untold = list(range(len(active)))
        thinking = solving_recursions(
            self.model,
            before,
            tokens=tokens,
            puzzle_ids=ids,
            config=self.config,
            may_leave=may_leave,
            watch=None if watch is None else observe,
        )
        while True:
            try:
                after, output, halts = next(thinking)
            except StopIteration as end_of_step:
                after, output, halts = end_of_step.value
                break
            stay = (halts & may_leave).tolist() if at_once else []
            leaving = [i for i in untold if stay[i]] if stay else []
            untold = [i for i in untold if not stay[i]] if leaving else untold
            yield self._tell(active, leaving, before=before, after=after, output=output, halts=halts)
        if len(untold) < len(active) or active != self.slots:  # others think at other times, or have come or gone
            return self._tell(active, untold, before=before, after=after, output=output, halts=halts)
        if latest is not None and latest.output is output:
            end = latest  # what was fetched for the watcher is not fetched again
        else:
            end = Moment(active, after, output=output, halts=halts, config=self.config)
        self._state = after
        return self._collect(end, before, after=after)

    def _tell(
        self,
        active: Sequence[Slot],
        numbers: Sequence[int],
        *,
        before: State,
        after: State,
        output: StepOutput,
        halts: Tensor,
    ) -> list[tuple[Slot, Said]]:
        """Takes over the new state of some of the slots that think, by number, and tells what the model says of them."""
        here = [i for i in numbers if active[i].row >= 0]
        if not here:
            return []
        if len(here) < len(active):
            part = torch.tensor(here, dtype=torch.long, device=self.device)
            before, after = tuple(s[part] for s in before), tuple(s[part] for s in after)
            output, halts = Output(output.logits[part], output.q[part], output.q_continue[part]), halts[part]
        slots = [active[i] for i in here]
        rows = self._rows(slots)
        self._state = tuple(s.index_copy(0, rows, new) for s, new in zip(self._state, after, strict=True))
        return self._collect(Moment(slots, after, output=output, halts=halts, config=self.config), before, after=after)

    def _rows(self, slots: Sequence[Slot]) -> Tensor:
        return torch.tensor([slot.row for slot in slots], dtype=torch.long, device=self.device)

    def _collect(self, end: Moment, before: State, *, after: State) -> list[tuple[Slot, Said]]:
        slots, tokens = end.slots, end.tokens
        halts, sure = end.halts.tolist(), end.halt_probability.tolist()
        asking = [row for row, slot in enumerate(slots) if slot.wants_probabilities]
        p = dict(zip(asking, end.probabilities(asking), strict=True)) if asking else {}
        rests = _residuals(before, after).tolist() if any(slot.wants_residual for slot in slots) else None
        return [
            (slot, Said(tokens[row], halts[row], sure[row], p.get(row), 0.0 if rests is None else rests[row]))
            for row, slot in enumerate(slots)
        ]


def _residuals(before: State, after: State) -> Tensor:
    """Mean square by which each row's state changed, (B,): 0 at a fixed point."""
    changes = [(b.float() - a.float()).square().flatten(1).mean(1) for a, b in zip(before, after, strict=True)]
    return torch.stack(changes).mean(0)
