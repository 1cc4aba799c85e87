"""Models fitted on a GPU, loaded on a machine without one.

The GPU is played: tensors are pickled as if they lay on one, which is all that a pickle says of it.
"""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
import torch

from mibsk.encoders import MLP


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


@pytest.fixture
def dump_as_on_gpu(monkeypatch):
    """Return a function that dumps an aligner as it would be after a fit on a GPU."""

    def dump(aligner, device, dumps=pickle.dumps):
        on_gpu = copy.deepcopy(aligner)
        on_gpu.device = device
        on_gpu.net_.device = "cuda" if device == "auto" else device
        with monkeypatch.context() as patch:
            patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
            return dumps(on_gpu)

    return dump


def test_the_play_is_true(dump_as_on_gpu, views, quick):
    """A plain tensor, pickled like that, does not load here."""
    aligner = quick().fit(views)
    stored = dump_as_on_gpu(aligner, "cuda", dumps=lambda on_gpu: pickle.dumps(on_gpu.module_))
    with pytest.raises(RuntimeError, match=r"torch\.cuda\.is_available\(\) is False"):
        pickle.loads(stored)


def test_auto_needs_no_warning(dump_as_on_gpu, views, quick):
    aligner = quick(encoders={"image": MLP((8,), dropout=0.1)}).fit(views)
    loaded = pickle.loads(dump_as_on_gpu(aligner, "auto"))  # a warning would be an error
    assert loaded.device == "auto"
    assert torch.device(loaded.net_.device).type == "cpu"
    np.testing.assert_array_equal(loaded.transform(views), aligner.transform(views))
    assert loaded.history_ == aligner.history_
    assert loaded.temperature_ == aligner.temperature_


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:3", torch.device("cuda")])
def test_a_device_asked_for_by_name_is_missed(dump_as_on_gpu, views, quick, device):
    aligner = quick().fit(views)
    stored = dump_as_on_gpu(aligner, device)
    with pytest.warns(
        UserWarning, match="fitted with device='cuda.*, not available here"
    ) as caught:
        loaded = pickle.loads(stored)
    assert len(caught) == 1
    assert loaded.device == "auto"
    np.testing.assert_array_equal(loaded.transform(views), aligner.transform(views))


def test_joblib(dump_as_on_gpu, views, quick, tmp_path):
    aligner = quick().fit(views)
    path = tmp_path / "aligner.joblib"
    dump_as_on_gpu(aligner, "auto", dumps=lambda on_gpu: joblib.dump(on_gpu, path))
    np.testing.assert_array_equal(joblib.load(path).transform(views), aligner.transform(views))


@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_training_continues_where_it_stopped(dump_as_on_gpu, views, quick, device, optimizer):
    aligner = quick(warm_start=True, optimizer=optimizer).fit(views)
    stored = dump_as_on_gpu(aligner, device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        loaded = pickle.loads(stored)
    assert loaded.fit(views).n_iter_ == 4
    np.testing.assert_array_equal(loaded.transform(views), aligner.fit(views).transform(views))


def test_one_modality_alone(dump_as_on_gpu, views, quick):
    aligner = quick().fit(views)
    stored = dump_as_on_gpu(aligner, "auto", lambda on_gpu: pickle.dumps(on_gpu.encoder("image")))
    np.testing.assert_array_equal(
        pickle.loads(stored).transform(views["image"]), aligner.embed(views)["image"]
    )


def test_unfitted_keeps_its_device(quick):
    """It has asked for that device, and `fit` says that there is none."""
    aligner = pickle.loads(pickle.dumps(quick(device="cuda")))
    assert aligner.device == "cuda"


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_file_that_runs_no_code(dump_as_on_gpu, views, quick, device, tmp_path):
    aligner = quick(warm_start=True).fit(views)
    path = tmp_path / "aligner.safetensors"
    dump_as_on_gpu(aligner, device, dumps=lambda on_gpu: on_gpu.save(path))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = type(aligner).load(path)
    assert len(caught) == (device == "cuda")
    np.testing.assert_array_equal(loaded.transform(views), aligner.transform(views))
    np.testing.assert_array_equal(
        loaded.fit(views).transform(views), aligner.fit(views).transform(views)
    )
