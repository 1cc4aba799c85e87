"""Metadata of an ONNX file: modality, input, version, parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..data import InputSpec

_PREFIX = "mibsk."


@dataclass(frozen=True)
class EncoderMetadata:
    """Metadata of an exported encoder, stored as strings in the `metadata_props` of the file.

    Parameters
    ----------
    input : InputSpec
        Modality, kind, shape and type of the rows.
    n_components : int
        Dimension of the embeddings.
    version : str
        Version of the package that exported the file.
    params : dict of str to str
        Parameters of the aligner, as text.
    parity : float
        Largest absolute difference from torch at export.
    """

    input: InputSpec
    n_components: int
    version: str
    params: dict[str, str]
    parity: float

    def to_props(self) -> dict[str, str]:
        """Return the metadata as string keys and values of an ONNX file."""
        return {
            _PREFIX + "modality": self.input.name,
            _PREFIX + "input": json.dumps(self.input.to_dict()),
            _PREFIX + "n_components": str(self.n_components),
            _PREFIX + "version": self.version,
            _PREFIX + "params": json.dumps(self.params),
            _PREFIX + "parity": repr(self.parity),
        }

    @classmethod
    def from_props(cls, props: Mapping[str, str], path: Any) -> EncoderMetadata:
        """Return the metadata that :meth:`to_props` wrote.

        Raises
        ------
        ValueError
            If the file at `path` was not exported by this package, or by a newer version.
        """
        try:
            return cls(
                InputSpec.from_dict(json.loads(props[_PREFIX + "input"])),
                int(props[_PREFIX + "n_components"]),
                props[_PREFIX + "version"],
                json.loads(props[_PREFIX + "params"]),
                float(props[_PREFIX + "parity"]),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(
                f"{path} is an ONNX file, but not an encoder this version of mibsk can read "
                f"({type(error).__name__}: {error}): export it with mibsk.onnx.export_encoder."
            ) from error
