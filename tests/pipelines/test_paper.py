"""Functions of the paper's experiments."""

import doctest
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats
from sklearn.utils import Bunch

pytest.importorskip("tabulate")

from mibsk import datasets
from mibsk.metrics import leakage
from pipelines import intervals
from pipelines.intervals import Interval, over_seeds
from pipelines.paper import correlation, misalignment, nuisance, regulariser, splits
from pipelines.paper.claims import FAILS, HOLDS, UNDECIDED, Claim
from pipelines.paper.measures import measure, probe
from pipelines.paper.prepare import load
from pipelines.paper.stage import HERE, params
from pipelines.paper.tables import per_seed, per_split
from pipelines.paper.training import Run, build, modalities

SETTINGS = ["smoke", "small", "paper"]
FACTORS = ["shape", "scale", "pos_x"]


@pytest.mark.parametrize("module", [intervals, splits])
def test_examples_of_docstrings(module):
    failed, attempted = doctest.testmod(module)
    assert (failed, attempted > 0) == (0, True)


# splits


def test_codes_equal_those_of_the_dataset_with_hidden_blocks_zeroed():
    names = ["shape", "scale", "orientation", "pos_x", "pos_y"]
    shown = datasets.make_sprites(50, image_size=8, shared=names, random_state=0)
    sizes = {"shape": 3, "scale": 6, "orientation": 40, "pos_x": 32, "pos_y": 32}
    codes = splits.factor_codes(shown.labels["image"], sizes, hidden=[])
    np.testing.assert_array_equal(codes, shown.data["factors"])
    masked = splits.factor_codes(shown.labels["image"], sizes, hidden=["scale", "pos_y"])
    hidden = np.r_[3:9, 81:113]
    assert not masked[:, hidden].any()
    np.testing.assert_array_equal(np.delete(masked, hidden, 1), np.delete(codes, hidden, 1))


def test_no_split_is_repeated_before_all_are_drawn():
    every = {hidden for n in (1, 2) for hidden in combinations(FACTORS, n)}
    drawn = splits.random_splits(FACTORS, 8, random_state=0)
    assert len(drawn) == 8
    assert set(drawn[:6]) == every
    assert set(drawn[6:]) < every
    assert drawn == splits.random_splits(FACTORS, 8, random_state=0)
    assert drawn != splits.random_splits(FACTORS, 8, random_state=1)


# claims


def test_interval_over_seeds_is_students_t():
    values = np.random.default_rng(0).normal(3, 2, size=7)
    found = over_seeds(values)
    low, high = stats.t.interval(0.95, 6, loc=values.mean(), scale=stats.sem(values))
    assert (found.value, found.n) == (values.mean(), 7)
    np.testing.assert_allclose([found.low, found.high], [low, high])


def test_claims_from_one_seed_are_undecided():
    found = over_seeds([1.0])
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert Claim.above("key", "text", found, 0.0).verdict == UNDECIDED
    assert Claim.differs("key", "text", found).verdict == UNDECIDED


@pytest.mark.parametrize(
    ("low", "high", "above", "below", "differs"),
    [
        (0.2, 0.4, HOLDS, FAILS, HOLDS),
        (0.0, 0.05, FAILS, HOLDS, UNDECIDED),
        (-0.3, -0.1, FAILS, HOLDS, HOLDS),
        (0.05, 0.2, UNDECIDED, UNDECIDED, HOLDS),
        (-0.1, 0.3, UNDECIDED, UNDECIDED, UNDECIDED),
    ],
)
def test_verdicts_follow_from_the_interval(low, high, above, below, differs):
    found = Interval((low + high) / 2, low, high, 5)
    assert Claim.above("key", "text", found, 0.1).verdict == above
    assert Claim.below("key", "text", found, 0.1).verdict == below
    assert Claim.differs("key", "text", found).verdict == differs


