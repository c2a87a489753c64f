"""Runs: resuming is never having stopped, what is saved survives, and what cannot go on says why."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ponderling.checkpoint import (
    CheckpointError,
    load_checkpoint,
    load_training_state,
    read_config,
    read_safetensors,
    save_training_state,
)
from ponderling.config import Phase, PuzzleShape, RunConfig, RuntimeConfig, SolveConfig
from ponderling.models import TRM, Output, build_model
from ponderling.pictures.plots import read_run
from ponderling.recipes import get_recipe, list_recipes
from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.tasks import get_task
from ponderling.training.same_puzzles import fingerprints, other_puzzles
from ponderling.training.starting import start
from ponderling.training.trainer import Observer, TrainingError


def tiny(name: str = "sudoku4", **changes) -> RunConfig:
    config = get_recipe(name).config
    model = replace(config.model, hidden_size=16, inner_multiple=16, n=1, T=2, num_layers=1)
    settings = {
        "steps": 24,
        "batch_size": 8,
        "N_sup": 4,
        "eval_every": 8,
        "checkpoint_every": 8,
        "log_every": 4,
        **changes,
    }
    runtime = {field.name: settings.pop(field.name) for field in fields(RuntimeConfig) if field.name in settings}
    data = replace(config.data, num_validation=20, max_train=100, max_test=30)
    run = replace(config.run, **runtime)
    return RunConfig(model=model, train=replace(config.train, **settings), data=data, run=run, solve=config.solve)


def final_weights(out: Path) -> dict[str, torch.Tensor]:
    return read_safetensors(out / "last" / "model.safetensors")


def assert_same(a: Path, b: Path) -> None:
    first, second = load_training_state(a / "last"), load_training_state(b / "last")
    for state in (first, second):
        del state["seconds"]
        for part in state.get("processes") or [state]:
            del part["window"]
    assert_equal(first, second, "")
    for part in ("last", "best"):
        if not (a / part).exists():
            assert not (b / part).exists()
            continue
        weights = [read_safetensors(run / part / "model.safetensors") for run in (a, b)]
        assert_equal(*weights, where=part)
        infos = [untimed(read_config(run / part)[2]) for run in (a, b)]
        assert_equal(*infos, where=f"{part} info")


def untimed(info: dict) -> dict:
    """What is known of a checkpoint, but for the times and where its code and files lay."""
    figures = {key: value for key, value in info.get("validation", {}).items() if key != "seconds"}
    if "families" in figures:
        figures["families"] = {name: its | {"seconds": 0} for name, its in figures["families"].items()}
    return {key: value for key, value in info.items() if key not in ("seconds", "validation")} | figures


def assert_equal(a, b, where: str) -> None:
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_equal(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_equal(x, y, f"{where}.{i}")
    else:
        assert a == b, where


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


PHASES = (Phase(until=5, n=3, T=1, max_rating=0), Phase(until=12, min_rating=1))


def asked_depths(trainer) -> list[tuple[int, int]]:
    """The n and T of every call of the trainer's model from now on."""
    depths, forward, own = [], trainer.model.forward, trainer.model.config

    def watched(*args, n=None, T=None, **kwargs):
        depths.append((n or own.n, T or own.T))
        return forward(*args, n=n, T=T, **kwargs)

    trainer.model.forward = watched
    return depths


