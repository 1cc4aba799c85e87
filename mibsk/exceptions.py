"""What went wrong, told apart: a user's mistake, a missing package, or a broken promise of ours."""


class NotInstalledError(ImportError):
    """An optional dependency is missing; the message names the command that installs it."""


class DependencyConflictError(RuntimeError):
    """Two installed packages exclude each other; the message says which one to remove."""


class ParityError(RuntimeError):
    """An exported encoder does not reproduce the encoder it was exported from."""


class DivergenceError(FloatingPointError):
    """Training produced a loss that is not finite; the message names the epoch and what to try."""


class TornFileError(ValueError):
    """A file is incomplete or damaged; the message names it."""


class VersionWarning(UserWarning):
    """A model or checkpoint is of another version of mibsk; the message names both."""


class DuplicateRowsWarning(UserWarning):
    """Rows of a modality occur more than once; the message says how many and what that means."""
