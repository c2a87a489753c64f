"""`ponderling train RECIPE`: trains, shows how it goes on stderr, evaluates and saves."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ponderling.cli.arguments import parse_arguments
from ponderling.cli.display import ProgressDisplay, said_if_slow
from ponderling.cli.idle import refuse_idle
from ponderling.cli.resumed import GRIDS, Given, run_in, saved_config, take_folder, value_of
from ponderling.cli.signals import StopOnSignal
from ponderling.config import (
    DataConfig,
    ModelConfig,
    RunConfig,
    RuntimeConfig,
    SolveConfig,
    TrainConfig,
    current_flags,
)
from ponderling.recipes import Recipe, get_recipe, grid_recipe, grid_summary, list_recipes
from ponderling.training.observer import count_of

if TYPE_CHECKING:
    from ponderling.training.distributed import World

GENERIC_STEMS = {"train", "test", "data", "all", "puzzles", "examples"}
"""Names of files that say nothing about what they hold; the run is then named after their folder."""


@dataclass(frozen=True, kw_only=True)
class TrainCommand:
    """What `ponderling train` takes besides the recipe."""

    out: Path | None = None
    """Run folder; by default runs/RECIPE."""
    resume: bool = False
    """Go on with the run in the folder, with its own settings; start it if the folder holds nothing of a run yet."""
    part: int | None = None
    """Train this part of a recipe alone (1, 2, ...), from the part before it in the run folder or from --train.init."""
    trust: bool = False
    """Let the config of the run that is resumed name Python code, a task or checker, that is imported and run."""
    json: bool = False
    """Print the result as one JSON object on stdout."""
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)
    run: RuntimeConfig = field(default_factory=RuntimeConfig)
    solve: SolveConfig = field(default_factory=SolveConfig)

    def config(self) -> RunConfig:
        """The run's settings."""
        return RunConfig(model=self.model, train=self.train, data=self.data, run=self.run, solve=self.solve)


def main(args: list[str]) -> int:
    """Runs the verb."""
    files, args = take_files(take_folder(current_flags(args)))
    name = args[0] if args and not args[0].startswith("-") else None
    if name is None and files is None and "--resume" in args and not {"-h", "--help"} & set(args):
        given = run_in(Path(value_of("--out", args) or "."), trust="--trust" in args)
        name, files = given.name, given.files
        args = args if name is None else [name, *args]
    if name is None and files is None:
        if args and args[0] not in ("-h", "--help"):
            raise ValueError(
                f"expected a recipe before {args[0]}, or --data FILE: `ponderling train RECIPE ...`. There are {_names()}"
            )
        _print_recipes()
        return 0 if args else 2
    recipe = _recipe(name, files, args=args)
    args = args[1:] if name is not None else args
    default_out = Path("runs") / _run_name(name, files)
    out = Path(value_of("--out", args) or default_out)
    part = _part(recipe, args)
    folder = out if part is None else _part_folder(recipe, out, number=part)
    saved = saved_config(args, folder, given=Given(recipe=recipe.name, name=name, files=files))
    base = saved or [*recipe.before, recipe.config][(part or 0) - 1]
    command = _parse(recipe, base, args=args, name=name)
    config = command.config()
    refuse_idle(args, config)
    in_parts = bool(recipe.before) and part is None and command.train.init is None and saved is None
    if in_parts:
        _refuse_settings_of_one_part(recipe, args)
    elif part is not None and command.train.init is None and part > 1:
        config = replace(config, train=replace(config.train, init=_weights_before(recipe, out, number=part)))
    from ponderling.training.distributed import join_world

    results = []
    with join_world() as world:
        if config.data.grid is not None:
            config = replace(config, data=_shown(config.data, fresh=saved is None, tell=world.is_first))
        if recipe.name in GRIDS and saved is None and world.is_first:
            print(f"{recipe.name}: {_summary(config)}, {count_of(config.train.steps, 'step')}", file=sys.stderr)
        if in_parts:
            results = _train_parts(recipe, args, name=name, out=out, world=world)
            config = replace(config, train=replace(config.train, init=results[-1]["run"]))
        if all(result["finished"] for result in results):
            results.append(_train(config, folder, name=_part_name(recipe, part), resume=command.resume, world=world))
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


