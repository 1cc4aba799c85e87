"""Terms of the objective: their properties, and the registries of their names."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, TypeVar, cast

import torch
from torch import nn

from .._checks.parameters import suggest
from ._holes import Item, Masks, complete_rows, groups_of, mean_by_rows, no_loss, rows_of

Loss = Callable[..., torch.Tensor]
Entry = TypeVar("Entry")


def pairwise_mean(
    loss: Callable[[Entry, Entry], torch.Tensor], items: Sequence[Entry]
) -> torch.Tensor:
    r"""Mean of ``loss(a, b)`` over the unordered pairs, :math:`\binom M2^{-1}\sum_{a<b} L(a, b)`.

    Parameters
    ----------
    loss : callable
        Loss of two modalities, which returns a Tensor ().
    items : sequence
        One entry per modality, at least two, in a fixed order (for one-way losses).

    Returns
    -------
    Tensor ()
    """
    if len(items) < 2:
        raise ValueError(f"a pairwise loss needs at least two modalities, got {len(items)}.")
    return torch.stack([loss(a, b) for a, b in combinations(items, 2)]).mean()


class LossModule(nn.Module):
    """Base class of modules in an objective whose parameters need special training.

    Attributes
    ----------
    pace : float
        Learning rate of its parameters, as a multiple of that of the encoders.
    """

    pace: float = 1.0

    def build(self, n_modalities: int, n_components: int) -> None:
        """Make parameters whose shapes depend on the number of modalities or the dimension."""

    def after_step(self) -> None:
        """Adjust the parameters after each optimizer step, e.g. clip them to bounds."""


@dataclass(frozen=True)
class Term:
    """A loss with the properties that training depends on.

    Parameters
    ----------
    loss : callable, nn.Module or nn.Module class
        Function of the embeddings of two modalities, with row `i` of both a pair, or of the list
        of all embeddings if `pairwise` is False, that returns a Tensor (). A module is copied for
        each objective, a class instantiated without arguments.
    pairwise : bool, default=True
        Whether `loss` takes two modalities; the objective is then the mean over all pairs.
    takes_groups : bool, default=False
        Whether `loss` has the keyword `groups`, a Tensor of int64 (n,) or None: rows of one group
        are not negatives of each other.
    takes_positives : bool, default=False
        Whether `loss` has the keyword `positives`, a bool: rows of one group are partners.
    takes_present : bool, default=False
        Whether `loss` has the keyword `present`, and computes on rows that lack modalities itself:
        a Tensor of bool (n,) for each modality that it takes, or None. The embeddings of rows
        that lack a modality are 0. Otherwise it is computed on the rows that have both modalities,
        or all.
    takes_unpaired : bool, default=False
        Whether rows of a single modality are in the batches; of use to a loss that takes `present`.
    takes_inputs : bool, default=False
        Whether `loss` has the keyword `inputs`: the flat rows that the encoders get, a Tensor
        (n, p_m) for each modality that it takes.
    """

    loss: Loss | type[nn.Module]
    pairwise: bool = True
    takes_groups: bool = False
    takes_positives: bool = False
    takes_present: bool = False
    takes_unpaired: bool = False
    takes_inputs: bool = False

    kind: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]]

    def own_loss(self) -> Loss:
        """Return the loss for one objective, with its own parameters."""
        if isinstance(self.loss, type):
            return self.loss()
        return copy.deepcopy(self.loss) if isinstance(self.loss, nn.Module) else self.loss

    def evaluate(
        self,
        loss: Loss,
        items: Sequence[Item],
        *args: Any,
        present: Masks = None,
        groups: torch.Tensor | None = None,
        positives: bool = False,
        inputs: Sequence[torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Return the value of the term for the embeddings of all modalities, a Tensor ().

        Parameters
        ----------
        loss : callable
            Result of :meth:`own_loss`.
        items : sequence of Tensor (n, d) or Embedding
            Embeddings of each modality, at least two.
        *args
            Further arguments of the loss.
        present : sequence of Tensor of bool (n,), default=None
            Which rows have each modality. None: all.
        groups : Tensor of int64 (n,), default=None
            Group of each row. None: groups of one row.
        positives : bool, default=False
            Whether rows of one group are partners.
        inputs : sequence of Tensor (n, p_m), default=None
            Flat input rows of each modality, for a term that takes them.

        Raises
        ------
        ValueError
            If there are fewer than two modalities, groups are not supported, inputs are missing, or
            the loss is not a single number.
        """
        if len(items) < 2:
            raise ValueError(f"a loss needs at least two modalities, got {len(items)}.")
        if groups is not None:
            self._check_groups(loss, positives)
        if self.takes_inputs and inputs is None:
            raise ValueError(f"the {self.kind} term {loss!r} needs the inputs of the encoders.")
        keywords: dict[str, Any] = {"positives": positives} if self.takes_positives else {}
        every = range(len(items))
        sets = combinations(every, 2) if self.pairwise else [every]
        values, weights = [], []
        for chosen in sets:
            taken, within = [items[m] for m in chosen], groups
            masks = None if present is None else [present[m] for m in chosen]
            read = [inputs[m] for m in chosen] if self.takes_inputs and inputs is not None else []
            weight = 1
            if self.takes_present:
                keywords["present"] = masks
            elif masks is not None:
                rows = complete_rows(masks)
                weight = len(rows)
                if weight < 2:  # a single row has nothing to be compared with
                    continue
                taken = [rows_of(item, rows) for item in taken]
                read = [x[rows] for x in read]
                within = groups_of(groups, rows)
            if self.takes_inputs:
                keywords["inputs"] = read
            if self.takes_groups:
                keywords["groups"] = within
            found = loss(*(taken if self.pairwise else [taken]), *args, **keywords)
            values.append(self._one_number(loss, found))
            weights.append(weight)
        return mean_by_rows(values, weights) if values else no_loss(items)

    def _check_groups(self, loss: Loss, positives: bool) -> None:
        if not self.takes_groups or (positives and not self.takes_positives):
            what = "groups of rows" if not self.takes_groups else "several partners of a row"
            raise ValueError(
                f"the {self.kind} term {loss!r} does not support {what}: choose another one, such "
                "as 'infonce', or train without groups."
            )

    def _one_number(self, loss: Loss, value: torch.Tensor) -> torch.Tensor:
        if value.ndim:
            raise ValueError(
                f"the {self.kind} term {loss!r} returned a tensor of shape "
                f"{tuple(value.shape)}: expected one number, such as the mean over rows."
            )
        return value


