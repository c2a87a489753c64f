"""Several processes train one model: the same updates as one process, in every process the same weights."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ponderling.checkpoint import CheckpointError, load_training_state
from ponderling.config import RunConfig
from ponderling.pictures.plots import read_metrics
from ponderling.training.distributed import World, join_world, own_device
from ponderling.training.starting import start
from ponderling.training.trainer import Observer
from runs import assert_same, final_weights, tiny


def together(work: Callable[..., Any], *args: Any, size: int = 2) -> list[Any]:
    """What `work(world, *args)` gives in each of several processes that know of each other."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with ProcessPoolExecutor(size, multiprocessing.get_context("spawn")) as pool:
        return list(
            pool.map(_one_of, range(size), [size] * size, [port] * size, [work] * size, [args] * size, timeout=60)
        )


def _one_of(rank: int, size: int, port: int, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size, "MASTER_PORT": port}
    os.environ.update({name: str(number) for name, number in numbers.items()}, MASTER_ADDR="127.0.0.1")
    torch.set_num_threads(1)
    with join_world() as world:
        return work(world, *args)


class Notes(Observer):
    def __init__(self) -> None:
        self.said: list[str] = []

    def noticed(self, text: str) -> None:
        self.said.append(text)


def train(world: World, config: RunConfig, out: Path, stop_at: int | None = None, resume: bool = False) -> Any:
    """Trains in this process; the weights, figures and notes."""
    notes = Notes()
    trainer = start(config, out, resume=resume, observer=notes, world=world)
    # Only the second process is told to stop.
    figures = trainer.run(lambda: stop_at is not None and world.rank == world.size - 1 and trainer.step >= stop_at)
    weights = {key: value.numpy() for key, value in trainer.model.state_dict().items()}
    return weights, trainer.step, figures, notes.said


def with_rows(config: RunConfig) -> RunConfig:
    return replace(config, model=replace(config.model, prefix_len=1, puzzle_embedding_size=16))


@pytest.mark.parametrize("name", ["sudoku4", "sudoku4-hrm"])
def test_two_processes_make_the_updates_of_one(name: str, tmp_path: Path):
    # Muon works in bfloat16, which makes much of the last bit
    config = tiny(name, N_sup=1, steps=12, log_every=1, clip_gradient=0.5, optimizer="adamw")
    if name == "sudoku4-hrm":
        config = with_rows(config)
    alone = start(config, tmp_path / "alone").run()
    (first, _, figures, _), (second, *_) = together(train, config, tmp_path / "two")
    for key, value in first.items():
        assert (value == second[key]).all(), key
    state = load_training_state(tmp_path / "alone" / "last")["model"]
    for key, value in state.items():
        torch.testing.assert_close(torch.from_numpy(first[key]), value, rtol=1e-3, atol=1e-5)
    lines = [
        [line for line in read_metrics(tmp_path / run) if line["kind"] == "train"] for run in ("alone", "two")
    ]  # fmt: skip
    for one, two in zip(*lines, strict=True):
        for figure in ("loss", "answer_loss", "halt_loss", "exact", "cells", "mean_steps", "halt_accuracy", "lr"):
            assert two[figure] == pytest.approx(one[figure], rel=1e-4, abs=1e-6), figure
    assert figures["puzzles"] == alone["puzzles"]
    assert figures["cells"] == pytest.approx(alone["cells"], abs=0.01)


def test_gradients_of_the_rows_of_all_processes_are_added_up(tmp_path: Path):
    """All slots hold puzzle 0, whose row gets the sign of the sum of all their gradients."""
    config = with_rows(tiny(N_sup=1, steps=4, warmup_steps=0, puzzle_lr=0.1, puzzle_weight_decay=0.0))
    start(config, tmp_path / "alone").run()
    (weights, *_), _ = together(train, config, tmp_path / "two")
    expected = final_weights(tmp_path / "alone")["puzzle_embedding.table"]
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(torch.from_numpy(weights["puzzle_embedding.table"]), expected)


def test_resuming_together_equals_never_having_stopped(tmp_path: Path):
    config = tiny(N_sup=4, steps=24, halt_exploration=0.5, state_noise=0.1)
    together(train, config, tmp_path / "whole")
    stopped = together(train, config, tmp_path / "halves", 11)
    assert [step for _, step, *_ in stopped] == [11, 11]
    together(train, config, tmp_path / "halves", None, True)
    assert_same(tmp_path / "whole", tmp_path / "halves")


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_a_run_goes_on_with_another_number_of_processes(first: int, then: int, tmp_path: Path):
    config = tiny(N_sup=4, steps=12)
    for size, stop_at, resume in ((first, 7, False), (then, 7, True)):  # the second only shares out the slots anew
        if size == 1:
            results = [train(World(), config, tmp_path, stop_at, resume)]
        else:
            results = together(train, config, tmp_path, stop_at, resume)
        parts = slots(load_training_state(tmp_path / "last"))
        assert len(parts) == size
        if not resume:
            saved, drawn = parts, sum(part["sampler"] for part in parts)
    said = results[0][3]
    assert said[0].startswith(f"was trained by {first} processes, goes on with {then}: ")
    for name in ("tokens", "labels", "steps", "halted"):
        before, after = (torch.cat([part["carry"][name] for part in of]) for of in (saved, parts))
        assert torch.equal(before, after), name
    assert drawn <= sum(part["sampler"] for part in parts) <= drawn + 8
    assert int(said[0].split(": ")[1].split()[0]) == sum(part["sampler"] for part in parts) - drawn
    last = (
        together(train, config, tmp_path, None, True) if then == 2 else [train(World(), config, tmp_path, None, True)]
    )
    assert last[0][1] == 12
    assert last[0][2]["puzzles"] == 30


