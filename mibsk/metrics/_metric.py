"""Descriptions of metrics: each is declared once, beside its function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, overload

from ._resampling import Bootstrap, Estimate

Kind = Literal["alignment", "geometry", "retrieval", "information"]
Compares = Literal["pair", "both ways", "each side", "factors"]

V = TypeVar("V", covariant=True)
E = TypeVar("E", covariant=True)


class WithInterval(Protocol[V, E]):
    """A function that returns a value, or, with `ci`, an estimate with an interval."""

    __name__: str

    @overload
    def __call__(self, *args: Any, ci: None = None, **kwargs: Any) -> V: ...
    @overload
    def __call__(self, *args: Any, ci: float | Bootstrap, **kwargs: Any) -> E: ...


PairMetric = WithInterval[float, Estimate]
FactorMetric = WithInterval[float | dict[Any, float], Estimate | dict[Any, Estimate]]


@dataclass(frozen=True)
class Metric:
    """A metric and what it needs.

    Parameters
    ----------
    function : callable
        Takes ``ci=``.
    kind : {"alignment", "geometry", "retrieval", "information"}
        What it measures.
    better : {"higher", "lower"}
        Which values are better.
    compares : {"pair", "both ways", "each side", "factors"}
        Whether it takes two representations, with the same value in either order or not, one
        representation, or one representation and labels of factors.
    one_space : bool
        Whether both representations need the same columns.
    """

    function: Callable[..., Any]
    kind: Kind
    better: Literal["higher", "lower"] = "higher"
    compares: Compares = "pair"
    one_space: bool = False


METRICS: dict[str, Metric] = {}
"""All metrics that take ``ci=``, by name."""


def metric(kind: Kind, **facts: Any) -> Callable[[Callable[..., Any]], PairMetric]:
    """Declare a metric; the decorated function stays as it is.

    Parameters
    ----------
    kind : str
        See :class:`Metric`.
    **facts
        The other parameters of :class:`Metric`.
    """

    def declare(function: Callable[..., Any]) -> Any:
        METRICS[function.__name__] = Metric(function, kind, **facts)
        return function

    return declare


def factor_metric(**facts: Any) -> Callable[[Callable[..., Any]], FactorMetric]:
    """Declare a metric of factors that can be read from one representation, as :func:`metric`."""
    declare: Any = metric("information", compares="factors", **facts)
    return declare
