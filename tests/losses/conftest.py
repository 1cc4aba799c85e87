"""Inputs for the loss terms."""

import pytest
import torch


@pytest.fixture(scope="session")
def loss_inputs(reference):
    """Unit rows ``z0..z3`` and Gaussians ``mu*, logvar*`` as float64 tensors."""
    return {name: torch.from_numpy(X) for name, X in reference("loss_inputs.npz").items()}


@pytest.fixture(scope="session")
def loss_values(reference):
    """Values of the losses on `loss_inputs`."""
    return reference("loss_values.json")


@pytest.fixture(scope="session")
def unit_rows():
    """Function ``(seed, n, d) -> float64 rows of unit norm``, which leaves the global generator."""

    def draw(seed: int, n: int = 6, d: int = 4) -> torch.Tensor:
        rows = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        return torch.nn.functional.normalize(rows, dim=1)

    return draw


@pytest.fixture(scope="session")
def rotation():
    """An orthogonal 4 x 4 matrix."""
    generator = torch.Generator().manual_seed(7)
    q, _ = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64))
    return q
