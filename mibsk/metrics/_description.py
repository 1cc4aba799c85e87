"""What reports, scorers and tests need to know of a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

WIDE = 200_000  # rows of a sample for metrics that read each row a few times
SQUARE = 20_000  # for metrics that compare all rows with all rows
FEW = 2_000  # for metrics that do so many times

PLATONIC = 'Huh et al., "The Platonic Representation Hypothesis", ICML 2024'
SPHERE = (
    'Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and '
    'Uniformity on the Hypersphere", ICML 2020'
)
RETRIEVAL = 'Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, ch. 8'


@dataclass(frozen=True)
class Description:
    """A metric with some of its arguments fixed.

    Attributes
    ----------
    metric : callable
        The function.
    name : str
        The key of its lines in JSON; its scorer is ``name``, or ``"neg_" + name`` if lower is
        better.
    title : str
        Its name in reports.
    group : {"alignment", "geometry", "retrieval", "information"}
        The section of the report.
    better : {"higher", "lower"} or None
        None if that depends on what a factor is for.
    meaning : str
        One short sentence.
    source : str
        Where it was published.
    of : {"pair", "both ways", "each side", "shared", "nuisance", "other"}
        What one number is computed from: a pair of modalities, a pair in each direction, one
        modality; or, for the last three, one modality and a factor of that kind.
    arguments : mapping
        The fixed arguments.
    takes_k : bool
        Whether `k` is left to the caller.
    span : pair of float, "k", "log n", "rank" or None
        The range that a bar in a report shows.
    directions : bool
        Whether rows are scaled to unit norm if similarity is the cosine.
    one_space : bool
        Whether both modalities need the same columns.
    needs_classes : bool
        Whether it is reported only if classes say which rows are relevant.
    scored : bool
        Whether there is a scorer.
    max_rows : int
        Number of rows of the sample that a report uses.
    resample_rows, n_resamples : int
        Size and number of the resamples for an interval in a report.
    squares_columns : bool
        Whether the cost grows with the square of the number of columns.
    test_rows : int
        Number of rows of the permutation test in a report.
    """

    metric: Callable[..., Any]
    name: str
    title: str
    group: Literal["alignment", "geometry", "retrieval", "information"]
    better: Literal["higher", "lower"] | None
    meaning: str
    source: str
    of: Literal["pair", "both ways", "each side", "shared", "nuisance", "other"] = "pair"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    takes_k: bool = False
    span: tuple[float, float] | Literal["k", "log n", "rank"] | None = (0.0, 1.0)
    directions: bool = False
    one_space: bool = False
    needs_classes: bool = False
    scored: bool = True
    max_rows: int = WIDE
    resample_rows: int = 2048
    n_resamples: int = 400
    squares_columns: bool = False
    test_rows: int = 2000
