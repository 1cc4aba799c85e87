"""Standardisation of the input, stored with the encoder."""

from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from ..files.memory_map import read_chunks
from ._images import channel_axis

Scaling = Literal["auto", "columns", "modality"]

CHUNK_VALUES = 2**18  # 2 MiB of float64, which fit in the cache
SIMILAR = 10.0  # ratio of standard deviations up to which "auto" divides by one number
LARGEST = 10.0  # limit of the scaled training values with "auto"
FLOAT32 = np.finfo(np.float32)


class InputScaling(nn.Module):
    """Standardise the input: ``(x - mean) / scale`` in float32.

    Parameters
    ----------
    mean, scale : array-like
        Arrays of the same shape, which broadcasts against the shape of one row. `scale` is
        positive.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from mibsk.encoders import InputScaling
    >>> scaling = InputScaling.from_array(np.array([[0, 7], [2, 7]]))
    >>> scaling(torch.tensor([[0, 7], [4, 8]]))
    tensor([[-1.,  0.],
            [ 3.,  1.]])
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: ArrayLike, scale: ArrayLike) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(np.array(mean, dtype=np.float32)))
        self.register_buffer("scale", torch.from_numpy(np.array(scale, dtype=np.float32)))
        if self.mean.shape != self.scale.shape:
            raise ValueError(
                f"mean has shape {tuple(self.mean.shape)}, scale has {tuple(self.scale.shape)}: "
                "expected the same shape."
            )
        if not (self.mean.isfinite().all() and self.scale.isfinite().all()):
            raise ValueError("mean or scale is not finite in float32.")
        if not (self.scale > 0).all():
            raise ValueError("scale holds values that are not positive in float32.")

    @classmethod
    def from_array(cls, X: NDArray, how: Scaling = "columns") -> "InputScaling":
        r"""Estimate mean and standard deviation from data, one chunk of rows at a time.

        The columns of a row, each with a mean of its own, are

        ========================  =========================  =================
        shape of a row            a column is                shape of the mean
        ========================  =========================  =================
        (d,)                      a feature                  (d,)
        (side, side)              the whole row              (1, 1)
        (channels, time)          a channel                  (channels, 1)
        (C, H, W)                 a channel                  (C, 1, 1)
        (H, W, C)                 a channel                  (1, 1, C)
        any other                 the whole row              (1, ..., 1)
        ========================  =========================  =================

        Moments are computed in float64 and merged over chunks [1]_, so a memory map is never
        loaded as a whole. A column that is constant up to the resolution of float32 (standard
        deviation at most 10 float32 epsilons of its mean) gets scale 1.

        Parameters
        ----------
        X : ndarray of shape (n, \*input_shape)
            Numbers of any real type.
        how : {"columns", "modality", "auto"}, default="columns"
            - "columns": each column is divided by its own standard deviation.
            - "modality": all columns are divided by the same number, the square root of the mean
              variance of those that are not constant, so distances between rows keep their ratios.
            - "auto": "modality" for rows of shape (d,) whose columns have similar scales (the 90th
              percentile of their standard deviations is at most 10 times the 10th), unless all
              values are 0 or 1; else "columns". A scale is at least a tenth of the largest
              deviation from the mean, so no value of `X` becomes larger than 10, also in a column
              that is almost constant.

        Returns
        -------
        InputScaling

        Raises
        ------
        ValueError
            If `X` has no rows or fewer than two axes, or holds NaN, infinity, or values larger
            than half of the float32 maximum, whose differences would overflow.

        References
        ----------
        .. [1] Chan, Golub and LeVeque, "Algorithms for computing the sample variance", The
           American Statistician 37, 1983.

        Examples
        --------
        >>> X = np.array([[0.0, 0.0], [2.0, 40.0]])
        >>> InputScaling.from_array(X).scale
        tensor([ 1., 20.])
        >>> InputScaling.from_array(X, "modality").scale
        tensor([14.1598, 14.1598])
        """
        if X.ndim < 2 or X.size == 0:
            raise ValueError(
                f"X has shape {X.shape}: expected (n, *input_shape) with at least one row."
            )
        moments = _Moments.of(X)
        mean, scale = moments.mean, np.sqrt(moments.variance)
        is_constant = scale <= np.maximum(10 * FLOAT32.eps * np.abs(mean), FLOAT32.tiny)
        varying = scale[~is_constant]
        scale[is_constant] = 1.0
        largest = np.maximum(moments.high - mean, mean - moments.low)
        one_unit = X.ndim == 2 and not moments.binary and _are_similar(varying)
        if how == "modality" or (how == "auto" and one_unit):
            scale[...] = np.sqrt(np.square(varying).mean()) if varying.size else 1.0
            largest[...] = largest.max()
        if how == "auto":
            scale = np.maximum(scale, largest / LARGEST)
        return cls(mean[0], scale[0])

    def forward(self, x: Tensor) -> Tensor:
        r"""Map (n, \*input_shape) of any real type to float32 of the same shape."""
        return (x.to(torch.float32) - self.mean) / self.scale

    def extra_repr(self) -> str:
        """Show the shape of mean and scale when the module is printed."""
        return f"shape={tuple(self.mean.shape)}"


def learn_scaling(X: Any, how: Scaling | None) -> InputScaling | None:
    """Learn the scaling of prepared rows of one modality: None if they are sparse or `how` is.

    Bytes are at least converted to float32, the type that encoders need.
    """
    if sp.issparse(X) or (how is None and X.dtype.kind == "f"):
        return None
    return InputScaling([0.0], [1.0]) if how is None else InputScaling.from_array(X, how)


def pooled_axes(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of a row that belong to the same column."""
    n_axes = len(input_shape)
    kept: int | None = None
    if n_axes == 1 or (n_axes == 2 and input_shape[0] != input_shape[1]):
        kept = 0
    elif len(input_shape) == 3:
        kept = channel_axis(input_shape)
    return tuple(axis for axis in range(n_axes) if axis != kept)


