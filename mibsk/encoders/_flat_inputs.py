"""Input of an encoder as flat rows, whose similarities a loss can compare."""

import torch
from torch import Tensor, nn

from ..data import EncoderInput, Features
from ._encoder import Encoder
from ._frozen import FrozenTrunk


@torch.no_grad()
def flat_inputs(encoder: Encoder, x: EncoderInput) -> Tensor:
    r"""Return a batch as flat float32 rows (n, p), without gradients.

    ==================================  ========================================================
    rows                                result
    ==================================  ========================================================
    dense, of shape (\*input_shape)     scaled as for the backbone, flattened: pixels of images,
                                        columns of one-hot labels
    dense, read by a frozen tower       the features of the tower, which define similarity better
                                        than its input does; it is run once more, unless they
                                        are given
    sparse, such as text                values of the columns that at least one row of the batch
                                        has; a column without values changes no inner product
    ==================================  ========================================================

    Parameters
    ----------
    encoder : Encoder
        Encoder of the modality.
    x : Tensor of shape (n, \*input_shape), pair of Tensors of shape (n, L), or Features
        Dense rows, indices and values of sparse rows, or features of a frozen tower.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import Encoder, InputScaling, flat_inputs
    >>> encoder = Encoder(torch.nn.Identity(), 2, scaling=InputScaling([1.0], [2.0]))
    >>> flat_inputs(encoder, torch.tensor([[[1, 3], [5, 7]]]))
    tensor([[0., 1., 2., 3.]])
    """
    if isinstance(x, Features):
        return x.values
    if not isinstance(x, Tensor):
        return _dense(*x)
    rows, trunk = encoder.scaled(x), encoder.trunk
    assert isinstance(rows, Tensor)
    if isinstance(trunk, nn.Sequential) and len(trunk) and isinstance(trunk[0], FrozenTrunk):
        features: Tensor = trunk[0](rows)
        return features.float()
    return rows.flatten(1).float()


def _dense(indices: Tensor, values: Tensor) -> Tensor:
    """Return sparse rows (n, L) as dense ones, in the columns that occur."""
    used, columns = torch.unique(indices, return_inverse=True)
    rows = values.new_zeros(len(values), len(used))
    return rows.scatter_add_(1, columns, values).float()
