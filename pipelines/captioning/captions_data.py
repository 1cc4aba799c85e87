"""Pictures with captions, and the features of fixed image encoders that captions are learned from.

Each source returns training and test pictures of other groups, one row for each picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from mibsk import datasets

from .scenes_tower import WordDetector

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """Training or test pictures.

    Parameters
    ----------
    features : ndarray of float32 (n, n_patches, d)
        What the image encoder says of them.
    pictures : Bunch
        As :func:`mibsk.datasets.one_per_picture` returns them: images, groups and all captions.
    """

    features: Features
    pictures: Bunch

    @property
    def captions(self) -> list[list[str]]:
        """The captions of each picture."""
        captions: list[list[str]] = self.pictures.references
        return captions

    @property
    def groups(self) -> NDArray[np.intp]:
        """Groups of pictures that are not independent."""
        groups: NDArray[np.intp] = self.pictures.groups
        return groups

    @property
    def has_scenes(self) -> bool:
        """Whether what each picture shows is known, so that captions can be right or wrong."""
        return "relation" in self.pictures.labels["image"]


def load(settings: Mapping[str, Any]) -> tuple[Part, Part]:
    """Return training and test pictures of a ``source``, a name in `SOURCES`, with its options."""
    options = dict(settings)
    return SOURCES[options.pop("source")](**options)


def scenes(
    *,
    n_scenes: int,
    n_test: int,
    image_size: int,
    n_captions: int,
    n_train: int,
    tower: Mapping[str, Any],
) -> tuple[Part, Part]:
    """Render scenes, and train their image encoder on all that are not tested.

    Equal scenes are in one part. The captioner is trained on `n_train` of the scenes that the image
    encoder has seen.
    """
    bunch = datasets.make_scenes(
        n_scenes, image_size=image_size, n_captions=n_captions, random_state=0
    )
    parts = datasets.split_bunch(bunch, test_size=n_test / n_scenes, random_state=0)
    train, test = (datasets.one_per_picture(part) for part in parts)
    detector = WordDetector(**tower).fit(np.asarray(train.data["image"]), train.references)
    train = some_pictures(train, n_train)
    maps = [detector.features(np.asarray(part.data["image"])) for part in (train, test)]
    return _parts(with_places(maps[0], maps[1]), (train, test))


def openclipart(*, test_size: float, kinds: list[str]) -> tuple[Part, Part]:
    """Read drawings of Open Clip Art with texts of some kinds, such as titles; split by creator."""
    bunch = datasets.fetch_openclipart(modalities=["image_map", "image", "text"])
    parts = datasets.split_bunch(bunch, test_size=test_size, random_state=0)
    train, test = (datasets.one_per_picture(part) for part in parts)
    for pictures, part in zip((train, test), parts, strict=True):
        chosen = part.labels["text"]["kind"].isin(kinds).to_numpy()
        texts = pd.Series(part.data["text"][chosen]).groupby(part.picture[chosen]).agg(list)
        pictures.references = texts.loc[pictures.picture].tolist()
    maps = [np.asarray(part.data["image_map"]) for part in (train, test)]
    return _parts(with_places(maps[0], maps[1]), (train, test))


def coco(
    *, folder: str, tower: str, cache: str, image_size: int = 224, n_train: int | None = None
) -> tuple[Part, Part]:
    """Read Karpathy's split of COCO, and compute the features of its patches.

    Parameters
    ----------
    folder : str
        With ``dataset_coco.json``, and the images in ``train2014`` and ``val2014``.
    tower : str
        Folder of the pretrained image encoder, see :class:`mibsk.encoders.Pretrained`.
    cache : str
        Folder in which the features are kept.
    image_size, n_train : int
        Side of the images in pixels; number of training pictures, None: all.
    """
    from mibsk.encoders import Pretrained  # needs transformers

    file = Path(folder) / "dataset_coco.json"
    encoder = Pretrained(tower, output="tokens", cache=cache)
    pictures: list[Bunch] = []
    features: list[Features] = []
    for split in (["train", "restval"], "test"):
        bunch = datasets.load_karpathy(file, folder, split=split, image_size=image_size)
        part = datasets.one_per_picture(bunch)
        if not pictures:
            part = some_pictures(part, n_train)
        pictures.append(part)
        features.append(encoder.features(part.data["image"]))
    return _parts((features[0], features[1]), (pictures[0], pictures[1]))


SOURCES: dict[str, Callable[..., tuple[Part, Part]]] = {
    "scenes": scenes,
    "openclipart": openclipart,
    "coco": coco,
}


def some_pictures(pictures: Bunch, n: int | None) -> Bunch:
    """Return about `n` of the pictures, or all of them."""
    if n is None or n >= len(pictures.data):
        return pictures
    return datasets.split_bunch(pictures, test_size=n / len(pictures.data), random_state=0)[1]


def with_places(train: Features, test: Features) -> tuple[Features, Features]:
    """Return maps (n, h, w, d) as patches (n, h * w, d + h + w) that say where they are.

    Channels are standardised on the training maps. Row and column follow as one-hot codes of
    variance 1 each, without which nobody could tell what is left of what.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(10, 2, 3, 4))
    >>> train, test = with_places(maps, maps[:2])
    >>> test.shape, test[0, 4, 4:].round().tolist()
    ((2, 6, 9), [0.0, 1.0, 0.0, 2.0, 0.0])
    """
    mean, sd = train.mean(axis=(0, 1, 2)), train.std(axis=(0, 1, 2))
    _, height, width, _ = train.shape
    row, column = np.divmod(np.arange(height * width), width)
    places = np.hstack(
        [np.sqrt(height) * np.eye(height)[row], np.sqrt(width) * np.eye(width)[column]]
    )

    def patches(maps: Features) -> Features:
        rows = ((maps - mean) / np.where(sd > 0, sd, 1)).reshape(len(maps), height * width, -1)
        here = np.broadcast_to(places, (len(maps), *places.shape))
        return np.concatenate([rows, here], axis=2).astype(np.float32)

    return patches(train), patches(test)


def _parts(features: tuple[Features, Features], pictures: tuple[Bunch, Bunch]) -> tuple[Part, Part]:
    train, test = (Part(*each) for each in zip(features, pictures, strict=True))
    return train, test
