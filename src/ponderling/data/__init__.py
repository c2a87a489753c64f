"""Endless training samples from a set of puzzles, in numpy: see `sampler.py`."""

from ponderling.data.sampler import Sampler

__all__ = ["Sampler"]
