"""Optimizers that are named are torch's, in their fastest form."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from mibsk import IBAligner
from mibsk.encoders import MLP
from mibsk.training._optimizers import Adam, choose_optimizer

CPU = torch.device("cpu")


def weights_after(make, n_steps=5, closure=False):
    """Return the weights after steps along fixed gradients."""
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(7, 3)), nn.Parameter(torch.randn(()))]
    used = make(weights)
    for i in range(n_steps):
        used.zero_grad()
        assert all(weight.grad is None for weight in weights)

        def loss(i=i):
            found = sum((weight * (i + 1)).sin().sum() for weight in weights)
            found.backward()
            return found

        if closure:
            assert used.step(loss).requires_grad
        else:
            loss()
            used.step()
    return weights, used


@pytest.mark.parametrize("closure", [False, True])
@pytest.mark.parametrize("options", [{}, {"fused": True}, {"amsgrad": True, "weight_decay": 0.1}])
def test_adam_is_that_of_torch(options, closure):
    ours, used = weights_after(lambda w: Adam(w, lr=0.1, **options), closure=closure)
    theirs, own = weights_after(lambda w: torch.optim.Adam(w, lr=0.1, **options))
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a, b)
    assert repr(used) == repr(own)
    state = used.state_dict()
    assert state.keys() == own.state_dict().keys()
    own.load_state_dict(state)
    used.load_state_dict(own.state_dict())
    for again in (copy.deepcopy(used), pickle.loads(pickle.dumps(used))):
        assert again.state_dict()["param_groups"] == state["param_groups"]


def test_fused_adam_is_adam_to_rounding():
    fused, _ = weights_after(lambda w: Adam(w, lr=0.1, fused=True))
    plain, _ = weights_after(lambda w: torch.optim.Adam(w, lr=0.1))
    for a, b in zip(fused, plain, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


def test_hooks_of_steps_run():
    calls = []
    used = Adam([nn.Parameter(torch.ones(1))])
    used.register_step_post_hook(lambda *given: calls.append(given[0]))
    used.param_groups[0]["params"][0].grad = torch.ones(1)
    used.step()
    assert calls == [used]


@pytest.mark.parametrize(
    ("given", "device", "module", "expected", "fused"),
    [
        ("Adam", CPU, nn.Linear(2, 2), Adam, True),
        ("AdamW", CPU, nn.Linear(2, 2), torch.optim.AdamW, True),
        ("SGD", CPU, nn.Linear(2, 2), torch.optim.SGD, True),
        ("RMSprop", CPU, nn.Linear(2, 2), torch.optim.RMSprop, False),
        ("Adam", torch.device("cuda"), nn.Linear(2, 2), Adam, False),
        ("Adam", CPU, nn.Linear(2, 2, dtype=torch.complex64), Adam, False),
        (torch.optim.Adam, CPU, nn.Linear(2, 2), torch.optim.Adam, False),
    ],
)
def test_the_form_of_an_optimizer(given, device, module, expected, fused):
    chosen, options = choose_optimizer(given, module, device)
    assert chosen is expected
    assert options == ({"optimizer__fused": True} if fused else {})


def views():
    """Return two small views."""
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(60, 3))
    return {name: hidden @ rng.normal(size=(3, d)) for name, d in (("a", 6), ("b", 5))}


def quick(**params):
    """Return an aligner of few epochs."""
    defaults = {"encoders": MLP((16,)), "bottleneck": None, "max_epochs": 3, "random_state": 0}
    return IBAligner(**{**defaults, **params})


def test_a_fit_by_name_is_near_that_of_the_class():
    X = views()
    named, given = (
        quick(optimizer=each).fit(X).transform(X) for each in ("Adam", torch.optim.Adam)
    )
    np.testing.assert_allclose(named, given, atol=1e-5)


class StopsAfterTwo(Callback):
    """End the training with an error at the beginning of the third epoch."""

    def on_epoch_begin(self, net, **kwargs):
        """Count the epochs."""
        if len(net.history) == 3 and self.stops:
            raise KeyError

    stops = True


def test_a_checkpoint_of_another_form_is_resumed(tmp_path, monkeypatch):
    """One written on a GPU, where the optimizer is not fused, continues on a CPU as it was."""
    X, calls = views(), [StopsAfterTwo()]
    with monkeypatch.context() as patched:
        patched.setattr("mibsk.training._build.choose_optimizer", lambda *given: (Adam, {}))
        expected = quick().fit(X).transform(X)
        with pytest.raises(KeyError):
            quick(checkpoint=tmp_path, callbacks=calls).fit(X)
    monkeypatch.setattr(StopsAfterTwo, "stops", False)
    resumed = quick(checkpoint=tmp_path, callbacks=calls).fit(X)
    assert len(list(tmp_path.iterdir())) == 1
    assert np.array_equal(resumed.transform(X), expected)


class EvaluatesOneEncoder(Callback):
    """Leave an encoder in evaluation mode after each batch."""

    def on_batch_end(self, net, **kwargs):
        """Change the mode."""
        net.module_.encoders[0].eval()


def test_encoders_train_in_training_mode_whatever_callbacks_leave():
    X = views()
    params = {"encoders": MLP((16,), dropout=0.3), "batch_size": 20}
    plain = quick(**params).fit(X)
    changed = quick(**params, callbacks=[EvaluatesOneEncoder()]).fit(X)
    assert np.array_equal(changed.transform(X), plain.transform(X))


def test_a_fit_does_not_load_the_compiler():
    program = """
import sys
import numpy as np
from mibsk import IBAligner
rng = np.random.default_rng(0)
aligner = IBAligner(max_epochs=1, random_state=0)
aligner.fit({"a": rng.normal(size=(20, 4)), "b": rng.normal(size=(20, 3))})
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)
