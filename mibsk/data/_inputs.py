"""Input specification of one modality: learned in `fit`, checked in later calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.feature_extraction.text import HashingVectorizer

from .._checks.parameters import suggest
from .._checks.pixels import Pixels, check_pixels, pixel_values
from .._checks.precision import check_precision, check_sparse_precision
from .._checks.rows import as_dense, as_numbers, as_rows, check_finite, to_float32
from .._checks.text import check_none_missing, is_text
from ._columns import by_name, column_names
from ._one_hot import OneHot
from ._token_ids import token_ids, tokenizer_length

Kind = Literal["dense", "sparse", "text", "labels"]

_FLOAT32, _FLOAT64 = np.dtype("float32"), np.dtype("float64")
_SUM_OF_SQUARES = 1e76  # up to here, no float64 is too large for float32

_NGRAMS = (2, 4)
_TEXT_FEATURES = 2**15
_LISTED = 10  # maximum number of names or classes listed in a message


@dataclass(frozen=True)
class InputSpec:
    """Kind, shape and type of the rows of one modality.

    It contains only plain values, to be stored as JSON in an ONNX file and used without torch.

    Parameters
    ----------
    name : str
        Name of the modality.
    kind : {"dense", "sparse", "text", "labels"}
        Arrays of numbers; sparse rows; strings, as hashed character n-grams or token ids; one-hot
        class labels.
    shape : tuple of int
        Shape of one row of the encoder's input; ``(n_features,)`` for sparse rows and n-grams of
        text, ``(n_tokens,)`` for token ids, ``(n_classes,)`` for labels.
    dtype : {"float32", "uint8"}
        Type of the prepared rows.
    classes : tuple
        Known classes of labels, in the order of the one-hot columns.
    columns : tuple of str
        Column names of the data frame passed to `fit`; empty for other containers.
    pixels : {"", "boolean", "byte", "whole", "unit", "real"}
        Values of dense rows of two or more axes in `fit`: 0 and 1, whole numbers of 0 to 255, other
        whole numbers, numbers with fractions of 0 to 1, or others; "" of other rows, and if not
        known.
    tokenizer : str
        Tokenizer of a pretrained tower as JSON, by which strings become rows of token ids, -1 after
        the last token; "" if they become n-grams.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    dtype: str = "float32"
    classes: tuple[Any, ...] = ()
    columns: tuple[str, ...] = ()
    pixels: Pixels = ""
    tokenizer: str = field(default="", repr=False)

    @classmethod
    def learn(
        cls,
        name: str,
        X: Any,
        *,
        labels: bool = False,
        double: bool = False,
        sample: bool = False,
        tokenizer: str = "",
    ) -> tuple[InputSpec, Any]:
        """Return the spec of `X`, and `X` as prepared by :meth:`prepare_all`.

        Parameters
        ----------
        name : str
            Name of the modality, for messages.
        X : array-like
            Its rows.
        labels : bool, default=False
            Whether `X` (n,) holds class labels.
        double : bool, default=False
            Whether rows are prepared with ``double=True`` later, so that values which float32
            cannot tell apart are no error.
        sample : bool, default=False
            Whether `X` is only a part of the rows of the training, as of a torch Dataset.
        tokenizer : str, default=""
            Tokenizer of the encoder as JSON, if it reads token ids.

        Raises
        ------
        TypeError, ValueError
            If the rows have none of these kinds, are not finite, or have a column whose values
            float32 cannot tell apart.
        """
        columns = () if isinstance(X, np.ndarray) else column_names(X)
        X = as_rows(name, X)
        columns = columns if X.shape[1:] == (len(columns),) else ()  # or vectors in one column
        if X.dtype.kind == "O" and not labels:
            check_none_missing(name, X)
        if labels:
            classes = _classes(name, X)
            spec = cls(name, "labels", (len(classes),), classes=classes)
        elif sp.issparse(X):
            spec = cls(name, "sparse", (X.shape[1],))
        elif X.dtype.kind in "OU" and is_text(X):
            n_columns = tokenizer_length(tokenizer) if tokenizer else _TEXT_FEATURES
            spec = cls(name, "text", (n_columns,), tokenizer=tokenizer)
        else:
            X = as_numbers(name, X, columns)
            dtype = "uint8" if X.dtype in (np.uint8, np.bool_) else "float32"
            dense = as_dense(name, X)
            pixels = pixel_values(X, sample=sample) if X.ndim > 2 else ""
            spec = cls(name, "dense", X.shape[1:], dtype, (), columns, pixels)
            if X.dtype != dtype and not double:
                check_precision(name, X, columns)
            return spec, dense
        prepared = spec.prepare_all(X)
        if spec.kind == "sparse":
            check_sparse_precision(name, X)
        return spec, prepared

    @property
    def is_sparse(self) -> bool:
        """Whether prepared rows are a CSR matrix."""
        return self.kind == "sparse" or self.is_ngrams

    @property
    def is_ngrams(self) -> bool:
        """Whether rows are strings that become counts of n-grams, rather than token ids."""
        return self.kind == "text" and not self.tokenizer

    def prepare_all(self, X: Any) -> np.ndarray | OneHot | sp.csr_array:
        """Check all rows of a training as :meth:`prepare` does; labels become codes.

        One-hot rows of all labels at once would need memory for rows times classes.
        """
        return self._codes(as_rows(self.name, X)) if self.kind == "labels" else self.prepare(X)

    def prepare(
        self, X: Any, first_row: int | None = None, *, double: bool = False
    ) -> np.ndarray | sp.csr_array:
        """Check rows against this spec and return them as an array or a CSR matrix.

        Columns of a data frame are reordered by name if the names are known.

        Parameters
        ----------
        X : array-like
            Rows.
        first_row : int, default=None
            Index of the first row in the whole data, if `X` is a part of it; for messages.
        double : bool, default=False
            Whether dense rows other than float32 and uint8 become float64 instead of float32.

        Returns
        -------
        rows : ndarray (n, *shape) of uint8, float32 or float64, or CSR float32 (n, n_features)

        Raises
        ------
        TypeError, ValueError
            If the rows do not match the kind, shape or type of the spec, or are not finite, or
            the columns of a data frame differ.
        """
        X = as_rows(self.name, self._known_columns(X), first_row or 0)
        if self.kind == "labels":
            return self._codes(X, first_row or 0)[:]
        if X.dtype.kind == "O":
            check_none_missing(self.name, X, first_row)
        if self.kind == "text":
            return self._of_text(X)
        if self.kind == "sparse":
            return self._csr(X, first_row)
        if sp.issparse(X):
            raise TypeError(
                f"modality {self.name!r} was fitted on dense rows, got a sparse matrix: use "
                "X.toarray()."
            )
        if is_text(X):
            raise TypeError(f"modality {self.name!r} was fitted on numbers, got strings.")
        given = as_numbers(self.name, X)
        X = as_dense(self.name, given, first_row, double=double)
        if X.shape[1:] != self.shape:
            if X.ndim == 2 and len(self.shape) == 1:
                # scikit-learn's wording, required by its checks
                raise ValueError(
                    f"X has {X.shape[1]} features, but modality {self.name!r} is expecting "
                    f"{self.shape[0]} features as input."
                )
            if X.shape == self.shape:
                raise ValueError(
                    f"modality {self.name!r} has rows of shape {self.shape}, got a single one: "
                    "pass X[np.newaxis]."
                )
            raise ValueError(
                f"modality {self.name!r} has rows of shape {X.shape[1:]}, but {self.shape} were "
                "seen in fit: reshape or resize them."
            )
        if len(self.shape) > 1:
            check_pixels(self.name, self.pixels, self.dtype, given)
        return X

    def ready(self, X: Any, at_most: int) -> np.ndarray | None:
        """Return rows as :meth:`prepare` does if one cheap test shows that they are right.

        None says nothing about the rows: they need the checks of :meth:`prepare`, which explains
        what is wrong. So do missing rows, and pixels that may have another scale.

        Parameters
        ----------
        X : object
            Rows; those of a NumPy array (n, *shape) of the type of the spec, or of float64, can be
            ready.
        at_most : int
            More rows are not looked at, since they would be converted all at once.

        Returns
        -------
        ndarray (n, *shape) of uint8 or float32, or None
        """
        if type(X) is not np.ndarray or self.kind != "dense":
            return None
        if X.shape[1:] != self.shape or not 0 < len(X) <= at_most:
            return None
        dtype = X.dtype
        if dtype == np.uint8:
            return X if self.dtype == "uint8" and self.pixels in ("", "byte") else None
        if self.dtype == "uint8" or self.pixels not in ("", "whole", "real", "unit"):
            return None
        if self.pixels == "unit" and not X.max() <= 1:  # not of NaN
            return None
        if dtype == _FLOAT32:  # a sum of squares is not finite if a value is not
            return X if math.isfinite(np.vdot(X, X)) else None
        if dtype == _FLOAT64 and np.vdot(X, X) < _SUM_OF_SQUARES:  # not of NaN
            return X.astype(_FLOAT32)
        return None

    def _known_columns(self, X: Any) -> Any:
        """Return a data frame with its columns in the order of fit, other input unchanged."""
        X = by_name(X, self.columns)
        names = column_names(X)
        if not self.columns or not names or names == self.columns:
            return X
        missing = [name for name in self.columns if name not in set(names)]
        unknown = [name for name in names if name not in set(self.columns)]
        if not missing and not unknown:
            raise ValueError(
                f"modality {self.name!r} has the columns of fit in another order, with names that "
                "are not unique: rename them."
            )
        found = " and ".join(
            f"{verb} {_few(listed)}"
            for verb, listed in (("lacks", missing), ("has", unknown))
            if listed
        )
        hint = suggest(unknown[0], missing) if unknown else ""
        raise ValueError(
            f"modality {self.name!r} {found}, unlike the data frame seen in fit.{hint}"
        )

    def _codes(self, X: Any, first_row: int = 0) -> OneHot:
        """Return labels (n,) as float32 one-hot rows (n, n_classes), not yet in memory."""
        if sp.issparse(X) or X.ndim != 1:
            raise ValueError(
                f"modality {self.name!r} was fitted on a 1-d array of class labels, got shape "
                f"{X.shape}."
            )
        known = {label: code for code, label in enumerate(self.classes)}
        labels = X.tolist()
        try:
            codes = np.fromiter((known.get(label, -1) for label in labels), np.intp, len(labels))
        except TypeError as error:
            raise TypeError(
                f"modality {self.name!r} must hold class labels such as {_few(self.classes)}; got "
                f"values of other types ({error})."
            ) from error
        if (codes < 0).any():
            _check_labels_present(self.name, X, first_row)
            unknown = list(dict.fromkeys(X[codes < 0].tolist()))
            hint = " If they are numbers, not classes, fit with y.astype(float)."
            raise ValueError(
                f"modality {self.name!r} has labels that were not seen in fit: {_few(unknown)}; "
                f"known are {_few(self.classes)}."
                + (hint if all(type(label) is int for label in self.classes) else "")
            )
        return OneHot(codes, len(self.classes))

    def _of_text(self, X: Any) -> np.ndarray | sp.csr_array:
        """Return strings (n,) as token ids, or as L2-normalised counts of character n-grams."""
        if X.shape in ((0,), (0, 1)):  # an empty array can have any dtype, e.g. float64
            empty = np.empty((0, self.shape[0]), np.float32)
            return empty if self.tokenizer else sp.csr_array(empty)
        if sp.issparse(X) or not is_text(X):
            raise TypeError(f"modality {self.name!r} was fitted on strings, got {_describe(X)}.")
        vectorizer = HashingVectorizer(
            analyzer="char_wb", ngram_range=_NGRAMS, n_features=self.shape[0], dtype=np.float32
        )
        try:
            if self.tokenizer:
                return token_ids(X.tolist(), self.tokenizer)
            return vectorizer.transform(X)
        except UnicodeEncodeError as error:
            raise ValueError(
                f"modality {self.name!r} has strings that are not valid Unicode, such as "
                f"{error.object[:50]!r}: read them with errors='replace'."
            ) from error

    def _csr(self, X: Any, first_row: int | None) -> sp.csr_array:
        """Return sparse or dense rows (n, n_features) as CSR float32."""
        if not sp.issparse(X):
            if X.ndim != 2:
                raise ValueError(
                    f"modality {self.name!r} was fitted on sparse rows, got {_describe(X)}."
                )
            X = sp.csr_array(as_dense(self.name, X, first_row))
        if X.shape[1] != self.shape[0]:
            raise ValueError(
                f"X has {X.shape[1]} features, but modality {self.name!r} is expecting "
                f"{self.shape[0]} features as input."
            )
        if X.shape[1] == 0:
            raise ValueError(
                f"modality {self.name!r} has 0 feature(s) (shape={X.shape}) while a minimum of 1 "
                "is required."
            )
        if X.dtype.kind not in "biuf":
            raise ValueError(f"modality {self.name!r} must hold real numbers, got {X.dtype}.")
        converted = to_float32(X)
        check_finite(self.name, converted, first_row, original=X)
        converted.sum_duplicates()
        return converted

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict for :meth:`from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> InputSpec:
        """Return the spec from the result of :meth:`to_dict`."""
        return cls(
            values["name"],
            values["kind"],
            tuple(values["shape"]),
            values["dtype"],
            tuple(values["classes"]),
            tuple(values.get("columns", ())),  # missing in older files
            values.get("pixels", ""),  # likewise
            values.get("tokenizer", ""),  # likewise
        )


def _classes(name: str, y: np.ndarray) -> tuple[Any, ...]:
    """Return the sorted unique labels of `y` (n,) as plain values."""
    _check_labels_present(name, y)
    classes = {_plain(label) for label in (y if y.dtype.kind in "OMm" else y.tolist())}
    if len(types := {type(c) for c in classes}) != 1 or not types <= {bool, float, int, str}:
        raise TypeError(
            f"modality {name!r} must have labels of one type, strings or integers, got "
            f"{sorted(t.__name__ for t in types)}: convert them with astype(str)."
        )
    return tuple(sorted(classes))


def _check_labels_present(name: str, y: np.ndarray, first_row: int = 0) -> None:
    if (missing := pd.isna(y)).any():
        raise ValueError(
            f"modality {name!r} has missing labels (first at row {missing.argmax() + first_row}; "
            f"{missing.sum()} row(s) affected): drop these rows."
        )


def _plain(label: Any) -> Any:
    is_number = isinstance(label, np.generic) and label.dtype.kind in "biufU"
    return label.item() if is_number else label


def _few(values: Sequence[Any]) -> str:
    """Return a list as text, shortened to `_LISTED` values."""
    more = ", ..." if len(values) > _LISTED else ""
    return f"[{', '.join(map(repr, values[:_LISTED]))}{more}]"


def _describe(X: Any) -> str:
    if sp.issparse(X):
        return f"a sparse matrix of shape {X.shape}"
    return f"an array of shape {X.shape} and dtype {X.dtype}"
