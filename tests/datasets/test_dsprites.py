"""dSprites: small files in its format, and sprites of an independent renderer in that format."""

import hashlib

import numpy as np
import pytest

from mibsk.datasets import load_dsprites, make_sprites
from mibsk.datasets._sprites import FACTORS
from mibsk.datasets.published import _dsprites

NAMES = ("color", "shape", "scale", "orientation", "posX", "posY")


def write(file, imgs, classes, **others):
    """Write a file with the arrays of dSprites, in their order and types."""
    metadata = {b"latents_names": NAMES, b"latents_sizes": np.array([1, 3, 6, 40, 32, 32])}
    np.savez_compressed(
        file,
        metadata=np.array(metadata, dtype=object),
        imgs=imgs,
        latents_classes=classes,
        latents_values=classes.astype(np.float64),
        **others,
    )
    return file


@pytest.fixture
def arrays():
    """Forty sprites: images of 0 and 1, and classes with the colour in the first column."""
    sprites = make_sprites(40, random_state=0)
    imgs = (sprites.data["image"] > 127).astype(np.uint8)
    classes = sprites.labels["image"].to_numpy(dtype=np.int64)
    return imgs, np.hstack([np.zeros((40, 1), np.int64), classes])


def test_all_rows_in_the_order_of_the_file(tmp_path, arrays):
    imgs, classes = arrays
    bunch = load_dsprites(write(tmp_path / "small.npz", *arrays))
    assert bunch.data["image"].dtype == np.uint8
    np.testing.assert_array_equal(bunch.data["image"], 255 * imgs)
    np.testing.assert_array_equal(bunch.labels["image"], classes[:, 1:])
    assert list(bunch.labels["image"]) == list(FACTORS)
    assert bunch.shared == ["shape", "scale", "pos_x"]
    assert bunch.nuisances == ["orientation", "pos_y"]
    assert bunch.data["factors"].shape == (40, 41)
    np.testing.assert_array_equal(bunch.data["factors"][:, :3].argmax(axis=1), classes[:, 1])
    assert "40 images of 64x64" in bunch.DESCR


def test_drawn_rows_keep_their_factors_and_the_seed_decides_them(tmp_path, arrays):
    imgs, classes = arrays
    file = write(tmp_path / "small.npz", *arrays)
    first, again, other = (load_dsprites(file, n_samples=15, random_state=s) for s in (0, 0, 1))
    assert first.data["image"].tobytes() == again.data["image"].tobytes()
    assert first.data["image"].tobytes() != other.data["image"].tobytes()
    for image, codes in zip(first.data["image"], first.labels["image"].to_numpy(), strict=True):
        row = np.flatnonzero((classes[:, 1:] == codes).all(axis=1))
        assert len(row) == 1
        np.testing.assert_array_equal(image, 255 * imgs[row[0]])


def test_sprites_of_an_independent_renderer(shared_data):
    file = shared_data / "sprites" / "sprites10k.npz"
    with np.load(file) as archive:
        imgs, classes = archive["imgs"], archive["latents_classes"]
    bunch = load_dsprites(file, n_samples=300, shared=["pos_y"], random_state=0)
    assert bunch.data["factors"].shape == (300, 32)
    order = np.random.RandomState(0).choice(10_000, 300, replace=False)
    np.testing.assert_array_equal(bunch.data["image"], 255 * imgs[order])
    np.testing.assert_array_equal(bunch.labels["image"], classes[order, 1:])


def test_download_is_verified_and_kept(tmp_path, monkeypatch, serve, arrays):
    content = write(tmp_path / "served.npz", *arrays).read_bytes()
    asked = serve(content)
    home = tmp_path / "cache"
    with pytest.raises(OSError, match=r"the download of https.*is damaged or another version"):
        load_dsprites(data_home=home)
    assert list(home.iterdir()) == []
    served = _dsprites.FILE._replace(checksum=f"md5:{hashlib.md5(content).hexdigest()}")
    monkeypatch.setattr(_dsprites, "FILE", served)
    first = load_dsprites(data_home=home, n_samples=5, random_state=0)
    again = load_dsprites(data_home=home, n_samples=5, random_state=0, download=False)
    np.testing.assert_array_equal(first.data["image"], again.data["image"])
    assert asked == 2 * [_dsprites.FILE.url]


def test_files_in_another_format(tmp_path, arrays):
    imgs, classes = arrays
    bad_shape, colour = classes.copy(), classes.copy()
    bad_shape[3, 1] = 3
    colour[0, 0] = 1
    cases = [
        (255 * imgs, classes, "images of 0 and 1, got 255"),
        (imgs[:30], classes, "got 30 and 40"),
        (imgs[:, :32], classes, r"'imgs' must be uint8 of shape \(n, 64, 64\)"),
        (imgs, classes[:, 1:], r"'latents_classes' must be integer of shape \(n, 6\)"),
        (imgs, classes.astype(float), "'latents_classes' must be integer .* got float64"),
        (imgs, bad_shape, r"from 0 to below \[1, 3, 6, 40, 32, 32\]"),
        (imgs, colour, "must hold classes of colour"),
        (imgs, classes - 1, "must hold classes of colour"),
    ]
    for images, codes, message in cases:
        with pytest.raises(ValueError, match=message):
            load_dsprites(write(tmp_path / "bad.npz", images, codes))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be"),
        ({"n_samples": 737_281}, ValueError, "n_samples must be"),
        ({"shared": ["posX"]}, ValueError, "unknown factor 'posX'"),
        ({"random_state": "x"}, ValueError, "random"),
    ],
)
def test_bad_arguments_are_found_before_any_file(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        load_dsprites(tmp_path / "nowhere.npz", **arguments)


def test_more_samples_than_the_file_has(tmp_path, arrays):
    with pytest.raises(ValueError, match="n_samples must be an integer >= 1 and < 41"):
        load_dsprites(write(tmp_path / "small.npz", *arrays), n_samples=41)
