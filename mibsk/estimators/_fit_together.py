"""Many trainings at once: runs that differ only in the weights of the loss, in pace and in seed."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence
from numbers import Integral
from pickle import PicklingError
from typing import Any, NamedTuple

import joblib
import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data
from torch import nn
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.data import Dataset

from .._checks.parameters import suggest
from ..data import Source
from ..data._forms import check_table, is_table
from ..data._stream import StreamSource
from ._aligner import IBAligner
from ._devices import resolve_device, seeded
from ._fusion import check_fusion
from ._net import AlignmentNet
from ._stacked import ELEMENTWISE, train_stacked
from ._training import new_net
from ._training_data import TrainingData, read_training_data
from ._weighting import check_weighting, is_learned, sufficiency_budget, weighting_callbacks

MAY_DIFFER = ("beta", "temperature", "lr", "random_state")
HOW = ("auto", "stacked", "processes")
MOST_WEIGHTS = 400_000  # beyond, the steps of one net fill a core of a CPU


def fit_together(
    aligners: Iterable[IBAligner],
    X: Any,
    y: Any = None,
    *,
    how: str = "auto",
    n_jobs: int | None = None,
) -> list[IBAligner]:
    """Fit aligners that differ only in `beta`, `temperature`, `lr` and `random_state`, at once.

    Each ends as its own `fit` would leave it, up to rounding in float32: initial weights, batches
    and draws follow from its own `random_state`. In a deep network with batch normalisation
    rounding grows: runs then differ as those with one thread and with two do.

    Parameters
    ----------
    aligners : iterable of IBAligner
        Fitted in place.
    X : mapping, Modalities, ClassPairs, torch Dataset or table, or a list of those
        Paired data as in :meth:`IBAligner.fit`, the same for all; or a list or tuple with one for
        each.
    y : array-like, default=None
        As in :meth:`IBAligner.fit`; a list with one for each if `X` is a list.
    how : {"auto", "stacked", "processes"}, default="auto"
        "stacked" trains them in one process, as one model with an axis of runs; it cannot do
        ``beta="auto"``, `early_stopping`, `checkpoint`, `callbacks`, `compile`, dropout, sparse
        rows, torch Datasets, going on from an earlier `fit`, and optimizers that look at more than
        one number at a time.
        "processes" has `n_jobs` processes that call `fit`. "auto" is "stacked" where that is
        possible, except on a CPU for convolutions and for more than 400,000 weights, which gain
        nothing there.
    n_jobs : int, default=None
        Number of processes, as joblib has it: None is 1, -1 all processors.

    Returns
    -------
    list of IBAligner
        The same aligners, fitted. In a stack, the seconds of an epoch (`dur` in `history_`) are
        those of all runs.

    Raises
    ------
    ValueError, TypeError
        If the aligners differ in another parameter, or a parameter or the data are unfit. All
        aligners are then as they were.
    mibsk.exceptions.DivergenceError
        If the loss of one of them becomes infinite or NaN; likewise.

    Examples
    --------
    >>> from mibsk import IBAligner, fit_together
    >>> from mibsk.datasets import load_digits_halves
    >>> halves = load_digits_halves().data
    >>> sweep = [IBAligner(beta=beta, max_epochs=3, random_state=0) for beta in (0, 0.1, 1)]
    >>> gaps = [a.history_[-1]["train_modality_gap"] for a in fit_together(sweep, halves)]
    >>> gaps[0] > gaps[1] > gaps[2]
    True
    """
    if how not in HOW:
        raise ValueError(f"how must be one of {list(HOW)}, got {how!r}." + suggest(how, HOW))
    aligners = _check_alike(aligners)
    runs = [
        _Run(aligner, *given)
        for aligner, *given in zip(aligners, *_one_each(X, y, len(aligners)), strict=True)
    ]
    starts = "" if how == "processes" else _prepare(runs)
    if how == "stacked" and isinstance(starts, str):
        raise ValueError(f"how='stacked' cannot do {starts}: use how='processes'.")
    if isinstance(starts, str) or (how == "auto" and _slower_stacked(starts[0].net)):
        learned = _in_processes(runs, n_jobs)
    else:
        learned = _in_stacks(aligners, starts)
    for aligner, attributes in zip(aligners, learned, strict=True):
        for name in _learned(aligner):
            delattr(aligner, name)
        for name, value in attributes.items():
            setattr(aligner, name, value)
    return aligners


class _Run:
    """One training: an aligner, its data and its seed.

    Parameters
    ----------
    aligner : IBAligner
        Its parameters are read.
    X, y : object
        The arguments of its `fit`.
    """

    def __init__(self, aligner: IBAligner, X: Any, y: Any) -> None:
        self.aligner, self.X, self.y = aligner, X, y
        generator = check_random_state(aligner.random_state)
        # for `fit` in another process, where a generator that is shared by runs would not move on
        self.random_state = copy.deepcopy(generator)
        self.seed = generator.randint(np.iinfo(np.int32).max)


class _Start(NamedTuple):
    """Where a training in a stack begins: its data read, its net built."""

    data: TrainingData
    source: Source
    columns: dict[str, Any]
    net: AlignmentNet


def _check_alike(aligners: Iterable[IBAligner]) -> list[IBAligner]:
    """Return the aligners as a list, if nothing differs that must not."""
    aligners = list(aligners)
    if not aligners:
        raise ValueError("aligners is empty: pass at least one IBAligner.")
    if wrong := [each for each in aligners if not isinstance(each, IBAligner)]:
        raise TypeError(f"aligners must be IBAligners, got {type(wrong[0]).__name__}.")
    if len({id(each) for each in aligners}) < len(aligners):
        raise ValueError("an aligner comes twice: pass clones (sklearn.base.clone).")
    first = aligners[0].get_params(deep=False)
    for i, aligner in enumerate(aligners):
        aligner._validate_params()
        check_weighting(aligner.get_params(deep=False), whole=True)
        for name, value in aligner.get_params(deep=False).items():
            if name not in MAY_DIFFER and not _alike(value, first[name]):
                raise ValueError(
                    f"aligners may differ in {', '.join(MAY_DIFFER)} alone, but {name} is "
                    f"{first[name]!r} in aligners[0] and {value!r} in aligners[{i}]: fit those "
                    "apart, or pass the same object to all."
                )
    return aligners


def _alike(value: Any, other: Any) -> bool:
    """Whether two values of a parameter are one object, or copies that cannot be told apart."""
    try:
        return value is other or bool(joblib.hash(value) == joblib.hash(other))
    except PicklingError:  # a function that has no name of its own
        return False


def _one_each(X: Any, y: Any, n: int) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return one `X` and one `y` for each of `n` aligners."""
    if not isinstance(X, list | tuple):
        return [X] * n, [y] * n
    ys = [None] * n if y is None else y
    for name, given in (("X", X), ("y", ys)):
        if not isinstance(given, list | tuple) or len(given) != n:
            raise ValueError(
                f"{name} must be a list of {n}, one for each aligner, when X is a list; got "
                f"{type(given).__name__} of {len(given)}."
            )
    return X, ys


