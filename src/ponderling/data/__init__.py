"""A run's puzzles (`loading.py`), and endless training samples from them (`sampler.py`), in numpy."""

from ponderling.data.loading import augmentation, grid_config, proposed_structure, task_of, with_copies
from ponderling.data.sampler import Sampler

__all__ = ["Sampler", "augmentation", "grid_config", "proposed_structure", "task_of", "with_copies"]
