"""The official repositories' keys and settings beside ours, as tables: what makes their checkpoints and ours one format.

TRM: SamsungSAILMontreal/TinyRecursiveModels; HRM: sapientinc/HRM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ponderling.config import System

PREFIXES = ("_orig_mod.model.inner.", "model.inner.", "inner.")
"""What stands before a key: with torch.compile, without it, and of the bare model."""

# Ours beside theirs. Where a name holds a number, it is the block's.
KEYS = [
    ("embedding.weight", "embed_tokens.embedding_weight"),
    ("positions.weight", "embed_pos.embedding_weight"),
    ("answer_head.weight", "lm_head.weight"),
    ("halt_head.weight", "q_head.weight"),
    ("halt_head.bias", "q_head.bias"),
    ("puzzle_embedding.table", "puzzle_emb.weights"),
]
NETWORKS: dict[System, list[tuple[str, str]]] = {
    "trm": [("net", "L_level")],
    "hrm": [("net_L", "L_level"), ("net_H", "H_level")],
}
BLOCK_KEYS = [
    ("attention.qkv.weight", "self_attn.qkv_proj.weight"),
    ("attention.output.weight", "self_attn.o_proj.weight"),
    ("mix_positions.mlp.gate_up.weight", "mlp_t.gate_up_proj.weight"),
    ("mix_positions.mlp.down.weight", "mlp_t.down_proj.weight"),
    ("mlp.gate_up.weight", "mlp.gate_up_proj.weight"),
    ("mlp.down.weight", "mlp.down_proj.weight"),
]
INITIAL = ("H_init", "L_init")
"""Their two initial states are the rows of our `initial`."""


def official_key(ours: str, system: System) -> str | None:
    """Their name, without prefix, of our tensor; None where they have none."""
    return _translate(ours, system, 0)


def our_key(theirs: str, system: System) -> str | None:
    """Our name of their tensor, given without prefix; None where we have none."""
    return _translate(theirs, system, 1)


def _translate(key: str, system: System, side: int) -> str | None:
    for pair in KEYS:
        if key == pair[side]:
            return pair[1 - side]
    for network in NETWORKS[system]:
        match = re.fullmatch(rf"{network[side]}\.layers\.(\d+)\.(.+)", key)
        for pair in BLOCK_KEYS:
            if match and match[2] == pair[side]:
                return f"{network[1 - side]}.layers.{match[1]}.{pair[1 - side]}"
    return None


def to_ours(official: Mapping[str, Tensor], system: System) -> dict[str, Tensor]:
    """Our state dict from theirs, keys without prefix.

    Raises:
        KeyError: for a key that neither system has.
    """
    ours: dict[str, Tensor] = {"initial": torch.stack([official[name] for name in INITIAL])}
    for key, tensor in official.items():
        if key in INITIAL:
            continue
        name = our_key(key, system)
        if name is None:
            raise KeyError(key)
        ours[name] = tensor
    return ours
