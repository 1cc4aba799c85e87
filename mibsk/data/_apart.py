"""Order of the rows of an epoch in which those of one group are in different batches."""

from __future__ import annotations

import numpy as np


def deal(
    groups: np.ndarray, order: np.ndarray, bounds: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    r"""Return rows in an order in which batches have as few rows of one group as possible.

    The groups, in random order, are dealt to the :math:`B` batches in turn, one row after the
    other: a batch has at most :math:`\lceil c / B \rceil` of the :math:`c` rows of a group.

    Parameters
    ----------
    groups : ndarray of int (n,)
        Group of each row.
    order : ndarray of int (n,)
        The rows in random order, which decides between those of one group.
    bounds : ndarray of int (B + 1,)
        Positions at which batches begin and end; their sizes differ by at most one.
    rng : Generator
        Draws the order of the groups and of the batches.

    Returns
    -------
    ndarray of int (n,)
    """
    _, of_row = np.unique(groups[order], return_inverse=True)
    rank = rng.permutation(of_row.max(initial=0) + 1)[of_row]
    in_turn = order[np.argsort(rank, kind="stable")]
    sizes = np.diff(bounds)
    # the first batches of a round get the rows that are left over
    batches = rng.permutation(len(sizes))
    batches = batches[np.argsort(-sizes[batches], kind="stable")]
    of_position = batches[np.arange(len(order)) % len(sizes)]
    return in_turn[np.argsort(of_position, kind="stable")]
