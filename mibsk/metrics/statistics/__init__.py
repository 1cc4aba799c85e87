"""How sure a metric is: bootstrap intervals, comparisons of models and permutation tests."""

from ._comparison import Comparison, compare, paired_difference
from ._interval import CI, Bootstrap, Estimate, as_bootstrap, check_groups
from ._permutation import (
    PermutationTest,
    Reordered,
    fast_permutations,
    permutation_test,
    ranked_in_null,
    state_maximum,
)
from ._resampling import (
    UNBOUNDED,
    Bounds,
    Values,
    draw_parts,
    draw_sums,
    estimate_of_draws,
    estimate_of_parts,
    over_draws,
    over_parts,
    over_rows,
    over_sums,
    over_values,
    ratio_of_sums,
    share_drawn,
    size_of_replicate,
)
from ._threads import in_threads, one_blas_thread
from ._with_interval import Sampled, SampledFactors, with_interval

__all__ = [
    "CI",
    "UNBOUNDED",
    "Bootstrap",
    "Bounds",
    "Comparison",
    "Estimate",
    "PermutationTest",
    "Reordered",
    "Sampled",
    "SampledFactors",
    "Values",
    "as_bootstrap",
    "check_groups",
    "compare",
    "draw_parts",
    "draw_sums",
    "estimate_of_draws",
    "estimate_of_parts",
    "fast_permutations",
    "in_threads",
    "one_blas_thread",
    "over_draws",
    "over_parts",
    "over_rows",
    "over_sums",
    "over_values",
    "paired_difference",
    "permutation_test",
    "ranked_in_null",
    "ratio_of_sums",
    "share_drawn",
    "size_of_replicate",
    "state_maximum",
    "with_interval",
]
