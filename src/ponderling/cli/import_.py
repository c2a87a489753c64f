"""`ponderling import PATH --out DIR`: a checkpoint of the official HRM or TRM code becomes one of ours."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, fields
from pathlib import Path

from tyro.conf import Positional

from ponderling.cli.arguments import parse_arguments
from ponderling.config import DType


@dataclass(frozen=True)
class ImportCommand:
    """What `ponderling import` takes."""

    path: Positional[Path]
    """The official checkpoint: the file step_N or checkpoint, or its folder."""
    out: Path
    """Folder for the checkpoint of ours; one that is there already is not overwritten."""
    config: Path | None = None
    """The all_config.yaml, if it does not lie beside the checkpoint."""
    seq_len: int | None = None
    """Cells of a grid, where the files do not tell: 81 for Sudoku, 900 for mazes and ARC."""
    task: str | None = None
    """The puzzle family, such as sudoku9: needed to solve and evaluate."""
    num_puzzles: int | None = None
    """Make room for so many puzzle ids; if the checkpoint has another number, every row becomes its mean row."""
    num_heads: int | None = None
    """Attention heads, for a checkpoint without YAML."""
    n: int | None = None
    """Latent steps (official L_cycles), for a checkpoint without YAML, or in place of the YAML's."""
    T: int | None = None
    """Recursions (official H_cycles), for a checkpoint without YAML, or in place of the YAML's."""
    N_sup: int | None = None
    """Most supervision steps (official halt_max_steps), for a checkpoint without YAML; 16 if not given."""
    prefix_len: int | None = None
    """Tokens in front of the grid (official puzzle_emb_len), for a checkpoint without YAML."""
    dtype: DType | None = None
    """Activations' type; the checkpoint's own, mostly bfloat16, if not given."""
    json: bool = False
    """Print one JSON object on stdout."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        ImportCommand,
        args,
        "ponderling import",
        "Reads a checkpoint of the official HRM or TRM code and writes it as ours.",
    )
    from ponderling.checkpoint import CONFIG, save_checkpoint
    from ponderling.models import count_parameters
    from ponderling.official import Given, build_imported, read_official

    if (command.out / CONFIG).exists():
        raise FileExistsError(f"{command.out} holds a checkpoint already: choose another --out")
    imported = read_official(command.path, Given(**{f.name: getattr(command, f.name) for f in fields(Given)}))
    model = build_imported(imported, str(command.path))
    save_checkpoint(command.out, imported.tensors, imported.config, imported.shape, imported.info)
    config, shape = imported.config, imported.shape
    facts = {
        "out": str(command.out),
        "system": config.model.system,
        "parameters": count_parameters(model),
        "seq_len": shape.seq_len,
        "vocab_size": shape.vocab_size,
        "num_puzzles": shape.num_puzzles,
        "n": config.model.n,
        "T": config.model.T,
        "N_sup": config.train.N_sup,
        "dtype": config.model.dtype,
        "task": config.data.task,
    }
    if command.json:
        print(json.dumps(facts))
        return 0
    print(
        f"{config.model.system.upper()}, {facts['parameters']:,} parameters, {shape.seq_len} cells, {shape.vocab_size} tokens, "
        f"{shape.num_puzzles:,} puzzle ids, n {config.model.n}, T {config.model.T}, {config.model.dtype}, "
        f"task {config.data.task}: written to {command.out}",
        file=sys.stderr,
    )
    return 0
