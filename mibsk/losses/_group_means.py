"""Means of the rows of a group."""

from __future__ import annotations

import torch


def group_means(x: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """Return the mean of the group of each row.

    Parameters
    ----------
    x : Tensor (n, d)
        Rows.
    groups : Tensor of int64 (n,)
        Group of each row.

    Returns
    -------
    Tensor (n, d)
        Equal to `x` if each group is one row.
    """
    _, numbers, sizes = torch.unique(groups.to(x.device), return_inverse=True, return_counts=True)
    sums = x.new_zeros(len(sizes), x.shape[1]).index_add(0, numbers, x)
    return (sums / sizes[:, None])[numbers]
