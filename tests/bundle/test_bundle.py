import json

import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.bundle import Bundle, write_bundle
from mibsk.datasets import load_digits_halves


@pytest.fixture(scope="module")
def trained():
    halves = load_digits_halves().data
    rows = {name: X[:300] for name, X in halves.items()}
    return IBAligner(n_components=8, max_epochs=2, random_state=0).fit(rows), rows


def test_a_bundle_embeds_as_its_aligner(trained, tmp_path):
    aligner, rows = trained
    manifest = write_bundle(aligner, tmp_path / "bundle", name="digits")
    bundle = Bundle(tmp_path / "bundle")
    assert bundle.manifest == manifest
    assert bundle.modalities == ["left", "right"]
    for name, X in rows.items():
        np.testing.assert_allclose(
            bundle.embed(name, X), aligner.embed({name: X})[name], rtol=0, atol=1e-5
        )


def test_a_torn_file_is_found(trained, tmp_path):
    manifest = write_bundle(trained[0], tmp_path)
    file = tmp_path / manifest.encoders["left"].file
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"left-.*\.onnx differs from"):
        Bundle(tmp_path)
    file.unlink()
    with pytest.raises(ValueError, match=r"left-.*\.onnx is missing"):
        Bundle(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["../left.onnx", "/etc/passwd", "a/../../b", "a//b", "C:\\x", "a\\b", ".", "a/..", "", 3],
)
def test_a_manifest_that_leads_out_of_the_folder_is_refused(trained, tmp_path, name):
    write_bundle(trained[0], tmp_path)
    file = tmp_path / "manifest.json"
    values = json.loads(file.read_text())
    values["modalities"][0]["file"] = name
    file.write_text(json.dumps(values))
    with pytest.raises(ValueError, match="is not a manifest that this version of mibsk can read"):
        Bundle(tmp_path)


def test_a_bundle_is_shown_on_one_line(trained, tmp_path):
    manifest = write_bundle(trained[0], tmp_path, name="digits")
    names, n = trained[0].modality_names_, manifest.n_components
    shown = f"name='digits', modalities={names}, n_components={n}, digest='{manifest.digest[:12]}'"
    assert repr(Bundle(tmp_path)) == f"Bundle({shown})"
