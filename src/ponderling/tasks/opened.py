"""Text files of any origin, opened in one way: packed or not, in any Unicode encoding that says which it is, and bounded.

Every reader of puzzles goes through `lines_of` or `read_json`: a file that cannot be read is refused in one line with its name.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.json_text import JsonError, parse_json
from ponderling.tasks.problems import one_line
from ponderling.tasks.unpacked import (
    DAMAGES,
    LARGEST_TEXT,
    RATIO,
    UNPACKED_FREELY,
    name_in,
    stream_of,
    without_packing,
)

LONGEST_LINE = 16 << 20
"""Longest line that is read, in characters."""
LARGEST_JSON = 128 << 20
"""Largest file that is read as one JSON value, in bytes once unpacked."""
_BLOCK = 1 << 18
_NOTHING = "\n" * (1 << 16)  # a packed file of a few kB can hold millions of them
_UNREADABLE = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32"}
_UNPACK = "unpack it, and name the file in it"
_PICTURE = "write what it shows as text, a character for each cell"
_BINARY = {
    b"PK\x03\x04": f"a zip archive in a packed file: {_UNPACK}",
    b"\x1f\x8b": f"packed twice: {_UNPACK}",
    b"\xfd7zXZ\0": f"packed twice: {_UNPACK}",
    b"BZh": f"packed twice: {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"packed with zstd: {_UNPACK}",
    b"7z\xbc\xaf\x27\x1c": f"a 7z archive: {_UNPACK}",
    b"Rar!": f"a rar archive: {_UNPACK}",
    b"\x93NUMPY": "an array of numpy's: save it as text",
    b"PAR1": "a parquet file: save it as CSV",
    **dict.fromkeys((b"ARROW1", b"FEA1"), "a table of Arrow's: save it as CSV"),
    b"\x89HDF": "a file of HDF5: save its arrays with np.savez",
    b"MATLAB 5": "a file of MATLAB's: save its arrays with np.savez",
    **{
        bytes([0x80, n]): "a pickle, which may run code when it is read: save it as text or as JSON"
        for n in range(2, 6)
    },
    b"\xd0\xcf\x11\xe0": "a document of an office program: save it as CSV or as text",
    b"{\\rtf": "a document of an office program: save it as plain text",
    b"%PDF": "a PDF: save what it holds as text",
    **dict.fromkeys((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"\0\0\1\0"), f"a picture: {_PICTURE}"),
    b"SQLite format 3": "a data base: save its puzzles as CSV",
}
"""How files of other kinds begin, and what to do with them."""
_KINDS = {
    re.compile(rb"BM.{4}\0{4}|RIFF.{4}WEBP", re.DOTALL): f"a picture: {_PICTURE}",
    re.compile(rb"P[1-6]\r?\n(?:#.*\n)*\d+ \d+\r?\n"): f"a picture: {_PICTURE}",
    re.compile(
        rb"(?:<\?xml[^>]*>|<!--.*?-->|<!doctype svg[^>]*>|\s)*<svg\b", re.DOTALL | re.IGNORECASE
    ): f"a picture: {_PICTURE}",
    re.compile(
        rb"(?:<\?xml[^>]*>|<!--.*?-->|\s)*<(?:!doctype\s+html|html|head|body|table|div|pre)\b",
        re.DOTALL | re.IGNORECASE,
    ): "a web page: copy the cells that it shows into a text file, or save its table as CSV",
}
"""Further kinds, by patterns of how they begin."""
_LOOKED_AT = 4096
"""Bytes by which the kind of a file is known."""
_ESCAPED = re.compile("[\udc80-\udcff]")
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def suffix_of(path: str | Path) -> str:
    """The ending of a file's name in small letters, without .gz and the like: `.csv` for `A.CSV.gz`.

    A zip archive of one file has the ending of that file's name. `.ndjson` is `.jsonl`.
    """
    suffix = Path(without_packing(name_in(path))).suffix
    return ".jsonl" if suffix == ".ndjson" else suffix


def is_csv(path: str | Path) -> bool:
    """Whether a file's name says that it is a CSV, also with tabs (.tsv) or with a further ending such as .gz."""
    return not {".csv", ".tsv"}.isdisjoint(Path(name_in(path).lower()).suffixes)