def test_a_phase_shows_its_own_puzzles_at_its_own_depth(tmp_path):
    config = tiny("sudoku9-small", phases=PHASES, N_sup=2, steps=30)
    trainer = start(replace(config, data=replace(config.data, augment=False)), tmp_path)
    train = trainer.data.train
    ratings = {row.tobytes(): rating for row, rating in zip(train.tokens, train.ratings, strict=True)}
    assert set(ratings.values()) > {0, 1}
    seen, depths = {}, asked_depths(trainer)
    while trainer.step < 20:
        was_phase = trainer.phase
        trainer.train_step()
        depth = depths[-1]
        fresh = trainer.lanes[0].carry.batch.tokens[trainer.lanes[0].carry.steps == 1].numpy().astype(np.uint8)
        new = {ratings[row.tobytes()] for row in fresh}
        seen.setdefault((None if was_phase is None else was_phase.until, depth), set()).update(new)
    assert set(seen) == {(5, (3, 1)), (12, (1, 2)), (None, (1, 2))}
    assert seen[5, (3, 1)] == {0}
    assert min(seen[12, (1, 2)]) == 1
    assert {0, 1} <= seen[None, (1, 2)]


def test_a_phase_gives_up_to_so_many_of_the_missing_cells(tmp_path):
    trainer = start(tiny("sudoku4", phases=(Phase(2, extra_clues=3),), N_sup=2, steps=30), tmp_path)
    clues = {int((row > 1).sum()) for row in trainer.data.train.tokens}
    more = trainer.lanes[0].sampler.take(2000)
    added = (more.tokens > 1).sum(axis=1)
    assert added.max() > max(clues)
    assert ((more.tokens == 1) | (more.tokens == more.labels)).all()
    trainer.train_step()
    trainer.train_step()
    assert {int((row > 1).sum()) for row in trainer.lanes[0].sampler.take(500).tokens} <= clues


def test_extra_clues_are_refused_where_an_answer_is_no_clue(tmp_path):
    with pytest.raises(ValueError, match="whose answers are of the same symbols as their clues: not maze10"):
        start(tiny("maze10", compile=False, phases=(Phase(2, extra_clues=3),)), tmp_path)


def test_resuming_in_a_phase_equals_never_having_stopped(tmp_path):
    config = tiny("sudoku9-small", phases=PHASES, N_sup=2, steps=16, clip_gradient=0.5)
    start(config, tmp_path / "whole").run()
    for stop in (3, 12):  # within the first phase, and at the very end of the second
        halves = start(config, tmp_path / str(stop))
        halves.run(lambda halves=halves, stop=stop: halves.step >= stop)
        start(config, tmp_path / str(stop), resume=True).run()
        assert_same(tmp_path / "whole", tmp_path / str(stop))


def test_varied_T_is_drawn_around_the_models_own_and_the_same_when_resumed(tmp_path):
    config = tiny("sudoku9-small", phases=(Phase(until=8, T=1), Phase(until=30)), vary_T=True, N_sup=2, steps=30)
    trainer = start(replace(config, model=replace(config.model, T=3)), tmp_path / "seen")
    depths = asked_depths(trainer)
    while trainer.step < 30:
        trainer.train_step()
    seen = [T for _, T in depths]
    assert set(seen[:8]) == {1}
    assert set(seen[8:]) == {1, 2, 3, 4, 5}
    start(config, tmp_path / "whole").run()
    halves = start(config, tmp_path / "halves")
    halves.run(lambda: halves.step >= 11)
    start(config, tmp_path / "halves", resume=True).run()
    assert_same(tmp_path / "whole", tmp_path / "halves")
    assert load_checkpoint(tmp_path / "whole").config.model.T == config.model.T


def test_a_phase_that_no_puzzle_fits_is_refused(tmp_path):
    says = r"until step 9 asks for puzzles rated from 7000 to 8000: the training puzzles are rated 0 to 0"
    with pytest.raises(ValueError, match=says):
        start(tiny(phases=(Phase(3), Phase(9, min_rating=7000, max_rating=8000))), tmp_path)


