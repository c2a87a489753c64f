"""Reading an official checkpoint: its weights, its YAML and the names of its ARC tasks, in our terms.

Of the shapes that a model needs, neither file holds the number of cells, and the weights alone tell neither the heads nor
n and T. What is missing must be given, and the error says what it is.
"""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ponderling.checkpoint import (
    BEST,
    CONFIG,
    DAMAGE,
    LAST,
    CheckpointError,
    build_described,
    layout_of,
    load_weights,
    one_line,
    shown_name,
)
from ponderling.config import (
    DataConfig,
    ModelConfig,
    PuzzleShape,
    RunConfig,
    System,
    TrainConfig,
    parse_json,
    read_bounded,
)
from ponderling.config.numbers import is_finite, shown
from ponderling.exchange.import_options import ImportOptions
from ponderling.exchange.official.files import load_state, read_yaml
from ponderling.exchange.official.keys import (
    ARCH_MODEL_SETTINGS,
    ARCH_TRAIN_SETTINGS,
    CONFIG_FILE,
    LOSSES,
    OURS_FILE,
    PREFIXES,
    TRAIN_SETTINGS,
    to_ours,
)
from ponderling.models import Model
from ponderling.models.layers import swiglu_width
from ponderling.tasks import answers_by_vote, get_task
from ponderling.tasks.arc.official_names import OfficialRows, read_names
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.official_layout import NAMES

