"""Packed files, unpacked as they are read: gzip, bzip2 and xz, known by their first bytes; and a zip archive of one file.

`opened` reads through `stream_of`, which also says how large the text may become.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any, BinaryIO, NamedTuple

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.problems import one_line

LARGEST_TEXT = 4 << 30
"""Largest text that is read, in bytes once unpacked. The public set of 3.8 million Sudokus has 0.7 GB."""
UNPACKED_FREELY, RATIO = 2 << 20, 200
"""A packed file may unpack to this number of bytes, or to this multiple of its own size: puzzles pack 2 to 20 times."""
ENDINGS = (".gz", ".bz2", ".xz")
"""Endings of the names of packed files, which say nothing of what is in them."""
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    EOFError,
    RuntimeError,  # a password is needed; NotImplementedError is one, too
    MemoryError,  # xz may ask for any amount
    ValueError,
)
"""What unpacking raises for damaged data. bzip2 raises an OSError without a number."""
_ZIP = b"PK\x03\x04", b"PK\x05\x06"  # the second of an empty archive
_TEXTS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".sdk", ".sdm", ".ss", ".sud", ".sol", ".maz", ".maze", ".xml", "")
_ABOUT = ("readme", "license", "licence", "copying", "changelog")
_OFFICE = "[Content_Types].xml"


class _Packing(NamedTuple):
    """A way of packing a file."""

    name: str
    begins: bytes
    ending: str
    opened: Callable[[BinaryIO], Any]


_PACKINGS = (
    _Packing("gzip", b"\x1f\x8b", ".gz", lambda file: gzip.GzipFile(fileobj=file)),
    _Packing("bzip2", b"BZh", ".bz2", bz2.BZ2File),
    _Packing("xz", b"\xfd7zXZ\0", ".xz", lzma.LZMAFile),
)


class Stream(NamedTuple):
    """A file's bytes, unpacked."""

    file: IO[bytes]
    packing: str
    """How it is packed, for an error message; empty where it is not."""
    most: int
    """Bytes that it may have."""


def without_packing(name: str) -> str:
    """A name of a file in small letters, without the ending that says how it is packed."""
    name = name.lower()
    return next((name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending)), name)


@contextmanager
def stream_of(file: BinaryIO, path: Path, *, refusal: str) -> Iterator[Stream]:
    """The bytes of an open file, unpacked where its first bytes say that it is packed.

    Args:
        file: The file, at its beginning.
        path: Its name.
        refusal: What it is not, for an error message.

    Raises:
        PuzzleError: when its name says that it is packed and it is not, or when it is an archive of several files.
    """
    size = os.fstat(file.fileno()).st_size
    head = file.read(8)
    file.seek(0)
    packed = Stream(file, "", most=min(LARGEST_TEXT, max(UNPACKED_FREELY, RATIO * size)))
    if head.startswith(_ZIP):
        with _member_of(file, f"{path}: {refusal}") as member:
            yield packed._replace(file=member, packing="zip")
        return
    for packing in _PACKINGS:
        if head.startswith(packing.begins):
            yield packed._replace(file=packing.opened(file), packing=packing.name)
            return
        if head and path.name.lower().endswith(packing.ending):
            kind = "gzipped file" if packing.name == "gzip" else f"file packed with {packing.name}"
            raise PuzzleError(f"{path}: {refusal}: Not a {kind}, though its name ends in {packing.ending}")
    yield packed._replace(most=LARGEST_TEXT)


def name_in(path: str | Path) -> str:
    """The name by which a file's form is known: its own without folders; for a zip archive of one file that file's.

    Of an archive that cannot be read, or holds several files, it is the archive's own.
    """
    name = os.path.basename(path)
    if not name.lower().endswith(".zip") or not os.path.isfile(path):  # opening a pipe waits
        return name
    try:
        with open(path, "rb") as file, _open_zip(file, "") as archive:
            return PurePosixPath(_only_file(archive, "").filename).name
    except (PuzzleError, OSError, ValueError):  # refused where it is read
        return name


@contextmanager
def _member_of(file: BinaryIO, refusal: str) -> Iterator[IO[bytes]]:
    """The one file of an archive, opened."""
    with _open_zip(file, refusal) as archive:
        only = _only_file(archive, refusal)
        try:
            member = archive.open(only)
        except (*DAMAGES, OSError) as error:
            raise PuzzleError(
                f"{refusal}: {one_line(only.filename)} in it cannot be unpacked: {one_line(str(error))}"
            ) from error
        with member:
            yield member


@contextmanager
def _open_zip(file: BinaryIO, refusal: str) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise PuzzleError(f"{refusal}: its zip is damaged: {one_line(str(error))}") from error
    with archive:
        yield archive


def _only_file(archive: zipfile.ZipFile, refusal: str) -> zipfile.ZipInfo:
    """The one file of an archive, or the one that may be text of puzzles.

    Raises:
        PuzzleError: with the names, when there are none or several, or when a password is needed.
    """
    files = [one for one in archive.infolist() if not one.is_dir() and not is_hidden(PurePosixPath(one.filename))]
    if any(one.filename == _OFFICE for one in files):
        raise PuzzleError(f"{refusal}: it is a document of an office program: save it as CSV or as text")
    texts = [one for one in files if _may_hold_puzzles(one.filename)]
    found = files if len(files) == 1 else texts
    if len(found) != 1:
        names = ", ".join(one_line(one.filename, 40) for one in (found or files)[:5])
        more = f" and {len(found or files) - 5} more" if len(found or files) > 5 else ""
        raise PuzzleError(
            f"{refusal}: it is a zip archive: expected one file of puzzles in it, got {names or 'none'}{more}: unpack it, and "
            "name a file in it"
        )
    if found[0].flag_bits & 1:
        raise PuzzleError(f"{refusal}: it is a zip archive with a password: unpack it, and name the file in it")
    return found[0]


def _may_hold_puzzles(name: str) -> bool:
    path = PurePosixPath(without_packing(name))
    return path.suffix in _TEXTS and not path.name.startswith(_ABOUT)


def is_hidden(path: PurePath) -> bool:
    """Whether a file is one that systems and editors add, such as `.ipynb_checkpoints` or what macOS puts into archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
