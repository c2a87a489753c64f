"""Every kind of file on a full disk: an error, and nothing left of it. `dev/campaigns/full_disk.py` has the commands."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import torch

from ponderling.checkpoint import save_checkpoint, save_training_state
from ponderling.config import ModelConfig, PuzzleShape, RunConfig
from ponderling.exchange.official import write_official
from ponderling.models import build_model
from ponderling.system import write_together
from ponderling.tasks import get_task
from ponderling.tasks.base import Puzzles
from ponderling.tasks.official_layout import write_layout
from ponderling.tasks.text_files import TextTask, write_puzzles

resource = pytest.importorskip("resource", reason="not POSIX")


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can be larger than this number of bytes."""
    old, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (old, hard))


@functools.cache
def puzzles() -> Puzzles:
    return get_task("sudoku4").load_default("train")[:200]


@functools.cache
def figure():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    drawn = Figure()
    drawn.subplots().plot(range(100))
    return drawn


def checkpoint() -> dict:
    shape = PuzzleShape(vocab_size=6, seq_len=16, num_puzzles=1)
    model = ModelConfig(hidden_size=64, num_heads=1, prefix_len=0, puzzle_embedding_size=0)
    tensors = build_model(model, shape).state_dict()
    return {"tensors": tensors, "config": RunConfig(model=model), "shape": shape}


def write_checkpoint(folder: Path) -> None:
    made = checkpoint()
    save_checkpoint(folder, made["tensors"], config=made["config"], shape=made["shape"], info={})


def write_for_the_official_code(folder: Path) -> None:
    made = checkpoint()
    write_official(folder / "off", made["tensors"], config=made["config"], shape=made["shape"])


def write_plot(folder: Path, name: str) -> None:
    from ponderling.pictures.plots import save

    save(figure(), folder / name)


def files_of(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


WRITERS = {
    "checkpoint": write_checkpoint,
    "training state": lambda folder: save_training_state(folder, {"slots": torch.arange(5000)}),
    "official checkpoint": write_for_the_official_code,
    "official data": lambda folder: write_layout(
        folder / "data", {"train": puzzles()}, vocab_size=6, num_puzzles=1, grid={}
    ),
    "pairs": lambda folder: get_task("sudoku4").write_pairs(folder / "pairs.jsonl", puzzles()),
    "puzzles": lambda folder: write_puzzles(
        cast("TextTask", get_task("sudoku4")), folder / "puzzles.csv.gz", puzzles=puzzles()
    ),
    "pdf": functools.partial(write_plot, name="plot.pdf"),
    "png": functools.partial(write_plot, name="plot.png"),
    "svg": functools.partial(write_plot, name="plot.svg"),
}


@pytest.mark.parametrize("missing", [1, 100, 1500])
@pytest.mark.parametrize("what", WRITERS)
def test_a_file_that_does_not_fit_is_an_error_and_not_there(what, missing, tmp_path):
    (tmp_path / "room").mkdir()
    WRITERS[what](tmp_path / "room")
    size = max(file.stat().st_size for file in files_of(tmp_path / "room"))
    (tmp_path / "full").mkdir()
    with room_for(max(0, size - missing)), pytest.raises(OSError, match=r"large|written"):
        WRITERS[what](tmp_path / "full")
    for file in files_of(tmp_path / "full"):
        assert not file.name.startswith(".")
        assert file.stat().st_size == (tmp_path / "room" / file.relative_to(tmp_path / "full")).stat().st_size


def test_of_files_that_belong_together_none_is_left_when_one_does_not_fit(tmp_path):
    def text(size: int):
        return lambda path: path.write_text("a" * size)

    with room_for(1000), pytest.raises(OSError, match=r"large"):
        write_together({tmp_path / "a": text(10), tmp_path / "b": text(2000)})
    assert not list(tmp_path.iterdir())
    write_together({tmp_path / "a": text(10), tmp_path / "b": text(2000)})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b"]


def test_what_was_there_before_stays(tmp_path):
    write_checkpoint(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    with room_for(1000), pytest.raises(OSError, match=r"large|written"):
        write_checkpoint(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert not [file.name for file in tmp_path.iterdir() if file.name.startswith(".") and file.suffix == ".tmp"]
