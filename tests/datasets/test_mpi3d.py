"""MPI3D: small files in its format, with fewer values of each factor."""

import hashlib

import numpy as np
import pytest

from mibsk.datasets import load_mpi3d
from mibsk.datasets.published import _mpi3d

SMALL = {
    "object_color": 2,
    "object_shape": 3,
    "object_size": 2,
    "camera_height": 1,
    "background_color": 1,
    "horizontal_axis": 4,
    "vertical_axis": 3,
}
N_IMAGES = 144


@pytest.fixture
def small(monkeypatch):
    """Reduce the number of values; return images of all combinations, filled with their index."""
    monkeypatch.setattr(_mpi3d, "FACTORS", SMALL)
    images = np.zeros((N_IMAGES, 64, 64, 3), dtype=np.uint8)
    images += np.arange(N_IMAGES, dtype=np.uint8)[:, None, None, None]
    return images


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_factors_follow_from_the_row_in_the_file(tmp_path, small, save):
    save(tmp_path / "small.npz", images=small)
    bunch = load_mpi3d(tmp_path / "small.npz", shared=["object_size", "vertical_axis"])
    np.testing.assert_array_equal(bunch.data["image"], small)
    labels = bunch.labels["image"]
    assert list(labels) == list(SMALL)
    # the index as published by the authors: the last factor varies fastest
    index = (
        labels["object_color"] * 72
        + labels["object_shape"] * 24
        + labels["object_size"] * 12
        + labels["horizontal_axis"] * 3
        + labels["vertical_axis"]
    )
    np.testing.assert_array_equal(index, np.arange(N_IMAGES))
    assert bunch.data["factors"].shape == (N_IMAGES, 5)
    assert bunch.nuisances[:2] == ["object_color", "object_shape"]


def test_published_strides():
    """The published index: colour * 172800 + ... + horizontal * 40 + vertical."""
    sizes = list(_mpi3d.FACTORS.values())
    assert sizes == [6, 6, 2, 3, 3, 40, 40]
    assert np.prod(sizes) == 1_036_800


def test_drawn_images_keep_their_factors(tmp_path, small):
    np.savez_compressed(tmp_path / "small.npz", images=small)
    first, again = (
        load_mpi3d(tmp_path / "small.npz", variant="real", n_samples=50, random_state=3)
        for _ in range(2)
    )
    assert first.data["image"].tobytes() == again.data["image"].tobytes()
    places = first.data["image"][:, 0, 0, 0]
    assert len(set(places)) == 50
    np.testing.assert_array_equal(first.labels["image"]["vertical_axis"], places % 3)
    np.testing.assert_array_equal(first.labels["image"]["object_color"], places // 72)
    assert first.DESCR.startswith("MPI3D, real.")
    assert "50 RGB images of 64x64" in first.DESCR


@pytest.mark.parametrize("variant", ["toy", "realistic", "real"])
def test_each_variant_has_its_own_file(tmp_path, monkeypatch, small, variant):
    folder = tmp_path / "mpi3d"
    folder.mkdir()
    file = folder / f"mpi3d_{variant}.npz"
    np.savez(file, images=small)
    monkeypatch.setenv("MIBSK_DATA", str(tmp_path))
    with pytest.raises(OSError, match=f"mpi3d_{variant}.npz is damaged or another version"):
        load_mpi3d(variant=variant)
    checksum = f"md5:{hashlib.md5(file.read_bytes()).hexdigest()}"
    monkeypatch.setitem(_mpi3d.CHECKSUMS, variant, checksum)
    bunch = load_mpi3d(variant=variant, n_samples=2, shared=["object_size"])
    assert len(bunch.data) == 2


def test_files_in_another_format(tmp_path, small):
    cases = [
        ({"images": small[:-1]}, "must hold 144 images, one for each combination of .* got 143"),
        ({"images": small[..., :1]}, r"uint8 of shape \(n, 64, 64, 3\)"),
        ({"images": small.astype(np.float32)}, "got float32"),
        ({"imgs": small}, "must hold an array 'images'"),
    ]
    for arrays, message in cases:
        np.savez(tmp_path / "bad.npz", **arrays)
        with pytest.raises(ValueError, match=message):
            load_mpi3d(tmp_path / "bad.npz")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"variant": "reel"}, ValueError, "variant must be one of .* Did you mean 'real'"),
        ({"variant": ["toy"]}, ValueError, "variant must be one of"),
        ({"n_samples": 1_036_801}, ValueError, "n_samples must be"),
        ({"n_samples": "all"}, TypeError, "n_samples must be an integer"),
        ({"shared": []}, ValueError, "at least one factor"),
    ],
)
def test_bad_arguments_are_found_before_any_file(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        load_mpi3d(tmp_path / "nowhere.npz", **arguments)
