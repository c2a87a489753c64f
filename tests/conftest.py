"""Shared by all tests."""

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded():
    """torch's global generator starts the same for every test, whatever ran before."""
    torch.manual_seed(0)
