"""`training.safetensors`: what a run needs to go on, nested dicts and lists in one file of tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ponderling.checkpoint.errors import DAMAGE, CheckpointError, one_line
from ponderling.checkpoint.folders import TRAINING
from ponderling.checkpoint.tensor_files import read_metadata, read_safetensors, write_safetensors
from ponderling.system import appearing

TRAINING_FORMAT = 1
"""Version of training.safetensors."""


def save_training_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Writes nested dicts and lists of tensors and JSON values as one safetensors file; `load_training_state` reads it."""
    tensors: dict[str, Tensor] = {}
    outline = _take_apart(state, "", tensors=tensors)
    metadata = {"outline": json.dumps(outline), "format": str(TRAINING_FORMAT)}
    with appearing(folder) as place:
        write_safetensors(place / TRAINING, tensors, metadata=metadata)


def load_training_state(folder: Path) -> dict[str, Any]:
    """What `save_training_state` wrote, bit for bit."""
    path = folder / TRAINING
    if not path.is_file():
        raise CheckpointError(f"{path}: not there; there is no run to resume")
    tensors, metadata = read_safetensors(path), read_metadata(path)
    if metadata.get("format") != str(TRAINING_FORMAT):
        raise CheckpointError(f"{path}: format {metadata.get('format')}, this version reads {TRAINING_FORMAT}")
    try:
        return _put_together(json.loads(metadata["outline"]), tensors)
    except (*DAMAGE, StopIteration) as error:
        raise CheckpointError(f"{path}: its outline is damaged: {one_line(error)}") from error


def _take_apart(value: Any, name: str, *, tensors: dict[str, Tensor]) -> Any:
    """The value with every tensor replaced by its name; dict keys may be integers, as in optimizers' states."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {
            "items": [
                [key, _take_apart(item, f"{name}.{key}".strip("."), tensors=tensors)] for key, item in value.items()
            ]
        }
    if isinstance(value, list | tuple):
        return {"list": [_take_apart(item, f"{name}.{i}".strip("."), tensors=tensors) for i, item in enumerate(value)]}
    return {"value": value}


def _put_together(outline: Any, tensors: Mapping[str, Tensor]) -> Any:
    kind, content = next(iter(outline.items()))
    if kind == "tensor":
        return tensors[content]
    if kind == "items":
        return {key: _put_together(item, tensors) for key, item in content}
    if kind == "list":
        return [_put_together(item, tensors) for item in content]
    return content
