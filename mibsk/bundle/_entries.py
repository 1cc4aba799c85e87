"""Entries of a manifest: files, their inputs, the data."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..data import InputSpec
from ._display import Display

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TensorInput:
    """One input of an ONNX graph.

    Parameters
    ----------
    name : str
        Name of the input.
    dtype : str
        Name of the NumPy type, such as "float32".
    shape : tuple of int or str
        Sizes of the axes; a name where the size is free, as that of the batch.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TensorInput:
        """Return the input from plain values."""
        return cls(text(values["name"]), text(values["dtype"]), tuple(values["shape"]))

    @classmethod
    def of(cls, spec: InputSpec) -> tuple[TensorInput, ...]:
        """Return the inputs of the encoder of a modality, as exported."""
        if spec.is_sparse:
            shape = ("batch", "length")
            return cls("indices", "int64", shape), cls("values", "float32", shape)
        return (cls("x", spec.dtype, ("batch", *spec.shape)),)


@dataclass(frozen=True)
class GraphFile:
    """Another ONNX file of an encoder: one that takes strings, or has another precision.

    Parameters
    ----------
    file : str
        Name of the ONNX file in the folder.
    sha256 : str
        Digest of the file.
    size : int
        Bytes of the file.
    inputs : tuple of TensorInput
        Inputs of the graph.
    parity : float
        Largest absolute difference of its embeddings from those of the encoder.
    """

    file: str
    sha256: str
    size: int
    inputs: tuple[TensorInput, ...]
    parity: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GraphFile:
        """Return the entry from plain values, which are checked."""
        return cls(
            file_name(values["file"]),
            sha256_digest(values["sha256"]),
            int(values["size"]),
            tuple(map(TensorInput.from_dict, values["inputs"])),
            _error(values["parity"]),
        )


@dataclass(frozen=True)
class EncoderFile:
    """One encoder of a bundle.

    Parameters
    ----------
    file : str
        Name of the ONNX file in the folder.
    sha256 : str
        Digest of the file.
    input : InputSpec
        Modality, kind, shape and type of the rows.
    display : Display
        How rows are shown.
    parity : float
        Largest absolute difference from the trained encoder at export.
    inputs : tuple of TensorInput
        Inputs of the graph: ``x``, or ``indices`` and ``values`` of sparse rows and text.
    size : int
        Bytes of the file.
    strings : GraphFile, default=None
        The same encoder of text as a graph that takes strings.
    """

    file: str
    sha256: str
    input: InputSpec
    display: Display
    parity: float
    inputs: tuple[TensorInput, ...] = ()
    size: int = 0
    strings: GraphFile | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.input.name,
            "file": self.file,
            "sha256": self.sha256,
            "size": self.size,
            "inputs": [asdict(each) for each in self.inputs],
            "input": self.input.to_dict(),
            "display": self.display.to_dict(),
            "parity": self.parity,
            "strings": None if self.strings is None else asdict(self.strings),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EncoderFile:
        """Return the entry from the result of :meth:`to_dict`, which is checked."""
        spec = InputSpec.from_dict(values["input"])
        if values["name"] != spec.name:
            raise ValueError(f"modality {values['name']!r} has the input of {spec.name!r}")
        display = Display(**values["display"])
        display.check(spec)
        return cls(
            file_name(values["file"]),
            sha256_digest(values["sha256"]),
            spec,
            display,
            _error(values["parity"]),
            tuple(map(TensorInput.from_dict, values["inputs"])),
            int(values["size"]),
            None if values["strings"] is None else GraphFile.from_dict(values["strings"]),
        )


@dataclass(frozen=True)
class DataSource:
    """The data that a model was trained on.

    Parameters
    ----------
    name, licence, source : str
        As a person would cite them; empty if not known.
    units : dict of str to str
        Unit of a column, or of all values of a modality.
    """

    name: str = ""
    licence: str = ""
    source: str = ""
    units: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RecallLoss:
    """Recall of a variant in one direction, beside that of the encoders.

    Parameters
    ----------
    query, gallery : str
        Modalities of the queries, and of the rows in which their partners are searched.
    k : int
        Number of rows retrieved.
    encoders, variant : float
        Recall of the encoders as trained, and of the variant.
    """

    query: str
    gallery: str
    k: int
    encoders: float
    variant: float

    @property
    def loss(self) -> float:
        """Recall that is lost; negative if the variant has more."""
        return self.encoders - self.variant


@dataclass(frozen=True)
class Variant:
    """The encoders of a bundle in a lower precision: a space of its own.

    Parameters
    ----------
    name : {"int8", "float16"}
        Precision.
    encoders : dict of str to GraphFile
        By modality.
    n_rows : int
        Number of held-out pairs on which recall was measured.
    recall : tuple of RecallLoss
        Recall at 1 and 10, between all pairs of modalities in both directions.
    """

    name: str
    encoders: dict[str, GraphFile]
    n_rows: int
    recall: tuple[RecallLoss, ...]

    @property
    def digest(self) -> str:
        """Digest of the space that the variant embeds into."""
        return digest_of({name: each.sha256 for name, each in self.encoders.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "digest": self.digest,
            "modalities": [{"name": name, **asdict(each)} for name, each in self.encoders.items()],
            "n_rows": self.n_rows,
            "recall": [asdict(each) | {"loss": each.loss} for each in self.recall],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Variant:
        """Return the variant from the result of :meth:`to_dict`, which is checked."""
        recall = (
            RecallLoss(**{k: v for k, v in each.items() if k != "loss"})
            for each in values["recall"]
        )
        return cls(
            text(values["name"]),
            {text(each["name"]): GraphFile.from_dict(each) for each in values["modalities"]},
            count(values["n_rows"]),
            tuple(recall),
        )


@dataclass(frozen=True)
class CaptionerFiles:
    """Files of a captioner, besides those of the encoders of pictures and captions.

    Parameters
    ----------
    description : str
        Name of the file that :class:`mibsk.onnx.OnnxCaptioner` opens.
    files : dict of str to str
        SHA-256 of that file and of those that it needs, by name.
    """

    description: str
    files: dict[str, str]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> CaptionerFiles | None:
        """Return the files from plain values, which are checked."""
        if values is None:
            return None
        files = {file_name(name): sha256_digest(each) for name, each in values["files"].items()}
        if values["description"] not in files:
            raise ValueError(f"{values['description']!r} is not among the files of the captioner")
        return cls(values["description"], files)


def digest_of(digests: Mapping[str, str]) -> str:
    """Return the digest of a space, of the digests of its encoders by modality."""
    lines = sorted(f"{name}\0{each}\n" for name, each in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_name(name: Any) -> str:
    """Return the name of a file of a bundle.

    Raises
    ------
    ValueError
        If it leads out of the folder, or could on another system.
    """
    parts = text(name).split("/")
    if any(part in ("", ".", "..") or set(part) & set("\\:\0") for part in parts):
        raise ValueError(f"file {name!r} is not a path within the folder of the bundle")
    return str(name)


def sha256_digest(value: Any) -> str:
    """Return a SHA-256 digest, checked."""
    if not _SHA256.fullmatch(text(value)):
        raise ValueError(f"{value!r} is not a SHA-256 digest")
    return str(value)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def count(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"expected a count, got {value!r}")
    return value


def _error(value: Any) -> float:
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"parity {value!r} is not the size of an error")
    return float(value)
