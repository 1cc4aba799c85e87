"""Reconstruction of a trained model from the values of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._build import build_net
from ._devices import resolve_device
from ._model_state import SavedModel
from ._net import AlignmentNet
from ._objective import build_objective
from ._params import AlignerParams
from ._result import Trained
from ._seeding import seeded
from ._torch_defaults import torch_defaults


@torch_defaults()
def rebuild(aligner: AlignerParams, saved: SavedModel, path: str) -> Trained:
    """Build the net specified by the parameters of `aligner`, with the saved weights.

    Raises
    ------
    ValueError
        If the weights or the optimizer state do not match.
    """
    training, device = saved.training, resolve_device(aligner.device)
    with seeded(saved.seed, device):
        try:
            net = build_net(
                aligner,
                build_objective(aligner),
                saved.inputs,
                training["scalings"],
                device,
                saved.seed,
            )
        except ValueError as error:
            raise _other_architecture(path, error) from error
        net.compile = False  # slow, and only worthwhile in training
        net.initialize()
    _restore(net, training, saved.optimizer, path)
    net.history = training["history"]
    if net.history:
        net.module.objective.set_weights(net.history[-1])
    if saved.bottleneck is not None:
        saved.bottleneck.attach(net.module, device)
    if saved.closed_form is not None:
        saved.closed_form.attach(net.module, device)
    net.finish()
    return Trained(
        saved.form, saved.inputs, net, saved.columns, saved.bottleneck, saved.closed_form
    )


def _restore(net: AlignmentNet, training: Mapping[str, Any], optimizer: str, path: str) -> None:
    """Load weights and optimizer state into an initialized net, in evaluation mode."""
    try:
        net.load_weights(training)
    except (RuntimeError, TypeError) as error:
        raise _other_architecture(path, error) from error
    net.module.eval()
    if type(net.optimizer_).__qualname__ == optimizer:  # another optimizer starts without state
        try:
            net.optimizer_.load_state_dict(training["optimizer"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the state in {path} does not match the optimizer: one passed as optimizer= must "
                f"be equivalent to the saved one. {error}"
            ) from error


def _other_architecture(path: str, error: Exception) -> ValueError:
    return ValueError(
        f"the weights in {path} do not match the encoders: those passed as encoders= must have "
        f"the saved architecture. {error}"
    )
