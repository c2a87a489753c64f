"""Runs the notebooks of `examples` and writes their outputs into them: `python dev/run_notebooks.py [NAME...]`.

What differs from run to run without any meaning is left out, such as the times of execution. `tests/test_notebooks.py` runs
the notebooks with the same function and keeps nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
SECONDS = 900
"""Longest time for one cell. A core that other jobs share takes several times as long as a free one."""


def main() -> int:
    """Runs the named notebooks, or all, writes them, and returns the exit status."""
    parser = argparse.ArgumentParser(description="Runs the notebooks of examples and writes their outputs into them.")
    parser.add_argument("names", nargs="*", help="notebooks without their ending, such as watch_it_think")
    names = parser.parse_args().names or [path.stem for path in notebooks()]
    for name in names:
        path = EXAMPLES / f"{name}.ipynb"
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(path, folder), path)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    return 0


def notebooks() -> list[Path]:
    """All notebooks of `examples`."""
    return sorted(EXAMPLES.glob("*.ipynb"))


def executed(path: Path, folder: str | Path) -> Any:
    """The notebook with the outputs of a run in the folder.

    Raises:
        CellExecutionError: when a cell fails; the message has the cell and the traceback.
    """
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=SECONDS, record_timing=False, coalesce_streams=True, resources=where)
    sources = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    client.execute(env=os.environ | {"PYTHONPATH": sources})  # this checkout, whatever is installed
    notebook.metadata = {key: notebook.metadata[key] for key in ("kernelspec", "language_info")}
    notebook.metadata["language_info"] = {"name": "python"}  # without the version of Python
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output.metadata = {}
    return notebook


if __name__ == "__main__":
    sys.exit(main())
