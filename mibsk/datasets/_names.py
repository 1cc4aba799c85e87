"""Check of names that select factors or views."""

from collections.abc import Collection, Sequence

from .._checks.parameters import suggest


def check_names(param: str, kind: str, names: Sequence[str], known: Collection[str]) -> list[str]:
    """Return the names of a parameter as a list, if they are distinct and known."""
    if isinstance(names, str):
        raise TypeError(
            f"{param} must be a sequence of {kind} names, got {names!r}: use [{names!r}]."
        )
    names = list(names)
    if not names:
        raise ValueError(f"{param} must name at least one {kind} of {list(known)}, got none.")
    for name in names:
        if name not in known:
            raise ValueError(
                f"{param} has an unknown {kind} {name!r}; known are {list(known)}."
                + suggest(name, known)
            )
    if len(set(names)) < len(names):
        raise ValueError(f"{param} must name each {kind} once, got {names}.")
    return names
