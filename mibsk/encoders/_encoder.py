"""Encoder of one modality, from its rows to its embeddings."""

import math

import torch
from torch import Tensor, nn

from ..data import EncoderInput, Features
from ._closed_form import NORM_EPS, ClosedForm
from ._projection import Projection
from ._scaling import InputScaling

LOG_NOISE_INIT = -2.0
LOG_NOISE_RANGE = (-10.0, 4.0)


class Encoder(nn.Module):
    r"""Encoder of one modality: input scaling, backbone, projection on the unit sphere.

    .. math:: z = f(x) / \max(\lVert f(x) \rVert, \epsilon)

    The backbone is a trunk, which computes the features, followed by a linear head. Two stages can
    be set after training: a `bottleneck` maps the embedding linearly and scales the result to unit
    norm again; a `closed_form` puts canonical variates of the input beside it, or in its place.

    A probabilistic encoder returns a Gaussian :math:`\mathcal{N}(z, \mathrm{diag}(\sigma^2))`:
    the first `n_components` outputs of the backbone are `f`, the others `r`, with

    .. math:: \log \sigma^2 = \mathrm{clip}(r - 2, -10, 4) - \log d,

    so that the expected squared norm of the noise, :math:`\sum_k \sigma_k^2`, starts near
    :math:`e^{-2}` for any dimension `d` (the mean has norm 1) and stays between
    :math:`e^{-10}` and :math:`e^4`.

    Parameters
    ----------
    backbone : nn.Module
        Maps (n, \*input_shape), or a sparse pair ``(indices, values)``, to (n, n_components), or
        to (n, 2 * n_components) if `probabilistic`. The head is its last layer if it is an
        `nn.Sequential` that ends in `nn.Linear`, or the backbone if it is an `nn.Linear`. Any
        other backbone has no head, and its features are its output.
    n_components : int
        Dimension `d` of the embedding.
    scaling : InputScaling, default=None
        Standardises dense input. Sparse pairs are not scaled; `None` leaves all input unscaled.
    probabilistic : bool, default=False
        Return a log-variance next to the mean.
    modality : str, default=None
        Name of the modality in error messages.

    Raises
    ------
    ValueError
        If the output of the backbone does not have the expected shape.
    TypeError
        If the output of the backbone is not a tensor.

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
        self.bottleneck: Projection | None = None
        self.closed_form: ClosedForm | None = None

    def forward(self, x: EncoderInput) -> Tensor:
        """Map a batch to embeddings (n, n_outputs), rows of unit norm."""
        if self.closed_form is None:
            return self.network(x)
        if self.closed_form.is_alone:
            return self.closed_form.variates(self.scaled(x))
        return self.closed_form(self.scaled(x), self.network(x))

    def network(self, x: EncoderInput) -> Tensor:
        """Map a batch to embeddings, rows of unit norm, without the closed form."""
        mean, _ = self.distribution(x)
        if self.bottleneck is None:
            return mean
        return nn.functional.normalize(self.bottleneck(mean), dim=1, eps=NORM_EPS)

    @property
    def n_outputs(self) -> int:
        """Dimension of the embeddings: `n_components` without bottleneck and closed form."""
        n = self.n_network_outputs
        return n if self.closed_form is None else self.closed_form.n_outputs(n)

    @property
    def n_network_outputs(self) -> int:
        """Dimension of the embeddings without closed form."""
        return self.n_components if self.bottleneck is None else len(self.bottleneck.bias)

    def distribution(self, x: EncoderInput) -> tuple[Tensor, Tensor | None]:
        r"""Map a batch to the mean and log-variance of its embeddings, as trained.

        Neither the bottleneck nor the closed form is applied.

        Parameters
        ----------
        x : Tensor of shape (n, \*input_shape), pair of Tensors of shape (n, L), or Features
            Dense rows, indices and values of sparse rows, or what a frozen tower gives for rows.

        Returns
        -------
        mean : Tensor of shape (n, n_components)
            Rows of unit norm.
        log_var : Tensor of shape (n, n_components) or None
            `None` unless `probabilistic`.
        """
        n_rows = (x if isinstance(x, Tensor) else x[0]).shape[0]
        if isinstance(x, Features):  # of a frozen tower, the first layer
            output = x.values
            for layer in list(self.backbone.children())[1:]:
                output = layer(output)
        else:
            output = self.backbone(self.scaled(x))
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
        """Map a batch, as for :meth:`distribution`, to the input of the head (n, n_features)."""
        return self.trunk(self.scaled(x))

    @property
    def trunk(self) -> nn.Module:
        """Layers before the head; the whole backbone if `head` is `None`."""
        if self.head is None:
            return self.backbone
        return self.backbone[:-1] if isinstance(self.backbone, nn.Sequential) else nn.Identity()

    @property
    def head(self) -> nn.Linear | None:
        """Last linear layer; `None` if the backbone does not end in one."""
        last = self.backbone
        if isinstance(last, nn.Sequential) and len(last):
            last = last[-1]
        return last if isinstance(last, nn.Linear) else None

    @property
    def label(self) -> str:
        """Name of the encoder in error messages."""
        return "the encoder" if self.modality is None else f"encoder of modality {self.modality!r}"

    def scaled(self, x: EncoderInput) -> EncoderInput:
        """Scale a dense batch; a sparse pair is returned as it is."""
        return self.scaling(x) if self.scaling is not None and isinstance(x, Tensor) else x

    def _wrong_output(self, output: object, n_rows: int, n_outputs: int) -> Exception:
        """Return the error for an output of the backbone that is not (n_rows, n_outputs)."""
        if not isinstance(output, Tensor):
            return TypeError(f"{self.label} gave a {type(output).__name__}; expected a Tensor.")
        shape = tuple(output.shape)
        message = f"{self.label} gave {shape}; expected ({n_rows}, {n_outputs})"
        if len(shape) != 2 or shape[0] != n_rows:
            return ValueError(f"{message}: one row of outputs for each row of input.")
        message += f": end it with nn.Linear(..., {n_outputs})"
        if not self.probabilistic:
            return ValueError(f"{message} or set n_components={shape[1]}.")
        message += ", for a mean and a log-variance"
        if shape[1] % 2 == 0:
            message += f", or set n_components={shape[1] // 2}"
        return ValueError(f"{message}.")
