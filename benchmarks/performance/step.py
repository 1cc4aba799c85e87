"""A step of training: optimizer, epochs, precision, and batches in chunks of rows.

Epochs are compared with those of the package before the work on speed, in a process of its own, and
with a bare loop of torch over the same networks and loss. Seconds are those of the processor.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ._programs import bare_loop, earlier_package, printed
from ._ratio import Ratio, in_turns, of_rounds

ROUNDS = 3

EPOCHS = """
import time
import numpy as np
from skorch.callbacks import Callback
from mibsk import IBAligner
from mibsk.encoders import MLP, ResNet

class Seconds(Callback):
    def on_epoch_begin(self, net, **kwargs):
        self.started = time.process_time()

    def on_epoch_end(self, net, **kwargs):
        seconds.append(time.process_time() - self.started)

seconds = []
rng = np.random.default_rng(0)
X = {{name: rng.normal(size=({n}, *{shape})).astype(np.float32) for name in "ab"}}
IBAligner(
    encoders={encoders}, bottleneck=None, batch_size={batch}, max_epochs={epochs},
    random_state=0, callbacks=[Seconds()], {more}
).fit(X)
print(np.median(seconds[1:]), seconds[0])
"""

CHUNKS = """
import resource
import time
import numpy as np
from mibsk import IBAligner
from mibsk.encoders import MLP, ResNet

rng = np.random.default_rng(0)
X = {{
    "image": rng.integers(0, 256, size=({n}, 64, 64), dtype=np.uint8),
    "factors": rng.normal(size=({n}, 16)).astype(np.float32),
}}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
encoders = {{"image": ResNet(depth=20), "factors": MLP()}}
params = dict(encoders=encoders, bottleneck=None, batch_size=-1, max_epochs=1, random_state=0)
started = time.process_time()
IBAligner(**params, {more}).fit(X)
print(time.process_time() - started)
print(before * 1024 / 1e6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
"""


def optimizer(**options: bool) -> torch.optim.Adam:
    """Return an optimizer of the weights of two small networks, with gradients."""
    torch.manual_seed(0)
    shapes = [(256, 64), (256,), (256,), (128, 256), (128,), (128,), (64, 128), (64,)]
    weights = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes * 2]
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    return torch.optim.Adam(weights, lr=1e-3, **options)


def ratios() -> Iterator[Ratio]:
    """Yield the ratios of this subject."""
    fused, plain = optimizer(fused=True), optimizer()
    yield in_turns(
        "a step of fused Adam, 2 MLPs", "Adam", fused.step, plain.step, rounds=9, repeat=200
    )
    mlp = {"shape": (64,), "encoders": "MLP()", "epochs": 4, "more": ""}
    resnet = {"n": 128, "batch": 64, "encoders": "ResNet(depth=20)", "epochs": 3}
    with earlier_package() as earlier:
        for batch, n in ((128, 12_800), (1024, 20_480)):
            program = EPOCHS.format(batch=batch, n=n, **mlp)
            rows = f"X = [torch.randn({n}, *{mlp['shape']}) for _ in range(2)]"
            bare = bare_loop(rows, batch=batch, epochs=mlp["epochs"])
            times = [
                (printed(program)[0], printed(program, earlier)[0], printed(bare)[0])
                for _ in range(ROUNDS)
            ]
            what = f"epoch of MLPs, {n:,} x 64 twice, batch {batch}"
            yield of_rounds(what, "before", [(ours, theirs) for ours, theirs, _ in times])
            yield of_rounds(what, "a bare loop", [(ours, bare) for ours, _, bare in times])
        for shape in ((64, 64, 3), (3, 64, 64)):
            low, full, default = (
                EPOCHS.format(shape=shape, more=more, **resnet)
                for more in ("precision='bfloat16'", "precision='float32'", "")
            )
            times = [
                (printed(low)[0], printed(full)[0], printed(default, earlier)[0])
                for _ in range(ROUNDS)
            ]
            what = f"epoch of ResNet20, images {shape}, batch 64"
            yield of_rounds(f"{what}, bfloat16", "float32", [(ours, own) for ours, own, _ in times])
            yield of_rounds(f"{what}, bfloat16", "before", [(ours, old) for ours, _, old in times])
            yield of_rounds(f"{what}, float32", "before", [(own, old) for _, own, old in times])
    whole, chunked = (
        [printed(CHUNKS.format(n=512, more=more)) for _ in range(ROUNDS)]
        for more in ("", "chunk_size=64")
    )
    what = "fit of ResNet20, one batch of 512, in chunks of 64"
    pairs = list(zip(chunked, whole, strict=True))
    yield of_rounds(what, "whole batch", [(ours[0], theirs[0]) for ours, theirs in pairs])
    yield of_rounds(
        f"{what}, memory added",
        "whole batch",
        [(ours[2] - ours[1], theirs[2] - theirs[1]) for ours, theirs in pairs],
        "MB",
    )
    _, _, peak = printed(CHUNKS.format(n=8192, more="chunk_size=64"))
    yield of_rounds(
        "fit of ResNet20, one batch of 8,192, in chunks of 64, memory of the process",
        "2 GB",
        [(peak, 2000.0)],
        "MB",
    )
