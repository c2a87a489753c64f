"""Runs that begin, or go on from their folder: what may be in it, which data are read, and a `Trainer` that is ready."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ponderling.checkpoint import (
    LAST,
    TEST,
    TRAINING,
    CheckpointError,
    clear_leftovers,
    read_config,
    refuse_occupied,
)
from ponderling.config import RunConfig
from ponderling.data import task_of
from ponderling.models.device import check_dtype
from ponderling.system import FolderLock
from ponderling.tasks.base import DataSplit, Task
from ponderling.training.distributed import World, checked_device
from ponderling.training.lanes import (
    FamilyData,
    read_families,
)
from ponderling.training.observer import Observer
from ponderling.training.resume import check_resumable, refuse_fewer_steps
from ponderling.training.run_folder import refuse_run
from ponderling.training.trainer import TrainableModel, Trainer


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
        CheckpointError: when `resume` is set and the folder holds files of a run, but nothing to go on from; a folder
            without any begins a new run.
        FolderInUseError: when another process, or another run of this one, writes in the folder.
        TypeError: when `config` is something else, such as a recipe.
        ValueError: when the settings contradict each other, or change what a resumed run must keep.
    """
    if not isinstance(config, RunConfig):
        hint = f"; a recipe has it as .config: get_recipe({config!r}).config" if isinstance(config, str) else ""
        hint = "; give its .config" if hasattr(config, "config") else hint
        raise TypeError(f"config must be a ponderling.RunConfig: got {type(config).__name__}{hint}")
    out, lock = Path(out), FolderLock(Path(out))
    device = checked_device(config.run.device, world)  # before a folder is made or data are fetched
    if model is None:
        check_dtype(config.model.dtype, device)
    has_run = world.from_first(lambda: _prepare(config, out, resume=resume, lock=lock))
    try:
        return _start(
            config,
            out,
            has_run=has_run,
            recipe=recipe,
            observer=observer,
            model=model,
            world=world,
            task=task,
            data=data,
        )
    finally:
        lock.release()


def _start(
    config: RunConfig,
    out: Path,
    *,
    has_run: bool,
    recipe: str | None,
    observer: Observer | None,
    model: TrainableModel | None,
    world: World,
    task: Task | None,
    data: DataSplit | None,
) -> Trainer:
    others: Sequence[FamilyData] = ()
    if task is None and data is None:
        *others, own = read_families(config)
        task, split = own.task, own.data
    elif len(config.data.families) > 1:
        raise ValueError(f"task and data replace those of one family: the config names {config.data.task}")
    else:
        task = task_of(config.data) if task is None else task
        split = task.load_split(config.data) if data is None else data
    trainer = Trainer(
        config, out, task=task, data=split, others=others, model=model, recipe=recipe, observer=observer, world=world
    )
    if has_run:
        trainer.resume()
    if config.data.grid is not None and len(split.test) and not (has_run and (out / TEST).is_file()):
        # also those that the run's own test leaves out
        all_test = data is None and config.data.max_test is not None
        trainer.test_to_keep = task.load_test(config.data, "default") if all_test else split.test
    return trainer


def _prepare(config: RunConfig, out: Path, *, resume: bool, lock: FolderLock) -> bool:
    """Takes the folder's lock, deletes what killed processes left, and returns whether there is a run to resume."""
    lock.take()
    try:
        clear_leftovers(out)
        has_run = (out / LAST / TRAINING).is_file()
        if has_run and resume:
            saved, _, info = read_config(out / LAST)
            check_resumable(saved, config, out=out)
            refuse_fewer_steps(int(info.get("step", 0)), config, out=out)
        elif resume:
            try:
                refuse_occupied(out)
            except FileExistsError as error:
                raise CheckpointError(
                    f"{out} cannot be resumed: {out / LAST / TRAINING} is missing, which holds the state of training; start a "
                    f"new run with another --out, from these weights with --train.init {out} if they are of the same network"
                ) from error
        else:
            refuse_run(out)
    except BaseException:
        lock.release()
        raise
    return has_run
