"""Networks of the user's own: what a checkpoint notes of them, and how one is put in the place of the package's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ponderling.config import ModelConfig, PuzzleShape
from ponderling.models.hrm import HRM
from ponderling.models.layers import BlockStack
from ponderling.models.relational import Relational
from ponderling.models.trm import TRM

Networks = nn.Module | Sequence[nn.Module]
"""One network in place of the block stack, or of two the one for z and the one for y."""


def note_of(model: nn.Module) -> dict[str, str]:
    """What a checkpoint says of a model that holds a network of the user's own; nothing of the package's.

    `own_network` names the class, for messages alone; `own_part` says whether that is the whole model or a net in it.
    """
    if type(model) not in (TRM, HRM, Relational):
        return {"own_network": _name_of(model), "own_part": "model"}
    networks = model.networks if isinstance(model, TRM | HRM) else ()
    own = dict.fromkeys(_name_of(net) for net in networks if isinstance(net, nn.Module) and type(net) is not BlockStack)
    return {"own_network": ", ".join(own), "own_part": "net"} if own else {}


def _name_of(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


def model_around(net: Networks, config: ModelConfig, *, shape: PuzzleShape) -> TRM | HRM:
    """The model of these settings, with networks of the user's own in place of its block stacks.

    Raises:
        TypeError: when what is given is not a module.
        ValueError: when the system takes another number of networks, or none.
    """
    nets: list[Any] = [net] if isinstance(net, nn.Module) else list(net) if isinstance(net, Sequence) else [net]
    for given in nets:
        if not isinstance(given, nn.Module):
            raise TypeError(f"net must be an nn.Module, not {given!r}: give an instance, such as net=MyModule()")
    if config.system == "relational":
        raise ValueError("a relational network has no block stack to replace: give a whole network as model")
    wanted = 2 if config.system == "hrm" or config.separate_networks else 1
    if len(nets) != wanted:
        what = "two networks, the one for z and the one for y" if wanted == 2 else "one network"
        raise ValueError(f"net must be {what} for system {config.system}: got {len(nets)}")
    if config.system == "hrm":
        return HRM(config, shape, net_L=nets[0], net_H=nets[1])
    return TRM(config, shape, net=nets[0], net_y=nets[1] if wanted == 2 else None)
