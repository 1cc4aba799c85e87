"""Baselines of other libraries retrieve partners of unseen rows."""

import numpy as np
import pytest
import torch

from mibsk.metrics import recall_at_k

pytest.importorskip("cca_zoo", reason="the baselines need cca-zoo[deep]")
pytest.importorskip("lightning", reason="the baselines need cca-zoo[deep]")

from benchmarks.choosing_beta._baselines import BASELINES, baseline_names

SETTING = {"encoders": {}, "n_components": 4, "max_epochs": 15, "batch_size": 32, "seed": 3}


def views(n_views: int) -> tuple[dict, dict]:
    """Return training and test rows of views that are functions of two shared variables.

    One view is a uint8 image; the others have a constant column and a copy of another column.
    """
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((300, 2))
    found = {}
    for i in range(n_views):
        mixed = shared @ rng.standard_normal((2, 6)) + 0.1 * rng.standard_normal((300, 6))
        found[f"view{i}"] = np.column_stack([mixed, np.ones(300), mixed[:, 0]])
    image = np.clip(128 + 30 * found["view0"][:, :4], 0, 255).astype(np.uint8)
    found["view0"] = image.reshape(-1, 2, 2)
    return tuple(
        {name: X[rows] for name, X in found.items()} for rows in (slice(200), slice(200, 300))
    )


@pytest.mark.parametrize("name", BASELINES)
def test_partners_of_unseen_rows_are_retrieved(name):
    n_views = 2 if name in baseline_names(2) else 3
    train, test = views(n_views)
    embedded = BASELINES[name](train, **SETTING)(test)
    assert {Z.shape for Z in embedded.values()} == {(100, 4)}
    for Z in embedded.values():
        np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1)
    first, *others = embedded.values()
    for Z in others:
        assert recall_at_k(first, Z, k=5) > 0.25  # chance is 0.05
        assert recall_at_k(first, Z[::-1], k=5) < 0.15


@pytest.mark.parametrize("name", ["MCCA", "DMCCA"])
def test_views_of_different_widths_are_reproducible(name):
    train, test = views(3)
    train["narrow"], test["narrow"] = train["view1"][:, :2], test["view1"][:, :2]
    once, again = (BASELINES[name](train, **{**SETTING, "max_epochs": 1}) for _ in range(2))
    assert once(test)["view2"].shape == (100, 4)
    np.testing.assert_array_equal(once(test)["narrow"], again({"narrow": test["narrow"]})["narrow"])


def test_global_random_state_is_not_changed():
    train, _ = views(2)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    BASELINES["DCCA"](train, **{**SETTING, "max_epochs": 1})
    assert torch.equal(torch.get_rng_state(), state)
