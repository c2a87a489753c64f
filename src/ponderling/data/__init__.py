"""A run's puzzles (`loading.py`), and endless training samples from them (`sampler.py`), in numpy."""

from ponderling.data.loading import DataSplit, augmentation, load_puzzles, load_split, load_test, task_of
from ponderling.data.sampler import Sampler

__all__ = ["DataSplit", "Sampler", "augmentation", "load_puzzles", "load_split", "load_test", "task_of"]
