"""Packages that are installed only for some uses, and errors that say how to install them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import lazy_loader

from ..exceptions import NotInstalledError

TRAINING = ("torch", "skorch", "safetensors")
"""Packages without which no model is trained or loaded, but exported encoders run."""


def not_installed(purpose: str, *packages: str) -> NotInstalledError:
    """Return an error that says what the packages are needed for, and the command.

    The command names the packages rather than an extra of mibsk, which is on no package index.
    """
    *others, last = packages
    subject = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return NotInstalledError(f"{subject} needed {purpose}: pip install {' '.join(packages)}.")


def training_not_installed() -> NotInstalledError:
    """Return an error that says how to install the packages for training."""
    return not_installed("to train and to load models", *TRAINING)


@contextmanager
def without_collection() -> Iterator[None]:
    """Import packages without garbage collections, which would take a sixth of the time.

    Large packages create many objects and remove few: each collection visits all of them again.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def import_tokenizers(purpose: str) -> Any:
    """Return the package tokenizers, with its submodules.

    Raises
    ------
    NotInstalledError
        If it is not installed.
    """
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.normalizers
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError as error:
        raise not_installed(purpose, "tokenizers") from error
    return tokenizers


def attach_stub(name: str, file: str) -> tuple[Callable[[str], Any], Callable[[], Any], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package that imports lazily.

    They are those of `lazy_loader.attach_stub`, but without torch the error says how to install it,
    and imports are faster.
    """
    load, list_names, names = lazy_loader.attach_stub(name, file)

    def load_or_explain(attribute: str) -> Any:
        try:
            with without_collection():
                return load(attribute)
        except ModuleNotFoundError as error:
            if error.name in TRAINING:
                raise training_not_installed() from error
            raise

    return load_or_explain, list_names, names
