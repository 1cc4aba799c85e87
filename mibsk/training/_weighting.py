"""What `beta` and `temperature` of an aligner become: numbers, modules and callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skorch.callbacks import Callback

from ..data import Batches, Source, StreamSource
from ..losses import Temperature, minimality_term, sufficiency_term
from ..schedules import Learned, Schedule, SufficiencyBudget
from ._budget_control import BudgetControl
from ._scheduled import Scheduled


def sufficiency_budget(beta: Any, budget: float) -> SufficiencyBudget | None:
    """Return the budget that determines beta, if one does."""
    if isinstance(beta, str):
        return SufficiencyBudget(budget)
    return beta if isinstance(beta, SufficiencyBudget) else None


def initial_beta(beta: Any) -> float:
    """Return the value of beta before the first step."""
    if isinstance(beta, Schedule):
        return float(beta(0.0))
    return 0.0 if isinstance(beta, str | SufficiencyBudget) else float(beta)


def is_learned(temperature: Any) -> bool:
    """Whether gradients change the temperature."""
    return isinstance(temperature, str | Learned)


def make_temperature(temperature: Any) -> Temperature:
    """Return the temperature before the first step."""
    if isinstance(temperature, Learned):
        bounds = temperature.low, temperature.high
        return Temperature(temperature.start, bounds=bounds)
    if isinstance(temperature, Schedule):
        return Temperature(temperature(0.0), learned=False)
    return Temperature() if is_learned(temperature) else Temperature(temperature, learned=False)


def check_objective(params: Mapping[str, Any], *, whole: bool) -> None:
    """Raise unless terms, beta and temperature are valid and fit the other parameters.

    Parameters
    ----------
    params : mapping of str to object
        Parameters of the aligner; each is valid by itself.
    whole : bool
        Whether this is a whole training rather than one epoch of a `partial_fit`.
    """
    sufficiency = sufficiency_term(params["sufficiency"])
    minimality_term(params["minimality"])
    temperature = params["temperature"]
    if isinstance(temperature, Schedule) and temperature.lowest <= 0:
        raise ValueError(
            f"temperature={temperature!r} falls to {temperature.lowest:g}: expected a schedule "
            "whose values are all > 0."
        )
    budget = sufficiency_budget(params["beta"], params["budget"])
    if budget is None:
        return
    if budget.monitor == "bound" and not sufficiency.is_bound:
        raise ValueError(
            f"beta={budget!r} monitors a bound of information, which "
            f"sufficiency={params['sufficiency']!r} does not give: use monitor='recall'."
        )
    if not whole:
        raise ValueError(
            f"beta={params['beta']!r} is found over a whole training: use fit, or give partial_fit "
            "a number or a schedule."
        )
    if params["early_stopping"]:
        raise ValueError(
            f"beta={params['beta']!r} begins without compression, which early_stopping would keep: "
            "set early_stopping=False."
        )
    if params["max_epochs"] < 2:
        raise ValueError(
            f"beta={params['beta']!r} needs an epoch without compression and one with it: expected "
            f"max_epochs >= 2, got {params['max_epochs']}."
        )


def weighting_callbacks(
    params: Mapping[str, Any],
    source: Source | StreamSource,
    held_out: Source | None,
    *,
    first: int,
    n_epochs: int,
) -> list[tuple[str, Callback]]:
    """Return the callbacks that set beta and temperature while training, by name.

    Parameters
    ----------
    params : mapping of str to object
        Of the aligner.
    source : Source or StreamSource
        Pairs to train on.
    held_out : Source or None
        Held-out pairs on which a budget is monitored.
    first : int
        Number of epochs in the history before progress 0.
    n_epochs : int
        Number of epochs from there to progress 1.
    """
    callbacks: list[tuple[str, Callback]] = []
    schedules = [
        value if isinstance(value, Schedule) else None
        for value in (params["beta"], params["temperature"])
    ]
    if any(schedules):
        callbacks.append(("scheduled", Scheduled(*schedules, first=first, n_epochs=n_epochs)))
    budget = sufficiency_budget(params["beta"], params["budget"])
    if budget is not None:
        assert held_out is not None
        assert not isinstance(source, StreamSource)  # nothing is held out of one
        n_steps = len(Batches(source, params["batch_size"], seed=None))
        control = BudgetControl(budget, held_out, first=first, n_epochs=n_epochs, n_steps=n_steps)
        callbacks.append(("budget", control))
    return callbacks
