"""Columns that float32 cannot hold are refused, and only these."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mibsk import CanonicalBottleneck, IBAligner, OnnxEncoder
from mibsk._checks.precision import check_precision
from mibsk.data import InputSpec
from mibsk.onnx import export_encoder

N = 120
rng, others = np.random.default_rng(0), np.random.default_rng(1)
OTHERS = rng.normal(size=(N, 3))
MINUTE = 1.7e9 + rng.uniform(0, 60, N)
MESSAGE = "in size that differ by at most .* but float32, in which encoders compute, rounds them to"


def beside(column):
    return np.column_stack([OTHERS, column])


REFUSED = {
    "Unix times of a minute": beside(MINUTE),
    "of an hour": beside(1.7e9 + rng.uniform(0, 3_600, N)),
    "alone": MINUTE[:, None],
    "as a series": pd.Series(MINUTE),
    "negative": beside(-MINUTE),
    "as objects": beside(MINUTE).astype(object),
    "big-endian": beside(MINUTE).astype(">f8"),
    "sparse": sp.csr_array(beside(MINUTE)),
    "nanoseconds": 1_700_000_000 * 10**9 + rng.integers(0, 10**10, (N, 1)),
    "unsigned nanoseconds": 2**63 + rng.integers(0, 10**10, (N, 1)).astype(np.uint64),
    "Julian days": beside(2_460_000 + rng.uniform(0, 1, N)),
    "ids above 2**24": beside(2.0**24 + rng.permutation(N)),
    "integer ids": 2**24 + rng.permutation(1000)[:, None] % N,
    "int32 ids": 2**25 + np.arange(N, dtype=np.int32)[:, None],
    "repeated ids": 2**24 + np.arange(1000)[:, None] % 7,
    "modified Julian days of an hour": beside(60_000 + others.uniform(0, 1 / 24, N)),
    "latitudes within ten metres": beside(52.37 + others.uniform(0, 1e-4, N)),
    "a channel of times": np.stack([MINUTE[:, None] + np.arange(9), rng.normal(size=(N, 9))], 1),
}
X = others.normal(size=5000)
ACCEPTED = {
    "Unix times of a week, few": 1_700_000_000 + others.integers(0, 7 * 86_400, (2_000, 1)),
    "Unix times of a week, many": 1_700_000_000 + others.integers(0, 7 * 86_400, (50_000, 1)),
    "yyyymmdd": 20_200_101 + others.integers(0, 5, (50_000, 1)) * 10_000,
    "genome positions": 240_000_000 + others.integers(0, 10**6, (50_000, 1)),
    "ids above 2**24 that differ by many": 2**24 + np.arange(5000)[:, None],
    "saturated probabilities": 1 / (1 + np.exp(-18 - X[:, None])),
    "a tenth billionth of one": 1 + 1e-10 * X[:, None],
    "constant up to rounding in float32": 5 + 2e-7 * X[:, None],
    "Unix times of a year": beside(1.7e9 + rng.uniform(0, 3e7, N)),
    "of a day": beside(1.7e9 + rng.uniform(0, 86_400, N)),
    "years": beside(rng.integers(1990, 2025, N)),
    "ids below 2**24": 2**24 - np.arange(1000)[:, None],
    "amounts in cents": rng.integers(0, 10**9, (20_000, 3)),
    "hashes": rng.integers(-(2**63), 2**63 - 1, (20_000, 2)),
    "constant": beside(np.full(N, 1.7e9)),
    "constant up to rounding in float64": beside(0.3 + 5e-17 * rng.integers(0, 2, N)),
    "what float32 holds exactly": beside((1e9 + 1e3 * rng.normal(size=N)).astype(np.float32)),
    "multiples of 128": (1_700_000_000 // 128 * 128 + 128 * np.arange(N))[:, None],
    "float32": beside(MINUTE).astype(np.float32),
    "float16": beside(np.arange(N)).astype(np.float16),
    "bytes": rng.integers(0, 256, (N, 4)).astype(np.uint8),
    "one row": beside(MINUTE)[:1],
    "a zero among large values": beside(np.append(MINUTE[1:], 0.0)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    with pytest.raises(ValueError, match=MESSAGE):
        InputSpec.learn("a", REFUSED[what])


@pytest.mark.parametrize("what", ACCEPTED)
def test_accepted(what):
    InputSpec.learn("a", ACCEPTED[what])


def test_the_background_of_images_is_accepted():
    photos = rng.uniform(size=(N, 8, 8))
    photos[:, :4] = 1 - 1e-6 * photos[:, :4]
    InputSpec.learn("photo", photos)
    InputSpec.learn("photo", photos.reshape(N, -1))
    with pytest.raises(ValueError, match=r"position \(0, 0\) of the rows of modality 'photo'"):
        InputSpec.learn("photo", photos[:, :4])


def test_the_message_says_which_column_and_how_coarse():
    table = pd.DataFrame({"height": OTHERS[:, 0], "time": 1.7e9 + np.arange(N)})
    message = "column 'time' of modality 'log' has values up to 1.7000001e.09 in size that differ "
    message += "by at most 119, .* rounds them to multiples of 128. Subtract a constant first"
    with pytest.raises(ValueError, match=message):
        InputSpec.learn("log", table)
    with pytest.raises(ValueError, match="column 1 of modality 'log'"):
        InputSpec.learn("log", table.to_numpy())
    with pytest.raises(ValueError, match="column 1 of modality 'log'"):
        InputSpec.learn("log", sp.csr_array(table.to_numpy()))


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_memory_maps_are_read_in_parts(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr("mibsk._checks.precision._CHUNK_VALUES", 64)
    monkeypatch.setattr("mibsk.files.memory_map._SMALLEST_FILE", 1)
    X = np.memmap(tmp_path / "X", dtype, "w+", shape=(1000, 2))
    X[:, 0], X[:, 1] = rng.integers(0, 1000, 1000), 1.7e9 + rng.integers(0, 60, 1000)
    X.flush()
    with pytest.raises(ValueError, match="column 1 of modality 'a'"):
        InputSpec.learn("a", X)
    X[500, 1] = 0  # only this row varies
    InputSpec.learn("a", X)


@given(
    offset=st.floats(-1e12, 1e12),
    scale=st.floats(1e-3, 1e3),
    seed=st.integers(0, 9),
    n=st.integers(2, 300),
)
def test_what_is_accepted_keeps_its_spread(offset, scale, seed, n):
    column = offset + scale * np.random.default_rng(seed).normal(size=n)
    rounded = column.astype(np.float32).astype(np.float64)
    lost = (column - rounded).std() / column.std() if np.ptp(column) else 0.0
    try:
        check_precision("a", column[:, None])
    except ValueError:
        assert lost > 0.9e-2
    else:
        size = np.abs(column).max()
        constant = size < 1e3 and column.std() < 1.01 * 2.0**-23 * size
        assert lost < 1.1e-2 or np.ptp(column) <= 1e-12 * size or constant


def accepted(column):
    try:
        check_precision("a", column[:, None])
    except ValueError:
        return False
    return True


@given(
    offset=st.floats(1e3, 1e12),
    ratio=st.floats(-8, -3),
    whole=st.booleans(),
    seed=st.integers(0, 9),
    n=st.integers(500, 5000),
)
def test_the_number_of_rows_does_not_matter(offset, ratio, whole, seed, n):
    column = offset + offset * 10**ratio * np.random.default_rng(seed).uniform(size=20_000)
    column = column.astype(np.int64) if whole else column
    lost = [
        np.std(part - part.astype(np.float32).astype(np.float64)) / max(part.std(), 1e-9)
        for part in (column[:n], column)
    ]
    if min(lost) > 1.05e-2 or max(lost) < 0.95e-2:  # equal up to the spread of the part
        assert accepted(column[:n]) == accepted(column) == (max(lost) < 1e-2)


S = rng.normal(size=(N, 2))
# correlations that differ: equal ones leave the directions free, which rounding then decides
PAIRS = {"a": np.hstack([S, OTHERS]), "b": S + [0.3, 1.5] * others.normal(size=S.shape)}


@settings(max_examples=15, deadline=None)
@given(column=st.integers(0, 4), exponent=st.floats(0, 12), sign=st.sampled_from([-1, 1]))
@example(column=0, exponent=5.2, sign=-1)
@example(column=1, exponent=5.0, sign=-1)
def test_a_shifted_column_gives_the_same_embedding_or_is_refused(column, exponent, sign):
    shifted = PAIRS["a"].copy()
    shifted[:, column] += sign * 10**exponent
    params = {"n_components": 2, "max_epochs": 2, "random_state": 0}
    embedded = IBAligner(**params).fit(PAIRS).embed(PAIRS)
    try:
        aligner = IBAligner(**params).fit({**PAIRS, "a": shifted})
    except ValueError:
        assert exponent > 3
    else:
        assert exponent < 6
        found = aligner.embed({**PAIRS, "a": shifted})
        for name in PAIRS:
            # of rows close to the mean, the direction is not determined
            moved = np.linalg.norm(found[name] - embedded[name], axis=1)
            assert np.median(moved) < 0.02


class Items(torch.utils.data.Dataset):
    def __len__(self):
        return N

    def __getitem__(self, i):
        return {"a": MINUTE[i : i + 1], "b": PAIRS["b"][i]}


@pytest.mark.parametrize("column", [MINUTE, MINUTE - 1.7e9 + 1e5])
def test_sparse_columns_without_zeros_are_read_in_parts(column, monkeypatch):
    monkeypatch.setattr("mibsk._checks.precision._CHUNK_VALUES", 8)
    X = sp.random_array((N, 50), density=0.1, rng=0, format="csr").toarray()
    X[:, 7], X[:, 40] = 1 + OTHERS[:, 0] ** 2, column
    if column is MINUTE:
        with pytest.raises(ValueError, match="column 40 of modality 'a'"):
            InputSpec.learn("a", sp.csr_array(X))
    else:
        InputSpec.learn("a", sp.csr_array(X))


def test_every_form_of_fit_refuses():
    log = {**PAIRS, "a": beside(MINUTE)}
    aligner = IBAligner(max_epochs=1, random_state=0)
    for fit in (
        lambda: aligner.fit(log),
        lambda: aligner.fit(log["a"], log["b"]),
        lambda: aligner.fit(PAIRS["b"], MINUTE),
        lambda: aligner.fit(Items()),
        lambda: aligner.partial_fit(log),
        lambda: IBAligner(modalities={"a": [0, 3], "b": [1]}, max_epochs=1).fit(log["a"]),
    ):
        with pytest.raises(ValueError, match=MESSAGE):
            fit()
    assert not hasattr(aligner, "net_")


def test_the_closed_form_in_float64_accepts(tmp_path):
    time = 1.7e9 + S[:, :1]
    for a in (time, pd.DataFrame(time, columns=["time"])):
        bottleneck = CanonicalBottleneck().fit({"a": a, "b": S})
        centred = CanonicalBottleneck().fit({"a": time - 1.7e9, "b": S})
        expected = centred.embed({"a": time - 1.7e9})["a"]
        np.testing.assert_allclose(bottleneck.embed({"a": a})["a"], expected, atol=1e-4)
        with pytest.raises(
            ValueError, match=r"column 0 of modality 'a', with mean 1.7e\+09 .* ONNX"
        ):
            export_encoder(bottleneck, "a", tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()
    encoder = OnnxEncoder(export_encoder(centred, "a", tmp_path / "a.onnx"))
    np.testing.assert_allclose(encoder.transform(time - 1.7e9), expected, atol=1e-4)
