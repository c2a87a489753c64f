"""Dataclasses as command lines, through tyro, with mistakes as one line."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tyro.conf import Positional

from ponderling.config import DType, Search
from ponderling.config.numbers import SEEDS, number_problems

if TYPE_CHECKING:
    from ponderling.checkpoint import Checkpoint
    from ponderling.solving.solver import Solver
    from ponderling.tasks.grid_task import GridTask

T_ = TypeVar("T_")


FILES = (
    *(".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".npy", ".npz", ".sdk", ".sdm", ".ss", ".msk", ".xml"),
    *(".gz", ".bz2", ".xz", ".zip"),
)
"""Endings that a file of puzzles has, and no puzzle."""


def say_form(task: GridTask, path: str, *, own: str | None = None) -> None:
    """Says on stderr what a file of puzzles is taken for, where that is not plain, or not of the family of `own`."""
    form = task.form_in(path)
    if form or own not in (None, task.name):
        print(f"{path}: puzzles of {task.name}" + f", {form}" * bool(form), file=sys.stderr)


def _fits(checkpoint: Checkpoint, name: str) -> bool:
    """Whether a checkpoint's weights can be used on this puzzle family; if not, the solver tells what it expected."""
    from ponderling.checkpoint import why_weights_do_not_fit
    from ponderling.data import task_of
    from ponderling.tasks import get_task

    config = checkpoint.config
    return why_weights_do_not_fit(config.model, task_of(config.data), other=get_task(name)) is None


def names_file(puzzle: str) -> bool:
    """Whether a puzzle on the command line is the name of a file, or of a folder or pipe, which reading then refuses.

    Raises:
        FileNotFoundError: when it ends as a file's name does, and there is none.
    """
    if os.path.exists(puzzle):  # Path.exists fails on a 16x16 puzzle, which is too long for a name
        return True
    if Path(puzzle).suffix.lower() in FILES:
        raise FileNotFoundError(f"{puzzle}: no such file")
    return False


@dataclass(frozen=True, kw_only=True)
class OwnCode:
    """What a verb takes that loads a checkpoint which may need Python code of the user's own."""

    trust: bool = False
    """Let the checkpoint name Python code (a task or checker of someone's own) that is imported and run."""
    net: str | None = None
    """A network of your own that the checkpoint was trained with, module:attribute: a class or function that needs no
    arguments, or an instance; of two networks a function that gives both."""

    def code(self) -> dict[str, Any]:
        """What `load_checkpoint` is told of the user's own code.

        Raises:
            ValueError: when there is no such network.
        """
        return {"trust": self.trust, **({} if self.net is None else own_network(self.net))}


@dataclass(frozen=True, kw_only=True)
class FromHub(OwnCode):
    """What a verb takes that loads one checkpoint, which may be on the Hub."""

    token: str | None = None
    """Hub token for a private repository. HF_TOKEN and `hf auth login` say it without showing it in the list of processes."""

    def code(self) -> dict[str, Any]:
        """What `load_checkpoint` is told of the user's own code, and of the Hub.

        Raises:
            ValueError: when there is no such network, or a token for a checkpoint that is not on the Hub.
        """
        source = getattr(self, "checkpoint", None)
        if self.token is not None and source is not None and "hf:" not in str(source):
            raise ValueError(f"--token is for checkpoints on the Hub, hf:owner/name: {source} is none, leave it out")
        return {**super().code(), "token": self.token}


def own_network(name: str) -> dict[str, Any]:
    """The network that `module:attribute` names, as `load_checkpoint` takes it: under model if it is a whole one, else net.

    Raises:
        ValueError: when there is none, or it cannot be made without arguments.
    """
    from torch import nn

    from ponderling.tasks.own_code import import_attribute

    try:
        found = import_attribute(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"--net {name}: expected module:attribute that can be imported: {error}") from error
    if not isinstance(found, nn.Module | tuple | list):
        if not callable(found):
            raise ValueError(f"--net {name}: expected a class, a function or an nn.Module, got {type(found).__name__}")
        try:
            found = found()
        except TypeError as error:
            raise ValueError(
                f"--net {name}: cannot be made without arguments ({error}): name a function that makes it"
            ) from error
    return {"model" if hasattr(found, "initial_state") else "net": found}


