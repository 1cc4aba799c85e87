"""The error of metrics that are undefined for their data."""

from collections.abc import Mapping


class UndefinedMetricError(ValueError):
    """A metric is undefined for its arguments.

    Parameters
    ----------
    template : str
        The message, with the names of arguments in braces, such as ``"all rows of {X} are equal"``.
    """

    def __init__(self, template: str) -> None:
        super().__init__(template.format_map(_Names()))
        self.template = template

    def named(self, names: Mapping[str, str]) -> str:
        """Return the message with other names for the arguments."""
        return self.template.format_map(_Names(names))


class _Names(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name
