import copy

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from mibsk.inspection import InformationPlaneDisplay, LeakageDisplay
from mibsk.inspection.drawing.style import MODEL_COLORS, readable
from mibsk.metrics import leakage

FRACTIONS = {
    "infonce": {"leakage": {"speaker": 0.92, "duration": 0.6}, "kept": {"digit": 0.99}},
    "ib": {"leakage": {"speaker": 0.08, "duration": 0.0}, "kept": {"digit": 0.98}},
}
ERRORS = {
    "infonce": {"leakage": {"speaker": 0.01, "duration": 0.02}, "kept": {"digit": 0.02}},
    "ib": {"leakage": {"speaker": 0.03, "duration": 0.0}, "kept": {"digit": 0.004}},
}
PARTS = slice(0, 120), slice(120, 160)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_one_bar_per_model_and_factor(check_saved, style):
    display = LeakageDisplay.from_fractions(FRACTIONS, names={"infonce": "InfoNCE"})
    leaked, kept = display.axes_
    assert [bar.get_width() for bar in leaked.patches] == [0.92, 0.08, 0.6, 0.0]
    assert [bar.get_width() for bar in kept.patches] == [0.99, 0.98]
    assert [to_hex(bar.get_facecolor()) for bar in leaked.patches] == [
        color.lower() for color in MODEL_COLORS[:2] * 2
    ]
    assert texts(leaked) == [
        "← lower is better",
        *("speaker", "92%", "8%", "InfoNCE", "ib"),
        *("duration", "60%", "0%"),
    ]
    assert texts(kept) == ["higher is better →", "digit", "99%", "98%"]
    assert leaked.get_title(loc="left") == "Leaked: nuisances"
    assert kept.get_title(loc="left") == "Kept: shared factors"
    for ax in display.axes_:
        assert ax.get_xlim() == (0, 1)
        assert [label.get_text() for label in ax.get_xticklabels()][::4] == ["0%", "100%"]
    check_saved(display)


def test_bars_are_stacked_downwards_without_overlap():
    display = LeakageDisplay.from_fractions(FRACTIONS)
    ax = display.axes_[0]
    places = np.array([[bar.get_y(), bar.get_y() + bar.get_height()] for bar in ax.patches])
    assert (places[1:, 0] > places[:-1, 1]).all()
    bottom, top = ax.get_ylim()
    assert bottom > places.max()
    assert top < places.min()


def test_errors_are_drawn_as_bars_and_written_after_values():
    display = LeakageDisplay.from_fractions(FRACTIONS, errors=ERRORS)
    leaked, kept = display.axes_
    whiskers = [path.vertices[:, 0] for lines in leaked.collections for path in lines.get_paths()]
    np.testing.assert_allclose(whiskers[:2], [[0.91, 0.93], [0.05, 0.11]])
    assert texts(leaked)[0] == "← lower is better   (±: standard deviation over runs)"
    assert texts(leaked)[2:4] == ["92.0 ± 1.0%", "8.0 ± 3.0%"]
    assert texts(kept)[2:] == ["99.0 ± 2.0%", "98.0 ± 0.4%"]
    assert kept.texts[2].xy[0] == 1.0  # within the axis, although 99% + 2% is not


def test_models_are_named_inside_the_bar_only_where_it_is_long_enough():
    ax = LeakageDisplay.from_fractions(FRACTIONS, names={"ib": "IB, β = 1"}).axes_[0]
    named = {text.get_text(): text for text in ax.texts}
    assert named["infonce"].get_color() == "white"
    assert named["IB, β = 1"].get_color() == readable(MODEL_COLORS[1])


@pytest.mark.parametrize("n_models", [1, 2, 3])
@pytest.mark.parametrize("n_factors", [1, 6])
@pytest.mark.parametrize("with_errors", [False, True])
def test_no_text_is_cut_off_or_overlaps(n_models, n_factors, with_errors, check_inside):
    factors = [f"factor {i} with a name that goes on and on, over several lines" for i in range(6)]
    fractions = {
        f"a model with a rather long name {m}": {
            "leakage": dict.fromkeys(factors[:n_factors], 0.97 / (m + 1)),
            "kept": {"digit": 1.0},
        }
        for m in range(n_models)
    }
    errors = {
        model: {kind: dict.fromkeys(kinds[kind], 0.05) for kind in kinds}
        for model, kinds in fractions.items()
    }
    display = LeakageDisplay.from_fractions(fractions, errors=errors if with_errors else None)
    check_inside(display)


