"""Writing of bundles."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import __version__
from ..estimators import PairedTransformer
from ..files.whole_files import replace_file
from ..onnx import OnnxEncoder, export_encoders
from ._display import Display
from ._manifest import FILE, DataSource, EncoderFile, Manifest


def write_bundle(
    aligner: PairedTransformer,
    folder: str | Path,
    *,
    name: str = "mibsk",
    displays: Mapping[str, Display] | None = None,
    data: DataSource | None = None,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> Manifest:
    """Export all encoders of a model into a folder, with a manifest of what they are.

    Parameters
    ----------
    aligner : IBAligner, IBAlignerCV or CanonicalBottleneck
        A fitted estimator.
    folder : str or Path
        Created if it does not exist.
    name : str, default="mibsk"
        Name of the model.
    displays : dict of str to Display, default=None
        How rows are shown, by modality; judged by their kind and shape if not given.
    data : DataSource, default=None
        The data of the training.
    training, metrics : dict, default=None
        Further plain values for the manifest.

    Returns
    -------
    Manifest
    """
    folder = Path(folder)
    files = export_encoders(aligner, folder)
    encoders = {}
    for modality, file in files.items():
        metadata = OnnxEncoder(file).metadata_
        display = (displays or {}).get(modality) or Display.of(metadata.input)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        encoders[modality] = EncoderFile(
            file.name, digest, metadata.input, display, metadata.parity
        )
    described = {
        "estimator": type(aligner).__name__,
        "params": metadata.params,
        "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **(training or {}),
    }
    manifest = Manifest(
        name,
        __version__,
        metadata.n_components,
        _is_ordered(aligner),
        encoders,
        data or DataSource(),
        described,
        dict(metrics or {}),
    )
    replace_file(folder / FILE, [manifest.to_json().encode()])
    return manifest


def _is_ordered(aligner: Any) -> bool:
    """Whether components are ordered by shared information: those of the closed form are."""
    return getattr(aligner, "bottleneck", "canonical") == "canonical"
