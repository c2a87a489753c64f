"""The allocator's setting, seen in page faults."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNT = """
import resource, sys
import numpy as np
from ponderling.system import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    print(-1)
    sys.exit()
def use():
    np.ones(16 * 2**20, np.float32)  # 64 MB, freed at once
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.posix
def test_a_buffer_that_was_freed_is_handed_out_again_without_new_pages():
    kept, as_it_comes = page_faults("keep"), page_faults("leave")
    if kept < 0:
        pytest.skip("not glibc")
    assert kept < 10 < as_it_comes
