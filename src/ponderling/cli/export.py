"""`ponderling export CHECKPOINT OUT`: as an ONNX graph, as a torch.export program, or for the official code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from ponderling.cli.arguments import FromHub, parse_arguments
from ponderling.cli.display import check_output
from ponderling.system import must_be_new

FORMATS = {".onnx": "onnx", ".pt2": "torch"}


@dataclass(frozen=True, kw_only=True)
class ExportCommand(FromHub):
    """What `ponderling export` takes."""

    checkpoint: Positional[str]
    """A run folder, a checkpoint folder, packaged weights (sudoku, sudoku-cpu, maze), or hf:owner/name[@revision]."""
    out: Positional[Path]
    """The file model.onnx or model.pt2; or a folder for the official files. What is there already is not overwritten."""
    to: Annotated[Literal["onnx", "torch", "official"] | None, tyro.conf.arg(aliases=["--format"])] = None
    """onnx: one supervision step as a graph; torch: the same as a torch.export program; official: step_N and its YAML for the
    repositories of TRM and HRM. Told from the ending of OUT if not given: .onnx, .pt2, anything else is official."""
    task: str | None = None
    """onnx, torch: describe the loop for another puzzle family, such as sudoku16; relational networks can."""
    prefix: Literal["compiled", "plain", "bare", "same"] = "same"
    """official: keys as saved with torch.compile, without it, of the bare model, or as imported (compiled for ours)."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        ExportCommand,
        args,
        prog="ponderling export",
        description="Writes a checkpoint for ONNX, for torch.export or for the official code.",
    )
    kind = command.to or FORMATS.get(command.out.suffix, "official")
    if kind == "official":
        if command.task is not None:
            raise ValueError("--task is for onnx and torch: an official checkpoint does not name its task")
        if command.net is not None or command.trust:
            raise ValueError(
                "--net and --trust are for onnx and torch: official files hold the weights, and no code is run"
            )
        return _official(command)
    if command.prefix != "same":
        raise ValueError(f"--prefix is for official checkpoints: got {command.prefix} with {kind}")
    return _graph(command, kind)


def _official(command: ExportCommand) -> int:
    from ponderling.checkpoint import MODEL, find_checkpoint, read_config, read_safetensors
    from ponderling.exchange.official import PREFIXES, write_official

    command.code()  # refuses a token that is for nothing
    folder = find_checkpoint(command.checkpoint, command.token)
    config, shape, info = read_config(folder)
    prefixes: dict[str, str] = dict(zip(("compiled", "plain", "bare"), PREFIXES, strict=True))
    tensors = read_safetensors(folder / MODEL)
    try:
        file = write_official(
            command.out, tensors, config=config, info=info, prefix=prefixes.get(command.prefix), shape=shape
        )
    except ValueError as error:
        if command.to is not None:
            raise
        raise ValueError(f"{error}; for a graph name a file that ends in .onnx or .pt2: got {command.out}") from error
    beside = (
        "all_config.yaml, identifiers.json" if "identifiers" in info else "all_config.yaml"
    ) + " and ponderling.json"
    print(f"written to {file}, {beside} beside it", file=sys.stderr)
    return 0


def _graph(command: ExportCommand, kind: str) -> int:
    from ponderling.checkpoint import load_checkpoint
    from ponderling.exchange.onnx_export import export, need_onnx

    if kind == "onnx":
        need_onnx()
    must_be_new(command.out, advice="choose another name")
    check_output(command.out)
    checkpoint = load_checkpoint(command.checkpoint, dtype="float32", task=command.task, **command.code())
    print("tracing the network, which takes up to a minute or two", file=sys.stderr)
    worst = max(export(checkpoint, command.out, kind=kind).values())
    size = command.out.stat().st_size
    print(
        f"{command.out}: {size / 1e6:.1f} MB; over four steps at most {worst:.0e} from torch, as a share of a tensor's "
        "largest value",
        file=sys.stderr,
    )
    return 0
