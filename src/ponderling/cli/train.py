"""`ponderling train RECIPE`: trains, shows how it goes on stderr, evaluates and saves."""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ponderling.cli.arguments import parse_arguments
from ponderling.cli.eval import percent
from ponderling.config import DataConfig, ModelConfig, RunConfig, TrainConfig
from ponderling.recipes import Recipe, get_recipe, grid_recipe, list_recipes

if TYPE_CHECKING:
    from ponderling.training.distributed import World
    from ponderling.training.trainer import Trainer


@dataclass(frozen=True)
class TrainCommand:
    """What `ponderling train` takes besides the recipe."""

    out: Path | None = None
    """The run folder; runs/RECIPE if not given."""
    resume: bool = False
    """Go on with the run in the folder, with its own settings; start it if there is none yet."""
    json: bool = False
    """Print the result as one JSON object on stdout."""
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)


def main(args: list[str]) -> int:
    """Runs the verb."""
    files, args = take_files(args)
    name = args[0] if args and not args[0].startswith("-") else None
    if name is None and files is None:
        if args and args[0] not in ("-h", "--help"):
            raise ValueError(
                f"expected a recipe before {args[0]}, or --data FILE: `ponderling train RECIPE ...`. There are {_names()}"
            )
        _print_recipes()
        return 0 if args else 2
    recipe = _recipe(name, files)
    args = args[1:] if name is not None else args
    default_out = Path("runs") / _run_name(name, files)
    saved = _saved_config(args, _out(args, default_out))
    base = saved or recipe.config
    command = _parse(recipe, base, args, name)
    out = command.out or default_out
    data = command.data
    from ponderling.training.distributed import join_world

    train, results = command.train, []
    with join_world() as world:
        if data.grid is not None:
            data = _shown(data, fresh=saved is None, tell=world.is_first)
        if recipe.name == "grid-small" and saved is None and world.is_first:
            print(f"{recipe.name}: {recipe.summary}, {command.train.steps:,} steps", file=sys.stderr)
        if recipe.before and train.init is None and saved is None:
            results = _train_parts(recipe, args, name, out, world)
            train = replace(train, init=results[-1]["run"])
        if all(result["finished"] for result in results):
            results.append(_train(RunConfig(command.model, train, data), out, recipe.name, command.resume, world))
    *before, result = results
    if not world.is_first:
        return 0 if result["finished"] else 130
    if command.json:
        print(json.dumps(result | {"before": before} if before else result))
    if not result["finished"]:
        print(
            f"stopped at step {result['step']} of {result['steps']} and saved: go on with --resume",
            file=sys.stderr,
        )
        return 130
    return 0


def _shown(data: DataConfig, fresh: bool, tell: bool) -> DataConfig:
    """Files of grids as this run takes them, shown before training if this process is to tell."""
    from ponderling.cli.data.grids import show_grids
    from ponderling.data.custom import grid_config

    if fresh:  # symmetries may ask for a square canvas
        data = grid_config(data.train, None if data.test == "default" else data.test, data.symmetries, data)
    if tell:
        show_grids(data, sys.stderr)
    return data


def _parse(recipe: Recipe, base: RunConfig, args: list[str], name: str | None) -> TrainCommand:
    parts = ""
    if recipe.before:
        parts = f" The last of {len(recipe.before) + 1} parts is shown; what is overridden holds for each."
    return parse_arguments(
        TrainCommand,
        args,
        prog=f"ponderling train {name or '--data FILE'}",
        description=f"{recipe.summary}. Defaults shown are the recipe's; any can be overridden.{parts}",
        default=TrainCommand(model=base.model, train=base.train, data=base.data),
    )


def _train_parts(recipe: Recipe, args: list[str], name: str | None, out: Path, world: World) -> list[dict[str, Any]]:
    """Trains what comes before the recipe's own run, in out/part1 and so on, up to the first part that is stopped.

    With --resume a finished part is not touched and an unfinished one goes on.
    """
    from ponderling.checkpoint import LAST, read_config

    results: list[dict[str, Any]] = []
    for number, part in enumerate(recipe.before, 1):
        folder = out / f"part{number}"
        saved = _saved_config(args, folder)
        command = _parse(recipe, saved or part, args, name)
        train = command.train if not results else replace(command.train, init=results[-1]["run"])
        if saved is not None and (step := read_config(folder / LAST)[2]["step"]) >= train.steps:
            results.append({"run": str(folder), "step": step, "steps": train.steps, "finished": True})
            continue
        if world.is_first:
            print(f"part {number} of {len(recipe.before) + 1}", file=sys.stderr)
        config = RunConfig(command.model, train, command.data)
        results.append(_train(config, folder, f"{recipe.name}, part {number}", command.resume, world))
        if not results[-1]["finished"]:
            break
    return results


