"""Progress of training: a bar in a terminal or notebook, short lines elsewhere."""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback

_SHOWN = {"train_loss": "loss", "valid_loss": "held-out", "train_modality_gap": "gap"}
_TENTHS = 10


class TrainingProgress(Callback):
    """Show the epoch, the loss, that of held-out pairs, and the modality gap.

    With ``net.verbose=1``, a bar in a terminal or notebook, one for each stage of training, and
    elsewhere a line after every tenth of the epochs; with 2 or more, a line after each epoch.
    """

    def __init__(self) -> None:
        self._start = 0.0
        self._n_told = 0
        self._bar: Any = None

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Start the clock of a stage."""
        self._start, self._n_told = time.perf_counter(), 0

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Draw the bar before the first epoch, as it is resumed from a checkpoint."""
        if net.verbose == 1 and self._bar is None and _is_interactive():
            n_done = len(net.history) - 1
            self._bar = _bar("training", net.n_epochs_, "epochs", initial=n_done)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Show an epoch."""
        n = len(net.history)
        if self._bar is not None:
            self._bar.set_postfix_str(", ".join(_numbers(net)), refresh=False)
            self._bar.update(n - self._bar.n)
        elif net.verbose > 1 or _ends_tenth(n, net.n_epochs_):
            self._tell(net)

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """End the line of the bar, or show the last epoch of a stage that stopped early."""
        n = len(net.history)
        if self._bar is None and self._n_told < n and "train_loss" in net.history[-1]:
            self._tell(net)
        self._close()

    def on_train_error(self, net: NeuralNet, error: BaseException) -> None:
        """End the line of the bar."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _tell(self, net: NeuralNet) -> None:
        self._n_told = n = len(net.history)
        n_epochs = str(net.n_epochs_)
        epoch = f"epoch {n:{len(n_epochs)}}/{n_epochs}"
        seconds = f"{time.perf_counter() - self._start:.1f} s"
        print("   ".join([epoch, *_numbers(net), seconds]), flush=True)


def _ends_tenth(n: int, n_epochs: int) -> bool:
    """Whether an epoch is the last of a tenth of all."""
    done, before = (_TENTHS * epoch // max(n_epochs, 1) for epoch in (n, n - 1))
    return done > before


def tell(text: str) -> None:
    """Print a line above the bar, if there is one."""
    from tqdm import tqdm

    tqdm.write(text, file=sys.stdout)


def rows_bar(title: str, n_rows: int) -> Any:
    """Return a bar of rows in a terminal or notebook, removed at the end; elsewhere nothing."""
    return _bar(title, n_rows, "rows", leave=False, disable=not _is_interactive())


def _numbers(net: NeuralNet) -> list[str]:
    """Return the known numbers of the last epoch with their names."""
    last = net.history[-1]
    return [f"{name} {last[key]:.4f}" for key, name in _SHOWN.items() if key in last]


def _is_interactive() -> bool:
    """Whether standard output is a terminal or a notebook, which can redraw a line."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel") or (sys.stdout is not None and sys.stdout.isatty())


def _bar(title: str, n: int, unit: str, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a notebook without ipywidgets has a bar of text
        from tqdm.auto import tqdm
    return tqdm(
        desc=title, total=n, unit=f" {unit}", file=sys.stdout, dynamic_ncols=True, **options
    )
