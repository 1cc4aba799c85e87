"""Features of frozen towers: computed once in a training, instead of in every epoch."""

from __future__ import annotations

import copy
import tempfile
import warnings
import weakref
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from math import prod
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import __version__
from ..data import Features, Rows, TensorSource, digest, make_rows
from ..encoders import FrozenFactory, FrozenTrunk, InputScaling, frozen_factory, spec_of
from ..exceptions import FeatureCacheWarning
from ..files.array_file import read_or_write
from ._data import TrainingData
from ._description import describe_module, weights_as_bytes
from ._devices import exact_convolutions
from ._params import AlignerParams
from ._progress import rows_bar, tell
from ._result import Trained

ROWS_AT_A_TIME = 128  # about the size of a batch; activations of images stay in the cache
IN_MEMORY = 2**30  # bytes; more features than that are read from a file
_TRIED = 8  # rows on which a tower is tried
_SIMILAR = 1e-3  # relative; rounding depends on the number of rows that a tower reads at once


def with_features(
    aligner: AlignerParams, data: TrainingData, device: torch.device, earlier: Trained | None
) -> TrainingData:
    """Return the same data, where a modality with a frozen tower has features instead of rows.

    They are computed when the first batch is taken. A tower remains in the loop of training if its
    features of a row are not always the same, or depend on the rows beside it, and for the items of
    a torch Dataset, which may differ each time they are read.

    Warns
    -----
    FeatureCacheWarning
        If features are not cached although the tower has a folder for them.
    """
    source, rows = data.source, {}
    for name, spec in data.inputs.items():
        factory = frozen_factory(spec_of(aligner.encoders, name))
        if factory is None or spec.is_sparse:  # the latter is refused when the encoder is built
            continue
        if not isinstance(source, TensorSource):
            _warn_not_cached(factory, name, "items of a torch Dataset may differ in each epoch")
            continue
        scaling = data.scalings[name] if factory.scales_input else None
        with _undisturbed(device):
            trunk = _trunk(factory, name, spec.shape, earlier)
            features = FeatureRows(
                source.rows[name], data.seen[name], trunk, scaling, factory.cache, device
            )
            alone = features.depend_on_rows_alone()
        if alone:
            features.title = f"features of modality {name!r}" if aligner.verbose else ""
            rows[name] = features
        else:
            reason = "its frozen tower gives others when it is run again, or beside other rows"
            _warn_not_cached(factory, name, reason)
    if not rows:
        return data
    assert isinstance(source, TensorSource)
    return replace(data, source=replace(source, rows={**source.rows, **rows}))