def test_without_an_average_a_phase_is_evaluated_at_the_depth_of_the_checkpoint(tmp_path):
    config = tiny(ema_rate=0.0, phases=(Phase(30, n=3, T=1),), steps=8)
    trainer = start(config, tmp_path)
    depths = asked_depths(trainer)
    figures = trainer.run()
    assert set(depths[:8]) == {(3, 1)}, "while training"
    assert set(depths[8:]) == {(config.model.n, config.model.T)}, "while evaluating"
    checkpoint = load_checkpoint(tmp_path)
    again = evaluate(Solver(checkpoint.model, trainer.task, config=config), trainer.data.test).to_json()
    assert again["cells"] == figures["cells"]
    assert again["exact_by_step"] == figures["exact_by_step"]


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
    """As on another device: the state of a CUDA generator has 16 bytes. All but the stream goes on as it was."""
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


def test_clipping_bounds_the_gradient(tmp_path):
    weights = []
    for clip in (1e-9, 1e-3):
        trainer = start(tiny(optimizer="adamw", clip_gradient=clip, weight_decay=0.0), tmp_path / str(clip))
        seen = []
        step = trainer.optimizers.step
        trainer.optimizers.step = lambda: (seen.append(gradient_norm(trainer)), step())  # noqa: B023
        trainer.train_step()
        weights.append(seen[0])
    assert weights == pytest.approx([1e-9, 1e-3], rel=0.01)


def gradient_norm(trainer) -> float:
    return float(torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None]).norm())


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


def test_a_non_finite_loss_stops_before_the_update_and_keeps_the_last_checkpoint(tmp_path):
    trainer = start(tiny(), tmp_path)
    trainer.run(lambda: trainer.step >= 8)
    good = final_weights(tmp_path)
    with torch.no_grad():
        trainer.model.answer_head.weight[0, 0] = float("nan")
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    with pytest.raises(
        TrainingError, match=r"loss is nan at step 9; the weights were not updated. Try a lower --train.lr"
    ):
        trainer.run()
    after = trainer.model.state_dict()
    assert all(torch.equal(before[key], after[key]) or key == "answer_head.weight" for key in before)
    assert all(torch.equal(good[key], value) for key, value in final_weights(tmp_path).items())


def assert_last_is_good(out: Path, error: TrainingError, step: int) -> None:
    """The message names the last checkpoint and its step, and that checkpoint can be used."""
    assert str(error).endswith(f"the last good checkpoint is {out / 'last'} (step {step})")
    checkpoint, state = load_checkpoint(out / "last"), load_training_state(out / "last")
    assert (checkpoint.info["step"], state["step"]) == (step, step)
    for weights in (checkpoint.model.state_dict(), state["model"], state["ema"] or {}):
        assert all(value.isfinite().all() for value in weights.values())
    task = get_task("sudoku4")
    tokens = torch.from_numpy(task.load_default("test").tokens[:3].astype(np.int64))
    ids = torch.zeros(3, dtype=torch.long)
    for weights in (checkpoint.model.state_dict(), state["model"]):
        checkpoint.model.load_state_dict(weights)
        _, output = checkpoint.model(checkpoint.model.initial_state(3), tokens, puzzle_ids=ids)
        assert output.logits.isfinite().all()


@pytest.mark.parametrize("ema_rate", [0.0, 0.999])
@pytest.mark.parametrize(("checkpoint_every", "lr"), [(1, 1e30), (4, 1e30), (1, 1e35), (1, float("nan"))])
def test_after_a_run_blew_up_the_last_checkpoint_is_a_good_one(tmp_path, checkpoint_every, lr, ema_rate):
    """With lr 1e30 the first update leaves weights that are finite, and of no use."""
    config = tiny(optimizer="adamw", warmup_steps=0, checkpoint_every=checkpoint_every, ema_rate=ema_rate)
    trainer = start(config, tmp_path)
    for optimizer in trainer.optimizers.all:
        optimizer.param_groups[0]["initial_lr"] = optimizer.param_groups[0]["lr"] = lr
    with pytest.raises(TrainingError, match=r"Try a lower --train\.lr") as caught:
        trainer.run()
    assert_last_is_good(tmp_path, caught.value, 0)


