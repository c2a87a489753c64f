"""Deep supervision with adaptive halting: what happens around one call of a recursive model.

A puzzle is thought about for up to N_sup supervision steps. After each one the answer so far is scored, the weights are
updated, and the state goes on, cut from its gradient. `train_one_puzzle_at_a_time` is the paper's loop, to read and to
test against. Training uses `supervision_step`: one step for a batch of slots, each at its own step. A slot whose puzzle
halts takes a *new* puzzle at once (`refill`), so no puzzle is drawn and dropped. (The official code drops one for every
slot that is still busy.) Any model with the two methods of `RecursiveModel` can be trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ponderling.config import TrainConfig
from ponderling.halting import least_steps, wants_to_halt
from ponderling.losses import IGNORE, Correct, answer_loss, correctness, halting_loss, puzzle_losses
from ponderling.models.interface import HintedModel, RecursiveModel, State, StepOutput

OWN_DEPTH: Mapping[str, int] = {}
"""The depth of a step at the model's own n and T."""


@dataclass(frozen=True, kw_only=True)
class HintBatch:
    """The hints of the puzzles of a batch, as `tasks.base.Hints`."""

    labels: Tensor
    """(B, L, K) integers from 0; IGNORE where there is no hint."""
    rounds: Tensor
    """Rounds of messages that it takes to know a cell's hints, (B, L) integers."""
    answer_rounds: Tensor
    """Rounds of messages that it takes to know the answer, (B,) integers."""


@dataclass(frozen=True)
class Batch:
    """Puzzles as tensors."""

    tokens: Tensor
    """(B, L) integers."""
    labels: Tensor
    """(B, L) integers; IGNORE where no answer counts."""
    _: KW_ONLY
    puzzle_ids: Tensor
    """(B,) integers."""
    regions: Tensor | None = None
    """Regions that puzzles bring of their own, (B, L) integers, as `Puzzles.regions`; None when no puzzle brings any."""
    hints: HintBatch | None = None
    """Hints to train on; None for none."""

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, kw_only=True)
class Carry:
    """What each slot of the batch carries from one optimizer step to the next."""

    state: State
    """The model's state, each (B, ...), without gradient."""
    batch: Batch
    """The puzzle in each slot."""
    steps: Tensor
    """Supervision steps each slot's puzzle has had, (B,) int32."""
    halted: Tensor
    """Slots that are done with their puzzle and wait for a new one, (B,) bool."""
    limits: Tensor | None = None
    """Maximum number of steps of each slot's puzzle with `vary_N_sup`, (B,) int32; None: N_sup for all."""
    rounds: Tensor | None = None
    """Rounds of messages that each slot's puzzle has had, (B,) int32; None without hints."""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """One supervision step of a batch, before the weights are updated."""

    carry: Carry
    output: StepOutput
    loss: Tensor
    """Sum over the batch: answer + weight x (halt + continue) + weight x hints. Divide by B before `backward`."""
    answer_loss: Tensor
    halt_loss: Tensor
    continue_loss: Tensor
    """0 unless halting is trained with the continue logit."""
    hint_loss: Tensor
    """0 without hints."""
    correct: Correct
    target_continue: Tensor | None
    """Target of the continue logit, (B,), from 0 to 1; None unless it is trained."""


def empty_carry(model: RecursiveModel, batch_size: int, *, seq_len: int, device: torch.device | str = "cpu") -> Carry:
    """Slots that all wait for their first puzzle."""
    cells = torch.zeros(batch_size, seq_len, dtype=torch.long, device=device)
    ids = torch.zeros(batch_size, dtype=torch.long, device=device)
    return Carry(
        state=tuple(s.clone() for s in model.initial_state(batch_size)),
        batch=Batch(cells, torch.full_like(cells, IGNORE), puzzle_ids=ids),
        steps=torch.zeros(batch_size, dtype=torch.int32, device=device),
        halted=torch.ones(batch_size, dtype=torch.bool, device=device),
    )


def add_noise(state: State, noise: float, *, generator: torch.Generator | None = None) -> State:
    """The state with normal noise of this standard deviation on every number; unchanged for 0."""
    if not noise:
        return state
    return tuple(
        s + noise * torch.randn(s.shape, generator=generator, device=s.device, dtype=torch.float32).to(s.dtype)
        for s in state
    )


