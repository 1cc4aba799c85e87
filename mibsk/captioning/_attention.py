"""What the queries of a querying transformer attend to."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._qformer import Attention, QFormer


@torch.inference_mode()
def attention_of_queries(qformer: QFormer, features: Tensor) -> Tensor:
    r"""Return the weights with which each query reads each feature, in the last layer that reads.

    They are :math:`\mathrm{softmax}(q k^\top / \sqrt{d})`, as means over the heads.

    Parameters
    ----------
    qformer : QFormer
        In eval mode.
    features : Tensor of shape (n, n_features, feature_width)

    Returns
    -------
    Tensor of shape (n, n_queries, n_features)
        Rows sum to 1.
    """
    seen: list[Tensor] = []

    def keep(attention: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[:] = inputs[:2]

    *_, last = (layer.to_features for layer in qformer.layers if layer.to_features is not None)
    assert isinstance(last, Attention)
    handle = last.register_forward_hook(keep)
    try:
        qformer.look(features)
    finally:
        handle.remove()
    states, keys = seen
    queries = last.by_head(last.query(states))
    weights = queries @ keys.transpose(2, 3) / queries.shape[-1] ** 0.5
    return weights.softmax(-1).mean(1)
