"""The stages of a training: epochs, the closed form of the inputs, the canonical bottleneck."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from functools import cached_property
from numbers import Integral
from pathlib import Path

import torch

from .._checks.groups import Groups
from ..canonical import Canonical
from ..data import Source, StreamSource
from ..exceptions import DivergenceError, NothingSharedWarning
from ._bottleneck import FittedBottleneck, canonical_settings, fit_bottleneck
from ._checkpoint import Checkpoint, CheckpointFolder
from ._closed_form import FittedClosedForm
from ._data import TrainingData
from ._fingerprint import fingerprint
from ._input_directions import InputDirections
from ._model_state import model_state
from ._params import AlignerParams
from ._result import Trained
from ._selection import fit_closed_form


class Stages:
    """Stages of one training, each of which replaces `trained`.

    Parameters
    ----------
    aligner : AlignerParams
        Aligner with the parameters; it is not changed.
    trained : Trained
        Result with an initialized net, which is trained in place.
    device : torch.device
        Device of the net.
    groups : ndarray of int, default=None
        Groups of the rows, each of which is in one fold where correlations are cross-fitted.
    continues : bool, default=False
        Whether the net was trained before, maybe on pairs that are held out now.
    """

    def __init__(
        self,
        aligner: AlignerParams,
        trained: Trained,
        device: torch.device,
        groups: Groups = None,
        *,
        continues: bool = False,
    ) -> None:
        self.aligner, self.trained, self.device = aligner, trained, device
        self.groups, self.continues = groups, continues
        self.net, self.module = trained.net, trained.net.module
        self.checkpoint: Checkpoint | None = None
        self.was_interrupted = False

    @cached_property
    def settings(self) -> Canonical | None:
        """Settings of the bottleneck, or None for none."""
        return canonical_settings(self.aligner)

    @property
    def has_closed_form_alone(self) -> bool:
        """Whether the networks are not part of the result."""
        return self.trained.closed_form is not None and self.trained.closed_form.is_alone

    def snapshot(self) -> Stages:
        """Return the stages of a copy of the net, which write no checkpoint and print nothing."""
        quiet = copy.copy(self.aligner)
        quiet.verbose = 0
        trained = replace(self.trained, net=self.net.snapshot())
        return Stages(quiet, trained, self.device, self.groups, continues=self.continues)

    def keep_checkpoints(self, data: TrainingData) -> None:
        """Write checkpoints, and resume from those of the same training.

        Raises
        ------
        ValueError
            If the seed of the training is not an integer.
        """
        aligner = self.aligner
        if not isinstance(aligner.random_state, Integral):
            raise ValueError(
                "checkpoint= needs random_state to be an integer, so that training can be resumed "
                f"identically; got random_state={aligner.random_state!r}."
            )
        name = fingerprint(aligner, data, self.net)
        folder = CheckpointFolder(Path(aligner.checkpoint) / name)
        self.checkpoint = Checkpoint(folder, lambda: model_state(aligner, self.trained))
        self.net.callbacks_.append(("checkpoint", self.checkpoint))
        if (saved := self.checkpoint.closed_form) is not None:
            self.trained = replace(self.trained, closed_form=FittedClosedForm(**saved))

    def train(self, source: Source | StreamSource, until: int) -> None:
        """Train on pairs until the history has this number of epochs.

        Raises
        ------
        DivergenceError
            If the loss or the weights become infinite or NaN.
        """
        if self.was_interrupted:
            return
        net, checkpoint = self.net, self.checkpoint
        done = max(len(net.history), 0 if checkpoint is None else checkpoint.n_epochs)
        if checkpoint is not None and checkpoint.has_stopped_early:
            done = until
        try:
            net.partial_fit(source, epochs=max(until - done, 0))
            net.check_weights()
        except DivergenceError as error:
            raise DivergenceError(f"{error} {_what_is_left(checkpoint)}") from error
        self.was_interrupted = len(net.history) < until

    def add_closed_form(self, rest: Source, held_out: Source | None, *, whole: Source) -> None:
        """Put the closed form of the inputs beside the networks, unless a checkpoint has it.

        Parameters
        ----------
        rest : Source
            Pairs on which the networks were trained so far.
        held_out : Source or None
            Pairs on which the weight of the closed form is chosen, and correlations of the
            embeddings of the networks are measured.
        whole : Source
            Pairs that determine the closed form.
        """
        if self.trained.closed_form is not None:
            self.trained.closed_form.attach(self.module, self.device)
            return
        networks = {}
        if self.settings is not None:
            cross_fitted = replace(self.settings, hold_out=False)
            networks = self._add_bottleneck(cross_fitted, rest, held_out).held_out
        found = fit_closed_form(
            self._input_settings,
            self.module,
            self.trained.inputs,
            rest,
            held_out,
            self.device,
            whole=whole,
            groups=self.groups,
        )
        if found is not None:
            found = replace(found, networks=networks)
        self.trained = replace(self.trained, closed_form=found, bottleneck=None)
        if found is not None and self.aligner.verbose:
            print(found.describe())

    def use_closed_form_alone(self, source: Source) -> None:
        """Replace the networks by the closed form of the inputs.

        Raises
        ------
        ValueError
            If a modality does not vary.

        Warns
        -----
        NothingSharedWarning
            If no direction is shared. The strongest is kept.
        """
        settings = self._input_settings
        inputs = self.trained.inputs
        directions = InputDirections(settings, self.module, inputs, source, self.groups)
        moments = directions.moments(source)
        found = directions.solve(moments.folds, moments.group_sums, fewest=1)
        if not found.n_directions:
            raise ValueError(
                "encoders='canonical' needs modalities that vary, but in one of them all rows are "
                "equal: pass rows that vary, or leave the modality out."
            )
        if found.nothing_shared:
            warnings.warn(
                f"no direction satisfies beta={settings.beta!r} on held-out pairs. The strongest "
                "is kept; lower beta, or pass more pairs if the modalities share anything linear.",
                NothingSharedWarning,
                stacklevel=2,
            )
        found.attach(self.module, self.device)
        self.trained = replace(self.trained, closed_form=found)
        if self.aligner.verbose:
            print(found.describe())

    def finish(self, source: Source | StreamSource, held_out: Source | None) -> None:
        """Add the bottleneck and limit the dimension, unless the closed form stands alone."""
        if not self.has_closed_form_alone:
            beside = self.trained.closed_form
            if self.settings is not None:
                found = self._add_bottleneck(self.settings, source, held_out)
                if beside is not None and beside.networks and not found.held_out:
                    found = found.with_held_out(beside.networks)
                    self.trained = replace(self.trained, bottleneck=found)
            if beside is not None:
                assert not isinstance(source, StreamSource)
                n_components = self.module.n_components
                beside = beside.reduced(self.module, source, n_components, self.device)
                beside.attach(self.module, self.device)
                self.trained = replace(self.trained, closed_form=beside)
        # training that goes on later computes the stages anew, from all of its epochs
        ended = not self.was_interrupted or self.net.has_stopped_early
        if ended and self.checkpoint is not None and self.trained.has_stages:
            self.checkpoint.complete(self.net, model_state(self.aligner, self.trained))

    def _add_bottleneck(
        self, settings: Canonical, source: Source | StreamSource, held_out: Source | None
    ) -> FittedBottleneck:
        if self.continues and not settings.hold_out:
            held_out = None  # the networks may have seen them
        found = fit_bottleneck(settings, self.module, source, held_out, self.device, self.groups)
        found.attach(self.module, self.device)
        self.trained = replace(self.trained, bottleneck=found)
        return found

    @property
    def _input_settings(self) -> Canonical:
        """Settings of the directions of the inputs: all that are distinguishable from noise."""
        return replace(self.settings or Canonical(), beta="auto")


def _what_is_left(checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return "With checkpoint=<folder>, the model of the last finite epoch is kept."
    if checkpoint.last_ is None:
        return "There is no finite checkpoint."
    return f"The last finite checkpoint is {checkpoint.last_}: IBAligner.load reads it."
