"""Aligners whose encoders begin with a pretrained tower."""

import pickle
import shutil

import numpy as np
import pytest
import torch
from sklearn.base import clone

from mibsk import IBAligner, OnnxEncoder
from mibsk.bundle import Bundle, write_bundle
from mibsk.encoders import Pretrained, PretrainedTrunk
from mibsk.onnx import export_encoder, export_text_encoder

pytest.importorskip("transformers")

N = 40
WORDS = ["a", "cat", "dog", "on", "the", "mat", "cats"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 14, N)
    return {
        "image": rng.integers(256, size=(N, 20, 20, 3), dtype=np.uint8),
        "text": [" ".join(rng.choice(WORDS, length)) for length in lengths],
    }


def aligner_of(**encoders):
    params = {"n_components": 4, "max_epochs": 2, "batch_size": 16, "random_state": 0}
    return IBAligner(encoders=encoders, **params)


def assert_same(aligner, other, data):
    Z = other.embed(data)
    for name, z in aligner.embed(data).items():
        np.testing.assert_array_equal(Z[name], z)


def trained_weights(aligner, name):
    encoder = aligner.module_.encoder(name)
    return {key for key, weight in encoder.named_parameters() if weight.requires_grad}


@pytest.fixture(scope="module")
def frozen(towers, data):
    encoders = {"image": f"pretrained:{towers('vit')}", "text": f"pretrained:{towers('bert')}"}
    return aligner_of(**encoders).fit(data)


@pytest.fixture(scope="module")
def unfrozen(towers, data):
    return aligner_of(
        image=Pretrained(towers("clip"), unfrozen_from="vision_model.encoder.layers.2"),
        text=Pretrained(towers("siglip"), unfrozen_from=1, output="tokens"),
    ).fit(data)


@pytest.fixture(params=["frozen", "unfrozen"])
def fitted(request):
    return request.getfixturevalue(request.param)


def test_a_fit_is_reproducible(fitted, data):
    assert_same(fitted, clone(fitted).fit(data), data)


def test_only_the_head_is_trained_by_default(frozen):
    for name in ("image", "text"):
        assert trained_weights(frozen, name) == {"backbone.1.weight", "backbone.1.bias"}


def test_layers_are_trained_from_the_stated_one_on(unfrozen, towers, data):
    pretrained = Pretrained(towers("clip"), unfrozen_from=2)
    given = pretrained._split(pretrained._files(), (20, 20, 3))[1]
    upper = unfrozen.module_.encoder("image").backbone[1]
    assert len(upper.layers) == 1
    changed = [
        not torch.equal(a, b)
        for a, b in zip(upper.parameters(), given[0].parameters(), strict=True)
    ]
    assert np.mean(changed) > 0.9
    assert len(unfrozen.module_.encoder("text").backbone[1].layers) == 2
    # what is below is that of the files
    trunk = unfrozen.module_.encoder("image").backbone[0]
    expected = Pretrained(towers("clip"), unfrozen_from=2).trunk((20, 20, 3))
    rows = torch.from_numpy(data["image"])
    torch.testing.assert_close(trunk(rows), expected(rows), rtol=0, atol=0)


def test_nothing_is_changed_by_where_the_tower_is_cut(towers, data):
    for name, rows in data.items():
        whole = Pretrained(towers("clip"))
        expected = whole.features(rows)
        prepared = torch.from_numpy(np.asarray(whole._prepared(rows, whole._files())))
        for first in range(3):
            cut = Pretrained(towers("clip"), unfrozen_from=first)
            trunk, above, _ = cut._split(cut._files(), prepared.shape[1:])
            with torch.no_grad():
                found = torch.nn.Sequential(*above).eval()(trunk(prepared))
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=name)


def test_saved_and_loaded(fitted, data, tmp_path):
    fitted.save(tmp_path / "aligner")
    assert_same(fitted, IBAligner.load(tmp_path / "aligner"), data)


