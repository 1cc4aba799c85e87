"""Image files with a text each, as a torch Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ._image_files import ImageFiles


class CaptionedImages(Dataset[dict[str, Any]]):
    """Pairs of an image file and a text, decoded one by one as training reads them.

    :meth:`mibsk.IBAligner.fit` accepts it as any torch Dataset of mappings. Like
    :class:`mibsk.Modalities`, it is indexed by names and by rows.

    Parameters
    ----------
    images : ImageFiles of n rows
        The image of each pair; a file with several texts occurs several times.
    texts : ndarray of object (n,)
        The text of each pair.
    """

    def __init__(self, images: ImageFiles, texts: NDArray[np.object_]) -> None:
        self.images, self.texts = images, texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, key: Any) -> Any:
        """Return a modality by its name, one pair as a dict, or some of the pairs.

        Parameters
        ----------
        key : str, int, slice or ndarray
            ``"image"`` or ``"text"``; the number of a pair; or a slice, a mask or several numbers.

        Returns
        -------
        ImageFiles, ndarray of object, dict or CaptionedImages
            Files are decoded only for one pair: ``"image"``, uint8 of shape
            (image_size, image_size, 3), and ``"text"``, a string.
        """
        if isinstance(key, str):
            return {"image": self.images, "text": self.texts}[key]
        if isinstance(key, int | np.integer):
            return {"image": self.images[key], "text": self.texts[key]}
        return CaptionedImages(self.images.take(key), self.texts[key])

    def __repr__(self) -> str:
        return f"CaptionedImages({len(self)} rows; {self.images!r})"
