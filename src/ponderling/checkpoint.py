"""Checkpoints: `model.safetensors` and `config.json` in a folder; `training.safetensors` beside them to go on with a run.

A run folder holds two of them, `best` and `last`. Every file is written beside its place and moved there whole, so that
whatever happens, a full disk or `kill -9`, what was saved before stays readable. Nothing is pickled.

What is known of weights, such as their step and their figures, is in the file of the weights itself, so that both change in
one step. `config.json` holds a copy for people and for the Hub.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ponderling.config import (
    DType,
    ModelConfig,
    PuzzleShape,
    RunConfig,
    from_format_1,
    from_json,
    parse_json,
    read_bounded,
    to_json,
)
from ponderling.config.numbers import is_finite, shown
from ponderling.data import task_of
from ponderling.models import Model, Reasoner, Relational, build_model, refuse_other_shape
from ponderling.models.device import check_device
from ponderling.models.own_network import Networks, model_around
from ponderling.models.relational import same_network
from ponderling.system import appearing, remove_leftovers, write_atomically
from ponderling.tasks import Task, get_task
from ponderling.tasks.arc.identifiers import Identifiers
from ponderling.tasks.base import Relations
from ponderling.tasks.own_code import admit

FORMAT = 2
"""Version of config.json; format 1, whose `train` also held what is now in `run` and `solve`, is still read."""

TRAINING_FORMAT = 1
"""Version of training.safetensors."""

MODEL, CONFIG, TRAINING = "model.safetensors", "config.json", "training.safetensors"
BEST, LAST = "best", "last"
METRICS, TEST, SEEN = "metrics.jsonl", "test.npz", "seen.safetensors"
TENSORBOARD = "tensorboard"

FILES = (MODEL, CONFIG, TRAINING)
"""What a checkpoint folder may hold."""

MOST_INFO = 1 << 24
"""Largest size, in bytes, of what is known of a model, written as JSON."""

FIGURES = ("step", "seconds", "validation")
"""Facts that describe the very weights beside them."""

OF_THIS_MACHINE = ("code", "files")
"""Facts that are paths of the machine that a checkpoint was made on, and no business of others."""

IN_CONFIG_ALONE = (*OF_THIS_MACHINE, "test")
"""Facts that are not in the file of the weights, which is the same file once it is pushed."""

CELLS_SURE = 0.9
"""With this probability in every cell `sudoku` was right whenever it stopped, on 4x4, 6x6 and 9x9; see dev/LOG.md."""

SEVERAL_SIZES = 3
"""Number of sizes in training from which on the halting head is asked on other sizes, too: a head that knows several mazes'
sizes was right on larger ones whenever it was sure; one that knows 9x9 Sudokus alone never stops elsewhere (dev/LOG.md)."""

PACKAGED = Path(__file__).parent / "weights"
"""Trained weights that come with the package, a checkpoint folder with a card (README.md) for each name."""


HUB = "hf:"
"""What the name of a repository on the Hugging Face Hub begins with: `hf:owner/name` or `hf:owner/name@revision`."""

MOST_TABLES = 2**29
"""Largest size of the tables, such as those of rotary positions, that a model makes besides its weights, in bytes."""

DAMAGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading a damaged or hostile file may raise somewhere."""


