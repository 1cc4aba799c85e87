"""Attention over the tokens of a row."""

from numbers import Integral
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ._factory import EncoderFactory


class AttentionPool(EncoderFactory):
    r"""Attention pooling of tokens or patches, below a linear head.

    A row has the shape (tokens, d) or (height, width, d). Each head weighs the tokens by the
    softmax of a linear function of their normalised features,

    .. math:: z_h = \sum_t \mathrm{softmax}_t(u_h \cdot \mathrm{LN}(x_t)) \, V_h \mathrm{LN}(x_t),

    and the trunk is the mean of the normalised tokens plus the results of all heads, side by side.
    At the start all weights are equal. Tokens whose features are all 0 are left out, such as those
    after the end of a text.

    Parameters
    ----------
    heads : int, default=4
        Number of heads; must divide `d`.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import AttentionPool
    >>> AttentionPool()(input_shape=(49, 64), n_outputs=8)(torch.zeros(2, 49, 64)).shape
    torch.Size([2, 8])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "heads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, heads: int = 4) -> None:
        self.heads = heads

    @property
    def scales_input(self) -> bool:
        """False: each token is normalised, and tokens of 0 are to stay 0."""
        return False

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        if len(input_shape) < 2:
            raise ValueError(
                f"AttentionPool got rows of shape {input_shape}: expected (tokens, d) or (height, "
                "width, d). Choose 'mlp' for rows of one vector."
            )
        n_features = input_shape[-1]
        return [TokenPool(n_features, self.heads)], n_features


class TokenPool(nn.Module):
    """Map tokens (n, tokens, d) or (n, height, width, d) to features (n, d)."""

    def __init__(self, n_features: int, heads: int = 1) -> None:
        super().__init__()
        if n_features % heads:
            raise ValueError(f"features of width {n_features} are not divisible by heads={heads}.")
        self.heads = heads
        self.norm = nn.LayerNorm(n_features)
        self.scores = nn.Linear(n_features, heads)
        self.values = nn.Linear(n_features, n_features)
        nn.init.zeros_(self.scores.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (n, d)."""
        x = x.float().flatten(1, -2)
        absent = x.eq(0).all(-1, keepdim=True)
        absent = absent & ~absent.all(1, keepdim=True)  # a row without any keeps all
        x = self.norm(x)
        # (n, tokens, heads)
        weights = self.scores(x).masked_fill(absent, -torch.inf).softmax(1)
        # (n, tokens, heads, d / heads)
        values = self.values(x).unflatten(-1, (self.heads, -1))
        pooled = torch.einsum("nth,nthd->nhd", weights, values).flatten(1)
        mean = x.masked_fill(absent, 0).sum(1) / (~absent).sum(1)
        return mean + pooled
