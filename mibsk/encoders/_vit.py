"""Vision transformer."""

from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ._factory import EncoderFactory
from ._images import ChannelsFirst, image_size

INIT_STD = 0.02


class ViT(EncoderFactory):
    r"""Vision transformer [1]_: attention over the patches of an image.

    Patches are projected to tokens; a class token is prepended and learned positions are added;
    then `depth` pre-norm blocks follow,

    .. math:: x \leftarrow x + \mathrm{Attention}(\mathrm{LN}(x)), \quad
              x \leftarrow x + \mathrm{MLP}(\mathrm{LN}(x)),

    and a linear layer reads the class token. The defaults have the size of "ViT-Ti" [2]_, with
    a patch size for 64x64 images.

    Parameters
    ----------
    patch_size : int, default=4
        Side of a patch in pixels; must divide height and width.
    dim : int, default=192
        Width of a token; must be a multiple of `heads`.
    depth : int, default=12
        Number of blocks.
    heads : int, default=3
        Number of attention heads.
    mlp_ratio : float, default=4.0
        Hidden width of the MLP of a block, as a multiple of `dim`.

    References
    ----------
    .. [1] Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021.
    .. [2] Touvron et al., "Training data-efficient image transformers", ICML 2021.

    Examples
    --------
    >>> import torch
    >>> from mibsk.encoders import ViT
    >>> encoder = ViT(dim=24, depth=2)(input_shape=(16, 16), n_outputs=8)
    >>> encoder(torch.zeros(2, 16, 16)).shape
    torch.Size([2, 8])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "patch_size": [Interval(Integral, 1, None, closed="left")],
        "dim": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "heads": [Interval(Integral, 1, None, closed="left")],
        "mlp_ratio": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        patch_size: int = 4,
        *,
        dim: int = 192,
        depth: int = 12,
        heads: int = 3,
        mlp_ratio: float = 4.0,
    ) -> None:
        self.patch_size = patch_size
        self.dim = dim
        self.depth = depth
        self.heads = heads
        self.mlp_ratio = mlp_ratio

    def __call__(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Sequential:
        r"""Build a module that maps (n, \*input_shape) to (n, n_outputs)."""
        return super().__call__(input_shape, n_outputs).apply(_init_weights)

    def _build_trunk(self, input_shape: tuple[int, ...]) -> tuple[list[nn.Module], int]:
        n_channels, height, width = image_size(input_shape)
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f"patch_size={self.patch_size} does not divide images of {height}x{width} pixels: "
                "choose a divisor of both, or crop or pad the images."
            )
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim} is not a multiple of heads={self.heads}.")
        n_hidden = max(1, round(self.mlp_ratio * self.dim))
        n_patches = (height // self.patch_size) * (width // self.patch_size)
        layers: list[nn.Module] = [
            ChannelsFirst(input_shape),
            PatchTokens(n_channels, n_patches, patch_size=self.patch_size, dim=self.dim),
            *(TransformerBlock(self.dim, self.heads, n_hidden) for _ in range(self.depth)),
            ClassToken(),
            nn.LayerNorm(self.dim),
        ]
        return layers, self.dim


class PatchTokens(nn.Module):
    """Class token and patches of an image, with positions added."""

    def __init__(self, n_channels: int, n_patches: int, *, patch_size: int, dim: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(n_channels, dim, patch_size, stride=patch_size)
        self.class_token = nn.Parameter(torch.empty(1, 1, dim))
        self.positions = nn.Parameter(torch.empty(1, 1 + n_patches, dim))
        nn.init.trunc_normal_(self.class_token, std=INIT_STD)
        nn.init.trunc_normal_(self.positions, std=INIT_STD)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, C, H, W) to tokens (n, 1 + n_patches, dim)."""
        patches = self.project(x).flatten(2).transpose(1, 2)
        class_token = self.class_token.expand(x.shape[0], -1, -1)
        return torch.cat([class_token, patches], dim=1) + self.positions


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (n, t, dim) to (n, t, dim)."""
        # (n, t, 3 * dim) -> 3 of (n, heads, t, dim / heads)
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        return self.out(
            nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        )


class TransformerBlock(nn.Module):
    """Pre-norm attention and MLP, each with a residual connection."""

    def __init__(self, dim: int, heads: int, n_hidden: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(dim), Attention(dim, heads))
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, n_hidden), nn.GELU(), nn.Linear(n_hidden, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (n, t, dim) to (n, t, dim)."""
        x = x + self.attention(x)
        return x + self.mlp(x)


class ClassToken(nn.Module):
    """Selection of the class token."""

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (n, t, dim) to (n, dim)."""
        return x[:, 0]


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=INIT_STD)
        nn.init.zeros_(module.bias)