def _shown(data: DataConfig, fresh: bool, *, tell: bool) -> DataConfig:
    """Files of grids as this run takes them, shown before training if this process is to tell."""
    from ponderling.cli.data.grids import show_grids
    from ponderling.data import grid_config, with_copies

    if fresh:  # symmetries may ask for a square canvas
        data = grid_config(
            data.train, None if data.test == "default" else data.test, symmetries=data.symmetries, base=data
        )
        data = with_copies(data)
    if tell:
        show_grids(data, sys.stderr)
    return data


def _summary(config: RunConfig) -> str:
    """What is trained on your own task, in a few words."""
    from ponderling.tasks import get_task

    spec = config.data.grid
    rows, columns = get_task(config.data.family).grid_shape if spec is None else (spec.rows, spec.columns)
    return grid_summary(config, rows * columns, num_puzzles=1 if spec is None else spec.num_puzzles)


def _parse(recipe: Recipe, base: RunConfig, *, args: list[str], name: str | None) -> TrainCommand:
    parts = ""
    if recipe.before:
        parts = (
            f" Training has {len(recipe.before) + 1} parts: the last is shown unless --part names another, and what is "
            "overridden holds for each unless --part names one."
        )
    return parse_arguments(
        TrainCommand,
        args,
        prog=f"ponderling train {name or '--data FILE'}",
        description=f"{recipe.summary}. Defaults shown are the recipe's; any can be overridden.{parts}",
        default=TrainCommand(model=base.model, train=base.train, data=base.data, run=base.run, solve=base.solve),
    )


def _train_parts(recipe: Recipe, args: list[str], *, name: str | None, out: Path, world: World) -> list[dict[str, Any]]:
    """Trains what comes before the recipe's own run, in out/part1 and so on, up to the first part that is stopped.

    With --resume a finished part is not touched and an unfinished one goes on.
    """
    from ponderling.checkpoint import LAST, read_config

    results: list[dict[str, Any]] = []
    for number, part in enumerate(recipe.before, 1):
        folder = _part_folder(recipe, out, number=number)
        saved = saved_config(args, folder, given=Given(recipe=recipe.name, name=name, files=None))
        command = _parse(recipe, saved or part, args=args, name=name)
        train = command.train if not results else replace(command.train, init=results[-1]["run"])
        if saved is not None and (step := read_config(folder / LAST)[2].get("step", 0)) >= train.steps:
            results.append({"run": str(folder), "step": step, "steps": train.steps, "finished": True})
            continue
        if world.is_first:
            print(f"part {number} of {len(recipe.before) + 1}", file=sys.stderr)
        config = replace(command.config(), train=train)
        results.append(_train(config, folder, name=_part_name(recipe, number), resume=command.resume, world=world))
        if not results[-1]["finished"]:
            break
    return results


def _part(recipe: Recipe, args: list[str]) -> int | None:
    """The number behind --part, known before the other arguments are read; whatever is not a number is refused later.

    Raises:
        ValueError: for a part that the recipe does not have.
    """
    text, count = value_of("--part", args), len(recipe.before) + 1
    try:
        number = None if text is None else int(text)
    except ValueError:
        return None
    if number is not None and count == 1:
        raise ValueError(f"--part is for recipes of several parts: {recipe.name} has one")
    if number is not None and not 1 <= number <= count:
        raise ValueError(f"--part must be from 1 to {count} for {recipe.name}: got {number}")
    return number


def _part_folder(recipe: Recipe, out: Path, *, number: int) -> Path:
    """Where a part is trained: the last in the run folder itself, the others below it."""
    return out / f"part{number}" if number <= len(recipe.before) else out


def _part_name(recipe: Recipe, number: int | None) -> str:
    """The recipe's name in the checkpoints of a part; the last part has the name of the whole."""
    return recipe.name if number is None or number > len(recipe.before) else f"{recipe.name}, part {number}"


def _weights_before(recipe: Recipe, out: Path, *, number: int) -> str:
    """The folder of the part before, whose weights this part starts from.

    Raises:
        ValueError: when it has none.
    """
    from ponderling.checkpoint import CheckpointError, find_checkpoint

    before = _part_folder(recipe, out, number=number - 1)
    try:
        find_checkpoint(before.absolute())
    except CheckpointError as error:
        raise ValueError(
            f"part {number} of {recipe.name} starts from the weights of part {number - 1}, and there are none in {before}: "
            f"train that part first (--part {number - 1}) or give --train.init CHECKPOINT"
        ) from error
    return str(before)


