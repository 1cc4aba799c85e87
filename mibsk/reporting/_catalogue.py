"""What a report holds: one entry per metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

GROUPS = {
    "alignment": "Alignment: do both sides arrange the same rows alike?",
    "geometry": "Geometry: where do the two sides lie?",
    "retrieval": "Retrieval: does a row find its partner on the other side?",
    "information": "Information: what do they know of each other, and of the labels?",
}
WIDE = 200_000  # rows of which no more are drawn for metrics that read each row a few times
SQUARE = 20_000  # the same for those that compare all rows with all
FEW = 2_000  # and for those that do so many times
MANY_COLUMNS = 128  # so many may take long
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
    group : str
        One of `GROUPS`.
    metric : str
        Its name in :mod:`mibsk.metrics`.
    better : {"higher", "lower"} or None
        Which way is better; None where that depends on what a factor is for.
    meaning : str
        One short sentence.
    source : str
        Where it was published.
    of : {"pair", "both ways", "each side", "shared", "nuisance", "other"}
        What it is a number of; the last three: of each side and factor of that kind.
    params : mapping
        Arguments of the metric.
    takes_k : bool
        Whether it takes the number of neighbours.
    span : pair of float, "k", "log n" or "rank", optional
        The range that a bar shows.
    directions : bool
        Whether only the direction of a row counts, if similarity is the cosine.
    one_space : bool
        Whether both sides need the same columns.
    retrieves : bool
        Whether it takes classes of relevant rows; with "classes only" it takes nothing else.
    max_rows : int
        How many rows are used where more are given.
    resample_rows, n_resamples : int
        Size and number of the resamples for an interval.
    squares_columns : bool
        Whether the cost grows with the square of the columns, so that wide sides get no more than
        `FEW_RESAMPLES`.
    tested : bool
        Whether a permutation test says if it could be chance, on at most `test_rows` rows.
    """

    key: str
    title: str
    group: str
    metric: str
    better: Literal["higher", "lower"] | None
    meaning: str
    source: str
    of: Literal["pair", "both ways", "each side", "shared", "nuisance", "other"] = "pair"
    params: Mapping[str, Any] = field(default_factory=dict)
    takes_k: bool = False
    span: tuple[float, float] | Literal["k", "log n", "rank"] | None = (0.0, 1.0)
    directions: bool = False
    one_space: bool = False
    retrieves: Literal["partners", "classes only"] | None = None
    max_rows: int = WIDE
    resample_rows: int = 2048
    n_resamples: int = 400
    squares_columns: bool = False
    tested: bool = False
    test_rows: int = 2000


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
        group="alignment",
        metric="cka",
        params={"unbiased": True},
        better="higher",
        meaning="How alike the similarities between rows are; 0 is chance, 1 the same geometry.",
        source=f"{_CKA}; {_SONG}",
        span=(-0.2, 1.0),
        tested=True,
        squares_columns=True,
    ),
    Entry(
        key="cka",
        title="CKA, linear, biased",
        group="alignment",
        metric="cka",
        better="higher",
        meaning="The same as usually published; it grows with the columns even for chance.",
        source=_CKA,
        tested=True,
        squares_columns=True,
    ),
    Entry(
        key="cka_rbf",
        title="CKA, RBF kernel, unbiased",
        group="alignment",
        metric="cka",
        params={"kernel": "rbf", "unbiased": True},
        directions=True,
        better="higher",
        meaning="The same with a Gaussian kernel of width 1, for which only near rows are alike.",
        source=f"{_CKA}; {_SONG}",
        span=(-0.2, 1.0),
        max_rows=FEW,
        resample_rows=512,
        n_resamples=100,
        tested=True,
        test_rows=500,
    ),
    Entry(
        key="mutual_knn",
        title="Mutual k-NN",
        group="alignment",
        metric="mutual_knn",
        takes_k=True,
        directions=True,
        better="higher",
        meaning="Share of a row's k nearest neighbours that are the same on both sides.",
        source=_PLATONIC,
        max_rows=SQUARE,
        tested=True,
    ),
    Entry(
        key="cycle_knn",
        title="Cycle k-NN",
        group="alignment",
        metric="cycle_knn",
        takes_k=True,
        directions=True,
        better="higher",
        meaning="Share of rows that come back to themselves over neighbours of either side.",
        source=_PLATONIC,
        max_rows=SQUARE,
        tested=True,
    ),
    Entry(
        key="lcs_knn",
        title="LCS k-NN",
        group="alignment",
        metric="lcs_knn",
        takes_k=True,
        directions=True,
        better="higher",
        meaning="How many neighbours are the same and in the same order on both sides, of k.",
        source=_PLATONIC,
        span="k",
        max_rows=SQUARE,
        tested=True,
    ),
    Entry(
        key="edit_distance_knn",
        title="Edit-distance k-NN",
        group="alignment",
        metric="edit_distance_knn",
        takes_k=True,
        directions=True,
        better="higher",
        meaning="How few edits turn one side's list of neighbours into the other's; 1 is none.",
        source=_PLATONIC,
        max_rows=SQUARE,
        tested=True,
    ),
    Entry(
        key="cknna",
        title="CKNNA",
        group="alignment",
        metric="cknna",
        takes_k=True,
        directions=True,
        better="higher",
        meaning="CKA among the neighbours that both sides have in common.",
        source=_PLATONIC,
        span=(-0.2, 1.0),
        max_rows=SQUARE,
        resample_rows=1024,
        n_resamples=100,
        tested=True,
        test_rows=500,
    ),
    Entry(
        key="svcca",
        title="SVCCA",
        group="alignment",
        metric="svcca",
        better="higher",
        meaning="Mean canonical correlation of the ten principal components of each side.",
        source='Raghu et al., "SVCCA: Singular Vector Canonical Correlation Analysis for Deep '
        'Learning Dynamics and Interpretability", NeurIPS 2017',
        n_resamples=200,
        tested=True,
        squares_columns=True,
    ),
    Entry(
        key="pwcca",
        title="PWCCA",
        group="alignment",
        metric="pwcca",
        better="higher",
        meaning="Mean canonical correlation; each counts by what the first side has of it.",
        source='Morcos et al., "Insights on Representational Similarity in Neural Networks with '
        'Canonical Correlation", NeurIPS 2018',
        n_resamples=200,
        tested=True,
        squares_columns=True,
    ),
    Entry(
        key="procrustes",
        title="Procrustes",
        group="alignment",
        metric="procrustes",
        better="higher",
        meaning="How well the best rotation of one side fits the other.",
        source='Williams et al., "Generalized Shape Metrics on Neural Representations", '
        "NeurIPS 2021",
        n_resamples=200,
        tested=True,
        squares_columns=True,
    ),
    Entry(
        key="consistency",
        title="Linear fit, R²",
        group="alignment",
        metric="consistency",
        better="higher",
        meaning="Share of one side's variance that a linear map of the other gives, both ways.",
        source='Schneider, Lee and Mathis, "Learnable Latent Embeddings for Joint Behavioural and '
        'Neural Analysis", Nature 617, 2023',
        n_resamples=200,
        tested=True,
        squares_columns=True,
    ),
    Entry(
        key="modality_gap",
        title="Modality gap",
        group="geometry",
        metric="modality_gap",
        directions=True,
        one_space=True,
        better="lower",
        meaning="Distance between the centres of the two clouds.",
        source='Liang et al., "Mind the Gap: Understanding the Modality Gap in Multi-modal '
        'Contrastive Representation Learning", NeurIPS 2022',
        span=(0.0, 2.0),
    ),
    Entry(
        key="relative_modality_gap",
        title="Relative modality gap",
        group="geometry",
        metric="relative_modality_gap",
        directions=True,
        one_space=True,
        better="lower",
        meaning="Distance of partners as a share of that and the distances within each side.",
        source='Schrodi et al., "Two Effects, One Trigger: On the Modality Gap, Object Bias, and '
        'Information Imbalance in Contrastive Vision-Language Models", ICLR 2025',
    ),
    Entry(
        key="alignment",
        title="Distance of partners",
        group="geometry",
        metric="alignment",
        directions=True,
        one_space=True,
        better="lower",
        meaning="Mean squared distance of a row and its partner.",
        source=_SPHERE,
        span=(0.0, 2.0),
    ),
    Entry(
        key="uniformity",
        title="Uniformity",
        group="geometry",
        metric="uniformity",
        of="each side",
        directions=True,
        better="lower",
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
            group="retrieval",
            metric="recall_at_k",
            params={"k": k},
            of="both ways",
            directions=True,
            one_space=True,
            retrieves="partners",
            better="higher",
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
        group="retrieval",
        metric="median_rank",
        of="both ways",
        directions=True,
        one_space=True,
        retrieves="partners",
        better="lower",
        meaning="Half of the queries find what they look for at this place or before; 1 is best.",
        source=_RETRIEVAL,
        span="rank",
        max_rows=SQUARE,
    ),
    Entry(
        key="mean_reciprocal_rank",
        title="Mean reciprocal rank",
        group="retrieval",
        metric="mean_reciprocal_rank",
        of="both ways",
        directions=True,
        one_space=True,
        retrieves="partners",
        better="higher",
        meaning="Mean of 1 over the place of the first hit; with one partner the same as mAP.",
        source='Voorhees, "The TREC-8 Question Answering Track Report", TREC 1999',
        max_rows=SQUARE,
    ),
    Entry(
        key="mean_average_precision",
        title="Mean average precision",
        group="retrieval",
        metric="mean_average_precision",
        of="both ways",
        directions=True,
        one_space=True,
        retrieves="classes only",
        better="higher",
        meaning="How early all rows of the query's class come, not only the first.",
        source=_RETRIEVAL,
        max_rows=SQUARE,
    ),
    Entry(
        key="mutual_information",
        title="Mutual information, InfoNCE",
        group="information",
        metric="mutual_information",
        directions=True,
        one_space=True,
        better="higher",
        meaning="Nats that the sides are sure to share; no more than the logarithm of the rows.",
        source='van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive '
        'Coding", arXiv 1807.03748, 2018',
        span="log n",
        max_rows=SQUARE,
    ),
    Entry(
        key="gaussian_mutual_information",
        title="Mutual information, Gaussian",
        group="information",
        metric="gaussian_mutual_information",
        better="higher",
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
        group="information",
        metric="kept",
        of="shared",
        better="higher",
        meaning="Share of a shared factor that a probe reads: of its entropy, or of its variance.",
        source=_PROBE,
        max_rows=SQUARE,
    ),
    Entry(
        key="leakage",
        title="Leaked",
        group="information",
        metric="leakage",
        of="nuisance",
        better="lower",
        meaning="Share of a nuisance that a probe reads: of its entropy, or of its variance.",
        source=_PROBE,
        max_rows=SQUARE,
    ),
    Entry(
        key="read",
        title="Read",
        group="information",
        metric="kept",
        of="other",
        better=None,
        meaning="Share of a factor that a probe reads: of its entropy, or of its variance.",
        source=_PROBE,
        max_rows=SQUARE,
    ),
)
