"""A model for programs without Ponderling: one supervision step as an ONNX graph or a torch.export program.

The graph takes tokens and the state, and gives the next state, `logits` and `q`; the loop around it is ten lines, in
docs/export.md. What the loop must know (the state to start from, when to stop) is the JSON text of `describe`, which lies
in the file's metadata under the key `ponderling`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ponderling.checkpoint import Checkpoint
from ponderling.config import PuzzleShape
from ponderling.data import task_of
from ponderling.exchange.deviation import largest_deviation
from ponderling.exchange.onnx_graph import Step, graph_step, onnx_model
from ponderling.losses import NEVER
from ponderling.models.ties import areas
from ponderling.system import write_atomically
from ponderling.tasks.base import PuzzleError, Task
from ponderling.tasks.custom import Grids

OPSET = 18
"""Version of the ONNX operators, chosen so that onnxruntime and onnxruntime-web (wasm) run it everywhere."""

METADATA = "ponderling"
"""The key of the description in an ONNX file's metadata; in a torch.export file it is the extra file `ponderling.json`."""

TOLERANCE = 1e-4
"""Most that a written graph may differ from the model, as a share of a tensor's largest value, or absolute below 1."""

ROUNDINGS, MOST_TOLERANCE = 10, 1e-3
"""A graph may also differ by so many times what a rounding of its state makes of the model itself, and at most by the second:
where a maze's network decides, a rounding can grow to a ten-thousandth within a step."""

MOST_BYTES = 2_000_000_000
"""An ONNX file is one protobuf message, which can hold no more."""

Arrays = dict[str, NDArray[Any]]


class ExportError(RuntimeError):
    """The model cannot be written as a graph, or the graph does not compute what the model does."""


