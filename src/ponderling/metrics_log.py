"""Where a run's numbers go: `metrics.jsonl`, one JSON object a line, and TensorBoard if asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ponderling.files import write_atomically


class MetricsLog:
    """Appends to `metrics.jsonl` in the run folder; lines after `step` (of a part that is run again) are dropped first.

    Args:
        folder: The run folder.
        step: The optimizer step that the run goes on from; 0 for a new run.
        tensorboard: Write TensorBoard event files too.

    Raises:
        ModuleNotFoundError: for TensorBoard without the extra `track`.
    """

    def __init__(self, folder: Path, step: int, tensorboard: bool = False):
        self.path = folder / "metrics.jsonl"
        kept = [line for line in _lines(self.path) if json.loads(line)["step"] <= step]
        write_atomically(self.path, lambda path: path.write_text("".join(kept)))
        self._file = self.path.open("a")
        self._tensorboard = _summary_writer(folder, step) if tensorboard else None

    def write(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """One line; `kind` is train, eval or test."""
        self._file.write(json.dumps({"kind": kind, "step": step, **values}) + "\n")
        self._file.flush()
        if self._tensorboard is not None:
            for name, value in values.items():
                if isinstance(value, int | float):
                    self._tensorboard.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Ends both files."""
        self._file.close()
        if self._tensorboard is not None:
            self._tensorboard.close()


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Every line that a run has written so far.

    Raises:
        ValueError: when the folder holds no metrics.jsonl, or a line of it is damaged.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        raise ValueError(f"{folder}: no metrics.jsonl in it: not a run folder")
    lines = []
    for number, line in enumerate(_lines(path), 1):
        try:
            lines.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path} line {number}: not JSON: {error}") from error
    return lines


def _lines(path: Path) -> list[str]:
    """The file's whole lines; a last line that a killed process left unfinished is not one."""
    if not path.exists():
        return []
    return [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _summary_writer(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "train.tensorboard needs the package tensorboard: pip install 'ponderling[track]'"
        ) from error
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
