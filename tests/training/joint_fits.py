"""Fits by one process, or by those of torchrun together; what each ends with is written to files.

python joint_fits.py FOLDER
python -m torch.distributed.run --standalone --nproc-per-node 2 joint_fits.py FOLDER
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import distributed

from mibsk import IBAligner
from mibsk.encoders import MLP, Conv1d
from mibsk.exceptions import DuplicateRowsWarning, FewHeldOutWarning

N = 301  # odd, so that parts differ in size


def views():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(N, 3))
    return {
        name: (hidden @ rng.normal(size=(3, d)) + rng.normal(size=(N, d))).astype(np.float32)
        for name, d in {"audio": 6, "image": 5, "text": 4}.items()
    }


def with_holes():
    X = views()
    X["audio"][::5] = np.nan
    X["text"][1::7] = np.nan
    return X


def sequences():
    rng = np.random.default_rng(1)
    return {"a": rng.random((N, 3, 16), np.float32), "b": rng.random((N, 5), np.float32)}


NORMED = {"encoders": MLP((16, 8))}
PLAIN = {"encoders": MLP((16,), batch_norm=False), "bottleneck": None}
FITS = {
    "batch norm": (views, NORMED),
    "no batch norm": (views, PLAIN),
    "sequences": (
        sequences,
        {
            "encoders": {"a": Conv1d((8, 8)), "b": MLP((16,))},
            "optimizer": "SGD",
            "bottleneck": None,
        },
    ),
    "early stopping": (views, {**NORMED, "early_stopping": True, "n_iter_no_change": 1}),
    "budget": (views, {**NORMED, "beta": "auto", "budget": 0.3, "validation_fraction": 0.3}),
    "holes": (with_holes, PLAIN),
    "siglip": (views, {**PLAIN, "sufficiency": "siglip"}),
    "takes inputs": (views, {**PLAIN, "minimality": "structure"}),
    "chunks": (views, {**PLAIN, "chunk_size": 7}),
    "whole batch, SGD": (views, {**PLAIN, "batch_size": -1, "optimizer": "SGD", "max_epochs": 1}),
}


def settings(params):
    return {
        "max_epochs": 4,
        "n_components": 8,
        "batch_size": 64,
        "lr": 2e-3,
        "random_state": 0,
        "precision": "float32",
        **params,
    }


def flat(aligner, X):
    """Return numbers that describe a fitted aligner."""
    embedded = {f"z {name}": z for name, z in aligner.embed(X).items()}
    losses = [epoch["train_loss"] for epoch in aligner.history_]
    geometry = [
        [epoch[f"train_{name}"] for name in ("alignment", "modality_gap", "uniformity")]
        for epoch in aligner.history_
    ]
    weights = [aligner.beta_, aligner.temperature_, aligner.n_iter_]
    return {**embedded, "losses": losses, "geometry": geometry, "weights": weights}


def message(function):
    try:
        function()
    except ValueError as error:
        return str(error)
    return "no error"


def errors(rank):
    """Return the messages of fits that several processes cannot do."""
    X = views()

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([{name: X[name][i] for name in X} for i in range(N)])

    return {
        "seed": message(lambda: IBAligner(**settings({"random_state": rank})).fit(X)),
        "data": message(lambda: IBAligner(**settings({})).fit({k: x[rank:] for k, x in X.items()})),
        "small": message(lambda: IBAligner(**settings({"batch_size": 3})).fit(X)),
        "stream": message(lambda: IBAligner(**settings({})).fit(Stream())),
        "holes": message(lambda: IBAligner(**settings({})).fit(with_holes())),
    }


def gradients(X):
    """Return the gradients of one batch of all rows, as the optimizer gets them."""
    found = {}

    class Record(torch.optim.SGD):
        def step(self, closure=None):
            super().step(closure)
            for group in self.param_groups:
                for parameter in group["params"]:
                    found[f"gradient {len(found)}"] = parameter.grad.clone().numpy()

    params = {"batch_size": -1, "max_epochs": 1, "optimizer": Record, "bottleneck": None}
    IBAligner(**settings({**params, "encoders": MLP((16,))})).fit(X)
    return found


def main(folder):
    warnings.simplefilter("ignore", FewHeldOutWarning)
    warnings.simplefilter("ignore", DuplicateRowsWarning)
    rank = 0
    if "RANK" in os.environ:
        distributed.init_process_group("gloo")
        rank = distributed.get_rank()
    folder = Path(folder)
    for name, (data, params) in FITS.items():
        aligner = IBAligner(**settings(params)).fit(data())
        np.savez(folder / f"{name}-{rank}.npz", **flat(aligner, data()))
    np.savez(folder / f"gradients-{rank}.npz", **gradients(views()))

    noisy = settings({**PLAIN, "encoders": MLP((16,), dropout=0.5), "minimality": "variational"})
    aligner = IBAligner(**noisy).fit(views())
    np.savez(folder / f"noise-{rank}.npz", **flat(aligner, views()))

    aligner = IBAligner(**settings({})).fit(views())  # with dropout, and a closed form beside
    np.savez(folder / f"auto-{rank}.npz", **flat(aligner, views()))

    stopped = settings(
        {**NORMED, "checkpoint": folder / "checkpoints", "max_epochs": 4, "verbose": 2}
    )
    aligner = IBAligner(**stopped).fit(views())
    again = IBAligner(**stopped).fit(views())  # from the last checkpoint
    np.savez(folder / f"checkpoint-{rank}.npz", **flat(aligner, views()))
    np.savez(folder / f"resumed-{rank}.npz", **flat(again, views()))
    if "RANK" in os.environ:
        np.savez(folder / f"errors-{rank}.npz", **errors(rank))
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
