"""Small helpers that need nothing else of the package: files, locks of folders, memory that stays, mistyped names."""

from __future__ import annotations

import contextlib
import ctypes
import difflib
import errno
import json
import os
import re
import secrets
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc

LOCK = ".ponderling.lock"
"""The file in a folder whose lock a writer holds; it names the writer."""

WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between two tries to replace a file that another program has open on Windows."""


PATIENCE = 0.8
"""Seconds that people wait without a sign of life."""


@contextmanager
def after_a_moment(act: Callable[[], object]) -> Iterator[None]:
    """Calls `act` in a thread of its own, once, if the block takes longer than people like to wait."""
    timer = threading.Timer(PATIENCE, act)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def total_memory() -> int | None:
    """Bytes of memory of this machine, with what it can swap, or of the container that we are in; None if it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        facts = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
        total = facts["MemTotal"] + facts.get("SwapTotal", 0)
    except (OSError, ValueError, KeyError, IndexError):
        try:  # macOS
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):  # Windows has no sysconf
            return None
    with contextlib.suppress(OSError, ValueError):  # "max" is no limit
        total = min(
            total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")) + facts.get("SwapTotal", 0)
        )
    return total


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file beside `path`, then moves it there in one step, on disk before it takes the name.

    A symbolic link stays one: the file that it names is replaced.

    Args:
        path: The file to make or replace.
        write: Fills the empty file whose path it is given.

    Raises:
        OSError: when it cannot be written, or `path` is something else than a file; what was there before is intact.
    """
    write_together({path: write})


def write_together(files: Mapping[Path, Callable[[Path], object]]) -> None:
    """Writes files as `write_atomically` does, none of them before all are on disk.

    Raises:
        OSError: when one cannot be written; what was there before is intact.
    """
    places: list[tuple[Path, Path]] = []
    try:
        for path, write in files.items():
            if path.is_symlink():
                path = Path(os.path.realpath(path))
            if path.exists() and not path.is_file():
                kind = IsADirectoryError if path.is_dir() else OSError
                raise kind(f"{path}: expected a file, or a name that is free: this is a folder or a device")
            temporary = _temporary(path)
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # O_EXCL follows no link either
            places.append((temporary, path))
            write(temporary)
            os.chmod(temporary, 0o666 & ~_umask())  # safetensors would keep its files from everyone else
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        for temporary, path in places:
            take_name(temporary, path)
    except BaseException:
        for temporary, _ in places:
            temporary.unlink(missing_ok=True)
        raise
    for folder in {path.parent for _, path in places}:
        _sync_folder(folder)


def write_text(path: Path, text: str) -> None:
    """Writes a text file as `write_atomically` does, with the same bytes on every system: UTF-8 and the lines' own ends.

    Raises:
        OSError: when it cannot be written; what was there before is intact.
    """
    write_atomically(path, lambda temporary: temporary.write_bytes(text.encode()))


def take_name(temporary: Path, path: Path) -> None:
    """Moves a file or folder to its name, where a file may be replaced.

    Windows refuses that while a program has either open, such as a virus scanner or an evaluation; it is tried again then.

    Raises:
        PermissionError: when it is still refused after WAITS.
        OSError: when it cannot be moved.
    """
    for seconds in (*WAITS, None):
        try:
            os.replace(temporary, path)
            return
        except PermissionError as error:
            if sys.platform != "win32":
                raise
            if seconds is None:
                raise PermissionError(
                    f"{path}: cannot be replaced, another program has it open: end that program; what was there is intact"
                ) from error
            time.sleep(seconds)


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """Gives a folder to write in that takes its name when all is written; a folder that is there is given as it is."""
    if folder.exists():
        yield folder
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(folder)
    temporary.mkdir()
    try:
        yield temporary
        take_name(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_folder(folder.parent)


def _temporary(path: Path) -> Path:
    """A free name beside the path that nobody can guess; `remove_leftovers` knows it by its form."""
    name = path.name.encode()[:100].decode(errors="ignore")  # names may have 255 bytes
    return path.with_name(f".{name}.{_host()}.{os.getpid()}.{secrets.token_hex(8)}.tmp")


def _host() -> str:
    """This machine's name, as it may be a part of a file's."""
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40] or "localhost"


def _sync_folder(folder: Path) -> None:
    """Has the names in a folder on disk; Windows, which cannot open a folder, does that itself."""
    if sys.platform == "win32":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


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


def remove_leftovers(folder: Path, names: Iterable[str]) -> None:
    """Deletes what dead processes of this machine left half written in the folder; everything else stays.

    Args:
        folder: Where to look; it need not be there.
        names: What `write_atomically` or `appearing` were to write in it.
    """
    known = "|".join(map(re.escape, names))
    # The second form is that of older versions, which named neither the machine nor anything random.
    form = re.compile(rf"\.(?:{known})\.(?:{re.escape(_host())}\.(\d+)\.[0-9a-f]{{16}}|(\d+))\.tmp")
    for entry in list(os.scandir(folder)) if folder.is_dir() else []:
        found = form.fullmatch(entry.name)
        if found is None or _is_running(int(found[1] or found[2])):
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif entry.is_file(follow_symlinks=False):
            Path(entry.path).unlink(missing_ok=True)


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


def read_log(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The lines of a `metrics.jsonl`, each as its text and what it says; an unfinished last line is left out.

    Args:
        path: The file; a missing one has no lines.

    Raises:
        ValueError: naming the file and the line that is damaged.
    """
    if not path.exists():
        return []
    lines = []
    for number, text in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            values = json.loads(text.decode("utf-8"))
            if not isinstance(values, dict):
                raise ValueError(f"expected a JSON object, got {type(values).__name__}")
            if not isinstance(values.get("kind"), str):
                raise ValueError("expected a text as kind")
            if not isinstance(values.get("step"), int) or isinstance(values["step"], bool):
                raise ValueError("expected a whole number as step")
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} line {number}: damaged: {error}; delete that line") from error
        lines.append((text.decode("utf-8").rstrip("\r") + "\n", values))
    return lines


