"""Captioner read from exported files: words for pictures without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from .._checks.rows import as_rows
from ..captioning import (
    BEGIN,
    CAPTION,
    END,
    PICTURE,
    CaptionTokenizer,
    check_search,
    check_texts,
    likeliest_texts,
    likeliest_tokens,
)
from ._captioner_description import FILE, CaptionerDescription
from ._encoder import OnnxEncoder
from ._session import open_session

_AT_A_TIME = 64  # pictures that are described together


class OnnxCaptioner:
    """Describe pictures in words, and embed pictures and captions, without torch.

    All files are read at once, and compared with their digests.

    Parameters
    ----------
    path : str or Path
        Folder written by :func:`mibsk.onnx.export_captioner`, or the file that describes the
        others.
    providers : "auto" or list of str, default="auto"
        Execution providers of onnxruntime; "auto" uses a GPU if one is available.
    n_threads : int, default=None
        Number of threads within one operator on a CPU; `None` lets onnxruntime choose.

    Attributes
    ----------
    description : CaptionerDescription
        Settings of the captioner and of beam search, files, and parity with torch.
    encoders : dict of str to OnnxEncoder
        Encoders of the modalities "picture" (features) and "caption" (tokens).
    tokenizer : CaptionTokenizer
        Word pieces.

    Raises
    ------
    FileNotFoundError
        If there is no captioner at `path`.
    ValueError
        If a file is missing, damaged, or not of this captioner.
    NotInstalledError
        If onnxruntime or tokenizers is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from mibsk import QFormerCaptioner
    >>> from mibsk.onnx import OnnxCaptioner, export_captioner
    >>> rng = np.random.default_rng(0)
    >>> features, captions = rng.normal(size=(60, 4, 8)), ["a cat", "a dog", "a boat"] * 20
    >>> captioner = QFormerCaptioner(width=32, n_layers=2, max_epochs=1, random_state=0)
    >>> captioner = captioner.fit(features, captions)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = export_captioner(captioner, folder)
    ...     onnx = OnnxCaptioner(folder)
    >>> len(onnx.generate(features[:5], n_beams=2))
    5
    >>> onnx.embed({"caption": ["a cat", "two dogs"]})["caption"].shape[0]
    2
    """

    def __init__(
        self,
        path: str | Path,
        *,
        providers: str | list[str] = "auto",
        n_threads: int | None = None,
    ) -> None:
        path = Path(path)
        file = path / FILE if path.is_dir() else path
        try:
            content = file.read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(
                f"no captioner at {path}: expected a folder with {FILE}, as "
                "mibsk.onnx.export_captioner writes it."
            ) from error
        self.description = CaptionerDescription.from_json(content, file)
        folder = file.parent
        paths = {part: self.description.path(folder, part) for part in self.description.files}
        self.tokenizer = CaptionTokenizer.from_json(paths["tokenizer"].read_text("utf-8"))
        self.encoders = {
            name: OnnxEncoder(paths[name], providers=providers, n_threads=n_threads).fit()
            for name in (PICTURE, CAPTION)
        }
        self._look = open_session(paths["look"], providers, n_threads)
        self._write = open_session(paths["write"], providers, n_threads)

    def __repr__(self) -> str:
        shape = self.encoders[PICTURE].input_.shape
        return f"OnnxCaptioner(features={shape}, n_tokens={self.tokenizer.n_tokens})"

    def embed(self, X: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Embed pictures and captions by name.

        Parameters
        ----------
        X : mapping
            ``"picture"``: features (n, ...); ``"caption"``: sequence of str (m,). One of them is
            enough.

        Returns
        -------
        dict of str to ndarray of float32 (n, n_components)
            Rows of unit norm.

        Raises
        ------
        ValueError, TypeError
            If there is another name, features are not like those of the training, or captions are
            not strings with something to read.
        """
        if unknown := [name for name in X if name not in self.encoders]:
            raise ValueError(f"expected 'picture' and 'caption', got {unknown[0]!r}.")
        return {
            name: self.encoders[name].transform(self.tokens(rows) if name == CAPTION else rows)
            for name, rows in X.items()
        }

    @overload
    def generate(
        self,
        X: Any,
        *,
        n_beams: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
        return_scores: Literal[False] = False,
    ) -> list[str]: ...
    @overload
    def generate(
        self,
        X: Any,
        *,
        n_beams: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
        return_scores: Literal[True],
    ) -> tuple[list[str], np.ndarray]: ...
    def generate(
        self,
        X: Any,
        *,
        n_beams: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
        return_scores: bool = False,
    ) -> list[str] | tuple[list[str], np.ndarray]:
        """Describe pictures by beam search.

        Parameters
        ----------
        X : array-like
            Features of n pictures, like those of the training.
        n_beams : int, default=None
            Number of texts that are kept at a time; `None`: that of the captioner.
        length_penalty : float, default=None
            Exponent of the length, >= 0; see :func:`mibsk.captioning.beam_search`. `None`: that of
            the captioner.
        max_length : int, default=None
            Largest number of tokens, begin and end included; at most, and by default, that of the
            captioner.
        return_scores : bool, default=False
            Whether to return the scores of the captions as well.

        Returns
        -------
        captions : list of str (n,)
        scores : ndarray of float64 (n,)
            With `return_scores`.

        Raises
        ------
        ValueError, TypeError
            If features are not like those of the training, or a setting is out of range.
        """
        settings = self.description
        n_beams = settings.n_beams if n_beams is None else n_beams
        length_penalty = settings.length_penalty if length_penalty is None else length_penalty
        max_length = settings.max_length if max_length is None else max_length
        check_search(n_beams=n_beams, length_penalty=length_penalty, max_length=max_length)
        spec = self.encoders[PICTURE].input_
        X = as_rows(PICTURE, X)
        spec.prepare(X[:0])  # the shape, also of no pictures
        captions: list[str] = []
        scores = [np.zeros(0)]
        for start in range(0, len(X), _AT_A_TIME):
            features = spec.prepare(X[start : start + _AT_A_TIME], start)
            writer = _Writer(self._write, self._look.run(None, {"x": np.float32(features)}))
            tokens, of_these = likeliest_texts(
                writer,
                len(features),
                begin=BEGIN,
                end=END,
                n_beams=n_beams,
                longest=min(max_length, settings.max_length) - 1,
                length_penalty=length_penalty,
            )
            captions += self.tokenizer.decode(tokens)
            scores.append(of_these)
        return (captions, np.concatenate(scores)) if return_scores else captions

    def tokens(self, captions: Sequence[str]) -> np.ndarray:
        """Return captions as rows of the encoder of captions.

        Returns
        -------
        ndarray of int64 (n, length)
            As many tokens as the longest caption of the training has; further ones are left out.

        Raises
        ------
        ValueError, TypeError
            If captions are not strings with something to read.
        """
        (length,) = self.encoders[CAPTION].input_.shape
        return self.tokenizer.encode(check_texts(captions), max_length=length, pad=True)


class _Writer:
    """Scores of next tokens by an ONNX session, with the keys and values of earlier tokens."""

    def __init__(self, session: Any, memory: list[np.ndarray]) -> None:
        self.session = session
        self.memory = memory

    def __call__(
        self, rows: np.ndarray, tokens: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        memory = self.memory
        if not np.array_equal(rows, np.arange(len(memory[0]))):
            memory = [each[rows] for each in memory]
        logits, *self.memory = self.session.run(None, write_feed(tokens[:, None], memory))
        return likeliest_tokens(logits[:, -1], k)


def write_feed(tokens: np.ndarray, memory: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the inputs of `write.onnx` of tokens (n, length), and keys and values by layer."""
    names = [f"past_{kind}.{i}" for i in range(len(memory) // 2) for kind in ("keys", "values")]
    return {"tokens": tokens, **dict(zip(names, memory, strict=True))}