class Rooted(torch.nn.Module):
    """A block whose loss is finite and whose gradient is NaN once it is told so: the root's slope at 0 is infinite."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(16, 16)
        self.poisoned = False

    def forward(self, x):
        y = x + self.inner(x)
        return y + 0 * torch.sqrt((self.inner.weight * 0).sum()) if self.poisoned else y


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_gradient_that_is_not_finite_stops_before_the_update(tmp_path, clip):
    config = tiny(checkpoint_every=1, clip_gradient=clip, ema_rate=0.5)
    net = Rooted()
    trainer = start(config, tmp_path, model=TRM(config, net=net))
    trainer.run(lambda: trainer.step >= 3)
    net.poisoned = True
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    says = r"the norm of the gradient is nan at step 4; the weights were not updated"
    with pytest.raises(TrainingError, match=says) as caught:
        trainer.run()
    assert all(torch.equal(before[key], value) for key, value in trainer.model.state_dict().items())
    assert str(caught.value).endswith(f"the last good checkpoint is {tmp_path / 'last'} (step 3)")
    assert all(value.isfinite().all() for value in final_weights(tmp_path).values())


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_gradient_of_puzzle_embeddings_that_is_not_finite_stops_before_the_update(tmp_path, clip, monkeypatch):
    config = tiny(clip_gradient=clip)
    config = replace(config, model=replace(config.model, prefix_len=1, puzzle_embedding_size=16))
    trainer = start(config, tmp_path)
    trainer.train_step()
    table, before = trainer.model.puzzle_embedding, trainer.model.puzzle_embedding.table.clone()
    monkeypatch.setattr(trainer, "_add_up_gradients", lambda loss: table.rows.grad[2].fill_(float("nan")))
    with pytest.raises(TrainingError, match="the norm of the gradient is nan at step 2"):
        trainer.train_step()
    assert torch.equal(table.table, before)


def test_to_clip_at_no_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"clip.gradient must be .*: got nan"):
        start(tiny(clip_gradient=float("nan"), checkpoint_every=1), tmp_path / "run").run()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("which", ["live", "average"])
def test_weights_that_are_not_finite_replace_no_checkpoint(tmp_path, which):
    trainer = start(tiny(ema_rate=0.5), tmp_path)
    trainer.run(lambda: trainer.step >= 8)
    files = {file: file.read_bytes() for part in ("best", "last") for file in (tmp_path / part).iterdir()}
    assert len(files) == 5
    trainer.step, trainer.best = 9, {"step": 9, "rank": [1.0, 1.0]}
    trainer._best_is_due = {"exact": 1.0}
    weights = (trainer.model if which == "live" else trainer.evaluated_model).answer_head.weight
    with torch.no_grad():
        weights[0, 0] = float("inf")
    name = "weights" if which == "live" else "averaged weights"
    with pytest.raises(TrainingError, match=f"the {name} are not finite after step 9; they were not saved") as caught:
        trainer.save()
    assert str(caught.value).endswith("(step 8)")
    assert {file: file.read_bytes() for file in files} == files


class Masked(Rooted):
    """A block with a buffer that is infinite by design."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.tensor([0.0, float("-inf")]))


def test_a_buffer_that_is_infinite_by_design_is_saved(tmp_path):
    config = tiny(steps=2)
    start(config, tmp_path, model=TRM(config, net=Masked())).run()
    assert final_weights(tmp_path)["net.mask"].tolist() == [0.0, float("-inf")]


def test_to_look_at_weights_before_they_are_saved_changes_nothing(tmp_path):
    """Neither numbers nor random streams: the same weights however often a run is saved."""
    configs = [tiny(steps=10, halt_exploration=0.5, state_noise=0.1, checkpoint_every=every) for every in (1, 100)]
    for config in configs:
        start(config, tmp_path / str(config.run.checkpoint_every)).run()
    assert_same(tmp_path / "1", tmp_path / "100")


