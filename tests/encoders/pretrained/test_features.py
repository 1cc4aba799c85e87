"""Features of pretrained towers: those of transformers on the same rows."""

import numpy as np
import pytest
import torch

from mibsk.encoders import Pretrained

transformers = pytest.importorskip("transformers")

PICTURES = ["vit", "deit", "dinov2", "dinov2-registers", "clip-vision", "siglip-vision"]
TEXTS = ["clip-text", "siglip-text", "bert", "roberta", "distilbert"]
SENTENCES = ["a cat", "the dogs on the mat", "", "a mat on a mat on a mat on a mat on a mat"]
TOLERANCE = {"rtol": 1e-4, "atol": 2e-6}


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)


def of_transformers(model, **inputs):
    model = model.eval()
    with torch.no_grad():
        return model(**inputs)


def pixel_values(folder, rows):
    processor = transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False)
    return processor(list(rows), return_tensors="pt")["pixel_values"]


def tokens(folder, sentences, **options):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return tokenizer(sentences, return_tensors="pt", truncation=True, **options)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("shape", [(16, 16, 3), (50, 37, 3), (9, 20, 3)])
def test_pictures(towers, name, shape):
    folder, rows = towers(name), pictures(5, *shape)
    model = transformers.AutoModel.from_pretrained(folder)
    expected = of_transformers(model, pixel_values=pixel_values(folder, rows))
    found = Pretrained(folder, output="tokens").features(rows)
    np.testing.assert_allclose(found, expected.last_hidden_state, **TOLERANCE)
    pooled = expected.last_hidden_state[:, 0]  # not by the pooler of ViT, which is seldom trained
    if name in ("dinov2", "clip-vision", "siglip-vision"):
        pooled = expected.pooler_output
    found = Pretrained(folder).features(rows)
    np.testing.assert_allclose(found, pooled, **TOLERANCE)


@pytest.mark.parametrize("name", TEXTS)
def test_texts(towers, name):
    folder = towers(name)
    is_siglip = name == "siglip-text"
    kind = transformers.SiglipTextModel if is_siglip else transformers.AutoModel
    model = kind.from_pretrained(folder)
    inputs = tokens(folder, SENTENCES, padding="max_length", max_length=12)
    mask = inputs["attention_mask"]
    if is_siglip:  # it was trained without a mask
        del inputs["attention_mask"]
    if "token_type_ids" in inputs and name != "bert":
        del inputs["token_type_ids"]
    if name == "roberta":  # its token of padding has another number
        inputs["input_ids"] = inputs["input_ids"].masked_fill(mask == 0, 0)
    expected = of_transformers(model, **inputs)
    states = expected.last_hidden_state
    found = Pretrained(folder, output="tokens").features(SENTENCES)
    if not is_siglip:
        states = states * mask[..., None]
    np.testing.assert_allclose(found, states, **TOLERANCE)
    if name in ("clip-text", "siglip-text"):
        pooled = expected.pooler_output
    else:
        pooled = states.sum(1) / mask.sum(1, keepdim=True)
    np.testing.assert_allclose(Pretrained(folder).features(SENTENCES), pooled, **TOLERANCE)


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_a_folder_of_two_towers(towers, name):
    folder, rows = towers(name), pictures(3, 30, 30)
    model = transformers.AutoModel.from_pretrained(folder)
    in_three = np.repeat(rows[..., None], 3, 3)
    inputs = tokens(folder, SENTENCES, padding="max_length", max_length=12)
    if name == "siglip":
        del inputs["attention_mask"]
    expected = of_transformers(model, pixel_values=pixel_values(folder, in_three), **inputs)
    unit = torch.nn.functional.normalize
    output = "projected" if name == "clip" else "pooled"
    for given, wanted in ((rows, expected.image_embeds), (SENTENCES, expected.text_embeds)):
        found = unit(torch.from_numpy(Pretrained(folder, output=output).features(given)))
        np.testing.assert_allclose(found, wanted, **TOLERANCE)