def slots(state: dict[str, Any]) -> list[dict[str, Any]]:
    return state.get("processes") or [state]


def score(world: World, config: RunConfig, out: Path) -> Any:
    trainer = start(config, out, world=world)
    return [trainer.score(trainer.data.test[:count]).to_json() for count in (1, 7)]  # one process has none of the 1


def test_processes_share_an_evaluation(tmp_path: Path):
    config = tiny("sudoku9-small")
    expected = score(World(), config, tmp_path / "alone")
    for found in together(score, config, tmp_path / "two"):
        for figures, of_one in zip(found, expected, strict=True):
            for key in of_one.keys() - {"seconds"}:
                assert figures[key] == (pytest.approx(of_one[key]) if key == "cells" else of_one[key]), key


def refuse(world: World, config: RunConfig, out: Path) -> list[str]:
    said = []
    for resume in (False, True):
        try:
            start(config, out, resume=resume, world=world)
        except (ValueError, FileExistsError, CheckpointError) as error:
            said.append(str(error))
    return said


def test_what_cannot_be_is_refused_in_every_process(tmp_path: Path):
    start(tiny(steps=2), tmp_path / "run").run()
    for said in together(refuse, tiny(steps=2, lr=1.0), tmp_path / "run"):
        assert "holds a run already" in said[0]
        assert "cannot be resumed with other settings: train.lr was" in said[1]
    for said in together(refuse, tiny(batch_size=5), tmp_path / "other"):
        assert said == ["--train.batch-size is shared out evenly among 2 processes: got 5"] * 2


def test_a_world_of_one_asks_nobody():
    world, tensor = World(), torch.ones(2)
    world.add_up([tensor])
    assert tensor.tolist() == [1, 1]
    assert world.joined(tensor) is tensor
    assert (world.collect(3), world.any(False), world.from_first(lambda: 5)) == ([3], False, 5)


def test_shares_are_the_whole_in_order():
    for size in (1, 2, 3, 7):
        for count in (0, 1, 5, 30):
            parts = [list(range(count))[World(rank, size).share(count)] for rank in range(size)]
            assert [i for part in parts for i in part] == list(range(count))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_each_process_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert own_device("cuda", World(3, 4)) == torch.device("cuda", 1)
    with pytest.raises(ValueError, match=r"--run\.device cuda:0 is 1 GPU: .* or say cuda$"):  # NCCL wants one for each
        own_device("cuda:0", World(3, 4))
    assert own_device("cpu", World(3, 4)) == torch.device("cpu")
    assert own_device("cuda", World()) == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(
        ValueError, match=r"started 2 processes here, and --run\.device cuda is 1 GPU: each process needs"
    ):
        own_device("cuda", World(1, 2))


def test_an_environment_that_is_not_torchruns_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="MASTER_PORT is not set: start several processes with torchrun"), join_world():
        pass


TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def torchrun(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [*TORCHRUN, "-m", "ponderling", "train", *args]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def test_a_signal_to_torchrun_stops_the_run_after_an_update_and_saves_it(tmp_path: Path):
    args = ["sudoku4", "--train.steps", "100000", "--train.batch-size", "8", "--run.checkpoint-every", "100000"]
    args += ["--data.max-train", "50", "--data.max-test", "5"]
    process = subprocess.Popen(
        [*TORCHRUN, "-m", "ponderling", "train", *args],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    metrics = tmp_path / "runs" / "sudoku4" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    try:
        while not (metrics.exists() and metrics.read_text()) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert metrics.exists(), told
    last = json.loads(metrics.read_text().splitlines()[-1])["step"]
    stopped = re.findall(r"stopped at step (\d+) of 100000 and saved", told)
    assert len(stopped) == 1, told
    saved = load_training_state(tmp_path / "runs" / "sudoku4" / "last")
    assert saved["step"] == int(stopped[0]) >= last > 0


def test_torchrun_trains_and_one_process_tells(tmp_path: Path):
    args = (
        "sudoku4",
        "--train.steps",
        "6",
        "--train.batch-size",
        "8",
        "--data.max-test",
        "5",
        "--data.max-train",
        "50",
    )
    done = torchrun(*args, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["step"], result["test"]["puzzles"]) == (6, 5)
    assert done.stderr.count("steps of 8 slots in 2 processes into runs/sudoku4") == 1
    again = torchrun(*args, cwd=tmp_path)
    assert again.returncode == 1  # torchrun's own; it tells of the processes' code 2
    assert "ponderling: runs/sudoku4 holds a run already: go on with it (--resume)" in again.stderr