@dataclass(frozen=True)
class Sufficiency(Term):
    r"""A term that keeps shared information, ``loss(z, w, temperature)``.

    `z` and `w` are Tensors (n, d) of unit norm. The other parameters are those of :class:`Term`.

    Parameters
    ----------
    is_bound : bool, default=False
        Whether :math:`\log n` minus the loss of n rows is a lower bound of the mutual information,
        in nats.
    """

    is_bound: bool = False

    kind: ClassVar[str] = "sufficiency"
    arguments: ClassVar[tuple[str, ...]] = ("z", "w", "temperature")


@dataclass(frozen=True)
class Minimality(Term):
    """A term that removes modality-specific information, ``loss(a, b)``.

    `a` and `b` are of type :class:`Embedding`. The other parameters are those of :class:`Term`.

    Parameters
    ----------
    needs_variance : bool, default=False
        Whether encoders must return a log-variance in addition to the mean.
    """

    needs_variance: bool = False

    kind: ClassVar[str] = "minimality"
    arguments: ClassVar[tuple[str, ...]] = ("a", "b")


T = TypeVar("T", bound=Term)

SUFFICIENCY: dict[str, Sufficiency] = {}
"""Registered terms that keep shared information, by name."""

MINIMALITY: dict[str, Minimality] = {}
"""Registered terms that remove modality-specific information, by name."""


