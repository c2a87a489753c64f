"""Checkpoints: `model.safetensors` and `config.json` in a folder; `training.safetensors` beside them to go on with a run.

A run folder holds two of them, `best` and `last`. Every file is written beside its place and moved there whole, so that
whatever happens, a full disk or `kill -9`, what was saved before stays readable. Nothing is pickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ponderling.config import DType, PuzzleShape, RunConfig, from_format_1, from_json, to_json
from ponderling.data import task_of
from ponderling.models import Model, build_model, refuse_other_shape
from ponderling.models.device import check_device
from ponderling.models.own_network import Networks, model_around
from ponderling.system import write_atomically
from ponderling.tasks import Task, get_task
from ponderling.tasks.own_code import admit

FORMAT = 2
"""Version of config.json; format 1, whose `train` also held what is now in `run` and `solve`, is still read."""

TRAINING_FORMAT = 1
"""Version of training.safetensors."""

MODEL, CONFIG, TRAINING = "model.safetensors", "config.json", "training.safetensors"
BEST, LAST = "best", "last"

CELLS_SURE = 0.9
"""With this probability in every cell `sudoku` was right whenever it stopped, on 4x4, 6x6 and 9x9; see dev/LOG.md."""

PACKAGED = Path(__file__).parent / "weights"
"""Trained weights that come with the package, a checkpoint folder with a card (README.md) for each name."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or does not fit; the message names the file and the reason."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A trained model with what it was trained as."""

    model: Model
    config: RunConfig
    shape: PuzzleShape
    info: dict[str, Any]
    """What is known of its making: step, scores, origin."""
    path: Path


def save_checkpoint(
    folder: str | Path, tensors: Mapping[str, Tensor], *, config: RunConfig, shape: PuzzleShape, info: Mapping[str, Any]
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
    *,
    dtype: DType | None = None,
    token: str | None = None,
    task: str | None = None,
    trust: bool = False,
    net: Networks | None = None,
    model: nn.Module | None = None,
) -> Checkpoint:
    """The model of a checkpoint, in evaluation mode.

    Args:
        name: A checkpoint folder, a run folder (its best checkpoint, else its last), the name of packaged weights or a Hub
            repository `owner/name`.
        device: Where the model goes; looked at before anything is loaded.
        dtype: Activations' type in place of the checkpoint's own.
        token: Hub token for a private repository.
        task: Another puzzle family than the checkpoint was trained on; the weights of a relational network
            fit all of them, those that mix neighbours other sizes. Or its own name, `module:attribute`, of a task of yours.
        trust: Let the checkpoint name Python code, a task or a checker of the user's own, that is imported. Without it that is
            done only for runs that were made here; see `tasks.own_code.admit`.
        net: A network of your own, as it was trained in place of TRM's block stack; of HRM, or with separate networks, a pair:
            the one for z and the one for y. The weights are loaded into it.
        model: A whole network of your own, with the two methods of `models.interface.RecursiveModel`; `dtype` does not
            concern it.

    Raises:
        CheckpointError: when there is no such checkpoint, or it is damaged, or of another shape, or cannot change its task, or
            names code that is not there or not trusted.
        ValueError: when the device is not there, or both net and model are given, or net does not suit the system.
    """
    check_device(device)
    if net is not None and model is not None:
        raise ValueError("give either net, in place of the block stack, or model, the whole network")
    folder = find_checkpoint(name, token)
    config, shape, info = read_config(folder)
    admit_code(config, info, folder=folder, asked=() if task is None else (task,), trust=trust)
    if dtype is not None:
        config = replace(config, model=replace(config.model, dtype=dtype))
    relations = task_of(config.data).relations if config.model.system == "relational" else None
    if task is not None and task != config.data.task:
        if net is not None or model is not None:
            raise CheckpointError(f"{folder}: a network of your own is tied to its task {config.data.task}: got {task}")
        other = get_task(task)
        _check_transfer(folder, config, other=other)
        (rows, columns), relations = other.grid_shape, other.relations
        if relations is not None and rows * columns != shape.seq_len:
            # The halting head never stops on a size that it was not trained on, so the cells say when to stop.
            config = replace(config, solve=replace(config.solve, halt_by="cells", halt_when_sure=CELLS_SURE))
        shape = replace(shape, vocab_size=other.vocab_size, seq_len=rows * columns, columns=columns)
        config = replace(config, data=replace(config.data, task=task))
    if model is not None:
        refuse_other_shape(model, shape)
        built: Any = model
    elif net is not None:
        built = model_around(net, config.model, shape=shape)
    else:
        _need_own_network(folder, info)
        built = build_model(config.model, shape, relations=relations)
    load_weights(built, read_safetensors(folder / MODEL), path=folder / MODEL)
    return Checkpoint(model=built.to(device).eval(), config=config, shape=shape, info=info, path=folder)


def _need_own_network(folder: Path, info: Mapping[str, Any]) -> None:
    """Refuses a checkpoint whose network is not the package's, which no file can bring along."""
    name = info.get("own_network")
    if name is None:
        return
    part = "model" if info.get("own_part") == "model" else "net"
    known = name if isinstance(name, str) and re.fullmatch(r"[\w.<>, ]{1,200}", name) else "unnamed"
    raise CheckpointError(
        f"{folder}: was trained with a network of your own, {known}, which a checkpoint does not hold: give it, in Python "
        f"as {part}=MyModule(), on the command line as --net module:attribute"
    )


