"""Minimality that compares the distributions of the modalities."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .._checks.parameters import check_scalar
from ._embedding import Embedding
from ._gaussian_kernel import log_mean_kernel
from ._holes import no_loss
from ._terms import Minimality, pairwise_mean, register_minimality


def cauchy_schwarz(x: torch.Tensor, y: torch.Tensor, *, variance: float = 0.5) -> torch.Tensor:
    r"""Cauchy-Schwarz divergence of two samples, estimated by kernel densities [1]_.

    .. math:: D(p, q) = -\log \frac{\big(\int p q\big)^2}{\int p^2 \int q^2}
        \approx -2 \log \overline{k(x_i, y_j)} + \log \overline{k(x_i, x_j)}
        + \log \overline{k(y_i, y_j)}

    with means over all pairs of points, each with itself included, and
    :math:`k(x, y) = e^{-\|x - y\|^2 / (2\sigma^2)}`. The order of the points has no effect. Memory
    grows with `n` and `m`: matrices of all pairs of points with more than four million entries are
    computed in parts, and again in the backward pass.

    Parameters
    ----------
    x : Tensor (n, d)
        Points, at least one.
    y : Tensor (m, d)
        Points, at least one.
    variance : float, default=0.5
        :math:`\sigma^2 > 0`, twice the variance of the Gaussian around each point of the densities.

    Returns
    -------
    Tensor ()
        In nats, at least 0; 0 for equal samples.

    Raises
    ------
    ValueError
        If the shapes do not match, there are no points, or `variance` is not positive.

    References
    ----------
    .. [1] Jenssen et al. *The Cauchy-Schwarz divergence and Parzen windowing: Connections to graph
       theory and Mercer kernels*. Journal of the Franklin Institute 343, 2006.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import cauchy_schwarz
    >>> cauchy_schwarz(torch.tensor([[0.0]]), torch.tensor([[1.0]])).item()  # 1 / variance
    2.0
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or not len(x) or not len(y):
        raise ValueError(
            "expected two samples of shapes (n, d) and (m, d), with at least one point each; got "
            f"{tuple(x.shape)} and {tuple(y.shape)}."
        )
    return _mean_divergence([x, y], variance)


def cauchy_schwarz_minimality(
    embeddings: Sequence[Embedding],
    present: Sequence[torch.Tensor] | None = None,
    *,
    variance: float = 0.5,
) -> torch.Tensor:
    r"""Mean Cauchy-Schwarz divergence of the distributions of two modalities [1]_.

    The mean of :func:`cauchy_schwarz` over the pairs of modalities. Which rows are partners has no
    effect: the term removes differences between the modalities as a whole, such as the gap
    between them, and rows that have a single modality take part.

    Parameters
    ----------
    embeddings : sequence of Embedding
        Embeddings of M >= 2 modalities; only their means (n, d) are used.
    present : sequence of Tensor of bool (n,), default=None
        Mask of the rows that each modality has; the mean is over the pairs of modalities that have
        rows. None: rows have all modalities.
    variance : float, default=0.5
        :math:`\sigma^2` of the kernel. Squared distances of rows of unit norm are between 0 and 4,
        2 for orthogonal ones.

    Returns
    -------
    Tensor ()
        In nats, at least 0.

    Raises
    ------
    ValueError
        If there are fewer than two modalities, or `variance` is not positive.

    References
    ----------
    .. [1] Yin et al. *Distributional Vision-Language Alignment by Cauchy-Schwarz Divergence*.
       ICLR 2026, arXiv 2502.17028.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import Embedding, cauchy_schwarz_minimality
    >>> z = Embedding(torch.tensor([[1.0, 0.0]]))
    >>> w = Embedding(torch.tensor([[0.0, 1.0]]))
    >>> cauchy_schwarz_minimality([z, w]).item()  # squared distance / variance
    4.0
    """
    means = [embedding.mean for embedding in embeddings]
    if len(means) < 2:
        raise ValueError(f"expected embeddings of at least two modalities, got {len(means)}.")
    samples = means
    if present is not None:
        samples = [z[mask] for z, mask in zip(means, present, strict=True) if mask.any()]
    if len(samples) < 2:
        return no_loss(means)
    return _mean_divergence(samples, variance)


register_minimality(
    "cs",
    Minimality(cauchy_schwarz_minimality, pairwise=False, takes_present=True, takes_unpaired=True),
)


def _mean_divergence(samples: Sequence[torch.Tensor], variance: float) -> torch.Tensor:
    """Return the mean divergence of two samples, with one matrix of each sample with itself."""
    check_scalar("variance", variance, low=0, strict=True)
    within = torch.stack([log_mean_kernel(x, x, variance) for x in samples]).mean()
    between = pairwise_mean(lambda x, y: log_mean_kernel(x, y, variance), samples)
    return 2 * (within - between)