def take_files(args: list[str]) -> tuple[tuple[str, str | None] | None, list[str]]:
    """The files of `--data FILE` and `--test FILE`, and the other arguments; None without --data.

    tyro cannot be told of them: --data.train and its like begin alike.
    """
    found: dict[str, str] = {}
    rest: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        option, equals, value = arg.partition("=")
        if option not in ("--data", "--test"):
            rest.append(arg)
            continue
        if not equals:
            value = next(waiting, "")
        if not value or value.startswith("--"):
            raise ValueError(f"expected a file or folder of grids after {option}")
        found[option] = value
    if "--test" in found and "--data" not in found:
        raise ValueError("--test FILE goes with --data FILE; with a recipe alone it is --data.test")
    return ((found["--data"], found.get("--test")) if found else None), rest


def _run_name(name: str | None, files: tuple[str, str | None] | None) -> str:
    """The run folder's name: the recipe's, the family's, or the file's."""
    if name is not None:
        return name.partition(":")[2] or name
    assert files is not None
    return Path(files[0]).resolve().name.partition(".")[0]


def _recipe(name: str | None, files: tuple[str, str | None] | None) -> Recipe:
    """What to train: a named recipe, on --data if that is given; or the small one for a file or a `module:attribute`."""
    if name is not None and ":" in name:
        from ponderling.tasks import get_task

        if files is not None:
            raise ValueError(
                f"{name} is a task, and --data FILE another: leave one out, or name files with --data.train"
            )
        rows, columns = get_task(name).grid_shape
        return grid_recipe(DataConfig(task=name), rows * columns)
    if files is None:
        assert name is not None
        return get_recipe(name)
    from ponderling.data.custom import grid_config

    base = get_recipe(name) if name is not None else None  # a wrong name is told before a long file is read
    data = grid_config(*files, base=None if base is None else base.config.data)
    assert data.grid is not None
    if base is not None:
        return Recipe(base.name, base.summary, RunConfig(base.config.model, base.config.train, data))  # without parts
    return grid_recipe(data, data.grid.rows * data.grid.columns, data.grid.num_puzzles)


def _names() -> str:
    return ", ".join(recipe.name for recipe in list_recipes())


def _print_recipes() -> None:
    print(
        "usage: ponderling train RECIPE [--out DIR] [--resume] [--model.* --train.* --data.* ...]\n"
        "       ponderling train [RECIPE] --data FILE [--test FILE] ...   on your own grids: .jsonl, .csv, .npz or a folder\n"
        "       ponderling train MODULE:ATTRIBUTE ...                     on a puzzle family of your own\n\nRecipes:"
    )
    for recipe in list_recipes():
        print(f"  {recipe.name:22}{recipe.summary}")
    print("\n`ponderling train RECIPE --help` shows every setting and the recipe's value for it.")


def _out(args: list[str], default: Path) -> Path:
    """The run folder, known before the other arguments are read."""
    for i, arg in enumerate(args):
        if arg == "--out" and i + 1 < len(args):
            return Path(args[i + 1])
        if arg.startswith("--out="):
            return Path(arg.removeprefix("--out="))
    return default


def _saved_config(args: list[str], out: Path) -> RunConfig | None:
    """The settings of the run that is to be resumed, so that overrides need not be typed again; None for a new run."""
    if "--resume" not in args or not (out / "last" / "training.safetensors").is_file():
        return None
    from ponderling.checkpoint import LAST, read_config

    return read_config(out / LAST)[0]


