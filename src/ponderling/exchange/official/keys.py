"""The official keys and settings beside ours, as tables, and state dicts carried from one to the other."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ponderling.checkpoint import CheckpointError
from ponderling.config import LossName, System

PREFIXES = ("_orig_mod.model.inner.", "model.inner.", "inner.")
"""What stands before a key: with torch.compile, without it, and of the bare model."""

CONFIG_FILE = "all_config.yaml"

OURS_FILE = "ponderling.json"
"""What the official files do not say, of a checkpoint that we wrote: the puzzle family and the number of cells."""

# Each pair is our name and theirs.
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
"""Their two initial states are the rows of our `initial`: y starts from H_init, z from L_init."""

LOSSES: list[tuple[LossName, str]] = [
    ("stablemax", "stablemax_cross_entropy"),
    ("softmax", "softmax_cross_entropy"),
]
# Fields of TrainConfig beside those at the top of all_config.yaml.
TRAIN_SETTINGS = [
    ("batch_size", "global_batch_size"),
    ("lr", "lr"),
    ("lr_min_ratio", "lr_min_ratio"),
    ("warmup_steps", "lr_warmup_steps"),
    ("weight_decay", "weight_decay"),
    ("beta1", "beta1"),
    ("beta2", "beta2"),
    ("puzzle_lr", "puzzle_emb_lr"),
    ("puzzle_weight_decay", "puzzle_emb_weight_decay"),
    ("seed", "seed"),
]
# Fields beside those of its section `arch`.
ARCH_TRAIN_SETTINGS = [("N_sup", "halt_max_steps"), ("halt_exploration", "halt_exploration_prob")]
ARCH_MODEL_SETTINGS = [
    ("hidden_size", "hidden_size"),
    ("num_heads", "num_heads"),
    ("expansion", "expansion"),
    ("positions", "pos_encodings"),
    ("n", "L_cycles"),
    ("T", "H_cycles"),
    ("num_layers", "L_layers"),
    ("puzzle_embedding_size", "puzzle_emb_ndim"),
]


def official_key(ours: str, system: System) -> str | None:
    """Their name, without prefix, of our tensor; None where they have none."""
    return _translate(ours, system, side=0)


def our_key(theirs: str, system: System) -> str | None:
    """Our name of their tensor, given without prefix; None where we have none."""
    return _translate(theirs, system, side=1)


def _translate(key: str, system: System, *, side: int) -> str | None:
    for pair in KEYS:
        if key == pair[side]:
            return pair[1 - side]
    for network in NETWORKS[system]:
        match = re.fullmatch(rf"{network[side]}\.layers\.(\d+)\.(.+)", key)
        for pair in BLOCK_KEYS:
            if match and match[2] == pair[side]:
                return f"{network[1 - side]}.layers.{match[1]}.{pair[1 - side]}"
    return None


def to_ours(official: Mapping[str, Tensor], system: System, *, where: str = "the checkpoint") -> dict[str, Tensor]:
    """Our state dict from theirs, keys without prefix.

    Raises:
        CheckpointError: naming the keys that neither system has.
    """
    missing = [name for name in INITIAL if name not in official]
    unknown = [key for key in official if key not in INITIAL and our_key(key, system) is None]
    if missing or unknown:
        problems = [
            f"{what} {', '.join(keys[:4])}" for what, keys in (("missing", missing), ("unknown", unknown)) if keys
        ]
        raise CheckpointError(f"{where}: not an official {system.upper()} checkpoint: {'; '.join(problems)}")
    ours = {our_key(key, system) or "": tensor for key, tensor in official.items() if key not in INITIAL}
    return {"initial": torch.stack([official[name] for name in INITIAL]), **ours}


def to_official(ours: Mapping[str, Tensor], system: System) -> dict[str, Tensor]:
    """Their state dict, keys without prefix, from ours.

    Raises:
        ValueError: for a tensor that the official code has no place for.
    """
    if "initial" not in ours or len(ours["initial"]) != len(INITIAL):
        raise ValueError("the official code needs two initial states, of y and of z, and there are others or none")
    official: dict[str, Tensor] = dict(zip(INITIAL, ours["initial"].unbind(), strict=True))
    for key, tensor in ours.items():
        if key == "initial":
            continue
        name = official_key(key, system)
        if name is None:
            raise ValueError(f"the official code has no place for {key}")
        official[name] = tensor
    return official
