"""Manifest of a bundle: what it contains, and where it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..data import InputSpec
from ._display import Display

FORMAT = "mibsk-bundle/1"
FILE = "manifest.json"


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
    """

    file: str
    sha256: str
    input: InputSpec
    display: Display
    parity: float


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
        ones alone are a space of lower dimension.
    encoders : dict of str to EncoderFile
        By modality.
    data : DataSource
        The data of the training.
    training : dict
        Estimator, parameters, run and time of the training, as plain values.
    metrics : dict
        Measured values, as plain values.
    """

    name: str
    version: str
    n_components: int
    ordered: bool
    encoders: dict[str, EncoderFile]
    data: DataSource = field(default_factory=DataSource)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of all encoders: that of the space they embed into."""
        lines = sorted(f"{name}\0{each.sha256}\n" for name, each in self.encoders.items())
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def to_json(self) -> str:
        """Return the text of the file."""
        values = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "n_components": self.n_components,
            "ordered": self.ordered,
            "modalities": [
                {
                    "name": name,
                    "file": each.file,
                    "sha256": each.sha256,
                    "input": each.input.to_dict(),
                    "display": each.display.to_dict(),
                    "parity": each.parity,
                }
                for name, each in self.encoders.items()
            ],
            "data": asdict(self.data),
            "training": self.training,
            "metrics": self.metrics,
        }
        return json.dumps(values, indent=1, ensure_ascii=False) + "\n"

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
            encoders = {
                each["name"]: EncoderFile(
                    each["file"],
                    each["sha256"],
                    InputSpec.from_dict(each["input"]),
                    Display(**each["display"]),
                    float(each["parity"]),
                )
                for each in values["modalities"]
            }
            return cls(
                values["name"],
                values["version"],
                int(values["n_components"]),
                bool(values["ordered"]),
                encoders,
                DataSource(**values["data"]),
                dict(values["training"]),
                dict(values["metrics"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is not a manifest that this version of mibsk can read "
                f"({type(error).__name__}: {error}): write the bundle again with "
                "mibsk.bundle.write_bundle."
            ) from error
