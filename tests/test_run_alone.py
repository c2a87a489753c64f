"""A run on files stands alone: it is evaluated from any folder, on its own test examples, also when its files are gone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from ponderling.checkpoint import CheckpointError, load_checkpoint
from ponderling.cli import main
from ponderling.data import task_of
from ponderling.exchange.hub import save_pretrained
from ponderling.solving.kept import puzzles_to_test

TINY = [
    "--train.steps", "2", "--train.batch-size", "4", "--train.N-sup", "1", "--run.eval-every", "2", "--json",
    "--model.hidden-size", "16", "--model.inner-multiple", "16", "--model.n", "1", "--model.T", "1",
    "--data.num-validation", "4",
]  # fmt: skip
EXAMPLES = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a file of examples and a run that was started there, on a part of its test examples."""
    folder = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(0)
    grids = rng.integers(0, 3, (EXAMPLES, 2, 6, 3))
    rows = [{"input": a.tolist(), "output": b.tolist(), "rating": i} for i, (a, b) in enumerate(grids)]
    (folder / "my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "--data", "my.jsonl", "--data.max-test", "2", *TINY]) == 0
    return folder


@pytest.fixture
def home(made, tmp_path):
    """A copy of it, elsewhere."""
    return shutil.copytree(made, tmp_path / "home")


def count(capsys, *args):
    capsys.readouterr()
    assert main(["eval", *map(str, args), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["puzzles"]


def test_the_kept_examples_are_those_that_were_held_out(made, monkeypatch):
    checkpoint = load_checkpoint(made / "runs" / "my")
    task = task_of(checkpoint.config.data)
    kept = puzzles_to_test(checkpoint, task, source="default")
    monkeypatch.chdir(made)
    expected = task.load_test(checkpoint.config.data, "default")
    assert len(expected) == EXAMPLES // 10
    for name in ("tokens", "labels", "puzzle_ids", "ratings"):
        assert np.array_equal(getattr(kept, name), getattr(expected, name))
        assert getattr(kept, name).dtype == getattr(expected, name).dtype


def test_it_is_evaluated_from_any_folder_on_what_it_was_not_trained_on(made, tmp_path, monkeypatch, capsys):
    run = made / "runs" / "my"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link.jsonl").symlink_to(made / "my.jsonl")
    (elsewhere / "my.jsonl").write_text("\n".join((made / "my.jsonl").read_text().splitlines()[:7]) + "\n")
    for folder, files in ((made, ["my.jsonl"]), (elsewhere, [made / "my.jsonl", "link.jsonl"])):
        monkeypatch.chdir(folder)
        for checkpoint in (run, run / "last"):
            assert count(capsys, checkpoint) == EXAMPLES // 10
        for file in files:
            assert count(capsys, run, "--data", file) == EXAMPLES // 10
    assert count(capsys, run, "--data", "my.jsonl") == 7  # another file of this name


def test_nothing_but_the_run_folder_is_needed(home, tmp_path, monkeypatch, capsys):
    shutil.move(home / "runs" / "my", tmp_path / "alone")
    shutil.rmtree(home)
    monkeypatch.chdir(tmp_path)
    assert count(capsys, "alone") == EXAMPLES // 10


def test_a_run_that_kept_nothing_reads_the_file_where_it_was(made, home, tmp_path, monkeypatch):
    (home / "runs" / "my" / "test.npz").unlink()
    monkeypatch.chdir(tmp_path)
    checkpoint = load_checkpoint(home / "runs" / "my")
    assert checkpoint.info["files"] == {"train": str(made / "my.jsonl")}
    task = task_of(checkpoint.config.data)
    for source in ("default", str(made / "my.jsonl")):
        assert len(puzzles_to_test(checkpoint, task, source=source)) == EXAMPLES // 10
    moved = replace(checkpoint, info={"files": {"train": str(tmp_path / "gone.jsonl")}})
    for where, place in ((moved, tmp_path / "gone.jsonl"), (replace(checkpoint, info={}), tmp_path / "my.jsonl")):
        with pytest.raises(CheckpointError) as error:
            puzzles_to_test(where, task, source="default")
        assert str(error.value) == (
            f"{checkpoint.path}: its test examples are not here: looked for {home}/runs/my/test.npz and {place}; name a file "
            "with --data"
        )


@pytest.mark.parametrize("damage", ["not an archive", "another shape", "a pickle", "strange tokens"])
def test_damaged_examples_are_named(damage, home):
    run = home / "runs" / "my"
    with np.load(run / "test.npz") as arrays:
        kept = dict(arrays)
    if damage == "not an archive":
        (run / "test.npz").write_bytes(b"PK")
    else:
        change = {
            "another shape": {"tokens": kept["tokens"][:, 1:]},
            "a pickle": {"sources": np.array([{}], object)},
            "strange tokens": {"labels": kept["labels"] + np.uint8(9)},
        }
        np.savez(run / "test.npz", **(kept | change[damage]))
    checkpoint = load_checkpoint(run)
    with pytest.raises(CheckpointError, match=r"test\.npz: damaged"):
        puzzles_to_test(checkpoint, task_of(checkpoint.config.data), source="default")


def test_a_saved_model_tells_nobody_where_files_were(made, tmp_path):
    folder = save_pretrained(load_checkpoint(made / "runs" / "my"), tmp_path / "shared")
    assert str(made) not in (folder / "config.json").read_text()
    assert sorted(file.name for file in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
