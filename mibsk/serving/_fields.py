"""Fields of a request: a JSON object becomes checked values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from .._checks.parameters import suggest
from ._errors import RequestError, bad_request

_MISSING = object()


def json_object(
    body: bytes,
    known: Collection[str],
    required: Sequence[str] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the JSON object of a body.

    Parameters
    ----------
    body : bytes
        JSON as in RFC 8259: no NaN, no infinite numbers.
    known, required : collection of str
        Names of fields that may and that must be there.
    elsewhere : dict of str to str, default=None
        What to say of fields that belong elsewhere, by name.

    Raises
    ------
    RequestError
        If it is not such an object: 400.
    """
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body is not JSON: {error}.") from error
    check_object("the body", values, known, required, elsewhere)
    return values


def check_object(
    what: str,
    values: Any,
    known: Collection[str],
    required: Sequence[str] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> None:
    """Raise unless a value is an object with these fields."""
    if not isinstance(values, dict):
        raise bad_request(f"{what} must be a JSON object, got {kind_of(values)}.")
    lacking = next((name for name in required if name not in values), None)
    unknown = next((name[:100] for name in values if name not in known), None)
    if unknown is not None:
        place = (elsewhere or {}).get(unknown)
        beside = f"lacks the field {lacking!r} and " if lacking is not None else ""
        raise bad_request(
            f"{what} {beside}has an unknown field {unknown!r}; known are {', '.join(known)}."
            + (f" {place}." if place else suggest(unknown, known)),
            lacking,
        )
    if lacking is not None:
        raise bad_request(f"{what} lacks the field {lacking!r}.", lacking)


def choice(values: dict[str, Any], name: str, options: Sequence[str]) -> str:
    """Return a field that has one of several values, by default the first."""
    value = values.get(name, options[0])
    if value not in options:
        raise bad_request(
            f"{name} must be {' or '.join(map(repr, options))}, got {shortened(value)}.", name
        )
    return str(value)


def integer(values: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    """Return a whole number of ``low <= number <= high``."""
    value = values.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise bad_request(
            f"{name} must be a whole number from {low} to {high}, got {shortened(value)}.", name
        )
    return value


def boolean(values: dict[str, Any], name: str) -> bool:
    """Return a field that is true or false, by default false."""
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise bad_request(f"{name} must be true or false, got {shortened(value)}.", name)
    return value


def text(values: dict[str, Any], name: str) -> str:
    """Return a field that is a string."""
    value = values.get(name, _MISSING)
    if not isinstance(value, str):
        raise bad_request(f"{name} must be a string, got {kind_of(value)}.", name)
    return value


def kind_of(value: object) -> str:
    """Return what a JSON value is, for messages."""
    if value is _MISSING:
        return "nothing"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    kinds: dict[type, str] = {str: "a string", list: "a list", dict: "an object"}
    return kinds.get(type(value), type(value).__name__)


def shortened(value: object) -> str:
    """Return a value for a message, without its end if it is long."""
    if isinstance(value, list | dict):
        return kind_of(value)
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


# what curl and urllib say of every body unless they are told
_TYPES = (b"application/json", b"application/x-www-form-urlencoded")


def check_json_type(headers: Mapping[bytes, bytes]) -> None:
    """Raise if the headers say that the body is something other than JSON.

    Raises
    ------
    RequestError
        If it is of another type: 415.
    """
    given = headers.get(b"content-type", b"application/json")
    if given.partition(b";")[0].strip().lower() not in _TYPES:
        raise RequestError(
            415,
            f"expected a body of application/json, got {given[:100].decode('latin-1')!r}: send "
            "the header 'Content-Type: application/json'.",
            "unsupported_media_type",
        )
