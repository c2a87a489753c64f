"""Training on arrays in memory, from inputs and outputs to a solver in one call; `Trainer` offers every setting."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ponderling.checkpoint import LAST, MODEL, Checkpoint, find_checkpoint, read_config, read_safetensors
from ponderling.checkpoint import TRAINING as TRAINING_STATE
from ponderling.config import DataConfig, RunConfig, TrainConfig
from ponderling.config.numbers import is_finite
from ponderling.models import TRM, Model, shape_of
from ponderling.models.device import check_device
from ponderling.recipes import get_recipe, grid_recipe
from ponderling.solving.solver import Solver, refuse_masked
from ponderling.tasks import get_task
from ponderling.tasks.base import DataSplit, PuzzleError, Puzzles, Task, Tokens
from ponderling.tasks.custom.arrays import grid_file_of_arrays
from ponderling.tasks.custom.family import Checker, Grids
from ponderling.tasks.custom.grid_file import CellGrids, GridFile
from ponderling.tasks.custom.spec import spec_of_file
from ponderling.tasks.grid_task import GridTask
from ponderling.tasks.in_memory import IN_MEMORY
from ponderling.tasks.problems import Problems
from ponderling.tasks.symbol_grids import are_numbers
from ponderling.training.observer import Observer, ProgressLines
from ponderling.training.optim import seeded_generator
from ponderling.training.starting import start

CHECKED = 1000
"""Number of answers in each set that the rules check before training."""

TRAIN_ARRAYS, TEST_ARRAYS = "the training arrays", "the test arrays"
"""Names of the training and test arrays in error messages."""

MOST_SYMBOL = 2**63 - 1
"""Largest number that is a symbol of an array; larger unsigned ones would become negative."""

ReadGrids = Callable[[GridFile], Puzzles]
"""Turns arrays into questions and answers in a family's tokens."""


def train(
    inputs: Any,
    outputs: Any,
    *,
    task: str | Task | None = None,
    steps: int | None = None,
    net: str | RunConfig | nn.Module | None = None,
    symmetries: str = "none",
    check: Checker | None = None,
    validation: float | None = 0.1,
    test: tuple[Any, Any] | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    device: str | torch.device | None = None,
    progress: bool = True,
    resume: bool = False,
) -> Solver:
    """Trains a network to turn each input grid into its output grid, and returns a solver for such grids.

    Args:
        inputs: The questions: an array (N, rows, columns) of integers or texts, or a list of N grids, whose sizes may differ.
        outputs: The answers, in the same form as the inputs.
        task: The puzzle family of the grids, by name or as an object, whose rules and symmetries then apply. None:
            nothing is assumed about the grids.
        steps: Number of optimizer steps. None: as in the settings given as `net`, or 2,000 without settings.
        net: The network to train: the name of a recipe or a run's settings, whose network and training settings are
            used. Or a module from (B, S, D) to (B, S, D), trained in place as the block stack of a TRM. None: chosen by a
            look at the grids (`tasks.custom.looking`), see `recipes.grid_recipe`.
        symmetries: Changes of a grid that keep examples right, joined with +: flips, rotations, dihedral (both),
            colours or colours=A,B,...
        check: Takes a question and an answer as lists of rows, and returns True, False or the faults.
        validation: Share of the distinct questions held out to choose the best weights; None: the last weights are
            used.
        test: Inputs and outputs to report on at the end; their questions must not occur in the training data.
        out: A run folder to keep; None: only the solver is kept.
        seed: Seed of initialisation, sampling and exploration; None: as in the settings given as `net`, or 0.
        device: The device to train on: cpu, cuda, ...; None: as in the settings given as `net`, or cpu.
        progress: Print progress lines on stderr.
        resume: Continue the run in `out`, or start one if the folder holds none. All arguments but `steps` must be the
            same.

    Returns:
        The solver with the best weights. `solver.checkpoint.info["test"]` holds the test figures.

    Raises:
        PuzzleError: when an array cannot be used; the message says which one, at which index, and why.
        FileExistsError: when `out` holds a run already and `resume` is not set.
        ValueError: when arguments contradict each other, or the network does not fit.
    """
    if resume and out is None:
        raise ValueError("resume goes on with the run in a folder: name it with out")
    if validation is not None and not (is_finite(validation) and 0 < validation < 1):
        raise ValueError(f"validation must be a share between 0 and 1, or None: got {validation!r}")
    _refuse_kinds(inputs, outputs, task=task, test=test, symmetries=symmetries)
    observer = ProgressLines(keeps_folder=out is not None) if progress else Observer()
    family, data, file, read = _family(inputs, outputs, task=task, test=test, symmetries=symmetries, check=check)
    if task is None and _look_like_sudokus(file):
        observer.noticed("these look like Sudokus: task='sudoku9' keeps their rules")
    resumed = _saved(Path(out)) if resume and out is not None else None
    if net is None and isinstance(family, Grids):
        proposal = family.propose(read(file)) if resumed is None else None
        structure = str(proposal) if resumed is None else resumed.data.structure
        known = proposal or (resumed.data.grid if resumed is not None else None)
        spec = replace(family.spec, copies=() if known is None else known.copies)
        data = replace(data, structure=structure, grid=spec)
        family = Grids(spec, symmetries=data.symmetries, structure=data.structure)
        family.checker = check
    config = _config(net, family, data=data)
    training = config.train
    training = replace(training, steps=training.steps if steps is None else steps)
    training = replace(training, seed=training.seed if seed is None else seed)
    if net is None or isinstance(net, nn.Module):
        training = _averaged(training, resumed)
    config = replace(config, train=training, run=replace(config.run, device=str(device or config.run.device)))
    check_device(config.run.device)
    tested = None if test is None else grid_file_of_arrays(*test, name=TEST_ARRAYS)
    split = _split(family, file, read=read, test=tested, share=validation, data=config.data)
    model = _with_net(net, config, family=family) if isinstance(net, nn.Module) else None
    with tempfile.TemporaryDirectory(prefix="ponderling-") if out is None else nullcontext(out) as folder:
        recipe = net if isinstance(net, str) else None
        trainer = start(
            config, folder, resume=resume, recipe=recipe, observer=observer, model=model, task=family, data=split
        )
        figures = trainer.run()
        best = find_checkpoint(Path(folder).absolute())
        trained = trainer.evaluated_model
        trained.load_state_dict(read_safetensors(best / MODEL))
        info = read_config(best)[2] | ({"test": figures} if figures else {})
        best = Path(IN_MEMORY) if out is None else best
    kept = Checkpoint(model=trained.eval(), config=config, shape=trainer.shape, info=info, path=best)
    return Solver(kept.model, family, config=config, device=trainer.device, checkpoint=kept)


