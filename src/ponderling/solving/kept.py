"""What a run on files keeps so that it stands alone: its test examples, and where its files were."""

from __future__ import annotations

import os
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ponderling.checkpoint import BEST, LAST, TEST, Checkpoint, CheckpointError
from ponderling.config import DataConfig
from ponderling.system import write_atomically
from ponderling.tasks.base import Puzzles, Task


def places_of(data: DataConfig) -> dict[str, str]:
    """Where the files and folders that the settings name lie, as absolute paths; sets with a name of their own are left out."""
    sources = {"train": data.train, "test": data.test}
    return {
        name: os.path.abspath(source)
        for name, source in sources.items()
        if source not in ("default", "none", "hub") and Path(source).exists()
    }


def data_of(checkpoint: Checkpoint) -> DataConfig:
    """The checkpoint's settings of its data, with files where they lay when it was trained, whatever the current folder."""
    noted = checkpoint.info.get("files")
    places = {name: place for name, place in noted.items() if _is_place(name, place)} if isinstance(noted, dict) else {}
    data = replace(checkpoint.config.data, **places)
    for source in (data.train, data.test):
        path = Path(source)
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ValueError(f"{checkpoint.path}: names {source}, which is a pipe or a device: give a file with --data")
    return data


def _is_place(name: Any, place: Any) -> bool:
    return name in ("train", "test") and isinstance(place, str)


def keep_test(folder: Path, puzzles: Puzzles) -> None:
    """Writes a run's test examples into its folder, whole or not at all."""
    arrays = {
        field.name: value for field in fields(puzzles) if isinstance(value := getattr(puzzles, field.name), np.ndarray)
    }

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType] (no array is called allow_pickle)

    write_atomically(folder / TEST, write)


def _read_kept(file: Path, task: Task) -> Puzzles:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            puzzles = Puzzles(**{name: arrays[name] for name in arrays.files})
        cells = task.grid_shape[0] * task.grid_shape[1]
        for grids in (puzzles.tokens, puzzles.labels):
            if grids.dtype != np.uint8 or grids.shape != (len(puzzles.puzzle_ids), cells):
                raise ValueError(f"expected grids of {cells} cells: got {grids.dtype} of shape {grids.shape}")
            if grids.max(initial=0) >= task.vocab_size:
                raise ValueError(f"expected tokens below {task.vocab_size}: got {grids.max()}")
    except (OSError, ValueError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{file}: damaged ({error}); delete it to have the run's own files read") from error
    return puzzles


def puzzles_to_test(checkpoint: Checkpoint, task: Task, *, source: str) -> Puzzles:
    """The puzzles to evaluate a checkpoint on.

    Args:
        checkpoint: The model.
        task: Its family.
        source: A file, `default` or `hub`. Of a run on files of grids, `default` and the file that it was trained on mean the
            examples that it was not trained on.

    Raises:
        CheckpointError: when these were not kept and the files are not there any more.
    """
    data = data_of(checkpoint)
    if data.grid is None:
        return task.load_test(data, source)
    own = data.train if data.test == "default" else data.test
    if source != "default" and Path(source).resolve() != Path(own).resolve():
        return task.load_test(data, source)
    run = checkpoint.path.parent if checkpoint.path.name in (BEST, LAST) else checkpoint.path
    if (run / TEST).is_file():
        return _read_kept(run / TEST, task)
    try:
        return task.load_test(data, "default")
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{checkpoint.path}: its test examples are not here: looked for {run / TEST} and {Path(own).absolute()}; name a "
            "file with --data"
        ) from error
