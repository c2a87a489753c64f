"""safetensors files: written whole or not at all, and read with one kind of error for whatever is wrong with them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ponderling.checkpoint.errors import DAMAGE, CheckpointError, one_line, shown_name
from ponderling.system import write_atomically

Layout = Mapping[str, tuple[tuple[int, ...], bool]]
"""The shape of each tensor, and whether it holds floating-point numbers."""


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], *, metadata: dict[str, str] | None = None) -> None:
    """Writes the tensors to a safetensors file, whole or not at all."""
    plain = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}

    def write(temporary: Path) -> None:
        try:
            save_file(plain, temporary, metadata)
        except SafetensorError as error:  # it hides the OSError of a full disk
            raise OSError(f"{path}: cannot be written: {error}; what was there before is intact") from error

    write_atomically(path, write)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file.

    Raises:
        CheckpointError: naming the file, when it is not there or not a whole safetensors file.
    """
    with _reading_tensors(path), safe_open(path, "pt") as file:
        # Copies: what safetensors gives is the file itself, mapped, which Windows keeps from being replaced.
        return {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118 (it is not a mapping)


def read_layout(path: Path) -> Layout:
    """The shapes of a file's tensors, from its header alone.

    Raises:
        CheckpointError: naming the file, when it is not there or not a whole safetensors file.
    """
    with _reading_tensors(path), safe_open(path, "pt") as file:
        parts = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 (it is not a mapping)
        return {key: (tuple(part.get_shape()), "F" in part.get_dtype()) for key, part in parts.items()}


def read_metadata(path: Path) -> dict[str, str]:
    """The texts in the header of a safetensors file."""
    with _reading_tensors(path), safe_open(path, "pt") as file:
        return file.metadata() or {}


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


def load_weights(model: torch.nn.Module, tensors: Mapping[str, Tensor], *, path: str | Path) -> None:
    """Loads a state dict of finite numbers; missing, unexpected and misshapen tensors are reported together.

    Raises:
        CheckpointError: naming the path and every such tensor (the first few of each kind).
    """
    own = model.state_dict()
    refuse_misfit(own, layout_of(tensors), path=path)
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


def layout_of(tensors: Mapping[str, Tensor]) -> Layout:
    """The layout of tensors that are loaded already."""
    return {key: (tuple(tensor.shape), tensor.is_floating_point()) for key, tensor in tensors.items()}


def refuse_misfit(own: Mapping[str, Tensor], layout: Layout, *, path: str | Path) -> None:
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


def _all_finite(tensor: Tensor) -> bool:
    """Whether no number of a tensor is NaN or infinite."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    return bool(torch.isfinite(torch.stack(tensor.detach().aminmax())).all())  # NaN is both: one pass, no copy


def _first(items: list[str], count: int = 4) -> str:
    return ", ".join(items[:count]) + (f" and {len(items) - count} more" if len(items) > count else "")