def lines_of(
    path: str | Path, *, holds: str, longest: int = LONGEST_LINE, is_remark: Callable[[str], bool] | None = None
) -> Iterator[str]:
    """The lines of a text file one by one, each with `\\n` at its end where the file ends it in any way.

    A file is packed if its first bytes say so. Its text is UTF-8, or UTF-16 with a byte-order mark.

    Args:
        path: The file.
        holds: What it should hold, for an error message.
        longest: Most characters of a line.
        is_remark: Whether a line with letters that are not UTF-8 only says something of the puzzles, or names one. It is then
            read as Windows-1252, as older programs write. None: such a file is refused.

    Raises:
        FileNotFoundError: when the file does not exist.
        PuzzleError: naming the file, the place and the reason, for anything else that cannot be read.
    """
    refusal, number, rest = f"not a text file of {holds}", 1, ""
    for text in _texts(Path(path), refusal, escapes=is_remark is not None):
        if _NOTHING in text:
            raise PuzzleError(f"{path}: {refusal}: {len(_NOTHING):,} empty lines follow line {number}; remove them")
        lines = (rest + text).split("\n")  # str.splitlines ends a line at further characters
        if len(max(lines, key=len)) >= longest:
            number += next(i for i, line in enumerate(lines) if len(line) >= longest)
            raise PuzzleError(f"{path}: {refusal}: line {number} has {longest:,} or more characters")
        rest = lines.pop()
        for line in lines:
            yield _in_unicode(line, path, refusal=refusal, number=number, is_remark=is_remark) + "\n"
            number += 1
    if rest:
        yield _in_unicode(rest, path, refusal=refusal, number=number, is_remark=is_remark)


def _in_unicode(
    line: str, path: str | Path, *, refusal: str, number: int, is_remark: Callable[[str], bool] | None
) -> str:
    """A line, whose bytes that are not UTF-8 are letters of Windows-1252 where it is no part of a puzzle."""
    if is_remark is None or line.isascii() or not _ESCAPED.search(line):
        return line
    found = line.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    if not is_remark(found):
        raise PuzzleError(f"{path}: {refusal}: line {number} is not UTF-8; save it as UTF-8")
    return found


def read_json(path: str | Path) -> Any:
    """The value of a JSON file, which `lines_of` opens.

    Raises:
        FileNotFoundError: when the file does not exist.
        PuzzleError: naming the file, the place and the reason.
    """
    parts, size = [], 0
    for text in _texts(Path(path), "not JSON, nor text in UTF-8"):
        size += len(text)
        if size > LARGEST_JSON:
            raise PuzzleError(f"{path}: has over {LARGEST_JSON >> 20} MiB of JSON; split it")
        parts.append(text)
    return _json_of("".join(parts), str(path))


def _json_of(text: str, where: str) -> Any:
    if not text.strip():
        raise PuzzleError(f"{where}: the file is empty: expected JSON")
    try:
        return parse_json(text)
    except JsonError as error:
        raise PuzzleError(f"{where}: {error}") from error


def read_zipped_json(path: str | Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Any]]:
    """The names and values of the JSON files in a zip archive whose names are wanted, by name; nothing is written anywhere.

    Raises:
        FileNotFoundError: when the archive does not exist.
        PuzzleError: naming the archive, the file in it and the reason.
    """
    with open_bytes(path) as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise PuzzleError(f"{path}: is not a zip archive, or a damaged one: {one_line(str(error))}") from error
        size = os.fstat(file.fileno()).st_size
        left = min(LARGEST_TEXT, max(UNPACKED_FREELY, RATIO * size))
        for name in sorted(name for name in archive.namelist() if suffix_of(name) == ".json" and wanted(name)):
            where = f"{path}, {one_line(name)}"
            try:
                with archive.open(name) as member:
                    content = member.read(min(left, LARGEST_JSON) + 1)
            except (*DAMAGES, OSError) as error:
                raise PuzzleError(f"{where}: cannot be unpacked: {one_line(str(error))}") from error
            left -= len(content)
            if left < 0 or len(content) > LARGEST_JSON:
                raise PuzzleError(f"{where}: unpacks to too much; unpack the archive yourself and name the folder")
            try:
                text = content.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise PuzzleError(f"{where}: not JSON, nor text in UTF-8: byte {error.start} is not UTF-8") from error
            yield name, _json_of(text, where)


