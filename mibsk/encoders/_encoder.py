"""The whole way from a modality's rows to its embeddings."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from ._registry import EncoderSpec, make_encoder, scales_input
from ._scaling import InputScaling

EncoderInput = Tensor | tuple[Tensor, Tensor]

LOG_NOISE_INIT = -2.0
LOG_NOISE_RANGE = (-10.0, 4.0)
NORM_EPS = 1e-6


class Encoder(nn.Module):
    r"""Encoder of one modality: scaling, backbone, and projection on the unit sphere.

    .. math:: z = f(x) / \max(\lVert f(x) \rVert, \epsilon)

    A probabilistic encoder gives a Gaussian :math:`\mathcal{N}(z, \mathrm{diag}(\sigma^2))`:
    the backbone's first `n_components` outputs are `f`, the others `r`, with

    .. math:: \log \sigma^2 = \mathrm{clip}(r - 2, -10, 4) - \log d,

    so that the expected squared norm of the noise, :math:`\sum_k \sigma_k^2`, starts near
    :math:`e^{-2}` of that of the mean, whatever the dimension `d`, and stays between
    :math:`e^{-10}` and :math:`e^4`.

    Parameters
    ----------
    backbone : nn.Module
        Maps (n, \*input_shape), or a sparse pair ``(indices, values)``, to (n, n_components), or
        to (n, 2 * n_components) if `probabilistic`.
    n_components : int
        Dimension `d` of the embedding.
    scaling : InputScaling, optional
        Standardises dense input; a sparse pair passes unscaled. Without it the backbone gets the
        input as it comes.
    probabilistic : bool, default=False
        Give a log-variance next to the mean.
    modality : str, optional
        Name for error messages.

    Raises
    ------
    ValueError
        If the backbone's output has not the expected shape.
    TypeError
        If the backbone's output is not a tensor.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import Encoder
    >>> encoder = Encoder(torch.nn.Identity(), n_components=2)
    >>> encoder(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """

    def __init__(
        self,
        backbone: nn.Module,
        n_components: int,
        *,
        scaling: InputScaling | None = None,
        probabilistic: bool = False,
        modality: str | None = None,
    ) -> None:
        super().__init__()
        if n_components < 1:
            raise ValueError(f"n_components={n_components}: expected a positive integer.")
        self.backbone = backbone
        self.n_components = n_components
        self.scaling = scaling
        self.probabilistic = probabilistic
        self.modality = modality

    def forward(self, x: EncoderInput) -> Tensor:
        """Map a batch to embeddings (n, n_components) with unit-norm rows."""
        mean, _ = self.distribution(x)
        return mean

    def distribution(self, x: EncoderInput) -> tuple[Tensor, Tensor | None]:
        r"""Map a batch to the mean and log-variance of its embeddings.

        Parameters
        ----------
        x : Tensor of shape (n, \*input_shape), or pair of Tensors of shape (n, L)
            Dense rows, or indices and values of sparse rows.

        Returns
        -------
        mean : Tensor of shape (n, n_components)
            Rows of unit norm.
        log_var : Tensor of shape (n, n_components) or None
            None unless `probabilistic`.
        """
        n_rows = (x if isinstance(x, Tensor) else x[0]).shape[0]
        output = self.backbone(self._scale(x))
        n_outputs = (2 if self.probabilistic else 1) * self.n_components
        if not (
            isinstance(output, Tensor)
            and output.ndim == 2
            and output.shape[0] == n_rows
            and output.shape[1] == n_outputs
        ):
            raise self._wrong_output(output, n_rows, n_outputs)
        output = output.float()  # half precision underflows in the norm
        if not self.probabilistic:
            return nn.functional.normalize(output, dim=1, eps=NORM_EPS), None
        direction, raw = output.chunk(2, dim=1)
        log_noise = torch.clamp(raw + LOG_NOISE_INIT, *LOG_NOISE_RANGE)
        return (
            nn.functional.normalize(direction, dim=1, eps=NORM_EPS),
            log_noise - math.log(self.n_components),
        )

    def features(self, x: EncoderInput) -> Tensor:
        """Map a batch, as for :meth:`distribution`, to what the head reads: (n, n_features)."""
        return self.trunk(self._scale(x))

    @property
    def trunk(self) -> nn.Module:
        """Layers before the head; the whole backbone if `head` is None."""
        if self.head is None:
            return self.backbone
        return self.backbone[:-1] if isinstance(self.backbone, nn.Sequential) else nn.Identity()

    @property
    def head(self) -> nn.Linear | None:
        """Last linear layer; None if the backbone does not end in one."""
        last = self.backbone
        if isinstance(last, nn.Sequential) and len(last):
            last = last[-1]
        return last if isinstance(last, nn.Linear) else None

    @property
    def _label(self) -> str:
        return "the encoder" if self.modality is None else f"encoder of modality {self.modality!r}"

    def _scale(self, x: EncoderInput) -> EncoderInput:
        return self.scaling(x) if self.scaling is not None and isinstance(x, Tensor) else x

    def _wrong_output(self, output: object, n_rows: int, n_outputs: int) -> Exception:
        """Return the error for an output of the backbone that is not (n_rows, n_outputs)."""
        if not isinstance(output, Tensor):
            return TypeError(f"{self._label} gave a {type(output).__name__}; expected a Tensor.")
        shape = tuple(output.shape)
        message = f"{self._label} gave {shape}; expected ({n_rows}, {n_outputs})"
        if len(shape) != 2 or shape[0] != n_rows:
            return ValueError(f"{message}: one row of outputs for each row of input.")
        message += f": end it with nn.Linear(..., {n_outputs})"
        if not self.probabilistic:
            return ValueError(f"{message} or set n_components={shape[1]}.")
        message += ", for a mean and a log-variance"
        if shape[1] % 2 == 0:
            message += f", or set n_components={shape[1] // 2}"
        return ValueError(f"{message}.")


def build_encoder(
    spec: EncoderSpec,
    input_shape: tuple[int, ...],
    n_components: int,
    *,
    dtype: str = "float32",
    sparse: bool = False,
    probabilistic: bool = False,
    scaling: InputScaling | None = None,
    modality: str | None = None,
) -> Encoder:
    r"""Build the encoder of one modality and try it on two rows of zeros.

    Weights are drawn from torch's current generator: seed or fork it around the call.

    Parameters
    ----------
    spec : str, nn.Module or callable
        As for :func:`make_encoder`.
    input_shape : tuple of int
        Shape of one row.
    n_components : int
        Dimension of the embedding.
    dtype : str, default="float32"
        Type of the rows, or of the values of sparse rows.
    sparse : bool, default=False
        Whether rows are pairs ``(indices, values)``.
    probabilistic : bool, default=False
        Return a log-variance next to the mean.
    scaling : InputScaling, default=None
        Standardises dense input; ignored where :func:`scales_input` is False.
    modality : str, default=None
        Name for error messages.

    Returns
    -------
    Encoder
        In training mode.

    Raises
    ------
    ValueError
        If the encoder cannot read such rows, or its output has the wrong shape.
    TypeError
        If `spec` is not an encoder, or its output not a tensor.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import build_encoder
    >>> encoder = build_encoder("auto", input_shape=(10,), n_components=4)
    >>> encoder.features(torch.zeros(3, 10)).shape
    torch.Size([3, 128])
    """
    n_outputs = (2 if probabilistic else 1) * n_components
    scaling = scaling if scales_input(spec) else None
    encoder = Encoder(
        make_encoder(spec, input_shape, n_outputs, sparse=sparse),
        n_components,
        scaling=scaling,
        probabilistic=probabilistic,
        modality=modality,
    )
    shape = (2, 1) if sparse else (2, *input_shape)
    values = torch.from_numpy(np.zeros(shape, dtype))
    encoder.eval()
    try:
        with torch.no_grad():
            encoder((torch.zeros(shape, dtype=torch.int64), values) if sparse else values)
    except (IndexError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{encoder._label} cannot read a batch of shape {shape}: {reason}. Pass one for rows "
            f"of shape {input_shape}."
        ) from error
    return encoder.train()
