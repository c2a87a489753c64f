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
from typing import IO, Any, BinaryIO, NamedTuple, Protocol

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
_READ = 1 << 16
_ZIP = b"PK\x03\x04", b"PK\x05\x06"  # the second of an empty archive
_ZIP_END = 22  # bytes of an archive's last record, without its comment
_TEXTS = (
    ".csv",
    ".tsv",
    ".txt",
    ".json",
    ".jsonl",
    ".ndjson",
    ".sdk",
    ".sdm",
    ".ss",
    ".sud",
    ".sol",
    ".maz",
    ".maze",
    ".xml",
    "",
)
_ABOUT = ("readme", "license", "licence", "copying", "changelog")
_OFFICE = {"[Content_Types].xml", "META-INF/manifest.xml"}
"""A file in every archive that is a document: of Microsoft's programs, or of LibreOffice's."""


class _Packing(NamedTuple):
    """A way of packing a file."""

    name: str
    begins: bytes
    ending: str
    opened: Callable[[BinaryIO], Any]


_PACKINGS = (
    _Packing("gzip", b"\x1f\x8b", ".gz", lambda file: gzip.GzipFile(fileobj=file)),
    _Packing("bzip2", b"BZh", ".bz2", lambda file: _Streams(file, bz2.BZ2Decompressor)),
    _Packing("xz", b"\xfd7zXZ\0", ".xz", lambda file: _Streams(file, lzma.LZMADecompressor)),
)


class _Decompressor(Protocol):
    """What unpacks one stream of bzip2 or xz."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Streams:
    """The bytes of one packed stream or several, with nothing but zeros after them.

    Python's own readers pass over anything that follows the first stream and is none.
    """

    def __init__(self, file: BinaryIO, unpacker: Callable[[], _Decompressor]) -> None:
        self.file, self.unpacker = file, unpacker
        self.now, self.is_first = unpacker(), True

    def read(self, size: int) -> bytes:
        """Up to this number of bytes; none at the end.

        Raises:
            EOFError: when the first stream is cut off.
            OSError: when it is damaged, and of bzip2.
            lzma.LZMAError: when it is damaged, and of xz.
            ValueError: when something follows it that is no stream, or a damaged one.
        """
        try:
            return self._read(size)
        except (EOFError, OSError, lzma.LZMAError) as error:
            if self.is_first or getattr(error, "errno", None) is not None:  # that of the disk
                raise
            raise ValueError("something follows its end") from error

    def _read(self, size: int) -> bytes:
        packed = b""
        while True:
            if self.now.eof:
                packed = self._rest()
                if not packed:
                    return b""
                self.now, self.is_first = self.unpacker(), False
            elif self.now.needs_input:
                packed = self.file.read(_READ)
                if not packed:
                    raise EOFError("it is cut off")
            found = self.now.decompress(packed, size)
            if found:
                return found
            packed = b""

    def _rest(self) -> bytes:
        """What follows a stream, without zeros before it."""
        rest = self.now.unused_data.lstrip(b"\0")
        while not rest and (packed := self.file.read(_READ)):
            rest = packed.lstrip(b"\0")
        return rest


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
            return _path_of(_only_file(archive, "").filename).name
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
    except (*DAMAGES, OSError) as error:
        raise PuzzleError(
            f"{refusal}: its zip is damaged: {one_line(str(error))}; fetch it or pack it again"
        ) from error
    with archive:
        _check_alone(file, archive, refusal=refusal)
        yield archive


def _check_alone(file: BinaryIO, archive: zipfile.ZipFile, *, refusal: str) -> None:
    """Refuses a file with something before or after its archive, such as two archives: only the last would be read.

    Raises:
        PuzzleError: saying so.
    """
    first = min((one.header_offset for one in archive.infolist()), default=archive.start_dir)
    file.seek(-_ZIP_END - len(archive.comment), os.SEEK_END)
    if first or file.read(4) != _ZIP[1]:
        raise PuzzleError(
            f"{refusal}: it is a zip archive with something before or after it: unpack it, and name a file in it"
        )


def _only_file(archive: zipfile.ZipFile, refusal: str) -> zipfile.ZipInfo:
    """The one file of an archive, or the one that may be text of puzzles.

    Raises:
        PuzzleError: with the names, when there are none or several, or when a password is needed.
    """
    files = [one for one in archive.infolist() if not _is_folder(one) and not is_hidden(_path_of(one.filename))]
    if any(one.filename in _OFFICE for one in archive.infolist()):
        raise PuzzleError(f"{refusal}: it is a document of an office program: save it as CSV or as text")
    if any(one.filename.endswith("/data.pkl") for one in files):
        raise PuzzleError(f"{refusal}: it is a file of torch.save: save its arrays with np.savez")
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


def _path_of(name: str) -> PurePosixPath:
    """The path of a file in an archive, which some programs for Windows write with backslashes."""
    return PurePosixPath(name.replace("\\", "/"))


def _is_folder(one: zipfile.ZipInfo) -> bool:
    return one.filename.endswith(("/", "\\"))


def _may_hold_puzzles(name: str) -> bool:
    path = _path_of(without_packing(name))
    return path.suffix in _TEXTS and not path.name.startswith(_ABOUT)


def is_hidden(path: PurePath) -> bool:
    """Whether a file is one that systems and editors add, such as `.ipynb_checkpoints` or what macOS puts into archives."""
    return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in path.parts)
