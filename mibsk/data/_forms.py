"""The three natural forms of paired data: a mapping, one table with columns, two tables."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from sklearn.compose import ColumnTransformer
from sklearn.utils.multiclass import type_of_target
from torch.utils.data import Dataset

from .._validation import (
    as_dense,
    as_rows,
    check_names,
    check_same_length,
    is_text,
    n_rows,
    suggest,
)
from ._class_pairs import ClassPairs


class Form(Protocol):
    """How the arguments of `fit` were read, so that those of `transform` are read alike."""

    names: list[str]
    label_names: frozenset[str]
    """Modalities that hold class labels."""

    is_pair: bool
    """Whether `transform` returns a pair, as cross-decomposition does."""

    def read(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Return raw rows per modality, for those that are given."""


class MappingForm:
    """``fit({"image": X1, "text": X2})``."""

    label_names: frozenset[str] = frozenset()
    is_pair = False

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def read(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Return the given modalities in the order of `fit`; `y` holds labels and is left alone."""
        if isinstance(X, ClassPairs):
            X = X.draw(random_state=0)
        if not isinstance(X, Mapping):
            raise TypeError(
                f"fitted on a mapping of modalities {self.names}, got {type(X).__name__}: pass a "
                "mapping of name to array."
            )
        for name in X:
            if name not in self.names:
                raise ValueError(
                    f"unknown modality {name!r}; fitted on {self.names}."
                    + suggest(name, self.names)
                )
        if not list(X):
            raise ValueError(f"got an empty mapping; expected modalities among {self.names}.")
        given = {name: X[name] for name in self.names if name in X}
        check_same_length({name: n_rows(name, rows) for name, rows in given.items()})
        return given


class ColumnsForm:
    """One table, cut into modalities by columns as `sklearn.compose.ColumnTransformer` does."""

    label_names: frozenset[str] = frozenset()
    is_pair = False

    def __init__(self, X: Any, modalities: Mapping[str, Any]) -> None:
        self.names = list(modalities)
        self.cutter = ColumnTransformer(
            [
                # ColumnTransformer takes the column of a bare name or position as 1-d
                (name, "passthrough", [columns] if isinstance(columns, str | Integral) else columns)
                for name, columns in modalities.items()
            ],
            verbose_feature_names_out=True,
        ).set_output(transform="default")
        self.cutter.fit(X)
        for name in self.names:
            width = self.cutter.output_indices_[name]
            if width.start == width.stop:
                raise ValueError(
                    f"modality {name!r} selects no column of the table: modalities={modalities!r}."
                )

    def read(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Return the columns of every modality; `y` holds labels and is left alone."""
        table = self.cutter.transform(X)
        cut = {name: table[:, self.cutter.output_indices_[name]] for name in self.names}
        return {name: _text_column(rows) for name, rows in cut.items()}


class TablesForm:
    """``fit(X, Y)``: two tables, or a table and a 1-d target."""

    is_pair = True

    def __init__(self, y: Any) -> None:
        self.names = ["x", "y"]
        rows = as_rows("y", y)
        labels = rows.ndim == 1 and (
            is_text(rows) or type_of_target(as_dense("y", rows).ravel()) in ("binary", "multiclass")
        )
        self.label_names = frozenset({"y"} if labels else ())

    def read(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Return the rows of X, and those of y where it is given."""
        given = {"x": X} if y is None else {"x": X, "y": y}
        check_same_length({name: n_rows(name, rows) for name, rows in given.items()})
        return given


def read_form(X: Any, y: Any, modalities: Mapping[str, Any] | None) -> Form:
    """Tell which form the arguments of `fit` have.

    Raises
    ------
    TypeError
        If `X` is none of the three forms.
    ValueError
        If there are fewer than two modalities.
    """
    if isinstance(X, Dataset):
        if modalities is not None:
            raise ValueError("modalities= cuts a table into columns: leave it out for a Dataset.")
        if not hasattr(X, "__len__") or len(X) == 0:
            raise TypeError("a torch Dataset must have a length and at least one item.")
        first = X[0]
        if not isinstance(first, Mapping):
            raise TypeError(
                "a torch Dataset must yield mappings of modality name to row, got "
                f"{type(first).__name__}."
            )
        return MappingForm(_at_least_two(list(first)))
    if isinstance(X, Mapping):
        if modalities is not None:
            raise ValueError(
                "modalities= cuts a table into columns: leave it out when X is a mapping."
            )
        return MappingForm(_at_least_two(list(X)))
    if modalities is not None:
        if not isinstance(modalities, Mapping):
            raise TypeError(
                f"modalities must map names to columns, got {type(modalities).__name__}."
            )
        _at_least_two(list(modalities))
        return ColumnsForm(X, modalities)
    if y is None:
        # the first sentence is scikit-learn's own: its checks look for it
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None. Pass a second table "
            "as y, a mapping of name to array as X, or modalities= to cut one table into "
            "modalities."
        )
    return TablesForm(y)


def is_table(X: Any) -> bool:
    """Whether `X` is one table, rather than a mapping or a dataset of modalities."""
    return not isinstance(X, Mapping | Dataset)


def check_table(X: Any) -> None:
    """Raise ``ValueError`` for a 1-d array of numbers where a table is expected."""
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) == 1 and not is_text(as_rows("x", X)):
        raise ValueError(
            f"expected a table, got a 1-d array of shape {tuple(shape)}. Reshape your data: "
            "X.reshape(-1, 1) if it has one feature, X.reshape(1, -1) if it is one row."
        )


def _at_least_two(names: list[str]) -> list[str]:
    check_names(names)
    if len(names) < 2:
        raise ValueError(
            f"at least two modalities are needed to find what they share, got {names}."
        )
    return names


def _text_column(rows: Any) -> Any:
    """Return a single column of strings as a 1-d array, anything else as it is."""
    if sp.issparse(rows) or rows.shape[1] != 1 or rows.dtype.kind not in "OU":
        return rows
    column = np.asarray(rows[:, 0])
    return column if is_text(column) else rows
