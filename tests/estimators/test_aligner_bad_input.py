"""Mistakes of a user, and what they are told."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.exceptions import NotFittedError
from torch import nn
from torch.utils.data import Dataset

from mibsk import ClassPairs, IBAligner
from mibsk.encoders import MLP

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(20, 5)), RNG.normal(size=(20, 4))
DATA = {"audio": A, "image": B}
TABLE = np.hstack([A, B])
CUT = {"audio": slice(0, 5), "image": slice(5, 9)}


def spoiled(X, row, value):
    X = X.copy()
    X[row, 1] = value
    return X


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
    "beta < 0": ({"beta": -0.1}, ValueError, r"'beta' parameter .* must be a float in .*\[0"),
    "beta a string": ({"beta": "high"}, ValueError, "'beta' parameter"),
    "beta NaN": ({"beta": np.nan}, ValueError, "'beta' parameter"),
    "temperature 0": ({"temperature": 0}, ValueError, "'temperature' parameter"),
    "temperature < 0": ({"temperature": -1.0}, ValueError, "'temperature' parameter"),
    "temperature misspelt": ({"temperature": "learnd"}, ValueError, "'learned'"),
    "n_components 0": ({"n_components": 0}, ValueError, "'n_components' parameter"),
    "n_components float": ({"n_components": 2.0}, ValueError, "'n_components' parameter"),
    "batch_size 0": ({"batch_size": 0}, ValueError, "'batch_size' parameter"),
    "batch_size 1": ({"batch_size": 1}, ValueError, "'batch_size' parameter"),
    "batch_size -2": ({"batch_size": -2}, ValueError, "'batch_size' parameter"),
    "lr 0": ({"lr": 0.0}, ValueError, "'lr' parameter"),
    "max_epochs 0": ({"max_epochs": 0}, ValueError, "'max_epochs' parameter"),
    "sufficiency": ({"sufficiency": "infonse"}, ValueError, r"'sufficiency' .*'infonce'"),
    "minimality": ({"minimality": "gauss"}, ValueError, r"'minimality' .*'gaussian'"),
    "precision": ({"precision": "float16"}, ValueError, "'precision' parameter"),
    "validation_fraction 1": ({"validation_fraction": 1.0}, ValueError, "'validation_fraction'"),
    "fusion": ({"fusion": "meen"}, ValueError, r"fusion must be .*'meen'.* Did you mean 'mean'"),
    "fusion of no modality": ({"fusion": "imag"}, ValueError, "Did you mean 'image'"),
    "optimizer": ({"optimizer": "adam"}, ValueError, r"'adam'.* Did you mean 'Adam'"),
    "optimizer no class": ({"optimizer": "lr_scheduler"}, ValueError, "must name a class in torch"),
    "device": ({"device": "gpu"}, ValueError, "device must be 'auto' or a torch device"),
    "encoder": ({"encoders": "mpl"}, ValueError, r"'mpl'.* Did you mean 'mlp'"),
    "encoder class": ({"encoders": MLP}, TypeError, r"pass an instance, MLP\(\)"),
    "encoders of no modality": (
        {"encoders": {"imgae": "mlp"}},
        ValueError,
        r"encoders names the modality 'imgae'.* Did you mean 'image'",
    ),
    "output dimension": (
        {"encoders": {"audio": nn.Linear(5, 7)}},
        ValueError,
        r"encoder of modality 'audio' gave \(20, 7\); expected \(20, 4\).*n_components=7",
    ),
    "output of another type": (
        {"encoders": {"audio": nn.LSTM(5, 4)}},
        TypeError,
        "encoder of modality 'audio' gave a tuple",
    ),
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


FIT = {
    "rows that do not match": (
        lambda: fit({"audio": A, "image": B[:19]}),
        ValueError,
        "same number of rows.*'audio' has 20, 'image' has 19",
    ),
    "tables that do not match": (lambda: fit(A, B[:19]), ValueError, "'x' has 20, 'y' has 19"),
    "NaN": (
        lambda: fit({"audio": A, "image": spoiled(B, 7, np.nan)}),
        ValueError,
        r"'image' contains NaN \(first at row 7; 1 row\(s\) affected\)",
    ),
    "infinity": (
        lambda: fit({"audio": spoiled(A, 3, -np.inf), "image": B}),
        ValueError,
        r"'audio' contains infinity \(first at row 3",
    ),
    "too large for float32": (
        lambda: fit({"audio": spoiled(A, 3, 1e300), "image": B}),
        ValueError,
        "'audio' contains a value too large for float32",
    ),
    "NaN in a table": (
        lambda: fit(spoiled(TABLE, 4, np.nan), modalities=CUT),
        ValueError,
        r"'audio' contains NaN \(first at row 4",
    ),
    "NaN in sparse rows": (
        lambda: fit({"audio": A, "image": sp.csr_array(spoiled(B, 7, np.nan))}),
        ValueError,
        r"'image' contains NaN \(first at row 7",
    ),
    "NaN in a torch Dataset": (
        lambda: fit(Items(*({"audio": a, "image": b} for a, b in zip(A, B * np.nan, strict=True)))),
        ValueError,
        "'image' contains NaN",
    ),
    "one row": (lambda: fit({"audio": A[:1], "image": B[:1]}), ValueError, "1 sample"),
    "no rows": (lambda: fit({"audio": A[:0], "image": B[:0]}), ValueError, "0 sample"),
    "no columns": (lambda: fit({"audio": A[:, :0], "image": B}), ValueError, "0 feature"),
    "empty mapping": (lambda: fit({}), ValueError, "at least two modalities"),
    "one modality": (lambda: fit({"audio": A}), ValueError, "at least two modalities"),
    "one modality of a table": (
        lambda: fit(TABLE, modalities={"audio": slice(0, 5)}),
        ValueError,
        "at least two modalities",
    ),
    "no columns selected": (
        lambda: fit(TABLE, modalities={"audio": slice(0, 5), "image": []}),
        ValueError,
        "modality 'image' selects no column",
    ),
    "names of columns in an array": (
        lambda: fit(TABLE, modalities={"audio": ["a"], "image": ["b"]}),
        ValueError,
        "only supported for dataframes",
    ),
    "columns that are not there": (
        lambda: fit(pd.DataFrame(TABLE), modalities={"audio": [0], "image": [12]}),
        ValueError,
        "12|out of bounds|all features must be",
    ),
    "modalities= for a mapping": (
        lambda: fit(DATA, modalities=CUT),
        ValueError,
        "leave it out when X is a mapping",
    ),
    "modalities= for a Dataset": (
        lambda: fit(Items(DATA), modalities=CUT),
        ValueError,
        "leave it out for a Dataset",
    ),
    "one table alone": (lambda: fit(A), ValueError, "Pass a second table as y"),
    "1-d table": (lambda: fit(A[:, 0], B), ValueError, "Reshape your data"),
    "a string": (lambda: fit("audio.npy", B), (ValueError, TypeError), "'x'|table|array"),
    "a scalar modality": (lambda: fit({"audio": A, "image": 3}), TypeError, "'image' must be an"),
    "name that is no string": (lambda: fit({1: A, 2: B}), TypeError, "names must be strings"),
    "mixed types": (
        lambda: fit({"audio": A, "image": [[1.0, "a"]] * 20}),
        (TypeError, ValueError),
        "modality 'image' must hold numbers",
    ),
    "lists of unequal length": (
        lambda: fit({"audio": A, "image": [[1.0], [1.0, 2.0]] * 10}),
        ValueError,
        "'image' must have rows of one shape",
    ),
    "complex numbers": (
        lambda: fit({"audio": A, "image": B + 1j}),
        ValueError,
        "Complex data not supported: modality 'image'",
    ),
    "dates": (
        lambda: fit({"audio": A, "image": np.zeros((20, 2), "datetime64[s]")}),
        TypeError,
        "'image' must hold numbers",
    ),
    "Dataset of tuples": (lambda: fit(Items((A[0], B[0]))), TypeError, "must yield mappings"),
    "empty Dataset": (lambda: fit(Items()), TypeError, "at least one item"),
    "Dataset of changing names": (
        lambda: fit(Items({"a": A[0], "b": B[0]}, {"a": A[0], "c": B[0]})),
        ValueError,
        "same modalities",
    ),
    "too few pairs to set some aside": (
        lambda: fit({"audio": A[:3], "image": B[:3]}, early_stopping=True),
        ValueError,
        "3 pairs are too few to split",
    ),
    "shape that no encoder is chosen for": (
        lambda: fit({"audio": np.zeros((20, 2, 3, 4, 50)), "image": B}),
        ValueError,
        r"rows of shape \(2, 3, 4, 50\)",
    ),
}


@pytest.mark.parametrize("case", FIT)
def test_bad_data_in_fit(case):
    do, error, message = FIT[case]
    with pytest.raises(error, match=message):
        do()


@pytest.fixture(scope="module")
def fitted():
    """Aligners fitted on every form, and on every kind of row."""
    kinds = {
        "audio": A,
        "photo": RNG.normal(size=(20, 4, 4)),
        "counts": sp.random_array((20, 30), density=0.2, rng=0),
        "text": ["a text"] * 20,
    }
    return {
        "mapping": fit(DATA),
        "mean": fit(DATA, fusion="mean"),
        "table": fit(TABLE, modalities=CUT),
        "frame": fit(
            pd.DataFrame(TABLE, columns=list("abcdefghi")),
            modalities={"audio": ["a", "b"], "image": ["c", "d"]},
        ),
        "pair": fit(A, B),
        "labels": fit(A, np.arange(20) % 3),
        "words": fit(A, ["cat", "dog"] * 10),
        "kinds": fit(kinds),
    }


TRANSFORM = {
    "missing modality, concat": (
        lambda f: f["mapping"].transform({"audio": A}),
        ValueError,
        r"missing modality \['image'\]: fusion='concat' needs \['audio', 'image'\]",
    ),
    "missing modality, mean": (
        lambda f: f["mean"].transform({"image": B}),
        ValueError,
        r"missing modality \['audio'\]: fusion='mean'",
    ),
    "score of one modality": (
        lambda f: f["mapping"].score({"audio": A}),
        ValueError,
        r"score compares all of \['audio', 'image'\], got only \['audio'\]",
    ),
    "score of one table": (lambda f: f["pair"].score(A), ValueError, "got only"),
    "misspelt modality": (
        lambda f: f["mapping"].transform({"audio": A, "imgae": B}),
        ValueError,
        "unknown modality 'imgae'.* Did you mean 'image'",
    ),
    "extra modality": (
        lambda f: f["mapping"].embed({**DATA, "touch": A}),
        ValueError,
        r"unknown modality 'touch'; fitted on \['audio', 'image'\]",
    ),
    "empty mapping": (lambda f: f["mapping"].embed({}), ValueError, "empty mapping"),
    "a table where a mapping was fitted": (
        lambda f: f["mapping"].transform(TABLE),
        TypeError,
        "fitted on a mapping of modalities",
    ),
    "rows that do not match": (
        lambda f: f["mapping"].transform({"audio": A[:5], "image": B}),
        ValueError,
        "same number of rows",
    ),
    "NaN": (
        lambda f: f["mapping"].embed({"image": spoiled(B, 11, np.nan)}),
        ValueError,
        r"'image' contains NaN \(first at row 11",
    ),
    "feature count of a modality": (
        lambda f: f["mapping"].embed({"image": B[:, :3]}),
        ValueError,
        "X has 3 features, but modality 'image' is expecting 4 features",
    ),
    "feature count of a table": (
        lambda f: f["table"].transform(TABLE[:, :7]),
        ValueError,
        "X has 7 features, but IBAligner is expecting 9 features",
    ),
    "feature count of a pair": (
        lambda f: f["pair"].transform(A[:, :3]),
        ValueError,
        "X has 3 features, but IBAligner is expecting 5 features",
    ),
    "second table of a pair": (
        lambda f: f["pair"].transform(A, B[:, :3]),
        ValueError,
        "X has 3 features, but modality 'y' is expecting 4",
    ),
    "1-d row": (lambda f: f["pair"].transform(A[0]), ValueError, "Reshape your data"),
    "columns in another order": (
        lambda f: f["frame"].transform(pd.DataFrame(TABLE, columns=list("ihgfedcba"))),
        ValueError,
        "feature names",
    ),
    "columns missing": (
        lambda f: f["frame"].transform(pd.DataFrame(TABLE[:, :3], columns=list("abc"))),
        ValueError,
        "feature names",
    ),
    "shape of an image": (
        lambda f: f["kinds"].embed({"photo": np.zeros((2, 4, 5))}),
        ValueError,
        r"'photo' has rows of shape \(4, 5\), but \(4, 4\) were seen in fit",
    ),
    "strings where numbers were fitted": (
        lambda f: f["mapping"].embed({"image": ["a", "b"]}),
        (TypeError, ValueError),
        "modality 'image'.*numbers",
    ),
    "numbers where strings were fitted": (
        lambda f: f["kinds"].embed({"text": A}),
        TypeError,
        r"modality 'text' was fitted on strings, got an array of shape \(20, 5\)",
    ),
    "sparse where dense was fitted": (
        lambda f: f["mapping"].embed({"image": sp.csr_array(B)}),
        TypeError,
        r"'image' was fitted on dense rows, got a sparse matrix: use X.toarray\(\)",
    ),
    "width of sparse rows": (
        lambda f: f["kinds"].embed({"counts": sp.csr_array((2, 29))}),
        ValueError,
        "X has 29 features, but modality 'counts' is expecting 30",
    ),
    "unknown number as a label": (
        lambda f: f["labels"].transform(A[:2], [0, 7]),
        ValueError,
        r"'y' has labels that were not seen in fit: \[7\]; known are \[0, 1, 2\]",
    ),
    "unknown string as a label": (
        lambda f: f["words"].transform(A[:2], ["cat", "cow"]),
        ValueError,
        r"not seen in fit: \['cow'\]; known are \['cat', 'dog'\]",
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
