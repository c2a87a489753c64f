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

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, get_total_norm

from ponderling.checkpoint import (
    BEST,
    LAST,
    MODEL,
    SEEN,
    TRAINING,
    CheckpointError,
    load_training_state,
    own_code,
    read_config,
    read_safetensors,
    save_checkpoint,
    save_training_state,
)
from ponderling.config import Phase, RunConfig, SolveConfig
from ponderling.halting import times_asked
from ponderling.losses import has_float64
from ponderling.models import Model, build_model, refuse_other_shape, shape_of
from ponderling.models.device import check_dtype
from ponderling.models.interface import takes_depth
from ponderling.models.own_network import note_of
from ponderling.solving.evaluate import Evaluation
from ponderling.solving.kept import keep_test, places_of
from ponderling.solving.seen import keep_seen, read_seen
from ponderling.system import appearing, keep_freed_memory
from ponderling.tasks.base import DataSplit, Puzzles, Task
from ponderling.tasks.own_code import files_of
from ponderling.training.distributed import World, checked_device
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
from ponderling.training.metrics import MetricsLog, Window, need_tensorboard
from ponderling.training.observer import Observer, ProgressLines
from ponderling.training.optim import Optimizers, make_ema, seeded_generator
from ponderling.training.resume import shared_out
from ponderling.training.run_folder import RunFolder, files_of_run
from ponderling.training.same_puzzles import fingerprints_of_run, refuse_other_puzzles
from ponderling.training.scoring import Stopped, figures_of, score

__all__ = ["Trainer", "TrainingError", "to_batch"]

