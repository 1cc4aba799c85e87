"""Strategies of inputs: arrays of any shape, type, value and layout, in any container."""

import array

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse as sp
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

NUMBERS = ["f8", "f4", "f2", "g", ">f8", ">f4", "i8", "i4", "i1", "u1", "u8", ">i4", "?"]
OTHER_TYPES = ["c8", "c16", ">c8", "O", "U3", "S3", "M8[s]", "m8[ns]", "f4,i4", "T"]
HARSH = [np.nan, np.inf, -np.inf, 1e38, -3e38, 1e300, 5e-324, 1e-40, -0.0, 2.0**63, 2.0**70]
ODD = [None, "", "a", "1", b"b", [1, 2], {"a": 1}, 1 + 2j, object(), pd.NA, pd.NaT, np.float32(1)]

N_ROWS, WIDTH = 8, 3  # of what the fitted models know

tame_floats = st.floats(-100, 100, width=16)
tame_scalars = st.one_of(st.sampled_from(HARSH + ODD), tame_floats, st.text(max_size=3))
scalars = tame_scalars | st.integers()


def elements(dtype, harsh):
    """Return a strategy of values that an array of this type may hold; None for any."""
    if dtype.kind == "O":
        numbers = st.one_of(tame_floats, st.integers(-9, 9), st.booleans())
        words = st.text(max_size=3)
        return st.one_of(numbers, words, scalars) if harsh else st.one_of(numbers)
    if dtype.kind == "T":
        return st.text(st.characters(codec="ascii"), max_size=3)
    if dtype.kind in "fc" and not harsh:
        return tame_floats
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            fitting = np.array(HARSH).astype(dtype).astype(float)
        return st.one_of(st.sampled_from(fitting.tolist()), tame_floats)
    return None


@st.composite
def arrays(draw, shape=None, dtypes=None):
    """Draw an array, most often of the shape asked for and of finite numbers."""
    dtype = np.dtype(draw(st.sampled_from(dtypes or [*6 * NUMBERS, *OTHER_TYPES])))
    if shape is None or draw(st.integers(0, 9)) == 9:
        shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    if dtype.kind in "OT":
        flat = draw(
            st.lists(
                elements(dtype, draw(st.booleans())),
                min_size=(size := int(np.prod(shape))),
                max_size=size,
            )
        )
        filled = np.empty(size, dtype)
        for i, value in enumerate(flat):
            filled[i] = value
        return draw(layouts(filled.reshape(shape)))
    harsh = draw(st.integers(0, 7)) == 7
    if dtype.kind in "fiu" and not harsh and draw(st.integers(0, 2)) < 2:
        return draw(layouts(draw(noise(dtype, shape))))
    return draw(layouts(draw(hnp.arrays(dtype, shape, elements=elements(dtype, harsh)))))


