import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.inspection import LoadingsDisplay


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal((200, 2))
    X = np.hstack([shared + 0.5 * rng.standard_normal((200, 2)) for _ in range(4)])
    names = [f"{kind} number {i} of a longer name" for kind in ("gene", "clinic") for i in range(4)]
    return pd.DataFrame(X, columns=names)


@pytest.fixture(scope="module")
def fitted(table):
    modalities = {"genes": slice(0, 4), "clinic": slice(4, 8)}
    return CanonicalBottleneck(modalities=modalities).fit(table)


def test_correlations(fitted, check_saved, check_inside, style):
    display = LoadingsDisplay.from_estimator(fitted)
    ax = display.axes_[0]
    found = fitted.correlations_
    train, *_ = ax.lines
    np.testing.assert_array_equal(train.get_ydata(), found["train"])
    handles, labels = ax.get_legend_handles_labels()
    kept = handles[labels.index("kept")]
    np.testing.assert_array_equal(kept.lines[0].get_ydata(), found["held_out"][found["kept"]])
    ends = np.array([segment[:, 1] for segment in kept.lines[2][0].get_segments()])
    np.testing.assert_allclose(ends, found[["low", "high"]][found["kept"]])
    check_saved(display)
    check_inside(display)


def test_loadings_are_those_of_the_largest_columns(fitted):
    display = LoadingsDisplay.from_estimator(fitted, n_directions=2, n_columns=3)
    for ax, (name, loadings) in zip(display.axes_[1:], fitted.loadings_.items(), strict=True):
        assert ax.get_title(loc="left") == name
        drawn = ax.images[0].get_array()
        assert drawn.shape == (3, 2)
        largest = loadings.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:3]
        np.testing.assert_array_equal(drawn, loadings.loc[largest].to_numpy())
        numbers = [float(text.get_text()) for text in ax.texts[:6]]
        np.testing.assert_allclose(numbers, drawn.ravel(), atol=0.051)


def test_pipeline_and_axes_of_the_user(table):
    import matplotlib.pyplot as plt

    bottleneck = CanonicalBottleneck(modalities={"a": [0, 1, 2, 3], "b": [4, 5, 6, 7]})
    pipeline = make_pipeline(StandardScaler(), bottleneck).fit(table.to_numpy())
    _, axes = plt.subplots(1, 3)
    display = LoadingsDisplay.from_estimator(pipeline, axes=axes)
    assert list(display.axes_) == list(axes)


def test_an_estimator_without_loadings(bunch):
    aligner = IBAligner(n_components=4, max_epochs=1, random_state=0).fit(bunch.data)
    with pytest.raises(TypeError, match="must be a fitted CanonicalBottleneck"):
        LoadingsDisplay.from_estimator(aligner)