def _refuse_kinds(
    inputs: Any, outputs: Any, *, task: str | Task | None, test: tuple[Any, Any] | None, symmetries: str
) -> None:
    """Refuses arguments of another kind, and arrays of which a part would be read as something else."""
    if not (task is None or isinstance(task, str) or hasattr(task, "answers_by_vote")):
        raise TypeError(
            f"task must be the name of a puzzle family, such as sudoku9, or a Task: got {type(task).__name__}"
        )
    if not isinstance(symmetries, str):
        raise TypeError(f"symmetries must be text, with + between several: got {type(symmetries).__name__}")
    sides = [(inputs, TRAIN_ARRAYS), (outputs, TRAIN_ARRAYS)]
    if isinstance(test, tuple | list):
        sides += [(grids, TEST_ARRAYS) for grids in test]
    for grids, what in sides:
        refuse_masked(grids, what)
        if isinstance(grids, np.ndarray) and grids.dtype.kind == "u" and grids.size and grids.max() > MOST_SYMBOL:
            raise PuzzleError(f"{what}: a symbol may be a whole number up to {MOST_SYMBOL:,}: got {grids.max():,}")


def _family(
    inputs: Any,
    outputs: Any,
    *,
    task: str | Task | None,
    test: tuple[Any, Any] | None,
    symmetries: str,
    check: Checker | None,
) -> tuple[Task, DataConfig, GridFile, ReadGrids]:
    """Makes the puzzle family, its data settings, the training arrays, and what turns arrays into its tokens."""
    if test is not None and (not isinstance(test, tuple | list) or len(test) != 2):
        raise ValueError(f"test must be a pair of inputs and outputs: got {type(test).__name__}")
    if check is not None and not callable(check):
        raise TypeError(f"check must be a function of question and answer: got {type(check).__name__}")
    if task is not None:
        family = get_task(task) if isinstance(task, str) else task
        if family.answers_by_vote:
            raise ValueError(f"task {family.name}: ARC tasks are trained on with ponderling.start, from their files")
        if symmetries != "none" or check is not None:
            raise ValueError(f"symmetries and check are for grids of no known family: {family.name} has its own")
        name = task if isinstance(task, str) else family.name
        data = DataConfig(task=name, train=IN_MEMORY, test=IN_MEMORY)
        return family, data, grid_file_of_arrays(inputs, outputs, name=TRAIN_ARRAYS), partial(_puzzles, family)
    file = grid_file_of_arrays(inputs, outputs, name=TRAIN_ARRAYS)
    more = () if test is None else (grid_file_of_arrays(*test, name=TEST_ARRAYS),)
    square = any(name in ("rotations", "dihedral") for name in symmetries.split("+"))
    spec = spec_of_file(file, more, square=square)
    data = DataConfig(task=Grids.name, train=IN_MEMORY, test=IN_MEMORY, symmetries=symmetries, grid=spec)
    family = Grids(spec, symmetries=data.symmetries)
    family.checker = check
    return family, data, file, family.puzzles_of


