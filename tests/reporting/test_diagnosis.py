"""A diagnosis of made data says what is known of them."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from mibsk import CanonicalBottleneck, Modalities, __version__
from mibsk.datasets import fetch_mfeat, load_digits_halves
from mibsk.exceptions import RowNamesWarning
from mibsk.reporting import diagnose
from mibsk.reporting.diagnosis import _findings, _tables
from mibsk.reporting.diagnosis._tables import prepare

from .test_measurement import strict
from .test_page import Page

QUICK = {"n_permutations": 39}


def noise(n, p, seed=0):
    return np.random.default_rng(seed).standard_normal((n, p))


def linear(n, correlations, p, seed=0):
    """Return two tables of `p` columns whose first ones have these correlations."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, n, p))
    for i, rho in enumerate(correlations):
        Y[:, i] = rho * X[:, i] + np.sqrt(1 - rho**2) * Y[:, i]
    turn = np.linalg.qr(rng.standard_normal((p, p)))[0]
    return {"x": X @ turn, "y": Y @ turn[::-1]}


@pytest.fixture(scope="module")
def three_directions():
    return diagnose(linear(600, [0.9, 0.8, 0.7], 6), n_permutations=199)


@pytest.fixture(scope="module")
def squares():
    """Return the diagnosis of tables of which one has the squares of the other."""
    rng = np.random.default_rng(0)
    hidden = rng.uniform(-2, 2, (400, 2))
    X = np.hstack([hidden, rng.standard_normal((400, 3))])
    Y = np.hstack([hidden**2, rng.standard_normal((400, 3))])
    return diagnose({"x": X, "y": Y + 0.1 * rng.standard_normal(Y.shape)}, n_permutations=99)


def test_nothing_shared():
    found = diagnose({"x": noise(300, 5), "y": noise(300, 7, seed=1)}, n_permutations=99)
    assert (found.sharing, found.rows, found.network) == ("not shown", "not known", "not shown")
    assert found.shared.test.p_value > 0.05
    assert found.shared.n_directions == 0
    assert found.shared.information.low == 0
    assert found.nonlinear.test.p_value > 0.05
    assert found.learning.points[-1].recall.low < found.learning.chance
    assert [warned.code for warned in found.warnings] == ["unpaired"]
    text = found.to_text()
    assert "Nothing shared was found: check the pairing" in text
    assert "Nothing linear beyond chance" in text
    assert "a relation that is not linear is not found either" in text


def test_nothing_shared_is_rarely_taken_for_something():
    found = [
        diagnose({"x": noise(60, 3, 2 * i), "y": noise(60, 3, 2 * i + 1)}, n_permutations=39)
        for i in range(20)
    ]
    assert sum(each.sharing == "linear" for each in found) <= 2
    assert sum(each.sharing != "not shown" for each in found) <= 5  # three tests of 5% and 2.5%
    assert sum(each.network == "likely" for each in found) <= 2


def test_three_linear_directions(three_directions):
    found = three_directions
    assert found.sharing == "linear"
    assert found.shared.test.p_value == 0.005
    assert found.shared.n_directions == 3
    for each, rho in zip(found.shared.directions, (0.9, 0.8, 0.7), strict=False):
        assert each.correlation.low < rho < each.correlation.high
        assert abs(each.by_chance) < each.correlation.low
    truth = -0.5 * np.log(1 - np.array([0.9, 0.8, 0.7]) ** 2).sum()
    assert found.shared.of_columns
    assert found.shared.information.low < truth < found.shared.information.high
    assert "3 directions hold up on held-out rows" in found.to_text()


def test_it_agrees_with_the_bottleneck(three_directions):
    data = linear(600, [0.9, 0.8, 0.7], 6)
    bottleneck = CanonicalBottleneck().fit(data)
    listed = bottleneck.correlations_
    shared = three_directions.shared
    for name in ("low", "high"):
        ours = [getattr(each.correlation, name) for each in shared.directions]
        np.testing.assert_allclose(ours, listed[name], atol=1e-9)
    ours = [each.correlation.value for each in shared.directions]
    np.testing.assert_allclose(ours, listed["held_out"], atol=1e-9)
    assert shared.n_directions == bottleneck.n_components_
    expected = bottleneck.information_
    assert shared.information.value == pytest.approx(expected.value)
    assert (shared.information.low, shared.information.high) == pytest.approx(
        (expected.low, expected.high)
    )


