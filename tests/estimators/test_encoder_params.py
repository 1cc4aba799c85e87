"""Parameters of the encoders are parameters of the aligner."""

import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from mibsk import IBAligner, Modalities
from mibsk.encoders import MLP


@pytest.fixture
def aligner():
    return IBAligner(encoders={"a": MLP(hidden=(8,)), "b": "mlp"})


def test_nested_parameters_are_listed(aligner):
    params = aligner.get_params()
    assert params["encoders__a"] is aligner.encoders["a"]
    assert params["encoders__a__hidden"] == (8,)
    assert params["encoders__b"] == "mlp"
    assert not any("__" in key for key in aligner.get_params(deep=False))


def test_one_specification_for_all_is_reached_without_a_name():
    aligner = IBAligner(encoders=MLP()).set_params(encoders__hidden=(4,))
    assert aligner.encoders.hidden == (4,)


def test_setting_leaves_the_mapping_that_was_passed_alone(aligner):
    passed = aligner.encoders
    aligner.set_params(encoders__a__hidden=(3,), beta=2.0)
    assert aligner.encoders["a"].hidden == (3,)
    assert aligner.beta == 2.0
    assert passed["a"].hidden == (8,)


def test_an_encoder_is_replaced_before_its_parameters_are_set(aligner):
    aligner.set_params(encoders__b__dropout=0.5, encoders__b=MLP(hidden=(2,)))
    assert aligner.encoders["b"].get_params() == {**MLP(hidden=(2,)).get_params(), "dropout": 0.5}


def test_a_new_mapping_and_its_parameters_at_once(aligner):
    aligner.set_params(encoders={"c": MLP()}, encoders__c__hidden=(5,))
    assert aligner.encoders["c"].hidden == (5,)


def test_clones_have_encoders_of_their_own(aligner):
    twin = clone(aligner).set_params(encoders__a__hidden=(3,))
    assert aligner.encoders["a"].hidden == (8,)
    assert twin.encoders["a"].hidden == (3,)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"encoders__aa__hidden": (2,)}, r"not set; encoders has \['a', 'b'\]. Did you mean 'a'"),
        ({"encoders__b__hidden": (2,)}, r"the encoder of 'b' is 'mlp', which has no parameters"),
        ({"encoders__a__hiden": (2,)}, r"Invalid parameter 'hiden'"),
        ({"betta": 1}, r"Invalid parameter 'betta'"),
    ],
)
def test_bad_parameters(aligner, params, match):
    with pytest.raises(ValueError, match=match):
        aligner.set_params(**params)


def test_grid_search_over_an_encoder(views):
    aligner = IBAligner(
        encoders={name: MLP() for name in views}, n_components=4, max_epochs=1, random_state=0
    )
    first = next(iter(views))
    grid = {f"encoders__{first}__hidden": [(4,), (8,)], "beta": [0.0, 1.0]}
    search = GridSearchCV(aligner, grid, cv=2).fit(Modalities(dict(views)))
    assert len(search.cv_results_["params"]) == 4
    chosen = search.best_params_[f"encoders__{first}__hidden"]
    assert search.best_estimator_.encoders[first].hidden == chosen
    assert search.best_estimator_.module_.encoder(first).backbone[1].out_features == chosen[0]
