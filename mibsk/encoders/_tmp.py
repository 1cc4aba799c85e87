import torch
from ._encoder import Encoder
from ._registry import auto_encoder, make_encoder


def frozen_names(module):
    return set()


def build_encoder(
    spec,
    input_shape,
    n_components,
    *,
    dtype="float32",
    sparse=False,
    probabilistic=False,
    scaling=None,
    modality=None,
):
    if isinstance(spec, str) and spec == "auto":
        spec = auto_encoder(input_shape, sparse)
    b = make_encoder(spec, input_shape, (2 if probabilistic else 1) * n_components, sparse=sparse)
    encoder = Encoder(
        b, n_components, scaling=scaling, probabilistic=probabilistic, modality=modality
    )
    shape = (2, 1) if sparse else (2, *input_shape)
    values = torch.zeros(shape, dtype=getattr(torch, dtype))
    rows = (torch.zeros(shape, dtype=torch.int64), values) if sparse else values
    encoder.eval()
    try:
        with torch.no_grad():
            encoder(rows)
    except (IndexError, RuntimeError) as error:
        raise ValueError(
            f"encoder of modality {modality!r} cannot read a batch of shape {shape}: "
            f"{str(error).splitlines()[0]}. Pass one for rows of shape {input_shape}."
        ) from error
    encoder.train()
    return encoder
