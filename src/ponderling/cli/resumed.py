"""What `ponderling train --resume` goes on with: the settings of the run in the folder, if it is the one that is named.

The run has its own settings. So whatever the command names besides must be of that run, or it would silently do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ponderling.config import DataConfig, RunConfig

GRIDS = ("grid", "grid-small")
"""Names of the recipes that are made for a file or a family; a look at the file chooses between the two."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a command names as the run to train."""

    recipe: str
    name: str | None
    files: tuple[str, str | None] | None


def value_of(option: str, args: list[str]) -> str | None:
    """The value of an option, known before the other arguments are read: of several the last, as for any option."""
    found = None
    for i, arg in enumerate(args):
        if arg == option and i + 1 < len(args):
            found = args[i + 1]
        if arg.startswith(f"{option}="):
            found = arg.removeprefix(f"{option}=")
    return found


def take_folder(args: list[str]) -> list[str]:
    """The arguments with `--resume DIR` written as `--resume --out DIR`.

    Raises:
        ValueError: when --out names another folder.
    """
    if "--resume" not in args:
        return args
    place = args.index("--resume") + 1
    if place == len(args) or args[place].startswith("-"):
        return args
    folder, rest = args[place], args[:place] + args[place + 1 :]
    out = value_of("--out", rest)
    if out is not None and Path(out) != Path(folder):
        raise ValueError(f"--resume {folder} and --out {out} name two folders: name the run's alone")
    return [*rest, "--out", folder]


def run_in(out: Path, *, trust: bool) -> Given:
    """What the run in a folder trains, as a command would name it.

    Raises:
        ValueError: when the folder holds no run, or one that the command line cannot name.
        CheckpointError: when the run names Python code that is not trusted.
    """
    from ponderling.checkpoint import LAST, TRAINING, admit_code, read_config

    folders = [out, *sorted(out.glob("part*"), reverse=True)]  # of several parts the last that was begun
    folder = next((folder / LAST for folder in folders if (folder / LAST / TRAINING).is_file()), None)
    if folder is None:
        raise ValueError(
            f"there is no run to go on with in {out}: name its folder, `ponderling train --resume DIR`; a recipe's name comes "
            "before --resume"
        )
    config, _, info = read_config(folder)
    known, data = info.get("recipe"), config.data
    if not isinstance(known, str):
        raise ValueError(f"the run in {out} was begun in Python: go on with it there, with resume=True")
    name, _, part = known.partition(", part ")
    if part and folder.parent == out:
        raise ValueError(
            f"{out} holds part {part} of {name}: name the folder above it, `ponderling train {name} --out DIR --resume`"
        )
    admit_code(config, info, folder=folder, trust=trust, advice="say --trust if you trust it")
    if data.grid is None:
        return Given(recipe=name, name=data.task if name in GRIDS else name, files=None)
    noted = info.get("files")
    places = noted if isinstance(noted, dict) else {}
    train, test = (
        places.get(part, source) if not Path(source).exists() else source
        for part, source in (("train", data.train), ("test", data.test))
    )
    files = (train, None if test == "default" else test)
    return Given(recipe=name, name=None if name in GRIDS else name, files=files)


def saved_config(args: list[str], out: Path, *, given: Given) -> RunConfig | None:
    """The settings of the run that is to be resumed, so that overrides need not be typed again; None for a new run.

    Files of grids that are given are taken in place of the run's own: they may have moved. What they hold is compared later.

    Raises:
        ValueError: when the folder holds another run than the one that is named, or weights to begin with are named.
    """
    if "--resume" not in args or not (out / "last" / "training.safetensors").is_file():
        return None
    from ponderling.checkpoint import LAST, admit_code, read_config

    config, _, info = read_config(out / LAST)
    options = [value_of(option, args) for option in ("--data.task", "--data.check")]
    named = [part for text in (given.name, *options) if text is not None for part in text.split("+")]
    admit_code(
        config,
        info,
        folder=out / LAST,
        asked=named,
        trust="--trust" in args,
        advice="give MODULE:ATTRIBUTE or --data.check again, as at the start, or say --trust if you trust it",
    )
    _refuse_another_run(config, info, out=out, given=given)
    init = value_of("--train.init", args)
    if init is not None and init != config.train.init:
        raise ValueError(
            f"{out} has weights of its own by now, so --train.init {init} would do nothing: leave it out, or start a new run "
            "with another --out"
        )
    if given.files is None:
        return config
    return replace(config, data=_at_their_place(config.data, given.files))


def _refuse_another_run(config: RunConfig, info: dict[str, Any], *, out: Path, given: Given) -> None:
    """Refuses to go on with a run that is not the one that the command names."""
    known = info.get("recipe")
    if not isinstance(known, str):  # made in Python: what it trains has no name
        return
    known = known.partition(", part ")[0]
    data = config.data
    if known not in GRIDS:
        holds = known if data.grid is None else f"{known} --data {data.train}"
    else:
        holds = data.task if data.grid is None else f"--data {data.train}"
    same = known == given.recipe or (known in GRIDS and given.recipe in GRIDS)
    if same and known in GRIDS and given.files is None:
        same = data.grid is None and given.name in data.families
    if same and given.files is not None:
        same = data.grid is not None
    if not same:
        wanted = f"--data {given.files[0]}" if given.name is None and given.files is not None else given.name
        raise ValueError(
            f"{out} holds a run of another kind than {wanted}: go on with `ponderling train {holds} --out {out} --resume`, or "
            "choose another --out"
        )


def _at_their_place(data: DataConfig, files: tuple[str, str | None]) -> DataConfig:
    """The run's data, with its files where they are now; as it was where they are the same."""
    train, test = (
        was if now is None or Path(was).absolute() == Path(now).absolute() else now
        for was, now in zip((data.train, data.test), files, strict=True)
    )
    return replace(data, train=train, test=test)