def test_a_full_disk_leaves_the_last_checkpoint_intact(tmp_path, monkeypatch):
    trainer = start(tiny(), tmp_path)
    trainer.run(lambda: trainer.step >= 8)
    good = final_weights(tmp_path)

    def full(tensors, path, metadata=None):
        Path(path).write_bytes(b"half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ponderling.checkpoint.tensor_files.save_file", full)
    with pytest.raises(OSError, match="No space left on device"):
        trainer.run()
    monkeypatch.undo()
    assert all(torch.equal(good[key], value) for key, value in final_weights(tmp_path).items())
    assert not list(tmp_path.rglob("*.tmp"))
    assert start(tiny(), tmp_path, resume=True).step == 8


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


def test_a_checkpoint_is_saved_after_so_many_minutes_too(tmp_path, monkeypatch):
    """0 minutes: after every step, whatever checkpoint_every says."""
    saved = []
    trainer = start(tiny(steps=3, checkpoint_every=100, checkpoint_minutes=0.0), tmp_path)
    save = trainer.save
    monkeypatch.setattr(trainer, "save", lambda: (saved.append(trainer.step), save()))
    trainer.run()
    assert saved == [0, 1, 2, 3, 3]


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


def log_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_a_finished_run_is_not_tested_again(tmp_path, monkeypatch):
    config = tiny(steps=4)
    figures = start(config, tmp_path).run()
    assert figures["puzzles"] == 30
    lines = log_of(tmp_path)
    for _ in range(2):
        trainer = start(config, tmp_path, resume=True)
        monkeypatch.setattr(trainer, "score", lambda *_, **__: pytest.fail("scored again"))
        assert trainer.run() == figures
    assert log_of(tmp_path) == lines
    assert [line["kind"] for line in lines].count("test") == 1
    assert start(replace(config, train=replace(config.train, steps=6)), tmp_path, resume=True).run() != {}
    assert [line["step"] for line in log_of(tmp_path) if line["kind"] == "test"] == [4, 6]


def test_a_finished_run_is_tested_anew_with_other_settings_of_solving(tmp_path):
    config = tiny(steps=4)
    start(config, tmp_path).run()
    other = replace(config, solve=SolveConfig(halt_by="cells", halt_when_sure=0.9))
    for expected in (["tested"], []):
        trainer, scored = start(other, tmp_path, resume=True), []
        score = trainer.score
        trainer.score = lambda *args, **more: (scored.append("tested"), score(*args, **more))[1]  # noqa: B023
        assert trainer.run()["puzzles"] == 30
        assert scored == expected
        assert [line["kind"] for line in log_of(tmp_path)].count("test") == 1


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


def test_validation_puzzles_are_never_trained_on_and_do_not_depend_on_the_seed():
    task = get_task("sudoku4")
    splits = [task.load_split(tiny(seed=seed).data) for seed in (0, 1)]
    for split in splits:
        train = {row.tobytes() for row in split.train.tokens}
        assert len(split.validation) == 20
        assert not train & {row.tobytes() for row in split.validation.tokens}
        assert not train & {row.tobytes() for row in split.test.tokens}
    assert (splits[0].validation.tokens == splits[1].validation.tokens).all()


class Guess(torch.nn.Module):
    """A recursive model that is not ours: it adds a learned table of its own last answer to the question."""

    def __init__(self):
        super().__init__()
        self.question, self.answer = torch.nn.Embedding(6, 6), torch.nn.Linear(6, 6)
        self.halt = torch.nn.Linear(6, 1)

    def initial_state(self, batch_size):
        return (torch.zeros(batch_size, 16, 6),)

    def forward(self, state, tokens, *, puzzle_ids):
        logits = self.question(tokens) + self.answer(state[0].tanh())
        q = self.halt(logits.mean(1)).squeeze(1)
        return (logits,), Output(logits, q, q)