OFFICIAL_ARC, ARC_TOKENS = "arc30", 12
"""The family of all official ARC data sets: a canvas of 30x30, and 12 tokens."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """An official checkpoint in our terms."""

    config: RunConfig
    shape: PuzzleShape
    tensors: dict[str, Tensor]
    """Our state dict."""
    info: dict[str, Any]
    """Where it came from; its YAML, to write it again."""


def read_official(path: str | Path, given: ImportOptions | None = None) -> Imported:
    """Reads an official checkpoint: a file of weights, or the folder that holds one.

    Raises:
        CheckpointError: naming the file and what is wrong or missing.
    """
    given = given or ImportOptions()
    file = find_file(Path(path))
    try:
        return _read(file, given)
    except CheckpointError:
        raise
    except PuzzleError as error:  # of identifiers.json, which it names
        raise CheckpointError(one_line(error)) from error
    except (RuntimeError, *DAMAGE) as error:
        raise CheckpointError(f"{file}: not an official checkpoint, or damaged: {one_line(error)}") from error


def _read(file: Path, given: ImportOptions) -> Imported:
    raw, prefix = _read_tensors(file)
    names = _read_names(given, file, raw=raw)
    if names is not None and given.task is None:
        given = replace(given, task=OFFICIAL_ARC)
    if given.task is None and given.seq_len is None:
        given = replace(given, **_told(file.parent / OURS_FILE))
    settings_file = given.config or file.parent / CONFIG_FILE
    if given.config and not given.config.is_file():
        raise CheckpointError(f"{given.config}: no such file")
    settings = read_yaml(settings_file) if settings_file.is_file() else None
    if settings is not None:
        _check_settings(settings, where=str(settings_file))
    system: System = "hrm" if any(key.startswith("H_level.") for key in raw) else "trm"
    tensors = to_ours(raw, system, where=str(file))
    model = _model_config(system, raw, settings=settings, given=given, where=str(file))
    V, L, num_puzzles = _shape(raw, model, given=given, settings=settings, where=str(file))
    shape = PuzzleShape(V, L, num_puzzles=num_puzzles)
    if given.num_puzzles is not None and "puzzle_embedding.table" in tensors:
        tensors["puzzle_embedding.table"] = resize_rows(tensors["puzzle_embedding.table"], given.num_puzzles)
    tensors["initial"] = tensors["initial"].to(getattr(torch, model.dtype))
    train = _train_config(system, settings, given=given)
    data = DataConfig(task=_task_name(given, settings, shape=shape))
    info = {"origin": file.name, "prefix": prefix, "official": settings}
    if names is not None:
        table = tensors["puzzle_embedding.table"]
        moved = (names.order != np.arange(len(table))).any()
        tensors["puzzle_embedding.table"] = table[torch.from_numpy(names.order)] if moved else table
        data = replace(data, views=max(known.views for known in names.identifiers.tasks.values()))
        info["identifiers"] = names.identifiers.to_json()
    config = RunConfig(model=model, train=train, data=data)
    return Imported(config=config, shape=shape, tensors=tensors, info=info)


def _read_names(given: ImportOptions, file: Path, *, raw: Mapping[str, Tensor]) -> OfficialRows | None:
    """The ARC task behind each row of the puzzle embedding; None if the files do not say."""
    beside = file.parent / NAMES
    path = given.identifiers or (beside if beside.is_file() and raw["lm_head.weight"].shape[0] == ARC_TOKENS else None)
    if path is None:
        return None
    if given.num_puzzles is not None:
        raise CheckpointError(
            f"{path} names the rows of the puzzle embedding, --num-puzzles replaces them: leave one out"
        )
    if given.task is not None and not answers_by_vote(given.task):
        raise CheckpointError(f"{path} names ARC tasks, but --task is {given.task}: arc30 is the official one")
    names = read_names(path)
    rows = raw["puzzle_emb.weights"].shape[0] if "puzzle_emb.weights" in raw else 0
    if not names.identifiers.tasks or len(names.order) != rows:
        raise CheckpointError(
            f"{path}: names {len(names.identifiers.tasks):,} tasks in {len(names.order):,} rows, {file} has {rows:,} puzzle "
            "embeddings: was it trained on another data set? Name the right one with --identifiers"
        )
    return names


def _told(path: Path) -> dict[str, Any]:
    """The puzzle family and the number of cells that our export noted beside the official files; nothing without a note.

    A name `module:attribute` would be Python code, which no file may choose.
    """
    if not path.is_file():
        return {}
    try:
        told = parse_json(read_bounded(path, 2**16))
        task, seq_len = told.get("task"), told["seq_len"]
        if type(seq_len) is not int or not (task is None or re.fullmatch(r"[\w-]{1,1000}", task)):
            raise ValueError("expected a task's name and a number of cells")
    except (OSError, *DAMAGE) as error:
        raise CheckpointError(
            f"{path}: damaged ({one_line(error)}): delete it, and say --task or --seq-len if that is asked for"
        ) from error
    return {"task": task, "seq_len": seq_len}


def load_official(path: str | Path, given: ImportOptions | None = None) -> Model:
    """The model of an official checkpoint, in evaluation mode; see `read_official`."""
    imported = read_official(path, given)
    return build_imported(imported, str(path))


def build_imported(imported: Imported, where: str) -> Model:
    """The model, with the weights loaded.

    Raises:
        CheckpointError: when the weights do not fit what the settings describe.
    """
    layout = layout_of(imported.tensors)
    model = build_described(imported.config, imported.shape, layout=layout, described_by=where, weights=where)
    load_weights(model, imported.tensors, path=where)
    return model.eval()


def resize_rows(table: Tensor, count: int) -> Tensor:
    """A puzzle embedding for another number of puzzles: the mean row, `count` times, as the official loader does it."""
    if len(table) == count:
        return table
    return table.mean(dim=0, keepdim=True).expand(count, -1).contiguous()


def find_file(path: Path) -> Path:
    """The file of weights that a path means: itself, or in a folder the one with the highest step, or `checkpoint`.

    Raises:
        CheckpointError: when the folder holds no such file.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such file or folder")
    steps = [(int(m[1]), file) for file in path.iterdir() if (m := re.fullmatch(r"step_(\d+)", file.name))]
    if steps:
        return max(steps)[1]
    if (path / "checkpoint").is_file():
        return path / "checkpoint"
    if any((path / folder / CONFIG).is_file() for folder in ("", BEST, LAST)):
        raise CheckpointError(
            f"{path}: is a checkpoint of Ponderling's already, `ponderling eval` and `solve` take it as it is"
        )
    raise CheckpointError(f"{path}: expected a file step_N or checkpoint in this folder, found none; name the file")


