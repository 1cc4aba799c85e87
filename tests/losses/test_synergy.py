"""What only three modalities together share: the product of two signs is the third."""

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from mibsk.losses import Embedding, IBObjective

N_SIGNS = 2  # of which the third modality is the product: chance is 1/4


def xor_rows(n, generator):
    """Return three modalities, of which any two are independent, and the signs of the third."""
    x, y = (torch.randint(0, 2, (n, N_SIGNS), generator=generator) * 2.0 - 1 for _ in range(2))
    rows = []
    for signs in (x, y, x * y):
        noise = torch.randn(n, N_SIGNS + 2, generator=generator)
        noise[:, :N_SIGNS] = signs + 0.1 * noise[:, :N_SIGNS]
        rows.append(noise)
    return rows, x * y


def retrieved_signs(sufficiency, n_steps):
    """Return how often the third modality found for the first two has the signs it should have.

    They are held-out rows, and the score is that of the loss: with a multilinear product, a fused
    pair, or for pairwise terms the sum of both similarities.
    """
    generator = torch.Generator().manual_seed(0)
    train, _ = xor_rows(2048, generator)
    test, signs = xor_rows(512, generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoders = nn.ModuleList(
            nn.Sequential(nn.Linear(N_SIGNS + 2, 64), nn.ReLU(), nn.Linear(64, 8)) for _ in train
        )
        objective = IBObjective(sufficiency, beta=0.01)
        objective.build(3, 8)
    optimizer = torch.optim.Adam([*encoders.parameters(), *objective.parameters()], lr=0.005)

    def embed(rows):
        return [normalize(encoder(X), dim=1) for encoder, X in zip(encoders, rows, strict=True)]

    for _ in range(n_steps):
        batch = torch.randint(0, 2048, (64,), generator=generator)
        items = embed([X[batch] for X in train])
        loss = objective({str(m): Embedding(z) for m, z in enumerate(items)}).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        z, w, third = embed(test)
        query = z + w
        if sufficiency == "symile":
            query = z * w
        elif sufficiency == "confu":
            query = objective.sufficiency.fuse(0, 1, z, w)
        found = signs[(query @ third.T).argmax(1)]
    return (found == signs).all(1).float().mean().item()


@pytest.mark.parametrize(("sufficiency", "n_steps"), [("symile", 250), ("confu", 700)])
def test_terms_that_see_synergy(sufficiency, n_steps):
    # both signs, or one of them and the other by chance
    assert retrieved_signs(sufficiency, n_steps) > 0.45


@pytest.mark.parametrize("sufficiency", ["infonce", "ova-signed", "pmrl"])
def test_terms_that_do_not(sufficiency):
    assert retrieved_signs(sufficiency, 250) < 0.35  # with the pairwise gaussian minimality, too
