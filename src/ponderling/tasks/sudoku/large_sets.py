"""The large 9x9 sets, which only training needs: not in the package, but known by their hashes.

They lie in `puzzles/` of the repository, and in a data set of the Hub, from which they are fetched when first needed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ponderling.tasks.base import PuzzleError

REPOSITORY = "ponderling/puzzles"
"""The data set on the Hub; `puzzles/README.md` is its card."""

HASHES = {
    "hunted": "6101d35482297e6421e18e85661a63df071da0910917d52ec32905ea88458660",
    "deep": "d2479d9e242a3ab6c1a31ec8b33eedfee1f8aa1727f2c26c5814ee9d5e93e148",
    "jigsaws": "9341d7966b17e493e0f69b35b68e9ffac2566cc45d6a4c6e20349537d526688a",
    "layouts": "821866bd1d1f9981b7b8fc12ab0111dd4fd3ec2f32bbb4bf43a2eb63d2ceda19",
}
"""SHA-256 of each set's file. Nothing else is read as the set, wherever it comes from."""

CHECKOUT = Path(__file__).resolve().parents[4] / "puzzles"
"""Where the files are when the code runs from a checkout of the repository."""


def file_name(name: str) -> str:
    """The name of a set's file, in the repository and on the Hub."""
    return f"sudoku9_{name}.csv.gz"


def find_set(name: str) -> Path | None:
    """The file of a set if it is on this machine, in a checkout or among the files fetched before; no network is used.

    Raises:
        PuzzleError: when the file has another content.
    """
    path = CHECKOUT / file_name(name)
    if not path.is_file():
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(REPOSITORY, file_name(name), repo_type="dataset")
        if not isinstance(cached, str):
            return None
        path = Path(cached)
    return _checked(name, path)


def fetch_set(name: str) -> Path:
    """The file of a set of `HASHES`, fetched from the Hub, with its bar of progress, if it is not on this machine.

    Raises:
        PuzzleError: when it cannot be fetched, or has another content.
    """
    path = find_set(name)
    if path is not None:
        return path
    from huggingface_hub import hf_hub_download

    try:
        path = Path(hf_hub_download(REPOSITORY, file_name(name), repo_type="dataset"))
    except Exception as error:  # whatever the client raises: no network, no such file, a refused token
        reason = " ".join(str(error).split())[:300]
        raise PuzzleError(
            f"the puzzles {name} are not part of the package, and {file_name(name)} cannot be fetched from {REPOSITORY} on the "
            f"Hub: {reason}. Try again with a network, install from a clone of the repository with pip install -e, or name a "
            "file of puzzles"
        ) from error
    return _checked(name, path)


def _checked(name: str, path: Path) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != HASHES[name]:
        path = path.resolve()  # the Hub's cache has links to files of other names
        raise PuzzleError(
            f"{path}: not the puzzles {name}: expected a file of SHA-256 {HASHES[name]}, got {found}; delete it, and it is "
            "fetched again"
        )
    return path
