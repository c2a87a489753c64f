"""A whole run's settings, and what a network must know of its puzzles."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field

from ponderling.config.data import DataConfig
from ponderling.config.kinds import kind_problems
from ponderling.config.model import ModelConfig
from ponderling.config.numbers import number_problems
from ponderling.config.problems import refuse
from ponderling.config.running import RuntimeConfig
from ponderling.config.solving import SolveConfig
from ponderling.config.training import TrainConfig
from ponderling.tasks.custom.spec import MOST_CELLS


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A whole run: what `ponderling train` takes and a checkpoint's config.json holds."""

    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)
    run: RuntimeConfig = field(default_factory=RuntimeConfig, kw_only=True)
    solve: SolveConfig = field(default_factory=SolveConfig, kw_only=True)

    def __post_init__(self) -> None:
        refuse(kind_problems(self))
        if self.model.latents == "many" and any(phase.n not in (None, self.model.n) for phase in self.train.phases):
            refuse(["latents many carries a latent for each of n steps: a phase cannot have another n"])
        if self.model.system == "relational" and self.train.halting == "halt_continue":
            refuse(["system relational has no continue logit to learn: halting must be halt, got halt_continue"])
        for phase in self.train.phases:
            others = [name for name in phase.tasks.split("+") if name and name not in self.data.families]
            if others:
                refuse(
                    [
                        f"train.phases until {phase.until}: tasks must be among those of the run, {self.data.task}: got "
                        + ", ".join(others)
                    ]
                )


@dataclass(frozen=True)
class PuzzleShape:
    """What a network must know of its puzzles; from the task when training, from config.json afterwards."""

    vocab_size: int
    """V, number of tokens, padding included."""
    seq_len: int
    """L, number of cells in a grid."""
    _: KW_ONLY
    num_puzzles: int = 1
    """Number of rows of the puzzle embedding."""
    columns: int = 0
    """Number of columns of the grid, for mixer neighbours; 0 if unknown."""

    def __post_init__(self) -> None:
        refuse(number_problems(self, {"vocab_size": 2**16, "seq_len": MOST_CELLS, "columns": MOST_CELLS}))
        refuse(
            [
                f"{name} must be at least {least}: got {value}"
                for name, value, least in (
                    ("vocab_size", self.vocab_size, 1),
                    ("seq_len", self.seq_len, 1),
                    ("num_puzzles", self.num_puzzles, 1),
                    ("columns", self.columns, 0),
                )
                if value < least
            ]
        )
