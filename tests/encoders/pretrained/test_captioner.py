"""Captioners whose features are those of a pretrained tower."""

import shutil

import numpy as np
import pytest

from mibsk import QFormerCaptioner
from mibsk.encoders import Pretrained

pytestmark = pytest.mark.filterwarnings("ignore::mibsk.exceptions.DuplicateRowsWarning")

SETTINGS = {
    "n_queries": 2,
    "width": 16,
    "n_layers": 1,
    "n_heads": 2,
    "n_components": 4,
    "max_epochs": 2,
    "batch_size": 16,
    "bottleneck": None,
    "random_state": 0,
}
RNG = np.random.default_rng(0)
PICTURES = RNG.integers(256, size=(40, 20, 16, 3), dtype=np.uint8)
CAPTIONS = [f"a {'cat' if row.mean() > 127 else 'dog'} {i}" for i, row in enumerate(PICTURES)]


def test_images_are_read_by_the_tower(towers):
    folder = towers("vit")
    captioner = QFormerCaptioner(f"pretrained:{folder}", **SETTINGS).fit(PICTURES, CAPTIONS)
    features = Pretrained(folder, output="tokens").features(PICTURES)
    assert features.shape == (40, 5, 16)  # 4 patches and the class token
    of_features = QFormerCaptioner(**SETTINGS).fit(features, CAPTIONS)
    np.testing.assert_array_equal(captioner.transform(PICTURES), of_features.transform(features))
    assert list(captioner.predict(PICTURES)) == list(of_features.predict(features))
    other = QFormerCaptioner(Pretrained(folder, output="pooled"), **SETTINGS)
    assert other.fit(PICTURES, CAPTIONS).aligner_.inputs_["picture"].shape == (16,)


def test_a_saved_captioner_knows_its_tower(towers, tmp_path):
    folder = shutil.copytree(towers("vit"), tmp_path / "tower")
    captioner = QFormerCaptioner(f"pretrained:{folder}", **SETTINGS).fit(PICTURES, CAPTIONS)
    captioner.save(tmp_path / "captioner")
    loaded = QFormerCaptioner.load(tmp_path / "captioner")
    assert list(loaded.predict(PICTURES)) == list(captioner.predict(PICTURES))
    Z = captioner.transform(PICTURES)
    moved = shutil.move(folder, tmp_path / "moved")
    with pytest.raises(FileNotFoundError):
        QFormerCaptioner.load(tmp_path / "captioner")
    loaded = QFormerCaptioner.load(tmp_path / "captioner", tower=f"pretrained:{moved}")
    np.testing.assert_array_equal(loaded.transform(PICTURES), Z)
    with pytest.raises(ValueError, match="pass the unchanged tower"):
        QFormerCaptioner.load(tmp_path / "captioner", tower=f"pretrained:{towers('deit')}")
    with pytest.raises(ValueError, match="pass the unchanged tower"):
        QFormerCaptioner.load(tmp_path / "captioner", tower=Pretrained(moved, output="pooled"))
    captioner.set_params(tower=f"pretrained:{towers('deit')}").save(tmp_path / "captioner")
    with pytest.raises(ValueError, match="pass the unchanged tower"):
        QFormerCaptioner.load(tmp_path / "captioner")


def test_a_name_is_no_tower():
    with pytest.raises(ValueError, match="'pretrained:PATH'"):
        QFormerCaptioner("openai/clip-vit-base-patch32", **SETTINGS).fit(PICTURES, CAPTIONS)
    with pytest.raises(FileNotFoundError, match="hf download"):
        QFormerCaptioner("pretrained:openai/clip", **SETTINGS).fit(PICTURES, CAPTIONS)
