"""Names of files that need not be valid Unicode."""


def printable(name: str) -> str:
    r"""Return a name with escapes for bytes that are not text, for which fonts and pages have none.

    Examples
    --------
    >>> print(printable("gr\udcf6sse.npy"))
    gr\udcf6sse.npy
    """
    return name.encode(errors="backslashreplace").decode()