def test_any_module_with_the_two_methods_trains_resumes_and_is_saved(tmp_path):
    config = tiny(steps=40, lr=1e-2, ema_rate=0.5)
    torch.manual_seed(0)
    halves = start(config, tmp_path / "halves", model=Guess())
    torch.manual_seed(0)
    whole = start(config, tmp_path / "again", model=Guess())
    whole.run()
    halves.run(lambda: halves.step >= 15)
    start(config, tmp_path / "halves", resume=True, model=Guess()).run()
    assert_same(tmp_path / "again", tmp_path / "halves")
    lines = [json.loads(line) for line in (tmp_path / "again" / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["kind"] == "train"]
    assert losses[-1] < losses[0]


class Recorder(Observer):
    def __init__(self):
        self.scores = []

    def evaluated(self, kind, step, *, figures, is_best):
        self.scores.append((kind, step, figures["exact"], is_best))


def test_best_is_the_checkpoint_with_the_highest_validation_score_and_the_test_set_is_scored_once(tmp_path):
    recorder = Recorder()
    start(tiny(steps=40, lr=1e-2), tmp_path, observer=recorder).run()
    kinds = [kind for kind, *_ in recorder.scores]
    assert kinds == ["eval"] * 5 + ["test"]
    saved = json.loads((tmp_path / "best" / "config.json").read_text())["info"]
    chosen = [step for kind, step, _, is_best in recorder.scores if kind == "eval" and is_best][-1]
    assert saved["step"] == chosen
    assert saved["validation"]["exact"] == max(exact for kind, _, exact, _ in recorder.scores if kind == "eval")


@dataclass(frozen=True)
class Scored:
    """Figures of an evaluation that was not made."""

    exact: float
    cells: float
    seen: object = None

    def to_json(self):
        return {"exact": self.exact, "cells": self.cells}


SCORES = [(0.2, 0.9), (0.5, 0.4), (0.5, 0.6), (0.5, 0.6), (0.5, 0.5), (0.1, 1.0)]
"""Exact match and right cells of six evaluations: the fourth is the best, the later of two equals."""


def test_best_is_the_average_at_the_highest_score_and_is_what_the_test_is_made_with(tmp_path):
    trainer = start(tiny(steps=6, eval_every=1, ema_rate=0.5, lr=1e-2), tmp_path, observer=Recorder())
    averages, lives, scored = [], [], []

    def score(puzzles, progress=None, lane=None):
        scored.append({key: value.clone() for key, value in trainer.evaluated_model.state_dict().items()})
        if puzzles is trainer.data.validation:
            averages.append({key: value.clone() for key, value in trainer.ema.module.state_dict().items()})
            lives.append({key: value.clone() for key, value in trainer.model.state_dict().items()})
        return Scored(*SCORES[min(len(scored), 6) - 1])

    trainer.score = score
    trainer.run()
    assert trainer.best == {"step": 4, "rank": [0.5, 0.6]}
    assert [is_best for kind, *_, is_best in trainer.observer.scores if kind == "eval"] == [True] * 4 + [False] * 2
    assert read_config(tmp_path / "best")[2]["step"] == 4
    assert read_config(tmp_path / "best")[2]["validation"] == {"exact": 0.5, "cells": 0.6}
    best, last = (read_safetensors(tmp_path / part / "model.safetensors") for part in ("best", "last"))
    assert_equal(best, averages[3], "best")
    assert_equal(last, averages[5], "last")
    assert_equal(scored[:6], averages, "evaluated")
    assert_equal(scored[6], averages[3], "tested")
    assert len(scored) == 7
    assert_equal(dict(trainer.evaluated_model.state_dict()), averages[5], "after the test")
    for step in range(6):
        assert not torch.equal(averages[step]["answer_head.weight"], lives[step]["answer_head.weight"])


def test_the_average_follows_the_weights_as_its_rate_says(tmp_path):
    trainer = start(tiny(steps=3, ema_rate=0.75, lr=1e-2), tmp_path)
    average = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    for _ in range(3):
        trainer.train_step()
        for name, p in trainer.model.named_parameters():
            average[name] = 0.75 * average[name] + 0.25 * p.detach()
    trainer.save()
    saved = final_weights(tmp_path)
    for name, expected in average.items():
        torch.testing.assert_close(saved[name], expected, atol=1e-6, rtol=1e-5)


def test_a_model_that_was_built_for_other_puzzles_is_refused(tmp_path):
    config = tiny()
    model = TRM(config.model, PuzzleShape(vocab_size=7, seq_len=16))
    with pytest.raises(ValueError, match=r"built for other puzzles: PuzzleShape with vocab_size 7 \(the task has 6\)$"):
        start(config, tmp_path / "a", model=model)
    with pytest.raises(ValueError, match=r"PuzzleShape with seq_len 81 \(the task has 16\)$"):
        start(config, tmp_path / "b", model=TRM(config.model, PuzzleShape(vocab_size=6, seq_len=81)))
    start(replace(config, train=replace(config.train, steps=1)), tmp_path / "c", model=TRM(config)).run()


def test_every_recipe_can_be_built_and_says_what_it_is():
    for recipe in list_recipes():
        assert recipe.summary
        assert get_recipe(recipe.name) == recipe
    with pytest.raises(ValueError, match="unknown recipe 'sudoku44': did you mean sudoku4"):
        get_recipe("sudoku44")


def test_the_papers_recipes_have_the_papers_parameter_counts():
    from ponderling.config import PuzzleShape
    from ponderling.models import count_parameters

    counts = {"trm-sudoku-attention": 6_828_034, "trm-sudoku-mlp": 5_028_866, "hrm-sudoku": 27_275_266}
    for name, expected in counts.items():
        model = build_model(get_recipe(name).config.model, PuzzleShape(11, 81))
        assert count_parameters(model) == expected, name


@pytest.mark.slow
def test_a_small_network_learns_4x4_sudoku(tmp_path):
    config = get_recipe("sudoku4").config
    figures = start(config, tmp_path).run()
    assert figures["exact"] > 0.97
    assert figures["valid"] >= figures["exact"]


def test_without_a_compiler_training_goes_on_uncompiled_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    said = []

    class Listener(Observer):
        def noticed(self, text):
            said.append(text)

    start(tiny(compile=True, steps=4), tmp_path / "a", observer=Listener()).run()
    start(tiny(compile=False, steps=4), tmp_path / "b").run()
    assert ["no C++ compiler" in text for text in said] == [True]
    for key, value in final_weights(tmp_path / "a").items():
        assert torch.equal(value, final_weights(tmp_path / "b")[key]), key


def test_a_stop_during_the_final_test_is_obeyed_and_resuming_makes_the_test(tmp_path):
    config = tiny(steps=4, eval_every=4)
    config = replace(config, data=replace(config.data, max_test=None))  # two batches
    trainer = start(config, tmp_path)
    assert trainer.run(lambda: trainer.step == 4) == {}
    assert start(config, tmp_path, resume=True).run()["puzzles"] == 300


def test_a_model_that_takes_no_depth_is_refused_where_another_depth_is_asked_for(tmp_path):
    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = build_model(tiny().model, PuzzleShape(6, 16))

        def initial_state(self, batch_size):
            return self.inner.initial_state(batch_size)

        def forward(self, state, tokens, *, puzzle_ids):
            return self.inner(state, tokens, puzzle_ids=puzzle_ids)

    says = "trains at another n or T than the model's own: the call of Own must take the keywords n and T"
    for wrong in ({"vary_T": True}, {"phases": (Phase(4, T=1),)}):
        with pytest.raises(ValueError, match=says):
            start(tiny(steps=8, **wrong), tmp_path / next(iter(wrong)), model=Own())
    trainer = start(tiny(steps=2, phases=(Phase(1),)), tmp_path / "own", model=Own())
    trainer.run()
    assert trainer.step == 2
