"""Image files: decoded when they are read, in any mode, and named in errors."""

import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from mibsk import IBAligner, Modalities
from mibsk.datasets import ImageFiles
from mibsk.datasets._captioned_images import CaptionedImages
from mibsk.exceptions import NotInstalledError


def save(folder, name, array, **options):
    file = folder / name
    Image.fromarray(np.asarray(array, dtype=np.uint8)).save(file, **options)
    return file


def flat(height, width, color):
    return np.broadcast_to(np.array(color, dtype=np.uint8), (height, width, 3))


@pytest.fixture
def colours(tmp_path):
    """Files of one colour each, of different sizes."""
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (40, 80, 120), (9, 9, 9)]
    files = [
        save(tmp_path, f"{i}.png", flat(10 + 5 * i, 30, color)) for i, color in enumerate(colors)
    ]
    return files, np.array(colors)


def test_indexing_decodes_what_is_read(colours):
    files, colors = colours
    images = ImageFiles(files, image_size=8)
    assert (len(images), images.shape, images.dtype, images.ndim) == (5, (5, 8, 8, 3), np.uint8, 4)
    expected = colors[:, None, None] + np.zeros((5, 8, 8, 3), dtype=int)
    np.testing.assert_array_equal(images[:], expected)
    np.testing.assert_array_equal(np.asarray(images), expected)
    np.testing.assert_array_equal(np.asarray(images, dtype=np.float32), expected)
    np.testing.assert_array_equal(images[3], expected[3])
    np.testing.assert_array_equal(images[-1], expected[-1])
    np.testing.assert_array_equal(images[1:4], expected[1:4])
    np.testing.assert_array_equal(images[2:3], expected[2:3])
    np.testing.assert_array_equal(images[[4, 0, 0]], expected[[4, 0, 0]])
    np.testing.assert_array_equal(images[np.arange(5) > 2], expected[3:])
    assert images[:0].shape == (0, 8, 8, 3)
    with pytest.raises(IndexError):
        images[5]


def svg(folder, name, content, size=(24, 24)):
    file = folder / name
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}">{content}</svg>'
    )
    return file


def test_svg_files_are_drawn_on_white(tmp_path):
    pytest.importorskip("resvg_py")
    left = svg(tmp_path, "left.svg", '<path d="M0 0H12V24H0Z" />')
    wide = svg(tmp_path, "wide.SVG", '<path fill="#f00" d="M0 0H40V20H0Z" />', size=(40, 20))
    png = save(tmp_path, "blue.png", flat(5, 5, (0, 0, 255)))
    images = ImageFiles([left, wide, png], image_size=8, resize="pad")[:]
    np.testing.assert_array_equal(images[0, :, :3], 0)
    np.testing.assert_array_equal(images[0, :, 5:], 255)
    np.testing.assert_array_equal(images[1, 3:5], flat(2, 8, (255, 0, 0)))
    np.testing.assert_array_equal(images[1, [0, 7]], 255)
    np.testing.assert_array_equal(images[2], flat(8, 8, (0, 0, 255)))


@pytest.mark.parametrize("content", [b"<svg", b"\xff\xfe", b""])
def test_svg_files_that_are_none(tmp_path, content):
    pytest.importorskip("resvg_py")
    file = tmp_path / "a.svg"
    file.write_bytes(content)
    with pytest.raises(OSError, match=r"a\.svg cannot be decoded .*: replace it, or leave it out"):
        ImageFiles([file])[0]
    with pytest.raises(FileNotFoundError, match=r"no image file .*b\.svg"):
        ImageFiles([tmp_path / "b.svg"])[0]


def test_svg_files_need_a_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(NotInstalledError, match=r"to draw SVG files.*resvg-py"):
        ImageFiles([tmp_path / "a.svg"])


def test_batches_and_parts(colours):
    files, _ = colours
    images = ImageFiles(files, image_size=8)
    assert [len(batch) for batch in images.batches(2)] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(list(images.batches(2))), images[:])
    part = images.take(np.array([4, 1]))
    assert part.files.tolist() == [str(files[4]), str(files[1])]
    np.testing.assert_array_equal(part[:], images[[4, 1]])


def test_nothing_is_read_before_it_is_indexed(colours):
    files, _ = colours
    images = ImageFiles([*files, "nowhere/x.png"], image_size=8)
    assert images[:5].shape == (5, 8, 8, 3)
    with pytest.raises(FileNotFoundError, match=r"no image file nowhere/x\.png"):
        images[4:]


def test_crop_keeps_the_middle_and_pad_adds_white(tmp_path):
    bands = np.zeros((10, 30, 3), dtype=np.uint8)
    bands[:, 10:20] = 255, 0, 0
    file = save(tmp_path, "bands.png", bands)
    np.testing.assert_array_equal(ImageFiles([file], image_size=10)[0], bands[:, 10:20])
    padded = ImageFiles([file], image_size=30, resize="pad")[0]
    np.testing.assert_array_equal(padded[10:20], bands)
    assert (padded[:10] == 255).all()
    assert (padded[20:] == 255).all()