def test_pickled(fitted, data):
    assert_same(fitted, pickle.loads(pickle.dumps(fitted)), data)


def test_a_saved_aligner_reads_no_other_weights(towers, data, tmp_path):
    folder = shutil.copytree(towers("vit"), tmp_path / "tower")
    encoders = {"image": Pretrained(folder), "text": f"pretrained:{towers('bert')}"}
    aligner = aligner_of(**encoders).fit(data)
    aligner.save(tmp_path / "aligner")
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError, match=r"no folder or ONNX file at .*pass encoders="):
        IBAligner.load(tmp_path / "aligner")
    loaded = IBAligner.load(tmp_path / "aligner", encoders={"image": Pretrained(moved)})
    assert_same(aligner, loaded, data)
    config = moved / "preprocessor_config.json"
    config.write_text(config.read_text().replace("0.48", "0.47"))
    with pytest.raises(ValueError, match=r"files of the tower in .*moved are not those of the tra"):
        IBAligner.load(tmp_path / "aligner", encoders={"image": Pretrained(moved)})


def test_the_state_of_a_frozen_tower_is_a_digest(frozen):
    trunk = frozen.module_.encoder("image").backbone[0]
    assert isinstance(trunk, PretrainedTrunk)
    assert list(trunk.state_dict()) == ["digest"]
    assert list(trunk.state_dict(prefix="a.")) == ["a.digest"]
    assert not any(trunk.load_state_dict(trunk.state_dict()))


def test_empty_long_and_foreign_texts_are_embedded(frozen):
    z = frozen.embed({"text": ["", "a cat " * 10_000, "猫", "a cat"]})["text"]
    assert np.isfinite(z).all()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="not valid Unicode"):
        frozen.embed({"text": ["\ud800"]})


def test_missing_texts(frozen, data):
    texts = [None, *data["text"][1:5]]
    z = frozen.embed({"text": texts})["text"]
    assert np.isnan(z[0]).all()
    assert np.isfinite(z[1:]).all()


def test_features_are_read_from_the_cache(towers, data, tmp_path, monkeypatch):
    tower = Pretrained(towers("bert"), cache=tmp_path)
    first = tower.features(data["text"])
    files = list(tmp_path.iterdir())
    assert len(files) == 1
    changed = files[0].stat().st_mtime_ns
    np.testing.assert_array_equal(tower.features(data["text"]), first)
    assert files[0].stat().st_mtime_ns == changed
    tower.features(data["text"][:-1])
    Pretrained(towers("bert"), output="tokens", cache=tmp_path).features(data["text"])
    Pretrained(towers("roberta"), cache=tmp_path).features(data["text"])
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["image", "text"])
def test_exported(fitted, data, name, tmp_path):
    path = export_encoder(fitted, name, tmp_path / "encoder.onnx")
    z = fitted.embed({name: data[name]})[name]
    np.testing.assert_allclose(OnnxEncoder(path).transform(data[name]), z, atol=1e-5)
    longer = {"image": 4 * list(data["image"]), "text": [*data["text"], ""]}[name]
    np.testing.assert_allclose(
        OnnxEncoder(path).transform(longer), fitted.embed({name: longer})[name], atol=1e-5
    )


@pytest.mark.slow
def test_a_bundle_of_text(frozen, data, tmp_path):
    texts = [*data["text"][:5], ""]
    write_bundle(frozen, tmp_path / "bundle")
    bundle = Bundle(tmp_path / "bundle")
    z = frozen.embed({"text": texts})["text"]
    np.testing.assert_allclose(bundle.embed("text", texts), z, atol=1e-5)
    assert bundle.manifest.encoders["text"].strings is None
    file = tmp_path / "bundle" / bundle.manifest.encoders["text"].file
    with pytest.raises(ValueError, match="reads token ids of a pretrained tower, and no graph"):
        export_text_encoder(file, tmp_path / "strings.onnx", examples=texts)
