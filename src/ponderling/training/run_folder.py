"""The folder of a run: one run at a time writes in it, and notices where another has changed it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ponderling.checkpoint import LAST, MODEL, TRAINING, clear_leftovers, refuse_occupied
from ponderling.system import FolderLock
from ponderling.training.distributed import World

Files = tuple[int, ...]
"""What tells apart two states of a run folder."""


class RunFolder:
    """A folder that a run owns while it writes.

    Args:
        path: The folder, which need not be there.
    """

    def __init__(self, path: Path):
        self.path = path
        self.found: Files | None = None
        """The state that the run goes on from; None: the run begins in this folder."""
        self._lock, self._owns = FolderLock(path), False

    @contextmanager
    def owned(self, world: World, *, noticed: Callable[[str], object]) -> Iterator[None]:
        """Holds the folder's lock, and has made sure that the folder is as the run left or found it; may be nested.

        Args:
            world: The processes of the run, of which the first takes the lock.
            noticed: Told where the file system has no locks.

        Raises:
            FolderInUseError: when another has the lock.
            FileExistsError: when the folder holds a run that this one does not go on with.
        """
        if self._owns:
            yield
            return
        world.from_first(lambda: self._claim(noticed))
        self._owns = True
        try:
            yield
        finally:
            self._owns = False
            self._lock.release()

    def _claim(self, noticed: Callable[[str], object]) -> None:
        if not self._lock.take():
            noticed(f"the file system of {self.path} has no locks: let no other process train there")
        try:
            clear_leftovers(self.path)
            if self.found is None:
                refuse_run(self.path)
            elif files_of_run(self.path) != self.found:
                raise FileExistsError(
                    f"{self.path} was changed by another run since this one began: go on with that (--resume, in Python "
                    "resume=True), or choose another --out"
                )
        except BaseException:
            self._lock.release()
            raise

    def remember(self) -> None:
        """Takes the files that are there now for the run's own."""
        self.found = files_of_run(self.path)


def refuse_run(out: Path) -> None:
    """Refuses to begin a run where there is one, or a checkpoint, or what is left of either.

    Raises:
        FileExistsError: saying what to do.
    """
    advice = "choose another --out"
    if (out / LAST / TRAINING).is_file():
        advice = "go on with it (--resume) or choose another --out (in Python: resume=True, or another folder)"
    refuse_occupied(out, advice=advice)


def files_of_run(out: Path) -> Files | None:
    """Tells apart two states of a run folder; None where there is none."""
    for name in (TRAINING, MODEL):
        try:
            found = (out / LAST / name).stat()
        except FileNotFoundError:
            continue
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None
