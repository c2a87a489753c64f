"""The large sets, and those of further sizes, which only training needs: not in the package, but known by their hashes.

They lie in `puzzles/` of the repository, and in a data set of the Hub, from which they are fetched when first needed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ponderling.tasks.base import PuzzleError

REPOSITORY = "ponderling/puzzles"
"""The data set on the Hub; `puzzles/README.md` is its card."""

HASHES = {
    "sudoku9_hunted": "6101d35482297e6421e18e85661a63df071da0910917d52ec32905ea88458660",
    "sudoku9_deep": "d2479d9e242a3ab6c1a31ec8b33eedfee1f8aa1727f2c26c5814ee9d5e93e148",
    "sudoku9_jigsaws": "9341d7966b17e493e0f69b35b68e9ffac2566cc45d6a4c6e20349537d526688a",
    "sudoku9_layouts": "821866bd1d1f9981b7b8fc12ab0111dd4fd3ec2f32bbb4bf43a2eb63d2ceda19",
    "sudoku9x_sizes": "8991f9c1b029c91e0978e04742dae44b03161fce8b8c546e527def905891a102",
    "sudoku9x_sizes_test": "d1061afd74fbd127653acfb8fe89d809dc29cdc4c682c0e5dee0f78d99bbf24c",
    "sudoku16_sizes": "da519bb173afa47dc60431b046819ed4630c243629c8efe2965a967bff68c9b0",
    "sudoku16_sizes_test": "bcf8054c7ef39f3f4bbac6cecabeb28c064a272e126e787f442322afd7138f95",
}
"""SHA-256 of each set's file, by the family and the set's name. Nothing else is read as the set, wherever it comes from."""

NAMES = tuple(dict.fromkeys(key.partition("_")[2] for key in HASHES))
"""The names of the sets, each of which some family has."""

CHECKOUT = Path(__file__).resolve().parents[4] / "puzzles"
"""Where the files are when the code runs from a checkout of the repository."""


def file_name(key: str) -> str:
    """The name of a set's file, in the repository and on the Hub."""
    return f"{key}.csv.gz"


def find_set(key: str) -> Path | None:
    """The file of a set of `HASHES` if it is on this machine, in a checkout or fetched before; no network is used.

    Raises:
        PuzzleError: when the file has another content.
    """
    path = CHECKOUT / file_name(key)
    if not path.is_file():
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(REPOSITORY, file_name(key), repo_type="dataset")
        if not isinstance(cached, str):
            return None
        path = Path(cached)
    return _checked(key, path)


def fetch_set(key: str) -> Path:
    """The file of a set of `HASHES`, fetched from the Hub, with its bar of progress, if it is not on this machine.

    Raises:
        PuzzleError: when it cannot be fetched, or has another content.
    """
    path = find_set(key)
    if path is not None:
        return path
    from huggingface_hub import hf_hub_download

    try:
        path = Path(hf_hub_download(REPOSITORY, file_name(key), repo_type="dataset"))
    except Exception as error:  # whatever the client raises: no network, no such file, a refused token
        reason = " ".join(str(error).split())[:300]
        raise PuzzleError(
            f"the puzzles {key} are not part of the package, and {file_name(key)} cannot be fetched from {REPOSITORY} on the "
            f"Hub: {reason}. Try again with a network, install from a clone of the repository with pip install -e, or name a "
            "file of puzzles"
        ) from error
    return _checked(key, path)


def _checked(key: str, path: Path) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != HASHES[key]:
        path = path.resolve()  # the Hub's cache has links to files of other names
        raise PuzzleError(
            f"{path}: not the puzzles {key}: expected a file of SHA-256 {HASHES[key]}, got {found}; delete it, and it is "
            "fetched again"
        )
    return path
