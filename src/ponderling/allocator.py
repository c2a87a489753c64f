"""One setting of the C library's memory allocator, for large buffers that come and go."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def keep_freed_memory() -> bool:
    """Has freed memory stay with the process, to be handed out again; for the whole process, from now on.

    As it comes, glibc gives every buffer over 32 MiB back to the system when it is freed, and takes it anew, page by page
    and filled with zeros, at the next use: a product that writes such a buffer can spend half its time so (figures in
    dev/LOG.md, `benchmarks/bench_allocator.py`). The most memory that is held at a time does not change; it is not given
    back in between.
    `Trainer.run` and the command line call this; a program of your own that solves much may.

    Returns:
        Whether it could be set; False without glibc, where nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return False
    largest = 2**31 - 1  # the setting is a C int
    return bool(mallopt(M_MMAP_THRESHOLD, 2**30) and mallopt(M_TRIM_THRESHOLD, largest))
