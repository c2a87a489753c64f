"""Runs that go on: to resume is never to have stopped, and what must stay as it was is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from ponderling.checkpoint import load_training_state, read_config, save_training_state
from ponderling.config import SolveConfig
from ponderling.pictures.plots import read_run
from ponderling.training.starting import start
from runs import assert_equal, assert_same, tiny


@pytest.mark.parametrize("optimizer", ["adam_atan2", "adamw", "muon"])
def test_resuming_equals_never_having_stopped(tmp_path, optimizer):
    config = tiny(optimizer=optimizer)
    start(config, tmp_path / "whole").run()
    halves = start(config, tmp_path / "halves")
    halves.run(lambda: halves.step >= 13)  # between two checkpoints, in the middle of a window of the log
    start(config, tmp_path / "halves", resume=True).run()
    assert_same(tmp_path / "whole", tmp_path / "halves")
    lines = [(tmp_path / run / "metrics.jsonl").read_text().splitlines() for run in ("whole", "halves")]
    for a, b in zip(*(map(json.loads, part) for part in lines), strict=True):
        for timing in ("seconds", "puzzles_per_second", "updates_per_second"):
            a.pop(timing, None), b.pop(timing, None)
        assert a == b


def test_resuming_hrm_with_puzzle_embeddings_equals_never_having_stopped(tmp_path):
    config = tiny("sudoku4-hrm")
    config = replace(config, model=replace(config.model, prefix_len=1, puzzle_embedding_size=16))
    start(config, tmp_path / "whole").run()
    halves = start(config, tmp_path / "halves")
    halves.run(lambda: halves.step >= 11)
    start(config, tmp_path / "halves", resume=True).run()
    assert_same(tmp_path / "whole", tmp_path / "halves")


def test_a_run_that_started_from_weights_is_resumed_without_them(tmp_path):
    start(tiny(steps=2), tmp_path / "first").run()
    config = tiny(init=str(tmp_path / "first"), steps=4)
    second = start(config, tmp_path / "second")
    second.run(lambda: second.step >= 2)
    shutil.rmtree(tmp_path / "first")
    start(config, tmp_path / "second", resume=True).run()


def test_a_run_in_parts_can_be_moved_and_resumed(tmp_path):
    start(tiny(steps=2), tmp_path / "a" / "part1").run()
    trainer = start(tiny(init=str(tmp_path / "a" / "part1"), steps=4), tmp_path / "a")
    trainer.run(lambda: trainer.step >= 2)
    (tmp_path / "a").rename(tmp_path / "b")
    start(tiny(init=str(tmp_path / "b" / "part1"), steps=4), tmp_path / "b", resume=True).run()


def test_a_run_goes_on_where_random_streams_are_of_another_kind(tmp_path):
    """A CUDA generator's state has 16 bytes, so its stream begins again; all else goes on as it was."""
    config = tiny(steps=4)
    stopped = start(config, tmp_path)
    stopped.run(lambda: stopped.step >= 2)
    state = load_training_state(tmp_path / "last")
    save_training_state(tmp_path / "last", state | {"generator": torch.zeros(16, dtype=torch.uint8)})
    streams = []
    for _ in range(2):
        resumed = start(config, tmp_path, resume=True)
        assert_equal(
            resumed._state([resumed._own_state()]) | {"generator": None, "seconds": 0},
            state | {"generator": None, "seconds": 0},
            "",
        )
        streams.append(resumed.generator.get_state())
    assert torch.equal(*streams)
    resumed.run()
    assert resumed.step == 4


@pytest.mark.slow
@pytest.mark.posix
def test_kill_at_any_moment_loses_at_most_the_work_since_the_last_checkpoint(tmp_path):
    command = [
        sys.executable, "-m", "ponderling", "train", "sudoku4", "--out", str(tmp_path / "killed"), "--resume",
        "--train.steps", "60", "--train.batch-size", "8", "--run.eval-every", "7", "--run.checkpoint-every", "2",
        "--model.hidden-size", "16", "--data.num-validation", "20", "--data.max-test", "30", "--run.threads", "1",
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    kills = 0
    for _ in range(60):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        started = tmp_path / "killed" / "last" / "training.safetensors"
        deadline = time.monotonic() + 60
        before = started.stat().st_mtime_ns if started.exists() else 0
        while process.poll() is None and time.monotonic() < deadline:
            if started.exists() and started.stat().st_mtime_ns != before:
                time.sleep(rng.uniform(0, 0.1))
                break
            time.sleep(0.002)
        if process.poll() is not None:
            assert process.returncode == 0, process.communicate()[1].decode()
            break
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
        if kills == 4:
            subprocess.run(command, check=True, capture_output=True)
            break
    assert kills >= 2
    whole = [arg if arg != str(tmp_path / "killed") else str(tmp_path / "whole") for arg in command]
    subprocess.run(whole, check=True, capture_output=True)
    assert_same(tmp_path / "killed", tmp_path / "whole")


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    start(tiny(), tmp_path).run(lambda: True)
    litter = tmp_path / "last" / ".model.safetensors.123.tmp"
    litter.write_text("half")
    start(tiny(), tmp_path, resume=True)
    assert not litter.exists()


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path):
    start(tiny(), tmp_path).run(lambda: True)
    with pytest.raises(FileExistsError, match="holds a run already"):
        start(tiny(), tmp_path)


def test_a_run_is_not_resumed_with_other_settings(tmp_path):
    start(tiny(), tmp_path).run(lambda: True)
    with pytest.raises(ValueError, match=r"cannot be resumed with other settings: train.lr was 0.003, now 0.1"):
        start(tiny(lr=0.1), tmp_path, resume=True)


def test_a_resumed_run_may_change_where_it_runs_and_how_it_stops(tmp_path):
    config = tiny(steps=4)
    start(config, tmp_path).run(lambda: True)
    run, solve = replace(config.run, eval_every=2, log_every=1), SolveConfig(halt_when_sure=0.9)
    trainer = start(replace(config, run=run, solve=solve), tmp_path, resume=True)
    trainer.run()
    assert read_config(tmp_path / "last")[0].solve == solve


@pytest.mark.parametrize(
    "damage",
    [b"{", b"[1]", b"7", b"null", b'{"kind": "train"}', b'{"step": 1}', b'{"kind": "train", "step": "1"}',
     b'{"kind": "train", "step": true}', b"\xff\xfe", b"[" * 100_000, b""],
    ids=["cut", "list", "number", "null", "no step", "no kind", "text", "bool", "bytes", "deep", "empty"],
)  # fmt: skip
def test_a_damaged_line_of_the_log_is_named(tmp_path, damage, capsys):
    config = tiny(steps=4, log_every=1)
    trainer = start(config, tmp_path)
    trainer.run(lambda: trainer.step >= 2)
    file = tmp_path / "metrics.jsonl"
    lines = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([lines[0], damage, *lines[1:]]) + b"\n")
    capsys.readouterr()
    with pytest.raises(ValueError, match=r"metrics\.jsonl line 2: damaged: .*; delete that line") as caught:
        start(config, tmp_path, resume=True).run()
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ValueError, match=r"metrics\.jsonl line 2: damaged"):
        read_run(tmp_path)
    file.write_bytes(b"\n".join(lines) + b"\n")
    assert start(config, tmp_path, resume=True).run()["puzzles"] == 30
