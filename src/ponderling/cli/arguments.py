"""Dataclasses as command lines, through tyro, with mistakes as one line."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tyro.conf import Positional

from ponderling.config import Choice, DType

if TYPE_CHECKING:
    from ponderling.checkpoint import Checkpoint
    from ponderling.solving.search import Budget

T_ = TypeVar("T_")


@dataclass(frozen=True, kw_only=True)
class CheckpointCommand:
    """What every verb takes that runs a trained model."""

    checkpoint: Positional[str]
    """A run folder, a checkpoint folder, packaged weights (sudoku, sudoku-cpu, maze10) or a Hub repository."""
    steps: int | None = None
    """Most supervision steps; as many as in training if not given."""
    device: str = "cpu"
    """Where to run: cpu, cuda, ..."""
    dtype: DType | None = None
    """Activations' type in place of the checkpoint's own."""
    task: str | None = None
    """Use the weights on another puzzle family, such as sudoku16; relational networks can."""
    json: bool = False
    """Print one JSON object on stdout."""
    compile: bool = False
    """Compile the network first: up to a minute, later some ten seconds, after which each step is faster."""

    def load(self) -> Checkpoint:
        """The checkpoint.

        Raises:
            ValueError: when it is to be compiled and there is no C++ compiler.
        """
        from ponderling.checkpoint import load_checkpoint

        checkpoint = load_checkpoint(self.checkpoint, self.device, self.dtype, task=self.task)
        if self.compile:
            from ponderling.models.torch_compile import compile_for_solving

            compile_for_solving(checkpoint.model, "--compile")
        return checkpoint


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What may be spent beyond plain thinking; the same for `eval` and `solve`."""

    restarts: int = 0
    """Search: so many further attempts at a puzzle that plain thinking leaves open; 0: none."""
    guess_every: int = 3
    """A further attempt asserts a guess at its start and after every so many steps; 0: no guesses, noise alone."""
    noise: float = 0.0
    """Standard deviation of normal noise on the state that a further attempt starts from."""
    views: int | None = None
    """Search: so many further attempts that see the puzzle under a random symmetry each, without guesses; none if not given.
    ARC: so many views to vote over besides the task as it is; all that were trained on if not given."""
    choose: Choice = "halting"
    """Who chooses among answers: halting (the first at which the halting head stops, else the surest), agreement (that of most
    attempts) or residual (that of the attempt whose state came to rest)."""
    verify: bool = False
    """Let the task's rules choose: the first answer that they accept."""
    search_steps: int | None = None
    """Most supervision steps of a further attempt; as many as --steps if not given."""
    seed: int = 0
    """Seed of guesses and noise."""

    def budget(self, steps: int, early_exit: bool = True) -> Budget | None:
        """The budget, None where no search is asked for; attempts end where the halting head says stop, if `early_exit`.

        Raises:
            ValueError: when options contradict each other.
        """
        from ponderling.solving.search import Budget

        views = self.views or 0
        if not self.restarts and not views and not self.verify:
            if self.noise or self.search_steps is not None or self.choose != "halting":
                raise ValueError(
                    "--noise, --search-steps and --choose are for further attempts: say how many with --restarts or --views"
                )
            return None
        return Budget(
            steps,
            self.restarts,
            self.search_steps,
            self.noise,
            self.guess_every,
            views,
            self.choose,
            self.verify,
            early_exit,
        )


class UsageError(ValueError):
    """An option that does not exist or has a wrong value."""


def parse_arguments(cls: type[T_], args: list[str], prog: str, description: str, default: T_ | None = None) -> T_:
    """The dataclass filled from the arguments; prints help and exits for `--help`.

    Args:
        cls: A dataclass; the text below a field is its help.
        args: What follows the verb.
        prog: How the command is called, for the help.
        description: What it does, for the help.
        default: Values of fields that are not given; None: the class's own.

    Raises:
        UsageError: one line that says what is wrong.
    """
    import tyro

    printed = io.StringIO()
    named = (tyro.conf.PositionalMetavarFromFieldName,)
    try:
        with contextlib.redirect_stderr(printed):
            if default is None:
                return tyro.cli(cls, args=args, prog=prog, description=description, config=named)
            return tyro.cli(cls, args=args, prog=prog, description=description, default=default, config=named)
    except SystemExit as exit_:
        if exit_.code in (0, None):
            sys.stderr.write(printed.getvalue())
            raise
        raise UsageError(f"{_first_paragraph(printed.getvalue())}. See `{prog} --help`") from None


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
