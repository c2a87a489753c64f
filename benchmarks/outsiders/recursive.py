"""The recursive networks: what `ponderling train --data FILE` takes by itself, and the plain TRM that it took at first."""

from __future__ import annotations

import contextlib
import io
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ponderling.checkpoint import LAST, load_checkpoint
from ponderling.cli import main
from ponderling.config import DataConfig, ModelConfig, RunConfig, RuntimeConfig, TrainConfig
from ponderling.data import grid_config
from ponderling.models import count_parameters
from ponderling.solving.canvas import for_file
from ponderling.solving.evaluate import evaluate
from ponderling.solving.solver import Solver
from ponderling.tasks.base import PuzzleError
from ponderling.tasks.custom import Grids
from ponderling.training.observer import Observer
from ponderling.training.starting import start

from .budget import Course, Watch, plan
from .task import Files, Rule

SMALL, MLP = 36, 100
"""Cells up to which the plain TRM is narrow, and up to which it has an MLP over positions."""


def default(files: Files) -> tuple[RunConfig, int]:
    """The run that `ponderling train --data FILE --test FILE` sets up without further flags, and its number of parameters.

    Both are read from a run of one step of that command, with next to nothing to evaluate, so the length is not the default's.

    Raises:
        ValueError: when the command refuses the files, or its run has phases, whose lengths would have to be fitted too.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()) as said:
        out = Path(folder) / "run"
        args = ["--data", str(files.train), "--test", str(files.test), "--out", str(out), "--train.steps", "1"]
        args += ["--data.max-test", "1", "--data.num-validation", "1"]
        if main(["train", *args]) != 0:
            raise ValueError(f"`ponderling train {' '.join(args)}` failed: {said.getvalue().strip()}")
        checkpoint = load_checkpoint(out / LAST)
        config, parameters = checkpoint.config, count_parameters(checkpoint.model)
    if config.train.phases:
        raise ValueError(f"{files.train}: the default run has phases, and this benchmark fits only the number of steps")
    usual = DataConfig()
    data = replace(config.data, max_test=usual.max_test, num_validation=usual.num_validation)
    return replace(config, data=data), parameters


def plain_trm(files: Files) -> RunConfig:
    """The TRM that was the default for every file before there was a relational network for grids.

    The number of cells decides: an MLP over positions up to 100, attention beyond.
    """
    data = grid_config(str(files.train), str(files.test))
    assert data.grid is not None
    cells = data.grid.rows * data.grid.columns
    mixer: dict[str, Any] = {"mixer": "mlp", "positions": "none"}
    if cells > MLP:
        mixer = {"mixer": "attention", "positions": "rope"}
    model = ModelConfig(
        hidden_size=64 if cells <= SMALL else 128,
        num_heads=4,
        inner_multiple=32,
        prefix_len=0,
        puzzle_embedding_size=0,
        n=2,
        T=2 if cells <= SMALL else 1,
        dtype="float32",
        **mixer,
    )
    train = TrainConfig(
        steps=2000,
        batch_size=64,
        N_sup=8,
        loss="stablemax_float32",
        optimizer="muon",
        lr=3e-3,
        warmup_steps=50,
        lr_min_ratio=0.0,
        weight_decay=0.1,
        beta2=0.98,
        ema_rate=0.995,
        ema_warmup=True,
    )
    return RunConfig(model=model, train=train, data=data, run=RuntimeConfig(eval_every=500, checkpoint_every=500))


class _Listener(Observer):
    """Tells a watch of every evaluation on the validation examples, and notes the time of the latest."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.seconds = watch, 0.0

    def evaluated(self, kind: str, step: int, *, figures: dict[str, Any], is_best: bool) -> None:
        if kind == "eval":
            self.watch.heard(figures["exact"])
            self.seconds = self.watch.spent


def train(config: RunConfig, out: Path, *, seconds: float, seed: int) -> Course:
    """Trains the run for so many CPU seconds, with as many steps as fit in, into a new folder.

    Args:
        config: The run.
        out: Its folder; `best/` in it has the weights that did best on the validation examples.
        seconds: CPU seconds of this process.
        seed: Its seed.
    """
    runtime = replace(config.run, threads=1, checkpoint_minutes=60.0)
    config = replace(config, train=replace(config.train, seed=seed), run=runtime)
    with tempfile.TemporaryDirectory() as folder:
        trial = start(config, Path(folder) / "trial", observer=Observer())
        validation = trial.data.validation
        wanted = plan(seconds, update=trial.train_step, check=lambda: trial.score(validation))
    fitted = replace(runtime, eval_every=wanted.check_every, checkpoint_every=wanted.steps)
    config = replace(config, train=replace(config.train, steps=wanted.steps), run=fitted)
    listener = _Listener(Watch(seconds))
    trainer = start(config, out, observer=listener)
    trainer.run(listener.watch.is_over)
    is_right, finished = listener.watch.ended == "right", trainer.step == wanted.steps
    return Course(
        parameters=count_parameters(trainer.model),
        updates=trainer.step,
        seconds=listener.seconds
        if is_right or finished
        else listener.watch.spent,  # a finished run has made its test since
        validation=None if trainer.best is None else trainer.best["rank"][0],
        ended="right" if is_right else "steps" if finished else "time",
    )


def score(run: Path, file: Path, *, rule: Rule | None) -> dict[str, Any] | None:
    """The run's figures on a file; None where its network cannot read grids of these sizes.

    Args:
        run: The run folder.
        file: Examples.
        rule: Judges answers; None if exact match is all there is.
    """
    solver = Solver.of(for_file(load_checkpoint(run), str(file)))
    assert isinstance(solver.task, Grids)
    solver.task.checker = rule
    try:
        puzzles = solver.task.read(file, need_answers=True)
    except PuzzleError:
        return None
    found = evaluate(solver, puzzles)
    return {"exact": found.exact, "valid": found.valid, "early_exact": found.early_exit.exact}
