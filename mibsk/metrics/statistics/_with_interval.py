"""The argument `ci` of every metric."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from ._interval import CI, Bootstrap, Estimate

P = ParamSpec("P")
Value = TypeVar("Value", covariant=True)
WithEnds = TypeVar("WithEnds", covariant=True)

Sampled = Callable[[CI], float | Estimate]
"""From `ci` to the value of a metric, with an interval unless `ci` is None."""
SampledFactors = Callable[[CI], float | Estimate | dict[Any, float] | dict[Any, Estimate]]
"""The same for metrics that return a dict for several factors."""


class Metric(Protocol[P, Value, WithEnds]):
    """A metric with the parameters ``P`` and `ci`, which decides what it returns."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Value: ...
    @overload
    def __call__(self, *args: Any, ci: None, **kwargs: Any) -> Value: ...
    @overload
    def __call__(self, *args: Any, ci: float | Bootstrap, **kwargs: Any) -> WithEnds: ...


FactorMetric = Metric[P, float | dict[Any, float], Estimate | dict[Any, Estimate]]


@overload
def with_interval(function: Callable[P, Sampled]) -> Metric[P, float, Estimate]: ...
@overload
def with_interval(function: Callable[P, SampledFactors]) -> FactorMetric[P]: ...
def with_interval(function: Callable[..., SampledFactors]) -> Any:
    """Make a metric of a function that returns how its value varies: add the argument `ci`."""

    @wraps(function)
    def metric(*args: Any, ci: CI = None, **kwargs: Any) -> Any:
        return function(*args, **kwargs)(ci)

    signature = inspect.signature(function)
    ci = inspect.Parameter("ci", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="CI")
    parameters = [*signature.parameters.values(), ci]
    metric.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation="float | Estimate"
    )
    return metric