# correlation


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    z = 2 * rng.normal(size=40)
    return z + rng.normal(size=40), z + rng.normal(size=40), z


def test_correlations_equal_those_of_scipy(samples):
    x, y, _ = samples
    for name, reference in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        found = correlation.correlate(name, x, y)
        np.testing.assert_allclose(found.value, reference(x, y).statistic)
        assert found.low < found.value < found.high
        assert found.n == 40
        p = correlation.p_value(name, x, y)
        np.testing.assert_allclose(p, reference(x, y).pvalue, atol=0.01)
        unrelated = np.random.default_rng(1).normal(size=40)
        p = correlation.p_value(name, x, unrelated)
        np.testing.assert_allclose(p, reference(x, unrelated).pvalue, atol=0.03)


def test_partial_correlation_equals_that_of_residuals(samples):
    x, y, z = map(stats.rankdata, samples)
    residuals = [v - np.polyval(np.polyfit(z, v, 1), z) for v in (x, y)]
    found = correlation.correlate("partial", *samples)
    np.testing.assert_allclose(found.value, stats.pearsonr(*residuals).statistic)
    # x and y are independent given z
    assert found.low < 0 < found.high
    assert correlation.correlate("spearman", *samples[:2]).low > 0


def test_a_resample_of_equal_values_has_no_correlation():
    assert correlation.pearson(np.ones((2, 3)), np.arange(6.0).reshape(2, 3)).tolist() == [0, 0]


# the claims of each experiment


def test_claim_fails_if_the_nuisance_is_removed_at_one_level():
    leaks = {"0.1": [0.50, 0.52, 0.51], "learned": [0.60, 0.61, 0.62], "1.0": [0.01, 0.0, 0.02]}
    table = pd.DataFrame(
        {
            "knob": "temperature",
            "level": level,
            "hidden": hidden,
            "seed": seed,
            "leakage": leak + d,
            "kept": 0.9,
        }
        for level, per_level in leaks.items()
        for seed, leak in enumerate(per_level)
        for hidden, d in (("shape", 0.1), ("scale", -0.1))
    )
    at_last = per_seed(table).loc[("temperature", "learned", 2)]
    assert at_last.to_dict() == {"leakage": pytest.approx(0.62), "kept": pytest.approx(0.9)}
    leaking, changing = nuisance.claims_of(table)
    assert (leaking.value, leaking.verdict) == (pytest.approx(0.01), FAILS)
    assert (changing.value, changing.verdict) == (pytest.approx(-0.5), HOLDS)
    leaking, changing = nuisance.claims_of(table[table["level"] != "1.0"])
    assert (leaking.value, leaking.verdict) == (pytest.approx(0.51), HOLDS)
    assert (changing.value, changing.verdict) == (0, UNDECIDED)  # only one level besides "learned"


def test_runs_of_one_split_count_once():
    rng = np.random.default_rng(0)
    hidden = [f"factor{i % 12}" for i in range(36)]
    information = np.arange(36) % 12 + rng.normal(size=36) / 10
    table = pd.DataFrame(
        {
            "hidden": hidden,
            "seed": range(36),
            "cka": 1 - information / 20,
            "mutual_knn": rng.random(36),
            "nuisance_information": information,
            "nuisance_ratio": rng.random(36),
            "nuisance_entropy": rng.random(36),
        }
    )
    assert len(per_split(table)) == 12
    found = {claim.key: claim for claim in misalignment.claims_of(table)}
    assert {claim.n for claim in found.values()} == {12}
    certain = found["misalignment.cka.nuisance_information.spearman"]
    assert (certain.value, certain.verdict) == (pytest.approx(-1), HOLDS)
    assert certain.p_value < 0.01
    assert found["misalignment.cka.partial"].verdict == HOLDS
    assert found["misalignment.mutual_knn.nuisance_ratio.pearson"].verdict == UNDECIDED