class _Moments(NamedTuple):
    """Moments of each column, arrays of the shape (1, *shape of the mean)."""

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    binary: bool  # whether all values are 0 or 1

    @classmethod
    def of(cls, X: NDArray) -> "_Moments":
        """Compute the moments, one chunk of rows at a time.

        Raises
        ------
        ValueError
            If a value is not finite, or too large.
        """
        input_shape = X.shape[1:]
        axes = (0, *(1 + axis for axis in pooled_axes(input_shape)))
        n_rows = max(1, CHUNK_VALUES // prod(input_shape))
        count, binary = 0, True
        mean: NDArray[np.float64] = np.zeros(1)
        squares: NDArray[np.float64] = np.zeros(1)  # sum of squared deviations from the mean
        low, high = np.full(1, np.inf), np.full(1, -np.inf)
        # read_chunks saves memory on large mapped files; a single chunk is read directly
        chunks = [X[:]] if len(X) <= n_rows else (rows for _, rows in read_chunks(X, n_rows))
        for rows in chunks:
            chunk = rows.astype(np.float64)
            low = np.minimum(low, chunk.min(axis=axes, keepdims=True))
            high = np.maximum(high, chunk.max(axis=axes, keepdims=True))
            _check_range(low, high)
            binary = binary and bool(((chunk == 0) | (chunk == 1)).all())
            n_new = prod(chunk.shape[axis] for axis in axes)
            new_mean = chunk.mean(axis=axes, keepdims=True)
            chunk -= new_mean
            total = count + n_new
            delta = new_mean - mean
            mean = mean + delta * (n_new / total)
            squares = (
                squares
                + np.square(chunk, out=chunk).sum(axis=axes, keepdims=True)
                + delta**2 * (count * n_new / total)
            )
            count = total
        return cls(mean, squares / count, low, high, binary)


def _are_similar(scales: NDArray[np.float64]) -> bool:
    """Whether all but the smallest and largest scales have the same order of magnitude."""
    if not scales.size:
        return True
    low, high = np.quantile(scales, [0.1, 0.9])
    return bool(high <= SIMILAR * low)


def _check_range(low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    extremes = np.array([low.min(), high.max()])
    if not np.isfinite(extremes).all():
        raise ValueError("X holds NaN or infinity: impute or remove those rows first.")
    largest = np.abs(extremes).max()
    if largest > FLOAT32.max / 2:
        raise ValueError(
            f"X holds a value of size {largest:.3g}, too large for float32: rescale X first."
        )
