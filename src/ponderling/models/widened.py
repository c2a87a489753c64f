"""A wider relational network that computes what a narrower one does, so that training goes on from what was learned.

Function-preserving widening as in Net2Net (arXiv 1511.05641), but with zeros in place of copied units. A new channel is
written by zeros and read by random weights; a new inner unit is the reverse. So nothing changes at first, and each of them
gets a gradient. Norms take the mean over more channels, most of which were there before: these grow by c, the root of the
ratio of the widths, and what reads them is divided by c.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ponderling.models.relational import Relational

HALVES = 2
"""Parts of the output of `gate_value` and `gate_up`, and of the halting head's input."""


def is_narrower(state: Mapping[str, Tensor], model: Relational) -> bool:
    """Whether these are weights of the model's network with a smaller hidden size.

    Args:
        state: Weights by name.
        model: The wider network.
    """
    own, initial = model.state_dict(), state.get("initial")
    return (
        initial is not None
        and initial.ndim == own["initial"].ndim
        and initial.shape[-1] < own["initial"].shape[-1]
        and set(state) == set(own)
    )


def widened(state: Mapping[str, Tensor], model: Relational) -> dict[str, Tensor]:
    """Weights for the model with which it says what the narrower network says.

    Args:
        state: The narrower network's weights, see `is_narrower`.
        model: The wider network; the random weights that it has now become those that read new channels.

    Raises:
        ValueError: naming a weight that does not come from a narrower network of this kind.
    """
    D, D_old = model.initial.shape[-1], state["initial"].shape[-1]
    c = math.sqrt(D / D_old)
    return {
        name: _widened(name, state[name], new=new, D=D, D_old=D_old, c=c) for name, new in model.state_dict().items()
    }


def _widened(name: str, old: Tensor, *, new: Tensor, D: int, D_old: int, c: float) -> Tensor:
    kind = name.split(".")[-2] if name.endswith(".weight") else name
    if old.shape == new.shape and kind not in ("gate_value", "mix"):
        return old  # no axis of it is a channel's
    try:
        if kind == "initial" or kind.endswith("embedding"):
            return _placed(torch.zeros_like(new), c * old)
        if kind.endswith("_head"):
            parts = new.shape[1] // D
            return _placed(_split(new, parts), _split(old, parts) / c).flatten(1)
        if kind == "gate_value":  # the gate is not linear, so the value alone grows
            rows = new.clone().view(HALVES, D, D)
            rows[1] = 0
            grown = old.view(HALVES, D_old, D_old) / c
            grown[1] *= c
            rows[1, :D_old, D_old:] = new.view(HALVES, D, D)[1, :D_old, D_old:]
            return _placed(rows, grown).flatten(0, 1)
        if kind == "gate_up":
            parts, width, narrow = new.shape[1] // D, len(new) // HALVES, len(old) // HALVES
            there = new.clone().view(HALVES, width, parts, D)
            return _placed(there, old.view(HALVES, narrow, parts, D_old) / c).reshape(new.shape)
        if name.endswith(".weights"):  # a kernel's: channel by channel
            return _placed(new.clone(), old)
        if kind == "mix":
            there = new.clone()
            there[D_old:] = 0
            return _placed(there, old)
        if kind == "down":
            return _placed(torch.zeros_like(new), c * old)
    except RuntimeError as error:  # shapes that do not fit one another
        raise ValueError(f"{name}: expected the shape of a narrower network, got {tuple(old.shape)}") from error
    raise ValueError(f"{name}: a network with this weight cannot be widened yet")


def _split(weight: Tensor, parts: int) -> Tensor:
    """(rows, parts * D) as (rows, parts, D)."""
    return weight.clone().view(len(weight), parts, -1)


def _placed(there: Tensor, old: Tensor) -> Tensor:
    """`there`, with the old values in its first corner."""
    there[tuple(slice(size) for size in old.shape)] = old
    return there
