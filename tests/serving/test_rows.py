"""Rows of every kind in JSON, through the embeddings route."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mibsk.bundle import Bundle


def vectors(client, modality, value, **fields):
    answer = client.post("/v1/embeddings", json={"model": modality, "input": value, **fields})
    assert answer.status_code == 200, answer.text
    return np.array([each["embedding"] for each in answer.json()["data"]], np.float32)


def refusal(client, modality, value, **fields):
    answer = client.post("/v1/embeddings", json={"model": modality, "input": value, **fields})
    assert answer.status_code == 400, answer.text
    return answer.json()["error"]["message"]


def picture(pixels, format="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format)
    return f"data:image/{format.lower()};base64," + base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def bundle_of(kinds, classes):
    return lambda modality: classes if modality in ("x", "y") else kinds


@pytest.fixture
def kinds_client(client_of, kinds):
    return client_of(kinds)


@pytest.mark.parametrize(
    ("modality", "one", "rows"),
    [
        ("words", "word 1 2", ["word 1 2"]),
        ("y", 7, [7]),
        ("x", [0.5, 2], np.array([[0.5, 2]])),
        ("table", [0.5, 2], [[0.5, 2.0]]),
        ("table", {"b": 2, "a": 0.5}, [[0.5, 2.0]]),
        ("bytes", np.arange(48).reshape(4, 4, 3).tolist(), None),
    ],
)
def test_one_row_and_a_list_of_rows(client_of, bundle_of, modality, one, rows):
    client = client_of(bundle_of(modality))
    if rows is None:
        rows = np.array([one], np.uint8)
    elif modality == "table":
        rows = pd.DataFrame(rows, columns=["a", "b"])
    expected = Bundle(bundle_of(modality)).embed(modality, rows)
    np.testing.assert_allclose(vectors(client, modality, one), expected, atol=1e-6)
    two = vectors(client, modality, [one, one])
    np.testing.assert_allclose(two, np.concatenate([expected] * 2), atol=1e-6)


def test_a_picture_is_the_row_of_its_pixels(kinds_client, kinds):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    expected = Bundle(kinds).embed("bytes", pixels[np.newaxis])
    url = picture(pixels)
    np.testing.assert_allclose(vectors(kinds_client, "bytes", url), expected, atol=1e-6)
    mixed = vectors(kinds_client, "bytes", [pixels.tolist(), url])
    np.testing.assert_allclose(mixed, np.concatenate([expected] * 2), atol=1e-6)
    large = picture(pixels.repeat(3, 0).repeat(3, 1))
    resized = vectors(kinds_client, "bytes", large, resize=True)
    np.testing.assert_allclose(resized, expected, atol=1e-6)


def test_grey_pictures_have_the_scale_of_the_modality(client, digits):
    pixels = np.linspace(0, 255, 32).astype(np.uint8).reshape(8, 4)
    expected = Bundle(digits).embed("left", (pixels / 255)[np.newaxis])
    np.testing.assert_allclose(vectors(client, "left", picture(pixels)), expected, atol=1e-6)


def url_of(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("kind", ["RGBA", "LA", "palette", "16 bits", "16 bits and transparency"])
def test_pictures_are_seen_on_white(client, kind):
    drawn = np.zeros((8, 4), bool)  # black on nothing
    drawn[2:5, 1:3] = True
    if kind == "palette":
        image, options = Image.fromarray(np.where(drawn, 1, 0).astype(np.uint8)), {}
        image = image.convert("P")
        image.putpalette([0] * 768)
        options["transparency"] = 0
    elif kind.startswith("16"):
        values = np.where(drawn, 0, 9 if "trans" in kind else 65535).astype(np.uint16)
        image, options = Image.fromarray(values), {"transparency": 9} if "trans" in kind else {}
    else:
        image, options = Image.new(kind, (4, 8)), {}
        image.putalpha(Image.fromarray(255 * drawn.astype(np.uint8)))
    expected = picture(np.where(drawn, 0, 255).astype(np.uint8))
    shown = vectors(client, "left", url_of(image, **options))
    np.testing.assert_array_equal(shown, vectors(client, "left", expected))
    assert not np.allclose(shown, vectors(client, "left", picture(np.zeros((8, 4), np.uint8))))


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_pictures_lie_as_their_camera_says(client, orientation):
    upright = Image.fromarray(np.linspace(0, 255, 32).astype(np.uint8).reshape(8, 4))
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    stored = upright.transpose(turn.get(orientation, Image.Transpose.ROTATE_270))
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = vectors(client, "left", url_of(upright))
    np.testing.assert_array_equal(vectors(client, "left", url_of(stored, exif=exif)), expected)


@pytest.mark.parametrize(
    ("modality", "value", "message"),
    [
        ("words", ["a", None], "got null at row 1"),
        ("words", [[1, 2]], "got a list at row 0"),
        ("words", 3, "must be a string"),
        ("y", 4, "labels that were not seen in fit"),
        ("y", [7, "a"], "labels that were not seen in fit: ['a']"),
        ("y", [7, None], "got null at row 1"),
        ("x", 7, "numbers of shape (2,), or a list"),
        ("table", {"a": 1}, "lacks ['b']"),
        ("table", {"a": 1, "b": 2, "c": 3}, "has ['c']"),
        ("table", [{"a": 1, "b": "x"}], "must hold numbers"),
        ("table", "x", "takes data URLs"),
        ("table", [1, 2, 3], "3 features"),
        ("table", [[1, 2], {"a": 1}], "lacks"),
        ("table", [[1, 1e39]], "too large for float32"),
        ("bytes", [[[300] * 3] * 4] * 4, "uint8 cannot hold"),
        ("bytes", [[[0.5] * 3] * 4] * 4, "uint8 cannot hold"),
        ("bytes", [[[True] * 3] * 4] * 4, "got booleans"),
        ("bytes", [[[True, 5, 6]] * 4] * 4, "true or false among the numbers"),
        ("bytes", [[[[0, 5, False]] * 4] * 4, picture(np.zeros((4, 4, 3), np.uint8))], "among"),
        ("table", [0.5, True], "true or false among the numbers"),
        ("table", {"a": False, "b": 2}, "true or false among the numbers"),
        ("bytes", "data:text/plain;base64,AAAA", "must be a data URL"),
        ("bytes", "data:image/png;base64,!!!", "not base64"),
        ("bytes", "data:image/png;base64,AAAA", "cannot be read"),
        ("bytes", picture(np.zeros((5, 4, 3), np.uint8)), "4 x 5 pixels, expected 4 x 4: resize"),
        ("bytes", picture(np.zeros((4, 4, 3), np.uint8))[:-40], "cannot be read|not base64"),
    ],
)
def test_bad_rows_say_what_is_wrong(client_of, bundle_of, modality, value, message):
    shown = refusal(client_of(bundle_of(modality)), modality, value)
    assert any(each in shown for each in message.split("|")), shown


def test_huge_pictures_are_not_unpacked(kinds_client):
    file = io.BytesIO()
    Image.new("1", (9000, 9000)).save(file, "PNG")
    url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    assert "at most" in refusal(kinds_client, "bytes", url, resize=True)


def test_too_many_rows_are_refused(client_of, kinds):
    client = client_of(kinds, max_rows=3)
    assert vectors(client, "words", ["a"] * 3).shape == (3, 4)
    assert "4 rows, more than 3" in refusal(client, "words", ["a"] * 4)


def test_rows_without_embedding_are_422(client_of, kinds):
    """Values that float32 holds, but whose products it does not."""
    client = client_of(kinds)
    answer = client.post("/v1/embeddings", json={"model": "table", "input": [3e38, -3e38]})
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["code"] == "embedding_not_finite"
    assert "gave NaN for row 0" in error["message"]


def test_rows_of_a_table_are_embedded_by_one_fast_check(kinds):
    """With the result of a data frame; what the check does not know is left to the slow one."""
    encoder = Bundle(kinds).encoder("table")
    X = np.array([[0.5, 2.0], [-1.0, 3.0]])
    expected = encoder.transform(pd.DataFrame(X, columns=["a", "b"]))
    np.testing.assert_array_equal(encoder.embed_ready(X), expected)
    assert encoder.embed_ready(X[:, :1]) is None
    assert encoder.embed_ready(np.full((1, 2), np.nan)) is None
    assert encoder.embed_ready(X.tolist()) is None
