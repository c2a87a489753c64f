"""A run goes on with the puzzles that it was trained on, and with no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ponderling.checkpoint import CheckpointError, load_training_state, save_training_state
from ponderling.tasks import get_task
from ponderling.training.same_puzzles import fingerprints, other_puzzles
from ponderling.training.starting import start
from runs import tiny


def test_a_run_is_not_resumed_on_other_puzzles(tmp_path):
    task = get_task("sudoku4")
    file = tmp_path / "mine.csv"
    puzzles = task.load_default("train")
    task.write(file, puzzles[:200])
    config = replace(tiny(), data=replace(tiny().data, train=str(file)))
    start(config, tmp_path / "run").run(lambda: True)
    task.write(file, puzzles[100:300])
    with pytest.raises(CheckpointError, match="was trained on other puzzles"):
        start(config, tmp_path / "run", resume=True)


def changed(puzzles, name: str):
    """The puzzles with one number changed."""
    values = getattr(puzzles, name)
    values = np.zeros(len(puzzles), np.int32) if values is None else values.copy()
    values[len(values) // 2] = values[len(values) // 2] + 1
    return replace(puzzles, **{name: values})


@pytest.mark.parametrize("which", ["train", "validation", "test"])
@pytest.mark.parametrize(
    ("name", "called"),
    [("tokens", "questions"), ("labels", "answers"), ("ratings", "ratings"), ("puzzle_ids", "puzzle ids")],
)
def test_a_run_goes_on_with_the_same_data_alone(tmp_path, which, name, called):
    config = tiny()
    data = get_task("sudoku4").load_split(config.data)
    start(config, tmp_path, data=data).run(lambda: True)
    other = replace(data, **{which: changed(getattr(data, which), name)})
    kind = "" if which == "train" else f"{which} "
    with pytest.raises(CheckpointError, match=rf"was trained on other {kind}puzzles than .* \(other {called}\)"):
        start(config, tmp_path, data=other, resume=True)
    assert start(config, tmp_path, data=data, resume=True).step == 0


def test_regions_are_part_of_the_data():
    data = get_task("sudoku4").load_split(tiny().data)
    data = replace(data, test=replace(data.test, regions=np.ones_like(data.test.tokens)))
    other = replace(data, test=changed(data.test, "regions"))
    assert other_puzzles(fingerprints(data), fingerprints(data)) is None
    assert other_puzzles(fingerprints(data), fingerprints(other)) == ("test", "regions")


def test_an_older_run_that_noted_its_training_puzzles_alone_goes_on(tmp_path):
    config = tiny()
    data = get_task("sudoku4").load_split(config.data)
    start(config, tmp_path, data=data).run(lambda: True)
    state = load_training_state(tmp_path / "last")
    del state["puzzles"]
    save_training_state(tmp_path / "last", state)
    assert start(config, tmp_path, data=replace(data, test=data.test[:5]), resume=True).step == 0
    with pytest.raises(CheckpointError, match="was trained on other puzzles"):
        start(config, tmp_path, data=replace(data, train=changed(data.train, "labels")), resume=True)
