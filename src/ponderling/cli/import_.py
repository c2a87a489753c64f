"""`ponderling import PATH --out DIR`: a checkpoint of the official HRM or TRM code becomes one of ours."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from ponderling.cli.arguments import parse_arguments
from ponderling.exchange.import_options import ImportOptions
from ponderling.system import FolderLock, must_be_new


@dataclass(frozen=True, kw_only=True)
class ImportCommand(ImportOptions):
    """What `ponderling import` takes."""

    path: Positional[Path]
    """The official checkpoint: the file step_N or checkpoint, or its folder."""
    out: Path
    """Folder for the checkpoint of ours; one that is there already is not overwritten."""
    json: bool = False
    """Print one JSON object on stdout."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        ImportCommand,
        args,
        prog="ponderling import",
        description="Reads a checkpoint of the official HRM or TRM code and writes it as ours.",
    )
    from ponderling.checkpoint import BEST, CONFIG, LAST, refuse_occupied, save_checkpoint
    from ponderling.exchange.official import build_imported, read_official
    from ponderling.models import count_parameters
    from ponderling.tasks import answers_by_vote

    must_be_new(
        *(folder / CONFIG for folder in (command.out, command.out / BEST, command.out / LAST)), holds="a checkpoint"
    )
    refuse_occupied(command.out)
    imported = read_official(command.path, command)
    model = build_imported(imported, str(command.path))
    with FolderLock(command.out):
        refuse_occupied(command.out)  # again: reading took a while
        save_checkpoint(command.out, imported.tensors, config=imported.config, shape=imported.shape, info=imported.info)
    config, shape = imported.config, imported.shape
    named: dict[str, str] = imported.info.get("identifiers", {}).get("tasks", {})
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
        "named_tasks": len(named),
        "named_test_tasks": sum(task.startswith("test ") for task in named.values()),
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
    if answers_by_vote(config.data.task):
        print(_about_names(facts), file=sys.stderr)
    return 0


def _about_names(facts: dict[str, Any]) -> str:
    """One line on the ARC tasks that the checkpoint knows."""
    if not facts["named_tasks"]:
        return (
            "none of its tasks has a name, so that it can learn new ones (`ponderling adapt`) but not solve its own: import it "
            "with --identifiers and the identifiers.json of its data set"
        )
    tests = facts["named_test_tasks"]
    return f"{facts['named_tasks']:,} tasks known by name, " + (
        f"{tests:,} of them to be solved, the others trained on with all pairs"
        if tests
        else "all taken for trained on with all pairs: beside identifiers.json there is neither test_puzzles.json nor test/"
    )
