"""The files of an official checkpoint as plain values: tensors by key, settings. Whatever they hold, a fault is one error.

A file of weights is a zip archive with a pickle in it. It is loaded with `weights_only`, which runs no code, and only once the
checksum of every entry is right. `read.py` makes sense of what is read here.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from ponderling.checkpoint import DAMAGE, CheckpointError, one_line, shown_name
from ponderling.config import read_bounded
from ponderling.config.json_files import odd_number
from ponderling.config.numbers import shown
from ponderling.tasks.opened import kind_of

LARGEST_YAML = 50_000
"""Largest YAML file that is read, in bytes; the official ones have some 2,000."""

MOST_BRACKETS = 200
"""Largest number of opening brackets in a YAML file: its reader takes seconds for a thousand within each other."""

DEEP = re.compile(r"(?:[-?:][ \t]+){20}")
"""Lists within lists on one line, which are as deep."""

MOST_VALUES = 20_000
"""Largest number of values in a YAML file, when its aliases are written out."""

MOST_KEYS = 20_000
"""Largest number of tensors in a checkpoint."""


def load_state(file: Path) -> dict[str, Tensor]:
    """The tensors of a file that torch.save wrote, by key.

    Raises:
        CheckpointError: naming the file, and the entry or key at fault.
    """
    if not file.is_file():
        raise CheckpointError(f"{file}: expected a regular file, got a folder, a pipe or a device")
    try:
        is_zip = zipfile.is_zipfile(file)
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {one_line(error)}") from error
    if not is_zip:
        hint = " (a safetensors file: `ponderling eval` reads its folder)" if file.suffix == ".safetensors" else ""
        if _begins_with(file, b"\x80\x02", b"\x80\x03", b"\x80\x04"):
            hint = " (if torch before 1.6 wrote it, load it there and save it again with torch.save)"
        elif (what := kind_of(file)) is not None:
            hint = f": it is {what.partition(':')[0]}"
        elif not file.stat().st_size:
            hint = ": the file is empty"
        elif _begins_with(file, b"version https://git-lfs"):
            hint = ": a pointer of Git LFS stands in its place, fetch the file with `git lfs pull`"
        raise CheckpointError(f"{file}: not a checkpoint of torch.save, or truncated{hint}")
    _check_entries(file)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{file}: holds something other than tensors{_what_other(str(error))}, which is not loaded because it could run "
            "code; where it was made, save the state dict alone: torch.save(model.state_dict(), FILE)"
        ) from error
    except Exception as error:  # a damaged pickle makes its reader raise anything
        raise CheckpointError(f"{file}: truncated or damaged: {one_line(error, 200)}") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{file}: expected a state dict of tensors, got {type(state).__name__}")
    if others := [key for key, value in state.items() if not isinstance(value, Tensor)]:
        some = ", ".join(shown(key) for key in others[:3])
        raise CheckpointError(
            f"{file}: expected a state dict of tensors, got a dict with other values under {some}; save the state dict alone "
            "with torch.save"
        )
    _check_tensors(file, state)
    return dict(state)


class NoCheckpoint(Exception):
    """A zip archive holds something else; the message says what, and what to do with it."""


def _what_archive(names: list[str]) -> str:
    """What a zip archive with these entries is, which torch.save did not write, and what to do with it."""
    if names and all(name.endswith(".npy") for name in names):
        return "an .npz of arrays: `ponderling data inspect` says what puzzles it holds"
    if any(name.endswith(("step_", "all_config.yaml", ".safetensors")) or "/step_" in f"/{name}" for name in names):
        return "a zip archive of a run's files: unpack it, and name the folder"
    some = ", ".join(map(shown_name, names[:3])) + (", ..." if names[3:] else "")
    return f"a zip archive of {some or 'nothing'}: name the file step_N or checkpoint, or its folder"


def _what_other(message: str) -> str:
    """The name that torch says it does not load, as an insertion; empty where it names none."""
    found = re.search(r"GLOBAL ([\w.]+)", message)
    return f", a {found[1]}" if found else ""


def _begins_with(file: Path, *marks: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(64).startswith(marks)


def _check_entries(file: Path) -> None:
    """Reads every entry of the archive once, so that its checksum is compared; torch does not when it maps the file.

    Raises:
        CheckpointError: naming the entry.
    """
    entry = "its list of entries"
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if not any(info.filename.endswith("data.pkl") for info in entries):
                raise NoCheckpoint(_what_archive([info.filename for info in entries]))
            if sum(info.file_size for info in entries) > file.stat().st_size:
                raise ValueError("its entries are larger than the file")  # overlapping, or a bomb
            for info in entries:
                entry = f"entry {shown_name(info.filename)}"
                if info.compress_type != zipfile.ZIP_STORED:
                    raise ValueError("it is compressed, which torch.save does not do")
                with archive.open(info) as opened:
                    while opened.read(2**20):
                        pass
    except NoCheckpoint as error:
        raise CheckpointError(f"{file}: not a checkpoint of torch.save, but {error}") from error
    except Exception as error:  # BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ...
        raise CheckpointError(f"{file}: truncated or damaged, in {entry}: {one_line(error, 200)}") from error


def _check_tensors(file: Path, state: dict[Any, Tensor]) -> None:
    """Refuses what no official checkpoint holds, before it is used.

    Raises:
        CheckpointError: naming the key.
    """
    if len(state) > MOST_KEYS:
        raise CheckpointError(f"{file}: expected at most {MOST_KEYS:,} tensors, got {len(state):,}")
    total = 0
    for key, tensor in state.items():
        if not isinstance(key, str):
            raise CheckpointError(f"{file}: expected names of tensors, got {shown(key)}")
        is_plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
        if not is_plain or not tensor.is_floating_point():
            raise CheckpointError(
                f"{file}: {shown_name(key)}: expected a dense tensor of floating-point numbers, got {tensor.dtype}"
            )
        total += tensor.numel() * tensor.element_size()
    if total > file.stat().st_size:  # one number, shown as a large tensor
        raise CheckpointError(
            f"{file}: its tensors show {total:,} bytes, the file holds {file.stat().st_size:,}: damaged"
        )


class _PlainLoader(yaml.SafeLoader):
    """Reads what JSON could hold too: times as text, and no merging of mappings, which can grow without end."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuses the key <<."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, "a merge key << is not read", key.start_mark)


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(file: Path) -> dict[str, Any]:
    """The settings of an official run.

    Raises:
        CheckpointError: naming the file, and the place or the field at fault.
    """
    try:
        text = read_bounded(file, LARGEST_YAML).decode("utf-8")
        if text.count("[") + text.count("{") > MOST_BRACKETS or DEEP.search(text):
            raise ValueError("nested too deeply")
        settings = yaml.load(text, _PlainLoader)
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{file}: cannot be read: expected UTF-8 text, byte {error.start + 1} is not") from error
    except (OSError, yaml.YAMLError, *DAMAGE) as error:
        raise CheckpointError(f"{file}: cannot be read: {one_line(error, 200)}") from error
    if not isinstance(settings, dict) or not isinstance(settings.get("arch"), dict):
        raise CheckpointError(f"{file}: expected the settings of an official run, with a section arch")
    try:
        _refuse_strange_values(settings)
    except ValueError as error:
        raise CheckpointError(f"{file}: {one_line(error)}") from error
    return settings


def _refuse_strange_values(settings: dict[Any, Any]) -> None:
    """Refuses what JSON cannot hold, and what grows or never ends when its aliases are written out.

    Raises:
        ValueError: naming the value.
    """
    count, waiting = 0, [settings]
    while waiting:
        value: Any = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise ValueError(f"expected at most {MOST_VALUES:,} values, with aliases written out")
        if isinstance(value, dict):
            if strange := [key for key in value if not isinstance(key, str)]:
                raise ValueError(f"expected text before each colon, got {shown(strange[0])}")
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif not (value is None or isinstance(value, str | int | float)):
            raise ValueError(f"expected text, numbers, lists and sections, got {type(value).__name__} {shown(value)}")
    if (place := odd_number(settings)) is not None:
        raise ValueError(f"{place[0]}: expected a finite number of at most 64 bits, got {shown(place[1])}")
