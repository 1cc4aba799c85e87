"""The pipeline on real recordings, paired by class with images."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_pipeline_on_recordings(check_out, shared_data, monkeypatch):
    if not (shared_data / "free-spoken-digits" / "recordings.zip").is_file():
        pytest.skip("the real data hold no spoken digits")
    monkeypatch.setenv("MIBSK_DATA", str(shared_data.resolve()))
    checkout = check_out(**{"prepare.dataset": "spoken_digits", "train.seeds": [0]})
    printed = checkout.measure()
    assert "spoken_digits: 2250 training pairs, 750 test pairs" in printed
    evaluation = json.loads((checkout.path / "metrics" / "evaluate.json").read_text())
    assert list(evaluation) == ["infonce", "ib", "canonical"]
    for entry in evaluation.values():
        assert entry["n_seeds"] == 1
        assert set(entry["leakage"]) == {"speaker"}
        assert set(entry["kept"]) == {"digit"}
        assert set(entry["kept_by_modality"]["digit"]) == {"audio", "image"}
        assert entry["recall_at_1"].keys() == {"audio_to_image", "image_to_audio"}
        assert 0 <= entry["leakage"]["speaker"] <= 1
        # chance is 0.1
        assert min(entry["recall_at_1"].values()) > 0.3
        assert entry["sd"]["cka"] == 0
