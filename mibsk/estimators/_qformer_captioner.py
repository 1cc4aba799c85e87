"""Estimator of captions, and of a space that pictures and captions share."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from .._checks.groups import as_groups
from .._checks.row_names import check_row_names
from ..captioning import (
    CAPTION,
    END,
    PICTURE,
    CaptionTokenizer,
    QFormerTowers,
    read_captions,
)
from ..data import ClassPairs
from ._aligner import IBAligner
from ._captioner_file import CaptionerFileMixin, digest_of
from ._captioner_fitted import FittedCaptioner

_OF_THE_ALIGNER = (
    "n_components",
    "sufficiency",
    "minimality",
    "same_group",
    "bottleneck",
    "beta",
    "temperature",
    "max_epochs",
    "batch_size",
    "lr",
    "lr_schedule",
    "optimizer",
    "early_stopping",
    "validation_fraction",
    "n_iter_no_change",
    "callbacks",
    "checkpoint",
    "device",
    "precision",
    "verbose",
    "random_state",
)
_OF_THE_QFORMER = ("n_queries", "width", "n_layers", "n_heads", "cross_every", "dropout")
_OF_THE_LOSS = ("captioning", "matching", "label_smoothing")
_CUT = 0.01  # share of captions that may be cut without a warning


class QFormerCaptioner(CaptionerFileMixin, FittedCaptioner):
    r"""Describe pictures in words, and embed pictures and captions in a space of what they share.

    A querying transformer (Q-Former, [1]_) is trained between the features of a pretrained image
    encoder, which stays fixed, and captions. Its loss is that of :class:`IBAligner`, of the
    embeddings of pictures and captions, plus those of :class:`mibsk.captioning.QFormerTowers`:

    .. math:: L = \mathrm{InfoNCE}_\tau + \beta\, L_M + \lambda_\mathrm{LM} L_\mathrm{LM}
        + \lambda_\mathrm{ITM} L_\mathrm{ITM}

    with :math:`L_M` the regulariser of [2]_, :math:`L_\mathrm{LM}` the cross-entropy of the tokens
    of a caption given the picture, and :math:`L_\mathrm{ITM}` that of whether picture and caption
    belong together.

    Parameters
    ----------
    tower : "pretrained:PATH", object with a method `features`, or None, default=None
        Fixed image encoder, such as ``mibsk.encoders.Pretrained(path, output="tokens")``, that
        maps images to features (n, n_patches, d) or (n, d). None: the features are passed in
        place of images.
    captioning, matching : float, default=1.0, 0.0
        Weights of the losses of captions and of the match, >= 0; 0 leaves one out. Without
        `captioning`, there are no captions, only embeddings.
    label_smoothing : float, default=0.1
        Probability that is spread over all tokens, in the loss of captions.
    n_queries, width, n_layers, n_heads, cross_every, dropout
        Of :class:`mibsk.captioning.QFormer`; by default 16, 256, 4, 4, 2 and 0.1.
    max_length : int, default=32
        Largest number of tokens of a caption, begin and end included; what is longer is cut, with a
        warning if these are more than 1 % of the captions.
    n_tokens : int, default=8000
        Largest size of the vocabulary, which is learned from the captions of `fit`.
    min_count : int, default=2
        Parts of words that occur less often together are not joined.
    n_beams : int, default=3
        Number of texts that beam search keeps at a time, in `predict` and `generate`.
    length_penalty : float, default=1.0
        Exponent of the length in the score of a text, >= 0; see `mibsk.captioning.beam_search`.
    same_group : {"ignored", "positive", "apart"}, default="ignored"
        What the other captions of a picture are in the contrastive loss; see :class:`IBAligner`.
    beta : float or Schedule, default=0.1
        Weight of minimality; `mibsk.schedules.WarmUp` increases it from 0.
    lr : float, default=1e-3
        Largest learning rate.
    lr_schedule : {"cosine-by-step", "cosine"} or None, default="cosine-by-step"
        See :class:`IBAligner`. A transformer whose normalisation follows the attention diverges
        without small first steps.
    n_components, sufficiency, minimality, bottleneck, temperature, max_epochs, batch_size
        As of :class:`IBAligner`.
    optimizer, early_stopping, validation_fraction, n_iter_no_change, callbacks
        As of :class:`IBAligner`.
    checkpoint, device, precision, verbose, random_state
        As of :class:`IBAligner`.

    Attributes
    ----------
    aligner_ : IBAligner
        The trained encoders of the modalities "picture" (features) and "caption" (tokens), with
        `history_`, `loss_terms_`, `correlations_` and more.
    tokenizer_ : CaptionTokenizer
        Word pieces.
    n_components_ : int
        Dimension of the embeddings.

    Raises
    ------
    NotInstalledError
        If tokenizers is not installed.

    References
    ----------
    .. [1] Li et al., "BLIP-2: Bootstrapping Language-Image Pre-training with Frozen Image Encoders
       and Large Language Models", ICML 2023.
    .. [2] Almudévar et al. *Aligning Multimodal Representations through an Information Bottleneck*.
       ICML 2025, arXiv 2506.04870.

    Examples
    --------
    >>> import numpy as np
    >>> from mibsk import QFormerCaptioner
    >>> rng = np.random.default_rng(0)
    >>> kind = rng.integers(3, size=120)
    >>> features = rng.normal(size=(120, 4, 8))  # of 4 patches
    >>> features[np.arange(120), 0, kind] += 5
    >>> captions = [[f"a {w}", f"one {w}"] for w in np.array(["cat", "dog", "boat"])[kind]]
    >>> captioner = QFormerCaptioner(
    ...     width=64, n_queries=4, n_layers=2, max_epochs=12, batch_size=32, random_state=0
    ... )
    >>> captioner = captioner.fit(features[:90], captions[:90])
    >>> captioner.predict(features[90:]).shape
    (30,)
    >>> Z_picture, Z_caption = captioner.transform(features[90:92], ["a cat", "a dog"])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: IBAligner._parameter_constraints[name]
            for name in _OF_THE_ALIGNER
            if name not in ("same_group", "beta")
        },
        "same_group": [StrOptions({"ignored", "positive", "apart"})],
        "beta": [
            rule
            for rule in IBAligner._parameter_constraints["beta"]
            if not isinstance(rule, StrOptions)
        ],
        "tower": [str, HasMethods("features"), None],
        "captioning": [Interval(Real, 0, None, closed="left")],
        "matching": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "n_queries": [Interval(Integral, 1, None, closed="left")],
        "width": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "cross_every": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "max_length": [Interval(Integral, 3, None, closed="left")],
        "n_tokens": [Interval(Integral, 5, None, closed="left")],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "n_beams": [Interval(Integral, 1, None, closed="left")],
        "length_penalty": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        tower: Any = None,
        *,
        captioning: float = 1.0,
        matching: float = 0.0,
        label_smoothing: float = 0.1,
        n_queries: int = 16,
        width: int = 256,
        n_layers: int = 4,
        n_heads: int = 4,
        cross_every: int = 2,
        dropout: float = 0.1,
        max_length: int = 32,
        n_tokens: int = 8000,
        min_count: int = 2,
        n_beams: int = 3,
        length_penalty: float = 1.0,
        n_components: int = 64,
        sufficiency: Any = "infonce",
        minimality: Any = "gaussian",
        same_group: str = "ignored",
        bottleneck: Any = "canonical",
        beta: Any = 0.1,
        temperature: Any = "learned",
        max_epochs: int | str = "auto",
        batch_size: int = 128,
        lr: float = 1e-3,
        lr_schedule: str | None = "cosine-by-step",
        optimizer: Any = "Adam",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        callbacks: list[Any] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        device: Any = "auto",
        precision: str = "auto",
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.tower = tower
        self.captioning = captioning
        self.matching = matching
        self.label_smoothing = label_smoothing
        self.n_queries = n_queries
        self.width = width
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.cross_every = cross_every
        self.dropout = dropout
        self.max_length = max_length
        self.n_tokens = n_tokens
        self.min_count = min_count
        self.n_beams = n_beams
        self.length_penalty = length_penalty
        self.n_components = n_components
        self.sufficiency = sufficiency
        self.minimality = minimality
        self.same_group = same_group
        self.bottleneck = bottleneck
        self.beta = beta
        self.temperature = temperature
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.device = device
        self.precision = precision
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> Self:
        """Learn word pieces from captions, and train the querying transformer.

        Parameters
        ----------
        X : array-like (n, n_patches, d) or (n, d), or images with `tower`
            Features of the pictures.
        y : sequence of str, or of sequences of str (n,)
            One caption or several of each picture. An epoch has each caption once.
        groups : array-like (n,), default=None
            Groups of pictures that are not independent, such as those of one creator: wherever
            captions are held out, they are held out together. None: each picture on its own.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid. A model fitted before is kept.
        mibsk.exceptions.DivergenceError
            If the loss becomes infinite or NaN.

        Warns
        -----
        UserWarning
            If more than 1 % of the captions are cut at `max_length`.
        """
        self._validate_params()
        check_row_names({"X": X, "y": y, "groups": groups})
        features, digest = self._features(X), digest_of(self.tower)
        if len(features) < 2:
            raise ValueError(
                f"found {len(features)} picture(s), while at least 2 are needed: a contrastive "
                "loss compares each picture with others."
            )
        captions = read_captions(y, len(features))
        tokenizer = CaptionTokenizer.learn(
            captions.texts, n_tokens=self.n_tokens, min_count=self.min_count
        )
        tokens = tokenizer.encode(captions.texts, max_length=self.max_length + 1)
        is_cut = tokens[:, self.max_length :].any(1)
        if (n_cut := np.count_nonzero(is_cut)) > _CUT * len(tokens):
            warnings.warn(
                f"{n_cut} of {len(tokens)} captions have more than max_length={self.max_length} "
                "tokens and are cut: increase max_length to train on the whole of them.",
                UserWarning,
                stacklevel=2,
            )
        tokens = tokens[:, : self.max_length]
        tokens[is_cut, -1] = END
        pictures = np.arange(len(features))
        pairs = ClassPairs(
            {PICTURE: (features, pictures), CAPTION: (tokens, captions.picture)}, anchor=CAPTION
        )
        groups = as_groups(groups, len(features))
        of_pictures = pictures if groups is None else groups
        aligner = IBAligner(
            encoders=self.towers(tokenizer),
            **{name: getattr(self, name) for name in _OF_THE_ALIGNER},
        )
        aligner.fit(pairs, groups=of_pictures[captions.picture])
        self.aligner_, self.tokenizer_, self._tower_digest = aligner, tokenizer, digest
        return self

    def fit_transform(self, X: Any, y: Any, *, groups: Any = None) -> Any:
        """Train, and embed the pictures of the training."""
        return self.fit(X, y, groups=groups).transform(X)

    def towers(self, tokenizer: CaptionTokenizer) -> QFormerTowers:
        """Return the untrained encoders of pictures and captions."""
        names = (*_OF_THE_LOSS, *_OF_THE_QFORMER, "max_length")
        return QFormerTowers(tokenizer.n_tokens, **{name: getattr(self, name) for name in names})
