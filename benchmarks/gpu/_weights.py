"""Models of one seed, bit for bit."""

from __future__ import annotations

import pickle
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from skorch.callbacks import Callback

from mibsk import IBAligner

from ._results import in_short
from ._setup import Row, Setup, aligner, equal_weights, sprites


class SeesCudnn(Callback):
    """Records whether cuDNN is enabled during training."""

    def initialize(self) -> SeesCudnn:
        """Forget earlier batches."""
        self.seen: list[bool] = []
        return self

    def on_batch_begin(self, net: Any, **kwargs: Any) -> None:
        """Record the state."""
        self.seen.append(torch.backends.cudnn.enabled)


def same_weights(setup: Setup) -> list[Row]:
    """Whether one seed gives one model on the device, bit for bit, with cuDNN enabled."""
    data, device = sprites(setup.n(512, 256), 32), setup.device
    rows: list[Row] = []

    def check(encoder: str, what: str, do: Callable[[], bool]) -> None:
        row: Row = {"encoder": encoder, "check": what}
        try:
            rows.append(row | {"holds": do()})
        except Exception as error:
            traceback.print_exc()
            rows.append(row | {"holds": False, "error": in_short(error)})

    for name in ("mlp", "resnet20"):
        for precision in ("float32", "auto"):
            make = partial(aligner, device, name, precision=precision)
            check(name, f"fitted twice, {precision}", partial(_fitted_twice, make, data))
            check(name, f"1 + 2 epochs are 3, {precision}", partial(_in_two, make, data))
            for how in ("a file", "a pickle"):
                resume = partial(_resumed, make, data, how)
                check(name, f"resumed from {how}, {precision}", resume)
    noisy = partial(aligner, device, minimality="variational", beta=0.01)
    check("mlp", "variational, fitted twice", partial(_fitted_twice, noisy, data))
    on_device = {name: torch.from_numpy(X).to(device) for name, X in data.items()}
    given = "fitted on tensors of the device and on arrays"
    check("mlp", given, partial(_fitted_twice, partial(aligner, device), data, on_device))
    check("mlp", "torch's generators are unchanged", partial(_generators_stay, noisy, data, device))
    sees = SeesCudnn()
    check(
        "",
        "cuDNN is enabled during fit",
        lambda: _seen_on(aligner(device, callbacks=[sees]), sees, data),
    )
    return rows


def _fitted_twice(make: Callable[..., IBAligner], data: Any, other: Any = None) -> bool:
    return equal_weights(make().fit(data), make().fit(data if other is None else other))


def _in_two(make: Callable[..., IBAligner], data: Any) -> bool:
    make = partial(make, lr_schedule=None)  # the cosine ends with the epochs of each call
    parts = make(max_epochs=1).fit(data)
    parts.set_params(max_epochs=2, warm_start=True).fit(data)
    return equal_weights(make().fit(data), parts)


def _resumed(make: Callable[..., IBAligner], data: Any, how: str) -> bool:
    fitted = make().fit(data)
    with tempfile.TemporaryDirectory() as folder:
        fitted.save(f"{folder}/model.safetensors")
        loaded = IBAligner.load(f"{folder}/model.safetensors")
    other = loaded if how == "a file" else pickle.loads(pickle.dumps(fitted))
    return equal_weights(fitted.partial_fit(data), other.partial_fit(data))


def _generators_stay(make: Callable[..., IBAligner], data: Any, device: torch.device) -> bool:
    before = torch.get_rng_state(), _generator_state(device)
    make().fit(data)
    after = torch.get_rng_state(), _generator_state(device)
    return all(map(torch.equal, before, after))


def _seen_on(made: IBAligner, sees: SeesCudnn, data: Any) -> bool:
    made.fit(data)
    return all(sees.seen)


def _generator_state(device: torch.device) -> torch.Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()
