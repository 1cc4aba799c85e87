"""Icons: the loader on a small package in the true format, on local copies, and on real data."""

import hashlib
import io
import json
import tarfile

import numpy as np
import pytest

from mibsk.data import Modalities
from mibsk.datasets import _icons, fetch_icons, one_per_picture, split_bunch
from mibsk.datasets.rendering import render_paths

META = [
    {"name": "box", "aliases": [], "tags": ["Shape"], "baseIconId": "B", "deprecated": False},
    {
        "name": "box-outline",
        "aliases": ["empty-box", "frame"],
        "tags": ["Shape", "Home / Office"],
        "baseIconId": "B",
        "deprecated": False,
    },
    {"name": "old", "aliases": [], "tags": [], "baseIconId": "C", "deprecated": True},
    {"name": "half", "aliases": [], "tags": [], "baseIconId": "D", "deprecated": False},
]
PATHS = {
    "box": "M0 0H24V24H0Z",
    "box-outline": "M0 0H24V24H0ZM4 4V20H20V4Z",
    "old": "M0 0",
    "half": "M0 12h24v12h-24z",
}


def package(meta=META, paths=PATHS):
    """Return an npm package with these icons."""
    files = {"package/meta.json": json.dumps(meta), "package/README.md": "# Icons"}
    for name, path in paths.items():
        files[f"package/svg/{name}.svg"] = (
            f'<svg xmlns="http://www.w3.org/2000/svg" id="mdi-{name}" viewBox="0 0 24 24">'
            f'<path d="{path}" /></svg>'
        )
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def expect(monkeypatch, name, content):
    """Make the checksum of `content` the expected one."""
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    monkeypatch.setattr(_icons, name, getattr(_icons, name)._replace(checksum=checksum))