def _train(config: RunConfig, out: Path, name: str, resume: bool, world: World) -> dict[str, Any]:
    """Trains, or goes on, and says what came of it."""
    from ponderling.training.trainer import start

    trainer = start(config, out, resume, name, ProgressDisplay(), world=world)
    with StopOnSignal(patient=world.size > 1) as stop:
        figures = trainer.run(stop)
        stopped = world.any(stop.stopped)
    return {
        "run": str(out),
        "recipe": name,
        "step": trainer.step,
        "steps": config.train.steps,
        "finished": trainer.step >= config.train.steps and not (stopped and not figures),
        "seconds": round(trainer.seconds, 1),
        "best": trainer.best,
        "test": figures or None,
    }


class StopOnSignal:
    """Turns the first SIGINT or SIGTERM into a stop after the current step; a second one interrupts at once.

    Args:
        patient: Let a second one pass: torchrun sends its processes one of its own beside that of the terminal, and ends
            them itself if they take longer than half a minute.
    """

    def __init__(self, patient: bool = False) -> None:
        self.stopped, self.patient = False, patient
        self._previous: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.stopped

    def __enter__(self) -> StopOnSignal:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._stop)
        return self

    def _stop(self, number: int, frame: Any) -> None:
        if self.stopped and not self.patient:
            raise KeyboardInterrupt
        self.stopped = True

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


class ProgressDisplay:
    """Shows a run on stderr: a live bar in a terminal, a line now and then elsewhere."""

    SECONDS_BETWEEN_LINES = 15.0

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self.bar: Any = None
        self.task: Any = None
        self.steps = 0
        self.trained_from, self.started_at = 0, 0.0
        self.last_line = 0.0

    def started(self, trainer: Trainer) -> None:
        """Says what is trained on what."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from ponderling.models import count_parameters

        data, config = trainer.data, trainer.config
        self.steps = config.train.steps
        self.trained_from, self.started_at = trainer.step, time.monotonic()
        self.console.print(
            f"{config.model.system.upper()}, {count_parameters(trainer.model):,} parameters, on {config.data.task}: "
            f"{len(data.train):,} puzzles to train on, {len(data.validation):,} to validate, {len(data.test):,} to test; "
            f"{self.steps:,} steps of {config.train.batch_size} slots"
            + (f" in {trainer.world.size} processes" if trainer.world.size > 1 else "")
            + f" into {trainer.out}"
            + (f", from step {trainer.step:,}" if trainer.step else "")
        )
        for sentence in getattr(trainer.task, "left_out", ()):
            self.console.print(sentence)
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"),
                TimeRemainingColumn(), console=self.console,
            )  # fmt: skip
            self.task = self.bar.add_task("", total=self.steps, completed=trainer.step)
            self.bar.start()

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """Moves the bar, or prints a line every quarter of a minute."""
        text = (
            f"loss {metrics['loss']:.4f}  exact {percent(metrics.get('exact'))}  "
            f"mean steps {metrics.get('mean_steps', float('nan')):.1f}  {metrics['puzzles_per_second']:.0f} puzzles/s"
        )
        if self.bar is not None:
            self.bar.update(self.task, completed=step, description=text)
        elif time.monotonic() - self.last_line > self.SECONDS_BETWEEN_LINES:
            self.last_line = time.monotonic()
            left = (self.last_line - self.started_at) / max(1, step - self.trained_from) * (self.steps - step)
            self.console.print(f"step {step:,}  {text}  {left / 60:.1f} min left")

    def evaluated(self, kind: str, step: int, figures: dict[str, Any], is_best: bool) -> None:
        """Prints the scores."""
        early, halting = figures["early_exit"], figures["halting"]
        what = "validation" if kind == "eval" else f"test, weights of step {step:,}"
        self.console.print(
            f"step {step:,}  {what}: exact {percent(figures['exact'])} at {figures['steps']} steps, "
            f"{percent(early['exact'])} with early exit after {early['mean_steps']:.1f} on average, "
            f"halting precision {percent(halting['precision'])}" + ("  (best so far)" if is_best else "")
        )

    def noticed(self, text: str) -> None:
        """Prints the line."""
        self.console.print(text)

    def finished(self, trainer: Trainer) -> None:
        """Ends the bar."""
        if self.bar is not None:
            self.bar.stop()
        self.console.print(f"{trainer.seconds:.0f} s of training; checkpoints in {trainer.out}")