def test_one_beta_is_compared_with_none_seed_by_seed():
    rows = [
        {
            "minimality": "gaussian",
            "temperature_kind": "learned",
            "beta": beta,
            "seed": seed,
            "cka": 0.5 + 0.1 * seed + 0.1 * step + 0.001 * (seed * step % 3),
            "mutual_knn": 0.2,
            "nuisance_ratio": 0.3 + 0.1 * step + 0.001 * (seed * step % 3),
            "shared_ratio": 0.8 - 0.005 * step,
            "recall_image_to_factors": 0.9 - 0.05 * step,
            "recall_factors_to_image": 0.9,
            "temperature": 0.1 / (1 + step),
        }
        for step, beta in enumerate((0.0, 0.1, 1.0, 3.0))
        for seed in range(4)
    ]
    of_learned = regulariser.claims_of(pd.DataFrame(rows), at_beta=1.0)
    found = {claim.key.removeprefix("regulariser.gaussian.learned."): claim for claim in of_learned}
    verdicts = {key: claim.verdict for key, claim in found.items()}
    assert verdicts == {
        "cka": HOLDS,
        "mutual_knn": UNDECIDED,
        "nuisance_ratio": FAILS,
        "shared_ratio": HOLDS,
        "recall_image_to_factors": FAILS,
        "recall_factors_to_image": HOLDS,
        "temperature": HOLDS,
    }
    assert found["cka"].value == pytest.approx(0.2, abs=0.01)
    assert found["temperature"].value == pytest.approx(-np.log(3))
    assert found["cka"].p_value < 0.01 < 0.9 < found["nuisance_ratio"].p_value
    assert found["temperature"].p_value < 0.01
    few = pd.DataFrame(rows).query("beta in (0, 1)")
    assert {claim.p_value for claim in regulariser.claims_of(few, at_beta=1.0)} == {None}
    fixed = pd.DataFrame(rows).assign(temperature_kind="fixed")
    assert not any("temperature" in c.key.split(".")[-1] for c in regulariser.claims_of(fixed, 1.0))


# measures


class Coding:
    """Embed images, whose values are factors, as one-hot codes of some of these factors."""

    temperature_ = 0.07

    def __init__(self, coded, sizes):
        self.coded, self.sizes = coded, sizes

    def embed_modality(self, name, X):
        codes = [np.eye(size)[X[:, i]] for i, size in enumerate(self.sizes.values())]
        return np.concatenate([c * (i in self.coded) for i, c in enumerate(codes)], axis=1)

    def embed(self, data):
        return {"image": self.embed_modality("image", data["image"]), "factors": data["factors"]}


@pytest.fixture
def parts():
    sizes = {"shape": 3, "scale": 6, "pos_x": 4}
    rng = np.random.default_rng(0)

    def part(n):
        labels = pd.DataFrame({name: rng.integers(size, size=n) for name, size in sizes.items()})
        return Bunch(data={"image": labels.to_numpy()}, labels={"image": labels}, sizes=sizes)

    return part(600), part(300)


def test_information_is_measured_by_factor(parts):
    train, test = parts
    shape_and_scale = Coding([0, 1], train.sizes)
    found = measure(shape_and_scale, ("scale",), train, test, {"k": 5, "l2": 0.1})
    assert found["nuisance_ratio"] > 0.97
    assert found["nuisance_entropy"] == pytest.approx(np.log(6), abs=0.02)
    assert found["nuisance_information"] == pytest.approx(np.log(6), abs=0.05)
    assert found["shared_information"] == pytest.approx(np.log(3), abs=0.05)
    assert found["shared_entropy"] == pytest.approx(np.log(12), abs=0.03)
    assert found["fraction_pos_x"] < 0.03
    assert found["temperature"] == 0.07
    leaked = leakage(
        shape_and_scale.embed_modality("image", train.data["image"]),
        train.labels["image"]["scale"],
        Z_test=shape_and_scale.embed_modality("image", test.data["image"]),
        labels_test=test.labels["image"]["scale"],
        l2=0.1,
    )
    alone = probe(shape_and_scale, ["scale"], train, test, {"l2": 0.1})
    np.testing.assert_allclose([alone["fraction"].item(), found["fraction_scale"]], leaked)


