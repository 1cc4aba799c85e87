"""Writing of bundles."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .. import __version__
from .._checks.parameters import check_modality_names
from .._checks.rows import n_rows
from ..estimators import PairedTransformer, QFormerCaptioner
from ..files.digest import sha256_of
from ..onnx import (
    CaptionerDescription,
    OnnxEncoder,
    export_captioner,
    export_encoders,
    export_text_encoder,
)
from ._card import model_card
from ._display import Display
from ._entries import CaptionerFiles, DataSource, EncoderFile, GraphFile, TensorInput, Variant
from ._facts import changed_params, training_facts
from ._folder import named_after, replace_bundle, scratch
from ._manifest import Manifest
from ._ordered import is_ordered
from ._plain import plain
from ._preprocessing import EXAMPLES, text_programs
from ._variants import check_variants, write_variant


def write_bundle(
    aligner: PairedTransformer | QFormerCaptioner,
    folder: str | Path,
    *,
    name: str = "mibsk",
    displays: Mapping[str, Display] | None = None,
    data: DataSource | Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    limits: Sequence[str] = (),
    variants: Sequence[str] = (),
    rows: Mapping[str, Any] | None = None,
) -> Manifest:
    """Export all encoders of a model into a folder, with a manifest and a model card.

    The folder is replaced as a whole: a reader finds the earlier bundle or the new one, also if the
    writing fails or is killed. One writer at a time may write to a folder.

    Parameters
    ----------
    aligner : IBAligner, IBAlignerCV, CanonicalBottleneck or QFormerCaptioner
        A fitted estimator. The bundle of a captioner has what describes pictures in words too.
    folder : str or Path
        Created if it does not exist; a bundle that it contains is replaced.
    name : str, default="mibsk"
        Name of the model, without "/", as it is a part of names and addresses.
    displays : dict of str to Display, default=None
        How rows are shown, by modality; judged by their kind and shape if not given.
    data : DataSource or dict of its fields, default=None
        The data of the training.
    training, metrics : dict, default=None
        Further plain values for the manifest and the card, which may be nested. A measured value
        with an interval is a dict of "value" and "interval", the latter a pair of numbers.
    limits : sequence of str, default=()
        Sentences for the card on what the model cannot do, and what is not known.
    variants : sequence of {"int8", "float16"}, default=()
        Lower precisions in which the encoders are written too. `Bundle` opens them by name only.
    rows : dict of str to array-like, default=None
        Pairs that the model has not seen, by modality, on which the recall that each variant loses
        is measured for manifest and card. Required with `variants`.

    Returns
    -------
    Manifest

    Raises
    ------
    TypeError, ValueError
        If `aligner` is another estimator, an argument is not as described, or the folder cannot be
        written to or contains other files and no bundle.
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
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"name must be text, got {name!r}.")
    if refused := [letter for letter in name if letter == "/" or not letter.isprintable()]:
        raise ValueError(
            f"name must be text of one line without '/', got {refused[0]!r} in {name!r}."
        )
    folder = Path(folder)
    described = {
        "data": _data_source(data),
        "metrics": plain("metrics", _mapping("metrics", metrics)),
        "limits": _sentences(limits),
    }
    given = plain("training", _mapping("training", training))
    displays = _mapping("displays", displays)
    captioner: QFormerCaptioner | None = None
    if isinstance(aligner, QFormerCaptioner):
        check_is_fitted(aligner)
        captioner, aligner = aligner, aligner.aligner_
        # rows are features and tokens, whatever shape they have
        displays = {"picture": Display("none"), "caption": Display("none"), **displays}
    with scratch(folder) as path:
        if captioner is None:
            files = export_encoders(aligner, path)
        else:
            files = export_captioner(captioner, path)
        drafts = {modality: files[modality] for modality in aligner.modality_names_}
        check_modality_names("displays", displays, list(drafts))
        check_variants(variants, rows, list(drafts))
        written = _Files()
        encoders = {
            modality: _entry(draft, displays.get(modality), written, _typical(aligner, modality))
            for modality, draft in drafts.items()
        }
        found = {}
        for variant in variants:
            assert rows is not None
            changed, differences, recall = write_variant(variant, drafts, rows)
            graphs = {
                modality: GraphFile(
                    **written.add(changed[modality]),
                    inputs=each.inputs,
                    parity=differences[modality],
                )
                for modality, each in encoders.items()
            }
            number = n_rows("rows", next(iter(rows.values())))
            found[variant] = Variant(variant, graphs, number, recall)
        preprocessing = {}
        if any(each.input.is_ngrams for each in encoders.values()):
            programs, preprocessing["text"] = text_programs()
            written.contents |= programs
        metadata = OnnxEncoder(next(iter(drafts.values()))).metadata_
        estimator = captioner or aligner
        params = metadata.params
        if captioner is not None:
            params = {key: repr(each) for key, each in captioner.get_params(deep=False).items()}
        manifest = Manifest(
            name=name,
            version=__version__,
            n_components=metadata.n_components,
            ordered=is_ordered(aligner),
            encoders=encoders,
            training={
                "estimator": type(estimator).__name__,
                "params": params,
                "changed_params": changed_params(estimator, params),
                **plain("training", training_facts(aligner)),
                "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                **given,
            },
            preprocessing=preprocessing,
            variants=found,
            captioner=(
                None
                if captioner is None
                else _captioner_files(files, aligner.modality_names_, written)
            ),
            **described,
        )
        replace_bundle(folder, manifest, written.contents, model_card(manifest))
    return manifest


