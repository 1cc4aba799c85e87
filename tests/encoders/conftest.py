"""The same random weights and inputs in every run."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