def test_a_relation_that_is_not_linear(squares):
    assert (squares.sharing, squares.network) == ("nonlinear", "likely")
    assert squares.shared.test.p_value > 0.05
    assert squares.nonlinear.test.p_value <= 0.05
    assert squares.nonlinear.difference.low > 0.1
    assert squares.warnings == ()
    assert "they share something that is not linear" in squares.to_text()
    assert "Train IBAligner()" in squares.to_text()


def test_more_rows_help_where_columns_are_many():
    data = linear(240, [0.9] * 6, 40)
    found = diagnose(data, n_permutations=0)
    assert found.rows == "more help"
    assert found.learning.per_doubling.low > 0
    recalls = [point.recall.value for point in found.learning.points]
    assert recalls == sorted(recalls)
    assert [point.n_train for point in found.learning.points] == [48, 96, 192]
    assert "More rows would help" in found.to_text()


def test_enough_rows_and_the_closed_form():
    data = linear(600, [0.999] * 8, 8)
    found = diagnose(data, n_permutations=0)
    assert (found.sharing, found.rows, found.network) == ("linear", "enough", "enough")
    assert "CanonicalBottleneck() is likely enough" in found.to_text()


def test_too_few_rows():
    found = diagnose({"x": noise(12, 40), "y": noise(12, 30, seed=1)}, **QUICK)
    assert found.rows == "not known"
    assert found.learning.per_doubling is None
    assert found.shared.visible is None
    assert not found.shared.of_columns
    text = found.to_text()
    assert "There are 0.2 rows per column" in text
    assert "There are too few rows to see what more of them would add" in text


@pytest.fixture(scope="module")
def voices():
    """Return two tables of 40 speakers whose voices they do not share, and the speakers."""
    speaker = np.repeat(np.arange(40), 10)
    tables = {
        name: noise(40, 6, seed)[speaker] + 0.2 * noise(400, 6, seed + 10)
        for seed, name in enumerate("ab")
    }
    return tables, speaker


def test_groups_are_held_out_and_permuted_as_a_whole(voices):
    tables, speaker = voices
    alone = diagnose(tables, **QUICK)
    grouped = diagnose(tables, groups=speaker, **QUICK)
    assert alone.sharing == "linear"
    assert grouped.sharing == "not shown"
    assert grouped.shared.test.p_value > 0.05
    assert grouped.shared.test.n_groups == grouped.n_groups == 40
    assert 40 <= grouped.shared.n_independent < 80
    assert "40 groups, and are worth" in grouped.to_text()


def test_what_groups_share_is_found(voices):
    tables, speaker = voices
    both = {"a": tables["a"], "b": tables["a"] + 0.2 * noise(400, 6, 9)}
    found = diagnose(both, groups=speaker, **QUICK)
    assert found.shared.test.p_value == 0.025
    assert found.sharing == "linear"


