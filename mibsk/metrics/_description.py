"""What reports, scorers and tests need to know of a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .statistics import state_maximum

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
    """A metric with some of its arguments fixed."""

    metric: Callable[..., Any]
    name: str  # the key in JSON; that of its scorer, which has "neg_" before it if lower is better
    title: str  # the name in reports
    group: Literal["alignment", "geometry", "retrieval", "information"]
    better: Literal["higher", "lower"] | None  # None: depends on what a factor is for
    meaning: str  # one short sentence
    source: str  # where it was published
    # What one number is computed from: a pair of modalities, a pair in each direction, or one
    # modality; or, for the last three, one modality and one factor of that kind.
    of: Literal["pair", "both ways", "each side", "shared", "nuisance", "other"] = "pair"
    arguments: Mapping[str, Any] = field(default_factory=dict)  # the fixed ones
    takes_k: bool = False  # whether `k` is left to the caller
    span: tuple[float, float] | Literal["k", "log n", "rank"] | None = (0.0, 1.0)  # of a bar
    directions: bool = False  # whether rows are scaled to unit norm if similarity is the cosine
    one_space: bool = False  # whether both modalities need the same columns
    needs_classes: bool = False  # whether it is reported only if classes say what is relevant
    scored: bool = True  # whether there is a scorer
    # The expected value by chance: of retrieval from the rows of the gallery and the number of
    # relevant ones of each query; of a pair from the rows and the columns of both.
    by_chance: Callable[..., float] | None = None
    # The cost of a line in a report: rows that are used, and in each resample; number of resamples;
    # whether time grows with the square of the number of columns; rows of the permutation test.
    max_rows: int = WIDE
    resample_rows: int = 2048
    n_resamples: int = 400
    squares_columns: bool = False
    test_rows: int = 2000

    def __post_init__(self) -> None:
        """State the maximum of similarities, which permutation tests calibrate."""
        top = self.span[1] if isinstance(self.span, tuple) else None
        if top == 1 and self.better == "higher" and self.of in ("pair", "both ways"):
            state_maximum(self.metric, 1.0)
