"""What can be said about an official checkpoint besides its files; `official/read.py` takes them. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ponderling.config import DType


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """Facts about an official checkpoint that its files may not hold; None: to be found in them."""

    config: Path | None = None
    """The all_config.yaml, if it does not lie beside the checkpoint."""
    seq_len: int | None = None
    """Number of cells in a grid (81 for Sudoku, 900 for mazes and ARC)."""
    task: str | None = None
    """Puzzle family, such as sudoku9."""
    identifiers: Path | None = None
    """ARC: identifiers.json of the training data set, or that set's folder; by default the file beside the checkpoint."""
    num_puzzles: int | None = None
    """Number of puzzle ids to make room for; if the checkpoint has another number, every row becomes its mean row."""
    num_heads: int | None = None
    """Number of attention heads, for a checkpoint without YAML."""
    n: int | None = None
    """Number of latent steps (official L_cycles), for a checkpoint without YAML."""
    T: int | None = None
    """Number of recursions (official H_cycles), for a checkpoint without YAML."""
    N_sup: int | None = None
    """Maximum number of supervision steps (official halt_max_steps), for a checkpoint without YAML; by default 16."""
    prefix_len: int | None = None
    """Number of tokens before the grid (TRM's puzzle_emb_len), for a checkpoint without YAML."""
    dtype: DType | None = None
    """Type of the activations; by default the checkpoint's own."""
