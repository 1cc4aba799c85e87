"""Recordings of spoken digits, paired by class with images of handwritten digits."""

import os
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Bunch

from .._checks.parameters import check_scalar
from ..data import ClassPairs
from ._data_file import DataFile, DataFileError, read_data_file
from ._digit_images import digit_images
from ._log_mel import log_mel_spectrogram, mel_filterbank
from ._recordings_archive import SAMPLE_RATE, Recordings, read_recordings

COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
CHECKSUM = "1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959"
RECORDINGS = DataFile(
    url=f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{COMMIT}.zip",
    local=PurePosixPath("free-spoken-digits", "recordings.zip"),
    cached=f"free-spoken-digits-{COMMIT[:7]}.zip",
)

N_FFT = 512
WINDOW_LENGTH = 200  # 25 ms
HOP_LENGTH = 80  # 10 ms
FLOOR = 1e-4  # energy of background noise in the quieter recordings

DESCR = f"""\
Spoken digits and images of handwritten digits.

What: 3,000 recordings of the digits 0 to 9 by 6 speakers, 50 of each, as log-mel spectrograms, and
1,797 images of handwritten digits, 8x8 pixels, grey levels scaled to [0, 1].
Source: Free Spoken Digit Dataset (Jackson et al.),
https://github.com/Jakobovski/free-spoken-digit-dataset; sklearn.datasets.load_digits.
Version: commit {COMMIT}; as bundled with the installed scikit-learn.
Licence: CC BY-SA 4.0 (recordings); CC BY 4.0 (images).
Pairing: by class. Each recording is paired with an image of the same digit, which is drawn again
in each epoch. The speaker is a nuisance of the recordings.
"""


def fetch_spoken_digits(
    *,
    data_home: str | os.PathLike[str] | None = None,
    path: str | os.PathLike[str] | None = None,
    download: bool = True,
    n_mels: int = 40,
    n_frames: int = 64,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Fetch recordings of spoken digits, paired by class with images of handwritten digits.

    The recordings are those of the Free Spoken Digit Dataset [1]_ at a pinned commit, and the
    images those that scikit-learn bundles. The digit is shared; the speaker is a nuisance of the
    recordings. A recording is represented by :math:`\log(1 + E / 10^{-4})` of the energies `E` in
    `n_mels` triangular filters evenly spaced in mel, in Hann-windowed frames of 25 ms every 10 ms.
    It is cut off after `n_frames` frames (95% of the recordings are shorter than 64) or padded with
    silence, which is 0.

    The archive is searched in `path`, in the folder named by the environment variable
    ``MIBSK_DATA`` (as ``free-spoken-digits/recordings.zip``) and in the cache, and otherwise
    downloaded into the cache (16 MB). The recordings are verified in each case. Since the bytes of
    the archive may change, this is done by the SHA-256 of their sorted names and SHA-256 sums,
    which is the output of ``LC_ALL=C sha256sum *.wav | sha256sum``.

    Parameters
    ----------
    data_home : path-like, default=None
        Folder of the cache; by default the operating system's cache folder.
    path : path-like, default=None
        A local zip archive of the recordings, or a folder that holds
        ``free-spoken-digits/recordings.zip``. Then nothing is downloaded.
    download : bool, default=True
        Whether to download a file that is not found.
    n_mels : int, default=40
        Number of mel filters between 0 and 4 kHz.
    n_frames : int, default=64
        Number of frames, 10 ms apart.
    random_state : int, RandomState instance or None, default=None
        Controls the pairing, see :class:`mibsk.ClassPairs`.

    Returns
    -------
    bunch : Bunch
        ``data`` : ClassPairs with ``"audio"``, the anchor, float32 of shape
        (3000, n_mels, n_frames), and ``"image"``, float32 of shape (1797, 8, 8).

        ``labels`` : dict of modality to DataFrame with the rows of that modality; ``"audio"`` has
        the columns ``digit`` and ``speaker``, ``"image"`` the column ``digit``.

        ``shared`` : ``["digit"]``; ``nuisances`` : ``["speaker"]``; ``DESCR`` : str.

    Raises
    ------
    FileNotFoundError
        If there is no file at `path`, or the file is not found and `download` is False.
    OSError
        If the download fails, or the recordings are damaged or not the expected ones.
    ValueError
        If `n_mels` or `n_frames` is too small, or `n_mels` is so large that filters are empty.

    References
    ----------
    .. [1] Z. Jackson et al., "Free Spoken Digit Dataset", https://doi.org/10.5281/zenodo.1342401

    Examples
    --------
    >>> from mibsk.datasets import fetch_spoken_digits
    >>> digits = fetch_spoken_digits(random_state=0)  # doctest: +SKIP
    >>> digits.data["audio"].shape  # doctest: +SKIP
    (3000, 40, 64)
    >>> digits.nuisances  # doctest: +SKIP
    ['speaker']
    """
    check_scalar("n_mels", n_mels, low=1, integer=True)
    check_scalar("n_frames", n_frames, low=1, integer=True)
    filters = mel_filterbank(n_mels, n_fft=N_FFT, sample_rate=SAMPLE_RATE)
    recordings = _find_recordings(path, data_home, download=download)
    spectrograms = log_mel_spectrogram(
        _amplitudes(recordings.waves, WINDOW_LENGTH + (n_frames - 1) * HOP_LENGTH),
        filters,
        n_fft=N_FFT,
        window_length=WINDOW_LENGTH,
        hop_length=HOP_LENGTH,
        floor=FLOOR,
    )
    images, digits = digit_images()
    return Bunch(
        data=ClassPairs(
            {"audio": (spectrograms, recordings.digits), "image": (images, digits)},
            anchor="audio",
            random_state=random_state,
        ),
        labels={
            "audio": pd.DataFrame({"digit": recordings.digits, "speaker": recordings.speakers}),
            "image": pd.DataFrame({"digit": digits}),
        },
        shared=["digit"],
        nuisances=["speaker"],
        DESCR=DESCR,
    )


def _find_recordings(
    path: str | os.PathLike[str] | None,
    data_home: str | os.PathLike[str] | None,
    *,
    download: bool,
) -> Recordings:
    """Read and verify the recordings from the first place where they are found."""
    file = RECORDINGS
    if path is not None and Path(path).is_file():
        file, path = file._replace(local=PurePosixPath(Path(path).name)), Path(path).parent
    return read_data_file(file, _read_verified, path=path, data_home=data_home, download=download)


def _read_verified(file: Path) -> Recordings:
    """Read an archive, and raise ``DataFileError`` unless it holds the expected recordings."""
    recordings = read_recordings(file)
    if recordings.checksum != CHECKSUM:
        raise DataFileError(
            f"does not hold the 3,000 recordings of commit {COMMIT[:7]}: it has "
            f"{len(recordings.waves)} with checksum {recordings.checksum}, expected {CHECKSUM}"
        )
    return recordings


def _amplitudes(waves: list[NDArray[np.int16]], length: int) -> NDArray[np.float32]:
    """Return recordings cut off or zero-padded to `length`, with amplitudes in [-1, 1)."""
    padded = np.zeros((len(waves), length), dtype=np.float32)
    for row, samples in zip(padded, waves, strict=True):  # lengths differ
        kept = samples[:length]
        row[: len(kept)] = kept
    padded /= 2**15
    return padded
