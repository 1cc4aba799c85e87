"""The estimator: encoders of paired data, aligned through an information bottleneck."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from torch.utils.data import Dataset

from .._validation import suggest
from ..data import ClassPairs
from ..data._forms import MappingForm, check_table, is_table
from ..data._source import dataset_columns
from ..losses import MINIMALITY, SUFFICIENCY
from ..metrics import recall_at_k
from ._alignment_module import AlignmentModule
from ._devices import resolve_device, seeded
from ._encoder_params import EncoderParamsMixin
from ._inference import chunks, embed_rows
from ._modality_encoder import ModalityEncoder
from ._training import go_on, new_net
from ._training_data import read_training_data, split_validation


class IBAligner(TransformerMixin, EncoderParamsMixin):
    r"""Embed paired modalities in one space that holds what they share.

    One encoder per modality is trained on a contrastive loss, which keeps shared information, plus
    `beta` times an upper bound of the information that only one modality has [1]_:

    .. math:: L = \mathrm{InfoNCE}_\tau(Z_\alpha, Z_\beta)
        + \beta\, E\big[\mathrm{KL}(p(z|x_\alpha)\,\|\,p(z|x_\beta))\big]

    Parameters
    ----------
    modalities : mapping of str to columns, default=None
        Cuts one table into modalities: names, positions, a slice, a mask or a callable, as in
        `sklearn.compose.ColumnTransformer`. None when data come as a mapping or as two tables.
    encoders : str, nn.Module, factory or mapping of those, default="auto"
        One specification for all modalities, or one per name (those left out are "auto"). A
        specification is a name (`mibsk.encoders.encoder_names()`), a `torch.nn.Module`, or a
        factory ``(input_shape, n_outputs) -> nn.Module`` such as ``MLP(hidden=(512, 256))``.
        "auto" chooses from shape and type.
    n_components : int, default=64
        Dimension of the shared space.
    sufficiency : {"infonce", "infonce-oneway"}, default="infonce"
        The term that keeps shared information.
    minimality : {"gaussian", "variational"}, default="gaussian"
        The term that removes modality-specific information.
    beta : float, default=0.1
        Weight of minimality, >= 0; 0 is the contrastive loss alone.
    temperature : "learned" or float, default="learned"
        Of the contrastive loss; learned from 0.07 on (its logarithm, at ten times `lr`), or fixed.
    fusion : "concat", "mean" or the name of a modality, default="concat"
        What `transform` returns for several modalities; the two words go before a name.
    max_epochs : int, default=20
        Epochs to train for.
    batch_size : int, default=128
        Largest number of pairs in a batch; -1 for all.
    lr : float, default=1e-3
        Learning rate.
    optimizer : str or callable, default="Adam"
        Name of a class in `torch.optim`, or a callable ``(params, lr=...) -> Optimizer``.
    early_stopping : bool, default=False
        Stop when the loss on held-out pairs no longer falls, and keep the best epoch.
    validation_fraction : float, default=0.1
        Fraction of the pairs held out, with `early_stopping`.
    n_iter_no_change : int, default=10
        Epochs to wait for a better one, with `early_stopping`.
    callbacks : list of skorch callbacks, default=None
        Called while training.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last one.
    device : str or torch.device, default="auto"
        "auto" is the GPU where there is one.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        In which encoders train: "auto" is bfloat16 on a GPU that has it, else float32. The loss and
        `transform` are always float32.
    compile : bool, default=False
        Whether to compile the encoders with `torch.compile`.
    verbose : int, default=0
        1 prints a line per epoch.
    random_state : int, RandomState instance or None, default=None
        The same integer gives the same model, bit for bit, on the same machine.

    Attributes
    ----------
    modality_names_ : list of str
        In the order of `fit`; "x" and "y" for two tables.
    inputs_ : dict of str to InputSpec
        What each modality looks like.
    net_ : skorch.NeuralNet
        The trained net; `net_.module_` holds encoders and objective.
    history_ : list of dict
        Per epoch: loss and its parts, temperature, time.
    temperature_ : float
        At the end of training.
    n_iter_ : int
        Epochs trained.
    n_features_in_ : int
        Columns of the table; for tables alone.
    feature_names_in_ : ndarray of str
        Names of the columns, where all are strings.

    References
    ----------
    .. [1] Almudévar et al. *Aligning Multimodal Representations through an Information Bottleneck*.
       ICML 2025, arXiv 2506.04870.

    Examples
    --------
    >>> from mibsk import IBAligner
    >>> from mibsk.datasets import load_digits_halves
    >>> halves = load_digits_halves().data
    >>> aligner = IBAligner(beta=1.0, max_epochs=5, random_state=0).fit(halves)
    >>> aligner.transform(halves).shape
    (1797, 128)
    >>> sorted(aligner.embed({"left": halves["left"]}))
    ['left']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "modalities": [Mapping, None],
        "encoders": [str, torch.nn.Module, callable, Mapping],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "sufficiency": [StrOptions(set(SUFFICIENCY))],
        "minimality": [StrOptions(set(MINIMALITY))],
        "beta": [Interval(Real, 0, np.inf, closed="left")],
        "temperature": [StrOptions({"learned"}), Interval(Real, 0, np.inf, closed="neither")],
        "fusion": [str],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left"), Options(Integral, {-1})],
        "lr": [Interval(Real, 0, np.inf, closed="neither")],
        "optimizer": [str, callable],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "compile": ["boolean"],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        modalities: Mapping[str, Any] | None = None,
        *,
        encoders: Any = "auto",
        n_components: int = 64,
        sufficiency: str = "infonce",
        minimality: str = "gaussian",
        beta: float = 0.1,
        temperature: float | str = "learned",
        fusion: str = "concat",
        max_epochs: int = 20,
        batch_size: int = 128,
        lr: float = 1e-3,
        optimizer: Any = "Adam",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        callbacks: list[Any] | None = None,
        warm_start: bool = False,
        device: Any = "auto",
        precision: str = "auto",
        compile: bool = False,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.modalities = modalities
        self.encoders = encoders
        self.n_components = n_components
        self.sufficiency = sufficiency
        self.minimality = minimality
        self.beta = beta
        self.temperature = temperature
        self.fusion = fusion
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.compile = compile
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train one encoder per modality.

        Parameters
        ----------
        X : mapping of str to array-like, Modalities, ClassPairs, torch Dataset, or table
            Paired data; a table needs `modalities` or a second table `y`.
        y : array-like, default=None
            With one table, the second one (a 1-d array of class labels is taken as one-hot rows).
            With any other form, labels for a later step, which are left alone.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are unfit; the message says what to do. A model fitted before
            is kept.
        mibsk.exceptions.DivergenceError
            If the loss becomes infinite or NaN.
        """
        self._validate_params()
        device = resolve_device(self.device)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        rng = np.random.default_rng(seed)
        from_table = is_table(X)
        if from_table:  # looked at here; what it says of the columns is kept if the fit succeeds
            check_table(X)
            validate_data(IBAligner(), X, skip_check_array=True)
        data = read_training_data(X, y, self.modalities, device, rng)
        self._check_fusion(data.form.names)
        source, validation = data.source, None
        if self.early_stopping:
            source, validation = split_validation(source, self.validation_fraction, rng)
        with seeded(seed, device):
            net = new_net(self, data, device, seed)
            if self.warm_start and hasattr(self, "net_"):
                go_on(net, data, self)
            net.validation = validation
            net.partial_fit(source)
            # a fitted estimator holds no data, nor the weights that early stopping put aside
            net.validation, net.callbacks, net.callbacks_ = None, None, []
        net.check_weights()
        for learned in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(learned, None)
        if from_table:
            validate_data(self, X, skip_check_array=True)
        self.form_, self.inputs_, self.net_ = data.form, data.inputs, net
        return self

    def transform(self, X: Any, y: Any = None) -> Any:
        """Embed paired data and fuse the modalities to one array.

        Parameters
        ----------
        X : mapping of str to array-like or table
            In the form that was fitted.
        y : array-like, default=None
            With two tables, rows of the second.

        Returns
        -------
        ndarray of float32 (n, n_features_out), or a pair of (n, n_components)
            For two tables the embeddings of `X`, and those of `y` too if it is given. Otherwise the
            modalities fused as `fusion` says.

        Raises
        ------
        ValueError, TypeError
            If the data do not look like those of `fit`, or a modality that `fusion` needs is
            missing.
        """
        check_is_fitted(self)
        self._check_fusion(self.modality_names_)
        embedded = self.embed(X, y)
        if self.form_.is_pair:
            return tuple(embedded.values()) if y is not None else embedded["x"]
        if self.fusion in embedded and self.fusion not in ("concat", "mean"):
            return embedded[self.fusion]
        if missing := [name for name in self.modality_names_ if name not in embedded]:
            raise ValueError(
                f"missing modality {missing}: fusion={self.fusion!r} needs {self.modality_names_}. "
                "Pass them, choose fusion=<name of one modality>, or use embed for a part."
            )
        if self.fusion == "mean":
            return np.mean(list(embedded.values()), axis=0)
        return np.concatenate(list(embedded.values()), axis=1)

    def embed(self, X: Any, y: Any = None) -> dict[str, np.ndarray]:
        """Embed each modality that is given, on its own.

        Parameters
        ----------
        X : mapping of str to array-like or table
            In the form that was fitted; a mapping may leave modalities out.
        y : array-like, default=None
            With two tables, rows of the second.

        Returns
        -------
        dict of str to ndarray of float32 (n, n_components)
            Rows of unit norm.
        """
        check_is_fitted(self)
        if is_table(X):
            check_table(X)
            validate_data(self, X, skip_check_array=True, reset=False)
        elif not isinstance(self.form_, MappingForm):
            raise TypeError(
                f"fitted on a table, got {type(X).__name__}: pass a table, or use "
                "encoder(modality).transform for the rows of one modality."
            )
        if isinstance(X, Dataset):
            return self._embed_dataset(X)
        given = self.form_.read(X, y)
        return {name: self.embed_modality(name, rows) for name, rows in given.items()}

    def _embed_dataset(self, X: Dataset[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        n_rows = len(X)  # type: ignore[arg-type]
        if n_rows == 0:
            raise ValueError("a torch Dataset must have at least one item.")
        parts = [self.embed(dataset_columns(X, list(chunk))) for chunk in chunks(n_rows)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def embed_modality(self, modality: str, X: Any) -> np.ndarray:
        """Embed rows of one modality.

        Parameters
        ----------
        modality : str
            Its name.
        X : array-like
            Its rows.

        Returns
        -------
        ndarray of float32 (n, n_components)
            Rows of unit norm.
        """
        check_is_fitted(self)
        self.check_modality(modality)
        prepared = self.inputs_[modality].prepare(X)
        encoder = self.module_.encoder(modality).eval()
        return embed_rows(encoder, prepared, torch.device(self.net_.device))

    def encoder(self, modality: str) -> ModalityEncoder:
        """Return the encoder of one modality as a fitted transformer."""
        check_is_fitted(self)
        self.check_modality(modality)
        return ModalityEncoder(self, modality)

    def check_modality(self, modality: str) -> None:
        """Raise ``ValueError`` if there is no such modality."""
        if modality not in self.modality_names_:
            raise ValueError(
                f"unknown modality {modality!r}; fitted on {self.modality_names_}."
                + suggest(modality, self.modality_names_)
            )

    def score(self, X: Any, y: Any = None) -> float:
        """Return mean recall@1 over all ordered pairs of modalities.

        A row counts if the most similar row of the other modality is its partner; for
        :class:`ClassPairs`, if it is of its class.

        Parameters
        ----------
        X : mapping of str to array-like or table
            All modalities, in the form that was fitted.
        y : array-like, default=None
            With two tables, rows of the second. Labels of any other form are left alone.

        Returns
        -------
        float
            In 0..1.
        """
        embedded = self.embed(X, y)
        if len(embedded) < len(self.modality_names_):
            raise ValueError(
                f"score compares all of {self.modality_names_}, got only {list(embedded)}."
            )
        labels = (X.labels, X.labels) if isinstance(X, ClassPairs) else None
        return float(
            np.mean(
                [recall_at_k(z, w, labels=labels) for z, w in permutations(embedded.values(), 2)]
            )
        )

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns of `transform`, such as "image_0" or "ibaligner0"."""
        check_is_fitted(self)
        width = range(self.module_.n_components)
        if self.fusion == "concat" and not self.form_.is_pair:
            names = [f"{name}_{i}" for name in self.modality_names_ for i in width]
        else:
            names = [f"{type(self).__name__.lower()}{i}" for i in width]
        return np.asarray(names, dtype=object)

    def _check_fusion(self, names: list[str]) -> None:
        known = ["concat", "mean", *names]
        if self.fusion not in known:
            raise ValueError(
                f"fusion must be 'concat', 'mean' or one of the modalities {names}, got "
                f"{self.fusion!r}." + suggest(self.fusion, known)
            )

    @property
    def modality_names_(self) -> list[str]:
        """Names of the modalities in the order of `fit`."""
        return self.form_.names

    @property
    def module_(self) -> AlignmentModule:
        """Encoders and objective, a torch module."""
        return self.net_.module_

    @property
    def history_(self) -> list[dict[str, Any]]:
        """One dict per epoch: loss, its parts, temperature, seconds."""
        hidden = ("batches", "train_batch_count", "valid_batch_count")
        return [
            {key: value for key, value in epoch.items() if key not in hidden}
            for epoch in self.net_.history
        ]

    @property
    def temperature_(self) -> float:
        """Temperature at the end of training."""
        return self.module_.objective.temperature().item()

    @property
    def n_iter_(self) -> int:
        """Number of epochs trained."""
        return len(self.net_.history)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.modalities is None
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.sparse = True
        return tags
