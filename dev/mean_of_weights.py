"""Averages the weights before and after a training: `python dev/mean_of_weights.py BEFORE AFTER 0.6 OUT`.

The share is that of AFTER. A network that has learned something new and lost some of the old often keeps both in between
(WiSE-FT, arXiv 2109.01903). BEFORE and AFTER are checkpoints of the same network, such as `sudoku` or a run folder; OUT is a
new folder with AFTER's config, or with the config of a recipe that is named as a fifth argument.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ponderling.checkpoint import load_checkpoint
from ponderling.checkpoint.folders import refuse_occupied
from ponderling.checkpoint.header import save_checkpoint
from ponderling.recipes import get_recipe


def main(before: str, after: str, share: str, out: str, recipe: str | None = None) -> None:
    """Writes the mean.

    Raises:
        ValueError: when the share is not from 0 to 1, or the networks differ.
        FileExistsError: when the folder holds a run.
    """
    w = float(share)
    if not 0 <= w <= 1:
        raise ValueError(f"the share of {after} must be from 0 to 1: got {share}")
    refuse_occupied(Path(out))
    old, new = load_checkpoint(before), load_checkpoint(after)
    ours, theirs = old.model.state_dict(), new.model.state_dict()
    if {k: v.shape for k, v in ours.items()} != {k: v.shape for k, v in theirs.items()}:
        raise ValueError(f"{before} and {after} are not weights of one network")
    mean = {
        key: value.lerp(theirs[key], w) if value.is_floating_point() else theirs[key] for key, value in ours.items()
    }
    config = new.config if recipe is None else get_recipe(recipe).config
    info = {key: new.info[key] for key in ("step", "seconds") if key in new.info} | {"recipe": recipe}
    save_checkpoint(out, mean, config=config, shape=new.shape, info=info)


if __name__ == "__main__":
    main(*sys.argv[1:])
