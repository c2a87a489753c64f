"""Whether this machine and this build of torch have a device, and what it computes in, said before anything is loaded."""

from __future__ import annotations

import torch

from ponderling.config import DType
from ponderling.system import closest, total_memory

NAMES = {
    "cpu": "cpu",
    "cuda": "cuda (NVIDIA and, with ROCm, AMD)",
    "mps": "mps (Apple)",
    "xpu": "xpu (Intel)",
}
"""Devices that people have, and whose they are."""

OTHER_NAMES = {
    "gpu": "cuda",
    "nvidia": "cuda",
    "rocm": "cuda",
    "amd": "cuda",
    "hip": "cuda",
    "apple": "mps",
    "metal": "mps",
}
"""Names that people try, and torch's own."""


def check_device(device: torch.device | str) -> torch.device:
    """The device, once a number has been there and back.

    Args:
        device: Of several processes each names its own, such as cuda:1; cuda alone is the first one.

    Raises:
        ValueError: for a device that this torch does not know, or that is not there; names those that are.
    """
    try:
        found = torch.device(device)
    except (
        RuntimeError,
        TypeError,
        ValueError,
        AssertionError,
        OverflowError,
    ) as error:  # torch names 20 backends, most of which nobody has
        kind, colon, number = str(device).partition(":")
        meant = OTHER_NAMES.get(kind.lower()) or closest(kind, NAMES)
        hint = "" if meant is None or meant == kind else f"did you mean {meant}{colon}{number}? "
        raise ValueError(
            f"unknown device {str(device)!r}: {hint}Devices are called {', '.join(NAMES.values())}; {_this_torch()}"
        ) from error
    if found.type != "cpu":
        try:
            torch.ones(1, device=found).item()
        # Each backend has its own: AssertionError (cuda in a build without it), RuntimeError (no driver, no such
        # number), NotImplementedError (mps elsewhere), TypeError.
        except Exception as error:
            if f"{found.type}:{found.index or 0}" in devices():  # it is there, but busy, full or broken
                raise ValueError(f"device {device} cannot be used: {str(error).splitlines()[0]}") from error
            raise ValueError(f"device {device} is not there: {_this_torch()}{_advice(found.type)}") from error
    return found


def check_dtype(dtype: DType, device: torch.device) -> None:
    """Refuses a type of the activations that the device does not compute in itself.

    Raises:
        ValueError: saying which to ask for.
    """
    if dtype == "bfloat16" and not _has_bfloat16(device):
        name = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
        raise ValueError(
            f"device {device}{name} has no bfloat16: say --model.dtype float32 to train and --dtype float32 to use a model, in "
            'Python dtype="float32"'
        )


def memory_of(device: torch.device) -> int | None:
    """Bytes of memory that the device has, used or not; None where that cannot be told."""
    if device.type == "cpu":
        return total_memory()
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return None


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the device itself has bfloat16, which torch would else emulate, slowly."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "xpu":
        return torch.xpu.is_bf16_supported(including_emulation=False)
    return device.type != "mps" or torch.backends.mps.is_macos_or_newer(14, 0)


def _advice(kind: str) -> str:
    """What to do about a kind of device of which there is none, as the rest of a line."""
    if any(name.startswith(f"{kind}:") for name in devices()):
        return ""  # the message names those that there are
    if kind == "cuda" and torch.version.cuda is None and torch.version.hip is None:
        return f"; for a GPU of NVIDIA or AMD install a torch that is built for it, see {INSTALL}"
    if kind == "cuda":
        return "; is there a GPU, and does its driver work (nvidia-smi, rocm-smi)?"
    if kind == "xpu" and not torch.xpu._is_compiled():
        return f"; for a GPU of Intel install a torch that is built for it, see {INSTALL}"
    if kind == "mps" and not torch.backends.mps.is_built():
        return "; mps is for Macs with an Apple chip"
    return ""


INSTALL = "https://pytorch.org/get-started/locally"
"""Where the builds of torch are."""


def devices() -> list[str]:
    """The devices that this torch has on this machine, such as cpu and cuda:0."""
    there = ["cpu"]
    if torch.cuda.is_available():
        there += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        there.append("mps:0")
    if torch.xpu.is_available():
        there += [f"xpu:{i}" for i in range(torch.xpu.device_count())]
    return there


def _this_torch() -> str:
    """The build of torch and the devices that it has, as the end of a sentence."""
    if torch.version.hip is not None:
        build = f"a build for ROCm {torch.version.hip}"
    elif torch.version.cuda is not None:
        build = f"a build for CUDA {torch.version.cuda}"
    elif torch.backends.mps.is_built():
        build = "a build for Apple's mps"
    elif torch.xpu._is_compiled():
        build = "a build for Intel's xpu"
    else:
        build = "a build for CPUs"
    *most, last = devices()
    has = f"{', '.join(most)} and {last}" if most else f"{last} alone"
    return f"this torch ({torch.__version__}, {build}) has {has}"
