"""Random factors, and pairs of images and codes of factors."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from .._checks.parameters import check_scalar
from ..data import Modalities

Sizes = Mapping[str, int]  # number of values of each factor, by name


def draw_factors(
    sizes: Sizes, n_samples: int, random_state: int | np.random.RandomState | None
) -> pd.DataFrame:
    """Draw all factors independently and uniformly, with values from 0; one column each."""
    check_scalar("n_samples", n_samples, low=1, integer=True)
    rng = check_random_state(random_state)
    return pd.DataFrame({name: rng.randint(n, size=n_samples) for name, n in sizes.items()})


def draw_rows(n_rows: int, n_samples: int | None, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Draw distinct rows of a file in random order; None returns all of them in order."""
    check_n_samples(n_samples, n_rows)
    return np.arange(n_rows) if n_samples is None else rng.choice(n_rows, n_samples, replace=False)


def check_n_samples(n_samples: int | None, n_rows: int) -> None:
    """Raise an error unless `n_samples` is None or between 1 and `n_rows`."""
    if n_samples is not None:
        check_scalar("n_samples", n_samples, low=1, high=n_rows + 1, integer=True)


def factor_bunch(
    images: NDArray[np.uint8], labels: pd.DataFrame, sizes: Sizes, shared: list[str], about: str
) -> Bunch:
    """Pair images with a one-hot code of the shared factors.

    Parameters
    ----------
    images : ndarray of uint8 of shape (n_samples, height, width) or (n_samples, height, width, 3)
        Images that show all factors.
    labels : DataFrame of shape (n_samples, n_factors)
        All factors, with values from 0.
    sizes : mapping of str to int
        Number of values of each factor.
    shared : list of str
        Factors of the code.
    about : str
        ``DESCR``, with fields ``{n_samples}``, ``{image_size}`` and ``{shared}``.

    Returns
    -------
    bunch : Bunch
        ``data`` with ``"image"`` and ``"factors"``, ``labels``, ``shared``, ``nuisances``,
        ``DESCR``.
    """
    one_hot = [np.eye(sizes[name], dtype=np.float32)[labels[name]] for name in shared]
    return Bunch(
        data=Modalities({"image": images, "factors": np.concatenate(one_hot, axis=1)}),
        labels={"image": labels, "factors": labels[shared]},
        shared=shared,
        nuisances=[name for name in sizes if name not in shared],
        DESCR=about.format(
            n_samples=len(images), image_size=images.shape[1], shared=", ".join(shared)
        ),
    )
