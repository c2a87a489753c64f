"""Compiling searches over grids: by numba where it is installed, else they run as plain Python, some hundred times slower.

Plain Python is enough to check or rate a puzzle, and too slow to make many. Only the modules that search import this one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

try:
    from numba import njit as _njit  # the extra `generate`
except ImportError:
    _njit = None

njit: Any = _njit

F = TypeVar("F", bound=Callable[..., Any])

Masks = NDArray[np.int64]
"""Sets of symbols: bit d is set while symbol d (0 = the first) is in the set."""


def compiled(function: F) -> F:
    """The function as machine code, kept on disk for the next process; unchanged where there is no numba."""
    if njit is None:
        return function
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written: compile in each process
        return njit(function)


@compiled
def count_bits(mask: int) -> int:
    """How many symbols are in the set."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count
