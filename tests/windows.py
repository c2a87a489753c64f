"""What Windows refuses, refused here: `python -X warn_default_encoding tests/windows.py '[["train", ...], ...]'`.

Runs commands of `ponderling` in this process, which then believes that it is on Windows. Folders cannot be opened. Files that
are open or mapped are not replaced, moved or deleted. Reserved names are refused, text is written with `\\r\\n`, and an open
without an encoding is an error. Modules, signals and functions of Unix are gone. `test_windows.py` calls it.

Only Linux tells which files are open (/proc), so it runs there alone. It cannot show how Windows reads paths with backslashes.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import functools
import importlib
import io
import json
import os
import shutil
import signal
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog")
"""Modules that Windows lacks."""

OF_OS = (
    "fork", "forkpty", "sched_getaffinity", "getuid", "geteuid", "getgid", "getpgid", "setsid", "killpg", "mkfifo", "uname",
    "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_SYNC", "statvfs", "fchmod", "chown", "getloadavg", "sync",
)  # fmt: skip
"""What `os` lacks there."""

SIGNALS = ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGKILL", "SIGPIPE", "SIGCHLD", "setitimer", "alarm", "pause")
"""What `signal` lacks there."""

RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{name}{i}" for name in ("COM", "LPT") for i in range(1, 10))}
"""Names that no file can have there, whatever their ending."""

LOADED = (
    "filelock", "numpy", "torch", "torch._dynamo", "torch.export", "safetensors.torch", "safetensors.numpy", "huggingface_hub",
    "tyro", "yaml", "asyncio", "multiprocessing.connection", "tempfile", "rich.console", "rich.live", "rich.progress",
    "rich.prompt", "matplotlib.figure", "onnx", "onnxscript", "onnxruntime",
)  # fmt: skip
"""Packages of others that are loaded as on Linux, since they look at the platform while they are."""


def refuse_name(path: Any) -> None:
    """Raises what Windows does for a name that no file can have."""
    if isinstance(path, int):
        return
    for part in Path(os.fsdecode(path)).parts:
        stem = part.partition(".")[0].rstrip().upper()
        odd = set(part) & set('<>:"|?*\\') or (part != part.rstrip(" .") and part not in (".", ".."))
        if part != "/" and (stem in RESERVED or odd):
            raise OSError(errno.EINVAL, "Invalid argument", os.fsdecode(path))


def held(path: Any) -> bool:
    """Whether this process has the file, or a file in the folder, open or mapped."""
    real = os.path.realpath(os.fsdecode(path))
    inside = real + os.sep
    with BUILTIN_OPEN("/proc/self/maps", encoding="utf-8") as maps:
        names = {line.split(None, 5)[5].rstrip("\n") for line in maps if len(line.split(None, 5)) == 6}
    for number in os.listdir("/proc/self/fd"):
        try:
            names.add(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:  # the one of this very listing
            continue
    return any(name == real or name.startswith(inside) for name in names)


def refuse_held(*paths: Any) -> None:
    """Raises what Windows does for a file that is open."""
    for path in paths:
        if held(path):
            raise PermissionError(
                errno.EACCES, "The process cannot access the file because it is in use", os.fsdecode(path)
            )


BUILTIN_OPEN, OS_OPEN, IO_OPEN = builtins.open, os.open, io.open


def open_descriptor(path: Any, flags: int, mode: int = 0o777, **kwargs: Any) -> int:
    """`os.open` without folders and `dir_fd`."""
    assert not kwargs, "Windows has no dir_fd"
    refuse_name(path)
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", os.fsdecode(path))
    return OS_OPEN(path, flags, mode)


def opener(inner: Callable[..., Any]) -> Callable[..., Any]:
    """`open` without folders, that ends lines with `\\r\\n`, as text has no encoding of its own."""

    @functools.wraps(inner)
    def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        refuse_name(file)
        if not isinstance(file, int) and os.path.isdir(file):
            raise PermissionError(errno.EACCES, "Permission denied", os.fsdecode(file))
        if "b" not in mode:
            encoding = args[1] if len(args) > 1 else kwargs.get("encoding")
            caller = sys._getframe(1)
            while "pathlib" in caller.f_code.co_filename:
                assert caller.f_back is not None
                caller = caller.f_back
            if encoding in (None, "locale") and "ponderling" in caller.f_globals.get("__name__", ""):
                raise AssertionError(f"{file}: opened as text without an encoding in {caller.f_globals['__name__']}")
            newline = args[3] if len(args) > 3 else kwargs.get("newline")
            if set(mode) & set("wax+") and newline is None and len(args) <= 3:
                kwargs["newline"] = "\r\n"
        return inner(file, mode, *args, **kwargs)

    return opened


def moved(inner: Callable[..., Any], *, may_replace: bool) -> Callable[..., Any]:
    """`os.replace` or `os.rename` as Windows has them."""

    def move(source: Any, target: Any, **kwargs: Any) -> None:
        assert not kwargs, "Windows has no dir_fd"
        refuse_name(target)
        refuse_held(source, target)
        if os.path.lexists(target) and (not may_replace or os.path.isdir(target)):
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(target))
        inner(source, target)

    return move


def removed(inner: Callable[..., Any]) -> Callable[..., Any]:
    """`os.unlink` as Windows has it."""

    def remove(path: Any, **kwargs: Any) -> None:
        assert not kwargs, "Windows has no dir_fd"
        refuse_held(path)
        inner(path)

    return remove


def kill(pid: int, number: int) -> None:
    """Windows ends the process for any number that is not one of its two events."""
    raise AssertionError(f"os.kill({pid}, {number}) would end the process")


class Kernel32:
    """The functions of kernel32 that `system` asks whether a process runs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.OpenProcess, self.WaitForSingleObject, self.CloseHandle = (
            Function(opens),
            Function(waits),
            Function(closes),
        )


