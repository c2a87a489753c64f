"""Every setting of a run, as frozen dataclasses; the text below a field is also its help on the command line.

`recipes.py` fills these in for the papers' runs and for small machines. Nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from tyro.conf import Suppress

from ponderling.tasks.custom.family import GridSpec

T_ = TypeVar("T_")

System = Literal["trm", "hrm", "relational"]
Mixer = Literal["attention", "mlp", "neighbours"]
Positions = Literal["rope", "learned", "none"]
Gradient = Literal["full", "one_step"]
Latents = Literal["two", "single", "many"]
DType = Literal["float32", "bfloat16"]
LossName = Literal["stablemax", "stablemax_float32", "softmax"]
Halting = Literal["halt", "halt_continue"]
HaltBy = Literal["head", "cells"]
OptimizerName = Literal["adam_atan2", "adam_atan2_paper", "adamw", "muon"]
Overlap = Literal["refuse", "drop"]
Choice = Literal["halting", "agreement", "residual"]
"""halting: the first answer at which the halting head says stop, else the one of which it was surest; agreement: the one with
which most attempts end; residual: that of the attempt whose state changed least in its last step."""


@dataclass(frozen=True)
class ModelConfig:
    """The network and how often it recurs. Defaults: TRM as in arXiv 2510.04871, with attention."""

    system: System = "trm"
    """trm: one network, gradient through one whole recursion; hrm: two networks, 1-step gradient; relational: trm's recursion
    on a vector for each (cell, symbol), for tasks whose symbols are interchangeable."""
    hidden_size: int = 512
    """D, the width of x, y and z."""
    num_heads: int = 8
    """Attention heads; must divide hidden_size. Used with mixer attention alone."""
    num_layers: int = 2
    """Blocks in the network (hrm: in L)."""
    num_layers_H: int | None = None
    """Blocks in the H network, where there is one; None: as many as num_layers."""
    expansion: float = 4.0
    """Width of the SwiGLU relative to its input; the inner width is 2/3 of that, rounded up to a multiple of inner_multiple."""
    inner_multiple: int = 256
    """The SwiGLU's inner width is rounded up to a multiple of this; 256 is official, smaller suits small networks."""
    mixer: Mixer = "attention"
    """What mixes positions: attention, mlp over positions (better on short grids, size fixed), or neighbours: a cell hears the
    four beside it, so that far cells are reached by recursion alone, and the weights fit grids of every size."""
    positions: Positions = "rope"
    """Position encoding: rope, learned, or none (needed with mixer mlp and neighbours)."""
    prefix_len: int = 16
    """P, tokens in front of the grid that carry the puzzle embedding; 0: none."""
    puzzle_embedding_size: int = 512
    """Length of one puzzle's embedding, at most prefix_len x hidden_size; 0: no puzzle embedding."""
    n: int = 6
    """Latent steps in one recursion (the HRM paper's T, official L_cycles)."""
    T: int = 3
    """Recursions in one supervision step, the last with gradient (the HRM paper's N, official H_cycles)."""
    gradient: Gradient = "full"
    """full: through one whole recursion (TRM); one_step: through the last call of each network (HRM)."""
    separate_networks: bool = False
    """Give y a network of its own, as HRM has; always so with system hrm."""
    latents: Latents = "two"
    """What is carried: two: y and z; single: z alone; many: y and one z for each latent step (trm only)."""
    dtype: DType = "bfloat16"
    """Activations' type; weights are float32 always and cast at every use."""
    rms_norm_eps: float = 1e-5
    """Added to the mean square inside RMS norm."""
    rope_theta: float = 10000.0
    """Base of the rotary frequencies."""

    def __post_init__(self) -> None:
        problems = []
        if self.hidden_size % self.num_heads and self.mixer == "attention":
            problems.append(f"hidden_size must be a multiple of num_heads: got {self.hidden_size} and {self.num_heads}")
        elif self.mixer == "attention" and self.positions == "rope" and self.hidden_size // self.num_heads % 2:
            problems.append(f"rope needs an even head size: got {self.hidden_size} / {self.num_heads}")
        for name in ("hidden_size", "num_heads", "num_layers", "n", "T", "inner_multiple"):
            if getattr(self, name) < 1:
                problems.append(f"{name} must be at least 1: got {getattr(self, name)}")
        if self.num_layers_H is not None and self.num_layers_H < 1:
            problems.append(f"num_layers_H must be at least 1: got {self.num_layers_H}")
        if self.expansion <= 0:
            problems.append(f"expansion must be positive: got {self.expansion}")
        if self.prefix_len < 0 or self.puzzle_embedding_size < 0:
            problems.append("prefix_len and puzzle_embedding_size must not be negative")
        if self.puzzle_embedding_size > self.prefix_len * self.hidden_size:
            problems.append(
                f"puzzle_embedding_size {self.puzzle_embedding_size} does not fit into prefix_len {self.prefix_len} tokens "
                f"of hidden_size {self.hidden_size}: make one larger or the other smaller (0 for no puzzle embedding)"
            )
        if self.mixer == "neighbours" and (self.positions != "none" or self.prefix_len):
            problems.append(
                "mixer neighbours is for the cells of a grid alone, wherever they are: positions must be none and prefix_len "
                f"0, got {self.positions} and {self.prefix_len}"
            )
        if self.mixer == "mlp" and self.positions != "none":
            problems.append(
                f"mixer mlp knows each position by its weights: positions must be none, got {self.positions}"
            )
        if self.system == "hrm":
            wrong = [
                f"{name} {getattr(self, name)}"
                for name, needed in (("gradient", "one_step"), ("separate_networks", True), ("latents", "two"))
                if getattr(self, name) != needed
            ]
            if wrong:
                problems.append(
                    f"system hrm is gradient one_step, separate_networks True, latents two: got {', '.join(wrong)}; "
                    "for a mixture use system trm with these fields"
                )
        if self.system == "relational":
            wrong = [
                f"{name} {getattr(self, name)}"
                for name, needed in (
                    ("prefix_len", 0),
                    ("puzzle_embedding_size", 0),
                    ("positions", "none"),
                    ("gradient", "full"),
                    ("separate_networks", False),
                    ("latents", "two"),
                )
                if getattr(self, name) != needed
            ]
            if wrong:
                problems.append(
                    "system relational is prefix_len 0, puzzle_embedding_size 0, positions none, gradient full, "
                    f"separate_networks False, latents two: got {', '.join(wrong)}"
                )
        if self.latents != "two" and (self.separate_networks or self.gradient == "one_step"):
            problems.append(f"latents {self.latents} goes with one network and the full gradient")
        _raise(problems)

    @property
    def layers_H(self) -> int:
        """Blocks in the network of y, where there are two networks."""
        return self.num_layers if self.num_layers_H is None else self.num_layers_H


