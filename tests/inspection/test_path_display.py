import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mibsk import IBAligner, IBAlignerCV
from mibsk.inspection import PathDisplay
from mibsk.inspection.drawing.style import MODEL_COLORS
from mibsk.metrics import get_scorer

BETAS = (0.0, 0.01, 0.1, 1.0, 3.0)


def make_path(betas=BETAS, n_folds=3):
    rows = [
        {
            "beta": beta,
            "fold": fold,
            "score": 0.5 + 0.1 * np.sin(i) + 0.02 * fold + 0.01 * (fold * i % 3),
            "divergence": (1 + 0.1 * fold) / (1 + beta),
            "modality_gap": (0.5 + 0.1 * fold) / (1 + beta),
        }
        for fold in range(n_folds)
        for i, beta in enumerate(betas)
    ]
    return pd.DataFrame(rows)


def make_display(betas=BETAS, n_folds=3, beta=1.0, best_beta=0.1, errors=0.03):
    path = make_path(betas, n_folds)
    errors = np.full(len(betas), errors)
    return PathDisplay(path, beta=beta, best_beta=best_beta, standard_error=errors)


def line_of(ax, label):
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return found


def annotations(ax):
    return [text.get_text() for text in ax.texts]


@pytest.fixture(scope="module")
def search(bunch):
    aligner = IBAligner(n_components=4, max_epochs=1, batch_size=20, random_state=0)
    return IBAlignerCV(aligner, betas=[0.0, 0.5, 2.0], cv=2).fit(bunch.data)


def test_scores(check_saved, check_inside, style):
    display = make_display().plot()
    ax = display.axes_[0]
    scores = make_path().pivot(index="beta", columns="fold", values="score")
    line = line_of(ax, "score")
    np.testing.assert_array_equal(line.get_xdata(), BETAS)
    np.testing.assert_allclose(line.get_ydata(), scores.mean(axis=1))
    folds = [ln.get_ydata() for ln in ax.lines if len(ln.get_xdata()) == 5 and ln is not line]
    for fold in scores:
        assert any(np.array_equal(drawn, scores[fold]) for drawn in folds)
    (bars,) = ax.containers
    spans = [np.ptp(segment[:, 1]) for segment in bars.lines[2][0].get_segments()]
    np.testing.assert_allclose(spans, 0.03)
    check_saved(display)
    check_inside(display)


def test_bars_reach_the_dashed_line_where_a_beta_is_as_good():
    """The picture and the rule agree."""
    scores = np.array([[0.5, 0.75, 1.0], [0.625, 0.75, 1.0], [0.5, 0.875, 0.9375], [0.1, 0.2, 0]])
    betas = [0.0, 1.0, 2.0, 3.0]
    path = make_path(betas)
    path["score"] = scores.T.ravel()
    errors = (scores[1] - scores).std(axis=1, ddof=1) / np.sqrt(3)
    display = PathDisplay(path, beta=2.0, best_beta=1.0, standard_error=errors).plot()
    ax = display.axes_[0]
    tops = [segment[:, 1].max() for segment in ax.containers[0].lines[2][0].get_segments()]
    (dashed,) = [line for line in ax.lines if line.is_dashed()]
    reached = np.array(tops) >= dashed.get_ydata()[0]
    np.testing.assert_array_equal(np.flatnonzero(reached)[-1], 2)


def test_agreement_of_the_modalities():
    ax = make_display().plot().axes_[1]
    path = make_path()
    for name, label, band in zip(
        ("divergence", "modality_gap"),
        ("divergence of pairs", "modality gap"),
        ax.collections,
        strict=True,
    ):
        over_folds = path.groupby("beta")[name]
        np.testing.assert_allclose(line_of(ax, label).get_ydata(), over_folds.mean())
        corners = band.get_paths()[0].vertices
        for beta in BETAS:
            heights = corners[corners[:, 0] == beta, 1]
            np.testing.assert_allclose(
                [heights.min(), heights.max()],
                [over_folds.min()[beta], over_folds.max()[beta]],
            )
    assert ax.get_ylim()[0] == 0
    np.testing.assert_array_equal(line_of(ax, "chosen").get_xdata(), [1.0, 1.0])


