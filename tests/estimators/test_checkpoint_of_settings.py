"""A training resumes only with the settings it had, also those that weights and `repr` hide."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from skorch.callbacks import LRScheduler
from torch import nn

from mibsk.encoders import ViT
from mibsk.losses import infonce

from .common import assert_same_weights


class Wide(nn.Module):
    """A function of the rows between two layers, which `repr` does not show."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.first, self.last = nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, x):
        return self.last(self.function(self.first(x)))


def transformer(**params):
    layer = nn.TransformerEncoderLayer(
        5, **{"nhead": 1, "dim_feedforward": 6, "dropout": 0.0, "batch_first": True, **params}
    )
    return nn.Sequential(nn.Unflatten(1, (1, 5)), layer, nn.Flatten(), nn.Linear(5, 4))


def audio(module):
    return {"encoders": {"audio": module, "image": "linear"}}


def with_seed(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def weighted(weight):
    return lambda z, w, temperature: weight * infonce(z, w, temperature)


def decaying(rate):
    schedule = LRScheduler(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda epoch: rate**epoch)
    return {"callbacks": [schedule]}


def of_function(function):
    return lambda: audio(with_seed(lambda: Wide(function)))


def of_transformer(**params):
    return lambda: audio(with_seed(lambda: transformer(**params)))


CHANGES = {
    "norm_first": (of_transformer(), of_transformer(norm_first=True)),
    "activation": (of_transformer(), of_transformer(activation="gelu")),
    "function": (of_function(torch.relu), of_function(torch.tanh)),
    "closure": (of_function(lambda x: 2 * x), of_function(lambda x: -x)),
    "partial": (
        of_function(functools.partial(nn.functional.leaky_relu, negative_slope=0.1)),
        of_function(functools.partial(nn.functional.leaky_relu, negative_slope=0.3)),
    ),
    "loss": (
        lambda: {"sufficiency": weighted(1.0)},
        lambda: {"sufficiency": weighted(3.0)},
    ),
    "learning rate": (lambda: decaying(0.5), lambda: decaying(0.1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_setting_starts_anew(views, quick, tmp_path, capsys, change):
    one, other = CHANGES[change]
    first = quick(checkpoint=tmp_path, **one()).fit(views)
    fitted = quick(checkpoint=tmp_path, verbose=1, **other()).fit(views)
    assert "Resuming" not in capsys.readouterr().out
    expected = quick(**other()).fit(views)
    assert_same_weights(fitted, expected)
    np.testing.assert_array_equal(fitted.transform(views), expected.transform(views))
    assert not np.array_equal(first.transform(views), fitted.transform(views))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_setting_resumes(views, quick, tmp_path, capsys, change):
    one, _ = CHANGES[change]
    first = quick(checkpoint=tmp_path, **one()).fit(views)
    again = quick(checkpoint=tmp_path, verbose=1, **one()).fit(views)
    assert "Resuming after epoch 2" in capsys.readouterr().out
    assert_same_weights(again, first)
    assert len(list(tmp_path.iterdir())) == 1


def test_heads_of_a_vit(quick, tmp_path):
    rng = np.random.default_rng(0)
    images = {name: rng.normal(size=(48, 8, 8, 3)).astype(np.float32) for name in "ab"}
    for heads in (2, 3):
        encoders = ViT(dim=12, depth=1, heads=heads)
        fitted = quick(encoders=encoders, checkpoint=tmp_path).fit(images)
        assert_same_weights(fitted, quick(encoders=encoders).fit(images))
    assert len(list(tmp_path.iterdir())) == 2


PROGRAM = """
import sys
import numpy as np, torch
from torch import nn
from mibsk import IBAligner

class Wide(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.names = function, {"a", "b", "c", "d"}
        self.first, self.last = nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, x):
        return self.last(self.function(self.first(x)))

torch.manual_seed(0)
rng = np.random.default_rng(0)
rows = {name: rng.normal(size=(48, 5)).astype(np.float32) for name in ("audio", "image")}
made = Wide(lambda x: torch.relu(x) + 1)
layer = nn.TransformerEncoderLayer(5, nhead=1, dim_feedforward=6, norm_first=sys.argv[2] == "first")
other = nn.Sequential(nn.Unflatten(1, (1, 5)), layer, nn.Flatten(), nn.Linear(5, 4))
IBAligner(encoders={"audio": made, "image": other}, n_components=4, max_epochs=2, random_state=0,
          checkpoint=sys.argv[1], bottleneck=None, verbose=1).fit(rows)
"""


def test_another_process(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)

    def printed(norm, hash_seed):
        return subprocess.run(
            [sys.executable, program, tmp_path / "checkpoints", norm],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert "Resuming" not in printed("last", "1")
    assert "Resuming after epoch 2" in printed("last", "2")
    assert "Resuming" not in printed("first", "1")
