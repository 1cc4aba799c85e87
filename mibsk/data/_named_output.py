"""Names of rows in the output of transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin
from sklearn.utils._set_output import _get_output_config

from .._checks.row_names import row_index


def with_row_names(transformer: TransformerMixin, Z: Any, X: Any) -> Any:
    """Return the output of `transform` with the index of the input, if the output is pandas.

    scikit-learn adds the names of the columns, but the index of tables alone.

    Parameters
    ----------
    transformer : transformer
        It has the setting, made by `set_output` or `sklearn.set_config`.
    Z : ndarray (n, n_features_out)
        The output.
    X : object
        The input: of a mapping, `Modalities` and `ClassPairs` the names of the rows are known.
    """
    if _get_output_config("transform", transformer)["dense"] != "pandas":
        return Z
    index = row_index(X) if isinstance(Z, np.ndarray) else None  # not a pair, not yet a frame
    return Z if index is None or len(index) != len(Z) else pd.DataFrame(Z, index=index)
