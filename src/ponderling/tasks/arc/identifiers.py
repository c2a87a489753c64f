"""Which row of the puzzle embedding stands for which view of which ARC task.

A model knows a task by its rows alone, so a checkpoint must say whose they are. Views follow from the task's id, so it is
enough to keep, for each task, its colours and symmetries (`canvas.ViewSymmetry`) and how many views were asked for. Views of an
imported checkpoint (`official_names.py`) were drawn otherwise, and are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.arc.canvas import ViewSymmetry, make_views

UNKNOWN = "-"
"""The digest of a task of which the name alone is known."""


class TaskRows(NamedTuple):
    """A task that has rows of the puzzle embedding, and which views they are for."""

    role: str
    """train: all its pairs were trained on; test: its demonstrations alone."""
    num_pairs: int
    """Pairs trained on; 0: not known."""
    views: int
    """Views asked for besides the task as it is."""
    kin: ViewSymmetry
    digest: str
    """Tells the task from another of the same id; see `ArcTask.digest`."""
    shown: str = ""
    """All views, ten digits each, where they do not follow from the id: symmetry, and the new colours of 1 to 9."""

    def make_views(self, task_id: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Symmetries (n,) and colour permutations (n, 10) of the task's views, the task as it is first."""
        if not self.shown:
            return make_views(task_id, self.kin, self.views)
        digits = (np.frombuffer(self.shown.encode(), np.uint8) - ord("0")).reshape(-1, 10)
        return digits[:, 0].copy(), np.where(np.arange(10) == 0, np.uint8(0), digits)

    def to_text(self) -> str:
        """One line; `from_text` reads it back."""
        kin = self.kin
        shown = f" {self.shown}" if self.shown else ""
        return f"{self.role} {self.num_pairs} {self.views} {kin.symmetries} {kin.colours or '-'} {self.digest}{shown}"

    @classmethod
    def from_text(cls, text: str) -> TaskRows:
        """What `to_text` wrote."""
        role, num_pairs, views, symmetries, colours, digest, *shown = text.split(" ")
        return cls(role, int(num_pairs), int(views), ViewSymmetry(colours.strip("-"), symmetries), digest, *shown)


@dataclass(frozen=True)
class Identifiers:
    """The rows of a puzzle embedding: those without a name, then for each task its view 0, 1, 2, ..."""

    tasks: Mapping[str, TaskRows] = field(default_factory=dict)
    """By id, in the order of their rows."""
    unnamed: int = 1
    """Rows before the first task's: row 0 is blank; more where a checkpoint came without names."""

    def added(self, tasks: Mapping[str, TaskRows]) -> Identifiers:
        """With rows for further tasks behind those there are.

        Raises:
            ValueError: when a task has rows already.
        """
        known = sorted(tasks.keys() & self.tasks.keys())
        if known:
            raise ValueError(f"task {', '.join(known[:3])} is known already")
        return Identifiers({**self.tasks, **tasks}, self.unnamed)

    @cached_property
    def _views(self) -> tuple[list[int], NDArray[np.uint8], NDArray[np.uint8]]:
        made = [known.make_views(name) for name, known in self.tasks.items()]
        symmetries = [np.zeros(self.unnamed, np.uint8), *(symmetries for symmetries, _ in made)]
        colours = [np.tile(np.arange(10, dtype=np.uint8), (self.unnamed, 1)), *(colours for _, colours in made)]
        return [len(symmetries) for symmetries, _ in made], np.concatenate(symmetries), np.concatenate(colours)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each task, in order."""
        return np.array(self._views[0], np.int64)

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """The first row of each task, that of the task as it is."""
        return self.unnamed + np.cumsum(self.counts) - self.counts

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each task in `counts` and `firsts`."""
        return {name: place for place, name in enumerate(self.tasks)}

    @property
    def num_rows(self) -> int:
        """Rows of the embedding."""
        return self.unnamed + int(self.counts.sum())

    @property
    def symmetries(self) -> NDArray[np.uint8]:
        """The symmetry of each row's view, (rows,)."""
        return self._views[1]

    @property
    def colours(self) -> NDArray[np.uint8]:
        """The colour permutation of each row's view, (rows, 10)."""
        return self._views[2]

    def rows(self, task_id: str, views: int | None = None) -> NDArray[np.int64]:
        """The rows of a task: of the task as it is and of its first `views` views, all if None."""
        place = self.places[task_id]
        count = int(self.counts[place])
        return self.firsts[place] + np.arange(count if views is None else min(views + 1, count))

    def to_json(self) -> dict[str, Any]:
        """As plain values for a checkpoint; `from_json` reads it back."""
        return {"unnamed": self.unnamed, "tasks": {name: known.to_text() for name, known in self.tasks.items()}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Identifiers:
        """What `to_json` gave."""
        return cls({name: TaskRows.from_text(text) for name, text in values["tasks"].items()}, int(values["unnamed"]))
