"""The page as a folder for any static host: the model runs in the browser, through ONNX and onnxruntime-web.

The runtime is the npm package, fetched when the folder is built or given as a path; this package does not contain it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ponderling.checkpoint import Checkpoint, load_checkpoint
from ponderling.config import Search
from ponderling.data import task_of
from ponderling.exchange.onnx_export import describe, export, need_onnx
from ponderling.halting import times_asked
from ponderling.models import build_model
from ponderling.solving.search import UNSURE
from ponderling.solving.solver import Solver
from ponderling.solving.vote import arc_of
from ponderling.tasks import answers_by_vote
from ponderling.tasks.arc import Arc
from ponderling.tasks.arc.files import ArcTask, Pair
from ponderling.tasks.relations import DIRECTIONS
from ponderling.web import catalog
from ponderling.web.arc_tasks import SYMMETRIES, offered_tasks, text_of

RUNTIME = "onnxruntime-web"
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""What the page loads of it; the licence goes along."""
RUNTIME_VERSION = "1.30.0"
RUNTIME_SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the published package, as `npm view onnxruntime-web@1.30.0 dist.integrity` says it: nothing else is fetched and run."""
GRAPH, SERVICE_WORKER = "model.onnx", "sw.js"
LICENCES = ("LICENSE", "LICENSE.md", "LICENSE.txt")
MOST_BYTES = 2**28
"""Largest file that is taken out of the package."""

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)

OFFERED = 60
"""Puzzles of each difficulty that go with the page."""

VIEWS = 16
"""Further views of an ARC task that go with the page; each costs a row of the puzzle embedding."""


def build_site(
    folder: Path,
    name: str,
    *,
    checkpoint: str,
    runtime: Path | None = None,
    arc_source: str = "default",
    address: str = "",
    code: Mapping[str, Any] | None = None,
) -> list[str]:
    """Writes the folder and gives the puzzle families on it. Whatever is raised, nothing of it is left behind.

    Args:
        folder: New or empty.
        name: Of the model, on the page.
        checkpoint: As in `load_checkpoint`.
        runtime: The npm package onnxruntime-web, as a folder or .tgz file, or a folder that this function has written; None:
            `npm pack` fetches it.
        arc_source: Of an ARC model, where its tasks are read; default: where its run names them.
        address: Where the folder will be found, such as https://example.org/demo/: links that are shared then show a picture.
        code: What `load_checkpoint` is told of the user's own code: trust, net, model.

    Raises:
        FileExistsError: when there is something in the folder.
        FileNotFoundError: without npm, or when the runtime lacks a file.
        ValueError: when the address is none, the runtime is not the published one, or the tasks of an ARC model cannot be read.
        ExportError: when the model cannot be written as a graph.
    """
    if (folder.is_symlink() or folder.exists()) and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already and not an empty folder: choose another")
    address = _whole(address)
    need_onnx()
    code = code or {}
    first = load_checkpoint(checkpoint, dtype="float32", **code)
    there = next(parent for parent in folder.absolute().parents if parent.exists())
    # Built beside, on the same disk, so that what fails half way leaves no half of a page.
    with tempfile.TemporaryDirectory(prefix=".ponderling-site-", dir=there) as temporary:
        built = Path(temporary) / "site"
        (built / "runtime").mkdir(parents=True)
        for file in _runtime(Path(temporary), runtime):
            shutil.copyfile(file, built / "runtime" / file.name)
        first, recursions = _single_recursions(first)
        if answers_by_vote(first.config.data.family):
            first, about = _with_arc(name, first, source=arc_source)
        elif arc_source != "default":
            raise ValueError(f"--data is for ARC models: got {arc_source}, and {name} is none")
        else:
            about = _about(name, checkpoint, first=first, code=code)
        about["models"][0]["recursions"] = recursions
        export(first, built / GRAPH)
        about["bytes"] = {name: (built / name).stat().st_size for name in (GRAPH, f"runtime/{RUNTIME_FILES[-1]}")}
        (built / "model.json").write_text(json.dumps(about, separators=(",", ":")), encoding="utf-8")
        _write_page(built, address)
        write_service_worker(built)
        folder.mkdir(parents=True, exist_ok=True)
        for file in built.iterdir():
            shutil.move(file, folder / file.name)
    return [family["task"] for family in about["models"][0]["tasks"]]


def _single_recursions(checkpoint: Checkpoint) -> tuple[Checkpoint, int]:
    """What the page runs, and how often in a supervision step: single recursions of a model that may stop after each."""
    count = times_asked(checkpoint.model, checkpoint.config)
    if count == 1:
        return checkpoint, 1
    if "own_network" in checkpoint.info:
        raise ValueError(f"{checkpoint.path}: a network of your own that may stop within a step cannot run on the page")
    config = replace(checkpoint.config, model=replace(checkpoint.config.model, T=1))
    single = build_model(config.model, checkpoint.shape, relations=task_of(config.data).relations)
    single.load_state_dict(checkpoint.model.state_dict())
    return replace(checkpoint, model=single.eval(), config=config), count


def _whole(address: str) -> str:
    """The address of a folder, with a slash at its end; empty where there is none.

    Raises:
        ValueError: when it is no such address.
    """
    if address and re.fullmatch(r"https?://[^\s\"'<>?#]+", address) is None:
        raise ValueError(
            f"--address takes the address of the folder, such as https://example.org/demo/: got {address!r}"
        )
    return address.rstrip("/") + "/" if address else ""


def _write_page(folder: Path, address: str) -> None:
    for part in ("page", "in_browser"):  # the second has its own client.js
        for file in (resources.files("ponderling.web") / part).iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    index = folder / "index.html"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    page = index.read_text(encoding="utf-8").replace("<head>", f"<head>\n    {policy}", 1)
    if address:  # those who show shared links want whole addresses
        page = re.sub(r'(<meta property="og:image" content=")(?!\w+:)', rf"\g<1>{address}", page)
    index.write_text(page, encoding="utf-8", newline="\n")


def write_service_worker(folder: Path) -> None:
    """Puts the list of the folder's files into its service worker, and a name that changes with their content."""
    template = (resources.files("ponderling.web") / "in_browser" / SERVICE_WORKER).read_text(encoding="utf-8")
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    names = [name for name in names if name != SERVICE_WORKER and not name.startswith("runtime/LICENSE")]
    content = hashlib.sha256()
    for name in names:
        content.update(f"{name} {hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n".encode())
    kept = ["./" if name == "index.html" else name for name in names]
    text = template.replace('"CONTENT"', json.dumps(content.hexdigest()[:16])).replace('["FILES"]', json.dumps(kept))
    (folder / SERVICE_WORKER).write_text(text, encoding="utf-8", newline="\n")


