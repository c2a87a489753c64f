"""A run folder has one owner: nothing in it is overwritten, nobody else writes in it, and what is killed leaves it whole."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import ponderling.system
from ponderling.checkpoint import CheckpointError, load_checkpoint, read_config, read_safetensors, save_checkpoint
from ponderling.cli import main
from ponderling.config import PuzzleShape
from ponderling.models import build_model
from ponderling.system import FolderInUseError, FolderLock, remove_leftovers, write_atomically
from ponderling.training.observer import Observer
from ponderling.training.starting import start
from ponderling.training.trainer import Trainer
from runs import assert_same, tiny

OURS = [
    "config.json", "model.safetensors", "training.safetensors", "metrics.jsonl", "test.npz",
    "best/config.json", "best/model.safetensors", "last/config.json", "last/model.safetensors", "last/notes.txt",
]  # fmt: skip


def small(**changes):
    config = tiny(**{"steps": 2, "eval_every": 2, **changes})
    return replace(config, data=replace(config.data, num_validation=4, max_train=20, max_test=4))


def begin(config, out, **more):
    return start(config, out, observer=Observer(), **more)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", OURS)
def test_a_folder_with_any_file_of_ours_is_occupied(name, tmp_path):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds .* already: choose another --out"):
        begin(small(), tmp_path)
    with pytest.raises(CheckpointError, match=r"last/training\.safetensors is missing.* --train\.init"):
        begin(small(), tmp_path, resume=True)
    assert contents(tmp_path) == {name: b"mine"}


def test_a_run_without_its_training_state_is_neither_overwritten_nor_begun_anew(tmp_path):
    begin(small(), tmp_path).run()
    (tmp_path / "last" / "training.safetensors").unlink()
    before = contents(tmp_path)
    assert {"best/model.safetensors", "last/model.safetensors", "metrics.jsonl"} <= before.keys()
    with pytest.raises(FileExistsError, match="holds a run already"):
        begin(small(seed=7), tmp_path)
    with pytest.raises(CheckpointError, match=r"cannot be resumed: .*training\.safetensors is missing"):
        begin(small(), tmp_path, resume=True)
    assert contents(tmp_path) == before
    assert main(["train", "sudoku4", "--out", str(tmp_path), "--resume"]) == 2
    assert contents(tmp_path) == before


def test_a_run_that_cannot_be_resumed_is_not_overwritten(tmp_path):
    """As the folders that `ponderling adapt` makes."""
    made = begin(small(), tmp_path / "first")
    for attempt in range(2):
        trainer = Trainer(
            made.config, tmp_path / "out", task=made.task, data=made.data, observer=Observer(), resumable=False
        )
        if attempt:
            with pytest.raises(FileExistsError, match=r"holds a run already: choose another --out$"):
                trainer.run()
        else:
            assert trainer.run()["puzzles"] == 4
    assert sorted(contents(tmp_path / "out")) == [
        "best/config.json", "best/model.safetensors", "last/config.json", "last/model.safetensors", "metrics.jsonl",
        "seen.safetensors",
    ]  # fmt: skip
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        begin(small(), tmp_path / "out", resume=True)


@pytest.mark.parametrize("there", [False, True])
def test_resume_begins_where_nothing_is_yet(there, tmp_path):
    """A command with --resume can be given again and again until the run is finished, as job queues do."""
    if there:
        (tmp_path / "run" / "last").mkdir(parents=True)
        (tmp_path / "run" / "notes.txt").write_text("mine")
    trainer = begin(small(), tmp_path / "run", resume=True)
    trainer.run()
    assert trainer.step == 2
    assert not there or (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_a_refused_training_leaves_no_folder(tmp_path):
    from ponderling.config import Phase

    with pytest.raises(ValueError, match="asks for puzzles rated"):
        begin(small(phases=(Phase(1, min_rating=7000),)), tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    begin(small(), tmp_path / "a" / "b").run()
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [
        "best", "last", "metrics.jsonl", "seen.safetensors",
    ]  # fmt: skip


def test_two_runs_of_one_process_do_not_share_a_folder(tmp_path):
    trainer, said = begin(small(steps=3), tmp_path), []

    def beside() -> bool:
        for resume in (False, True):
            with pytest.raises(FolderInUseError) as caught:
                begin(small(steps=3), tmp_path, resume=resume)
            said.append(str(caught.value))
        return False

    trainer.run(beside)
    assert len(said) == 8
    assert set(said) == {
        f"{tmp_path} is in use by process {os.getpid()} on {socket.gethostname()}: wait until that has ended, or choose "
        "another --out"
    }
    assert begin(small(steps=3), tmp_path, resume=True).step == 3, "once it is done, another may"


HOLD = """
import sys
from pathlib import Path
from ponderling.system import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_kept_out_by_pid_and_host_until_the_first_is_dead(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        says = f"in use by process {holder.pid} on {socket.gethostname()}"
        for resume in (False, True):
            with pytest.raises(FolderInUseError, match=says):
                begin(small(), tmp_path, resume=resume)
        official = Path(__file__).parent / "files_17c4a84" / "official" / "export"
        assert main(["import", str(official), "--out", str(tmp_path), "--task", "sudoku4"]) == 1
        assert [file.name for file in tmp_path.iterdir()] == [".ponderling.lock"]
    finally:
        holder.kill()
        holder.communicate()
    begin(small(), tmp_path).run()
    assert not (tmp_path / ".ponderling.lock").exists()


def test_a_run_that_was_prepared_is_not_begun_where_another_was_since(tmp_path):
    first, second = begin(small(), tmp_path), begin(small(seed=1), tmp_path)
    first.run()
    with pytest.raises(FileExistsError, match="holds a run already: go on with it"):
        second.run()
    late, early = (begin(small(steps=4), tmp_path, resume=True) for _ in range(2))
    early.run()
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match="was changed by another run since this one began"):
        late.run()
    with pytest.raises(FileExistsError, match="was changed by another run since this one began"):
        late.save()
    assert contents(tmp_path) == before


