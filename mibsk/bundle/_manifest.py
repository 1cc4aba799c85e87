"""Manifest of a bundle: what it contains, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ._entries import (
    CaptionerFiles,
    DataSource,
    EncoderFile,
    Variant,
    count,
    digest_of,
    file_name,
    sha256_digest,
    text,
)
from ._plain import plain

FORMAT = "mibsk-bundle/1"
FILE = "manifest.json"
CARD = "README.md"


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
    variants : dict of str to Variant
        The encoders in a lower precision, by its name.
    captioner : CaptionerFiles, default=None
        What describes pictures in words, with the encoders of pictures and captions.
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
    variants: dict[str, Variant] = field(default_factory=dict)
    captioner: CaptionerFiles | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of all encoders: that of the space they embed into."""
        return digest_of({name: each.sha256 for name, each in self.encoders.items()})

    def files(self) -> Iterator[tuple[str, str]]:
        """Return name and digest of each file that the manifest lists."""
        for each in self.encoders.values():
            yield each.file, each.sha256
            if each.strings is not None:
                yield each.strings.file, each.strings.sha256
        for programs in self.preprocessing.values():
            yield from programs.items()
        for variant in self.variants.values():
            for file in variant.encoders.values():
                yield file.file, file.sha256
        if self.captioner is not None:
            yield from self.captioner.files.items()

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
            "variants": [each.to_dict() for each in self.variants.values()],
            "captioner": None if self.captioner is None else asdict(self.captioner),
        }
        return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, content: str, path: Any) -> Manifest:
        """Return the manifest of a file.

        Raises
        ------
        ValueError
            If the file is not a manifest, or one of a newer version.
        """
        try:
            values: Mapping[str, Any] = json.loads(content)
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']!r}, expected {FORMAT!r}")
            listed = list(map(EncoderFile.from_dict, values["modalities"]))
            encoders = {each.input.name: each for each in listed}
            if not listed or len(encoders) < len(listed):
                raise ValueError("modalities must have names of their own, and be one or more")
            if type(values["ordered"]) is not bool:
                raise ValueError(f"ordered {values['ordered']!r}, expected true or false")
            manifest = cls(
                text(values["name"]),
                text(values["version"]),
                count(values["n_components"]),
                values["ordered"],
                encoders,
                DataSource(**values["data"]),
                dict(values["training"]),
                dict(values["metrics"]),
                tuple(map(text, values["limits"])),
                {
                    text(kind): {file_name(k): sha256_digest(v) for k, v in programs.items()}
                    for kind, programs in values["preprocessing"].items()
                },
                {each["name"]: Variant.from_dict(each) for each in values["variants"]},
                CaptionerFiles.from_dict(values.get("captioner")),  # missing in earlier bundles
            )
            for name, variant in manifest.variants.items():
                if set(variant.encoders) != set(encoders):
                    raise ValueError(f"variant {name!r} has other modalities than the bundle")
            if values["digest"] != manifest.digest:
                raise ValueError("its digest is not that of the encoders it lists")
            return manifest
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is not a manifest that this version of mibsk can read "
                f"({type(error).__name__}: {error}): write the bundle again with "
                "mibsk.bundle.write_bundle."
            ) from error
