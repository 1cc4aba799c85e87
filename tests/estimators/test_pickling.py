"""Pickles of aligners: what they say of versions, and how they leave a GPU."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from mibsk import IBAligner, __version__
from mibsk.estimators import _pickling
from mibsk.exceptions import VersionWarning


class OnGPU(nn.Linear):
    """Plays a module on a GPU, until it is moved to the CPU."""

    moved = False

    def parameters(self, recurse=True):
        found = super().parameters(recurse)
        return found if self.moved else iter([SimpleNamespace(device=torch.device("cuda:0"))])

    def cpu(self):
        self.moved = True
        return self


def test_of_another_version(views, quick, monkeypatch):
    aligner = quick().fit(views)
    monkeypatch.setattr(_pickling, "__version__", "0.0.1")
    stored = pickle.dumps(aligner)
    monkeypatch.undo()
    with pytest.warns(VersionWarning, match=f"IBAligner was .* 0.0.1, this is {__version__}"):
        loaded = pickle.loads(stored)
    np.testing.assert_array_equal(loaded.transform(views), aligner.transform(views))
    pickle.loads(pickle.dumps(loaded))  # it is of this version now


def test_pickles_without_a_version(views, quick, monkeypatch):
    monkeypatch.delattr(_pickling.PicklingMixin, "__getstate__")
    stored = pickle.dumps(quick().fit(views))
    with pytest.warns(VersionWarning, match="written by another version of mibsk"):
        pickle.loads(stored)


@pytest.mark.parametrize("through", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy])
def test_nothing_is_added(views, quick, through):
    for aligner in (quick(), quick(encoders={"image": nn.Linear(4, 4)}).fit(views)):
        assert vars(through(aligner)).keys() == vars(aligner).keys()
        assert through(aligner).get_params().keys() == aligner.get_params().keys()


def test_an_unfitted_pickle_has_no_version(monkeypatch):
    monkeypatch.setattr(_pickling, "__version__", "0.0.1")
    stored = pickle.dumps(IBAligner())
    monkeypatch.undo()
    pickle.loads(stored)


@pytest.mark.parametrize(
    "of_modules",
    [lambda module: module, lambda module: {"image": module, "audio": "mlp"}],
    ids=["one for all", "by name"],
)
def test_modules_of_the_users_leave_the_gpu(of_modules):
    module = OnGPU(4, 4)
    loaded = pickle.loads(pickle.dumps(IBAligner(encoders=of_modules(module))))
    stored = loaded.encoders["image"] if isinstance(loaded.encoders, dict) else loaded.encoders
    assert stored.moved
    assert torch.equal(stored.weight, module.weight)
    assert not module.moved  # it is a copy that was


def test_modules_on_the_cpu_stay_the_same():
    encoders = {"image": nn.Linear(4, 4)}
    assert IBAligner(encoders=encoders).__getstate__()["encoders"] is encoders
