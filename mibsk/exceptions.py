"""What went wrong, told apart: a user's mistake, a missing package, or a broken promise of ours."""


class NotInstalledError(ImportError):
    """An optional dependency is missing; the message names the command that installs it."""


class DependencyConflictError(RuntimeError):
    """Two installed packages exclude each other; the message says which one to remove."""


class ParityError(RuntimeError):
    """An exported encoder does not reproduce the encoder it was exported from."""


class DivergenceError(FloatingPointError):
    """Training produced a loss that is not finite; the message names the epoch and what to try."""