@dataclass(frozen=True, kw_only=True)
class CheckpointCommand(FromHub):
    """What every verb takes that runs a trained model."""

    checkpoint: Positional[str]
    """A run folder, a checkpoint folder, packaged weights (sudoku, sudoku-cpu, maze, arc), or hf:owner/name[@revision]."""
    steps: int | None = None
    """Most supervision steps; as many as in training if not given."""
    device: str = "cpu"
    """Where to run: cpu, cuda, ..."""
    dtype: DType | None = None
    """Activations' type in place of the checkpoint's own."""
    task: str | None = None
    """Use the weights on another puzzle family, such as sudoku16; relational networks can. Or say that the checkpoint's own,
    module:attribute, is the one that you mean."""
    json: bool = False
    """Print one JSON object on stdout."""
    compile: bool = False
    """Compile the network first: up to a minute, later some ten seconds, after which each step is faster."""

    def load(self) -> Checkpoint:
        """The checkpoint.

        Raises:
            ValueError: when `compile` is set and no C++ compiler was found.
        """
        from ponderling.checkpoint import load_checkpoint

        checkpoint = load_checkpoint(self.checkpoint, self.device, dtype=self.dtype, task=self.task, **self.code())
        if self.compile:
            from ponderling.models.torch_compile import compile_for_solving, has_compiler

            if has_compiler():
                print("compiling the network, which takes up to a minute", file=sys.stderr, flush=True)
            compile_for_solving(checkpoint.model, "--compile")
        return checkpoint

    def solver_for(self, checkpoint: Checkpoint, puzzle: str, *, is_file: bool = False) -> Solver:
        """The weights on grids of the size of this puzzle, or of a file's, where that tells a size and they fit it."""
        from ponderling.solving.canvas import for_file, for_text
        from ponderling.solving.solver import Solver
        from ponderling.tasks.grid_task import GridTask

        put_on = for_file if is_file else for_text
        solver = Solver.of(put_on(checkpoint, puzzle), device=self.device)
        task = solver.task
        if self.task is None and isinstance(task, GridTask):
            # a maze drawn over several lines says its size, and so does the number of a Sudoku's cells
            name = task.name_in(puzzle) if is_file else task.name_for(puzzle)
            if name != task.name and (task.sized_name or _fits(checkpoint, name)):
                solver = Solver.of(replace(self, task=name).load(), device=self.device)
        if is_file and isinstance(solver.task, GridTask):
            say_form(solver.task, puzzle, own=task.name)
        return solver


@dataclass(frozen=True, kw_only=True)
class SearchOptions(Search):
    """The search options as flags; the same for every verb that solves."""

    def __post_init__(self) -> None:
        """Leaves the checks to `search`, so that a mistake is told as one line."""

    @property
    def search(self) -> Search:
        """What may be spent beyond plain thinking.

        Raises:
            ValueError: when options contradict each other.
        """
        search = Search(**{field.name: getattr(self, field.name) for field in fields(Search)})
        has_attempts = bool(search.restarts or search.views)
        for_attempts = {
            "--noise": search.noise != 0,
            "--search-steps": search.search_steps is not None,
            "--seed": search.seed != Search.seed,
            "--choose": search.choose != Search.choose and search.is_plain,
        }
        idle = [option for option, is_given in for_attempts.items() if is_given]
        if idle and not has_attempts:
            raise ValueError(
                f"{' and '.join(idle)} {'is' if len(idle) == 1 else 'are'} for further attempts: say how many with --restarts "
                "or --views"
            )
        if not search.restarts and search.guess_every != Search.guess_every:
            raise ValueError("--guess-every is for further attempts that guess: say how many with --restarts")
        return search


def refuse_for_others(command: Any, family: str, *, names: Collection[str]) -> None:
    """Refuses options that are for ARC alone, where the checkpoint is of another family: they would do nothing.

    Args:
        command: The options of a verb, a dataclass, with the name of the checkpoint.
        family: The checkpoint's puzzle family.
        names: Fields that are for ARC.

    Raises:
        ValueError: naming the options that were given.
    """
    defaults = {field.name: field.default for field in fields(command)}
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(command, name) != defaults[name]]
    if given:
        are = "are" if given[1:] else "is"
        raise ValueError(f"{' and '.join(given)} {are} for ARC: {command.checkpoint} is of the family {family}")


@dataclass(frozen=True, kw_only=True)
class SolveCommand(SearchOptions, CheckpointCommand):
    """What `ponderling solve` takes."""

    puzzle: Positional[str]
    """A puzzle as one line of text, a maze also as several, a file of puzzles, or - for puzzles on stdin, one a line; for ARC a
    task's JSON."""
    early_exit: bool = True
    """Stop a puzzle when the model says so."""
    watch: bool = False
    """Show the grid after every step (every recursion where the model may stop within a step), changed cells marked."""
    delay: float = 0.4
    """Seconds between two grids shown in a terminal."""
    adapt_steps: int = 300
    """ARC: optimizer steps in which a model with vectors for each task learns those of the file from their demonstrations,
    before it solves them; 0 to answer at once, and to refuse a task that it does not know."""