def npz(**arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Folder with a package and features of its three icons, whose checksums are expected."""
    monkeypatch.delenv("MIBSK_DATA", raising=False)
    folder = tmp_path / "icons"
    folder.mkdir()
    features = npz(
        image=np.arange(6, dtype=np.float16).reshape(3, 2), text=np.eye(3, dtype=np.float16)
    )
    for name, file, content in (
        ("PACKAGE", "mdi-svg-7.4.47.tgz", package()),
        ("FEATURES", "tower_features.npz", features),
    ):
        (folder / file).write_bytes(content)
        expect(monkeypatch, name, content)
    return tmp_path


def test_package_by_hand(tiny):
    icons = fetch_icons(tiny)
    assert icons.data["text"].tolist() == [
        "box, Shape",
        "box outline, empty box, frame, Shape, Home / Office",
        "half",
    ]
    assert icons.labels["image"]["base"].tolist() == [0, 0, 1]
    np.testing.assert_array_equal(icons.groups, [0, 0, 1])
    box, outline, half = icons.data["image"]
    assert box.shape == (48, 48)
    assert (box == 255).all()
    assert (outline[8:40, 8:40] == 0).all()
    assert (outline == 255).sum() == 48**2 - 32**2
    np.testing.assert_array_equal(half, np.repeat([0, 255], 24)[:, None] + np.zeros(48))


def test_other_sizes_are_drawn_from_the_package(tiny):
    icons = fetch_icons(tiny, image_size=12)
    box, outline, half = icons.data["image"]
    np.testing.assert_array_equal(box, np.full((12, 12), 255))
    assert (outline[2:10, 2:10] == 0).all()
    np.testing.assert_array_equal(half, np.repeat([0, 255], 6)[:, None] + np.zeros(12))
    assert "12x12 pixels" in icons.DESCR
    (tiny / "icons" / "mdi-svg-7.4.47.tgz").unlink()
    (tiny / "icons" / "images48.npz").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"mdi-svg-7\.4\.47\.tgz"):
        fetch_icons(tiny, image_size=12)


def test_names_are_rows(tiny):
    icons = fetch_icons(tiny, texts="names", modalities=["text", "image", "image_features"])
    assert icons.data["text"].tolist() == ["box", "box outline", "empty box", "frame", "half"]
    np.testing.assert_array_equal(icons.picture, [0, 1, 1, 1, 2])
    kinds = icons.labels["text"]["kind"].tolist()
    assert kinds == ["name", "name", "alias", "alias", "name"]
    np.testing.assert_array_equal(icons.data["image"][1], icons.data["image"][3])
    np.testing.assert_array_equal(
        icons.data["image_features"], [[0, 1], [2, 3], [2, 3], [2, 3], [4, 5]]
    )
    assert icons.nuisances == ["kind"]
    assert one_per_picture(icons).references[1] == ["box outline", "empty box", "frame"]


def test_features_are_rows_of_icons(tiny):
    icons = fetch_icons(tiny, modalities=["image_features", "text_features"])
    assert list(icons.data) == list(icons.labels) == ["image_features", "text_features"]
    np.testing.assert_array_equal(icons.data["text_features"], np.eye(3))
    assert icons.data["image_features"].dtype == np.float32
    assert "EfficientNet" in icons.DESCR


def test_local_pictures_and_words_are_read_without_the_package(tiny, monkeypatch):
    (tiny / "icons" / "mdi-svg-7.4.47.tgz").unlink()
    images = np.arange(2 * 48 * 48, dtype=np.uint8).reshape(2, 48, 48)
    words = [{"name": n, "aliases": [], "tags": ["t"], "base": "b"} for n in ("one", "two")]
    for name, file, content in (
        ("IMAGES", "images48.npz", npz(images=images)),
        ("WORDS", "words.json", json.dumps(words).encode()),
    ):
        (tiny / "icons" / file).write_bytes(content)
        expect(monkeypatch, name, content)
    monkeypatch.setenv("MIBSK_DATA", str(tiny))
    icons = fetch_icons()
    np.testing.assert_array_equal(icons.data["image"], images)
    assert icons.data["text"].tolist() == ["one, t", "two, t"]
    (tiny / "icons" / "words.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"no file icons/words\.json, which cannot be"):
        fetch_icons()


def test_the_package_is_downloaded_once(tmp_path, serve, monkeypatch):
    content = package()
    expect(monkeypatch, "PACKAGE", content)
    asked = serve(content)
    for _ in range(2):
        assert len(fetch_icons(data_home=tmp_path).data) == 3
    assert asked == ["https://registry.npmjs.org/@mdi/svg/-/svg-7.4.47.tgz"]


def test_features_cannot_be_downloaded(tmp_path, serve, monkeypatch):
    expect(monkeypatch, "PACKAGE", package())
    serve(package())
    with pytest.raises(
        FileNotFoundError,
        match=r"no file icons/tower_features\.npz, which cannot be downloaded: give the path of",
    ):
        fetch_icons(data_home=tmp_path, modalities=["image_features"])


def test_damaged_files(tiny, monkeypatch):
    file = tiny / "icons" / "mdi-svg-7.4.47.tgz"
    content = file.read_bytes()
    file.write_bytes(content[:200])
    with pytest.raises(OSError, match=r"svg-7\.4\.47\.tgz is damaged.*Leave path out to"):
        fetch_icons(tiny)
    expect(monkeypatch, "PACKAGE", content[:200])
    with pytest.raises(OSError, match=r"is damaged or not the package @mdi/svg \(EOFError"):
        fetch_icons(tiny)
    without = package(paths={"box": PATHS["box"]})
    file.write_bytes(without)
    expect(monkeypatch, "PACKAGE", without)
    with pytest.raises(OSError, match=r"not the package @mdi/svg \(KeyError\('box-outline\.svg'"):
        fetch_icons(tiny)
    (tiny / "icons" / "tower_features.npz").write_bytes(b"")
    file.write_bytes(content)
    expect(monkeypatch, "PACKAGE", content)
    with pytest.raises(OSError, match=r"tower_features\.npz is damaged.*intact copy"):
        fetch_icons(tiny, modalities=["text_features"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"modalities": "image"}, TypeError, r"use \['image'\]"),
        ({"modalities": []}, ValueError, "at least one"),
        ({"modalities": ["images"]}, ValueError, "unknown modality 'images'.*mean 'image'"),
        ({"image_size": 0}, ValueError, "image_size must be"),
        ({"texts": "name"}, ValueError, "texts must be one of .*Did you mean 'names'"),
        (
            {"texts": "names", "modalities": ["text_features"]},
            ValueError,
            "those of all words of an icon: pass texts='all'",
        ),
    ],
)
def test_bad_parameters_fail_before_any_file_is_read(arguments, error, message):
    with pytest.raises(error, match=message):
        fetch_icons("nowhere", **arguments)


# real data


@pytest.fixture(scope="module")
def icons(shared_data):
    if not (shared_data / "icons").is_dir():
        pytest.skip(f"no folder icons in {shared_data}")
    names = ["image", "text", "image_features", "text_features"]
    return fetch_icons(shared_data, modalities=names)


def test_fields(icons):
    assert set(icons) == {"data", "labels", "picture", "groups", "shared", "nuisances", "DESCR"}
    assert isinstance(icons.data, Modalities)
    assert {name: X.shape[1:] for name, X in icons.data.items()} == {
        "image": (48, 48),
        "text": (),
        "image_features": (1280,),
        "text_features": (384,),
    }
    assert len(icons.data) == len(set(icons.picture)) == 7188
    assert len(set(icons.groups)) == 2173
    assert icons.data["text"][1] == "abacus, Math"
    np.testing.assert_allclose(np.linalg.norm(icons.data["text_features"], axis=1), 1, atol=2e-3)


def test_bases_are_not_split(icons):
    train, test = split_bunch(icons, test_size=0.2, random_state=0)
    assert not set(train.groups) & set(test.groups)
    assert len(test.data) == pytest.approx(1438, abs=30)


def test_number_of_names(shared_data, icons):
    names = fetch_icons(shared_data, texts="names", modalities=["text"])
    assert len(names.data) == 14144
    assert (names.labels["text"]["kind"] == "name").sum() == 7188


def test_given_pictures_are_the_paths_as_drawn_here(icons):
    """Of the paths of three icons, with straight lines, arcs, and curves."""
    paths = {
        "abacus": "M5 5H7V11H5V5M10 5H8V11H10V5M5 19H7V13H5V19M10 13H8V19H10V17H15V15H10V13"
        "M2 21H4V3H2V21M20 3V7H13V5H11V11H13V9H20V15H18V13H16V19H18V17H20V21H22V3H20Z",
        "clock outline": "M12,20A8,8 0 0,0 20,12A8,8 0 0,0 12,4A8,8 0 0,0 4,12A8,8 0 0,0 12,20"
        "M12,2A10,10 0 0,1 22,12A10,10 0 0,1 12,22C6.47,22 2,17.5 2,12A10,10 0 0,1 12,2"
        "M12.5,7V12.25L17,14.92L16.25,16.15L11,13V7H12.5Z",
        "heart": "M12,21.35L10.55,20.03C5.4,15.36 2,12.27 2,8.5C2,5.41 4.42,3 7.5,3"
        "C9.24,3 10.91,3.81 12,5.08C13.09,3.81 14.76,3 16.5,3C19.58,3 22,5.41 22,8.5"
        "C22,12.27 18.6,15.36 13.45,20.03L12,21.35Z",
    }
    rows = [
        next(i for i, text in enumerate(icons.data["text"]) if text.split(",")[0] == name)
        for name in paths
    ]
    drawn = render_paths(list(paths.values()), view=24, image_size=48)
    difference = np.abs(drawn.astype(int) - icons.data["image"][rows])
    assert difference.mean(axis=(1, 2)).max() < 1
    assert difference.max() < 40