Layout = Mapping[str, tuple[tuple[int, ...], bool]]
"""The shape of each tensor, and whether it holds floating-point numbers."""


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

    A folder that is not there yet appears with both files in it. Where there is one, the weights are replaced first.

    Raises:
        OSError: when it cannot be written; the checkpoint that was there before is intact.
        ValueError: when info is not JSON or too large; nothing is written.
    """
    try:
        text = json.dumps(dict(info), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"info must be JSON values: {error}") from error
    if len(text) > MOST_INFO:
        raise ValueError(f"info must be at most {MOST_INFO:,} bytes of JSON: got {len(text):,}")
    plain = json.loads(text)
    known = json.dumps({name: value for name, value in plain.items() if name not in IN_CONFIG_ALONE})
    header = {
        "format": FORMAT,
        "config": to_json(config),
        "shape": to_json(shape),
        "info": plain,
        "copied": _digest(known),
    }
    config_text = json.dumps(header, indent=2) + "\n"
    with appearing(Path(folder)) as place:
        write_safetensors(place / MODEL, tensors, metadata={"info": known})
        write_atomically(place / CONFIG, lambda path: path.write_text(config_text, encoding="utf-8"))


def _digest(text: str) -> str:
    """Tells whether `config.json` is of the same save as the weights beside it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _info_of(folder: Path, copy: dict[str, Any], *, copied: Any, shape: PuzzleShape) -> dict[str, Any]:
    """What is known of the weights in a folder: what config.json says, if it was written with them.

    A run that was killed between the two files leaves the config of older weights; what the weights say themselves then
    counts. Figures always come from there.

    Args:
        folder: Holds the weights, or not.
        copy: What its config.json says.
        copied: The digest of what the weights said when config.json was written.
        shape: The puzzles'.

    Raises:
        CheckpointError: naming the file of the weights, when what it says cannot be read.
    """
    path = folder / MODEL
    known = _metadata(path).get("info") if path.is_file() else None
    if known is None:  # older checkpoints
        return copy
    try:
        if len(known) > MOST_INFO:
            raise ValueError(f"info: expected at most {MOST_INFO:,} bytes, got {len(known):,}")
        own = _checked_info(parse_json(known), shape)
    except DAMAGE as error:
        raise CheckpointError(f"{path}: what it says of its weights: {one_line(error)}") from error
    if copied != _digest(known):
        return {**{name: copy[name] for name in OF_THIS_MACHINE if name in copy}, **own}
    return {**copy, **{name: own[name] for name in FIGURES if name in own}}


def _metadata(path: Path) -> dict[str, str]:
    """The texts in the header of a safetensors file."""
    with _reading_tensors(path), safe_open(path, "pt") as file:
        return file.metadata() or {}


def occupied_by(folder: Path) -> Path | None:
    """The first thing in a folder that a run, or another checkpoint, has left there; None where a run may begin."""
    root = (*FILES, METRICS, TEST, SEEN, TENSORBOARD)
    found = [folder / name for name in root if os.path.lexists(folder / name)]
    for part in (folder / BEST, folder / LAST):
        if os.path.lexists(part):
            found += sorted(part.iterdir()) if part.is_dir() else [part]
    return min(found, key=lambda path: path.name not in FILES, default=None)


def refuse_occupied(folder: Path, *, advice: str = "choose another --out") -> None:
    """Refuses to begin anything in a folder that holds a checkpoint, a run, or what is left of one.

    Raises:
        FileExistsError: naming what is there.
    """
    found = occupied_by(folder)
    if found is None:
        return
    if found.parent == folder and found.name in (CONFIG, MODEL):
        what = "a checkpoint"
    elif found.name in FILES:
        what = "a run"
    else:
        what = str(found.relative_to(folder))
    raise FileExistsError(f"{folder} holds {what} already: {advice}")


def clear_leftovers(folder: Path) -> None:
    """Deletes what killed processes left half written in a run folder, and its parts that are empty."""
    remove_leftovers(folder, (*FILES, METRICS, TEST, SEEN, BEST, LAST))
    for part in (folder / BEST, folder / LAST):
        remove_leftovers(part, FILES)
        if part.is_dir() and not part.is_symlink():
            with contextlib.suppress(OSError):  # it holds something
                part.rmdir()


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
            repository `hf:owner/name`, `hf:owner/name@revision` for a branch, a tag or a commit.
        device: Where the model goes; looked at before anything is loaded.
        dtype: Activations' type in place of the checkpoint's own.
        token: Hub token for a private repository.
        task: Another puzzle family than the checkpoint was trained on; the weights of a relational network
            fit all of them, those that mix neighbours other sizes. Or its own name, `module:attribute`, of a task of yours.
        trust: Let the checkpoint name Python code, a task or a checker of the user's own, that is imported.
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
    relations = None
    if config.model.system == "relational":
        try:
            relations = task_of(config.data).relations
        except ValueError as error:
            raise CheckpointError(f"{folder / CONFIG}: config.data: {one_line(error)}") from error
    if task is not None and task != config.data.family:
        if net is not None or model is not None:
            raise CheckpointError(f"{folder}: a network of your own is tied to its task {config.data.task}: got {task}")
        other = get_task(task)
        _check_transfer(folder, config, other=other)
        relations = other.relations
        config, shape = _for_task(config, shape, name=task, other=other)
    if model is not None:
        refuse_other_shape(model, shape)
        built: Any = model
    else:
        if net is None:
            _need_own_network(folder, info)
        built = build_described(
            config,
            shape,
            layout=read_layout(folder / MODEL),
            described_by=folder / CONFIG,
            weights=folder / MODEL,
            net=net,
            relations=relations,
        )
    load_weights(built, read_safetensors(folder / MODEL), path=folder / MODEL)
    return Checkpoint(model=built.to(device).eval(), config=config, shape=shape, info=info, path=folder)