class _Files:
    """Content of the files of a bundle, by the name that it gives them."""

    def __init__(self) -> None:
        self.contents: dict[str, Path | bytes] = {}

    def add(self, draft: Path) -> dict[str, Any]:
        """Add a file; return its name, digest and size."""
        digest = sha256_of(draft)
        name = named_after(draft.stem, draft.suffix, digest)
        self.contents[name] = draft
        return {"file": name, "sha256": digest, "size": draft.stat().st_size}


def _typical(aligner: PairedTransformer, modality: str) -> tuple[float, float] | None:
    """Return low and high values of the rows of the training: two deviations around the mean."""
    scaling = aligner.as_module(modality).scaling
    if scaling is None:
        return None
    low, high = scaling.mean - 2 * scaling.scale, scaling.mean + 2 * scaling.scale
    return float(low.min()), float(high.max())


def _entry(
    draft: Path, display: Display | None, written: _Files, typical: tuple[float, float] | None
) -> EncoderFile:
    """Return the entry of an exported encoder, of which the files are added."""
    metadata = OnnxEncoder(draft).metadata_
    spec = metadata.input
    display = display or Display.of(spec, typical)
    display.check(spec)
    strings = None
    if spec.is_ngrams:
        path = draft.with_stem(f"{draft.stem}-strings")
        difference = export_text_encoder(draft, path, examples=EXAMPLES)
        inputs = (TensorInput("x", "string", ("batch",)),)
        strings = GraphFile(**written.add(path), inputs=inputs, parity=difference)
    return EncoderFile(
        **written.add(draft),
        input=spec,
        display=display,
        parity=metadata.parity,
        inputs=TensorInput.of(spec),
        strings=strings,
    )


def _captioner_files(
    files: Mapping[str, Path], modalities: Sequence[str], written: _Files
) -> CaptionerFiles:
    """Return the entry of an exported captioner, of which the files are added."""
    description = files["captioner"]
    read = CaptionerDescription.from_json(description.read_text("utf-8"), description)
    added = {part: written.add(file) for part, file in files.items() if part != "captioner"}
    named = {part: {"file": each["file"], "sha256": each["sha256"]} for part, each in added.items()}
    description.write_text(dataclasses.replace(read, files=named).to_json(), "utf-8")
    added["captioner"] = written.add(description)
    own = [each for part, each in added.items() if part not in modalities]
    return CaptionerFiles(
        added["captioner"]["file"], {each["file"]: each["sha256"] for each in own}
    )


def _data_source(data: DataSource | Mapping[str, Any] | None) -> DataSource:
    if data is None or isinstance(data, DataSource):
        source = data or DataSource()
    elif not isinstance(data, Mapping):
        raise TypeError(f"data must be a DataSource or a dict of its fields, got {data!r}.")
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


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        what = "of Display by modality" if name == "displays" else "of plain values by name"
        raise TypeError(f"{name} must be a dict {what}, got {value!r}.")
    return value or {}


def _sentences(limits: Sequence[str]) -> tuple[str, ...]:
    if isinstance(limits, str) or not all(isinstance(each, str) for each in limits):
        raise TypeError(f"limits must be a list of sentences, got {limits!r}.")
    return tuple(limits)