def test_factors_come_in_the_order_of_the_first_model():
    shuffled = copy.deepcopy(FRACTIONS)
    shuffled["ib"]["leakage"] = {"duration": 0.0, "speaker": 0.08}
    display = LeakageDisplay.from_fractions(shuffled)
    assert [bar.get_width() for bar in display.axes_[0].patches] == [0.92, 0.08, 0.6, 0.0]


def changed(path, value):
    """Return FRACTIONS with the entry at `path` replaced, or removed if `value` is None."""
    result = copy.deepcopy(FRACTIONS)
    *parents, last = path
    place = result
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return result


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({}, "must hold 1 to 6 models, got 0"),
        (changed(["ib", "kept"], None), r"fractions\['ib'\] must be .* 'kept' is missing"),
        (changed(["ib", "leaked"], {}), "got 'leaked'. Did you mean 'leakage'"),
        (changed(["infonce", "kept"], {}), r"\['kept'\] holds no factor"),
        (changed(["ib", "leakage", "speaker"], None), "'speaker' is missing"),
        (changed(["ib", "leakage", "age"], 0.1), "has 'age', which the first model has not"),
        (changed(["ib", "leakage", "speaker"], 92), r"must be in \[0, 1\], got 92: use fractions"),
        (changed(["ib", "leakage", "speaker"], np.nan), r"must be in \[0, 1\], got nan"),
    ],
)
def test_bad_fractions(fractions, message):
    with pytest.raises(ValueError, match=message):
        LeakageDisplay.from_fractions(fractions)


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ([1], "must be a mapping of model -> data"),
        ({"ib": 3}, r"fractions\['ib'\] must be .* got int"),
        (changed(["ib", "kept"], 0.9), "must map factor -> number, got float"),
        (changed(["ib", "leakage", "speaker"], "high"), "must be a number, got 'high'"),
    ],
)
def test_fractions_of_wrong_type(fractions, message):
    with pytest.raises(TypeError, match=message):
        LeakageDisplay.from_fractions(fractions)


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ({"ib": ERRORS["ib"]}, "errors must have every model, 'infonce' is missing"),
        (changed(["ib", "leakage", "speaker"], -0.1), "must be at least 0, got -0.1"),
        (changed(["ib", "leakage", "speaker"], None), r"errors\['ib'\]\['leakage'\] must have"),
    ],
)
def test_bad_errors(errors, message):
    with pytest.raises(ValueError, match=message):
        LeakageDisplay.from_fractions(FRACTIONS, errors=errors)


def widths(display):
    """Return what is drawn, factor -> fractions of the models."""
    return {
        bars.get_label(): [bar.get_width() for bar in bars]
        for ax in display.axes_
        for bars in ax.containers
        if hasattr(bars, "patches")
    }


def test_embeddings_are_probed_for_what_each_modality_carries(bunch):
    display = LeakageDisplay.from_embeddings(bunch.data, bunch.labels)
    expected = leakage(bunch.data["sound"], bunch.labels["sound"])
    alone = leakage(bunch.data["image"], bunch.labels["image"])
    assert widths(display) == {
        "speaker, from sound": [expected["speaker"]],
        "digit, from sound": [expected["digit"]],
        "digit, from image": [alone["digit"]],
    }
    assert expected["speaker"] > 0.5  # otherwise the comparison is void


def test_runs_become_mean_and_error(bunch):
    other = {name: Z[:, :3] for name, Z in bunch.data.items()}
    alone = [
        LeakageDisplay.from_embeddings(data, bunch.labels).fractions["fraction"]
        for data in (bunch.data, other)
    ]
    both = LeakageDisplay.from_embeddings({"m": [bunch.data, other]}, bunch.labels)
    np.testing.assert_allclose(both.fractions["fraction"], np.mean(alone, axis=0))
    np.testing.assert_allclose(both.fractions["error"], np.std(alone, axis=0, ddof=1))
    with pytest.raises(ValueError, match=r"held-out embeddings of each, got 2 and 1"):
        LeakageDisplay.from_embeddings(
            {"m": [bunch.data, other]},
            bunch.labels,
            embeddings_test={"m": [bunch.data]},
            labels_test=bunch.labels,
        )


