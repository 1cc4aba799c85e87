"""The three forms of paired data: a mapping, one table with columns, two tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd
import scipy.sparse as sp
from pandas.api.types import infer_dtype
from torch.utils.data import Dataset, IterableDataset

from .._checks.parameters import check_names, suggest
from .._checks.row_names import check_row_names
from .._checks.rows import as_rows, check_same_length, n_rows
from .._checks.text import is_text
from ._class_pairs import ClassPairs
from ._columns import check_names_differ, column_names, is_frame, take_columns
from ._find_columns import find_columns
from ._items import is_records, stack_items
from ._missing import present_rows

_SURELY_LABELS = 20  # up to this number of unique values


class Form(Protocol):
    """Form of the arguments of `fit`, by which those of `transform` are read."""

    is_pair: ClassVar[bool]
    """Whether `transform` returns a pair, as in `sklearn.cross_decomposition`."""

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""

    @property
    def label_names(self) -> frozenset[str]:
        """Modalities that hold class labels."""

    def read(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Return the raw rows of each modality that is given."""


@dataclass(frozen=True)
class MappingForm:
    """``fit({"image": X1, "text": X2})``."""

    names: list[str]
    label_names: ClassVar[frozenset[str]] = frozenset()
    is_pair: ClassVar[bool] = False

    def read(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Return the given modalities in the order of `fit`; of `y` only names of rows are read."""
        _check_names_of_rows(X, y)
        if isinstance(X, ClassPairs):
            X = X.draw(random_state=0)
        if not is_mapping(X) and is_records(X):
            X = stack_items(X)
        if not is_mapping(X):
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


@dataclass(frozen=True)
class ColumnsForm:
    """One table, split into modalities by columns as in `sklearn.compose.ColumnTransformer`.

    Parameters
    ----------
    positions : dict of str to list of int
        Positions of the columns of each modality.
    columns : dict of str to list of str
        Names of the columns; empty if the table of `fit` had none.
    """

    positions: dict[str, list[int]]
    columns: dict[str, list[str]]
    label_names: ClassVar[frozenset[str]] = frozenset()
    is_pair: ClassVar[bool] = False

    @classmethod
    def from_table(cls, X: Any, modalities: Mapping[str, Any]) -> ColumnsForm:
        """Look up the columns of each modality in the table of `fit`.

        Raises
        ------
        ValueError
            If `X` is not a table, or columns of a modality are not found or none is selected.
        """
        table = _as_table(X)
        positions = {
            modality: find_columns(table, modality, columns)
            for modality, columns in modalities.items()
        }
        names = column_names(table)
        columns = {m: [names[i] for i in found] for m, found in positions.items()} if names else {}
        return cls(positions, columns)

    @property
    def names(self) -> list[str]:
        """Names of the modalities."""
        return list(self.positions)

    def read(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Return the columns of every modality; of `y` only names of rows are read."""
        _check_names_of_rows(X, y)
        table = _as_table(X)
        return {
            name: take_columns(table, positions, self.columns.get(name, ()))
            for name, positions in self.positions.items()
        }


@dataclass(frozen=True)
class TablesForm:
    """``fit(X, Y)``: two tables, or a table and a 1-d target."""

    has_labels: bool
    is_pair: ClassVar[bool] = True

    @property
    def names(self) -> list[str]:
        """Names given to the two tables."""
        return ["x", "y"]

    @property
    def label_names(self) -> frozenset[str]:
        """`Y`, if it holds class labels."""
        return frozenset({"y"} if self.has_labels else ())

    def read(self, X: Any, y: Any = None) -> dict[str, Any]:
        """Return the rows of `X`, and those of `y` if given."""
        given = {"x": X} if y is None else {"x": X, "y": y}
        check_same_length({name: n_rows(name, rows) for name, rows in given.items()})
        _check_names_of_rows(X, y)
        return given


_FORMS: dict[str, type] = {
    "mapping": MappingForm,
    "columns": ColumnsForm,
    "tables": TablesForm,
}


def form_to_dict(form: Form) -> dict[str, Any]:
    """Return a JSON-serializable dict for :func:`form_from_dict`."""
    kind = next(kind for kind, cls in _FORMS.items() if isinstance(form, cls))
    return {"kind": kind, **asdict(form)}  # type: ignore[call-overload]


def form_from_dict(values: Mapping[str, Any]) -> Form:
    """Return the form from the result of :func:`form_to_dict`."""
    cls = _FORMS[values["kind"]]
    return cls(**{field.name: values[field.name] for field in fields(cls)})


def read_form(X: Any, y: Any, modalities: Mapping[str, Any] | None) -> Form:
    """Return the form of the arguments of `fit`.

    Raises
    ------
    TypeError
        If `X` has none of the three forms.
    ValueError
        If there are fewer than two modalities.
    """
    if isinstance(X, Dataset):
        if modalities is not None:
            raise ValueError("modalities= splits a table by columns: omit it for a Dataset.")
        first = _first_item(X)
        if not isinstance(first, Mapping):
            raise TypeError(
                "a torch Dataset must yield mappings of modality name to row, got "
                f"{type(first).__name__}."
            )
        return MappingForm(_at_least_two(list(first)))
    if is_mapping(X) or is_records(X):
        if modalities is not None:
            raise ValueError("modalities= splits a table by columns: omit it when X is a mapping.")
        names = X if is_mapping(X) else (name for item in X if is_mapping(item) for name in item)
        return MappingForm(_at_least_two(list(dict.fromkeys(names))))
    if modalities is not None:
        if not isinstance(modalities, Mapping):
            raise TypeError(
                f"modalities must map names to columns, got {type(modalities).__name__}."
            )
        _at_least_two(list(modalities))
        return ColumnsForm.from_table(X, modalities)
    if y is None:
        # scikit-learn's checks require the first sentence
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None. Pass a second table "
            "as y, a mapping of name to array as X, or modalities= to split one table "
            "into modalities."
        )
    return TablesForm(holds_classes(y))


