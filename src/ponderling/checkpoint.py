"""Checkpoints: `model.safetensors` and `config.json` in a folder; `training.safetensors` beside them to go on with a run.

A run folder holds two of them, `best` and `last`. Every file is written beside its place and moved there whole, so that
whatever happens, a full disk or `kill -9`, what was saved before stays readable. Nothing is pickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ponderling.config import DType, PuzzleShape, RunConfig, from_format_1, from_json, to_json
from ponderling.data import task_of
from ponderling.models import Model, build_model
from ponderling.system import write_atomically
from ponderling.tasks import Task, get_task

FORMAT = 2
"""Version of config.json; format 1, whose `train` also held what is now in `run` and `solve`, is still read."""

TRAINING_FORMAT = 1
"""Version of training.safetensors."""

MODEL, CONFIG, TRAINING = "model.safetensors", "config.json", "training.safetensors"
BEST, LAST = "best", "last"

CELLS_SURE = 0.9
"""Cell probability from which `sudoku` was always right when it stopped, on 4x4, 6x6 and 9x9; see dev/LOG.md."""

PACKAGED = Path(__file__).parent / "weights"
"""Trained weights that come with the package, a checkpoint folder with a card (README.md) for each name."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or does not fit; the message names the file and the reason."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained model with the settings it was trained with."""

    model: Model
    config: RunConfig
    shape: PuzzleShape
    info: dict[str, Any]
    """Facts about how the model was made: step, scores, origin."""
    path: Path


def save_checkpoint(
    folder: str | Path, tensors: Mapping[str, Tensor], config: RunConfig, shape: PuzzleShape, info: Mapping[str, Any]
) -> None:
    """Writes a model's state dict, its config and what is known of it into the folder, replacing what is there.

    Raises:
        OSError: when it cannot be written; the checkpoint that was there before is intact.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    header = {"format": FORMAT, "config": to_json(config), "shape": to_json(shape), "info": dict(info)}
    write_safetensors(folder / MODEL, tensors)
    write_atomically(folder / CONFIG, lambda path: path.write_text(json.dumps(header, indent=2) + "\n"))


def load_checkpoint(
    name: str | Path,
    device: torch.device | str = "cpu",
    dtype: DType | None = None,
    token: str | None = None,
    task: str | None = None,
) -> Checkpoint:
    """Loads the model of a checkpoint, in evaluation mode.

    Args:
        name: A checkpoint folder, a run folder (its best checkpoint, else its last), the name of packaged weights or a Hub
            repository `owner/name`.
        device: The device to put the model on.
        dtype: The type of the activations; None: the checkpoint's own.
        token: Hub token for a private repository.
        task: A puzzle family other than the trained one. The weights of a relational network fit every family with the
            same relations; if they mix neighbours, only other sizes of the same family.

    Raises:
        CheckpointError: when the checkpoint is missing, damaged or of another shape, or cannot change its task.
    """
    folder = find_checkpoint(name, token)
    config, shape, info = read_config(folder)
    if dtype is not None:
        config = replace(config, model=replace(config.model, dtype=dtype))
    relations = task_of(config.data).relations if config.model.system == "relational" else None
    if task is not None and task != config.data.task:
        other = get_task(task)
        _check_transfer(folder, config, other)
        (rows, columns), relations = other.grid_shape, other.relations
        if relations is not None and rows * columns != shape.seq_len:
            # The halting head never stops on a size that it was not trained on, so the cells say when to stop.
            config = replace(config, solve=replace(config.solve, halt_by="cells", halt_when_sure=CELLS_SURE))
        shape = replace(shape, vocab_size=other.vocab_size, seq_len=rows * columns, columns=columns)
        config = replace(config, data=replace(config.data, task=task))
    model = build_model(config.model, shape, relations=relations)
    load_weights(model, read_safetensors(folder / MODEL), folder / MODEL)
    return Checkpoint(model.to(device).eval(), config, shape, info, folder)


def _check_transfer(folder: Path, config: RunConfig, other: Task) -> None:
    """Refuses a puzzle family that the weights do not fit.

    Relational networks fit any whose relations have the same names, those that mix neighbours the same kind in any size.
    """
    own = task_of(config.data)
    if config.model.system == "relational":
        if (
            own.relations is None
            or other.relations is None
            or other.relations.groups.keys() != own.relations.groups.keys()
        ):
            raise CheckpointError(f"{folder}: {other.name} does not declare the relations of {config.data.task}")
    elif config.model.mixer == "neighbours":
        if type(other) is not type(own) or other.vocab_size != own.vocab_size:
            raise CheckpointError(f"{folder}: knows puzzles of the kind {config.data.task}, which {other.name} is not")
    else:
        raise CheckpointError(
            f"{folder}: a network of system {config.model.system} with mixer {config.model.mixer} is tied to its task "
            f"{config.data.task}: cannot use --task {other.name}; relational networks and mixer neighbours can"
        )


