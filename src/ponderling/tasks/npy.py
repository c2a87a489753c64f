"""numpy's files of arrays from anywhere: what a header claims is compared with the file before memory is taken for it."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ponderling.tasks.base import PuzzleError
from ponderling.tasks.opened import RATIO, open_bytes
from ponderling.tasks.problems import one_line

UNPACKED_FREELY = 128 << 20
"""Arrays may unpack to this number of bytes, or to `opened.RATIO` times the file's size; padded grids pack well."""


def read_npy(path: Path) -> NDArray[Any]:
    """The array of an .npy file.

    Raises:
        PuzzleError: naming the file and why it cannot be read.
    """
    try:
        with open_bytes(path) as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _array(file, size)
    except FileNotFoundError as error:
        raise PuzzleError(f"{path}: cannot be read: No such file or directory") from error
    except PuzzleError:
        raise
    except Exception as error:  # numpy raises errors of many classes
        raise PuzzleError(f"{path}: cannot be read: {_reason(error)}") from error


def read_npz(path: Path, names: Collection[str], *, writes: str) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by name: those of `names`, and in place of others empty ones, which are not read.

    Args:
        path: The file.
        names: The arrays to read.
        writes: What writes such a file, for the error message.

    Raises:
        PuzzleError: naming the file, the array and why it cannot be read.
    """
    with open_bytes(path) as file:
        size = file.seek(0, 2)
        try:
            with zipfile.ZipFile(file) as archive:
                return _arrays(path, archive, names=names, size=size)
        except PuzzleError:
            raise
        except Exception as error:  # zipfile raises errors of many classes, too
            raise PuzzleError(
                f"{path}: not an npz file of plain arrays: expected what {writes} writes: {_reason(error)}"
            ) from error


def _arrays(path: Path, archive: zipfile.ZipFile, *, names: Collection[str], size: int) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries if entry.filename.removesuffix(".npy") in names)
    if unpacked > max(UNPACKED_FREELY, RATIO * size):
        raise PuzzleError(
            f"{path}: not an npz file of plain arrays: {size:,} bytes unpack to {unpacked:,}; write it with np.savez"
        )
    for entry in entries:
        name = entry.filename.removesuffix(".npy")
        place = f"{path}: array {one_line(name, 40)}"
        if name in arrays:
            raise PuzzleError(f"{place}: is in the file twice")
        if name not in names:
            arrays[name] = np.empty(0)
            continue
        if not entry.filename.endswith(".npy"):
            raise PuzzleError(f"{place}: not an npz file of plain arrays: the entry must be named {name}.npy")
        try:
            with archive.open(entry) as file:
                arrays[name] = _array(file, entry.file_size)
                if file.read(1):  # reading to the end compares the checksum
                    raise ValueError("its data is longer than its header says")
        except Exception as error:
            raise PuzzleError(f"{place}: not an npz file of plain arrays: {_reason(error)}") from error
    return arrays


def _array(file: BinaryIO | Any, size: int) -> NDArray[Any]:
    """The array of an open file of this size, whose header is checked first.

    Raises:
        ValueError: when it is not a plain array, or the header claims more than there is.
    """
    if file.read(6) != b"\x93NUMPY":  # numpy would take it for a pickle, and tell how to load one
        raise ValueError("not an array that np.save wrote")
    file.seek(0)
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f"format version {version[0]}.{version[1]} is not one of plain arrays")
    try:
        shape, _, dtype = read_header[version](file)
    except Exception as error:  # also of Python's tokenizer
        raise ValueError(f"Cannot parse header: {_reason(error)}") from error
    if dtype.hasobject:
        raise ValueError("Object arrays could run code: write numbers or texts")
    if dtype.names is not None or dtype.subdtype is not None:
        raise ValueError(f"expected plain numbers or texts: got {one_line(str(dtype), 40)}")
    if any(type(side) is not int or side < 0 for side in shape) or dtype.itemsize * math.prod(shape) > size:
        raise ValueError(f"its header says {dtype} {shape}, which is more than the {size:,} bytes that are there")
    if math.prod(shape) > size:
        raise ValueError(f"its header says {dtype} {shape}, cells without content")
    file.seek(0)
    array = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype.kind == "U":
        _check_characters(array)
    return array


def _check_characters(array: NDArray[Any]) -> None:
    """Refuses texts that Python cannot hold or print."""
    codes = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))).view(np.uint32)
    if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
        raise ValueError("a text holds a character that does not exist")


def _reason(error: Exception) -> str:
    known = {zlib.error: "its data is damaged", EOFError: "it ends too early", MemoryError: "it is too large"}
    if type(error) in known:
        return known[type(error)]
    return one_line(" ".join(str(error).split()), 200) or type(error).__name__