class Function:
    """A function of a library, which can be told its types."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        """Calls it."""
        return self.function(*args)


def opens(access: Any, inherits: bool, pid: Any) -> int | None:
    """A handle of a process; None where there is no such process."""
    assert access.value == 0x00100000
    return pid.value if os.path.exists(f"/proc/{pid.value}") else None


def waits(handle: Any, milliseconds: int) -> int:
    """WAIT_TIMEOUT: the process has not ended."""
    assert os.path.exists(f"/proc/{handle.value}")
    return 0x102


def closes(handle: Any) -> int:
    """Frees a handle."""
    return 1


def fake_msvcrt() -> types.ModuleType:
    """The lock of Windows, made of Linux's on the same byte; it is of the open file, as there."""
    import fcntl

    found = types.ModuleType("msvcrt")

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 1 << 30
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    found.__dict__.update(locking=locking, LK_NBLCK=2)
    return found


def simulate() -> None:
    """Takes from this process what Windows does not have; there is no way back."""
    for name in LOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    sys.modules["msvcrt"] = fake_msvcrt()
    sys.modules["numba"] = None  # pyright: ignore[reportArgumentType] (it asks Windows for its folders)
    for name in MODULES:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType] (importing it then fails)
    for name in OF_OS:
        if hasattr(os, name):
            delattr(os, name)
    for name in SIGNALS:
        if hasattr(signal, name):
            delattr(signal, name)
    shutil._use_fd_functions = False  # pyright: ignore[reportAttributeAccessIssue]
    os.O_BINARY = 0  # pyright: ignore[reportAttributeAccessIssue]
    os.open, os.kill = open_descriptor, kill
    os.rename, os.replace = moved(os.rename, may_replace=False), moved(os.replace, may_replace=True)
    os.unlink = os.remove = removed(os.unlink)
    builtins.open, io.open = opener(BUILTIN_OPEN), opener(IO_OPEN)
    ctypes.WinDLL = Kernel32  # pyright: ignore[reportAttributeAccessIssue]
    ctypes.get_last_error = lambda: 87  # pyright: ignore[reportAttributeAccessIssue]
    sys.platform = "win32"
    warnings.filterwarnings("error", category=EncodingWarning, module=r"ponderling\b")


def main() -> int:
    """Runs the commands, and ends with the first exit code that is not 0."""
    commands = json.loads(sys.argv[1])
    simulate()
    from ponderling.cli import main as run

    for command in commands:
        code = run(command)
        if code:
            print(f"{code} of {command}", file=sys.stderr)
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
