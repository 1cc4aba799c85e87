"""Settings of torch that a program may have made do not change results, and stay as they are."""

import contextlib
import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from mibsk import CanonicalBottleneck, IBAligner, IBAlignerCV, OnnxEncoder, fit_together, metrics
from mibsk.onnx import export_encoder

SETTERS = {
    "float64 as default": (torch.set_default_dtype, torch.float64, torch.float32),
    "bfloat16 as default": (torch.set_default_dtype, torch.bfloat16, torch.float32),
    "device meta as default": (torch.set_default_device, "meta", None),
    "device cpu as default": (torch.set_default_device, "cpu", None),
    "gradients off": (torch.set_grad_enabled, False, True),
    "deterministic": (torch.use_deterministic_algorithms, True, False),
}
CONTEXTS = {
    "in inference mode": torch.inference_mode,
    "without gradients": torch.no_grad,
    "with a device": lambda: torch.device("meta"),
    "with autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}
EXPORTED_UNDER = {
    "export": "float64 as default",
    "export of a linear map": "device meta as default",
}


@contextlib.contextmanager
def setting(name):
    """Make one of the settings for a while."""
    if name in CONTEXTS:
        with CONTEXTS[name]():
            yield
        return
    change, value, usual = SETTERS[name]
    change(value)
    try:
        yield
    finally:
        change(usual)


def current_settings():
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.are_deterministic_algorithms_enabled(),
    )


class Shifted(nn.Module):
    """Add a tensor made with the default settings in each call, and drop some values."""

    def __init__(self, input_shape, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(0.2), nn.Linear(*input_shape, n_outputs))

    def forward(self, x):
        return self.layers(x + torch.ones(x.shape[1]))


class Stops(Callback):
    """Raise an error in the first epoch."""

    def on_epoch_end(self, net, **kwargs):
        raise OSError("no disk")


class MadeItems(torch.utils.data.Dataset):
    """Items that are made with the default settings."""

    def __init__(self, views):
        self.views = views

    def __len__(self):
        return len(self.views)

    def __getitem__(self, index):
        return {name: torch.tensor(X[index]).numpy() for name, X in self.views.items()}


@pytest.fixture(scope="module")
def doors(views, quick, tmp_path_factory):
    """Functions that enter the package where it computes with torch, and return an array."""
    folder = tmp_path_factory.mktemp("models")
    path = folder / "aligner.safetensors"
    fitted = quick(encoders="auto", bottleneck="canonical").fit(views)
    fitted.save(path)
    tensors = {name: torch.from_numpy(z) for name, z in fitted.embed(views).items()}

    def embedded(aligner, X=views):
        return np.concatenate(list(aligner.embed(X).values()), axis=1)

    def twice(aligner):
        return embedded(aligner.partial_fit(views).partial_fit(views))

    def of_file(aligner):
        file = export_encoder(aligner, "audio", folder / "encoder.onnx")
        return OnnxEncoder(file).transform(views["audio"])

    def measured():
        first, second = tensors.values()
        labels = np.arange(len(first)) % 3
        return np.array(
            [
                metrics.cka(first, second),
                metrics.recall_at_k(first, second),
                metrics.mutual_information(first, second, random_state=0),
                metrics.leakage(first, labels, probe="mlp", random_state=0),
            ]
        )

    return {
        "fit": lambda: embedded(quick(encoders="auto", bottleneck="canonical").fit(views)),
        "fit of an own network": lambda: embedded(quick(encoders=Shifted).fit(views)),
        "fit in closed form": lambda: embedded(quick(encoders="canonical").fit(views)),
        "variational": lambda: embedded(quick(minimality="variational").fit(views)),
        "early stopping": lambda: embedded(quick(early_stopping=True).fit(views)),
        "warm start": lambda: embedded(quick(warm_start=True).fit(views).fit(views)),
        "Dataset": lambda: embedded(quick().fit(MadeItems(views)), MadeItems(views)),
        "partial_fit": lambda: twice(quick()),
        "IBAlignerCV": lambda: embedded(IBAlignerCV(quick(), betas=(0.0, 1.0), cv=2).fit(views)),
        "fit_together": lambda: embedded(fit_together([quick()], views)[0]),
        "load": lambda: embedded(IBAligner.load(path)),
        "training after load": lambda: twice(IBAligner.load(path)),
        "training after pickle": lambda: twice(pickle.loads(pickle.dumps(fitted))),
        "embed": lambda: embedded(fitted),
        "embed tensors": lambda: embedded(
            fitted, {k: torch.from_numpy(v.copy()) for k, v in views.items()}
        ),
        "score": lambda: np.array(fitted.score(views)),
        "CanonicalBottleneck": lambda: embedded(CanonicalBottleneck(2).fit(MadeItems(views))),
        "export": lambda: of_file(fitted),
        "export of a linear map": lambda: of_file(CanonicalBottleneck(2).fit(views)),
        "metrics": measured,
    }


@pytest.fixture(scope="module")
def usual(doors):
    """The results without any of the settings."""
    return {name: call() for name, call in doors.items()}


@pytest.mark.parametrize("name", [*SETTERS, *CONTEXTS])
def test_result_does_not_depend_on_the_settings_of_others(doors, usual, name):
    for door, call in doors.items():
        if "export" in door and EXPORTED_UNDER[door] != name:
            continue  # it takes seconds
        with setting(name):
            before = current_settings()
            found = call()
            assert current_settings() == before, door
        np.testing.assert_array_equal(found, usual[door], err_msg=door)


@pytest.mark.parametrize("name", [*SETTERS, *CONTEXTS])
def test_settings_stay_after_an_error(views, quick, name):
    with setting(name):
        before = current_settings()
        for call in (quick(callbacks=[Stops()]).fit, quick(callbacks=[Stops()]).partial_fit):
            with pytest.raises(OSError, match="no disk"):
                call(views)
            assert current_settings() == before