def _look_like_sudokus(file: GridFile) -> bool:
    nine = all((grids.shapes == 9).all() for grids in (file.inputs, file.outputs))
    return nine and set(file.symbols) <= set("0123456789.")


def _config(net: str | RunConfig | nn.Module | None, family: Task, *, data: DataConfig) -> RunConfig:
    """Makes the run's settings from `net` and the data."""
    if isinstance(net, RunConfig):
        told = net.data  # what it says of how puzzles are shown, not of which they are
        data = replace(
            data,
            augment=told.augment,
            relabel=told.relabel,
            num_validation=told.num_validation,
            max_train=told.max_train,
            max_test=told.max_test,
        )
        return replace(net, data=data)
    if isinstance(net, str):
        return replace(get_recipe(net).config, data=data)
    if net is not None and not isinstance(net, nn.Module):
        got = net.__name__ if isinstance(net, type) else type(net).__name__
        raise TypeError(f"net must be a recipe's name, a RunConfig, an nn.Module or None: got {got}")
    rows, columns = family.grid_shape
    return grid_recipe(data, rows * columns).config


def _saved(out: Path) -> RunConfig | None:
    """The settings of the run in a folder that can be gone on with; None where there is none."""
    return read_config(out / LAST)[0] if (out / LAST / TRAINING_STATE).is_file() else None


def _averaged(training: TrainConfig, resumed: RunConfig | None) -> TrainConfig:
    """The settings with an average of the weights that spans a tenth of a short run, or with that of a resumed run."""
    if resumed is None:
        return replace(training, ema_rate=min(training.ema_rate, max(0.0, 1 - 10 / training.steps)))
    return replace(training, ema_rate=resumed.train.ema_rate, ema_warmup=resumed.train.ema_warmup)


def _with_net(net: nn.Module, config: RunConfig, *, family: Task) -> TRM:
    """Builds a TRM with this network in place of its block stack.

    Raises:
        ValueError: when the network is a whole model, or gives another shape than it is given.
    """
    if isinstance(net, Model):
        raise ValueError(
            f"net must be a module from (B, S, D) to (B, S, D): {type(net).__name__} is a whole model, which "
            "ponderling.start trains"
        )
    model = TRM(config.model, shape_of(family), net=net, generator=seeded_generator(config.train.seed))
    S, D = config.model.prefix_len + model.shape.seq_len, config.model.hidden_size
    was_training = net.training
    try:
        with torch.no_grad():
            given = net.eval()(torch.zeros(2, S, D))
        said = f"{tuple(given.shape)}" if isinstance(given, torch.Tensor) else type(given).__name__
    except Exception as error:  # whatever a module of the user's own raises
        said = " ".join(f"{type(error).__name__}: {error}".split())
    finally:
        net.train(was_training)
    if said != str((2, S, D)):
        raise ValueError(
            f"net must map (B, S, D) to the same shape, for these grids S {S} and D {D}: "
            f"{type(net).__name__} given {(2, S, D)} gave {said}"
        )
    return model


def _split(
    family: Task, file: GridFile, *, read: ReadGrids, test: GridFile | None, share: float | None, data: DataConfig
) -> DataSplit:
    """Splits the run's puzzles so that no question, up to the family's symmetries, is in two parts.

    Raises:
        PuzzleError: for what the family cannot read, answers that its rules refuse, and test questions that are trained on.
    """
    puzzles = read(file)
    _refuse_wrong_answers(family, file, puzzles=puzzles)
    keys = family.fingerprint(puzzles.tokens)
    nothing = puzzles[:0]
    tested = nothing
    if test is not None:
        tested = read(test)
        _refuse_wrong_answers(family, test, puzzles=tested)
        _refuse_overlap(test, keys, tested=family.fingerprint(tested.tokens))
    held = np.zeros(len(puzzles), bool)
    if share is not None:
        held = _held_out(puzzles, keys, share=share, most=data.num_validation)
    # A fixed order, whatever the run's seed, as for files.
    order = np.random.default_rng(0).permutation(len(puzzles))
    rows = order[~held[order]]
    return DataSplit(
        train=puzzles[rows[: data.max_train]], validation=puzzles[order[held[order]]], test=tested[: data.max_test]
    )