def register_sufficiency(name: str, loss: Loss | Sufficiency, *, overwrite: bool = False) -> None:
    """Make a loss available as ``IBAligner(sufficiency=name)``.

    Parameters
    ----------
    name : str
        The name.
    loss : callable, nn.Module, nn.Module class or Sufficiency
        ``(z, w, temperature) -> Tensor ()``; a :class:`Sufficiency` states more about it.
    overwrite : bool, default=False
        Replace the loss that has this name.

    Raises
    ------
    TypeError
        If `loss` cannot be called with these arguments.
    ValueError
        If the name is taken.

    Examples
    --------
    >>> from mibsk.losses import SUFFICIENCY, register_sufficiency
    >>> def squared_distance(z, w, temperature):
    ...     return (z - w).square().sum(1).mean() / temperature
    >>> register_sufficiency("squared-distance", squared_distance)
    >>> SUFFICIENCY.pop("squared-distance").is_bound
    False
    """
    _register(SUFFICIENCY, Sufficiency, name, loss, overwrite)


def register_minimality(name: str, loss: Loss | Minimality, *, overwrite: bool = False) -> None:
    """Make a loss ``(a, b) -> Tensor ()`` available as ``IBAligner(minimality=name)``.

    Parameters and errors are those of :func:`register_sufficiency`.

    Examples
    --------
    >>> from mibsk.losses import MINIMALITY, register_minimality
    >>> def absolute_distance(a, b):
    ...     return (a.mean - b.mean).abs().sum(1).mean()
    >>> register_minimality("absolute-distance", absolute_distance)
    >>> MINIMALITY.pop("absolute-distance").needs_variance
    False
    """
    _register(MINIMALITY, Minimality, name, loss, overwrite)


def sufficiency_term(given: Any) -> Sufficiency:
    """Return the term given by the parameter `sufficiency`, a registered name or a loss.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or the loss cannot be called as a sufficiency term.
    """
    return _as_term(SUFFICIENCY, Sufficiency, given)


def minimality_term(given: Any) -> Minimality:
    """Return the term given by the parameter `minimality`, a registered name or a loss.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or the loss cannot be called as a minimality term.
    """
    return _as_term(MINIMALITY, Minimality, given)


def _register(
    registry: dict[str, T], kind: type[T], name: str, loss: Loss | T, overwrite: bool
) -> None:
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, got {type(name).__name__}.")
    if name in registry and not overwrite:
        raise ValueError(
            f"A {kind.kind} term named {name!r} exists: choose another name, or pass "
            "overwrite=True."
        )
    registry[name] = _checked(kind, loss)


def _as_term(registry: dict[str, T], kind: type[T], given: Any) -> T:
    if not isinstance(given, str):
        return _checked(kind, given)
    if given not in registry:
        raise ValueError(
            f"{kind.kind} must be one of {sorted(registry)}, got {given!r}."
            + suggest(given, registry)
        )
    return registry[given]


def _checked(kind: type[T], given: Loss | T) -> T:
    """Return the term after checking the signature of its loss."""
    term = given if isinstance(given, kind) else kind(cast(Loss, given))
    names = term.arguments if term.pairwise else ("embeddings", *term.arguments[2:])
    keywords = {"inputs": "inputs"} if term.takes_inputs else {}
    signature = ", ".join((*names, *keywords))
    expected = f"{term.kind} must be a registered name or ({signature}) -> Tensor ()"
    called: Any = term.loss
    if isinstance(called, type) and issubclass(called, nn.Module):
        called, names = called.forward, ("self", *names)
    elif isinstance(called, nn.Module):
        called = called.forward
    elif isinstance(called, type) or not callable(called):
        raise TypeError(f"{expected}, got {called!r}.")
    try:
        inspect.signature(called).bind(*names, **keywords)
    except TypeError as error:
        raise TypeError(f"{expected}, got {term.loss!r} ({error}).") from error
    return term
