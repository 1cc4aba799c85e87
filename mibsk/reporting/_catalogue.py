"""Metrics of a report, one entry per metric."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..metrics import METRICS, Metric

GROUPS = {
    "alignment": "Alignment: do both sides arrange the same rows alike?",
    "geometry": "Geometry: where do the two sides lie?",
    "retrieval": "Retrieval: does a row find its partner on the other side?",
    "information": "Information: what do they know of each other, and of the labels?",
}
WIDE = 200_000  # maximal rows of metrics that read each row a few times
SQUARE = 20_000  # maximal rows of metrics that compare all rows with all
FEW = 2_000  # maximal rows of metrics that do so many times
MANY_COLUMNS = 128  # from here on, resampling may take long
FEW_RESAMPLES = 100


@dataclass(frozen=True)
class Entry:
    """One metric of the report.

    Attributes
    ----------
    key : str
        Its name in JSON.
    title : str
        Its name for people.
    metric : str
        Its name in :data:`mibsk.metrics.METRICS`.
    meaning : str
        One short sentence.
    source : str
        Publication.
    role : {"shared", "nuisance", "other"} or None
        For a metric of factors, the role of the factors it is applied to.
    params : mapping
        Arguments of the metric.
    span : pair of float, "k", "log n", "rank" or None
        The range that a bar shows.
    directions : bool
        Whether only the direction of a row counts, if similarity is the cosine.
    retrieves : {"partners", "classes only"} or None
        Whether it takes classes of relevant rows; with "classes only" it takes nothing else.
    max_rows : int
        Maximal number of rows; more are sampled.
    resample_rows, n_resamples : int
        Size and number of the resamples for an interval.
    squares_columns : bool
        Whether the cost grows with the square of the columns, so that wide sides get no more than
        `FEW_RESAMPLES`.
    test_rows : int
        Maximal number of rows in the permutation test, if there is one.
    """

    key: str
    title: str
    metric: str
    meaning: str
    source: str
    role: Literal["shared", "nuisance", "other"] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    span: tuple[float, float] | Literal["k", "log n", "rank"] | None = (0.0, 1.0)
    directions: bool = False
    retrieves: Literal["partners", "classes only"] | None = None
    max_rows: int = WIDE
    resample_rows: int = 2048
    n_resamples: int = 400
    squares_columns: bool = False
    test_rows: int = 2000

    @property
    def described(self) -> Metric:
        """The metric's own description."""
        return METRICS[self.metric]

    @property
    def better(self) -> Literal["higher", "lower"] | None:
        """Which values are better; None where that depends on the use of a factor."""
        return None if self.role == "other" else self.described.better

    @property
    def takes_k(self) -> bool:
        """Whether the number of neighbours is passed to the metric."""
        takes = inspect.signature(self.described.function).parameters
        return "k" in takes and "k" not in self.params

    @property
    def tested(self) -> bool:
        """Whether a permutation test compares the value with chance."""
        return self.described.kind == "alignment"


_PLATONIC = 'Huh et al., "The Platonic Representation Hypothesis", ICML 2024'
_CKA = 'Kornblith et al., "Similarity of Neural Network Representations Revisited", ICML 2019'
_SONG = 'Song et al., "Feature Selection via Dependence Maximization", JMLR 13, 2012'
_SPHERE = (
    'Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and '
    'Uniformity on the Hypersphere", ICML 2020'
)
_RETRIEVAL = 'Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, ch. 8'
_PROBE = 'Pimentel et al., "Information-Theoretic Probing for Linguistic Structure", ACL 2020'

