"""A training run from a config: data, model, optimizer, evaluation, checkpoints, and going on after an interruption.

The run folder holds `best/` and `last/` (see `checkpoint/`) and `metrics.jsonl`; `starting.py` begins one. A run that is
resumed, also after `kill -9`, gives bit for bit the weights of one that was never interrupted (same machine, same number of
threads and processes). Several processes train one model together, see `distributed.py`.

Two rules make this so. Whoever writes in the folder holds its lock. And a state in `last/` that names a new best is written
before `best/`, so that a run killed between the two can make `best/` again from it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ponderling.checkpoint import (
    BEST,
    LAST,
    SEEN,
    TRAINING,
    CheckpointError,
    load_training_state,
    own_code,
    read_config,
    save_checkpoint,
    save_training_state,
)
from ponderling.config import Phase, RunConfig, SolveConfig
from ponderling.losses import has_float64
from ponderling.models import Model, build_model, refuse_other_shape, shape_of
from ponderling.models.device import check_dtype
from ponderling.models.own_network import note_of
from ponderling.solving.figures import Evaluation
from ponderling.solving.kept import keep_test, places_of
from ponderling.solving.seen import keep_seen, read_seen
from ponderling.system import appearing, keep_freed_memory
from ponderling.tasks.base import DataSplit, Puzzles, Task
from ponderling.tasks.own_code import files_of
from ponderling.training.best import BestWeights
from ponderling.training.distributed import World, checked_device
from ponderling.training.gradients import add_up_gradients, clip_gradients
from ponderling.training.initial_weights import load_initial
from ponderling.training.lanes import (
    FamilyData,
    Lane,
    check_batch_size,
    compile_lanes,
    drawn,
    lanes_of,
    phase_seed,
    refuse_mixture,
    to_batch,
)
from ponderling.training.memory import refuse_too_large
from ponderling.training.metrics import MetricsLog, Window, need_tensorboard
from ponderling.training.observer import Observer, ProgressLines
from ponderling.training.optim import Optimizers, make_ema, seeded_generator
from ponderling.training.resume import own_part, restore_stream
from ponderling.training.run_folder import RunFolder, files_of_run
from ponderling.training.same_puzzles import fingerprints_of_run, refuse_other_puzzles
from ponderling.training.schedule import depth_at, phase_at, refuse_depth
from ponderling.training.scoring import Stopped, figures_of, score
from ponderling.training.soundness import Soundness, TrainingError, advice

__all__ = ["Trainer", "TrainingError", "to_batch"]

TrainableModel = Any
"""A `torch.nn.Module` that is a `supervision.RecursiveModel`; Python's types cannot say both."""