def refill(
    model: RecursiveModel,
    carry: Carry,
    *,
    new: Batch,
    noise: float = 0.0,
    vary_N_sup: int | None = None,
    generator: torch.Generator | None = None,
) -> Carry:
    """Gives every halted slot, in order, the next of the new puzzles, a fresh state and a step count of 0.

    Args:
        model: Whose initial state the slots get.
        carry: The slots.
        new: One puzzle for each halted slot.
        noise: Standard deviation of normal noise on the initial states.
        vary_N_sup: Draw each new puzzle's maximum number of steps from 2 to this; None: draw nothing.
        generator: Source of the noise and of the maxima, on the carry's device.

    Raises:
        ValueError: when there is not exactly one new puzzle for each halted slot.
    """
    slots = carry.halted.nonzero().squeeze(1)  # sync
    if len(new) != len(slots):
        raise ValueError(f"{len(slots)} slots wait for a puzzle: got {len(new)} puzzles")
    if not len(slots):
        return carry
    initial = add_noise(model.initial_state(len(slots)), noise, generator=generator)
    old = carry.batch
    return Carry(
        state=tuple(s.index_copy(0, slots, fresh) for fresh, s in zip(initial, carry.state, strict=True)),
        batch=Batch(
            old.tokens.index_copy(0, slots, new.tokens.to(old.tokens)),
            old.labels.index_copy(0, slots, new.labels.to(old.labels)),
            puzzle_ids=old.puzzle_ids.index_copy(0, slots, new.puzzle_ids.to(old.puzzle_ids)),
            regions=_refilled_regions(old, new, slots=slots),
            hints=_refilled_hints(old, new, slots=slots),
        ),
        steps=carry.steps.masked_fill(carry.halted, 0),
        halted=torch.zeros_like(carry.halted),
        limits=None if vary_N_sup is None else _refilled_limits(carry, slots, most=vary_N_sup, generator=generator),
        rounds=None if new.hints is None else torch.zeros_like(carry.steps).where(carry.halted, _rounds(carry)),
    )


def _refilled_limits(carry: Carry, slots: Tensor, *, most: int, generator: torch.Generator | None) -> Tensor:
    """The limits of all slots, with new ones, from 2 to `most`, in these."""
    old = torch.full_like(carry.steps, most) if carry.limits is None else carry.limits
    drawn = torch.randint(2, most + 1, slots.shape, generator=generator, device=slots.device)
    return old.index_copy(0, slots, drawn.to(old))


def _refilled_regions(old: Batch, new: Batch, *, slots: Tensor) -> Tensor | None:
    """The regions of the old batch, with those of the new one in these slots."""
    if old.regions is None and new.regions is None:
        return None
    before = torch.zeros_like(old.tokens) if old.regions is None else old.regions
    after = torch.zeros_like(new.tokens) if new.regions is None else new.regions
    return before.index_copy(0, slots, after.to(before))


def _refilled_hints(old: Batch, new: Batch, *, slots: Tensor) -> HintBatch | None:
    """The hints of the old batch, with those of the new one in these slots."""
    if new.hints is None:
        return None
    if old.hints is None:
        cells = torch.zeros_like(old.tokens)
        ignored = torch.full_like(new.hints.labels[:1], IGNORE).expand(len(cells), -1, -1)
        before = HintBatch(labels=ignored, rounds=cells, answer_rounds=cells[:, 0])
    else:
        before = old.hints
    pairs = {name: (getattr(before, name), getattr(new.hints, name)) for name in vars(before)}
    return HintBatch(**{name: was.index_copy(0, slots, now.to(was)) for name, (was, now) in pairs.items()})


def _rounds(carry: Carry) -> Tensor:
    """Rounds of messages that each slot's puzzle has had, (B,) int32."""
    return torch.zeros_like(carry.steps) if carry.rounds is None else carry.rounds


def think(
    model: RecursiveModel, state: State, *, batch: Batch, depth: Mapping[str, int] = OWN_DEPTH
) -> tuple[State, StepOutput]:
    """One supervision step of the model on a batch; it is told of regions only where puzzles bring some."""
    more: dict[str, Any] = dict(depth) if batch.regions is None else {**depth, "regions": batch.regions}
    return model(state, batch.tokens, puzzle_ids=batch.puzzle_ids, **more)


