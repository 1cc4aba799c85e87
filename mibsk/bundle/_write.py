"""Writing of bundles."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from .._checks.parameters import check_modality_names
from ..estimators import PairedTransformer
from ..onnx import OnnxEncoder, export_encoders
from ._card import model_card
from ._display import Display
from ._folder import named_after, replace_bundle, scratch, sha256_of
from ._manifest import DataSource, EncoderFile, Manifest, TensorInput
from ._ordered import is_ordered
from ._plain import plain
from ._preprocessing import text_programs


def write_bundle(
    aligner: PairedTransformer,
    folder: str | Path,
    *,
    name: str = "mibsk",
    displays: Mapping[str, Display] | None = None,
    data: DataSource | Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    limits: Sequence[str] = (),
) -> Manifest:
    """Export all encoders of a model into a folder, with a manifest and a model card.

    The folder is replaced as a whole: a reader finds the earlier bundle or the new one, also if the
    writing fails or is killed. One writer at a time may write to a folder.

    Parameters
    ----------
    aligner : IBAligner, IBAlignerCV or CanonicalBottleneck
        A fitted estimator.
    folder : str or Path
        Created if it does not exist; a bundle that it contains is replaced.
    name : str, default="mibsk"
        Name of the model.
    displays : dict of str to Display, default=None
        How rows are shown, by modality; judged by their kind and shape if not given.
    data : DataSource or dict of its fields, default=None
        The data of the training.
    training, metrics : dict, default=None
        Further plain values for the manifest and the card, which may be nested. A measured value
        with an interval is a dict of "value" and "interval", the latter a pair of numbers.
    limits : sequence of str, default=()
        Sentences for the card on what the model cannot do, and what is not known.

    Returns
    -------
    Manifest

    Raises
    ------
    TypeError, ValueError
        If `aligner` is another estimator, an argument is not as described, or the folder cannot be
        written to or contains a README.md or manifest.json of something else.
    ParityError
        If a file does not reproduce its encoder. An earlier bundle is then unchanged.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mibsk import IBAligner
    >>> from mibsk.bundle import DataSource, write_bundle
    >>> from mibsk.datasets import load_digits_halves
    >>> halves = load_digits_halves().data
    >>> aligner = IBAligner(n_components=8, max_epochs=1, random_state=0).fit(halves)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     manifest = write_bundle(
    ...         aligner,
    ...         folder,
    ...         name="digits",
    ...         data=DataSource("Optical digits", "CC BY 4.0", units={"left": "0 to 16"}),
    ...         metrics={"recall_at_1": {"value": 0.31, "interval": [0.28, 0.34]}},
    ...     )
    ...     names = sorted(path.name[:5] for path in Path(folder).iterdir())
    >>> names
    ['READM', 'left-', 'manif', 'right']
    >>> manifest.encoders["left"].inputs
    (TensorInput(name='x', dtype='float32', shape=('batch', 8, 4)),)
    """
    folder = Path(folder)
    described = {
        "data": _data_source(data),
        "metrics": plain("metrics", metrics or {}),
        "limits": _sentences(limits),
    }
    given = plain("training", training or {})
    shown = displays or {}
    with scratch(folder) as drafts:
        exported = export_encoders(aligner, drafts)
        check_modality_names("displays", shown, list(exported))
        entries = [_entry(draft, shown) for draft in exported.values()]
        files: dict[str, Path | bytes] = {
            each.file: draft for each, draft in zip(entries, exported.values(), strict=True)
        }
        preprocessing = {}
        if any(each.input.kind == "text" for each in entries):
            programs, preprocessing["text"] = text_programs()
            files |= programs
        metadata = OnnxEncoder(next(iter(exported.values()))).metadata_
        manifest = Manifest(
            name=name,
            version=__version__,
            n_components=metadata.n_components,
            ordered=is_ordered(aligner),
            encoders={each.input.name: each for each in entries},
            training={
                "estimator": type(aligner).__name__,
                "params": metadata.params,
                "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                **given,
            },
            preprocessing=preprocessing,
            **described,
        )
        replace_bundle(folder, manifest, files, model_card(manifest))
    return manifest


def _entry(draft: Path, displays: Mapping[str, Display]) -> EncoderFile:
    """Return the entry of an exported file, which is named after its content."""
    metadata = OnnxEncoder(draft).metadata_
    display = displays.get(metadata.input.name) or Display.of(metadata.input)
    display.check(metadata.input)
    digest = sha256_of(draft)
    return EncoderFile(
        file=named_after(draft.stem, draft.suffix, digest),
        sha256=digest,
        input=metadata.input,
        display=display,
        parity=metadata.parity,
        inputs=TensorInput.of(metadata.input),
        size=draft.stat().st_size,
    )


def _data_source(data: DataSource | Mapping[str, Any] | None) -> DataSource:
    if data is None or isinstance(data, DataSource):
        source = data or DataSource()
    else:
        known = [each.name for each in dataclasses.fields(DataSource)]
        if unknown := [key for key in data if key not in known]:
            raise ValueError(f"data has {unknown[0]!r}, expected some of {known}.")
        source = DataSource(**data)
    for field in ("name", "licence", "source"):
        if not isinstance(value := getattr(source, field), str):
            raise TypeError(f"{field} of data must be text, got {value!r}.")
    units = source.units
    if not isinstance(units, Mapping) or not all(isinstance(u, str) for u in units.values()):
        raise TypeError(f"units of data must be a dict of texts, got {units!r}.")
    return source


def _sentences(limits: Sequence[str]) -> tuple[str, ...]:
    if isinstance(limits, str) or not all(isinstance(each, str) for each in limits):
        raise TypeError(f"limits must be a list of sentences, got {limits!r}.")
    return tuple(limits)