TrainableModel = Any
"""A `torch.nn.Module` that is a `supervision.RecursiveModel`; Python's types cannot say both."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to try."""


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
        num_puzzles = max(task.num_puzzles(puzzles) for puzzles in (data.train, data.validation, data.test))
        self.shape = shape_of(task, num_puzzles=num_puzzles)
        if train.loss == "stablemax" and not has_float64(self.device):
            self.observer.noticed(
                f"{self.device.type} has no float64: the loss stablemax is computed in float32, with the same value to 1e-6"
            )
        if model is None:
            check_dtype(config.model.dtype, self.device)
            model = build_model(
                config.model, self.shape, generator=seeded_generator(train.seed), relations=task.relations
            )
        refuse_other_shape(model, self.shape)
        bring = any(family.data.train.brings_regions.any() for family in families)
        if isinstance(model, Model) and not model.takes_own_regions and bring:
            raise ValueError(
                f"--data.train {config.data.train} holds puzzles with regions of their own, which only a relational network "
                f"is told of: got --model.system {config.model.system}"
            )
        if train.init is not None and not (self.out / LAST / TRAINING).is_file():  # a run to resume has its own weights
            line = load_initial(model, train.init, task=task)
            if line is not None:
                self.observer.noticed(line)
        self.model: TrainableModel = model.to(self.device).train()
        world.copy_from_first(self.model)
        # A network of the user's own may hold a buffer that is infinite by design, such as a mask.
        self._infinite = {name for name, value in self.model.named_buffers() if not value.isfinite().all()}
        self.ema = make_ema(self.model, train.ema_rate) if train.ema_rate else None
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
        self.generator = seeded_generator(_process_seed(train.seed, world.rank), self.device)
        self.step = 0
        self.best: dict[str, Any] | None = None
        self.seconds = 0.0
        self.started_from: str | Path | None = train.init
        """The checkpoint whose weights the run begins with; what these were trained on counts as trained on."""
        self.test_to_keep: Puzzles | None = None
        """Examples that the run folder is to keep, so that it can be evaluated without the run's files."""
        self._window = Window()
        self.folder = RunFolder(self.out)
        """The run folder, in which this run alone writes."""
        self._best_is_due: dict[str, Any] | None = None  # figures of weights that are best and not saved as such
        self._tested_as_now = True
        self._check_depth()
        self._start_phase()

    @property
    def phase(self) -> Phase | None:
        """The phase that the next step belongs to; None after the last phase."""
        return next((phase for phase in self.config.train.phases if self.step < phase.until), None)

    def _start_phase(self) -> None:
        """Sets the puzzles to draw from, as the phase of the next step says."""
        for lane in self.lanes:
            lane.start(self.phase)

    def next_depth(self) -> dict[str, int]:
        """The n and T of the next update, by name, if they differ from the model's own."""
        train, own, phase = self.config.train, self.config.model, self.phase
        n = (phase and phase.n) or own.n
        T = (phase and phase.T) or own.T
        if train.vary_T:
            T = int(np.random.default_rng([train.seed, 2, self.step]).integers(1, 2 * T))
        return {name: value for name, value in (("n", n), ("T", T)) if value != getattr(own, name)}

    def _check_depth(self) -> None:
        """Refuses a depth that a model of the user's own cannot be asked for.

        Raises:
            ValueError: naming the setting and what the model's call must take.
        """
        times_asked(self.model, self.config)
        train = self.config.train
        wanted = [f"train.phases until {p.until}" for p in train.phases if p.n is not None or p.T is not None]
        wanted += ["train.vary_T"] * train.vary_T
        if wanted and not takes_depth(self.model):
            raise ValueError(
                f"{wanted[0]} trains at another n or T than the model's own: the call of {type(self.model).__name__} "
                "must take the keywords n and T; give it these, or leave the setting out"
            )

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
        steps, run, world = self.config.train.steps, self.config.run, self.world
        if self.step == 0:
            self.save()  # before any other file, so that a folder with files of ours can always be gone on with
        log = None
        if world.is_first:
            keep_test_line = self._tested_as_now or self.step < steps
            log = MetricsLog(self.out, self.step, keep_test=keep_test_line, tensorboard=run.tensorboard)
        try:
            if self.test_to_keep is not None and world.is_first:
                keep_test(self.out, self.test_to_keep)
            if world.is_first and (self.step == 0 or not (self.out / SEEN).is_file()):
                families = [(lane.task, lane.data) for lane in self.lanes]
                keep_seen(self.out, families, before=self.started_from)
            self.observer.started(self)
            self._restore_best()
            tested = log.tested if log is not None and self.step >= steps else None
            saved, clock = time.perf_counter(), time.perf_counter()
            while self.step < steps and not world.any(should_stop()):
                self.train_step()
                now = time.perf_counter()
                self.seconds, clock = self.seconds + now - clock, now
                if self.step % run.log_every == 0:
                    metrics = self._window.take(self.seconds, world)
                    self._write(log, "train", values=metrics)
                    self.observer.stepped(self.step, metrics)
                if self.step % run.eval_every == 0 or self.step == steps:
                    self._evaluate(log)
                is_due = self.step % run.checkpoint_every == 0 or self._best_is_due is not None
                minutes = (now - saved) / 60
                if is_due or world.any(minutes >= run.checkpoint_minutes):
                    self.save()
                    saved = time.perf_counter()
            self.save()
            tested = world.from_first(lambda: tested)
            if self.step < steps:
                figures = {}
            elif tested is not None:
                figures = tested
                self.observer.noticed(
                    f"the run is finished: its test was made before, see {self.out / 'metrics.jsonl'}"
                )
            else:
                figures = self._test(log, should_stop)
                self._tested_as_now = True
        except Stopped:  # everything is saved; resuming makes the test anew
            figures = {}
        finally:
            if log is not None:
                log.close()
        self.observer.finished(self)
        return figures

    def train_step(self) -> None:
        """Refills the slots that halted, thinks one supervision step, and updates the weights, their average and the rates."""
        train = self.config.train
        lane = drawn(self.lanes, self.phase, seed=train.seed, step=self.step)
        lane.refill(self.generator)
        result = lane.think(self.generator, depth=self.next_depth())
        (result.loss / lane.num_slots).backward()
        total = result.loss.detach().clone()
        self._add_up_gradients(total)
        norm = self._gradient_norm()
        loss, norm = torch.stack([total, norm.to(total)]).tolist()  # sync
        loss /= lane.num_slots
        for name, value in (("loss", loss), ("norm of the gradient", norm)):
            if not math.isfinite(value):
                self.optimizers.zero_grad()
                raise TrainingError(
                    f"the {name} is {value} at step {self.step + 1}; the weights were not updated. {self._advice()}"
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

    def _gradient_norm(self) -> Tensor:
        """Clips the gradients, and returns a norm of all of them, which is finite only if they are."""
        clip = self.config.train.clip_gradient
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        table = getattr(self.model, "puzzle_embedding", None)
        rows = None if table is None or table.rows is None else table.rows.grad
        norm = torch.zeros((), device=self.device)
        if clip:
            norm = clip_grad_norm_(self.model.parameters(), clip)
            gradients = []  # no largest number of finite ones is infinite, unlike the root of their squares
        if rows is not None:
            gradients.append(rows)
        return torch.maximum(norm, _largest(gradients).to(norm)) if gradients else norm

    def _advice(self) -> str:
        """What to try, and from where, after numbers that are not finite."""
        train = self.config.train
        try:
            step = read_config(self.out / LAST)[2].get("step")
            good = f"the last good checkpoint is {self.out / LAST} (step {step})"
        except CheckpointError:
            good = "no checkpoint was saved yet"
        return (
            f"Try a lower --train.lr (now {train.lr:g}), more --train.warmup-steps (now {train.warmup_steps}) or "
            f"--model.dtype float32 (now {self.config.model.dtype}); {good}"
        )

    def _refuse_unsound(self) -> None:
        """Refuses to save weights that are not finite, or make the loss of the slots' own puzzles so.

        Weights may have blown up in the last update and still be finite; the next loss would then not be.

        Raises:
            TrainingError: naming the last checkpoint that was saved.
        """
        kinds = {"weights": self.model.state_dict()}
        if self.ema is not None:
            kinds["averaged weights"] = self.ema.module.state_dict()
        fault = None
        for name, state in kinds.items():
            numbers = [value for key, value in state.items() if key not in self._infinite and value.is_floating_point()]
            if not math.isfinite(_largest(numbers).item()):  # sync
                fault = f"the {name} are not finite after step {self.step}"
                break
        if fault is None and self.step and self.world.any(not self._loss_is_finite()):
            fault = f"the weights give a loss that is not finite after step {self.step}"
        if fault is not None:
            raise TrainingError(f"{fault}; they were not saved. {self._advice()}")

    @torch.no_grad()
    def _loss_is_finite(self) -> bool:
        """Whether one more supervision step of the slots, of the live and of the averaged weights, has a finite loss."""
        losses = [loss for lane in self.lanes for loss in lane.losses(seeded_generator(0, self.device))]
        return bool(torch.stack(losses).isfinite().all())  # sync

    def _add_up_gradients(self, loss: Tensor) -> None:
        """Makes every process's gradients, and the loss, those of the whole batch."""
        if self.world.size == 1:
            return
        self.world.add_up([p.grad for p in self.model.parameters() if p.grad is not None] + [loss])
        table = getattr(self.model, "puzzle_embedding", None)
        if table is not None and table.rows is not None and table.rows.grad is not None:
            rows = self.world.joined(table.rows.detach())
            rows.grad = self.world.joined(table.rows.grad)
            table.rows, table.row_ids = rows, self.world.joined(table.row_ids)

    def _write(self, log: MetricsLog | None, kind: str, *, values: dict[str, Any]) -> None:
        if log is not None:
            log.write(kind, self.step, values=values)

    def _evaluate(self, log: MetricsLog | None) -> None:
        """Scores the validation puzzles, and keeps the weights if none before did better."""
        figures = self._figures("validation")
        if not figures:
            return
        # Right cells decide between equals in exact match, and of wholly equal checkpoints the later is kept.
        rank = [figures["exact"], figures["cells"]]
        is_best = self.best is None or rank >= self.best["rank"]
        self._write(log, "eval", values=figures)  # before the save: the step is not evaluated again after it
        if is_best:
            self.best = {"step": self.step, "rank": rank}
            self._best_is_due = figures
        self.observer.evaluated("eval", self.step, figures=figures, is_best=is_best)

    def _restore_best(self) -> None:
        """Makes sure that `best/` holds what the resumed state calls the best, which a kill may have left unwritten."""
        if self.best is None or self.world.from_first(lambda: _step_of(self.out / BEST)) == self.best["step"]:
            return
        if self.best["step"] == self.step:
            self._best_is_due = self._figures("validation")
            self.save()
        else:
            self.observer.noticed(
                f"{self.out / BEST} is not the best of this run, of step {self.best['step']:,}: the best is chosen anew, from "
                "now on"
            )
            self.best = None

    def _test(self, log: MetricsLog | None, should_stop: Callable[[], bool]) -> dict[str, Any]:
        """Scores the test puzzles with the best weights (the last ones where nothing was held out to choose by)."""
        if not any(len(lane.data.test) for lane in self.lanes):
            return {}

        def check(done: int) -> None:
            if should_stop():
                raise Stopped

        live = {key: value.clone() for key, value in self.evaluated_model.state_dict().items()}
        if self.best is not None:
            best = self.world.from_first(lambda: read_safetensors(self.out / BEST / MODEL))
            self.evaluated_model.load_state_dict(best)
        try:
            figures = self._figures("test", check)
        finally:
            self.evaluated_model.load_state_dict(live)
        self._write(log, "test", values=figures)
        self.observer.evaluated("test", self.best["step"] if self.best else self.step, figures=figures, is_best=False)
        return figures

    def _figures(self, part: str, progress: Callable[[int], object] = lambda done: None) -> dict[str, Any]:
        """The figures of every family's puzzles of this part, `validation` or `test`; empty where there are none."""
        seen = read_seen(self.out) if part == "test" and self.world.is_first else None
        found = {}
        for lane in self.lanes:
            puzzles: Puzzles = getattr(lane.data, part)
            if not len(puzzles):
                continue
            outcome = self.score(puzzles, progress, lane=lane)
            found[lane.name] = outcome if seen is None else replace(outcome, seen=seen.among(lane.task, puzzles))
        return figures_of(found) if found else {}

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
            self._refuse_unsound()
            processes = self.world.gather(self._own_state())
            self.world.from_first(lambda: self._write_checkpoints(processes))
            self._best_is_due = None

    def _write_checkpoints(self, processes: list[dict[str, Any]]) -> None:
        with appearing(self.out / LAST) as last:
            self._save_weights(last, {})
            if self.resumable:
                save_training_state(last, self._state(processes))
        if self._best_is_due is not None:
            self._save_weights(self.out / BEST, {"validation": self._best_is_due})
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
            self.optimizers.load_state_dict(state["optimizers"])
            own = self._own_part(state.get("processes") or [state])
            self._restore_generator(own["generator"], state["step"])
        except (RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(f"{self.out / LAST / TRAINING}: does not fit this run: {reason}") from error
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
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

    def _own_part(self, saved: list[dict[str, Any]]) -> dict[str, Any]:
        """This process's part of what all processes of the run saved."""
        world = self.world
        if len(saved) == world.size:
            return saved[world.rank]
        own, skipped = shared_out(saved, world)
        self.observer.noticed(
            f"was trained by {len(saved)} processes, goes on with {world.size}: {skipped} samples are left out of this epoch"
        )
        return own

    def _restore_generator(self, saved: Tensor, step: int) -> None:
        """Restores the stream of exploration and noise; another kind of device starts a new stream."""
        if saved.shape == self.generator.get_state().shape:
            self.generator.set_state(saved)
        else:
            self.generator.manual_seed(_process_seed(phase_seed(self.config.train.seed, step), self.world.rank))


def _process_seed(seed: int, rank: int) -> int:
    """The seed of a process's stream of exploration and noise; the first process uses the run's own seed."""
    return seed if rank == 0 else int(np.random.SeedSequence([seed, 0, rank]).generate_state(1)[0])


def _step_of(checkpoint: Path) -> Any:
    """The step of which a checkpoint's weights are; None where it cannot be read."""
    try:
        return read_config(checkpoint)[2].get("step") if (checkpoint / MODEL).is_file() else None
    except CheckpointError:
        return None


def _largest(tensors: list[Tensor]) -> Tensor:
    """The largest magnitude in any of the tensors; NaN where one holds it."""
    return get_total_norm([tensor for tensor in tensors if tensor.numel()], math.inf)
