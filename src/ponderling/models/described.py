"""From what a constructor is given, a whole run's settings or a network's alone, to what a network is built from."""

from __future__ import annotations

from ponderling.config import ModelConfig, PuzzleShape, RunConfig
from ponderling.data import task_of
from ponderling.tasks.base import Task
from ponderling.tasks.relations import Relations


def described(
    config: RunConfig | ModelConfig, shape: PuzzleShape | None, *, system: str
) -> tuple[ModelConfig, PuzzleShape]:
    """The network's settings and the shape of its puzzles.

    Args:
        config: A run's settings, whose task says the vocabulary and the grid, or a network's alone.
        shape: The shape of the puzzles; needed with a ModelConfig. With a RunConfig it replaces the task's, as for ARC, where
            the data decides how many rows the puzzle embedding needs.
        system: The system to build.

    Raises:
        TypeError: when the config is neither of the two.
        ValueError: when the shape is missing, or the config describes another system.
    """
    if not isinstance(config, RunConfig | ModelConfig):
        raise TypeError(f"expected a RunConfig, or a ModelConfig and a PuzzleShape: got {type(config).__name__}")
    if not (shape is None or isinstance(shape, PuzzleShape)):
        raise TypeError(
            f"expected a PuzzleShape, such as PuzzleShape(vocab_size=11, seq_len=81): got {type(shape).__name__}"
        )
    if isinstance(config, RunConfig):
        network, shape = config.model, shape or shape_of(task_of(config.data))
    else:
        network = config
    if shape is None:
        raise ValueError(
            "a ModelConfig does not say what puzzles are like: give a PuzzleShape too, such as "
            "PuzzleShape(vocab_size=11, seq_len=81) for sudoku9, or a RunConfig, whose task says it"
        )
    if network.system != system:
        raise ValueError(f"expected a config of system {system}: got system {network.system}")
    return network, shape


def shape_of(task: Task, *, num_puzzles: int = 1) -> PuzzleShape:
    """The shape of a family's puzzles."""
    rows, columns = task.grid_shape
    return PuzzleShape(task.vocab_size, rows * columns, num_puzzles=num_puzzles, columns=columns)


def relations_for(config: RunConfig | ModelConfig, relations: Relations | None) -> Relations:
    """The relations that a relational network is built on: those given, or those of the run's task.

    Raises:
        ValueError: when the task declares no relations.
    """
    if relations is None and isinstance(config, RunConfig):
        relations = task_of(config.data).relations
    if relations is None:
        raise ValueError("system relational needs a task that declares its relations; this one has none: use trm")
    return relations
