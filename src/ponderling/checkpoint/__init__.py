"""Checkpoints: `model.safetensors` and `config.json` in a folder; `training.safetensors` beside them to go on with a run.

A run folder holds two of them, `best` and `last`. Every file is written beside its place and moved there whole, so that
whatever happens, a full disk or `kill -9`, what was saved before stays readable. Nothing is pickled.

What is known of weights, such as their step and their figures, is in the file of the weights itself, so that both change in
one step. `config.json` holds a copy for people and for the Hub.
"""

from ponderling.checkpoint.errors import DAMAGE, CheckpointError, one_line, shown_name
from ponderling.checkpoint.folders import (
    BEST,
    CONFIG,
    HUB,
    LAST,
    METRICS,
    MODEL,
    PACKAGED,
    REPOSITORY,
    SEEN,
    TENSORBOARD,
    TEST,
    TRAINING,
    clear_leftovers,
    find_checkpoint,
    list_weights,
    local_checkpoint,
    refuse_occupied,
)
from ponderling.checkpoint.header import OF_THIS_MACHINE, read_config, save_checkpoint
from ponderling.checkpoint.loading import (
    CELLS_SURE,
    Checkpoint,
    build_described,
    load_checkpoint,
    on_task,
    trained_sizes,
    why_weights_do_not_fit,
)
from ponderling.checkpoint.tensor_files import layout_of, load_weights, read_safetensors, write_safetensors
from ponderling.checkpoint.training_state import load_training_state, save_training_state
from ponderling.checkpoint.trust import admit_code, own_code

__all__ = [
    "BEST",
    "CELLS_SURE",
    "CONFIG",
    "DAMAGE",
    "HUB",
    "LAST",
    "METRICS",
    "MODEL",
    "OF_THIS_MACHINE",
    "PACKAGED",
    "REPOSITORY",
    "SEEN",
    "TENSORBOARD",
    "TEST",
    "TRAINING",
    "Checkpoint",
    "CheckpointError",
    "admit_code",
    "build_described",
    "clear_leftovers",
    "find_checkpoint",
    "layout_of",
    "list_weights",
    "load_checkpoint",
    "load_training_state",
    "load_weights",
    "local_checkpoint",
    "on_task",
    "one_line",
    "own_code",
    "read_config",
    "read_safetensors",
    "refuse_occupied",
    "save_checkpoint",
    "save_training_state",
    "shown_name",
    "trained_sizes",
    "why_weights_do_not_fit",
    "write_safetensors",
]
