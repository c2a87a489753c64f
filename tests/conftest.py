"""Shared by all tests."""

import os

import hypothesis
import pytest
import torch

from own_grids import own_rules  # noqa: F401
from pages import arc, arc_run, arc_site, both, browser, maze, maze_site, runtime, server, site, sized  # noqa: F401

hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of the code
hypothesis.settings.load_profile("untimed")

ALWAYS_SKIPPED = (
    "no GPU", "there is a GPU", "not glibc", "PONDERLING_REAL_DATA names no folder", "only Linux tells which files are open",
)  # fmt: skip
"""Reasons that no installation mends. PONDERLING_REAL_DATA is for data sets that are not ours to ship."""


@pytest.fixture(autouse=True)
def seeded():
    """torch's global generator starts the same for every test, whatever ran before."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """On a busy machine no command says that something takes long, so that what it prints is the same everywhere."""
    monkeypatch.setattr("ponderling.system.PATIENCE", 1e6)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Puts the tests in a browser last: Playwright keeps an event loop running in its thread, and no other can start there."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_runtest_setup(item):
    """Skips on Windows what is about pipes, signals or limits that only POSIX has."""
    if os.name != "posix" and item.get_closest_marker("posix"):
        pytest.skip("not POSIX")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    """Fails a run with PONDERLING_NO_SKIPS set, as CI's, that left out tests for want of a package, a browser or npm."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("PONDERLING_NO_SKIPS"):
        return
    skipped = [report.longrepr[2] for report in reporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    missing = [reason for reason in skipped if not any(known in reason for known in ALWAYS_SKIPPED)]
    if missing:
        reporter.write_line(
            f"\n{len(missing)} tests were skipped, and PONDERLING_NO_SKIPS is set: {sorted(set(missing))}"
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
