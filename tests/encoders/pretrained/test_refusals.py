"""What is not a pretrained tower, or not what one reads, is refused with advice."""

import json
import shutil

import numpy as np
import pytest

from mibsk import IBAligner
from mibsk.encoders import Pretrained

pytest.importorskip("transformers")

PICTURES = np.random.default_rng(0).integers(256, size=(3, 20, 20, 3), dtype=np.uint8)


@pytest.fixture
def vit(towers, tmp_path):
    return shutil.copytree(towers("vit"), tmp_path / "vit")


def refuses(path, rows, error, match, **params):
    with pytest.raises(error, match=match):
        Pretrained(path, **params).features(rows)


def test_a_name_is_not_downloaded():
    match = r"(?s)downloads no models: .*`hf download openai/clip-vit-base-patch32 --local-dir DIR`"
    refuses("openai/clip-vit-base-patch32", PICTURES, FileNotFoundError, match)
    aligner = IBAligner(encoders={"image": "pretrained:openai/clip-vit-base-patch32"})
    with pytest.raises(FileNotFoundError, match=match):
        aligner.fit({"image": PICTURES, "text": ["a", "b", "c"]})


def test_pickled_weights_are_not_read(vit):
    (vit / "model.safetensors").rename(vit / "pytorch_model.bin")
    refuses(vit, PICTURES, ValueError, r"no safetensors file\. Pickled weights .* are not read")


def test_other_files(vit, tmp_path):
    refuses(vit / "config.json", PICTURES, ValueError, "is a file: expected the folder of a model")
    refuses(tmp_path, PICTURES, ValueError, "has no config.json: expected a folder written by")
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    refuses(tmp_path / "model.onnx", PICTURES, ValueError, "is not a valid ONNX file")
    (vit / "preprocessor_config.json").unlink()
    refuses(vit, PICTURES, FileNotFoundError, r"has no preprocessor_config\.json, which says how")


def test_other_models(vit):
    config = json.loads((vit / "config.json").read_text())
    (vit / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    refuses(vit, PICTURES, ValueError, "a model of the type 'gpt2': known are bert, clip, ")


def test_missing_weights(vit):
    from safetensors.torch import load_file, save_file

    weights = load_file(vit / "model.safetensors")
    removed = next(name for name in weights if name.endswith("layernorm.weight"))
    del weights[removed]
    save_file(weights, vit / "model.safetensors", {"format": "pt"})
    refuses(vit, PICTURES, ValueError, f"lacks weights of its vit model, such as '{removed}'")


@pytest.mark.parametrize("name", ["vit", "clip"])
def test_pictures_of_other_types_and_shapes(towers, name):
    path = towers(name)
    refuses(path, PICTURES / 255, TypeError, "reads pictures as uint8 of 0 to 255, got float32")
    four = np.concatenate([PICTURES, PICTURES[..., :1]], 3)
    refuses(path, four, ValueError, "have 4 channels: expected grey or RGB")


def test_rows_of_the_other_kind(towers):
    refuses(towers("vit"), ["a cat"], TypeError, "reads pictures, got strings")
    refuses(towers("bert"), PICTURES, ValueError, r"\(bert\) does not read rows of shape .*strings")
    refuses(towers("bert"), np.ones((3, 20)), ValueError, "20 tokens, .* at most 12")


@pytest.mark.parametrize("layer", [3, "layers.7", "pooler", "encoder.layer"])
def test_unknown_layers(towers, layer):
    with pytest.raises(ValueError, match="expected a number from 0 to 2, or a name such as"):
        Pretrained(towers("vit"), unfrozen_from=layer).trunk((20, 20, 3))


def test_other_parameters(towers):
    refuses(towers("vit"), PICTURES, ValueError, "has no projection: choose", output="projected")
    refuses(towers("vit"), PICTURES, ValueError, "'output' parameter of Pretrained", output="all")
    refuses(towers("bert"), ["a"], ValueError, "max_length=13, .* at most 12 tok", max_length=13)


def test_pooling_that_is_not_known(towers, tmp_path):
    folder = shutil.copytree(towers("bert"), tmp_path / "bert")
    (folder / "1_Pooling").mkdir()
    config = folder / "1_Pooling" / "config.json"
    config.write_text(json.dumps({"pooling_mode_lasttoken": True}))
    refuses(folder, ["a"], ValueError, "pools by .*pooling_mode_lasttoken.*: expected one of")
    config.write_text(json.dumps({"pooling_mode_cls_token": True}))
    states = Pretrained(folder, output="tokens").features(["a cat", "a"])
    np.testing.assert_allclose(Pretrained(folder).features(["a cat", "a"]), states[:, 0], rtol=1e-6)


def test_damaged_files(vit):
    weights = vit / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    refuses(vit, PICTURES, ValueError, "the weights in .* are damaged, .*: copy the folder again")
    (vit / "config.json").write_text("{")
    refuses(vit, PICTURES, ValueError, r"config\.json is damaged, .*: copy the folder again")


def test_a_single_picture(vit):
    refuses(vit, PICTURES[0], ValueError, "a single picture in colour: pass X.np.newaxis")


def test_no_pictures_have_no_features(vit):
    assert Pretrained(vit, output="tokens").features(PICTURES[:0]).shape == (0, 5, 16)
