"""Features of pictures that need no pretrained network: gradients, patches and colours."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from torch.nn import functional as F

Images = NDArray[np.uint8]
"""(n, h, w) or (n, h, w, 3)."""

ROWS_AT_A_TIME = 64


class Gradients(TransformerMixin, BaseEstimator):
    """Histograms of the directions of gradients, in square cells (Dalal and Triggs, CVPR 2005).

    Each pixel adds the square root of its share: the sum over a cell of the gradient's length, by
    direction, between the two nearest of `n_directions`. Colours are averaged to grey.

    Parameters
    ----------
    cell : int, default=6
        Side of a cell in pixels; pixels at the right and lower side beyond whole cells are ignored.
    n_directions : int, default=8
        Number of directions of the circle.

    Examples
    --------
    >>> import numpy as np
    >>> edge = np.zeros((1, 6, 6), dtype=np.uint8)
    >>> edge[:, :, 3:] = 255  # brighter to the right: direction 0
    >>> Gradients(n_directions=4).fit_transform(edge).round(2)
    array([[3.46, 0.  , 0.  , 0.  ]], dtype=float32)
    """

    def __init__(self, cell: int = 6, n_directions: int = 8) -> None:
        self.cell = cell
        self.n_directions = n_directions

    def fit(self, images: Images, y: None = None) -> Self:
        """Learn nothing."""
        return self

    def transform(self, images: Images) -> NDArray[np.float32]:
        """Return the features (n, cells * n_directions)."""
        grey = _grey(images)
        right, down = np.zeros_like(grey), np.zeros_like(grey)
        right[:, :, 1:-1] = grey[:, :, 2:] - grey[:, :, :-2]
        down[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
        length = np.hypot(right, down)
        turn = np.arctan2(down, right) / (2 * np.pi) % 1 * self.n_directions
        lower = np.floor(turn)
        share = turn - lower  # of the upper direction
        n, rows, columns = grey.shape[0], grey.shape[1] // self.cell, grey.shape[2] // self.cell
        found = np.empty((n, rows, columns, self.n_directions), dtype=np.float32)
        for k in range(self.n_directions):
            weight = np.where(lower % self.n_directions == k, 1 - share, 0)
            weight += np.where((lower + 1) % self.n_directions == k, share, 0)
            of_pixels = (length * weight)[:, : rows * self.cell, : columns * self.cell]
            cells = of_pixels.reshape(n, rows, self.cell, columns, self.cell)
            found[..., k] = cells.sum(axis=(2, 4))
        return np.sqrt(found).reshape(n, -1)


class Patches(TransformerMixin, BaseEstimator):
    r"""How much each region of a picture resembles patches that are typical of the pictures.

    Patches are normalised to mean 0 and variance 1, whitened, and clustered (Coates, Lee and Ng,
    AISTATS 2011). A feature is :math:`\sqrt{\mathrm{mean}\ \max(0, c^\top x - t)}` over the patches
    `x` of a region, with the unit vector `c` of a cluster.

    Parameters
    ----------
    size : int, default=8
        Side of a patch in pixels.
    n_clusters : int, default=256
        Number of clusters.
    grid : (int, int), default=(4, 4)
        Number of regions, down and across.
    stride : int, default=2
        Distance of patches in pixels.
    threshold : float, default=1.0
        The threshold `t`.
    sort : bool, default=False
        Whether to sort the regions by each feature, for pictures whose parts are in any order.
    random_state : int, default=0
        Seed of the patches that are clustered.
    """

    def __init__(
        self,
        size: int = 8,
        n_clusters: int = 256,
        *,
        grid: tuple[int, int] = (4, 4),
        stride: int = 2,
        threshold: float = 1.0,
        sort: bool = False,
        random_state: int = 0,
    ) -> None:
        self.size = size
        self.n_clusters = n_clusters
        self.grid = grid
        self.stride = stride
        self.threshold = threshold
        self.sort = sort
        self.random_state = random_state

    def fit(self, images: Images, y: None = None) -> Self:
        """Cluster patches of these pictures."""
        rng = np.random.default_rng(self.random_state)
        chosen = rng.permutation(len(images))[:1000]
        patches = self._patches(images[chosen], padding=0).flatten(0, 1).numpy()
        varied = patches[patches.std(axis=1) > 0.5]  # those without a contrast are near 0
        sample = varied[rng.permutation(len(varied))[: 50 * self.n_clusters]]
        self.whitening_ = PCA(n_components=0.98, whiten=True).fit(sample)
        clusters = MiniBatchKMeans(
            self.n_clusters, batch_size=2048, n_init=1, max_iter=20, random_state=self.random_state
        ).fit(self.whitening_.transform(sample))
        centers = clusters.cluster_centers_
        self.filters_ = centers / np.linalg.norm(centers, axis=1, keepdims=True)
        return self

    def transform(self, images: Images) -> NDArray[np.float32]:
        """Return the features (n, n_clusters * regions)."""
        basis = self.whitening_.components_ / np.sqrt(self.whitening_.explained_variance_)[:, None]
        filters = torch.from_numpy((self.filters_ @ basis).astype(np.float32))  # k, values
        offset = (
            filters @ torch.from_numpy(self.whitening_.mean_.astype(np.float32)) + self.threshold
        )
        height, width = ((side // self.stride) + 1 for side in images.shape[1:3])
        found = []
        for start in range(0, len(images), ROWS_AT_A_TIME):
            patches = self._patches(images[start : start + ROWS_AT_A_TIME], self.size // 2)
            likeness = torch.relu(patches @ filters.T - offset).mT  # n, k, places
            maps = likeness.unflatten(2, (height, width))
            rows, columns = self.grid
            pooled = F.adaptive_avg_pool2d(maps, (rows, columns)).flatten(2).sqrt()
            found.append((pooled.sort(dim=2).values if self.sort else pooled).flatten(1))
        return torch.cat(found).numpy()

    def _patches(self, images: Images, padding: int) -> torch.Tensor:
        """Return normalised patches (n, places, values)."""
        rows = torch.from_numpy(np.ascontiguousarray(images)).float() / 255
        rows = rows[:, None] if rows.ndim == 3 else rows.permute(0, 3, 1, 2)
        padded = F.pad(rows, (padding,) * 4, mode="replicate") if padding else rows
        patches = F.unfold(padded, self.size, stride=self.stride).mT
        centred = patches - patches.mean(dim=2, keepdim=True)
        return centred / torch.sqrt(centred.square().mean(dim=2, keepdim=True) + 0.01)


class Colours(TransformerMixin, BaseEstimator):
    """Square roots of the shares of the pixels in each of ``levels ** 3`` colours.

    Examples
    --------
    >>> import numpy as np
    >>> Colours(levels=2).fit_transform(np.full((1, 4, 4, 3), 255, dtype=np.uint8))
    array([[0., 0., 0., 0., 0., 0., 0., 1.]], dtype=float32)
    """

    def __init__(self, levels: int = 4) -> None:
        self.levels = levels

    def fit(self, images: Images, y: None = None) -> Self:
        """Learn nothing."""
        return self

    def transform(self, images: Images) -> NDArray[np.float32]:
        """Return the features (n, levels ** 3) of images (n, h, w, 3)."""
        level = images.astype(np.int64) * self.levels // 256
        code = level @ self.levels ** np.arange(2, -1, -1)
        n_colours = self.levels**3
        shares = [np.bincount(c.ravel(), minlength=n_colours) / c.size for c in code]
        return np.sqrt(np.array(shares, dtype=np.float32))


def _grey(images: Images) -> NDArray[np.float32]:
    values: NDArray[np.float32] = images.astype(np.float32) / np.float32(255)
    return values if values.ndim == 3 else values.mean(axis=3, dtype=np.float32)
