"""Which parts of captions of rendered scenes are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mibsk.datasets import scene_of_caption

FACTORS = ("color", "shape", "size")


def scene_scores(captions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the share of captions that say exactly what their picture shows, and of right parts.

    Parameters
    ----------
    captions : sequence of str (n,)
        One caption of each picture.
    references : sequence of sequences of str (n,)
        Captions of the grammar of :func:`mibsk.datasets.make_scenes`; all of a picture say the
        same.

    Returns
    -------
    dict of str to float
        ``scene``: everything is right. ``sentence``: the caption is one of the grammar; if it is
        not, all of it counts as wrong. ``relation``; and ``color``, ``shape`` and ``size``, as
        means over both objects.

    Examples
    --------
    >>> says = "a small red box left of a big blue ring"
    >>> caption = "the large ring in blue is right of the little pink square"
    >>> found = scene_scores([caption], [[says]])
    >>> {name: float(share) for name, share in found.items()}
    {'scene': 0.0, 'sentence': 1.0, 'relation': 1.0, 'color': 0.5, 'shape': 1.0, 'size': 1.0}
    """
    rows = []
    for caption, (reference, *_) in zip(captions, references, strict=True):
        said, shown = scene_of_caption(caption), scene_of_caption(reference)
        if shown is None:
            raise ValueError(f"a reference is not a sentence of the grammar: {reference!r}.")
        if said is None:
            rows.append([0.0] * (3 + len(FACTORS)))
            continue
        pairs = ((said.first, shown.first), (said.second, shown.second))
        rows.append(
            [
                said == shown,
                True,
                said.relation == shown.relation,
                *(np.mean([getattr(a, f) == getattr(b, f) for a, b in pairs]) for f in FACTORS),
            ]
        )
    means = np.mean(np.array(rows, dtype=float), axis=0)
    return dict(zip(("scene", "sentence", "relation", *FACTORS), means, strict=True))
