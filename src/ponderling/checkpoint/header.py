"""What a checkpoint says of its weights: the config, the shape of the puzzles and further facts, written and read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ponderling.checkpoint.errors import DAMAGE, CheckpointError, one_line
from ponderling.checkpoint.folders import CONFIG, MODEL
from ponderling.checkpoint.tensor_files import read_metadata, write_safetensors
from ponderling.config import (
    PuzzleShape,
    RunConfig,
    from_format_1,
    from_json,
    parse_json,
    read_bounded,
    to_json,
)
from ponderling.config.numbers import is_finite, shown
from ponderling.system import appearing, write_text
from ponderling.tasks.arc.identifiers import Identifiers

FORMAT = 2
"""Version of config.json; format 1, whose `train` also held what is now in `run` and `solve`, is still read."""

MOST_INFO = 1 << 24
"""Largest size, in bytes, of what is known of a model, written as JSON."""

FIGURES = ("step", "seconds", "validation")
"""Facts that describe the very weights beside them."""

OF_THIS_MACHINE = ("code", "files")
"""Facts that are paths of the machine that a checkpoint was made on, and no business of others."""

IN_CONFIG_ALONE = (*OF_THIS_MACHINE, "test")
"""Facts that are not in the file of the weights, which is the same file once it is pushed."""


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
        write_text(place / CONFIG, config_text)


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
    known = read_metadata(path).get("info") if path.is_file() else None
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
