"""Log-mel spectrograms: HTK's formula, properties of filterbanks, and scipy's transform."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import ShortTimeFFT, get_window

from mibsk.datasets._log_mel import hz_to_mel, log_mel_spectrogram, mel_filterbank, mel_to_hz

SETTINGS = {"n_fft": 512, "window_length": 200, "hop_length": 80, "floor": 1e-4}


def test_mel_scale_has_the_values_of_the_formula():
    # 2595 log10(2) at 700 Hz, 2595 log10(11) at 7 kHz; the scale was built to give 1000 at 1 kHz
    np.testing.assert_allclose(
        hz_to_mel(np.array([0, 700, 1000, 7000])), [0, 781.1728, 999.9855, 2702.4140], atol=1e-3
    )


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 24_000))
def test_mel_scale_inverts(hz):
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 60), st.sampled_from([512, 1024]), st.sampled_from([8000, 16_000]))
def test_filterbank_laws(n_mels, n_fft, sample_rate):
    if n_fft * 8000 < 512 * sample_rate:
        n_mels = min(n_mels, 20)
    filters = mel_filterbank(n_mels, n_fft=n_fft, sample_rate=sample_rate)
    hz = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    assert filters.shape == (n_mels, len(hz))
    assert filters.min() == 0
    assert filters.max() <= 1
    # between the first and the last centre, neighbouring triangles add up to one
    centers = mel_to_hz(np.arange(1, n_mels + 1) * hz_to_mel(sample_rate / 2) / (n_mels + 1))
    inside = (hz >= centers[0]) & (hz <= centers[-1])
    np.testing.assert_allclose(filters.sum(axis=0)[inside], 1, rtol=1e-9)
    # centroids increase from filter to filter
    assert (np.diff(filters @ hz / filters.sum(axis=1)) > 0).all()


def test_filter_is_the_triangle_over_its_corners():
    filters = mel_filterbank(10, n_fft=512, sample_rate=8000)
    corners = mel_to_hz(np.linspace(0, hz_to_mel(4000), 12))
    hz = np.arange(257) * 8000 / 512
    for m in range(10):
        triangle = np.interp(hz, corners[m : m + 3], [0, 1, 0])
        np.testing.assert_allclose(filters[m], triangle, atol=1e-12)


def test_too_many_filters():
    with pytest.raises(ValueError, match=r"n_mels=400 leaves .* use a smaller n_mels"):
        mel_filterbank(400, n_fft=512, sample_rate=8000)


def test_equals_scipys_short_time_transform():
    rng = np.random.default_rng(0)
    waves = rng.uniform(-0.5, 0.5, size=(300, 1000)).astype(np.float32)  # more than one chunk
    filters = mel_filterbank(20, n_fft=512, sample_rate=8000)
    ours = log_mel_spectrogram(waves, filters, **SETTINGS)
    assert ours.shape == (300, 20, 11)
    assert ours.dtype == np.float32
    transform = ShortTimeFFT(get_window("hann", 200), hop=80, fs=8000, mfft=512)
    # scipy centres frame p on sample 80 p, ours begin at 80 k: with 60 zeros before, p = k + 2
    padded = np.pad(waves.astype(np.float64), ((0, 0), (60, 200)))
    power = np.abs(transform.stft(padded, p0=2, p1=13)) ** 2
    expected = np.log1p(np.einsum("mf,nft->nmt", filters, power) / 1e-4)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


def test_silence_is_zero_and_a_tone_lights_its_filter():
    filters = mel_filterbank(40, n_fft=512, sample_rate=8000)
    time = np.arange(1000) / 8000
    waves = np.stack([np.zeros(1000), np.sin(2 * np.pi * 1000 * time)]).astype(np.float32)
    silence, tone = log_mel_spectrogram(waves, filters, **SETTINGS)
    assert (silence == 0).all()
    assert (tone.argmax(axis=0) == filters[:, 64].argmax()).all()  # bin 64 is 1 kHz


def test_doubling_the_amplitude_adds_a_constant_far_above_the_floor():
    filters = mel_filterbank(20, n_fft=512, sample_rate=8000)
    wave = np.random.default_rng(0).normal(size=(1, 1000)).astype(np.float32)
    quiet, loud = (log_mel_spectrogram(a * wave, filters, **SETTINGS) for a in (1.0, 2.0))
    np.testing.assert_allclose(loud - quiet, np.log(4), rtol=1e-3)
