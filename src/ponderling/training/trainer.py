"""A training run from a config: data, model, optimizer, evaluation, checkpoints, and going on after an interruption.

The run folder holds `best/` and `last/` (see `checkpoint.py`) and `metrics.jsonl`. A run that is resumed, also after
`kill -9`, gives bit for bit the weights of one that was never interrupted (same machine, same number of threads and
processes). Several processes train one model together, see `distributed.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ponderling.checkpoint import (
    BEST,
    CONFIG,
    LAST,
    MODEL,
    TRAINING,
    CheckpointError,
    find_checkpoint,
    load_training_state,
    load_weights,
    own_code,
    read_config,
    read_safetensors,
    save_checkpoint,
    save_training_state,
)
from ponderling.config import Phase, RunConfig
from ponderling.data import Sampler, augmentation, task_of
from ponderling.data.sampler import Augment
from ponderling.halting import times_asked
from ponderling.losses import IGNORE
from ponderling.models import Model, build_model, refuse_other_shape, shape_of
from ponderling.models.interface import takes_depth
from ponderling.models.own_network import note_of
from ponderling.models.torch_compile import compile_networks
from ponderling.solving.evaluate import Evaluation, evaluate, joined
from ponderling.solving.kept import TEST, keep_test, places_of
from ponderling.solving.seen import SEEN, keep_seen, read_seen
from ponderling.solving.solver import Solver
from ponderling.supervision import Batch, Carry, empty_carry, refill, supervision_step
from ponderling.system import keep_freed_memory, must_be_new, remove_leftovers
from ponderling.tasks.base import PAD, DataSplit, Puzzles, Task
from ponderling.tasks.own_code import files_of
from ponderling.training.distributed import World, checked_device
from ponderling.training.metrics import MetricsLog, Window
from ponderling.training.observer import Observer, ProgressLines
from ponderling.training.optim import Optimizers, make_ema, seeded_generator
from ponderling.training.resume import carry_from_dict, carry_to_dict, check_resumable, fingerprint, shared_out

TrainableModel = Any
"""A `torch.nn.Module` that is a `supervision.RecursiveModel`; Python's types cannot say both."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to try."""


class _Stopped(Exception):
    """The final test was broken off."""


