"""Estimator of encoders of paired data, aligned through an information bottleneck."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if

from ..canonical import Canonical
from ..data import is_table, read_form
from ..losses import Minimality, Sufficiency
from ..schedules import Learned, Schedule, SufficiencyBudget
from ..training import (
    LR_SCHEDULES,
    SAME_GROUP,
    Trained,
    check_objective,
    read_further_data,
    read_training_data,
    resolve_device,
    torch_defaults,
    train,
    uses_unpaired,
    with_groups,
)
from ._callback_support import TrainingTasks, callbacks_of, has_callbacks
from ._encoder_params import EncoderParamsMixin
from ._fitted import FittedAligner
from ._fusion import check_fusion
from ._model_file import ModelFileMixin
from ._paired import table_columns

MAX_SEED = np.iinfo(np.int32).max


def _trains_in_parts(aligner: Any) -> bool:
    """Return whether there is a `partial_fit`, which a budget of sufficiency does not allow."""
    if isinstance(aligner.beta, str | SufficiencyBudget):
        raise AttributeError(
            f"beta={aligner.beta!r} requires a whole training: use fit, or a number or a schedule "
            "with partial_fit."
        )
    return True


class IBAligner(EncoderParamsMixin, ModelFileMixin, FittedAligner):
    r"""Embed paired modalities in a shared space of their common information.

    One encoder per modality is trained on a contrastive loss, which keeps shared information, plus
    `beta` times an upper bound of the modality-specific information [1]_:

    .. math:: L = \mathrm{InfoNCE}_\tau(Z_\alpha, Z_\beta)
        + \beta\, E\big[\mathrm{KL}(p(z|x_\alpha)\,\|\,p(z|x_\beta))\big]

    Parameters
    ----------
    modalities : mapping of str to columns, default=None
        Columns of each modality in one table: names, positions, a slice, a mask or a callable, as
        in `sklearn.compose.ColumnTransformer`. None for a mapping or two tables.
    encoders : str, nn.Module, factory or mapping of those, default="auto"
        One specification for all modalities, or one per name (those left out are "auto"). A
        specification is a name (`mibsk.encoders.encoder_names()`), ``"pretrained:PATH"`` (see
        `mibsk.encoders.Pretrained`), a `torch.nn.Module`, or a factory ``(input_shape, n_outputs)
        -> nn.Module`` such as ``MLP(hidden=(512, 256))``. "network" chooses a network from shape
        and type (`mibsk.encoders.auto_encoder`); "canonical" is canonical correlation analysis of
        the inputs in closed form, for all modalities, without a network. "auto" puts the closed
        form beside the networks, with the weight that suits held-out pairs, which can be that of
        one of the two alone; in a mapping, it is "network".
    input_scaling : {"auto", "columns", "modality"}, None or mapping of those, default="auto"
        Scaling of dense input, for all modalities or one per name (those left out are "auto"). It
        is learned by the first `fit`, and not applied to sparse rows and text.

        ============  ===========================================================================
        "columns"     mean 0 and standard deviation 1 in each column (in each channel of
                      spectrograms and images)
        "modality"    mean 0 in each column, and one scale for all
        None          no scaling
        "auto"        "modality" for rows of shape (d,) whose columns have similar standard
                      deviations (90th percentile at most 10 times the 10th) and are not all
                      zeros and ones; else "columns"; training values are at most 10
        ============  ===========================================================================
    n_components : int, default=64
        Dimension in which the encoders are trained; that of the embeddings without `bottleneck`,
        and their largest dimension with it.
    sufficiency : str, callable or nn.Module, default="infonce"
        The term that keeps shared information: a name in `mibsk.losses.SUFFICIENCY`, such as
        "siglip", "ova" or "symile" (see `docs/objectives.md`), or a loss ``(z, w, temperature) ->
        Tensor ()`` of two modalities.
    minimality : str, callable or nn.Module, default="gaussian"
        The term that removes modality-specific information: a name in `mibsk.losses.MINIMALITY`,
        such as "variational" or "cs", or a loss ``(a, b) -> Tensor ()`` of two
        `mibsk.losses.Embedding`.
    same_group : {"negative", "ignored", "positive", "apart"}, default="negative"
        What the other pairs of a group are to a pair in the sufficiency term, where `fit` gets
        `groups`: negatives, as pairs of other groups are; not compared, for duplicates; further
        partners, for several texts of one image; or kept in other batches, and not compared where
        that is impossible. In `ClassPairs` and with class labels, the groups are the classes.
    bottleneck : {"canonical"}, Canonical or None, default="canonical"
        Last stage of `fit`: canonical correlation analysis of the embeddings, of which only the
        directions that the modalities share are kept, as one linear map after each encoder.
        "canonical" is equivalent to `mibsk.canonical.Canonical()`, which has the settings. The
        embeddings then have `n_components_` dimensions; if no direction is shared, they are left
        as trained. None is the method of the paper [1]_, without this stage.
    beta : float, Schedule, "auto" or SufficiencyBudget, default=1.0
        Weight of minimality, >= 0; 0 is the contrastive loss alone. A schedule of
        `mibsk.schedules` changes it from epoch to epoch; "auto" increases it as far as `budget`
        allows, and is equivalent to `SufficiencyBudget(budget)`.
    budget : float, default=0.02
        With ``beta="auto"``, the fraction of sufficiency on held-out pairs that may be lost.
    temperature : "learned", float, Learned or Schedule, default="learned"
        Temperature of the contrastive loss: learned, starting at 0.07 (its logarithm, at ten times
        `lr`); learned within bounds; fixed; or changed from epoch to epoch.
    fusion : "concat", "mean" or the name of a modality, default="concat"
        Output of `transform` for several modalities. The keywords take precedence over a
        modality of that name.
    max_epochs : int or "auto", default="auto"
        Number of epochs; "auto" is 20, or as many as it takes for 300 steps.
    batch_size : int, default=128
        Largest number of pairs in a batch; -1 for all.
    chunk_size : int, default=None
        Largest number of rows that an encoder processes at a time, for batches larger than memory.
        The gradients are those of the whole batch, except that batch normalisation uses the
        statistics of each chunk. See `docs/long-training.md`.
    lr : float, default=5e-3
        Learning rate, the largest one with `lr_schedule`.
    lr_schedule : {"cosine", "cosine-by-step"} or None, default="cosine"
        "cosine" raises the rate over the first tenth of the epochs, then lowers it to 0, and
        "cosine-by-step" over their steps; a skorch `LRScheduler` in `callbacks` takes its place.
    optimizer : str or callable, default="Adam"
        Name of a class in `torch.optim`, fused on a CPU if torch has a fused form, or a callable
        ``(params, lr=...) -> Optimizer``, which is left as it is.
    early_stopping : bool, default=False
        Whether to stop when the loss on held-out pairs no longer falls, and keep the best epoch.
    validation_fraction : float, default=0.1
        Fraction of the pairs held out, with `early_stopping` or ``beta="auto"``. With
        ``encoders="auto"``, at least 100 pairs (or a quarter of them) and at most 1,000 are held
        out in the first half of the epochs, and trained on in the second.
    n_iter_no_change : int, default=10
        Number of epochs without improvement before training stops, with `early_stopping`.
    callbacks : list of skorch callbacks, default=None
        Additional callbacks of the training. Those of scikit-learn (1.9 and later) are passed to
        `set_callbacks` instead; the epochs are then the subtasks of `fit`.
    checkpoint : path, default=None
        Folder in which a checkpoint is written after each epoch. Running the same `fit` again
        after an interruption continues from it and gives the same model. Several trainings can
        share the folder, as in a grid search; `random_state` must be an integer.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous call. These checks of
        `sklearn.utils.estimator_checks` then fail, as a second `fit` differs from the first:
        `check_transformer_general` (twice), `check_transformer_data_not_an_array`,
        `check_pipeline_consistency`.
    device : str or torch.device, default="auto"
        Device to train on; "auto" is the GPU if there is one.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Data type of the encoders during training: "auto" is bfloat16 on a GPU that supports it, and
        for `ResNet` and `ViT` on a CPU that does (AVX512_BF16); else float32. The loss and
        `transform` always use float32.
    compile : bool, default=False
        Whether to compile the encoders with `torch.compile`. Rarely worthwhile on a CPU: an epoch
        takes 0.9 to 1 of the time, the first one seconds to minutes longer.
    verbose : int, default=0
        If 1, show the progress of training: a bar in a terminal or notebook, elsewhere a line for
        every tenth of the epochs. If 2, print a line for each epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of the training. An integer gives the same model, bit for bit, on the same machine.

    Attributes
    ----------
    modality_names_ : list of str
        Names of the modalities in the order of `fit`; "x" and "y" for two tables.
    inputs_ : dict of str to InputSpec
        Kind, shape and type of the rows of each modality.
    net_ : skorch.NeuralNet
        The trained net; `net_.module_` holds encoders and objective.
    n_components_ : int
        Dimension of the embeddings: the number of directions kept by `bottleneck`.
    correlations_ : DataFrame
        Correlations of the canonical directions, strongest first. ``train`` and ``cross_fitted``
        are those of the training pairs, which networks can learn by heart: they are too large then,
        and so is the number of directions ``kept``. ``held_out``, with the ends ``low`` and
        ``high`` of its interval, is measured on pairs that the networks have not seen: those of
        ``encoders="auto"``, after the first half of the epochs, or of `validation_fraction`.
        Without such pairs (less than 20 pairs, a warm start), the interval is that of
        ``cross_fitted``. If the closed form stands alone, ``cross_fitted`` is of pairs that did not
        determine it. Only defined with `bottleneck`.
    selection_ : DataFrame
        Weights ``alpha`` of the closed form that were compared, as index, with ``loss`` (InfoNCE
        in nats) and ``recall`` (share of rows whose partner is nearest) on held-out pairs, and
        which was ``chosen``: 0 is the networks alone, infinity the closed form alone. Only defined
        with ``encoders="auto"`` or ``"canonical"``; empty if none were compared.
    history_ : list of dict
        For each epoch: loss and its parts, modality gap, alignment, uniformity, `beta`,
        temperature, time.
    loss_terms_ : list of str
        Names of the summands of the loss in `history_`.
    beta_, temperature_ : float
        Values at the end of training.
    n_iter_ : int
        Number of epochs trained.
    n_features_in_ : int
        Number of columns; only defined for a table.
    feature_names_in_ : ndarray of str
        Names of the columns, if all are strings.

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
    >>> aligner.transform(halves).shape == (1797, 2 * aligner.n_components_)
    True
    >>> sorted(aligner.embed({"left": halves["left"]}))
    ['left']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "modalities": [Mapping, None],
        "encoders": [str, torch.nn.Module, callable, Mapping],
        "input_scaling": [str, Mapping, None],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "sufficiency": [str, callable, Sufficiency],
        "minimality": [str, callable, Minimality],
        "same_group": [StrOptions(set(SAME_GROUP))],
        "bottleneck": [StrOptions({"canonical"}), Canonical, None],
        "beta": [
            Interval(Real, 0, np.inf, closed="left"),
            StrOptions({"auto"}),
            Schedule,
            SufficiencyBudget,
        ],
        "budget": [Interval(Real, 0, 1, closed="neither")],
        "temperature": [
            Interval(Real, 0, np.inf, closed="neither"),
            StrOptions({"learned"}),
            Learned,
            Schedule,
        ],
        "fusion": [str],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 2, None, closed="left"), Options(Integral, {-1})],
        "chunk_size": [Interval(Integral, 2, None, closed="left"), None],
        "lr": [Interval(Real, 0, 1e30, closed="neither")],
        "lr_schedule": [StrOptions(set(LR_SCHEDULES)), None],
        "optimizer": [str, callable],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, tuple, None],
        "checkpoint": [str, PathLike, None],
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
        input_scaling: Any = "auto",
        n_components: int = 64,
        sufficiency: Any = "infonce",
        minimality: Any = "gaussian",
        same_group: str = "negative",
        bottleneck: str | Canonical | None = "canonical",
        beta: float | str | Schedule | SufficiencyBudget = 1.0,
        budget: float = 0.02,
        temperature: float | str | Learned | Schedule = "learned",
        fusion: str = "concat",
        max_epochs: int | str = "auto",
        batch_size: int = 128,
        chunk_size: int | None = None,
        lr: float = 5e-3,
        lr_schedule: str | None = "cosine",
        optimizer: Any = "Adam",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        callbacks: list[Any] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        warm_start: bool = False,
        device: Any = "auto",
        precision: str = "auto",
        compile: bool = False,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.modalities = modalities
        self.encoders = encoders
        self.input_scaling = input_scaling
        self.n_components = n_components
        self.sufficiency = sufficiency
        self.minimality = minimality
        self.same_group = same_group
        self.bottleneck = bottleneck
        self.beta = beta
        self.budget = budget
        self.temperature = temperature
        self.fusion = fusion
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.chunk_size = chunk_size
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.optimizer = optimizer
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.compile = compile
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Train one encoder per modality.

        Parameters
        ----------
        X : mapping of str to array-like, Modalities, ClassPairs, Dataset, list of dict, or table
            Paired data; a table needs `modalities` or a second table `y`. Rows may lack modalities:
            None in a list, a masked row, or a row of NaN.
        y : array-like, default=None
            With one table, the second one (a 1-d array of class labels is taken as one-hot rows).
            With any other form, labels for a later step, which are ignored.
        groups : array-like of shape (n,), default=None
            Groups of pairs that are not independent, such as the recordings of one speaker; of
            `ClassPairs`, those of the anchors. Wherever pairs are held out, rows of one group are
            held out together; in the loss they are what `same_group` says.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid; the message says what to do. A model fitted
            before is kept.
        mibsk.exceptions.DivergenceError
            If the loss becomes infinite or NaN.

        Warns
        -----
        mibsk.exceptions.FewHeldOutWarning
            If one pair of those held out for ``beta="auto"`` is more than the budget.
        mibsk.exceptions.NothingSharedWarning
            If no direction is distinguishable from chance on pairs that were held out: neither of
            the inputs in closed form, nor of the embeddings of the networks.
        """
        return self._adopt(self._learn(X, y, groups, resume=self.warm_start))

    @available_if(_trains_in_parts)
    def partial_fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Train for one more epoch, on some of the data.

        The first call learns from its rows the kind, shape and scale of each modality; later calls
        need rows of the same kind and shape. `early_stopping`, `checkpoint` and `bottleneck`, which
        needs all pairs, are ignored.

        Parameters
        ----------
        X, y, groups
            As in :meth:`fit`; the groups are those of these pairs, for `same_group`.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError, mibsk.exceptions.DivergenceError
            As in :meth:`fit`. The model is then unchanged.
        """
        return self._adopt(self._learn(X, y, groups, resume=True, whole=False))

    @torch_defaults()
    def _learn(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        *,
        resume: bool,
        whole: bool = True,
        seed: int | None = None,
    ) -> Trained:
        """Read the data and train, without changing this aligner.

        `resume` continues from an earlier fit if there is one, `whole` distinguishes a whole
        training from one epoch of a `partial_fit`, and `seed` is drawn unless it is given.
        """
        self._validate_params()
        if seed is None:
            seed = int(check_random_state(self.random_state).randint(MAX_SEED))
        check_objective(self)
        device, rng = resolve_device(self.device), np.random.default_rng(seed)
        earlier = self.trained_ if resume and self.__sklearn_is_fitted__() else None
        if earlier is not None:
            X, columns = self.check_form(X), earlier.columns
            data = read_further_data(
                X, y, self.modalities, device, rng, self.input_scaling, earlier
            )
        else:
            columns = table_columns(X) if is_table(X) else {}
            form = read_form(X, y, self.modalities)
            data = read_training_data(X, y, form, device, rng, self.input_scaling, self.encoders)
        check_fusion(self.fusion, data.form.names)
        if data.presence is not None and uses_unpaired(self):
            data = data.with_unpaired()
        data = with_groups(self, data, groups, X, whole=whole, warns=earlier is None)
        tasks = None
        if has_callbacks(self):
            tasks = TrainingTasks(self, X, y, "fit" if whole else "partial-fit")
        with callbacks_of(self):
            return train(
                self,
                data,
                columns,
                seed=seed,
                device=device,
                rng=rng,
                earlier=earlier,
                whole=whole,
                observer=tasks,
            )

    def _adopt(self, trained: Trained) -> Self:
        """Set the fitted attributes from a training."""
        self.trained_ = trained
        return self
