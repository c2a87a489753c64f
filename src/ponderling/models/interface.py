"""What deep supervision, solving and export ask of a network: a state to start from, one supervision step, what it says.

Any `torch.nn.Module` with the two methods of `RecursiveModel` can be trained and used, see docs/your-task.md.
"""

from __future__ import annotations

import inspect
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from ponderling.config import ModelConfig
from ponderling.recursion import State

__all__ = ["Output", "RecursiveModel", "State", "StepOutput", "depth"]


class StepOutput(Protocol):
    """What a model says after one supervision step."""

    @property
    def logits(self) -> Tensor:
        """A score for every cell and token, (B, L, V)."""
        ...

    @property
    def q(self) -> Tensor:
        """Halting logit, (B,); q > 0 means stop."""
        ...

    @property
    def q_continue(self) -> Tensor:
        """Logit of thinking on, (B,); read only with `halting` halt_continue."""
        ...


class Output(NamedTuple):
    """The `StepOutput` of the package's own networks."""

    logits: Tensor
    """A score for every cell and token, (B, L, V), in the activations' type."""
    q: Tensor
    """Halting logit, (B,), float32: q > 0 means stop."""
    q_continue: Tensor
    """Logit of thinking on, (B,), float32; means something only where halting is trained with both."""


class RecursiveModel(Protocol):
    """A network that can be trained and used: a state to start from, and one supervision step.

    A model whose call also takes the keywords `n` and `T` can be asked at another depth than its own: phases of training,
    `vary_T` and stopping within a step need that. See `takes_depth`.
    """

    def initial_state(self, batch_size: int) -> State:
        """The state every puzzle starts from: tensors whose first axis is B."""
        ...

    def __call__(self, state: State, tokens: Tensor, *, puzzle_ids: Tensor) -> tuple[State, StepOutput]:
        """The state after one supervision step, and what the model now says. tokens (B, L), puzzle_ids (B,)."""
        ...


@runtime_checkable
class HintedModel(Protocol):
    """A network with a head for the hints of its puzzles, see `tasks.base.Hints`."""

    def hint_scores(self, state: State) -> tuple[Tensor, ...]:
        """Scores of the values that each hint of a cell can have: a tensor (B, L, number of values) for each hint."""
        ...

    def rounds(self, n: int | None = None, *, T: int | None = None) -> int:
        """Number of rounds of messages in one supervision step of n latent steps and T recursions; None: the network's own."""
        ...


def takes_depth(model: RecursiveModel) -> bool:
    """Whether the model's call takes the keywords `n` and `T`, the depth of one supervision step."""
    call = model.forward if isinstance(model, nn.Module) else model.__call__
    names = inspect.signature(call).parameters
    return {"n", "T"} <= names.keys() or any(p.kind is p.VAR_KEYWORD for p in names.values())


def depth(config: ModelConfig, n: int | None, *, T: int | None) -> tuple[int, int]:
    """The latent steps and recursions of one supervision step: the arguments, or the config's in place of None.

    Raises:
        ValueError: when one of them is below 1, or the state has a latent for each of n steps and another n is asked for.
    """
    n, T = config.n if n is None else n, config.T if T is None else T
    if n < 1 or T < 1:
        raise ValueError(f"n and T must be at least 1: got n {n} and T {T}")
    if config.latents == "many" and n != config.n:
        raise ValueError(f"latents many carries a latent for each of {config.n} steps: n cannot be {n}")
    return n, T