CATALOGUE = (
    Entry(
        key="cka_unbiased",
        title="CKA, linear, unbiased",
        metric="cka",
        params={"unbiased": True},
        meaning="How alike the similarities between rows are; 0 is chance, 1 the same geometry.",
        source=f"{_CKA}; {_SONG}",
        span=(-0.2, 1.0),
        squares_columns=True,
    ),
    Entry(
        key="cka",
        title="CKA, linear, biased",
        metric="cka",
        meaning="The same as usually published; it grows with the columns even for chance.",
        source=_CKA,
        squares_columns=True,
    ),
    Entry(
        key="cka_rbf",
        title="CKA, RBF kernel, unbiased",
        metric="cka",
        params={"kernel": "rbf", "unbiased": True},
        directions=True,
        meaning="The same with a Gaussian kernel of width 1, for which only near rows are alike.",
        source=f"{_CKA}; {_SONG}",
        span=(-0.2, 1.0),
        max_rows=FEW,
        resample_rows=512,
        n_resamples=100,
        test_rows=500,
    ),
    Entry(
        key="mutual_knn",
        title="Mutual k-NN",
        metric="mutual_knn",
        directions=True,
        meaning="Share of a row's k nearest neighbours that are the same on both sides.",
        source=_PLATONIC,
        max_rows=SQUARE,
    ),
    Entry(
        key="cycle_knn",
        title="Cycle k-NN",
        metric="cycle_knn",
        directions=True,
        meaning="Share of rows that come back to themselves over neighbours of either side.",
        source=_PLATONIC,
        max_rows=SQUARE,
    ),
    Entry(
        key="lcs_knn",
        title="LCS k-NN",
        metric="lcs_knn",
        directions=True,
        meaning="How many neighbours are the same and in the same order on both sides, of k.",
        source=_PLATONIC,
        span="k",
        max_rows=SQUARE,
    ),
    Entry(
        key="edit_distance_knn",
        title="Edit-distance k-NN",
        metric="edit_distance_knn",
        directions=True,
        meaning="How few edits turn one side's list of neighbours into the other's; 1 is none.",
        source=_PLATONIC,
        max_rows=SQUARE,
    ),
    Entry(
        key="cknna",
        title="CKNNA",
        metric="cknna",
        directions=True,
        meaning="CKA among the neighbours that both sides have in common.",
        source=_PLATONIC,
        span=(-0.2, 1.0),
        max_rows=SQUARE,
        resample_rows=1024,
        n_resamples=100,
        test_rows=500,
    ),
    Entry(
        key="svcca",
        title="SVCCA",
        metric="svcca",
        meaning="Mean canonical correlation of the ten principal components of each side.",
        source='Raghu et al., "SVCCA: Singular Vector Canonical Correlation Analysis for Deep '
        'Learning Dynamics and Interpretability", NeurIPS 2017',
        n_resamples=200,
        squares_columns=True,
    ),
    Entry(
        key="pwcca",
        title="PWCCA",
        metric="pwcca",
        meaning="Mean canonical correlation; each counts by what the first side has of it.",
        source='Morcos et al., "Insights on Representational Similarity in Neural Networks with '
        'Canonical Correlation", NeurIPS 2018',
        n_resamples=200,
        squares_columns=True,
    ),
    Entry(
        key="procrustes",
        title="Procrustes",
        metric="procrustes",
        meaning="How well the best rotation of one side fits the other.",
        source='Williams et al., "Generalized Shape Metrics on Neural Representations", '
        "NeurIPS 2021",
        n_resamples=200,
        squares_columns=True,
    ),
    Entry(
        key="consistency",
        title="Linear fit, R²",
        metric="consistency",
        meaning="Share of one side's variance that a linear map of the other gives, both ways.",
        source='Schneider, Lee and Mathis, "Learnable Latent Embeddings for Joint Behavioural and '
        'Neural Analysis", Nature 617, 2023',
        n_resamples=200,
        squares_columns=True,
    ),
    Entry(
        key="modality_gap",
        title="Modality gap",
        metric="modality_gap",
        directions=True,
        meaning="Distance between the centres of the two clouds.",
        source='Liang et al., "Mind the Gap: Understanding the Modality Gap in Multi-modal '
        'Contrastive Representation Learning", NeurIPS 2022',
        span=(0.0, 2.0),
    ),
    Entry(
        key="relative_modality_gap",
        title="Relative modality gap",
        metric="relative_modality_gap",
        directions=True,
        meaning="Distance of partners as a share of that and the distances within each side.",
        source='Schrodi et al., "Two Effects, One Trigger: On the Modality Gap, Object Bias, and '
        'Information Imbalance in Contrastive Vision-Language Models", ICLR 2025',
    ),
    Entry(
        key="alignment",
        title="Distance of partners",
        metric="alignment",
        directions=True,
        meaning="Mean squared distance of a row and its partner.",
        source=_SPHERE,
        span=(0.0, 2.0),
    ),
    Entry(
        key="uniformity",
        title="Uniformity",
        metric="uniformity",
        directions=True,
        meaning="How evenly the rows fill the sphere; 0 is one point, about −4 as even as can be.",
        source=_SPHERE,
        span=(-4.0, 0.0),
        max_rows=SQUARE,
        resample_rows=1024,
        n_resamples=200,
    ),
    *(
        Entry(
            key=f"recall_at_{k}",
            title=f"Recall@{k}",
            metric="recall_at_k",
            params={"k": k},
            directions=True,
            retrieves="partners",
            meaning=meaning,
            source=_RETRIEVAL,
            max_rows=SQUARE,
        )
        for k, meaning in (
            (1, "Share of queries whose nearest row is what they look for."),
            (5, "The same among the five nearest."),
            (10, "The same among the ten nearest."),
        )
    ),
    Entry(
        key="median_rank",
        title="Median rank",
        metric="median_rank",
        directions=True,
        retrieves="partners",
        meaning="Half of the queries find what they look for at this place or before; 1 is best.",
        source=_RETRIEVAL,
        span="rank",
        max_rows=SQUARE,
    ),
    Entry(
        key="mean_reciprocal_rank",
        title="Mean reciprocal rank",
        metric="mean_reciprocal_rank",
        directions=True,
        retrieves="partners",
        meaning="Mean of 1 over the place of the first hit; with one partner the same as mAP.",
        source='Voorhees, "The TREC-8 Question Answering Track Report", TREC 1999',
        max_rows=SQUARE,
    ),
    Entry(
        key="mean_average_precision",
        title="Mean average precision",
        metric="mean_average_precision",
        directions=True,
        retrieves="classes only",
        meaning="How early all rows of the query's class come, not only the first.",
        source=_RETRIEVAL,
        max_rows=SQUARE,
    ),
    Entry(
        key="mutual_information",
        title="Mutual information, InfoNCE",
        metric="mutual_information",
        directions=True,
        meaning="Nats that the sides are sure to share; no more than the logarithm of the rows.",
        source='van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive '
        'Coding", arXiv 1807.03748, 2018',
        span="log n",
        max_rows=SQUARE,
    ),
    Entry(
        key="gaussian_mutual_information",
        title="Mutual information, Gaussian",
        metric="gaussian_mutual_information",
        meaning="Nats that the sides would share if both were Gaussian; too much for few rows.",
        source='Gelfand and Yaglom, "Calculation of the Amount of Information about a Random '
        'Function Contained in Another Such Function", 1959',
        span=None,
        n_resamples=200,
        squares_columns=True,
    ),
    Entry(
        key="kept",
        title="Kept",
        metric="kept",
        role="shared",
        meaning="Share of a shared factor that a probe reads: of its entropy, or of its variance.",
        source=_PROBE,
        max_rows=SQUARE,
    ),
    Entry(
        key="leakage",
        title="Leaked",
        metric="leakage",
        role="nuisance",
        meaning="Share of a nuisance that a probe reads: of its entropy, or of its variance.",
        source=_PROBE,
        max_rows=SQUARE,
    ),
    Entry(
        key="read",
        title="Read",
        metric="kept",
        role="other",
        meaning="Share of a factor that a probe reads: of its entropy, or of its variance.",
        source=_PROBE,
        max_rows=SQUARE,
    ),
)
