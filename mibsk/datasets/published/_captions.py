"""Readers of COCO's and Flickr30k's published captions, with the images in a folder."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..._checks.parameters import suggest
from .._captioned import picture_and_text_labels
from .._captioned_images import CaptionedImages
from .._image_files import ImageFiles, check_images_exist

DESCR = """\
Captioned images.

What: {n_images} images, and {n_texts} sentences about them.
Source: {source}.
Licence: that of the images and the sentences in these files.
Pairing: by instance; one row for each sentence, with the file of its image. Each image is a group.
"""


TOKEN_LINE = re.compile(r"(?P<name>[^\t#]+)#(?P<number>\d+)\t\s*(?P<text>.*?)\s*")


class Captioned(NamedTuple):
    """An image and its sentences."""

    file: Path
    image_id: int | str
    sentences: list[tuple[int, str]]  # number and text


def load_coco_captions(
    path: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    image_size: int = 224,
    resize: str = "crop",
) -> Bunch:
    """Read captions in COCO's format, and the images that they describe.

    The format of ``captions_train2014.json`` and its like [1]_: an object with ``images``, a list
    of objects with ``id`` and ``file_name``, and ``annotations``, a list of objects with ``id``,
    ``image_id`` and ``caption``. Images without captions are left out. The image files are only
    read when their rows are. Decoding needs Pillow: ``pip install pillow``.

    Parameters
    ----------
    path : path-like
        The file of captions.
    images : path-like
        The folder of the images, such as ``train2014``.
    image_size : int, default=224
        Side of the decoded images in pixels.
    resize : {"crop", "pad"}, default="crop"
        How images become square, see :class:`ImageFiles`.

    Returns
    -------
    bunch : Bunch
        ``data`` : a torch Dataset of n rows, one for each sentence, in the order of the images:
        items are dicts of ``"image"``, uint8 of shape (image_size, image_size, 3), and ``"text"``,
        a string. ``data["image"]`` are :class:`ImageFiles`, which decode the rows that are read,
        ``data["text"]`` strings of shape (n,), and ``data[rows]`` is a Dataset of some rows.
        :func:`one_per_picture` returns one row for each image.

        ``labels`` : dict of ``"image"`` and ``"text"`` to DataFrame with the columns ``picture``
        and ``image_id``, the number in the file; that of text also has ``sentence_id``.

        ``picture`` and ``groups`` : ndarray of int, the number of the image of each row, which
        :func:`split_bunch` keeps together.

        ``shared``, ``nuisances`` : lists of factor names; ``DESCR`` : str.

    Raises
    ------
    NotInstalledError
        If Pillow is not installed.
    FileNotFoundError
        If there is no file at `path`, or image files are missing.
    OSError
        When images are read: if a file cannot be decoded; the message names it.
    ValueError
        If the file is not in this format, or a parameter is out of range.

    References
    ----------
    .. [1] X. Chen et al., "Microsoft COCO Captions: Data Collection and Evaluation Server", 2015.
       https://arxiv.org/abs/1504.00325

    Examples
    --------
    >>> from mibsk.datasets import load_coco_captions
    >>> coco = load_coco_captions(
    ...     "annotations/captions_train2014.json", "train2014"
    ... )  # doctest: +SKIP
    >>> len(coco.data), coco.data["image"][:2].shape  # doctest: +SKIP
    (414113, (2, 224, 224, 3))
    """
    file = Path(path)
    content = _read_json(file, "captions in COCO's format", ("images", "annotations"))
    with _named(file):
        entries = {
            int(image["id"]): Captioned(Path(images) / image["file_name"], int(image["id"]), [])
            for image in content["images"]
        }
        for number, annotation in enumerate(content["annotations"]):
            image_id = int(annotation["image_id"])
            if image_id not in entries:
                raise ValueError(
                    f"{file}: annotation {number} has image_id {image_id}, which is not among its "
                    f"{len(entries)} images."
                )
            entries[image_id].sentences.append(
                (int(annotation["id"]), _text(annotation["caption"], file, f"annotation {number}"))
            )
    return _bunch(list(entries.values()), file, images, image_size, resize)


def load_flickr_captions(
    path: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    image_size: int = 224,
    resize: str = "crop",
) -> Bunch:
    """Read captions in the format of Flickr8k and Flickr30k, and the images that they describe.

    The format of ``results_20130124.token`` and ``Flickr8k.token.txt`` [1]_: one caption per line,
    after the name of the image, ``#``, the number of the caption, and a tab. The image files are
    only read when their rows are. Decoding needs Pillow: ``pip install pillow``.

    Parameters
    ----------
    path : path-like
        The file of captions, in UTF-8.
    images : path-like
        The folder of the images.
    image_size : int, default=224
        Side of the decoded images in pixels.
    resize : {"crop", "pad"}, default="crop"
        How images become square, see :class:`ImageFiles`.

    Returns
    -------
    bunch : Bunch
        The fields of :func:`load_coco_captions`; ``image_id`` is the name of the file without its
        suffix.

    Raises
    ------
    NotInstalledError
        If Pillow is not installed.
    FileNotFoundError
        If there is no file at `path`, or image files are missing.
    OSError
        When images are read: if a file cannot be decoded; the message names it.
    ValueError
        If the file is not in this format, or a parameter is out of range.

    References
    ----------
    .. [1] P. Young, A. Lai, M. Hodosh, J. Hockenmaier, "From image descriptions to visual
       denotations", TACL 2014. https://doi.org/10.1162/tacl_a_00166

    Examples
    --------
    >>> from mibsk.datasets import load_flickr_captions
    >>> flickr = load_flickr_captions(
    ...     "results_20130124.token", "flickr30k-images"
    ... )  # doctest: +SKIP
    >>> len(flickr.data), len(set(flickr.picture))  # doctest: +SKIP
    (158915, 31783)
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"no file {file}: path must be a file of captions of Flickr30k.")
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not a text file in UTF-8 ({error}).") from error
    entries: dict[str, Captioned] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if (match := TOKEN_LINE.fullmatch(line)) is None:
            raise ValueError(
                f"line {number} of {file} must be the name of an image, '#', a number, a tab and a "
                f"caption, got {line[:60]!r}."
            )
        name = match["name"]
        entry = Captioned(Path(images) / name, Path(name).stem, [])
        entries.setdefault(name, entry).sentences.append((int(match["number"]), match["text"]))
    return _bunch(list(entries.values()), file, images, image_size, resize)