class FeatureRows:
    """Rows of a modality as the features of a frozen tower.

    Parameters
    ----------
    rows : Rows
        Rows that the tower reads.
    seen : array-like
        The same rows as an array, whose content names the file of their features.
    trunk : FrozenTrunk
        The tower.
    scaling : InputScaling or None
        Standardises the rows first.
    cache : path or None
        Folder of files with features; None keeps them for this object alone.
    device : torch.device
        Device of the tower.

    Attributes
    ----------
    title : str
        What is printed when features are computed; "" prints nothing.
    """

    def __init__(
        self,
        rows: Rows,
        seen: Any,
        trunk: FrozenTrunk,
        scaling: InputScaling | None,
        cache: Any,
        device: torch.device,
    ) -> None:
        self.seen, self.cache, self.device = seen, cache, device
        self.title = ""
        self.rows = rows
        self.n_rows = len(rows)
        # copies: modules move to a device in place
        self.trunk = copy.deepcopy(trunk).to(device)
        self.scaling = copy.deepcopy(scaling)
        if self.scaling is not None:
            self.scaling.to(device)

    def __len__(self) -> int:
        return self.n_rows

    def take(self, indices: torch.Tensor) -> Features:
        """Return the features of the rows at `indices`."""
        values = self._features.take(indices)
        assert isinstance(values, torch.Tensor)
        return Features(values)

    def depend_on_rows_alone(self) -> bool:
        """Whether the tower returns the same for a few rows again, and without the others."""
        first, n = self._first, len(self._first)
        again, alone = self._run(0, n), self._run(0, max(n // 2, 1))
        differ = (first[: len(alone)] - alone).abs().max()
        return torch.equal(first, again) and bool(differ <= _SIMILAR * first.abs().max())

    @cached_property
    def _first(self) -> torch.Tensor:
        """The features of a few rows."""
        return self._run(0, min(len(self), _TRIED))

    @cached_property
    def _features(self) -> Rows:
        """The features (n, ...), stored like other rows."""
        with _undisturbed(self.device):
            computed = self._computed((len(self), *self._run(0, 1).shape[1:]))
        del self.trunk, self.rows  # they may be on a GPU
        return make_rows(computed, self.device)

    def _computed(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        fits = 4 * prod(shape) <= IN_MEMORY
        if self.cache is None and fits:
            return np.concatenate(list(self._chunks()))
        if self.cache is None:
            folder = Path(tempfile.mkdtemp(prefix="mibsk-"))
            found = self._read_or_write(folder / "features", shape)
            weakref.finalize(found, rmtree, folder, ignore_errors=True)
            return found
        found = self._read_or_write(Path(self.cache) / f"{self._key()}.features", shape)
        return np.array(found) if fits else found

    def _read_or_write(self, path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
        def reason_against(found: NDArray[np.float32]) -> str:
            other = f"{path} has the features of another tower of the same weights."
            return "" if self._are_of_tower(found) else other

        return read_or_write(path, shape, self._chunks, reason_against)

    def _are_of_tower(self, features: NDArray[np.float32]) -> bool:
        """Whether the tower gives these features for a few rows; its settings may be hidden."""
        given = self._first.cpu().numpy()
        differ = np.abs(features[: len(given)] - given).max()
        return bool(differ <= _SIMILAR * np.abs(given).max())

    def _chunks(self) -> Iterator[NDArray[np.float32]]:
        if self.title:
            tell(f"{self.title}: {len(self)} rows by its frozen tower")
        with rows_bar(self.title, len(self)) if self.title else nullcontext() as bar:
            for start in range(0, len(self), ROWS_AT_A_TIME):
                z = self._run(start, min(start + ROWS_AT_A_TIME, len(self))).cpu().numpy()
                if bar is not None:
                    bar.update(len(z))
                yield z

    def _run(self, start: int, stop: int) -> torch.Tensor:
        rows = self.rows.take(torch.arange(start, stop))
        assert isinstance(rows, torch.Tensor)
        with torch.inference_mode(), exact_convolutions(self.device):
            found: torch.Tensor = self.trunk(rows if self.scaling is None else self.scaling(rows))
        return found.float()

    def _key(self) -> str:
        """Return a hash of all that the features depend on."""
        scaling = {} if self.scaling is None else weights_as_bytes(self.scaling)
        return digest(
            {
                "rows": self.seen,
                "scaling": scaling,
                "tower": describe_module(self.trunk.tower),
                "versions": [torch.__version__, __version__],
                "device": [self.device.type, ROWS_AT_A_TIME],
            }
        )


def _undisturbed(device: torch.device) -> Any:
    """Return a context that leaves the random numbers of the training as they are."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


def _trunk(
    factory: FrozenFactory, name: str, shape: tuple[int, ...], earlier: Trained | None
) -> FrozenTrunk:
    """Return the tower that the training runs: that of an earlier one if it goes on."""
    if earlier is not None:
        layers = earlier.net.module.encoder(name).trunk
        if isinstance(layers, torch.nn.Sequential) and isinstance(layers[0], FrozenTrunk):
            return layers[0]
    return factory.trunk(shape)


def _warn_not_cached(factory: FrozenFactory, name: str, reason: str) -> None:
    if factory.cache is not None:
        warnings.warn(
            f"the features of modality {name!r} are not cached: {reason}. They are computed in "
            "every epoch; leave out cache=, or pass whole arrays and a tower whose output depends "
            "on each row alone.",
            FeatureCacheWarning,
            stacklevel=2,
        )