def test_axes_say_whether_a_share_is_of_entropy_or_of_variance(bunch, check_inside):
    def axes_of(labels, **options):
        display = LeakageDisplay.from_embeddings(bunch.data, labels, **options)
        return display, [ax.get_xlabel() for ax in display.axes_]

    entropy = "share of the factor's entropy that a probe reads"
    variance = "share of the factor's variance that a probe reads (R²)"
    assert axes_of(bunch.labels)[1] == [entropy, entropy]
    loud = bunch.labels["sound"].assign(loudness=bunch.data["sound"][:, 0])
    labels = bunch.labels | {"sound": loud}
    assert axes_of(labels, nuisances=["loudness"])[1] == [variance, entropy]
    display, named = axes_of(labels)
    assert named == ["share of entropy, or of variance (R²), that a probe reads", entropy]
    assert [name for name in texts(display.axes_[0]) if "R²" in name] == [
        "loudness, from sound (R²)"
    ]
    check_inside(display)
    assert LeakageDisplay.from_fractions(FRACTIONS).axes_[0].get_xlabel() == (
        "share of the factor that a probe reads"
    )
    display = LeakageDisplay.from_fractions(FRACTIONS, numeric=["speaker", "duration"])
    assert [ax.get_xlabel() for ax in display.axes_] == [variance, entropy]
    with pytest.raises(ValueError, match=r"numeric has 'speakers', .* Did you mean 'speaker'"):
        LeakageDisplay.from_fractions(FRACTIONS, numeric=["speakers"])
    with pytest.raises(TypeError, match="numeric must be a list of factors, got 'speaker'"):
        LeakageDisplay.from_fractions(FRACTIONS, numeric="speaker")


def test_probes_are_evaluated_on_held_out_embeddings(bunch):
    train = {name: Z[:40] for name, Z in bunch.data.items()}
    test = {name: Z[40:] for name, Z in bunch.data.items()}
    halves = [
        {name: table.iloc[rows] for name, table in bunch.labels.items()}
        for rows in (slice(40), slice(40, None))
    ]
    display = LeakageDisplay.from_embeddings(
        {"m": train}, halves[0], embeddings_test={"m": test}, labels_test=halves[1]
    )
    expected = leakage(
        train["image"],
        halves[0]["image"],
        Z_test=test["image"],
        labels_test=halves[1]["image"],
    )
    assert widths(display)["digit, from image"] == [expected["digit"]]
    with pytest.raises(ValueError, match="belong together"):
        LeakageDisplay.from_embeddings(train, halves[0], embeddings_test=test)
    with pytest.raises(ValueError, match="embeddings_test must have every model, 'm' is missing"):
        LeakageDisplay.from_embeddings(
            {"m": train}, halves[0], embeddings_test={}, labels_test=halves[1]
        )
    with pytest.raises(ValueError, match=r"lacks the factors \['digit'\]"):
        LeakageDisplay.from_embeddings(
            train,
            halves[0],
            embeddings_test=test,
            labels_test=halves[1] | {"image": pd.DataFrame({"other": np.zeros(20)})},
        )


def test_factors_are_chosen(bunch):
    display = LeakageDisplay.from_embeddings(bunch.data, bunch.labels, shared=["speaker"])
    assert list(widths(display)) == [
        "digit, from sound",
        "digit, from image",
        "speaker, from sound",
    ]
    display = LeakageDisplay.from_embeddings(
        bunch.data, bunch.labels, shared=["speaker"], nuisances=["digit"]
    )
    assert len(widths(display)) == 3


def test_from_estimator_is_from_its_embeddings(aligner, bunch, of_table, class_pairs):
    pipeline, table = of_table
    display = LeakageDisplay.from_estimator({"a": aligner}, bunch.data, labels=bunch.labels)
    expected = LeakageDisplay.from_embeddings(aligner.embed(bunch.data), bunch.labels)
    assert widths(display) == widths(expected)
    display = LeakageDisplay.from_estimator(
        pipeline, table, labels=bunch.labels, X_test=table, labels_test=bunch.labels
    )
    assert widths(display).keys() == widths(expected).keys()
    runs = LeakageDisplay.from_estimator({"a": [aligner, aligner]}, bunch.data, labels=bunch.labels)
    assert widths(runs) == widths(expected)
    assert (runs.fractions["error"] == 0).all()
    pairs, of_pairs = class_pairs  # modalities of unequal length, each with its own labels
    labels = {"sound": bunch.labels["sound"].iloc[:20], "image": bunch.labels["image"]}
    assert len(widths(LeakageDisplay.from_estimator(of_pairs, pairs, labels=labels))) == 3


