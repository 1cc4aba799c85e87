"""Mistakes of a user that the page of bad inputs, `docs/bad-input.md`, does not list."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.exceptions import NotFittedError
from torch.utils.data import Dataset

from mibsk import ClassPairs, IBAligner
from mibsk.encoders import MLP

from .common import CUT

RNG = np.random.default_rng(0)
A = RNG.normal(size=(20, 5))
A[:, :2] += 5 * np.stack([np.arange(20) % 2, np.arange(20) % 3], axis=1)  # of the labels below
B = A[:, :4] + 0.1 * RNG.normal(size=(20, 4))
COUNTS = RNG.normal(size=(5, 30))
DATA = {"audio": A, "image": B}
TABLE = np.hstack([A, B])


class Items(Dataset):
    """A torch Dataset of what it is given."""

    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def fit(data, y=None, modalities=None, **params):
    return IBAligner(modalities, n_components=4, max_epochs=1, random_state=0, **params).fit(
        data, y
    )


# id: (what a user does, what is raised, what it says)
PARAMETERS = {
    "beta a string": ({"beta": "high"}, ValueError, "'beta' parameter"),
    "beta NaN": ({"beta": np.nan}, ValueError, "'beta' parameter"),
    "temperature misspelt": ({"temperature": "learnd"}, ValueError, "'learned'"),
    "batch_size 0": ({"batch_size": 0}, ValueError, "'batch_size' parameter"),
    "batch_size -2": ({"batch_size": -2}, ValueError, "'batch_size' parameter"),
    "minimality": ({"minimality": "gauss"}, ValueError, r"minimality must be one of .*'gaussian'"),
    "precision": ({"precision": "float16"}, ValueError, "'precision' parameter"),
    "validation_fraction 1": ({"validation_fraction": 1.0}, ValueError, "'validation_fraction'"),
    "fusion": ({"fusion": "meen"}, ValueError, r"fusion must be .*'meen'.* Did you mean 'mean'"),
    "optimizer no class": ({"optimizer": "lr_scheduler"}, ValueError, "must name a class in torch"),
    "encoder class": ({"encoders": MLP}, TypeError, r"pass an instance, MLP\(\)"),
    "sparse encoder of dense rows": (
        {"encoders": "sparse"},
        ValueError,
        "cannot read dense rows",
    ),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_bad_parameter(case):
    params, error, message = PARAMETERS[case]
    aligner = IBAligner(**{"n_components": 4, "max_epochs": 1, "random_state": 0, **params})
    with pytest.raises(error, match=message):
        aligner.fit(DATA)
    assert not aligner.__sklearn_is_fitted__()


def test_nan_in_a_table():
    X = TABLE.copy()
    X[4, 1] = np.nan
    with pytest.raises(ValueError, match=r"'audio' contains NaN \(first at row 4"):
        fit(X, modalities=CUT)


def test_one_modality_of_a_table():
    with pytest.raises(ValueError, match="at least two modalities"):
        fit(TABLE, modalities={"audio": slice(0, 5)})


def test_columns_of_a_dataset():
    with pytest.raises(ValueError, match="omit it for a Dataset"):
        fit(Items(DATA), modalities=CUT)


@pytest.fixture(scope="module")
def fitted():
    """Aligners fitted on every form."""
    return {
        "mapping": fit(DATA),
        "table": fit(TABLE, modalities=CUT),
        "pair": fit(A, B),
        "labels": fit(A, np.arange(20) % 3),
        "words": fit(A, ["cat", "dog"] * 10),
        "sparse": fit({"audio": A, "counts": sp.csr_array(np.maximum(A @ COUNTS, 0))}),
    }


TRANSFORM = {
    "missing modality, concat": (
        lambda f: f["mapping"].transform({"image": B}),
        ValueError,
        r"missing modality \['audio'\]: fusion='concat'.*fusion='mean'",
    ),
    "score of one table": (lambda f: f["pair"].score(A), ValueError, "got only"),
    "empty mapping": (lambda f: f["mapping"].embed({}), ValueError, "empty mapping"),
    "feature count of a table": (
        lambda f: f["table"].transform(TABLE[:, :7]),
        ValueError,
        "X has 7 features, but IBAligner is expecting 9 features",
    ),
    "width of sparse rows": (
        lambda f: f["sparse"].embed({"counts": sp.csr_array((2, 29))}),
        ValueError,
        "X has 29 features, but modality 'counts' is expecting 30",
    ),
    "string where labels are numbers": (
        lambda f: f["labels"].transform(A[:2], ["cat", "cow"]),
        (ValueError, TypeError),
        "'y'.*labels",
    ),
    "number where labels are strings": (
        lambda f: f["words"].transform(A[:2], [0, 1]),
        (ValueError, TypeError),
        "'y'.*labels",
    ),
    "Dataset of another modality": (
        lambda f: f["mapping"].embed(Items({"audio": A[0], "imgae": B[0]})),
        ValueError,
        "unknown modality 'imgae'",
    ),
    "empty Dataset": (
        lambda f: f["mapping"].embed(Items()),
        (ValueError, TypeError),
        "at least one item",
    ),
    "Dataset where a table was fitted": (
        lambda f: f["table"].embed(Items(DATA)),
        (ValueError, TypeError),
        "table",
    ),
    "mapping where a table was fitted": (
        lambda f: f["table"].embed(DATA),
        (ValueError, TypeError),
        "table",
    ),
    "mapping where two tables were fitted": (
        lambda f: f["pair"].embed({"x": A, "y": B}),
        (ValueError, TypeError),
        "table",
    ),
    "fusion set after fit": (
        lambda f: fit(DATA).set_params(fusion="meen").transform(DATA),
        ValueError,
        "Did you mean 'mean'",
    ),
}


@pytest.mark.parametrize("case", TRANSFORM)
def test_bad_data_after_fit(fitted, case):
    do, error, message = TRANSFORM[case]
    with pytest.raises(error, match=message):
        do(fitted)


UNFITTED = {
    "transform": lambda a: a.transform(DATA),
    "transform, unknown fusion": lambda a: a.set_params(fusion="?").transform(DATA),
    "embed": lambda a: a.embed(DATA),
    "embed_modality": lambda a: a.embed_modality("audio", A),
    "encoder": lambda a: a.encoder("audio"),
    "score": lambda a: a.score(DATA),
    "get_feature_names_out": lambda a: a.get_feature_names_out(),
}


@pytest.mark.parametrize("case", UNFITTED)
def test_unfitted(case):
    with pytest.raises(NotFittedError, match="This IBAligner instance is not fitted yet"):
        UNFITTED[case](IBAligner())


@pytest.mark.parametrize("name", ["history_", "temperature_", "n_iter_", "modality_names_"])
def test_unfitted_attribute(name):
    assert not hasattr(IBAligner(), name)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", torch.device("cuda")])
def test_gpu_where_there_is_none(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device='cuda.*torch sees no GPU: use device='auto'"):
        fit(DATA, device=device)


def test_class_pairs_without_partners():
    pairs = ClassPairs({"a": (A, np.arange(20) % 2), "b": (B, np.arange(20) % 2)}, anchor="a")
    with pytest.raises(ValueError, match="1 sample"):
        fit(pairs[:1])
