"""Comparison of an exported encoder with the trained one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..captioning import CaptionTower
from ..data import NO_TOKEN, InputSpec, vocabulary_size
from ..encoders import Encoder
from ..exceptions import ParityError

BATCHES = (1, 7, 64)
TOLERANCE = 1e-4
_ROUNDING = 8 * np.finfo(np.float32).eps  # of an embedding, by the layers before the bottleneck


@dataclass(frozen=True)
class ParityReport:
    """Largest absolute difference between ONNX and torch, by batch size."""

    modality: str
    max_abs_error: dict[int, float]

    @property
    def worst(self) -> float:
        """Largest difference over all batch sizes."""
        return max(self.max_abs_error.values())


def random_inputs(
    spec: InputSpec, encoder: Encoder, n_rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Return random rows on the scale of the training rows, one array per ONNX input."""
    if spec.is_sparse:
        padded = (n_rows, int(rng.integers(2, 40)))
        values = rng.normal(size=padded).astype(np.float32)
        return rng.integers(spec.shape[0], size=padded), values
    shape = (n_rows, *spec.shape)
    if spec.kind == "text":
        ids = rng.integers(vocabulary_size(spec.tokenizer), size=shape).astype(np.float32)
        lengths = rng.integers(1, spec.shape[0] + 1, size=n_rows)
        ids[np.arange(spec.shape[0]) >= lengths[:, None]] = NO_TOKEN
        return (ids,)
    if isinstance(encoder.backbone, CaptionTower):
        n_tokens = encoder.backbone.qformer.tokens.num_embeddings
        present = np.arange(shape[1]) < rng.integers(1, shape[1] + 1, size=(n_rows, 1))
        return ((present * rng.integers(1, n_tokens, size=shape)).astype(spec.dtype),)
    if spec.dtype == "uint8":
        return (rng.integers(256, size=shape, dtype=np.uint8),)
    rows = rng.normal(size=shape)
    if encoder.scaling is not None:
        rows = rows * encoder.scaling.scale.cpu().numpy() + encoder.scaling.mean.cpu().numpy()
    return (rows.astype(np.float32),)


def prove_parity(session: Any, spec: InputSpec, encoder: Encoder, *, seed: int = 0) -> ParityReport:
    """Compare an ONNX session with the encoder on random inputs, at several batch sizes.

    Raises
    ------
    ParityError
        If any embedding differs by more than :func:`tolerance_of` the encoder, or is not finite.
    """
    tolerance = tolerance_of(encoder)
    rng = np.random.default_rng(seed)
    names = [entry.name for entry in session.get_inputs()]
    errors = {}
    for n_rows in BATCHES:
        arrays = random_inputs(spec, encoder, n_rows, rng)
        got = session.run(["z"], dict(zip(names, arrays, strict=True)))[0]
        tensors = tuple(torch.from_numpy(array) for array in arrays)
        with torch.inference_mode():
            expected = encoder(tensors if spec.is_sparse else tensors[0]).numpy()
        error = float(np.abs(got - expected).max())
        if not error <= tolerance:  # also raises for NaN
            raise ParityError(
                f"the ONNX encoder of modality {spec.name!r} differs from torch by {error:.3g} at "
                f"batch size {n_rows} (tolerance: {tolerance:g}); no file was written. If the "
                "encoder is your own module, check that its forward does not branch on Python "
                "values computed from the batch."
            )
        errors[n_rows] = error
    return ParityReport(spec.name, errors)


def tolerance_of(encoder: Encoder) -> float:
    """Return how much the embeddings of ONNX and torch may differ.

    It is 1e-4, or more if the bottleneck multiplies the rounding of float32 to more: embeddings of
    a network that has hardly been trained are nearly alike, and the bottleneck spreads them.
    """
    if encoder.bottleneck is None:
        return TOLERANCE
    gain = float(torch.linalg.matrix_norm(encoder.bottleneck.weight.double(), 2))
    return max(TOLERANCE, float(_ROUNDING) * gain)
