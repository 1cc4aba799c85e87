"""What one modality looks like: learned in `fit`, checked ever after."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import HashingVectorizer

from .._validation import as_dense, as_rows, check_finite, is_text, to_float32

Kind = Literal["dense", "sparse", "text", "labels"]

_NGRAMS = (2, 4)
_TEXT_FEATURES = 2**15


@dataclass(frozen=True)
class InputSpec:
    """Kind, shape and type of the rows of one modality.

    It holds plain values alone, so that it travels as JSON in an ONNX file and needs no torch.

    Parameters
    ----------
    name : str
        The modality.
    kind : {"dense", "sparse", "text", "labels"}
        Arrays of numbers; sparse rows; strings, hashed to character n-grams; class labels, one-hot.
    shape : tuple of int
        Shape of one row as the encoder sees it; ``(n_features,)`` for sparse rows and text,
        ``(n_classes,)`` for labels.
    dtype : {"float32", "uint8"}
        Type in which rows are kept and handed to the encoder.
    classes : tuple
        For labels, the known classes in the order of their columns.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    dtype: str = "float32"
    classes: tuple[Any, ...] = ()

    @classmethod
    def learn(cls, name: str, X: Any, *, labels: bool = False) -> tuple[InputSpec, Any]:
        """Return the spec that describes `X`, and `X` as :meth:`prepare` gives it.

        Parameters
        ----------
        name : str
            Name of the modality, for messages.
        X : array-like
            Its rows.
        labels : bool, default=False
            Take `X` (n,) as class labels.
        """
        X = as_rows(name, X)
        if labels:
            classes = tuple(np.unique(X).tolist())
            spec = cls(name, "labels", (len(classes),), classes=classes)
        elif sp.issparse(X):
            spec = cls(name, "sparse", (X.shape[1],))
        elif is_text(X):
            spec = cls(name, "text", (_TEXT_FEATURES,))
        else:
            X = as_dense(name, X)
            # a memory map of booleans stays one, and is read as uint8
            dtype = "uint8" if X.dtype in (np.uint8, np.bool_) else "float32"
            spec = cls(name, "dense", X.shape[1:], dtype)
            return spec, X
        return spec, spec.prepare(X)

    @property
    def is_sparse(self) -> bool:
        """Whether prepared rows are a CSR matrix."""
        return self.kind in ("sparse", "text")

    def prepare(self, X: Any) -> np.ndarray | sp.csr_array:
        """Check rows against this spec and return them as an array or a CSR matrix.

        Returns
        -------
        rows : ndarray (n, *shape) of uint8 or float32, or CSR float32 (n, n_features)

        Raises
        ------
        TypeError, ValueError
            If the rows are not of this spec's kind, shape or type, or are not finite.
        """
        X = as_rows(self.name, X)
        if self.kind == "labels":
            return self._one_hot(X)
        if self.kind == "text":
            return self._hash(X)
        if self.kind == "sparse":
            return self._csr(X)
        if sp.issparse(X):
            raise TypeError(
                f"modality {self.name!r} was fitted on dense rows, got a sparse matrix: use "
                "X.toarray()."
            )
        if is_text(X):
            raise TypeError(f"modality {self.name!r} was fitted on numbers, got strings.")
        X = as_dense(self.name, X)
        if X.shape[1:] != self.shape:
            if X.ndim == 2 and len(self.shape) == 1:
                # scikit-learn's wording, which its checks and its users look for
                raise ValueError(
                    f"X has {X.shape[1]} features, but modality {self.name!r} is expecting "
                    f"{self.shape[0]} features as input."
                )
            raise ValueError(
                f"modality {self.name!r} has rows of shape {X.shape[1:]}, but {self.shape} were "
                "seen in fit: reshape or resize them."
            )
        return X

    def _one_hot(self, X: Any) -> np.ndarray:
        """Return labels (n,) as float32 one-hot rows (n, n_classes)."""
        if sp.issparse(X) or X.ndim != 1:
            raise ValueError(
                f"modality {self.name!r} was fitted on a 1-d array of class labels, got shape "
                f"{X.shape}."
            )
        classes = np.asarray(self.classes)
        codes = np.searchsorted(classes, X)
        codes[codes == len(classes)] = 0
        if len(unknown := np.unique(X[classes[codes] != X])):
            raise ValueError(
                f"modality {self.name!r} has labels that were not seen in fit: "
                f"{unknown[:5].tolist()}; known are {list(self.classes[:10])}."
            )
        return np.eye(len(classes), dtype=np.float32)[codes]

    def _hash(self, X: Any) -> sp.csr_array:
        """Return strings (n,) as L2-normalised counts of hashed character n-grams."""
        if sp.issparse(X) or not is_text(X):
            raise TypeError(f"modality {self.name!r} was fitted on strings, got {_describe(X)}.")
        vectorizer = HashingVectorizer(
            analyzer="char_wb", ngram_range=_NGRAMS, n_features=self.shape[0], dtype=np.float32
        )
        return vectorizer.transform(X)

    def _csr(self, X: Any) -> sp.csr_array:
        """Return sparse or dense rows (n, n_features) as CSR float32."""
        if not sp.issparse(X):
            if X.ndim != 2:
                raise ValueError(
                    f"modality {self.name!r} was fitted on sparse rows, got {_describe(X)}."
                )
            X = sp.csr_array(as_dense(self.name, X))
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
        check_finite(self.name, converted, original=X)
        converted.sum_duplicates()
        return converted

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that :meth:`from_dict` and JSON understand."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> InputSpec:
        """Return the spec that :meth:`to_dict` described."""
        return cls(
            values["name"],
            values["kind"],
            tuple(values["shape"]),
            values["dtype"],
            tuple(values["classes"]),
        )


def _describe(X: Any) -> str:
    if sp.issparse(X):
        return f"a sparse matrix of shape {X.shape}"
    return f"an array of shape {X.shape} and dtype {X.dtype}"
