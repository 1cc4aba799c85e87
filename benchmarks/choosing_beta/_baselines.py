"""Methods of other libraries: linear CCA, and the deep objectives of cca-zoo with our encoders.

The output of each method is mapped to linear canonical variates of the training rows, as cca-zoo
recommends for its deep encodings. They are weighted and scaled to unit norm.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from cca_zoo import deep
from cca_zoo.linear import MCCA
from lightning.pytorch.utilities.warnings import PossibleUserWarning
from numpy.typing import ArrayLike
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, normalize
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from mibsk.encoders import InputScaling, auto_encoder, make_encoder

Rows = Mapping[str, np.ndarray]
Embed = Callable[[Rows], dict[str, np.ndarray]]
Encode = Callable[[np.ndarray], np.ndarray]

N_PRINCIPAL = 64  # principal components of each view that linear CCA uses
MIN_DEVIATION = (
    1e-4  # of a principal component relative to the first; smaller ones are rounding errors
)
MAX_ITER = 10_000  # of the power method of scikit-learn's CCA, for each component
ROWS_PER_COMPONENT = 4  # smallest batch of objectives that invert its covariances
REG_COVAR = 1e-3
ENCODED_AT_ONCE = 1024
MAX_CORRELATION = 0.9999  # keeps the weights finite


def linear(
    train: Rows,
    *,
    encoders: Mapping[str, Any],
    n_components: int,
    max_epochs: int,
    batch_size: int,
    seed: int,
) -> Embed:
    """Fit linear CCA to flat, standardised rows: scikit-learn's to two views, MCCA to more.

    Each view is first reduced by PCA, since a few thousand rows do not determine the covariance of
    thousands of pixels: every sample correlation would be 1. Parameters that concern the training
    of networks are ignored; all baselines have the same signature.
    """
    encode = {name: _principal(X, seed) for name, X in train.items()}
    analysis = _cca if len(train) == 2 else _mcca
    return _variates(train, encode, analysis, n_components)


def deep_model(
    model: type[deep.BaseDeep],
    train: Rows,
    *,
    encoders: Mapping[str, Any],
    n_components: int,
    max_epochs: int,
    batch_size: int,
    seed: int,
    **options: Any,
) -> Embed:
    """Train our encoders with an objective of cca-zoo, with Adam at 1e-3 on a CPU.

    Objectives that invert covariances of a batch have the option `reg_covar`. Their batches have at
    least four rows per component: in smaller ones, noise alone correlates the views.
    """
    if "reg_covar" in options:
        batch_size = max(batch_size, ROWS_PER_COMPONENT * n_components)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        modules = [_encoder(encoders.get(k, "auto"), X, n_components) for k, X in train.items()]
        trained = model(n_components, modules, **options)
        rows = deep.MultiviewDataset(list(train.values()))
        batches = BatchSampler(RandomSampler(rows), min(batch_size, len(rows)), drop_last=True)
        loader = DataLoader(rows, sampler=batches, batch_size=None)  # one index for a whole batch
        with _quiet():
            _trainer(max_epochs).fit(trained, loader)
    encode = {
        name: partial(_encode, module.eval()) for name, module in zip(train, modules, strict=True)
    }
    return _variates(train, encode, _mcca, n_components)


_deep_cca = partial(partial, deep_model, reg_covar=REG_COVAR)
Baseline = Callable[..., Embed]
TWO_VIEWS: dict[str, Baseline] = {"CCA": linear, "DCCA": _deep_cca(deep.DCCA)}
MANY_VIEWS: dict[str, Baseline] = {
    "MCCA": linear,
    "DMCCA": _deep_cca(deep.DMCCA),
    "DGCCA": _deep_cca(deep.DGCCA),
}
ANY_VIEWS: dict[str, Baseline] = {
    "DCCA-EY": partial(deep_model, deep.DCCAEY),
    "VICReg": partial(deep_model, deep.VICReg),
    "Barlow Twins": partial(deep_model, deep.BarlowTwins),
}
BASELINES: dict[str, Baseline] = {**TWO_VIEWS, **MANY_VIEWS, **ANY_VIEWS}


def baseline_names(n_views: int) -> list[str]:
    """Return the baselines for a number of views (modalities)."""
    return [*(TWO_VIEWS if n_views == 2 else MANY_VIEWS), *ANY_VIEWS]


def _principal(X: np.ndarray, seed: int) -> Encode:
    """Fit the leading principal components of flat, standardised rows."""
    pca = PCA(min(N_PRINCIPAL, len(X), X[0].size), whiten=True, random_state=seed)
    pipeline = make_pipeline(FunctionTransformer(_flat), StandardScaler(), pca).fit(X)
    deviations = np.sqrt(pca.explained_variance_)
    n_kept = int((deviations > MIN_DEVIATION * deviations[0]).sum())
    return lambda rows: pipeline.transform(rows)[:, :n_kept]


def _flat(X: np.ndarray) -> np.ndarray:
    return X.reshape(len(X), -1).astype(np.float64)


def _encoder(spec: Any, X: np.ndarray, n_outputs: int) -> nn.Module:
    """Build the encoder that mibsk builds for these rows, without the projection to unit norm."""
    shape = X.shape[1:]
    if isinstance(spec, str) and spec == "auto":
        spec = auto_encoder(shape, sparse=False)
    return nn.Sequential(InputScaling.from_array(X), make_encoder(spec, shape, n_outputs))


def _encode(module: nn.Module, X: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        chunks = [module(rows) for rows in torch.as_tensor(X).split(ENCODED_AT_ONCE)]
    return torch.cat(chunks).double().numpy()


def _trainer(max_epochs: int) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=max_epochs,
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress advice of lightning on devices, worker processes and validation."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            advice = ".*(does not have many workers|have no `val_dataloader`)"
            warnings.filterwarnings("ignore", advice, PossibleUserWarning)
            warnings.filterwarnings("ignore", r".*LeafSpec.* is deprecated", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def _cca(views: Sequence[np.ndarray], n_components: int) -> list[np.ndarray]:
    """Return the weights of scikit-learn's CCA of two views."""
    n_components = min(n_components, *(view.shape[1] for view in views))
    cca = CCA(n_components, scale=False, max_iter=MAX_ITER).fit(*views)
    return [cca.x_rotations_, cca.y_rotations_]


