"""The rule of the fuzz tests accepts and rejects what it should."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.utils import check_array

from mibsk._checks.rows import to_float32
from mibsk.data import InputSpec
from mibsk.exceptions import DivergenceError

from .judge import content, judge


def change(X):
    X[0] = 1.0
    return X


def test_results_and_proper_refusals_pass():
    assert judge(lambda X: {"a": X, "b": (X, [1.0])}, np.eye(2))
    assert judge(lambda X: pd.DataFrame({"a": [1.0], "name": "x"}), np.eye(2))
    assert not judge(lambda X: InputSpec.learn("a", X), np.array([np.nan]))
    assert not judge(check_array, np.array([[np.nan]]))


@pytest.mark.parametrize(
    ("call", "X", "message"),
    [
        (to_float32, np.array(["a"]), "could not convert string .* came out of 'return X.astype"),
        (lambda X: X @ np.eye(3), np.eye(2), "raised in .*test_judge"),
        (lambda X: torch.tensor(X) @ torch.eye(3), np.eye(2), "cannot be multiplied"),
        (np.vstack, [np.eye(2), np.eye(3)], "raised in .*numpy"),
        (lambda X: {}["a"], np.eye(2), "'a'"),
        (lambda X: X * np.nan, np.eye(2), "not finite"),
        (lambda X: {"a": [X / 0.5, X[0] * np.inf]}, np.ones(2), "not finite"),
        (lambda X: [], np.eye(2), "an empty result"),
        (lambda X: warnings.warn("!", stacklevel=1) or 1.0, np.eye(2), "!"),
        (change, np.zeros(2), "an input was changed"),
    ],
)
def test_all_else_fails(call, X, message):
    with pytest.raises((AssertionError, RuntimeError, KeyError, UserWarning), match=message):
        judge(call, X)


HOLE = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 4.0]])


@pytest.mark.parametrize("X", [HOLE, HOLE.tolist(), {"a": [[1.0], None, [2.0]]}, {"a": HOLE}])
def test_rows_that_are_missing_may_be_nan(X):
    found = np.array([[0.0], [np.nan], [1.0]])
    assert judge(lambda X: found, X)
    for wrong in (found[::-1][[1, 0, 2]], np.full((3, 1), np.inf), np.full((2, 1), np.nan)):
        with pytest.raises(AssertionError, match="not finite"):
            judge(lambda X, wrong=wrong: wrong, X)


def test_a_cell_of_a_modality_is_no_missing_row():
    X = {"a": np.array([[1.0, np.nan], [2.0, 3.0]])}
    with pytest.raises(AssertionError, match="not finite"):
        judge(lambda X: X["a"], X)


def test_other_exceptions_are_not_caught():
    def diverge(X):
        raise DivergenceError("the training loss became nan")

    with pytest.raises(DivergenceError):
        judge(diverge, 1.0)


@pytest.mark.parametrize(
    ("X", "other"),
    [
        (np.eye(2), np.eye(2, dtype="f4")),
        (np.eye(2), np.asfortranarray(np.eye(2))),
        (np.array([1, "a"], object), np.array([1, "b"], object)),
        (sp.csr_array(np.eye(2)), sp.csr_array(2 * np.eye(2))),
        (sp.csr_array(np.eye(2)), sp.csc_array(np.eye(2))),
        (torch.zeros(2), torch.ones(2)),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1]})),
        ({"a": np.zeros(2)}, {"a": np.ones(2)}),
        ([[1.0]], [[2.0]]),
    ],
)
def test_content_tells_inputs_apart(X, other):
    assert content(X) == content(X)
    assert content(X) != content(other)