def test_transparent_images_are_on_white(tmp_path):
    array = np.zeros((4, 4, 4), dtype=np.uint8)
    array[:2] = 0, 0, 255, 255
    image = ImageFiles([save(tmp_path, "a.png", array)], image_size=4)[0]
    np.testing.assert_array_equal(image[:2], flat(2, 4, (0, 0, 255)))
    np.testing.assert_array_equal(image[2:], 255)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA"])
def test_other_modes_become_rgb(tmp_path, mode):
    file = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new("RGB", (6, 6), (255, 255, 255)).convert(mode).save(file)
    np.testing.assert_array_equal(ImageFiles([file], image_size=6)[0], 255)


def test_pixels_of_16_bits_keep_their_scale(tmp_path):
    file = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 20_000], [40_000, 65_535]], dtype=np.uint16)).save(file)
    image = ImageFiles([file], image_size=2)[0]
    np.testing.assert_array_equal(image[..., 0], [[0, 78], [156, 255]])


def test_pixels_without_a_range_are_refused(tmp_path):
    file = tmp_path / "a.tif"
    Image.fromarray(np.ones((4, 4), dtype=np.float32)).save(file)
    with pytest.raises(OSError, match=r"a\.tif cannot be decoded \(pixels of mode 'F' have no"):
        ImageFiles([file], image_size=4)[0]


def test_orientation_of_photographs_is_applied(tmp_path):
    array = np.zeros((16, 32, 3), dtype=np.uint8)
    array[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees: the left side is up
    file = save(tmp_path, "a.jpg", array, exif=exif, quality=95)
    image = ImageFiles([file], image_size=32, resize="pad")[0]
    assert image[2:14, 10:22].min() > 240
    assert image[18:30, 10:22].max() < 15


def test_large_photographs_are_shrunk(tmp_path):
    x = np.linspace(0, 255, 800)
    array = np.stack([np.tile(x, (600, 1)), np.tile(x[:600, None], (1, 800)), np.zeros((600, 800))])
    file = save(tmp_path, "a.jpg", array.transpose(1, 2, 0), quality=95)
    image = ImageFiles([file], image_size=30)[0].astype(int)
    middle = array.transpose(1, 2, 0)[:, 100:700].reshape(30, 20, 30, 20, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(image, middle, atol=6)


def broken_png(width, height):
    """Return a PNG file that declares a size but has no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(header))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"not an image", broken_png(8, 8), broken_png(60_000, 60_000)],
    ids=["empty", "text", "without pixels", "3.6 billion pixels"],
)
def test_corrupt_images_are_named(tmp_path, colours, content):
    files, _ = colours
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    images = ImageFiles([*files, bad], image_size=8)
    with pytest.raises(OSError, match=r"image file .*bad\.png cannot be decoded .*: replace it"):
        images[:]


def test_truncated_photographs_are_named(tmp_path):
    rng = np.random.default_rng(0)
    file = save(tmp_path, "cut.jpg", rng.integers(256, size=(64, 64, 3)))
    file.write_bytes(file.read_bytes()[:1500])
    with pytest.raises(OSError, match=r"cut\.jpg cannot be decoded"):
        ImageFiles([file], image_size=8)[0]


@pytest.mark.parametrize(
    ("files", "arguments", "error", "message"),
    [
        ([], {}, ValueError, "at least one image"),
        ("a.png", {}, TypeError, "sequence of paths, got the single path 'a.png'"),
        (["a.png"], {"image_size": 0}, ValueError, "image_size must be"),
        (["a.png"], {"resize": "corp"}, ValueError, "resize must be one of.*Did you mean 'crop'"),
    ],
)
def test_bad_parameters(files, arguments, error, message):
    with pytest.raises(error, match=message):
        ImageFiles(files, **arguments)


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(NotInstalledError, match=r"pillow is needed to decode images: pip install"):
        ImageFiles(["a.png"])


def test_pairs_of_files_and_texts_are_indexed_as_modalities(colours):
    files, _ = colours
    pairs = CaptionedImages(ImageFiles(files, image_size=8), np.array(list("abcde"), dtype=object))
    assert len(pairs) == 5
    item = pairs[1]
    assert (item["text"], item["image"].shape) == ("b", (8, 8, 3))
    part = pairs[np.array([3, 0])]
    assert part["text"].tolist() == ["d", "a"]
    np.testing.assert_array_equal(part["image"][:], pairs["image"][[3, 0]])
    with pytest.raises(KeyError):
        pairs["sound"]


def test_an_aligner_is_fitted_on_files_as_on_their_pixels(tmp_path):
    rng = np.random.default_rng(0)
    arrays = rng.integers(256, size=(12, 8, 8, 3), dtype=np.uint8)
    files = [save(tmp_path, f"{i}.png", array) for i, array in enumerate(arrays)]
    texts = np.array([f"picture {i}" for i in range(12)], dtype=object)
    pairs = CaptionedImages(ImageFiles(files, image_size=8), texts)
    params = {"n_components": 2, "max_epochs": 2, "random_state": 0, "encoders": "network"}
    lazy = IBAligner(**params, bottleneck=None).fit(pairs)
    whole = IBAligner(**params, bottleneck=None).fit(Modalities({"image": arrays, "text": texts}))
    embedded = lazy.embed({"image": pairs["image"]})["image"]
    np.testing.assert_allclose(embedded, whole.embed({"image": arrays})["image"], atol=1e-4)