def _mcca(views: Sequence[np.ndarray], n_components: int) -> list[np.ndarray]:
    """Return the weights of cca-zoo's MCCA, which is CCA for two views.

    Views are padded with columns of zeros to equal width, since the narrowest one would limit the
    number of components.
    """
    widths = [view.shape[1] for view in views]
    padded: list[ArrayLike] = [
        np.pad(view, ((0, 0), (0, max(widths) - view.shape[1]))) for view in views
    ]
    mcca = MCCA(min(n_components, max(widths))).fit(padded)
    return [W[:width] for W, width in zip(mcca.weights_, widths, strict=True)]


def _variates(
    train: Rows,
    encode: Mapping[str, Encode],
    analysis: Callable[[Sequence[np.ndarray], int], list[np.ndarray]],
    n_components: int,
) -> Embed:
    r"""Return a function that computes the weighted canonical variates of rows, of unit norm.

    Each variate has variance 1 in the training rows. The last of them are noise, but have the same
    weight as the first in a plain cosine. With correlations :math:`\rho`, the log-likelihood ratio
    of pairs to non-pairs under the Gaussian model of CCA [1]_ contains the inner product
    :math:`\sum_k \rho_k / (1 - \rho_k^2) \, u_k v_k`: each side is multiplied by the square root of
    that weight.

    References
    ----------
    .. [1] Bach and Jordan, "A probabilistic interpretation of canonical correlation analysis",
       2005.
    """
    views = [encode[name](X) for name, X in train.items()]
    means = [view.mean(axis=0) for view in views]
    views = [view - mean for view, mean in zip(views, means, strict=True)]
    weights = analysis(views, n_components)
    scores = [view @ W for view, W in zip(views, weights, strict=True)]
    deviations = [np.maximum(score.std(axis=0), np.finfo(float).tiny) for score in scores]
    unit = [score / deviation for score, deviation in zip(scores, deviations, strict=True)]
    n_views = len(unit)
    # mean correlation over pairs of views, from the square of the sum minus the sum of squares
    total = (np.sum(unit, axis=0) ** 2).mean(axis=0) - np.square(unit).mean(axis=1).sum(axis=0)
    correlations = np.clip(total / (n_views * (n_views - 1)), 0, MAX_CORRELATION)
    root = np.sqrt(correlations / (1 - correlations**2))
    maps = {
        name: (mean, W / deviation * root)
        for name, mean, W, deviation in zip(train, means, weights, deviations, strict=True)
    }

    def embed(rows: Rows) -> dict[str, np.ndarray]:
        return {
            name: normalize((encode[name](X) - maps[name][0]) @ maps[name][1])
            for name, X in rows.items()
        }

    return embed
