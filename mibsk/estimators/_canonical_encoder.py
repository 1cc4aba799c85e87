"""The linear map of one modality as a torch module."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..canonical import LinearModel, embedding_map
from ..data import InputSpec
from ..encoders import Encoder, InputScaling, Linear, SparseLinear, make_encoder
from ..training import torch_defaults

LOST = 2e-3  # of the standard deviation of a variate, that rounding of a column may change


@torch_defaults()
def as_encoder(spec: InputSpec, model: LinearModel, weights: np.ndarray) -> Encoder:
    """Return an encoder with the weighted variates of a modality as embeddings.

    Parameters
    ----------
    spec : InputSpec
        Specification of the modality.
    model : LinearModel
        The directions.
    weights : ndarray (k,)
        Weights of the variates.

    Raises
    ------
    ValueError
        If the variates need more than float32 keeps of a column, whose values are large against
        their spread.
    """
    mean = model.means[spec.name]
    maps, constant = embedding_map(model.maps[spec.name], weights)
    width = maps.shape[1]
    scaling = None
    if spec.is_sparse:
        matrix, constant = maps, constant - mean @ maps
    else:
        deviations = model.deviations[spec.name]
        _check_precision(spec, mean, deviations, model.maps[spec.name])
        scale = np.where(deviations > 0, deviations, 1.0)
        scaling = InputScaling(mean.reshape(spec.shape), scale.reshape(spec.shape))
        matrix = (maps * scale[:, None]).T
    with torch.device("meta"):  # initial weights would be drawn from the caller's generator
        if spec.is_sparse:
            backbone: nn.Module = SparseLinear(spec.shape[0], width, bias=True)
        else:
            backbone = make_encoder(Linear(), spec.shape, width)
    backbone.to_empty(device="cpu")
    linear = backbone if spec.is_sparse else backbone[-1]  # type: ignore[index]
    with torch.no_grad():
        for parameter, value in ((linear.weight, matrix), (linear.bias, constant)):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))  # type: ignore[operator]
    return Encoder(backbone, width, scaling=scaling, modality=spec.name).eval()


def _check_precision(
    spec: InputSpec, mean: np.ndarray, deviations: np.ndarray, maps: np.ndarray
) -> None:
    """Raise unless the variates, of variance 1, are about the same of rows in float32."""
    lost = np.abs(mean) * (np.finfo(np.float32).eps / 2) * np.abs(maps).max(axis=1, initial=0)
    j = int(lost.argmax())
    if lost[j] > LOST:
        raise ValueError(
            f"column {j} of modality {spec.name!r}, with mean {mean[j]:.8g} and standard deviation "
            f"{deviations[j]:.4g}, cannot be read in float32, in which a torch module or an ONNX "
            "file computes: subtract a constant from it before fit and in later calls, e.g. with "
            "StandardScaler in front."
        )
