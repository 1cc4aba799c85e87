"""Pictures with several texts each: one row for each text, or one for each picture."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from ..data import Modalities
from ._splits import select_rows


class Side(NamedTuple):
    """What is known of the pictures, or of the texts."""

    arrays: Mapping[str, np.ndarray]  # modality -> (n, ...)
    labels: pd.DataFrame  # (n, n_factors)


def captioned_bunch(
    pictures: Side,
    texts: Side,
    picture: NDArray[np.intp],
    groups: Iterable[Any],
    *,
    modalities: Sequence[str],
    shared: list[str],
    nuisances: list[str],
    about: str,
) -> Bunch:
    """Return one row for each text, with the picture that it describes.

    Parameters
    ----------
    pictures, texts : Side
        Arrays and factors of n_pictures pictures and of n_texts texts.
    picture : ndarray of int (n_texts,)
        The picture of each text.
    groups : iterable (n_pictures,)
        The group of each picture.
    modalities : sequence of str
        Names of arrays of either side, in the order of ``data``.
    shared : list of str
        Factors of the pictures that the texts share.
    nuisances : list of str
        Factors of only one side.
    about : str
        ``DESCR``.
    """
    tables = picture_and_text_labels(pictures.labels, texts.labels, picture, shared)
    data, labels = {}, {}
    for name in modalities:
        if name in pictures.arrays:
            data[name], labels[name] = pictures.arrays[name][picture], tables[0].copy()
        else:
            data[name], labels[name] = texts.arrays[name], tables[1].copy()
    return Bunch(
        data=Modalities(data),
        labels=labels,
        picture=picture,
        groups=pd.factorize(pd.Series(groups))[0][picture].astype(np.intp),
        shared=["picture", *shared],
        nuisances=nuisances,
        DESCR=about,
    )


def picture_and_text_labels(
    pictures: pd.DataFrame, texts: pd.DataFrame, picture: NDArray[np.intp], shared: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the factors of both sides, one row for each text, the number of the picture first."""
    number = pd.DataFrame({"picture": picture})
    of_picture = pictures.iloc[picture].reset_index(drop=True)
    of_text = texts.reset_index(drop=True)
    return (
        pd.concat([number, of_picture], axis=1),
        pd.concat([number, of_picture[shared], of_text], axis=1),
    )


def one_per_picture(bunch: Bunch) -> Bunch:
    """Return one row for each picture: its first text, and all of its texts as references.

    A loader of pictures with texts returns one row for each text, so that a picture with three
    texts has three rows: right for training, but a gallery with three copies of a picture would
    count as three wrong answers. In the returned dataset each picture is once.

    Parameters
    ----------
    bunch : Bunch
        Return value of a loader of pictures with texts, or a part of it.

    Returns
    -------
    bunch : Bunch
        The first row of each picture, in the order of these rows, and ``references``, for each
        picture the list of its texts, as metrics of captions such as
        :func:`mibsk.metrics.cider_d` take them.

    Raises
    ------
    ValueError
        If the dataset does not number its pictures.

    Examples
    --------
    Retrieval with several texts to a picture, both ways:

    >>> from mibsk.datasets import make_scenes, one_per_picture
    >>> scenes = make_scenes(20, image_size=16, n_captions=3, random_state=0)
    >>> pictures = one_per_picture(scenes)
    >>> len(scenes.data), len(pictures.data), len(pictures.references[0])
    (60, 20, 3)
    >>> import numpy as np
    >>> from mibsk.metrics import recall_at_k
    >>> Z_text, Z_image = np.eye(60), np.repeat(np.eye(20), 3, axis=1)  # embeddings
    >>> recall_at_k(Z_text, Z_image, k=1, labels=(scenes.picture, pictures.picture))
    1.0
    >>> recall_at_k(Z_image, Z_text, k=1, labels=(pictures.picture, scenes.picture))
    1.0
    """
    if "picture" not in bunch:
        raise ValueError(
            "one_per_picture needs a dataset with the number of the picture of each row, "
            f"picture; got one with {sorted(bunch)}."
        )
    _, first, of_row = np.unique(bunch.picture, return_index=True, return_inverse=True)
    references: list[list[str]] = [[] for _ in first]
    for number, text in zip(of_row, bunch.data["text"], strict=True):
        references[number].append(str(text))
    order = np.argsort(first)
    selected = select_rows(bunch, first[order])
    selected.references = [references[number] for number in order]
    return selected