def describe(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a loop around the graph must know, as plain JSON values.

    `state` holds for each state tensor the vector it starts from, the same at every position: broadcast it to
    (B, *state_shape). `characters` are the texts of the tokens, none for padding. `stop_above` is the value of q above which
    `ponderling solve` stops; with `stop_by` cells not of q but of log(p / (1 - p)), p being the least probability that a cell's
    likeliest token has.
    """
    config, shape, model = checkpoint.config, checkpoint.shape, checkpoint.model
    task, step = task_of(config.data), _step_of(checkpoint)
    sure = config.solve.halt_when_sure
    about: dict[str, Any] = {
        "format": 1,
        "system": config.model.system,
        "task": config.data.family,
        "grid": list(task.grid_shape),
        "vocab_size": shape.vocab_size,
        "characters": _characters(task, shape),
        "steps": config.train.N_sup,
        "stop_above": float(np.log(sure / (1 - sure))),
        "stop_by": "cells" if config.solve.halt_by == "cells" else "q",
        "probabilities": config.train.loss.split("_")[0],
        "state": {name: row.float().tolist() for name, row in zip(model.state_names, model.initial, strict=True)},
        "state_shape": list(model.initial_state(1)[0].shape[1:]),
        "inputs": step.input_names,
        "outputs": step.output_names,
    }
    if model.relation_names:
        relations = task.relations
        assert relations is not None
        if relations.symbols:
            about["first_symbol"] = min(relations.symbols)
        if relations.neighbours is not None:
            about["neighbours"] = [list(cells) for cells in relations.neighbours.cells]
            about["touching"] = relations.neighbours.touching or len(relations.neighbours.cells)
        about["members"] = {f"members_{name}": [list(g) for g in groups] for name, groups in relations.groups.items()}
    return about


def _step_of(checkpoint: Checkpoint) -> Step:
    return graph_step(checkpoint.model, halts_by_difference=checkpoint.config.train.halting == "halt_continue").eval()


def _characters(task: Task, shape: PuzzleShape) -> list[str]:
    """The text of each token, as puzzles are written; "" for padding. Your own grids may have words for symbols."""
    if isinstance(task, Grids):
        grids = (np.full(shape.seq_len, token, np.uint8) for token in range(1, shape.vocab_size))
        return ["", *(task.render(grid)[0][0] for grid in grids)]
    return list(task.characters)


def initial_inputs(about: Mapping[str, Any], tokens: NDArray[np.integer]) -> Arrays:
    """All inputs of the first step for questions (B, L), puzzle ids left out."""
    inputs: Arrays = {"tokens": np.asarray(tokens, np.int32)}
    for name, vector in about["state"].items():
        inputs[name] = np.broadcast_to(np.float32(vector), (len(tokens), *about["state_shape"])).copy()
    for name, groups in about.get("members", {}).items():
        inputs[name] = np.zeros((len(groups), about["state_shape"][0]), np.float32)
        for row, cells in zip(inputs[name], groups, strict=True):
            row[cells] = 1
    if "neighbours" in about:
        cells = np.asarray(about["neighbours"], np.int32)
        inputs["neighbours"] = np.where(cells < 0, cells.shape[1], cells).astype(np.int32)
    if "areas" in about["inputs"]:
        inputs["areas"] = (
            areas(
                torch.from_numpy(inputs["tokens"]).long(),
                torch.from_numpy(inputs["neighbours"][: about["touching"]]).long(),
            )
            .float()
            .numpy()
        )
    return inputs


def export(checkpoint: Checkpoint, file: str | Path, *, kind: str = "onnx") -> dict[str, float]:
    """Writes the graph, runs it beside the model, and gives the largest deviation of every output.

    Args:
        checkpoint: With float32 activations, on the CPU.
        file: What to write; whole or not at all.
        kind: onnx, or torch for a torch.export program.

    Raises:
        ExportError: when the graph differs from the model by more than roundings explain, or the file would be too large.
        ValueError: for activations other than float32, and for grids of several sizes whose own edges count.
        ModuleNotFoundError: for ONNX without the extra `onnx`.
    """
    if checkpoint.config.model.dtype != "float32":
        raise ValueError(f"load the checkpoint with dtype float32 to export it: got {checkpoint.config.model.dtype}")
    relations = task_of(checkpoint.config.data).relations
    if relations is not None and relations.neighbours is not None and relations.neighbours.canvas is not None:
        raise ValueError(
            "grids of several sizes whose own edges touch (structure wraps), that are turned (structure images), repeated "
            "(structure grows) or rearranged (structure copies), cannot be exported, since every grid has other neighbours: "
            "train without these items, or on grids of one size"
        )
    if kind == "onnx":
        need_onnx()
    step, about = _step_of(checkpoint), describe(checkpoint)
    write, load = {"onnx": (_write_onnx, _load_onnx), "torch": (_write_torch, _load_torch)}[kind]
    deviations: dict[str, float] = {}

    def write_and_compare(path: Path) -> None:
        with _quietly():
            write(step, about, path=path)
        deviations.update(compare(checkpoint, step, about=about, run=load(path)))

    write_atomically(Path(file), write_and_compare)
    return deviations


def compare(
    checkpoint: Checkpoint, step: Step, *, about: Mapping[str, Any], run: Callable[[Arrays], Arrays], steps: int = 4
) -> dict[str, float]:
    """The largest deviation of each output from the model's, in each of some steps of batches of one and of three puzzles.

    Each step begins from the model's own state: many steps would add up how roundings grow, which is not the graph's fault.

    Raises:
        ExportError: when one is beyond what roundings explain, of another shape or not finite, or an output is missing.
    """
    largest = _deviations(checkpoint, step, about=about, run=run, steps=steps)
    worst = max(largest, key=lambda name: largest[name])
    if largest[worst] <= TOLERANCE:
        return largest
    own = max(
        _deviations(checkpoint, step, about=about, run=partial(_run_torch, step), steps=steps, disturbed=True).values()
    )
    if not largest[worst] <= min(ROUNDINGS * own, MOST_TOLERANCE):
        problem = (
            f"the graph's {worst} differs from the model's by {largest[worst]:.1e} in one of {steps} steps, more than "
            f"{TOLERANCE:.0e}"
        )
        if own > TOLERANCE:
            problem += (
                f"; but so does the model itself, by {own:.1e}, when its state is changed by a rounding: it is "
                "chaotic, as networks are that were hardly trained, and nothing can be compared with it"
            )
        raise ExportError(f"{problem}; no file is written")
    return largest


def _deviations(
    checkpoint: Checkpoint,
    step: Step,
    *,
    about: Mapping[str, Any],
    run: Callable[[Arrays], Arrays],
    steps: int,
    disturbed: bool = False,
) -> dict[str, float]:
    """See `compare`; disturbed: `run` gets a state that is changed by the rounding of float32."""
    largest: dict[str, float] = {}
    for questions in (_questions(checkpoint, 1), _questions(checkpoint, 3)):
        ours = initial_inputs(about, questions)
        if step.has_puzzle_ids:
            ours["puzzle_ids"] = (np.arange(len(questions)) % checkpoint.shape.num_puzzles).astype(np.int32)
        for _ in range(steps):
            theirs = dict(ours)
            if disturbed:
                theirs |= {name: np.nextafter(ours[name], np.float32(np.inf)) for name in step.state_names}
            expected, got = _run_torch(step, ours), run(theirs)
            for name, value in expected.items():
                if name not in got:
                    raise ExportError(f"the graph has no output {name}: it has {', '.join(got)}; no file is written")
                if not np.isfinite(value).all():
                    raise ExportError(
                        f"the model's own {name} is not finite: its weights are broken, train it anew; no file is written"
                    )
                possible = np.abs(value[value > NEVER])  # without the constant of tokens that no cell can be
                deviation = largest_deviation(value, got[name]) / max(1.0, float(possible.max(initial=0.0)))
                largest[name] = max(largest.get(name, 0.0), deviation)
            for name in step.state_names:
                ours[name] = expected[f"next_{name}"]
    return largest


def _questions(checkpoint: Checkpoint, count: int) -> NDArray[np.uint8]:
    """Puzzles of the task to compare on; random cells where none come with it."""
    try:
        return task_of(checkpoint.config.data).load_default("test").tokens[:count]
    except PuzzleError:
        shape = checkpoint.shape
        return np.random.default_rng(0).integers(1, shape.vocab_size, (count, shape.seq_len)).astype(np.uint8)


@torch.inference_mode()
def _run_torch(step: Step, inputs: Arrays) -> Arrays:
    outputs = step(*(torch.from_numpy(inputs[name]) for name in step.input_names))
    return {name: value.numpy() for name, value in zip(step.output_names, outputs, strict=True)}


def _example(step: Step, about: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Inputs to trace with."""
    arrays = initial_inputs(about, np.ones((3, about["grid"][0] * about["grid"][1]), np.int32))
    if step.has_puzzle_ids:
        arrays["puzzle_ids"] = np.zeros(3, np.int32)
    return tuple(torch.from_numpy(arrays[name]) for name in step.input_names)


@torch.no_grad()
def _program(step: Step, about: Mapping[str, Any]) -> torch.export.ExportedProgram:
    axes = step.axes
    shapes = [dict.fromkeys(axes[name], torch.export.Dim.DYNAMIC) for name in step.input_names]
    dynamic = {"tokens": shapes[0], "others": tuple(shapes[1:])}
    return torch.export.export(step, _example(step, about), dynamic_shapes=dynamic, strict=False)


def _write_torch(step: Step, about: Mapping[str, Any], *, path: Path) -> None:
    packed = io.BytesIO()  # torch refuses file names that do not end in .pt2, such as those of unfinished files
    torch.export.save(_program(step, about), packed, extra_files={f"{METADATA}.json": json.dumps(about)})
    path.write_bytes(packed.getvalue())


def _load_torch(path: Path) -> Callable[[Arrays], Arrays]:
    texts = {f"{METADATA}.json": ""}
    with path.open("rb") as file, _quietly():
        module = torch.export.load(file, extra_files=texts).module()
    about = json.loads(texts[f"{METADATA}.json"])

    def run(inputs: Arrays) -> Arrays:
        with torch.no_grad():
            outputs = module(*(torch.from_numpy(inputs[name]) for name in about["inputs"]))
        return {name: value.numpy() for name, value in zip(about["outputs"], outputs, strict=True)}

    return run


def need_onnx() -> None:
    """Raises ModuleNotFoundError where the extra is missing, before anything is computed."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(f"ONNX needs the package {package}: pip install 'ponderling[onnx]'")


def _write_onnx(step: Step, about: Mapping[str, Any], *, path: Path) -> None:
    import onnx_ir

    size = sum(tensor.nbytes for tensor in step.state_dict().values())
    if size > MOST_BYTES:
        raise ExportError(
            f"the model's {size / 1e9:.1f} GB do not fit into one ONNX file, which holds 2: write a torch.export program "
            "(--format torch), or import the checkpoint again with fewer puzzles (--num-puzzles)"
        )
    with torch.no_grad():
        model = onnx_model(step, _example(step, about), opset=OPSET)
    model.metadata_props[METADATA] = json.dumps(about)
    onnx_ir.save(model, path)


def _load_onnx(path: Path) -> Callable[[Arrays], Arrays]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Arrays) -> Arrays:
        outputs: list[Any] = list(session.run(names, inputs))
        return dict(zip(names, outputs, strict=True))

    return run


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without torch's notes on its own code, and on packages that no model of ours needs."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