@contextmanager
def open_bytes(path: str | Path) -> Iterator[BinaryIO]:
    """Opens a regular file to read bytes.

    Raises:
        FileNotFoundError: when the file does not exist.
        PuzzleError: when it is a folder or a pipe, or must not be read.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise PuzzleError(f"{one_line(str(path))}: is {kind}: expected a file; save what it holds as one")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{one_line(str(path))}: no such file") from error
    except PuzzleError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise PuzzleError(f"{one_line(str(path))}: cannot be read: {reason}") from error
    with file:
        yield file


def _texts(path: Path, refusal: str, *, escapes: bool = False) -> Iterator[str]:
    """The text block by block, every line end as `\\n`, without a byte-order mark."""
    blocks = _blocks(path, refusal)
    first = next(blocks, b"")
    name = next((name for mark, name in _UNREADABLE.items() if first.startswith(mark)), None)
    if name is not None:
        raise PuzzleError(f"{path}: {refusal}: it is in {name}; save it as UTF-8")
    if (what := _other_kind(first)) is not None:
        raise PuzzleError(f"{path}: {refusal}: it is {what}")
    mark, codec = next(((m, c) for m, c in _MARKS.items() if first.startswith(m)), (b"", "utf-8"))
    errors = "surrogateescape" if escapes and codec == "utf-8" else "strict"
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(errors), translate=True)
    fed, lines = len(mark), 1
    block, is_last = first[len(mark) :], False
    while True:
        fed += len(block)
        try:
            text = decoder.decode(block, final=is_last)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(codec, "replace").replace("\r\n", "\n").replace("\r", "\n")
            byte = fed - len(error.object) + error.start
            raise PuzzleError(
                f"{path}: {refusal}: line {lines + good.count(chr(10))} (byte {byte}) is not "
                f"{codec.upper()}; save it as UTF-8"
            ) from error
        if "\0" in text:
            raise PuzzleError(
                f"{path}: {refusal}: line {lines + text.count(chr(10), 0, text.index(chr(0)))} has a NUL "
                "character: it is binary, or UTF-16 without a byte-order mark; save it as UTF-8"
            )
        lines += text.count("\n")
        if text:
            yield text
        if is_last:
            return
        block = next(blocks, b"")
        is_last = not block


def kind_of(path: Path) -> str | None:
    """What a file is that is not text, and what to do with it; None for one that may be text, or cannot be opened."""
    try:
        with path.open("rb") as file:
            return _other_kind(file.read(_LOOKED_AT))
    except OSError:
        return None


def _other_kind(first: bytes) -> str | None:
    """What a file of another kind is that begins with these bytes, and what to do with it; None for one that may be text."""
    by_name = next((what for begin, what in _BINARY.items() if first.startswith(begin)), None)
    head = first.removeprefix(codecs.BOM_UTF8)[:_LOOKED_AT]
    return by_name or next((what for pattern, what in _KINDS.items() if pattern.match(head)), None)


def _blocks(path: Path, refusal: str) -> Iterator[bytes]:
    """The bytes block by block, unpacked."""
    with open_bytes(path) as file, stream_of(file, path, refusal=refusal) as stream:
        total = 0
        while True:
            try:
                block = stream.file.read(_BLOCK)
            except (*DAMAGES, OSError) as error:
                if isinstance(error, OSError) and (
                    not stream.packing or error.errno is not None
                ):  # bz2's has no number
                    raise PuzzleError(f"{path}: cannot be read: {error.strerror or error}") from error
                reason = one_line(str(error)) or type(error).__name__
                raise PuzzleError(
                    f"{path}: {refusal}: its {stream.packing} is damaged: {reason}; fetch it or pack it again"
                ) from error
            if not block:
                return
            total += len(block)
            if total > stream.most:
                size = os.fstat(file.fileno()).st_size
                raise PuzzleError(
                    f"{path}: {refusal}: {size:,} bytes unpack to more than {stream.most:,}; unpack it yourself "
                    "if it is meant to"
                    if stream.packing
                    else f"{path}: {refusal}: it has more than {stream.most:,} bytes; split it"
                )
            yield block
