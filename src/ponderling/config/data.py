"""The puzzles that a run trains and reports on."""

from __future__ import annotations

import os
import re
from dataclasses import KW_ONLY, dataclass, replace
from typing import Annotated, Literal

from tyro.conf import Suppress

from ponderling.config.kinds import kind_problems
from ponderling.config.numbers import number_problems, shown
from ponderling.config.problems import refuse
from ponderling.tasks.custom.spec import GridSpec

Overlap = Literal["refuse", "drop"]
HeldOut = Literal["tests", "demonstrations"]


@dataclass(frozen=True)
class DataConfig:
    """What to train and evaluate on."""

    task: str = "sudoku4"
    """Puzzle family: sudoku4, sudoku6, sudoku9, sudoku16, sudoku9x (diagonals), latin9 (no boxes), jigsaw-LAYOUT (a letter per
    cell), mazes (maze10, maze12x20), ARC (arc10, arc30). Several, joined with +, are trained in turn by one network; what it is
    used on is the last."""
    _: KW_ONLY
    train: str = "default"
    """Training puzzles: a file or a named set (default, hub; Sudoku: hunted, deep, jigsaws, layouts, sizes; mazes: mixed,
    starts, kinds, closed), joined with +. Repeat a set to show it more often. With several tasks TASK=SOURCE is for that task
    alone. ARC: task sources, or none."""
    test: str = "default"
    """Test puzzles, never trained on: a file, `default` or `hub`; TASK=SOURCE as in train. ARC: sources whose test inputs are
    solved."""
    augment: bool = True
    """Show every puzzle under a new random symmetry each time."""
    symmetries: str = "none"
    """For --data: symmetries of its puzzles, joined with +: flips, rotations, dihedral (both), colours or colours=A,B,..."""
    structure: str = "none"
    """For --data: what ties cells together, such as neighbours=8+rows, for a relational network; none: a plain TRM. By default
    a look at the file decides, see `ponderling data inspect`."""
    check: str | None = None
    """For --data: module:function that takes question and answer as lists of rows and returns True, False or the faults."""
    relabel: bool = False
    """Mazes: replace the answer of a transformed puzzle by the one that the family's own rule chooses."""
    views: int = 1000
    """ARC: number of views per task (permuted colours, turned), each with a puzzle embedding; 0 without augment."""
    turns: bool = False
    """ARC: the views of a task are the eight symmetries of the square, with colours as they are, whatever `views` says. For
    system relational, where they share the vectors of their task."""
    more_share: float = 0.5
    """ARC: how often a pair is shown as another one of the same rule, where its task has more pairs, such as Re-ARC's."""
    overlap: Overlap = "refuse"
    """What to do when puzzles of `test` (ARC: tasks) are in `train` too, up to symmetry: refuse, or drop them from training."""
    num_validation: int = 500
    """Number of training puzzles held out for validation, at most a tenth (ARC: see held_out)."""
    held_out: HeldOut = "tests"
    """ARC: what is held out for validation: test pairs of the training tasks, or demonstrations, the last one of each task to
    solve that has three or more."""
    max_train: int | None = None
    """Number of training puzzles to use, drawn at random; by default all."""
    max_test: int | None = None
    """Number of test puzzles to use, from the first; by default all."""
    grid: Annotated[GridSpec | None, Suppress] = None
    """Facts that were read from the --data files; set by the command line."""

    def __post_init__(self) -> None:
        texts = [
            f"{name} must be text: got {type(value).__name__}"
            + ("; arrays are trained on with ponderling.train(inputs, outputs)" if name != "task" else "")
            for name, value in (("task", self.task), ("train", self.train), ("test", self.test))
            if not isinstance(value, str)
        ]
        texts += [
            f"{name} must name a file or a set on both sides of every +: got {value!r}"
            for name, value in (("train", self.train), ("test", self.test))
            if isinstance(value, str) and "" in value.split("+") and not os.path.exists(value)
        ]
        if not texts and not re.fullmatch(r"[\w.:-]{1,1000}(\+[\w.:-]{1,1000}){0,99}", self.task):
            texts.append(f"task must be a name of letters, digits and . : _ -, got {shown(self.task)}")
        if not texts and len(self.families) > 1:
            texts += self._problems_of_several()
        refuse(texts or kind_problems(self))
        refuse(number_problems(self, {"views": 100_000}))
        british = re.sub(r"(^|\+)colors(?=[+=]|$)", r"\1colours", self.symmetries)
        object.__setattr__(self, "symmetries", british)
        problems = [
            f"{name} must be at least 1: got {value}"
            for name, value in (("max_train", self.max_train), ("max_test", self.max_test))
            if value is not None and value < 1
        ]
        problems += [
            f"{name} must not be negative: got {value}"
            for name, value in (("num_validation", self.num_validation), ("views", self.views))
            if value < 0
        ]
        if not 0 <= self.more_share <= 1:
            problems.append(f"more_share must be a share from 0 to 1: got {self.more_share}")
        if self.grid is None and (self.symmetries != "none" or self.structure != "none" or self.check is not None):
            problems.append(f"symmetries, structure and check are for --data FILE: task {self.task} has its own")
        if self.held_out == "demonstrations" and not self.num_validation:
            problems.append(
                "held_out demonstrations holds out num_validation of them at most: it must be at least 1, got 0"
            )
        if self.relabel and not self.augment:
            problems.append("relabel is about puzzles that a symmetry made: it needs augment")
        refuse(problems)

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the puzzle families that are trained together; one, if `task` names one."""
        return tuple(self.task.split("+"))

    @property
    def family(self) -> str:
        """The name of the family that the trained network is used on: the last that `task` names."""
        return self.families[-1]

    def of_each(self) -> tuple[DataConfig, ...]:
        """The settings of each family, in the order of their names, as if it were trained alone."""
        if len(self.families) == 1:
            return (self,)
        return tuple(
            replace(self, task=name, train=self._own_sources(self.train, name), test=self._own_sources(self.test, name))
            for name in self.families
        )

    def _own_sources(self, sources: str, family: str) -> str:
        """What joined sources hold for one of several families."""
        own = []
        for item in sources.split("+"):
            label, equals, source = item.partition("=")
            if equals and label in self.families:
                own += [source] if label == family else []
            else:
                own.append(item)
        return "+".join(own)

    def _problems_of_several(self) -> list[str]:
        """What is wrong with the settings of several families."""
        problems = []
        if len(set(self.families)) < len(self.families):
            problems.append(f"task must name every family once: got {self.task}")
        if self.grid is not None:
            problems.append(
                f"files of grids (--data FILE) are one task: it cannot be trained with others, got {self.task}"
            )
        for name, sources in (("train", self.train), ("test", self.test)):
            labels = [item.partition("=")[0] for item in sources.split("+") if "=" in item]
            unknown = [label for label in labels if label not in self.families]
            if unknown:
                known = ", ".join(self.families)
                problems.append(f"{name} says TASK=SOURCE for tasks in {known}: got {', '.join(map(shown, unknown))}")
            bare = [family for family in self.families if not self._own_sources(sources, family)]
            if bare and not unknown:
                problems.append(
                    f"{name} must name a source for every task: got none for {', '.join(bare)} (say {bare[0]}=default)"
                )
        return problems