def test_few_groups_are_not_permuted(voices):
    tables, speaker = voices
    found = diagnose(tables, groups=speaker // 10, **QUICK)
    assert found.shared.test.p_value is None
    assert "4 groups are too few to permute" in found.to_text()


def test_groups_are_a_column_of_the_labels(voices):
    tables, speaker = voices
    labels = pd.DataFrame({"speaker": speaker, "digit": np.arange(400) % 10})
    found = diagnose(tables, labels, groups="speaker", n_permutations=0)
    assert found.n_groups == 40
    assert found.shared == diagnose(tables, groups=speaker, n_permutations=0).shared


def test_rows_of_a_class_are_partners():
    label = np.arange(300) % 3
    data = {name: 4 * np.eye(3)[label] + noise(300, 3, i) for i, name in enumerate("xy")}
    one = diagnose(data, n_permutations=0)
    found = diagnose(data, {"digit": label}, match="digit", n_permutations=0)
    assert found.learning.chance == pytest.approx(1 / 3, abs=0.02)
    assert found.learning.points[-1].recall.low > 0.9
    assert one.learning.points[-1].recall.high < 0.2


def test_three_tables_have_pairs():
    data = linear(150, [0.8, 0.8], 3) | {"z": noise(150, 3, seed=5)}
    found = diagnose(data, **QUICK)
    assert found.shared.names == ("x", "y", "z")
    assert [each.names for each in found.subsets] == [("x", "y"), ("x", "z"), ("y", "z")]
    together, *others = found.subsets
    assert together.n_directions == 2
    assert together.test.p_value == 0.025
    assert [each.n_directions for each in others] == [0, 0]
    assert "2 share nothing linear beyond chance" in found.to_text()
    assert "x and z; y and z" in found.to_text().replace("\n  ", " ")


def test_rows_of_more_dimensions_are_flattened():
    halves = {name: X[:300] for name, X in load_digits_halves().data.items()}
    flat = {name: X.reshape(300, -1) for name, X in halves.items()}
    found, expected = (diagnose(data, n_permutations=0) for data in (halves, flat))
    assert found.shared == expected.shared
    assert found.tables[0].shape == (300, 32)
    assert found.to_dict()["inputs"]["tables"][0]["n_constant"] > 0


def test_containers_of_modalities():
    data = linear(60, [0.9], 3)
    expected = diagnose(data, n_permutations=0).shared
    frames = {name: pd.DataFrame(X) for name, X in data.items()}
    assert diagnose(Modalities(data), n_permutations=0).shared == expected
    assert diagnose(frames, n_permutations=0).shared == expected


def test_scale_and_shift_of_columns_do_not_matter():
    data = linear(120, [0.9], 3)
    expected = diagnose(data, n_permutations=0)
    moved = {"x": 1e-8 * data["x"] + 5e-8, "y": data["y"] * [1.0, 1e200, 1e-200]}
    found = diagnose(moved, n_permutations=0)
    for ours, theirs in zip(found.shared.directions, expected.shared.directions, strict=True):
        assert ours.correlation.value == pytest.approx(theirs.correlation.value)


def test_many_rows_are_drawn():
    data = linear(400, [0.9], 3)
    found = diagnose(data, max_rows=150, n_permutations=0)
    assert (found.n_rows, found.tables[0].shape) == (150, (400, 3))
    assert "150 of the 400 rows were used, drawn at random" in found.to_text()


def test_wide_tables_have_fewer_rows(monkeypatch):
    monkeypatch.setattr(_tables, "MAX_VALUES", 200)
    tables = {"x": noise(100, 5), "y": noise(100, 8)}
    prepared = prepare(tables, None, 50, np.random.default_rng(0))
    assert prepared.raw[0].shape == (25, 5)
    np.testing.assert_array_equal(prepared.raw[1], tables["y"][prepared.rows])


@pytest.mark.parametrize(("n", "n_axes"), [(300, 256), (100, 99)])
def test_many_columns_are_reduced_to_axes(n, n_axes):
    X = np.tile(noise(n, 5), 60) + 0.3 * noise(n, 300, 1)
    prepared = prepare({"x": X}, None, 1000, np.random.default_rng(0))
    [table], [view] = prepared.tables, prepared.views
    assert view.shape == (n, n_axes)
    assert table.n_axes == n_axes
    leading = np.linalg.svd((X - X.mean(axis=0)) / X.std(axis=0), compute_uv=False) ** 2
    assert table.share == pytest.approx(leading[:n_axes].sum() / leading.sum(), abs=0.01)
    cut = [sentence for code, sentence in _findings._cut(prepared) if code == "axes"]
    assert len(cut) == (n_axes == 256)
    assert all("of x the 256 leading principal axes were used" in sentence for sentence in cut)


def test_a_table_that_varies_in_one_row_alone():
    single = np.zeros((60, 3))
    single[7] = 1.0
    found = diagnose({"x": noise(60, 3), "y": single}, n_permutations=9)
    assert found.sharing == "not shown"
    assert found.learning.points[-1].recall.value < 0.3
    assert strict(found.to_json())


def codes(found):
    return [warned.code for warned in found.warnings]


def test_warnings_of_columns():
    X, Y = linear(100, [0.8], 3).values()
    numbered = np.column_stack([np.arange(100), X])
    found = diagnose({"x": numbered, "y": np.column_stack([Y, np.arange(100)[::-1] * 2])})
    assert codes(found)[:3] == ["ids", "ids", "same columns"]
    assert "Column 0 (counted from 0) of x numbers the rows" in found.to_text()
    assert "column 3 (counted from 0) of y numbers" in found.to_text().replace("Column", "column")
    found = diagnose({"x": X, "y": np.column_stack([Y, 3 * X[:, 1] - 2])}, n_permutations=0)
    assert codes(found) == ["same columns"]
    assert "Column 1 (counted from 0) of x is in y, too" in found.to_text()
    found = diagnose({"x": X, "y": 1000 * Y}, n_permutations=0)
    assert codes(found) == ["scales"]
    repeated = np.repeat(np.arange(50), 2)
    found = diagnose({"x": X[repeated], "y": Y}, n_permutations=0)
    assert "duplicates" in codes(found)
    assert "100 of 100 rows of x equal another one" in found.to_text().replace("\n  ", " ")


def test_a_table_that_is_nearly_a_copy():
    X = noise(200, 4)
    found = diagnose({"x": X, "y": X @ noise(4, 4, seed=1)}, n_permutations=0)
    assert codes(found) == ["copy"]


def test_columns_that_tell_a_label():
    X, Y = linear(90, [0.8], 3).values()
    digit, age = np.arange(90) % 3, noise(90, 1, seed=9)[:, 0]
    leaking = {"x": np.column_stack([X, 10 - digit]), "y": np.column_stack([Y, 2 * age])}
    found = diagnose(leaking, {"digit": digit, "age": age}, n_permutations=0)
    assert codes(found) == ["label", "label"]
    text = " ".join(found.to_text().split())
    assert "column 3 (counted from 0) of x, each by itself, tell the label 'digit'" in text.lower()
    assert "column 3 (counted from 0) of y, each by itself, tell the label 'age'" in text.lower()
    assert codes(diagnose({"x": X, "y": Y}, {"digit": digit, "age": age}, n_permutations=0)) == []


def test_json_is_strict_and_versioned(three_directions):
    found = strict(three_directions.to_json())
    assert list(found) == [
        "schema",
        "mibsk_version",
        "inputs",
        "options",
        "verdicts",
        "shared",
        "subsets",
        "learning",
        "nonlinear",
        "warnings",
    ]
    assert (found["schema"], found["mibsk_version"]) == ("mibsk.diagnosis/1", __version__)
    assert found["verdicts"] == {"sharing": "linear", "rows": "not known", "network": "likely"}
    assert list(found["shared"]) == [
        "names",
        "test",
        "directions",
        "n_directions",
        "information",
        "of_columns",
        "n_independent",
        "visible",
    ]
    assert list(found["shared"]["directions"][0]) == [
        "correlation",
        "train",
        "by_chance",
        "rows_needed",
    ]
    assert list(found["shared"]["information"]) == ["value", "low", "high"]
    assert list(found["learning"]) == ["points", "per_doubling", "n_candidates", "chance"]
    assert list(found["nonlinear"]) == ["recall", "difference", "test"]
    assert found["options"] == {
        "match": [],
        "ci": 0.95,
        "n_permutations": 199,
        "max_rows": 10000,
        "random_state": 0,
    }


def test_the_same_input_gives_the_same_report():
    data = linear(60, [0.9], 3)
    one, two = (diagnose(data, **QUICK) for _ in range(2))
    assert one.to_json() == two.to_json()
    assert one.to_html() == two.to_html()
    assert one.to_text() == str(two)
    other = diagnose(data, random_state=1, **QUICK)
    assert other.to_json() != one.to_json()


def test_the_page_loads_nothing_and_has_a_picture(three_directions):
    html = three_directions.to_html()
    page = Page(html)
    assert page.open == []
    assert {"script", "link", "iframe", "object", "embed", "base"}.isdisjoint(page.tags)
    assert page.loads
    assert all(load.startswith("data:image/png;base64,") for load in page.loads)
    assert html.count("<picture>") == 1
    text = Page(html).text
    for line in ("Do they share anything?", "Do the rows suffice?", "What is IBAligner likely to"):
        assert line in text


def test_without_matplotlib_there_is_a_line_in_place_of_the_picture(squares, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    plain = squares.to_html()
    assert "<picture>" not in plain
    assert "pip install matplotlib" in plain


def test_names_are_text_and_no_markup():
    X, Y = linear(30, [0.9], 2).values()
    data = {"<script>alert(1)</script>": X, "a & b 文": Y}
    html = diagnose(data, n_permutations=0).to_html()
    assert "script" not in Page(html).tags
    assert "a &amp; b 文" in html


def test_progress_is_told():
    told = []
    diagnose(linear(30, [0.9], 2), n_permutations=0, progress=lambda *step: told.append(step))
    assert [step[0] for step in told] == [0, 1, 2, 3, 4]
    assert {step[1] for step in told} == {4}
    assert told[0][2] == "what x and y share"


A, B = noise(20, 5), noise(20, 4, seed=1)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ([A, B], {}, "data must map the name of each modality to its table, got list"),
        ({"x": A}, {}, "needed are at least two tables"),
        ({"x": A, "y": B[:19]}, {}, "x has 20 rows, y has 19"),
        ({"x": A[:9], "y": B[:9]}, {}, "x must have at least 10"),
        ({"x": A, "y": sp.csr_array(B)}, {}, "y must be dense"),
        ({"x": A, "y": np.ones((20, 2))}, {}, "table 'y' does not vary"),
        ({"x": A, "y": np.where(B > 1, np.nan, B)}, {}, "y has NaN or infinite values"),
        ({"x": A, "y": list("abcdefghijklmnopqrst")}, {}, "y must"),
        ({"x": A, 1: B, "1": B}, {}, "need names that differ"),
        ({"x": A, " ": B}, {}, "need names that differ"),
        ({"x": A, "y": B}, {"ci": 95}, "ci must be"),
        ({"x": A, "y": B}, {"max_rows": 5}, "max_rows must be"),
        ({"x": A, "y": B}, {"n_permutations": -1}, "n_permutations must be"),
        ({"x": A, "y": B}, {"match": "digit"}, "labels are needed for the factor 'digit'"),
        ({"x": A, "y": B}, {"labels": [1] * 20}, "is the same in all rows"),
        ({"x": A, "y": B}, {"groups": [1] * 20}, "groups must be several"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input(data, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        diagnose(data, **options)


def test_rows_are_paired_by_position_and_names_must_not_contradict():
    names = [f"r{i}" for i in range(20)]
    X, Y = pd.DataFrame(A, names), pd.DataFrame(B, names)
    with pytest.raises(ValueError, match="another order"):
        diagnose({"x": X, "y": Y[::-1]})
    with pytest.warns(RowNamesWarning, match="names"):
        diagnose({"x": X, "y": Y.rename(lambda name: f"other {name}")}, n_permutations=0)


def test_the_input_is_not_modified():
    data = linear(30, [0.9], 2)
    before = {name: X.copy() for name, X in data.items()}
    diagnose(data, n_permutations=0)
    for name, X in data.items():
        np.testing.assert_array_equal(X, before[name])


def test_halves_of_digits():
    data = {name: X[:400] for name, X in load_digits_halves().data.items()}
    found = diagnose(data, **QUICK)
    assert (found.sharing, found.network) == ("linear", "likely")
    assert 8 <= found.shared.n_directions <= 20


def test_views_of_handwritten_digits(shared_data):
    mfeat = fetch_mfeat(shared_data, views=["fou", "kar"]).data
    found = diagnose({name: np.asarray(X)[::5] for name, X in mfeat.items()}, **QUICK)
    assert (found.sharing, found.network) == ("linear", "likely")


def test_genes_and_lipids(shared_data):
    """Forty mice: something is shared, and no more can be said."""
    data = {
        name: pd.read_csv(shared_data / "nutrimouse" / f"{name}.csv") for name in ("gene", "lipid")
    }
    found = diagnose(data, n_permutations=199)
    assert found.sharing == "linear"
    assert found.network == "not shown"
    assert json.loads(found.to_json())["inputs"]["n_rows"] == 40
    assert "rows per column" in found.to_text()