@pytest.mark.parametrize(
    ("error", "message", "change"),
    [
        (ValueError, r"labels lacks 'image', it has \['sound'\]", {"labels": ["sound"]}),
        (ValueError, "carry no nuisance that varies", {"nuisances": []}),
        (ValueError, "carry no shared factor that varies", {"shared": []}),
        (ValueError, "shared has 'digits', .* Did you mean 'digit'", {"shared": ["digits"]}),
        (TypeError, "shared must be a list of factors, got 'digit'", {"shared": "digit"}),
        (
            ValueError,
            "'digit' is said to be both",
            {"shared": ["digit"], "nuisances": ["digit", "speaker"]},
        ),
    ],
)
def test_bad_factors(bunch, error, message, change):
    change = dict(change)
    labels = {name: bunch.labels[name] for name in change.pop("labels", bunch.labels)}
    with pytest.raises(error, match=message):
        LeakageDisplay.from_embeddings(bunch.data, labels, **change)


def test_labels_of_wrong_type(bunch):
    with pytest.raises(TypeError, match=r"labels must map each modality to a DataFrame.*list"):
        LeakageDisplay.from_embeddings(bunch.data, [1, 2])
    with pytest.raises(TypeError, match="got ndarray for 'sound'"):
        LeakageDisplay.from_embeddings(bunch.data, {"sound": bunch.digit, "image": bunch.digit})
    with pytest.raises(ValueError, match="one label per row, got 60 for 50 rows"):
        LeakageDisplay.from_embeddings({"sound": bunch.data["sound"][:50]}, bunch.labels)


class TestGroups:
    SPEAKER = np.repeat(np.arange(20), 8)

    @pytest.fixture
    def speech(self):
        rng = np.random.default_rng(0)
        trait = (np.arange(20) % 2)[self.SPEAKER]
        digit = np.arange(160) % 2
        audio = np.column_stack([rng.standard_normal((20, 8))[self.SPEAKER], digit])
        labels = {
            "audio": pd.DataFrame({"digit": digit, "trait": trait}),
            "image": pd.DataFrame({"digit": digit}),
        }
        image = digit[:, None] + 0.1 * rng.standard_normal((160, 3))
        return {"audio": audio, "image": image}, labels

    def test_rows_of_a_group_are_held_out_together(self, speech):
        embeddings, labels = speech
        groups = {"audio": self.SPEAKER}
        display = LeakageDisplay.from_embeddings(embeddings, labels, groups=groups)
        expected = leakage(embeddings["audio"], labels["audio"], groups=self.SPEAKER)
        found = display.fractions.set_index("factor")["fraction"]
        assert found["trait, from audio"] == expected["trait"]
        assert found["digit, from image"] == leakage(embeddings["image"], labels["image"])["digit"]
        plane = InformationPlaneDisplay.from_embeddings({1.0: embeddings}, labels, groups=groups)
        points = plane.points.set_index("modality")
        assert points.loc["audio", "leaked"] == expected["trait"]
        rows = LeakageDisplay.from_embeddings(embeddings, labels).fractions
        assert rows.set_index("factor")["fraction"]["trait, from audio"] != expected["trait"]

    def test_a_held_out_part_of_ones_own(self, speech):
        embeddings, labels = speech
        first, second = ({n: Z[part] for n, Z in embeddings.items()} for part in PARTS)
        one, other = ({n: table[part] for n, table in labels.items()} for part in PARTS)
        groups, groups_test = ({"audio": self.SPEAKER[part]} for part in PARTS)
        display = LeakageDisplay.from_embeddings(
            first,
            one,
            embeddings_test=second,
            labels_test=other,
            groups=groups,
            groups_test=groups_test,
        )
        assert len(display.fractions) == 3
        with pytest.raises(ValueError, match="groups and groups_test belong together"):
            LeakageDisplay.from_embeddings(
                first, one, embeddings_test=second, labels_test=other, groups=groups
            )

    def test_bad_groups(self, speech):
        with pytest.raises(TypeError, match="groups must map modalities to the groups"):
            LeakageDisplay.from_embeddings(*speech, groups=self.SPEAKER)
        with pytest.raises(ValueError, match=r"groups has 'adio'.* Did you mean 'audio'"):
            LeakageDisplay.from_embeddings(*speech, groups={"adio": self.SPEAKER})