def load_karpathy(
    path: str | os.PathLike[str],
    images: str | os.PathLike[str],
    *,
    split: str | Sequence[str] = "train",
    image_size: int = 224,
    resize: str = "crop",
) -> Bunch:
    """Read one of Karpathy's splits of COCO or Flickr30k, on which results are published.

    The format of ``dataset_coco.json``, ``dataset_flickr30k.json`` and ``dataset_flickr8k.json``
    [1]_: an object with ``images``, a list of objects with ``filename``, ``split`` and
    ``sentences``, a list of objects with ``raw``; COCO's also have ``filepath``, the folder of the
    image. The image files are only read when their rows are. Decoding needs Pillow:
    ``pip install pillow``.

    Parameters
    ----------
    path : path-like
        The file of splits.
    images : path-like
        The folder of the images, or for COCO the one that holds ``train2014`` and ``val2014``.
    split : str or sequence of str, default="train"
        The parts to read: "train", "val" or "test"; COCO also has "restval", which is usually added
        to the training: ``["train", "restval"]``.
    image_size : int, default=224
        Side of the decoded images in pixels.
    resize : {"crop", "pad"}, default="crop"
        How images become square, see :class:`ImageFiles`.

    Returns
    -------
    bunch : Bunch
        The fields of :func:`load_coco_captions`.

    Raises
    ------
    NotInstalledError
        If Pillow is not installed.
    FileNotFoundError
        If there is no file at `path`, or image files are missing.
    OSError
        When images are read: if a file cannot be decoded; the message names it.
    ValueError
        If the file is not in this format or does not have such a part, or a parameter is out of
        range.

    References
    ----------
    .. [1] A. Karpathy, L. Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image
       Descriptions", CVPR 2015. https://cs.stanford.edu/people/karpathy/deepimagesent

    Examples
    --------
    >>> from mibsk.datasets import load_karpathy
    >>> test = load_karpathy(
    ...     "dataset_flickr30k.json", "flickr30k-images", split="test"
    ... )  # doctest: +SKIP
    >>> len(test.data), len(set(test.picture))  # doctest: +SKIP
    (5000, 1000)
    """
    file = Path(path)
    content = _read_json(file, "one of Karpathy's splits", ("images",))
    parts = [split] if isinstance(split, str) else list(split)
    with _named(file):
        known = sorted({image["split"] for image in content["images"]})
        for part in parts:
            if part not in known:
                raise ValueError(
                    f"split must be one of {known}, which {file} has, got {part!r}."
                    + suggest(part, known)
                )
        entries = [
            Captioned(
                _image_path(Path(images), image),
                int(image.get("cocoid", image.get("imgid", number))),
                [
                    (
                        int(sentence.get("sentid", i)),
                        _text(sentence["raw"], file, f"sentence {i} of image {number}"),
                    )
                    for i, sentence in enumerate(image["sentences"])
                ],
            )
            for number, image in enumerate(content["images"])
            if image["split"] in parts
        ]
    return _bunch(entries, file, images, image_size, resize)


