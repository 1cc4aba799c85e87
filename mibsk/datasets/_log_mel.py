"""Log-mel spectrograms of short recordings."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft
from scipy.signal import get_window

CHUNK = 128  # recordings transformed together, which bounds the memory


def hz_to_mel(hz: NDArray[np.floating] | float) -> NDArray[np.floating]:
    r"""Return frequencies in mel, :math:`2595 \log_{10}(1 + f / 700)`, the HTK formula."""
    return 2595 * np.log10(1 + np.asarray(hz) / 700)


def mel_to_hz(mel: NDArray[np.floating] | float) -> NDArray[np.floating]:
    """Return frequencies in Hz, the inverse of :func:`hz_to_mel`."""
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


def mel_filterbank(n_mels: int, *, n_fft: int, sample_rate: int) -> NDArray[np.float64]:
    """Return triangular filters of height 1, whose corners are evenly spaced in mel.

    Filter ``m`` rises from the centre of filter ``m - 1`` to its own and falls to the centre of
    filter ``m + 1``; the outer corners are 0 Hz and half the sample rate.

    Parameters
    ----------
    n_mels : int
        Number of filters.
    n_fft : int
        Length of the Fourier transform in samples.
    sample_rate : int
        In Hz.

    Returns
    -------
    filters : ndarray of shape (n_mels, n_fft // 2 + 1)
        Weight of each frequency bin in each filter.

    Raises
    ------
    ValueError
        If a filter is so narrow that it contains no frequency bin.

    Examples
    --------
    >>> mel_filterbank(40, n_fft=512, sample_rate=8000).shape
    (40, 257)
    """
    corners = mel_to_hz(np.linspace(0, hz_to_mel(sample_rate / 2), n_mels + 2))
    left, center, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]  # (n_mels, 1)
    hz = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    rise = (hz - left) / (center - left)
    fall = (right - hz) / (right - center)
    filters = np.maximum(0, np.minimum(rise, fall))
    if (empty := int((filters.sum(axis=1) == 0).sum())) > 0:
        raise ValueError(
            f"n_mels={n_mels} leaves {empty} mel filters without a frequency bin (bins are "
            f"{sample_rate / n_fft:g} Hz apart): use a smaller n_mels."
        )
    return filters


def log_mel_spectrogram(
    waves: NDArray[np.floating],
    filters: NDArray[np.floating],
    *,
    n_fft: int,
    window_length: int,
    hop_length: int,
    floor: float,
) -> NDArray[np.float32]:
    r"""Return :math:`\log(1 + E / \text{floor})` with the energy `E` in each mel filter.

    `E` is the sum of the squared magnitudes of the Fourier transform of Hann-windowed frames,
    weighted by the filter. Digital silence is 0; far above the floor, values are the log energy
    plus a constant.

    Parameters
    ----------
    waves : ndarray of shape (n_samples, length)
        Recordings with amplitudes in [-1, 1].
    filters : ndarray of shape (n_mels, n_fft // 2 + 1)
        See :func:`mel_filterbank`.
    n_fft : int
        Length of the Fourier transform in samples; frames are padded with zeros to it.
    window_length, hop_length : int
        Length of a frame, and distance between the starts of frames, in samples.
    floor : float
        Energy of noise; differences below it have little effect.

    Returns
    -------
    spectrograms : ndarray of float32 of shape (n_samples, n_mels, n_frames)
        ``n_frames`` is ``1 + (length - window_length) // hop_length``.
    """
    frames = sliding_window_view(waves, window_length, axis=1)[:, ::hop_length]
    window = get_window("hann", window_length).astype(np.float32)
    weights = (filters.T / floor).astype(np.float32)
    out = np.empty((len(frames), filters.shape[0], frames.shape[1]), dtype=np.float32)
    for start in range(0, len(frames), CHUNK):
        rows = slice(start, start + CHUNK)
        spectrum = rfft(frames[rows] * window, n_fft)  # (rows, n_frames, n_fft // 2 + 1)
        power = spectrum.real**2 + spectrum.imag**2
        out[rows] = np.log1p(power @ weights).swapaxes(1, 2)
    return out
