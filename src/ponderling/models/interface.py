"""What the rest of the code asks of a model, whichever network it has."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ponderling.config import ModelConfig

State = tuple[Tensor, ...]
"""What is carried from one supervision step to the next, each (B, S, D): (y, z), and other tuples for the ablations."""


class Output(NamedTuple):
    """What one supervision step says."""

    logits: Tensor
    """A score for every cell and token, (B, L, V), in the activations' type."""
    q: Tensor
    """Halting logit, (B,), float32: q > 0 means stop."""
    q_continue: Tensor
    """Logit of thinking on, (B,), float32; means something only where halting is trained with both."""


def depth(config: ModelConfig, n: int | None, T: int | None) -> tuple[int, int]:
    """The latent steps and recursions of one supervision step: those asked for, or the config's where that is None.

    Raises:
        ValueError: when one of them is below 1, or the state has a latent for each of n steps and another n is asked for.
    """
    n, T = config.n if n is None else n, config.T if T is None else T
    if n < 1 or T < 1:
        raise ValueError(f"n and T must be at least 1: got n {n} and T {T}")
    if config.latents == "many" and n != config.n:
        raise ValueError(f"latents many carries a latent for each of {config.n} steps: n cannot be {n}")
    return n, T