class Trainer:
    """A training run: its state and its loop.

    Args:
        config: All settings of the run.
        out: The run folder; created when the run begins.
        task: The puzzle family; of several, the last.
        data: Its puzzles to train, validate and test on.
        others: The other families of a run of several, in order.
        model: A model to train in place of the one that the config describes: a module with the two methods of
            `supervision.RecursiveModel`. It is moved to the config's device.
        recipe: The recipe's name, recorded in the checkpoints.
        observer: Told what happens, in the first process only. None: progress lines are printed on stderr; `Observer()`
            is silent.
        world: The processes that train this model together.
        resumable: Save with each checkpoint what going on with the run needs.

    Raises:
        ValueError: when the settings contradict each other, the task or the model.
    """

    def __init__(
        self,
        config: RunConfig,
        out: str | Path,
        *,
        task: Task,
        data: DataSplit,
        others: Sequence[FamilyData] = (),
        model: TrainableModel | None = None,
        recipe: str | None = None,
        observer: Observer | None = None,
        world: World = World(),  # noqa: B008 (it cannot be changed)
        resumable: bool = True,
    ):
        self.config, self.out, self.task, self.data = config, Path(out), task, data
        self.recipe, self.world, self.resumable = recipe, world, resumable
        self.files = places_of(config.data)  # now: the current folder may change while the run goes on
        self.observer = observer if observer is not None else ProgressLines()
        if not world.is_first:
            self.observer = Observer()
        train, run = config.train, config.run
        families = (*others, FamilyData(task=task, settings=config.data.of_each()[-1], data=data))
        refuse_mixture(config, [family.task for family in families])
        check_batch_size(train, world=world)
        if run.tensorboard:
            need_tensorboard()
        if run.threads:
            torch.set_num_threads(run.threads)
        self.device = checked_device(run.device, world)
        if model is None:
            refuse_too_large(config, [family.task for family in families], device=self.device, world=world)
        num_puzzles = max(task.num_puzzles(puzzles) for puzzles in (data.train, data.validation, data.test))
        self.shape = shape_of(task, num_puzzles=num_puzzles)
        if train.loss == "stablemax" and not has_float64(self.device):
            self.observer.noticed(
                f"{self.device.type} has no float64: the loss stablemax is computed in float32, with the same value to 1e-6"
            )
        self.model = self._first_model(model, families)
        world.copy_from_first(self.model)
        self._soundness = Soundness(self.model)
        self.ema = make_ema(self.model, train.ema_rate, warmup=train.ema_warmup) if train.ema_rate else None
        self.lanes = lanes_of(
            families,
            config=config,
            model=self.model,
            averaged=self.evaluated_model,
            device=self.device,
            world=world,
        )
        if run.compile and not compile_lanes(self.lanes):
            self.observer.noticed(
                "no C++ compiler (g++ or clang++, or what CXX names): training without compiling, slower"
            )
        self.optimizers = Optimizers(self.model, train, puzzle_embedding=getattr(self.model, "puzzle_embedding", None))
        self.generator = seeded_generator(world.own_seed(train.seed), self.device)
        self.step = 0
        self.seconds = 0.0
        self.started_from: str | Path | None = train.init
        """The checkpoint whose weights the run begins with; what these were trained on counts as trained on."""
        self.test_to_keep: Puzzles | None = None
        """Examples that the run folder is to keep, so that it can be evaluated without the run's files."""
        self._window = Window()
        self.folder = RunFolder(self.out)
        """The run folder, in which this run alone writes."""
        self._best = BestWeights(self.out, world)
        self._log: MetricsLog | None = None  # in the first process, while the run goes on
        self._tested_as_now = True
        refuse_depth(config, self.model)
        self._start_phase()

    def _first_model(self, model: TrainableModel | None, families: Sequence[FamilyData]) -> TrainableModel:
        """The model to train, with the weights that the run begins with.

        Raises:
            ValueError: when it is made for other puzzles.
            CheckpointError: when the weights to begin with are missing, or do not fit.
        """
        config, train = self.config, self.config.train
        if model is None:
            check_dtype(config.model.dtype, self.device)
            model = build_model(
                config.model, self.shape, generator=seeded_generator(train.seed), relations=self.task.relations
            )
        refuse_other_shape(model, self.shape)
        bring = any(family.data.train.brings_regions.any() for family in families)
        if isinstance(model, Model) and not model.takes_own_regions and bring:
            raise ValueError(
                f"--data.train {config.data.train} holds puzzles with regions of their own, which only a relational network "
                f"is told of: got --model.system {config.model.system}"
            )
        if train.init is not None and not (self.out / LAST / TRAINING).is_file():  # a run to resume has its own weights
            line = load_initial(model, train.init, task=self.task)
            if line is not None:
                self.observer.noticed(line)
        return model.to(self.device).train()

    @property
    def phase(self) -> Phase | None:
        """The phase that the next step belongs to; None after the last phase."""
        return phase_at(self.config.train, self.step)

    def _start_phase(self) -> None:
        """Sets the puzzles to draw from, as the phase of the next step says."""
        for lane in self.lanes:
            lane.start(self.phase)

    @property
    def best(self) -> dict[str, Any] | None:
        """The step of the best weights so far and their rank, which is exact match and right cells; None before any."""
        return self._best.chosen

    @property
    def evaluated_model(self) -> TrainableModel:
        """The model that is evaluated and saved: the moving average, or the live model without one."""
        return self.model if self.ema is None else self.ema.module

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """Trains to the last step, or until `should_stop` returns True between two steps, and saves either way.

        Returns:
            The test figures of the best checkpoint (see `Evaluation.to_json`); empty when stopped early, also during the test.
            A run that was finished before is not tested again.

        Raises:
            TrainingError: on a loss, a gradient or weights that are not finite; the last checkpoint, which is sound, stays.
            FolderInUseError: when another process, or another run of this one, writes in the folder.
            FileExistsError: when the folder holds what this run did not make.
            OSError: when a checkpoint cannot be written; the one before is intact.
        """
        keep_freed_memory()
        with self.folder.owned(self.world, noticed=self.observer.noticed):
            return self._run(should_stop)

    def _run(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        steps = self.config.train.steps
        if self.step == 0:
            self.save()  # before any other file, so that a folder with files of ours can always be gone on with
        if self.world.is_first:
            keep_test_line = self._tested_as_now or self.step < steps
            tensorboard = self.config.run.tensorboard
            self._log = MetricsLog(self.out, self.step, keep_test=keep_test_line, tensorboard=tensorboard)
        try:
            self._keep_puzzles()
            self.observer.started(self)
            self._restore_best()
            tested = self._log.tested if self._log is not None and self.step >= steps else None
            self._train(should_stop)
            self.save()
            figures = self._figures_at_the_end(tested, should_stop)
        except Stopped:  # everything is saved; resuming makes the test anew
            figures = {}
        finally:
            if self._log is not None:
                self._log.close()
                self._log = None
        self.observer.finished(self)
        return figures

    def _keep_puzzles(self) -> None:
        """Writes into the folder what evaluations need to know of the run's puzzles."""
        if not self.world.is_first:
            return
        if self.test_to_keep is not None:
            keep_test(self.out, self.test_to_keep)
        if self.step == 0 or not (self.out / SEEN).is_file():
            keep_seen(self.out, [(lane.task, lane.data) for lane in self.lanes], before=self.started_from)

    def _train(self, should_stop: Callable[[], bool]) -> None:
        """Trains to the last step, or until told to stop, and writes lines, evaluates and saves as often as the config says."""
        steps, run, world = self.config.train.steps, self.config.run, self.world
        saved = clock = time.perf_counter()
        while self.step < steps and not world.any(should_stop()):
            self.train_step()
            now = time.perf_counter()
            self.seconds, clock = self.seconds + now - clock, now
            if self.step % run.log_every == 0:
                metrics = self._window.take(self.seconds, world)
                self._write("train", metrics)
                self.observer.stepped(self.step, metrics)
            if self.step % run.eval_every == 0 or self.step == steps:
                self._evaluate()
            is_due = self.step % run.checkpoint_every == 0 or self._best.due is not None
            minutes = (now - saved) / 60
            if is_due or world.any(minutes >= run.checkpoint_minutes):
                self.save()
                saved = time.perf_counter()

    def _figures_at_the_end(self, tested: dict[str, Any] | None, should_stop: Callable[[], bool]) -> dict[str, Any]:
        """The figures of the test, which is made once; empty where the run has not come to its last step.

        Args:
            tested: The figures of the test that was made when the run was finished before.
            should_stop: Asked during the test.
        """
        tested = self.world.from_first(lambda: tested)
        if self.step < self.config.train.steps:
            return {}
        if tested is not None:
            self.observer.noticed(f"the run is finished: its test was made before, see {self.out / 'metrics.jsonl'}")
            return tested
        figures = self._test(should_stop)
        self._tested_as_now = True
        return figures

    def train_step(self) -> None:
        """Refills the slots that halted, thinks one supervision step, and updates the weights, their average and the rates."""
        train = self.config.train
        lane = drawn(self.lanes, self.phase, seed=train.seed, step=self.step)
        lane.refill(self.generator)
        result = lane.think(self.generator, depth=depth_at(self.config, self.step))
        (result.loss / lane.num_slots).backward()
        total = result.loss.detach().clone()
        add_up_gradients(self.model, total, world=self.world)
        norm = clip_gradients(self.model, train.clip_gradient, device=self.device)
        loss, norm = torch.stack([total, norm.to(total)]).tolist()  # sync
        loss /= lane.num_slots
        for name, value in (("loss", loss), ("norm of the gradient", norm)):
            if not math.isfinite(value):
                self.optimizers.zero_grad()
                raise TrainingError(
                    f"the {name} is {value} at step {self.step + 1}; the weights were not updated. "
                    + advice(self.config, self.out / LAST)
                )
        lr = self.optimizers.lr
        self.optimizers.step()
        self.optimizers.zero_grad()
        if self.ema is not None:
            self.ema.update_parameters(self.model)
        lane.carry = result.carry
        self.step += 1
        if any(phase.until == self.step for phase in train.phases):
            self._start_phase()
        self._window.add(result, loss, lr=lr)

    def _write(self, kind: str, values: dict[str, Any]) -> None:
        if self._log is not None:
            self._log.write(kind, self.step, values=values)

    def _evaluate(self) -> None:
        """Scores the validation puzzles, and keeps the weights if none before did better."""
        figures = self._figures("validation")
        if not figures:
            return
        self._write("eval", figures)  # before the save: the step is not evaluated again after it
        is_best = self._best.judge(figures, self.step)
        self.observer.evaluated("eval", self.step, figures=figures, is_best=is_best)

    def _restore_best(self) -> None:
        """Makes sure that `best/` holds what the resumed state calls the best, which a kill may have left unwritten."""
        if self.best is None or not self._best.is_missing:
            return
        if self.best["step"] == self.step:
            self._best.due = self._figures("validation")
            self.save()
        else:
            self.observer.noticed(
                f"{self.out / BEST} is not the best of this run, of step {self.best['step']:,}: the best is chosen anew, from "
                "now on"
            )
            self._best.chosen = None

    def _test(self, should_stop: Callable[[], bool]) -> dict[str, Any]:
        """Scores the test puzzles with the best weights (the last ones where nothing was held out to choose by)."""
        if not any(len(lane.data.test) for lane in self.lanes):
            return {}

        def check(done: int) -> None:
            if should_stop():
                raise Stopped

        with self._best.lent_to(self.evaluated_model):
            figures = self._figures("test", check)
        self._write("test", figures)
        self.observer.evaluated("test", self.best["step"] if self.best else self.step, figures=figures, is_best=False)
        return figures

    def _figures(self, part: str, progress: Callable[[int], object] = lambda done: None) -> dict[str, Any]:
        """The figures of every family's puzzles of this part, `validation` or `test`; empty where there are none."""
        seen = read_seen(self.out) if part == "test" and self.world.is_first else None
        parts: list[tuple[Lane, Puzzles]] = [(lane, getattr(lane.data, part)) for lane in self.lanes]
        count, before, found = sum(len(puzzles) for _, puzzles in parts), 0, {}
        if not count:
            return {}
        with self.observer.scoring("test" if part == "test" else "eval", count) as tell:

            def hear(done: int) -> None:
                progress(done)
                tell(min(count, before + done * self.world.size))  # the other processes do as many

            for lane, puzzles in parts:
                if not len(puzzles):
                    continue
                outcome = self.score(puzzles, hear, lane=lane)
                before += len(puzzles)
                found[lane.name] = outcome if seen is None else replace(outcome, seen=seen.among(lane.task, puzzles))
        return figures_of(found)

    def score(
        self, puzzles: Puzzles, progress: Callable[[int], object] = lambda done: None, *, lane: Lane | None = None
    ) -> Evaluation:
        """Evaluates the averaged weights on these puzzles.

        Args:
            puzzles: Of the family of a lane.
            progress: Gets the number of puzzles that this process has done.
            lane: The lane; None: the last.
        """
        return score(self.lanes[-1] if lane is None else lane, puzzles, world=self.world, progress=progress)

    def _save_weights(self, folder: Path, facts: dict[str, Any]) -> None:
        info = {
            "recipe": self.recipe,
            "step": self.step,
            "seconds": round(self.seconds, 1),
            **facts,
            **self.task.facts(),
            **note_of(self.evaluated_model),
        }
        if code := files_of(own_code(self.config)):
            info["code"] = code
        if files := self.files:
            info["files"] = files
        save_checkpoint(folder, self.evaluated_model.state_dict(), config=self.config, shape=self.shape, info=info)

    def save(self) -> None:
        """Writes `last`: the averaged weights to use, and everything that `resume` needs; and `best`, if these are the best.

        Raises:
            TrainingError: when the weights are not sound; what was saved before stays.
        """
        with self.folder.owned(self.world, noticed=self.observer.noticed):
            average = None if self.ema is None else self.ema.module
            fault = self._soundness.fault(average, self.lanes, step=self.step, world=self.world)
            if fault is not None:
                raise TrainingError(f"{fault}; they were not saved. {advice(self.config, self.out / LAST)}")
            processes = self.world.gather(self._own_state())
            self.world.from_first(lambda: self._write_checkpoints(processes))
            self._best.due = None

    def _write_checkpoints(self, processes: list[dict[str, Any]]) -> None:
        with appearing(self.out / LAST) as last:
            self._save_weights(last, {})
            if self.resumable:
                save_training_state(last, self._state(processes))
        if self._best.due is not None:
            self._save_weights(self.out / BEST, {"validation": self._best.due})
        self.folder.remember()

    def _state(self, processes: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
            **self._puzzles,
            "model": self.model.state_dict(),
            "ema": None if self.ema is None else dict(self.ema.module.named_parameters()),
            "optimizers": self.optimizers.state_dict(),
            **(processes[0] if len(processes) == 1 else {"processes": processes}),
        }

    @cached_property
    def _puzzles(self) -> dict[str, Any]:
        return fingerprints_of_run(self.lanes, vocab_size=self.shape.vocab_size)

    def _own_state(self) -> dict[str, Any]:
        """The part of the training state that differs between processes."""
        *others, own = self.lanes
        state = own.state()
        return {
            "sampler": state["sampler"],
            "generator": self.generator.get_state(),
            "carry": state["carry"],
            "window": self._window.state(),
            **({"others": {lane.name: lane.state() for lane in others}} if others else {}),
        }

    def resume(self) -> None:
        """Continues where the run in the folder stopped; another number of processes redistributes its slots.

        Raises:
            CheckpointError: when the saved state is missing, damaged, or of a run on other puzzles.
        """
        state, self.folder.found, solve = self.world.from_first(self._read_run)
        refuse_other_puzzles(state, now=self._puzzles, lanes=self.lanes, file=self.out / LAST / TRAINING)
        try:
            self.model.load_state_dict(state["model"])
            if self.ema is not None:
                average = dict(self.ema.module.named_parameters())
                for key, value in (state["ema"] or {}).items():
                    average[key].data.copy_(value)
                self.ema.n_averaged.fill_(1 + state["step"])
            self.optimizers.load_state_dict(state["optimizers"])
            own = own_part(state.get("processes") or [state], self.world, noticed=self.observer.noticed)
            seed = self.world.own_seed(phase_seed(self.config.train.seed, state["step"]))
            restore_stream(self.generator, own["generator"], seed=seed)
        except (RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(f"{self.out / LAST / TRAINING}: does not fit this run: {reason}") from error
        self.step, self._best.chosen, self.seconds = state["step"], state["best"], state["seconds"]
        self._start_phase()
        for lane in self.lanes:
            lane.restore(own if lane is self.lanes[-1] else own["others"][lane.name])
        self._window = Window(*own["window"])
        # An older run does not say what it was tested on.
        self._tested_as_now = solve == self.config.solve and "puzzles" in state

    def _read_run(self) -> tuple[dict[str, Any], tuple[int, ...] | None, SolveConfig]:
        """The state of the run in the folder, the files it is of, and how the run was tested."""
        found = files_of_run(self.out)
        return load_training_state(self.out / LAST), found, read_config(self.out / LAST)[0].solve