def _read_tensors(file: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors by key without prefix, and the prefix."""
    state = load_state(file)
    for prefix in (*PREFIXES, ""):
        if prefix + "lm_head.weight" in state:
            stray = [key for key in state if not key.startswith(prefix)]
            if stray:
                raise CheckpointError(
                    f"{file}: expected every key to start with {prefix!r}, but got {shown_name(stray[0])}"
                )
            return {key.removeprefix(prefix): value for key, value in state.items()}, prefix
    some = ", ".join(map(shown_name, list(state)[:3])) or "none"
    raise CheckpointError(
        f"{file}: no key ends a known prefix with lm_head.weight: not an HRM or TRM checkpoint (keys: {some})"
    )


def _check_settings(settings: dict[str, Any], *, where: str) -> None:
    """Refuses settings of another type than the official code's; a number may be text, as 1e-4 is in YAML.

    Raises:
        CheckpointError: naming the file and every such setting.
    """
    arch = settings["arch"]
    kinds = typing.get_type_hints(ModelConfig) | typing.get_type_hints(TrainConfig)
    top = [("", settings, theirs, kinds[ours]) for ours, theirs in TRAIN_SETTINGS]
    below = [("arch.", arch, theirs, kinds[ours]) for ours, theirs in (*ARCH_MODEL_SETTINGS, *ARCH_TRAIN_SETTINGS)]
    others = [
        ("", settings, "ema", bool),
        ("", settings, "ema_rate", float),
        ("", settings, "data_path", str),
        ("", settings, "data_paths", list),
        ("arch.", arch, "loss", dict),
        ("arch.", arch, "forward_dtype", str),
        ("arch.", arch, "puzzle_emb_len", int),
        ("arch.", arch, "no_ACT_continue", bool),
    ]
    problems = [
        f"{section}{name}: expected {KINDS.get(kind, 'text')}, got {shown(values[name])}"
        for section, values, name, kind in (*top, *below, *others)
        if values.get(name) is not None and not _is(values[name], kind)
    ]
    if problems:
        raise CheckpointError(f"{where}: {'; '.join(problems)}")


KINDS = {int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a section"}


def _is(value: Any, kind: Any) -> bool:
    """Whether a setting has the type that the official code wants."""
    if kind is float:
        try:
            return not isinstance(value, bool) and is_finite(float(value))
        except DAMAGE:
            return False
    if kind is int:
        return type(value) is int
    return isinstance(value, kind if kind in KINDS else str)


def _model_config(
    system: System, raw: Mapping[str, Tensor], *, settings: dict[str, Any] | None, given: ImportOptions, where: str
) -> ModelConfig:
    vocabulary_and_D = raw["lm_head.weight"].shape
    mixer = "mlp" if "L_level.layers.0.mlp_t.down_proj.weight" in raw else "attention"
    size = raw["puzzle_emb.weights"].shape[1] if "puzzle_emb.weights" in raw else 0
    found: dict[str, Any] = {
        "hidden_size": vocabulary_and_D[1],
        "num_layers": _count_layers(raw, "L_level"),
        "num_layers_H": _count_layers(raw, "H_level") or None,
        "positions": "learned" if "embed_pos.embedding_weight" in raw else "none" if mixer == "mlp" else "rope",
        "puzzle_embedding_size": size,
        "expansion": 4.0,
        "dtype": "bfloat16",
    }
    arch = (settings or {}).get("arch", {})
    if settings is not None:
        wanted = {ours: arch[theirs] for ours, theirs in ARCH_MODEL_SETTINGS if theirs in arch}
        wanted["expansion"] = float(wanted.get("expansion", 4.0))
        inconsistent = [
            f"{theirs} is {wanted[ours]} in the YAML, {found[ours]} in the weights"
            for ours, theirs in ARCH_MODEL_SETTINGS
            if ours in ("hidden_size", "num_layers", "puzzle_embedding_size")
            and wanted.get(ours, found[ours]) != found[ours]
        ]
        if inconsistent:
            raise CheckpointError(f"{where}: {'; '.join(inconsistent)}: does this {CONFIG_FILE} belong to it?")
        found |= wanted | {"dtype": arch.get("forward_dtype", "bfloat16")}
    for name in ("num_heads", "n", "T"):
        if getattr(given, name) is not None:
            found[name] = getattr(given, name)
    if mixer == "mlp":
        found.setdefault("num_heads", 1)
        found["positions"] = "none"
    missing = [f"--{name.replace('_', '-')}" for name in ("num_heads", "n", "T") if name not in found]
    if missing:
        raise CheckpointError(
            f"{where}: there is no {CONFIG_FILE} beside it, and the weights do not tell {', '.join(missing)}: give them"
        )
    found["prefix_len"] = _prefix_len(system, size, hidden_size=found["hidden_size"], arch=arch, given=given)
    if given.dtype is not None:
        found["dtype"] = given.dtype
    if system == "hrm":
        found |= {"gradient": "one_step", "separate_networks": True}
    try:
        config = ModelConfig(system=system, mixer=mixer, **found)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{where}: its settings do not describe a model: {error}") from error
    inner, width = (
        raw["L_level.layers.0.mlp.down_proj.weight"].shape[1],
        swiglu_width(config.hidden_size, config.expansion),
    )
    if inner != width:
        raise CheckpointError(
            f"{where}: expansion {config.expansion} makes a SwiGLU of width {width}, the weights have {inner}"
        )
    return config


def _count_layers(raw: Mapping[str, Tensor], network: str) -> int:
    numbers = [int(m[1]) for key in raw if (m := re.match(rf"{network}\.layers\.(\d+)\.", key))]
    return max(numbers, default=-1) + 1


def _prefix_len(system: System, size: int, *, hidden_size: int, arch: Mapping[str, Any], given: ImportOptions) -> int:
    """TRM: puzzle_emb_len if it is not 0; HRM, and TRM otherwise: as many tokens as the embedding fills."""
    if given.prefix_len is not None:
        return given.prefix_len
    if size == 0:
        return 0  # the official TRM fails with its default length of 16 here
    # Without YAML, TRM's default of 16.
    length = arch.get("puzzle_emb_len", 0 if arch else 16) if system == "trm" else 0
    return length or math.ceil(size / hidden_size)


def _shape(
    raw: Mapping[str, Tensor],
    model: ModelConfig,
    *,
    given: ImportOptions,
    settings: Mapping[str, Any] | None,
    where: str,
) -> tuple[int, int, int]:
    """Vocabulary, cells, puzzles."""
    vocab_size = raw["lm_head.weight"].shape[0]
    num_puzzles = raw["puzzle_emb.weights"].shape[0] if "puzzle_emb.weights" in raw else 1
    positions = None
    if "embed_pos.embedding_weight" in raw:
        positions = raw["embed_pos.embedding_weight"].shape[0]
    elif model.mixer == "mlp":
        positions = raw["L_level.layers.0.mlp_t.down_proj.weight"].shape[0]
    seq_len = given.seq_len
    if seq_len is None and given.task is not None:
        seq_len = _cells_of(given.task)
    if positions is not None:
        if seq_len is not None and seq_len != positions - model.prefix_len:
            raise CheckpointError(
                f"{where}: has {positions} positions, {model.prefix_len} of them prefix: {positions - model.prefix_len} cells, "
                f"not {seq_len}"
            )
        seq_len = positions - model.prefix_len
    if seq_len is None:
        seq_len = _cells_of(_task_of_path(settings, vocab_size) or "")
    if seq_len is None:
        raise CheckpointError(
            f"{where}: with attention the weights do not tell how many cells a grid has: give --seq-len (81 for Sudoku, "
            "900 for mazes and ARC) or --task"
        )
    if seq_len < 1:
        raise CheckpointError(f"{where}: {seq_len} cells: is the prefix of {model.prefix_len} tokens right?")
    return vocab_size, seq_len, given.num_puzzles or num_puzzles


def _cells_of(task: str) -> int | None:
    try:
        rows, columns = get_task(task).grid_shape
    except ValueError:
        return None
    return rows * columns


def _data_path(settings: Mapping[str, Any] | None) -> str:
    """TRM has a list of folders, HRM one folder."""
    paths = (settings or {}).get("data_paths") or [(settings or {}).get("data_path") or ""]
    return " ".join(map(str, paths))


def _task_name(given: ImportOptions, settings: Mapping[str, Any] | None, *, shape: PuzzleShape) -> str:
    """The task that is said, or that the data folder's name and the shape tell; else `unknown`: solving then asks for it."""
    if given.task is not None:
        return given.task
    task = _task_of_path(settings, shape.vocab_size)
    return task if task is not None and _cells_of(task) == shape.seq_len else "unknown"


def _task_of_path(settings: Mapping[str, Any] | None, vocab_size: int) -> str | None:
    """The task that the data folder's name tells, where it has as many tokens."""
    path = _data_path(settings).lower()
    size = re.search(r"maze-?(\d{1,3})x(\d{1,3})", path)  # as in maze-30x30-hard-1k
    rows, columns = ("30", "30") if size is None else size.groups()
    maze = f"maze{int(rows)}" if int(rows) == int(columns) else f"maze{int(rows)}x{int(columns)}"
    told = [("sudoku", 11, "sudoku9"), ("maze", 6, maze), ("arc", ARC_TOKENS, OFFICIAL_ARC)]
    return next((task for word, tokens, task in told if word in path and tokens == vocab_size), None)


def _train_config(system: System, settings: dict[str, Any] | None, *, given: ImportOptions) -> TrainConfig:
    halting = "halt_continue" if system == "hrm" else "halt"
    config = TrainConfig(halting=halting, ema_rate=0.0 if system == "hrm" else 0.999)
    if settings is not None:
        arch = settings["arch"]
        values = {ours: settings[theirs] for ours, theirs in TRAIN_SETTINGS if settings.get(theirs) is not None}
        values |= {ours: arch[theirs] for ours, theirs in ARCH_TRAIN_SETTINGS if theirs in arch}
        for name in ("lr", "lr_min_ratio", "weight_decay", "puzzle_lr", "puzzle_weight_decay", "halt_exploration"):
            if name in values:
                values[name] = float(values[name])
        loss = (arch.get("loss") or {}).get("loss_type")
        values["loss"] = next((ours for ours, theirs in LOSSES if theirs == loss), "stablemax")
        values["ema_rate"] = float(settings.get("ema_rate", 0.999)) if settings.get("ema") else 0.0
        if system == "trm" and not arch.get("no_ACT_continue", True):
            values["halting"] = "halt_continue"
        config = replace(config, **values)
    return replace(config, N_sup=given.N_sup) if given.N_sup is not None else config