def _prepare(runs: Sequence[_Run]) -> list[_Start] | str:
    """Read data and build nets as `IBAligner.fit` does, or return what a stack cannot do."""
    for run in runs:
        if obstacle := _obstacle_in_params(run):
            return obstacle
    device = resolve_device(runs[0].aligner.device)
    read: dict[tuple[int, int], tuple[TrainingData, dict[str, Any]]] = {}
    starts: list[_Start] = []
    for run in runs:
        key = id(run.X), id(run.y)
        if key not in read:
            read[key] = _read(run, device)
        data, columns = read[key]
        source = data.source
        if isinstance(source, StreamSource):
            return "a stream"
        if any(spec.is_sparse for spec in data.inputs.values()):
            return "sparse rows"
        net = _new_net(run, data, source, device)
        if isinstance(net, str):
            return net
        starts.append(_Start(data, source, columns, net))
        if source.pairing.n_rows != starts[0].source.pairing.n_rows:
            return "data sets of different lengths"
        if data.inputs != starts[0].data.inputs:
            return "data sets that look different"
    return starts


def _obstacle_in_params(run: _Run) -> str | None:
    aligner = run.aligner
    if sufficiency_budget(aligner.beta, aligner.budget) is not None:
        return f"beta={aligner.beta!r}"
    if aligner.warm_start and aligner.__sklearn_is_fitted__():
        return "warm_start=True of an aligner that is fitted"
    if isinstance(run.X, Dataset):  # its rows are looked at in a sample that depends on the seed
        return "a torch Dataset"
    for name in ("early_stopping", "callbacks", "checkpoint", "compile"):
        if getattr(aligner, name):
            return f"{name}={getattr(aligner, name)!r}"
    return None