def _image_path(folder: Path, image: dict[str, Any]) -> Path:
    """Return the path of an image, in its ``filepath`` unless `folder` is that folder."""
    sub = image.get("filepath", "")
    return folder / image["filename"] if folder.name == sub else folder / sub / image["filename"]


def _bunch(
    entries: list[Captioned],
    file: Path,
    images: str | os.PathLike[str],
    image_size: int,
    resize: str,
) -> Bunch:
    """Return one row for each sentence."""
    entries = [entry for entry in entries if entry.sentences]
    if not entries:
        raise ValueError(f"{file} has no captions.")
    check_images_exist([entry.file for entry in entries], images)
    counts = [len(entry.sentences) for entry in entries]
    picture = np.arange(len(entries)).repeat(counts)
    numbers, texts = zip(*(each for entry in entries for each in entry.sentences), strict=True)
    labels = picture_and_text_labels(
        pd.DataFrame({"image_id": [entry.image_id for entry in entries]}),
        pd.DataFrame({"sentence_id": numbers}),
        picture,
        ["image_id"],
    )
    files = ImageFiles([entry.file for entry in entries], image_size=image_size, resize=resize)
    return Bunch(
        data=CaptionedImages(files.take(picture), np.array(texts, dtype=object)),
        labels=dict(zip(("image", "text"), labels, strict=True)),
        picture=picture,
        groups=picture,
        shared=["picture", "image_id"],
        nuisances=[],
        DESCR=DESCR.format(n_images=len(entries), n_texts=len(texts), source=file.name),
    )


def _read_json(file: Path, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the object in a JSON file, if it has lists under these keys."""
    if not file.is_file():
        raise FileNotFoundError(f"no file {file}: path must be a file of {what}.")
    try:
        content = json.loads(file.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not a JSON file, or it is damaged ({error}).") from error
    for key in keys:
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise ValueError(f"{file} must hold {what}, an object with a list {key!r}.")
    return content


def _text(value: Any, file: Path, where: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{file}: the text of {where} must be a string, got {value!r}.")
    return value.strip()


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Raise ``ValueError`` that names the file if one of its entries is not as expected."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{file} has an entry without {error.args[0]!r}.") from error
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{file} has an entry of another kind: {error}.") from error