def supervision_step(
    model: RecursiveModel,
    carry: Carry,
    *,
    config: TrainConfig,
    generator: torch.Generator | None = None,
    depth: Mapping[str, int] = OWN_DEPTH,
) -> StepResult:
    """One supervision step of every slot: think, score, decide who halts.

    Args:
        model: Thinks.
        carry: The slots.
        config: Loss, halting and N_sup.
        generator: Source of exploration and of noise, on the carry's device.
        depth: The n and T of this step, by name; what is missing is the model's own. Only for a model that takes them.
    """
    batch = carry.batch
    before = add_noise(carry.state, config.step_noise, generator=generator)
    thought, output = think(model, before, batch=batch, depth=depth)
    state = tuple(s.detach() for s in thought)
    answers = puzzle_losses(output.logits, batch.labels, loss=config.loss, label_smoothing=config.label_smoothing)
    with torch.no_grad():
        correct = correctness(output.logits, batch.labels)
        is_done = correct.exact & correct.has_labels
        is_right = is_done if config.misprints else correct.exact  # officially a puzzle without labels is right
    hint, rounds = torch.zeros_like(answers[0]), None
    if batch.hints is not None:
        hinted = _as_hinted(model)
        rounds = _rounds(carry) + hinted.rounds(**depth)
        told = _hints_told(hinted, thought, hints=batch.hints, rounds=rounds, config=config)
        hint, is_done = told.loss, is_done & told.all_right
        answers = answers.where(told.answer_known, 0.0)
    answer = answers.sum()

    steps = carry.steps + 1
    is_last = halted = steps >= (config.N_sup if carry.limits is None else carry.limits)
    with torch.no_grad():
        if carry.limits is not None:
            halted = is_last | (is_done & (3 * steps >= carry.limits))
        elif config.N_sup > 1:
            stops = wants_to_halt(output, config.halting)
            halted = is_last | (stops & (steps >= least_steps(steps, config, generator=generator)))
    halt = halting_loss(output.q, is_right)
    target, continue_ = None, torch.zeros_like(halt)
    if config.halting == "halt_continue":
        target = _continue_target(model, state, batch=batch, is_last=is_last, depth=depth)
        continue_ = halting_loss(output.q_continue, target)
    return StepResult(
        carry=replace(carry, state=state, steps=steps, halted=halted, rounds=rounds),
        output=output,
        loss=answer + config.halt_loss_weight * (halt + continue_) + config.hint_loss_weight * hint,
        answer_loss=answer.detach(),
        halt_loss=halt.detach(),
        continue_loss=continue_.detach(),
        hint_loss=hint.detach(),
        correct=correct,
        target_continue=target,
    )


def _as_hinted(model: RecursiveModel) -> HintedModel:
    """The model, which must have the head that the hints of its puzzles are for."""
    if not isinstance(model, HintedModel):
        raise TypeError(f"hints are trained with a relational network: {type(model).__name__} has no head for them")
    return model


class _Told(NamedTuple):
    """What a state says of the hints of a batch."""

    loss: Tensor
    """Sum of the mean losses over the cells whose hints can be known, one for each puzzle and hint."""
    answer_known: Tensor
    """Whether each puzzle's answer can be known, (B,) bool."""
    all_right: Tensor
    """Whether all hints of a puzzle are right, (B,) bool."""


def _hints_told(model: HintedModel, state: State, *, hints: HintBatch, rounds: Tensor, config: TrainConfig) -> _Told:
    """What a state says of the hints.

    Args:
        model: Names the hints.
        state: After the step, with its gradient.
        hints: What is to be named.
        rounds: Rounds of messages so far, (B,).
        config: Says how many of these it takes.
    """
    labels, answer_known = hints.labels, torch.ones_like(rounds, dtype=torch.bool)
    if config.hint_speed:
        reach = config.hint_speed * rounds
        answer_known = hints.answer_rounds <= reach
        labels = labels.where((hints.rounds <= reach.unsqueeze(1)).unsqueeze(-1), IGNORE)
    scores = model.hint_scores(state)
    losses = [answer_loss(s, own, loss=config.loss) for s, own in zip(scores, labels.unbind(-1), strict=True)]
    with torch.no_grad():
        parts = zip(scores, hints.labels.unbind(-1), strict=True)
        right = torch.stack([correctness(s, own).exact for s, own in parts]).all(dim=0)
    return _Told(torch.stack(losses).sum(), answer_known, right)


@torch.no_grad()
def _continue_target(
    model: RecursiveModel, state: State, *, batch: Batch, is_last: Tensor, depth: Mapping[str, int]
) -> Tensor:
    """Q-learning's target (HRM): the value of the better choice one step later, which costs a second forward pass."""
    _, later = think(model, state, batch=batch, depth=depth)
    return torch.where(is_last, later.q, torch.maximum(later.q, later.q_continue)).sigmoid()


def train_one_puzzle_at_a_time(
    model: RecursiveModel,
    puzzles: Iterable[Batch],
    *,
    config: TrainConfig,
    update: Callable[[Tensor], None],
) -> None:
    """Deep supervision as the paper writes it (arXiv 2510.04871, Figure 3): for batches of one, without exploration.

    Args:
        model: The model.
        puzzles: Batches of one puzzle.
        config: Loss, halting and N_sup.
        update: Called with each step's loss: backward, optimizer step, EMA.
    """
    for puzzle in puzzles:
        state = model.initial_state(1)
        for _ in range(config.N_sup):
            state, output = think(model, state, batch=puzzle)
            state = tuple(s.detach() for s in state)
            loss = answer_loss(output.logits, puzzle.labels, loss=config.loss, label_smoothing=config.label_smoothing)
            correct = correctness(output.logits, puzzle.labels)
            is_right = correct.exact & correct.has_labels if config.misprints else correct.exact
            loss = loss + config.halt_loss_weight * halting_loss(output.q, is_right)
            update(loss)
            if output.q > 0:  # sync
                break
