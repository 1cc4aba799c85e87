"""Checks, module and callbacks of the objective, from the parameters of an aligner."""

from __future__ import annotations

import math
import warnings
from typing import Any

from skorch.callbacks import Callback

from ..canonical import Canonical
from ..data import Batches, Source, StreamSource
from ..exceptions import FewHeldOutWarning
from ..losses import IBObjective, Sufficiency, Temperature, minimality_term, sufficiency_term
from ..schedules import Learned, Schedule, SufficiencyBudget
from ._budget_control import BudgetControl
from ._params import AlignerParams
from ._scheduled import Scheduled
from ._source_rows import n_comparable


def check_objective(aligner: AlignerParams) -> None:
    """Raise unless terms, beta and temperature are valid and match the other parameters."""
    beta, budget = aligner.beta, sufficiency_budget(aligner)
    sufficiency = sufficiency_term(aligner.sufficiency)
    minimality_term(aligner.minimality)
    if aligner.same_group in ("ignored", "positive"):
        _check_same_group(aligner, sufficiency)
    if isinstance(aligner.temperature, Schedule) and aligner.temperature.lowest <= 0:
        raise ValueError(
            f"temperature={aligner.temperature!r} falls to {aligner.temperature.lowest:g}: "
            "expected a schedule whose values are all > 0."
        )
    if budget is None:
        return
    if budget.monitor == "bound" and not sufficiency.is_bound:
        raise ValueError(
            f"beta={budget!r} monitors an information bound, which "
            f"sufficiency={aligner.sufficiency!r} does not provide: use monitor='recall'."
        )
    if aligner.early_stopping:
        raise ValueError(
            f"beta={beta!r} starts without compression, which early_stopping would select: set "
            "early_stopping=False."
        )
    if aligner.max_epochs != "auto" and aligner.max_epochs < 2:
        raise ValueError(
            f"beta={beta!r} needs an epoch without compression and one with it: expected "
            f"max_epochs >= 2, got {aligner.max_epochs}."
        )


def _check_same_group(aligner: AlignerParams, term: Sufficiency) -> None:
    """Raise ``ValueError`` if the sufficiency term does not support `same_group`."""
    how = aligner.same_group
    if not term.takes_groups:
        raise ValueError(
            f"same_group={how!r} needs a sufficiency term that takes groups of rows, which "
            f"{aligner.sufficiency!r} does not: choose 'infonce', or same_group='apart'."
        )
    if how == "positive" and not term.takes_positives:
        raise ValueError(
            "same_group='positive' needs a sufficiency term that takes several partners of a row, "
            f"which {aligner.sufficiency!r} does not: choose 'infonce', or same_group='ignored'."
        )


def build_objective(aligner: AlignerParams) -> IBObjective:
    """Return the untrained objective."""
    beta = aligner.beta
    if isinstance(beta, Schedule):
        beta = float(beta(0.0))
    elif isinstance(beta, str | SufficiencyBudget):
        beta = 0.0
    temperature = _temperature(aligner.temperature)
    positives = aligner.same_group == "positive"
    return IBObjective(
        aligner.sufficiency, aligner.minimality, beta, temperature, positives=positives
    )


def uses_unpaired(aligner: AlignerParams) -> bool:
    """Whether a term of the objective uses rows of a single modality."""
    terms = sufficiency_term(aligner.sufficiency), minimality_term(aligner.minimality)
    return any(term.takes_unpaired for term in terms)


def is_learned(temperature: Any) -> bool:
    """Whether the temperature is trained."""
    return isinstance(temperature, str | Learned)


def sufficiency_budget(aligner: AlignerParams) -> SufficiencyBudget | None:
    """Return the budget that controls beta, if any."""
    if isinstance(aligner.beta, str):
        return SufficiencyBudget(aligner.budget)
    return aligner.beta if isinstance(aligner.beta, SufficiencyBudget) else None


def reason_to_hold_out(aligner: AlignerParams) -> str | None:
    """Return the parameter that requires held-out pairs, as text for messages."""
    if aligner.early_stopping:
        return "early_stopping"
    if sufficiency_budget(aligner) is not None:
        return f"beta={aligner.beta!r}"
    return f"bottleneck={aligner.bottleneck!r}" if bottleneck_holds_out(aligner) else None


def bottleneck_holds_out(aligner: AlignerParams) -> bool:
    """Whether the last stage measures correlations on held-out pairs."""
    return isinstance(aligner.bottleneck, Canonical) and aligner.bottleneck.hold_out


def objective_callbacks(
    aligner: AlignerParams,
    source: Source | StreamSource,
    held_out: Source | None,
    *,
    first: int,
    n_epochs: int,
) -> list[tuple[str, Callback]]:
    """Return the callbacks that set beta and temperature during training, by name."""
    callbacks: list[tuple[str, Callback]] = []
    schedules = [
        value if isinstance(value, Schedule) else None
        for value in (aligner.beta, aligner.temperature)
    ]
    if any(schedules):
        callbacks.append(("scheduled", Scheduled(*schedules, first=first, n_epochs=n_epochs)))
    budget = sufficiency_budget(aligner)
    if budget is not None:
        assert held_out is not None
        assert not isinstance(source, StreamSource)  # a stream has no held-out pairs
        _warn_few_held_out(aligner, budget, n_comparable(held_out))
        n_steps = len(Batches(source, aligner.batch_size, seed=None))
        control = BudgetControl(budget, held_out, first=first, n_epochs=n_epochs, n_steps=n_steps)
        callbacks.append(("budget", control))
    return callbacks


def _warn_few_held_out(aligner: AlignerParams, budget: SufficiencyBudget, n: int) -> None:
    """Warn if one of `n` held-out pairs is more than the budget."""
    if n * budget.budget >= 1:
        return
    enough = math.ceil(1 / (budget.budget * aligner.validation_fraction))
    warnings.warn(
        f"beta={aligner.beta!r} measures a loss of {budget.budget:g} on {n} held-out pairs, of "
        f"which a single one is {1 / n:.2g}: pass at least {enough} pairs, increase "
        "validation_fraction or the budget, or set beta to a number.",
        FewHeldOutWarning,
        stacklevel=2,
    )


def _temperature(given: Any) -> Temperature:
    if isinstance(given, Learned):
        return Temperature(given.start, bounds=(given.low, given.high))
    if isinstance(given, Schedule):
        return Temperature(given(0.0), learned=False)
    return Temperature() if is_learned(given) else Temperature(given, learned=False)
