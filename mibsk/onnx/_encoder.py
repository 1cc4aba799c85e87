"""Encoder read from an ONNX file: a scikit-learn transformer that does not need torch."""

from __future__ import annotations

from numbers import Integral
from operator import is_
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from .._checks.rows import check_embeddings, n_rows
from ..data import (
    InputSpec,
    ModalityTransformer,
    pad_csr,
    prepared_chunks,
    present_rows,
    with_row_names,
)
from ._metadata import EncoderMetadata
from ._session import open_session


class OnnxEncoder(ModalityTransformer):
    """Embed the rows of one modality with an encoder exported to ONNX.

    The same transformer as ``aligner.encoder(modality)``, but without torch. It needs no fitting:
    its attributes are read from the file. A pickle holds the path, not the weights.

    Parameters
    ----------
    path : str or Path
        File written by :func:`mibsk.onnx.export_encoder`.
    providers : "auto" or list of str, default="auto"
        Execution providers of onnxruntime; "auto" uses a GPU if one is available.
    batch_size : int, default=1024
        Number of rows embedded at a time.
    n_threads : int, default=None
        Number of threads within one operator on a CPU; `None` lets onnxruntime choose.

    Attributes
    ----------
    metadata_ : EncoderMetadata
        Metadata of the file: input, version, parameters, parity with torch.
    input_ : InputSpec
        Modality, kind, shape and type of the rows.
    n_features_in_ : int
        Number of columns, if the rows are a table.
    feature_names_in_ : ndarray of str
        Names of the columns, if the encoder was trained on a data frame.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from mibsk import IBAligner, OnnxEncoder
    >>> from mibsk.datasets import load_digits_halves
    >>> from mibsk.onnx import export_encoders
    >>> halves = load_digits_halves().data
    >>> aligner = IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = export_encoders(aligner, folder)
    ...     onnx = OnnxEncoder(files["left"])
    ...     same = np.allclose(
    ...         onnx.transform(halves["left"]), aligner.embed(halves)["left"], atol=1e-4
    ...     )
    >>> same
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "path": [str, PathLike],
        "providers": [str, list],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        path: str | Path,
        *,
        providers: str | list[str] = "auto",
        batch_size: int = 1024,
        n_threads: int | None = None,
    ) -> None:
        self.path = path
        self.providers = providers
        self.batch_size = batch_size
        self.n_threads = n_threads

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Read the file and check that `X` matches it; nothing is learned from `X`.

        Parameters
        ----------
        X : array-like, sparse matrix, list of str, or mapping, default=None
            Rows as for `transform`.
        y : object, default=None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError, TypeError
            If the file is not an exported encoder, or the rows differ in kind, shape or type from
            those of the training.
        """
        self.__dict__.pop("_opened", None)  # the file may have been replaced
        self._open()
        if X is not None:
            rows, present = present_rows(self.input_.name, self.read_rows(X))
            if present is None or present.any():
                self.input_.prepare_all(rows)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Read the file and return the embeddings of rows of this modality."""
        return self.fit().transform(X)  # `transform` checks the rows

    def transform(self, X: Any) -> np.ndarray:
        """Return the embeddings of rows of this modality.

        Parameters
        ----------
        X : array-like, sparse matrix, list of str, or a mapping that holds this modality
            Rows of the same kind, shape and type as in `fit` of the aligner.

        Returns
        -------
        ndarray of float32 (n, n_components)
            Rows of unit norm; NaN in rows that are missing (None, masked, or NaN alone).

        Raises
        ------
        ValueError, TypeError
            If the rows differ in kind, shape or type from those of the training.
        """
        opened = self._open()
        session, spec = opened.session, opened.metadata.input
        z = None if spec.columns else self.embed_ready(X)
        if z is not None:
            return z
        given, X = X, self.read_rows(X)
        shape = n_rows(spec.name, X), opened.metadata.n_components
        embedded = np.full(shape, np.nan, np.float32)
        for numbers, rows in prepared_chunks(spec, X, self.batch_size):
            if spec.is_sparse:
                indices, values = pad_csr(rows, slice(None))
                feed = {"indices": indices, "values": values}
            else:
                feed = {"x": _as_input_type(spec, rows)}
            embedded[numbers] = z = session.run(["z"], feed)[0]
            check_embeddings(spec.name, z, rows, numbers)
        return with_row_names(self, embedded, {0: X, 1: given})

    def embed_ready(self, X: Any) -> np.ndarray | None:
        """Return the embeddings of few rows that one test shows to be right, as in a server.

        Parameters
        ----------
        X : object
            Rows. Those of an array (n, *shape) of the type of the training, or of float64, can be
            ready; they have the columns of the training in their order, whose names are not
            compared.

        Returns
        -------
        ndarray of float32 (n, n_components), or None
            None says nothing about the rows: they need the checks of :meth:`transform`.

        Raises
        ------
        ValueError
            If an embedding is not finite.
        """
        opened = self._open()
        spec = opened.metadata.input
        ready = spec.ready(X, self.batch_size)
        if ready is None:
            return None
        z: np.ndarray = opened.session.run(["z"], {"x": ready})[0]
        check_embeddings(spec.name, z, ready)
        return z

    @property
    def metadata_(self) -> EncoderMetadata:
        """Metadata of the file."""
        try:
            return self._open().metadata
        except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise AttributeError(str(error)) from error

    @property
    def input_(self) -> InputSpec:
        """Modality, kind, shape and type of the rows."""
        return self.metadata_.input

    def _open(self) -> _Opened:
        """Return the opened file; at first use, and if they change, parameters are checked.

        It is replaced as a whole, so that no thread sees a part of another.
        """
        params = self.path, self.providers, self.batch_size, self.n_threads
        opened: _Opened | None = self.__dict__.get("_opened")
        same = opened is not None and all(map(is_, params, opened.params))
        if opened is not None and same and opened.settings[1] == self.providers:  # maybe a list
            return opened
        self._validate_params()
        providers = list(self.providers) if isinstance(self.providers, list) else self.providers
        settings = str(self.path), providers, self.n_threads
        if opened is None or settings != opened.settings:
            session = open_session(self.path, providers, self.n_threads)
            props = session.get_modelmeta().custom_metadata_map
            metadata = EncoderMetadata.from_props(props, self.path)
            opened = _Opened(session, metadata, settings, params)
        self._opened = opened = opened._replace(params=params)
        return opened

    @property
    def _n_features_out(self) -> int:
        return self.metadata_.n_components

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        # the kind of rows is in the file, and tags should not need to open it
        tags.input_tags.sparse = tags.input_tags.string = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_opened"}


class _Opened(NamedTuple):
    """A file that was opened, its settings, and the values of the parameters that were checked."""

    session: Any
    metadata: EncoderMetadata
    settings: tuple[str, str | list[str], int | None]
    params: tuple[Any, ...]


def _as_input_type(spec: InputSpec, rows: np.ndarray) -> np.ndarray:
    """Return dense rows in the type of the file's input; raise if uint8 cannot hold them."""
    with np.errstate(invalid="ignore"):
        converted = np.asarray(rows).astype(spec.dtype, copy=False)
    if spec.dtype == "uint8" and not np.array_equal(converted, rows):
        raise ValueError(
            f"modality {spec.name!r} takes {spec.dtype} rows, as in training; got "
            f"{rows.dtype} values that {spec.dtype} cannot hold. Pass the raw pixels, unscaled."
        )
    return converted
