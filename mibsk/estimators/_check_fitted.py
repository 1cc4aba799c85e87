"""Check that an estimator is fitted."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted


def check_fitted(estimator: Any) -> None:
    """Raise ``NotFittedError`` unless an estimator of this package is fitted.

    As `sklearn.utils.validation.check_is_fitted`, which first collects the tags of the estimator
    and of those that it contains; that takes longer than embedding a row.
    """
    if not estimator.__sklearn_is_fitted__():
        check_is_fitted(estimator)
