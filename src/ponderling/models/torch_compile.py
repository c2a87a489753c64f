"""torch.compile for the networks that recur, where there is a C++ compiler; elsewhere they run as they are."""

from __future__ import annotations

import copy
import os
import shutil
from typing import TypeVar

import torch

M = TypeVar("M", bound=torch.nn.Module)

COMPILERS = ("g++", "clang++", "c++", "cl")
"""What torch.compile may use for the CPU, unless the environment variable CXX names another."""


def has_compiler() -> bool:
    """Whether there is a C++ compiler for torch.compile to call."""
    named = os.environ.get("CXX")
    return any(shutil.which(name) for name in ([named] if named else COMPILERS))


def compile_networks(model: torch.nn.Module, dynamic: bool = False) -> bool:
    """Compiles the networks that recur, in place; their parameters keep their names.

    Args:
        model: Any of ours.
        dynamic: Compile once for all batch sizes but 1, as solving needs; False: once per batch size, for faster code.

    Returns:
        Whether the networks were compiled; False, with nothing changed, without a compiler.
    """
    if not has_compiler():
        return False
    for name, module in model.named_children():
        if name.startswith("net"):
            module.compile(dynamic=dynamic)
    return True


def as_written(model: M) -> M:
    """The model with the same weights, whose networks are not compiled, whether or not the model's are."""
    view = copy.copy(model)
    view._modules = dict(model._modules)
    for name, module in model.named_children():
        if name.startswith("net"):
            plain = copy.copy(module)
            plain._compiled_call_impl = None
            view._modules[name] = plain
    return view


def compile_for_solving(model: torch.nn.Module, option: str) -> None:
    """Compiles the networks once for all batch sizes.

    Args:
        model: Any of ours.
        option: What asked for it, for the message.

    Raises:
        ValueError: when no compiler was found.
    """
    if not compile_networks(model, dynamic=True):
        raise ValueError(f"{option} needs a C++ compiler (g++ or clang++, or what CXX names): found none")
