"""Export of trained encoders to ONNX files."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import torch
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .. import __version__
from .._checks.packages import not_installed
from ..data import InputSpec
from ..encoders import Encoder, OnnxTower
from ..estimators import PairedTransformer
from ..files.whole_files import check_can_write
from ..training import one_at_a_time, torch_defaults
from ._graph import UnknownLayerError, encoder_graph
from ._metadata import EncoderMetadata
from ._parity import prove_parity, random_inputs
from ._session import CPU, open_session

_LONGEST_NAME = 200  # characters; file systems have a limit of 255 bytes


class _SparseSignature(nn.Module):
    """A sparse encoder with two separate inputs, as ONNX requires."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, indices: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return self.encoder((indices, values))


def export_encoders(aligner: PairedTransformer, folder: str | Path) -> dict[str, Path]:
    """Write one ONNX file per modality, named after the modality, into a folder.

    Parameters
    ----------
    aligner : IBAligner, IBAlignerCV or CanonicalBottleneck
        A fitted estimator.
    folder : str or Path
        Created if it does not exist.

    Returns
    -------
    dict of str to Path
        The file of each modality.

    Raises
    ------
    TypeError, ValueError
        If `aligner` is another estimator, or the folder cannot be written to.
    ParityError
        If a file does not reproduce its encoder. That file is not written.
    """
    _check_estimator(aligner)
    return {
        name: export_encoder(aligner, name, Path(folder) / f"{_file_name(name)}.onnx")
        for name in aligner.modality_names_
    }


@torch_defaults()
def export_encoder(aligner: PairedTransformer, modality: str, path: str | Path) -> Path:
    """Write the encoder of one modality, with input scaling and L2 norm, to one ONNX file.

    Inputs are ``x`` (batch, ...) in the type of the training rows, token ids of text for a
    pretrained tower, or ``indices`` and ``values`` (batch, length) for sparse rows and other text.
    The output is ``z`` (batch, n_components), rows of unit norm. The batch size is dynamic. Before
    the file is written, its outputs are compared with those of torch on random inputs in batches of
    1, 7 and 64 rows. The metadata of the file hold modality, input shape and type, version,
    parameters and the largest difference.

    Parameters
    ----------
    aligner : IBAligner, IBAlignerCV or CanonicalBottleneck
        A fitted estimator.
    modality : str
        Name of the modality.
    path : str or Path
        Replaced if it exists, but only by a file that passed the comparison.

    Returns
    -------
    Path

    Raises
    ------
    TypeError
        If `aligner` is another estimator.
    ValueError
        If the aligner has no such modality, or is a `CanonicalBottleneck`, which computes in
        float64, and float32 cannot hold a column of the modality; if its tower is an ONNX file; or
        if no file can be written to `path`.
    ParityError
        If ONNX and torch differ by more than 1e-4, or than the rounding of float32 where the
        bottleneck multiplies it to more.
    NotInstalledError
        If onnx is not installed; or onnxscript, which traces encoders that have other layers than
        those of this package: a vision transformer, or your own.
    """
    _check_estimator(aligner)
    aligner.check_modality(modality)
    try:
        import onnx
    except ImportError as error:
        raise not_installed("for export", "onnx", "onnxscript") from error
    spec = aligner.inputs_[modality]
    encoder = aligner.as_module(modality)
    for part in encoder.modules():
        if isinstance(part, OnnxTower):
            raise ValueError(
                f"the encoder of modality {modality!r} runs {part.path}, which cannot become a "
                "part of another ONNX file: use a folder of transformers as the tower, or train on "
                "its features, Pretrained(path).features(rows), and export the encoder of those."
            )
    path = Path(path)
    check_can_write(path)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as scratch:
        draft = Path(scratch) / "encoder.onnx"
        _to_onnx(encoder, spec, draft)
        report = prove_parity(open_session(draft, [CPU], None), spec, encoder)
        metadata = EncoderMetadata(
            spec, encoder.n_outputs, __version__, _as_text(aligner.get_params()), report.worst
        )
        model = onnx.load(draft)
        onnx.helper.set_model_props(model, metadata.to_props())
        onnx.save(model, draft)
        os.replace(draft, path)
    return path


def _check_estimator(aligner: Any) -> None:
    if isinstance(aligner, Pipeline):
        raise TypeError(
            "aligner must be a fitted IBAligner, IBAlignerCV or CanonicalBottleneck, got Pipeline: "
            "pass its last step, pipe[-1], and apply the steps before it, pipe[:-1], to the rows "
            "yourself. The exported encoders take the rows after those steps."
        )
    if not isinstance(aligner, PairedTransformer):
        raise TypeError(
            "aligner must be a fitted IBAligner, IBAlignerCV or CanonicalBottleneck, got "
            f"{type(aligner).__name__}. A captioner is exported by mibsk.onnx.export_captioner."
        )
    check_is_fitted(aligner)


def _to_onnx(encoder: Encoder, spec: InputSpec, path: Path) -> None:
    example = tuple(
        torch.from_numpy(array)
        for array in random_inputs(spec, encoder, 3, np.random.default_rng(0))
    )
    try:
        model = encoder_graph(encoder, spec, example)
    except UnknownLayerError:
        _trace(encoder, spec, example, path)
    else:
        import onnx

        onnx.save(model, path)


def _trace(
    encoder: Encoder, spec: InputSpec, example: tuple[torch.Tensor, ...], path: Path
) -> None:
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise not_installed("for export", "onnx", "onnxscript") from error
    batch = torch.export.Dim("batch", min=1)
    shapes: tuple[dict[int, Any], ...]
    if spec.is_sparse:
        length = torch.export.Dim("length", min=1)
        module: nn.Module = _SparseSignature(encoder)
        names, shapes = ["indices", "values"], ({0: batch, 1: length},) * 2
    else:
        module, names, shapes = encoder, ["x"], ({0: batch},)
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    with one_at_a_time(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from internals of the exporter
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            torch.onnx.export(
                module,
                example,
                path,
                input_names=names,
                output_names=["z"],
                dynamic_shapes=shapes,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _as_text(params: dict[str, Any]) -> dict[str, str]:
    return {key: repr(value) for key, value in params.items()}


def _file_name(modality: str) -> str:
    name = quote(modality, safe="")  # different names give different files
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{sha256(modality.encode()).hexdigest()[:16]}"
    return name
