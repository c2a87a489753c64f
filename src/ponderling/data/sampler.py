"""The stream of training samples: shuffled by epoch, augmented when drawn, the same however it is cut into calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ponderling.tasks.base import Puzzles, join

Augment = Callable[[np.random.Generator, Puzzles], Puzzles]

BLOCK = 1024
"""Samples that are made at once. Part of the stream's definition: another number gives another stream."""


class Sampler:
    """Samples 0, 1, 2, ... of an endless stream; each epoch shows every puzzle once, in a new order.

    Sample i depends on the seed and i alone, so `position` is all there is to save. With several workers, worker r of
    w gets samples r, r + w, r + 2w, ...: together they see exactly the stream of one.

    Args:
        puzzles: What to draw from; not empty.
        augment: Gives a random equivalent of each puzzle; None: they are shown as they are.
        seed: Of order and augmentation.
        rank: This worker, from 0.
        world_size: Workers in all.
    """

    def __init__(self, puzzles: Puzzles, augment: Augment | None, *, seed: int, rank: int = 0, world_size: int = 1):
        if not len(puzzles):
            raise ValueError("no puzzles to draw from: the training set is empty")
        self.puzzles, self.augment, self.seed = puzzles, augment, seed
        self.rank, self.world_size = rank, world_size
        self.position = 0
        """Samples this worker has drawn."""
        self._epoch: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))
        self._block: tuple[int, Puzzles] = (-1, puzzles[:0])

    def take(self, count: int) -> Puzzles:
        """The next `count` samples of this worker."""
        wanted = self.rank + self.world_size * np.arange(self.position, self.position + count)
        self.position += count
        parts = [self._load(int(b))[wanted[wanted // BLOCK == b] % BLOCK] for b in np.unique(wanted // BLOCK)]
        return join(parts) if parts else self.puzzles[:0]

    def _load(self, block: int) -> Puzzles:
        if self._block[0] != block:
            numbers = np.arange(block * BLOCK, (block + 1) * BLOCK)
            epochs, places = np.divmod(numbers, len(self.puzzles))
            rows = np.concatenate([self._order(int(e))[places[epochs == e]] for e in np.unique(epochs)])
            puzzles = replace(self.puzzles[rows], sources=None)
            if self.augment is not None:
                rng = np.random.default_rng([self.seed, 1, block])
                puzzles = self.augment(rng, puzzles)
            self._block = (block, puzzles)
        return self._block[1]

    def _order(self, epoch: int) -> np.ndarray:
        if self._epoch[0] != epoch:
            rng = np.random.default_rng([self.seed, 0, epoch])
            self._epoch = (epoch, rng.permutation(len(self.puzzles)))
        return self._epoch[1]