def find_checkpoint(name: str | Path, token: str | None = None) -> Path:
    """The folder with `config.json` and `model.safetensors` that a name means; fetched first if it is on the Hub."""
    path = Path(name)
    for folder in (path, path / BEST, path / LAST, PACKAGED / path.name if str(name) == path.name else path):
        if (folder / CONFIG).is_file():
            return folder
    if path.is_file():
        hint = (
            "official checkpoints are read by `ponderling import`"
            if path.suffix != ".safetensors"
            else "name its folder"
        )
        raise CheckpointError(f"{path}: a checkpoint is a folder with {CONFIG} and {MODEL}, this is a file; {hint}")
    if path.is_dir():
        raise CheckpointError(
            f"{path}: no {CONFIG} in it, nor in {BEST} or {LAST} below it: not a checkpoint or run folder"
        )
    if re.fullmatch(r"[\w.-]+/[\w.-]+", str(name)):
        return _fetch(str(name), token)
    raise CheckpointError(
        f"{name}: no such checkpoint; give a run folder, a checkpoint folder, packaged weights "
        f"({', '.join(list_weights())}) or a Hub repository owner/name"
    )


def list_weights() -> list[str]:
    """Lists the names of the trained weights that come with the package."""
    return sorted(folder.parent.name for folder in PACKAGED.glob(f"*/{CONFIG}"))


def _fetch(repo: str, token: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo, allow_patterns=[MODEL, CONFIG], token=token))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{repo}: no such folder here, and not to be had from the Hub: {reason}") from error


def read_config(folder: Path) -> tuple[RunConfig, PuzzleShape, dict[str, Any]]:
    """The run's config, the puzzles' shape and the further facts in `config.json`."""
    path = folder / CONFIG
    try:
        header = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error
    if not isinstance(header, dict) or not {"format", "config", "shape"} <= header.keys():
        raise CheckpointError(
            f"{path}: not a config of a Ponderling checkpoint: format, config and shape must be there"
        )
    if header["format"] not in (1, FORMAT):
        raise CheckpointError(
            f"{path}: format {header['format']}, this version reads 1 and {FORMAT}: upgrade ponderling"
        )
    try:
        values = from_format_1(header["config"]) if header["format"] == 1 else header["config"]
        config = from_json(RunConfig, values)
        shape = from_json(PuzzleShape, header["shape"], "shape")
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return config, shape, header.get("info", {})


def load_weights(model: torch.nn.Module, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Loads a state dict; missing, unexpected and misshapen tensors are reported together.

    Raises:
        CheckpointError: naming the path and every such tensor (the first few of each kind).
    """
    own = model.state_dict()
    missing, unexpected = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    shapes = [
        f"{key} {tuple(tensors[key].shape)} for {tuple(own[key].shape)}"
        for key in sorted(own.keys() & tensors.keys())
        if own[key].shape != tensors[key].shape
    ]
    problems = [
        f"{kind} {_first(keys)}"
        for kind, keys in (("missing", missing), ("unexpected", unexpected), ("wrong shape", shapes))
        if keys
    ]
    if problems:
        raise CheckpointError(
            f"{path}: {'; '.join(problems)}. Was it saved by another model? See `ponderling import --help`."
        )
    model.load_state_dict(dict(tensors))


def _first(items: list[str], count: int = 4) -> str:
    return ", ".join(items[:count]) + (f" and {len(items) - count} more" if len(items) > count else "")


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file."""
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: not there; the checkpoint is incomplete") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path}: truncated or not a safetensors file ({error})") from error


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Writes the tensors to a safetensors file, whole or not at all."""
    plain = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}

    def write(temporary: Path) -> None:
        try:
            save_file(plain, temporary, metadata)
        except SafetensorError as error:  # it hides the OSError of a full disk
            raise OSError(f"{path}: cannot be written: {error}; the file that was there before is intact") from error

    write_atomically(path, write)


def save_training_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Writes nested dicts and lists of tensors and JSON values as one safetensors file; `load_training_state` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    outline = _take_apart(state, "", tensors)
    write_safetensors(folder / TRAINING, tensors, {"outline": json.dumps(outline), "format": str(TRAINING_FORMAT)})


def load_training_state(folder: Path) -> dict[str, Any]:
    """What `save_training_state` wrote, bit for bit."""
    path = folder / TRAINING
    if not path.is_file():
        raise CheckpointError(f"{path}: not there; there is no run to resume")
    tensors = read_safetensors(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    if metadata.get("format") != str(TRAINING_FORMAT):
        raise CheckpointError(f"{path}: format {metadata.get('format')}, this version reads {TRAINING_FORMAT}")
    return _put_together(json.loads(metadata["outline"]), tensors)


def _take_apart(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """The value with every tensor replaced by its name; dict keys may be integers, as in optimizers' states."""
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[key, _take_apart(item, f"{name}.{key}".strip("."), tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_take_apart(item, f"{name}.{i}".strip("."), tensors) for i, item in enumerate(value)]}
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
