"""How a network is trained: everything here changes the numbers of training."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from ponderling.config.kinds import kind_problems
from ponderling.config.model import MOST as MOST_OF_MODEL
from ponderling.config.numbers import SEEDS, number_problems
from ponderling.config.problems import refuse

LossName = Literal["stablemax", "stablemax_float32", "softmax"]
Halting = Literal["halt", "halt_continue"]
OptimizerName = Literal["adam_atan2", "adam_atan2_paper", "adamw", "muon"]


@dataclass(frozen=True)
class Phase:
    """A stretch of training with its own depth of recursion and its own choice of puzzles."""

    until: int
    """Optimizer step at which the phase ends."""
    _: KW_ONLY
    n: int | None = None
    """Number of latent steps during this phase; by default the model's n."""
    T: int | None = None
    """Number of recursions during this phase; by default the model's T."""
    min_rating: int = 0
    """Lowest rating of the puzzles shown."""
    max_rating: int | None = None
    """Highest rating of the puzzles shown; by default no limit."""
    extra_clues: int = 0
    """Give a random number of each puzzle's missing cells, from 0 to this."""
    tasks: str = ""
    """Puzzle families that are trained during this phase, joined with +; by default all of the run."""

    def __post_init__(self) -> None:
        refuse(number_problems(self, {name: MOST_OF_MODEL[name] for name in ("n", "T")}) + kind_problems(self))
        problems = [
            f"{name} must be at least {least}: got {value}"
            for name, value, least in (
                ("until", self.until, 1),
                ("n", self.n, 1),
                ("T", self.T, 1),
                ("min_rating", self.min_rating, 0),
                ("max_rating", self.max_rating, self.min_rating),
                ("extra_clues", self.extra_clues, 0),
            )
            if value is not None and value < least
        ]
        if self.tasks and "" in self.tasks.split("+"):
            problems.append(f"tasks must name a family on both sides of every +: got {self.tasks!r}")
        refuse(problems)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Deep supervision, halting, loss and optimizer."""

    steps: int = 50_000
    """Number of optimizer steps; each is one supervision step of every slot of the batch."""
    phases: tuple[Phase, ...] = ()
    """Overrides for the first steps, such as easier puzzles or fewer recursions, one phase after the other."""
    batch_size: int = 768
    """B, number of slots in the batch; a slot whose puzzle halts takes the next puzzle. Several tasks have as many each."""
    batch_cells: int | None = None
    """Number of cells in the batch, in place of batch_size: a grid of L cells gets batch_cells / L slots, at least one."""
    N_sup: int = 16
    """Maximum number of supervision steps per puzzle (official halt_max_steps)."""
    vary_N_sup: bool = False
    """Draw each puzzle's maximum uniformly from 2 to N_sup. A right answer, with all its hints right where these are trained
    on, ends it after a third of that, whatever the halting head says."""
    halting: Halting = "halt"
    """halt: binary cross-entropy on whether the answer is right (TRM). halt_continue: Q-learning with a second forward pass
    (HRM)."""
    halt_exploration: float = 0.1
    """Share of puzzles, from 0 to 1, that must think for a random number of steps before they may halt."""
    halt_loss_weight: float = 0.5
    """Weight of the halting loss relative to the answer's loss."""
    hint_loss_weight: float = 0.0
    """Weight of the hints' loss relative to the answer's, for tasks that have hints; 0 trains on answers alone."""
    hint_speed: float = 0.0
    """Answers and hints count once the rounds of messages so far, times this number, can have told them; 0: from the start."""
    vary_T: bool = False
    """Sample T uniformly from 1 to 2T - 1 for each update, so that answers are good at any depth."""
    state_noise: float = 0.0
    """Standard deviation of the normal noise on the initial states, so that a puzzle is approached in many ways."""
    step_noise: float = 0.0
    """Standard deviation of the normal noise on the states before every step of training, so that answers hold for long."""
    misprints: float = 0.0
    """Share of Sudokus in which one clue is changed, or seldom missing. Where that leaves no solution, only the halting head
    learns, to say no. One that would have several stays as it is."""
    init: str | None = None
    """Checkpoint to start from instead of random weights; the network must match, but n, T and the task may differ.
    Tasks of ARC keep their rows. A relational network may have a larger hidden size: it is made wider."""
    loss: LossName = "stablemax"
    """Loss of the answer: stablemax (float64, official), stablemax_float32 (same value, faster), or softmax."""
    label_smoothing: float = 0.0
    """Share of the target, from 0 to 1, that is spread evenly over all tokens that an answer can have."""
    optimizer: OptimizerName = "adam_atan2"
    """adam_atan2 (as in the official code), adam_atan2_paper (as in its paper), adamw, or muon (adamw for the rest)."""
    lr: float = 1e-4
    """Peak learning rate of all weights except the puzzle embeddings."""
    muon_lr: float = 0.02
    """Peak learning rate of the block matrices with optimizer muon."""
    warmup_steps: int = 2000
    """Number of optimizer steps over which the learning rates rise from 0."""
    lr_min_ratio: float = 1.0
    """Learning rate at the end of the cosine, as a share of the peak; 1 keeps it constant."""
    clip_gradient: float = 0.0
    """Largest norm of the gradient, which is scaled down to it; 0 for no limit, as in the official code."""
    weight_decay: float = 1.0
    """Decoupled weight decay: each step multiplies the weights by 1 - lr * weight_decay."""
    beta1: float = 0.9
    """Decay rate of the gradient's moving average."""
    beta2: float = 0.95
    """Decay rate of the squared gradient's moving average."""
    puzzle_lr: float = 1e-4
    """Learning rate of the puzzle embeddings (sign-SGD on the rows in the batch)."""
    puzzle_weight_decay: float = 1.0
    """Weight decay of those rows of the puzzle embeddings that are in the batch."""
    ema_rate: float = 0.999
    """Decay rate of the weights' moving average, which is evaluated and saved; 0 for no average."""
    ema_warmup: bool = False
    """Let that rate grow: (1 + t) / (4 + t) at update t, until it is ema_rate. Else much of the average of a short run is the
    weights that it began with. The official code has no such warm-up."""
    seed: int = 0
    """Seed of initialisation, sampling and exploration."""

    def __post_init__(self) -> None:
        refuse(number_problems(self, {"batch_size": 2**24, "N_sup": 1_000_000, "seed": SEEDS}) + kind_problems(self))
        problems = []
        for name in ("steps", "batch_size", "N_sup"):
            if getattr(self, name) < 1:
                problems.append(f"{name} must be at least 1: got {getattr(self, name)}")
        if self.batch_cells is not None and self.batch_cells < 1:
            problems.append(f"batch_cells must be at least 1: got {self.batch_cells}")
        if self.vary_N_sup and self.N_sup < 2:
            problems.append(f"vary_N_sup draws from 2 to N_sup: N_sup must be at least 2, got {self.N_sup}")
        if self.hint_speed and not self.hint_loss_weight:
            problems.append("hint_speed says when hints count: give hint_loss_weight, too")
        for name in (
            "seed",
            "warmup_steps",
            "halt_loss_weight",
            "hint_loss_weight",
            "hint_speed",
            "state_noise",
            "step_noise",
            "lr",
            "muon_lr",
            "puzzle_lr",
            "clip_gradient",
            "weight_decay",
            "puzzle_weight_decay",
        ):
            if getattr(self, name) < 0:
                problems.append(f"{name} must not be negative: got {getattr(self, name)}")
        for name in ("halt_exploration", "lr_min_ratio", "misprints"):
            if not 0 <= getattr(self, name) <= 1:
                problems.append(f"{name} must be from 0 to 1: got {getattr(self, name)}")
        for name in ("label_smoothing", "ema_rate", "beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                problems.append(f"{name} must be at least 0 and below 1: got {getattr(self, name)}")
        ends = [phase.until for phase in self.phases]
        if ends != sorted(set(ends)):
            problems.append(f"phases must end one after the other: got until {', '.join(map(str, ends))}")
        refuse(problems)