def _refuse_settings_of_one_part(recipe: Recipe, args: list[str]) -> None:
    """Refuses settings that each part has its own value of.

    Raises:
        ValueError: naming the way to set them.
    """
    for arg in args:
        option = arg.partition("=")[0]
        if option == "--train.steps" or option.startswith("--train.phases"):
            raise ValueError(
                f"{option} would hold for each of the {len(recipe.before) + 1} parts of {recipe.name}: train one part with "
                f"--part N (`ponderling train {recipe.name} --part 1 {option} ...`), or the last alone with "
                "--train.init CHECKPOINT"
            )


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
        if option in found:
            raise ValueError(f"expected {option} once: got {found[option]} and {value}; put them into one file")
        found[option] = value
    if "--test" in found and "--data" not in found:
        raise ValueError("--test FILE goes with --data FILE; with a recipe alone it is --data.test")
    return ((found["--data"], found.get("--test")) if found else None), rest


def _run_name(name: str | None, files: tuple[str, str | None] | None) -> str:
    """The run folder's name: from the recipe, the puzzle family, the file of --data, or recipe and file."""
    names = [] if name is None else [name.partition(":")[2] or name]
    if files is not None:
        path = Path(files[0]).resolve()
        stem = path.name.partition(".")[0]
        names.append(path.parent.name if stem in GENERIC_STEMS and path.parent.name else stem)
    return "-".join(names)


def _recipe(name: str | None, files: tuple[str, str | None] | None, *, args: list[str]) -> Recipe:
    """What to train: a named recipe, on --data if that is given; or the small one for a file or a family's name."""
    if name is not None and (":" in name or _is_task(name)):
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
    from ponderling.data import grid_config

    base = get_recipe(name) if name is not None else None  # a wrong name is told before a long file is read
    data = grid_config(*files, base=None if base is None else base.config.data)
    assert data.grid is not None
    if base is not None:
        return Recipe(base.name, base.summary, config=replace(base.config, data=data))  # without parts
    spec = data.grid
    return grid_recipe(_structured(data, args), spec.rows * spec.columns, num_puzzles=spec.num_puzzles)


def _structured(data: DataConfig, args: list[str]) -> DataConfig:
    """The settings with the structure that --data.structure names, or else the one that a look at the file proposes."""
    from ponderling.data import proposed_structure
    from ponderling.tasks.custom.family import GEOMETRIES

    named = value_of("--data.structure", args)
    if named is not None:
        return replace(data, structure=named)
    check, overlap = value_of("--data.check", args), value_of("--data.overlap", args)
    looked = replace(data, check=check, overlap="drop" if overlap == "drop" else data.overlap)
    symmetries = value_of("--data.symmetries", args) or ""
    turns = any(name in symmetries.split("+") for name in GEOMETRIES)
    return replace(data, structure=str(proposed_structure(looked, turns=turns)))


def _is_task(name: str) -> bool:
    """Whether a name is that of a puzzle family and not of a recipe, and nothing else must be known to train it."""
    from ponderling.tasks import get_task

    if name in {recipe.name for recipe in list_recipes()}:
        return False
    try:
        return not get_task(name).answers_by_vote
    except ValueError:
        return False


def _names() -> str:
    return ", ".join(recipe.name for recipe in list_recipes())


def _print_recipes() -> None:
    print(
        "usage: ponderling train RECIPE [--out DIR] [--resume] [--model.* --train.* --data.* --run.* --solve.* ...]\n"
        "       ponderling train [RECIPE] --data FILE [--test FILE] ...   on your own grids: .json, .csv, .npz, a folder ...\n"
        "       ponderling train FAMILY ...                               on a puzzle family: maze12, module:attribute, ...\n"
        "       ponderling train --resume DIR ...                         goes on with the run in this folder\n\n"
        "Recipes:"
    )
    for recipe in list_recipes():
        print(f"  {recipe.name:22}{recipe.summary}")
    print("\n`ponderling train RECIPE --help` shows every setting and the recipe's value for it.")


def _train(config: RunConfig, out: Path, *, name: str, resume: bool, world: World) -> dict[str, Any]:
    """Trains, or goes on, and says what came of it."""
    from ponderling.training.starting import start

    # Puzzles that are made or fetched may take minutes.
    with said_if_slow(f"reading the puzzles of {config.data.task}") if world.is_first else nullcontext():
        trainer = start(config, out, resume=resume, recipe=name, observer=ProgressDisplay(), world=world)
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
