"""The same rows in another container give the same model, bit for bit."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.model_selection import GridSearchCV, cross_val_score

from mibsk import CanonicalBottleneck, ClassPairs, IBAligner, IBAlignerCV, Modalities

from .common import Items

N = 48
CAPTIONS = [f"caption {i} é" for i in range(N)]
CLASSES = ["cat", "dog", "cow"] * (N // 3)
STRINGS = {
    "array": np.array,
    "StringDType": lambda words: np.array(words, np.dtypes.StringDType()),
    "bytes": lambda words: np.array([word.encode() for word in words]),
    "list of bytes": lambda words: [word.encode() for word in words],
    "column": lambda words: np.array(words, object)[:, None],
    "data frame": lambda words: pd.DataFrame({"word": words}),
    "polars": lambda words: pl.DataFrame({"word": words}),
    "string": lambda words: pd.Series(words, dtype="string"),
    "categories": lambda words: pd.Series(words, dtype="category"),
    "pyarrow": lambda words: pytest.importorskip("pyarrow").array(words),
}
VECTORS = {
    "series of arrays": lambda X: pd.Series(list(X)),
    "data frame of lists": lambda X: pd.DataFrame({"vector": X.tolist()}),
    "List of polars": lambda X: pl.Series(X.tolist()),
    "data frame of polars": lambda X: pl.DataFrame({"vector": X}),
    "FixedSizeList": lambda X: pytest.importorskip("pyarrow").FixedSizeListArray.from_arrays(
        X.ravel(), X.shape[1]
    ),
    "list of tensors": lambda X: [torch.tensor(row, requires_grad=True) for row in X],
}


@pytest.fixture(scope="module")
def plain(views):
    return {"audio": views["audio"], "text": CAPTIONS}


@pytest.mark.parametrize("form", STRINGS.values(), ids=STRINGS)
class TestStrings:
    def test_captions(self, views, plain, quick, form):
        expected = quick().fit(plain)
        given = {**plain, "text": form(CAPTIONS)}
        np.testing.assert_array_equal(
            quick().fit(given).transform(given), expected.transform(plain)
        )
        np.testing.assert_array_equal(
            expected.encoder("text").transform(form(CAPTIONS)), expected.embed(plain)["text"]
        )
        np.testing.assert_array_equal(
            quick().fit(Modalities(given)[:]).transform(plain), expected.transform(plain)
        )

    def test_captions_in_two_tables(self, views, quick, form):
        expected = quick().fit(CAPTIONS, views["audio"]).transform(CAPTIONS)
        given = form(CAPTIONS)
        aligner = quick().fit(given, views["audio"])
        np.testing.assert_array_equal(aligner.transform(given), expected)

    def test_labels(self, views, quick, form):
        expected = quick().fit(views["audio"], CLASSES)
        for aligner, y in ((quick().fit(views["audio"], form(CLASSES)), CLASSES), (expected, None)):
            found = aligner.transform(views["audio"], form(CLASSES) if y is None else y)
            for z, w in zip(found, expected.transform(views["audio"], CLASSES), strict=True):
                np.testing.assert_array_equal(z, w)

    def test_labels_of_class_pairs(self, views, quick, form):
        def fitted(labels):
            pairs = {"audio": (views["audio"], labels), "image": (views["image"], CLASSES)}
            return quick().fit(ClassPairs(pairs, random_state=0)).transform(views)

        np.testing.assert_array_equal(fitted(form(CLASSES)), fitted(CLASSES))


@pytest.mark.parametrize("form", VECTORS.values(), ids=VECTORS)
class TestVectors:
    def test_a_modality(self, views, quick, form):
        expected = quick().fit(views)
        given = {**views, "image": form(views["image"])}
        aligner = quick().fit(given)
        np.testing.assert_array_equal(aligner.transform(given), expected.transform(views))
        for encoder in (aligner.encoder("image"), expected.encoder("image")):
            np.testing.assert_array_equal(
                encoder.transform(given["image"]), expected.embed(views)["image"]
            )

    def test_in_closed_form(self, views, form):
        given = {**views, "image": form(views["image"])}
        np.testing.assert_array_equal(
            CanonicalBottleneck().fit(given).transform(given),
            CanonicalBottleneck().fit(views).transform(views),
        )

    def test_two_tables(self, views, quick, form):
        expected = quick().fit(views["image"], views["audio"]).transform(views["image"])
        given = form(views["image"])
        np.testing.assert_array_equal(quick().fit(given, views["audio"]).transform(given), expected)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_column_of_vectors_cut_from_a_table(views, quick, make):
    columns = {f"a{i}": views["audio"][:, i] for i in range(5)}
    table = make({**columns, "vector": list(views["image"]), "text": CAPTIONS})
    modalities = {"audio": list(columns), "image": ["vector"], "text": ["text"]}
    expected = {**views, "text": CAPTIONS}
    np.testing.assert_array_equal(
        quick(modalities).fit(table).transform(table),
        quick().fit(expected).transform(expected),
    )


@pytest.fixture(scope="module")
def records(views):
    return [{"audio": a, "image": b} for a, b in zip(views["audio"], views["image"], strict=True)]


class TestRecords:
    @pytest.mark.parametrize("container", [list, tuple])
    def test_fit_and_embed(self, views, quick, records, container):
        expected = quick().fit(views)
        aligner = quick().fit(container(records))
        for name, z in aligner.embed(container(records)).items():
            np.testing.assert_array_equal(z, expected.embed(views)[name])
        assert aligner.score(records) == expected.score(views)
        np.testing.assert_array_equal(
            aligner.encoder("image").transform(records), expected.embed(views)["image"]
        )

    def test_in_closed_form(self, views, records):
        np.testing.assert_array_equal(
            CanonicalBottleneck().fit(records).transform(records),
            CanonicalBottleneck().fit(views).transform(views),
        )

    def test_cross_validation(self, views, quick, records):
        expected = cross_val_score(quick(), Modalities(views), cv=2)
        for X in (records, Items(views)):
            assert cross_val_score(quick(), X, cv=2).tolist() == expected.tolist()
        search = GridSearchCV(quick(), {"beta": [0.0, 1.0]}, cv=2, error_score="raise")
        assert search.fit(Items(views)).best_score_ == search.fit(Modalities(views)).best_score_
        betas = IBAlignerCV(quick(), betas=(0, 1), cv=2)
        np.testing.assert_array_equal(
            betas.fit(records).transform(records), betas.fit(views).transform(views)
        )

    def test_a_record_that_differs_is_named(self, quick, records):
        with pytest.raises(ValueError, match=r"'imgae' is present in 1 of 4 rows.*mean 'image'"):
            quick().fit([*records[:3], {"imgae": records[0]["image"]}])
        with pytest.raises(TypeError, match="got int at position 2"):
            quick().fit([*records[:2], 5])
        with pytest.raises(ValueError, match=r"'text' is present in 1 of 2 rows"):
            quick().fit([{"text": text, "n": 1.0 * i} for i, text in enumerate(["a", np.nan])])


@pytest.mark.parametrize(
    "dtype", [torch.bfloat16, torch.float16, torch.bool, torch.uint8, torch.int64, torch.float64]
)
@pytest.mark.parametrize("leaf", [False, True])
@pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")
def test_items_of_tensors_of_any_type(views, quick, dtype, leaf):
    image = (3 * torch.tensor(views["image"])).to(dtype)
    rows = (image.float() if dtype is torch.bfloat16 else image).numpy()
    number = torch.tensor(views["audio"][:, 0])  # items without dimensions

    class Tensors(Items):
        def __getitem__(self, index):
            item = super().__getitem__(index)
            if leaf and dtype.is_floating_point:
                item["image"] = item["image"].clone().requires_grad_()
            return item

    tensors = Tensors({"image": image, "number": number})
    arrays = Items({"image": rows, "number": number.numpy()})
    np.testing.assert_array_equal(
        quick().fit(tensors).transform(tensors), quick().fit(arrays).transform(arrays)
    )


NAMES = ["self", "y", "X", "fit", "keys", "", "a.b", "a/b", "a\nb", "..", "é", "0", 300 * "x"]


@pytest.mark.parametrize("name", NAMES)
def test_any_string_names_a_modality(views, quick, tmp_path, name):
    data = {name: views["audio"], "other": views["image"]}
    plain = {"audio": views["audio"], "other": views["image"]}
    expected = quick().fit(plain).transform(plain)
    aligner = quick().fit(Modalities(data)[:])
    aligner.save(tmp_path / "model.safetensors")
    for fitted in (aligner, IBAligner.load(tmp_path / "model.safetensors")):
        np.testing.assert_array_equal(fitted.transform(Modalities(data)), expected)
    np.testing.assert_array_equal(
        aligner.encoder(name).transform(views["audio"]), aligner.embed(data)[name]
    )


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (1, TypeError, "must be strings, got 1"),
        (None, TypeError, "must be strings, got None"),
        ("\ud800", ValueError, r"must be valid Unicode, got '\\ud800'"),
    ],
)
def test_other_names_are_refused(views, quick, name, error, message):
    for make in (dict, Modalities):
        with pytest.raises(error, match=f"modality names {message}"):
            quick().fit(make({name: views["audio"], "other": views["image"]}))