@dataclass(frozen=True)
class Phase:
    """A stretch of training: how deep the recursion is in it, and which puzzles it shows."""

    until: int
    """The optimizer step with which it ends."""
    n: int | None = None
    """Latent steps in this phase; None: the model's own n."""
    T: int | None = None
    """Recursions in this phase; None: the model's own T."""
    min_rating: int = 0
    """Shows no puzzle with a lower rating."""
    max_rating: int | None = None
    """Shows no puzzle with a higher rating; None: however hard."""
    extra_clues: int = 0
    """Shows each puzzle with a random number, from 0 to this, of its missing cells given."""

    def __post_init__(self) -> None:
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
        _raise(problems)


@dataclass(frozen=True)
class TrainConfig:
    """Deep supervision, halting, loss, optimizer and bookkeeping of a run."""

    steps: int = 50_000
    """Optimizer steps; one optimizer step is one supervision step of every slot of the batch."""
    phases: tuple[Phase, ...] = ()
    """What is different in the first steps, such as easier puzzles or less recursion; after the last phase nothing is."""
    batch_size: int = 768
    """B, slots in the batch; a slot whose puzzle halts takes a new one."""
    N_sup: int = 16
    """Most supervision steps for one puzzle (official halt_max_steps)."""
    halting: Halting = "halt"
    """halt: binary cross-entropy on "is the answer right" (TRM); halt_continue: Q-learning with a second forward pass (HRM)."""
    halt_exploration: float = 0.1
    """Share of puzzles, from 0 to 1, made to think for a random number of steps before they may halt."""
    halt_when_sure: float = 0.5
    """How sure the halting head (or each cell, see halt_by) must be, from 0.5 to 1, to stop a puzzle once trained; while
    training it is always 0.5."""
    halt_by: HaltBy = "head"
    """Who stops a puzzle, once trained: head, the halting head; cells, the network's probabilities, once each cell's likeliest
    symbol has halt_when_sure: for grids of a size that the head was not trained on."""
    halt_within_step: bool = False
    """Ask the halting head after each of a step's T recursions, once trained; while training only after the last."""
    halt_loss_weight: float = 0.5
    """Weight of the halting loss beside the answer's loss."""
    vary_T: bool = False
    """Draw the T of each update in training anew from 1 to 2T - 1, T in the mean: so that the answer is good after few
    recursions and after many, wherever the halting head is asked."""
    state_noise: float = 0.0
    """Standard deviation of normal noise on the initial states in training: a puzzle is then thought about in many ways."""
    init: str | None = None
    """A checkpoint whose weights to start from instead of random ones; the network must be the same, n, T and task need not."""
    loss: LossName = "stablemax"
    """Loss of the answer: stablemax (float64, official), stablemax_float32 (same value, faster), or softmax."""
    label_smoothing: float = 0.0
    """Share of the target, from 0 to 1, spread evenly over all tokens."""
    optimizer: OptimizerName = "adam_atan2"
    """adam_atan2 (as official), adam_atan2_paper (as its paper says), adamw, or muon (block matrices; adamw the rest)."""
    lr: float = 1e-4
    """Learning rate at its highest, of all weights but the puzzle embeddings."""
    muon_lr: float = 0.02
    """Learning rate of the block matrices with optimizer muon."""
    warmup_steps: int = 2000
    """Optimizer steps over which the learning rates rise from 0."""
    lr_min_ratio: float = 1.0
    """Where the cosine ends, as a share of the highest rate; 1: constant."""
    clip_gradient: float = 0.0
    """Scale a gradient down whose norm is larger than this; 0: never, as official."""
    weight_decay: float = 1.0
    """Share of a weight that lr x weight_decay takes away at each step."""
    beta1: float = 0.9
    """Decay of the gradient's average."""
    beta2: float = 0.95
    """Decay of the squared gradient's average."""
    puzzle_lr: float = 1e-4
    """Learning rate of the puzzle embeddings (sign-SGD on the rows in the batch)."""
    puzzle_weight_decay: float = 1.0
    """Weight decay of the puzzle embeddings' rows in the batch."""
    ema_rate: float = 0.999
    """Decay of the weights' moving average, which is evaluated and saved; 0: no average."""
    seed: int = 0
    """Seed of initialisation, sampling and exploration."""
    device: str = "cpu"
    """Where to train: cpu, cuda, mps, ..."""
    eval_every: int = 1000
    """Optimizer steps between evaluations; the last step is always evaluated."""
    checkpoint_every: int = 1000
    """Optimizer steps between checkpoints; the last step is always saved."""
    checkpoint_minutes: float = 5.0
    """Save also when this many minutes passed since the last checkpoint."""
    log_every: int = 10
    """Optimizer steps between lines of metrics.jsonl."""
    tensorboard: bool = False
    """Write TensorBoard event files beside metrics.jsonl (needs the extra `track`)."""
    compile: bool = False
    """Compile the network with torch.compile: up to a minute, later runs some ten seconds; needs a C++ compiler."""
    threads: int = 0
    """CPU threads of torch; 0: as many as torch chooses."""

    def __post_init__(self) -> None:
        problems = []
        for name in ("steps", "batch_size", "N_sup", "eval_every", "checkpoint_every", "log_every"):
            if getattr(self, name) < 1:
                problems.append(f"{name} must be at least 1: got {getattr(self, name)}")
        for name in (
            "warmup_steps",
            "halt_loss_weight",
            "state_noise",
            "lr",
            "muon_lr",
            "puzzle_lr",
            "clip_gradient",
            "weight_decay",
            "puzzle_weight_decay",
            "threads",
        ):
            if getattr(self, name) < 0:
                problems.append(f"{name} must not be negative: got {getattr(self, name)}")
        for name in ("halt_exploration", "lr_min_ratio"):
            if not 0 <= getattr(self, name) <= 1:
                problems.append(f"{name} must be from 0 to 1: got {getattr(self, name)}")
        if not 0.5 <= self.halt_when_sure < 1:
            problems.append(f"halt_when_sure must be at least 0.5 and below 1: got {self.halt_when_sure}")
        for name in ("label_smoothing", "ema_rate", "beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                problems.append(f"{name} must be at least 0 and below 1: got {getattr(self, name)}")
        ends = [phase.until for phase in self.phases]
        if ends != sorted(set(ends)):
            problems.append(f"phases must end one after the other: got until {', '.join(map(str, ends))}")
        _raise(problems)


@dataclass(frozen=True)
class DataConfig:
    """What to train and evaluate on."""

    task: str = "sudoku4"
    """The puzzle family: sudoku4, sudoku6, sudoku9, sudoku16, sudoku9x (diagonals count), latin9 (no boxes), jigsaw-LAYOUT (a
    letter for each cell); mazes of any size: maze10, maze30, maze12x20; ARC on a canvas of any side: arc10, arc30."""
    train: str = "default"
    """Puzzles to train on: a file, `default` (the set in the package), `hunted` (9x9: a larger one, with hard puzzles), `deep`
    (9x9: most withstand trial and error), `jigsaws` or `layouts` (9x9, each with regions of its own; the second is larger) or
    `hub` (the family's public data set); several with a + between, one named twice is shown twice as often. ARC: sources of
    tasks whose every pair is trained on, or none; see docs/arc.md."""
    test: str = "default"
    """Puzzles to report on, never trained on nor chosen by: a file, `default` or `hub`. ARC: sources of tasks whose
    demonstrations are trained on and whose test inputs are solved."""
    augment: bool = True
    """Show every puzzle under a new random symmetry each time."""
    symmetries: str = "none"
    """For --data: changes that keep its puzzles valid, with + between: flips, rotations or dihedral (both); colours, any
    exchange of symbols, or colours=A,B,... of these."""
    check: str | None = None
    """For --data: module:function that is given a question and an answer, as lists of rows, and says True, False or a list of
    what is wrong."""
    relabel: bool = False
    """Where a puzzle has many right answers (mazes): give the puzzle that a symmetry made the answer that the family's own rule
    chooses. Without it the answer is carried over, as the official builders do, and the labels then follow several rules."""
    views: int = 1000
    """ARC: so many views of each task, colours permuted and turned, with a puzzle embedding each; 0 without augment."""
    overlap: Overlap = "refuse"
    """ARC: what to do when tasks of `test` are in `train` too: refuse, or drop them from the training tasks."""
    num_validation: int = 500
    """Training puzzles, at most a tenth, held out to evaluate during training and to choose the best checkpoint; in ARC of the
    training tasks' test pairs, so that it is 0 without training tasks."""
    max_train: int | None = None
    """Train on so many of the others, drawn at random; None: all."""
    max_test: int | None = None
    """Report on only the first so many test puzzles; None: all."""
    grid: Annotated[GridSpec | None, Suppress] = None
    """What --data was found to hold; set by the command line."""

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be at least 1: got {value}"
            for name, value in (("max_train", self.max_train), ("max_test", self.max_test))
            if value is not None and value < 1
        ]
        problems += [
            f"{name} must not be negative: got {value}"
            for name, value in (("num_validation", self.num_validation), ("views", self.views))
            if value < 0
        ]
        if self.grid is None and (self.symmetries != "none" or self.check is not None):
            problems.append(f"symmetries and check are for --data FILE: task {self.task} has its own")
        if self.relabel and not self.augment:
            problems.append("relabel is about puzzles that a symmetry made: it needs augment")
        _raise(problems)