@dataclass(frozen=True, kw_only=True)
class EvalCommand(SearchOptions, CheckpointCommand):
    """What `ponderling eval` takes."""

    data: str = "default"
    """Puzzles to evaluate on: a file, default (the set in the package; for a run on --data or ARC its own test examples) or
    hub (the family's public test set)."""
    max_puzzles: int | None = None
    """Evaluate only the first of the puzzles, up to this number (ARC: tasks)."""
    batch_size: int = 256
    """Puzzles at a time."""
    early_exit: bool = False
    """Let a puzzle leave as soon as the model says stop, so that a thousand steps cost little; no figures at all steps then."""
    submission: Path | None = None
    """ARC: write two answers for each test input to this file, in Kaggle's format; one that is there already is replaced."""
    blank_id: bool = False
    """ARC: do not tell the model which task it is, but give it the blank puzzle id: what it then solves, it has not from the
    task's own vectors."""
    adapt_steps: int = 0
    """ARC: optimizer steps in which a model with vectors for each task learns every task alone from its demonstrations, known
    or not, before it solves it. Each task begins with the checkpoint's weights."""

    def check(self) -> None:
        """Refuses numbers that cannot be.

        Raises:
            ValueError: naming the flag, what was expected and what came.
        """
        check_numbers(self, max_puzzles=1, batch_size=1, steps=1, seed=0, adapt_steps=0)


def check_numbers(command: Any, **least: float) -> None:
    """Refuses numbers that make no sense, all of them together.

    Args:
        command: The options of a verb, a dataclass. Its numbers must be finite, each of a pair too.
        least: The lowest sensible value of fields, by name; None as a field's value is always sensible.

    Raises:
        ValueError: naming each flag, what was expected and what came.
    """
    problems = []
    for field in fields(command):
        value = getattr(command, field.name)
        numbers = [n for n in (value if isinstance(value, tuple) else (value,)) if type(n) in (int, float)]
        flag = f"--{field.name.replace('_', '-')}"
        if not all(map(math.isfinite, numbers)):
            problems.append(f"{flag} must be a finite number: got {value}")
        elif field.name in least and any(n < least[field.name] for n in numbers):
            problems.append(f"{flag} must be at least {least[field.name]}: got {value}")
    if problems:
        raise ValueError("; ".join(problems))


class UsageError(ValueError):
    """An option that does not exist or has a wrong value."""


def parse_arguments(
    cls: type[T_],
    args: list[str],
    *,
    prog: str,
    description: str,
    default: T_ | None = None,
    may_be_infinite: Collection[str] = (),
) -> T_:
    """The dataclass filled from the arguments; prints help and exits for `--help`.

    Args:
        cls: A dataclass; the text below a field is its help.
        args: What follows the verb.
        prog: How the command is called, for the help.
        description: What it does, for the help.
        default: Values of fields that are not given; None: the class's own.
        may_be_infinite: Fields whose value may be inf; any other number is finite, and a whole one at most 2**31 - 1.

    Raises:
        UsageError: one line that says what is wrong.
    """
    import tyro

    from ponderling.cli.notation import registry

    printed = io.StringIO()
    named = (tyro.conf.PositionalMetavarFromFieldName,)
    try:
        with contextlib.redirect_stderr(printed):
            more: dict[str, Any] = {} if default is None else {"default": default}
            found = tyro.cli(
                cls, args=args, prog=prog, description=description, config=named, registry=registry, **more
            )
    except SystemExit as exit_:
        if exit_.code in (0, None):
            sys.stderr.write(printed.getvalue())
            raise
        raise UsageError(f"{_first_paragraph(printed.getvalue())}. See `{prog} --help`") from None
    problems = [
        f"--{problem.replace('_', '-', problem.partition(' ')[0].count('_'))}"
        for problem in number_problems(found, {"seed": SEEDS})
        if problem.partition(" ")[0] not in may_be_infinite
    ]
    if problems:
        raise UsageError("; ".join(problems))
    return found


def _first_paragraph(box: str) -> str:
    """What tyro says, as one line without its box; and the first option it suggests.

    It draws a title, the message, and after rules the field's help; with borders or, for plain streams, without.
    """
    bordered = box.startswith("╭")
    lines = [line.strip("│ ").rstrip() for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if re.fullmatch(r"[─-]{8,}", line):
            paragraphs.append([])
        elif line:
            paragraphs[-1].append(line)
    texts = [" ".join(paragraph) for paragraph in paragraphs]
    message = texts[0] if bordered or len(texts) == 1 else texts[1]
    suggestion = re.search(r"meant:\s+(--[\w.-]+)", " ".join(texts))
    return message.rstrip(".") + (f" (did you mean {suggestion[1]}?)" if suggestion else "")
