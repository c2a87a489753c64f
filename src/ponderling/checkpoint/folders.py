"""The folders of checkpoints: what may lie in them, whether one is free, and which one a name means."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from ponderling.checkpoint.errors import CheckpointError, one_line, shown_name
from ponderling.system import remove_leftovers

MODEL, CONFIG, TRAINING = "model.safetensors", "config.json", "training.safetensors"
BEST, LAST = "best", "last"
METRICS, TEST, SEEN = "metrics.jsonl", "test.npz", "seen.safetensors"
TENSORBOARD = "tensorboard"

FILES = (MODEL, CONFIG, TRAINING)
"""What a checkpoint folder may hold."""

PACKAGED = Path(__file__).parents[1] / "weights"
"""Trained weights that come with the package, a checkpoint folder with a card (README.md) for each name."""

HUB = "hf:"
"""What the name of a repository on the Hugging Face Hub begins with: `hf:owner/name` or `hf:owner/name@revision`."""

REPOSITORY = re.compile(r"(?!.*(?:\.\.|--))\w[\w.-]*/\w[\w.-]*(?:@\w[\w./-]*)?", re.ASCII)
"""A repository on the Hub, with or without a revision; nothing that leads elsewhere."""


def occupied_by(folder: Path) -> Path | None:
    """The first thing in a folder that a run, or another checkpoint, has left there; None where a run may begin."""
    root = (*FILES, METRICS, TEST, SEEN, TENSORBOARD)
    found = [folder / name for name in root if os.path.lexists(folder / name)]
    for part in (folder / BEST, folder / LAST):
        if os.path.lexists(part):
            found += sorted(part.iterdir()) if part.is_dir() else [part]
    return min(found, key=lambda path: path.name not in FILES, default=None)


def refuse_occupied(folder: Path, *, advice: str = "choose another --out") -> None:
    """Refuses to begin anything in a folder that holds a checkpoint, a run, or what is left of one.

    Raises:
        FileExistsError: naming what is there.
    """
    found = occupied_by(folder)
    if found is None:
        return
    if found.parent == folder and found.name in (CONFIG, MODEL):
        what = "a checkpoint"
    elif found.name in FILES:
        what = "a run"
    else:
        what = str(found.relative_to(folder))
    raise FileExistsError(f"{folder} holds {what} already: {advice}")


def clear_leftovers(folder: Path) -> None:
    """Deletes what killed processes left half written in a run folder, and its parts that are empty."""
    remove_leftovers(folder, (*FILES, METRICS, TEST, SEEN, BEST, LAST))
    for part in (folder / BEST, folder / LAST):
        remove_leftovers(part, FILES)
        if part.is_dir() and not part.is_symlink():
            with contextlib.suppress(OSError):  # it holds something
                part.rmdir()


def find_checkpoint(name: str | Path, token: str | None = None) -> Path:
    """The folder with `config.json` and `model.safetensors` that a name means; fetched first if it is on the Hub.

    Raises:
        CheckpointError: when there is none. Only a name that begins with `hf:` is looked up on the Hub.
    """
    text = str(name)
    if text.startswith(HUB):
        return _fetch(text, token)
    path, said = Path(name), shown_name(text)
    try:
        found = local_checkpoint(path)
        if found is None and text == path.name:
            found = local_checkpoint(PACKAGED / path.name)
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, a folder that may not be read
        raise CheckpointError(f"{said}: cannot be looked at: {one_line(error)}") from error
    if found is not None:
        return found
    if is_file:
        hint = (
            "official checkpoints are read by `ponderling import`"
            if path.suffix != ".safetensors"
            else "name its folder"
        )
        raise CheckpointError(f"{said}: a checkpoint is a folder with {CONFIG} and {MODEL}, this is a file; {hint}")
    if is_folder:
        raise CheckpointError(
            f"{said}: no {CONFIG} in it, nor in {BEST} or {LAST} below it: not a checkpoint or run folder"
        )
    if REPOSITORY.fullmatch(text):
        raise CheckpointError(f"{said}: no such folder; for the Hub type {HUB}{said}")
    raise CheckpointError(
        f"{said}: no such checkpoint; give a run folder, a checkpoint folder, packaged weights "
        f"({', '.join(list_weights())}) or a Hub repository {HUB}owner/name"
    )


def local_checkpoint(path: Path) -> Path | None:
    """The checkpoint folder that a run folder or checkpoint folder means: its best, its last, or the folder itself."""
    return next((folder for folder in (path / BEST, path / LAST, path) if (folder / CONFIG).is_file()), None)


def list_weights() -> list[str]:
    """Names of the trained weights that come with the package."""
    return sorted(folder.parent.name for folder in PACKAGED.glob(f"*/{CONFIG}"))


def _fetch(name: str, token: str | None) -> Path:
    """The folder of a Hub repository's two files, fetched unless they were before."""
    said = shown_name(name)
    if not REPOSITORY.fullmatch(name.removeprefix(HUB)):
        raise CheckpointError(f"{said}: expected {HUB}owner/name or {HUB}owner/name@revision")
    repo, _, revision = name.removeprefix(HUB).partition("@")
    from huggingface_hub import get_token, snapshot_download

    try:
        folder = Path(snapshot_download(repo, revision=revision or None, allow_patterns=[MODEL, CONFIG], token=token))
    # Whatever goes wrong: the client has changed its HTTP library twice, and their errors share no base.
    except Exception as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        for secret in filter(None, (token, get_token())):
            reason = reason.replace(secret, "***")
        raise CheckpointError(f"{said}: not to be had from the Hub: {reason}") from error
    missing = [file for file in (CONFIG, MODEL) if not (folder / file).is_file()]
    if missing:
        raise CheckpointError(f"{said}: holds no {' and no '.join(missing)}: not a checkpoint of Ponderling")
    return folder
