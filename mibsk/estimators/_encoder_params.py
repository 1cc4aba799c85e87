"""Parameters of the encoders in a mapping, as nested parameters of the aligner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from sklearn.base import BaseEstimator, clone

from .._checks.parameters import suggest

_PREFIX = "encoders__"


class EncoderParamsMixin(BaseEstimator):
    """Nested parameters for the mapping `encoders`, e.g. for a grid search.

    ``encoders__image`` is the specification of the modality "image", and
    ``encoders__image__hidden`` the parameter `hidden` of its factory, such as ``MLP()``. With one
    specification for all modalities, the parameter is ``encoders__hidden``.
    """

    encoders: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; `deep` includes those of the encoders."""
        params = super().get_params(deep=deep)
        if deep and isinstance(self.encoders, Mapping):
            for name, spec in self.encoders.items():
                params[f"{_PREFIX}{name}"] = spec
                if hasattr(spec, "get_params"):
                    nested = spec.get_params()
                    params |= {f"{_PREFIX}{name}__{key}": nested[key] for key in nested}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of the encoders; a mapping that was passed is not changed.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        if not isinstance(params.get("encoders", self.encoders), Mapping):
            return super().set_params(**params)
        nested = {key: value for key, value in params.items() if key.startswith(_PREFIX)}
        super().set_params(**{key: value for key, value in params.items() if key not in nested})
        if nested:
            self.encoders = _updated(self.encoders, nested)
        return self


def _updated(encoders: Mapping[str, Any], nested: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of `encoders` with encoders replaced first, then their parameters set."""
    updated = dict(encoders)
    paths = {key: key.removeprefix(_PREFIX).partition("__") for key in nested}
    for key in sorted(nested, key=lambda key: len(paths[key][1])):
        name, _, parameter = paths[key]
        if name not in updated:
            raise ValueError(
                f"{key} names an encoder that is not set; encoders has {list(updated)}."
                + suggest(name, updated)
            )
        if not parameter:
            updated[name] = nested[key]
        elif hasattr(updated[name], "set_params"):
            updated[name] = clone(updated[name]).set_params(**{parameter: nested[key]})
        else:
            raise ValueError(
                f"{key}: the encoder of {name!r} is {updated[name]!r}, which has no parameters. "
                "Pass a factory, such as mibsk.encoders.MLP()."
            )
    return updated
