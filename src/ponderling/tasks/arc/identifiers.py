"""The task and view of ARC that each row of the puzzle embedding is for.

A model knows a task by its rows alone, so a checkpoint must say which rows belong to which task. Views follow from the
task's id, so it is enough to keep, for each task, its colours and symmetries (`canvas.ViewSymmetry`) and how many views
were asked for. Views of an imported checkpoint (`official_names.py`) were drawn differently, so they are stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.arc.canvas import ViewSymmetry, make_views

ROWS = re.compile(
    r"(?P<role>train|test) (?P<pairs>[0-9]{1,6}) (?P<views>[0-9]{1,6}) (?P<symmetries>[0-7]{8}) (?P<colours>[0-9]{1,10}|-) "
    r"(?P<digest>[0-9a-zA-Z-]{1,100})(?: (?P<shown>[0-9]+))?"
)
"""What `TaskRows.to_text` writes."""

UNKNOWN = "-"
"""The digest of a task that only its name is known of."""


class TaskRows(NamedTuple):
    """A task that has rows of the puzzle embedding, and which views they are for."""

    role: str
    """`train`: all pairs of the task were trained on; `test`: only its demonstrations."""
    num_pairs: int
    """Number of pairs trained on; 0: not known."""
    views: int
    """Number of views requested besides the task as it is."""
    kin: ViewSymmetry
    digest: str
    """A hash that tells the task from another of the same id; see `ArcTask.digest`."""
    shown: str = ""
    """All views, ten digits each, where they do not follow from the id: symmetry, and the new colours of 1 to 9."""

    def make_views(self, task_id: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Symmetries (n,) and colour permutations (n, 10) of the task's views, the task as it is first."""
        if not self.shown:
            return make_views(task_id, self.kin, wanted=self.views)
        digits = (np.frombuffer(self.shown.encode(), np.uint8) - ord("0")).reshape(-1, 10)
        return digits[:, 0].copy(), np.where(np.arange(10) == 0, np.uint8(0), digits)

    def to_text(self) -> str:
        """The rows as one line of text; `from_text` reads it back."""
        kin = self.kin
        shown = f" {self.shown}" if self.shown else ""
        return f"{self.role} {self.num_pairs} {self.views} {kin.symmetries} {kin.colours or '-'} {self.digest}{shown}"

    @classmethod
    def from_text(cls, text: str) -> TaskRows:
        """The rows that `to_text` wrote.

        Raises:
            ValueError: when it did not write this.
        """
        match = ROWS.fullmatch(text)
        if match is None or len(match["shown"] or "") % 10:
            raise ValueError(f"expected the rows of a task, got {text[:60]!r}")
        kin = ViewSymmetry(match["colours"].strip("-"), match["symmetries"])
        shown = match["shown"] or ""
        return cls(match["role"], int(match["pairs"]), int(match["views"]), kin, match["digest"], shown)


@dataclass(frozen=True)
class Identifiers:
    """The rows of a puzzle embedding: those without a name, then views 0, 1, 2, ... of each task."""

    tasks: Mapping[str, TaskRows] = field(default_factory=dict)
    """Tasks by id, in the order of their rows."""
    unnamed: int = 1
    """Number of rows before the first task's. Row 0 is blank; a checkpoint that came without names has more."""

    def added(self, tasks: Mapping[str, TaskRows]) -> Identifiers:
        """A copy with rows for further tasks after the existing rows.

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
        """Number of rows of each task, in order."""
        return np.array(self._views[0], np.int64)

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """The first row of each task, which shows the task as it is."""
        return self.unnamed + np.cumsum(self.counts) - self.counts

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each task in `counts` and `firsts`."""
        return {name: place for place, name in enumerate(self.tasks)}

    @property
    def num_rows(self) -> int:
        """Number of rows of the embedding."""
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
        """The rows of a task as it is and of its first `views` views; None: of all its views."""
        place = self.places[task_id]
        count = int(self.counts[place])
        return self.firsts[place] + np.arange(count if views is None else min(views + 1, count))

    def to_json(self) -> dict[str, Any]:
        """The rows as plain values for a checkpoint; `from_json` reads them back."""
        return {"unnamed": self.unnamed, "tasks": {name: known.to_text() for name, known in self.tasks.items()}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Identifiers:
        """The rows that `to_json` wrote.

        Raises:
            ValueError: when it did not write this.
        """
        tasks, unnamed = values.get("tasks"), values.get("unnamed")
        if not isinstance(tasks, dict) or not all(isinstance(text, str) for text in tasks.values()):
            raise ValueError("expected tasks with a line of text each")
        if type(unnamed) is not int or not 0 <= unnamed < 2**31:
            raise ValueError(f"expected unnamed to be a number of rows, got {str(unnamed)[:60]}")
        return cls({name: TaskRows.from_text(text) for name, text in tasks.items()}, unnamed)
