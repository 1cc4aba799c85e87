"""Model card of a bundle: its manifest, for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ._folder import MARK
from ._manifest import Manifest

UNKNOWN = "not known"

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#!|~&$@]|^[+=-]|(?<=^\d)[.)](?= |$))")
_LEAKAGE = "leakage"


def model_card(manifest: Manifest) -> str:
    """Return the text of the model card, in Markdown; what users gave is text in it, not markup."""
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"text": markdown_text, "number": _number, "size": _size}
    measured = list(_measurements((), manifest.metrics))
    return environment.get_template("card.md.j2").render(
        mark=MARK,
        manifest=manifest,
        metrics=[each for each in measured if _LEAKAGE not in each["name"].lower()],
        leakage=[each for each in measured if _LEAKAGE in each["name"].lower()],
        training=list(_values((), _without_defaults(manifest.training))),
        programs=next(iter(manifest.preprocessing.get("text", ())), "").partition("/")[0],
        unknown=UNKNOWN,
    )


def markdown_text(value: Any) -> str:
    """Return a value as Markdown of one line that shows it as it is; empty values as not known."""
    text = " ".join(str(value).split())
    if value is None or not text:
        return UNKNOWN
    return _MARKUP.sub(r"\\\1", text)


def _measurements(path: tuple[str, ...], values: Any) -> Iterator[dict[str, Any]]:
    """Return name, value and interval of all measured values, from nested ones."""
    name = ", ".join(path).replace("_", " ")
    if not isinstance(values, Mapping):
        yield {"name": name, "value": values, "low": None, "high": None}
        return
    if "value" in values and not isinstance(values["value"], Mapping):
        low, high = values.get("interval") or (values.get("low"), values.get("high"))
        yield {"name": name, "value": values["value"], "low": low, "high": high}
        return
    for key, each in values.items():
        yield from _measurements((*path, key), each)


def _values(path: tuple[str, ...], values: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping) and values:
        for key, each in values.items():
            yield from _values((*path, key), each)
    else:
        yield ", ".join(path).replace("_", " "), values


def _without_defaults(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of the training, of its parameters those that were changed."""
    params, changed = training.get("params"), training.get("changed_params")
    if not isinstance(params, Mapping) or not isinstance(changed, list):
        return dict(training)
    shown = {name: value for name, value in params.items() if name in changed}
    rest = {key: value for key, value in training.items() if key != "changed_params"}
    return rest | {"params": shown or "the defaults"}


def _number(value: Any) -> str:
    if isinstance(value, float):
        return markdown_text(f"{value:.4g}")
    return markdown_text(value)


def _size(n_bytes: int) -> str:
    size, units = float(n_bytes), ["GB", "MB", "kB", "B"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop()
    return f"{size:.3g} {units[-1]}"