def _for_task(config: RunConfig, shape: PuzzleShape, *, name: str, other: Task) -> tuple[RunConfig, PuzzleShape]:
    """What a checkpoint says of itself, for another puzzle family, under the name that it was asked for."""
    rows, columns = other.grid_shape
    sizes = trained_sizes(config, shape)
    is_new = config.model.system == "relational" and rows * columns not in sizes
    if is_new and len(sizes) < SEVERAL_SIZES:
        # A halting head that knows one size or two hardly stops on another, so the cells say when to stop.
        config = replace(config, solve=replace(config.solve, halt_by="cells", halt_when_sure=CELLS_SURE))
    shape = replace(shape, vocab_size=other.vocab_size, seq_len=rows * columns, columns=columns)
    own = {settings.task: settings for settings in config.data.of_each()}
    data = own.get(name, replace(own[config.data.family], task=name))
    phases = tuple(replace(phase, tasks="") for phase in config.train.phases)  # which name families of the training
    return replace(config, data=data, train=replace(config.train, phases=phases)), shape


def on_task(checkpoint: Checkpoint, other: Task) -> Checkpoint:
    """The checkpoint of a relational network on another puzzle family, with the very same weights; nothing is read.

    Raises:
        CheckpointError: when the weights do not fit that family.
    """
    model, config = checkpoint.model, checkpoint.config
    assert isinstance(model, Relational)
    _check_transfer(checkpoint.path, config, other=other)
    config, shape = _for_task(config, checkpoint.shape, name=other.name, other=other)
    return replace(checkpoint, model=model.on(shape, other.relations).eval(), config=config, shape=shape)


def trained_sizes(config: RunConfig, shape: PuzzleShape) -> set[int]:
    """The numbers of cells of the grids that a run was trained on."""
    others = [get_task(name).grid_shape for name in config.data.families[:-1]]
    return {shape.seq_len, *(rows * columns for rows, columns in others)}


def build_described(
    config: RunConfig,
    shape: PuzzleShape,
    *,
    layout: Layout,
    described_by: str | Path,
    weights: str | Path,
    net: Networks | None = None,
    relations: Relations | None = None,
) -> Reasoner | Relational:
    """The model that a file's config describes, made once its tensors are known to be there, in these shapes.

    What is described is built on the meta device first, which takes no memory, so that a damaged size allocates nothing.

    Args:
        config: The run's.
        shape: The puzzles'.
        layout: The tensors that the file of weights holds.
        described_by: The file that the config and the shape were read from, for messages.
        weights: The file of weights, for messages.
        net: A network of the user's own, as in `load_checkpoint`.
        relations: The task's, for a relational network.

    Raises:
        CheckpointError: naming the file, and what does not fit.
    """
    blocks = config.model.num_layers + (config.model.layers_H if config.model.separate_networks else 0)
    if net is None and blocks > len(layout):
        raise CheckpointError(
            f"{described_by}: config.model.num_layers describes {blocks:,} blocks, {weights} holds {len(layout):,} tensors"
        )
    if relations is not None:
        cells = relations.num_cells
        if cells is not None and cells != shape.seq_len:
            raise CheckpointError(
                f"{described_by}: shape.seq_len is {shape.seq_len:,}, its task {config.data.task} has {cells:,} cells"
            )

    def build() -> Reasoner | Relational:
        if net is not None:
            return model_around(net, config.model, shape=shape)
        return build_model(config.model, shape, relations=relations)

    try:
        with torch.device("meta"):
            sketch = build()
    except (RuntimeError, ArithmeticError) as error:  # sizes that torch cannot even count
        raise CheckpointError(f"{described_by}: describes a network that cannot be: {one_line(error)}") from error
    except ValueError as error:
        raise CheckpointError(f"{described_by}: {one_line(error)}") from error
    own = sketch.state_dict()
    _refuse_misfit(own, layout, path=weights)
    tables = sum(b.numel() * b.element_size() for name, b in sketch.named_buffers() if name not in own)
    if tables > MOST_TABLES:
        raise CheckpointError(
            f"{described_by}: describes a network for {shape.seq_len:,} cells, which needs tables of {tables / 1e9:.1f} GB "
            f"besides its weights: expected at most {MOST_TABLES / 1e9:.1f} GB"
        )
    return build()


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
        if name in config.data.families:
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
    names = [name for name in config.data.families if ":" in name]
    return names + ([] if config.data.check is None else [config.data.check])