def test_a_lock_whose_file_was_deleted_keeps_nobody_out(tmp_path):
    with FolderLock(tmp_path) as first:
        first.file.unlink()
        with FolderLock(tmp_path):
            assert first.file.exists()
        first.file.touch()
    assert list(tmp_path.iterdir()) == []


def test_only_our_own_dead_temporaries_are_removed(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host, tail = socket.gethostname().replace(".", "-").replace("_", "-"), "0123456789abcdef.tmp"
    ours = [f".model.safetensors.{gone.pid}.tmp", f".config.json.{host}.{gone.pid}.{tail}"]
    others = [
        ".notes.tmp", ".model.safetensors.tmp", "model.safetensors.1.tmp", f".notes.txt.{host}.{gone.pid}.{tail}",
        f".model.safetensors.{os.getpid()}.tmp", f".config.json.{host}.{os.getpid()}.{tail}",
        f".config.json.elsewhere.{gone.pid}.{tail}",
    ]  # fmt: skip
    (tmp_path / "run" / "last").mkdir(parents=True)
    for name in ours + others:
        (tmp_path / "run" / name).write_text("precious")
    link = tmp_path / "run" / f".metrics.jsonl.{host}.{gone.pid}.{tail}"
    link.symlink_to(tmp_path / "run" / ".notes.tmp")
    unfinished = tmp_path / "run" / f".last.{host}.{gone.pid}.{tail}"
    unfinished.mkdir()
    (unfinished / "model.safetensors").write_text("half")
    begin(small(), tmp_path / "run").run()
    left = {file.name for file in (tmp_path / "run").iterdir()}
    assert left == {*others, link.name, "best", "last", "metrics.jsonl", "seen.safetensors"}
    assert {(tmp_path / "run" / name).read_text() for name in others} == {"precious"}


def test_a_temporary_is_not_written_through_a_link_that_was_planted(tmp_path, monkeypatch):
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    monkeypatch.setattr(ponderling.system.secrets, "token_hex", lambda count: "0" * 2 * count)
    planted = ponderling.system._temporary(tmp_path / "out.json")
    planted.symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "out.json", lambda path: path.write_text("ours"))
    assert victim.read_text() == "precious"
    assert planted.is_symlink()


