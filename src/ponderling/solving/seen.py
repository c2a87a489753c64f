"""What a run was trained on: the numbers of its training puzzles' classes, beside its checkpoints.

So an evaluation can say how many of its puzzles the model has seen, up to the family's symmetries; see `tasks.split`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ponderling.checkpoint import BEST, LAST, PACKAGED, SEEN, Checkpoint, CheckpointError, find_checkpoint, read_config
from ponderling.system import write_atomically
from ponderling.tasks import answers_by_vote, get_task
from ponderling.tasks.base import DataSplit, Puzzles, Task
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.in_memory import IN_MEMORY
from ponderling.tasks.split import alike, class_keys, load_puzzles

FORMAT = 1
"""Version of the file, and of the fingerprints in it."""

CLASSES_OF = "classes of "
"""What stands in the file before the name of a family other than the run's last."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlap:
    """Which of the puzzles that a model is asked it was trained on."""

    rows: Bools
    """Whether it is known to be trained on each puzzle, (N,)."""
    is_all: bool
    """Whether it was trained on none of the others; False where that is not known."""
    not_here: tuple[str, ...] = ()
    """The sets that it was trained on too, and that these puzzles were not compared with, since they are not here."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Seen:
    """What a model has seen in training."""

    classes: Mapping[str, NDArray[np.uint64]]
    """The numbers of the classes of each family that was trained on, ascending, by its name."""
    is_all: bool
    """Whether nothing else was trained on; False where the run began with weights of which that is not known."""
    left_out: tuple[str, ...] = ()
    """Which examples of the run's sources are in no part of it, and why: a sentence for each reason."""

    def among(self, task: Task, puzzles: Puzzles) -> Overlap:
        """Which puzzles of a family, the run's own or another, were seen."""
        rows = np.zeros(len(puzzles), bool)
        for name, classes in self.classes.items():
            asked, family = puzzles, task
            if task.name != name:
                family = get_task(name) if isinstance(task, GridTask) and ":" not in name else task
                asked = task.as_puzzles_of(name, puzzles) if isinstance(task, GridTask) else None
            if asked is not None:
                rows |= np.isin(class_keys(family, asked), classes)
        return Overlap(rows=rows, is_all=self.is_all)


def run_of(folder: Path) -> Path:
    """The run folder that a checkpoint's folder is in; the folder itself where it is not in a run."""
    return folder.parent if folder.name in (BEST, LAST) else folder


def keep_seen(folder: Path, families: Sequence[tuple[Task, DataSplit]], *, before: str | Path | None = None) -> None:
    """Notes in a run's folder what it is going to be trained on.

    Args:
        folder: The run folder.
        families: The run's families and their puzzles; the last is the one that the network is used on.
        before: The checkpoint whose weights the run starts with, which have seen what was trained on then.
    """
    earlier = None if before is None else _seen_by(before)
    classes = {task.name: np.unique(class_keys(task, _once(data.train))) for task, data in families}
    for name, known in ({} if earlier is None else earlier.classes).items():
        classes[name] = np.union1d(classes[name], known) if name in classes else known
    own = families[-1][0].name
    others = [name for name in classes if name != own]
    facts = {
        "format": FORMAT,
        "task": own,
        "is_all": before is None or (earlier is not None and earlier.is_all),
        "left_out": [
            f"{task.name}: {reason}" if families[1:] else str(reason)
            for task, data in families
            for reason in data.left_out
        ],
        **({"others": others} if others else {}),
    }
    metadata = {"seen": json.dumps(facts)}  # one entry: safetensors writes several in a random order
    tensors = {"classes": classes[own], **{f"{CLASSES_OF}{name}": classes[name] for name in others}}
    write_atomically(folder / SEEN, lambda path: save_file(tensors, path, metadata=metadata))


def _once(puzzles: Puzzles) -> Puzzles:
    """The puzzles without those that plainly repeat another, as sets do that are named several times."""
    rows = puzzles.tokens if puzzles.regions is None else np.concatenate([puzzles.tokens, puzzles.regions], axis=1)
    weights = np.random.default_rng(0).integers(1 << 63, size=rows.shape[1], dtype=np.uint64)
    sums = np.concatenate([rows[i : i + 4096] @ weights for i in range(0, len(rows), 4096)] or [np.zeros(0, np.uint64)])
    return puzzles[np.unique(np.stack([sums, puzzles.puzzle_ids.astype(np.uint64)]), axis=1, return_index=True)[1]]


