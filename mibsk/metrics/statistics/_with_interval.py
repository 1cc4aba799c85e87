"""The argument `ci` of every metric."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from ._interval import CI, Bootstrap, Estimate, check_groups

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
        sampled = function(*args, **kwargs)
        if ci is not None:
            check_groups(ci, _drawn(signature.bind(*args, **kwargs).arguments))
        return sampled(ci)

    signature = inspect.signature(function)
    ci = inspect.Parameter("ci", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="CI")
    parameters = [*signature.parameters.values(), ci]
    metric.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=parameters, return_annotation="float | Estimate"
    )
    return metric


def _drawn(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a metric that have one row per row that is drawn."""
    if "Z" in arguments:  # of these rows, only those that are held out are drawn
        return {name: arguments.get(name) for name in ("Z_test", "labels_test")}
    if "runs" in arguments:
        return {f"run {i}": run for i, run in enumerate(arguments["runs"])}
    rows = {name: arguments.get(name) for name in ("X", "Y", "sample_weight")}
    if arguments.get("labels") is not None:  # then row i of Y is no partner of row i of X
        rows |= {"Y": None, "labels[0]": arguments["labels"][0]}
    return rows
