"""A puzzle family of one's own: colour every lake, which is water from which no way over water leads to the border.

cd examples && ponderling train own_task:Lakes
cd examples && ponderling solve runs/Lakes "$(python own_task.py)" --watch
"""

import numpy as np

from ponderling.tasks import GridTask
from ponderling.tasks.base import Symmetry

LAND, WATER, LAKE = 1, 2, 3  # token 0 is padding


class Lakes(GridTask):
    """Maps of 6x6 cells: `#` land, `.` water, `o` the water of lakes in the answer."""

    name, grid_shape, symbols = "lakes", (6, 6), "#.o"

    def generate(self, rng, count):
        """Random maps with a lake at least."""
        maps = rng.choice([LAND, WATER], (8 * count + 100, 6, 6), p=[0.55, 0.45])
        answers = self.coloured(maps)
        good = np.flatnonzero((answers == LAKE).sum(axis=(1, 2)) > 1)[:count]
        return self.puzzles(maps[good], answers[good])

    def coloured(self, maps):
        """The maps (N, 6, 6) with their lakes."""
        water = maps == WATER
        sea = water & np.pad(np.zeros((4, 4), bool), 1, constant_values=True)
        for _ in range(18):
            near = np.pad(sea, ((0, 0), (1, 1), (1, 1)))
            sea = water & (sea | near[:, 2:, 1:-1] | near[:, :-2, 1:-1] | near[:, 1:-1, 2:] | near[:, 1:-1, :-2])
        return np.where(water & ~sea, LAKE, maps)

    def is_right(self, question, answer):
        """Rules judge an answer: here there is one that is right."""
        right = (self.coloured(question.reshape(1, 6, 6)).reshape(-1) == answer).all()
        return [] if right else ["the lakes are others"]

    def sample_symmetries(self, rng, count):
        """A map turned or mirrored is as good a map: training shows each in all eight ways."""
        cells = np.arange(36).reshape(6, 6)
        turned = np.stack([np.rot90(side, k).reshape(-1) for side in (cells, cells.T) for k in range(4)])
        return Symmetry(turned[rng.integers(8, size=count)], np.tile(np.arange(4, dtype=np.uint8), (count, 1)))


if __name__ == "__main__":
    task = Lakes()
    print(task.format(task.generate(np.random.default_rng(2), 1).tokens[0]))
