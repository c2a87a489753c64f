"""The page as a folder for any static host: the model runs in the browser, through ONNX and onnxruntime-web.

The runtime is the npm package, fetched when the folder is built or given as a path; it is no part of this package.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from ponderling.checkpoint import Checkpoint, load_checkpoint
from ponderling.data import task_of
from ponderling.inference import Solver
from ponderling.onnx_export import Step, describe, export, need_onnx
from ponderling.web import offers

RUNTIME = "onnxruntime-web"
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""What the page loads of it; the licence goes along."""

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)

OFFERED = 60
"""Puzzles of each difficulty that go with the page."""


def build_site(folder: Path, name: str, checkpoint: str, runtime: Path | None = None) -> list[str]:
    """Writes the folder and gives the puzzle families on it.

    Args:
        folder: New or empty.
        name: Of the model, on the page.
        checkpoint: As in `load_checkpoint`.
        runtime: The npm package onnxruntime-web, as a folder or .tgz file; None: `npm pack` fetches it.

    Raises:
        FileExistsError: when there is something in the folder.
        FileNotFoundError: without npm, or when the runtime lacks a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already and not an empty folder: choose another")
    need_onnx()
    first = load_checkpoint(checkpoint, dtype="float32")
    with tempfile.TemporaryDirectory() as temporary:
        files = _runtime(Path(temporary), runtime)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "runtime").mkdir()
        for file in files:
            shutil.copyfile(file, folder / "runtime" / file.name)
    export(first, folder / "model.onnx")
    about = _about(name, checkpoint, first)
    (folder / "model.json").write_text(json.dumps(about, separators=(",", ":")))
    for part in ("page", "in_browser"):  # the second has its own client.js
        for file in (resources.files("ponderling.web") / part).iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    index = folder / "index.html"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    index.write_text(index.read_text().replace("<head>", f"<head>\n    {policy}", 1))
    return [family["task"] for family in about["models"][0]["tasks"]]


def _about(name: str, path: str, first: Checkpoint) -> dict[str, Any]:
    """What /v1/models says, with what the loop around the graph must know; and puzzles to try."""
    own = first.config.data.task
    families, puzzles = [], {}
    for task in offers.families(first):
        checkpoint = first if task == own else load_checkpoint(path, dtype="float32", task=task)
        solver = Solver.of(checkpoint)
        names = Step(checkpoint.model, first.config.train.halting == "halt_continue").input_names
        by_difficulty = offers.puzzles_by_difficulty(solver.task)
        puzzles[task] = {
            difficulty: [solver.task.format(tokens) for tokens in some.tokens[:OFFERED]]
            for difficulty, some in by_difficulty.items()
        }
        graph = describe(checkpoint) | {"inputs": names}
        described = offers.describe(solver, own)
        families.append(described | {"difficulties": list(by_difficulty), "graph": graph})
    model = {
        "name": name,
        "system": first.config.model.system,
        "parameters": sum(p.numel() for p in first.model.parameters()),
        "steps": first.config.train.N_sup,
        "tasks": families,
    }
    assert task_of(first.config.data).name == families[0]["task"]
    return {"models": [model], "puzzles": puzzles}


def _runtime(temporary: Path, given: Path | None) -> list[Path]:
    """The runtime's files, taken out of the package where need be."""
    package = given
    if package is None:
        if shutil.which("npm") is None:
            raise FileNotFoundError(
                f"npm is needed to fetch {RUNTIME}: install Node.js, or give the package's folder or .tgz file with --runtime"
            )
        packed = subprocess.run(
            ["npm", "pack", RUNTIME, "--silent"],
            cwd=temporary,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if packed.returncode:
            reason = (packed.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FileNotFoundError(f"npm cannot fetch {RUNTIME}: {reason}; give the package with --runtime")
        package = next(temporary.glob("*.tgz"))
    if package.is_file():
        with tarfile.open(package) as archive:
            archive.extractall(temporary, filter="data")
        package = temporary / "package"
    files = [*(package / "dist" / name for name in RUNTIME_FILES), *package.glob("LICENSE*")]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{missing[0]}: not there; --runtime takes the npm package {RUNTIME}, a folder or .tgz file"
        )
    return files