def read_seen(folder: Path) -> Seen | None:
    """What the run of a checkpoint's folder was trained on; None where that was not noted.

    Raises:
        CheckpointError: when the note is damaged.
    """
    path = run_of(folder) / SEEN
    if not path.is_file():
        return None
    try:
        with safe_open(path, "numpy") as file:
            facts = json.loads((file.metadata() or {})["seen"])
            names = {str(facts["task"]): "classes", **{name: CLASSES_OF + name for name in facts.get("others", [])}}
            classes = {name: file.get_tensor(key) for name, key in names.items()}
        for found in classes.values():
            if found.dtype != np.uint64 or found.ndim != 1:
                raise ValueError(f"expected one row of 64-bit numbers, got {found.dtype} of shape {found.shape}")
        if facts["format"] != FORMAT:
            return None  # of another version, whose numbers mean nothing here
        left_out = tuple(map(str, facts["left_out"]))
        return Seen(classes=classes, is_all=facts["is_all"] is True, left_out=left_out)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{path}: damaged ({' '.join(str(error).split())}); delete it, and evaluations will not say what was trained on"
        ) from error


def _seen_by(name: str | Path) -> Seen | None:
    """What the weights of a checkpoint were trained on, noted or from the package; None if not known."""
    try:
        folder = find_checkpoint(name)
    except CheckpointError:  # of a run that is resumed, which has weights of its own by now
        return None
    noted = read_seen(folder)
    if noted is not None:
        return noted
    config, _, info = read_config(folder)
    classes, is_all = {}, True
    for own in config.data.of_each():
        sources = _packaged_sources(own.train, own.task, folder=folder, info=info)
        if sources is None:
            return None
        task = get_task(own.task)
        here = [name for name in sources if _is_here(task, name)]
        keys = [class_keys(task, load_puzzles(task, name, split="train")) for name in here]
        classes[task.name] = np.unique(np.concatenate([np.zeros(0, np.uint64), *keys]))
        is_all &= here == sources
    return Seen(classes=classes, is_all=is_all)


def _is_here(task: Task, name: str) -> bool:
    """Whether a set can be read without the network: an evaluation does not wait for it."""
    return not isinstance(task, GridTask) or name not in task.named_sets or task.is_here(name)


def _packaged_sources(train: str, task: str, *, folder: Path, info: Mapping[str, Any]) -> list[str] | None:
    """The sets that packaged weights were trained on, if all of them have names."""
    if folder.parent != PACKAGED or "recipe" not in info or answers_by_vote(task):
        return None
    names = list(dict.fromkeys(train.split("+")))
    return names if set(names) <= {"default", *get_task(task).named_sets} else None


def overlap_with(checkpoint: Checkpoint, puzzles: Puzzles, *, task: Task) -> Overlap | None:
    """Which puzzles the model was trained on, up to the symmetries; None where that is not known.

    Args:
        checkpoint: The model.
        puzzles: What it is asked.
        task: The family that it is used on, its own or another.

    Raises:
        CheckpointError: when the note of the run is damaged.
    """
    if str(checkpoint.path) == IN_MEMORY:
        return None  # trained by `ponderling.train` without a folder: no file says what it has seen
    noted = read_seen(checkpoint.path)
    if noted is not None:
        return noted.among(task, puzzles)
    config, _, info = read_config(checkpoint.path)  # the checkpoint's own family, whatever it is used on
    found, not_here = np.zeros(len(puzzles), bool), []
    for own in config.data.of_each():
        sources = _packaged_sources(own.train, own.task, folder=checkpoint.path, info=info)
        if sources is None or not isinstance(task, GridTask):
            return None
        asked = task.as_puzzles_of(own.task, puzzles)
        if asked is None:
            continue
        if asked.brings_regions.any():
            return None  # reading all puzzles with regions of their own takes longer than most evaluations
        family = get_task(own.task)
        assert isinstance(family, GridTask)
        for name in sources:
            if name in family.sets_with_regions:
                continue
            if _is_here(family, name):
                found |= alike(family, asked, others=load_puzzles(family, name, split="train"))
            else:
                not_here.append(name)
    return Overlap(rows=found, is_all=not not_here, not_here=tuple(not_here))
