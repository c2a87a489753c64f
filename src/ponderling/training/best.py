"""The best weights of a run are those with the highest validation score. They are saved as `best/` and tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from ponderling.checkpoint import BEST, MODEL, CheckpointError, read_config, read_safetensors
from ponderling.training.distributed import World


class BestWeights:
    """The best weights so far, and whether they are saved.

    Args:
        out: The run folder.
        world: The processes that train together, of which the first reads the folder.
    """

    def __init__(self, out: Path, world: World):
        self.folder, self.world = out / BEST, world
        self.chosen: dict[str, Any] | None = None
        """The step and the rank of the best weights; None before the first validation."""
        self.due: Mapping[str, Any] | None = None
        """Validation figures of the weights that are best and not saved as such; None where nothing is to be saved."""

    def judge(self, figures: Mapping[str, Any], step: int) -> bool:
        """Whether the weights of this step, which scored so, are the best so far; they are then to be saved."""
        # Right cells decide between equals in exact match, and of wholly equal checkpoints the later is kept.
        rank = [figures["exact"], figures["cells"]]
        is_best = self.chosen is None or rank >= self.chosen["rank"]
        if is_best:
            self.chosen, self.due = {"step": step, "rank": rank}, figures
        return is_best

    @property
    def is_missing(self) -> bool:
        """Whether `best/` does not hold the weights that were chosen, which a kill may have left unwritten."""
        return self.chosen is not None and self.world.from_first(self._saved_step) != self.chosen["step"]

    def _saved_step(self) -> Any:
        """The step of which the weights in `best/` are; None where it cannot be read."""
        try:
            return read_config(self.folder)[2].get("step") if (self.folder / MODEL).is_file() else None
        except CheckpointError:
            return None

    @contextmanager
    def lent_to(self, model: nn.Module) -> Iterator[None]:
        """Gives a model the best weights, and its own back at the end; where none were chosen it keeps its own."""
        live = {key: value.clone() for key, value in model.state_dict().items()}
        if self.chosen is not None:
            model.load_state_dict(self.world.from_first(lambda: read_safetensors(self.folder / MODEL)))
        try:
            yield
        finally:
            model.load_state_dict(live)
