"""Image files that are decoded when they are read."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks.packages import not_installed
from .._checks.parameters import check_scalar, suggest

RESIZE = ("crop", "pad")
THREADS = min(8, os.cpu_count() or 1)  # decoding leaves Python's lock
PAPER = (255, 255, 255)  # behind transparent images, and beside padded ones


class ImageFiles:
    """Image files as one array, of which only the rows that are read are decoded.

    Files of any size and format that Pillow reads, and SVG files, become RGB images of one size.
    SVG files are drawn by the package resvg-py, without the text in them. Indexing returns
    decoded images as an array, as of a file of h5py or zarr: one image for an integer, several for
    a slice, a mask or an array of integers, which are decoded by several threads. :meth:`take`
    selects files without decoding them.

    Parameters
    ----------
    files : sequence of path-like
        Paths of the images; a path may occur more than once.
    image_size : int, default=224
        Side of the decoded images in pixels.
    resize : {"crop", "pad"}, default="crop"
        ``"crop"``: the shorter side becomes `image_size`, and the middle of the longer one is kept.
        ``"pad"``: the longer side becomes `image_size`, and white is added beside the image.

    Attributes
    ----------
    files : ndarray of object (n,)
        The paths, as strings.
    shape : tuple of int
        ``(n, image_size, image_size, 3)``.

    Raises
    ------
    NotInstalledError
        If Pillow is not installed, or resvg-py is not and there is an SVG file.
    ValueError
        If there is no file, or a parameter is out of range.
    OSError
        When images are read: if a file is missing or cannot be decoded; the message names it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from mibsk.datasets import ImageFiles
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, size in (("a.png", (40, 20)), ("b.jpg", (30, 60))):
    ...         Image.new("RGB", size, "red").save(Path(folder, name))
    ...     images = ImageFiles(sorted(Path(folder).iterdir()), image_size=16)
    ...     print(images.shape, images[0].shape, [len(batch) for batch in images.batches(1)])
    (2, 16, 16, 3) (16, 16, 3) [1, 1]
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(
        self,
        files: Sequence[str | os.PathLike[str]],
        *,
        image_size: int = 224,
        resize: str = "crop",
    ) -> None:
        check_scalar("image_size", image_size, low=1, integer=True)
        if resize not in RESIZE:
            raise ValueError(
                f"resize must be one of {RESIZE}, got {resize!r}." + suggest(resize, RESIZE)
            )
        if isinstance(files, str | os.PathLike):
            raise TypeError(
                f"files must be a sequence of paths, got the single path {os.fspath(files)!r}."
            )
        if not len(files):
            raise ValueError("files must be the paths of at least one image, got none.")
        try:
            import PIL.Image  # noqa: F401
        except ModuleNotFoundError as error:
            raise not_installed("to decode images", "pillow") from error
        self.files = np.array([os.fsdecode(file) for file in files], dtype=object)
        if any(map(_is_svg, self.files)):
            try:
                import resvg_py  # noqa: F401
            except ModuleNotFoundError as error:
                raise not_installed("to draw SVG files", "resvg-py") from error
        self.image_size, self.resize = image_size, resize

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of files, height, width, and three channels."""
        return len(self.files), self.image_size, self.image_size, 3

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        """Return decoded images, uint8 of shape (k, image_size, image_size, 3) or of one image."""
        chosen = self.files[rows]
        if isinstance(chosen, str):
            return self._decode(chosen)
        images = np.empty((len(chosen), *self.shape[1:]), dtype=np.uint8)
        if len(chosen) == 1:
            images[0] = self._decode(chosen[0])
        elif len(chosen):
            with ThreadPoolExecutor(THREADS) as threads:
                for i, image in enumerate(threads.map(self._decode, chosen)):
                    images[i] = image
        return images

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)

    def __repr__(self) -> str:
        return f"ImageFiles({len(self)} files; {self.image_size} px, {self.resize})"

    def batches(self, batch_size: int) -> Iterator[NDArray[np.uint8]]:
        """Yield the decoded images, uint8 (batch_size, image_size, image_size, 3), in order."""
        check_scalar("batch_size", batch_size, low=1, integer=True)
        for start in range(0, len(self), batch_size):
            yield self[start : start + batch_size]

    def take(self, rows: Any) -> ImageFiles:
        """Return some of the files, without decoding them: a slice, a mask or integers."""
        return ImageFiles(self.files[rows], image_size=self.image_size, resize=self.resize)

    def _decode(self, file: str) -> NDArray[np.uint8]:
        from PIL import Image, ImageOps

        size = self.image_size
        try:
            with Image.open(_drawn(file, 2 * size) if _is_svg(file) else file) as opened:
                if self.resize == "crop":  # JPEG files are decoded at up to an eighth of their size
                    opened.draft("RGB", (2 * size, 2 * size))
                image = _to_rgb(ImageOps.exif_transpose(opened))
        except FileNotFoundError as error:
            raise FileNotFoundError(f"no image file {file}.") from error
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise OSError(
                f"image file {file} cannot be decoded ({error}): replace it, or leave it out."
            ) from error
        if self.resize == "crop":
            return np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC))
        return np.asarray(ImageOps.pad(image, (size, size), Image.Resampling.BICUBIC, color=PAPER))


def _is_svg(file: str) -> bool:
    return file.lower().endswith(".svg")


def _drawn(file: str, width: int) -> io.BytesIO:
    """Return an SVG file as a PNG file of this width."""
    import resvg_py

    svg = Path(file).read_text("utf-8")
    return io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True))


def _to_rgb(image: Any) -> Any:
    """Return an image of any mode in RGB, on white where it is transparent."""
    from PIL import Image

    if image.mode.startswith("I;16"):  # Pillow would take all values above 255 as white
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode!r} have no known range")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, (*PAPER, 255))
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def check_images_exist(files: Sequence[Path], folder: str | os.PathLike[str]) -> None:
    """Raise ``FileNotFoundError`` if files are missing; lists each folder once."""
    found: set[Path] = set()
    for parent in {file.parent for file in files}:
        if parent.is_dir():
            found.update(parent / name for name in os.listdir(parent))
    if missing := [file for file in dict.fromkeys(files) if file not in found]:
        raise FileNotFoundError(
            f"{len(missing)} of {len(set(files))} image files are missing, such as {missing[0]}: "
            f"{os.fspath(folder)} must be the folder that holds them."
        )
