"""Factors that probes predict, classes or real numbers, and how well they are predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from ..._checks.devices import FloatMatrix
from ..._checks.labels import (
    are_numbers,
    as_factors,
    check_one_type,
    is_real,
    is_single_factor,
)
from ..._checks.magnitudes import LARGE, largest_magnitude, scale_exponent, times_power_of_two

TASKS = ("auto", "classification", "regression")
FLAT = 1e-12  # of the spread of a real factor in training: less is constant


@dataclass(frozen=True)
class Classes:
    """A factor of classes, numbered from 0.

    Attributes
    ----------
    train, test : ndarray of int (n,)
        Codes of training and of held-out rows.
    n_outputs : int
        Number of classes in training: one logit each.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    n_outputs: int

    def values(self, outputs: FloatMatrix) -> FloatMatrix:
        """Return cross-entropy and class of each held-out row, (n_test, 2)."""
        true = outputs[np.arange(len(self.test)), self.test]
        return np.column_stack([logsumexp(outputs, axis=1) - true, self.test])

    def fraction(self, values: FloatMatrix) -> NDArray[np.float64]:
        """Return information over entropy of (..., n_rows, 2) values; NaN for a single class."""
        entropy = self._entropy(values[..., 1])
        information = entropy - values[..., 0].mean(axis=-1)
        return np.divide(information, entropy, out=np.full_like(entropy, np.nan), where=entropy > 0)

    def row(self, outputs: FloatMatrix) -> dict[str, float]:
        """Return the factor's row of the table."""
        values = self.values(outputs)
        entropy, cross_entropy = float(self._entropy(values[:, 1])), float(values[:, 0].mean())
        return {
            "entropy": entropy,
            "cross_entropy": cross_entropy,
            "information": entropy - cross_entropy,
            "fraction": clip(float(self.fraction(values))),
            "accuracy": float(np.mean(outputs.argmax(axis=1) == self.test)),
            "n_classes": self.n_outputs,
        }

    def _entropy(self, codes: FloatMatrix) -> NDArray[np.float64]:
        """Return the entropy of the codes along the last axis, in nats."""
        rows = codes.reshape(-1, codes.shape[-1]).astype(np.intp)
        of_row = self.n_outputs * np.arange(len(rows))[:, None]
        counts = np.bincount((rows + of_row).ravel(), minlength=self.n_outputs * len(rows))
        counts = counts.reshape(*codes.shape[:-1], self.n_outputs)
        n = codes.shape[-1]
        return np.asarray(np.maximum(np.log(n) - xlogy(counts, counts).sum(axis=-1) / n, 0.0))


@dataclass(frozen=True)
class Numbers:
    """A factor of real numbers, in units of its standard deviation in training.

    Attributes
    ----------
    train, test : ndarray (n,)
        Values of training and of held-out rows, less the mean in training.
    n_outputs : int
        One prediction.
    """

    train: NDArray[np.float64]
    test: NDArray[np.float64]
    n_outputs: int = 1

    def values(self, outputs: FloatMatrix) -> FloatMatrix:
        """Return squared error and value of each held-out row, (n_test, 2)."""
        return np.column_stack([(outputs[:, 0] - self.test) ** 2, self.test])

    def fraction(self, values: FloatMatrix) -> NDArray[np.float64]:
        """Return R² of (..., n_rows, 2) values; NaN for equal ones."""
        error = np.asarray(values[..., 0].mean(axis=-1))
        variance = np.asarray(values[..., 1].var(axis=-1))
        varies = variance > FLAT**2
        return 1 - np.divide(error, variance, out=np.full_like(error, np.nan), where=varies)

    def row(self, outputs: FloatMatrix) -> dict[str, float]:
        """Return the factor's row of the table."""
        r2 = float(self.fraction(self.values(outputs)))
        unexplained = max(1 - r2, np.finfo(float).eps)
        return {"information": -0.5 * np.log(unexplained), "fraction": clip(r2), "r2": r2}


Factor = Classes | Numbers


def clip(fraction: float) -> float:
    """Return a share clipped to [0, 1]."""
    return min(max(fraction, 0.0), 1.0)


