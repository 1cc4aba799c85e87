"""Minimality for Gaussian embeddings with learned variance."""

from __future__ import annotations

import torch

from ._embedding import Embedding, check_paired
from ._terms import Minimality, register_minimality


def variational_minimality(a: Embedding, b: Embedding) -> torch.Tensor:
    r"""Upper bound of the modality-specific information for diagonal Gaussians.

    The mean over both directions of the closed form

    .. math:: \mathrm{KL}(p\,\|\,q) = \frac12 \sum_k \Big[\log\frac{\sigma_{q,k}^2}{\sigma_{p,k}^2}
        + \frac{\sigma_{p,k}^2 + (\mu_{p,k} - \mu_{q,k})^2}{\sigma_{q,k}^2} - 1\Big],

    in which the logarithms cancel. Suitable values of `beta` differ from those for
    :func:`gaussian_minimality`, where the variance is 1.

    Parameters
    ----------
    a, b : Embedding
        Embeddings with `log_var`, with row `i` of both a pair.

    Returns
    -------
    Tensor ()
        In nats.

    Examples
    --------
    >>> import torch
    >>> from mibsk.losses import Embedding, variational_minimality
    >>> zero = torch.zeros(1, 2)
    >>> a, b = Embedding(zero, zero), Embedding(zero + 1.0, zero)
    >>> variational_minimality(a, b).item()  # half the squared distance at variance 1
    1.0
    """
    return (kl_diag_gaussians(a, b) + kl_diag_gaussians(b, a)).mean() / 2


register_minimality("variational", Minimality(variational_minimality, needs_variance=True))


def kl_diag_gaussians(p: Embedding, q: Embedding) -> torch.Tensor:
    """Return KL(p‖q) of each row in nats, a tensor (n,)."""
    if p.log_var is None or q.log_var is None:
        raise ValueError(
            "variational minimality needs embeddings with log_var: build the encoders with "
            "probabilistic=True."
        )
    check_paired(p.mean, q.mean)
    log_ratio = p.log_var - q.log_var
    scaled = (p.mean - q.mean).square() * torch.exp(-q.log_var)
    return (torch.expm1(log_ratio) - log_ratio + scaled).sum(1) / 2


def sample(embedding: Embedding) -> torch.Tensor:
    r"""Draw one reparameterized sample :math:`\mu + \sigma\varepsilon` per row, with unit norm.

    For a deterministic embedding, return the mean.
    """
    mean, log_var = embedding
    if log_var is None:
        return mean
    noisy = mean + torch.exp(log_var / 2) * torch.randn_like(mean)
    return torch.nn.functional.normalize(noisy, dim=1)