@pytest.mark.posix
def test_a_link_at_the_place_of_a_file_stays_a_link(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "out.json").symlink_to(tmp_path / "kept" / "real.json")
    for text in ("first", "second"):
        write_atomically(tmp_path / "out.json", lambda path, text=text: path.write_text(text))
        assert (tmp_path / "out.json").is_symlink()
        assert (tmp_path / "kept" / "real.json").read_text() == text
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["real.json"]
    os.mkfifo(tmp_path / "pipe")
    for place in ("pipe", "kept"):
        with pytest.raises(OSError, match=rf"{place}: expected a file, or a name that is free"):
            write_atomically(tmp_path / place, lambda path: path.write_text("x"))


def test_temporaries_have_names_that_nobody_can_guess(tmp_path):
    names = []
    for _ in range(2):
        write_atomically(tmp_path / "a", lambda path: (names.append(path.name), path.write_text("x")))
    assert names[0] != names[1]
    remove_leftovers(tmp_path / "absent", ["a"])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc")
def test_a_file_is_on_disk_before_it_takes_its_name_and_the_name_is_after(tmp_path, monkeypatch):
    """What loses power, unlike what is killed, has on disk only what was synced."""
    done, sync, replace_file = [], os.fsync, os.replace

    def synced(opened):
        done.append("folder" if Path(f"/proc/self/fd/{opened}").is_dir() else os.fstat(opened).st_size)
        sync(opened)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("named"), replace_file(*paths)))
    write_atomically(tmp_path / "a", lambda path: path.write_text("12345"))
    assert done == [5, "named", "folder"]


CONFIG = tiny()
SHAPE = PuzzleShape(6, 16)


def saved(folder: Path, *steps: int) -> None:
    """Weights that are all equal to their step."""
    model = build_model(CONFIG.model, SHAPE)
    for step in steps:
        tensors = {key: torch.full_like(value, step) for key, value in model.state_dict().items()}
        save_checkpoint(folder, tensors, config=CONFIG, shape=SHAPE, info={"step": step, "tag": f"of {step}"})


def test_weights_and_their_figures_change_in_one_step(tmp_path):
    saved(tmp_path, 1)
    old = (tmp_path / "config.json").read_bytes()
    saved(tmp_path, 2)
    (tmp_path / "config.json").write_bytes(old)  # killed between the two files
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint.info == {"step": 2, "tag": "of 2"}
    assert {value.unique().item() for value in checkpoint.model.state_dict().values()} == {2.0}
    saved(tmp_path, 3)
    header = json.loads((tmp_path / "config.json").read_text())
    assert header["info"] == {"step": 3, "tag": "of 3"}, "the next save repairs the copy"


def test_what_a_person_changes_in_the_config_counts_but_for_the_figures(tmp_path):
    saved(tmp_path, 1)
    header = json.loads((tmp_path / "config.json").read_text())
    header["info"] |= {"step": 99, "tag": "mine", "more": 1}
    (tmp_path / "config.json").write_text(json.dumps(header))
    assert read_config(tmp_path)[2] == {"step": 1, "tag": "mine", "more": 1}


