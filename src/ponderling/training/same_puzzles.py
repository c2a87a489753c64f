"""Whether a run goes on with the puzzles that it was trained on: hashes of them, which are saved and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ponderling.checkpoint import CheckpointError
from ponderling.tasks.base import DataSplit, Puzzles
from ponderling.training.lanes import Lane


def fingerprint(puzzles: Puzzles, vocab_size: int) -> str:
    """A hash of questions, with the regions that they bring, and answers, in order."""
    tokens = puzzles.tokens
    if puzzles.regions is not None:  # as they were once written, so that runs of then are gone on with
        tokens = tokens + np.uint8(vocab_size) * puzzles.regions
    digest = hashlib.sha256(tokens.tobytes())
    digest.update(puzzles.labels.tobytes())
    return digest.hexdigest()


def fingerprints(data: DataSplit) -> dict[str, dict[str, str]]:
    """A hash of each thing that training and its evaluations read, by the name of the set and its own."""
    return {
        what: {name: _hash(getattr(puzzles, name)) for name in ("tokens", "labels", "regions", "ratings", "puzzle_ids")}
        for what, puzzles in (("train", data.train), ("validation", data.validation), ("test", data.test))
    }


NAMES = {
    "tokens": "questions",
    "labels": "answers",
    "regions": "regions",
    "ratings": "ratings",
    "puzzle_ids": "puzzle ids",
}
"""What users call the arrays of `Puzzles`."""


def other_puzzles(
    saved: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]
) -> tuple[str, str] | None:
    """The first set that is not as it was, and what of it differs; None where all are the same."""
    for what, hashes in now.items():
        differing = [NAMES[name] for name, value in hashes.items() if saved.get(what, {}).get(name, value) != value]
        if differing:
            return what, " and ".join([", ".join(differing[:-1]), differing[-1]] if differing[1:] else differing)
    return None


def fingerprints_of_run(lanes: Sequence[Lane], *, vocab_size: int) -> dict[str, Any]:
    """What tells the puzzles of a run from others, to be saved; `data` is all that older versions compare."""
    *others, own = lanes
    of_others = {lane.name: fingerprints(lane.data) for lane in others}
    return {
        "data": fingerprint(own.data.train, vocab_size),
        "puzzles": fingerprints(own.data),
        **({"puzzles_of_others": of_others} if of_others else {}),
    }


def refuse_other_puzzles(saved: dict[str, Any], *, now: dict[str, Any], lanes: Sequence[Lane], file: Path) -> None:
    """Refuses to go on with puzzles that are not those of the run.

    Args:
        saved: What `fingerprints_of_run` said when the run was saved.
        now: What it says now.
        lanes: The families of the run.
        file: Where the run is, for the message.

    Raises:
        CheckpointError: naming the set, and what of it differs.
    """
    for lane in lanes:
        is_last = lane is lanes[-1]
        before, today = (
            known.get("puzzles", {}) if is_last else known["puzzles_of_others"][lane.name] for known in (saved, now)
        )
        other = other_puzzles(before, today)
        if other is None and is_last and saved["data"] != now["data"]:
            other = "train", "questions or answers"
        if other is None:
            continue
        what, differing = other
        option = "test" if what == "test" else "train"
        which = {"train": "other puzzles", "validation": "other validation puzzles", "test": "other test puzzles"}[what]
        gives = f"gives {lane.name}" if len(lanes) > 1 else "gives"
        raise CheckpointError(
            f"{file}: was trained on {which} than --data.{option} {getattr(lane.settings, option)} "
            f"now {gives} (other {differing}); give the same puzzles, or start a new run with another --out"
        )


def _hash(array: np.ndarray | None) -> str:
    """A hash of the numbers and their shape."""
    if array is None:
        return "none"
    digest = hashlib.sha256(str(array.shape).encode())
    digest.update(np.ascontiguousarray(array, dtype="u1" if array.itemsize == 1 else "<i8").tobytes())
    return digest.hexdigest()