class Trainer:
    """A training run: its state and its loop.

    Args:
        config: All settings of the run.
        out: The run folder; created if it does not exist.
        task: The puzzle family.
        data: The puzzles to train, validate and test on.
        model: A model to train in place of the one that the config describes: a module with the two methods of
            `supervision.RecursiveModel`. It is moved to the config's device.
        recipe: The recipe's name, recorded in the checkpoints.
        observer: Told what happens, in the first process only. None: progress lines are printed on stderr; `Observer()`
            is silent.
        world: The processes that train this model together.

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
        model: TrainableModel | None = None,
        recipe: str | None = None,
        observer: Observer | None = None,
        world: World = World(),  # noqa: B008 (it cannot be changed)
    ):
        self.config, self.out, self.task, self.data = config, Path(out), task, data
        self.out.mkdir(parents=True, exist_ok=True)
        self.recipe, self.world = recipe, world
        self.files = places_of(config.data)  # now: the current folder may change while the run goes on
        self.observer = observer if observer is not None else ProgressLines()
        if not world.is_first:
            self.observer = Observer()
        train, run = config.train, config.run
        if train.batch_size % world.size:
            raise ValueError(
                f"--train.batch-size is shared out evenly among {world.size} processes: got {train.batch_size}"
            )
        if run.threads:
            torch.set_num_threads(run.threads)
        self.device = checked_device(run.device, world)
        num_puzzles = max(task.num_puzzles(puzzles) for puzzles in (data.train, data.validation, data.test))
        self.shape = shape_of(task, num_puzzles=num_puzzles)
        if model is None:
            model = build_model(
                config.model, self.shape, generator=seeded_generator(train.seed), relations=task.relations
            )
        refuse_other_shape(model, self.shape)
        if isinstance(model, Model) and not model.takes_own_regions and data.train.brings_regions.any():
            raise ValueError(
                f"--data.train {config.data.train} holds puzzles with regions of their own, which only a relational network "
                f"is told of: got --model.system {config.model.system}"
            )
        if train.init is not None and not (self.out / LAST / TRAINING).is_file():  # a run to resume has its own weights
            weights = find_checkpoint(train.init) / MODEL
            load_weights(model, read_safetensors(weights), path=weights)
        self.model: TrainableModel = model.to(self.device).train()
        world.copy_from_first(self.model)
        self.ema = make_ema(self.model, train.ema_rate) if train.ema_rate else None
        if run.compile and not compile_networks(self.model):
            self.observer.noticed(
                "no C++ compiler (g++ or clang++, or what CXX names): training without compiling, slower"
            )
        self.optimizers = Optimizers(self.model, train, puzzle_embedding=getattr(self.model, "puzzle_embedding", None))
        self.generator = seeded_generator(_process_seed(train.seed, world.rank), self.device)
        num_slots = train.batch_size // world.size
        self.carry: Carry = empty_carry(self.model, num_slots, seq_len=self.shape.seq_len, device=self.device)
        self.step = 0
        self.best: dict[str, Any] | None = None
        self.seconds = 0.0
        self.started_from: str | Path | None = train.init
        """The checkpoint whose weights the run begins with; what these were trained on counts as trained on."""
        self._window = Window()
        for phase in train.phases:
            _rated(data.train, phase)  # refuses what cannot be before hours have gone by
            augmentation(config.data, task, extra_clues=phase.extra_clues)
        self._check_depth()
        self._start_phase()

    @property
    def phase(self) -> Phase | None:
        """The phase that the next step belongs to; None after the last phase."""
        return next((phase for phase in self.config.train.phases if self.step < phase.until), None)

    def _start_phase(self) -> None:
        """Sets the puzzles to draw from, as the phase of the next step says."""
        phase = self.phase
        if phase is None:
            augment = augmentation(self.config.data, self.task)
            self.sampler = self._sample(self.data.train, augment, seed=self.config.train.seed)
        else:
            number = self.config.train.phases.index(phase)
            puzzles = self.data.train[_rated(self.data.train, phase)]
            augment = augmentation(self.config.data, self.task, extra_clues=phase.extra_clues)
            self.sampler = self._sample(puzzles, augment, seed=_phase_seed(self.config.train.seed, number))

    def _sample(self, puzzles: Puzzles, augment: Augment | None, *, seed: int) -> Sampler:
        return Sampler(puzzles, augment, seed=seed, rank=self.world.rank, world_size=self.world.size)

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

        Raises:
            TrainingError: on a loss that is not finite; the weights are not touched and the last checkpoint is intact.
            OSError: when a checkpoint cannot be written; the one before is intact.
        """
        keep_freed_memory()
        steps, run, world = self.config.train.steps, self.config.run, self.world
        log = MetricsLog(self.out, self.step, tensorboard=run.tensorboard) if world.is_first else None
        self.observer.started(self)
        if world.is_first and (self.step == 0 or not (self.out / SEEN).is_file()):
            keep_seen(self.out, self.task, data=self.data, before=self.started_from)
        if self.step == 0:
            self.save()
        saved, clock = time.perf_counter(), time.perf_counter()
        try:
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
                minutes = (now - saved) / 60
                if self.step % run.checkpoint_every == 0 or world.any(minutes >= run.checkpoint_minutes):
                    self.save()
                    saved = time.perf_counter()
            self.save()
            figures = self._test(log, should_stop) if self.step >= steps else {}
        except _Stopped:  # everything is saved; resuming makes the test anew
            figures = {}
        finally:
            if log is not None:
                log.close()
        self.observer.finished(self)
        return figures

    def train_step(self) -> None:
        """Refills the slots that halted, thinks one supervision step, and updates the weights, their average and the rates."""
        train = self.config.train
        new = self.sampler.take(int(self.carry.halted.sum()))  # sync
        self.carry = refill(
            self.model, self.carry, new=to_batch(new), noise=train.state_noise, generator=self.generator
        )
        result = supervision_step(
            self.model, self.carry, config=train, generator=self.generator, depth=self.next_depth()
        )
        (result.loss / train.batch_size).backward()
        total = result.loss.detach().clone()
        self._add_up_gradients(total)
        loss = total.item() / train.batch_size  # sync
        if not math.isfinite(loss):
            self.optimizers.zero_grad()
            raise TrainingError(
                f"the loss is {loss} at step {self.step + 1}; the weights were not updated. Try a lower --train.lr "
                f"(now {train.lr:g}), more --train.warmup-steps (now {train.warmup_steps}) or --model.dtype float32 "
                f"(now {self.config.model.dtype}); the last good checkpoint is {self.out / LAST}"
            )
        if train.clip_gradient:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), train.clip_gradient)
        lr = self.optimizers.lr
        self.optimizers.step()
        self.optimizers.zero_grad()
        if self.ema is not None:
            self.ema.update_parameters(self.model)
        self.carry = result.carry
        self.step += 1
        if any(phase.until == self.step for phase in train.phases):
            self._start_phase()
        self._window.add(result, loss, lr=lr)

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
        if not len(self.data.validation):
            return
        figures = self.score(self.data.validation).to_json()
        # Valid answers decide between equals in exact match, and of wholly equal checkpoints the later is kept.
        rank = [figures["exact"], figures["cells"]]
        is_best = self.best is None or rank >= self.best["rank"]
        if is_best:
            self.best = {"step": self.step, "rank": rank}
            self._save_weights(BEST, {"validation": figures})
        self._write(log, "eval", values=figures)
        self.observer.evaluated("eval", self.step, figures=figures, is_best=is_best)

    def _test(self, log: MetricsLog | None, should_stop: Callable[[], bool]) -> dict[str, Any]:
        """Scores the test puzzles with the best weights (the last ones where nothing was held out to choose by)."""
        if not len(self.data.test):
            return {}

        def check(done: int) -> None:
            if should_stop():
                raise _Stopped

        live = {key: value.clone() for key, value in self.evaluated_model.state_dict().items()}
        if self.best is not None:
            best = self.world.from_first(lambda: read_safetensors(self.out / BEST / MODEL))
            self.evaluated_model.load_state_dict(best)
        try:
            outcome = self.score(self.data.test, check)
        finally:
            self.evaluated_model.load_state_dict(live)
        seen = read_seen(self.out) if self.world.is_first else None
        figures = replace(outcome, seen=seen and seen.among(self.task, self.data.test)).to_json()
        self._write(log, "test", values=figures)
        self.observer.evaluated("test", self.best["step"] if self.best else self.step, figures=figures, is_best=False)
        return figures

    def score(self, puzzles: Puzzles, progress: Callable[[int], object] = lambda done: None) -> Evaluation:
        """Evaluates the averaged weights on these puzzles; `progress` gets the number this process has done."""
        model = self.evaluated_model.eval()
        try:
            if self.world.size == 1:
                return evaluate(self._solver(model), puzzles, progress=progress)
            return self._score_together(model, puzzles, progress=progress)
        finally:
            self.model.train()

    def _solver(self, model: TrainableModel) -> Solver:
        return Solver(model, self.task, config=self.config, device=self.device)

    def _score_together(
        self, model: TrainableModel, puzzles: Puzzles, *, progress: Callable[[int], object]
    ) -> Evaluation:
        """Evaluates one part in each process; a process told to stop says so only when all are done, so none waits."""
        own = puzzles[self.world.share(len(puzzles))]
        part, stopped = None, False
        if len(own):
            try:
                part = evaluate(self._solver(model), own, progress=progress)
            except _Stopped:
                stopped = True
        if self.world.any(stopped):
            raise _Stopped
        return joined([part for part in self.world.collect(part) if part is not None])

    def _save_weights(self, which: str, facts: dict[str, Any]) -> None:
        if not self.world.is_first:
            return
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
        save_checkpoint(
            self.out / which, self.evaluated_model.state_dict(), config=self.config, shape=self.shape, info=info
        )

    def save(self) -> None:
        """Writes `last`: the averaged weights to use, and everything that `resume` needs."""
        self._save_weights(LAST, {})
        processes = self.world.gather(self._own_state())
        if self.world.is_first:
            save_training_state(self.out / LAST, self._state(processes))

    def _state(self, processes: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
            "data": fingerprint(self.data.train, self.shape.vocab_size),
            "model": self.model.state_dict(),
            "ema": None if self.ema is None else dict(self.ema.module.named_parameters()),
            "optimizers": self.optimizers.state_dict(),
            **(processes[0] if len(processes) == 1 else {"processes": processes}),
        }

    def _own_state(self) -> dict[str, Any]:
        """The part of the training state that differs between processes."""
        return {
            "sampler": self.sampler.position,
            "generator": self.generator.get_state(),
            "carry": carry_to_dict(self.carry),
            "window": self._window.state(),
        }

    def resume(self) -> None:
        """Continues where the run in the folder stopped; another number of processes redistributes its slots.

        Raises:
            CheckpointError: when the saved state is missing, damaged, or of a run on other puzzles.
        """
        state = self.world.from_first(lambda: load_training_state(self.out / LAST))
        if state["data"] != fingerprint(self.data.train, self.shape.vocab_size):
            raise CheckpointError(
                f"{self.out / LAST / TRAINING}: was trained on other puzzles than --data.train {self.config.data.train} "
                "now holds; give the same puzzles, or start a new run with another --out"
            )
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
        self.carry = carry_from_dict(own["carry"], self.device, vocab_size=self.shape.vocab_size)
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        self._start_phase()
        self.sampler.position = own["sampler"]
        self._window = Window(*own["window"])

    def _own_part(self, saved: list[dict[str, Any]]) -> dict[str, Any]:
        """This process's part of what all processes of the run saved."""
        world = self.world
        if len(saved) == world.size:
            return saved[world.rank]
        own = shared_out(saved, world, batch_size=self.config.train.batch_size)
        skipped = own["sampler"] * world.size - sum(part["sampler"] for part in saved)
        self.observer.noticed(
            f"was trained by {len(saved)} processes, goes on with {world.size}: {skipped} samples are left out of this epoch"
        )
        return own

    def _restore_generator(self, saved: Tensor, step: int) -> None:
        """Restores the stream of exploration and noise; another kind of device starts a new stream."""
        if saved.shape == self.generator.get_state().shape:
            self.generator.set_state(saved)
        else:
            self.generator.manual_seed(_process_seed(_phase_seed(self.config.train.seed, step), self.world.rank))


