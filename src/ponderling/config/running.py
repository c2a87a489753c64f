"""Where a run computes, and what it writes along the way; nothing here changes the numbers of training."""

from __future__ import annotations

from dataclasses import dataclass

from ponderling.config.kinds import kind_problems
from ponderling.config.numbers import number_problems
from ponderling.config.problems import refuse


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """The machine that a run uses, and how often it evaluates, saves and logs."""

    device: str = "cpu"
    """Device to train on: cpu, cuda, mps, ..."""
    threads: int = 0
    """Number of CPU threads for torch; 0 leaves the choice to torch."""
    compile: bool = False
    """Compile the network with torch.compile: a minute's wait at first, then faster steps; needs a C++ compiler."""
    tensorboard: bool = False
    """Write TensorBoard event files beside metrics.jsonl (needs the extra `track`)."""
    eval_every: int = 1000
    """Number of optimizer steps between evaluations; the last step is always evaluated."""
    checkpoint_every: int = 1000
    """Number of optimizer steps between checkpoints; the last step is always saved."""
    checkpoint_minutes: float = 5.0
    """Also save a checkpoint when this many minutes have passed since the previous one."""
    log_every: int = 10
    """Number of optimizer steps between lines of metrics.jsonl."""

    def __post_init__(self) -> None:
        refuse(number_problems(self, {"threads": 1024}) + kind_problems(self))
        problems = []
        for name in ("eval_every", "checkpoint_every", "log_every"):
            if getattr(self, name) < 1:
                problems.append(f"{name} must be at least 1: got {getattr(self, name)}")
        for name in ("threads", "checkpoint_minutes"):
            if getattr(self, name) < 0:
                problems.append(f"{name} must not be negative: got {getattr(self, name)}")
        refuse(problems)