def _first_item(X: Dataset[Any]) -> Any:
    if isinstance(X, IterableDataset):
        for item in X:
            return item
    elif hasattr(X, "__len__") and len(X) > 0:
        return X[0]
    raise ValueError(
        "a torch Dataset must have at least one item, and a length unless it is an IterableDataset."
    )


def is_table(X: Any) -> bool:
    """Whether `X` is one table, not a mapping or a dataset of modalities."""
    return not (is_mapping(X) or is_records(X) or isinstance(X, Dataset))


def is_mapping(X: Any) -> bool:
    """Whether `X` maps names to modalities, unlike a DOK matrix, which is a mapping too."""
    return isinstance(X, Mapping) and not sp.issparse(X)


def check_table(X: Any) -> None:
    """Raise unless `X` can be a table, or a 1-d array of strings.

    Raises
    ------
    TypeError
        If it has no rows.
    ValueError
        If it is a 1-d array of numbers or a scalar, or column names are not unique.
    """
    is_list = isinstance(X, Sequence) and not isinstance(X, str | bytes)
    if not (is_list or hasattr(X, "shape") or hasattr(X, "__array__")):
        raise TypeError(
            "expected a table, or a mapping of modality name to array, got "
            f"{type(X).__name__}: {X!r:.100}."
        )
    check_names_differ(X)
    if len(getattr(X, "shape", ())) > 1:
        return
    rows, _ = present_rows("x", X)
    if rows.ndim == 1 and not is_text(rows):
        raise ValueError(
            f"expected a table, got a 1-d array of shape {rows.shape}. Reshape your data: "
            "X.reshape(-1, 1) if it has one feature, X.reshape(1, -1) if it is one row."
        )


def holds_classes(y: Any) -> bool:
    """Whether the target holds class labels, rather than numbers or text.

    True for a 1-d array of booleans or of a categorical type, and for one of integers or strings
    with at most ``max(20, n / 2)`` unique values.
    """
    if np.ma.is_masked(y) and np.ndim(y) > 1:
        return False
    rows = as_rows("y", y)
    if rows.ndim != 1:
        return False
    kind = infer_dtype(rows, skipna=True)
    if kind == "boolean" or isinstance(getattr(y, "dtype", None), pd.CategoricalDtype):
        return True
    return kind in ("integer", "string") and (
        len(set(rows.tolist())) <= max(_SURELY_LABELS, len(rows) / 2)
    )


def _check_names_of_rows(X: Any, y: Any) -> None:
    """Compare the names of the rows, which only pandas gives them."""
    values = [X, y, *X.values()] if is_mapping(X) else [X, y]
    if any(isinstance(getattr(value, "index", None), pd.Index) for value in values):
        check_row_names({"X": X, "y": y})


def _at_least_two(names: list[str]) -> list[str]:
    check_names(names)
    if len(names) < 2:
        raise ValueError(
            f"at least two modalities are needed to find what they share, got {names}."
        )
    return names


def _as_table(X: Any) -> Any:
    """Return a data frame, an array (n, d) or a CSR matrix."""
    table = X if is_frame(X) or np.ma.is_masked(X) else as_rows("X", X)
    if len(table.shape) != 2:
        raise ValueError(f"modalities= splits a 2-d table by columns, got shape {table.shape}.")
    if table.shape[1] == 0:
        raise ValueError(
            f"the table has 0 feature(s) (shape={table.shape}) while a minimum of 1 is required."
        )
    if getattr(getattr(table, "dtype", None), "kind", None) == "c":
        raise ValueError(f"Complex data not supported: the table has dtype {table.dtype}.")
    return table
