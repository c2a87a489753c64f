"""How far two results are apart, for every proof that one program computes what another does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def largest_deviation(expected: Any, got: Any) -> float:
    """The largest absolute difference between two arrays or tensors, in float64.

    Infinite where the shapes differ or a number of either is not finite. So whatever is compared with a tolerance, or with
    another deviation by `max`, fails for NaN; a plain `max(0.0, nan)` is 0.0.
    """
    a, b = _array(expected), _array(got)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.inf
    return float(np.abs(a - b).max(initial=0.0))


def _array(values: Any) -> NDArray[np.float64]:
    if isinstance(values, Tensor):
        return values.detach().cpu().double().numpy()
    return np.asarray(values, np.float64)
