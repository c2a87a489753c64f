"""`ponderling data make sudoku`: puzzles with one solution, of any variant; random, hunted for difficulty, or deep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ponderling.cli.arguments import check_numbers, parse_arguments
from ponderling.cli.data.facts import puzzle_facts
from ponderling.cli.data.made import FACTS, command_of, new_folder, say_stopped, write_facts
from ponderling.cli.display import Bars
from ponderling.cli.signals import StopOnSignal
from ponderling.training.observer import count_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from ponderling.tasks.base import Puzzles
    from ponderling.tasks.sudoku.base import SudokuTask

ALWAYS = ("size", "train", "test", "min_rating", "max_rating", "seed")
"""Options that `made.json` names although they have their default."""


@dataclass(frozen=True, kw_only=True)
class MakeSudokuCommand:
    """What `ponderling data make sudoku` takes."""

    out: Path
    """Folder for train.csv.gz, test.csv.gz and made.json; files that are there already are not overwritten."""
    size: int = 9
    """Side of the grid: 4, 6, 9 or 16; for jigsaw any from 4 to 16."""
    variant: Literal["plain", "x", "latin", "jigsaw"] = "plain"
    """plain: rows, columns and boxes; x: the two diagonals too; latin: no boxes, both for size 9; jigsaw: any regions."""
    layout: str | None = None
    """Regions for --variant jigsaw: a letter for each cell, row by row. A random layout if not given; made.json has the
    task's name, `jigsaw-` and the layout, to give as --task."""
    layouts: int = 1
    """Number of random layouts for --variant jigsaw, with equally many puzzles on each, in a file with a column
    `regions`. They are for a network of the plain family to train on; --test must be 0."""
    train: int = 1000
    """Training puzzles."""
    test: int = 100
    """Test puzzles."""
    extra_clues: int | None = None
    """Give each puzzle a random number of clues from 0 to this beyond a minimal set. If not given 0; for 4x4, where there are
    only 36 minimal puzzles, 4."""
    min_rating: int = 0
    """Lowest rating: guesses before the solution, as in Sudoku-Extreme; 0 needs none."""
    max_rating: int = 1_000_000
    """Highest rating."""
    hunted: int = 0
    """Number of training puzzles that are hunted: found around the hard puzzles in which long walks end. They are minimal, and
    rated --min-rating to --max-rating, but at least 1."""
    climbs: int = 80
    """Walks from which hunting starts; some seconds each, however few puzzles are wanted."""
    deep: int = 0
    """Number of training puzzles that are deep: one level of trial and error does not solve them, as it does nearly all others.
    Only for 9x9. The first is found after half an hour or more, the thousands after it within minutes."""
    deep_from: str = "deep"
    """Where the hunt for deep ones starts: a file; the package's set `deep`, so in its surroundings; or `hunted`, from
    scratch."""
    apart_from: str | None = None
    """Make no puzzle that is equivalent to one of this file; the words default, hunted and deep mean
    the package's sets; several with a + between."""
    seed: int = 0
    """Seed; the same command gives the same files."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        MakeSudokuCommand, args, prog="ponderling data make sudoku", description="Generates Sudoku puzzles."
    )
    check_numbers(command, layouts=1, min_rating=0, max_rating=command.min_rating, seed=0)
    if command.layouts != 1:
        return _make_on_many_layouts(command)
    if command.extra_clues is None:
        command = replace(command, extra_clues=4 if command.size == 4 else 0)
    task = _family(command)
    _check(command, task)
    with new_folder(command.out, "train.csv.gz", "test.csv.gz", FACTS) as files, StopOnSignal() as stop:
        train, test = _make(task, command, stop=stop)
        is_whole = (len(train), len(test)) == (command.train, command.test)
        if not len(train) + len(test):
            raise KeyboardInterrupt
        task.write(files[0], train)
        task.write(files[1], test)
        facts: dict[str, Any] = {
            "task": task.name,
            "command": _command(command),
            "train": puzzle_facts(task, train),
            "test": puzzle_facts(task, test),
        }
        write_facts(files[2], facts if is_whole else facts | {"stopped_early": True})
    if not is_whole:
        say_stopped(command.out, training=(len(train), command.train), test=(len(test), command.test))
        return 130
    return 0


def _family(command: MakeSudokuCommand) -> SudokuTask:
    from ponderling.tasks.sudoku import SUDOKUS

    if command.layout and command.variant != "jigsaw":
        raise ValueError(f"--layout is for --variant jigsaw: got --variant {command.variant}")
    if command.variant == "jigsaw":
        return _jigsaw(command)
    names = {"plain": "sudoku{}", "x": "sudoku{}x", "latin": "latin{}"}
    task = SUDOKUS.get(names[command.variant].format(command.size))
    if task is None:
        sizes = "4, 6, 9 or 16" if command.variant == "plain" else f"9 with --variant {command.variant}"
        raise ValueError(f"--size must be {sizes}: got {command.size}")
    return task


def _jigsaw(command: MakeSudokuCommand) -> SudokuTask:
    """The family of the layout that is given, or of a random one."""
    import numpy as np

    from ponderling.tasks.sudoku.jigsaw import LARGEST, Jigsaw, random_layout

    if not 4 <= command.size <= LARGEST:
        raise ValueError(f"--size must be from 4 to {LARGEST} with --variant jigsaw: got {command.size}")
    task = Jigsaw.of(command.layout or random_layout(np.random.default_rng(command.seed), command.size))
    if task.side != command.size:
        raise ValueError(f"--layout is of {task.side}x{task.side} cells, --size says {command.size}: make them agree")
    return task


def _check(command: MakeSudokuCommand, task: SudokuTask) -> None:
    """Refuses what cannot be made, before anything is."""
    from ponderling.tasks.numba import has_numba
    from ponderling.tasks.sudoku.hunt_deep import check_family

    if (command.hunted or command.deep) and not has_numba():
        raise ValueError(
            "--hunted and --deep would take days without numba: pip install 'ponderling[generate]', or numba"
        )
    if command.train < 0 or command.test < 0 or command.train + command.test < 1 or (command.extra_clues or 0) < 0:
        raise ValueError(
            "--train, --test and --extra-clues must not be negative, and there must be a puzzle to make: got "
            f"{command.train}, {command.test} and {command.extra_clues or 0}"
        )
    if min(command.hunted, command.deep) < 0 or command.hunted + command.deep > command.train or command.climbs < 1:
        raise ValueError(
            f"--hunted and --deep must be at least 0 and together at most --train, and --climbs at least 1: got "
            f"{command.hunted} and {command.deep} of {command.train}, and {command.climbs}"
        )
    if command.deep:
        check_family(task)
    options = (("climbs", "hunted"), ("deep_from", "deep"))
    for option, wanted in options:
        if getattr(command, option) != getattr(MakeSudokuCommand, option) and not getattr(command, wanted):
            name = option.replace("_", "-")
            raise ValueError(f"--{name} is for puzzles of --{wanted}: say how many with --{wanted}, or leave it out")


def _make(task: SudokuTask, command: MakeSudokuCommand, *, stop: Callable[[], bool]) -> tuple[Puzzles, Puzzles]:
    """Training and test puzzles, in random order: as many as are asked for, unless stopped."""
    import numpy as np

    from ponderling.tasks.base import join

    rng = np.random.default_rng(command.seed)
    special: list[Puzzles] = []
    with Bars() as bars:
        bars.say(
            f"{task.name}: making {count_of(command.train + command.test, 'puzzle')}"
        )  # numba may compile for a minute
        show = bars.add("puzzles", total=command.train + command.test)
        known = _known(task, command.apart_from)
        if command.hunted:
            special.append(_hunt(task, command, known=known, show=show, bars=bars, stop=stop))
            known = known | set(task.fingerprint(special[-1].tokens).tolist())
        if command.deep and not stop():
            special.append(
                _hunt_deep(
                    task, command, known=known, show=lambda done: show(command.hunted + done), bars=bars, stop=stop
                )
            )
            known = known | set(task.fingerprint(special[-1].tokens).tolist())
        others = command.hunted + command.deep
        wanted = command.train + command.test - others
        made = _make_distinct(
            task, command, rng=rng, wanted=wanted, known=known, show=lambda done: show(others + done), stop=stop
        )
    made = made[rng.permutation(len(made))]
    tests = command.test if len(made) == wanted else command.test * len(made) // wanted
    train, test = made[tests:], made[:tests]
    if special:
        train = join([*(replace(part, sources=("ponderling",) * len(part)) for part in special), train])
        train = train[rng.permutation(len(train))]
    return train, test


def _hunt(
    task: SudokuTask,
    command: MakeSudokuCommand,
    *,
    known: set[int],
    show: Callable[[int], None],
    bars: Bars,
    stop: Callable[[], bool],
) -> Puzzles:
    """Puzzles from the surroundings of hard ones."""
    import numpy as np

    from ponderling.tasks.sudoku.hunt_hard import hunt

    bars.say(
        f"{command.climbs} walks come first, some seconds each (--climbs); Ctrl-C ends the hunt and keeps what was found"
    )
    return hunt(
        task,
        np.random.default_rng(command.seed),
        count=command.hunted,
        climbs=command.climbs,
        rating=(max(1, command.min_rating), command.max_rating),
        known=known,
        progress=show,
        climbed=bars.add("walks", total=command.climbs),
        stop=stop,
    )


def _hunt_deep(
    task: SudokuTask,
    command: MakeSudokuCommand,
    *,
    known: set[int],
    show: Callable[[int], None],
    bars: Bars,
    stop: Callable[[], bool],
) -> Puzzles:
    """Puzzles that withstand one level of trial and error."""
    import numpy as np

    from ponderling.tasks.split import load_puzzles
    from ponderling.tasks.sudoku.hunt_deep import hunt_deep

    return hunt_deep(
        task,
        np.random.default_rng(command.seed),
        count=command.deep,
        start=load_puzzles(task, command.deep_from, split="train"),
        known=known,
        progress=show,
        evolved=bars.add("endurance (330 withstands)", total=330),
        stop=stop,
    )


def _known(task: SudokuTask, source: str | None) -> set[int]:
    """Fingerprints of the puzzles that must not be made again."""
    if source is None:
        return set()
    parts = []
    for name in source.split("+"):
        packaged = {"default": ("train", "test"), "hunted": ("hunted",), "deep": ("deep",)}.get(name)
        parts += [task.read(name)] if packaged is None else [task.load_default(split) for split in packaged]
    return {fingerprint for puzzles in parts for fingerprint in task.fingerprint(puzzles.tokens).tolist()}


def _make_distinct(
    task: SudokuTask,
    command: MakeSudokuCommand,
    *,
    rng: np.random.Generator,
    wanted: int,
    known: set[int],
    show: Callable[[int], None],
    stop: Callable[[], bool],
) -> Puzzles:
    """Draws the wanted number of random puzzles, none equivalent to another or to a known one; fewer if stopped."""
    import numpy as np

    from ponderling.tasks.base import join
    from ponderling.tasks.sudoku.symmetries import distinct

    found = task.generate(rng, 0)
    stalled = 0

    def show_drawn(drawn: int) -> None:
        if not command.min_rating:  # else few of those drawn are kept
            show(min(wanted, len(found) + drawn))

    while len(found) < wanted and not stop():
        batch = _draw(task, rng, count=min(256, wanted), show=show_drawn, stop=stop)
        if command.extra_clues:
            batch = task.add_clues(rng, batch, most=command.extra_clues)
        assert batch.ratings is not None
        batch = batch[np.flatnonzero((batch.ratings >= command.min_rating) & (batch.ratings <= command.max_rating))]
        before = len(found)
        found = distinct(task, join([found, batch]), without=known)[:wanted]
        stalled = 0 if len(found) > before else stalled + 1
        if stalled == 50:
            more = (command.extra_clues or 0) + 4
            raise ValueError(
                f"found only {len(found)} inequivalent puzzles of these kinds and no new one for 50 batches: ask for "
                f"--extra-clues {more} (now {command.extra_clues}), for other ratings, or for fewer than {wanted}"
            )
        show(len(found))
    return found


def _draw(
    task: SudokuTask, rng: np.random.Generator, *, count: int, show: Callable[[int], None], stop: Callable[[], bool]
) -> Puzzles:
    """Random minimal puzzles, one by one, so that a stop need not wait for all of them."""
    from ponderling.tasks.base import join

    drawn = [task.generate(rng, 0)]
    while len(drawn) <= count and not stop():
        drawn.append(task.generate(rng, 1))
        show(len(drawn) - 1)
    return join(drawn)


def _command(command: MakeSudokuCommand) -> str:
    """The command that makes these puzzles again, for made.json."""
    always = [*ALWAYS, "extra_clues", *(["climbs"] if command.hunted else []), *(["deep_from"] if command.deep else [])]
    return command_of(command, "data make sudoku", always=always, never=("out",))


def _make_on_many_layouts(command: MakeSudokuCommand) -> int:
    """Jigsaws of many layouts, in one file."""
    import numpy as np

    from ponderling.tasks.sudoku import SUDOKUS
    from ponderling.tasks.sudoku.jigsaw import generate_jigsaws

    family = SUDOKUS.get(f"sudoku{command.size}")
    others = ("extra_clues", "hunted", "deep", "apart_from", "layout")
    ignored = [f"--{name.replace('_', '-')}" for name in others if getattr(command, name)]
    if command.variant != "jigsaw" or family is None or command.size > 9 or command.test or ignored:
        raise ValueError(
            "--layouts is for --variant jigsaw, --size 4, 6 or 9, and --test 0, without --layout, --extra-clues, --hunted, "
            f"--deep and --apart-from: got --variant {command.variant}, --size {command.size}, --test {command.test}"
            + (f" and {', '.join(ignored)}" if ignored else "")
        )
    with new_folder(command.out, "train.csv.gz", FACTS) as files, StopOnSignal() as stop:
        rng = np.random.default_rng(command.seed)
        with Bars() as bars:
            puzzles = generate_jigsaws(
                family,
                rng,
                count=command.train,
                layouts=command.layouts,
                rating=(command.min_rating, command.max_rating),
                progress=bars.add("puzzles", total=command.train),
                stop=stop,
            )
        is_whole = len(puzzles) == command.train
        puzzles = puzzles[rng.permutation(len(puzzles))]
        family.write(files[0], puzzles)
        facts = {
            "task": family.name,
            "command": command_of(command, "data make sudoku", always=ALWAYS, never=("out",)),
            "layouts": command.layouts,
            "train": puzzle_facts(family, puzzles),
        }
        write_facts(files[1], facts if is_whole else facts | {"stopped_early": True})
    if not is_whole:
        say_stopped(command.out, training=(len(puzzles), command.train))
        return 130
    return 0