def admit_code(
    config: RunConfig,
    info: Mapping[str, Any],
    *,
    folder: Path,
    asked: Collection[str] = (),
    trust: bool = False,
    advice: str | None = None,
) -> None:
    """Refuses a config that names Python code which the user neither asked for nor trusts, before any of it is imported.

    Args:
        config: As it was read from a checkpoint.
        info: The checkpoint's; `code` says where the run's code lay.
        folder: The checkpoint's.
        asked: Names of code that the user gave.
        trust: Whether the user trusts the checkpoint.
        advice: How the user can allow a name, for the message; None: as `load_checkpoint` is told.

    Raises:
        CheckpointError: saying what to do.
    """
    noted = info.get("code")
    for name in own_code(config):
        how = "say --trust (trust=True) if you trust it"
        if name == config.data.task:
            how += f", or --task {name} (task={name!r}) if that is the task that you mean"
        try:
            admit(
                name,
                noted=noted if isinstance(noted, dict) else {},
                where=folder,
                trust=trust,
                asked=name in asked,
                advice=advice or how,
            )
        except ValueError as error:
            raise CheckpointError(str(error)) from error


def own_code(config: RunConfig) -> list[str]:
    """The Python code, `module:attribute`, that a run's settings name: its task's and its checker's."""
    names = [config.data.task] if ":" in config.data.task else []
    return names + ([] if config.data.check is None else [config.data.check])


def _check_transfer(folder: Path, config: RunConfig, *, other: Task) -> None:
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
    found = local_checkpoint(path)
    if found is None and str(name) == path.name:
        found = local_checkpoint(PACKAGED / path.name)
    if found is not None:
        return found
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


def local_checkpoint(path: Path) -> Path | None:
    """The checkpoint folder that a run folder or checkpoint folder means: its best, its last, or the folder itself."""
    return next((folder for folder in (path / BEST, path / LAST, path) if (folder / CONFIG).is_file()), None)


def list_weights() -> list[str]:
    """Names of the trained weights that come with the package."""
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
        shape = from_json(PuzzleShape, header["shape"], where="shape")
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error
    info = header.get("info", {})
    if not isinstance(info, dict):
        raise CheckpointError(f"{path}: info must be an object: got {type(info).__name__}")
    return config, shape, info


def load_weights(model: torch.nn.Module, tensors: Mapping[str, Tensor], *, path: str | Path) -> None:
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
            f"{path}: {'; '.join(problems)}. Was it trained with another network? Give one of your own as net=MyModule(), on "
            "the command line as --net module:attribute. Official checkpoints are read by `ponderling import`"
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


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], *, metadata: dict[str, str] | None = None) -> None:
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
    outline = _take_apart(state, "", tensors=tensors)
    write_safetensors(
        folder / TRAINING, tensors, metadata={"outline": json.dumps(outline), "format": str(TRAINING_FORMAT)}
    )


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
