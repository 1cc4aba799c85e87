"""Analogies of rendered scenes: a picture, two words, and the pictures that differ by these."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar, check_seed
from ._scene_grammar import COLORS, SHAPES, SIZES, Scene
from ._scenes import VALUES, scenes_of

_WORDS = {"size": tuple(SIZES), "color": tuple(COLORS), "shape": tuple(SHAPES)}


class _Change(NamedTuple):
    """One word of a scene replaced by another, in one of the objects that it describes."""

    factor: str
    minus: str
    plus: str


def scene_analogies(pictures: Bunch, *, n_analogies: int = 1000, random_state: int = 0) -> Bunch:
    """Return analogies of scenes: "this picture, with a blue object in place of the red one".

    A right answer is a picture of the same scene in which one object has another size, colour or
    shape, and all else that a caption says is equal; the background and what else only the picture
    shows do not matter. If both objects are described by the first word, as two stars, either may
    be the changed one. Relations are not changed: their word depends on the object that a caption
    names first.

    Parameters
    ----------
    pictures : Bunch
        Scenes of :func:`make_scenes`, one row for each picture, as :func:`one_per_picture` returns
        them, or a part of these.
    n_analogies : int, default=1000
        Largest number of analogies. There are as many as have a right answer among the pictures:
        about 150 of 500 pictures, and 2,400 of 2,000. Of more, some are drawn.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    bunch : Bunch
        ``query`` : ndarray of int (n_analogies,), rows of the pictures that are changed;
        ``minus``, ``plus`` : ndarrays of str (n_analogies,), the words that are replaced and that
        replace them, such as "red" and "blue"; ``factor`` : ndarray of str (n_analogies,),
        "size", "color" or "shape"; ``is_right`` : ndarray of bool (n_analogies, n_pictures), the
        right answers. :func:`mibsk.metrics.analogy_recall` takes these and the embeddings.

    Raises
    ------
    ValueError
        If these are no scenes, a picture has several rows, or no picture differs from another one
        by a word.

    Examples
    --------
    >>> from mibsk.datasets import make_scenes, one_per_picture, scene_analogies
    >>> pictures = one_per_picture(make_scenes(500, image_size=16, random_state=0))
    >>> analogies = scene_analogies(pictures)
    >>> analogies.is_right.shape
    (170, 500)
    >>> print(analogies.minus[0], "->", analogies.plus[0])
    purple -> pink
    """
    check_scalar("n_analogies", n_analogies, low=1, integer=True)
    check_seed(random_state)
    labels = pictures.get("labels", {}).get("image")
    if labels is None or any(name not in labels for name in VALUES):
        raise ValueError("scene_analogies needs the scenes of make_scenes, got another dataset.")
    if labels["picture"].duplicated().any():
        raise ValueError(
            "scene_analogies needs one row for each picture: pass one_per_picture(scenes)."
        )
    scenes = scenes_of(labels)
    rows_of = defaultdict(list)
    for row, scene in enumerate(scenes):
        rows_of[scene].append(row)
    found: dict[tuple[int, _Change], list[int]] = defaultdict(list)
    for row, scene in enumerate(scenes):
        for change, changed in _changes(scene):
            if changed in rows_of:
                found[row, change] += rows_of[changed]
    if not found:
        raise ValueError(
            f"no two of the {len(scenes)} pictures differ by one word: pass more pictures."
        )
    analogies = list(found)
    if len(analogies) > n_analogies:
        rng = np.random.default_rng(random_state)
        drawn = rng.choice(len(analogies), n_analogies, replace=False, shuffle=False)
        analogies = [analogies[i] for i in np.sort(drawn)]
    is_right = np.zeros((len(analogies), len(scenes)), dtype=bool)
    for i, analogy in enumerate(analogies):
        is_right[i, found[analogy]] = True
    return Bunch(
        query=np.array([row for row, _ in analogies]),
        minus=np.array([change.minus for _, change in analogies]),
        plus=np.array([change.plus for _, change in analogies]),
        factor=np.array([change.factor for _, change in analogies]),
        is_right=is_right,
    )


def _changes(scene: Scene) -> Iterator[tuple[_Change, Scene]]:
    """Yield each change of one word of a scene, and the scene that it leads to."""
    for place in ("first", "second"):
        thing = getattr(scene, place)
        for factor, words in _WORDS.items():
            old = getattr(thing, factor)
            for new in words:
                if new != old:
                    changed = scene._replace(**{place: thing._replace(**{factor: new})})
                    yield _Change(factor, old, new), changed
