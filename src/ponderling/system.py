"""Small helpers that need nothing else of the package: files written whole or not at all, memory that stays, mistyped names."""

from __future__ import annotations

import ctypes
import difflib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file beside `path`, then moves it there in one step, on disk before it takes the name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        os.chmod(temporary, 0o666 & ~_umask())  # safetensors would keep its files from everyone else
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def must_be_new(*files: Path, holds: str | None = None, advice: str = "choose another --out") -> None:
    """Refuses to overwrite: none of the files may be there.

    Args:
        files: What is going to be written.
        holds: What a file stands for, such as "a checkpoint"; the message then names the file's folder and this.
        advice: What the user can do about it.

    Raises:
        FileExistsError: naming the first file that is there.
    """
    for file in files:
        if file.exists():
            fault = f"{file} is there already" if holds is None else f"{file.parent} holds {holds} already"
            raise FileExistsError(f"{fault}: {advice}")


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one most resembles; None where none does."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name, such as "did you mean train? "; empty where nothing known is close to it."""
    close = closest(name, known)
    return "" if close is None else f"did you mean {close}? "


def _umask() -> int:
    """The process's file mode mask, which can be read only by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def remove_leftovers(folder: Path) -> None:
    """Deletes what `write_atomically` left half written in the folder when its process was killed."""
    for file in folder.glob(".*.tmp"):
        file.unlink(missing_ok=True)


def keep_freed_memory() -> bool:
    """Makes the process keep freed memory for reuse, from now on.

    By default glibc returns every freed buffer over 32 MiB to the system. The next use then gets it back page by page,
    filled with zeros, which can take half the time of the product that writes it (figures in dev/LOG.md,
    `benchmarks/bench_allocator.py`).
    Peak memory does not change. `Trainer.run` and the command line call this; a program that solves many puzzles may
    too.

    Returns:
        Whether it could be set; False without glibc, where nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return False
    largest = 2**31 - 1  # the setting is a C int
    return bool(mallopt(M_MMAP_THRESHOLD, 2**30) and mallopt(M_TRIM_THRESHOLD, largest))


def whole_lines(path: Path) -> list[str]:
    """The file's complete lines with their line ends; empty for a missing file. An unfinished last line is left out."""
    if not path.exists():
        return []
    return [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
