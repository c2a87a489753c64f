"""What the package's own networks share, of whichever system, so that nothing else asks which one it has."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from ponderling.config import ModelConfig, PuzzleShape
from ponderling.models.interface import Output, State
from ponderling.models.puzzle_embedding import PuzzleEmbedding
from ponderling.models.puzzle_vectors import PuzzleVectors
from ponderling.tasks.relations import Relations


class Model(nn.Module):
    """Base of the package's networks; its subclasses are `interface.RecursiveModel`s that also take n and T.

    A network of your own needs none of this: see `interface.py`.
    """

    initial: Tensor
    """The vectors that the state tensors start from, one row each: (number of state tensors, D)."""

    puzzle_embedding: PuzzleEmbedding | None
    """A learned row for each puzzle, where the network has one."""

    puzzle_vectors: PuzzleVectors | None
    """A few vectors for each puzzle, where the network has them."""

    takes_own_regions: bool = False
    """Whether a question may bring regions of its own in place of its family's."""

    relation_names: tuple[str, ...] = ()
    """The relations of cells that the network sends messages along; none for a network over a sequence."""

    def __init__(self, config: ModelConfig, shape: PuzzleShape):
        super().__init__()
        self.config, self.shape = config, shape
        self.puzzle_vectors = None

    @property
    def is_equivariant(self) -> bool:
        """Whether every view of a puzzle under a symmetry gets the same answer, so that more views gain nothing."""
        return False

    @property
    def keeps_hints(self) -> bool:
        """Whether cells keep what they know well, see `start_over`."""
        return False

    def start_over(self, state: State) -> State:
        """The initial state, in which cells still know what they keep in this one, (B, ...).

        A network that has not settled thinks again so, and need not find again what it was sure of.
        """
        return self.initial_state(len(state[0]))

    @property
    def state_names(self) -> tuple[str, ...]:
        """The names of the state tensors: y and z, or what an ablation has in their place."""
        count = len(self.initial)
        if count == 1:
            return ("z",)
        return ("y", "z") if count == 2 else ("y", *(f"z_{i}" for i in range(1, count)))

    def on(self, shape: PuzzleShape, relations: Relations | None) -> Self:
        """Makes a network for another family's puzzles with the same weights, the very tensors.

        Args:
            shape: The shape of these puzzles.
            relations: The family's groups of cells; needed for a relational network.

        Raises:
            ValueError: when the network is tied to the puzzles that it was made for.
        """
        raise ValueError(
            f"{type(self).__name__} with mixer {self.config.mixer} is tied to the grid that it was made for"
        )

    def initial_state(self, batch_size: int) -> State:
        """The state that every puzzle starts from; expanded views, not copies."""
        raise NotImplementedError

    def forward(
        self, state: State, tokens: Tensor, *, puzzle_ids: Tensor, n: int | None = None, T: int | None = None
    ) -> tuple[State, Output]:
        """One supervision step: the improved state, still attached to its gradient, and what it says.

        Args:
            state: Where to go on from.
            tokens: Questions, (B, L).
            puzzle_ids: Rows of the puzzle embedding, (B,).
            n: Latent steps in one recursion; None: the config's.
            T: Recursions; None: the config's.
        """
        raise NotImplementedError

    def heads(self, y: Tensor) -> Output:
        """What y says: scores for every cell and token, and the halting logits."""
        raise NotImplementedError


def refuse_other_shape(model: torch.nn.Module, shape: PuzzleShape) -> None:
    """Refuses a model that was built for other puzzles; a network that is not of this package may have any shape.

    Raises:
        ValueError: naming what differs.
    """
    if not isinstance(model, Model):
        return
    built = model.shape
    wrong = [
        f"{name} {getattr(built, name)} (the task has {getattr(shape, name)})"
        for name in ("vocab_size", "seq_len")
        if getattr(built, name) != getattr(shape, name)
    ]
    has_ids = model.puzzle_embedding is not None or model.puzzle_vectors is not None
    if has_ids and built.num_puzzles < shape.num_puzzles:
        wrong.append(f"num_puzzles {built.num_puzzles} (the data needs {shape.num_puzzles})")
    if wrong:
        raise ValueError(f"the model was built for other puzzles: PuzzleShape with {', '.join(wrong)}")