def test_a_checkpoint_of_an_older_version_is_described_by_its_config(tmp_path):
    saved(tmp_path, 1)
    save_file(load_file(tmp_path / "model.safetensors"), tmp_path / "model.safetensors")
    assert read_config(tmp_path)[2] == {"step": 1, "tag": "of 1"}


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "info must be an object: got list"),
        ("null", "info must be an object: got NoneType"),
        ('{"step": NaN}', "expected a finite number"),
        ('{"step": "three"}', r"info\.step: expected a whole number from 0, got 'three'"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a": "' + "x" * (1 << 24) + '"}', "at most 16,777,216 bytes"),
    ],
    ids=["no JSON", "list", "null", "NaN", "text", "deep", "large"],
)
def test_facts_in_the_weights_that_cannot_be_are_refused_in_a_line_with_the_file(info, reason, tmp_path):
    saved(tmp_path, 1)
    save_file(load_file(tmp_path / "model.safetensors"), tmp_path / "model.safetensors", {"info": info})
    with pytest.raises(CheckpointError, match=reason) as caught:
        load_checkpoint(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'model.safetensors'}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_paths_of_this_machine_are_not_in_the_weights(tmp_path):
    info = {"step": 1, "code": {"mine": "/home/me/mine.py"}, "files": {"train": "/home/me/x.csv"}, "test": {"exact": 1}}
    save_checkpoint(tmp_path, {"a": torch.zeros(2)}, config=CONFIG, shape=SHAPE, info=info)
    assert b"/home/me" not in (tmp_path / "model.safetensors").read_bytes()
    assert read_config(tmp_path)[2] == info
    old = (tmp_path / "config.json").read_bytes()
    save_checkpoint(tmp_path, {"a": torch.ones(2)}, config=CONFIG, shape=SHAPE, info=info | {"step": 2})
    (tmp_path / "config.json").write_bytes(old)
    del info["test"]  # it was of the older weights
    assert read_config(tmp_path)[2] == info | {"step": 2}


@pytest.mark.parametrize("info", [{"loss": float("nan")}, {"a": object()}, {"a": "x" * (1 << 24)}])
def test_facts_that_could_not_be_read_again_are_not_saved(info, tmp_path):
    with pytest.raises(ValueError, match="info must be"):
        save_checkpoint(tmp_path / "new", {}, config=CONFIG, shape=SHAPE, info=info)
    assert not list(tmp_path.iterdir())


class Killed(BaseException):
    """Stands for `kill -9`."""


def killed_at(monkeypatch, moment: int, work) -> bool:
    """Does the work up to just before the file system is changed for the so-manieth time; whether it came that far."""
    with monkeypatch.context() as patch:
        count, replace_file, rename = [0], os.replace, Path.rename

        def next_change():
            count[0] += 1
            if count[0] == moment:
                raise Killed

        patch.setattr(os, "replace", lambda *paths: (next_change(), replace_file(*paths)))
        patch.setattr(Path, "rename", lambda *paths: (next_change(), rename(*paths)))
        try:
            work()
        except Killed:
            return True
        return False


def test_a_run_killed_before_any_change_of_a_file_ends_as_one_that_was_not(tmp_path, monkeypatch):
    config = small(steps=4, eval_every=2, checkpoint_every=3, log_every=1)
    begin(config, tmp_path / "whole").run()
    moment = 1
    while killed_at(
        monkeypatch,
        moment,
        lambda: begin(config, tmp_path / f"at {moment}").run(),  # noqa: B023
    ):
        out = tmp_path / f"at {moment}"
        for part in ("best", "last"):
            if (out / part).exists():
                checkpoint = load_checkpoint(out / part)
                state = read_safetensors(tmp_path / "whole" / "last" / "model.safetensors")
                assert checkpoint.model.state_dict().keys() == state.keys()
        begin(config, out, resume=True).run()
        assert_same(tmp_path / "whole", out)
        assert_same_log(tmp_path / "whole", out)
        shutil.rmtree(out)
        moment += 1
    assert moment > 20


def assert_same_log(a: Path, b: Path) -> None:
    lines = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in (a, b)]
    for first, second in zip(*lines, strict=True):
        for timing in ("seconds", "puzzles_per_second", "updates_per_second"):
            first.pop(timing, None), second.pop(timing, None)
        assert first == second
