"""`dev/campaigns/mutants.py`: the faults by hand can be made in the code, and the tests that should notice are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns import mutants

TESTS = Path(__file__).parent


@pytest.mark.parametrize("fault", mutants.NAMED, ids=lambda fault: fault.claim)
def test_the_code_has_one_place_for_each_fault_by_hand(fault):
    assert mutants.path_of(fault.file).read_text(encoding="utf-8").count(fault.old) == 1
    assert all((TESTS / name).is_file() for name in fault.tests)


@pytest.mark.parametrize("file", mutants.CORE)
def test_the_files_of_the_core_and_their_tests_are_there(file):
    assert mutants.path_of(file).is_file()
    assert all((TESTS / name).is_file() for name in mutants.CORE[file])
