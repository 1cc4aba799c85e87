import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import CanonicalBottleneck, IBAligner
from mibsk.inspection import SharedInformationDisplay
from mibsk.metrics import information_by_subset

NAMES = ["image", "text of the same scene", "audio"]
SETS = {0: [0, 1, 2], 1: [0, 1], 2: [1, 2]}  # factor -> modalities


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((800, 3))
    found = {}
    for i, name in enumerate(NAMES):
        columns = [k for k, members in SETS.items() if i in members]
        found[name] = np.hstack([factors[:, columns], rng.standard_normal((800, 2))])
        found[name] += 0.6 * rng.standard_normal(found[name].shape)
    return found


@pytest.fixture(scope="module")
def fitted(rows):
    return CanonicalBottleneck().fit(rows)


def drawn_sets(display):
    """Return the modalities of each column, which a line connects."""
    lines = [line for line in display.axes_[1].lines if line.get_linestyle() == "-"]
    names = [label.get_text() for label in display.axes_[1].get_yticklabels()]
    return [tuple(names[int(y)] for y in line.get_ydata()) for line in lines]


def test_bars_and_sets(fitted, check_saved, check_inside, style):
    display = SharedInformationDisplay.from_estimator(fitted)
    found = fitted.information_by_subset_
    order = sorted(found, key=lambda subset: -found[subset].value)
    assert len(order) == 3
    assert drawn_sets(display) == order
    bars, _ = display.axes_
    heights = [bar.get_height() for bar in bars.patches]
    np.testing.assert_allclose(heights, [found[subset].value for subset in order])
    [intervals] = bars.collections
    ends = [segment[:, 1] for segment in intervals.get_segments()]
    np.testing.assert_allclose(ends, [[found[s].low, found[s].high] for s in order])
    check_saved(display)
    check_inside(display)


def test_embeddings_and_estimators_that_embed(rows, fitted):
    expected = information_by_subset(rows)
    display = SharedInformationDisplay.from_embeddings(rows)
    assert display.information == expected
    assert SharedInformationDisplay.from_estimator(fitted, rows).names == NAMES
    aligner = IBAligner(n_components=4, max_epochs=1, random_state=0).fit(rows)
    display = SharedInformationDisplay.from_estimator(aligner, rows, level=0.9)
    assert display.information == information_by_subset(aligner.embed(rows), level=0.9)


def test_rows_that_lack_a_modality_are_not_used(rows, fitted):
    holed = {name: X.copy() for name, X in rows.items()}
    holed["audio"][:100] = np.nan
    display = SharedInformationDisplay.from_estimator(fitted, holed)
    rest = {name: X[100:] for name, X in rows.items()}
    assert display.information == SharedInformationDisplay.from_estimator(fitted, rest).information


def test_only_the_largest_sets(fitted):
    display = SharedInformationDisplay.from_estimator(fitted, max_sets=1)
    assert len(display.axes_[0].patches) == 1
    assert any("2 more" in text.get_text() for text in display.axes_[0].texts)


def test_nothing_shared(check_inside):
    rng = np.random.default_rng(0)
    noise = {name: rng.standard_normal((300, 2)) for name in NAMES}
    display = SharedInformationDisplay.from_embeddings(noise)
    assert display.axes_[0].texts[0].get_text() == "nothing shared"
    check_inside(display)


def test_pipeline_and_axes_of_the_user(rows):
    import matplotlib.pyplot as plt

    table = np.hstack(list(rows.values()))
    ends = np.cumsum([0, *(X.shape[1] for X in rows.values())])
    modalities = {n: slice(*ends[i : i + 2]) for i, n in enumerate(NAMES)}
    bottleneck = CanonicalBottleneck(modalities=modalities)
    pipeline = make_pipeline(StandardScaler(), bottleneck).fit(table)
    _, axes = plt.subplots(2, 1)
    display = SharedInformationDisplay.from_estimator(pipeline, axes=axes)
    assert list(display.axes_) == list(axes)


def test_bad_input(rows, fitted):
    aligner = IBAligner(n_components=4, max_epochs=1, random_state=0).fit(rows)
    with pytest.raises(TypeError, match="pass rows that it embeds as X"):
        SharedInformationDisplay.from_estimator(aligner)
    with pytest.raises(ValueError, match="max_sets must be"):
        SharedInformationDisplay.from_estimator(fitted, max_sets=0)