def _rated(puzzles: Puzzles, phase: Phase) -> np.ndarray:
    """The rows of the puzzles that a phase shows."""
    if puzzles.ratings is None:
        if phase.min_rating or phase.max_rating is not None:
            raise ValueError("train.phases asks for puzzles by their rating, but the training puzzles have none")
        return np.arange(len(puzzles))
    highest = puzzles.ratings.max() if phase.max_rating is None else phase.max_rating
    rows = np.flatnonzero((puzzles.ratings >= phase.min_rating) & (puzzles.ratings <= highest))
    if not len(rows):
        raise ValueError(
            f"the phase of train.phases until step {phase.until} asks for puzzles rated from {phase.min_rating}"
            + (f" to {phase.max_rating}" if phase.max_rating is not None else "")
            + f": the training puzzles are rated {puzzles.ratings.min()} to {puzzles.ratings.max()}"
        )
    return rows


def _phase_seed(seed: int, number: int) -> int:
    """The seed of a phase's stream of samples; after the last phase it is the run's own seed."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _process_seed(seed: int, rank: int) -> int:
    """The seed of a process's stream of exploration and noise; the first process uses the run's own seed."""
    return seed if rank == 0 else int(np.random.SeedSequence([seed, 0, rank]).generate_state(1)[0])


def to_batch(puzzles: Puzzles) -> Batch:
    """The puzzles as tensors; a label PAD becomes IGNORE."""
    labels = torch.from_numpy(puzzles.labels.astype(np.int64))
    return Batch(
        torch.from_numpy(puzzles.tokens.astype(np.int64)),
        labels.masked_fill(labels == PAD, IGNORE),
        puzzle_ids=torch.from_numpy(puzzles.puzzle_ids.astype(np.int64)),
        regions=None if puzzles.regions is None else torch.from_numpy(puzzles.regions.astype(np.int64)),
    )


def start(
    config: RunConfig,
    out: str | Path,
    *,
    resume: bool = False,
    recipe: str | None = None,
    observer: Observer | None = None,
    model: TrainableModel | None = None,
    world: World = World(),  # noqa: B008 (it cannot be changed)
    task: Task | None = None,
    data: DataSplit | None = None,
) -> Trainer:
    """Prepares a run, new or resumed from the folder, whose `run()` then trains.

    With several processes, each calls this with its own `world`, and the first one reads and writes the folder. `task`
    and `data` replace those that the config names.

    Raises:
        FileExistsError: when the folder holds a run and `resume` is not set.
        ValueError: when the settings contradict each other, or change what a resumed run must keep.
    """
    out = Path(out)
    checked_device(config.run.device, world)  # before a folder is made or data are fetched
    has_run = world.from_first(lambda: _prepare(config, out, resume=resume))
    task = task_of(config.data) if task is None else task
    split = task.load_split(config.data) if data is None else data
    trainer = Trainer(config, out, task=task, data=split, model=model, recipe=recipe, observer=observer, world=world)
    if has_run:
        trainer.resume()
    if config.data.grid is not None and len(split.test) and not (has_run and (out / TEST).is_file()):
        # also those that the run's own test leaves out
        all_test = data is None and config.data.max_test is not None
        world.from_first(lambda: keep_test(out, task.load_test(config.data, "default") if all_test else split.test))
    return trainer


def _prepare(config: RunConfig, out: Path, *, resume: bool) -> bool:
    """Prepares the folder, and returns whether it holds a run to resume."""
    has_run = (out / LAST / TRAINING).is_file()
    if has_run and not resume:
        raise FileExistsError(
            f"{out} holds a run already: go on with it (--resume) or choose another --out (in Python: resume=True, or "
            "another folder)"
        )
    if has_run:
        check_resumable(read_config(out / LAST)[0], config, out=out)
    else:  # one that was imported or downloaded: nobody could say any more which of two checkpoints the folder means
        must_be_new(out / CONFIG, holds="a checkpoint")
    out.mkdir(parents=True, exist_ok=True)
    for folder in (out, out / BEST, out / LAST):
        remove_leftovers(folder)
    return has_run
