"""What the command line shows on stderr while it works, and how it writes numbers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ponderling.system import after_a_moment
from ponderling.training.observer import SCORING, SECONDS_BETWEEN_LINES, ProgressLines, count_of
from ponderling.training.observer import percent as percent

if TYPE_CHECKING:
    from rich.progress import Progress


class Bars:
    """Progress bars on stderr; where stderr is not a terminal, a line now and then.

    Args:
        transient: Remove the bars from the terminal at the end.
    """

    def __init__(self, *, transient: bool = False) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self.transient = transient
        self._progress: Progress | None = None
        self._began = self._last_line = time.monotonic()
        self._waits = ExitStack()

    def __enter__(self) -> Bars:
        if self.console.is_terminal:
            from rich.progress import Progress

            self._progress = Progress(console=self.console, transient=self.transient)
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._waits.close()
        if self._progress is not None:
            self._progress.stop()

    def add(self, what: str, *, total: int) -> Callable[[int], None]:
        """A further bar; call what is returned with the number done so far."""
        if self._progress is None:
            self._waits.enter_context(after_a_moment(lambda: self.say(f"{what}: {total:,} in all")))
            return lambda done: self._line(what, done, total=total)
        progress, bar = self._progress, self._progress.add_task(what, total=total)
        return lambda done: progress.update(bar, completed=done)

    def say(self, text: str) -> None:
        """Prints a line above the bars."""
        self.console.print(text, markup=False, soft_wrap=True)

    def _line(self, what: str, done: int, *, total: int) -> None:
        now = time.monotonic()
        if now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        minutes, seconds = divmod(round(now - self._began), 60)
        self.say(f"{what}: {done:,} of {total:,} after {minutes}:{seconds:02}")


def said_if_slow(what: str) -> AbstractContextManager[None]:
    """Says on stderr what is being done if it takes long."""
    return after_a_moment(lambda: print(what, file=sys.stderr, flush=True))


def check_output(file: Path) -> None:
    """Looks at the place of a file that a job is going to write.

    Raises:
        FileNotFoundError: when its folder is not there.
        IsADirectoryError: when it is a folder itself.
    """
    if not file.absolute().parent.is_dir():
        raise FileNotFoundError(f"{file.parent}: no such folder to write {file.name} into")
    if file.is_dir():
        raise IsADirectoryError(f"{file}: expected the name of a file to write, this is a folder")


def prepare_output(file: Path) -> None:
    """Looks at the place of a file that is going to be written, and says on stderr when a file there will be replaced.

    Raises:
        FileNotFoundError: when its folder is not there.
        IsADirectoryError: when it is a folder itself.
    """
    check_output(file)
    if file.exists():
        print(f"{file} is there already: replacing it", file=sys.stderr)


class ProgressDisplay(ProgressLines):
    """Shows a run on stderr: a live bar in a terminal, a line now and then elsewhere."""

    def __init__(self, *, keeps_folder: bool = True) -> None:
        from rich.console import Console

        super().__init__(keeps_folder=keeps_folder)
        self.console = Console(stderr=True, highlight=False)
        self.bar: Any = None
        self.task: Any = None

    def say(self, text: str) -> None:
        """Prints a line, above the bar if there is one."""
        if self.console.is_terminal:
            self.console.print(text, markup=False)
        else:
            super().say(text)

    def started(self, trainer: Any) -> None:
        """Says what is trained on what, and begins the bar."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().started(trainer)
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"),
                TimeRemainingColumn(), console=self.console,
            )  # fmt: skip
            self.task = self.bar.add_task("", total=self.steps, completed=trainer.step)
            self.bar.start()

    def advanced(self, step: int, text: str) -> None:
        """Moves the bar, or prints a line every quarter of a minute."""
        if self.bar is not None:
            self.bar.update(self.task, completed=step, description=text)
        else:
            super().advanced(step, text)

    @contextmanager
    def scoring(self, kind: str, count: int) -> Iterator[Callable[[int], object]]:
        """Says beside the bar how far the scoring is, or prints lines."""
        bar = self.bar
        if bar is None:
            with super().scoring(kind, count) as tell:
                yield tell
            return

        def show(done: int) -> None:
            bar.update(self.task, description=f"{SCORING[kind]} {done:,} of {count_of(count, 'puzzle')}")

        show(0)
        yield show

    def finished(self, trainer: Any) -> None:
        """Ends the bar."""
        if self.bar is not None:
            self.bar.stop()
        super().finished(trainer)