def _check_transfer(folder: Path, config: RunConfig, *, other: Task) -> None:
    """Refuses a puzzle family that the weights do not fit."""
    reason = why_weights_do_not_fit(config.model, task_of(config.data), other=other)
    if reason is not None:
        raise CheckpointError(f"{folder}: {reason}")


def why_weights_do_not_fit(model: ModelConfig, own: Task, *, other: Task) -> str | None:
    """Why the weights of a network for one family cannot be used on another; None where they can.

    Relational networks fit any whose relations have the same names, those that mix neighbours the same kind in any size.
    """
    if model.system == "relational":
        if own.relations is None or other.relations is None or not same_network(own.relations, other.relations):
            return f"{other.name} does not declare the relations of {own.name}"
    elif model.mixer == "neighbours":
        if type(other) is not type(own) or other.vocab_size != own.vocab_size:
            return f"knows puzzles of the kind {own.name}, which {other.name} is not"
    else:
        return (
            f"a network of system {model.system} with mixer {model.mixer} is tied to {own.name}, and {other.name} is another "
            "task; relational networks and mixer neighbours can change theirs"
        )
    return None


def find_checkpoint(name: str | Path, token: str | None = None) -> Path:
    """The folder with `config.json` and `model.safetensors` that a name means; fetched first if it is on the Hub.

    Raises:
        CheckpointError: when there is none. Only a name that begins with `hf:` is looked up on the Hub.
    """
    text = str(name)
    if text.startswith(HUB):
        return _fetch(text, token)
    path, said = Path(name), shown_name(text)
    try:
        found = local_checkpoint(path)
        if found is None and text == path.name:
            found = local_checkpoint(PACKAGED / path.name)
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, a folder that may not be read
        raise CheckpointError(f"{said}: cannot be looked at: {one_line(error)}") from error
    if found is not None:
        return found
    if is_file:
        hint = (
            "official checkpoints are read by `ponderling import`"
            if path.suffix != ".safetensors"
            else "name its folder"
        )
        raise CheckpointError(f"{said}: a checkpoint is a folder with {CONFIG} and {MODEL}, this is a file; {hint}")
    if is_folder:
        raise CheckpointError(
            f"{said}: no {CONFIG} in it, nor in {BEST} or {LAST} below it: not a checkpoint or run folder"
        )
    if REPOSITORY.fullmatch(text):
        raise CheckpointError(f"{said}: no such folder; for the Hub type {HUB}{said}")
    raise CheckpointError(
        f"{said}: no such checkpoint; give a run folder, a checkpoint folder, packaged weights "
        f"({', '.join(list_weights())}) or a Hub repository {HUB}owner/name"
    )


def shown_name(name: str) -> str:
    """A name as it may be in a message: as it is where that is one line of some length."""
    return name if name.isprintable() and len(name) <= 300 else shown(name, 300)


REPOSITORY = re.compile(r"(?!.*(?:\.\.|--))\w[\w.-]*/\w[\w.-]*(?:@\w[\w./-]*)?", re.ASCII)
"""A repository on the Hub, with or without a revision; nothing that leads elsewhere."""


def local_checkpoint(path: Path) -> Path | None:
    """The checkpoint folder that a run folder or checkpoint folder means: its best, its last, or the folder itself."""
    return next((folder for folder in (path / BEST, path / LAST, path) if (folder / CONFIG).is_file()), None)


def list_weights() -> list[str]:
    """Names of the trained weights that come with the package."""
    return sorted(folder.parent.name for folder in PACKAGED.glob(f"*/{CONFIG}"))


