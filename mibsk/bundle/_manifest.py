"""Manifest of a bundle: what it contains, and where it comes from."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..data import InputSpec
from ._display import Display
from ._plain import plain

FORMAT = "mibsk-bundle/1"
FILE = "manifest.json"
CARD = "README.md"

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
        return cls(_text(values["name"]), _text(values["dtype"]), tuple(values["shape"]))

    @classmethod
    def of(cls, spec: InputSpec) -> tuple[TensorInput, ...]:
        """Return the inputs of the encoder of a modality, as exported."""
        if spec.is_sparse:
            shape = ("batch", "length")
            return cls("indices", "int64", shape), cls("values", "float32", shape)
        return (cls("x", spec.dtype, ("batch", *spec.shape)),)


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
    """

    file: str
    sha256: str
    input: InputSpec
    display: Display
    parity: float
    inputs: tuple[TensorInput, ...] = ()
    size: int = 0

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
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EncoderFile:
        """Return the entry from the result of :meth:`to_dict`, which is checked."""
        spec = InputSpec.from_dict(values["input"])
        if values["name"] != spec.name:
            raise ValueError(f"modality {values['name']!r} has the input of {spec.name!r}")
        return cls(
            file_name(values["file"]),
            sha256_digest(values["sha256"]),
            spec,
            Display(**values["display"]),
            _error(values["parity"]),
            tuple(map(TensorInput.from_dict, values["inputs"])),
            int(values["size"]),
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
class Manifest:
    """What a bundle contains.

    Parameters
    ----------
    name : str
        Name of the model.
    version : str
        Version of the package that wrote the bundle.
    n_components : int
        Dimension of the shared space.
    ordered : bool
        Whether the components are ordered by the information that they share, so that the first
        ones alone, scaled to unit norm, are a space of lower dimension.
    encoders : dict of str to EncoderFile
        By modality.
    data : DataSource
        The data of the training.
    training : dict
        Estimator, parameters, run and time of the training, as plain values.
    metrics : dict
        Measured values, as plain values.
    limits : tuple of str
        What the model cannot do, and what is not known, for people.
    preprocessing : dict of str to dict of str to str
        By kind of input, files of programs that prepare it, with their digests.
    """

    name: str
    version: str
    n_components: int
    ordered: bool
    encoders: dict[str, EncoderFile]
    data: DataSource = field(default_factory=DataSource)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    preprocessing: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of all encoders: that of the space they embed into."""
        return digest_of({name: each.sha256 for name, each in self.encoders.items()})

    def files(self) -> Iterator[tuple[str, str]]:
        """Return name and digest of each file that the manifest lists."""
        for each in self.encoders.values():
            yield each.file, each.sha256
        for programs in self.preprocessing.values():
            yield from programs.items()

    def to_json(self) -> str:
        """Return the text of the file."""
        values = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "n_components": self.n_components,
            "ordered": self.ordered,
            "modalities": [each.to_dict() for each in self.encoders.values()],
            "data": plain("data", asdict(self.data)),
            "training": plain("training", self.training),
            "metrics": plain("metrics", self.metrics),
            "limits": list(self.limits),
            "preprocessing": self.preprocessing,
        }
        return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, path: Any) -> Manifest:
        """Return the manifest of a file.

        Raises
        ------
        ValueError
            If the file is not a manifest, or one of a newer version.
        """
        try:
            values: Mapping[str, Any] = json.loads(text)
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']!r}, expected {FORMAT!r}")
            listed = list(map(EncoderFile.from_dict, values["modalities"]))
            encoders = {each.input.name: each for each in listed}
            if not listed or len(encoders) < len(listed):
                raise ValueError("modalities must have names of their own, and be one or more")
            if type(values["ordered"]) is not bool:
                raise ValueError(f"ordered {values['ordered']!r}, expected true or false")
            manifest = cls(
                _text(values["name"]),
                _text(values["version"]),
                _count(values["n_components"]),
                values["ordered"],
                encoders,
                DataSource(**values["data"]),
                dict(values["training"]),
                dict(values["metrics"]),
                tuple(map(_text, values["limits"])),
                {
                    _text(kind): {file_name(k): sha256_digest(v) for k, v in programs.items()}
                    for kind, programs in values["preprocessing"].items()
                },
            )
            if values["digest"] != manifest.digest:
                raise ValueError("its digest is not that of the encoders it lists")
            return manifest
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is not a manifest that this version of mibsk can read "
                f"({type(error).__name__}: {error}): write the bundle again with "
                "mibsk.bundle.write_bundle."
            ) from error


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
    parts = _text(name).split("/")
    if not all(parts) or any(part.startswith(".") or set(part) & set("\\:\0") for part in parts):
        raise ValueError(f"file {name!r} is not a path within the folder of the bundle")
    return str(name)


def sha256_digest(value: Any) -> str:
    """Return a SHA-256 digest, checked."""
    if not _SHA256.fullmatch(_text(value)):
        raise ValueError(f"{value!r} is not a SHA-256 digest")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"expected a count, got {value!r}")
    return value


def _error(value: Any) -> float:
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"parity {value!r} is not the size of an error")
    return float(value)