def encode_factors(
    labels: Any, n_train: int, labels_test: Any, n_test: int, task: str | Mapping[Any, str]
) -> dict[Any, Factor]:
    """Return name -> factor, encoded for the probes.

    Raises
    ------
    ValueError, TypeError
        If training and held-out rows do not hold the same factors, a factor is constant or does
        not suit its task, or a held-out class is not in training.
    """
    train = as_factors(labels, n_train, "labels")
    test = as_factors(labels_test, n_test, "labels_test")
    if is_single_factor(labels) and is_single_factor(labels_test):
        test = dict(zip(train, test.values(), strict=True))  # the name is the training one
    if set(train) != set(test):
        raise ValueError(
            f"labels and labels_test must hold the same factors, got {list(train)} and "
            f"{list(test)}."
        )
    tasks = tasks_of(train, task)
    factors: dict[Any, Factor] = {}
    for name, column in train.items():
        for rows, part in (("training", column), ("held-out", test[name])):
            if part.nunique() < 2:
                what = "value" if is_real(part) else "class"
                raise ValueError(
                    f"factor {name!r} is constant in the {rows} rows ({what} {part.iloc[0]}), so "
                    f"there is no information to find: drop the factor or pass rows of other ones."
                )
        chosen = tasks[name]
        if chosen == "auto":
            chosen = "regression" if are_numbers(column, test[name]) else "classification"
        encode = _as_numbers if chosen == "regression" else _as_classes
        factors[name] = encode(name, column, test[name])
    return factors


def tasks_of(names: Any, task: str | Mapping[Any, str]) -> dict[Any, str]:
    """Return factor -> task, ``"auto"`` for those that a mapping leaves out."""
    if not isinstance(task, Mapping):
        _check_task(task, "task")
        return dict.fromkeys(names, task)
    if unknown := [name for name in task if name not in names]:
        raise ValueError(f"task names {unknown}, but the factors are {list(names)}.")
    for name, chosen in task.items():
        _check_task(chosen, f"task[{name!r}]")
    return {name: task.get(name, "auto") for name in names}


def _check_task(task: Any, what: str) -> None:
    if not isinstance(task, str) or task not in TASKS:
        raise ValueError(f"{what} must be one of {TASKS}, got {task!r}.")


def _as_classes(name: Any, train: pd.Series[Any], test: pd.Series[Any]) -> Classes:
    for column in (train, test):
        if is_real(column):
            raise ValueError(
                f"factor {name!r} must be classes, got real numbers: bin them, as pandas.qcut "
                f"does, or pass task='regression'."
            )
    check_one_type({f"factor {name!r}": train, f"factor {name!r}, held out,": test})
    codes, classes = pd.factorize(train)
    codes_test = classes.get_indexer(pd.Index(test))
    unseen = pd.unique(test[codes_test < 0])
    if len(unseen):
        raise ValueError(
            f"factor {name!r} has {len(unseen)} held-out class(es) never seen in training, such as "
            f"{unseen[0]}: stratify the split by this factor or drop those rows."
        )
    return Classes(codes, codes_test, len(classes))


def _as_numbers(name: Any, train: pd.Series[Any], test: pd.Series[Any]) -> Numbers:
    for column in (train, test):
        if column.dtype.kind not in "biuf":
            raise TypeError(
                f"factor {name!r} must be numbers for a regression, got {column.dtype} values: "
                f"convert them with astype(float), or pass task='classification'."
            )
    y, y_test = scale_alike(
        train.to_numpy(np.float64),
        test.to_numpy(np.float64),
        (f"factor {name!r}", f"factor {name!r}, held out,"),
    )
    mean = y.mean()
    y, y_test = y - mean, y_test - mean
    scale = y.std()
    if not y_test.std() > FLAT * scale > 0:
        raise ValueError(
            f"factor {name!r} hardly varies in the held-out rows, or not in the training rows: "
            f"drop the factor or pass rows of other values."
        )
    return Numbers(y / scale, y_test / scale)


def scale_alike(
    A: NDArray[np.float64], B: NDArray[np.float64], names: tuple[str, str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Divide both by one power of two if products of values in `A` might over- or underflow."""
    largest, largest_b = largest_magnitude(A), largest_magnitude(B)
    if 0 < largest * LARGE < largest_b:
        raise ValueError(
            f"{names[1]} has values up to {largest_b:.1g}, far from those of {names[0]}, up to "
            f"{largest:.1g}: pass held-out rows of the same kind."
        )
    exponent = scale_exponent(A)
    if not exponent:
        return A, B
    return times_power_of_two(A, -exponent), times_power_of_two(B, -exponent)