def _fetch(name: str, token: str | None) -> Path:
    """The folder of a Hub repository's two files, fetched unless they were before."""
    said = shown_name(name)
    if not REPOSITORY.fullmatch(name.removeprefix(HUB)):
        raise CheckpointError(f"{said}: expected {HUB}owner/name or {HUB}owner/name@revision")
    repo, _, revision = name.removeprefix(HUB).partition("@")
    from huggingface_hub import get_token, snapshot_download

    try:
        folder = Path(snapshot_download(repo, revision=revision or None, allow_patterns=[MODEL, CONFIG], token=token))
    # Whatever goes wrong: the client has changed its HTTP library twice, and their errors share no base.
    except Exception as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        for secret in filter(None, (token, get_token())):
            reason = reason.replace(secret, "***")
        raise CheckpointError(f"{said}: not to be had from the Hub: {reason}") from error
    missing = [file for file in (CONFIG, MODEL) if not (folder / file).is_file()]
    if missing:
        raise CheckpointError(f"{said}: holds no {' and no '.join(missing)}: not a checkpoint of Ponderling")
    return folder


def read_config(folder: Path) -> tuple[RunConfig, PuzzleShape, dict[str, Any]]:
    """The run's config, the puzzles' shape and the further facts in `config.json`.

    Raises:
        CheckpointError: naming the file and the field, whatever the file holds.
    """
    path = folder / CONFIG
    try:
        header = parse_json(read_bounded(path))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {one_line(error)}") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: cannot be read: {one_line(error)}") from error
    config, shape, copy = described(header, path)
    return config, shape, _info_of(folder, copy, copied=header.get("copied"), shape=shape)


def described(header: Any, path: Path) -> tuple[RunConfig, PuzzleShape, dict[str, Any]]:
    """The config, the shape and the further facts in a header that was read from a file.

    Args:
        header: What `save_checkpoint` wrote, read by `parse_json`.
        path: The file, for messages.

    Raises:
        CheckpointError: naming the file and the field.
    """
    if not isinstance(header, dict) or not {"format", "config", "shape"} <= header.keys():
        raise CheckpointError(
            f"{path}: not a config of a Ponderling checkpoint: format, config and shape must be there"
        )
    version = header["format"]
    if isinstance(version, bool) or version not in (1, FORMAT):
        raise CheckpointError(
            f"{path}: format {shown(version)}, this version reads 1 and {FORMAT}: "
            + ("upgrade ponderling" if type(version) is int and version > FORMAT else "the file is damaged")
        )
    try:
        values = from_format_1(header["config"]) if version == 1 else header["config"]
        config = from_json(RunConfig, _without_continue(values))
        shape = from_json(PuzzleShape, header["shape"], where="shape")
        return config, shape, _checked_info(header.get("info", {}), shape)
    except DAMAGE as error:
        raise CheckpointError(f"{path}: {one_line(error)}") from error


def _without_continue(values: Any) -> Any:
    """The values of a config, with halting halt for a relational network.

    Before version 0.2 such a run could be trained with halt_continue, whose second logit was a constant.
    """
    match values:
        case {"model": {"system": "relational"}, "train": {"halting": "halt_continue"}}:
            return {**values, "train": {**values["train"], "halting": "halt"}}
    return values


def _checked_info(info: Any, shape: PuzzleShape) -> dict[str, Any]:
    """The further facts of a checkpoint, of which those that are used have the right types.

    What names code or files is looked at where it is used: `admit_code`, `solving.kept`.

    Raises:
        ValueError: naming the field.
    """
    if not isinstance(info, dict):
        raise ValueError(f"info must be an object: got {type(info).__name__}")
    kinds = {
        "step": ("a whole number from 0", lambda v: type(v) is int and v >= 0),
        "seconds": ("a number from 0", lambda v: is_finite(v) and v >= 0),
        "recipe": ("text or null", lambda v: v is None or isinstance(v, str)),
        "origin": ("text", lambda v: isinstance(v, str)),
        "prefix": ("text", lambda v: isinstance(v, str)),
        "official": ("an object or null", lambda v: v is None or isinstance(v, dict)),
        "test": ("an object or null", lambda v: v is None or isinstance(v, dict)),
        "validation": ("an object or null", lambda v: v is None or isinstance(v, dict)),
        "identifiers": ("an object", lambda v: isinstance(v, dict)),
    }
    for name, (expected, fits) in kinds.items():
        if name in info and not fits(info[name]):
            raise ValueError(f"info.{name}: expected {expected}, got {shown(info[name])}")
    if "identifiers" in info:
        try:
            unnamed = Identifiers.from_json(info["identifiers"]).unnamed
        except DAMAGE as error:
            raise ValueError(f"info.identifiers: {one_line(error)}") from error
        if unnamed > shape.num_puzzles:
            raise ValueError(
                f"info.identifiers.unnamed: {unnamed:,} rows, the puzzle embedding has {shape.num_puzzles:,}"
            )
    return info


