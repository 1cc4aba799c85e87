"""Multilayer perceptron over sparse rows."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ._factory import EncoderFactory
from ._mlp import MLP, activation


class SparseMLP(EncoderFactory):
    r"""Multilayer perceptron over sparse rows, which are never made dense.

    A row is a pair of column indices and values. The first layer is the sum

    .. math:: h_i = \sum_l v_{il}\, W_{k_{il}}

    of rows of `W` (n_features, width), which equals the dense product :math:`x_i W`. The other
    layers are those of :class:`MLP`.

    Parameters
    ----------
    hidden : sequence of int, default=(128,)
        Widths of the hidden layers, at least one.
    batch_norm : bool, default=True
        Normalise each hidden layer over the batch.
    dropout : float in [0, 1), default=0.0
        Probability of dropping a hidden unit during training.

    Notes
    -----
    The module maps one pair ``(indices, values)``, int64 (n, L) and float32 (n, L). Rows with
    fewer than L entries are padded with any valid index and the value 0. The values of repeated
    indices are added.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import SparseMLP
    >>> encoder = SparseMLP(hidden=(16,))(input_shape=(1000,), n_outputs=4)
    >>> indices = torch.tensor([[3, 999], [7, 0]])
    >>> values = torch.tensor([[0.5, 1.0], [2.0, 0.0]])
    >>> encoder((indices, values)).shape
    torch.Size([2, 4])
    """

    reads_sparse: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = MLP._parameter_constraints
    _width_lists: ClassVar[dict[str, int]] = {"hidden": 1}

    def __init__(
        self,
        hidden: Sequence[int] = (128,),
        *,
        batch_norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        self.hidden = hidden
        self.batch_norm = batch_norm
        self.dropout = dropout

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        if len(input_shape) != 1:
            raise ValueError(f"SparseMLP got rows of shape {input_shape}: expected (n_features,).")
        first, *others = self.hidden
        rest = MLP(others, batch_norm=self.batch_norm, dropout=self.dropout)
        layers: list[nn.Module] = [
            SparseLinear(input_shape[0], first, bias=not self.batch_norm),
            *activation(first, batch_norm=self.batch_norm, dropout=self.dropout),
        ]
        other_layers, n_features = rest._build_trunk((first,))
        return layers + other_layers, n_features


class SparseLinear(nn.Module):
    """Linear layer over sparse rows, given as indices and values."""

    def __init__(self, n_features: int, n_outputs: int, *, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_features, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_outputs)) if bias else None
        # rows of text have unit norm and few entries: with this scale the outputs start with unit
        # norm too, for any number of features
        nn.init.normal_(self.weight, std=n_outputs**-0.5)

    def forward(self, row: tuple[Tensor, Tensor]) -> Tensor:
        """Map indices and values, both (n, L), to (n, n_outputs)."""
        out = sparse_product(row, self.weight)
        return out if self.bias is None else out + self.bias


def sparse_product(row: tuple[Tensor, Tensor], weight: Tensor) -> Tensor:
    """Return the products (n, n_outputs) of sparse rows and a matrix (n_features, n_outputs).

    Parameters
    ----------
    row : tuple of Tensor (n, L)
        Indices and values.
    weight : Tensor (n_features, n_outputs)
        Matrix.
    """
    indices, values = row
    if torch.compiler.is_compiling():
        # gather and product, as the ONNX form of an embedding bag is a loop over rows:
        # (n, 1, L) @ (n, L, n_outputs)
        return (values.unsqueeze(1) @ weight[indices]).squeeze(1)
    # never stores the gathered rows (n, L, n_outputs)
    n_rows, n_entries = indices.shape
    return nn.functional.embedding_bag(
        indices.flatten(),
        weight,
        n_entries * torch.arange(n_rows, device=indices.device),
        per_sample_weights=values.flatten(),
        mode="sum",
    )