def test_retrieved_rows_are_correct_if_all_shared_factors_agree(parts):
    train, test = parts
    settings = {"k": 5, "l2": 1.0}

    class Agreeing(Coding):
        def embed(self, data):
            codes = self.embed_modality("image", data["image"])
            return {"image": codes, "factors": codes}

    found = measure(Agreeing([0, 2], train.sizes), ("scale",), train, test, settings)
    assert found["recall_image_to_factors"] == found["recall_factors_to_image"] == 1
    assert found["cka"] == pytest.approx(1)
    found = measure(Agreeing([0], train.sizes), ("scale",), train, test, settings)
    assert found["recall_image_to_factors"] < 0.5


# settings


def test_settings_have_the_same_sections():
    assert list(yaml.safe_load((HERE / "params.yaml").read_text())) == ["small", "paper", "smoke"]
    sections = [{k: set(v) for k, v in params(setting).items()} for setting in SETTINGS]
    for section in sections:
        section["training"] -= {"step_lr"}
    assert sections[0] == sections[1] == sections[2]


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_have_valid_factors_and_encoders(setting):
    settings = params(setting)
    for name, source in settings["prepare"]["sets"].items():
        bunch = load(name, source | {"n_samples": 8}, 0)
        factors = list(bunch.labels["image"])
        labels = bunch.labels["image"]
        bunch.sizes = {factor: labels[factor].max() + 1 for factor in factors}
        planned = [run for _, _, run in nuisance.plan(settings["nuisance"], factors, name)]
        planned += regulariser.plan(settings["regulariser"], factors, name)
        assert {factor for run in planned for factor in run.hidden} <= set(factors)
        for run in planned:
            build(settings["training"], run)._validate_params()
            assert 0 < len(run.hidden) < len(factors)
        data = modalities(bunch, planned[0].hidden)
        assert data["factors"].shape == (8, sum(bunch.sizes.values()))


def test_every_dataset_of_a_setting_has_stages():
    (declared,) = yaml.safe_load((HERE / "dvc.yaml").read_text())["vars"]
    runs = {(run["setting"], run["set"]) for run in declared["runs"].values()}
    assert runs == {(each, name) for each in SETTINGS for name in params(each)["prepare"]["sets"]}


def test_paper_setting_equals_the_authors_code():
    training = params("paper")["training"]
    aligner = build(training, Run(("shape",), 0))
    assert (aligner.max_epochs, aligner.batch_size, aligner.lr) == (50, 128, 1e-3)
    assert (aligner.sufficiency, aligner.optimizer) == ("infonce-oneway", "Adam")
    (schedule,) = aligner.callbacks
    assert schedule.policy.__name__ == "StepLR"
    assert schedule.kwargs == {"step_size": 20, "gamma": 0.3}
    assert aligner.encoders["image"].depth == 20
    sets = params("paper")["prepare"]["sets"].values()
    assert {(s["n_samples"], s["image_size"]) for s in sets} == {(10_000, 64)}


def test_a_dataset_without_source_is_refused():
    with pytest.raises(ValueError, match="source: rendered"):
        load("sprites", {"n_samples": 10}, 0)


# the page


def test_rows_of_the_page_are_rows_of_the_table():
    docs = HERE.parents[1] / "docs"
    page = (docs / "paper.md").read_text()
    table = (HERE / "results" / "small" / "claims.md").read_text().splitlines()
    rows = [line for line in page.splitlines() if line.startswith("|") and "interval" in line]
    assert len(rows) > 30
    assert set(rows) <= set(table)
    for picture in ("nuisance", "misalignment", "regulariser"):
        assert f"images/paper-{picture}.png" in page