def one_line(error: BaseException, most: int = 600) -> str:
    """What an exception says, on one line of some length."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, KeyError):
        text = f"{text} is missing"
    return text if len(text) <= most else f"{text[:most]}..."


def load_weights(model: torch.nn.Module, tensors: Mapping[str, Tensor], *, path: str | Path) -> None:
    """Loads a state dict of finite numbers; missing, unexpected and misshapen tensors are reported together.

    Raises:
        CheckpointError: naming the path and every such tensor (the first few of each kind).
    """
    own = model.state_dict()
    _refuse_misfit(own, layout_of(tensors), path=path)
    # A network of the user's own may hold a buffer that is infinite by design, such as a mask; it is so before loading too.
    broken = [
        key for key, tensor in tensors.items() if not _all_finite(tensor.to(own[key].dtype)) and _all_finite(own[key])
    ]
    if broken:
        raise CheckpointError(
            f"{path}: holds weights that are NaN or infinite, in {_first(sorted(broken))}: such a network answers nothing; was "
            "its training interrupted by an overflow? Use a checkpoint from before"
        )
    model.load_state_dict(dict(tensors))


def _all_finite(tensor: Tensor) -> bool:
    """Whether no number of a tensor is NaN or infinite."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    return bool(torch.isfinite(torch.stack(tensor.detach().aminmax())).all())  # NaN is both: one pass, no copy


def layout_of(tensors: Mapping[str, Tensor]) -> Layout:
    """The layout of tensors that are loaded already."""
    return {key: (tuple(tensor.shape), tensor.is_floating_point()) for key, tensor in tensors.items()}


def _refuse_misfit(own: Mapping[str, Tensor], layout: Layout, *, path: str | Path) -> None:
    """Refuses tensors that are not a model's own: missing, unexpected, of another shape or of whole numbers.

    Raises:
        CheckpointError: naming the path and the first few tensors of each kind.
    """
    missing, unexpected = sorted(own.keys() - layout.keys()), sorted(layout.keys() - own.keys())
    shapes, types = [], []
    for key in sorted(own.keys() & layout.keys()):
        shape, is_float = layout[key]
        if tuple(own[key].shape) != shape:
            shapes.append(f"{key} {shape} for {tuple(own[key].shape)}")
        elif own[key].is_floating_point() != is_float:
            types.append(f"{key} ({'floating-point' if is_float else 'whole'} numbers)")
    problems = [
        f"{kind} {_first(keys)}"
        for kind, keys in (
            ("missing", missing),
            ("unexpected", [shown_name(key) for key in unexpected]),
            ("wrong shape", shapes),
            ("wrong type", types),
        )
        if keys
    ]
    if problems:
        raise CheckpointError(
            f"{path}: {'; '.join(problems)}. Was it trained with another network? Give one of your own as net=MyModule(), on "
            "the command line as --net module:attribute. Official checkpoints are read by `ponderling import`"
        )


def _first(items: list[str], count: int = 4) -> str:
    return ", ".join(items[:count]) + (f" and {len(items) - count} more" if len(items) > count else "")


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file.

    Raises:
        CheckpointError: naming the file, when it is not there or not a whole safetensors file.
    """
    with _reading_tensors(path):
        return load_file(path)


def read_layout(path: Path) -> Layout:
    """The shapes of a file's tensors, from its header alone.

    Raises:
        CheckpointError: naming the file, when it is not there or not a whole safetensors file.
    """
    with _reading_tensors(path), safe_open(path, "pt") as file:
        parts = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 (it is not a mapping)
        return {key: (tuple(part.get_shape()), "F" in part.get_dtype()) for key, part in parts.items()}


@contextlib.contextmanager
def _reading_tensors(path: Path) -> Iterator[None]:
    """Makes one kind of error of whatever a safetensors file that is not one makes its library raise."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError("expected a regular file, got a folder, a pipe or a device")
        yield
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: not there; the checkpoint is incomplete") from error
    except (SafetensorError, OSError, RuntimeError, MemoryError, *DAMAGE) as error:
        raise CheckpointError(f"{path}: truncated or not a safetensors file ({one_line(error)})") from error


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
    tensors, metadata = read_safetensors(path), _metadata(path)
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
