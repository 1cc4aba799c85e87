"""Whole programs as a user of scikit-learn writes them, run as they stand."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mibsk import IBAligner

FOLDER = Path(__file__).parent / "user_programs"
PROGRAMS = {path.stem: path for path in FOLDER.glob("*.py") if path.stem != "conftest"}
MAX_LINES = 30

Names = dict[str, Any]
CHECKS: dict[str, Callable[[Names], None]] = {}


def checks(check: Callable[[Names], None]) -> Callable[[Names], None]:
    """Register what must hold of the names that the program of the same name defines."""
    CHECKS[check.__name__] = check
    return check


@checks
def missing_rows(names: Names) -> None:
    assert names["accuracy"] > 0.5
    assert np.isfinite(names["filled"].values).all()
    assert np.isnan(names["test"]["right"]).any()


@checks
def cca_drop_in(names: Names) -> None:
    assert names["CCA"] is IBAligner
    assert min(names["correlations"]) > 0.2
    for shapes in ([names["X_test_r"], names["Y_test_r"]], [names["X_c"], names["Y_c"]]):
        assert shapes[0].shape == shapes[1].shape == (len(shapes[0]), 2)
    assert list(names["frame"].columns) == names["names"] == ["ibaligner0", "ibaligner1"]
    assert 0 < names["score"] <= 1
    assert names["cca"].n_features_in_ == 4


def test_drop_in_is_a_script_for_canonical_correlation_analysis(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = PROGRAMS["cca_drop_in"].read_text()
    ours, theirs = "from mibsk import IBAligner", "from sklearn.cross_decomposition import CCA"
    assert source.count("mibsk") == source.count(ours) == 1
    (tmp_path / "script.py").write_text(source.replace(ours, theirs))
    names = runpy.run_path(str(tmp_path / "script.py"))
    assert capsys.readouterr().out.count("\n") == 2
    assert names["names"] == ["cca0", "cca1"]
    assert min(names["correlations"]) > 0.2


@checks
def cca_closed_form(names: Names) -> None:
    expected = names["cca"].correlations_["train"][0]  # 0.796, as in the textbooks
    assert names["correlation"] == pytest.approx(expected)
    assert expected == pytest.approx(0.7956, abs=1e-4)
    assert list(names["x_scores"].columns) == ["canonicalbottleneck0"]  # of at most two
    assert 0.01 < names["found"].p_values[0] < 0.15  # 0.06 by Wilks' lambda
    assert names["predicted"].shape == (20, 3)
    assert names["scores"].min() > 0.9


@checks
def closed_form(names: Names) -> None:
    embedded = names["embedded"]
    np.testing.assert_array_equal(embedded["loaded"], embedded["fitted"])
    np.testing.assert_allclose(embedded["served"], embedded["fitted"], atol=1e-5)
    assert names["model"].score(names["test"]) > 20 / 450
    shared, private = names["parts"]
    assert shared.shape == private.shape == (450, 8, 4)
    assert names["right"].shape == (450, 8, 4)


@checks
def pipeline_dataframe(names: Names) -> None:
    assert [len(columns) for columns in names["halves"].values()] == [32, 32]
    assert names["scores"].shape == (3,)
    assert names["scores"].min() > 0.85


@checks
def grid_search(names: Names) -> None:
    search, results = names["search"], names["results"]
    assert len(results) == 8
    assert results["mean_test_score"].max() == search.best_score_ > 10 / 900
    assert search.best_params_["n_components"] == 16
    of_size = results.groupby("param_n_components")["mean_test_score"].mean()
    assert of_size[16] > 2 * of_size[2]
    assert names["embedded"].shape == (1797, 2 * search.best_estimator_.n_components_)


@checks
def randomized_search(names: Names) -> None:
    search, best = names["search"], names["best"]
    assert best.hidden == search.best_params_["encoders__left__hidden"] != (1,)
    assert best.dropout == search.best_params_["encoders__left__dropout"]
    assert search.best_estimator_.encoders["right"].hidden == (64,)
    layers = search.best_estimator_.module_.encoder("left").modules()
    widths = [layer.num_features for layer in layers if hasattr(layer, "num_features")]
    assert widths == list(best.hidden)
    assert names["encoders"]["left"].hidden == (256, 128), "the user's own was changed"


@checks
def column_transformer(names: Names) -> None:
    assert names["scores"].min() > 0.9
    assert names["names"][0] == "typical_0"
    assert names["names"][-1].startswith("extreme_")
    inputs = names["pipeline"][:-1].fit(names["X"], names["y"])[-1].inputs_
    assert {name: spec.shape for name, spec in inputs.items()} == {
        "typical": (11,),
        "extreme": (10,),
    }


@checks
def feature_union(names: Names) -> None:
    assert names["accuracy"] > 0.8
    assert names["accuracy"] > names["accuracy_of_pca"] + 0.05
    encoder = names["aligner"].encoder("left")
    n_shared = names["aligner"].n_components_
    assert len(names["names"]) == len(set(names["names"])) == n_shared + 4
    union = names["features"].transform(names["left_test"])
    np.testing.assert_array_equal(union[:, :n_shared], encoder.transform(names["left_test"]))


@checks
def pandas_output(names: Names) -> None:
    embedded, fused, benign = names["embedded"], names["fused"], names["benign"]
    expected = [f"{kind}_{i}" for kind in ("typical", "extreme") for i in range(3)]
    assert names["names"] == list(embedded.columns) == expected
    assert list(embedded.index) == list(fused.index) == list(names["X"].index)
    halves = embedded.to_numpy().reshape(-1, 2, 3)
    np.testing.assert_allclose(fused.to_numpy(), halves.mean(axis=1), rtol=1e-5, atol=1e-6)
    assert np.linalg.norm(benign.loc[0] - benign.loc[1]) > 0.3


@checks
def named_rows(names: Names) -> None:
    assert "X['extreme'] has the row names of X['typical'] in another order" in names["message"]
    embedded = names["embedded"]
    assert list(embedded.index) == list(names["typical"].index)
    aligned = {"typical": names["typical"], "extreme": names["extreme"].loc[embedded.index]}
    arrays = {name: table.to_numpy() for name, table in aligned.items()}
    np.testing.assert_array_equal(embedded, names["model"].transform(arrays))
    assert names["accuracy"] > 0.9
    assert names["read"] > 0.5


@checks
def parallel_cross_validation(names: Names) -> None:
    one, two = names["results"][1], names["results"][2]
    for key in ("test_score", "train_score"):
        np.testing.assert_array_equal(one[key], two[key])
    for alone, together in zip(names["embedded"][1], names["embedded"][2], strict=True):
        np.testing.assert_array_equal(alone, together)
    assert two["test_score"].min() > 20 / 599


@checks
def save_and_clone(names: Names) -> None:
    fitted, loaded, again = names["probabilities"]
    np.testing.assert_array_equal(fitted, loaded)
    np.testing.assert_array_equal(fitted, again)
    assert names["accuracy"] > 0.8


@checks
def halving_search(names: Names) -> None:
    search = names["search"]
    assert search.best_params_["ibaligner__beta"] != 1000.0
    assert search.best_score_ > 0.8
    assert names["n_samples"] == sorted(set(names["n_samples"]))
    assert search.n_candidates_ == [4, 2, 1]


@checks
def predict_from_one_modality(names: Names) -> None:
    search = names["search"]
    assert search.best_params_ == {"modalityencoder__aligner__beta": 0.1}
    assert names["accuracy"] > 0.8
    np.testing.assert_array_equal(names["predicted"], search.predict(names["test"]))


@checks
def grouped_rows(names: Names) -> None:
    assert len(names["scores"]) == 4
    assert names["scores"].min() > 0.85
    assert names["with_groups"] < 0.1 < 0.7 < names["without"]
    assert names["left"] < 0.1
    assert names["Z"].shape == (400, names["encoder"].aligner_.embedding_width_)


@checks
def sample_weights(names: Names) -> None:
    assert names["found"]["weighted"] > names["found"]["plain"]
    assert names["found"]["weighted"] > 0.95
    assert names["scores"].shape == (3,)
    assert names["scores"].min() > 2 / 190


@checks
def polars_output(names: Names) -> None:
    embedded = names["embedded"]
    assert type(embedded).__module__.startswith("polars")
    assert embedded.columns == [f"{m}_{i}" for m in ("typical", "extreme") for i in range(3)]
    assert names["same"].all()
    assert names["scores"].min() > 0.85


@checks
def text_retrieval(names: Names) -> None:
    assert type(names["test"]) is type(names["pages"])
    assert names["found"].shape == (10, 5)
    assert names["precision"] > 0.8


@checks
def class_pairs(names: Names) -> None:
    assert names["scores"].shape == (3,)
    assert names["scores"].min() > 0.8


def test_there_are_programs_and_all_are_checked() -> None:
    assert len(PROGRAMS) >= 15
    assert PROGRAMS.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_program(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(PROGRAMS[name]), run_name="__main__")
    printed = capsys.readouterr()
    assert printed.out.strip()
    assert printed.err == ""
    CHECKS[name](names)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_program_is_short_and_uses_public_names_alone(name: str) -> None:
    source = PROGRAMS[name].read_text()
    assert len(source.splitlines()) <= MAX_LINES
    modules = [line.split()[1] for line in source.splitlines() if line.startswith("from mibsk")]
    assert modules
    assert not any("._" in module for module in modules)