def _read(run: _Run, device: torch.device) -> tuple[TrainingData, dict[str, Any]]:
    """Return the data of a run, and what a table says of its columns."""
    columns, aligner = IBAligner(), run.aligner
    if is_table(run.X):
        check_table(run.X)
        validate_data(columns, run.X, skip_check_array=True)
    rng = np.random.default_rng(run.seed)
    data = read_training_data(run.X, run.y, aligner.modalities, device, rng, aligner.batch_size)
    check_fusion(aligner.fusion, data.form.names)
    return data, {name: vars(columns)[name] for name in _learned(columns)}


def _new_net(
    run: _Run, data: TrainingData, source: Source, device: torch.device
) -> AlignmentNet | str:
    """Return an initialized net, or what a stack cannot do."""
    aligner = run.aligner
    scalings = copy.deepcopy(data.scalings)  # part of the net, while data may be shared by many
    with seeded(run.seed, device):
        net = new_net(aligner, data.inputs, scalings, device, run.seed)
        net.callbacks += weighting_callbacks(
            aligner.get_params(deep=False), source, None, first=0, n_epochs=aligner.max_epochs
        )
        try:
            net.initialize()
        except (TypeError, ValueError):
            return f"optimizer={aligner.optimizer!r}"
    if type(net.optimizer_) not in ELEMENTWISE:
        return f"optimizer={aligner.optimizer!r}"
    if any(isinstance(each, _DropoutNd) and each.p > 0 for each in net.module.modules()):
        return "dropout"
    return net


def _slower_stacked(net: AlignmentNet) -> bool:
    """Whether a CPU is as busy with one such net as with many (see ``benchmarks/together.py``)."""
    if net.device != "cpu":
        return False
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)  # of many nets at once they are slow
    n_weights = sum(weights.numel() for weights in net.module.parameters())
    return n_weights > MOST_WEIGHTS or any(isinstance(m, kinds) for m in net.module.modules())


def _in_stacks(aligners: Sequence[IBAligner], starts: Sequence[_Start]) -> list[dict[str, Any]]:
    """Train runs of equal `lr` and kind of temperature at once; return what each has learned."""
    stacks: dict[tuple[float, bool], list[int]] = {}
    for i, aligner in enumerate(aligners):
        stacks.setdefault((aligner.lr, is_learned(aligner.temperature)), []).append(i)
    for members in stacks.values():
        nets = [starts[i].net for i in members]
        with seeded(nets[0].seed, torch.device(nets[0].device)):
            train_stacked(
                nets,
                [starts[i].source for i in members],
                [f"aligners[{i}]" for i in members],
                aligners[0].max_epochs,
            )
    for start in starts:  # a fitted estimator has no callbacks
        start.net.callbacks, start.net.callbacks_ = None, []
    return [
        {**columns, "form_": data.form, "inputs_": data.inputs, "net_": net}
        for data, _, columns, net in starts
    ]


def _in_processes(runs: Sequence[_Run], n_jobs: int | None) -> list[dict[str, Any]]:
    """Call `fit` in processes; return what each has learned."""
    jobs = (joblib.delayed(_fit_alone)(_copy(run), run.X, run.y) for run in runs)
    fitted = joblib.Parallel(n_jobs)(jobs)
    for message, category in dict.fromkeys(caught for _, each in fitted for caught in each):
        warnings.warn(message, category, stacklevel=3)
    return [attributes for attributes, _ in fitted]


def _copy(run: _Run) -> IBAligner:
    """Return an aligner that draws the seed of the run."""
    aligner = copy.copy(run.aligner)
    if not isinstance(aligner.random_state, Integral):
        aligner.random_state = run.random_state
    return aligner


def _fit_alone(
    aligner: IBAligner, X: Any, y: Any
) -> tuple[dict[str, Any], list[tuple[str, type[Warning]]]]:
    """Fit in a process of its own; return what was learned and the warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        aligner.fit(X, y)
    learned = {name: vars(aligner)[name] for name in _learned(aligner)}
    return learned, [(str(each.message), each.category) for each in caught]


def _learned(aligner: IBAligner) -> list[str]:
    """Return the names of what `fit` has left in an aligner."""
    return [name for name in vars(aligner) if name.endswith("_") and not name.startswith("_")]