@dataclass(frozen=True)
class RunConfig:
    """A whole run: what `ponderling train` takes and a checkpoint's config.json holds."""

    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def __post_init__(self) -> None:
        if self.model.latents == "many" and any(phase.n not in (None, self.model.n) for phase in self.train.phases):
            _raise(["latents many carries a latent for each of n steps: a phase cannot have another n"])


@dataclass(frozen=True)
class Given:
    """What is said about an official checkpoint besides its files; None: to be found in them. See `official.py`."""

    config: Path | None = None
    """The all_config.yaml, if it does not lie beside the checkpoint."""
    seq_len: int | None = None
    """Cells of a grid (81 for Sudoku, 900 for mazes and ARC)."""
    task: str | None = None
    """The puzzle family, such as sudoku9."""
    identifiers: Path | None = None
    """ARC: the identifiers.json of the data set it was trained on, or that data set's folder, so that its tasks are known by
    name; if not given, the one beside the checkpoint, where there is one."""
    num_puzzles: int | None = None
    """Make room for so many puzzle ids; if that is not what the checkpoint has, every row becomes its mean row."""
    num_heads: int | None = None
    """Attention heads, for a checkpoint without YAML."""
    n: int | None = None
    """Latent steps (official L_cycles), for a checkpoint without YAML."""
    T: int | None = None
    """Recursions (official H_cycles), for a checkpoint without YAML."""
    N_sup: int | None = None
    """Most supervision steps (official halt_max_steps), for a checkpoint without YAML; 16 if not given."""
    prefix_len: int | None = None
    """Tokens in front of the grid (TRM's puzzle_emb_len), for a checkpoint without YAML."""
    dtype: DType | None = None
    """Activations' type; the checkpoint's own if not given."""


