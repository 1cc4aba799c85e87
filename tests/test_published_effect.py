"""The effect of beta comes out as the method's authors report it."""

import numpy as np
import pytest

from benchmarks.sprites_effect import sweep

BETAS = [0, 1, 3]


@pytest.mark.slow
def test_sprites_effect_agrees_with_the_authors_curves(shared_data, reference):
    curves = reference("training_curves.json")["by_beta"]
    published = np.array([curves[str(beta)]["alignment/cka"] for beta in BETAS])
    measured = sweep(shared_data / "sprites" / "sprites10k.npz", BETAS, seeds=[0, 1, 2])
    mean = measured.groupby("beta").mean(numeric_only=True).loc[BETAS]
    assert (mean["CKA"].diff().dropna() > 0).all()
    assert (mean["nuisance information"].diff().dropna() < 0).all()
    assert (mean["temperature"].diff().dropna() < 0).all()
    np.testing.assert_allclose(mean["CKA"], published, rtol=0, atol=0.02)
