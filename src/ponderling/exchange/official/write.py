"""Writing a checkpoint for the official code: its weights, its YAML and the names of its ARC tasks."""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from ponderling.config import ModelConfig, PuzzleShape, RunConfig
from ponderling.exchange.official.keys import (
    ARCH_MODEL_SETTINGS,
    ARCH_TRAIN_SETTINGS,
    CONFIG_FILE,
    LOSSES,
    OURS_FILE,
    PREFIXES,
    TRAIN_SETTINGS,
    to_official,
)
from ponderling.system import must_be_new, write_together
from ponderling.tasks.arc.identifiers import Identifiers
from ponderling.tasks.arc.official_names import names_of
from ponderling.tasks.official_layout import NAMES


def to_yaml(config: RunConfig, kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings as the official all_config.yaml has them; what we do not model is taken from `kept`, an imported YAML.

    Raises:
        ValueError: for a model that the official code cannot be.
    """
    model, train = config.model, config.train
    reasons = [
        f"{name} {getattr(model, name)}"
        for name, only in (("latents", "two"), ("inner_multiple", 256), ("rms_norm_eps", 1e-5), ("rope_theta", 10000.0))
        if getattr(model, name) != only
    ]
    if model.system == "trm":
        reasons += [f"{n} {v}" for n, v, only in _trm_only(model) if v != only]
    if train.loss == "stablemax_float32":
        train = replace(train, loss="stablemax")  # the same loss to 1e-6
    if model.prefix_len != _official_prefix(model):
        reasons.append(f"prefix_len {model.prefix_len} with puzzle_embedding_size {model.puzzle_embedding_size}")
    if reasons:
        raise ValueError(f"the official code cannot be given a model with {', '.join(reasons)}")
    settings: dict[str, Any] = {key: value for key, value in (kept or {}).items() if key != "arch"}
    old_arch = dict((kept or {}).get("arch", {}))
    trm = model.system == "trm"
    name = (
        "recursive_reasoning.trm@TinyRecursiveReasoningModel_ACTV1"
        if trm
        else "hrm.hrm_act_v1@HierarchicalReasoningModel_ACTV1"
    )
    arch: dict[str, Any] = {"name": name, "loss": {"name": "losses@ACTLossHead"}, **old_arch}
    arch["loss"] = {**arch["loss"], "loss_type": dict(LOSSES)[train.loss]}
    arch |= {theirs: getattr(model, ours) for ours, theirs in ARCH_MODEL_SETTINGS}
    arch |= {theirs: getattr(train, ours) for ours, theirs in ARCH_TRAIN_SETTINGS}
    arch["H_layers"] = 0 if trm else model.layers_H
    if trm:
        arch |= {
            "mlp_t": model.mixer == "mlp",
            "puzzle_emb_len": model.prefix_len,
            "no_ACT_continue": train.halting == "halt",
            "forward_dtype": model.dtype,
        }
        settings |= {"ema": train.ema_rate > 0, "ema_rate": train.ema_rate or settings.get("ema_rate", 0.999)}
    elif model.dtype != "bfloat16" or "forward_dtype" in old_arch:
        arch["forward_dtype"] = model.dtype
    settings |= {theirs: getattr(train, ours) for ours, theirs in TRAIN_SETTINGS}
    return {"arch": _like(arch, old_arch), **_like(settings, kept or {})}


def _like(settings: dict[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, each as it stood in the imported YAML where it is equal to it: 4, not 4.0."""
    return {key: kept[key] if key in kept and kept[key] == value else value for key, value in settings.items()}


def _trm_only(model: ModelConfig) -> list[tuple[str, Any, Any]]:
    return [
        ("gradient", model.gradient, "full"),
        ("separate_networks", model.separate_networks, False),
    ]


def _official_prefix(model: ModelConfig) -> int:
    """The prefix that the official code would make of these settings."""
    if model.puzzle_embedding_size == 0:
        return 0
    filled = math.ceil(model.puzzle_embedding_size / model.hidden_size)
    return filled if model.system == "hrm" else model.prefix_len or filled


def write_official(
    folder: str | Path,
    tensors: Mapping[str, Tensor],
    *,
    config: RunConfig,
    info: Mapping[str, Any] | None = None,
    prefix: str | None = None,
    shape: PuzzleShape | None = None,
) -> Path:
    """Writes our state dict as an official checkpoint: `step_N`, or the name it was imported from, and its YAML.

    Of an ARC model that knows its tasks by name `identifiers.json` is written too; with the shape also `ponderling.json`, so
    that an import need not ask for what neither of the official files says.

    Args:
        folder: Made if need be; files that are there already are not overwritten.
        tensors: Our state dict.
        config: The run's config.
        info: The checkpoint's `info`: name, prefix and YAML of an imported one are used again.
        prefix: One of `PREFIXES`; None: that of the import, or with torch.compile.
        shape: The puzzles'.

    Returns:
        The file of weights.

    Raises:
        ValueError: for a model that the official code cannot be.
        FileExistsError: rather than overwrite.
    """
    info = info or {}
    settings = to_yaml(config, _kept(info))
    noted = info.get("prefix")
    start = (noted if noted in (*PREFIXES, "") else PREFIXES[0]) if prefix is None else prefix
    state = OrderedDict(
        (start + key, value.clone()) for key, value in to_official(tensors, config.model.system).items()
    )
    folder = Path(folder)
    file = folder / _name(info)
    names = Identifiers.from_json(info["identifiers"]) if "identifiers" in info else None
    texts = {CONFIG_FILE: yaml.safe_dump(settings)} | ({} if names is None else {NAMES: json.dumps(names_of(names))})
    if shape is not None:
        texts[OURS_FILE] = json.dumps(_told(config, shape)) + "\n"
    must_be_new(file, *(folder / name for name in texts), advice="choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    writes: dict[Path, Callable[[Path], object]] = {
        folder / name: lambda path, text=text: path.write_bytes(text.encode()) for name, text in texts.items()
    }
    write_together({**writes, file: lambda path: _save(state, path)})
    return file


def _kept(info: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The YAML of an imported checkpoint.

    Raises:
        ValueError: when it is damaged.
    """
    kept = info.get("official")
    arch = {} if kept is None else kept.get("arch", {}) if isinstance(kept, dict) else None
    if not isinstance(arch, dict) or not isinstance(arch.get("loss", {}), dict):
        raise ValueError("the checkpoint's info.official is damaged: expected an official YAML with a section arch")
    return kept


def _name(info: Mapping[str, Any]) -> str:
    """The name of the file of weights; nothing that a checkpoint's config says can lead out of the folder."""
    origin, step = info.get("origin"), info.get("step")
    if isinstance(origin, str) and re.fullmatch(r"step_[0-9]+|checkpoint", origin):
        return origin
    return f"step_{step if isinstance(step, int) and step >= 0 else 0}"


def _told(config: RunConfig, shape: PuzzleShape) -> dict[str, Any]:
    """The number of cells, and the puzzle family where its name alone says what it is."""
    told: dict[str, Any] = {"seq_len": shape.seq_len}
    task = config.data.family
    if config.data.grid is None and task != "unknown" and ":" not in task:
        told["task"] = task
    return told


def _save(state: Mapping[str, Tensor], path: Path) -> None:
    with path.open("wb") as file:  # given a path, torch writes its name into the file
        torch.save(state, file)