@dataclass(frozen=True)
class PuzzleShape:
    """What a network must know of its puzzles; from the task when training, from config.json afterwards."""

    vocab_size: int
    """V, tokens with padding."""
    seq_len: int
    """L, cells of a grid."""
    num_puzzles: int = 1
    """Rows of the puzzle embedding."""
    columns: int = 0
    """Columns of the grid, for mixer neighbours; 0: not known."""


def to_json(config: Any) -> dict[str, Any]:
    """The config as plain JSON values; `from_json` reads it back."""
    return dataclasses.asdict(config)


def from_json(cls: type[T_], values: Mapping[str, Any], where: str = "config") -> T_:
    """The config of class `cls` from plain JSON values; unknown fields and wrong types are reported together."""
    problems: list[str] = []
    config = _build(cls, values, where, problems)
    _raise(problems)
    assert config is not None
    return config


def _build(cls: type[T_], values: Any, where: str, problems: list[str]) -> T_ | None:
    if not isinstance(values, Mapping):
        problems.append(f"{where}: expected an object with fields, got {json.dumps(values)}")
        return None
    hints = typing.get_type_hints(cls)
    for name in values.keys() - hints.keys():
        close = difflib.get_close_matches(name, hints, n=1)
        problems.append(f"{where}: unknown field {name!r}" + (f" (did you mean {close[0]!r}?)" if close else ""))
    kwargs: dict[str, Any] = {}
    before = len(problems)
    for name in hints.keys() & values.keys():
        value, hint = values[name], _unless_null(hints[name], values[name])
        if dataclasses.is_dataclass(hint):
            kwargs[name] = _build(typing.cast(type, hint), value, f"{where}.{name}", problems)
        elif typing.get_origin(hint) is tuple:  # of any number of dataclasses, or of texts
            item = typing.cast(type, typing.get_args(hint)[0])
            if isinstance(value, list | tuple) and dataclasses.is_dataclass(item):
                parts = [_build(item, part, f"{where}.{name}[{i}]", problems) for i, part in enumerate(value)]
                kwargs[name] = tuple(parts)
            elif isinstance(value, list | tuple) and all(_fits(part, item) for part in value):
                kwargs[name] = tuple(value)
            else:
                of = "" if dataclasses.is_dataclass(item) else f" of {item.__name__}"
                problems.append(f"{where}.{name}: expected a list{of}, got {json.dumps(value)}")
        elif _fits(value, hint):
            kwargs[name] = value
        else:
            problems.append(f"{where}.{name}: expected {_describe(hint)}, got {json.dumps(value)}")
    if len(problems) > before:
        return None
    try:
        return cls(**kwargs)
    except (TypeError, ValueError) as error:
        problems.append(f"{where}: {error}")
        return None


def _unless_null(hint: Any, value: Any) -> Any:
    """The dataclass in `dataclass | None`, unless the value is None; any other hint as it is."""
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else ()
    return next((option for option in options if dataclasses.is_dataclass(option) and value is not None), hint)


def _fits(value: Any, hint: Any) -> bool:
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and not (hint is int and isinstance(value, bool))


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    return getattr(hint, "__name__", str(hint))


def _raise(problems: list[str]) -> None:
    if problems:
        raise ValueError("; ".join(problems))