@pytest.mark.parametrize(
    ("beta", "best_beta", "expected"),
    [
        (1.0, 0.1, {"chosen, β = 1", "best, β = 0.1"}),
        (0.0, 0.0, {"best and chosen, β = 0"}),
        (3.0, 1.0, {"chosen, β = 3", "best, β = 1"}),
        (3.0, 3.0, {"best and chosen, β = 3"}),
    ],
)
def test_best_and_chosen_are_named(beta, best_beta, expected, check_inside):
    display = make_display(beta=beta, best_beta=best_beta).plot()
    ax = display.axes_[0]
    assert expected < set(annotations(ax))
    chosen = line_of(ax, "chosen")
    mean = make_path().query("beta == @beta")["score"].mean()
    assert (chosen.get_xdata()[0], chosen.get_color()) == (beta, MODEL_COLORS[0])
    np.testing.assert_allclose(chosen.get_ydata(), mean)
    check_inside(display)


@pytest.mark.parametrize(
    ("betas", "scale"),
    [
        (BETAS, "symlog"),
        ((0.1, 1.0, 10.0), "symlog"),
        ((0.0, 1.0, 2.0, 3.0), "linear"),
        ((0.0,), "linear"),
        ((2.0,), "linear"),
        (tuple(np.geomspace(1e-4, 1e3, 40)), "symlog"),
    ],
)
def test_axis_of_beta(betas, scale, check_inside):
    display = make_display(betas, beta=betas[-1], best_beta=betas[0]).plot()
    for ax in display.axes_:
        assert ax.get_xscale() == scale
        low, high = ax.get_xlim()
        assert low < betas[0] <= betas[-1] < high
        assert all(not text.startswith("-") for text in ticks_within(ax))
    check_inside(display)


def ticks_within(ax):
    low, high = ax.get_xlim()
    shown = [
        label
        for tick, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
        if low <= tick <= high
    ]
    return [label.get_text().replace("\N{MINUS SIGN}", "-") for label in shown]


def test_a_single_fold_has_no_bars():
    display = make_display(n_folds=1, errors=np.nan).plot()
    assert not display.axes_[0].containers
    assert "standard error" not in annotations(display.axes_[0])[0]


def test_of_a_fitted_search(search, style, check_inside):
    display = PathDisplay.from_estimator(search)
    line = line_of(display.axes_[0], "recall@1")
    np.testing.assert_allclose(line.get_ydata(), search.scores_.mean(axis=1))
    assert f"β = {search.beta_:g}" in "".join(annotations(display.axes_[0]))
    check_inside(display)


def test_of_a_pipeline(of_table):
    pipeline, table = of_table
    last = IBAlignerCV(pipeline[-1], betas=[0.0, 1.0], cv=2)
    made = make_pipeline(StandardScaler(), last).fit(table)
    figure, axes = plt.subplots(1, 2)
    display = PathDisplay.from_estimator(made, score_name="retrieval", axes=axes)
    assert display.figure_ is figure
    assert display.axes_[0].get_ylabel() == "retrieval"


def any_score(estimator, X, y=None):
    return 0.5


@pytest.mark.parametrize(
    ("scoring", "name"),
    [("cka", "cka"), (get_scorer("cka"), "cka"), (any_score, "any_score")],
)
def test_name_of_the_score(search, monkeypatch, scoring, name):
    monkeypatch.setattr(search, "scoring", scoring)
    assert PathDisplay.from_estimator(search).axes_[0].get_ylabel() == name


def test_estimator_without_path(aligner):
    for estimator in (aligner, IBAlignerCV(), 3, make_pipeline(StandardScaler())):
        with pytest.raises(TypeError, match="must be a fitted IBAlignerCV or a Pipeline"):
            PathDisplay.from_estimator(estimator)
