"""Compiling searches over grids: by numba where it is installed, else they run as plain Python, some hundred times slower.

Plain Python is enough to check or rate a puzzle, and too slow to make many. numba is imported at the first call of a
compiled function, not before; a single puzzle is done without it (`Compiled.briefly`), since importing it takes longer.
"""

from __future__ import annotations

import hashlib
import importlib.util
import time
from collections.abc import Callable
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")

Masks = NDArray[np.int64]
"""Sets of symbols: bit d is set while symbol d (0 = the first) is in the set."""

PATIENCE = 0.5
"""Seconds of one function in plain Python before numba is worth its import, which takes about as long."""


def has_numba() -> bool:
    """Whether the extra `generate` is installed."""
    try:
        return importlib.util.find_spec("numba") is not None
    except ValueError:  # sys.modules holds None for it
        return False


class Compiled(Generic[P, R]):
    """A function as machine code; `Compiled` functions of its module or imports that it calls come with it."""

    def __init__(self, function: Callable[P, R]):
        assert isinstance(function, FunctionType)
        self.function = function
        self.__doc__ = function.__doc__
        self._seconds = 0.0
        self._has_run = False

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls the function as machine code."""
        result = self.machine_code(*args, **kwargs)
        self._has_run = True
        return result

    def briefly(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls the function in plain Python until such calls have taken PATIENCE in total; for small or rare work.

        Once it has been called as machine code, it is always.
        """
        if self._has_run or self._seconds > PATIENCE:
            return self(*args, **kwargs)
        began = time.perf_counter()
        result = self.plain(*args, **kwargs)
        self._seconds += time.perf_counter() - began
        return result

    @cached_property
    def plain(self) -> Callable[P, R]:
        """The function in plain Python, without numba."""
        return self._calling("plain")

    @cached_property
    def machine_code(self) -> Callable[P, R]:
        """The function compiled by numba, cached on disk for the next process; `plain` without numba."""
        if not has_numba():
            return self.plain
        function = self._calling("machine_code")
        # numba's cache looks at the source of the function's own file alone: a change of what it calls in others is
        # told by the name.
        function.__qualname__ = f"{function.__qualname__}_{self.digest}"
        try:
            return njit()(cache=True)(function)
        except RuntimeError:  # neither the package's folder nor the user's cache can be written
            return njit()(function)  # compiles in each process

    @cached_property
    def digest(self) -> str:
        """A number that changes with the code of the function, of the functions that it calls, and with their constants."""
        f = self.function
        constants = [c.co_code if isinstance(c, CodeType) else c for c in f.__code__.co_consts]
        parts = [f.__code__.co_code.hex(), repr(constants), repr(f.__code__.co_names)]
        for name in f.__code__.co_names:
            value = f.__globals__.get(name)
            if isinstance(value, Compiled) and value is not self:
                parts.append(value.digest)
            elif isinstance(value, int | float | str | tuple):
                parts.append(repr(value))
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()

    def _calling(self, which: str) -> Any:
        """The function with the functions that it calls in the same form."""
        f = self.function
        called = {
            name: getattr(value, which)
            for name in f.__code__.co_names
            if isinstance(value := f.__globals__.get(name), Compiled) and value is not self
        }
        return FunctionType(f.__code__, f.__globals__ | called, f.__name__, f.__defaults__, f.__closure__)


def njit() -> Any:
    """numba's compiler."""
    from numba import njit

    return njit


def compiled(function: Callable[P, R]) -> Compiled[P, R]:
    """The function as machine code, compiled at its first call; it must not call itself."""
    return Compiled(function)


@compiled
def count_bits(mask: int) -> int:
    """The number of symbols in the set."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count