@st.composite
def noise(draw, dtype, shape):
    """Draw numbers of no pattern."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    if dtype.kind in "iu":
        return rng.integers(0, 100, shape).astype(dtype)
    scale = draw(st.sampled_from([1.0, 1.0, 1e-30, 1e30, 1e-200, 1e200]))
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(scale * rng.normal(size=shape)).astype(dtype)


@st.composite
def layouts(draw, X):
    """Draw the memory layout of the same values."""
    kind = draw(st.sampled_from(["plain", "fortran", "gaps", "reversed", "read-only", "repeated"]))
    if kind == "fortran":
        return np.asfortranarray(X)
    if kind == "gaps" and X.ndim:
        return np.repeat(X, 2, axis=-1)[..., ::2]
    if kind == "reversed" and X.ndim:
        return X[::-1]
    if kind == "repeated" and X.ndim and len(X):
        return np.broadcast_to(X[:1], X.shape)
    if kind == "read-only" and X.ndim:
        X = X.copy()
        X.flags.writeable = False
    return X


def as_pandas(X, draw):
    """Return a data frame whose names and index are drawn."""
    n, width = X.shape
    columns = draw(
        st.sampled_from(
            [
                [*"abcdefgh"][:width],
                [*"hgfedcba"][-width:],
                list(range(width)),
                ["a", 1, None, 2.5, (1, 2), "b"][:width],
                ["a"] * width,
                pd.MultiIndex.from_tuples([(i // 2, f"c{i}") for i in range(width)]),
            ]
        )
    )
    index = draw(st.sampled_from([None, range(n, 0, -1), ["x"] * n, pd.RangeIndex(n) / 2]))
    frame = pd.DataFrame(X, index=index)
    if width == len(columns):
        frame.columns = columns
    kinds = [None, None, "Float64", "Int64", "boolean", "category", "str"]
    kind = draw(st.sampled_from(kinds))
    return frame.astype(kind) if kind else frame


CONTAINERS = {
    "array": lambda X, draw: X,
    "list": lambda X, draw: X.tolist(),
    "ragged list": lambda X, draw: [*X.tolist(), [1.0]],
    "tuple of arrays": lambda X, draw: tuple(X),
    "pandas": as_pandas,
    "series": lambda X, draw: pd.Series(list(X)),
    "index": lambda X, draw: pd.Index(X.ravel()),
    "categorical": lambda X, draw: pd.Series(X.ravel(), dtype="category"),
    "polars": lambda X, draw: pl.DataFrame(X),
    "polars series": lambda X, draw: pl.Series(X.ravel()),
    "lazy frame": lambda X, draw: pl.DataFrame(X).lazy(),
    "sparse": lambda X, draw: sp.coo_array(X).asformat(
        draw(st.sampled_from(["bsr", "coo", "csc", "csr", "dia", "dok", "lil"]))
    ),
    "sparse matrix": lambda X, draw: sp.csr_matrix(X),
    "tensor": lambda X, draw: torch.tensor(X, requires_grad=X.dtype.kind == "f"),
    "half tensor": lambda X, draw: torch.tensor(X).to(
        draw(st.sampled_from([torch.bfloat16, torch.float16, torch.complex64]))
    ),
    "sparse tensor": lambda X, draw: torch.tensor(X).to_sparse(),
    "matrix": lambda X, draw: np.asmatrix(X),
    "masked": lambda X, draw: np.ma.array(X, mask=draw(hnp.arrays(bool, X.shape))),
    "record": lambda X, draw: np.rec.fromarrays(X.T),
    "memoryview": lambda X, draw: memoryview(X),
    "buffer": lambda X, draw: array.array("d", X.ravel()),
    "set": lambda X, draw: set(X.ravel().tolist()),
    "generator": lambda X, draw: iter(X),
    "dict": lambda X, draw: {"a": X, "b": X},
}


@st.composite
def things(draw, shape=None, dtypes=None):
    """Draw anything: an array in a container, or no array at all."""
    if draw(st.integers(0, 19)) == 19:
        return draw(scalars)
    X = draw(arrays(shape, dtypes))
    kind = draw(st.sampled_from(["array"] * 25 + list(CONTAINERS)))
    try:
        return CONTAINERS[kind](X, draw)
    except Exception:  # the container itself refuses such values
        return X


rows = things((N_ROWS, WIDTH))
words = st.lists(st.text(st.characters(), max_size=9), min_size=N_ROWS, max_size=N_ROWS)
ROWS = {
    "dense": rows,
    "image": st.one_of(things((N_ROWS, 2, 2), ["u1", "f4", "f8", "?", "O"]), rows),
    "counts": rows,
    "text": st.one_of(
        words, words.map(np.array), words.map(lambda X: pd.Series(X, dtype=object)), rows
    ),
}
labels = st.one_of(
    things((N_ROWS,), ["i8", ">i4", "U3", "O", "?", "f8", "M8[s]", "T"]),
    st.lists(st.sampled_from(["cat", "dog"]), min_size=N_ROWS, max_size=N_ROWS),
    st.lists(st.integers(0, 2), min_size=N_ROWS, max_size=N_ROWS),
)
