"""`ponderling data export`: a file of puzzles, or a task's own, as a data set that the official repositories train on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from ponderling.cli.arguments import parse_arguments
from ponderling.cli.data.sniff import guess_task, holds_arc, holds_grids
from ponderling.system import must_be_new

if TYPE_CHECKING:
    from ponderling.tasks.base import Puzzles, Task


@dataclass(frozen=True, kw_only=True)
class ExportCommand:
    """What `ponderling data export` takes."""

    source: Positional[str]
    """A file of puzzles or grids, a folder in the official layout, or the name of a task for its own puzzles."""
    out: Path
    """Folder for the data set; one that is there already is not overwritten."""
    format: Literal["official", "jsonl"] = "official"
    """official: the folders of the official HRM and TRM repositories; jsonl: train.jsonl and test.jsonl, one pair a line."""
    task: str | None = None
    """The puzzle family whose tokens to use, such as sudoku9; of CSV files of Sudokus it is told from the file."""
    test: str | None = None
    """Another file with the test puzzles; a tenth of the questions if not given, where the file does not say."""


def main(args: list[str]) -> int:
    """Runs the verb."""
    command = parse_arguments(
        ExportCommand,
        args,
        prog="ponderling data export",
        description="Writes a data set for the official HRM and TRM repositories.",
    )
    task, parts = _parts(command)
    if command.format == "jsonl":
        _write_jsonl(command.out, task, parts=parts)
    else:
        _write_official(command.out, task, parts=parts)
    counts = ", ".join(f"{len(puzzles):,} in {name}" for name, puzzles in parts.items())
    print(f"{command.out}: {counts}, {task.vocab_size} tokens, {parts['train'].tokens.shape[1]} cells", file=sys.stderr)
    return 0


def _parts(command: ExportCommand) -> tuple[Task, dict[str, Puzzles]]:
    """The task, and its training and test puzzles."""
    from ponderling.data import grid_config
    from ponderling.tasks import get_task
    from ponderling.tasks.custom.family import Grids
    from ponderling.tasks.custom.split import held_out, load_grids
    from ponderling.tasks.grid_task import GridTask
    from ponderling.tasks.split import alike, class_keys, refuse_shared

    path = Path(command.source)
    if command.task is None and holds_arc(command.source):
        raise ValueError(f"{path}: ARC tasks are not exported: the official builder reads such files itself")
    if not path.exists():
        if path.suffix or path.name != command.source:
            raise FileNotFoundError(f"{path}: no such file")
        if command.test is not None or command.task is not None:
            raise ValueError(
                f"--test and --task go with a file: {command.source} is a task, with test puzzles of its own"
            )
        task = get_task(command.source)
        return task, {split: task.load_default(split) for split in ("train", "test")}
    if command.task is None and holds_grids(path):
        data = grid_config(command.source, command.test)
        task = Grids.of(data)
        parts = load_grids(task, data.train, test=data.test)
        return task, {"train": parts.train.puzzles, "test": parts.test.puzzles}
    task = get_task(command.task) if command.task else guess_task(path)
    puzzles = task.read(path)
    if command.test is not None:
        tested = task.read(command.test)
        if isinstance(task, GridTask):
            shared, sources = alike(task, tested, others=puzzles), (command.source, command.test)
            refuse_shared(task, puzzles, test=tested, shared=shared, sources=sources, advice="leave out --test")
        return task, {"train": puzzles, "test": tested}
    test = held_out(class_keys(task, puzzles).tolist(), path)
    return task, {"train": puzzles[(~test).nonzero()[0]], "test": puzzles[test.nonzero()[0]]}


def _write_official(out: Path, task: Task, *, parts: dict[str, Puzzles]) -> None:
    from ponderling.tasks.base import PAD
    from ponderling.tasks.official_layout import write_layout

    num_puzzles = max(task.num_puzzles(puzzles) for puzzles in parts.values())
    padded = any((grid == PAD).any() for puzzles in parts.values() for grid in (puzzles.tokens, puzzles.labels))
    write_layout(out, parts, vocab_size=task.vocab_size, num_puzzles=num_puzzles, grid=task.layout_facts(padded=padded))


def _write_jsonl(out: Path, task: Task, *, parts: dict[str, Puzzles]) -> None:
    files = {out / f"{name}.jsonl": puzzles for name, puzzles in parts.items()}
    must_be_new(*files)
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    try:
        for file, puzzles in files.items():
            task.write_pairs(file, puzzles)
            written.append(file)
    except BaseException:
        for file in written:  # the half of a data set would only be in the way of the next try
            file.unlink(missing_ok=True)
        raise