def _about(name: str, path: str, *, first: Checkpoint, code: Mapping[str, Any]) -> dict[str, Any]:
    """What /v1/models says, with what the loop around the graph must know; and puzzles to try."""
    own = first.config.data.family
    families, puzzles = [], {}
    for task in catalog.families(first):
        checkpoint = first if task == own else load_checkpoint(path, dtype="float32", task=task, **code)
        solver = Solver.of(checkpoint)
        by_difficulty = catalog.puzzles_by_difficulty(solver.task)
        puzzles[task] = {
            difficulty: [solver.task.format(tokens) for tokens in some.tokens[:OFFERED]]
            for difficulty, some in by_difficulty.items()
        }
        described = catalog.describe(solver, first.config.data.families)
        families.append(described | {"difficulties": list(by_difficulty), "graph": describe(checkpoint)})
    assert task_of(first.config.data).name == families[0]["task"]
    if catalog.is_sized(first):
        relations = task_of(first.config.data).relations
        assert relations is not None
        assert relations.neighbours is not None
        families[0]["sizes"] = catalog.sizes(first) | {"directions": DIRECTIONS[: relations.neighbours.touching]}
        families[0]["difficulties"].append(catalog.RANDOM)
    return {"models": [_model(name, first, families=families)], "puzzles": puzzles}


def _model(name: str, checkpoint: Checkpoint, *, families: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "system": checkpoint.config.model.system,
        "parameters": sum(p.numel() for p in checkpoint.model.parameters()),
        "steps": checkpoint.config.train.N_sup,
        "search": {"guess_every": Search().guess_every, "unsure": UNSURE},
        "tasks": families,
    }