class FolderInUseError(OSError):
    """Another process, or another run of this one, is writing in the folder."""


class FolderLock:
    """Keeps every other writer out of a folder, in this process and in others, until it is released or the process ends.

    It is an advisory lock on the file `.ponderling.lock`, which the system frees when its process dies, by whatever cause.
    The folder is created for it, and removed again if nothing was written there.

    Args:
        folder: The folder to write in.
    """

    def __init__(self, folder: Path):
        self.folder, self.file = folder, folder / LOCK
        self._opened: int | None = None
        self._created: list[Path] = []

    def __enter__(self) -> FolderLock:
        self.take()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def take(self) -> bool:
        """Takes the lock, without waiting.

        Returns:
            Whether the file system has locks; where it has none, nothing keeps other writers out.

        Raises:
            FolderInUseError: naming the process and its machine.
        """
        if self._opened is not None:
            raise FolderInUseError(f"{self.folder} is in use by this very run")
        has_locks = True
        try:
            while self._opened is None:
                self._create()
                try:
                    opened = os.open(self.file, _TO_LOCK, 0o666)
                except FileNotFoundError:  # who had created the folder has just removed it
                    continue
                try:
                    has_locks = _lock_file(opened)
                    if _is_still(opened, self.file):
                        self._opened = opened
                    else:  # it was deleted before we had it: a lock on it keeps nobody out
                        os.close(opened)
                except BlockingIOError:
                    owner = self._owner(opened)
                    os.close(opened)
                    raise FolderInUseError(
                        f"{self.folder} is in use by {owner}: wait until that has ended, or choose another --out"
                    ) from None
                except OSError:
                    os.close(opened)
                    raise
        except BaseException:
            self._remove_created()
            raise
        os.ftruncate(self._opened, 0)
        os.lseek(self._opened, 0, os.SEEK_SET)
        os.write(self._opened, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        return has_locks

    def release(self) -> None:
        """Lets others write in the folder; does nothing for a lock that is not held."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        if sys.platform == "win32":  # no file that is open can be deleted, also not by us once another has opened it
            os.close(opened)
        with contextlib.suppress(OSError):
            self.file.unlink()
        if sys.platform != "win32":
            os.close(opened)
        self._remove_created()

    def _owner(self, opened: int) -> str:
        """Who holds the lock, as the file says."""
        for _ in range(5):  # it may be about to be written
            os.lseek(opened, 0, os.SEEK_SET)
            found = re.fullmatch(r"(process \d+ on [\w.-]+)\n", os.read(opened, 300).decode(errors="replace"))
            if found is not None:
                return found[1]
            time.sleep(0.02)
        return "another process"

    def _create(self) -> None:
        """Creates the folder, and notes what was not there before."""
        missing = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
        self._created += [folder for folder in missing if folder not in self._created]
        self.folder.mkdir(parents=True, exist_ok=True)

    def _remove_created(self) -> None:
        """Removes the folders that were created for nothing."""
        created, self._created = self._created, []
        with contextlib.suppress(OSError):  # something is in them
            for folder in created:
                folder.rmdir()


_TO_LOCK = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""How the file of a lock is opened: no link is followed, and Windows changes no line's end."""


if sys.platform == "win32":
    import msvcrt

    def _is_running(pid: int) -> bool:
        """Whether there is such a process; `os.kill` would end it here."""
        synchronize, invalid_parameter, timed_out = 0x00100000, 87, 0x102  # winnt.h, winerror.h, winbase.h
        if pid >> 32:
            return True
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        opened = kernel32.OpenProcess(ctypes.c_uint32(synchronize), False, ctypes.c_uint32(pid))
        if not opened:
            return ctypes.get_last_error() != invalid_parameter
        try:
            return kernel32.WaitForSingleObject(ctypes.c_void_p(opened), 0) == timed_out
        finally:
            kernel32.CloseHandle(ctypes.c_void_p(opened))

    def _is_still(opened: int, file: Path) -> bool:
        """Whether the opened file has the name, which it keeps while it is open."""
        return True

    def _lock_file(opened: int) -> bool:
        """Locks a byte far behind the file's end, so that the rest can be read."""
        os.lseek(opened, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
        return True

else:
    import fcntl

    def _is_running(pid: int) -> bool:
        """Whether there is such a process."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):
            return True
        return True

    def _is_still(opened: int, file: Path) -> bool:
        """Whether the opened file is the one that has the name."""
        try:
            return os.path.samestat(os.fstat(opened), os.stat(file))
        except FileNotFoundError:
            return False

    def _lock_file(opened: int) -> bool:
        """Locks the file, unlike `fcntl.lockf` also against others in this process; False where that cannot be done."""
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP):
                raise
            return False
        return True
