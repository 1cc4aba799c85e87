"""Exceptions and warnings of mibsk."""


class NotInstalledError(ImportError):
    """An optional dependency is missing; the message names the command that installs it."""


class DependencyConflictError(RuntimeError):
    """Two installed packages are incompatible; the message names the one to remove."""


class ParityError(RuntimeError):
    """An exported encoder does not reproduce the encoder it was exported from."""


class DivergenceError(FloatingPointError):
    """Training produced a loss that is not finite; the message names the epoch and remedies."""


class EmbeddingError(ValueError):
    """An encoder returned NaN for a finite row; the message names it and the size of its values."""


class IndexReplacedError(RuntimeError):
    """An open index was replaced by one of another model; the message names it."""


class TornFileError(ValueError):
    """A file is incomplete or damaged; the message names it."""


class VersionWarning(UserWarning):
    """A model or checkpoint was written by another version of mibsk."""


class NothingSharedWarning(UserWarning):
    """No direction that modalities share was found; the message gives the largest correlation."""


class DuplicateRowsWarning(UserWarning):
    """Rows of a modality occur more than once; the message gives their number and effect."""


class LargeGroupsWarning(UserWarning):
    """Pairs of one group are no negatives, but groups are so large that most may be different."""


class FewHeldOutWarning(UserWarning):
    """A budget of sufficiency is measured on so few held-out pairs that one is more than it."""


class RowNamesWarning(UserWarning):
    """Rows that are paired by position have different names; the message gives the first ones."""


class FeatureCacheWarning(UserWarning):
    """Features of a frozen tower are not cached, or were damaged; the message gives the reason."""
