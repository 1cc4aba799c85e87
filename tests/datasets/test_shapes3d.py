"""3D Shapes: small files in its format, with several numbers of rows read together."""

import sys

import numpy as np
import pytest

from mibsk.datasets import load_shapes3d
from mibsk.datasets._room import FACTORS
from mibsk.datasets.published import _shapes3d
from mibsk.exceptions import NotInstalledError

h5py = pytest.importorskip("h5py")

VALUES = (
    np.linspace(0, 0.9, 10),
    np.linspace(0, 0.9, 10),
    np.linspace(0, 0.9, 10),
    np.linspace(0.75, 1.25, 8),
    np.arange(4.0),
    np.linspace(-30, 30, 15),
)
N_IMAGES = 90


@pytest.fixture(scope="module")
def codes():
    """Classes of all values, each at least once."""
    rng = np.random.default_rng(0)
    columns = [rng.permutation(np.arange(N_IMAGES) % len(values)) for values in VALUES]
    return np.stack(columns, axis=1)


@pytest.fixture(scope="module")
def arrays(codes):
    images = np.random.default_rng(1).integers(256, size=(N_IMAGES, 64, 64, 3), dtype=np.uint8)
    labels = np.stack([v[c] for v, c in zip(VALUES, codes.T, strict=True)], axis=1)
    return images, labels


def write(file, images, labels, **options):
    with h5py.File(file, "w") as content:
        content.create_dataset("images", data=images, **options)
        content.create_dataset("labels", data=labels)
    return file


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "gzip", "chunks": (40, 8, 8, 1)},
        {"compression": "gzip", "chunks": (1, 64, 64, 3)},
    ],
    ids=["plain", "chunks of many images", "chunks of one image"],
)
@pytest.mark.parametrize("at_a_time", [(1, 7), (256, 8192)])
def test_rows_equal_those_of_the_file(tmp_path, monkeypatch, arrays, codes, options, at_a_time):
    monkeypatch.setattr(_shapes3d, "ROWS_AT_A_TIME", at_a_time)
    file = write(tmp_path / "small.h5", *arrays, **options)
    whole = load_shapes3d(file)
    np.testing.assert_array_equal(whole.data["image"], arrays[0], strict=True)
    np.testing.assert_array_equal(whole.labels["image"], codes)
    drawn = load_shapes3d(file, n_samples=25, random_state=0)
    rows = np.random.RandomState(0).choice(N_IMAGES, 25, replace=False)
    np.testing.assert_array_equal(drawn.data["image"], arrays[0][rows])
    np.testing.assert_array_equal(drawn.labels["image"], codes[rows])
    np.testing.assert_array_equal(drawn.labels["image"].index, np.arange(25))


def test_fields(tmp_path, arrays, codes):
    bunch = load_shapes3d(write(tmp_path / "small.h5", *arrays), shared=["shape", "orientation"])
    assert bunch.data["factors"].shape == (N_IMAGES, 19)
    np.testing.assert_array_equal(bunch.data["factors"][:, :4].argmax(axis=1), codes[:, 4])
    assert list(bunch.labels["image"]) == list(FACTORS)
    assert bunch.nuisances == ["floor_hue", "wall_hue", "object_hue", "scale"]
    assert f"{N_IMAGES} RGB images of 64x64" in bunch.DESCR


def test_only_blocks_with_drawn_rows_are_read(arrays):
    asked = []

    class Dataset:
        chunks = (10, 64, 64, 3)

        def __len__(self):
            return N_IMAGES

        def __getitem__(self, rows):
            asked.append((rows.start, rows.stop))
            return arrays[0][rows]

    small = pytest.MonkeyPatch()
    with small.context() as patch:
        patch.setattr(_shapes3d, "ROWS_AT_A_TIME", (1, 8192))
        found = _shapes3d._read_rows(Dataset(), np.array([45, 3, 41, 88]))
    np.testing.assert_array_equal(found, arrays[0][[45, 3, 41, 88]])
    assert asked == [(3, 4), (41, 46), (88, 89)]


def test_files_in_another_layout(tmp_path, arrays):
    images, labels = arrays
    spoiled, many = labels.copy(), labels.copy()
    spoiled[2, 3] = np.nan
    many[:5, 4] = np.arange(10, 15)
    cases = [
        (images[:10], labels, "as many images as rows of labels, .* got 10 and 90"),
        (images[:0], labels[:0], "got 0 and 0"),
        (images[..., :1], labels, r"shape \(n, 64, 64, 3\).* got uint8 of shape \(90, 64, 64, 1\)"),
        (images.astype(np.uint16), labels, "got uint16 .* as 'images'"),
        (images, labels[:, :5], r"shape \(90, 5\) as 'labels'"),
        (images, labels.astype(int), "got int64 .* as 'labels'"),
        (images, spoiled, "at most 8 values of scale, all of them finite"),
        (images, many, "at most 4 values of shape"),
    ]
    for pictures, values, message in cases:
        with pytest.raises(ValueError, match=message):
            load_shapes3d(write(tmp_path / "bad.h5", pictures, values))
    with h5py.File(tmp_path / "bad.h5", "w") as content:
        content.create_group("images")
    with pytest.raises(ValueError, match="got nothing as 'images'"):
        load_shapes3d(tmp_path / "bad.h5")


def test_broken_files(tmp_path, arrays):
    options = {"compression": "gzip", "chunks": (40, 64, 64, 3)}
    file = write(tmp_path / "small.h5", *arrays, **options)
    content = file.read_bytes()
    damaged = bytearray(content)
    damaged[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    for bad in (b"", b"no HDF5", content[: len(content) // 2], bytes(damaged)):
        file.write_bytes(bad)
        with pytest.raises(ValueError, match=r"is not an HDF5 file, or it is damaged.*again"):
            load_shapes3d(file)


def test_copy_in_a_folder_must_be_the_published_file(tmp_path, arrays):
    write(tmp_path / "3dshapes.h5", *arrays)
    with pytest.raises(OSError, match=r"3dshapes\.h5 is damaged or another version: its sha256"):
        load_shapes3d(tmp_path)


def test_error_without_h5py_names_the_install_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(NotInstalledError, match="pip install h5py"):
        load_shapes3d(tmp_path / "nowhere.h5")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 480_001}, ValueError, "n_samples must be"),
        ({"n_samples": True}, TypeError, "n_samples must be an integer"),
        ({"shared": "shape"}, TypeError, r"use \['shape'\]"),
    ],
)
def test_bad_arguments_are_found_before_any_file(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        load_shapes3d(tmp_path / "nowhere.h5", **arguments)