def _puzzles(family: Task, file: GridFile) -> Puzzles:
    """Reads the examples as grids of the family's symbols."""
    symbols = np.array(list(map(int, file.symbols)) if are_numbers(file.symbols) else file.symbols)
    problems = Problems(file.path, file.unit)
    parse_answer = family.parse_answer if isinstance(family, GridTask) else family.parse_grid
    tokens = _tokens(family, file.inputs, symbols=symbols, parse=family.parse_grid, what="input", problems=problems)
    labels = _tokens(family, file.outputs, symbols=symbols, parse=parse_answer, what="output", problems=problems)
    problems.report()
    return Puzzles(tokens=tokens, labels=labels, puzzle_ids=np.zeros(len(file), np.int32))


def _tokens(
    family: Task,
    grids: CellGrids,
    *,
    symbols: NDArray[Any],
    parse: Callable[[Any], Tokens],
    what: str,
    problems: Problems,
) -> Tokens:
    """Turns grids into tokens, (N, L), and adds a problem for each grid that cannot be read."""
    rows, columns = family.grid_shape
    tokens = np.zeros((len(grids.shapes), rows * columns), np.uint8)
    for shape, members, codes in grids.by_shape():
        for i, cells in zip(members.tolist(), codes, strict=True):
            if shape != (rows, columns):
                problems.add(i, f"{what} is {shape[0]}x{shape[1]}: {family.name} has grids of {rows}x{columns}")
                continue
            try:
                tokens[i] = parse(symbols[cells])
            except PuzzleError as error:
                problems.add(i, f"{what}: {error}")
    return tokens


def _refuse_wrong_answers(family: Task, file: GridFile, *, puzzles: Puzzles) -> None:
    """Refuses answers among the first CHECKED that the rules do not accept."""
    if not family.has_rules:
        return
    problems = Problems(file.path, file.unit)
    questions, answers = puzzles.tokens[:CHECKED], puzzles.labels[:CHECKED]
    for i in np.flatnonzero(~family.valid(questions, answers)):
        reasons = family.check(questions[i], answers[i]).reasons[:2]
        problems.add(int(i), "; ".join(["the rules refuse the output", *reasons]))
    problems.report()


def _refuse_overlap(test: GridFile, trained: NDArray[np.uint64], *, tested: NDArray[np.uint64]) -> None:
    """Refuses test questions that are trained on; both are given as fingerprints."""
    where = dict(zip(trained.tolist(), range(len(trained)), strict=True))
    problems = Problems(test.path, test.unit)
    for i, key in enumerate(tested.tolist()):
        if key in where:
            problems.add(i, f"its question is also that of index {where[key]} of {TRAIN_ARRAYS}, up to the symmetries")
    problems.report()


def _held_out(puzzles: Puzzles, keys: NDArray[np.uint64], *, share: float, most: int) -> NDArray[np.bool_]:
    """Selects the examples to hold out, (N,): all examples of some questions, deterministically.

    A question that alone shows a symbol is never held out.

    Args:
        puzzles: The examples.
        keys: The fingerprint of each question, (N,).
        share: Share of the distinct questions to hold out.
        most: Maximum number of distinct questions to hold out.
    """
    kinds, kind = np.unique(keys, return_inverse=True)
    if len(kinds) < 2:
        raise PuzzleError(
            f"{TRAIN_ARRAYS}: all questions are equal up to the symmetries, so none can be held out: give validation=None"
        )
    chosen = np.zeros(len(kinds), bool)
    count = min(max(1, int(len(kinds) * share)), len(kinds) - 1, most)
    chosen[np.random.default_rng(0).permutation(len(kinds))[:count]] = True
    held = chosen[kind]
    both = np.concatenate([puzzles.tokens, puzzles.labels], axis=1)
    missing = np.setdiff1d(np.unique(both[held]), np.unique(both[~held]))
    chosen[kind[held & np.isin(both, missing).any(axis=1)]] = False
    return chosen[kind]