def _with_arc(name: str, checkpoint: Checkpoint, *, source: str) -> tuple[Checkpoint, dict[str, Any]]:
    """An ARC checkpoint with those rows of the puzzle embedding alone that the page asks for, and what the page must know.

    An official one has a row for each of a thousand views of every task, a hundred times the network.
    """
    family = arc_of(checkpoint)
    tasks = offered_tasks(checkpoint, family, source=source)
    rows = {task: family.identifiers.rows(task, VIEWS) for task in tasks}
    cut = _with_rows(checkpoint, np.concatenate(list(rows.values())))
    solver = Solver(cut.model, family, config=cut.config)
    described = catalog.describe(solver, (family.name,)) | {"difficulties": [], "most_views": VIEWS}
    return cut, {
        "models": [_model(name, cut, families=[described | {"graph": describe(cut)}])],
        "symmetries": SYMMETRIES,
        "arc": _tasks(family, tasks, rows=rows),
    }


def _tasks(family: Arc, tasks: Mapping[str, ArcTask], *, rows: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each task's grids, and its views: the new place of the view's row, its symmetry, and the new colour of each colour."""
    known = family.identifiers
    described, place = [], 0
    for name, task in tasks.items():
        views = [
            [place + i, int(known.symmetries[row]), "".join(map(str, known.colours[row]))]
            for i, row in enumerate(rows[name])
        ]
        place += len(views)
        described.append(
            {
                "name": name,
                "role": known.tasks[name].role,
                "demos": [_pair(pair) for pair in task.demos],
                "tests": [_pair(pair) for pair in task.tests],
                "views": views,
            }
        )
    return described


def _pair(pair: Pair) -> dict[str, str | None]:
    return {"input": text_of(pair.input), "output": None if pair.output is None else text_of(pair.output)}


def _with_rows(checkpoint: Checkpoint, rows: Any) -> Checkpoint:
    """The checkpoint with these rows alone of its puzzle embedding, in this order; one without an embedding as it is."""
    embedding = checkpoint.model.puzzle_embedding
    if embedding is None:
        return checkpoint
    embedding.table = embedding.table[rows]
    return replace(checkpoint, shape=replace(checkpoint.shape, num_puzzles=len(rows)))


def _runtime(temporary: Path, given: Path | None) -> list[Path]:
    """The runtime's files, taken out of the package where need be."""
    package = given
    if package is None:
        npm = shutil.which("npm")  # on Windows npm.cmd, which its name alone does not start
        if npm is None:
            raise FileNotFoundError(
                f"npm is needed to fetch {RUNTIME}: install Node.js, or give the package's folder or .tgz file with --runtime"
            )
        packed = subprocess.run(
            [npm, "pack", f"{RUNTIME}@{RUNTIME_VERSION}", "--silent"],
            cwd=temporary,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=600,
        )
        fetched = sorted(temporary.glob("*.tgz"))
        if packed.returncode or not fetched:
            reason = (packed.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise FileNotFoundError(
                f"npm cannot fetch {RUNTIME} {RUNTIME_VERSION}: {reason}; give the package with --runtime"
            )
        package = fetched[0]
        found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if found != RUNTIME_SHA512:
            raise ValueError(
                f"npm gave another {RUNTIME} {RUNTIME_VERSION} than the one that was published: expected sha512 "
                f"{RUNTIME_SHA512[:16]}..., got {found[:16]}...; it is not used"
            )
    if package.is_file():
        package = _unpacked(package, temporary / "package")
    built = package / "runtime"  # of a folder that was written here
    folder, licences = (built, built) if built.is_dir() else (package / "dist", package)
    files = [*(folder / name for name in RUNTIME_FILES), *licences.glob("LICENSE*")]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{missing[0]}: not there; --runtime takes the npm package {RUNTIME}, a folder or .tgz file, "
            "or a folder that `ponderling site` has written"
        )
    return files


def _unpacked(archive: Path, folder: Path) -> Path:
    """The folder, with the runtime's files and licence from the npm package; no name in the archive becomes a path.

    Raises:
        ValueError: when the file is not a sound archive.
    """
    wanted = {f"package/dist/{name}": folder / "dist" / name for name in RUNTIME_FILES}
    wanted |= {f"package/{name}": folder / name for name in LICENCES}
    (folder / "dist").mkdir(parents=True)
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                file = wanted.get(member.name)
                content = opened.extractfile(member) if file is not None and member.isfile() else None
                if file is not None and content is not None:
                    if member.size > MOST_BYTES:
                        raise ValueError(f"{member.name} has {member.size:,} bytes")
                    file.write_bytes(content.read())
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise ValueError(f"{archive}: expected the npm package {RUNTIME}, a .tgz file: {error}") from error
    return folder
